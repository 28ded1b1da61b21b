"""Reads of a range of keys: ``key > low AND key <= high``. The database compares; its collations stay its own."""

from __future__ import annotations

import hashlib
import marshal
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from adapters.errors import Reject
from adapters.rangenotes import BITS, Range, Rows
from adapters.readonly import guarded
from adapters.statements import Clause, Ordered, beyond, bound, read, rows_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.dialects import Dialect
    from adapters.model import Column, Table
    from adapters.statements import Raw, Read

PARAMETERS_MAX = 500
ROW_TEXT_COLUMNS_MAX = 200


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
    """A row as it stands, and the hash of what was read."""

    row: dict[str, Any]
    hash: int


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
        self._hash = dialect.row_hash.format(text=self._text) if self._text and dialect.row_hash else ""

    @property
    def summed(self) -> bool:
        """Whether the database can sum the hashes of a range."""
        return bool(self._hash and self._dialect.row_sum)

    def sum(self, range_: Range) -> tuple[int, int] | None:
        """Number of rows and sum of their hashes; None where a row is too long for the database to hash."""
        inner = f"SELECT {self._hash} AS h FROM {rows_of(self._dialect, self._table)}"  # noqa: S608 - names are the catalogue's, quoted
        clauses = self._within(range_)
        if clauses:
            inner += f" WHERE {' AND '.join(clause.sql for clause in clauses)}"
        sql = guarded(f"SELECT {self._dialect.row_sum} FROM ({inner}) b{self._dialect.isolation}")  # noqa: S608 - as above
        ((rows, hashes, total),) = self._fetcher.fetch(sql, [text for each in clauses for text in each.parameters])
        return (int(rows or 0), int(total or 0) & BITS) if rows == hashes else None

    def hashes(self, range_: Range, limit: int) -> Rows:
        """Keys and hashes of up to `limit` rows, in the order of the key."""
        plan = self._plan([] if self._text else self._table.columns, self._within(range_), limit)
        return self._unique(self._hashed(plan, self._fetcher.fetch(plan.sql, plan.parameters)))

    def whole(self, range_: Range, limit: int) -> tuple[Rows, list[dict[str, Any]]]:
        """The same, with the rows themselves."""
        plan = self._plan(self._table.columns, self._within(range_), limit)
        raws = self._fetcher.fetch(plan.sql, plan.parameters)
        return self._unique(self._hashed(plan, raws)), plan.rows(raws)

    def by_key(self, keys: Sequence[Raw]) -> Iterator[tuple[Raw, Whole]]:
        """The rows of these keys that are there now. A key that only the collation holds for the same is another."""
        size = max(1, PARAMETERS_MAX // len(self._order))
        for start in range(0, len(keys), size):
            wanted = frozenset(keys[start : start + size])
            plan = self._plan(self._table.columns, [among(self._dialect, self._order, [*wanted])], 10 * size)
            raws = self._fetcher.fetch(plan.sql, plan.parameters)
            found = self._hashed(plan, raws)
            for key, hashed, row in zip(found.keys, found.hashes, plan.rows(raws), strict=True):
                if key in wanted:
                    yield key, Whole(row, hashed)

    def _within(self, range_: Range) -> list[Clause]:
        clauses = []
        if range_.low is not None:
            sql, parameters = beyond(self._dialect, self._order, range_.low)
            clauses.append(Clause(sql, tuple(parameters)))
        if range_.high is not None:
            clauses.append(upto(self._dialect, self._order, range_.high))
        return clauses

    def _plan(self, columns: Sequence[Column], where: Sequence[Clause], limit: int) -> Read:
        digest = written_text(self._dialect, self._hash) if self._hash else self._text
        return read(
            self._dialect,
            self._table,
            columns,
            order=self._order,
            where=where,
            also=[digest] if digest else [],
            limit=limit,
        )

    def _hashed(self, plan: Read, raws: list[Raw]) -> Rows:
        """Keys and hashes: as the database made them, else made here of the row's one text or of its columns' texts."""
        if not raws:
            return Rows()
        first, size = len(plan.columns), len(plan.columns) + plan.places
        columns = list(zip(*raws, strict=True))
        keys = list(zip(*columns[first:size], strict=True))
        if not self._text:
            return Rows(keys, _digests(marshal.dumps(raw[:first], 2) for raw in raws))
        texts = columns[size]
        if not self._hash:
            return Rows(keys, _digests((text or "").encode(errors="surrogatepass") for text in texts))
        return Rows(keys, array("Q", [int(text or 0) & BITS for text in texts]))

    def _unique(self, rows: Rows) -> Rows:
        if len(set(rows.keys)) < len(rows.keys):
            twice = next(key for at, key in enumerate(rows.keys) if key in rows.keys[:at])
            names = [item.column.name for item in self._order]
            raise Reject(
                "key_not_unique",
                f"two rows have the same key {dict(zip(names, twice, strict=True))}",
                "Name key columns that are unique together; else rows could not be told apart",
            )
        return rows


def written_text(dialect: Dialect, expression: str) -> str:
    """An expression as text."""
    return dialect.text["*"].format(c=expression)


def _digests(texts: Iterator[bytes]) -> array[int]:
    """64 bits of each."""
    blake2b = hashlib.blake2b
    hashes = array("Q")
    hashes.frombytes(b"".join([blake2b(text, digest_size=8).digest() for text in texts]))
    return hashes
