"""Contracts as files: key, collection, rules."""

from __future__ import annotations

import pytest

from gateway.workspace.contracts import plural
from gateway.workspace.loader import parse
from tests.gateway.workspace.workspaces import FILES, changed, only, problems

PATH = "contracts/order.v1.yaml"


def test_the_sample_is_read_whole() -> None:
    contract = parse(FILES).contracts["order.v1"]
    assert (contract.name, contract.version, contract.owner, contract.keep) == ("order", 1, "orders-team", "7y")
    assert (contract.key, contract.per_partner, contract.collection) == (("number",), False, "orders")
    assert [field.name for field in contract.fields] == [
        "number", "ordered_on", "currency", "buyer", "ship_to", "wanted_on", "lines",
    ]  # fmt: skip
    assert contract.fields[4].fields[1].pii
    rule = contract.rules[0]
    assert rule.expression.text == "wanted_on >= ordered_on"
    assert str(rule.expression.place) == f"{PATH}:23:5"
    assert rule.message == "the order wants delivery before it was placed"
    assert str(contract.place) == f"{PATH}:1:11"


def test_a_key_may_have_several_fields_and_the_partner() -> None:
    assert parse(FILES).contracts["price.v2"].key == ("sku", "valid_from")
    contract = parse(changed(PATH, "key: number", "key: number, buyer per partner")).contracts["order.v1"]
    assert (contract.key, contract.per_partner) == (("number", "buyer"), True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order", "orders"),
        ("address", "addresses"),
        ("inventory", "inventories"),
        ("delivery-day", "delivery-days"),
        ("box", "boxes"),
        ("claim-payment", "claim-payments"),
    ],
)
def test_a_collection_is_the_plural(name: str, expected: str) -> None:
    assert plural(name) == expected


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message"),
    [
        ("key: number", "key: nummer", 4, 6, "'nummer' is not a field of this contract"),
        ("key: number", "key: number, numbr", 4, 14, "'numbr' is not a field of this contract"),
        ("key: number", "key: number, number", 4, 14, "'number' is in the key twice"),
        ("key: number", "key: ship_to", 4, 6, "'ship_to' is an object and cannot be a key"),
        ("key: number", "key: lines", 4, 6, "'lines' is a list and cannot be a key"),
        ("key: number", "key: wanted_on", 4, 6, "'wanted_on' may be missing"),
        ("key: number", "key: ' per partner'", 4, 6, "a key names at least one field"),
        ("keep: 7y", "collection: deliveries", 5, 13, "the collection 'deliveries' belongs to the gateway itself"),
        ("keep: 7y", "keep: always", 5, 7, "'always' is not a time to keep"),
        ("keep: 7y", "keep_personal: 0d", 5, 16, "'0d' is not a time to keep"),
        ("keep: 7y", "keep: 1y\nkeep_personal: 366d", 6, 16, "the records go after 1y already"),
        ("  ordered_on:  date", "  ordered_on:  date\n  limit: int?, filter", 9, 3, "'limit' is a query parameter"),
        ("  - wanted_on >= ordered_on : the", "  - wanted_on >> ordered_on : the", 23, 16, ""),
        (
            "  - wanted_on >= ordered_on : the",
            "  - wanted_on >= orderd_on : the",
            23,
            18,
            "there is no field 'orderd_on'",
        ),
        ("  - wanted_on >= ordered_on : the order wants delivery before it was placed", "  - a == b", 23, 5, "a rule"),
        ("  - wanted_on >= ordered_on : the", "    wanted_on >= ordered_on : the", 23, 5, "rules are a list"),
    ],
)
def test_a_wrong_contract_is_refused_where_it_stands(old: str, new: str, line: int, column: int, message: str) -> None:
    found = only(changed(PATH, old, new))
    assert (found.file, found.line, found.column) == (PATH, line, column), str(found)
    assert found.message.startswith(message)


@pytest.mark.parametrize("name", ["table", "partner", "integration", "change", "source", "delivery", "outlet"])
def test_a_contract_whose_plural_is_reserved_is_refused(name: str) -> None:
    text = f"contract: {name} v1\nabout: x\nowner: o\nkey: a\nfields: {{a: int}}\n"
    files = {"gateway.yaml": "", "contracts/x.yaml": text}
    assert only(files).message == f"the collection {plural(name)!r} belongs to the gateway itself"


def test_the_error_in_a_rule_has_its_caret() -> None:
    found = only(changed(PATH, "wanted_on >= ordered_on", "wanted_on >= ordered_on and 1"))
    assert str(found).splitlines()[1:3] == [
        "      - wanted_on >= ordered_on and 1 : the order wants delivery before it was placed",
        "                                ^^^",
    ]


def test_a_key_field_is_filtered_by_and_so_is_no_query_parameter() -> None:
    text = "contract: x v1\nabout: x\nowner: o\nkey: version\nfields: {version: int}\n"
    found = only({"gateway.yaml": "", "contracts/x.yaml": text})
    assert found.message.startswith("'version' is a query parameter")
    parse({"gateway.yaml": "", "contracts/x.yaml": text.replace("key: version", "key: a").replace("{", "{a: int, ")})


def test_two_files_with_the_same_contract_or_collection_are_told() -> None:
    found = only({**FILES, "contracts/copy.yaml": FILES["contracts/price.v2.yaml"]})
    assert found.message == "the contract 'price v2' is described twice"
    assert "contracts/copy.yaml:1:11" in found.hint
    other = "contract: price-tag v1\nabout: x\nowner: o\nkey: a\ncollection: prices\nfields: {a: int}\n"
    assert only({**FILES, "contracts/tag.yaml": other}).message == "the collection 'prices' belongs to price.v2 already"


def test_all_versions_of_a_contract_share_a_collection() -> None:
    other = FILES["contracts/price.v2.yaml"].replace("price v2", "price v3").replace("key:", "collection: tags\nkey:")
    found = problems({**FILES, "contracts/price.v3.yaml": other})
    assert [problem.message for problem in found] == ["price.v2 calls the collection 'prices', this version 'tags'"]


def test_personal_data_may_be_kept_for_less_than_the_record() -> None:
    contract = parse(changed(PATH, "keep: 7y", "keep: 7y\nkeep_personal: 90d")).contracts["order.v1"]
    assert (contract.keep, contract.keep_personal) == ("7y", "90d")
    assert list(contract.personal()) == [("ship_to", "city")]


def test_to_erase_personal_data_a_field_must_be_marked_and_no_key_field_may_be() -> None:
    files = changed(PATH, "keep: 7y", "keep_personal: 90d")
    files = {**files, PATH: files[PATH].replace(", pii", "")}
    assert "no field is marked as personal data" in only(files).message
    keyed = changed(PATH, "keep: 7y", "keep_personal: 90d")
    keyed = {**keyed, PATH: keyed[PATH].replace("text 1..22", "text 1..22, pii", 1)}
    assert "the key field 'number' is personal data" in only(keyed).message
