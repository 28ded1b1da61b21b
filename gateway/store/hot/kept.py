"""What was read of a SQLite file since the last commit to it: until the next one there is nothing else to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.store.hot.marks import Mark, Record, Short

BYTES_MAX = 32 * 1024 * 1024
_AROUND_BYTES = 400
"""What a record costs beside its JSON: its key, its tuple and its place."""


class Kept:
    """What is good for as long as :meth:`Commits.seen` says the same as before it was read."""

    __slots__ = ("bytes", "marks", "records", "seen", "shorts", "state")

    def __init__(self, seen: bytes) -> None:
        self.seen = seen
        self.state: tuple[int, str | None] | None = None
        self.marks: dict[str, Mark] = {}
        self.shorts: dict[str, Short] = {}
        self.records: dict[tuple[str, str], Record] = {}
        self.bytes = 0

    def keep(self, table: str, key: str, record: Record) -> None:
        """Keep a record; when there is too much of them, none of those before."""
        self.bytes += len(record[2]) + _AROUND_BYTES
        if self.bytes > BYTES_MAX:
            self.records = {}
            self.bytes = len(record[2]) + _AROUND_BYTES
        self.records[table, key] = record
