"""Whoever writes or sends letters is killed at every system call: each is written once, and put there once (X1)."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway.operate.workers.worker import work_once
from sftp.hostkeys import load_or_create
from tests.acceptance.workspaces import sample
from tests.faults.injection import calls_of, missing, traced
from tests.faults.ledger import reading, same
from tests.faults.scenes import PRICES, scene
from tests.faults.test_acknowledgments import of_sending, outboxes, send, unsent
from tests.faults.test_kill import chosen, kill

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.nursery import Nursery
    from tests.faults.scenes import Scene

tracing = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def judged(place: Place) -> None:
    """Files that are refused in part, and as a whole: judged, and nothing written about them yet."""
    load_or_create(place.folder / "data" / "hostkeys")
    place.land(PRICES, "prices.csv", "drop://globex")
    place.land(sample("acme-orders.edi"), "orders.edi", "drop://acme")
    place.land(b"hello", "notes.txt", "drop://acme")
    while work_once(place.gateway, "me"):
        pass


def written(place: Place) -> None:
    """One that is refused in part, and its letter waits to be sent, as text and as a page."""
    load_or_create(place.folder / "data" / "hostkeys")
    place.land(sample("acme-orders.edi"), "orders.edi", "drop://acme")
    place.work()


def letters(here: Scene) -> list[tuple[str, bytes]]:
    """The files that the store has."""
    with reading(here.url) as connection:
        rows = connection.execute(text("SELECT name, content FROM letter ORDER BY name"))
        return [(row.name, bytes(row.content)) for row in rows]


@tracing
def test_X1_a_worker_killed_at_any_call_writes_each_letter_once(  # noqa: N802 - the promise's name
    tmp_path: Path, children: Nursery
) -> None:
    before = scene(tmp_path / "before", "sqlite:", judged)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "work", "--until-idle")
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    expected, ledger = letters(undisturbed), undisturbed.ledger()
    assert len(expected) == 7

    for call in chosen(calls_of(tmp_path / "trace")):
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, "work", "--until-idle")
        with traced(child, tmp_path / "trace", inject=kill(call)):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        children.work(here.later().folder)
        assert letters(here) == expected, f"killed at {call}"
        same(here.ledger(), ledger, f"killed at {call}")
        here.remove()


@tracing
def test_X1_the_sftp_role_killed_at_any_call_puts_each_letter_there_once(  # noqa: N802 - as above
    tmp_path: Path, children: Nursery
) -> None:
    before = scene(tmp_path / "before", "sqlite:", written)
    undisturbed = before.copy(tmp_path / "undisturbed")
    assert send(undisturbed, children, trace=tmp_path / "trace").status == 0
    assert outboxes(undisturbed) == letters(before)

    kills = 0
    for call in of_sending(calls_of(tmp_path / "trace")):
        here = before.copy(tmp_path / "here")
        kills += send(here, children, trace=tmp_path / "trace", inject=kill(call)).status == -signal.SIGKILL
        found = outboxes(here, take=True)
        if unsent(here):
            assert send(here.later(), children).status == 0
        found += outboxes(here)
        assert sorted(found) == letters(before), f"killed at {call}"
        assert max(Counter(found).values()) == 1, f"killed at {call}"
        assert list((here.folder / "data" / "sftp").glob("*/outgoing/*")) == [], f"killed at {call}"
        here.remove()
    assert kills > 8
