"""One segment that the proof refused: what is wrong with its elements, if anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edi.segmented import elements
from edi.segmented.elements import dates, notes
from edi.segmented.elements.dependencies import facts
from edi.segmented.guides.definitions import Definition
from edi.segmented.walk.segments import BINARY_TAGS, binary_span, drop_breaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edi.segmented.documents.reading import Source
    from edi.segmented.documents.telling import Teller
    from edi.segmented.elements.dependencies import Facts
    from edi.segmented.elements.faults import Fault
    from edi.segmented.guides.definitions import Dictionary, Element

QUOTED_MAX = 60
_COMPONENT_SIGNS = (":", ">", "<", "^", "|", "\\")
"""What separates components in most interchanges."""

Span = tuple[int, int]


class Checker:
    """Checks segments of one document.

    `is_agreed` says that its sender names an agreement, which may add codes to the lists (EDIFACT: the association
    assigned code of UNH, S009 0057).
    """

    def __init__(self, source: Source, dictionary: Dictionary, teller: Teller, *, is_agreed: bool) -> None:
        self.source = source
        self.syntax = source.syntax
        self.dictionary = dictionary
        self.teller = teller
        self.is_agreed = is_agreed
        self.number = 0
        self.tag = ""
        self.span: Span = (0, 0)

    def check(self, index: int, row: list[Any], span: Span) -> None:
        """Tell what is wrong with the elements of the segment at `span`, the row `index` of the document."""
        definition = self.dictionary.of(row)
        if definition is None:
            return
        self.number, self.tag, self.span = index + 1, row[0], span
        is_binary = row[0] in BINARY_TAGS
        if is_binary and not binary_span(self.source.text, span[0], self.syntax):
            self.binary(definition, row)
            return
        count = len(definition.elements)
        known = facts(definition.elements, row[1:])
        for place, element in enumerate(definition.elements, 1):
            value = row[place] if place < len(row) else ""
            if not value:
                if element.required:
                    self.missing(element, place)
            elif not (is_binary and place == count):
                self.check_element(value, element, place, known)
        self.check_notes(definition, row[1:], None)
        if any(row[count + 1 :]):
            words = f"{self.tag} has {len(row) - 1} elements, but is defined with {count}."
            self.tell("element.too_many", words, (self.place(count + 1)[0], span[1]), count + 1)

    def binary(self, definition: Definition, row: list[Any]) -> None:
        """Binary data whose end is not where its length says."""
        place = max(len(definition.elements) - 1, 1)
        address = _name(f"{self.tag}{place:02}", definition.elements[place - 1])
        told = _first(row[place]) if place < len(row) else ""
        words = f"{address} is {_quoted(told)}, but so many bytes do not lead to the end of the segment."
        self.tell("element.binary", words, self.place(place), place)

    def check_notes(self, definition: Definition, values: Sequence[Any], place: int | None) -> None:
        """The notes of a segment, or of the composite at `place`."""
        if not definition.notes:
            return
        sent = {place for place, value in enumerate(values, 1) if value}
        for note in definition.notes:
            if notes.breaks(note, sent):
                present = [bool(value) for value in values]
                address = self.tag if place is None else f"{self.tag}{place:02}."
                fault, where = notes.explain(note, present, address, definition.elements)
                at, component = (where, None) if place is None else (place, where)
                self.tell(fault.code, fault.trouble, self.place(at, component), at, component, fault.remedy)

    def check_element(self, value: Any, element: Element, place: int, around: Facts) -> None:
        """An element that is sent, with its repetitions."""
        repeats = value if isinstance(value, tuple) else (value,)
        if len(repeats) > element.repeat:
            address = _name(f"{self.tag}{place:02}", element)
            words = f"{address} is sent {len(repeats)} times; {_times(element.repeat)} allowed."
            self.tell("element.repeated", words, self.place(place), place)
        for repeat, one in enumerate(repeats):
            if element.components:
                self.check_composite(one if isinstance(one, list) else [one], element, place, repeat)
            elif isinstance(one, str):
                self.check_value(one, element, place, None, repeat, around)
            else:
                words = (
                    f"{_name(f'{self.tag}{place:02}', element)} has {len(one)} components, but is a single value: "
                    f"{self.syntax.component!r} separates components in this file."
                )
                self.tell("element.too_many", words, self.place(place, None, repeat), place)

    def check_composite(self, parts: list[str], element: Element, place: int, repeat: int) -> None:
        """One repetition of a composite."""
        known = facts(element.components, parts)
        count = len(element.components)
        for component, definition in enumerate(element.components, 1):
            value = parts[component - 1] if component <= len(parts) else ""
            if value:
                self.check_value(value, definition, place, component, repeat, known)
            elif definition.required:
                self.missing(definition, place, component, repeat)
        self.check_notes(Definition(element.components, element.notes), parts, place)
        if len(parts) > count:
            words = f"{self.tag}{place:02} has {len(parts)} components, but is defined with {count}."
            surplus = (self.place(place, count + 1, repeat)[0], self.place(place, None, repeat)[1])
            self.tell("element.too_many", words, surplus, place, count + 1)

    def check_value(
        self, value: str, element: Element, place: int, component: int | None, repeat: int, around: Facts
    ) -> None:
        """A simple element or a component."""
        if "\n" in value or "\r" in value:
            value = drop_breaks(value, self.syntax)
        at = component or place
        fault = elements.judge(value, element, self.syntax, is_free=at in around.free)
        if fault is None and at in around.forms:
            fault = self.form_fault(value, place, at, around)
        if fault is None:
            return
        code = fault.code
        if code == "element.code" and self.is_agreed and element.codes and not element.codes.is_narrowed:
            code = "element.code_unlisted"
        words = f"{_name(self.address(place, component), element)} is {_quoted(value)}, {fault.trouble}."
        remedy = self.separator_remedy(value) if component == 1 and code == "element.too_long" else ""
        self.tell(code, words, self.place(place, component, repeat), place, component, remedy or fault.remedy)

    def separator_remedy(self, value: str) -> str:
        """What to do about the first component that holds what looks like another component separator."""
        used = self.syntax.component
        other = next((sign for sign in _COMPONENT_SIGNS if sign != used and sign in value.strip(sign)), "")
        if not other:
            return ""
        return (
            f"The header of the interchange names {used!r} as component separator, and here {other!r} may be meant: "
            "ask the sender to send the same one everywhere."
        )

    def form_fault(self, value: str, place: int, at: int, around: Facts) -> Fault | None:
        """What is wrong with a date whose form a neighbour names."""
        forms, where, told = around.forms[at]
        code = "element.time" if forms[0].startswith("HH") else "element.date"
        address = self.address(where, None) if at == place else self.address(place, where)
        return dates.fault(value, forms, code, f" (as {address} {told} says)")

    def missing(self, element: Element, place: int, component: int | None = None, repeat: int = 0) -> None:
        """Tell of a required element that is empty."""
        address = self.address(place, component)
        words = f"{_name(address, element)} is required, but is empty."
        remedy = f"Ask the sender to fill {address}."
        self.tell("element.missing", words, self.place(place, component, repeat), place, component, remedy)

    def address(self, place: int, component: int | None) -> str:
        """PO104, or C01.02 for a component."""
        return f"{self.tag}{place:02}" if component is None else f"{self.tag}{place:02}.{component:02}"

    def place(self, place: int, component: int | None = None, repeat: int | None = None) -> Span:
        """Where an element lies, or one of its repetitions (counted from 0), or a component; or where it should be."""
        found = self.source.elements(*self.span)
        if place >= len(found):
            return self.span[1], self.span[1]
        span = found[place]
        if repeat is not None or component is not None:
            span = self.source.cut(*span, self.syntax.repetition)[repeat or 0]
        if component is not None:
            parts = self.source.cut(*span, self.syntax.component)
            span = parts[component - 1] if component <= len(parts) else (span[1], span[1])
        return span

    def tell(
        self, code: str, words: str, span: Span, place: int, component: int | None = None, remedy: str | None = None
    ) -> None:
        """Note a finding about an element of the segment."""
        self.teller.tell(code, words, span, self.number, self.tag, place, component, remedy=remedy)


def _first(value: Any) -> str:
    """A simple value; of several, the first."""
    while not isinstance(value, str):
        value = value[0]
    return value


def _quoted(value: str) -> str:
    return repr(value if len(value) <= QUOTED_MAX else value[: QUOTED_MAX - 3] + "…")


def _name(address: str, element: Element) -> str:
    return f"{address} ({element.label})" if element.label else address


def _times(count: int) -> str:
    return "once is" if count == 1 else f"{count} times are"
