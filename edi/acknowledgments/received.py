"""What an acknowledgment that a partner sent says, whichever of the four kinds it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edi.acknowledgments import words
from edi.model import Document
from edi.segmented.walk.standard import at, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.acknowledgments.answers import Kind
    from edi.model import Loop
    from edi.segmented.walk.events import Aside


@dataclass(frozen=True, slots=True)
class Answered:
    """How one transaction set or message fared. `verdict` is a key of :data:`~edi.acknowledgments.words.VERDICTS`."""

    message: str
    reference: str
    verdict: str
    group: str | None = None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """What an acknowledgment says: of which interchange and group, accepted or not, and why, in plain words.

    997 and 999 name a group (of which interchange, they do not say), TA1 and CONTRL an interchange. `documents` are
    those that it names: what CONTRL does not name fares as the interchange. `accepted` is the number of accepted
    transaction sets, where it is told.
    """

    kind: Kind
    interchange: str | None
    group: str | None
    verdict: str
    documents: tuple[Answered, ...] = ()
    errors: tuple[str, ...] = ()
    accepted: int | None = None


def read_acknowledgment(item: Document | Aside) -> Received | None:
    """What a received 997, 999 or CONTRL (a document) or TA1 (a segment of the envelope) says; None if it is none."""
    if not isinstance(item, Document):
        return _ta1(item.row) if item.row[0] == "TA1" else None
    content, message = item.content, item.envelope.message
    if not isinstance(content, dict):
        return None
    if message in ("997", "999") and "AK1" in content:
        return _functional("997" if message == "997" else "999", content)
    return _contrl(content) if message == "CONTRL" and "UCI" in content else None


def _ta1(row: list[Any]) -> Received:
    note = at(row, 5)
    errors = () if note in ("", "000") else (_said(words.INTERCHANGE, note),)
    return Received("TA1", at(row, 1), None, at(row, 4), errors=errors)


def _functional(kind: Kind, content: Loop) -> Received:
    first, last = ("AK3", "AK5") if kind == "997" else ("IK3", "IK5")
    documents = []
    result = content.get("AK9", [[]])[0]
    verdict, count = at(result, 1), at(result, 4)
    is_rejected = words.VERDICTS.get(verdict, "").startswith("rejected")
    for loop in _loops(content, "AK2"):
        answered, ended = loop["AK2"][0], loop.get(last, [[]])[0]
        errors = [_said(words.SET, code) for code in _codes(ended, 2)]
        for segment in _loops(loop, first):
            errors.extend(_of_segment(segment, first))
        # Whatever is said of it, a transaction set falls with its group.
        documents.append(
            Answered(at(answered, 1), at(answered, 2), verdict if is_rejected else at(ended, 1), None, tuple(errors))
        )
    return Received(
        kind,
        None,
        at(content["AK1"][0], 2),
        verdict,
        tuple(documents),
        tuple(_said(words.GROUP, code) for code in _codes(result, 5)),
        int(count) if count.isdecimal() else None,
    )


def _of_segment(loop: Loop, tag: str) -> Iterator[str]:
    row = loop[tag][0]
    where = f"segment {at(row, 2)} {at(row, 1)}"
    rows = [child[key][0] for key in ("AK4", "IK4") for child in _loops(loop, key)]
    if at(row, 4) not in ("", "8") or not rows:
        yield f"{where}: {_said(words.SEGMENT, at(row, 4))}"
    for element in rows:
        place, _, component = at(element, 1).partition(":")
        part = f" component {component.partition(':')[0]}" if component.partition(":")[0] else ""
        value = f" ({at(element, 4)!r})" if at(element, 4) else ""
        yield f"{where}, element {place}{part}{value}: {_said(words.ELEMENT, at(element, 3))}"


def _contrl(content: Loop) -> Received:
    row = content["UCI"][0]
    documents = [_message(loop, None) for loop in _loops(content, "UCM")]
    errors = list(_of_level(row, 5))
    for group in _loops(content, "UCF"):
        named = group["UCF"][0]
        errors.extend(f"group {at(named, 1)}: {error}" for error in _of_level(named, 5))
        documents.extend(_message(loop, at(named, 1)) for loop in _loops(group, "UCM"))
    verdict = words.ACTIONS.get(at(row, 4), at(row, 4))
    rejects = any(document.verdict == "R" for document in documents) or any(
        at(group["UCF"][0], 4) == "4" for group in _loops(content, "UCF")
    )
    return Received(
        "CONTRL", at(row, 1), None, "P" if verdict == "A" and rejects else verdict, tuple(documents), tuple(errors)
    )


def _message(loop: Loop, group: str | None) -> Answered:
    row = loop["UCM"][0]
    errors = list(_of_level(row, 4))
    for segment in _loops(loop, "UCS"):
        place, code = at(segment["UCS"][0], 1), at(segment["UCS"][0], 2)
        if code:
            missing = "behind segment" if code == "13" else "segment"
            errors.append(f"{missing} {place}: {_said(words.SYNTAX, code)}")
        for element in segment.get("UCD", ()):
            number, _, component = at(element, 2).partition(":")
            part = f" component {component}" if component else ""
            counted = int(number) - 1 if number.isdecimal() else number
            errors.append(f"segment {place}, element {counted}{part}: {_said(words.SYNTAX, at(element, 1))}")
    verdict = words.ACTIONS.get(at(row, 3), at(row, 3))
    return Answered(at(row, 2).partition(":")[0], at(row, 1), verdict, group, tuple(errors))


def _of_level(row: list[Any], first: int) -> Iterator[str]:
    """0085, the service segment, and the element."""
    code, tag = at(row, first), at(row, first + 1)
    if code:
        number = at(row, first + 2).partition(":")[0]
        element = f"{int(number) - 1:02}" if number.isdecimal() else ""
        yield f"{tag}{element}: {_said(words.SYNTAX, code)}" if tag else _said(words.SYNTAX, code)


def _loops(loop: Loop, tag: str) -> list[Loop]:
    """The loops of a tag; rows of a document that was read without its guide are loops of one segment."""
    children = [child for child in loop.get(f"{tag}*", ()) if isinstance(child, dict)]
    return [*children, *({tag: [row]} for row in loop.get(tag, ()))]


def _codes(row: list[Any], first: int) -> list[str]:
    return [text_of(value) for value in row[first:] if value]


def _said(table: dict[str, str], code: str) -> str:
    return f"{table[code]} (code {code})" if code in table else f"code {code}" if code else "no code was given"
