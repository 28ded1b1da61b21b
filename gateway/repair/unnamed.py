"""Content that no row names: a process was killed between keeping a file and writing it down, and nobody tried again.

It is told first and then deleted, as what was purged is: whoever lands the same bytes meanwhile finds out in its own
transaction, and puts them once more. So nothing that is named goes, however old it is.

What goes by itself is what a killed process can have left: some files, a day old, that came since this store began or
was restored. More than that is not ours to judge. A bucket may be another gateway's by mistake; a store that was put
back from a copy does not know what came since, whose only copy may be here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.store import audit, retention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.store.database import Database
    from gateway.store.vault import Vault

SAFE_SECONDS = 24 * 3600.0
"""No landing takes so long between the file and its row."""
FEW = 10
"""So many go without being asked for, or one of a hundred."""
_A_PAGE = 1_000
_AT_ONCE = 1_000
_KEPT_MAX = 10_000


@dataclass(slots=True)
class Unnamed:
    """What a look at all of a vault found; `names` are the first of them, the others are found by the next look."""

    files: int = 0
    bytes: int = 0
    named: int = 0
    """Of those that are as old, files that the store names."""
    names: list[str] = field(default_factory=list)

    @property
    def is_few(self) -> bool:
        """Whether killed processes are enough to explain them."""
        return self.files <= max(FEW, self.named // 100)


def look(database: Database, vault: Vault, found: Unnamed, *, since_it_began: bool = True) -> Iterator[None]:
    """Go through the vault page by page, and add to `found`; `since_it_began`: only what came since the store began.

    Raises:
        Retry, Stop: vault or store cannot be read now.
    """
    oldest = _age_of(database) if since_it_began else float("inf")
    last = ""
    while page := vault.listed(last, _A_PAGE):
        last = page[-1].sha256
        old = {each.sha256: each.size for each in page if SAFE_SECONDS < each.age < oldest}
        with database.read() as connection:
            unnamed = retention.unnamed(connection, list(old))
        found.files += len(unnamed)
        found.bytes += sum(old[each] for each in unnamed)
        found.named += len(old) - len(unnamed)
        found.names += unnamed[: _KEPT_MAX - len(found.names)]
        yield


def _age_of(database: Database) -> float:
    """For how many seconds there is this store, or since when it was restored; 0 before anything was written down."""
    with database.read() as connection:
        lines = audit.last(connection, limit=1, action="restored") or audit.after(connection, 0, limit=1)
    if not lines:
        return 0.0
    return (database.clock() - datetime.fromisoformat(lines[0].at)).total_seconds()


def condemn(database: Database, names: list[str], *, who: str) -> Iterator[int]:
    """Tell content that nothing names, to be deleted; how many files these are, step by step."""
    for at in range(0, len(names), _AT_ONCE):
        with database.write() as transaction:
            told = retention.condemn(transaction, *names[at : at + _AT_ONCE])
            if told:
                audit.write(transaction, "swept", "vault", who=who, files=len(told), why="nothing names them")
        yield len(told)
