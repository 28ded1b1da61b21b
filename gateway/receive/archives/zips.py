"""Zip archives (PKWARE's APPNOTE 6.3.10): the central directory within limits, then one member after the other.

The directory at the end says what there is; the header before each member must say the same. Nothing is held but one
chunk and the directory, which has at most as many entries as are allowed, so that neither a million members nor a
member of many gigabytes costs memory. Python's zipfile reads the whole directory before it can be asked how long it is,
and takes no name that is not as it should be; hence a reader of our own.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from gateway.receive.archives.findings import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 256 * 1024
_PACKED_CHUNK = 64 * 1024

_END = struct.Struct("<4s4H2IH")  # 4.3.16
_END64 = struct.Struct("<4sQ2H2I4Q")  # 4.3.14
_LOCATOR = struct.Struct("<4sIQI")  # 4.3.15
_ENTRY = struct.Struct("<4s6H3I5H2I")  # 4.3.12
_LOCAL = struct.Struct("<4s5H3I2H")  # 4.3.7
ENTRY_BYTES = _ENTRY.size
"""A member takes at least so many bytes in the directory."""
_END_SIGN, _END64_SIGN, _LOCATOR_SIGN = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY_SIGN, _LOCAL_SIGN = b"PK\x01\x02", b"PK\x03\x04"
_COMMENT_MAX = _ALL16 = 0xFFFF
_ALL32 = 0xFFFFFFFF

_STORED, _DEFLATED = 0, 8
_METHODS = {1: "shrink", 6: "implode", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd"}
_ENCRYPTED, _SIZES_BEHIND, _STRONGLY_ENCRYPTED, _UTF8, _MASKED = 0x1, 0x8, 0x40, 0x800, 0x2000
_UNIX = (3, 19)  # 4.4.2: UNIX, OS X
_DESCRIPTOR_MAX = 24
_LOOKED_AT = 64 * 1024
_FILLING = b"\x00\x1a\r\n "


@dataclass(frozen=True, slots=True)
class Entry:
    """A member as the directory has it; `offset` is that of its own header in the file, `mode` what Unix says of it."""

    raw_name: bytes
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a directory, which holds nothing."""
        return self.size == 0 and self.name.endswith(("/", "\\"))

    @property
    def is_special(self) -> bool:
        """Whether it is a symbolic link, a device or anything else that is no file."""
        return self.mode >> 12 not in (0, 0o4, 0o10)

    @property
    def end_at_least(self) -> int:
        """Where it ends, but for what its own header may hold more."""
        least: int = self.offset + _LOCAL.size + len(self.raw_name) + self.packed
        return least


@dataclass(frozen=True, slots=True)
class Directory:
    """All entries, in their order, and the span of the directory with all that stands behind it."""

    entries: list[Entry]
    start: int
    end: int


def read_directory(file: BinaryIO, size: int, *, members_max: int) -> Directory:
    """The central directory of the archive that `file`, of `size` bytes, is.

    Raises:
        Refusal: ``archive.truncated``, ``archive.too_many``, ``archive.overlap``; the archive cannot be used.
    """
    count, length, offset, records, end = _read_end(file, size)
    if count > members_max:
        raise _too_many(count, members_max)
    ahead = records - (offset + length)
    if ahead < 0:
        raise _truncated("its directory would have to begin before the file does")
    if ahead and count and _bytes(file, offset + ahead, 4) != _ENTRY_SIGN and _bytes(file, offset, 4) == _ENTRY_SIGN:
        ahead = 0
    start = offset + ahead
    entries: list[Entry] = []
    file.seek(start)
    while (head := file.read(_ENTRY.size))[:4] == _ENTRY_SIGN:
        if len(entries) >= members_max:
            raise _too_many(max(count, len(entries) + 1), members_max)
        entries.append(_read_entry(file, head, ahead))
        if file.tell() >= records:
            break
    if len(entries) != count:
        raise _truncated(f"it says that it has {count} members, and its directory lists {len(entries)}")
    _refuse_overlap(entries, start)
    return Directory(entries, start, end)


def _read_end(file: BinaryIO, size: int) -> tuple[int, int, int, int, int]:
    """Members, length and offset of the directory, where the records behind it begin, and where the archive ends."""
    first = max(0, size - _END.size - _COMMENT_MAX)
    tail = _bytes(file, first, size - first)
    at = tail.rfind(_END_SIGN)
    while at >= 0 and (len(tail) - at < _END.size or at + _END.size + _END.unpack_from(tail, at)[7] > len(tail)):
        at = tail.rfind(_END_SIGN, 0, at)
    if at < 0:
        raise _truncated("the list of its members, with which it ends, is missing")
    _, disk, first_disk, _, count, length, offset, comment = _END.unpack_from(tail, at)
    records = first + at
    end = records + _END.size + comment
    locator = _bytes(file, records - _LOCATOR.size, _LOCATOR.size) if records >= _LOCATOR.size else b""
    if locator[:4] == _LOCATOR_SIGN:
        records, wide = _read_end64(file, records, _LOCATOR.unpack(locator)[2])
        count = wide[0] if count == _ALL16 else count
        length = wide[1] if length == _ALL32 else length
        offset = wide[2] if offset == _ALL32 else offset
    elif disk or first_disk:
        raise _truncated("it is one part of an archive that was split")
    return count, length, offset, records, end


def _read_end64(file: BinaryIO, locator: int, offset: int) -> tuple[int, tuple[int, int, int]]:
    """Where the record of Zip64 begins, and its members, length and offset of the directory."""
    for at in (offset, locator - _END64.size):
        if 0 <= at <= locator - _END64.size:
            record = _bytes(file, at, _END64.size)
            if record[:4] == _END64_SIGN:
                *_, count, length, start = _END64.unpack(record)
                return at, (count, length, start)
    raise _truncated("its Zip64 record is missing")


def _read_entry(file: BinaryIO, head: bytes, ahead: int) -> Entry:
    if len(head) < _ENTRY.size:
        raise _truncated("its directory is cut off")
    fields = _ENTRY.unpack(head)
    _, made, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment_length = fields[:13]
    attributes, offset = fields[15:]
    name, extra = file.read(name_length), file.read(extra_length)
    if len(file.read(comment_length)) < comment_length or len(extra) < extra_length:
        raise _truncated("its directory is cut off")
    said = dict(_extras(extra))
    wide = said.get(0x0001, b"")  # 4.5.3: only what does not fit into the header, in this order
    values = []
    for value in (size, packed, offset):
        if value == _ALL32 and len(wide) >= 8:
            values.append(int.from_bytes(wide[:8], "little"))
            wide = wide[8:]
        else:
            values.append(value)
    size, packed, offset = values
    mode = attributes >> 16 if made >> 8 in _UNIX else 0
    return Entry(name, _name(name, flags, said), flags, method, crc, packed, size, offset + ahead, mode)


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _name(raw: bytes, flags: int, said: dict[int, bytes]) -> str:
    """UTF-8 where that is said or plain to see, else code page 437 (appendix D)."""
    path = said.get(0x7075, b"")
    if not flags & _UTF8 and path[:1] == b"\x01" and path[1:5] == zlib.crc32(raw).to_bytes(4, "little"):
        raw = path[5:]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace") if flags & _UTF8 else raw.decode("cp437")


def _refuse_overlap(entries: list[Entry], directory: int) -> None:
    before: Entry | None = None
    for each in sorted(entries, key=lambda entry: entry.offset):
        if each.end_at_least > directory:
            raise _truncated(f"the member {each.name!r} would have to lie behind its end")
        if before is not None and each.offset < before.end_at_least:
            raise Refusal(
                "archive.overlap", f"the members {before.name!r} and {each.name!r} share the same bytes", ends=True
            )
        before = each


def content(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The member's bytes, chunk by chunk; that they are all, and the right ones, is known when it ends.

    Raises:
        Refusal: it cannot be read (``archive.encrypted``, ``archive.method``), or is not what it should be.
    """
    if entry.flags & (_ENCRYPTED | _STRONGLY_ENCRYPTED | _MASKED):
        raise Refusal("archive.encrypted", f"the member {entry.name!r} is encrypted")
    if entry.method not in (_STORED, _DEFLATED):
        known = _METHODS.get(entry.method, f"method {entry.method}")
        raise Refusal("archive.method", f"the member {entry.name!r} is compressed by {known}")
    start = data_start(file, entry)
    pieces = _packed(file, start, entry.packed)
    crc = size = 0
    for chunk in pieces if entry.method == _STORED else _inflated(pieces, entry):
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
        if size > entry.size:
            raise _damaged(entry, f"it has more than the {entry.size} bytes that the directory says")
        yield chunk
    if size != entry.size:
        raise _damaged(entry, f"it has {size} bytes, and the directory says {entry.size}")
    if crc != entry.crc:
        raise _damaged(entry, f"its checksum is {crc:08x}, and the directory says {entry.crc:08x}")


def data_start(file: BinaryIO, entry: Entry) -> int:
    """Where the member's packed bytes begin, behind its own header, which must agree with the directory.

    Raises:
        Refusal: ``archive.damaged``.
    """
    head = _bytes(file, entry.offset, _LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != _LOCAL_SIGN:
        raise _damaged(entry, "it does not begin where the directory says")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(head)
    name = file.read(name_length)
    if name != entry.raw_name:
        raise _damaged(entry, f"its own header calls it {_name(name, flags, {})!r}")
    if method != entry.method or (flags ^ entry.flags) & _ENCRYPTED:
        raise _damaged(entry, "its own header names another method than the directory")
    if not flags & _SIZES_BEHIND and not entry.flags & _MASKED:
        own = [(crc, entry.crc), *((a, b) for a, b in ((packed, entry.packed), (size, entry.size)) if a != _ALL32)]
        if any(one != other for one, other in own):
            raise _damaged(entry, "its own header gives other sizes, or another checksum, than the directory")
    start: int = entry.offset + _LOCAL.size + name_length + extra_length
    return start


def _packed(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    for at in range(start, start + length, _PACKED_CHUNK):
        yield _bytes(file, at, min(_PACKED_CHUNK, start + length - at))


def _inflated(pieces: Iterator[bytes], entry: Entry) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            if unpacker.eof:
                raise _damaged(entry, "bytes follow its compressed ones")
            rest = piece
            while rest and not unpacker.eof:
                if chunk := unpacker.decompress(rest, CHUNK):
                    yield chunk
                rest = unpacker.unconsumed_tail
        while not unpacker.eof and (chunk := unpacker.decompress(b"", CHUNK)):
            yield chunk
    except zlib.error as error:
        raise _damaged(entry, "its compressed bytes make no sense") from error
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged(entry, "its compressed bytes do not end where the directory says")


def strays(file: BinaryIO, size: int, directory: Directory) -> Iterator[tuple[int, int, bool]]:
    """Spans of the file that belong to no member, and whether something in one looks like a member; see ``strays_of``.

    A descriptor of up to 24 bytes behind a member, and filling behind the end, are none.
    """
    at = 0
    for each in sorted(directory.entries, key=lambda entry: entry.offset):
        yield from _stray(file, at, each.offset)
        extra = _bytes(file, each.offset + _LOCAL.size - 2, 2)
        at = each.end_at_least + int.from_bytes(extra, "little")
        if each.flags & _SIZES_BEHIND:
            at += _DESCRIPTOR_MAX
    yield from _stray(file, at, directory.start)
    yield from _stray(file, directory.end, size)


def _stray(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    if start >= end:
        return
    looked_at = _bytes(file, start, min(_LOOKED_AT, end - start))
    if looked_at.strip(_FILLING):
        yield start, end, _LOCAL_SIGN in looked_at


def _bytes(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _truncated(what: str) -> Refusal:
    return Refusal("archive.truncated", f"the archive cannot be opened: {what}", ends=True)


def _too_many(count: int, most: int) -> Refusal:
    return Refusal("archive.too_many", f"the archive has {count} members; at most {most} are taken", ends=True)


def _damaged(entry: Entry, what: str) -> Refusal:
    return Refusal("archive.damaged", f"the member {entry.name!r} is damaged: {what}")
