"""What a value must look like to be an element: one table of kinds, each with a proof and an explanation.

The explanation is the last word. A proof is an expression that accepts nothing that the explanation finds wrong; it may
refuse a rare value that is right. A property test holds the two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi.segmented.elements import dates
from edi.segmented.elements.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from edi.segmented.guides.definitions import Element
    from edi.segmented.walk.segments import Syntax


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of element: the expression that proves a value of `shortest` to `longest`, and the explanation.

    `proof` gets the element and the expression for one character that cuts nothing.
    """

    proof: Callable[[Element, str], str]
    fault: Callable[[str, Element, Syntax], Fault | None]


def kind(element: Element) -> Kind:
    """The kind of a simple element: N0 to N9 are one."""
    return KINDS["N" if element.kind[0] == "N" else element.kind]


def _bounds(element: Element) -> str:
    return f"{{{element.shortest},{element.longest}}}"


# --- text


def _text_proof(element: Element, cell: str) -> str:
    return cell + _bounds(element)


def _text_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    fault = _length_fault(len(value), "character", element)
    if fault and element.shortest <= len(value.strip(" ")) <= element.longest:
        return fault._replace(remedy="Ask the sender to leave out the blanks at its ends, which count as characters.")
    return fault


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
    return f"-?(?:[0-9]{{1,{element.longest - 4}}}(?:{point}[0-9]{{1,4}}|)|[0-9]{{1,{element.longest}}})"


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


def _date_proof(element: Element, _: str) -> str:
    return "|".join(dates.proof(form) for form in dates.DATES if element.shortest <= len(form) <= element.longest)


def _date_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    allowed = [form for form in dates.DATES if element.shortest <= len(form) <= element.longest]
    return dates.fault(value, allowed, "element.date")


def _time_proof(element: Element, _: str) -> str:
    return "|".join(dates.proof(form) for form in dates.TIMES if element.shortest <= len(form) <= element.longest)


def _time_fault(value: str, element: Element, _: Syntax) -> Fault | None:
    allowed = [form for form in dates.TIMES if element.shortest <= len(form) <= element.longest]
    return dates.fault(value, allowed, "element.time")


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
