"""Answers to callers: shared where several ask the same at once, and for a while after, with their age.

Each is one question (:meth:`adapters.governor.Governor.question`): all that it takes shares one time-out.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from adapters.errors import AdapterError, Reject, Retry, Stop
from adapters.jsonrows import said
from adapters.known import Shapes
from adapters.model import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from contextlib import AbstractContextManager

    from adapters.governor import Governor, Health
    from adapters.model import Filter, Page, Selection, Table
    from adapters.protocol import Source

Got = TypeVar("Got")

SCHEMA_SECONDS = 60.0
"""How old the columns of a table may be: to ask for them each time would triple what a source is asked."""

_ROWS_KEPT = 20_000
_ANSWERS_KEPT = 500


@dataclass(frozen=True, slots=True)
class Answer(Generic[Got]):
    """What the source said, and how many seconds ago it was asked."""

    value: Got
    age_seconds: float


class _Kept(NamedTuple):
    """An answer, when it was asked for, how long it is good enough, and how large it is."""

    at: float
    seconds: float
    rows: int
    value: Any


class _Flight:
    """A question that is on its way, and those who wait for its answer."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.landed = threading.Event()
        self.value: Any = None
        self.error: AdapterError | None = None


class Live:
    """A source for callers. What was read is kept for the option ``cache_seconds``; without it, only shared."""

    def __init__(
        self,
        source: Source,
        governor: Governor,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._governor = governor
        self._clock = clock
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._rows = 0
        self._seconds = governor.limits.cache_seconds
        self._waiting = 0
        self.shapes = Shapes(self, clock, now)
        """What is known of the tables without asking."""

    def tables(self) -> Answer[tuple[str, ...]]:
        """The names of the tables."""
        return self._asked("tables", self._source.tables, self._seconds)

    def schema(self, table: str) -> Answer[Table]:
        """A table's columns and key, a minute old at most; fresh after one of them proved to be gone."""

        def asked() -> Table:
            try:
                found = self._source.schema(table)
            except Reject:
                self.shapes.forget(table)
                raise
            self.shapes.keep(found)
            return found

        return self._asked(("schema", table), asked, SCHEMA_SECONDS)

    def page(self, table: str, selection: Selection) -> Answer[Page]:
        """Some rows."""
        return self._of(table, _name("page", table, selection), lambda: self._source.page(table, selection))

    def lines(self, table: str, selection: Selection) -> Answer[Lines]:
        """Some rows as JSON."""
        return self._of(table, _name("lines", table, selection), lambda: self._lines(table, selection))

    def count(self, table: str, filters: tuple[Filter, ...]) -> Answer[int]:
        """How many rows the filters leave.

        Raises:
            Reject: ``not_countable``.
        """
        counted = getattr(self._source, "count", None)
        if counted is None:
            raise Reject("not_countable", f"the rows of {table!r} cannot be counted here", "Leave count out")
        return self._of(table, _name("count", table, filters), lambda: counted(table, filters))

    def row(self, table: str, key: tuple[str, ...]) -> Answer[dict[str, Any] | None]:
        """One row."""
        return self._of(table, ("row", table, key), lambda: self._source.row(table, key))

    def question(self) -> AbstractContextManager[None]:
        """All that is asked in here is one question."""
        return self._governor.question()

    def health(self) -> Health:
        """How the source fares; asks nothing of it."""
        return self._governor.health()

    def _lines(self, table: str, selection: Selection) -> Lines:
        """What the source writes itself, or what is made of its values."""
        lines: Callable[[str, Selection], Lines] | None = getattr(self._source, "lines", None)
        if lines is not None:
            return lines(table, selection)
        page = self._source.page(table, selection)
        return Lines(",".join(map(said, page.rows)), len(page.rows), page.next)

    def _of(self, table: str, name: Hashable, question: Callable[[], Got]) -> Answer[Got]:
        try:
            return self._asked(name, question, self._seconds)
        except (Reject, Stop):
            with self._lock:
                self._forget(("schema", table))
            raise

    def _asked(self, name: Hashable, question: Callable[[], Got], seconds: float) -> Answer[Got]:
        """The answer, asked for now or not longer ago than so many seconds."""
        with self._lock:
            kept = self._fresh(name)
            if kept is not None:
                return kept
            flight = self._flights.get(name)
            mine = flight is None
            if flight is None:
                flight = self._flights[name] = _Flight(self._clock())
        if mine:
            self._fly(name, flight, question, seconds)
        else:
            self._wait(flight)
        if flight.error is not None:
            raise flight.error
        return Answer(flight.value, max(0.0, self._clock() - flight.at))

    def _fly(self, name: Hashable, flight: _Flight, question: Callable[[], Any], seconds: float) -> None:
        try:
            with self._governor.question():
                flight.value = question()
            self._keep(name, flight, seconds)
        except AdapterError as error:
            flight.error = error
        except BaseException:
            flight.error = Retry("the question was broken off", "Ask again")
            raise
        finally:
            with self._lock:
                del self._flights[name]
            flight.landed.set()

    def _wait(self, flight: _Flight) -> None:
        """Wait for the answer to the same question; as with connections, not too many do, and not for long."""
        limits = self._governor.limits
        with self._lock:
            full = self._waiting >= limits.waiting or self._clock() - flight.at >= limits.wait_seconds
            self._waiting += not full
        if full:
            raise _still_asked()
        try:
            if not flight.landed.wait(limits.wait_seconds):
                raise _still_asked()
        finally:
            with self._lock:
                self._waiting -= 1

    def _fresh(self, name: Hashable) -> Answer[Any] | None:
        """The kept answer, if it is good enough still."""
        kept = self._kept.get(name)
        if kept is None:
            return None
        age = self._clock() - kept.at
        if not 0 <= age < kept.seconds:
            self._forget(name)
            return None
        return Answer(kept.value, age)

    def _keep(self, name: Hashable, flight: _Flight, seconds: float) -> None:
        """Keep an answer; the oldest go when there are too many."""
        if not seconds:
            return
        value = flight.value
        rows = value.count if isinstance(value, Lines) else len(getattr(value, "rows", ())) or 1
        with self._lock:
            self._forget(name)
            self._kept[name] = _Kept(flight.at, seconds, rows, flight.value)
            self._rows += rows
            while self._rows > _ROWS_KEPT or len(self._kept) > _ANSWERS_KEPT:
                self._forget(next(iter(self._kept)))

    def _forget(self, name: Hashable) -> None:
        kept = self._kept.pop(name, None)
        self._rows -= kept.rows if kept else 0


def _name(kind: str, table: str, what: Hashable) -> Hashable:
    """What two questions are the same by; filters may hold lists."""
    try:
        hash(what)
    except TypeError:
        what = repr(what)
    return kind, table, what


def _still_asked() -> Retry:
    return Retry("the same question is on its way already, and there is no answer yet", "Ask again", code="busy")
