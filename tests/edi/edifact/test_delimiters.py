"""UNA and UNB: the service characters, the parties, the character set, and what cannot be read."""

from __future__ import annotations

import pytest

from edi.edifact.delimiters import CHARACTER_SETS, read_unb
from edi.segmented.walk.standard import Header, Unreadable
from edi.segmented.walk.window import Window

UNB = "UNB+UNOC:3+4012345000009:14+5412345000013+260112:0830+77'"


def header(text: str) -> Header | Unreadable:
    return read_unb(Window([text.encode("latin-1")]))


def test_who_and_what() -> None:
    found = header(UNB)
    assert isinstance(found, Header)
    assert (found.sender, found.receiver, found.reference) == ("14:4012345000009", ":5412345000013", "77")
    assert (found.encoding, found.delimiters, found.length) == ("iso8859-1", ":+.? '", len(UNB))


def test_una_names_the_characters_and_a_line_end_may_follow() -> None:
    found = header("UNA;*,! ~\r\n" + UNB.replace("+", "*").replace(":", ";").replace("'", "~"))
    assert isinstance(found, Header)
    assert (found.syntax.component, found.syntax.element, found.syntax.decimal) == (";", "*", ",")
    assert (found.syntax.release, found.syntax.repetition, found.syntax.segment) == ("!", "", "~")


@pytest.mark.parametrize(
    ("text", "repetition"), [(UNB.replace(":3", ":4"), "*"), ("UNA:+.?^'" + UNB.replace(":3", ":4"), "^")]
)
def test_version_4_repeats(text: str, repetition: str) -> None:
    found = header(text)
    assert isinstance(found, Header)
    assert found.syntax.repetition == found.delimiters[4] == repetition


def test_before_version_4_nothing_repeats() -> None:
    found = header("UNA:+.?*'" + UNB)
    assert isinstance(found, Header)
    assert (found.syntax.repetition, found.delimiters) == ("", ":+.? '")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        (
            "UNOZ:3",
            "edifact.syntax",
            "UNB names the character set 'UNOZ'; UNOA to UNOL, UNOW, UNOX and UNOY are known.",
        ),
        ("UNOC:9", "edifact.syntax", "UNB names the version '9' of the syntax; 1 to 4 are known."),
        ("1234:3", "edifact.syntax", "UNB names the character set '1234'"),
        ("IATB:1", "edifact.agency", "UNB names the syntax IATB, which is not one of the UN/ECE"),
    ],
)
def test_an_unknown_syntax_is_told_and_read(name: str, code: str, words: str) -> None:
    found = header(UNB.replace("UNOC:3", name))
    assert isinstance(found, Header)
    assert [code for code, _ in found.oddities] == [code]
    assert found.oddities[0][1].startswith(words)


@pytest.mark.parametrize("name", sorted(filter(None, CHARACTER_SETS.values())))
def test_every_character_set_has_a_decoder(name: str) -> None:
    assert b"A".decode(name) == "A"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("UNA:+.?  " + UNB, "edifact.una", "can be told apart"),
        ("UNA::.? '" + UNB, "edifact.una", "can be told apart"),
        ("UNA:+.? 'UNH+1", "edifact.unb", "stands where UNB must follow"),
        ("UNB*UNOC:3*A*B*260112:0830*1'", "edifact.unb", "elements are separated by '+' here"),
        (
            "UNB+UNOC:3+A'",
            "edifact.unb",
            "UNB lacks UNB03 (recipient), UNB04 (date and time) and UNB05 (control reference).",
        ),
        ("UNB+UNOC:3+A+B+260112:0830'", "edifact.unb", "UNB lacks UNB05 (control reference)."),
        (UNB.replace("UNOC:3", "UNOC"), "edifact.unb", "UNB lacks the version of its syntax (UNB01 is 'UNOC'; UNOC:3,"),
        ("UNB+UNOC:3+" + "A" * 5000, "edifact.unb", "UNB has no end"),
        ("UIB+UNOA:4+1'", "edifact.interactive", "interactive interchange"),
        (UNB[:30], "envelope.truncated", "The file ends inside its UNB."),
        ("UNA:+.", "envelope.truncated", "The file ends inside its UNA or UNB."),
    ],
)
def test_a_header_that_cannot_be_read_says_why(text: str, code: str, words: str) -> None:
    found = header(text)
    assert isinstance(found, Unreadable)
    assert found.code == code
    assert words in found.message
