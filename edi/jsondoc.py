"""JSON documents: an array of objects, an object with a list, or objects one behind the other, however laid out.

Strategy. Only the place of each object is looked for by hand: brackets are counted, with all text between them taken by
one possessive expression. Its bytes then go through the decoder of JSON lines, with the same hooks. So a malformed
object is held alone as long as its brackets balance; memory holds one object, and of a longer one nothing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from edi import text
from edi.findings import Finding, Position
from edi.jsondoc_writing import WRITES, write
from edi.jsonlines import locate, object_of
from edi.model import Document, Envelope
from edi.possessive import REPEATED
from edi.spec import Option, Spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["SPEC", "locate", "read", "read_blocks", "write"]

SPEC = Spec(
    name="json",
    summary="JSON: each object of an array, of a list inside one object, or of the file is one document, a dict.",
    guarantees=(
        "Every object has its exact byte span; line ends and indentation do not matter.",
        "Fractions and exponents become decimals with every digit; integers stay integers.",
        "NaN, Infinity, members of the same name, NUL characters and broken surrogate pairs are findings.",
        "An object that is malformed is a finding on that object; the others go on.",
        "Memory is bounded by the limit of an object, whatever the size of the file.",
    ),
    options=(
        Option(
            "each", "", "the member that holds the list of objects: orders, or data.orders; empty: the file is the list"
        ),
        Option("document_bytes_max", "16777216", "the longest object in bytes"),
    ),
    example='[\n  {"number": "4711", "total": 12.50}\n]\n',
    writes=WRITES,
)

_SPACE = re.compile(rb"[ \t\r\n]*+")
_REPEATED = REPEATED.encode()
_INNER = rb'(?:[^"\\\n]++|\\.)' + _REPEATED
_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"' + _INNER + rb'(?:"|(?=\n)))' + _REPEATED + rb"([\[\]{}])", re.DOTALL)
_PLAIN = re.compile(rb'[^"\[\]{}]*+')
_IN_TEXT = re.compile(_INNER, re.DOTALL)
_TEXT = re.compile(rb'"' + _INNER + rb'(?:"|(?=\n))', re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\r\n,\[\]{}\"]++|[\]}]")
_KEY = re.compile(rb'("' + _INNER + rb'")[ \t\r\n]*+:[ \t\r\n]*+(?=[^ \t\r\n])', re.DOTALL)
_REMEDY = "Ask the sender to send the object again, written by a JSON program."


def read(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Document | Finding]:
    """The objects of a file, in order, as documents of ``dict``; the options stand in :data:`SPEC`.

    Raises:
        ValueError: at the call, for an option that has no usable value; never for what the file holds.
    """
    given = {option.name: option.default for option in SPEC.options} | dict(options)
    limit, each = given["document_bytes_max"], given["each"]
    if not limit.isascii() or not limit.isdigit() or not int(limit):
        raise ValueError(f"document_bytes_max {limit!r} is no number of bytes; write 16777216 for 16 MiB")
    if each and not all(each.split(".")):
        raise ValueError(f"each {each!r} has an empty name; names are joined by single dots: data.orders")
    return read_blocks(text.blocks(chunks), each=each, limit=int(limit))


def read_blocks(blocks: Iterable[bytes], *, each: str = "", limit: int = 1 << 24) -> Iterator[Document | Finding]:
    """As :func:`read`, for blocks of any size, which become the unit of work."""
    reader = _Reader(each.split(".") if each else [], limit)
    for block in blocks:
        yield from reader.take(block, final=False)
    yield from reader.take(b"", final=True)


class _Reader:
    """One file being read: `data` holds what is not done with; its first byte is byte `base` of the file.

    `at` is the offset in `data` up to which it was read, `line` the number of the line there, counted by LF. `state`
    is the method that knows what may come next; it says whether it could go on.
    """

    def __init__(self, names: list[str], limit: int) -> None:
        self.names = names
        self.limit = limit
        self.data = b""
        self.base = self.at = self.mark_length = 0
        self.line = 1
        self.number = 0
        self.begun = self.listed = False
        self.wanted = 0
        self.level = self.opened = 0
        """How many of the names lead here, and how many objects are open around the list."""
        self.state: Callable[[bool], bool] = self._start
        self.behind: Callable[[bool], bool] = self._trailing
        """What comes behind the list."""
        self.next: Callable[[bool], bool] = self._start
        """What comes behind the value that is being passed over."""
        self.depth = 0
        self.in_text = False
        self.first: tuple[int, int] | None = None
        """Byte and line at which an object began that is too long to be kept; None for a value that nobody wants."""
        self.refused: Finding | None = None
        """What makes reading on useless; its span grows with the file."""
        self.envelope = Envelope("json")
        self.lost = text.Lost()
        self.ready: list[Document | Finding] = []

    def take(self, block: bytes, *, final: bool) -> list[Document | Finding]:
        """What is certain once `block` has come; `final` says that nothing follows."""
        self.lost.look(block)
        self.data = self.data + block if self.data else block
        if not self.begun and (len(self.data) >= 64 or final):
            self._begin()
        if self.begun and (final or len(self.data) >= self.wanted):
            self.wanted = 0
            while not self.refused and self._step(final=final):
                pass
            if self.refused:
                self.at = len(self.data)
            self._forget()
        if final:
            self._end()
        ready, self.ready = self.ready, []
        return ready

    def _begin(self) -> None:
        self.begun = True
        wide, foreign, mark = text.wide(self.data), text.foreign(self.data), text.mark(self.data)
        if wide:
            self._refuse("text.wide", f"the file is written in {wide.upper()}; JSON is UTF-8")
        elif foreign:
            self._refuse("file.kind", f"the file is {foreign}, not JSON")
        elif mark:
            self.at = self.mark_length = mark[1]
            self._forget()

    def _refuse(self, code: str, message: str, *, remedy: str | None = None) -> bool:
        self.refused = text.finding(code, message, self._position(self.at, self.at), remedy=remedy)
        return True

    def _step(self, *, final: bool) -> bool:
        if self.state != self._pass_over:
            found = _SPACE.match(self.data, self.at)
            assert found
            self._go(found.end())
            if self.at == len(self.data):
                return False
        elif self.at == len(self.data):
            return False
        return self.state(final)

    def _go(self, upto: int) -> None:
        self.line += self.data.count(b"\n", self.at, upto)
        self.at = upto

    def _forget(self) -> None:
        self.base += self.at
        self.data = self.data[self.at :]
        self.at = 0

    def _position(self, start: int, end: int) -> Position:
        return Position(self.base + start, self.base + end, line=self.line)

    def _end(self) -> None:
        """What is left to say at the end of the file."""
        if self.state == self._pass_over and self.first:
            self._passed()
            self.state = self._unclosed
        if self.refused:
            position = self.refused.position
            grown = Position(position.start, self.base, line=position.line)
            told = text.finding(self.refused.code, self.refused.message, grown, remedy=self.refused.remedy)
            self.ready.append(told)
            return
        if (found := self.lost.finding()) is not None:
            self.ready.append(found)
        if self.base == self.mark_length:
            self.ready.append(text.finding("file.empty", "the file has no bytes", Position(0, self.base, line=1)))
        elif self.state == self._start:
            self.ready.append(
                text.finding("json.truncated", "the file has blanks only", Position(0, self.base, line=1))
            )
        elif self.state not in (self._sequence, self._trailing):
            message = "the file ends before its JSON is closed"
            self.ready.append(text.finding("json.truncated", message, self._position(self.at, self.at)))
        if self.names and not self.listed and not self.refused and self.base > self.mark_length:
            message = f"there is no list {'.'.join(self.names)} in the file"
            self.ready.append(text.finding("json.each_missing", message, self._position(self.at, self.at)))

    def _start(self, _final: bool) -> bool:
        first = self.data[self.at : self.at + 1]
        if first == b"[" and not self.names:
            self._go(self.at + 1)
            self.state = self._first_value
        elif first == b"{" and self.names:
            self._go(self.at + 1)
            self.opened = 1
            self.state = self._first_key
        elif first == b"{":
            self.state = self._sequence
        else:
            what = "one object with a list in it" if self.names else "objects or an array of objects"
            self._refuse("json.outside", f"the file does not begin as JSON of {what}")
        return True

    def _sequence(self, final: bool) -> bool:
        if not self.data.startswith(b"{", self.at):
            return self._refuse("json.outside", "something else than an object stands behind the objects")
        return self._value(final, self._sequence)

    def _trailing(self, _final: bool) -> bool:
        return self._refuse("json.outside", "something stands behind the end of the JSON")

    def _first_value(self, final: bool) -> bool:
        self.listed = True
        return self._comma(final) if self.data.startswith(b"]", self.at) else self._listed(final)

    def _listed(self, final: bool) -> bool:
        if self.data[self.at : self.at + 1] in (b",", b"]"):
            self._lacks("a value")
            self.state = self._comma
            return True
        return self._value(final, self._comma)

    def _comma(self, _final: bool) -> bool:
        first = self.data[self.at : self.at + 1]
        if first == b",":
            self._go(self.at + 1)
            self.state = self._listed
        elif first == b"]":
            self._go(self.at + 1)
            self.state = self.behind
        else:
            self._lacks("a comma")
            self.state = self._listed
        return True

    def _lacks(self, what: str) -> None:
        message = f"{what} is missing here in the list of objects"
        self.ready.append(text.finding("json.outside", message, self._position(self.at, self.at)))

    def _first_key(self, final: bool) -> bool:
        return self._member(final) if self.data.startswith(b"}", self.at) else self._key(final)

    def _key(self, final: bool) -> bool:
        found = _KEY.match(self.data, self.at)
        if found is None:
            if final or len(self.data) - self.at > self.limit:
                return self._refuse("json.outside", "a name and a colon are missing before the list")
            return False
        try:
            name = json.loads(found[1])
        except ValueError:
            name = None
        wanted = not self.listed and self.level == self.opened - 1 and name == self.names[self.level]
        self._go(found.end())
        first = self.data[self.at : self.at + 1]
        if wanted and self.level == len(self.names) - 1 and first == b"[":
            self._go(self.at + 1)
            self.state, self.behind = self._first_value, self._member
        elif wanted and self.level < len(self.names) - 1 and first == b"{":
            self._go(self.at + 1)
            self.level += 1
            self.opened += 1
            self.state = self._first_key
        else:
            self._leave(None, self._member)
        return True

    def _member(self, _final: bool) -> bool:
        first = self.data[self.at : self.at + 1]
        if first == b",":
            self.state = self._key
        elif first == b"}":
            self.opened -= 1
            self.level = max(0, self.level - 1)
            self.state = self._member if self.opened else self._trailing
        else:
            return self._refuse("json.outside", "a comma or the end of the object is missing behind a member")
        self._go(self.at + 1)
        return True

    def _value(self, final: bool, behind: Callable[[bool], bool]) -> bool:
        """One value of the list, which should be an object."""
        data, start = self.data, self.at
        end = _end_of(data, start, final=final)
        if end is None and len(data) - start <= self.limit:
            if not final:
                self.wanted = len(data) - start + min(len(data) - start, 1 << 20)
                return False
            end = len(data)
            found = text.finding("json.truncated", "the file ends inside this object", self._position(start, end))
            self._add(start, end, None, (found,))
            self.state = self._unclosed
        elif end is None or end - start > self.limit:
            self._leave((self.base + start, self.line), behind)
            return True
        else:
            raw = data[start:end]
            content, findings = object_of(raw, self.base + start, self.line, "object", _REMEDY)
            self._add(start, end, content, findings)
            self.state = behind
        self._go(end)
        return True

    def _unclosed(self, _final: bool) -> bool:
        return False

    def _add(self, start: int, end: int, content: dict[str, object] | None, findings: tuple[Finding, ...]) -> None:
        self.number += 1
        self.ready.append(Document(self.number, self.base + start, self.base + end, content, self.envelope, findings))

    def _leave(self, first: tuple[int, int] | None, behind: Callable[[bool], bool]) -> None:
        self.first, self.next, self.state = first, behind, self._pass_over
        self.depth, self.in_text = 0, False

    def _pass_over(self, final: bool) -> bool:
        """Walks over a value, keeping nothing of it."""
        data = self.data
        if self.in_text:
            found = _IN_TEXT.match(data, self.at)
            assert found
            self._go(found.end())
            if self.at == len(data) or (data[self.at] == 92 and not final):
                return False
            self.in_text = False
            self._go(self.at + (data[self.at] != 10))
            return self._passed() if not self.depth else True
        if not self.depth and data[self.at : self.at + 1] not in (b"{", b"[", b'"'):
            found = _SCALAR.match(data, self.at)
            if found and found.end() == len(data) and not final:
                self._go(found.end() - 1)
                return False
            self._go(found.end() if found else self.at)
            return self._passed()
        found = _PLAIN.match(data, self.at)
        assert found
        self._go(found.end())
        if self.at == len(data):
            return False
        mark = data[self.at : self.at + 1]
        self._go(self.at + 1)
        if mark == b'"':
            self.in_text = True
            return True
        self.depth += 1 if mark in (b"{", b"[") else -1
        return True if self.depth else self._passed()

    def _passed(self) -> bool:
        self.state = self.next
        if self.first:
            start, line = self.first
            end = self.base + self.at
            message = f"the object is longer than {self.limit} bytes"
            remedy = "Raise document_bytes_max where objects are meant to be so long."
            found = text.finding("json.too_long", message, Position(start, end, line=line), remedy=remedy)
            self.number += 1
            self.ready.append(Document(self.number, start, end, None, self.envelope, (found,)))
            self.first = None
        return True


def _end_of(data: bytes, at: int, *, final: bool) -> int | None:
    """Where the value ends that begins at `at`; None where the data ends before."""
    if data[at : at + 1] not in (b"{", b"["):
        found = (_TEXT if data.startswith(b'"', at) else _SCALAR).match(data, at)
        if found is None or (found.end() == len(data) and not final and data[at] != 34):
            return None
        return found.end()
    depth = 0
    while found := _BRACKET.match(data, at):
        depth += 1 if found[1] in b"{[" else -1
        at = found.end()
        if not depth:
            return at
    return None
