"""SFTP version 3 on paper: numbers, fields and replies (draft-ietf-secsh-filexfer-02; pure).

Every field is read within the bounds of its packet.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from sftp.errors import Reject
from sftp.jail import Place, place
from sftp.wire import PACKET_BYTES_MAX

if TYPE_CHECKING:
    from sftp.jail import Entry

STATUS = {
    "ok": 0,
    "end of file": 1,
    "no such file": 2,
    "permission denied": 3,
    "failure": 4,
    "bad message": 5,
    "unsupported": 8,
}
INIT, VERSION = 1, 2
STATUS_REPLY, HANDLE, DATA, NAME, ATTRS, EXTENDED_REPLY = 101, 102, 103, 104, 105, 201
READ, WRITE, APPEND, TRUNCATE, EXCLUSIVE = 0x01, 0x02, 0x04, 0x10, 0x20  # CREAT (0x08) is implied by writing
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_EXTENDED = 0x01, 0x02, 0x04, 0x08, 0x80000000
DATA_BYTES_MAX = PACKET_BYTES_MAX - 1024
EXTENSIONS = (("posix-rename@openssh.com", "1"), ("fsync@openssh.com", "1"), ("limits@openssh.com", "1"))
NAMES_PER_REPLY = 100


class Fields:
    """The fields of one request, each read within its bounds."""

    def __init__(self, packet: memoryview) -> None:
        self._packet = packet
        self._at = 0

    def take(self, count: int) -> memoryview:
        """The next `count` bytes."""
        if count > len(self._packet) - self._at:
            raise Reject("bad message", "the request is shorter than it says")
        self._at += count
        return self._packet[self._at - count : self._at]

    def number(self) -> int:
        """An unsigned number of 32 bits."""
        return int.from_bytes(self.take(4), "big")

    def large(self) -> int:
        """An unsigned number of 64 bits; as an offset it must fit a file."""
        number = int.from_bytes(self.take(8), "big")
        if number >= 1 << 63:
            raise Reject("failure", "the offset is beyond any file")
        return number

    def data(self) -> memoryview:
        """A string of bytes."""
        return self.take(self.number())

    def text(self) -> str:
        """A string in UTF-8."""
        try:
            return str(self.data(), "utf-8")
        except UnicodeDecodeError:
            raise Reject("failure", "names must be UTF-8") from None

    def path(self) -> Place:
        """A path, understood."""
        return place(self.text())

    def attributes(self) -> tuple[int | None, int | None]:
        """Size and time of change of an ATTRS field; owner and permissions are not the client's business here."""
        flags = self.number()
        size = self.large() if flags & _HAS_SIZE else None
        for _ in range(2 if flags & _HAS_OWNER else 0):
            self.number()
        if flags & _HAS_MODE:
            self.number()
        modified = None
        if flags & _HAS_TIMES:
            self.number()
            modified = self.number()
        if flags & _HAS_EXTENDED:
            for _ in range(self.number()):
                self.data()
                self.data()
        return size, modified


def string(data: bytes | str) -> bytes:
    """A string as it goes over the wire: its length and its bytes."""
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return struct.pack(">I", len(raw)) + raw


def attributes(entry: Entry) -> bytes:
    """An ATTRS field; every file is shown as owned by user and group 0."""
    flags = _HAS_SIZE | _HAS_OWNER | _HAS_MODE | _HAS_TIMES
    when = max(0, min(entry.modified, 0xFFFFFFFF))
    return struct.pack(">IQIIIII", flags, entry.size, 0, 0, entry.mode, when, when)


def long_name(entry: Entry) -> str:
    """One line as of ``ls -l``, for a person."""
    kind = "drwxr-x---" if entry.mode & 0o040000 else "-rw-r-----"
    when = time.strftime("%b %d  %Y", time.gmtime(entry.modified))
    return f"{kind}    1 0        0        {entry.size:>12} {when} {entry.name}"


def status(code: str, message: str = "") -> tuple[int, bytes]:
    """A STATUS reply; `code` is a name of `STATUS`."""
    return STATUS_REPLY, struct.pack(">I", STATUS[code]) + string(message or code) + string("en")


OK = status("ok")
