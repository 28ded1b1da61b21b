"""A header that is not the agreed one is said once: what stands there, what is expected, and nothing without end."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.model import Envelope
from gateway.publish.letters.facts import Problem, Quote
from gateway.publish.letters.headers import header_line, of_header

NAMES = ("Artikelnummer", "Preis", "gültig ab")


def told(*found: str, delimiter: str = ";", encoding: str = "utf-8", names: tuple[str, ...] = NAMES) -> Problem:
    envelope = Envelope("csv", columns=found, delimiters=f'{delimiter}"\0', encoding=encoding)
    return of_header(names, envelope, "line 1")


def test_a_renamed_column_is_marked_in_the_header() -> None:
    said = told("Artikelnummer", "Price", "gültig ab")
    assert said.what == "The header has 'Price' where we expect 'Preis'."
    assert said.quote == Quote("Artikelnummer;", "Price", ";gültig ab")
    assert said.expected == "the header Artikelnummer;Preis;gültig ab"


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (("Artikelnummer", "gültig ab"), "The header lacks 'Preis'."),
        (("Artikelnumer", "gültig ab"), "has 'Artikelnumer' where we expect 'Artikelnummer', and lacks 'Preis'."),
        (("Artikelnummer", "Preis", "Preis", "gültig ab"), "The header has 'Preis' more than once."),
        (("x",), "The header lacks 'Artikelnummer', 'Preis', 'gültig ab'."),
        (("Artikelnummer,Preis,gültig ab",), "has commas between the names of its columns, where we expect semicolons"),
        (("Artikelnummer\tPreis\tgültig ab",), "has tabs between the names"),
        (("Artikelnummer", "Preis", "g�ltig ab"), "seems to be saved as windows-1252, where we expect UTF-8"),
    ],
)
def test_what_is_wrong_is_named(found: tuple[str, ...], what: str) -> None:
    assert what in told(*found).what


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (
            [*(name.upper() for name in "abcdef"), "x"],
            (
                "The header has 'A' where we expect 'a', 'B' where we expect 'b', 'C' where we expect 'c', "
                "'D' where we expect 'd', 'E' where we expect 'e', and differs in 1 more name."
            ),
        ),
        (
            ["A", "B", "C"],
            (
                "The header has 'A' where we expect 'a', 'B' where we expect 'b', 'C' where we expect 'c', "
                "lacks 'd', 'e', and differs in 1 more name."
            ),
        ),
        (["x"], "The header lacks 'a', 'b', 'c', 'd', 'e', and differs in 1 more name."),
    ],
)
def test_names_that_are_too_many_are_counted_in_a_whole_sentence(found: list[str], what: str) -> None:
    names = tuple(f"{each}_column" for each in "abcdef")
    upper = tuple(f"{each}_COLUMN" if each.isupper() else each for each in found)
    expected = re.sub("'([A-F])'", r"'\1_COLUMN'", re.sub("'([a-f])'", r"'\1_column'", what))
    assert told(*upper, names=names).what == expected


def test_the_other_way_round_an_encoding_is_named_too() -> None:
    said = told("Artikelnummer", "Preis", "gÃ¼ltig ab", encoding="cp1252")
    assert "seems to be saved as UTF-8, where we expect windows-1252" in said.what
    assert said.send == "Please save the file as windows-1252, and send it again."


def test_a_header_line_is_quoted_as_a_file_is_and_tabs_are_told() -> None:
    assert header_line(("a,b", 'c"d', "e"), ",") == '"a,b","c""d",e'
    assert header_line(("a", "b"), "\t") == "a, b, with tabs between them"


@given(
    st.lists(st.text(max_size=60), max_size=30), st.lists(st.text(max_size=60), max_size=300), st.sampled_from(",;\t|")
)
def test_whatever_a_header_is_what_is_told_of_it_is_short_and_on_one_line(
    names: list[str], found: list[str], delimiter: str
) -> None:
    said = told(*found, delimiter=delimiter, names=tuple(names))
    for each in (said.what, said.expected, said.send):
        assert len(each) < 1000
        assert "\n" not in each
