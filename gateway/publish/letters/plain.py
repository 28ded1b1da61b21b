"""A letter as plain text, 72 columns wide, with marks under the bytes that are meant."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING

from gateway.publish.letters.outcome import (
    MOMENT,
    again,
    done,
    headline,
    more_overtaken,
    more_problems,
    more_refused,
    questions,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.publish.letters.facts import Letter, Problem, Quote

WIDTH = 72
_INDENT = "    "


def text(letter: Letter) -> str:
    """The letter; lines end with a line feed."""
    return "\n".join(_lines(letter)) + "\n"


def _lines(letter: Letter) -> Iterator[str]:
    yield from _wrapped(headline(letter), "")
    yield ""
    for name, value in facts(letter):
        yield from textwrap.wrap(value, WIDTH, initial_indent=f"{name:<11}", subsequent_indent=" " * 11)
    yield from _section("What we did", done(letter))
    if letter.problems or letter.items:
        yield from ["", "WHAT IS WRONG"]
        for problem in letter.problems:
            yield ""
            yield from _problem(problem)
        for number, item in enumerate(letter.items, 1):
            yield from ["", *_wrapped(f"{number}. {item.title}", "")]
            for place, problem in enumerate(item.problems):
                yield from [""] if place else []
                yield from _problem(problem)
            if item.more:
                yield from ["", *_wrapped(more_problems(letter, item.more), "  ")]
        if letter.more:
            yield from ["", *_wrapped(more_refused(letter), "")]
    if letter.older:
        yield from ["", "WHAT WAS NOT USED"]
        for number, each in enumerate(letter.overtaken, 1):
            yield from ["", *_wrapped(f"{number}. {each.title}", ""), *_wrapped(each.what, "  ")]
        if more := more_overtaken(letter):
            yield from ["", *_wrapped(more, "")]
    yield from _section("What to send again", again(letter))
    yield from _section("Questions", questions(letter))


def facts(letter: Letter) -> list[tuple[str, str]]:
    """The lines at the head: to whom, about which file, the reference."""
    to = f"{letter.partner}: {letter.about}" if letter.about else letter.partner
    size = [f"{letter.size:,} bytes"] if letter.size is not None else []
    came = [f"which came {letter.received_at.strftime(MOMENT)}"] if letter.received_at is not None else []
    name = "".join(each if each.isprintable() else "·" for each in letter.name)
    return [("To", to), ("File", ", ".join([name, *size, *came])), ("Reference", letter.reference)]


def _section(title: str, sentences: Iterable[str]) -> Iterator[str]:
    yield from ["", title.upper(), ""]
    for each in sentences:
        yield from _wrapped(each, "")


def _problem(problem: Problem) -> Iterator[str]:
    if problem.place:
        yield from _wrapped(problem.place[0].upper() + problem.place[1:], "  ")
    if problem.quote is not None:
        yield ""
        yield from _quote(problem.quote)
        yield ""
    yield from _wrapped(problem.what, "  ")
    if problem.expected:
        yield from _wrapped(f"Expected:   {problem.expected}", "  ", hang=12)
    yield from _wrapped(f"Send again: {problem.send}", "  ", hang=12)


def _quote(quote: Quote) -> Iterator[str]:
    yield f"{_INDENT}{quote.before}{quote.value}{quote.behind}"
    yield f"{_INDENT}{' ' * _columns(quote.before)}{'^' * max(1, _columns(quote.value))}"


def _columns(words: str) -> int:
    """How many columns of a fixed-width font the characters take."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in words
    )


def _wrapped(words: str, indent: str, *, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=indent, subsequent_indent=indent + " " * hang, break_on_hyphens=False
    ) or [""]
