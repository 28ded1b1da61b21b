"""The change log as it is followed: what became visible behind a number, in the order in which it did.

A run of the log (``change_block``) says that ids *a* to *b* of a table of records are the changes *m* to *n*. Runs take
their numbers under a lock that is held until they are committed, so numbers become visible in their order and without
gaps (E2): whoever has seen change *n* has only to ask for what is behind it. As ids of a table are published in their
order too, the changes of a page are one range of ids for each type, whatever the number of runs.

    page(connection, 8811, {"order.v1": contract}, limit=100)
    → Page(changes=[Change(seq=8812, contract='order.v1', key='acme~4711', …)], next=8812, newest=8812, …)

A page is found by the primary keys of both, so that one deep in the log costs what the first does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from gateway.store.pages import served, theirs
from gateway.store.sqlite import library
from gateway.store.staging import FAREWELL, GONE, PURGED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from gateway.contracts import Contract

BYTES_MAX = 4 * 1024 * 1024
"""A page ends before the record with which its records would be longer; one alone may be."""

RUNS_A_LOOK = 20_000
"""So many runs are looked at for one page, when those that are wanted are rare."""


class Change(NamedTuple):
    """One change. `json` is the record as it is served; None when it is `gone`, `purged`, or was not asked for.

    `gone`: there is no such record from here on. `purged`: what this change said is no longer kept, or, of one that is
    gone, that its time was over. `delivery` brought the version that it tells of.

    `left`: what the partners sent was replaced by what somebody else sent, and the record is none of theirs from here
    on. Of what he sent nothing is said.
    """

    seq: int
    contract: str
    key: str
    at: str
    delivery: str
    json: bytes | None
    gone: bool
    purged: bool
    left: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Changes, and the number behind which to go on, past what was not wanted too.

    `newest` is the last change that is visible, and `at` when it became so. There is more when `next` is before it.
    """

    changes: list[Change]
    next: int
    newest: int
    at: str | None


class _Span(NamedTuple):
    """A part of a run that is wanted: change numbers `low` to `high`, which are the ids less `ahead`."""

    contract: str
    low: int
    high: int
    ahead: int
    at: str


def newest(connection: Connection) -> tuple[int, str | None]:
    """The number of the last change that is visible, and when it became so; 0 before the first."""
    row = connection.execute(text("SELECT last_seq, at FROM change_block ORDER BY first_seq DESC LIMIT 1")).first()
    return (row.last_seq, row.at) if row is not None else (0, None)


def kept_from(connection: Connection, wanted: Collection[str]) -> int:
    """The change from which on every version of these contracts is kept, but those of records that were purged."""
    rows = connection.execute(text("SELECT id, whole_from FROM contract"))
    return max((row.whole_from for row in rows if row.id in wanted), default=0) or 1


def page(
    connection: Connection,
    after: int,
    wanted: Mapping[str, Contract],
    *,
    limit: int,
    bodies: bool = True,
    partners: tuple[str, ...] | None = None,
    bytes_max: int = BYTES_MAX,
) -> Page:
    """The changes behind `after` of the `wanted` contracts, which are named by their ids, at most `limit`.

    With `partners`, only those of their records. A page may be empty and yet not the last.
    """
    last, at = newest(connection)
    if after >= last:
        return Page([], after, last, at)
    spans, behind = _spans(_runs(connection, after), after, wanted, limit)
    reader = _Reader(connection, wanted, partners)
    found, behind = _read(reader, spans, behind, bytes_max if bodies else None)
    return Page(found, behind, last, at)


def of_delivery(
    connection: Connection,
    number: int,
    after: int,
    wanted: Mapping[str, Contract],
    *,
    limit: int,
    bodies: bool = True,
    partners: tuple[str, ...] | None = None,
    bytes_max: int = BYTES_MAX,
) -> Page:
    """The same of those alone that the delivery with this number made, taking it back included.

    `newest` is the last of them, and `at` when it became visible.
    """
    statement = text("""SELECT first_seq, last_seq, contract, first_id, at FROM change_block
        WHERE delivery = :number ORDER BY first_seq""")
    runs = connection.execute(statement, {"number": number}).all()
    if not runs or after >= runs[-1].last_seq:
        return Page([], after, runs[-1].last_seq if runs else 0, runs[-1].at if runs else None)
    spans, behind = _spans((run for run in runs if run.last_seq > after), after, wanted, limit)
    reader = _Reader(connection, wanted, partners, by=("contract", "low"))  # others' runs lie between its own
    found, behind = _read(reader, spans, behind, bytes_max if bodies else None)
    return Page(found, behind, runs[-1].last_seq, runs[-1].at)


def _read(reader: _Reader, spans: Sequence[_Span], behind: int, bytes_max: int | None) -> tuple[list[Change], int]:
    """The changes of these spans, and the last number that they reach; without records if there is no `bytes_max`."""
    fitting = reader.fitting(spans, bytes_max) if bytes_max is not None else None
    if fitting is not None:
        behind = fitting
        spans = [span._replace(high=min(span.high, behind)) for span in spans if span.low <= behind]
    return reader.changes(spans, bodies=bytes_max is not None), behind


def _spans(runs: Iterable[Row[Any]], after: int, wanted: Collection[str], limit: int) -> tuple[list[_Span], int]:
    """The parts of runs that make a page, and the last number that was looked at."""
    spans: list[_Span] = []
    behind = after
    for looked, run in enumerate(runs, 1):
        behind = run.last_seq
        if run.contract in wanted:
            low = max(run.first_seq, after + 1)
            behind = min(run.last_seq, low + limit - 1)
            spans.append(_Span(run.contract, low, behind, run.first_seq - run.first_id, run.at))
            limit -= behind - low + 1
        if not limit or looked == RUNS_A_LOOK:
            break
    return spans, behind


def _runs(connection: Connection, after: int) -> Iterator[Row[Any]]:
    """The runs that reach behind a number, in their order. There is no gap, so the first one is found by its number."""
    statement = text("""
        SELECT first_seq, last_seq, contract, first_id, at FROM change_block
        WHERE first_seq >= coalesce((SELECT max(f.first_seq) FROM change_block f WHERE f.first_seq <= :after + 1), 0)
            AND last_seq > :after
        ORDER BY first_seq LIMIT :count""")
    count = 50
    while True:
        runs = connection.execute(statement, {"after": after, "count": count}).all()
        yield from runs
        if len(runs) < count:
            return
        after, count = runs[-1].last_seq, 1000


class _Reader:
    """Reads rows of several tables of records, as the changes that they are."""

    def __init__(
        self,
        connection: Connection,
        wanted: Mapping[str, Contract],
        partners: tuple[str, ...] | None,
        *,
        by: tuple[str, ...] = ("contract",),
    ) -> None:
        """Spans that are the same `by` these are read as one range of ids: nothing else lies between them."""
        self._connection = connection
        self._wanted = wanted
        self._partners = partners
        self._by = attrgetter(*by)
        self._tables = {row.id: row.records for row in connection.execute(text("SELECT id, records FROM contract"))}
        measured = connection.dialect.name != "sqlite" or library().sqlite_version_info >= (3, 43)
        self._size = "octet_length(t.body)" if measured else "length(CAST(t.body AS BLOB))"

    def fitting(self, spans: Sequence[_Span], bytes_max: int) -> int | None:
        """The last change whose record a page of so many bytes still holds; None when it holds all of them.

        The databases know what a text measures without reading it, which is why they are asked before.
        """
        ranges = list(self._ranges(spans))
        total = 0
        for _, where, values in ranges:
            total += self._connection.execute(text(f"SELECT sum({self._size}) {where}"), values).scalar() or 0
        if total <= bytes_max:
            return None
        sizes: list[tuple[int, int]] = []
        for runs, where, values in ranges:
            rows = self._connection.execute(text(f"SELECT t.id, {self._size} {where} ORDER BY t.id"), values)
            sizes += [(row[0] + run.ahead, row[1]) for run, row in _by_run(runs, rows)]
        fitting = None
        for seq, size in sorted(sizes):
            bytes_max -= size
            if bytes_max < 0 and fitting is not None:
                break
            fitting = seq
        return fitting

    def changes(self, spans: Sequence[_Span], *, bodies: bool) -> list[Change]:
        """The changes of these spans, in their order."""
        body = "t.body" if bodies else f"CASE WHEN t.body = '{GONE}' THEN t.body ELSE '' END"
        found = []
        for runs, where, values in self._ranges(spans, "JOIN delivery d ON d.number = t.delivery", left=True):
            # A row that is published and not settled yet has no version: those of its key up to it are counted.
            table = self._tables[runs[0].contract]
            nth = f"(SELECT count(*) FROM {table} e WHERE e.key = t.key AND e.id <= t.id)"
            version = f"CASE WHEN t.version > 0 THEN t.version ELSE {nth} END" if bodies else "0"
            of, _ = theirs(self._wanted[runs[0].contract], self._partners, row="t")
            mine = f"CASE WHEN {of} THEN 1 ELSE 0 END" if of else "1"
            wanted = f"t.id, t.key, d.id, t.state, {version}, {body}, {mine}"
            rows = self._connection.execute(text(f"SELECT {wanted} {where} ORDER BY t.id"), values)
            for run, (number, key, delivery, state, nth_version, said, is_theirs) in _by_run(runs, rows):
                seq = number + run.ahead
                if not is_theirs:
                    found.append(Change(seq, run.contract, key, run.at, "", None, False, False, left=True))
                    continue
                record = served(key, seq, nth_version, said) if bodies and said != GONE else None
                purged = state in (PURGED, FAREWELL)
                gone = said == GONE and state != PURGED
                found.append(Change(seq, run.contract, key, run.at, delivery, record, gone, purged))
        found.sort()  # by their numbers, none of which is there twice
        return found

    def _ranges(
        self, spans: Sequence[_Span], join: str = "", *, left: bool = False
    ) -> Iterator[tuple[list[_Span], str, dict[str, Any]]]:
        """For each range of ids its spans, and FROM and WHERE of their rows; with its values.

        With `left`, those too with which a record of the partners went over to somebody else.
        """
        for _, parts in groupby(sorted(spans, key=attrgetter("contract", "low")), self._by):
            runs = list(parts)
            contract = runs[0].contract
            of, values = theirs(self._wanted[contract], self._partners, row="t")
            if of and left and not self._wanted[contract].per_partner:
                of = f"({of} OR {self._went_over(self._tables[contract], self._wanted[contract])})"
            where = f"FROM {self._tables[contract]} t {join} WHERE t.id BETWEEN :low AND :high"
            span = {"low": runs[0].low - runs[0].ahead, "high": runs[-1].high - runs[-1].ahead}
            yield runs, f"{where} AND {of}" if of else where, values | span

    def _went_over(self, table: str, contract: Contract) -> str:
        """The condition that what a row replaced was the partners', and stood."""
        of, _ = theirs(contract, self._partners, row="p")
        before = f"SELECT max(q.id) FROM {table} q WHERE q.key = t.key AND q.id < t.id"
        stood = f"NOT (p.body = '{GONE}' AND p.state <> {PURGED})"
        return f"EXISTS (SELECT 1 FROM {table} p WHERE p.id = ({before}) AND {stood} AND {of})"


def _by_run(runs: Sequence[_Span], rows: Iterable[Any]) -> Iterator[tuple[_Span, Any]]:
    """Rows in the order of their ids, each with the run that it is in."""
    rest = iter(runs)
    run = next(rest)
    for row in rows:
        while row[0] + run.ahead > run.high:
            run = next(rest)
        yield run, row
