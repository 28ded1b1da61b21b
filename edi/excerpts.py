"""A finding as a person reads it: where, the line or segment with the place marked, what is wrong, what to do.

::

    error element.number in line 6, segment 5 PO1, element 4
      PO1*1*3*EA*12.5O
                 ^^^^^
      PO104 (unit price) is '12.5O', which is not a number: the last character is the letter O, not the digit 0.
      If 12.50 is meant, ask the sender to send 12.50: digits and one decimal point, with a minus in front where needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edi.findings import Finding, Position
    from edi.model import Envelope

BEFORE, BEHIND = 60, 40
"""So many characters are shown before and behind the place, if the line or segment is so long."""

_LINE_ENDS = b"\r\n\x85\x15\0"
_TERMINATORS = {"x12": 2, "edifact": -1}
"""Where among the delimiters of an envelope the one is that ends a segment."""


def told(finding: Finding, envelope: Envelope | None, read: Callable[[int, int], bytes]) -> Iterator[str]:
    """The lines that tell a finding; `read` gives the bytes of the file from start to end."""
    yield f"{finding.severity.value} {finding.code} in {place(finding.position)}"
    line, mark = marked(finding.position, envelope, read)
    if line:
        yield f"  {line}"
        yield f"  {mark}"
    yield f"  {finding.message}"
    yield f"  {finding.remedy}"


def place(position: Position) -> str:
    """Where it is, in words: line 6, segment 5 PO1, element 4."""
    words = [f"{name} {value}" for name in ("line",) if (value := getattr(position, name)) is not None]
    if position.segment is not None:
        words.append(f"segment {position.segment} {position.tag or ''}".rstrip())
    elif position.tag:
        words.append(position.tag)
    words += [f"{name} {value}" for name in ("element", "component") if (value := getattr(position, name)) is not None]
    if position.column is not None:
        words.append(f"column {position.column}")
    return ", ".join(words) or f"byte {position.start}"


def marked(position: Position, envelope: Envelope | None, read: Callable[[int, int], bytes]) -> tuple[str, str]:
    """The line or segment around a place, and below it a mark under the place; empty texts if there is nothing."""
    before, value, behind = cut(position, envelope, read)
    line = before + value + behind
    return (line, " " * len(before) + "^" * max(1, len(value))) if line.strip() else ("", "")


def cut(
    position: Position,
    envelope: Envelope | None,
    read: Callable[[int, int], bytes],
    *,
    before_max: int = BEFORE,
    value_max: int = 2 * BEHIND,
    behind_max: int = BEHIND,
) -> tuple[str, str, str]:
    """The line or segment around a place: what is before it, the characters at it, and what is behind it."""
    encoding = envelope.encoding if envelope else "utf-8"
    stops = {bytes((byte,)) for byte in _LINE_ENDS}
    if envelope and envelope.delimiters and envelope.format in _TERMINATORS:
        stops.add(envelope.delimiters[_TERMINATORS[envelope.format]].encode(encoding, "replace"))
    start, end = position.start, min(position.end, position.start + value_max)
    first = max(0, start - 4 * before_max)
    before = _characters(_behind_last(read(first, start), stops, whole=first == 0), encoding)
    value = _characters(read(start, end), encoding)
    behind = _characters(_before_first(read(end, end + 4 * behind_max), stops), encoding)
    if len(before) > before_max:
        before = "…" + before[-before_max:]
    if len(behind) > behind_max:
        behind = behind[:behind_max] + "…"
    return before, value, behind


def _behind_last(raw: bytes, stops: set[bytes], *, whole: bool) -> bytes:
    cut = max((raw.rfind(stop) for stop in stops), default=-1)
    return raw[cut + 1 :] if cut >= 0 or whole else raw


def _before_first(raw: bytes, stops: set[bytes]) -> bytes:
    return raw[: min((found for stop in stops if (found := raw.find(stop)) >= 0), default=len(raw))]


def _characters(raw: bytes, encoding: str) -> str:
    """The bytes as characters that take a place each; what cannot be shown becomes a middle dot."""
    text = raw.decode(encoding, "replace")
    return "".join(character if character.isprintable() else "·" for character in text)
