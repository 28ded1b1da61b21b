"""Reads of a range of keys: ``key > low AND key <= high``. The database compares; its collations stay its own."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from adapters.errors import Reject, Stop
from adapters.rangenotes import BITS, Range, Rows
from adapters.readonly import guarded
from adapters.statements import Clause, Ordered, beyond, bound, read, rows_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.dialects import Dialect
    from adapters.model import Column, Table
    from adapters.statements import Raw, Read

PARAMETERS_MAX = 500
ROW_TEXT_COLUMNS_MAX = 100  # SQLite's functions may be limited to 127 arguments, PostgreSQL's to 100


class Fetcher(Protocol):
    """What asks the database for us."""

    @property
    def table(self) -> Table:
        """The table that is compared."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of its database."""

    def fetch(self, sql: str, parameters: Sequence[str]) -> list[Raw]:
        """All rows of one guarded statement."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A row as it stands, and the hash of what was read; 0 where it could not be hashed."""

    row: dict[str, Any]
    hash: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a read of keys found: the keys' columns, and of each row its hash or a text that we hash ourselves.

    `mark` is the same as long as all of it is.
    """

    columns: Sequence[Sequence[str | None]]
    texts: Sequence[str | None]
    hashed: bool
    mark: int | None

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.texts)

    def rows(self) -> Rows:
        """The keys with their hashes."""
        if self.hashed:
            return Rows(self.columns, array("Q", [int(text or 0) & BITS for text in self.texts]))
        return Rows(self.columns, _digests(self.texts))


def upto(dialect: Dialect, order: Sequence[Ordered], high: Raw) -> Clause:
    """What lies at a place or before it: the opposite of :func:`adapters.statements.beyond`."""
    if None not in high and dialect.row_values and not any(item.column.nullable for item in order):
        left = ", ".join(written(dialect, dialect.order, item.column) for item in order)
        right = ", ".join(bound(dialect, item.column) for item in order)
        return Clause(f"({left}) <= ({right})", tuple(text for text in high if text is not None))
    alternatives: list[str] = []
    parameters: list[str] = []
    equal: list[str] = []
    equal_parameters: list[str] = []
    for at, (item, text) in enumerate(zip(order, high, strict=True), 1):
        before = _before(dialect, item.column, text, "<=" if at == len(order) else "<")
        if before is not None:
            alternatives.append(" AND ".join([*equal, before.sql]))
            parameters += [*equal_parameters, *before.parameters]
        same = _same(dialect, item.column, text)
        equal.append(same.sql)
        equal_parameters += same.parameters
    if None not in high and len(order) > 1 and not order[0].column.nullable:
        # Said once more for the first column alone: not every database finds the range in the alternatives.
        first = written(dialect, dialect.order, order[0].column)
        clause = f"{first} <= {bound(dialect, order[0].column)} AND ({' OR '.join(alternatives)})"
        return Clause(clause, (str(high[0]), *parameters))
    return Clause(f"({' OR '.join(alternatives) or '1 = 0'})", tuple(parameters))


def _before(dialect: Dialect, column: Column, text: str | None, sign: str) -> Clause | None:
    """The condition for one column to lie before a value, or at it with ``<=``; None when nothing does."""
    left = written(dialect, dialect.order, column)
    if text is None:
        if dialect.nulls_low:
            return Clause(f"{left} IS NULL", ()) if sign == "<=" else None
        return Clause("1 = 1" if sign == "<=" else f"{left} IS NOT NULL", ())
    condition = f"{left} {sign} {bound(dialect, column)}"
    if dialect.nulls_low and column.nullable:
        condition = f"({condition} OR {left} IS NULL)"
    return Clause(condition, (text,))


def _same(dialect: Dialect, column: Column, text: str | None) -> Clause:
    left = written(dialect, dialect.order, column)
    return Clause(f"{left} IS NULL", ()) if text is None else Clause(f"{left} = {bound(dialect, column)}", (text,))


def among(dialect: Dialect, order: Sequence[Ordered], keys: Sequence[Raw]) -> Clause:
    """The rows of these keys, and perhaps others that the database's collation holds for the same."""
    if len(order) == 1 and None not in {key[0] for key in keys}:
        column = order[0].column
        marks = ", ".join([bound(dialect, column)] * len(keys))
        return Clause(f"{written(dialect, dialect.order, column)} IN ({marks})", tuple(str(key[0]) for key in keys))
    alternatives: list[str] = []
    parameters: list[str] = []
    for key in keys:
        parts = [_same(dialect, item.column, text) for item, text in zip(order, key, strict=True)]
        alternatives.append(f"({' AND '.join(part.sql for part in parts)})")
        parameters += [text for part in parts for text in part.parameters]
    return Clause(f"({' OR '.join(alternatives)})", tuple(parameters))


class KeyRanges:
    """One table, read range by range: sums of hashes, keys with hashes, whole rows."""

    def __init__(self, fetcher: Fetcher, key: Sequence[Column]) -> None:
        self._fetcher = fetcher
        self._dialect = dialect = fetcher.dialect
        self._table = fetcher.table
        self._order = [Ordered(column) for column in key]
        self._text = ""
        if dialect.row_text and len(self._table.columns) <= ROW_TEXT_COLUMNS_MAX:
            parts = dialect.row_joint.join(written(dialect, dialect.row_parts, each) for each in self._table.columns)
            self._text = dialect.row_text.format(parts=parts)
        self._hash = next(filter(self._understood, self._hashes()), "")

    def _hashes(self) -> Iterator[str]:
        """The expressions that hash a row, the best first."""
        dialect = self._dialect
        if self._text and dialect.row_digest:
            parts = ", ".join(written(dialect, dialect.digest_parts, each) for each in self._table.columns)
            yield dialect.row_digest.format(parts=parts)
        if self._text and dialect.row_hash:
            yield dialect.row_hash.format(text=self._text)

    def _understood(self, expression: str) -> bool:
        """Whether the database knows it: an older version, or one that only resembles it, may not."""
        sql = f"SELECT {expression} FROM {rows_of(self._dialect, self._table)} WHERE 1 = 0{self._dialect.isolation}"  # noqa: S608 - names are the catalogue's, quoted
        try:
            self._fetcher.fetch(guarded(sql), ())
        except Stop:
            return False
        return True

    @property
    def additive(self) -> bool:
        """Whether the mark of a range is the sum of its hashes."""
        return bool(self._hash)

    @property
    def glances(self) -> bool:
        """Whether the mark of a range is had for less than its rows: summed by the database, or without the keys."""
        return bool(self._dialect.row_sum if self._hash else self._text)

    def glance(self, range_: Range) -> tuple[int, int | None]:
        """Number of rows of a range, and their mark."""
        clauses = self._within(range_)
        if not self._hash:
            plan = self._plan([], clauses, range_.count + 1, placed=False)
            texts = [raw[0] for raw in self._fetcher.fetch(plan.sql, plan.parameters)]
            return len(texts), _mark(texts)
        inner = f"SELECT {self._hash} AS h FROM {rows_of(self._dialect, self._table)}"  # noqa: S608 - names are the catalogue's, quoted
        if clauses:
            inner += f" WHERE {' AND '.join(clause.sql for clause in clauses)}"
        sql = guarded(f"SELECT {self._dialect.row_sum} FROM ({inner}) b{self._dialect.isolation}")  # noqa: S608 - as above
        ((rows, hashes, total),) = self._fetcher.fetch(sql, [text for each in clauses for text in each.parameters])
        # A row that is too long for the database to hash has none.
        return int(rows or 0), int(total or 0) & BITS if rows == hashes else None

    def seen(self, range_: Range, limit: int) -> Seen:
        """Keys and hashes of up to `limit` rows, in the order of the key."""
        plan = self._plan([] if self._text else self._table.columns, self._within(range_), limit)
        return self._seen(plan, self._fetcher.fetch(plan.sql, plan.parameters))

    def whole(self, range_: Range, limit: int) -> tuple[Seen, list[dict[str, Any]]]:
        """The same, with the rows themselves."""
        plan = self._plan(self._table.columns, self._within(range_), limit)
        raws = self._fetcher.fetch(plan.sql, plan.parameters)
        return self._seen(plan, raws), plan.rows(raws)

    def by_key(self, keys: Sequence[Raw]) -> Iterator[tuple[Raw, Whole]]:
        """The rows of these keys that are there now. A key that only the collation holds for the same is another."""
        wanted = frozenset(keys)
        for clause, size in self._among(keys):
            plan = self._plan(self._table.columns, [clause], size)
            raws = self._fetcher.fetch(plan.sql, plan.parameters)
            found = self._seen(plan, raws).rows()
            for key, hashed, row in zip(found.keys, found.hashes, plan.rows(raws), strict=True):
                if key in wanted:
                    yield key, Whole(row, hashed)

    def inside(self, keys: Sequence[Raw], range_: Range) -> set[Raw]:
        """Those of the keys that have a row in the range now."""
        found: set[Raw] = set()
        for clause, size in self._among(keys):
            plan = self._plan([], [clause, *self._within(range_)], size)
            found.update(plan.place(raw) for raw in self._fetcher.fetch(plan.sql, plan.parameters))
        return found.intersection(keys)

    def told_apart(self, rows: Rows) -> Rows:
        """The rows, if no two have the same key.

        Raises:
            Reject: ``key_not_unique``.
        """
        keys = rows.keys
        if len(set(keys)) < len(keys):
            twice = next(key for at, key in enumerate(keys) if key in keys[:at])
            names = [item.column.name for item in self._order]
            raise Reject(
                "key_not_unique",
                f"two rows have the same key {dict(zip(names, twice, strict=True))}",
                "Name key columns that are unique together; else rows could not be told apart",
            )
        return rows

    def _among(self, keys: Sequence[Raw]) -> Iterator[tuple[Clause, int]]:
        """Conditions for some of the keys each, and a number of rows that cannot fulfil it."""
        size = max(1, PARAMETERS_MAX // len(self._order))
        for start in range(0, len(keys), size):
            yield among(self._dialect, self._order, keys[start : start + size]), 10 * size

    def _within(self, range_: Range) -> list[Clause]:
        clauses = []
        if range_.low is not None:
            sql, parameters = beyond(self._dialect, self._order, range_.low)
            clauses.append(Clause(sql, tuple(parameters)))
        if range_.high is not None:
            clauses.append(upto(self._dialect, self._order, range_.high))
        return clauses

    def _plan(self, columns: Sequence[Column], where: Sequence[Clause], limit: int, *, placed: bool = True) -> Read:
        digest = self._dialect.text["*"].format(c=self._hash) if self._hash else self._text
        also = [digest] if digest else []
        return read(
            self._dialect, self._table, columns, order=self._order, where=where, also=also, placed=placed, limit=limit
        )

    def _seen(self, plan: Read, raws: list[Raw]) -> Seen:
        """Keys and hashes: as the database made them, else made here of the row's one text or of its columns' texts."""
        if not raws:
            return Seen((), (), hashed=bool(self._hash), mark=None)
        first, size = len(plan.columns), len(plan.columns) + plan.places
        if not self._text:
            keys = list(zip(*[raw[first:size] for raw in raws], strict=True))
            rows = [repr(raw[:first]) for raw in raws]
            return Seen(keys, rows, hashed=False, mark=_mark(rows))
        columns = list(zip(*raws, strict=True))
        keys, texts = columns[first:size], columns[size]
        if not self._hash:
            return Seen(keys, texts, hashed=False, mark=_mark(texts))
        mark = None if None in texts else sum(map(int, texts)) & BITS
        return Seen(keys, texts, hashed=True, mark=mark)


def _mark(texts: Sequence[str | None]) -> int:
    """64 bits of all of them, in their order."""
    joined = "\0".join([text or "" for text in texts]).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest())


def _digests(texts: Sequence[str | None]) -> array[int]:
    """64 bits of each."""
    blake2b = hashlib.blake2b
    digests = [blake2b((text or "").encode(errors="surrogatepass"), digest_size=8).digest() for text in texts]
    return array("Q", b"".join(digests))
