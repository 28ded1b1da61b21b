"""The demo's workspace whose partner acme has an SFTP server of his own, from which his orders are pulled."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.operate import wiring
from gateway.workspace.loader import load
from tests.acceptance.workspaces import make, reopened
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.sftp.partner_server import PartnerServer

SOURCE = "source:   drop://acme/*.edi           # what acme drops on our SFTP server"


def describe(workspace: Path, server: PartnerServer, folder: str = "out", *, lines: str = "settle: none") -> str:
    """Write the workspace so that acme's orders are pulled from that folder; the source's name."""
    make(workspace, sftp=free_port())
    secrets = workspace / "secrets" / "acme-server"
    secrets.mkdir(parents=True)
    (secrets / "key").touch(mode=0o600)
    (secrets / "key").write_text(server.key)
    where = server.where
    (workspace / "connections.yaml").write_text(
        f"acme-server:\n  kind: sftp\n  url: sftp://{where.user}@{where.host}:{where.port}\n"
        f"  fingerprints: {where.fingerprints[0]}\n  key: secret:acme-server/key\n"
    )
    path = workspace / "integrations" / "acme-orders.yaml"
    text = path.read_text(encoding="utf-8")
    assert SOURCE in text
    (server.root / folder).mkdir(parents=True, exist_ok=True)
    inner = f"{str(server.root).strip('/')}/{folder}"
    source = f"source: sftp://acme-server/{inner}/*.edi\npartner: acme\n{lines}"
    path.write_text(text.replace(SOURCE, source), encoding="utf-8")
    return f"sftp://acme-server/{inner}"


@contextmanager
def pulling(
    workspace: Path, server: PartnerServer, folder: str = "out", *, lines: str = "settle: none"
) -> Iterator[tuple[Place, str]]:
    """The workspace, applied and open, and the source's name."""
    source = describe(workspace, server, folder, lines=lines)
    with reopened(workspace) as place:
        wiring.apply(place.gateway, load(workspace))
        yield place, source
