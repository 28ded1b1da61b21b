"""Whatever is wrong with a file, its answer is a whole interchange that can be read, and always the same."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi.acknowledgments import acknowledge, drafts
from edi.edifact import scanner as edifact
from edi.x12 import scanner as x12
from tests.edi.acknowledgments.samples import NOW, answers, findings, group, interchange, message, messages, order

if TYPE_CHECKING:
    from edi.acknowledgments import Acknowledgment, Kind

KINDS: tuple[Kind, ...] = ("TA1", "997", "999", "CONTRL")
SAMPLES = {
    "x12": (
        interchange(group(order(), order("0002")), group(order(), number=6)) + interchange(group(order()))
    ).encode(),
    "edifact": messages(
        "UNG+ORDERS+A:14+B:14+260112:0830+5+UN+D:96A'" + message() + message("2") + "UNE+2+5'"
    ).encode(),
}
SCANNERS = {"x12": x12, "edifact": edifact}


def in_pieces(standard: str, raw: bytes, size: int) -> list[Acknowledgment]:
    """The answers to a file that comes in pieces."""
    chunks = [raw[place : place + size] for place in range(0, len(raw), size)]
    return list(acknowledge(SCANNERS[standard].events(chunks, {}), kinds=KINDS, numbers=count(1), now=NOW))


@settings(max_examples=150, deadline=None)
@given(
    standard=st.sampled_from(sorted(SAMPLES)),
    start=st.integers(0, 600),
    length=st.integers(0, 40),
    put=st.one_of(st.binary(max_size=4), st.sampled_from([b"*", b"~", b"+", b"'", b":", b"GE*1*5~", b"UNT+1+1'"])),
    size=st.integers(1, 50),
)
def test_any_damage_gives_answers_that_can_be_read(
    standard: str, start: int, length: int, put: bytes, size: int
) -> None:
    sample = SAMPLES[standard]
    raw = sample[:start] + put + sample[start + length :]
    whole = in_pieces(standard, raw, len(raw) or 1)
    assert in_pieces(standard, raw, size) == whole
    for answer in whole:
        assert [code for code in findings(answer) if code.startswith(("x12", "edifact", "envelope"))] == []
        assert 0 <= answer.accepted <= answer.received
        assert (answer.verdict == "R") <= (answer.accepted == 0)


@pytest.mark.parametrize("standard", sorted(SAMPLES))
def test_a_file_that_ends_anywhere_is_never_accepted_as_a_whole(standard: str) -> None:
    sample = SAMPLES[standard]
    whole = answers(sample, *KINDS)
    for place in range(len(sample) - 2):
        told = in_pieces(standard, sample[:place], 10_000)
        assert told != whole
        # Interchanges that are whole are answered as if nothing had happened behind them.
        assert all(answer in whole for answer in told if answer.verdict == "A"), place


def test_drafts_say_what_they_answer_before_they_have_numbers() -> None:
    acknowledgments = group("ST*997*0001~AK1*PO*1~AK9*A*1*1*1~SE*4*0001~", kind="FA", number=4)
    text = interchange(acknowledgments, group(order())) + interchange(group(order()), number=8)
    told = list(drafts(x12.events([text.encode()], {}), kinds=("TA1", "997")))
    assert [(each.kind, each.place) for each in told] == [("TA1", 0), ("997", 2), ("TA1", 0), ("997", 1)]
    assert {each.parties() for each in told} == {("ZZ:ACME", "ZZ:US")}
    (contrl,) = drafts(edifact.events([SAMPLES["edifact"]], {}), kinds=KINDS)
    assert (contrl.kind, contrl.place) == ("CONTRL", 0)
    assert contrl.parties() == ("14:4012345000009", "14:5412345000013")


@pytest.mark.parametrize(
    ("given", "marked"),
    [
        (messages(message()).replace("+77'UNH", "+77++++++1'UNH").encode(), b"+1++++++1'UNH"),
        (interchange(group(order())).replace("*0*P*>~", "*0*T*>~").encode(), b"*0*T*>~GS"),
    ],
)
def test_the_answer_to_a_test_is_a_test(given: bytes, marked: bytes) -> None:
    (answer,) = answers(given, "997", "CONTRL")
    assert marked in answer.content
    assert findings(answer) == []
