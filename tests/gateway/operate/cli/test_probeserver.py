"""A partner's server is looked at from the command line, before its key is pinned and after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gateway.operate.cli import gateway as command_line
from tests.gateway.operate.exchange.pulling_scene import describe
from tests.sftp.partner_server import PartnerServer, missing, partner_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartnerServer]:
    with partner_server(tmp_path_factory.mktemp("partner") / "sshd") as one:
        yield one


def asked(*words: str) -> Result:
    return CliRunner().invoke(command_line, [*words])


def test_the_keys_of_a_server_that_is_declared_nowhere_are_shown(server: PartnerServer) -> None:
    done = asked("probe", f"sftp://127.0.0.1:{server.where.port}")
    assert done.exit_code == 0, done.output
    for fingerprint in server.fingerprints.values():
        assert fingerprint in done.output
    assert "Ask the partner, over another way" in done.output
    assert "pinned" not in done.output


def test_a_declared_server_shows_its_pinned_key_and_what_lies_in_its_folders(
    server: PartnerServer, tmp_path: Path
) -> None:
    describe(tmp_path / "w", server, "seen")
    server.put("seen/orders.edi", b"12345")
    server.put("seen/old/x", b"")
    done = asked("probe", "acme-server", "-w", str(tmp_path / "w"))
    assert done.exit_code == 0, done.output
    assert f"{server.fingerprints['ed25519']}  pinned" in done.output
    assert f"{server.where.user} is let in, and begins in {server.root}" in done.output
    assert f"  {server.root}/seen: 1 file, 1 folder\n    2023-11-14 22:13:20             5  orders.edi\n" in done.output
    found = json.loads(asked("probe", "acme-server", str(server.root), "-o", "json", "-w", str(tmp_path / "w")).output)
    assert [each["folder"] for each in found["folders"]] == [str(server.root)]


def test_another_key_than_the_pinned_one_is_a_failure_with_both(server: PartnerServer, tmp_path: Path) -> None:
    describe(tmp_path / "w", server, "other")
    path = tmp_path / "w" / "connections.yaml"
    pinned = "SHA256:" + "A" * 43
    path.write_text(path.read_text().replace(server.where.fingerprints[0], pinned))
    done = asked("probe", "acme-server", "-w", str(tmp_path / "w"))
    assert done.exit_code == 1
    assert pinned in done.output
    assert server.where.fingerprints[0] in done.output


def test_a_folder_is_asked_for_from_where_a_session_begins(server: PartnerServer, tmp_path: Path) -> None:
    describe(tmp_path / "w", server, "there")
    server.put("there/orders.edi", b"12345")
    for written in ("~/there", "there"):
        done = asked("probe", "acme-server", written, "-w", str(tmp_path / "w"))
        assert done.exit_code == 0, done.output
        assert "  there: 1 file, 0 folders\n" in done.output


def test_a_folder_that_is_not_there_is_told(server: PartnerServer, tmp_path: Path) -> None:
    describe(tmp_path / "w", server, "there")
    done = asked("probe", "acme-server", "/nowhere", "-w", str(tmp_path / "w"))
    assert done.exit_code == 1
    assert "/nowhere: the server says: No such file" in done.output


def test_an_address_that_is_none_is_refused() -> None:
    assert asked("probe", "sftp://").exit_code == 2
