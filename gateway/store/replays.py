"""Judging a delivery again, and undoing it: which of its versions still stand, and what takes their place if not.

A delivery's records lie in runs of the change log that bear its number. A row in such a run with another delivery's
number, or without a body, is one that an earlier replay or an undo of it brought back or took away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, text, update

from gateway.errors import Retry
from gateway.model import DeliveryState, DocumentState
from gateway.store import staging, tables
from gateway.store.database import stamp
from gateway.store.staging import FAREWELL, GONE, PURGED, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Row

    from gateway.store.database import Transaction
    from gateway.store.staging import Staged, Standing

ROWS_A_WINDOW = 5_000
_KEYS_A_QUESTION = 500
_ITS_TIME_IS_OVER = ""  # in the place of the body of a version that was purged


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the rows that a delivery published: ids `low` to `high`, both inclusive, of a contract's table."""

    contract: str
    low: int
    high: int


def ask(transaction: Transaction, number: int, how: str) -> bool:
    """Have a finished delivery judged again from its bytes, ``then`` or ``now``; False while somebody works on it.

    Its landing number stays, and its records stay visible until others take their place.
    """
    table = tables.delivery
    asked = transaction.connection.execute(
        update(table)
        .where(
            table.c.number == number,
            table.c.owner.is_(None),
            table.c.state.not_in([DeliveryState.RECEIVED, DeliveryState.PURGED]),
        )
        .values(
            state=DeliveryState.RECEIVED,
            finished_at=None,
            documents="{}",
            twin=None,
            replay=how,
            tries=0,
            due=transaction.now.timestamp(),
        )
    ).rowcount
    transaction.wake()
    return asked == 1


def windows(connection: Connection, number: int) -> Iterator[Window]:
    """All that a delivery has published, in parts that one short transaction can go through."""
    blocks = tables.change_block
    query = select(blocks).where(blocks.c.delivery == number).order_by(blocks.c.first_seq)
    for row in connection.execute(query).all():
        last = row.first_id + row.last_seq - row.first_seq
        for low in range(row.first_id, last + 1, ROWS_A_WINDOW):
            yield Window(row.contract, low, min(low + ROWS_A_WINDOW - 1, last))


# ── a replay: what it finds as it was ────────────────────────────────────────────────────────────────────────────────


def unchanged(
    transaction: Transaction, contract_id: str, number: int, rows: Sequence[Staged], *, erased: Callable[[str], str]
) -> set[int]:
    """The documents among `rows` whose record is there already, as this delivery brought it; noted as kept.

    A document whose key this replay has brought anew already is not among them: its version must follow. What was
    purged of it since is not brought back: neither the record, nor the personal data that `erased` takes out.
    """
    connection = transaction.connection
    here = staging.standing(connection, contract_id)
    runs = _runs(connection, contract_id, number)
    if here is None or not runs:
        return set()
    kept: dict[int, int] = {}
    anew: set[str] = set()
    for at in range(0, len(rows), _KEYS_A_QUESTION):
        part = rows[at : at + _KEYS_A_QUESTION]
        live, staged = _live(connection, here, number, runs, sorted({row.key for row in part}))
        anew |= staged
        for row in part:
            stands = live.get(row.key, {}).get(row.document)
            if row.key not in anew and stands is not None and _says(stands[1], row.json, erased):
                kept[row.document] = stands[0]
            else:
                anew.add(row.key)
    if kept:
        connection.execute(
            insert(tables.kept),
            [{"delivery": number, "contract": contract_id, "record": record} for record in kept.values()],
        )
    return set(kept)


def _says(stands: str, json_: str, erased: Callable[[str], str]) -> bool:
    """Whether a version that stands is this record, as it was or as far as its time is not over."""
    return stands in (json_, _ITS_TIME_IS_OVER) or stands == erased(json_)


def _runs(connection: Connection, contract_id: str, number: int) -> list[tuple[int, int]]:
    """The rows that a delivery's changes have published, as first and last ids."""
    blocks = tables.change_block
    query = select(blocks).where(blocks.c.delivery == number, blocks.c.contract == contract_id)
    return [(row.first_id, row.first_id + row.last_seq - row.first_seq) for row in connection.execute(query)]


def _live(
    connection: Connection, here: Standing, number: int, runs: list[tuple[int, int]], keys: list[str]
) -> tuple[dict[str, dict[int, tuple[int, str]]], set[str]]:
    """Of these keys, the versions of this delivery that stand, key → document → row and body; and the keys staged."""
    names = {f"k{place}": key for place, key in enumerate(keys)}
    marks = ", ".join(f":{name}" for name in names)
    rows = connection.execute(
        text(f"SELECT id, key, delivery, document, state, body FROM {here.table} WHERE key IN ({marks}) ORDER BY id"),
        names,
    )
    live: dict[str, dict[int, tuple[int, str]]] = {}
    staged = set()
    for row in rows:
        if row.state == 0:
            staged.add(row.key)
        elif row.state not in (PURGED, FAREWELL) and _took_back(row, number, runs):
            live.pop(row.key, None)
        elif row.delivery == number:
            # Documents come in their order: an earlier one again means that those behind it were made anew, or no more.
            before = {document: stands for document, stands in live.get(row.key, {}).items() if document < row.document}
            body = row.body if row.state not in (PURGED, FAREWELL) else _ITS_TIME_IS_OVER
            live[row.key] = before | {row.document: (row.id, body)}
    return live, staged


def _took_back(row: Row[tuple[object, ...]], number: int, runs: list[tuple[int, int]]) -> bool:
    own = row.delivery == number and row.body != GONE
    return not own and any(low <= row.id <= high for low, high in runs)


def forget_kept(transaction: Transaction, number: int) -> None:
    """The replay has ended, or broke off: what it found as it was is of no more use."""
    transaction.connection.execute(delete(tables.kept).where(tables.kept.c.delivery == number))


# ── what a replay no longer makes, and an undo ───────────────────────────────────────────────────────────────────────


def take_back(transaction: Transaction, window: Window, number: int) -> int:
    """Stage what was before in the place of this delivery's versions that are current and neither kept nor renewed.

    What was before is the last version of another delivery that was not undone, or one that is kept; where there is
    none, the record goes. Returns how many records that are.

    Raises:
        Retry: another delivery stages into this contract now.
    """
    here = staging.locked(transaction, window.contract)
    if here.offset is not None or here.staging not in (None, number):
        raise Retry(f"another delivery is being stored as {window.contract}", delay_seconds=0.5)
    fields = [quoted(column) for column in here.columns]
    names = ", ".join(["id", "key", "state", "version", "delivery", "document", "start", "stop", "body", *fields])
    more = "".join(f", p.{field}" for field in fields)
    kept = "SELECT 1 FROM kept x WHERE x.delivery = :number AND x.contract = :contract AND x.record ="
    made = transaction.connection.execute(
        text(f"""
        INSERT INTO {here.table} ({names})
        WITH touched AS (
            SELECT DISTINCT r.key FROM {here.table} r
            WHERE r.id BETWEEN :low AND :high AND r.delivery = :number
        ), standing AS (
            SELECT c.id, c.key, c.document, c.start, c.stop,
                (SELECT max(q.id) FROM {here.table} q WHERE q.key = c.key AND q.id < c.id
                    AND (q.delivery <> :number OR EXISTS ({kept} q.id))
                    AND NOT EXISTS (SELECT 1 FROM delivery u WHERE u.number = q.delivery AND u.state = 'undone')
                ) AS before
            FROM touched JOIN {here.table} c ON c.key = touched.key AND c.state = 1
            WHERE c.delivery = :number AND NOT EXISTS ({kept} c.id)
                AND NOT EXISTS (SELECT 1 FROM {here.table} s WHERE s.key = c.key AND s.state = 0)
        )
        SELECT :next + row_number() OVER (ORDER BY c.key) - 1, c.key, 0, 0, coalesce(p.delivery, :number),
            coalesce(p.document, c.document), coalesce(p.start, c.start), coalesce(p.stop, c.stop),
            coalesce(p.body, '{GONE}'){more}
        FROM standing c LEFT JOIN {here.table} p ON p.id = c.before"""),
        {
            "low": window.low,
            "high": window.high,
            "number": number,
            "contract": window.contract,
            "next": here.next_id,
        },
    ).rowcount
    if made:
        transaction.connection.execute(
            update(tables.contract)
            .where(tables.contract.c.id == window.contract)
            .values(
                staging=number,
                staged_from=here.next_id if here.staging is None else here.staged_from,
                next_id=here.next_id + made,
            )
        )
    return made


def changed_since(connection: Connection, number: int, *, limit: int = 20) -> tuple[int, list[tuple[str, str, str]]]:
    """How many records of a delivery a later one changed, and the first of them: contract, key, delivery."""
    total = 0
    shown: list[tuple[str, str, str]] = []
    for window in windows(connection, number):
        here = staging.standing(connection, window.contract)
        assert here is not None
        runs = _runs(connection, window.contract, number)
        own = " OR ".join(f"n.id BETWEEN {low} AND {high}" for low, high in runs)
        rows = connection.execute(
            text(f"""
            SELECT DISTINCT r.key, d.id FROM {here.table} r
            JOIN {here.table} n ON n.id = (SELECT max(z.id) FROM {here.table} z WHERE z.key = r.key AND z.id < :end)
            JOIN delivery d ON d.number = n.delivery
            WHERE r.id BETWEEN :low AND :high AND r.delivery = :number AND r.body <> '{GONE}'
                AND n.delivery <> :number AND NOT ({own}) ORDER BY r.key"""),
            {"low": window.low, "high": window.high, "number": number, "end": _end(here)},
        ).all()
        total += len(rows)
        shown += [(window.contract, row.key, row.id) for row in rows[: max(0, limit - len(shown))]]
    return total, shown


def would_lose(connection: Connection, number: int) -> int:
    """How many records of a delivery an undo would take away only because what they were before was purged."""
    total = 0
    for window in windows(connection, number):
        here = staging.standing(connection, window.contract)
        assert here is not None
        total += connection.execute(
            text(f"""
            SELECT count(*) FROM (SELECT DISTINCT r.key FROM {here.table} r
                WHERE r.id BETWEEN :low AND :high AND r.delivery = :number) t
            JOIN {here.table} c ON c.key = t.key AND c.state = 1 AND c.delivery = :number
            JOIN {here.table} p ON p.id = (SELECT max(q.id) FROM {here.table} q
                WHERE q.key = c.key AND q.id < c.id AND q.delivery <> :number
                    AND NOT EXISTS (SELECT 1 FROM delivery u WHERE u.number = q.delivery AND u.state = 'undone'))
            WHERE p.state = {PURGED}"""),
            {"low": window.low, "high": window.high, "number": number},
        ).scalar_one()
    return total


def _end(here: Standing) -> int:
    """The first id behind all that is published."""
    return here.staged_from if here.staged_from is not None and here.offset is None else here.next_id


def close_undone(transaction: Transaction, number: int, *, who: str, reason: str) -> None:
    """Write that a delivery is undone: all its documents are, those that were held too. The lease is closed apart."""
    table, document = tables.delivery, tables.document
    connection = transaction.connection
    held = document.c.state.in_([DocumentState.QUARANTINED, DocumentState.UNROUTED])
    connection.execute(
        update(document)
        .where(document.c.delivery == number, held)
        .values(state=DocumentState.UNDONE, who=who, reason=reason, retry=0)
    )
    told = connection.execute(select(table.c.documents).where(table.c.number == number)).scalar_one()
    total = sum(json.loads(told).values())
    connection.execute(
        update(table)
        .where(table.c.number == number)
        .values(
            state=DeliveryState.UNDONE,
            documents=json.dumps({DocumentState.UNDONE: total} if total else {}),
            finished_at=stamp(transaction.now),
        )
    )
