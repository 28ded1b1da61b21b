"""JSON lines: one object a line, each a document with the bytes that it came from.

Strategy. Lines are cut at LF (https://jsonlines.org); each goes through ``json`` with hooks that refuse what RFC 8259
does not know or leaves open: NaN and Infinity, members of the same name, NUL and half surrogate pairs. Fractions become
``Decimal`` with every digit that stands in the file. A line beyond the limit is passed over without being kept.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from edi import encodings, text
from edi.findings import Finding, Position
from edi.jsonlines_writing import WRITES, write
from edi.model import Document, Envelope
from edi.paths import MemberPath, Path
from edi.possessive import REPEATED
from edi.spec import Option, Spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["SPEC", "locate", "read", "read_blocks", "write"]

SPEC = Spec(
    name="jsonl",
    summary="JSON lines: one JSON object a line is one document; its content is a dict.",
    guarantees=(
        "Every object has its exact byte span, without the line end; blank lines are no documents.",
        "Fractions and exponents become decimals with every digit; integers stay integers.",
        "NaN, Infinity, members of the same name, NUL characters and broken surrogate pairs are findings.",
        "A line that is not one object is a finding on that line; the others go on.",
        "Memory is bounded by the limit of a line, whatever the size of the file.",
    ),
    options=(Option("line_bytes_max", "16777216", "the longest line in bytes"),),
    example='{"number": "4711", "total": 12.50}\n',
    writes=WRITES,
)

_BLANKS = b" \t\r"
_ESCAPED = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
_SURROGATE_OR_NUL = re.compile("[\0\ud800-\udfff]")
_NESTING = re.compile(rf'"(?:[^"\\]|\\.){REPEATED}"|[\[\]{{}}]')
_SPACE = re.compile(r"[ \t\r\n]*+")
_DEPTH_MAX = 200
_FIRST_BYTES = 64


class _Refused(ValueError):
    """A hook of the decoder refuses a value: the code and message of the finding."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Document | Finding]:
    """The objects of a file, in order, as documents of ``dict``; the options stand in :data:`SPEC`.

    Raises:
        ValueError: at the call, for an option that has no usable value; never for what the file holds.
    """
    limit = dict(options).get("line_bytes_max", "16777216")
    if not limit.isascii() or not limit.isdigit() or not int(limit):
        raise ValueError(f"line_bytes_max {limit!r} is no number of bytes; write 16777216 for 16 MiB")
    return read_blocks(text.blocks(chunks), int(limit))


def read_blocks(blocks: Iterable[bytes], limit: int) -> Iterator[Document | Finding]:
    """As :func:`read`, for blocks of any size, which become the unit of work."""
    reader = _Reader(limit)
    for block in blocks:
        yield from reader.take(block, final=False)
    yield from reader.take(b"", final=True)


class _Reader:
    """One file being read: `rest` is the line that is not whole yet; its first byte is byte `base` of the file."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.rest = b""
        self.base = self.dropped = 0
        self.line = self.number = 0
        self.started = False
        self.refused: tuple[str, str] | None = None
        """The code and the message of what makes reading on useless."""
        self.envelope = Envelope("jsonl")
        self.lost = text.Lost()

    def take(self, block: bytes, *, final: bool) -> Iterator[Document | Finding]:
        """What is certain once `block` has come; `final` says that nothing follows."""
        self.lost.look(block)
        data = self.rest + block
        if not self.started:
            if len(data) < _FIRST_BYTES and not final:
                self.rest = data
                return
            data = self._begin(data)
        if self.refused:
            self.base += len(data)
            self.rest = b""
            if final:
                yield text.finding(*self.refused, Position(0, self.base, line=1))
            return
        lines = data.split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            yield from self._line(line, 1)
        if final:
            yield from self._line(self.rest, 0)
            if self.base <= 3 and not self.line > 1 and not self.number:
                yield text.finding("file.empty", "the file has no bytes", Position(0, self.base, line=1))
            if (found := self.lost.finding()) is not None:
                yield found
        elif self.started and (self.dropped or len(self.rest) > self.limit):
            self.dropped += len(self.rest) - 1
            self.rest = self.rest[-1:]  # it may be a CR

    def _begin(self, data: bytes) -> bytes:
        self.started = True
        wide, foreign, found = text.wide(data), text.foreign(data), text.mark(data)
        if wide:
            self.refused = ("text.wide", f"the file is written in {wide.upper()}; JSON lines are UTF-8")
        elif foreign:
            self.refused = ("file.kind", f"the file is {foreign}, not lines of JSON")
        elif found:
            self.base = found[1]
            return data[self.base :]
        return data

    def _line(self, line: bytes, gap: int) -> Iterator[Document]:
        self.line += 1
        start = self.base
        self.base = start + self.dropped + len(line) + gap
        size = self.dropped + len(line)
        self.dropped = 0
        if size > self.limit:
            self.number += 1
            end = start + size - line.endswith(b"\r")
            message = f"the line is longer than {self.limit} bytes"
            found = text.finding("json.too_long", message, Position(start, end, line=self.line))
            yield Document(self.number, start, end, None, self.envelope, (found,))
            return
        line = line.removesuffix(b"\r")
        if not line.strip(_BLANKS):
            return
        self.number += 1
        content, findings = object_of(line, start, self.line)
        yield Document(self.number, start, start + len(line), content, self.envelope, findings)


def object_of(
    raw: bytes, start: int, line: int, what: str = "line", remedy: str | None = None
) -> tuple[dict[str, Any] | None, tuple[Finding, ...]]:
    """The object that `raw` is, or what is wrong with it.

    `raw` begins at byte `start` of the file, on `line`; findings call it `what`, and say `remedy` where it is none.
    """
    whole = Position(start, start + len(raw), line=line)
    try:
        decoded = raw.decode()
        if raw.count(b"[") + raw.count(b"{") > _DEPTH_MAX and _depth(decoded) > _DEPTH_MAX:
            message = f"the values of the {what} are nested deeper than {_DEPTH_MAX}"
            return None, (text.finding("json.too_deep", message, whole),)
        value = _DECODER.decode(decoded)
    except UnicodeDecodeError as error:
        place = line + raw.count(b"\n", 0, error.start)
        wrong = Position(start + error.start, start + error.end, line=place)
        message = encodings.no_character(raw[error.start :], "utf-8")
        return None, (text.finding("text.encoding", message, wrong),)
    except json.JSONDecodeError as error:
        before = decoded[: error.pos].encode()
        at = start + len(before)
        message = f"the {what} is not one JSON object: {error.msg} at character {error.pos + 1}"
        wrong = Position(at, at, line=line + before.count(b"\n"))
        return None, (text.finding("json.malformed", message, wrong, remedy=remedy),)
    except _Refused as error:
        return None, (text.finding(error.code, str(error), whole),)
    except (ValueError, ArithmeticError):  # int and Decimal have limits of their own
        message = "a number has more digits or a larger exponent than any amount"
        return None, (text.finding("json.number", message, whole),)
    if not isinstance(value, dict):
        message = f"the {what} is {_kind(value)}, not an object"
        return None, (text.finding("json.malformed", message, whole, value=decoded, remedy=remedy),)
    if _ESCAPED.search(raw) and _unfit(value):
        message = "a value holds a NUL or half a surrogate pair"
        return None, (text.finding("json.character", message, whole),)
    return value, ()


def _depth(decoded: str) -> int:
    depth = deepest = 0
    for mark in _NESTING.findall(decoded):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    return "a text" if isinstance(value, str) else "a single value"


def _unfit(value: object) -> bool:
    """Whether a text in `value` could not be stored."""
    if isinstance(value, dict):
        return any(_unfit(name) or _unfit(member) for name, member in value.items())
    if isinstance(value, list):
        return any(map(_unfit, value))
    return isinstance(value, str) and _SURROGATE_OR_NUL.search(value) is not None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused("json.duplicate", f"an object has the member {text.quoted(twice)!r} twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise _Refused("json.number", f"{name} is no number in JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_members)
_PLAIN = json.JSONDecoder()


def locate(raw: bytes, envelope: Envelope, path: Path, loops: tuple[tuple[Path, int], ...]) -> Position | None:  # noqa: ARG001 - every reader has this shape
    """The bytes of one member's value in `raw`, the bytes of one object; offsets and lines are relative to `raw`.

    A text's span lies inside its quotes. A missing member gives an empty span at the end of the object that should
    have it. None means that the path does not belong to this format, or that `raw` is no JSON.
    """
    if not isinstance(path, MemberPath):
        return None
    names: list[str | int] = []
    for loop, occurrence in loops:
        if not isinstance(loop, MemberPath):
            return None
        names += [*loop.names, occurrence]
    names += path.names
    try:
        decoded = raw.decode()
        start, end = _find(decoded, _skip(decoded, 0), names)
    except (ValueError, IndexError, RecursionError):
        return None
    head = decoded[:start].encode()
    size = len(decoded[start:end].encode())
    return Position(len(head), len(head) + size, line=1 + text.line_ends(head), column=".".join(path.names))


def _find(decoded: str, at: int, names: list[str | int]) -> tuple[int, int]:
    """The span of the value that `names` lead to from the value at `at`; an empty one where a member is missing."""
    for name in names:
        found, at = _member(decoded, at, name) if isinstance(name, str) else _item(decoded, at, name)
        if not found:
            return at, at
    end = _PLAIN.raw_decode(decoded, at)[1]
    return (at + 1, end - 1) if decoded[at] == '"' else (at, end)


def _member(decoded: str, at: int, name: str) -> tuple[bool, int]:
    """Where the value of a member begins, or where the object ends that does not have it."""
    if decoded[at] != "{":
        return False, at
    at = _skip(decoded, at + 1)
    while decoded[at] != "}":
        key, at = _PLAIN.raw_decode(decoded, at)
        at = _skip(decoded, _skip(decoded, at) + 1)
        if key == name:
            return True, at
        at = _skip(decoded, _PLAIN.raw_decode(decoded, at)[1])
        at = _skip(decoded, at + 1) if decoded[at] == "," else at
    return False, at


def _item(decoded: str, at: int, number: int) -> tuple[bool, int]:
    """Where an item of a list begins, counted from 0, or where the list ends that is shorter."""
    if decoded[at] != "[":
        return False, at
    at = _skip(decoded, at + 1)
    while decoded[at] != "]":
        if not number:
            return True, at
        number -= 1
        at = _skip(decoded, _PLAIN.raw_decode(decoded, at)[1])
        at = _skip(decoded, at + 1) if decoded[at] == "," else at
    return False, at


def _skip(decoded: str, at: int) -> int:
    found = _SPACE.match(decoded, at)
    assert found
    return found.end()
