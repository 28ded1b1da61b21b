"""Access files for the tests, written byte by byte: nobody's own data, and no program of their maker's is needed.

The format is Jet 3 as MDBTools describes it (its file HACKING): pages of 2,048 bytes; 0 is the header, 1 holds the maps
that say which pages belong to a table, 2 defines the catalogue ``MSysObjects``, which names the pages of the others.
Of it only what a reader wants is here: no indexes, no properties, rows of less than 256 bytes.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PAGE = 2048
MAPS = 1
CATALOGUE = 2
KEY = b"\xc7\xda\x39\x6b"
EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Access knows no zones

# The code of a type, and how a value of a fixed size is written; None where the size differs from row to row.
TYPES: Mapping[str, tuple[int, str | None]] = {
    "bool": (1, ""),
    "int": (3, "<h"),
    "long": (4, "<i"),
    "double": (7, "<d"),
    "date": (8, "<d"),
    "text": (10, None),
    "ole": (11, None),
}
Value = str | int | float | bool | datetime | None
OBJECTS = (("Id", "long"), ("Type", "int"), ("Flags", "long"), ("Name", "text"), ("LvProp", "ole"))


def write(path: Path, tables: Mapping[str, tuple[Sequence[tuple[str, str]], Sequence[Sequence[Value]]]]) -> None:
    """Write a file with these tables: name → its columns, by name and type, and its rows."""
    pages = [_header(), b"", b""]
    maps: list[bytes] = []
    objects = []
    for name, (columns, rows) in tables.items():
        objects.append((len(pages), 1, 0, name, None))
        _table(pages, maps, len(pages), columns, rows)
    _table(pages, maps, CATALOGUE, OBJECTS, [(CATALOGUE, 1, -(2**31), "MSysObjects", None), *objects])
    pages[MAPS] = _data(0, maps)
    path.write_bytes(b"".join(pages))


def _table(
    pages: list[bytes],
    maps: list[bytes],
    number: int,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Value]],
) -> None:
    """The page of a definition, the pages of its rows, and the map that names those."""
    if number == len(pages):
        pages.append(b"")
    first = len(pages)
    full: list[bytes] = []
    for row in [_row(columns, values) for values in rows]:
        if sum(map(len, full)) + len(row) + 2 * len(full) + 12 > PAGE:
            pages.append(_data(number, full))
            full = []
        full.append(row)
    pages.append(_data(number, full))
    bits = (1 << (len(pages) - first)) - 1
    pages[number] = _definition(columns, len(rows), len(maps))
    maps.append(struct.pack("<BI", 0, first) + bits.to_bytes(16, "little"))


def _header() -> bytes:
    """What a reader wants of it is hidden by a cipher whose key is known: the code page, and that there is no other."""
    hidden = bytearray(126)
    hidden[0x3C - 0x18 : 0x3E - 0x18] = (1252).to_bytes(2, "little")
    head = b"\x00\x01\x00\x00Standard Jet DB\x00" + bytes(4)
    return (head + _rc4(KEY, bytes(hidden))).ljust(PAGE, b"\x00")


def _rc4(key: bytes, content: bytes) -> bytes:
    state = list(range(256))
    other = 0
    for one in range(256):
        other = (other + state[one] + key[one % len(key)]) % 256
        state[one], state[other] = state[other], state[one]
    found = bytearray()
    one = other = 0
    for byte in content:
        one = (one + 1) % 256
        other = (other + state[one]) % 256
        state[one], state[other] = state[other], state[one]
        found.append(byte ^ state[(state[one] + state[other]) % 256])
    return bytes(found)


def _definition(columns: Sequence[tuple[str, str]], rows: int, map_row: int) -> bytes:
    """The page that describes a table: how many rows and columns it has, its map, each column, each name."""
    variable = [kind for _, kind in columns if TYPES[kind][1] is None]
    head = struct.pack("<BBHIIIIBHHHII", 2, 1, 0, 0, 0, rows, 0, 0x4E, len(columns), len(variable), len(columns), 0, 0)
    assert len(head) == 35
    place = struct.pack("<I", MAPS << 8 | map_row)
    described, names = b"", b""
    fixed_at, variable_at = 0, 0
    for number, (name, kind) in enumerate(columns):
        code, form = TYPES[kind]
        size = struct.calcsize(form) if form is not None else 255 if kind == "text" else 0
        flags = 3 if form is not None else 2
        described += struct.pack(
            "<BHHHHHHBHH", code, number, variable_at, number, 0, 0, 0, flags, fixed_at if form is not None else 0, size
        )
        fixed_at, variable_at = fixed_at + (size if form is not None else 0), variable_at + (form is None)
        encoded = name.encode("cp1252")
        names += bytes([len(encoded)]) + encoded
    return (head + place + place + described + names).ljust(PAGE, b"\x00")


def _row(columns: Sequence[tuple[str, str]], values: Sequence[Value]) -> bytes:
    """A row: how many columns, what has a fixed size, the rest, where each of that begins, which are not NULL."""
    fixed, rest, offsets, present = b"", b"", [], 0
    width = sum(struct.calcsize(TYPES[kind][1] or "") for _, kind in columns)
    for number, ((_, kind), value) in enumerate(zip(columns, values, strict=True)):
        form = TYPES[kind][1]
        present |= (value is not None and value is not False) << number
        if form is None:
            offsets.append(1 + width + len(rest))
            rest += str(value).encode("cp1252") if value is not None else b""
        elif form:
            plain = (value - EPOCH).total_seconds() / 86_400 if isinstance(value, datetime) else value or 0
            fixed += struct.pack(form, plain)
    offsets.append(1 + width + len(rest))
    row = bytes([len(columns)]) + fixed + rest + bytes(reversed(offsets)) + bytes([len(offsets) - 1])
    row += present.to_bytes((len(columns) + 7) // 8, "little")
    assert len(row) < 256
    return row


def _data(owner: int, rows: Sequence[bytes]) -> bytes:
    """A page of rows, which are written from its end; their places are listed at its beginning."""
    places, end = [], PAGE
    for row in rows:
        end -= len(row)
        places.append(end)
    head = struct.pack("<BBHIH", 1, 1, end - 10 - 2 * len(rows), owner, len(rows)) + struct.pack(
        f"<{len(rows)}H", *places
    )
    return head.ljust(end, b"\x00") + b"".join(reversed(rows))
