"""Totals that a document carries of itself: what the `totals` lines of a guide say, and whether they hold.

A line of a guide names the element that tells the total, and what it has to be::

    CTT01 = count(PO1)
    CTT02 = sum(PO102) or hash(PO102)
    BPR02 = sum(CLP04) - sum(PLB04, PLB06) if CLP, PLB
    CLM02 = sum(SV102, SV203) in CLM if SV1, SV2
    CLP03 = CLP04 + sum(CAS03, CAS06) in CLP
    CTT02 = sum(SN102) or sum(HL[I]/SN102)
    CNT[2].01.02 = count(LIN) or count(LIN without 04)
    CNT[1].01.02 = sum(QTY.01.02) or any(LIN/QTY.01.02)

Elements are named as in paths (:mod:`edi.paths`): ``CTT01``, ``QTY.01.02`` for a component, ``CNT[2].01.02`` for those
segments alone whose qualifier is 2. ``LIN/QTY.01.02`` takes only those that stand directly in the loop of LIN (and
``HL[I]/SN102`` those in levels of the kind I), ``QTY.01.02`` all of them, wherever they stand.

=================== ====================================================================================================
``count(PO1)``      how many segments of the tag there are; ``LIN without 04`` leaves out those that send the element
``sum(PO102)``      the sum of all values; an element that is not sent adds nothing. A place alone means the same
``hash(PO102)``     the sum of the digits that are sent, without point, sign and exponent, of which the last ten count
                    (X12 element 347)
``any(QTY.01.02)``  the sum of the values of one qualifier, whichever it is
``a + b - c``       terms are added and subtracted
``x or y``          it is right if one of them is right; the first is what a finding speaks of
``in CLM``          for each loop of that segment, with what stands in it
``if SV1, SV2``     only where one of these segments is there (in the loop)
=================== ====================================================================================================

A total that is not sent is no error, and one whose parts are no numbers is not judged: that is told elsewhere. Values
are compared as decimals: leading and trailing zeros do not matter, and a comma is a point.

What the guides say is from these sources. CTT: the notes on the sets (850 and 855: the number of PO1, and the sum of
PO102; 810: IT1 and IT102; 846: LIN and QTY02; 856: HL and SN102, but many senders count its LIN, or sum items and not
their packs, which passes, too) and the definitions of elements 354 and 347 (832: LIN and 860: POC are its line items).
W7601 is by its comment a hash total of what is ordered. CLM02: its note in the standard, and in 005010X222A1 and X223A2
("must balance"). 835: the balances of 005010X221A1, section 1.10.2.1, for the service line, the claim and the
transaction. CNT: code list 6069 of UN/EDIFACT; code 1 is the total of the quantities at line level, of which most
senders take one qualifier (the guides of GS1 say all of QTY: either passes), code 2 counts lines, with or without
sublines (LIN04), code 3 counts both. Not judged, because the standards do not say what they count: TDS01, CTT of other
sets, W03, BPR02 of the 820, AK9, and CNT of any other code.

::

    totals = compile_totals(guide.totals, guide.root)     # once per guide
    totals.hold(root)                                     # whether the totals of a document hold
    problems(rows, root, totals)                          # what is wrong with them
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from edi.segmented.structure.problems import Problem
from edi.segmented.structure.summing import EXACT, quick_look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edi.model import Loop
    from edi.segmented.guides import Slot

HASH_DIGITS = 10
"""The size of a hash total: what does not fit is cut off on the left."""

QUOTED_MAX = 60


class Place(NamedTuple):
    """An element, or a whole segment (`element` 0).

    `above` is the segment in whose loop it stands, or empty; `kinds` are the qualifiers that one may have.
    """

    tag: str
    qualifiers: tuple[str, ...] = ()
    element: int = 0
    component: int = 0
    above: str = ""
    kinds: tuple[str, ...] = ()
    without: int = 0
    """Only segments that do not send this element."""

    def __str__(self) -> str:
        qualifier = f"[{','.join(self.qualifiers)}]" if self.qualifiers else ""
        point = "." if qualifier or self.component else ""
        element = f"{point}{self.element:02}" if self.element else ""
        component = f".{self.component:02}" if self.component else ""
        kinds = f"[{','.join(self.kinds)}]" if self.kinds else ""
        above = f"{self.above}{kinds}/" if self.above else ""
        return f"{above}{self.tag}{qualifier}{element}{component}"


class Term(NamedTuple):
    """One part of a total: `kind` is value, count, sum, hash or any; `sign` is 1 or -1. A value is the sum of one."""

    kind: str
    places: tuple[Place, ...]
    sign: int = 1


class Rule(NamedTuple):
    """One line: the element that tells a total, and the alternatives of what it has to be."""

    told: Place
    choices: tuple[tuple[Term, ...], ...]
    scope: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of one guide: its rules, and a function that sees at once that all of them hold, if they do."""

    rules: tuple[Rule, ...]
    look: Callable[[Loop], bool]

    def hold(self, root: Loop) -> bool:
        """Whether the totals of a document hold. Its levels (HL) may be nested already or not."""
        return self.look(root) or next(_broken(root, self.rules), None) is None


_PLACE = re.compile(
    r"(?:([A-Z][A-Z0-9]{1,2})(?:\[([^\]]+)\])?/)?([A-Z][A-Z0-9]{1,2})(?:\[([^\]]+)\])?"
    r"(?:\.?(\d\d)(?:\.(\d\d))?)?(?: without (\d\d))?"
)
_TERM = re.compile(r"\s*([-+])?\s*(?:(count|sum|hash|any)\(([^)]*)\)|([A-Z][^\s()]*))\s*")
_LINE = re.compile(r"(?P<told>\S+) = (?P<total>.+?)(?: in (?P<scope>\S+))?(?: if (?P<needs>.+))?")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[Ee][-+]?\d{1,2})?", re.ASCII)


def parse(line: str) -> Rule:
    """What one line of `totals` says.

    Raises:
        ValueError: the line cannot be read; the message quotes it and says what is expected.
    """
    match = _LINE.fullmatch(line.strip())
    if not match:
        raise ValueError(f"{line!r} tells no total; write CTT01 = count(PO1)")
    told = _place(match["told"], line)
    if not told.element:
        raise ValueError(f"{line!r}: {match['told']!r} is a whole segment; name the element that tells the total")
    choices = tuple(_terms(choice, line) for choice in match["total"].split(" or "))
    needs = tuple(_place(word.strip(), line).tag for word in match["needs"].split(",")) if match["needs"] else ()
    return Rule(told, choices, _place(match["scope"], line).tag if match["scope"] else "", needs)


def _terms(text: str, line: str) -> tuple[Term, ...]:
    terms: list[Term] = []
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if not match or (terms and not match[1]):
            raise ValueError(f"{line!r}: cannot read {text[at:]!r}; write sum(PO102) + sum(SAC05), or count(LIN)")
        kind = match[2] or "value"
        places = tuple(_place(word.strip(), line) for word in (match[3] or match[4] or "").split(","))
        if any((kind == "count") != (place.element == 0) for place in places):
            wanted = "count takes segments, as in count(PO1)"
            raise ValueError(f"{line!r}: {wanted if kind == 'count' else 'sums are of elements, as in sum(PO102)'}")
        terms.append(Term(kind, places, -1 if match[1] == "-" else 1))
        at = match.end()
    if not terms:
        raise ValueError(f"{line!r}: a total is missing around 'or'")
    return tuple(terms)


def _place(text: str, line: str) -> Place:
    match = _PLACE.fullmatch(text)
    if not match:
        raise ValueError(f"{line!r}: {text!r} names no segment or element; write PO102, QTY.01.02 or CNT[2].01.02")
    above, kinds, tag, qualifiers, *numbers = match.groups()
    element, component, without = (int(number or 0) for number in numbers)
    return Place(tag, _words_of(qualifiers), element, component, above or "", _words_of(kinds), without)


def _words_of(qualifiers: str | None) -> tuple[str, ...]:
    return tuple(qualifiers.split(",")) if qualifiers else ()


def compile_totals(lines: Iterable[str], root: Slot) -> Totals:
    """The totals that `lines` of the guide whose structure is `root` tell.

    Raises:
        ValueError: a line cannot be read.
    """
    rules = tuple(map(parse, lines))
    return Totals(rules, quick_look(rules, root))


def problems(rows: Sequence[list[Any]], root: Loop, totals: Totals) -> list[Problem]:
    """The totals that do not hold, in the order of the rows: ``total.count`` and ``total.sum``.

    `root` holds the same lists as `rows`, in whichever loops.
    """
    if totals.look(root):
        return []
    indexes = {id(row): index for index, row in enumerate(rows)}
    found = [_problem(broken, indexes[id(broken.row)]) for broken in _broken(root, totals.rules)]
    return sorted(found, key=lambda problem: problem.row)


_Found = tuple[list[Any], list[Any]]
"""A row, and the row in whose loop it stands; that of the document itself stands in none."""

_NOWHERE = [""]


class _Broken(NamedTuple):
    """A rule that does not hold: the row that tells the total, what it should be, and what was looked at by tag."""

    rule: Rule
    row: list[Any]
    total: Decimal
    inside: dict[str, list[_Found]]


def _broken(root: Loop, rules: Iterable[Rule]) -> Iterator[_Broken]:
    with localcontext(EXACT):
        document = _by_tag(root) if any(not rule.scope for rule in rules) else {}
        for rule in rules:
            for inside in _scopes(root, rule.scope) if rule.scope else (document,):
                if rule.needs and not any(tag in inside for tag in rule.needs):
                    continue
                for row, _ in inside.get(rule.told.tag, ()):
                    total = _judge(rule, row, inside)
                    if total is not None:
                        yield _Broken(rule, row, total, inside)


def _judge(rule: Rule, row: list[Any], inside: dict[str, list[_Found]]) -> Decimal | None:
    """What the total should be, if it is another."""
    if not _is_one_of(row, rule.told.qualifiers):
        return None
    told = _number(_value(row, rule.told))
    if told is None:
        return None
    first = None
    for terms in rule.choices:
        for total in _totals(terms, inside):
            if total is None or total == told:
                return None
            first = total if first is None else first
    return first


def _scopes(root: Loop, scope: str) -> Iterator[dict[str, list[_Found]]]:
    """What stands in each loop that the segment `scope` opens; where it stands without a loop, itself alone."""
    for loop in _loops(root):
        opens = loop is not root and next(iter(loop)) == scope
        if opens:
            yield _by_tag(loop)
        for row in loop.get(scope, ())[opens:]:
            yield {scope: [(row, _NOWHERE)]}


def _loops(loop: Loop) -> Iterator[Loop]:
    yield loop
    for key, children in loop.items():
        if key.endswith("*"):
            for child in children:
                yield from _loops(child)


def _by_tag(loop: Loop) -> dict[str, list[_Found]]:
    """All rows of a loop and of the loops in it."""
    found: dict[str, list[_Found]] = {}
    _collect(loop, _NOWHERE, found)
    return found


def _collect(loop: Loop, above: list[Any], found: dict[str, list[_Found]]) -> None:
    opener = next(iter(loop.values()), [_NOWHERE])[0]
    for key, values in loop.items():
        if key.endswith("*"):
            for child in values:
                _collect(child, opener, found)
        else:
            into = found.setdefault(key, [])
            for row in values:
                into.append((row, above if row is opener else opener))


def _totals(terms: tuple[Term, ...], inside: dict[str, list[_Found]]) -> Iterator[Decimal | None]:
    """What the terms make, which is more than one total with ``any``; None where a part is no number."""
    sums: list[Decimal | None] = [Decimal()]
    for term in terms:
        parts = list(_parts(term, inside))
        sums = [None if a is None or b is None else a + term.sign * b for a in sums for b in parts]
    yield from sums


def _parts(term: Term, inside: dict[str, list[_Found]]) -> Iterator[Decimal | None]:
    """The value of a term; None if a part of it is no number. ``any`` has one for each qualifier."""
    rows = [(row, place) for place in term.places for row in _rows(place, inside)]
    if term.kind == "count":
        yield Decimal(len(rows))
        return
    apart = term.kind == "any"
    values = [(_qualifier(row) if apart else "", value) for row, place in rows if (value := _value(row, place))]
    if term.kind == "hash":
        digits = (re.sub(r"\D", "", re.split("[Ee]", value)[0]) for _, value in values)
        yield Decimal(sum(int(text[-HASH_DIGITS:] or 0) for text in digits) % 10**HASH_DIGITS)
        return
    by_qualifier: dict[str, Decimal] = {}
    for qualifier, value in values:
        number = _number(value)
        if number is None:
            yield None
            return
        by_qualifier[qualifier] = by_qualifier.get(qualifier, Decimal()) + number
    yield from by_qualifier.values() or (Decimal(),)


def _rows(place: Place, inside: dict[str, list[_Found]]) -> Iterator[list[Any]]:
    for row, above in inside.get(place.tag, ()):
        if place.above and (place.above != above[0] or not _is_one_of(above, place.kinds)):
            continue
        is_sent = place.without and _value(row, Place(place.tag, (), place.without))
        if not is_sent and _is_one_of(row, place.qualifiers):
            yield row


def _is_one_of(row: list[Any], qualifiers: tuple[str, ...]) -> bool:
    return not qualifiers or _qualifier(row) in qualifiers


_FIRST, _KIND_OF_LEVEL = Place("", (), 1, 1), Place("", (), 3, 1)


def _qualifier(row: list[Any]) -> str:
    """The first component of the first element; of a level its kind (HL03)."""
    return _value(row, _KIND_OF_LEVEL if row[0] == "HL" else _FIRST)


def _value(row: list[Any], place: Place) -> str:
    """The value at a place, of a repeated element the first; empty if there is none."""
    value = row[place.element] if place.element < len(row) else ""
    if isinstance(value, tuple):
        value = value[0]
    if isinstance(value, list):
        component = max(place.component, 1)
        return str(value[component - 1]) if component <= len(value) else ""
    return str(value) if place.component < 2 else ""


def _number(value: str) -> Decimal | None:
    return Decimal(value.replace(",", ".")) if _NUMBER.fullmatch(value) else None


def _problem(broken: _Broken, index: int) -> Problem:
    rule, row, total, inside = broken
    told, terms = rule.told, rule.choices[0]
    is_count = all(term.kind == "count" for term in terms)
    where = f" in this loop of {rule.scope}" if rule.scope else ""
    value = _value(row, told)
    quoted = value if len(value) <= QUOTED_MAX else value[: QUOTED_MAX - 1] + "…"
    message = f"{told} is {quoted!r}, but {_words(terms, inside)}{where} is {EXACT.normalize(total):f}."
    remedy = (
        "One may be missing or may have been sent twice: ask the sender to check, and to send this document again."
        if is_count
        else "An amount may be wrong or missing: ask the sender to check, and to send this document again."
    )
    code = "total.count" if is_count else "total.sum"
    return Problem(code, index, told.tag, message, remedy, told.element, told.component or None)


_WORDS = {
    "value": "",
    "count": "the number of ",
    "sum": "the sum of ",
    "hash": "the hash total of ",
    "any": "the sum of ",
}


def _words(terms: tuple[Term, ...], inside: dict[str, list[_Found]]) -> str:
    """What the terms say, in words; of the elements that are summed those alone that are sent."""
    said = ""
    for term in terms:
        sent = [place for place in term.places if any(_value(row, place) for row in _rows(place, inside))]
        *rest, last = map(str, sent or term.places)
        names = f"{', '.join(rest)} and {last}" if rest else last
        joint = (" plus " if term.sign > 0 else " less ") if said else ("" if term.sign > 0 else "less ")
        said += joint + _WORDS[term.kind] + names
    return said
