"""The encodings of positional records: a table of 256 characters for each that has one byte a character, and UTF-8.

Python lacks some EBCDIC code pages of the trade; each is another one with a few characters exchanged.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from functools import cache

UNDEFINED = "\ufffd"
"""Stands in a table for a byte that is no character."""

_BORROWED = {
    # IBM 1047 holds circumflex and not sign, brackets, Y with acute and diaeresis at each other's places of IBM 037.
    "cp1047": ("cp037", "¬^Ý[¨]", "^¬[Ý]¨"),
    # The code pages 1140 to 1149 hold the euro sign where their elders hold the currency sign.
    "cp1141": ("cp273", "¤", "€"),
    "cp1148": ("cp500", "¤", "€"),
}
_ALL_BYTES = bytes(range(256))


@dataclass(frozen=True, slots=True)
class Charset:
    """One encoding. `table` has the character of each byte; it is empty for UTF-8."""

    name: str
    table: str
    ebcdic: bool

    def decode(self, raw: bytes) -> str:
        """The characters of `raw`; :data:`UNDEFINED` for a byte that is none.

        Raises:
            UnicodeDecodeError: the bytes are no UTF-8.
        """
        return codecs.charmap_decode(raw, "strict", self.table)[0] if self.table else raw.decode()

    @property
    def blank(self) -> bytes:
        """The byte of a blank."""
        return b"\x40" if self.ebcdic else b" "

    @property
    def feeds(self) -> bytes:
        """The bytes that end a line: LF, and in EBCDIC also NL."""
        return b"\x25\x15" if self.ebcdic else b"\n"


@cache
def charset(name: str) -> Charset:
    """The encoding of that name.

    Raises:
        ValueError: there is none, or its characters have different numbers of bytes; the message says what to write.
    """
    lowered = name.lower().replace("-", "").replace("_", "").replace("ibm", "cp").replace("ebcdiccp", "cp")
    if lowered in _BORROWED:
        elder, these, those = _BORROWED[lowered]
        table = _ALL_BYTES.decode(elder).translate(str.maketrans(these, those))
        return Charset(lowered, table, ebcdic=True)
    try:
        found = codecs.lookup(name)
        if found.name in ("utf-8", "utf-8-sig", "ascii"):  # ASCII is its beginning
            return Charset("utf-8", "", ebcdic=False)
        table = _ALL_BYTES.decode(found.name, "replace")
    except (LookupError, UnicodeError):
        raise _unknown(name) from None
    ebcdic = table[0x40:0x41] == " " and table[0xF0:0xFA] == "0123456789"
    if len(table) != 256 or not (ebcdic or table[:128] == _ALL_BYTES[:128].decode()):
        raise _unknown(name)
    return Charset(found.name, table, ebcdic)


def _unknown(name: str) -> ValueError:
    return ValueError(
        f"{name!r} is no encoding of positional records; write utf-8, windows-1252, or an EBCDIC code page such as "
        "cp037, cp500, cp1047 or cp273"
    )
