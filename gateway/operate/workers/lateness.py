"""Answers that partners should have had by now: told once each, whoever notices first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.observations import ANSWER_LATE
from gateway.store import lateness

if TYPE_CHECKING:
    from gateway.operate.wiring import Gateway


EVERY = timedelta(seconds=30)


class LateWatch:
    """Looks for what is late now and then, and no oftener."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._next = gateway.database.clock()

    def when_due(self) -> None:
        """Look, if the last time was long enough ago."""
        now = self._gateway.database.clock()
        if not timedelta() <= self._next - now <= EVERY:  # it is time, or the clock was set back
            self._next = now + EVERY
            tell_late(self._gateway)


def tell_late(gateway: Gateway) -> int:
    """Tell what is late and was not told yet; how much that was."""
    after = gateway.in_force.configuration().settings.late_after_seconds
    now = gateway.database.clock()
    before = now - timedelta(seconds=after)
    with gateway.database.read() as connection:
        if not lateness.is_any(connection, before):
            return 0
    with gateway.database.write() as transaction:
        found = lateness.take(transaction, before)
        for each in found:
            line = ANSWER_LATE(
                integration=each.integration,
                partner=each.partner,
                delivery=each.delivery,
                what=each.what,
                minutes=int((now - each.since).total_seconds() // 60),
                reason=f": {each.problem}" if each.problem else "",
            )
            transaction.tell(line)
    return len(found)
