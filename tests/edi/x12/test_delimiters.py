"""The ISA: every delimiter set that it can declare, and what it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.segmented.walk.standard import Header, Unreadable
from edi.segmented.walk.window import Window
from edi.x12.delimiters import read_isa


def isa(
    separator: str = "*", component: str = ">", segment: str = "~", repetition: str = "U", version: str = "00401"
) -> str:
    values = ["ISA", "00", " " * 10, "00", " " * 10, "ZZ", "ACME".ljust(15), "01", "US".ljust(15), "260112", "0830"]
    return separator.join([*values, repetition, version, "000000001", "0", "P", component]) + segment


def header(text: str) -> Header | Unreadable:
    return read_isa(Window([text.encode("latin-1")]))


def test_who_and_what() -> None:
    found = header(isa())
    assert isinstance(found, Header)
    assert (found.sender, found.receiver, found.reference) == ("ZZ:ACME", "01:US", "000000001")
    assert (found.length, found.delimiters, found.oddities) == (106, "*>~", ())


MARKS = [chr(n) for n in range(1, 256) if not chr(n).isalnum() and chr(n) not in " \r\n"]


@given(st.permutations(MARKS))
def test_any_four_characters_that_are_no_letters_digits_or_blanks_can_cut(marks: list[str]) -> None:
    separator, component, segment, repetition = marks[:4]
    found = header(isa(separator, component, segment, repetition, "00501"))
    assert isinstance(found, Header)
    assert found.delimiters == separator + component + segment + repetition
    assert found.syntax.repetition == repetition


def test_before_00402_isa11_is_no_separator() -> None:
    found = header(isa(repetition="^"))
    assert isinstance(found, Header)
    assert found.syntax.repetition == ""


@pytest.mark.parametrize("segment", ["\n", "\r"])
def test_a_line_end_can_end_segments(segment: str) -> None:
    found = header(isa(segment=segment) + "GS*PO")
    assert isinstance(found, Header)
    assert (found.syntax.segment, found.length) == (segment, 106)


@pytest.mark.parametrize("behind", ["GS*PO*A*B*20260301*1200*1*X*004010~", "\r\nTA1*000000001*", "\nIEA*0*000000001~"])
def test_an_isa_with_too_many_blanks_is_read_where_what_follows_says_that_its_end_was_found(behind: str) -> None:
    text = isa().replace("ACME ", "ACME    ")
    found = header(text + behind)
    assert isinstance(found, Header)
    assert (found.length, found.delimiters) == (109, "*>~")
    assert found.oddities == (("x12.isa_length", "ISA06 has 18 characters instead of 15: 'ACME              '."),)
    assert isinstance(header(text + behind.replace("*", "")), Unreadable)
    assert isinstance(header(text.replace("ACME".ljust(18), "ACME INCORPORATED ") + behind), Unreadable)


def test_a_delimiter_may_be_any_one_byte_that_is_no_letter() -> None:
    found = header(isa(segment="\xa6"))
    assert isinstance(found, Header)
    assert found.delimiters == "*>\xa6"


def test_an_isa_broken_into_lines_is_put_together() -> None:
    text = isa()
    found = header(text[:80] + "\r\n" + text[80:])
    assert isinstance(found, Header)
    assert (found.length, found.delimiters, found.oddities) == (108, "*>~", ())


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (isa(component="*"), "x12.isa", "can be told apart"),
        (
            isa(segment=">"),
            "x12.isa",
            "ISA16 (component separator) and the segment terminator are the same character, '>', and must differ.",
        ),
        (isa(segment="A"), "x12.isa", "The segment terminator would be the letter A, which cannot separate."),
        (isa(segment=" "), "x12.isa", "The segment terminator would be a blank, which cannot separate."),
        (
            isa(segment="\xe2") + "\x80\xa6",
            "x12.isa",
            "The segment terminator would be the byte E2: a delimiter is one",
        ),
        (isa().replace("ACME ", "ACME INCORPORATED "), "x12.isa", "ISA06 has 28 characters instead of 15"),
        ("ISA*00*" + "x" * 200, "x12.isa", "The ISA has 2 separators '*'"),
        (isa()[:60], "envelope.truncated", "The file ends inside the ISA segment."),
    ],
    ids=["twice the same", "component ends segment", "a letter", "a blank", "UTF-8", "too long", "no end", "cut off"],
)
def test_an_isa_that_cannot_be_read_says_why(text: str, code: str, words: str) -> None:
    found = header(text)
    assert isinstance(found, Unreadable)
    assert found.code == code
    assert words in found.message
