"""MySQL's binary JSON → the text that MySQL shows for it (MySQL source, json_binary.h describes the form).

MariaDB keeps JSON as text and needs none of this.
"""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from adapters.binlogvalues import decimal_text

LITERALS = {0: "null", 1: "true", 2: "false"}
NUMBERS = {0x05: "<h", 0x06: "<H", 0x07: "<i", 0x08: "<I", 0x09: "<q", 0x0A: "<Q"}
INLINED = {0x04, 0x05, 0x06}


def json_text(content: bytes) -> str:
    """The text of a whole document; an empty one is ``null``, as the server has it."""
    return _value(content[0], content[1:]) if content else "null"


def _value(kind: int, content: bytes) -> str:
    if kind <= 0x03:
        return _several(content, large=bool(kind & 1), named=kind < 2)
    if kind == 0x04:
        return LITERALS[content[0]]
    if kind in NUMBERS:
        return str(struct.unpack_from(NUMBERS[kind], content)[0])
    if kind == 0x0B:
        return _double(struct.unpack_from("<d", content)[0])
    size, at = _length(content)
    if kind == 0x0C:
        return _quoted(content[at : at + size].decode())
    if kind == 0x0F:
        size, at = _length(content[1:])
        return _opaque(content[0], content[1 + at : 1 + at + size])
    raise ValueError(f"no JSON of MySQL begins with {kind:#x}")


def _several(content: bytes, *, large: bool, named: bool) -> str:
    """An object or an array: how many, how many bytes, then entries that say where each stands."""
    size = 4 if large else 2
    number = "<I" if large else "<H"

    def at(place: int) -> int:
        found: int = struct.unpack_from(number, content, place)[0]
        return found

    count = at(0)
    place = 2 * size
    names = []
    for _ in range(count if named else 0):
        start, length = at(place), struct.unpack_from("<H", content, place + size)[0]
        names.append(_quoted(content[start : start + length].decode()))
        place += size + 2
    values = []
    for _ in range(count):
        kind = content[place]
        inline = kind in INLINED or (large and kind in (0x07, 0x08))
        values.append(_value(kind, content[place + 1 : place + 1 + size] if inline else content[at(place + 1) :]))
        place += 1 + size
    if named:
        return "{" + ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True)) + "}"
    return "[" + ", ".join(values) + "]"


def _length(content: bytes) -> tuple[int, int]:
    """A length of seven bits in a byte, and how many bytes it took."""
    size, at = 0, 0
    while True:
        size |= (content[at] & 0x7F) << (7 * at)
        at += 1
        if not content[at - 1] & 0x80:
            return size, at


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _double(value: float) -> str:
    text = repr(value)
    return text.replace("e+", "e")


def _opaque(kind: int, content: bytes) -> str:
    """A value that JSON has no type for: a decimal, a time, or bytes."""
    if kind == 246:
        return decimal_text(content[0], content[1], padded=False)[1](content[2:])
    if kind in (7, 10, 11, 12, 17, 18, 19):
        return f'"{_packed(kind, int.from_bytes(content[:8], "little", signed=True))}"'
    return _quoted(f"base64:type{kind}:{base64.b64encode(content).decode()}")


def _packed(kind: int, bits: int) -> str:
    sign, bits = ("-", -bits) if bits < 0 else ("", bits)
    whole, fraction = bits >> 24, bits & 0xFFFFFF
    clock: Any = whole & 0x1FFFF if kind not in (11, 19) else whole
    time = f"{clock >> 12 & 1023:02}:{clock >> 6 & 63:02}:{clock & 63:02}.{fraction:06}"
    if kind in (11, 19):
        return sign + time
    day = whole >> 17
    months = day >> 5
    date = f"{months // 13:04}-{months % 13:02}-{day & 31:02}"
    return date if kind == 10 else f"{date} {time}"
