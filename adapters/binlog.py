"""MariaDB's and MySQL's binary log: bytes → events. No connection, no clock.

Sources: MariaDB Knowledge Base, "2-Binlog Event Header" and the pages of the events; MySQL Internals Manual, "Binlog
Event". An event is a header of 19 bytes, a fixed part, a body, and four bytes of CRC-32 where the log has checksums;
a format description begins each file and says whether it has.

    >>> decoder = Decoder()
    >>> decoder.event(packet)
    Rotate(file='bin.000001', place=4)
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, Literal, NamedTuple

from adapters.binlogrows import (
    BIT,
    BLOB,
    DATETIME2,
    DOUBLE,
    ENUM,
    FLOAT,
    GEOMETRY,
    JSON,
    NEWDECIMAL,
    SET,
    STRING,
    TIME2,
    TIMESTAMP2,
    VAR_STRING,
    VARCHAR,
)
from adapters.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = struct.Struct("<IBIIIH")
ARTIFICIAL = 0x20
QUERY, STOP, ROTATE, FORMAT, XID, TABLE_MAP = 2, 3, 4, 15, 16, 19
GTID_MYSQL, ANONYMOUS, XA_PREPARE, PARTIAL_ROWS, PAYLOAD, GTID_TAGGED = 33, 34, 38, 39, 40, 42
INCIDENT = 26
GTID, GTID_LIST, QUERY_COMPRESSED = 162, 163, 165
BLOB_COMPRESSED, VARCHAR_COMPRESSED = 140, 141

Verb = Literal["insert", "update", "delete"]
# type → what happened, whether it has extra data (version 2), whether it is compressed
ROWS: Mapping[int, tuple[Verb, bool, bool]] = {
    23: ("insert", False, False),
    24: ("update", False, False),
    25: ("delete", False, False),
    30: ("insert", True, False),
    31: ("update", True, False),
    32: ("delete", True, False),
    166: ("insert", False, True),
    167: ("update", False, True),
    168: ("delete", False, True),
    169: ("insert", True, True),
    170: ("update", True, True),
    171: ("delete", True, True),
}
TWO_BYTES = frozenset({VARCHAR, VAR_STRING, BIT, VARCHAR_COMPRESSED})
ONE_BYTE = frozenset({FLOAT, DOUBLE, BLOB, GEOMETRY, JSON, TIMESTAMP2, DATETIME2, TIME2, BLOB_COMPRESSED})


class Rotate(NamedTuple):
    """The log goes on in another file."""

    file: str
    place: int


class Format(NamedTuple):
    """A file begins, or is described again where reading begins. `born` is when the file was made, in seconds."""

    born: int
    version: str


class Begin(NamedTuple):
    """A transaction begins; `alone` is one statement that nothing ends, unless it is a BEGIN."""

    gtid: str
    alone: bool
    start: int


class Gtids(NamedTuple):
    """The last transaction of each domain before this file (MariaDB)."""

    gtids: tuple[str, ...]


class Query(NamedTuple):
    """A statement, in the schema that it was run in."""

    schema: str
    sql: str
    start: int


class TableMap(NamedTuple):
    """What a table looks like in the rows that follow. `names` are empty unless the log has them."""

    number: int
    schema: str
    table: str
    types: bytes
    metas: tuple[tuple[int, int], ...]
    names: tuple[str, ...]


class Rows(NamedTuple):
    """Rows of one table: `content` from `start` on, an image each, or two where they were changed.

    `present` and `after` are the columns that the images hold, as bits; in a change of the first and the second image.
    """

    verb: Verb
    number: int
    width: int
    present: int
    after: int
    content: bytes
    start: int
    end: int


class Commit(NamedTuple):
    """A transaction ends."""


class Prepared(NamedTuple):
    """A transaction of two phases is prepared: whether it happens is said later, elsewhere in the log."""


class Strange(NamedTuple):
    """Something that cannot be told row by row; `what` is for a person."""

    what: str


Event = Rotate | Format | Begin | Gtids | Query | TableMap | Rows | Commit | Prepared | Strange | None


class Damaged(Stop):
    """The log's bytes are not what they should be."""


class Decoder:
    """Events of a log, one after another. `end` is where the last one ended in its file, 0 for one that is in none."""

    def __init__(self) -> None:
        self._checksums: bool | None = None
        self._maps: dict[int, tuple[bytes, TableMap]] = {}
        self.end = 0

    def event(self, content: bytes) -> Event:
        """One event; None for what tells nothing of rows.

        Raises:
            Damaged: Its checksum or its form is wrong.
        """
        if len(content) < 19:
            raise _damaged("an event has fewer than 19 bytes")
        _time, kind, server, size, end, flags = HEADER.unpack_from(content)
        if size != len(content):
            raise _damaged(f"an event of {size} bytes has {len(content)}")
        self.end = 0 if flags & ARTIFICIAL else end
        if kind == FORMAT:
            return self._format(content)
        stop = size
        # What the server makes up for us before it has shown the format may have a checksum or not.
        if self._checksums is None and _sums(content, content):
            stop -= 4
        elif self._checksums:
            stop -= 4
            if not _sums(content, content):
                raise _damaged(f"the checksum of the event that ends at {end} is wrong")
        try:
            rows = ROWS.get(kind)
            if rows is not None:
                return _rows(content, stop, *rows)
            if kind == TABLE_MAP:
                return self._table(content, stop)
            if kind == XID:
                return Commit()
            return _other(content, kind, server, stop, end - size)
        except (IndexError, struct.error, zlib.error, UnicodeDecodeError) as error:
            raise _damaged(f"the event of type {kind} that ends at {end} cannot be read ({error})") from None

    def _format(self, content: bytes) -> Format:
        """Checksums are said by a byte behind the lengths of the fixed parts; all servers since 2012 have it."""
        version = content[21:71].rstrip(b"\0").decode("ascii", "replace")
        known = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
        self._maps.clear()
        if known >= ((5, 3) if "mariadb" in version.lower() else (5, 6, 1)):
            self._checksums = content[-5] == 1
            # It was summed up before its file was marked as being in use.
            unflagged = content[:17] + bytes([content[17] & 0xFE]) + content[18:]
            if self._checksums and not (_sums(content, content) or _sums(unflagged, content)):
                raise _damaged("the checksum of a format description is wrong")
        else:
            self._checksums = False
        return Format(int.from_bytes(content[:4], "little"), version)

    def _table(self, content: bytes, stop: int) -> TableMap:
        number = int.from_bytes(content[19:25], "little")
        known = self._maps.get(number)
        body = content[27:stop]
        if known is not None and known[0] == body:
            return known[1]
        found = _table_map(number, body)
        self._maps[number] = (body, found)
        return found


def _sums(content: bytes, summed: bytes) -> bool:
    return zlib.crc32(content[:-4]) == int.from_bytes(summed[-4:], "little")


def _damaged(what: str) -> Damaged:
    return Damaged(
        f"the server's log cannot be read: {what}",
        "Try again. If it stays so, the file is damaged: have the owner look at it with mariadb-binlog "
        "--verify-binlog-checksum",
    )


def _packed(content: bytes, at: int) -> tuple[int, int]:
    """A number in one, three, four or nine bytes, and where the next thing stands."""
    first = content[at]
    if first < 251:
        return first, at + 1
    size = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(content[at + 1 : at + 1 + size], "little"), at + 1 + size


def _table_map(number: int, body: bytes) -> TableMap:
    at = 1 + body[0]
    schema = body[1:at].decode()
    size = body[at + 1]
    table = body[at + 2 : at + 2 + size].decode()
    count, at = _packed(body, at + 3 + size)
    types = bytearray(body[at : at + count])
    size, at = _packed(body, at + count)
    meta, metas = body[at : at + size], []
    place = 0
    for column, kind in enumerate(types):
        if kind in TWO_BYTES:
            metas.append((meta[place] | meta[place + 1] << 8, 0) if kind != BIT else (meta[place], meta[place + 1]))
            place += 2
        elif kind in ONE_BYTE:
            metas.append((meta[place], 0))
            place += 1
        elif kind == NEWDECIMAL:
            metas.append((meta[place], meta[place + 1]))
            place += 2
        elif kind in (STRING, ENUM, SET):
            real, length = meta[place], meta[place + 1]
            if real & 0x30 != 0x30:  # a length above 255 hides two of its bits in the type, turned round
                real, length = real | 0x30, length | ((real & 0x30) ^ 0x30) << 4
            types[column] = real
            metas.append((0, length) if real in (ENUM, SET) else (length, 0))
            place += 2
        else:
            metas.append((0, 0))
    return TableMap(number, schema, table, bytes(types), tuple(metas), _names(body, at + size + (count + 7) // 8))


def _names(body: bytes, at: int) -> tuple[str, ...]:
    """The columns' names (binlog_row_metadata=FULL), field 4 of what may follow; the rest is in the catalogue."""
    while at < len(body):
        kind = body[at]
        size, at = _packed(body, at + 1)
        if kind == 4:
            names, stop = [], at + size
            while at < stop:
                length, at = _packed(body, at)
                names.append(body[at : at + length].decode())
                at += length
            return tuple(names)
        at += size
    return ()


def _rows(content: bytes, stop: int, verb: Verb, extra: bool, compressed: bool) -> Rows:
    number = int.from_bytes(content[19:25], "little")
    at = 27
    if extra:
        at += int.from_bytes(content[27:29], "little")
    width, at = _packed(content, at)
    size = (width + 7) // 8
    mask = (1 << width) - 1
    present = after = int.from_bytes(content[at : at + size], "little") & mask
    at += size
    if verb == "update":
        after = int.from_bytes(content[at : at + size], "little") & mask
        at += size
    if compressed:
        content = inflated(content[at:stop])
        return Rows(verb, number, width, present, after, content, 0, len(content))
    return Rows(verb, number, width, present, after, content, at, stop)


def inflated(content: bytes) -> bytes:
    """What MariaDB compressed (log_bin_compress): a byte that says how, the length, and a stream of zlib."""
    size = content[0] & 7
    if content[0] & 0xF8 != 0x80:
        raise zlib.error(f"compressed in a way ({content[0]:#x}) that is not known")
    found = zlib.decompress(content[1 + size :])
    if len(found) != int.from_bytes(content[1 : 1 + size], "big"):
        raise zlib.error("the length of what was compressed is wrong")
    return found


def _query(content: bytes, kind: int, stop: int, start: int) -> Event:
    schema_size = content[27]
    at = 32 + int.from_bytes(content[30:32], "little")
    schema = content[at : at + schema_size].decode("utf-8", "replace")
    text = content[at + schema_size + 1 : stop]
    sql = (inflated(text) if kind == QUERY_COMPRESSED else text).decode("utf-8", "replace")
    return Commit() if sql == "COMMIT" else Query(schema, sql, start)


def _other(content: bytes, kind: int, server: int, stop: int, start: int) -> Event:
    """What is rarer than rows."""
    if kind in (QUERY, QUERY_COMPRESSED):
        return _query(content, kind, stop, start)
    if kind == GTID:
        sequence, domain, flags = struct.unpack_from("<QIB", content, 19)
        return Begin(f"{domain}-{server}-{sequence}", bool(flags & 1), start)
    if kind in (GTID_MYSQL, ANONYMOUS, GTID_TAGGED):
        gtid = ""
        if kind == GTID_MYSQL:
            source = content[20:36].hex()
            parts = (source[:8], source[8:12], source[12:16], source[16:20], source[20:])
            gtid = f"{'-'.join(parts)}:{int.from_bytes(content[36:44], 'little')}"
        return Begin(gtid, alone=True, start=start)
    if kind == ROTATE:
        return Rotate(content[27:stop].decode(), int.from_bytes(content[19:27], "little"))
    if kind == GTID_LIST:
        count = int.from_bytes(content[19:23], "little") & 0x0FFFFFFF
        found = (struct.unpack_from("<IIQ", content, 23 + at * 16) for at in range(count))
        return Gtids(tuple(f"{domain}-{number}-{sequence}" for domain, number, sequence in found))
    if kind == XA_PREPARE:
        return Prepared()
    strange = {
        INCIDENT: "the server itself reports that its log lacks something (an incident event)",
        PAYLOAD: "a compressed transaction (binlog_transaction_compression)",
        PARTIAL_ROWS: "a part of a JSON value (binlog_row_value_options)",
    }.get(kind)
    return Strange(strange) if strange else None
