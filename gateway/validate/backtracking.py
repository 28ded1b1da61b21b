r"""Regular expressions that a short text can keep busy for years.

Python's matcher tries one way of reading a text after the other. Where a part under a quantifier can read the same
characters in two ways, as in ``([A-Z]+)*`` or ``(a|b|ab)*``, the ways double with each character, and a text that does
not match makes it try them all. That is what is looked for here, by its exact criterion (Weber and Seidl, On the degree
of ambiguity of finite automata, 1991): a place in the automaton of the expression from which the same characters lead
back to it in two ways.

>>> from gateway.validate.backtracking import doubles
>>> doubles(r"([A-Z]+-?)+"), doubles(r"(a|b|ab)*"), doubles(r"[A-Z]+(-[A-Z]+)*")
(True, True, False)

What is left out: ways that only multiply a few times (``\d+\d+``), and what lookarounds and backreferences read. A
repetition of up to five times is looked at as it is, a longer one as one without an end.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gateway.contracts import Contract, Field

Node = TypeVar("Node")

_PARSER: Any = import_module("re._parser")  # the parser of re itself, which has no public name
_TIMES_MAX = 5
_PLACES_MAX = 200
"""Of an expression with more places nothing is said: the time to look at it is their square."""
_OF_ONE_CHARACTER = ("LITERAL", "NOT_LITERAL", "RANGE", "CATEGORY", "IN", "ANY")
_SOME = "aAzZ059_ .,-/\n\t\x00éß٣中"
"""Characters of all the classes that an expression can name, beside those that stand in it."""


def slow_patterns(contract: Contract) -> Iterator[tuple[str, Field]]:
    """The fields of a contract, with their paths, whose pattern a text can keep busy: ``lines.sku``."""
    yield from _slow(contract.fields, "")


def _slow(fields: Iterable[Field], before: str) -> Iterator[tuple[str, Field]]:
    for each in fields:
        if each.pattern is not None and doubles(each.pattern):
            yield before + each.name, each
        yield from _slow(each.fields, f"{before}{each.name}.")


def doubles(pattern: str) -> bool:
    """Whether the ways to read a text can double with each of its characters; of what is no expression, False."""
    try:
        parsed = _PARSER.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    automaton = _Automaton(_alphabet(parsed), ignore_case=bool(parsed.state.flags & re.IGNORECASE))
    try:
        automaton.sequence(parsed)
    except _TooLargeError:
        return False
    return automaton.is_ambiguous()


class _TooLargeError(Exception):
    """The automaton has too many places to be looked at."""


@dataclass(slots=True)
class _Part:
    """A part of an expression: the places at which it may begin and end, and whether it may be nothing."""

    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    empty: bool = True


class _Automaton:
    """The places of an expression (its characters and classes), what each reads, and what may follow it how often."""

    def __init__(self, alphabet: str, *, ignore_case: bool) -> None:
        self._alphabet = alphabet
        self._ignore_case = ignore_case
        self.reads: list[frozenset[str]] = []
        self.follow: list[Counter[int]] = []

    # ── building (Glushkov) ──────────────────────────────────────────────────────────────────────────────────────────

    def sequence(self, items: Iterable[tuple[Any, Any]]) -> _Part:
        """One part behind the other."""
        whole = _Part()
        for op, argument in items:
            whole = self._joined(whole, self._part(str(op), op, argument))
        return whole

    def _part(self, name: str, op: Any, argument: Any) -> _Part:
        if name == "SUBPATTERN":
            before = self._ignore_case
            self._ignore_case = bool((before | argument[1] & re.IGNORECASE) & ~argument[2])
            part = self.sequence(argument[-1])
            self._ignore_case = before
            return part
        if name == "BRANCH":
            return self._either([self.sequence(each) for each in argument[1]])
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeated(*argument)
        if name in ("POSSESSIVE_REPEAT", "ATOMIC_GROUP"):  # read in one way, whatever is in it
            inner = argument[-1] if name == "POSSESSIVE_REPEAT" else argument
            part = self._place(frozenset().union(*(self._readable(*each) for each in _items(inner))))
            part.empty = name == "POSSESSIVE_REPEAT" and argument[0] == 0
            return part
        if name == "GROUPREF_EXISTS":
            return self._either([self.sequence(each) for each in argument[1:] if each is not None])
        if name in ("AT", "ASSERT", "ASSERT_NOT", "GROUPREF"):
            return _Part()
        return self._place(self._readable(op, argument))

    def _place(self, reads: frozenset[str]) -> _Part:
        if len(self.reads) >= _PLACES_MAX:
            raise _TooLargeError
        number = len(self.reads)
        self.reads.append(reads)
        self.follow.append(Counter())
        return _Part([number], [number], empty=False)

    def _link(self, before: _Part, behind: _Part) -> None:
        for one in before.last:
            self.follow[one].update(behind.first)

    def _joined(self, one: _Part, other: _Part) -> _Part:
        self._link(one, other)
        return _Part(
            one.first + (other.first if one.empty else []),
            other.last + (one.last if other.empty else []),
            one.empty and other.empty,
        )

    def _either(self, parts: list[_Part]) -> _Part:
        return _Part(
            [each for part in parts for each in part.first],
            [each for part in parts for each in part.last],
            any(part.empty for part in parts),
        )

    def _repeated(self, low: int, high: Any, items: Any) -> _Part:
        """So many times; what has no end, or a far one, may follow itself."""
        if high == low or high <= _TIMES_MAX:
            whole = _Part()
            for _ in range(min(int(low), _TIMES_MAX)):
                whole = self._joined(whole, self.sequence(items))
            rest = _Part()
            for _ in range(min(int(high), _TIMES_MAX) - min(int(low), _TIMES_MAX)):
                rest = self._joined(self.sequence(items), rest)
                rest.empty = True
            return self._joined(whole, rest)
        part = self.sequence(items)
        self._link(part, part)
        return _Part(part.first, part.last, part.empty or low == 0)

    def _readable(self, op: Any, argument: Any) -> frozenset[str]:
        """The characters of the alphabet that one place reads."""
        reads = _reader(str(op), argument)
        if self._ignore_case:
            cases = {each: {each, each.lower(), each.upper()} for each in self._alphabet}
            return frozenset(each for each, written in cases.items() if any(len(c) == 1 and reads(c) for c in written))
        return frozenset(filter(reads, self._alphabet))

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def is_ambiguous(self) -> bool:
        """Whether the same characters lead from a place back to it in two ways."""
        ring = _rings({each: list(behind) for each, behind in enumerate(self.follow)})
        inside = {
            each: [other for other in behind if ring[other] == ring[each]] for each, behind in enumerate(self.follow)
        }
        for each, others in inside.items():
            if any(self.follow[each][other] > 1 for other in others):
                return True  # two quantifiers lead from one place to the same other
        pairs = self._pairs(inside)
        ring_of_pairs = _rings(pairs)
        alike = {ring_of_pairs[pair] for pair in pairs if pair[0] == pair[1] and inside[pair[0]]}
        return any(pair[0] != pair[1] and number in alike for pair, number in ring_of_pairs.items())

    def _pairs(self, inside: dict[int, list[int]]) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """Two readers that start at one place and read the same: where each pair of places leads."""
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        waiting = [(each, each) for each, others in inside.items() if others]
        while waiting:
            pair = waiting.pop()
            if pair not in found:
                steps = product(inside[pair[0]], inside[pair[1]])
                found[pair] = [(one, other) for one, other in steps if self.reads[one] & self.reads[other]]
                waiting += found[pair]
        return found


def _rings(graph: Mapping[Node, Sequence[Node]]) -> dict[Node, int]:
    """The number of the ring (strongly connected component) in which each node is: Tarjan's way, without recursion."""
    order: dict[Node, int] = {}
    lowest: dict[Node, int] = {}
    ring: dict[Node, int] = {}
    path: list[Node] = []
    for start in graph:
        work = [] if start in order else [(start, iter(graph[start]))]
        while work:
            node, behind = work[-1]
            if node not in order:
                order[node] = lowest[node] = len(order)
                path.append(node)
            following = next(behind, None)
            if following is None:
                work.pop()
                if lowest[node] == order[node]:
                    last = None
                    while last != node:
                        last = path.pop()
                        ring[last] = order[node]
                if work:
                    before = work[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
            elif following not in order:
                work.append((following, iter(graph[following])))
            elif following not in ring:
                lowest[node] = min(lowest[node], order[following])
    return ring


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _reader(name: str, argument: Any) -> Callable[[str], bool]:
    """What says whether a character is read by an item of the parsed expression."""
    if name == "LITERAL":
        return lambda char: ord(char) == argument
    if name == "NOT_LITERAL":
        return lambda char: ord(char) != argument
    if name == "RANGE":
        return lambda char: argument[0] <= ord(char) <= argument[1]
    if name == "CATEGORY":
        matches = re.compile(_CATEGORIES[str(argument)]).match
        return lambda char: matches(char) is not None
    if name == "IN":
        negated = any(str(op) == "NEGATE" for op, _ in argument)
        readers = [_reader(str(op), inner) for op, inner in argument if str(op) != "NEGATE"]
        return lambda char: any(reads(char) for reads in readers) != negated
    return lambda char: name == "ANY" and char != "\n"


def _items(parsed: Any) -> Iterator[tuple[Any, Any]]:
    """Every item of a parsed expression, however deep, that reads one character or is a part of a class."""
    for each in parsed if isinstance(parsed, list | tuple | _PARSER.SubPattern) else ():
        if isinstance(each, tuple) and len(each) == 2 and str(each[0]) in _OF_ONE_CHARACTER:
            yield each
        yield from _items(each)


def _alphabet(parsed: Any) -> str:
    """Characters by which everything that the expression tells apart is told apart."""
    codes = {ord(char) for char in _SOME}
    for op, argument in _items(parsed):
        named = argument if str(op) == "RANGE" else [argument] if str(op).endswith("LITERAL") else []
        codes |= {near for code in named for near in (code - 1, code, code + 1)}
    return "".join(sorted(chr(code) for code in codes if 0 <= code < 0x110000))
