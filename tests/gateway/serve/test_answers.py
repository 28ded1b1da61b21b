"""Keys in paths, and values in JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import Contract, Field
from gateway.serve.answers import accepted, keys_of, parts_of, said, spelled
from gateway.validate.columns import compile_key

PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@given(parts=st.lists(PLAIN, min_size=1, max_size=3))
def test_the_key_of_a_record_is_found_again_from_its_decoded_path(parts: list[str]) -> None:
    names = tuple(f"f{number}" for number in range(len(parts)))
    contract = Contract("c", 1, "", "", names, tuple(Field(name, "text") for name in names))
    key = compile_key(contract)(dict(zip(names, parts, strict=True)), None)
    if key.count("~") + sum(part.count("~") for part in parts) <= 4:  # beyond, the ways to cut are not all tried
        assert key in keys_of(unquote(key), len(parts))
        assert tuple(parts) in parts_of(unquote(key), len(parts))


@given(parts=st.lists(PLAIN, min_size=1, max_size=3))
def test_a_key_that_was_escaped_once_more_is_itself(parts: list[str]) -> None:
    key = "~".join(quote(part, safe="").replace("~", "%7E") for part in parts)
    assert spelled(key, len(parts)) == ([key] if "%" in key else [])
    assert spelled(key + "~x", len(parts)) == []
    assert spelled(key + "%zz", len(parts)) == []
    assert spelled(key + "%41", len(parts)) == []  # nobody escapes a letter


def test_a_path_with_too_few_parts_means_no_key() -> None:
    assert keys_of("4711", 2) == []
    assert keys_of("a~b", 1) == ["a%7Eb"]
    assert keys_of("a~b~c", 2) == ["a~b%7Ec", "a%7Eb~c"]


def test_a_path_of_nothing_but_tildes_is_cut_in_a_bounded_number_of_ways() -> None:
    assert len(keys_of("~" * 300, 4)) <= 32


@pytest.mark.parametrize(
    ("value", "json_text"),
    [
        (Decimal("12.50"), '"12.50"'),
        (Decimal("1E+3"), '"1000"'),
        (datetime(2026, 11, 21, 4, tzinfo=UTC), '"2026-11-21T04:00:00Z"'),
        (date(2026, 11, 21), '"2026-11-21"'),
        (b"\x00\xff", '"AP8="'),
        (2**70, str(2**70)),
        ({"a": [2**70, Decimal("0.1")]}, '{"a":[1180591620717411303424,"0.1"]}'),
    ],
)
def test_values_as_json(value: object, json_text: str) -> None:
    assert said(value).decode() == json_text
    json.loads(said(value))


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("application/json;charset=utf-8", "application/json"),
        ("text/csv; charset=utf-8", "text/csv"),
        ('text/csv; header="absent"; q=0.2, application/json;q=0.1', "text/csv"),
        ("text/*;x=1", "text/csv"),
        ("text/csv;x=1;q=0, */*;q=0.1", "application/json"),
        ("text/csv;q=0, text/*", None),
        ("image/png;x=1", None),
    ],
)
def test_what_is_said_of_variants_of_a_form_is_no_reason_to_refuse(header: str, form: str | None) -> None:
    assert accepted(header).best_match(("application/json", "text/csv")) == form
