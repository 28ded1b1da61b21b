"""Rows as JSON say what their values say, byte for byte, whatever the texts of the server are."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.jsonrows import NULL, encoded, rows_of, said
from adapters.model import Column, Type
from adapters.values import FROM_TEXT

TYPES: tuple[Type, ...] = get_args(Type)
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LIKELY = st.sampled_from((
    "0", "-0", "7", "-7", "007", "+7", "3.0", "1.50", "-0.00", ".5", "5.", "1e+20", "1E-3", "123456789012345678901",
    "NaN", "infinity", "-infinity", "t", "f", "T", "true", "1", "yes", "00ff", "0g", "", " ", "\x1f", "a\x1fb", '"',
    "\\", "\x1ex", "2026-11-21", "2026-02-29", "2024-02-29", "2026-02-30", "2026-04-31", "2026-13-01", "0000-00-00",
    "2026-11-21 06:55:00", "2026-11-21 06:55:00.5", "2026-11-21 06:55:00.500", "2026-11-21 06:55:00.1234567",
    "2026-11-21 06:55:00+00", "2026-11-21 06:55:00.25+00", "2026-11-21 06:55:00+02", "2026-11-21T06:55:00",
    "2026-02-30 06:55:00", "2024-02-29 06:55:00", "0000-01-01 06:55:00", "0044-03-15 00:00:00 BC",
    "10000-01-01 00:00:00", "2026-11-21 24:00:00", "2026-11-21 06:55", "06:55:00", "-838:59:59", "\u0661",
))  # fmt: skip
CELLS = st.none() | LIKELY | LETTERS


def values(columns: list[Column], rows: list[tuple[str | None, ...]]) -> list[dict[str, Any]]:
    """The rows as values: what the texts mean elsewhere."""
    return [
        {
            column.name: text if text is None or FROM_TEXT[column.type] is None else FROM_TEXT[column.type](text)  # type: ignore[misc] # not None
            for column, text in zip(columns, row, strict=True)
        }
        for row in rows
    ]


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Column], list[tuple[str | None, ...]]]:
    names = draw(st.lists(LETTERS, min_size=1, max_size=4, unique=True))
    columns = [Column(name, "", draw(st.sampled_from(TYPES))) for name in names]
    rows = draw(st.lists(st.tuples(*[CELLS] * len(columns)), max_size=4))
    return columns, rows


@given(tables())
@example(([Column("n", "", "int")], [("",)]))
@example(([Column("n", "", "int")], [("1",), ("",)]))
@example(([Column("d", "", "date")], [("",), (None,)]))
@example(([Column("d", "", "date"), Column("t", "", "text")], [(None, '"\x1e"'), ("2026-01-01", NULL)]))
def test_rows_say_what_their_values_say(given: tuple[list[Column], list[tuple[str | None, ...]]]) -> None:
    columns, rows = given
    text = rows_of(columns, list(zip(*rows, strict=True)))
    wanted = values(columns, rows)
    assert text == ",".join(map(said, wanted))
    shown = [
        {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in row.items()} for row in wanted
    ]
    assert json.loads(f"[{text}]") == shown


@given(tables())
def test_a_mark_is_as_good_as_null(given: tuple[list[Column], list[tuple[str | None, ...]]]) -> None:
    columns, rows = given
    known = [tuple(text if text is None or NULL not in text else "x" for text in row) for row in rows]
    cells = list(zip(*known, strict=True))
    marked = [[NULL if text is None else text for text in texts] for texts in cells]
    assert rows_of(columns, marked, marked=True) == rows_of(columns, cells)


@pytest.mark.parametrize(
    ("kind", "text", "json_text"),
    [
        ("int", "12345678901234567890123", "12345678901234567890123"),
        ("decimal", "12345678901234567890.10", '"12345678901234567890.10"'),
        ("float", "1e+20", '"100000000000000000000"'),
        ("datetime", "infinity", '"infinity"'),
        ("datetime", "2026-11-21 06:55:00.5+00", '"2026-11-21T06:55:00.5Z"'),
        ("datetime", "0000-00-00 00:00:00", '"0000-00-00 00:00:00"'),
        ("date", "0000-00-00", '"0000-00-00"'),
        ("int", "nonsense", '"nonsense"'),
        ("bool", "t", "true"),
        ("binary", "00FF", '"AP8="'),
        ("text", 'a "quote"\n', '"a \\"quote\\"\\n"'),
    ],
)
def test_one_value_of_each_type(kind: Type, text: str, json_text: str) -> None:
    assert rows_of([Column("c", "", kind)], [[text, None]]) == f'{{"c":{json_text}}},{{"c":null}}'


def test_half_a_pair_is_escaped() -> None:
    assert encoded('{"c":"\ud800é"}') == b'{"c":"\\ud800\xc3\xa9"}'
