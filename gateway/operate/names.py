"""Names on the command line: one that no revision ever had is a slip of the pen, and no empty list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.serve.problems import nearest
from gateway.store import revisions
from gateway.store.names import Past, has_deliveries

if TYPE_CHECKING:
    from gateway.operate.wiring import Gateway
    from gateway.store.names import Kind


def must_be_known(gateway: Gateway, *, integration: str | None = None, partner: str | None = None) -> None:
    """Let pass what an integration or a partner is called, or was; anything, where nothing was ever applied.

    Raises:
        Stop: there is none of that name, and there never was.
    """
    past = Past()
    given: tuple[tuple[Kind, str | None], ...] = (("integration", integration), ("partner", partner))
    for kind, name in given:
        if name is None:
            continue
        with gateway.database.read() as connection:
            known = past.names(connection, kind)
            if (
                revisions.current_name(connection) is not None
                and name not in known
                and not has_deliveries(connection, kind, name)
            ):
                raise Stop(f"there is no {kind} {name!r}", nearest(name, known))
