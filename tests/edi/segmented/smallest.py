"""Documents made from guides: the smallest that a guide allows, and one in which everything it knows stands once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.segmented.elements.notes import is_broken
from edi.segmented.guides.definitions import qualifier_place
from edi.segmented.structure import arrange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edi.segmented.guides import Element, Guide, Note, Slot

    Filler = Callable[[Element], str]

_DATES = {6: "260112", 8: "20260112"}
_CHOSEN = {"1250": "D8", "1251": "20260112", "2379": "102", "2380": "20260112", "26": "US", "3055": "6"}
"""What holds for elements that depend on each other."""


def shortest(element: Element) -> str:
    """A right value of the least length."""
    return _value(element, element.shortest)


def longest(element: Element) -> str:
    """A right value of the greatest length, within reason."""
    most = 40 if element.kind in ("AN", "an", "a") else 8  # sums of numbers have room
    return _value(element, max(element.shortest, min(element.longest, most)))


def _value(element: Element, length: int) -> str:
    chosen = _CHOSEN.get(element.number, "")
    if chosen and (not element.codes or chosen in element.codes.listed):
        return chosen
    if element.codes:
        fitting = [code for code in element.codes.listed if element.shortest <= len(code) <= element.longest]
        return min(fitting, key=lambda code: (abs(len(code) - length), code))
    if element.kind == "DT":
        return _DATES[8 if element.longest >= 8 else 6]
    if element.kind == "TM":
        return "0830"
    return ("A" if element.kind == "a" else "1") * length


def smallest_document(guide: Guide) -> list[list[list[str]]]:
    """The rows, each a list of elements, each a list of components, of what the guide requires and no more."""
    return _document(guide, shortest, whole=False)


def fullest_document(guide: Guide) -> list[list[list[str]]]:
    """The rows of a document with every segment of the guide at each of its places, and with every element."""
    return _document(guide, longest, whole=True)


def _document(guide: Guide, fill: Filler, *, whole: bool) -> list[list[list[str]]]:
    rows = []
    numbers: dict[str, int] = {}
    levels: list[tuple[int, list[list[str]]]] = []
    for slot, depth in _slots(guide.root, 0, whole=whole):
        row = _row(slot, guide, fill, whole=whole)
        rows.append(row)
        numbers["CLM"] = numbers.get("CLM", 0) + (slot.tag == "CLM")
        if slot.tag == "LX" and guide.message == "837":
            numbers["LX"] = numbers.get("LX", 0) + 1
            row[1] = [str(numbers["LX"])]
        if slot.tag == "CLM":
            numbers["LX"] = 0
        if slot.tag == "HL":
            levels = [level for level in levels if level[0] < depth]
            above = levels[-1][1] if levels else None
            numbers["HL"] = numbers.get("HL", 0) + 1
            row[1], row[2] = [str(numbers["HL"])], above[1] if above else [""]
            if not slot.qualifiers:
                row[3] = ["S" if guide.message == "856" else "20"]
            row[4:] = [["0"]]
            if above:
                above[4] = ["1"]
            levels.append((depth, row))
    _add_up(guide, rows)
    return rows


def _add_up(guide: Guide, rows: list[list[list[str]]]) -> None:
    """Send no total but where it is required, and then the right one."""
    flat = [[parts[0] if len(parts) == 1 else parts for parts in row] for row in rows]
    for problem in arrange(flat, guide)[1]:
        if problem.code.startswith("total."):
            total = problem.message.rpartition(" is ")[2].rstrip(".")
            assert problem.element
            rows[problem.row][problem.element][(problem.component or 1) - 1] = total


def _slots(slot: Slot, depth: int, *, whole: bool) -> Iterator[tuple[Slot, int]]:
    yield slot, depth
    for child in slot.children:
        if whole or child.least:
            yield from _slots(child, depth + 1, whole=whole)


def _row(slot: Slot, guide: Guide, fill: Filler, *, whole: bool) -> list[list[str]]:
    place = qualifier_place(slot.tag)
    head = [slot.tag, *[""] * (place - 1), *slot.qualifiers[:1]]
    definition = guide.dictionary.of(head)
    assert definition
    elements = definition.elements
    row = [[slot.tag]]
    present = _present([element.required for element in elements], definition.notes, whole=whole)
    for element, wanted in zip(elements, present, strict=True):
        parts = element.components or (element,)
        needed = [whole or part.required or part is parts[0] for part in parts]
        needed = _present(needed, element.notes, whole=whole)
        row.append([fill(part) if wanted and need else "" for part, need in zip(parts, needed, strict=True)])
    if slot.qualifiers:
        row[place][0] = slot.qualifiers[0]
    if slot.tag == "BIN":
        row[1:] = [["1"], ["1"]]
    return row


def _present(required: Sequence[bool], notes: Sequence[Note], *, whole: bool) -> list[bool]:
    """Which elements to send, so that no note is broken: as few as possible, or nearly all."""
    present = [whole or must for must in required]
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
    rows[0][3:] = [[guide.version] for _ in rows[0][3:]]
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
