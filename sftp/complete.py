"""Is the envelope closed? Judged from the first and the last bytes of a file (pure but for `whole_file`).

A file that was closed cleanly can still be half a file: Ctrl-C in a client closes what it has sent so far. X12, EDIFACT
and XML say themselves where they end, so a cut can be seen: the last segment must be IEA (X12.5) or UNZ
(ISO 9735-1), the last tag must close the root element. Several interchanges in one file are fine, each with separators
of its own: only the last segment counts, and it must be a trailer. A zip archive ends with a record that says where its
directory is (APPNOTE 4.3.16). What cannot be seen: a cut behind an inner element that is called as the root is.
"""

from __future__ import annotations

import codecs
import os
import re
from dataclasses import dataclass

WINDOW_BYTES = 4096  # even, so that UTF-16 stays aligned at both ends
_ZIP_WINDOW_BYTES = 22 + 0xFFFF  # the record at the end of a zip, with the longest comment
_ZIP_ENTRY, _ZIP_END = b"PK\x03\x04", b"PK\x05\x06"

_BLANK = b" \t\r\n\x00\x1a"  # DOS editors end a file with ^Z, mainframes pad with NUL
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_PROLOG = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?:[^\[>]|\[.*?\]\s*(?=>))*>)*", re.DOTALL)
_NAME = re.compile(r"<([^\s/>!?]+)")
_EPILOG = re.compile(r"(?:\s|<!--(?:(?!-->).)*-->|<\?(?:(?!\?>).)*\?>)*\Z", re.DOTALL)


def whole(first: bytes, last: bytes) -> bool | None:
    """Whether the envelope is closed: True, False, or None for a format that has no envelope.

    Args:
        first: the first bytes of the file; `WINDOW_BYTES` of them are plenty.
        last: the last bytes; for a file of at most `WINDOW_BYTES` the same as `first`, and for a zip archive the last
            64 KiB and 22 bytes.
    """
    if first.startswith((_ZIP_ENTRY, _ZIP_END)):
        return _zip(last)
    encoding = "utf-8"
    for bom, name in _BOMS:
        if first.startswith(bom):
            first, encoding = first[len(bom) :], name
            last = last.removeprefix(bom)
    head = first.lstrip(_BLANK) if encoding == "utf-8" else first
    if head[:1] == b"<" or encoding != "utf-8":
        return _xml(head.decode(encoding, "replace"), last.decode(encoding, "replace"))
    if head[:3] == b"ISA":
        return _x12(head, last.rstrip(_BLANK))
    if head[:3] in {b"UNA", b"UNB"}:
        return _edifact(head, last.rstrip(_BLANK))
    if head and any(tag.startswith(head) for tag in (b"ISA", b"UNA", b"UNB")):
        return False  # cut inside the very first tag
    return None


def _zip(tail: bytes) -> bool:
    """Behind the record stands a comment as long as it says; that it belongs to this archive is not looked at."""
    at = tail.rfind(_ZIP_END)
    return at >= 0 and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") <= len(tail)


def _x12(head: bytes, tail: bytes) -> bool:
    """ISA is 106 bytes: the element separator is byte 4, the segment terminator byte 106 (X12.5)."""
    if _IEA.search(tail) or _IEA.search(tail.replace(b"\r", b"").replace(b"\n", b"")):
        return True  # whatever the separators: a later interchange may have others, an ISA may not be padded
    if len(head) < 106:
        return False
    element, terminator = head[3:4], head[105:106]
    ended = terminator in _BLANK or tail.endswith(terminator)  # a line end as terminator went with the blanks
    last = tail.rstrip(terminator).rpartition(terminator)[2].strip(_BLANK).split(element)
    if last[0] != b"IEA" or len(last) != 3:
        return False
    # Without a visible terminator the control number must be whole: nine digits (IEA02, as ISA13).
    return (ended and terminator not in _BLANK and bool(last[2])) or len(last[2]) == 9


def _edifact(head: bytes, tail: bytes) -> bool:
    """UNA names the service characters; without it they are ``:+.? '`` or those of level B (ISO 9735-1, annexes)."""
    if head[:3] == b"UNA" and len(head) < 9:
        return False
    chosen = [_named(each) for each in (head[:9], *_UNA.findall(tail)[-1:])]
    return any(_ends_with_unz(tail, service) for service in chosen)


@dataclass(frozen=True, slots=True)
class _Service:
    """The service characters that matter here."""

    element: bytes
    release: bytes
    terminator: bytes


_LEVEL_A = _Service(b"+", b"?", b"'")
_LEVEL_B = _Service(b"\x1d", b" ", b"\x1c")
_UNA = re.compile(rb"(UNA.{6})\s*UNB", re.DOTALL)
_IEA = re.compile(rb"[^0-9A-Za-z]IEA([^0-9A-Za-z])\d{1,5}\1\d{9}[^0-9A-Za-z]?\Z")


def _named(una: bytes) -> _Service:
    """What a UNA says, or what holds where none stands."""
    if una[:3] == b"UNA":
        return _Service(una[4:5], una[6:7], una[8:9])
    return _LEVEL_B if una[3:4] == _LEVEL_B.element else _LEVEL_A


def _ends_with_unz(tail: bytes, service: _Service) -> bool:
    element, release, terminator = service.element, service.release, service.terminator
    if terminator in _BLANK or not _ends_unescaped(tail, terminator, release):
        return False
    cut = tail[:-1]
    while terminator in cut and not _ends_unescaped(cut[: cut.rfind(terminator) + 1], terminator, release):
        cut = cut[: cut.rfind(terminator)]
    last = tail[cut.rfind(terminator) + 1 : -1].strip(_BLANK)
    return last.startswith(b"UNZ" + element)


def _ends_unescaped(data: bytes, terminator: bytes, release: bytes) -> bool:
    if not data.endswith(terminator):
        return False
    if release in _BLANK:  # a blank as release character means that there is none
        return True
    before = data[:-1]
    return (len(before) - len(before.rstrip(release))) % 2 == 0


def _xml(head: str, tail: str) -> bool | None:
    """The file must end with the end tag of its root element; comments and instructions may follow."""
    prolog = _PROLOG.match(head)
    root = _NAME.match(head, prolog.end() if prolog else 0)
    tail = tail.rstrip("\x00\x1a")
    if root is None:
        return None if head.lstrip()[:1] not in {"", "<"} else False
    body = tail[: _end_of_body(tail)]
    if body.endswith("/>"):  # an empty root element
        return body.rfind("<") == body.rfind("<" + root[1])
    return re.search(rf"</{re.escape(root[1])}\s*>\Z", body) is not None


def _end_of_body(tail: str) -> int:
    """Where comments, instructions and white space after the root element begin."""
    epilog = _EPILOG.search(tail)
    return epilog.start() if epilog else len(tail)


def whole_file(descriptor: int) -> bool | None:
    """`whole` for an open file: two reads, whatever its size."""
    size = os.fstat(descriptor).st_size
    first = os.pread(descriptor, WINDOW_BYTES, 0)
    window = _ZIP_WINDOW_BYTES if first.startswith(_ZIP_ENTRY) else WINDOW_BYTES
    last = first if size <= WINDOW_BYTES else os.pread(descriptor, window, max(0, size - window))
    return whole(first, last)
