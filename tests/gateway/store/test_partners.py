"""What belongs to partners, asked of the store itself: on both databases, also while rows are being settled."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gateway.contracts import Contract, Field
from gateway.model import Arrived, DeliveryState, DocumentState, Finding
from gateway.observations import FINDING_MADE
from gateway.store import activity, changes, deliveries, groups, keys, quarantine, readiness, records, staging
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.quarantine import Held
from gateway.store.records import Filter, Query
from gateway.store.staging import Staged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHARED = Contract(
    "price", 1, "", "", ("sku",), (Field("sku", "text"), Field("price", "decimal", filterable=True, sortable=True))
)
OWN = replace(SHARED, name="offer", per_partner=True)
PARTNERS = ("acme", "acme-2", "globex")


class Filled:
    """A store with deliveries of three partners and of nobody, each with records of both contracts."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.vault, self.numbers = database, LocalVault(folder / "vault"), {}
        with database.write() as transaction:
            for contract in (SHARED, OWN):
                staging.ensure(transaction, contract)
        for partner in (*PARTNERS, None):
            self.numbers[partner] = self.deliver(partner)

    def deliver(self, partner: str | None, price: str = "1.00", *, settled: bool = True) -> int:
        """A delivery with a record of its own and one that all share, in both contracts."""
        stored = self.vault.put(io.BytesIO(f"{partner}{price}".encode()))
        with self.database.write() as transaction:
            name = f"d_{partner}_{price}"
            landed, _ = deliveries.land(transaction, Arrived("http:", "x", partner, "flow"), stored, new_id=name)
            number = landed.number
        for contract in (SHARED, OWN):
            rows = []
            for at, sku in enumerate((f"{partner}-sku", "shared"), 1):
                key = f"{partner or 'nobody'}~{sku}" if contract.per_partner else sku
                body = json.dumps({"sku": sku, "price": price}, separators=(",", ":"))
                rows.append(Staged(key, at, 0, 9, body, (sku, price)))
            with self.database.write() as transaction:
                staging.stage(transaction, contract, number, rows)
                if settled:
                    staging.publish(transaction, contract.id, number)
                else:
                    self.publish_unsettled(transaction, contract, number)
        with self.database.write() as transaction:
            deliveries.close(
                transaction, number, state=DeliveryState.PARTLY_ACCEPTED, integration="flow", partner=partner,
                revision="r", documents={},
            )  # fmt: skip
            found = Finding(
                "contract.code", "error", f"value of {partner}", "mend it", 0, 1, value=f"v-{partner}", document=1
            )
            held = Held(
                number=1,
                id=f"doc_{partner}_{price}",
                state=DocumentState.QUARANTINED,
                integration="flow",
                contract="price.v1",
                start=0,
                end=9,
                findings=(found,),
            )
            quarantine.hold(transaction, number, [held])
            who = {"integration": "flow", "partner": partner, "delivery": f"d_{partner}_{price}"}
            transaction.tell(FINDING_MADE(**who, where="line 1", message=f"value of {partner}", code="contract.code"))
        return number

    @staticmethod
    def publish_unsettled(transaction: object, contract: Contract, number: int) -> None:
        """Published and not yet settled, as a large delivery is for a while."""
        most, staging.SETTLED_AT_ONCE = staging.SETTLED_AT_ONCE, 0
        try:
            staging.publish(transaction, contract.id, number)  # type: ignore[arg-type] # it is one
        finally:
            staging.SETTLED_AT_ONCE = most


@pytest.fixture(params=["settled", "settling"])
def filled(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> Iterator[Filled]:
    database = Database(store_url, clock=lambda: datetime.now(UTC))
    database.migrate()
    made = Filled(database, tmp_path)
    made.deliver("globex", "2.00", settled=request.param == "settled")
    yield made
    database.close()


LIMITS = ((), ("acme",), ("globex",), ("acme", "globex"), ("acme-2",), ("nobody-else",), None)


def test_records_are_those_of_the_partners(filled: Filled) -> None:
    for partners in LIMITS:
        check_records(filled, partners)


def check_records(filled: Filled, partners: tuple[str, ...] | None) -> None:
    mine = (*PARTNERS, "nobody") if partners is None else tuple(each for each in PARTNERS if each in partners)
    skus = {
        "price.v1": [f"{each}-sku" for each in mine] + (["shared"] if partners is None or "globex" in partners else []),
        "offer.v1": [f"{each}~{sku}" for each in mine for sku in (f"{each}-sku", "shared")],
    }
    skus["price.v1"] = [each.replace("nobody-sku", "None-sku") for each in skus["price.v1"]]
    skus["offer.v1"] = [each.replace("nobody~nobody-sku", "nobody~None-sku") for each in skus["offer.v1"]]
    with filled.database.read() as connection:
        for contract in (SHARED, OWN):
            for then in (None, records.point(connection, contract)):
                query = Query(contract, partners=partners)
                found = [json.loads(each)["_key"] for each in records.page(connection, query, then).items]
                assert found == sorted(skus[contract.id]), contract.id
                assert records.count(connection, query, then) == len(found)
                some = replace(
                    query, filters=(Filter("price", "gte", "0"), Filter("sku", "in", ("acme-sku", "shared")))
                )
                assert records.count(connection, some, then) == len(
                    [each for each in found if each.rpartition("~")[2] in ("acme-sku", "shared")]
                )
                paged: list[str] = []
                after = None
                while True:
                    page = records.page(connection, replace(query, limit=1, after=after, sort=(("price", True),)), then)
                    paged += [json.loads(each)["_key"] for each in page.items]
                    after = page.last
                    if not page.more:
                        break
                assert sorted(paged) == sorted(found)


def test_what_came_of_nobody_is_whose_records_it_brought(filled: Filled) -> None:
    shared = readiness.Ways(shared=("http:",), contracts=(SHARED, OWN))
    cases = (
        ("acme", shared, "d_acme_1.00"),
        ("nobody", shared, "d_None_1.00"),
        ("nobody-else", shared, None),
        ("nobody", readiness.Ways(), None),
        ("nobody", replace(shared, shared=("folder:van",)), None),
        ("nobody-else", readiness.Ways(own=("http:",)), "d_None_1.00"),
        ("globex", readiness.Ways(own=("http:",)), "d_globex_2.00"),
    )
    with filled.database.read() as connection:
        for partner, ways, came in cases:
            taken = readiness.facts(connection, partner, ways).taken
            assert taken == (None if came is None else readiness.Came(came, "http:")), (partner, ways)


def test_one_record_and_its_versions_are_those_of_the_partners(filled: Filled) -> None:
    with filled.database.read() as connection:
        assert records.get(connection, SHARED, "shared", partners=("acme",)) is None
        assert records.get(connection, SHARED, "shared", partners=("acme", "globex")) is not None
        assert records.get(connection, OWN, "acme~shared", partners=("globex", "acme-2")) is None
        assert records.get(connection, OWN, "acme~shared", partners=("acme",)) is not None
        assert [each.version for each in records.history(connection, SHARED, "shared", partners=("globex",))] == [5, 3]
        assert [each.version for each in records.history(connection, SHARED, "shared", partners=("acme",))] == [1]
        assert len(records.history(connection, SHARED, "shared")) == 5
        assert records.history(connection, OWN, "acme~shared", partners=("globex",)) == []
        assert len(records.history(connection, OWN, "globex~shared", partners=("globex",))) == 2


@pytest.mark.parametrize(
    ("partners", "told"),
    [
        (("acme",), ["put", "left"]),
        (("acme-2",), ["put", "left"]),
        (("globex",), ["put", "left", "put"]),
        (("acme", "acme-2"), ["put", "put", "left"]),
        (("acme", "globex"), ["put", "left", "put", "left", "put"]),
        (("nobody-else",), []),
        ((), []),
        (None, ["put"] * 5),
    ],
)
def test_who_follows_hears_that_a_record_went_over_to_somebody_else_and_nothing_of_him(
    filled: Filled, partners: tuple[str, ...] | None, told: list[str]
) -> None:
    wanted = {SHARED.id: SHARED, OWN.id: OWN}
    with filled.database.read() as connection:
        page = changes.page(connection, 0, wanted, limit=1000, partners=partners)
    shared = [each for each in page.changes if each.key == "shared"]
    assert ["left" if each.left else "put" for each in shared] == told
    assert [(each.json, each.delivery, each.gone, each.purged) for each in shared if each.left] == [
        (None, "", False, False)
    ] * told.count("left")
    assert not any(each.left for each in page.changes if each.contract == OWN.id)
    have: dict[tuple[str, str], bytes | None] = {}
    for each in page.changes:
        have[each.contract, each.key] = each.json
    with filled.database.read() as connection:
        for contract in (SHARED, OWN):
            listed = records.page(connection, Query(contract, partners=partners), None).items
            assert sorted(listed) == sorted(
                json for (of, _), json in have.items() if of == contract.id and json is not None
            )


@pytest.mark.parametrize("filled", ["settled"], indirect=True)
@pytest.mark.parametrize("partner", ["acme", "globex"])
def test_what_is_gone_already_does_not_go_over(filled: Filled, partner: str) -> None:
    """An undone delivery is told as a delete; who sends the record after it takes it from nobody."""
    stored = filled.vault.put(io.BytesIO(b"gone"))
    with filled.database.write() as transaction:
        landed, _ = deliveries.land(transaction, Arrived("http:", "x", partner, "flow"), stored, new_id="d_gone")
        staging.stage(transaction, SHARED, landed.number, [Staged("shared", 1, 0, 9, staging.GONE, (None, None))])
        staging.publish(transaction, SHARED.id, landed.number)
    filled.deliver("acme-2", "3.00")
    with filled.database.read() as connection:
        page = changes.page(connection, 0, {SHARED.id: SHARED}, limit=1000, partners=(partner,))
    shared = [each for each in page.changes if each.key == "shared"][-2:]
    assert (shared[-1].gone, shared[-1].left) == (True, False)


def test_deliveries_documents_and_lines_are_those_of_the_partners(filled: Filled) -> None:
    with filled.database.read() as connection:
        for partners, expected in ((("acme",), {"acme"}), (("acme", "globex"), {"acme", "globex"}), ((), set())):
            assert {each.partner for each in deliveries.page(connection, partners=partners)} == expected
            held = quarantine.page(connection, partners=partners)
            assert {each.delivery.split("_")[1] for each in held} == expected
            assert {line.partner for line in activity.after(connection, 0, partners=partners)} == expected
            assert len(groups.groups(connection, partners=partners)) == len(expected)
        assert deliveries.get(connection, "d_globex_1", partners=("acme",)) is None
        assert quarantine.get(connection, "doc_globex_1", partners=("acme",)) is None
        assert deliveries.get(connection, "d_a", partners=("acme",)) is not None, "d_acme-2 is nobody's business"
        assert deliveries.latest_per_integration(connection, partners=("acme",))["flow"].partner == "acme"


def test_what_is_not_told_groups_nothing_and_is_not_found(filled: Filled) -> None:
    with filled.database.read() as connection:
        (one,) = groups.groups(connection, secret=["flow", None])
        assert (one.value, one.message, one.remedy, one.documents) == (None, "", "", 5)
        assert len(groups.groups(connection, secret=["other", None])) == 4
        assert len(activity.after(connection, 0, grep="value of")) == 5
        assert activity.after(connection, 0, grep="value of", unsaid=["flow"]) == []
        assert len(activity.before(connection, None, grep="value of", unsaid=["other", None])) == 5


def test_the_number_of_changes_to_keys_stands_in_any_statement(filled: Filled) -> None:
    with filled.database.write() as transaction:
        keys.add(transaction, id="k", name="k", sha256_hex="00", scopes=("a:b",), partners=("acme",))
    with filled.database.read() as connection:
        before = keys.version(connection)
        found = keys.find(connection, "00")
        assert found is not None
        assert found.partners == ("acme",)
    with filled.database.write() as transaction:
        assert keys.revoke(transaction, "k")
    with filled.database.read() as connection:
        assert keys.version(connection) > before
