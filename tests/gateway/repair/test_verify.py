"""The conservation law is computed anew: a sound store agrees with itself and its bytes, a tampered one does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from gateway import judging
from gateway.operate.cli import gateway as command_line
from gateway.repair.verify import Balance, verify
from gateway.store import standing_records
from tests.acceptance.children import prices as many_prices
from tests.acceptance.workspaces import opened, sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.acceptance.workspaces import Place

X12, CSV = sample("acme-orders.edi"), sample("globex-prices.csv")


def computed(place: Place, *, deep: bool = True) -> Balance:
    gateway = place.gateway
    return verify(gateway.database, gateway.vault, gateway.in_force.of, deep=deep)


def filled(place: Place) -> str:
    """Accepted, held, duplicate, unwanted, empty and retried: the delivery of the price list is returned."""
    place.give(X12)
    prices = place.give(CSV, "prices.csv", "drop://globex")
    place.give(CSV, "again.csv", "drop://globex")
    place.give(b"what is this", "notes.txt", "folder:nowhere")
    place.give(b"", "empty.csv", "drop://globex")
    for each in place.held("&code=mapping.number"):
        place.ask(f"/api/v1/quarantine/{each['id']}/discard", "POST", json={"reason": "a test"})
    place.change("codes/product-groups.csv", "40,garden,Garden\n", "40,garden,Garden\n77,garden,Spades\n")
    place.ask("/api/v1/quarantine/retry", "POST", json={"code": "mapping.code"})
    place.work()
    return str(prices["id"])


def test_a_sound_store_agrees_with_itself_and_with_its_bytes(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        filled(place)
        found = computed(place)
        assert found.disagreements == []
        assert found.documents == {"accepted": 10, "quarantined": 1, "duplicate": 10, "discarded": 1, "unrouted": 1}
        assert found.total == 23
        assert found.read == 23
        assert found.deliveries == {"partly_accepted": 2, "duplicate": 1, "quarantined": 2}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        pytest.param(
            "UPDATE delivery SET documents = '{\"accepted\": 7}' WHERE id = :id", "its bytes have 10", id="sum"
        ),
        pytest.param("DELETE FROM document WHERE number > 0", "the quarantine has no", id="held document"),
        pytest.param("DELETE FROM record_price_v2 WHERE id = 3", "made records", id="record"),
        pytest.param("UPDATE record_price_v2 SET key = 'X' WHERE id < 3", "the record X is current twice", id="twice"),
        pytest.param("UPDATE change_block SET first_seq = first_seq + 1 WHERE first_seq > 1", "comes", id="gap"),
        pytest.param("UPDATE counter SET value = 99 WHERE name = 'seq'", "99 numbers were given", id="counter"),
        pytest.param(
            "UPDATE delivery SET twin = 'd_none' WHERE state = 'duplicate'", "which has other bytes", id="twin"
        ),
        pytest.param("UPDATE delivery SET state = 'undone' WHERE id = :id", "as it brought them", id="undone"),
    ],
)
def test_what_was_tampered_with_is_found(tmp_path: Path, store_url: str, statement: str, said: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        delivery = filled(place)
        with place.gateway.database.write() as transaction:
            transaction.connection.execute(text(statement), {"id": delivery} if ":id" in statement else {})
        assert said in " · ".join(each.message for each in computed(place).disagreements)


def flipped(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[10] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param(flipped, "was changed on disk", id="one bit flipped"),
        pytest.param(lambda path: path.unlink(), "the vault has no file", id="file missing"),
    ],
)
def test_a_vault_file_that_was_harmed_is_found_by_reading_it(
    tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    with opened(tmp_path) as place:
        delivery = place.row(filled(place))
        harm(place.vault.path(delivery.sha256))
        assert computed(place, deep=False).disagreements == []
        found = computed(place).disagreements
        assert {each.what for each in found} >= {delivery.id}
        assert all(said in each.message for each in found)


def test_the_command_prints_the_balance_and_ends_with_its_status(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        delivery = filled(place)
        sound = CliRunner().invoke(command_line, ["verify", "--deep", "-w", str(tmp_path)])
        assert sound.exit_code == 0, sound.output
        assert "23 documents  = 10 accepted + 10 duplicate" in sound.output
        assert "Everything agrees." in sound.output
        with place.gateway.database.write() as transaction:
            transaction.connection.execute(text("DELETE FROM document WHERE number > 0"))
        broken = CliRunner().invoke(command_line, ["verify", "-w", str(tmp_path)])
        assert broken.exit_code == 1
        assert f"gateway replay {delivery} --as then -r 'verify disagrees'" in broken.output


def execute(place: Place, statement: str, **values: object) -> None:
    with place.gateway.database.write() as transaction:
        assert transaction.connection.execute(text(statement), values).rowcount > 0


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        pytest.param(
            "UPDATE record_price_v2 SET body = replace(body, '15.90', '1.59') WHERE key LIKE 'HAMMER-500%'",
            "the record HAMMER-500~2026-12-01 of price.v2 is not what its bytes give: /price (prices.csv)",
            id="one value",
        ),
        pytest.param(
            "UPDATE record_order_v1 SET body = replace(body, 'USD', 'EUR') WHERE state = 1",
            "the record acme~4711 of order.v1 is not what its bytes give: /currency",
            id="of a message",
        ),
        pytest.param(
            "UPDATE record_price_v2 SET body = 'gone' WHERE key LIKE 'SPADE-2%'",
            "the record SPADE-2~2026-12-01 of price.v2 is stored as something that is no JSON",
            id="no JSON",
        ),
        pytest.param(
            "UPDATE record_price_v2 SET body = replace(body, '\",\"', '\", \"') WHERE key LIKE 'SAW-JAP%'",
            "the record SAW-JAP~2026-12-01 of price.v2 is written otherwise",
            id="spelt otherwise",
        ),
        pytest.param(
            "UPDATE record_price_v2 SET key = 'X~2026-12-01' WHERE key LIKE 'SAW-JAP%'",
            "1 of its records stand under a key or a document that its bytes do not give",
            id="another key",
        ),
        pytest.param(
            "UPDATE record_price_v2 SET document = 99 WHERE key LIKE 'SAW-JAP%'",
            "1 of its records stand under a key or a document that its bytes do not give",
            id="another document",
        ),
    ],
)
def test_a_record_that_was_changed_in_the_store_is_found_with_its_fields(
    tmp_path: Path, store_url: str, statement: str, said: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        filled(place)
        assert computed(place).compared == 10
        execute(place, statement)
        assert computed(place, deep=False).disagreements == []
        (found,) = computed(place).disagreements
        assert said in found.message
        assert re.search(r": gateway replay d_\w+ --as then -r 'verify disagrees'$", found.remedy)


def test_a_replay_as_then_brings_back_what_was_changed_in_the_store(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        delivery = filled(place)
        before = place.records("prices")
        execute(place, "UPDATE record_price_v2 SET body = replace(body, '15.90', '1.59')  WHERE key LIKE 'HAMMER-500%'")
        place.ask(f"/api/v1/deliveries/{delivery}/replay", "POST", json={"as": "then", "reason": "a test"})
        place.work()
        assert computed(place).disagreements == []
        assert [each["price"] for each in place.records("prices")] == [each["price"] for each in before]


def test_records_are_compared_by_the_revision_that_made_each(tmp_path: Path, store_url: str) -> None:
    """Mapped by one revision, retried by a second, corrected, undone to an earlier delivery, replayed by a third."""
    with opened(tmp_path, store=store_url) as place:
        prices = place.give(CSV, "prices.csv", "drop://globex")
        place.change("codes/product-groups.csv", "40,garden,Garden\n", "40,garden,Garden\n77,garden,Spades\n")
        place.ask("/api/v1/quarantine/retry", "POST", json={"code": "mapping.code"})
        place.work()
        place.change("codes/product-groups.csv", "10,fasteners,", "10,tools,")
        (bad,) = place.held()
        finding = bad["findings"][0]
        patch = [{"start": finding["start"], "end": finding["end"], "text": "12,50"}]
        place.ask(f"/api/v1/quarantine/{bad['id']}/correct", "POST", json={"patch": patch, "reason": "a test"})
        place.work()
        later = place.give(CSV.replace(b"0,31", b"0,32"), "later.csv", "drop://globex")
        sound = computed(place)
        assert (sound.disagreements, sound.compared, sound.incomparable) == ([], 10, {})
        place.ask(f"/api/v1/deliveries/{later['id']}/undo", "POST", json={"reason": "a test"})
        sound = computed(place)
        assert (sound.disagreements, sound.compared, sound.incomparable) == ([], 10, {})
        place.ask(f"/api/v1/deliveries/{prices['id']}/replay", "POST", json={"as": "now", "reason": "a test"})
        place.work()
        sound = computed(place)
        assert (sound.disagreements, sound.compared, sound.incomparable) == ([], 10, {})


def test_what_a_revision_made_that_is_gone_cannot_be_compared(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        filled(place)
        gateway = place.gateway
        found = verify(gateway.database, gateway.vault, lambda _: None, deep=True)
        assert (found.disagreements, found.compared, found.incomparable.total()) == ([], 0, 10)
        assert (found.read, found.uncounted) == (0, 23)
        assert all("is no longer there" in reason for reason in found.incomparable)


def test_large_files_are_compared_batch_by_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as place:
        place.give(many_prices(60), "prices.csv", "drop://globex")
        monkeypatch.setattr(judging, "ROWS_A_BATCH", 7)
        monkeypatch.setattr(standing_records, "_KEYS_A_QUESTION", 3)
        assert computed(place).compared == 60
        execute(place, "UPDATE record_price_v2 SET body = replace(body, 'EUR', 'USD')")
        found = computed(place).disagreements
        assert len(found) == 21
        assert found[-1].message.startswith("40 more records are not what its bytes give")


def test_the_command_says_how_many_records_were_compared(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        filled(place)
        sound = CliRunner().invoke(command_line, ["verify", "--deep", "-w", str(tmp_path)])
        assert "          10 current records held against the documents that they were made of\n" in sound.output
        assert "cannot be compared" not in sound.output
