"""What a file is by its first bytes, where it is no text of documents: an archive, a workbook, a PDF.

A name proves nothing. The signatures are those of the formats' own documents; those of zip and gzip are checked
further, because records of packed numbers may begin with the same few bytes by chance.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

FIRST_BYTES = 512
"""So many bytes of a file are enough."""

ZIP, GZIP = "zip", "gzip"
"""Archives that are opened."""

_LOCAL = struct.Struct("<4s5H3I2H")
_ZIP_METHODS = frozenset((*range(20), *range(93, 100)))  # APPNOTE 4.4.5
_OFFICE_NAMES = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"word/", b"ppt/")


class Kind(NamedTuple):
    """`name` is for programs, `words` for people; `code` is that of the finding where documents should stand."""

    name: str
    words: str
    code: str


_ZIP = Kind(ZIP, "a zip archive", "archive.nested")
_GZIP = Kind(GZIP, "compressed by gzip", "archive.nested")
OFFICE = Kind("office", "an Office file such as an Excel workbook (.xlsx)", "file.kind")
OPEN_DOCUMENT = Kind("opendocument", "an OpenDocument file such as a LibreOffice workbook (.ods)", "file.kind")

_MAGIC = (
    (0, b"7z\xbc\xaf\x27\x1c", Kind("7z", "a 7z archive", "archive.kind")),
    (0, b"Rar!\x1a\x07", Kind("rar", "a RAR archive", "archive.kind")),
    (0, b"\xfd7zXZ\x00", Kind("xz", "compressed by xz", "archive.kind")),
    (0, b"\x28\xb5\x2f\xfd", Kind("zstd", "compressed by Zstandard", "archive.kind")),
    (257, b"ustar", Kind("tar", "a tar archive", "archive.kind")),
    (0, b"%PDF-", Kind("pdf", "a PDF", "file.kind")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind("ole", "an old Office file (.xls or .doc)", "file.kind")),
)


def kind_of(first: bytes) -> Kind | None:
    """The kind of a file that begins so; None where nothing speaks against documents."""
    if first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(first)
    if _is_gzip(first):
        return _GZIP
    if first[:3] == b"BZh" and first[3:4].isdigit() and first[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):
        return Kind("bzip2", "compressed by bzip2", "archive.kind")
    return next((kind for at, magic, kind in _MAGIC if first.startswith(magic, at)), None)


def _zip(first: bytes) -> Kind | None:
    if first.startswith(b"PK\x05\x06"):  # without any member
        return _ZIP
    if len(first) < _LOCAL.size:
        return _ZIP  # cut off
    _, needed, flags, method, *_, length, _ = _LOCAL.unpack_from(first)
    if (needed & 0xFF) > 99 or flags & 0xC000 or method not in _ZIP_METHODS:
        return None
    name = first[_LOCAL.size : _LOCAL.size + length]
    if name.startswith(_OFFICE_NAMES):
        return OFFICE
    return OPEN_DOCUMENT if name == b"mimetype" else _ZIP


def _is_gzip(first: bytes) -> bool:
    """RFC 1952, 2.3.1: the method is deflate, three flags are reserved, the known file systems end at 13."""
    if not first.startswith(b"\x1f\x8b\x08"):
        return False
    head = first[3:10]
    return len(head) < 7 or (not head[0] & 0xE0 and head[5] in (0, 2, 4) and (head[6] <= 19 or head[6] == 255))
