"""The files of a new partner, as texts."""

from __future__ import annotations

import doctest

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edi.identify import Identity, identify
from gateway.errors import Stop
from gateway.workspace import newcomers
from gateway.workspace.loader import parse
from gateway.workspace.newcomers import Newcomer, flows, partner_file, quoted, standards, table_flow, wish
from gateway.workspace.notation import RESERVED_FIELDS


def test_the_example_of_the_module() -> None:
    assert doctest.testmod(newcomers).failed == 0


PRINTED = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=20)


@given(PRINTED)
def test_a_value_is_read_back_as_it_was(text: str) -> None:
    read = yaml.load(f"a: {quoted(text)}\nb: [{quoted(text, listed=True)}]\n", Loader=yaml.BaseLoader)
    assert read == {"a": text, "b": [text]}


def test_every_message_that_a_standard_mapping_is_written_for_is_a_flow_that_loads() -> None:
    """All of them at once, as one partner's."""
    texts = {"gateway.yaml": "", "partners/acme.yaml": partner_file(Newcomer("acme"))}
    made = flows("acme", [wish(each) for each in standards()], owner="orders-team", source="drop://acme/*")
    configuration = parse(texts | made)
    assert len(configuration.integrations) == len(standards()) >= 38
    assert {each.partner for each in configuration.integrations.values()} == {"acme"}
    assert configuration.integrations["acme-claim-batches"].answer == "997"


def test_the_release_of_health_care_is_answered_by_a_999() -> None:
    made = flows("acme", [wish("x12 005010X222A1 837")], owner="t", source="drop://acme/*")
    assert "answer:   999" in made["integrations/acme-claim-batches.yaml"]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("x13 850", "'x13' is no format. did you mean 'x12'?"),
        ("x12", "no standard contract is shipped for 'x12'. There is one for x12 837,"),
        ("x12 997", "no standard contract is shipped for 'x12 997'"),
        ("csv ; header", "no standard contract is shipped for 'csv ; header'. There is one for"),
    ],
)
def test_what_is_not_shipped_is_refused_with_what_is(declared: str, said: str) -> None:
    with pytest.raises(Stop) as refused:
        wish(declared)
    assert said in str(refused.value)


def seen(text: str) -> Identity:
    found = identify(text.encode())
    assert found is not None
    return found


def test_columns_named_as_parameters_of_the_api_and_very_long_ones_load() -> None:
    columns = [*sorted(RESERVED_FIELDS), "limit_value", *(f"{'x' * 200}{number}" for number in range(3))]
    rows = "".join(";".join(str(7 * row + at) for at in range(len(columns))) + "\n" for row in (1, 2))
    file = seen(f"{';'.join(columns)}\n{rows}")
    made = table_flow("acme", file, name="prices", owner="t", source="folder:in/*.csv")
    configuration = parse({"gateway.yaml": "", "partners/acme.yaml": partner_file(Newcomer("acme"))} | made)
    names = {each.name for each in configuration.contracts["prices.v1"].fields}
    assert len(names) == len(columns)
    assert {"limit_value", "limit_value_2", "sort_value", "version_value"} <= names


def test_columns_become_a_contract_and_a_mapping_that_load() -> None:
    file = seen("Art Nr;Preis;Tag;Größe;Grösse;Nr\n007;1,50;01.02.2026;L;x;1\n008;1.010,50;02.02.2026;;y;1\n")
    made = table_flow("acme", file, name="prices", owner="t", source="folder:in/*.csv")
    configuration = parse({"gateway.yaml": "", "partners/acme.yaml": "partner: acme\n"} | made)
    contract = configuration.contracts["prices.v1"]
    assert {each.name: (each.type, each.required) for each in contract.fields} == {
        "art_nr": ("text", True),
        "preis": ("decimal", True),
        "tag": ("date", True),
        "groesse": ("text", False),
        "groesse_2": ("text", True),
        "nr": ("int", True),
    }
    assert contract.key == ("art_nr",)
    assert "preis: Preis | decimal('1.234,56')" in made["integrations/acme-prices.yaml"]
    assert 'art_nr: "`Art Nr` | strip"' in made["integrations/acme-prices.yaml"]


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("1;2\n3;4\n", (), "nothing in it says what its columns are called"),
        ("a;b\n1;2\n1;2\n", (), "no column has another value in each row; there are a, b"),
        ("a;b\n1;2\n", ("c",), "there is no column 'c'; there are a, b"),
    ],
)
def test_what_cannot_be_guessed_is_told(text: str, key: tuple[str, ...], said: str) -> None:
    with pytest.raises(Stop) as refused:
        table_flow("acme", seen(text), name="prices", owner="t", source="drop://acme/*", key=key)
    assert said in str(refused.value)
