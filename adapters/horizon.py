"""Which transactions are open: what a column that grows may still get behind its highest value.

A transaction draws a value, 17, and takes its time; another draws 18 and commits. Whoever has read up to 18 never sees
17. So the highest value is noted, then the transactions that are open; when all of those have ended, everything up to
that value can be seen. One that began later draws a higher value. Nothing is waited for where none is open.

A dialect's `horizon` gives one text for each fact, its first letter says which: ``t`` the server's time in seconds,
``w`` the number of a transaction that has written, ``s`` who that is, ``r`` who is in a transaction that has not
written yet. Such a one may be a report that runs for hours, so it is waited for only so long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.errors import Stop
from adapters.readonly import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.dialects import Dialect
    from adapters.statements import Raw

READER_SECONDS = 3600.0
"""How long a transaction that has not written is waited for."""

Open = tuple[str, ...]
"""The transactions that were open at a moment; what is first is the moment itself."""


class Horizon:
    """The open transactions of one database."""

    def __init__(
        self,
        dialect: Dialect,
        fetch: Callable[[str, Sequence[str]], list[Raw]],
        *,
        reader_seconds: float = READER_SECONDS,
    ) -> None:
        self._sql = guarded(dialect.horizon)
        self._fetch = fetch
        self._reader_seconds = reader_seconds
        self.late_seconds = dialect.horizon_seconds
        """How much older an answer may be than the question."""

    def open(self) -> Open:
        """The transactions that are open now; empty where there are none."""
        facts = self._facts()
        waited = [fact for fact in facts if fact[0] in "rw"]
        return (*(fact for fact in facts if fact[0] == "t"), *waited) if waited else ()

    def ended(self, open_: Open) -> bool:
        """Whether none of these is open any more, or worth being waited for."""
        facts = self._facts()
        patient = _time(facts) - _time(open_) < self._reader_seconds
        now = {fact.replace("s", "r", 1) if fact[0] == "s" else fact for fact in facts}
        return not any(fact in now for fact in open_ if fact[0] == "w" or (fact[0] == "r" and patient))

    def _facts(self) -> list[str]:
        return [row[0] for row in self._fetch(self._sql, ()) if row[0]]


def _time(facts: Sequence[str]) -> int:
    return next((int(fact[1:]) for fact in facts if fact[0] == "t"), 0)


def horizon_of(
    dialect: Dialect, fetch: Callable[[str, Sequence[str]], list[Raw]], *, reader_seconds: float = READER_SECONDS
) -> Horizon | None:
    """The horizon of a database; None where it has none, or does not tell it to this login."""
    if not dialect.horizon:
        return None
    horizon = Horizon(dialect, fetch, reader_seconds=reader_seconds)
    try:
        horizon.open()
    except Stop:
        return None
    return horizon
