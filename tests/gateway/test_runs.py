"""A run leaves in the store what its deliveries would have left one after the other, on both stores."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway import runs
from gateway.errors import Retry
from gateway.store import leases, staging
from tests.acceptance.workspaces import opened, sample
from tests.faults.ledger import ledger, same

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

GOOD = b"""ISA*00*          *00*          *ZZ*ACME           *ZZ*GATEWAY        *261121*0900*U*00401*000000001*0*P*>~
GS*PO*ACME*GATEWAY*20261121*0900*1*X*004010~
ST*850*0001~
BEG*00*SA*%s**20261120~
N1*BY*Acme Retail*UL*4012345000009~
N1*ST*Acme Warehouse 3*UL*4012345100006~
N4*Rotterdam**3011AA*NL~
PO1*1*%d*EA*2.95**VP*SCR-M8-40~
CTT*1~
SE*8*0001~
GE*1*1~
IEA*1*000000001~
"""


def order(number: str, quantity: int = 1) -> bytes:
    return GOOD % (number.encode(), quantity)


def price(sku: str, amount: str, group: int = 10) -> bytes:
    row = f"{sku};Griff;{amount};01.12.2026;{group}"
    return f"Artikelnummer;Bezeichnung;Preis;gültig ab;Warengruppe\r\n{row}\r\n".encode("windows-1252")


def url_of(folder: Path, store_url: str) -> str:
    return f"sqlite:{folder}/data/gateway.db" if store_url.startswith("sqlite:") else store_url


def mixed(seed: int) -> list[tuple[bytes, str, str]]:
    """Files of two lanes: new and repeated orders, some of them again byte for byte, some bad, some unreadable."""
    chance = random.Random(seed)
    files: list[tuple[bytes, str, str]] = []
    for at in range(60):
        choice = chance.random()
        if choice < 0.5:
            files.append((order(f"R{chance.randrange(8)}", chance.randrange(1, 9)), f"o{at}.edi", "drop://acme"))
        elif choice < 0.8:
            sku = f"ART-{chance.randrange(5)}"
            group = 77 if chance.random() < 0.2 else 10
            files.append((price(sku, f"{chance.randrange(9)},50", group), f"p{at}.csv", "drop://globex"))
        elif choice < 0.9 and files:
            content, _, source = chance.choice(files)
            files.append((content, f"again{at}", source))
        else:
            content = chance.choice((b"", b"%PDF-1.7", order("CUT")[:-30], sample("acme-orders.edi")))
            files.append((content, f"odd{at}.edi", "drop://acme"))
    return files


@pytest.mark.parametrize("seed", range(3))
def test_what_runs_leave_is_what_one_after_the_other_leaves(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []
    for deliveries_max in (1, runs.DELIVERIES_MAX):
        monkeypatch.setattr(runs, "DELIVERIES_MAX", deliveries_max)
        folder = tmp_path / str(deliveries_max)
        with opened(folder) as place:
            for each in mixed(seed):
                place.land(*each)
            place.work()
        left.append(ledger(f"sqlite:{folder}/data/gateway.db"))
    same(left[1], left[0], f"seed {seed}")
    states = {row[4] for row in left[0]["deliveries"]}
    assert states >= {"accepted", "quarantined", "partly_accepted"}


def test_a_run_is_one_transaction_and_each_delivery_one_change(tmp_path: Path, store_url: str) -> None:
    folder = tmp_path / "here"
    store = "sqlite:data/gateway.db" if store_url.startswith("sqlite:") else store_url
    with opened(folder, store=store) as place:
        landed = [place.land(order(f"N{at}"), f"n{at}.edi") for at in range(5)]
        landed.append(place.land(order("N0", 7), "again.edi"))
        place.work()
        shown = [place.delivery(each.id) for each in landed]
        assert {each["state"] for each in shown} == {"accepted"}
        assert len({each["finished_at"] for each in shown}) == 1
        assert changes(place) == [(number, f"acme~N{at}") for number, at in enumerate((0, 1, 2, 3, 4, 0), 1)]
        history = place.get("/api/v1/orders/acme~N0/history")["items"]
        assert [each["_version"] for each in history] == [2, 1]
        assert [place.events(each.id) for each in landed] == [["received", "accepted"]] * 6


def test_one_that_is_not_good_goes_alone_and_the_others_stay_in_their_order(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.land(order("A"), "1.edi")
        place.land(order("B"), "2.edi")
        bad = place.land(order("C").replace(b"PO1*1*1*EA", b"PO1*1*x*EA"), "3.edi")
        place.land(order("B", 2), "4.edi")
        place.land(order("D"), "5.edi")
        place.work()
        assert place.delivery(bad.id)["state"] == "quarantined"
        assert [key for _, key in changes(place)] == ["acme~A", "acme~B", "acme~B", "acme~D"]


def changes(place: Place) -> list[tuple[int, str]]:
    """The change log of orders: number and key."""
    with place.gateway.database.read() as connection:
        return [
            (row.seq, row.key) for row in connection.execute(text("SELECT seq, key FROM record_order_v1 ORDER BY seq"))
        ]


def test_a_run_that_cannot_be_published_is_tried_again_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as place:
        landed = [place.land(order(f"N{at}"), f"n{at}.edi") for at in range(3)]
        with monkeypatch.context() as broken:
            broken.setattr(staging, "put", busy)
            place.work()
        assert {place.delivery(each.id)["state"] for each in landed} == {"received"}
        assert {place.row(each.id).tries for each in landed} == {0}, "a busy store is no try of a file"
        place.clock.forward(5)
        place.work()
        assert {place.delivery(each.id)["state"] for each in landed} == {"accepted"}


def test_a_run_with_an_older_version_of_a_record_goes_one_by_one_and_never_overwrites_it(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        old = [place.land(order(f"N{at}", 1), f"n{at}.edi") for at in range(3)]
        newer = place.land(order("N1", 2), "newer.edi")
        with place.gateway.database.write() as transaction:  # as if another lane had been faster
            transaction.connection.execute(
                text("UPDATE delivery SET lane = 'other', due = due - 9 WHERE name = 'newer.edi'")
            )
        place.work()
        assert [key for _, key in changes(place)] == ["acme~N1", "acme~N0", "acme~N2"]
        assert place.delivery(newer.id)["documents"] == {"accepted": 1}
        assert place.delivery(old[1].id)["documents"] == {"excluded": 1}


def busy(*_args: object, **_more: object) -> None:
    raise Retry("another delivery is being stored", delay_seconds=1.0)


def test_a_run_whose_publishing_has_a_defect_is_taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as place:
        landed = [place.land(order(f"N{at}"), f"n{at}.edi") for at in range(3)]
        monkeypatch.setattr(staging, "put", broken)
        place.work()
        place.clock.forward(5)
        place.work()
        assert {place.delivery(each.id)["state"] for each in landed} == {"accepted"}


def broken(*_args: object, **_more: object) -> None:
    raise KeyError("a defect")


def test_a_worker_whose_lease_went_to_another_publishes_nothing_of_the_run(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        gateway = place.gateway
        for at in range(3):
            place.land(order(f"N{at}"), f"n{at}.edi")
        run = take(place)
        assert [each.delivery.name for each in run] == ["n0.edi", "n1.edi", "n2.edi"]
        place.clock.forward(gateway.settings.lease_seconds + 1)
        other = take(place)
        assert [each.delivery.name for each in other] == ["n0.edi"], "what was tried once goes alone"
        with pytest.raises(Retry, match="lease"):
            runs.ingest_run(gateway.line, run, gateway.in_force.routes())
        assert place.records("orders") == []


def take(place: Place) -> list[leases.Lease]:
    with place.gateway.database.write() as transaction:
        first = leases.take(transaction, owner="me", seconds=60)
        assert first is not None
        return [first, *leases.take_followers(transaction, first, seconds=60, count=9, size_max=runs.BYTES_MAX)]


def test_a_run_ends_before_a_large_file_and_passes_one_that_waits_for_its_next_try(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.land(order("FAILED"), "failed.edi")
        (failed,) = take(place)
        for name, content in (("1.edi", order("A")), ("2.edi", order("B")), ("3.edi", order("C") + b"\n" * 70_000)):
            place.land(content, name)
        place.land(order("D"), "4.edi")
        with place.gateway.database.write() as transaction:
            leases.postpone(transaction, failed, seconds=60, counted=True)
        assert [each.delivery.name for each in take(place)] == ["1.edi", "2.edi"]
