"""Patterns that a text can keep busy are told; those that only look like it are not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import Contract, Field
from gateway.validate.backtracking import doubles, slow_patterns


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+",
        r"([A-Z]+)*",
        r"^([A-Z]+)*$",
        r"(?:(?:x*)*)*",
        r"([A-Z]+-?)+",
        r"(\d+,?)+;",
        r"(\w+\s?)*",
        r"([^;]*)*;",
        r"(.*,?)*",
        r"(a|b|ab)*",
        r"(x|x\w)*y",
        r"(\s*,\s*)*",
        r"(a?b?)*",
        r"(\d{2,4})*",
        r"(\w{1,20} ?){1,20}",
        r"(a+?)+?",
        r"(?i:(A|a.|b)*)",
        r"A(B(c+d*)*)E",
        r"(ö+)+",
        r"(?=x)(y+)+",
        r"(é|[^a])*(z|zz)*",
    ],
)
def test_a_pattern_whose_ways_double_is_found(pattern: str) -> None:
    assert doubles(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        r"[A-Z0-9-]+",
        r"\d{4}-\d{2}-\d{2}",
        r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}",
        r"[^@\s]+@[^@\s]+\.[a-z]+",
        r"[a-z]+(-[a-z]+)*",
        r"(\d{3}-)*\d{4}",
        r"(a+b)*",
        r"(a|b)*",
        r"(a|ab)*",
        r"(?:[A-Z]{3}){2,}",
        r"([A-Z]{3})*",
        r"([A-Z]{30})*",
        r"(red|green|blue)(,(red|green|blue))*",
        r"(foo|bar|foobar)?",
        r"(a?)*",
        r"(a+){1,3}",
        r"(?>[A-Z]+)+",
        r"([A-Z]++)+",
        r"(?i)[a-z]+( [a-z]+)*",
        r"(\w)\1*",
        r"(?:\+?\d{1,3}[ -])?\d{4,14}",
        r"\d+\d+x",
        r"(((a)))",
        r"(unclosed",
        r"(a{1,70}b){0,70}" * 40,
    ],
)
def test_a_pattern_that_reads_each_text_in_few_ways_is_not(pattern: str) -> None:
    assert not doubles(pattern)


def ways(parts: tuple[str, ...], text: str) -> int:
    """In how many ways a text is read as the alternatives, one after the other: by trying them all."""
    counts = [1] + [0] * len(text)
    for end in range(1, len(text) + 1):
        counts[end] = sum(
            counts[start] for start in range(end) for each in parts if re.fullmatch(each, text[start:end])
        )
    return counts[-1]


@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=4, unique=True))
def test_words_that_are_repeated_are_told_when_a_text_falls_apart_into_them_in_two_ways(words: list[str]) -> None:
    pattern = f"(?:{'|'.join(words)})*"
    texts = {one + other + more for one in words for other in [*words, ""] for more in [*words, ""]}
    if any(ways(tuple(words), text) > 1 for text in texts):
        assert doubles(pattern)


@given(st.lists(st.sampled_from(["x", "xy", "xyz", "[xy]z", "x{3}"]), min_size=1, max_size=4))
def test_what_ends_with_a_character_of_its_own_is_read_in_one_way(words: list[str]) -> None:
    assert not doubles("".join(f"(?:{each};)*" for each in words))


def test_the_fields_of_a_contract_are_told_by_their_paths() -> None:
    sku = Field("sku", "text", pattern="([A-Z]+-?)+")
    lines = Field("lines", "list", fields=(sku, Field("text", "text", pattern="[a-z]+")))
    contract = Contract("order", 1, "", "", ("number",), (Field("number", "text", pattern="(0|[1-9]0)+"), lines))
    assert [path for path, _ in slow_patterns(contract)] == ["lines.sku"]
