"""One segment that the proof refused: what is wrong with its elements, if anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edi.segmented import dates, elements, notes
from edi.segmented.definitions import Definition
from edi.segmented.dependencies import facts
from edi.segmented.segments import BINARY_TAGS, binary_span, drop_breaks, unrelease

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edi.segmented.definitions import Dictionary, Element
    from edi.segmented.dependencies import Facts
    from edi.segmented.faults import Fault
    from edi.segmented.reading import Source
    from edi.segmented.telling import Teller

QUOTED_MAX = 60

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

    def check(self, index: int, row: list[Any], span: Span) -> None:
        """Tell what is wrong with the elements of the segment at `span`, the row `index` of the document."""
        definition = self.dictionary.of(row)
        if definition is None:
            return
        self.number, self.tag = index + 1, row[0]
        end = span[1]
        spans = self.source.elements(*span)[1:]
        is_binary = self.source.text.startswith(BINARY_TAGS, span[0])
        if is_binary and not binary_span(self.source.text, span[0], self.syntax):
            self.binary(definition, spans, end)
            return
        known = facts(definition.elements, [_first(value) for value in row[1:]])
        for place, element in enumerate(definition.elements, 1):
            part = spans[place - 1] if place <= len(spans) else (end, end)
            address = f"{self.tag}{place:02}"
            if part[0] == part[1]:
                if element.required:
                    self.missing(address, element, part, place)
                continue
            if is_binary and place == len(definition.elements):
                continue
            repeats = self.source.cut(*part, self.syntax.repetition)
            if len(repeats) > element.repeat:
                words = f"{_name(address, element)} is sent {len(repeats)} times; {_times(element.repeat)} allowed."
                self.teller.tell("element.repeated", words, part, self.number, self.tag, place)
            for repeat in repeats:
                self.check_element(repeat, element, place, known)
        self.check_notes(definition, spans, end, f"{self.tag}", None)
        surplus = spans[len(definition.elements) :]
        if any(s < e for s, e in surplus):
            count = len(definition.elements)
            words = f"{self.tag} has {len(spans)} elements, but is defined with {count}."
            self.teller.tell("element.too_many", words, (surplus[0][0], end), self.number, self.tag, count + 1)

    def binary(self, definition: Definition, spans: Sequence[Span], end: int) -> None:
        """Binary data whose end is not where its length says."""
        place = max(len(definition.elements) - 1, 1)
        span = spans[place - 1] if place <= len(spans) else (end, end)
        address = _name(f"{self.tag}{place:02}", definition.elements[place - 1])
        told = self.source.text[slice(*span)]
        words = f"{address} is {_quoted(told)}, but so many bytes do not lead to the end of the segment."
        self.teller.tell("element.binary", words, span, self.number, self.tag, place)

    def check_notes(
        self, definition: Definition, spans: Sequence[Span], end: int, address: str, place: int | None
    ) -> None:
        """The notes of a segment, or of the composite at `place`."""
        present = [start < stop for start, stop in spans]
        for note in definition.notes:
            if notes.is_broken(note, present):
                fault, where = notes.explain(note, present, address, definition.elements)
                span = spans[where - 1] if where <= len(spans) else (end, end)
                component = None if place is None else where
                self.teller.tell(
                    fault.code, fault.trouble, span, self.number, self.tag, place or where, component,
                    remedy=fault.remedy,
                )  # fmt: skip

    def check_element(self, span: Span, element: Element, place: int, around: Facts) -> None:
        """One repetition of an element that is sent."""
        parts = self.source.cut(*span, self.syntax.component)
        address = f"{self.tag}{place:02}"
        if not element.components:
            if len(parts) > 1:
                words = (
                    f"{_name(address, element)} has {len(parts)} components, but is a single value: "
                    f"{self.syntax.component!r} separates components in this file."
                )
                self.teller.tell("element.too_many", words, span, self.number, self.tag, place)
            else:
                self.check_value(parts[0], element, address, place, None, around)
            return
        known = facts(element.components, [self.value(part) for part in parts])
        for component, definition in enumerate(element.components, 1):
            part = parts[component - 1] if component <= len(parts) else (span[1], span[1])
            told = f"{address}.{component:02}"
            if part[0] < part[1]:
                self.check_value(part, definition, told, place, component, known)
            elif definition.required:
                self.missing(told, definition, part, place, component)
        if element.notes:
            self.check_notes(Definition(element.components, element.notes), parts, span[1], f"{address}.", place)
        count = len(element.components)
        if len(parts) > count:
            words = f"{address} has {len(parts)} components, but is defined with {count}."
            surplus = (parts[count][0], span[1])
            self.teller.tell("element.too_many", words, surplus, self.number, self.tag, place, count + 1)

    def value(self, span: Span) -> str:
        """The characters of a value."""
        raw = self.source.text[slice(*span)]
        return drop_breaks(unrelease(self.source.decode(raw) or raw, self.syntax.release), self.syntax)

    def check_value(
        self, span: Span, element: Element, address: str, place: int, component: int | None, around: Facts
    ) -> None:
        """A simple element or a component."""
        value = self.value(span)
        at = component or place
        fault = elements.judge(value, element, self.syntax, is_free=at in around.free)
        if fault is None and at in around.forms:
            fault = self.form_fault(value, address, at, around)
        if fault is None:
            return
        code = fault.code
        if code == "element.code" and self.is_agreed and element.codes and not element.codes.is_narrowed:
            code = "element.code_unlisted"
        words = f"{_name(address, element)} is {_quoted(value)}, {fault.trouble}."
        self.teller.tell(code, words, span, self.number, self.tag, place, component, remedy=fault.remedy)

    def form_fault(self, value: str, address: str, at: int, around: Facts) -> Fault | None:
        """What is wrong with a date whose form a neighbour names."""
        forms, place, told = around.forms[at]
        code = "element.time" if forms[0].startswith("HH") else "element.date"
        return dates.fault(value, forms, code, f" (as {address[:-2]}{place:02} {told} says)")

    def missing(self, address: str, element: Element, span: Span, place: int, component: int | None = None) -> None:
        """Tell of a required element that is empty."""
        words = f"{_name(address, element)} is required, but is empty."
        remedy = f"Ask the sender to fill {address}."
        self.teller.tell("element.missing", words, span, self.number, self.tag, place, component, remedy=remedy)


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
