"""Trials: a file is judged as if it had come, and no record is touched; a delivery, as if it were judged again.

A file goes the whole straight line, from landing to the answers, in a store and a vault of its own, which are thrown
away: what comes out is what would come out for a partner whose first file this is. There is no second way of judging
that could say something else, and nothing in it that could reach a record.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import Reject
from gateway.ingest import ingest
from gateway.model import Arrived
from gateway.publish.acknowledgments import Desk, answer
from gateway.publish.lettering import write
from gateway.publish.letters.units import unit_of
from gateway.receive.landing import Receiver
from gateway.repair.plan import plan_of
from gateway.store import acknowledgments, deliveries, leases, letters, members, quarantine, records, revisions, staging
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.pages import Query
from gateway.store.trials import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.ingest import Line
    from gateway.model import Delivery, Finding
    from gateway.publish.letters.facts import Letter, Unit
    from gateway.routing import Routes
    from gateway.store.members import Part
    from gateway.store.trials import Trial

RECORDS_MAX = 100
FINDINGS_MAX = 200
"""So many are shown of each; the others are counted."""

_OWNER, _SECONDS = "trial", 3600.0
_SNIFFED = 64 * 1024
_QUOTED = 80
"""So many bytes are shown on either side of what a finding is about."""


def judge(line: Line, routes: Routes, trial: Trial) -> dict[str, Any]:
    """Judge a trial's file by `routes`; what came out, as JSON has it.

    ``state``, ``documents`` (state → how many), ``records`` (``contract``, ``record``), ``findings`` (those of the
    delivery, with a ``quote``: what is before, marked and after), ``more`` (records and findings that are not shown),
    ``answers`` (``name``, ``kind``, ``disposition``, ``text``), ``letter`` (by form: ``text``, ``html``; empty where
    none would be written), ``unit`` (what the documents are called there: ``one``, ``many``). Control numbers of
    answers begin at 1 each time.

    Raises:
        Stop: the bytes are missing; there is no room for the files of a trial.
        Retry: the vault does not answer now.
    """
    assert trial.sha256 is not None
    with tempfile.TemporaryDirectory(prefix="trial-") as folder:
        database = Database(f"sqlite:{folder}/trial.db", clock=line.database.clock)
        try:
            database.migrate()
            aside = replace(line, database=database, vault=LocalVault(Path(folder) / "vault"))
            delivery = _judged(aside, routes, trial, b"".join(line.vault.chunks(trial.sha256)))
            _answer(aside, routes)
            letter = _write(aside, routes)
            return _outcome(aside, routes, delivery, letter)
        finally:
            database.close()


def judge_again(
    line: Line, trial: Trial, routes_of: Callable[[str], Routes | None], in_force: Routes
) -> dict[str, Any]:
    """What a replay of a delivery would change, as JSON has it: ``gateway.repair.plan.Plan`` of that delivery alone.

    Raises:
        Reject: ``not_known``: the delivery, or the revision that judged it, is not there any more.
        Stop, Retry: as for judging.
    """
    with line.database.read() as connection:
        delivery = deliveries.get(connection, trial.delivery or "")
    before = routes_of(delivery.revision) if delivery is not None and delivery.revision is not None else None
    if delivery is None or before is None:
        raise Reject("not_known", f"{trial.delivery} was not judged by a revision that is kept")
    after = before if trial.how == "then" else in_force
    return asdict(plan_of(line.database, line.vault, before, after, delivery))


def _judged(aside: Line, routes: Routes, trial: Trial, content: bytes) -> Delivery:
    configuration = routes.configuration
    # What is said of the file refers to the trial, which its sender can quote: no delivery is ever made of it.
    receiver = Receiver(aside.database, aside.vault, lambda _kind: trial.id, lambda: configuration)
    with aside.database.write() as transaction:
        for contract in configuration.contracts.values():
            staging.ensure(transaction, contract)
        revisions.apply(transaction, configuration.revision, configuration.files)
    arrived = Arrived(trial.source, trial.name, trial.partner, trial.integration, whole=trial.whole)
    landed = receiver.land(arrived, BytesIO(content))
    with aside.database.write() as transaction:
        lease = leases.take(transaction, owner=_OWNER, seconds=_SECONDS)
    assert lease is not None
    ingest(aside, lease, routes)
    with aside.database.read() as connection:
        return deliveries.by_number(connection, landed.number)


def _answer(aside: Line, routes: Routes) -> None:
    with aside.database.write() as transaction:
        owed = acknowledgments.take_owed(transaction, owner=_OWNER, seconds=_SECONDS, count=1, size_max=0)
    if owed:
        desk = Desk(aside.database, aside.vault, lambda _name: routes, watch=aside.watch)
        answer(desk, owed, outboxes=())


def _write(aside: Line, routes: Routes) -> Letter | None:
    with aside.database.write() as transaction:
        owed = letters.take_owed(transaction, owner=_OWNER, seconds=_SECONDS)
    if owed is None:
        return None
    desk = Desk(aside.database, aside.vault, lambda _name: routes, watch=aside.watch)
    return write(desk, owed, routes.configuration, outboxes=(), tested=True)


def _unit(aside: Line, routes: Routes, delivery: Delivery, parts: list[Part], contracts: set[str]) -> Unit:
    """What the documents are called where no letter says it, as one would."""
    formats = set()
    for part in parts:
        if candidates := routes.candidates(delivery, part.member):
            formats.add(routes.reader_of(candidates, aside.vault.read(part.sha256, 0, _SNIFFED))[0])
    return unit_of(formats, contracts)


def _outcome(aside: Line, routes: Routes, delivery: Delivery, written: Letter | None) -> dict[str, Any]:
    with aside.database.read() as connection:
        found = quarantine.findings(connection, delivery.id, limit=FINDINGS_MAX + 1)
        answers = [
            {"name": each.name, "kind": each.kind, "disposition": each.disposition, "text": as_text(content)}
            for each, (_, content) in zip(
                acknowledgments.of_delivery(connection, delivery.number),
                acknowledgments.contents(connection, delivery.number),
                strict=True,
            )
        ]
        shown: list[dict[str, Any]] = []
        more = 0
        for contract in routes.configuration.contracts.values():
            query = Query(contract, limit=RECORDS_MAX - len(shown) + 1)
            page = records.page(connection, query).items
            kept = page[: RECORDS_MAX - len(shown)]
            shown += [{"contract": contract.id, "record": json.loads(each)} for each in kept]
            more += len(page) - len(kept)
        parts = members.parts_of(connection, delivery)
        held = quarantine.of_delivery(connection, delivery.number, limit=FINDINGS_MAX)
        letter = {kind: as_text(form.content) for kind, form in letters.newest(connection, delivery.number).items()}
    contracts = {each.contract for each in held if each.contract} or {each["contract"] for each in shown}
    known = {each.rpartition(".v")[0] for each in contracts}
    unit = written.unit if written is not None else _unit(aside, routes, delivery, parts, known)
    told = [each for _, each in found[:FINDINGS_MAX]]
    quoting = {each.member for each in told if each.start is not None}
    contents = {part.member: b"".join(aside.vault.chunks(part.sha256)) for part in parts if part.member in quoting}
    return {
        "state": str(delivery.state),
        "integration": delivery.integration,
        "revision": routes.revision,
        "documents": delivery.documents,
        "records": shown,
        "findings": [_said(each, contents) for each in told],
        "more": {"records": more > 0, "findings": len(found) > FINDINGS_MAX},
        "answers": answers,
        "letter": letter,
        "unit": asdict(unit),
    }


def _said(finding: Finding, contents: dict[str | None, bytes]) -> dict[str, Any]:
    said = {name: value for name, value in asdict(finding).items() if value is not None}
    content = contents.get(finding.member)
    if content is not None and finding.start is not None and finding.end is not None:
        said["quote"] = quoted(content, finding.start, finding.end)
    return said


def quoted(content: bytes, start: int, end: int) -> dict[str, str]:
    r"""What a span is, and what stands before and behind it in its line.

    >>> quoted(b"one\ntwo three four\n", 8, 13)
    {'before': 'two ', 'marked': 'three', 'after': ' four'}
    """
    before = content[max(0, start - _QUOTED) : start].rpartition(b"\n")[2]
    after = content[end : end + _QUOTED].partition(b"\n")[0]
    marked = content[start : min(end, start + 4 * _QUOTED)]
    return {"before": as_text(before), "marked": as_text(marked), "after": as_text(after.rstrip(b"\r"))}
