"""C1: a configuration is applied whole or not at all, and each delivery names the one revision that judged it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

from gateway import judging
from gateway.errors import Stop
from gateway.ingest import ingest
from gateway.operate import wiring
from gateway.store import audit, leases, revisions
from gateway.workspace.loader import load
from gateway.workspace.problems import ConfigurationProblems
from tests.acceptance.children import prices
from tests.acceptance.test_audit import at_once
from tests.acceptance.test_command_line import gateway
from tests.acceptance.workspaces import Place, opened, reopened, sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.model import Delivery

GLOBEX = "drop://globex"
GROUP_10 = "10,fasteners"
LABEL = """\
contract: label v1
about: What is printed on a box
owner: pricing-team
key: number
fields:
  number: text
  text: text, filter
"""


def label(folder: Path) -> None:
    """A new type of records, which has a table of its own."""
    (folder / "contracts" / "label.v1.yaml").write_text(LABEL, encoding="utf-8")


def edited(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    told = path.read_text(encoding="utf-8")
    assert old in told
    path.write_text(told.replace(old, new), encoding="utf-8")


def shape(place: Place) -> list[object]:
    """All that applying changes: tables and their columns, what is known of contracts, revisions, both logs."""
    with place.gateway.database.read() as connection:
        tables = inspect(connection)
        columns = {
            name: sorted(column["name"] for column in tables.get_columns(name))
            for name in sorted(tables.get_table_names())
            if name.startswith("record_")
        }
        return [
            columns,
            connection.execute(text("SELECT id, records, columns FROM contract ORDER BY id")).all(),
            connection.execute(text("SELECT revision FROM revision ORDER BY number")).all(),
            connection.execute(text("SELECT name FROM source ORDER BY name")).all(),
            connection.execute(text("SELECT message FROM activity WHERE event = 'applied' ORDER BY id")).all(),
            [line.subject for line in audit.after(connection, 0) if line.action == "applied"],
        ]


# ── whole or not at all ──────────────────────────────────────────────────────────────────────────────────────────────


def no_yaml(folder: Path) -> None:
    edited(folder, "integrations/globex-prices.yaml", "source: ", "source: [")


def no_such_field(folder: Path) -> None:
    edited(folder, "integrations/globex-prices.yaml", "  currency:   'EUR'", "  currencie:  'EUR'")


def no_such_contract(folder: Path) -> None:
    edited(folder, "integrations/globex-prices.yaml", "contract: price v2", "contract: price v7")


def another_type_of_a_column(folder: Path) -> None:
    """Which only the store can tell, when the table of the new type is made already."""
    edited(folder, "contracts/price.v2.yaml", "decimal(12,2) > 0, filter", "text 1..20, filter")
    edited(folder, "integrations/globex-prices.yaml", "Preis | decimal('1.234,56')", "Preis")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (no_yaml, "globex-prices.yaml"),
        (no_such_field, "currencie"),
        (no_such_contract, "price v7"),
        (another_type_of_a_column, "the type of the field price was decimal and is text now"),
    ],
)
def test_C1_of_a_workspace_with_a_problem_nothing_is_applied(  # noqa: N802 - the promise's name
    spoil: Callable[[Path], None], said: str, tmp_path: Path, store_url: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.give(prices(3), "prices.csv", GLOBEX)
        before = shape(place)
        label(tmp_path)
        spoil(tmp_path)
        with pytest.raises((ConfigurationProblems, Stop), match=said):
            wiring.apply(place.gateway, load(tmp_path))
        assert shape(place) == before
        assert place.give(prices(3, first=10), "more.csv", GLOBEX)["state"] == "accepted"
    ended = gateway("apply", "-w", tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert said in ended.err
    with reopened(tmp_path) as place:
        assert shape(place) == before


def test_C1_what_is_applied_is_there_whole(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - as above
    with opened(tmp_path, store=store_url) as place:
        columns, _, applied, *_ = shape(place)
        label(tmp_path)
        place.change("contracts/price.v2.yaml", "name:        text 1..80", "name:        text 1..80, filter")
        columns_now, _, applied_now, _, told, recorded = shape(place)
        assert isinstance(columns, dict)
        assert isinstance(columns_now, dict)
        assert columns_now.keys() - columns.keys() == {"record_label_v1"}
        assert set(columns_now["record_price_v2"]) - set(columns["record_price_v2"]) == {"f_name"}
        assert isinstance(applied, list)
        assert isinstance(applied_now, list)
        assert applied_now[:1] == applied
        assert len(applied_now) == 2
        revision = applied_now[1].revision
        assert str(told).count(revision) == str(recorded).count(revision) == 1
        with place.gateway.database.read() as connection:
            assert revisions.named(connection, revision) == load(tmp_path).files


def test_C1_configurations_that_are_applied_at_once_follow_each_other(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - as above
    with opened(tmp_path / "0", store=store_url):
        pass
    folders = [tmp_path / str(number) for number in range(1, 5)]
    for number, folder in enumerate(folders):
        with opened(folder, store=store_url):
            label(folder)
            edited(folder, "codes/units.csv", "EA,piece,Each", f"EA,piece,Each of {number}")

    def apply(folder: Path) -> None:
        opened_here = wiring.open_gateway(folder)
        assert wiring.apply(opened_here, load(folder))
        opened_here.close()

    assert at_once([lambda folder=folder: apply(folder) for folder in folders]) == [0] * 4  # type: ignore[misc] # bound early
    with reopened(tmp_path / "0") as place, place.gateway.database.read() as connection:
        names = [row.revision for row in connection.execute(text("SELECT revision FROM revision ORDER BY number"))]
        lines = [line for line in audit.after(connection, 0) if line.action == "applied"]
        assert len(set(names)) == len(names) == 5
        assert [line.subject for line in lines] == [f"revision {name}" for name in names]
        assert [line.details.get("previous") for line in lines] == [None, *names[:-1]]


# ── the revision that judged it ──────────────────────────────────────────────────────────────────────────────────────


def test_C1_every_delivery_names_the_revision_that_judged_it_however_it_ended(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - as above
    with opened(tmp_path, store=store_url) as place:
        names = []
        for spelling in ("Every", "Any"):
            place.change("codes/units.csv", "EA,piece,", f"EA,piece,{spelling} ")
            name = place.gateway.in_force.configuration().revision
            names.append(name)
            ended = [
                place.give(prices(3, price=f"{len(names)},50"), "prices.csv", GLOBEX),
                place.give(prices(3, price=f"{len(names)},50"), "again.csv", GLOBEX),
                place.give(prices(4, bad_every=4, first=20 * len(names)), "mixed.csv", GLOBEX),
                place.give(prices(2, bad_every=1, first=200 * len(names)), "bad.csv", GLOBEX),
                place.give(b"%PDF-1.7 " + spelling.encode(), "brochure.pdf", GLOBEX),
                place.give(sample("acme-orders.edi")[:200] + spelling.encode(), "cut.edi"),
            ]
            assert [each["state"] for each in ended] == [
                *("accepted", "duplicate", "partly_accepted", "quarantined", "quarantined", "quarantined")
            ]
            assert {each["revision"] for each in ended} == {name}
        assert names[0] != names[1]
        with place.gateway.database.read() as connection:
            closed = [line for line in audit.after(connection, 0) if line.action == "closed"]
        assert [line.details["revision"] for line in closed] == [names[0]] * 6 + [names[1]] * 6


def test_C1_a_delivery_is_judged_by_one_revision_whatever_is_applied_meanwhile(  # noqa: N802 - as above
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 10)
    with opened(tmp_path, store=store_url) as place:
        first = place.gateway.in_force.configuration().revision
        seen: list[int] = []

        def progress(_: Delivery, documents: int) -> None:
            seen.append(documents)
            if len(seen) == 2:  # two batches are in the store, and more will come
                place.change("codes/product-groups.csv", GROUP_10, "10,garden")

        landed = place.land(prices(45), "prices.csv", GLOBEX)
        routes = place.gateway.in_force.routes()
        with place.gateway.database.write() as transaction:
            lease = leases.take(transaction, owner="test", seconds=60)
        assert lease is not None
        ingest(replace(place.gateway.line, progress=progress), lease, routes)

        assert len(seen) > 2
        second = place.gateway.in_force.configuration().revision
        assert second != first
        assert place.delivery(landed.id)["revision"] == first
        assert {record["group"] for record in place.records("prices")} == {"fasteners"}
        later = place.give(prices(2, first=100), "later.csv", GLOBEX)
        assert later["revision"] == second
        assert {record["group"] for record in place.records("prices")} == {"fasteners", "garden"}
        with place.gateway.database.read() as connection:
            told = connection.execute(text("SELECT delivery, revision FROM change_block ORDER BY first_seq")).all()
            lines = [line for line in audit.after(connection, 0) if line.action in ("applied", "closed")]
        assert [row.revision for row in told] == [first, second]
        assert [(line.action, line.details.get("revision")) for line in lines] == [
            *(("applied", None), ("applied", None), ("closed", first), ("closed", second))
        ]


def test_a_field_that_held_personal_data_stays_marked(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        contract = place.folder / "contracts" / "order.v1.yaml"
        text = contract.read_text(encoding="utf-8")
        contract.write_text(text.replace("city:      text, pii", "city:      text"), encoding="utf-8")
        with pytest.raises(Stop, match=r"order.v1: ship_to.city held personal data"):
            wiring.apply(place.gateway, load(place.folder))
        contract.write_text(text, encoding="utf-8")
        assert not wiring.apply(place.gateway, load(place.folder))
