"""What the text formats share: blocks of even size, encodings and byte order marks, and how a value is quoted.

The readers of CSV, XML and JSON lines work on blocks that do not depend on how the bytes arrived, so that any chunking
gives the same answer and a thousand tiny chunks cost no more than one large one.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from edi.findings import CODES, Finding, Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOCK_BYTES = 1 << 16
VALUE_CHARACTERS_MAX = 200

_ASCII = bytes(range(128))
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_MISTAKEN_BYTES = 256
_LOST = "\ufffd".encode()


def blocks(chunks: Iterable[bytes], size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The same bytes in blocks of `size`; only the last one is shorter. No block is empty."""
    parts: list[bytes] = []
    held = 0
    for chunk in chunks:
        parts.append(chunk)
        held += len(chunk)
        if held < size:
            continue
        data = b"".join(parts) if len(parts) > 1 else chunk
        whole = held - held % size
        for start in range(0, whole, size):
            yield data[start : start + size]
        parts = [data[whole:]]
        held -= whole
    if held:
        yield b"".join(parts)


def line_ends(data: bytes | bytearray) -> int:
    """How many lines end in `data`, by LF, CR LF or CR."""
    feeds = data.count(b"\n")
    return feeds + data.count(b"\r") - data.count(b"\r\n") if 13 in data else feeds


def mark(first: bytes) -> tuple[str, int] | None:
    """The encoding that a byte order mark at the start names, and the mark's length in bytes."""
    for bom, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if first.startswith(bom):
            return encoding, len(bom)
    return None


def wide(first: bytes) -> str | None:
    """The UTF-16 or UTF-32 encoding that the first bytes show, by a mark or by the zeros beside ASCII characters."""
    found = mark(first)
    if found:
        return found[0] if found[0] != "utf-8" else None
    zeros = tuple(byte == 0 for byte in first[:4])
    if zeros in ((False, True, False, True), (True, False, True, False)):
        return "utf-16-le" if zeros[1] else "utf-16-be"
    return None


_FOREIGN = (
    (
        re.compile(rb"\s*(?:<!--.{0,40}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL),
        "a web page",
    ),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive (an Excel workbook is one)"),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an old Office document (.xls or .doc)"),
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"\x1f\x8b\x08"), "compressed by gzip"),
)


def foreign(first: bytes) -> str | None:
    """What the first 64 bytes show that is no text of rows or records: a web page, a workbook, an archive, a PDF."""
    found = mark(first)
    at = found[1] if found and found[0] == "utf-8" else 0
    return next((what for pattern, what in _FOREIGN if pattern.match(first, at)), None)


class Mistaken:
    """Looks whether a file that was declared with one byte a character is UTF-8, by its first letters beyond ASCII."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.open = one_byte(encoding) and encoding != "ascii"
        self.first = b""
        self.start = 0

    def look(self, data: bytes) -> None:
        """Takes the next bytes of the file."""
        if not self.first:
            found = None if data.isascii() else _BEYOND_ASCII.search(data)
            self.start += found.start() if found else len(data)
            if not found:
                return
            data = data[found.start() :]
        self.first = (self.first + data)[:_MISTAKEN_BYTES]
        self.open = len(self.first) < _MISTAKEN_BYTES

    def finding(self) -> Finding | None:
        """The finding, if they are; asked at the end of the file."""
        if not self.first:
            return None
        try:
            decoded = codecs.getincrementaldecoder("utf-8")().decode(self.first)
        except UnicodeDecodeError:
            return None
        if not decoded:
            return None
        wrong = decoded[0].encode().decode(self.encoding, "replace")
        message = (
            f"the file is UTF-8, but {self.encoding} was declared: it was read with {wrong!r} instead of {decoded[0]!r}"
        )
        position = Position(self.start, self.start + len(decoded[0].encode()))
        return finding("text.mistaken", message, position, value=wrong)


class Lost:
    """Looks whether a file in UTF-8 holds U+FFFD: a program wrote it in place of a letter that it could not read."""

    def __init__(self) -> None:
        self.count = self.start = 0
        self._size = 0
        self._tail = b""
        """The last bytes that came, which may be the first ones of the sign."""

    def look(self, data: bytes) -> None:
        """Takes the next bytes of the file."""
        if self._tail or not data.isascii():
            both = self._tail + data
            if found := both.count(_LOST):
                self.start = self.start if self.count else self._size - len(self._tail) + both.find(_LOST)
                self.count += found
            self._tail = next((_LOST[:size] for size in (2, 1) if both.endswith(_LOST[:size])), b"")
        self._size += len(data)

    def finding(self) -> Finding | None:
        """The finding, if there is one; asked at the end of the file."""
        if not self.count:
            return None
        times = "once" if self.count == 1 else f"{self.count:,} times, first"
        message = f"the file holds U+FFFD, which stands for a letter that was lost before it came: {times} at byte "
        return finding("text.lost", f"{message}{self.start:,}", Position(self.start, self.start + len(_LOST)))


def codec(name: str, delimiters: str = "") -> str:
    """Python's name of the encoding `name`, if the text formats can read it.

    They look for line ends and delimiters among the bytes, so an encoding must hold ASCII as it is, and no delimiter
    may be the second byte of another character (as ``|`` is in Shift JIS).

    Raises:
        ValueError: there is no such encoding, or it cannot be read; the message says what to write instead.
    """
    try:
        found = codecs.lookup(name)
        same = _ASCII.decode(found.name) == _ASCII.decode("ascii")
    except (LookupError, UnicodeError):
        same = False
        found = None
    if found is None or not same:
        raise ValueError(
            f"{name!r} is no encoding that can be read byte by byte; write utf-8, windows-1252 or iso-8859-15, "
            "or have the file converted to UTF-8"
        )
    if found.name in ("utf-8", "utf-8-sig"):
        return "utf-8"
    for delimiter in delimiters:
        if any(_decodes(bytes((lead,)) + delimiter.encode(), found.name) for lead in range(128, 256)):
            raise ValueError(
                f"{delimiter!r} cannot be told from half a character in {name}; use a comma, a semicolon or a tab"
            )
    return found.name


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        return len(data.decode(encoding)) == 1
    except UnicodeError:
        return False


def one_byte(encoding: str) -> bool:
    """Whether every character of `encoding` takes one byte, so that characters can be counted as bytes."""
    return len(bytes(range(256)).decode(encoding, "replace")) == 256 and encoding != "utf-8"


def quoted(value: str) -> str:
    """A value as a finding quotes it: cut to the length that a person reads."""
    return value[:VALUE_CHARACTERS_MAX]


def finding(
    code: str, message: str, position: Position, *, value: str | None = None, remedy: str | None = None
) -> Finding:
    """A finding with the remedy and severity of its row in the table of codes."""
    row = CODES[code]
    return Finding(
        code=code,
        message=message,
        remedy=remedy or row.remedy,
        position=position,
        severity=row.severity,
        value=None if value is None else quoted(value),
    )
