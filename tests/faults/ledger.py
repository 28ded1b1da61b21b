"""What a store says in the end, without what differs from run to run: ids, times, and the numbers of tries."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

from gateway.operate.exchange.visits import KINDS
from gateway.store import audit
from gateway.store.expiry import BY_RETENTION
from gateway.store.sqlite import library

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

Ledger = dict[str, list[Any]]
_ID = re.compile(r"\b(d|doc|a)_[0-9a-z]{26}\b")
TROUBLES = (
    *("attempt_failed", "receiver_failed", "receiver_recovered"),
    *("folder_unusable", "folder_unreadable", "claim_failed", "removal_failed", "acknowledgment_waits"),
)
"""Activity that tells of a fault, which an undisturbed run does not have."""

VISITS = frozenset(KINDS) | {each.observation.event for each in KINDS.values()}
"""What partners did at our server: whoever is killed is visited once more."""


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """A connection of our own to a store."""
    if url.startswith("sqlite:"):
        engine = create_engine(f"sqlite:///{url.removeprefix('sqlite:')}", module=library())
    else:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def ledger(url: str) -> Ledger:
    """Deliveries, held documents, findings, records with their versions, changes, logs, each in its order.

    What different lanes do between each other has no order, so deliveries stand by name, change numbers are counted
    within their contract, and the activity stands by delivery. Activity that tells of troubles is left out;
    :func:`troubles` has it.
    """
    with reading(url) as connection:
        rows = _rows(connection, "SELECT * FROM delivery ORDER BY name, number")
        place: dict[int, int | str] = {row["number"]: at for at, row in enumerate(rows)}
        place[BY_RETENTION] = "retention"
        name = {row["id"]: f"delivery {at}" for at, row in enumerate(rows)}

        def plain(said: Any) -> Any:
            return _ID.sub(lambda found: name.get(found[0], "an id"), said) if isinstance(said, str) else said

        said: Ledger = {"deliveries": [], "records": []}
        for row in rows:
            kept = ("source", "name", "partner", "integration", "state", "sha256", "size", "whole", "revision", "tries")
            said["deliveries"].append(
                [
                    *(row[each] for each in kept),
                    plain(row["twin"]),
                    _sorted(row["documents"]),
                    row["due"] is None,
                    row["owner"],
                ]
            )
        said["documents"] = [
            [place[row["delivery"]], *(row[each] for each in _DOCUMENT)]
            for row in _rows(connection, "SELECT * FROM document ORDER BY delivery, number")
        ]
        said["findings"] = [
            [place[row["delivery"]], *(plain(value) for key, value in row.items() if key not in ("id", "delivery"))]
            for row in _rows(connection, "SELECT * FROM finding ORDER BY delivery, id")
        ]
        contracts = _rows(connection, 'SELECT id, records, last_seq, staging, "offset" FROM contract ORDER BY id')
        for contract in contracts:
            rows = _rows(connection, f"SELECT * FROM {contract['records']} ORDER BY id")
            numbers = sorted(row["seq"] for row in rows if row["seq"] is not None)
            said["records"] += [
                [
                    contract["id"],
                    place[row["delivery"]],
                    row["seq"] and numbers.index(row["seq"]),
                    *map(row.get, _RECORD),
                ]
                for row in rows
            ]
            assert contract["staging"] is not None or contract["last_seq"] == (numbers[-1] if numbers else 0)
        said["contracts"] = [[each["id"], each["staging"], each["offset"]] for each in contracts]
        blocks = _rows(connection, "SELECT * FROM change_block ORDER BY first_seq")
        ends = [0, *(row["last_seq"] for row in blocks)]
        assert [row["first_seq"] - 1 for row in blocks] == ends[:-1], "the change numbers have a gap"
        said["changes"] = sorted(
            [row["contract"], str(place[row["delivery"]]), row["last_seq"] - row["first_seq"] + 1] for row in blocks
        )
        lines = [
            [plain(row["delivery"]) or "", *(row[each] for each in _ACTIVITY), plain(row["message"])]
            for row in _rows(connection, "SELECT * FROM activity ORDER BY id")
            if row["event"] not in (*TROUBLES, *VISITS)
        ]
        said["activity"] = sorted(lines, key=lambda line: line[0])
        said |= _answers(connection, place)
        verdict = audit.check(connection)
        assert verdict.faults == (), verdict.faults
        said["audit"] = sorted(
            [plain(line.subject), line.action, plain(json.dumps(line.details, sort_keys=True))]
            for line in audit.after(connection, 0, limit=100_000)
            if not line.subject.startswith("key ") and line.action not in VISITS
        )
    for kind in ("documents", "findings"):
        said[kind].sort(key=lambda row: row[0])
    return said


def _answers(connection: Connection, place: dict[int, Any]) -> Ledger:
    """Who was to be answered, and what, without the time of day in its envelope."""
    acknowledgments = _rows(connection, "SELECT * FROM acknowledgment ORDER BY delivery, place")
    return {
        "answering": sorted(
            [place[row["delivery"]], row["state"], place.get(row["twin"]), row["due"] is None, row["owner"]]
            for row in _rows(connection, "SELECT * FROM answering")
        ),
        "acknowledgments": sorted(
            [
                place[row["delivery"]],
                *(row[each] for each in _ANSWER),
                _TIME.sub(b"time", row["content"]),
                row["sent_at"] is None,
                row["due"] is None,
            ]
            for row in acknowledgments
        ),
    }


_ANSWER = (
    *("place", "interchange", "functional_group", "kind", "standard", "sender", "receiver", "number"),
    *("answers_interchange", "disposition", "received", "accepted", "name", "again", "state", "owner", "problem"),
)
_TIME = re.compile(rb"[0-9]{6,8}[*:][0-9]{4}(?=[*+])")
_ACTIVITY = ("event", "level", "integration", "partner")
_DOCUMENT = ("number", "state", "integration", "contract", "start", "end", "retry")
_RECORD = ("key", "state", "version", "document", "start", "stop", "body")


def troubles(url: str) -> list[str]:
    """The messages of the activity that an undisturbed run does not have."""
    with reading(url) as connection:
        rows = _rows(connection, "SELECT event, message FROM activity ORDER BY id")
    return [row["message"] for row in rows if row["event"] in TROUBLES]


def _rows(connection: Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(query)).mappings()]


def _sorted(documents: str) -> dict[str, int]:
    counted: dict[str, int] = json.loads(documents)
    return dict(sorted(counted.items()))


def same(here: Ledger, expected: Ledger, when: str) -> None:
    """Assert that two ledgers say the same, with the lines that differ."""
    lines = [
        f"{sign} {kind} {line}"
        for sign, one, other in (("-", expected, here), ("+", here, expected))
        for kind in expected
        for line in one[kind]
        if line not in other[kind]
    ]
    assert here == expected, "\n".join([when, *lines[:20]])
