"""What docs/pulling.md says, done word for word against a server that stands for the partner's."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.operate import wiring
from gateway.operate.exchange.outboxes import send_once
from gateway.operate.exchange.pulling import pull
from gateway.operate.exchange.pushing import way_to
from gateway.workspace.loader import load
from tests.acceptance.workspaces import make, reopened, sample
from tests.gateway.operate.exchange.pulling_scene import SOURCE
from tests.sftp.partner_server import missing, partner_server

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
PAGE = (Path(__file__).parents[4] / "docs" / "pulling.md").read_text(encoding="utf-8")
_PINNED = "SHA256:uNiVztksCsDhcc0u9e8BrQXVCWs6KTcjVqm8jCWHdjA"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.+?)```", PAGE, re.DOTALL)


def test_the_page_works_as_it_is_written(tmp_path: Path) -> None:
    connection, lines, answers = blocks("yaml")
    workspace = make(tmp_path / "w")
    subprocess.run(["bash", "-e", "-c", blocks("sh")[0]], cwd=workspace, check=True, timeout=60)
    with partner_server(tmp_path / "sshd") as server:
        shutil.copy(workspace / "secrets" / "acme-server" / "key.pub", tmp_path / "sshd" / "authorized")
        (server.root / "out" / "taken").mkdir(parents=True)
        (server.root / "in").mkdir()
        here = {
            "gateway@sftp.acme.example:22": f"{server.where.user}@127.0.0.1:{server.where.port}",
            _PINNED: server.where.fingerprints[0],
            "sftp://acme-server/": f"sftp://acme-server{server.root}/",
            "settle:   30s": "settle:   none",
        }
        for old, new in here.items():
            assert old in connection + lines + answers
            connection, lines, answers = (text.replace(old, new) for text in (connection, lines, answers))
        (workspace / "connections.yaml").write_text(connection)
        flow = workspace / "integrations" / "acme-orders.yaml"
        flow.write_text(flow.read_text().replace(SOURCE, f"{lines}answer: 997"))
        partner = workspace / "partners" / "acme.yaml"
        partner.write_text(f"{partner.read_text()}\n{answers}")
        server.put("out/orders.edi", sample("acme-orders.edi"))
        with reopened(workspace) as place:
            place.clock.now = datetime(2030, 11, 18, 12, tzinfo=UTC)  # a Monday, within the window
            wiring.apply(place.gateway, load(workspace))
            place.clock.forward(1)
            pull(place.gateway, threading.Event(), until_idle=True)
            place.work()
            [delivery] = place.get("/api/v1/deliveries")["items"]
            assert delivery["state"] == "partly_accepted"
            place.clock.forward(3600)
            while send_once(place.gateway, "test", way_to("acme-server")):
                pass
        assert [each.name for each in (server.root / "out" / "taken").iterdir()] == ["orders.edi"]
        assert not (server.root / "out" / "orders.edi").exists()
        assert any(each.read_bytes().startswith(b"ISA*") for each in (server.root / "in").iterdir())
        assert not any(each.name.endswith(".part") for each in (server.root / "in").iterdir())


def test_the_page_names_every_line() -> None:
    from gateway.workspace.remotes import LINES, OF_SFTP  # noqa: PLC0415

    for name in (*LINES, *OF_SFTP.keys() - {"connect_timeout"}, "answers"):
        assert re.search(rf"`?{name}(:|`)", PAGE), name
