"""CONTRL: what is answered to EDIFACT interchanges, byte by byte."""

from __future__ import annotations

import pytest

from tests.edi.acknowledgments.samples import answers, body, findings, message, messages

UCI = "UCI+77+4012345000009:14+5412345000013:14+"
UNG = "UNG+ORDERS+A:14+B:14+260112:0830+5+UN+D:96A'"
INCOMPLETE = message("2", "DTM+137:20260112:102", "LIN+1++4000862141404:EN", "UNS+S")


def test_a_right_file_is_accepted_in_one_line() -> None:
    (answer,) = answers(messages(message(), message("2")), "CONTRL", "997", "TA1", number=42)
    assert answer.content == (
        b"UNB+UNOC:3+5412345000013:14+4012345000009:14+260112:0930+42'UNH+1+CONTRL:D:3:UN'"
        b"UCI+77+4012345000009:14+5412345000013:14+7'UNT+3+1'UNZ+1+42'"
    )
    assert (answer.kind, answer.interchange, answer.group, answer.verdict) == ("CONTRL", "77", None, "A")
    assert (answer.included, answer.received, answer.accepted) == (2, 2, 2)
    assert findings(answer) == []


def test_syntax_version_4_is_answered_in_its_own_words() -> None:
    (answer,) = answers(messages(message(), INCOMPLETE, version="4"), "CONTRL")
    assert answer.content == (
        b"UNB+UNOC:4+5412345000013:14+4012345000009:14+20260112:0930+1'UNH+1+CONTRL:4:1:UN'"
        b"UCI+77+4012345000009:14+5412345000013:14+7'UCM+2+ORDERS:D:96A:UN+4'UCS+1+13'UNT+5+1'UNZ+1+1'"
    )
    assert findings(answer) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            message("1", "BGM+220+4711+9", "DTM+137:20260112:102", "NAD+BYYYYY", "LIN+1", "UNS+S"),
            ["UCM+1+ORDERS:D:96A:UN+4", "UCS+4", "UCD+39+2"],
            id="bad element",
        ),
        pytest.param(
            message("1", "BGM+220+4711+9", "DTM+137:20260112:102", "LIN+1", "QTY+21:x", "UNS+S"),
            ["UCM+1+ORDERS:D:96A:UN+4", "UCS+5", "UCD+37+2:2"],
            id="bad component; the tag of a segment is its first place",
        ),
        pytest.param(
            message("1", "DTM+137:20260112:102", "LIN+1", "UNS+S"),
            ["UCM+1+ORDERS:D:96A:UN+4", "UCS+1+13"],
            id="missing segment, told of the one before",
        ),
        pytest.param(message(trailer="UNT+9+1"), ["UCM+1+ORDERS:D:96A:UN+4+29+UNT+2"], id="wrong count"),
        pytest.param(message(trailer="UNT+7+2"), ["UCM+1+ORDERS:D:96A:UN+4+28+UNT+3"], id="another reference"),
        pytest.param(
            message("1", "BGM+220+4711+9", *["DTM+137:20260112:102"] * 36, "LIN+1", "UNS+S"),
            ["UCM+1+ORDERS:D:96A:UN+4", "UCS+38+35"],
            id="a segment too often",
        ),
        pytest.param(
            message("1", "BGM+220+4711+9", "DTM+137:20260112:102", *["CUX+2:EUR:9"] * 6, "LIN+1", "UNS+S"),
            ["UCM+1+ORDERS:D:96A:UN+4", "UCS+9+36"],
            id="a group of segments too often",
        ),
        pytest.param(
            message("1", "BGM+220+4711+9", "DTM+137:20260112:102", "XYZ+1", "LIN+1", "UNS+S"),
            ["UCM+1+ORDERS:D:96A:UN+4", "UCS+4+15"],
            id="a segment that the message has not",
        ),
        pytest.param(
            message().replace(":UN'", ":UNECE'"),
            ["UCM+1+ORDERS:D:96A:UN+4+39+UNH+3:4"],
            id="an error in UNH is told of the message, and not repeated",
        ),
    ],
)
def test_what_is_wrong_with_a_message_is_told_in_codes(text: str, said: list[str]) -> None:
    (answer,) = answers(messages(message("0"), text), "CONTRL")
    assert body(answer) == [UCI + "7", *said]
    assert (answer.verdict, answer.received, answer.accepted) == ("P", 2, 1)
    assert findings(answer) == []


def test_the_second_of_two_messages_with_one_reference_is_rejected() -> None:
    (answer,) = answers(messages(message(), message()), "CONTRL")
    assert body(answer) == [UCI + "7", "UCM+1+ORDERS:D:96A:UN+4+26+UNH+2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(messages(message(), trailer="UNZ+2+77'"), "4+29+UNZ+2", id="wrong count"),
        pytest.param(messages(message(), trailer="UNZ+1+78'"), "4+28+UNZ+3", id="another reference"),
        pytest.param(messages(message(), trailer=""), "4+13+UNZ", id="no UNZ"),
        pytest.param(messages(message(), message("2")[:50], trailer=""), "4+13+UNZ", id="the file ends in a message"),
        pytest.param(messages(message()).replace("UNOC:3", "UNOZ:7"), "4+2+UNB", id="unknown syntax"),
        pytest.param(messages(message(""), number="77"), "4+13+UNH", id="a message without a reference"),
    ],
)
def test_an_interchange_in_doubt_is_rejected_as_a_whole(text: str, said: str) -> None:
    (answer,) = answers(text, "CONTRL")
    assert body(answer) == [UCI + said]
    assert (answer.verdict, answer.accepted) == ("R", 0)
    assert findings(answer) == []


@pytest.mark.parametrize(
    ("text", "said", "accepted"),
    [
        pytest.param(UNG + message() + message("2") + "UNE+2+5'", [], 2, id="right"),
        pytest.param(
            UNG + message() + INCOMPLETE + "UNE+2+5'",
            ["UCF+5+A:14+B:14+7", "UCM+2+ORDERS:D:96A:UN+4", "UCS+1+13"],
            1,
            id="a bad message",
        ),
        pytest.param(UNG + message() + INCOMPLETE + "UNE+3+5'", ["UCF+5+A:14+B:14+4+29+UNE+2"], 0, id="wrong count"),
        pytest.param(UNG + message() + "UNE+1+6'", ["UCF+5+A:14+B:14+4+28+UNE+3"], 0, id="another reference"),
        pytest.param(UNG + message(), ["UCF+5+A:14+B:14+4+13+UNE"], 0, id="no UNE"),
    ],
)
def test_groups_are_answered_where_something_in_them_is_rejected(text: str, said: list[str], accepted: int) -> None:
    (answer,) = answers(messages(text), "CONTRL")
    assert body(answer) == [UCI + "7", *said]
    assert answer.accepted == accepted
    assert findings(answer) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("UNB+UNOC:3+ACME+US'UNH+1+ORDERS:D:96A:UN'UNT+2+1'UNZ+1+1'", id="UNB without a reference"),
        pytest.param("UNA++++++UNB+UNOC:3+ACME+US+260112:0830+1'UNZ+0+1'", id="no service characters"),
        pytest.param("UIB+UNOA:4++1+++ACME+US+20260112:0830'UIZ+1'", id="interactive"),
        pytest.param(messages("UNH+1+CONTRL:D:3:UN'UCI+7+A+B+7'UNT+3+1'"), id="an acknowledgment"),
    ],
)
def test_what_cannot_or_must_not_be_answered_is_not(text: str) -> None:
    assert answers(text, "CONTRL") == []


def test_several_interchanges_are_answered_one_by_one() -> None:
    text = messages(message()) + messages(INCOMPLETE, number="78") + messages(message())
    told = [(a.number, a.interchange, a.verdict) for a in answers(text, "CONTRL")]
    assert told == [(1, "77", "A"), (2, "78", "R"), (3, "77", "R")]
    assert body(answers(text, "CONTRL")[2]) == [UCI + "4+26+UNB"]


def test_the_service_characters_are_those_that_were_received() -> None:
    text = messages(message(), INCOMPLETE).replace("+", "*").replace(":", ";").replace("'", "~")
    (answer,) = answers("UNA;*.? ~" + text, "CONTRL")
    assert answer.content.startswith(b"UNA;*.? ~UNB*UNOC;3*5412345000013;14*4012345000009;14*260112;0930*1~")
    assert findings(answer) == []


def test_released_characters_are_released_again() -> None:
    (answer,) = answers(messages(message(), number="7?+?'7"), "CONTRL")
    assert body(answer)[0] == "UCI+7?+?"  # the helper cuts at every apostrophe
    assert answer.interchange == "7+'7"
    assert b"UCI+7?+?'7+4012345000009:14+" in answer.content
    assert findings(answer) == []


def test_what_the_guide_of_another_version_finds_is_not_told() -> None:
    (answer,) = answers(messages(INCOMPLETE.replace("D:96A", "D:19B")), "CONTRL")
    assert body(answer) == [UCI + "7"]
