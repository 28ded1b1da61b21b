"""A workspace with a hook: its contract, its integration, and the secret where an operator keeps it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.operate import wiring
from gateway.workspace.loader import load
from tests.gateway.serve.senders import WHSEC, standard

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

PATH = "/api/v1/hooks/acme-notices"
FILES = {
    "contracts/notice.v1.yaml": "contract: notice v1\nabout: Something that happened\nowner: edi\nkey: id\n"
    "fields:\n  id: text\n  what: text\n",
    "integrations/acme-notices.yaml": "integration: acme-notices\nabout: What happens at Acme\nowner: edi\n"
    'source: "hook:"\npartner: acme\nsignature:\n  scheme: standard-webhooks\n  secret: secret:acme/hook\n'
    "format: jsonl\ncontract: notice v1\nmap:\n  id: id\n  what: what\n",
}


def add_hook(place: Place) -> None:
    """Let the workspace have a hook, applied."""
    teams = (place.folder / "teams.yaml").read_text(encoding="utf-8")
    owner = next(line.rstrip(":") for line in teams.splitlines() if line.endswith(":") and line[:1].isalpha())
    for name, text in FILES.items():
        (place.folder / name).write_text(text.replace("owner: edi", f"owner: {owner}"), encoding="utf-8")
    keep_secret(place.folder)
    assert wiring.apply(place.gateway, load(place.folder))


def keep_secret(folder: Path, secret: str = WHSEC) -> None:
    """Write the secret where it is read, for its owner alone."""
    path = folder / "secrets" / "acme" / "hook"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(secret + "\n", encoding="utf-8")
    path.chmod(0o600)


def notices(*ids: str) -> bytes:
    """A message about these."""
    return b"".join(f'{{"id":"{each}","what":"shipped"}}\n'.encode() for each in ids)


def signed(body: bytes, message: str) -> dict[str, str]:
    """The headers of a message that is sent now."""
    return standard(body, message, int(time.time()))
