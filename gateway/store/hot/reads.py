"""Connections for the hot questions: lent to one thread at a time, dropped where one fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gateway.store.hot.commits import Commits
from gateway.store.hot.kept import Kept
from gateway.store.hot.marks import Busy
from gateway.store.hot.postgresql import Postgresql
from gateway.store.hot.sqlite import Sqlite
from gateway.store.hot.together import Together
from gateway.store.pages import many, statement
from gateway.store.staging import table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.store.database import Database
    from gateway.store.hot.marks import Mark, Page, Record, Short
    from gateway.store.pages import Query, Statement

T = TypeVar("T")

_CONNECTIONS_MAX = 16


class Asking(Protocol):
    """One connection of a driver."""

    def mark(self, contract: str) -> Mark | None:
        """What answers about a contract depend on now."""

    def state(self) -> tuple[int, str | None]:
        """What answers without records depend on."""

    def one(self, contract: str, table: str, key: str) -> tuple[Short, Record | None] | None:
        """A record."""

    def record(self, table: str, key: str) -> Record | None:
        """A record, without what else an answer depends on."""

    def some(self, contract: str, table: str, keys: list[str]) -> tuple[Short, dict[str, Record]] | None:
        """Those records that there are."""

    def page(self, contract: str, statement: Statement, values: dict[str, Any]) -> tuple[Mark, Page | None] | None:
        """A page of current records."""

    def truth(self, question: str, values: dict[str, Any]) -> bool:
        """Whether a question is answered by yes."""

    def close(self) -> None:
        """Close the connection."""


class HotReads:
    """Connections of its own beside the store's.

    Every question is answered with None for a contract that the store does not know.

    Raises:
        Busy: by every question.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: list[Asking] = []
        self._lock = threading.Lock()
        self._count = 0
        self._commits: Commits | None = None
        self._kept: Kept | None = None
        self._same: dict[str, Together[None, Any]] = {}
        self._ones: dict[tuple[str, str], Together[str, tuple[Short, Record | None] | None]] = {}
        database.close_with(self.close)

    def mark(self, contract: str) -> Mark | None:
        """What answers about this contract depend on now."""
        kept = self._what_is_kept()
        mark = kept.marks.get(contract) if kept is not None else None
        if mark is None:
            mark = self._asked_once(contract, lambda asking: asking.mark(contract))
            if kept is not None and mark is not None:
                kept.marks[contract] = mark
        return mark

    def state(self) -> tuple[int, str | None]:
        """How many changes there were to keys, and the revision in force: what answers without records depend on."""
        kept = self._what_is_kept()
        if kept is not None and kept.state is not None:
            return kept.state
        state = self._asked_once("", lambda asking: asking.state())
        if kept is not None:
            kept.state = state
        return state

    def one(self, contract: str, table: str, key: str) -> tuple[Short, Record | None] | None:
        """A record; None where none has this key."""
        if self._database.is_sqlite:
            return self._one_of_sqlite(contract, table, key)
        together = self._ones.get((contract, table))
        if together is None:
            made = Together[str, "tuple[Short, Record | None] | None"](lambda keys: self._some(contract, table, keys))
            together = self._ones.setdefault((contract, table), made)
        return together(key)

    def page(
        self, contract: str, statement: Statement, values: dict[str, Any] | None = None
    ) -> tuple[Mark, Page | None] | None:
        """A page of current records; None where more than one question is needed, or a delivery is being settled.

        `values` take the place of the statement's own.
        """
        given = {**statement.values, **values} if values is not None else statement.values
        return self._asked(lambda asking: asking.page(contract, statement, given))

    def statement(self, query: Query, *, walk: bool | None = None) -> Statement:
        """What asks for this page of current rows; `walk` is the answer of :meth:`walk`, where it is known."""
        along = self.walk(query) if walk is None else walk
        return statement(query, table_of(query.contract), postgresql=not self._database.is_sqlite, walk=along)

    def walk(self, query: Query) -> bool:
        """Whether SQLite had better go along the order of this page than filter before it sorts."""
        question = many(query, table_of(query.contract)) if self._database.is_sqlite else None
        if question is None:
            return False
        return self._asked(lambda asking: asking.truth(*question))

    def close(self) -> None:
        """Close what is idle."""
        self._commits = None
        while self._idle:
            self._dropped(self._idle.pop())

    def _what_is_kept(self) -> Kept | None:
        """What was read since the last commit; None where that is not told."""
        commits = self._commits
        seen = commits.seen() if commits is not None else None
        if seen is None:
            return None
        kept = self._kept
        if kept is None or kept.seen != seen:
            kept = self._kept = Kept(seen)
        return kept

    def _one_of_sqlite(self, contract: str, table: str, key: str) -> tuple[Short, Record | None] | None:
        kept = self._what_is_kept()
        short = kept.shorts.get(contract) if kept is not None else None
        if kept is None or short is None:
            answer = self._asked(lambda asking: asking.one(contract, table, key))
            if kept is not None and answer is not None:
                kept.shorts[contract] = answer[0]
                if answer[1] is not None:
                    kept.keep(table, key, answer[1])
            return answer
        record = kept.records.get((table, key))
        if record is None:
            record = self._asked(lambda asking: asking.record(table, key))
            if self._what_is_kept() is not kept:  # the record may belong to a commit that the rest does not know
                return self._asked(lambda asking: asking.one(contract, table, key))
            if record is not None:
                kept.keep(table, key, record)
        return short, record

    def _asked_once(self, name: str, question: Callable[[Asking], T]) -> T:
        """The answer to a question that many ask at the same moment; a server is asked once for all of them."""
        if self._database.is_sqlite:
            return self._asked(question)
        together = self._same.get(name)
        if together is None:
            together = self._same.setdefault(name, Together(lambda all_of: [self._asked(question)] * len(all_of)))
        answer: T = together(None)
        return answer

    def _some(self, contract: str, table: str, keys: list[str]) -> list[tuple[Short, Record | None] | None]:
        if len(keys) == 1:
            return [self._asked(lambda asking: asking.one(contract, table, keys[0]))]
        found = self._asked(lambda asking: asking.some(contract, table, keys))
        if found is None:
            return [None] * len(keys)
        mark, records = found
        return [(mark, records.get(key)) for key in keys]

    def _asked(self, question: Callable[[Asking], T]) -> T:
        asking = self._taken()
        try:
            answer = question(asking)
        except Exception as problem:
            self._dropped(asking)
            raise Busy from problem
        self._idle.append(asking)
        return answer

    def _taken(self) -> Asking:
        try:
            return self._idle.pop()  # the one with the freshest pages
        except IndexError:
            pass
        with self._lock:
            if self._count >= _CONNECTIONS_MAX:
                raise Busy
            self._count += 1
        try:
            if self._database.path is None:
                return Postgresql(self._database)
            if self._commits is None:
                self._commits = Commits(self._database.path)
            return Sqlite(self._database)
        except Exception as problem:
            with self._lock:
                self._count -= 1
            raise Busy from problem

    def _dropped(self, asking: Asking) -> None:
        with self._lock:
            self._count -= 1
        asking.close()
