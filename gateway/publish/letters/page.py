"""A letter as a page: all in one file, nothing is fetched, and it is readable on a telephone."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from gateway.publish.letters.outcome import (
    again,
    done,
    headline,
    more_overtaken,
    more_problems,
    more_refused,
    questions,
)
from gateway.publish.letters.plain import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.publish.letters.facts import Letter, Problem, Quote

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 46rem; margin: 0 auto;
  padding: 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; line-height: 1.25 } h2 { font-size: 1.1rem; margin-top: 2rem } h3 { font-size: 1rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem } dt { color: #595959 } dd { margin: 0 }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto; font-size: .9rem }
mark { background: #ffd24d; color: #000; outline: 1px solid #8a6100 }
li { margin-bottom: 1.5rem }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #16181c } pre { background: #24272d }
  dt { color: #b5b5b5 } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(letter: Letter) -> str:
    """The letter as HTML."""
    return "\n".join(_lines(letter)) + "\n"


def _lines(letter: Letter) -> Iterator[str]:
    title = escape(headline(letter))
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield from _list(facts(letter))
    yield from _section("What we did", done(letter))
    if letter.problems or letter.items:
        yield "<h2>What is wrong</h2>"
        for problem in letter.problems:
            yield from _problem(problem)
        yield "<ol>"
        for item in letter.items:
            yield f"<li><h3>{escape(item.title)}</h3>"
            for problem in item.problems:
                yield from _problem(problem)
            if item.more:
                yield f"<p>{escape(more_problems(letter, item.more))}</p>"
            yield "</li>"
        yield "</ol>"
        if letter.more:
            yield f"<p>{escape(more_refused(letter))}</p>"
    if letter.older:
        yield "<h2>What was not used</h2>"
        yield "<ol>"
        for each in letter.overtaken:
            yield f"<li><h3>{escape(each.title)}</h3><p>{escape(each.what)}</p></li>"
        yield "</ol>"
        if more := more_overtaken(letter):
            yield f"<p>{escape(more)}</p>"
    yield from _section("What to send again", again(letter))
    yield from _section("Questions", questions(letter))
    yield "</body></html>"


def _section(title: str, sentences: Iterable[str]) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2>"
    for each in sentences:
        yield f"<p>{escape(each)}</p>"


def _problem(problem: Problem) -> Iterator[str]:
    if problem.place:
        yield f"<p>{escape(problem.place[0].upper() + problem.place[1:])}</p>"
    if problem.quote is not None:
        yield _quote(problem.quote)
    yield f"<p>{escape(problem.what)}</p>"
    expected = [("Expected", problem.expected)] if problem.expected else []
    yield from _list([*expected, ("Send again", problem.send)])


def _quote(quote: Quote) -> str:
    marked = f"<mark>{escape(quote.value) or '&#8203;'}</mark>"
    return f"<pre>{escape(quote.before)}{marked}{escape(quote.behind)}</pre>"


def _list(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"
