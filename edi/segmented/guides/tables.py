"""The tables of guides, read: elements, segments, notes, lists of codes, structures, and what one guide narrows.

The files and the grammar of their lines are described in :mod:`edi.segmented.guides`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edi.segmented.guides.definitions import MANY, Codes, Definition, Dictionary, Element, Note, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CARDINALITY = re.compile(r"(\d+)(?:\.\.(\d+|\*))?")
_X12_TYPE = re.compile(r"(AN|ID|N\d|R|DT|TM|B) (\d+)(?:\.\.(\d+))?(?: (.+))?")
_EDIFACT_TYPE = re.compile(r"(an|a|n)(\.\.)?(\d+)(?: (.+))?")
_NOTE = re.compile(r"([PRECL])((?:\d\d){2,})")
_REFERENCE = re.compile(r"([A-Z]?\d+)(!?)(?:\*(\d+))?")
_SEGMENT = re.compile(r"([A-Z0-9]{1,3})(?:\[([^\[\]]+)\])?")
_ADDRESS = re.compile(r"([A-Z0-9]{1,3}?)(?:\[([^\[\]]+)\])?\.?(\d\d)(?:\.(\d\d))?")


def parse_dictionary(table: Mapping[str, Any], codes: Mapping[str, Any] | None = None) -> Dictionary:
    """The segments that the tables of a ``segments.toml`` describe, with the lists of a ``codes.toml``.

    Raises:
        ValueError: a type or note cannot be read, or an element is named that the tables do not hold.
    """
    lists = _lists(codes or {})
    elements = {number: _element(number, text, lists.get(number)) for number, text in table["elements"].items()}
    notes = table.get("notes", {})
    _add_composites(elements, table.get("composites", {}), notes)
    segments = {tag: _references(text, elements) for tag, text in table["segments"].items()}
    related = {tag: _notes(tag, text, segments.get(tag, ())) for tag, text in notes.items() if tag not in elements}
    return Dictionary(segments, dict(table.get("labels", {})), related, {}, elements)


def extend(base: Dictionary, table: Mapping[str, Any]) -> Dictionary:
    """The dictionary `base` as a guide's `table` narrows it.

    Raises:
        ValueError: a line of the table cannot be read, or does not fit the base.
    """
    return _Extension(base, table).dictionary()


class _Extension:
    """One dictionary in the making."""

    def __init__(self, base: Dictionary, table: Mapping[str, Any]) -> None:
        self.labels = base.labels | table.get("labels", {})
        self.elements = dict(base.elements)
        self.plain = {tag: Definition(row, base.notes.get(tag, ())) for tag, row in base.segments.items()}
        self.qualified = {tag: dict(found) for tag, found in base.qualified.items()}
        notes = table.get("notes", {})
        self.redefine(table.get("elements", {}), table.get("composites", {}), notes)
        self.add_segments(table.get("segments", {}))
        self.add_notes({key: text for key, text in notes.items() if key not in self.elements})
        addresses = {_address(key): text for key, text in table.get("codes", {}).items()}
        for address in sorted(addresses, key=lambda found: bool(found[1])):  # what a qualifier narrows wins
            self.narrow(address, addresses[address])

    def dictionary(self) -> Dictionary:
        segments = {tag: definition.elements for tag, definition in self.plain.items()}
        notes = {tag: definition.notes for tag, definition in self.plain.items() if definition.notes}
        return Dictionary(segments, self.labels, notes, self.qualified, self.elements)

    def redefine(self, elements: Mapping[str, str], composites: Mapping[str, str], notes: Mapping[str, str]) -> None:
        """Elements and composites of the guide's own; segments that have them follow."""
        for number, text in elements.items():
            before = self.elements.get(number)
            self.elements[number] = _element(number, text, before.codes if before else None)
        changed = set(elements)
        again = {
            number for number, found in self.elements.items() if changed & {part.number for part in found.components}
        }
        for number in again - set(composites):
            found = self.elements[number]
            self.elements[number] = replace(found, components=self.renewed(found.components, changed))
        _add_composites(self.elements, composites, notes)
        changed |= again | set(composites)
        if changed:
            for tag, (row, related) in self.plain.items():
                self.plain[tag] = Definition(self.renewed(row, changed), related)
            for narrowed in self.qualified.values():
                for value, (row, related) in narrowed.items():
                    narrowed[value] = Definition(self.renewed(row, changed), related)

    def renewed(self, row: tuple[Element, ...], changed: set[str]) -> tuple[Element, ...]:
        return tuple(
            replace(self.elements[one.number], required=one.required, repeat=one.repeat)
            if one.number in changed
            else one
            for one in row
        )

    def add_segments(self, lines: Mapping[str, str]) -> None:
        for key, text in sorted(lines.items(), key=lambda item: "[" in item[0]):
            tag, values = _segment(key)
            row = _references(text, self.elements)
            before = self.plain.get(tag)
            if before:
                usual = [element.number for element in before.elements]
                told = [element.number for element in row]
                if told[: len(usual)] != usual[: len(told)]:
                    raise ValueError(f"{key}: {text!r} is not in the order of {tag}, which is {' '.join(usual)}")
            related = tuple(n for n in before.notes if max(n.places) <= len(row)) if before else ()
            if not values:
                self.plain[tag] = Definition(row, related)
                continue
            for value in values:
                if any(value in _segment(other)[1] for other in lines if other != key and _segment(other)[0] == tag):
                    raise ValueError(f"{key}: another line says what {tag} with the qualifier {value} may hold")
                self.qualified.setdefault(tag, {})[value] = Definition(row, related)

    def add_notes(self, lines: Mapping[str, str]) -> None:
        for key, text in lines.items():
            tag, values = _segment(key)
            for definition, put in self.definitions(tag, values):
                put(Definition(definition.elements, _notes(key, text, definition.elements)))

    def definitions(self, tag: str, values: Sequence[str]) -> Iterable[tuple[Definition, Any]]:
        """What is known of `tag` with each of the `values`, or with none and any, and a function that replaces it."""
        if tag not in self.plain:
            raise ValueError(f"{tag} is no segment of this guide")
        narrowed = self.qualified.setdefault(tag, {}) if values else self.qualified.get(tag, {})
        for value in values or list(narrowed):
            yield narrowed.get(value, self.plain[tag]), lambda new, value=value: narrowed.__setitem__(value, new)
        if not values:
            yield self.plain[tag], lambda new: self.plain.__setitem__(tag, new)

    def narrow(self, address: tuple[str, tuple[str, ...], int, int], text: str) -> None:
        tag, values, place, component = address
        told = (
            f"{tag}{f'[{chr(44).join(values)}].' if values else ''}{place:02}{f'.{component:02}' if component else ''}"
        )
        for definition, put in self.definitions(tag, values):
            row = list(definition.elements)
            if place > len(row) or component > len(row[place - 1].components):
                raise ValueError(f"{told} is no element of {tag}")
            if component:
                parts = list(row[place - 1].components)
                parts[component - 1] = _narrowed(parts[component - 1], text)
                row[place - 1] = replace(row[place - 1], components=tuple(parts))
            elif row[place - 1].components:
                raise ValueError(f"{told} has components: write {told}.01")
            else:
                row[place - 1] = _narrowed(row[place - 1], text)
            put(Definition(tuple(row), definition.notes))


def _narrowed(element: Element, text: str) -> Element:
    words = text.split()
    if not words:
        raise ValueError(f"no code is listed for element {element.number}")
    if words[:1] != ["+"]:
        return replace(element, codes=Codes(frozenset(words), is_narrowed=True))
    if not element.codes:
        return element
    return replace(element, codes=replace(element.codes, listed=element.codes.listed | set(words[1:])))


def _segment(key: str) -> tuple[str, tuple[str, ...]]:
    match = _SEGMENT.fullmatch(key)
    if not match:
        raise ValueError(f"{key!r} is no segment; write NM1, or NM1[85] with a qualifier")
    return match[1], tuple(match[2].split(",")) if match[2] else ()


def _address(key: str) -> tuple[str, tuple[str, ...], int, int]:
    match = _ADDRESS.fullmatch(key)
    if not match:
        raise ValueError(f"{key!r} is no element; write BHT01, NM1[85].02, or CLM05.02 for a component")
    return match[1], tuple(match[2].split(",")) if match[2] else (), int(match[3]), int(match[4] or 0)


def _lists(table: Mapping[str, Any]) -> dict[str, Codes]:
    found = {number: Codes(frozenset(text.split())) for number, text in table.get("codes", {}).items()}
    for number, text in table.get("external", {}).items():
        found[number] = Codes(frozenset(text.split()), is_external=True)
    return found


def _element(number: str, text: str, codes: Codes | None) -> Element:
    x12 = _X12_TYPE.fullmatch(text)
    if x12:
        return Element(number, x12[1], int(x12[2]), int(x12[3] or x12[2]), x12[4] or "", codes=codes)
    edifact = _EDIFACT_TYPE.fullmatch(text)
    if edifact:
        longest = int(edifact[3])
        return Element(number, edifact[1], 1 if edifact[2] else longest, longest, edifact[4] or "", codes=codes)
    raise ValueError(f"element {number}: {text!r} is no type; write AN 1..30, or an..35")


def _add_composites(elements: dict[str, Element], lines: Mapping[str, str], notes: Mapping[str, str]) -> None:
    for number, text in lines.items():
        components = _references(text, elements)
        elements[number] = Element(number, "", 0, 0, components=components)
    for number, text in notes.items():
        if number in elements:
            components = elements[number].components
            elements[number] = replace(elements[number], notes=_notes(number, text, components))


def _references(text: str, elements: Mapping[str, Element]) -> tuple[Element, ...]:
    found = []
    for word in text.split():
        match = _REFERENCE.fullmatch(word)
        if not match or match[1] not in elements:
            raise ValueError(f"{word!r} in {text!r} names no element or composite of this file")
        found.append(replace(elements[match[1]], required=bool(match[2]), repeat=int(match[3] or 1)))
    return tuple(found)


def _notes(key: str, text: str, definition: Sequence[Element]) -> tuple[Note, ...]:
    found = []
    for word in text.split():
        match = _NOTE.fullmatch(word)
        places = tuple(int(match[2][at : at + 2]) for at in range(0, len(match[2]), 2)) if match else ()
        if not match or not all(1 <= place <= len(definition) for place in places):
            raise ValueError(f"{key}: {word!r} is no note on its elements; write P0304 for the third and the fourth")
        found.append(Note(match[1], places))
    return tuple(found)


def parse_structure(text: str, name: str) -> Slot:
    """The slots that the lines of `text` draw: ST or UNH comes first, and all other lines are below it.

    Raises:
        ValueError: a line cannot be read; the message names its number in the file `name`.
    """
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        place = f"{name}, line {number} of the structure"
        match = _CARDINALITY.fullmatch(words[1]) if len(words) == 2 else None
        head = _SEGMENT.fullmatch(words[0])
        if not match or not head:
            raise ValueError(f"{place}: write a tag and how often, as in `REF 0..*` or `NM1[85] 1`")
        least, most = int(match[1]), MANY if match[2] == "*" else int(match[2] or match[1])
        qualifiers = tuple(head[2].split(",")) if head[2] else ()
        lines.append((len(line) - len(line.lstrip()), Slot(head[1], least, most, (), qualifiers)))
    if not lines:
        raise ValueError(f"{name}: the structure is empty")
    _, root = lines.pop(0)
    children, rest = _children(lines, 0)
    assert not rest, f"{name}: every line of the structure is read"
    return replace(root, children=children)


def _children(lines: list[tuple[int, Slot]], indent: int) -> tuple[tuple[Slot, ...], list[tuple[int, Slot]]]:
    slots = []
    while lines and lines[0][0] >= indent:
        _, slot = lines[0]
        lines = lines[1:]
        children: tuple[Slot, ...] = ()
        if lines and lines[0][0] > indent:
            children, lines = _children(lines, lines[0][0])
        slots.append(replace(slot, children=children))
    return tuple(slots), lines
