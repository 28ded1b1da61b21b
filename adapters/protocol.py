"""The verbs of every source. Whatever is written against them reads any database that has an adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.live import Live
    from adapters.model import Batch, Capabilities, Following, Page, Selection, Table


Recall: TypeAlias = "Callable[[str], bytes | None]"
"""Gives back a note of :attr:`Batch.memory` by its name; None where there is none."""


def forgetful(_name: str) -> bytes | None:
    """The memory of whoever has none."""
    return None


class Source(Protocol):
    """A database that is read and never written. Safe to use from several threads.

    Every verb raises :class:`adapters.errors.Retry`, ``Reject`` or ``Stop``, and nothing else.
    """

    @property
    def live(self) -> Live:
        """The same for whoever answers callers: answers are shared, tell their age, and are given up in time."""

    def probe(self) -> Capabilities:
        """Connect, prove that the session cannot write, and say what answered."""

    def tables(self) -> tuple[str, ...]:
        """The tables and views that the login sees, sorted; one outside the default schema is ``schema.table``."""

    def schema(self, table: str) -> Table:
        """Columns, types and key of a table, fresh from the catalogue."""

    def page(self, table: str, selection: Selection) -> Page:
        """Some rows now. Each page costs the same, however deep it lies: it is found by its key, not counted to."""

    def row(self, table: str, key: tuple[str, ...]) -> dict[str, Any] | None:
        """The row of a primary key, or None. The parts are text, in the key's order."""

    def changes(
        self, table: str, following: Following, *, position: str | None, recall: Recall = forgetful, batch: int = 1000
    ) -> Iterator[Batch]:
        """What is new since the position; the iterator ends when all of it has been told. At least once.

        Without a position: a snapshot first. `recall` gives back what earlier batches asked to be remembered.
        """

    def ack(self, table: str, following: Following, position: str) -> None:
        """All up to the position is stored on our side; sources that keep a log for us may forget it."""

    def close(self) -> None:
        """Let go of the database. The source opens again when it is next used."""
