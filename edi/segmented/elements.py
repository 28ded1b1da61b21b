"""What a value must look like to be an element: one table of kinds, and from it a proof and an explanation.

The proof is one regular expression for all segments of a guide. It is possessive, so a text that it matches to the end
holds no wrong element, at the speed of the regular expression engine; it may refuse a rare value that is right, which
costs time and nothing else. The explanation judges one value, and is the last word: it is asked when the proof refused.
A property test shows that whatever the proof accepts the explanation finds right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edi.segmented.guides import Element, Guide, Note, Slot
    from edi.segmented.segments import Syntax


class Fault(NamedTuple):
    """What is wrong with a value: the code, the end of the sentence "PO104 is '…', …", and what to do."""

    code: str
    trouble: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of element: the expression that proves a value of `shortest` to `longest`, and the explanation.

    `proof` gets the element and the expression for one character that cuts nothing.
    """

    proof: Callable[[Element, str], str]
    fault: Callable[[str, Element, Syntax], Fault | None]


def judge(value: str, element: Element, syntax: Syntax) -> Fault | None:
    """What is wrong with `value`, which is not empty, as the simple `element`; None if nothing is."""
    return _kind(element.kind).fault(value, element, syntax)


# Before Python 3.11.5 a possessive repeat keeps what its last, failed round had read, so that a wrong segment could
# pass for a right one (github.com/python/cpython/issues/106052). A greedy repeat finds the same end, with more memory.
REPEATED = "*" if re.match("(?:ab?c)*+d?", "abd").end() else "*+"  # type: ignore[union-attr] # it always matches


@lru_cache(maxsize=128)
def proof(guide: Guide, syntax: Syntax) -> re.Pattern[str]:
    """The expression that matches a run of right segments, each with its terminator, as far as it can."""
    tags: dict[str, None] = {}
    for slot in _busiest_first(guide.root):
        tags.setdefault(slot.tag)
    branches: dict[str, list[str]] = {}
    for tag in tags:
        # Alternatives with the same first letter share a branch: the engine looks at one letter to skip them all.
        branches.setdefault(tag[0], []).append(
            re.escape(tag[1:])
            + _segment(guide.dictionary.segments.get(tag), guide.dictionary.notes.get(tag, ()), syntax)
        )
    choice = "|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in branches.items())
    return re.compile(f"(?:(?:{choice}){re.escape(syntax.segment)}){REPEATED}")


def _busiest_first(root: Slot) -> Iterator[Slot]:
    """The slots of a guide, those of the loops that repeat most before the others: they hold most segments."""
    for child in sorted(root.children, key=lambda slot: -slot.most if slot.children else 0):
        if child.children:
            yield child
            yield from child.children
            yield from _busiest_first(child)
    yield root
    yield from root.children


def _segment(elements: tuple[Element, ...] | None, notes: tuple[Note, ...], syntax: Syntax) -> str:
    """The expression for what follows the tag, without the terminator."""
    stop = re.escape(syntax.segment)
    if elements is None:
        return f"(?:{re.escape(syntax.element)}[^{stop}]*)?"
    return _series(elements, re.escape(syntax.element), syntax, notes)


def _series(elements: tuple[Element, ...], separator: str, syntax: Syntax, notes: tuple[Note, ...] | None) -> str:
    """Elements or components one after the other; those behind the last required one may be left out.

    Components have None for notes, and no separator before the first of them.
    """
    rest, must = "", False
    place = len(elements)
    ranges = {last: first for first, last in _ranges(notes or ())}
    while place:
        first = ranges.get(place)
        if first:
            part = [(_value(e, syntax), e.required) for e in elements[first - 1 : place]]
            rest = _Related(first, part, notes or (), separator).expression(rest, must=must)
            must = must or any(required for _, required in part)
            place = first - 1
            continue
        element = elements[place - 1]
        value = _value(element, syntax)
        must = must or element.required
        before = separator if notes is not None or place > 1 else ""
        value = value if element.required else f"(?:{value})?"
        rest = f"{before}{value}{rest}" if must or not before else f"(?:{before}{value}{rest})?"
        place -= 1
    return rest


def _value(element: Element, syntax: Syntax) -> str:
    value = _composite(element, syntax) if element.components else _simple(element, syntax)
    if syntax.repetition and element.repeat > 1:
        value = f"{value}(?:{re.escape(syntax.repetition)}{value}){{0,{element.repeat - 1}}}"
    return value


def _ranges(notes: tuple[Note, ...]) -> list[tuple[int, int]]:
    """The places that notes relate, as runs that do not overlap: (first, last)."""
    runs: list[tuple[int, int]] = []
    for first, last in sorted((min(note.places), max(note.places)) for note in notes):
        if runs and first <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return runs


class _Related:
    """The expression for a run of elements that notes relate: a tree of which of them may stand together.

    Look-aheads would say the same in fewer letters, at a quarter of the speed.
    """

    def __init__(self, first: int, values: list[tuple[str, bool]], notes: tuple[Note, ...], separator: str) -> None:
        self.values = values
        self.separator = separator
        mine = [note for note in notes if first <= note.places[0] < first + len(values)]
        self.allowed = frozenset(
            present
            for present in product((True, False), repeat=len(values))
            if all(present[n] or not required for n, (_, required) in enumerate(values))
            and not any(is_broken(note, [False] * (first - 1) + list(present)) for note in mine)
        )

    def expression(self, rest: str, *, must: bool) -> str:
        """With `rest` behind it; what is empty at the end of the segment may be left out, unless some must follow."""
        if not self.allowed:
            return "(?!)"  # notes that contradict each other allow nothing
        whole = self.tree(0, self.allowed, cut=False)
        if must:
            return whole + rest
        short = self.tree(0, self.allowed, cut=True)
        return f"(?:{whole}{rest}|{short})" if rest else short

    def tree(self, at: int, allowed: frozenset[tuple[bool, ...]], *, cut: bool) -> str:
        """The expression for the elements from `at` on, of which `allowed` tells which may be present."""
        if at == len(self.values):
            return ""
        filled = frozenset(present[1:] for present in allowed if present[0])
        empty = frozenset(present[1:] for present in allowed if not present[0])
        value = self.values[at][0]
        if filled == empty:
            found = f"{self.separator}(?:{value})?{self.tree(at + 1, filled, cut=cut)}"
        else:
            ways = []
            if filled:
                ways.append(self.separator + value + self.tree(at + 1, filled, cut=cut))
            if empty:
                ways.append(self.separator + self.tree(at + 1, empty, cut=cut))
            found = ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"
        return f"(?:{found})?" if cut and any(not any(present) for present in allowed) else found


def is_broken(note: Note, present: Sequence[bool]) -> bool:
    """Whether elements that are `present` or not (counted from 0 here) are not related as the note says."""
    here = [place <= len(present) and present[place - 1] for place in note.places]
    return _BROKEN[note.kind](here[0], here[1:])


def explain(note: Note, present: Sequence[bool], tag: str, definition: tuple[Element, ...]) -> tuple[Fault, int]:
    """Why a segment is not as `note` says, as a whole sentence, and the place of the element that it is about."""
    names = {place: _told(tag, place, definition) for place in note.places}
    sent = [place for place in note.places if place <= len(present) and present[place - 1]]
    unsent = [place for place in note.places if place not in sent]
    if note.kind == "E":
        words = f"{_joined([names[p] for p in sent], 'and')} exclude one another, but are sent together."
        others = "the other" if len(sent) == 2 else "the others"
        remedy = f"Ask the sender which of them is meant, and to leave {others} empty."
        return Fault("element.excluded", words, remedy), sent[1]
    if note.kind == "R":
        words = f"One of {_joined([names[p] for p in unsent], 'and')} is required, but all are empty."
    elif note.kind == "P":
        words = f"{names[sent[0]]} is sent without {_joined([names[p] for p in unsent], 'and')}: all or none are sent."
    else:
        link = "and" if note.kind == "C" else "or"
        words = f"{names[note.places[0]]} is sent, which requires {_joined([names[p] for p in unsent], link)}."
    addresses = _joined([f"{tag}{place:02}" for place in unsent], "or" if note.kind in "RL" else "and")
    return Fault("element.condition", words, f"Ask the sender to fill {addresses}."), unsent[0]


def _told(tag: str, place: int, definition: tuple[Element, ...]) -> str:
    label = definition[place - 1].label
    return f"{tag}{place:02} ({label})" if label else f"{tag}{place:02}"


def _joined(names: list[str], word: str) -> str:
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else names[0]


_BROKEN: dict[str, Callable[[bool, list[bool]], bool]] = {
    "P": lambda first, others: not all(others) if first else any(others),
    "R": lambda first, others: not (first or any(others)),
    "E": lambda first, others: first + sum(others) > 1,
    "C": lambda first, others: first and not all(others),
    "L": lambda first, others: first and not any(others),
}


def _composite(element: Element, syntax: Syntax) -> str:
    return f"(?:{_series(element.components, re.escape(syntax.component), syntax, None)})"


def _simple(element: Element, syntax: Syntax) -> str:
    return f"(?:{_kind(element.kind).proof(element, f'[^{re.escape(syntax.characters)}]')})"


def _kind(name: str) -> Kind:
    return KINDS["N" if name[0] == "N" else name]


def _bounds(element: Element) -> str:
    return f"{{{element.shortest},{element.longest}}}"


# --- text


def _text_proof(element: Element, cell: str) -> str:
    return cell + _bounds(element)


def _text_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    return _length_fault(len(value), "character", element)


def _length_fault(length: int, unit: str, element: Element) -> Fault | None:
    if element.shortest <= length <= element.longest:
        return None
    allowed = f"{element.shortest} to {element.longest}" if element.shortest < element.longest else str(element.longest)
    code = "element.too_long" if length > element.longest else "element.too_short"
    return Fault(
        code,
        f"which has {_plural(length, unit)}; {allowed} are allowed"
        if element.longest > 1
        else f"which has {_plural(length, unit)}; one is allowed",
        f"Ask the sender for a value of {allowed} {unit}{'s' if element.longest > 1 else ''}.",
    )


def _plural(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _letters_proof(element: Element, cell: str) -> str:
    return f"{cell[:-1]}0-9]" + _bounds(element)


def _letters_fault(value: str, element: Element, syntax: Syntax) -> Fault | None:
    if any(c.isdigit() for c in value):
        return Fault(
            "element.letters", "which has digits; letters only are allowed", "Ask the sender for a value of letters."
        )
    return _text_fault(value, element, syntax)


# --- numbers

_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:E-?[0-9]+)?")
_EDIFACT_NUMBER = re.compile(r"-?[0-9]*[.,]?[0-9]+")
_LOOKALIKES: dict[str, str] = {"O": "0", "o": "0", "l": "1", "I": "1"}


def _integer_proof(element: Element, _: str) -> str:
    return f"-?[0-9]{_bounds(element)}"


def _decimal_proof(element: Element, _: str) -> str:
    return _point_proof(element, r"\.")


def _edifact_number_proof(element: Element, _: str) -> str:
    return _point_proof(element, "[.,]")


def _point_proof(element: Element, point: str) -> str:
    """Digits, or digits with up to four behind the point: longer fractions are left to the explanation."""
    whole = f"-?[0-9]{_bounds(element)}"
    if element.shortest > 1 or element.longest < 6:
        return whole
    return f"-?(?:[0-9]{{1,{element.longest - 4}}}(?:{point}[0-9]{{1,4}})?|[0-9]{{1,{element.longest}}})"


def _number_fault(form: re.Pattern[str], point: str, value: str, element: Element) -> Fault | None:
    if form.fullmatch(value):
        digits = sum(c.isdigit() for c in value.partition("E")[0])
        return _length_fault(digits, "digit", element)
    return Fault(
        "element.number", f"which is not a number: {_number_trouble(value, point)}", _number_remedy(value, form)
    )


def _integer_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    if not _INTEGER.fullmatch(value) and _DECIMAL.fullmatch(value):
        return Fault(
            "element.number",
            "which has a decimal point where whole numbers are sent"
            + (f" (the last {element.kind[1]} digits are the fraction)" if element.kind not in ("N0", "N") else ""),
            "Ask the sender for digits only, with a minus in front where needed.",
        )
    return _number_fault(_INTEGER, "", value, element)


def _decimal_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    return _number_fault(_DECIMAL, ".", value, element)


def _edifact_number_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    return _number_fault(_EDIFACT_NUMBER, ".,", value, element)


def _number_trouble(value: str, point: str) -> str:
    """What keeps `value` from being a number, in words; at most two reasons."""
    troubles = []
    for place, character in enumerate(value, 1):
        where = "the last character" if place == len(value) > 1 else f"character {place}"
        if character in _LOOKALIKES:
            troubles.append(f"{where} is the letter {character}, not the digit {_LOOKALIKES[character]}")
        elif character == "," and "," not in point:
            troubles.append("it has a comma where a point is written" if point else "it has a comma")
        elif character == "-" and place > 1:
            troubles.append(f"{where} is a minus, which stands in front")
        elif character == " ":
            troubles.append(f"{where} is a blank")
        elif character not in "0123456789-" + (point or "."):
            troubles.append(f"{where} is {character!r}")
    troubles = troubles or ["it has no digit" if not any(c.isdigit() for c in value) else "it has a sign too many"]
    # A wrong letter explains more than the comma that stands before it.
    troubles.sort(key=lambda trouble: not trouble.startswith("the last"))
    return ", and ".join(list(dict.fromkeys(troubles))[:2])


def _number_remedy(value: str, form: re.Pattern[str]) -> str:
    guess = "".join(_LOOKALIKES.get(c, c) for c in value.strip())
    if guess.count(",") == 1 and "." not in guess and form is _DECIMAL:
        guess = guess.replace(",", ".")
    allowed = "digits" if form is _INTEGER else "digits and one decimal point"
    if guess != value and form.fullmatch(guess):
        return f"If {guess} is meant, ask the sender to send {guess}: {allowed}, with a minus in front where needed."
    return f"Ask the sender for {allowed}, with a minus in front where needed."


# --- dates and times

_MONTH_DAY = (
    "(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|1[0-9]|2[0-8]))"
)
_CLOCK = "(?:[01][0-9]|2[0-3])[0-5][0-9]"


def _date_proof(element: Element, _: str) -> str:
    """29 February is left to the explanation."""
    years = {8: "[0-9]{2}[0-9][1-9]", 6: "[0-9]{2}"}
    forms = [years[n] + _MONTH_DAY for n in (8, 6) if element.shortest <= n <= element.longest]
    return "|".join(forms)


def _date_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    allowed = " or ".join(form for form in ("YYMMDD", "CCYYMMDD") if element.shortest <= len(form) <= element.longest)
    remedy = f"Ask the sender for a date of the calendar, written {allowed}."
    if not re.fullmatch("[0-9]{6}|[0-9]{8}", value) or not element.shortest <= len(value) <= element.longest:
        return Fault("element.date", f"which is not a date: {allowed} is expected", remedy)
    year, month, day = int(value[:-4]), int(value[-4:-2]), int(value[-2:])
    try:
        date(year + 2000 if len(value) == 6 else year, month, day)
    except ValueError:
        trouble = f"there is no month {month:02}" if not 1 <= month <= 12 else f"that month has no day {day:02}"
        return Fault(
            "element.date",
            f"which is not a date: {trouble if year or len(value) == 6 else 'there is no year 0'}",
            remedy,
        )
    return None


def _time_proof(element: Element, _: str) -> str:
    seconds = {4: "", 6: "[0-5][0-9]", 7: "[0-5][0-9]{2}", 8: "[0-5][0-9]{3}"}
    forms = [_CLOCK + tail for n, tail in seconds.items() if element.shortest <= n <= element.longest]
    return "|".join(reversed(forms))


def _time_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    if (
        re.fullmatch(f"{_CLOCK}(?:[0-5][0-9][0-9]{{0,2}})?", value)
        and element.shortest <= len(value) <= element.longest
    ):
        return None
    return Fault(
        "element.time",
        "which is not a time: HHMM or HHMMSS is expected, with hours 00 to 23",
        "Ask the sender for a time of day, written HHMM or HHMMSS.",
    )


KINDS: dict[str, Kind] = {
    # X12
    "AN": Kind(_text_proof, _text_fault),
    "ID": Kind(_text_proof, _text_fault),
    "B": Kind(_text_proof, _text_fault),
    "N": Kind(_integer_proof, _integer_fault),
    "R": Kind(_decimal_proof, _decimal_fault),
    "DT": Kind(_date_proof, _date_fault),
    "TM": Kind(_time_proof, _time_fault),
    # EDIFACT
    "an": Kind(_text_proof, _text_fault),
    "a": Kind(_letters_proof, _letters_fault),
    "n": Kind(_edifact_number_proof, _edifact_number_fault),
}
