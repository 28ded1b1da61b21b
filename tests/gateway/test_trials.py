"""Trials: what comes out is what would come out, and no record is touched."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from gateway import trials
from gateway.errors import Reject
from gateway.ingest import Line
from gateway.model import DeliveryState
from gateway.receive.trials import BYTES_MAX, Asking
from gateway.routing import Routes
from gateway.store import deliveries, records, retention
from gateway.store import trials as store
from gateway.workspace.loader import parse
from tests.gateway.serve.worlds import FILES, HEADER, World, order, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any


@pytest.fixture
def here(tmp_path: Path, store_url: str) -> Iterator[World]:
    with closing(world(tmp_path, url=store_url)) as made:
        yield made


def line(here: World) -> Line:
    return Line(here.database, here.vault, here.ids.new)


def tried(here: World, content: str, name: str = "orders.csv") -> dict[str, Any]:
    asking, file = Asking(here.receiver), content.encode()
    trial = asking.ask("acme", name, BytesIO(file), lane=store.PAGE, size=len(file))
    with here.database.write() as transaction:
        held = store.take(transaction, owner="w", seconds=60)
    assert held is not None
    assert held.trial.id == trial
    result = trials.judge(line(here), Routes(here.configuration), held.trial)
    with here.database.write() as transaction:
        assert store.finish(transaction, held, result)
    with here.database.read() as connection:
        shown = store.get(connection, trial)
    assert shown is not None
    assert shown.state == store.DONE
    assert shown.result is not None
    return shown.result


def test_a_good_file_shows_its_records_and_none_is_there(here: World) -> None:
    result = tried(here, HEADER + order("1") + order("2", city="Köln"))
    assert result["state"] == "accepted"
    assert result["documents"] == {"accepted": 2}
    assert [each["record"]["ship_to"]["city"] for each in result["records"]] == ["Hamburg", "Köln"]
    assert result["findings"] == []
    with here.database.read() as connection:
        assert deliveries.page(connection) == []
        for contract in here.configuration.contracts.values():
            assert records.state(connection, contract) == 0


def test_what_is_wrong_is_quoted_from_the_bytes(here: World) -> None:
    result = tried(here, HEADER + order("1") + order("2", total="12.5O"))
    assert result["state"] == "partly_accepted"
    (finding,) = result["findings"]
    assert finding["quote"]["marked"] == "12.5O"
    assert finding["quote"]["before"].startswith("2,open,2026-11-01,")
    assert "\n" not in finding["quote"]["before"] + finding["quote"]["after"]


def test_a_letter_about_a_test_has_no_sheet_of_rows_and_asks_for_the_whole_file(here: World) -> None:
    result = tried(here, HEADER + order("1") + order("2", total="12.5O"))
    assert result["letter"].keys() == {"text", "html"}
    for each in result["letter"].values():
        said = " ".join(each.split())
        assert "This was a test: nothing of the file was taken." in said
        assert "The whole file, put right, with the row that is right already" in said
        assert "need not be sent" not in said


def test_what_is_there_already_is_not_looked_at(here: World) -> None:
    here.deliver(order("1", total="1.00"))
    with here.database.read() as connection:
        before = [each.id for each in deliveries.page(connection)]
    result = tried(here, HEADER + order("1", total="1.00"))
    assert result["state"] == "accepted", "nor is it a duplicate of what was really sent"
    with here.database.read() as connection:
        assert [each.id for each in deliveries.page(connection)] == before


def test_a_file_that_nobody_wants_is_told_so(here: World) -> None:
    with pytest.raises(Reject, match="no integration takes files of globex") as refused:
        Asking(here.receiver).ask("globex", "x", BytesIO(b"x"), lane=store.PAGE, size=1)
    assert refused.value.code == "nothing_wanted"


def test_a_file_that_is_too_large_is_not_tried(here: World) -> None:
    with pytest.raises(Reject) as refused:
        Asking(here.receiver).ask("acme", "x", BytesIO(b""), lane=store.PAGE, size=BYTES_MAX + 1)
    assert refused.value.code == "too_large"


def test_a_trial_that_is_asked_for_twice_is_one(here: World) -> None:
    for _ in range(2):
        Asking(here.receiver).ask("acme", "x.csv", BytesIO(b"x"), lane=store.DROP, size=1, id="t_1")
    with here.database.write() as transaction:
        assert store.take(transaction, owner="w", seconds=60) is not None
        assert store.take(transaction, owner="w", seconds=60) is None


def test_content_is_named_until_the_trial_is_forgotten(here: World) -> None:
    Asking(here.receiver).ask("acme", "x.csv", BytesIO(b"x"), lane=store.PAGE, size=1)
    name = here.vault.put(BytesIO(b"x")).sha256
    with here.database.write() as transaction:
        assert retention.condemn(transaction, name) == []
        assert store.forget(transaction, before=here.database.clock()) == (1, [name])
        assert retention.condemn(transaction, name) == [name]


def test_so_many_trials_of_a_partner_wait_and_no_more(here: World) -> None:
    here.apply(FILES | {"partners/globex.yaml": "partner: globex\n"})
    asking = Asking(here.receiver)
    for number in range(store.WAITING_MAX):
        asking.ask("acme", "x.csv", BytesIO(b"x"), lane=store.DROP, size=1, id=f"t_{number:02}")
    with pytest.raises(Reject, match="20 trials of acme wait already") as refused:
        asking.ask("acme", "y.csv", BytesIO(b"y"), lane=store.DROP, size=1, id="t_more")
    assert refused.value.code == "too_many"
    assert len(here.vault.listed("", 10)) == 1, "nothing of it is kept"
    assert asking.ask("acme", "x.csv", BytesIO(b"x"), lane=store.DROP, size=1, id="t_00") == "t_00"
    with here.database.write() as transaction:
        other = store.Trial("t_x", store.REPLAY, None, "", "x", None, 0, delivery="d_1", how="now")
        store.ask(transaction, other)
        held = store.take(transaction, owner="w", seconds=60)
        assert held is not None
        with pytest.raises(Reject):  # one that is being judged is not over
            store.ask(transaction, replace(other, id="t_y", partner="acme"))
        store.finish(transaction, held, None, problem="why")
        store.ask(transaction, replace(other, id="t_y", partner="acme"))


def test_the_newest_trials_of_a_partner_are_kept_and_what_waits(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "KEPT_MAX", 2)
    asking = Asking(here.receiver)
    asking.refuse("globex", "other.csv", Reject("x", "no"), lane=store.DROP, size=1, id="t_other")
    for number in range(5):
        content = b"%d" % number
        asking.ask("acme", "x.csv", BytesIO(content), lane=store.DROP, size=1, id=f"t_{number}")
        if number:
            with here.database.write() as transaction:
                held = store.take(transaction, owner="w", seconds=60)
                assert held is not None
                assert store.finish(transaction, held, None, problem="why")
    asking.refuse("acme", "x.csv", Reject("x", "no"), lane=store.DROP, size=1, id="t_5")
    with here.database.read() as connection:
        assert [each.trial.id for each in store.page(connection)] == ["t_other", "t_5", "t_4", "t_3"]
        condemned = {each.sha256 for each in retention.condemned(connection)}
    assert condemned == {hashlib.sha256(b"%d" % number).hexdigest() for number in range(3)}


def test_a_worker_that_lost_its_lease_says_nothing(here: World) -> None:
    Asking(here.receiver).ask("acme", "x.csv", BytesIO(b"x"), lane=store.PAGE, size=1, id="t_1")
    with here.database.write() as transaction:
        first = store.take(transaction, owner="w1", seconds=-1)
        second = store.take(transaction, owner="w2", seconds=60)
        assert first is not None
        assert second is not None
        assert not store.finish(transaction, first, {"state": "accepted"})
        assert store.finish(transaction, second, None, problem="why")
        shown = store.get(transaction.connection, "t_1")
    assert shown is not None
    assert (shown.state, shown.problem, second.tries) == (store.FAILED, "why", 2)


def test_a_replay_is_tried_without_being_done(here: World) -> None:
    here.deliver(order("1", total="1.00", pieces="7"))
    with here.database.read() as connection:
        (delivery,) = deliveries.page(connection)
    before = Routes(here.configuration)
    changed = {name: text.replace("total: total | decimal", "total: pieces | decimal") for name, text in FILES.items()}
    after = Routes(parse(changed))
    trial = store.Trial("t_1", store.REPLAY, "acme", "", delivery.name, None, 0, delivery=delivery.id, how="now")
    plan = trials.judge_again(line(here), trial, lambda name: before if name == delivery.revision else None, after)
    assert plan["integrations"]["acme-orders"]["fields"]["/total"]["count"] == 1
    with here.database.read() as connection:
        assert deliveries.by_number(connection, delivery.number).state is DeliveryState.ACCEPTED


def test_a_plan_goes_with_the_delivery_that_it_quotes(here: World) -> None:
    delivery, other = here.deliver(order("1")), here.deliver(order("2"))
    with here.database.write() as transaction:
        for number, each in enumerate((delivery, other)):
            store.ask(
                transaction,
                store.Trial(f"t_{number}", store.REPLAY, "acme", "", each.name, None, 0, delivery=each.id, how="now"),
            )
        held = store.take(transaction, owner="w", seconds=60)
        assert held is not None
        assert retention.purge(transaction, delivery.number, by="keep: 1d", quoting=()) is not None
        assert [each.trial.id for each in store.page(transaction.connection)] == ["t_1"]
        assert not store.finish(transaction, held, {"integrations": {}}), "one that is being made says nothing either"


def test_a_list_of_trials_is_without_what_came_out(here: World) -> None:
    tried(here, HEADER + order("1"))
    with here.database.read() as connection:
        (shown,) = store.page(connection)
    assert (shown.state, shown.result) == (store.DONE, None)
