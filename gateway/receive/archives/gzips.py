"""gzip (RFC 1952): one member, made of one or more compressed parts that follow each other (2.2)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from gateway.receive.archives.findings import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 256 * 1024
_PACKED_CHUNK = 64 * 1024
PARTS_MAX = 1_000_000
"""So many parts are read; programs that compress in parallel make one of 64 KiB or more."""
_MAGIC = b"\x1f\x8b"
_HAS_EXTRA, _HAS_NAME = 0x04, 0x08
_NAME_BYTES_MAX = 1024
_ENDINGS = (".gzip", ".gz", ".z")
_FILLING = b"\x00\x1a\r\n "


class Trailing(NamedTuple):
    """Bytes behind the last part that are none."""

    start: int
    end: int


def name_in(first: bytes) -> str | None:
    """The file's name in the header (2.3: FNAME, in ISO 8859-1; many write UTF-8), where it has one."""
    flags, at = first[3], 10
    if flags & _HAS_EXTRA:
        at += 2 + int.from_bytes(first[10:12], "little")
    raw, zero, _ = first[at : at + _NAME_BYTES_MAX].partition(b"\x00")
    if not flags & _HAS_NAME or not zero or not raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def name_without_ending(name: str) -> str:
    """``orders.csv`` of ``orders.csv.gz``; ``orders.tar`` of ``orders.tgz``."""
    low = name.lower()
    if low.endswith(".tgz"):
        return f"{name[:-4]}.tar"
    return next((name[: -len(each)] for each in _ENDINGS if low.endswith(each) and len(name) > len(each)), name)


def content(file: BinaryIO, size: int, name: str, trailing: list[Trailing]) -> Iterator[bytes]:
    """The unpacked bytes, chunk by chunk; that they are all, and the right ones, is known when it ends.

    What stands behind the last part is put into `trailing`; filling of zeros and line ends is passed over.

    Raises:
        Refusal: ``archive.damaged``; ``archive.too_many`` parts.
    """
    source = _Source(file)
    for _ in range(PARTS_MAX):
        yield from _part(source, name)
        begins = source.ahead(len(_MAGIC))
        if not begins or not _MAGIC.startswith(begins):
            if begins and _holds_more(file, source.at):
                trailing.append(Trailing(source.at, size))
            return
    raise Refusal("archive.too_many", f"{name!r} is compressed in more than {PARTS_MAX:,} parts")


class _Source:
    """The compressed bytes from the beginning to the end, each read once: a part may be 20 bytes long."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._read = 0
        self.piece = b""

    @property
    def at(self) -> int:
        """Where the piece begins in the file."""
        return self._read - len(self.piece)

    def ahead(self, count: int) -> bytes:
        """The first bytes that are not taken yet, so many if there are."""
        while len(self.piece) < count and self._more():
            pass
        return self.piece[:count]

    def _more(self) -> bool:
        self._file.seek(self._read)
        more = self._file.read(_PACKED_CHUNK)
        self._read += len(more)
        self.piece += more
        return bool(more)


def _part(source: _Source, name: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    while not unpacker.eof:
        if not source.ahead(1):
            raise Refusal("archive.damaged", f"{name!r} is cut off: its compressed bytes do not end")
        try:
            chunk = unpacker.decompress(source.piece, CHUNK)
        except zlib.error as error:
            raise Refusal("archive.damaged", f"{name!r} is damaged: {_said(error)}") from error
        source.piece = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        if chunk:
            yield chunk


def _said(error: zlib.error) -> str:
    text = str(error)
    if "data check" in text:
        return "its checksum is not that of its bytes"
    if "length check" in text:
        return "its length is not the one that it ends with"
    return "its compressed bytes make no sense"


def _holds_more(file: BinaryIO, at: int) -> bool:
    file.seek(at)
    while piece := file.read(_PACKED_CHUNK):
        if piece.strip(_FILLING):
            return True
    return False
