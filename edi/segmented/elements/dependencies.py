"""Elements whose values depend on a neighbour: which lists do not hold, and in which form a date stands.

Each rule is told twice, and a property test holds the two together. :func:`choices` is for the proof: the ways in which
neighbours may stand together, so that they can be tried one after the other. :func:`facts` is for the explanation: what
holds for a row as it was sent.

- EDIFACT: a coded component that is followed by 1131 (which list) or 3055 (whose list) is compared with the list of the
  standard only when these two are empty, or 3055 says 6 (UN/ECE).
- EDIFACT: the form of 2380 stands in 2379, behind it. X12: that of 1251 in 1250, before it.
- X12: a state or province (156) is compared with the list, which is that of North America, unless element 26 of the
  segment names another country.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edi.segmented.elements import dates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edi.segmented.guides.definitions import Element

_STANDARD_AGENCY = frozenset({"6"})
_AT_HOME = frozenset({"US", "USA", "CA", "CAN"})


class Limit(NamedTuple):
    """What one way demands of one element besides its definition."""

    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()
    sent: bool | None = None
    """Whether it must be sent, or must not; None leaves it free."""
    form: str = ""
    is_free: bool = False
    """Its list of codes does not hold."""

    def merged(self, other: Limit) -> Limit:
        """Both limits at once."""
        only = self.only if other.only is None else other.only if self.only is None else self.only & other.only
        sent = self.sent if other.sent is None else other.sent
        return Limit(only, self.but | other.but, sent, self.form or other.form, self.is_free or other.is_free)


Way = dict[int, Limit]
"""Limits by the place of the element, counted from 1."""


class Facts(NamedTuple):
    """What holds for the elements of a row: places whose list does not hold, and the forms of dates by place."""

    free: frozenset[int]
    forms: dict[int, tuple[list[str], int, str]]
    """The forms that are right, and what says so: the place of the format, and its value."""


_NOTHING = Facts(frozenset(), {})


def choices(elements: Sequence[Element]) -> Iterator[list[Way]]:
    """For each rule that holds among `elements`, the ways in which they may stand together."""
    numbers = [element.number for element in elements]
    for code, owner, agency in _owned(elements):
        yield _agency_ways(code, owner, agency)
    for place, form in _dated(numbers):
        yield list(_form_ways(place, form, _table(numbers, form)))
    for state, country in _states(elements):
        here = Limit(only=_AT_HOME)
        yield [{state: Limit(), country: here}, {state: Limit(is_free=True), country: Limit(but=_AT_HOME, sent=True)}]


def facts(elements: Sequence[Element], values: Sequence[Any]) -> Facts:
    """What holds for elements with these `values`, which may be fewer; of several, the first counts."""
    numbers = [element.number for element in elements]
    if _RULED.isdisjoint(numbers):
        return _NOTHING

    def sent(place: int) -> str:
        value = values[place - 1] if 0 < place <= len(values) else ""
        while not isinstance(value, str):
            value = value[0]
        return value

    free = {code for code, owner, agency in _owned(elements) if sent(agency) != "6" and (sent(owner) or sent(agency))}
    free |= {state for state, country in _states(elements) if sent(country) not in ("", *_AT_HOME)}
    forms = {}
    for place, form in _dated(numbers):
        told = _table(numbers, form).get(sent(form))
        if told:
            forms[place] = (dates.forms_of(told) if numbers[form - 1] == "2379" else [told], form, sent(form))
    return Facts(frozenset(free), forms)


_RULED = frozenset({"1131", "3055", "2379", "1250", "26"})


def _owned(elements: Sequence[Element]) -> Iterator[tuple[int, int, int]]:
    """The places of a coded element, of the name of its list and of who keeps it; 0 for one that is not there."""
    numbers = [*(element.number for element in elements), "", ""]
    for index, element in enumerate(elements):
        after = numbers[index + 1 : index + 3]
        if element.codes and after[0] in ("1131", "3055") and element.number not in ("1131", "3055"):
            owner = index + 2 if after[0] == "1131" else 0
            agency = index + 2 if after[0] == "3055" else index + 3 if after[1] == "3055" else 0
            yield index + 1, owner, agency


def _agency_ways(code: int, owner: int, agency: int) -> list[Way]:
    """The ways of a code, the name of its list and its keeper; a place is 0 where the composite has none of them."""
    coded, free = Limit(), Limit(is_free=True)
    unsent, sent = Limit(sent=False), Limit(sent=True)
    standard, other = Limit(only=_STANDARD_AGENCY), Limit(but=_STANDARD_AGENCY)
    ways = [{code: coded, owner: unsent, agency: standard}]
    if owner:
        ways.append({code: free, owner: sent, agency: other})
    if agency:
        ways.append({code: free, owner: unsent, agency: other.merged(sent)})
    if owner and agency:
        ways.append({code: coded, owner: sent, agency: standard.merged(sent)})
    return [{place: limit for place, limit in way.items() if place} for way in ways]


def _dated(numbers: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The places of a date and of its format."""
    if "2380" in numbers and "2379" in numbers:
        yield numbers.index("2380") + 1, numbers.index("2379") + 1
    for index, number in enumerate(numbers[1:], 1):
        if number == "1251" and numbers[index - 1] == "1250":
            yield index + 1, index


def _table(numbers: Sequence[str], form: int) -> dict[str, str]:
    return dates.EDIFACT_FORMS if numbers[form - 1] == "2379" else dates.X12_FORMS


def _form_ways(place: int, form: int, table: dict[str, str]) -> Iterator[Way]:
    for code, written in table.items():
        if code not in dates.PROVED:
            continue
        form_here = written.replace("-", "") if table is dates.EDIFACT_FORMS else written
        yield {place: Limit(form=form_here), form: Limit(only=frozenset({code}), sent=True)}
    yield {place: Limit(), form: Limit(but=frozenset(table))}


def _states(elements: Sequence[Element]) -> Iterator[tuple[int, int]]:
    """The places of a state and of the country of the same segment."""
    numbers = [element.number for element in elements]
    if "156" in numbers and "26" in numbers and elements[numbers.index("156")].codes:
        yield numbers.index("156") + 1, numbers.index("26") + 1
