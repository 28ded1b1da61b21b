"""A plan shows what a change of the configuration would do to what is stored, and touches nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from gateway.operate.cli import gateway as command_line
from gateway.repair.plan import Plan, plan
from gateway.repair.plan_page import page
from gateway.routing import Routes
from gateway.store import tables
from gateway.workspace.loader import load
from tests.acceptance.children import prices
from tests.acceptance.workspaces import opened, sample
from tests.gateway.repair.test_replay import GARDEN, GLOBEX, file, replay, row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

MAPPING = "integrations/globex-prices.yaml"


def edit(place: Place, name: str, old: str, new: str) -> None:
    """Change the working copy only."""
    path = place.folder / name
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")


def planned(place: Place) -> Plan:
    gateway = place.gateway
    return plan(gateway.database, gateway.vault, gateway.in_force.routes(), Routes(load(place.folder)))


def everything(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """All that the store holds."""
    with place.gateway.database.read() as connection:
        names = [*tables.metadata.tables, "record_price_v2", "record_order_v1"]
        return {
            name: [tuple(each) for each in connection.execute(text(f"SELECT * FROM {name} ORDER BY 1"))]
            for name in names
        }


def test_without_a_change_nothing_is_read(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.give(prices(3), "prices.csv", GLOBEX)
        edit(place, MAPPING, "about:    Monthly", "about:    Every month a")
        found = planned(place)
        assert (found.read, found.untouched, found.differ) == (0, 1, 0)


def test_differences_are_shown_field_by_field_and_nothing_is_touched(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.give(file(row(1), row(2, "2,50"), row(3, "zwölf"), row(4, group="77")), "prices.csv", GLOBEX)
        place.give(sample("acme-orders.edi"))
        before = everything(place)
        edit(place, MAPPING, "Bezeichnung | squash", "Bezeichnung | squash | upper")
        edit(place, MAPPING, "decimal('1.234,56')", "decimal('1.234,56') | round(1)")
        found = planned(place)
        compared = found.integrations["globex-prices"]
        assert (found.read, found.untouched, list(found.integrations)) == (1, 1, ["globex-prices"])
        assert (compared.documents, compared.changed, compared.held, compared.accepted) == (4, 2, 0, 0)
        shown = {name: [(each.before, each.after) for each in of.examples] for name, of in compared.fields.items()}
        assert shown == {
            "/name": [("Artikel", "ARTIKEL"), ("Artikel", "ARTIKEL")],
            "/price": [("1.50", "1.5"), ("2.50", "2.5")],
        }
        assert everything(place) == before


def test_the_same_change_of_a_record_that_came_twice_is_shown_once(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(file(row(1), row(2)), "first.csv", GLOBEX)
        place.give(file(row(1), row(3)), "second.csv", GLOBEX)
        edit(place, MAPPING, "Bezeichnung | squash", "Bezeichnung | squash | upper")
        names = planned(place).integrations["globex-prices"].fields["/name"]
        assert names.count == 4
        assert sorted(each.key for each in names.examples) == [
            "price.v2 A-1~2026-12-01",
            "price.v2 A-2~2026-12-01",
            "price.v2 A-3~2026-12-01",
        ]


def test_what_would_be_held_and_accepted_is_told_with_the_reason(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(file(row(1), row(2, group="20"), row(3, group="77"), row(4)), "prices.csv", GLOBEX)
        edit(place, "codes/product-groups.csv", "20,tools,Hand tools\n", "77,garden,Spades\n")
        compared = planned(place).integrations["globex-prices"]
        assert (compared.changed, compared.held, compared.accepted) == (0, 1, 1)
        assert compared.reasons["mapping.code"].examples[0].key == "price.v2 A-2~2026-12-01"
        assert compared.fields[""].examples[0].document == 3


def test_a_row_that_cannot_be_read_is_the_same_on_both_sides(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(prices(2) + b'A-3;"never closed;1,50;01.12.2026;10\r\n', "prices.csv", GLOBEX)
        edit(place, MAPPING, "Bezeichnung | squash", "Bezeichnung | squash | upper")
        assert planned(place).integrations["globex-prices"].changed == 2


def test_documents_that_somebody_decided_about_are_left_out_and_counted(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(prices(4, bad_every=2), "prices.csv", GLOBEX)
        (held, _) = place.held()
        answer = place.ask(f"/api/v1/quarantine/{held['id']}/discard", "POST", json={"reason": "never ours"})
        assert answer.status_code < 300, answer.get_data(as_text=True)
        edit(place, MAPPING, "Bezeichnung | squash", "Bezeichnung | squash | upper")
        found = planned(place)
        assert (found.decided, found.differ) == (1, 2)
        assert "Left out, because somebody corrected or discarded it: 1 document." in page(found)


def test_a_file_that_would_be_read_otherwise_is_compared_document_by_document(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(file(row(1, name="Säge"), row(2)), "prices.csv", GLOBEX)
        edit(place, MAPPING, "windows-1252", "iso-8859-15")
        assert planned(place).differ == 0
        edit(place, MAPPING, "csv ; iso-8859-15", "csv , iso-8859-15")
        compared = planned(place).integrations["globex-prices"]
        assert (compared.documents, compared.held) == (2, 2)


@pytest.mark.parametrize("old", ["Bezeichnung | squash", "Artikelnummer | strip"])
def test_a_plan_says_what_a_replay_does(tmp_path: Path, old: str) -> None:
    with opened(tmp_path) as place:
        given = place.give(file(row(1), row(2), row(3, group="77")), "prices.csv", GLOBEX)
        edit(place, MAPPING, old, f"{old} & 'X'")
        edit(place, "codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        compared = planned(place).integrations["globex-prices"]
        before = {each["_key"]: each for each in place.records("prices")}
        CliRunner().invoke(command_line, ["apply", "-w", str(tmp_path)], catch_exceptions=False)
        replay(place, given)
        after = {each["_key"]: each for each in place.records("prices")}
        assert compared.accepted == 1
        assert len(after) == len(before) + compared.accepted
        moved = "_key" in compared.fields
        assert moved == (before.keys() - after.keys() != set())
        assert compared.changed == 2


def test_the_command_has_a_status_for_a_check_and_a_page_for_people(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(file(row(1, name="<b>Säge</b>"), row(2)), "prices.csv", GLOBEX)
        words = ["plan", "globex-prices", "--since", "30d", "-w", str(tmp_path)]
        same = CliRunner().invoke(command_line, words)
        assert (same.exit_code, "No record would differ." in same.output) == (0, True)
        edit(place, MAPPING, "Bezeichnung | squash", "Bezeichnung | squash | upper")
        differs = CliRunner().invoke(command_line, [*words, "--html", str(tmp_path / "plan.html")])
        assert differs.exit_code == 4, differs.output
        assert 'price.v2 A-2~2026-12-01: "Artikel" → "ARTIKEL"' in differs.output
        shown = (tmp_path / "plan.html").read_text(encoding="utf-8")
        assert "&lt;B&gt;SÄGE&lt;/B&gt;" in shown
        assert "<b>" not in shown.lower()
        assert shown == page(planned(place))
        printed = CliRunner().invoke(command_line, [*words, "-o", "json"]).output
        assert json.loads(printed)["integrations"]["globex-prices"]["changed"] == 2
        assert CliRunner().invoke(command_line, ["plan", "nothing", "-w", str(tmp_path)]).exit_code == 2
