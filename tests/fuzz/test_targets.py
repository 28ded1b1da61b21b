"""Each target, with samples that were damaged at random: cut, joined, and with pieces of the format set in."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edi.mutations.bases import BASES
from tests.edi.mutations.mutating import clean
from tests.fuzz.targets import TARGETS, seeds

PIECES = (
    b"", b"~", b"*", b"'", b"?", b"+", b":", b"^", b"\n", b"\r\n", b"\0", b"\x1a", b"\xef\xbb\xbf", b" " * 9,
    b"UNT+1+1'", b"SE*1*1~", b"ISA*", b"UNA:+.? '", b"UNB+", b"ST*850*0009~", b"GS*", b"IEA*1*", b"GE*1*", b"UNZ+1+",
    b"BIN*5*", b"HL*1**S~", b'"', b";", b",", b"\t", b"{", b"}", b'"a":', b"[", b"<a>", b"</a>", b"<!--", b"<![CDATA[",
    b"&amp;", b"\xff\xfe", b"\xc3", b"9" * 40,
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, name: str) -> bytes:
    data = bytearray(draw(st.sampled_from(seeds(name))))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from((0, 0, 1, 2, 7, 40, 400))))
        data[start:end] = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)))
    return bytes(data)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_holds_for_its_samples(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_holds_for_damaged_samples(name: str) -> None:
    @settings(max_examples=40, deadline=None, database=None)
    @given(damaged(name))
    def holds(data: bytes) -> None:
        TARGETS[name](data)

    holds()


@pytest.mark.parametrize("name", sorted(BASES))
def test_a_target_holds_whatever_stands_in_one_value(name: str) -> None:
    base = BASES[name][0]
    data = clean(base)
    random = Random(name)
    values = list(re.finditer(rb"[^*+:>~']+", data))
    for value in random.sample(values, 40):
        for odd in (b"", b"-1", b"9" * 20, b" ", b"\0", b"\xe9", b">", b":", b"^", b"*", b"1E999999", b"1>1", b"1:1"):
            TARGETS[base.format](data[: value.start()] + odd + data[value.end() :])


HEAD = (
    b"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260102*1010*U*00401*000000017*0*P*>~"
    b"GS*PO*SENDER*RECEIVER*20260102*1010*17*X*004010~"
)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("x12", HEAD + b"ST*850*1~BEG*00~SE*3*1~ST*850~BEG*00~SE*3~", id="a second set without a number"),
        pytest.param(
            "edifact",
            b"UNB+UNOA:3+A+B+260102:1010+17'UNH+1+ORDERS:D:96A:UN'LIN*+1'LIN+1'CNT+1:3'UNT+5+1'UNZ+1+17'",
            id="a tag that looks like the key of a loop",
        ),
        pytest.param(
            "edifact",
            b"UNB+UNOC:3+A+B+260102:1010+17'UNH+1+LOCALM:0:1:XX'Z??+1'UNT+3+1'UNZ+1+17'",
            id="a tag with a released character",
        ),
        pytest.param(
            "x12",
            HEAD + b"ST*850*1~BEG*00*SA*1**20260102~PO1*1*3*EA*1~CTT*1>1~SE*5*1~GE*1*17~IEA*1*000000017~",
            id="a total of two components",
        ),
    ],
)
def test_what_once_broke_a_target_holds(name: str, data: bytes) -> None:
    TARGETS[name](data)
