"""What PostgreSQL's output plugin ``pgoutput`` sends, protocol version 1 in text form: bytes in, events out.

Source: PostgreSQL manual, "Logical Replication Message Formats". Every message tells its own length, so that a buffer
may hold any number of them one after another, and :func:`decode` gives the same events however they were put together:

    >>> decode(b"B" + bytes.fromhex("00000000016B6A30 0002F0A1B2C3D4E5 00000302"))
    [Begin(commit=23816752, at=827527233000677, xid=770)]

A log sequence number (LSN) is a byte's place in the log, an int here; :func:`lsn` and :func:`lsn_text` know the form
``0/16B6A30``. Times are microseconds since 2000-01-01 in UTC.
"""

from __future__ import annotations

import enum
import struct
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from adapters.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Callable


class Told(enum.Enum):
    """What stands where a value is not sent."""

    UNCHANGED = "a long value that is stored out of line (TOAST) and that the change did not touch"


UNCHANGED = Told.UNCHANGED
Cell: TypeAlias = "str | bytes | Told | None"
Cells: TypeAlias = "list[Cell]"
"""A row's values in the order of its relation's columns: text as the server writes it, None for NULL."""


class Begin(NamedTuple):
    """A transaction begins. `commit` is where its commit stands, which all its changes share."""

    commit: int
    at: int
    xid: int


class Commit(NamedTuple):
    """It ends. All up to `end` is told: that is where a reader goes on."""

    commit: int
    end: int
    at: int


class Field(NamedTuple):
    """One column of a relation. `key` says that it belongs to the replica identity."""

    name: str
    oid: int
    modifier: int
    key: bool


class Relation(NamedTuple):
    """The shape of a table, sent before its first change and after each change of its shape.

    `identity` is what the table tells of an old row: ``d`` its primary key, ``n`` nothing, ``f`` all, ``i`` an index.
    """

    oid: int
    schema: str
    name: str
    identity: str
    fields: tuple[Field, ...]


class Insert(NamedTuple):
    """A new row."""

    oid: int
    new: Cells


class Update(NamedTuple):
    """A row that changed. `old` is None, its key (`told` is ``K``, all else in it is None) or all of it (``O``)."""

    oid: int
    new: Cells
    told: Literal["", "K", "O"]
    old: Cells | None


class Delete(NamedTuple):
    """A row that is gone, by its key (``K``) or whole (``O``)."""

    oid: int
    told: Literal["K", "O"]
    old: Cells


class Truncate(NamedTuple):
    """Tables that were emptied at once, which no row is told of."""

    oids: tuple[int, ...]
    cascade: bool
    restart: bool


class Type(NamedTuple):
    """A type that is not built in."""

    oid: int
    schema: str
    name: str


class Origin(NamedTuple):
    """The transaction came to this server by replication."""

    commit: int
    name: str


class Message(NamedTuple):
    """Something that a program wrote into the log (pg_logical_emit_message)."""

    transactional: bool
    at: int
    prefix: str
    content: bytes


Event: TypeAlias = "Begin | Commit | Relation | Insert | Update | Delete | Truncate | Type | Origin | Message"

_CELL = struct.Struct(">BI").unpack_from
_SHORT = struct.Struct(">H").unpack_from
_INT = struct.Struct(">I").unpack_from
_ROW = struct.Struct(">IxH").unpack_from
_FIELD = struct.Struct(">Ii").unpack_from
_BEGIN = struct.Struct(">QQI").unpack_from
_COMMIT = struct.Struct(">xQQQ").unpack_from
_LONG = struct.Struct(">Q").unpack_from

# A cell's head is read as five bytes at once, also where it is the last byte of all (NULL).
_PADDING = bytes(4)


def decode(buffer: bytes) -> list[Event]:
    """The events of whole messages, in order.

    Raises:
        Stop: The bytes are something else, or end within a message.
    """
    data = buffer + _PADDING
    # Sliced as text of one byte per letter: most values are ASCII, and are then ready.
    letters = data.decode("latin-1")
    events: list[Event] = []
    add, new = events.append, tuple.__new__
    at, end = 0, len(buffer)
    try:
        while at < end:
            kind = data[at]
            if kind == 73:  # I
                oid, count = _ROW(data, at + 1)
                cells, at = _cells(data, letters, at + 8, count)
                add(new(Insert, (oid, cells)))
            elif kind == 85:  # U
                oid, count = _ROW(data, at + 1)
                told, old = letters[at + 5], None
                cells, following = _cells(data, letters, at + 8, count)
                if told == "N":
                    told = ""
                else:
                    old = cells
                    cells, following = _cells(data, letters, following + 3, _SHORT(data, following + 1)[0])
                add(new(Update, (oid, cells, told, old)))
                at = following
            elif kind == 68:  # D
                oid, count = _ROW(data, at + 1)
                cells, following = _cells(data, letters, at + 8, count)
                add(new(Delete, (oid, letters[at + 5], cells)))
                at = following
            else:
                event, at = _OTHERS[kind](data, at + 1)
                add(event)
    except (KeyError, IndexError, struct.error):
        raise _malformed(buffer, at) from None
    if at != end:
        raise _malformed(buffer, at)
    return events


def _cells(data: bytes, letters: str, at: int, count: int) -> tuple[Cells, int]:
    """One row (TupleData) of so many columns and where it ends."""
    cells: Cells = []
    add = cells.append
    head = _CELL
    for _ in range(count):
        kind, size = head(data, at)
        if kind == 116:  # t
            following = at + 5 + size
            text = letters[at + 5 : following]
            add(text if text.isascii() else _text(data[at + 5 : following]))
            at = following
        elif kind == 110:  # n
            add(None)
            at += 1
        elif kind == 117:  # u
            add(UNCHANGED)
            at += 1
        elif kind == 98:  # b
            add(data[at + 5 : at + 5 + size])
            at += 5 + size
        else:
            raise KeyError(kind)
    return cells, at


def _text(written: bytes) -> str:
    r"""UTF-8; what is none (in a database of encoding SQL_ASCII) shows its bytes as ``\xff`` and is not lost."""
    return written.decode("utf-8", "backslashreplace")


def _string(data: bytes, at: int) -> tuple[str, int]:
    """A text that a NUL ends, and where the next thing begins."""
    end = data.find(b"\0", at, len(data) - len(_PADDING))
    if end < 0:
        raise IndexError(at)
    return _text(data[at:end]), end + 1


def _begin(data: bytes, at: int) -> tuple[Event, int]:
    return Begin(*_BEGIN(data, at)), at + 20


def _commit(data: bytes, at: int) -> tuple[Event, int]:
    return Commit(*_COMMIT(data, at)), at + 25


def _relation(data: bytes, at: int) -> tuple[Event, int]:
    (oid,) = _INT(data, at)
    schema, at = _string(data, at + 4)
    name, at = _string(data, at)
    identity = chr(data[at])
    (count,) = _SHORT(data, at + 1)
    at += 3
    fields = []
    for _ in range(count):
        flags = data[at]
        column, at = _string(data, at + 1)
        kind, modifier = _FIELD(data, at)
        fields.append(Field(column, kind, modifier, bool(flags & 1)))
        at += 8
    # The schema of what the server itself brings is sent empty.
    return Relation(oid, schema or "pg_catalog", name, identity, tuple(fields)), at


def _truncate(data: bytes, at: int) -> tuple[Event, int]:
    (count,) = _INT(data, at)
    options = data[at + 4]
    at += 5
    if at + 4 * count > len(data):
        raise IndexError(at)
    oids = tuple(_INT(data, at + 4 * number)[0] for number in range(count))
    return Truncate(oids, bool(options & 1), bool(options & 2)), at + 4 * count


def _type(data: bytes, at: int) -> tuple[Event, int]:
    (oid,) = _INT(data, at)
    schema, at = _string(data, at + 4)
    name, at = _string(data, at)
    return Type(oid, schema or "pg_catalog", name), at


def _origin(data: bytes, at: int) -> tuple[Event, int]:
    (commit,) = _LONG(data, at)
    name, at = _string(data, at + 8)
    return Origin(commit, name), at


def _message(data: bytes, at: int) -> tuple[Event, int]:
    transactional = bool(data[at] & 1)
    (where,) = _LONG(data, at + 1)
    prefix, at = _string(data, at + 9)
    (size,) = _INT(data, at)
    at += 4
    return Message(transactional, where, prefix, data[at : at + size]), at + size


_OTHERS: dict[int, Callable[[bytes, int], tuple[Event, int]]] = {
    ord("B"): _begin,
    ord("C"): _commit,
    ord("R"): _relation,
    ord("T"): _truncate,
    ord("Y"): _type,
    ord("O"): _origin,
    ord("M"): _message,
}


def _malformed(buffer: bytes, at: int) -> Stop:
    return Stop(
        f"byte {at} of {len(buffer)} of the log does not begin or end a message of pgoutput version 1:"
        f" {buffer[at : at + 16].hex(' ')}",
        "Check that nothing between here and the server changes bytes, and report the server's version",
    )


def lsn(text: str) -> int:
    """``0/16B6A30`` → 23816752; ValueError when it is none."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(number: int) -> str:
    """23816752 → ``0/16B6A30``."""
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"
