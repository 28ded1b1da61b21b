"""What came of test files is told: a folder that takes nothing is warned of once, and a defect holds up no other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import update

from gateway.operate.workers.trying import Teller
from gateway.store import trials
from gateway.store.tables import trial
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.acceptance.workspaces import Place


def failed(place: Place, id: str, partner: str) -> None:  # noqa: A002 - the column's name
    with place.gateway.database.write() as transaction:
        trials.ask(transaction, trials.Trial(id, trials.DROP, partner, "", "x.edi", None, 1), problem="why")


def told(place: Place, partner: str) -> list[str]:
    outbox = place.gateway.folder / place.gateway.settings.drops / partner / "test" / "outbox"
    return sorted(each.name for each in outbox.iterdir()) if outbox.exists() else []


def test_a_folder_that_takes_nothing_is_warned_of_once_and_tried_more_seldom(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as place:
        home = place.gateway.folder / place.gateway.settings.drops / "blocked"
        home.mkdir(parents=True)
        (home / "test").write_bytes(b"no folder")
        failed(place, "t_00000001", "blocked")
        failed(place, "t_00000002", "blocked")
        teller = Teller(place.gateway)
        with caplog.at_level(logging.WARNING):
            for _ in range(5):
                teller.tell_once()
                place.clock.forward(1)
        assert [each.getMessage()[:24] for each in caplog.records] == ["what came of t_00000001,"]
        (home / "test").unlink()
        place.clock.forward(60)
        teller.tell_once()
        assert told(place, "blocked") == ["tested_x.edi_00000001.txt", "tested_x.edi_00000002.txt"]
        failed(place, "t_00000003", "blocked")
        teller.tell_once()
        assert len(told(place, "blocked")) == 3


def test_a_trial_that_cannot_be_told_holds_up_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path) as place:
        failed(place, "t_00000001", "acme")
        failed(place, "t_00000002", "acme")
        with place.gateway.database.write() as transaction:
            broken = update(trial).where(trial.c.id == "t_00000001")
            transaction.connection.execute(broken.values(state=trials.DONE, result="{}"))
        teller = Teller(place.gateway)
        with caplog.at_level(logging.WARNING):
            teller.tell_once()
            teller.tell_once()
        assert told(place, "acme") == ["tested_x.edi_00000002.txt"]
        assert [each.getMessage() for each in caplog.records] == ["what came of t_00000001 cannot be told"]
