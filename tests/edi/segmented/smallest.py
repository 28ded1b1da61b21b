"""Documents made from guides: the smallest that a guide allows, and one in which everything it knows stands once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.segmented.elements import is_broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edi.segmented.guides import Element, Guide, Note, Slot

    Filler = Callable[[Element], str]

_DATES = {6: "260112", 8: "20260112"}


def shortest(element: Element) -> str:
    """A right value of the least length."""
    return _value(element, element.shortest)


def longest(element: Element) -> str:
    """A right value of the greatest length, within reason."""
    return _value(element, max(element.shortest, min(element.longest, 40)))


def _value(element: Element, length: int) -> str:
    if element.kind == "DT":
        return _DATES[8 if element.longest >= 8 else 6]
    if element.kind == "TM":
        return "0830"
    return ("A" if element.kind == "a" else "1") * length


def smallest_document(guide: Guide) -> list[list[list[str]]]:
    """The rows, each a list of elements, each a list of components, of what the guide requires and no more."""
    return [_row(slot, guide, shortest, whole=False) for slot in _slots(guide.root, whole=False)]


def fullest_document(guide: Guide) -> list[list[list[str]]]:
    """The rows of a document with every segment of the guide at each of its places, and with every element."""
    return [_row(slot, guide, longest, whole=True) for slot in _slots(guide.root, whole=True)]


def _slots(slot: Slot, *, whole: bool) -> Iterator[Slot]:
    yield slot
    for child in slot.children:
        if whole or child.least:
            yield from _slots(child, whole=whole)


def _row(slot: Slot, guide: Guide, fill: Filler, *, whole: bool) -> list[list[str]]:
    row = [[slot.tag]]
    elements = guide.dictionary.segments[slot.tag]
    present = _present(elements, guide.dictionary.notes.get(slot.tag, ()), whole=whole)
    for element, wanted in zip(elements, present, strict=True):
        parts = element.components or (element,)
        row.append([fill(part) if wanted and (whole or part.required or part is parts[0]) else "" for part in parts])
    if slot.tag == "BIN":
        row[1:] = [["1"], ["1"]]
    return row


def _present(elements: Sequence[Element], notes: Sequence[Note], *, whole: bool) -> list[bool]:
    """Which elements to send, so that no note is broken: as few as possible, or nearly all."""
    present = [whole or element.required for element in elements]
    while broken := next((note for note in notes if is_broken(note, present)), None):
        first, *others = broken.places
        if whole:
            present[next(place for place in reversed(broken.places) if present[place - 1]) - 1] = False
        else:
            for place in {"R": [first], "L": others[:1]}.get(broken.kind, broken.places):
                present[place - 1] = True
    return present


def x12_file(guide: Guide, rows: list[list[list[str]]]) -> bytes:
    """An interchange of one set, with its header and trailer set right."""
    rows[0][1:3] = [[guide.message], ["0001"]]
    rows[-1][1:] = [[str(len(rows))], ["0001"]]
    repetition = "U" if guide.version < "004020" else "^"
    isa = ["ISA", "00", " " * 10, "00", " " * 10, "ZZ", "ACME".ljust(15), "ZZ", "LEGACYGW".ljust(15)]
    isa += ["260112", "0830", repetition, "00401", "000000007", "0", "P", ">"]
    before = ["*".join(isa), f"GS*{guide.group or 'XX'}*ACME*LEGACYGW*20260112*0830*7*X*{guide.version}"]
    return _text(before, rows, ["GE*1*7", "IEA*1*000000007"], "*", ">", "~")


def edifact_file(guide: Guide, rows: list[list[list[str]]]) -> bytes:
    """An interchange of one message, with its header and trailer set right."""
    version = {"D3": ["D", "3"], "41": ["4", "1"]}.get(guide.version, [guide.version[:1], guide.version[1:]])
    rows[0][1:] = [["0001"], [guide.message, *version, "UN"]]
    rows[-1][1:] = [[str(len(rows))], ["0001"]]
    before = ["UNB+UNOC:3+ACME+LEGACYGW+260112:0830+7"]
    return _text(before, rows, ["UNZ+1+7"], "+", ":", "'")


def _text(before: list[str], rows: list[list[list[str]]], after: list[str], *marks: str) -> bytes:
    element, component, segment = marks
    lines = [element.join(component.join(parts).rstrip(component) for parts in row).rstrip(element) for row in rows]
    return "".join(line + segment for line in (*before, *lines, *after)).encode()
