"""The client's side of SFTP version 3: requests out, answers in, and none of them believed further than its bytes.

(draft-ietf-secsh-filexfer-02; the extensions are those of OpenSSH's PROTOCOL.)

What a server says is foreign input: a packet is at most 256 KiB, an answer must be one to a question of ours, and every
field is read within it. What is not so ends the conversation with a `Retry`: the server may be another one tomorrow.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftp import protocol
from sftp.errors import Reject, Retry
from sftp.names import shown
from sftp.protocol import Fields, string
from sftp.wire import PACKET_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    import paramiko

OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, OPENDIR, READDIR, REMOVE, REALPATH, STAT, RENAME, EXTENDED = (
    3, 4, 5, 6, 7, 8, 11, 12, 13, 16, 17, 18, 200,
)  # fmt: skip
POSIX_RENAME, FSYNC, LIMITS = "posix-rename@openssh.com", "fsync@openssh.com", "limits@openssh.com"
_CODES = {number: code for code, number in protocol.STATUS.items()}
_HANDLE_BYTES_MAX = 256
_PATIENCE = 5.0
"""So many times as long as nothing may come, one answer may take to come whole."""
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_EXTENDED = 0x01, 0x02, 0x04, 0x08, 0x80000000


@dataclass(frozen=True, slots=True)
class Look:
    """What a server says of a file: `size` in bytes, `modified` in seconds since 1970, the type and mode bits.

    None stands for what it does not say.
    """

    size: int | None
    modified: int | None
    mode: int | None


class Answer(Fields):
    """The fields of one answer, each read within its bounds."""

    def take(self, count: int) -> memoryview:  # noqa: D102 - as in Fields
        try:
            return super().take(count)
        except Reject as error:
            raise unbelievable("an answer is shorter than it says") from error

    @property
    def left(self) -> int:
        """How many bytes are not read yet."""
        return len(self._packet) - self._at

    def large(self) -> int:  # noqa: D102 - as in Fields
        return int.from_bytes(self.take(8), "big")

    def words(self) -> str:
        """Text for a person: whatever is no UTF-8, or not printable, is escaped."""
        return shown(str(self.data(), "utf-8", "backslashreplace"))

    def name(self) -> str:
        """A name as the server has it; bytes that are no UTF-8 are surrogate escapes."""
        return str(self.data(), "utf-8", "surrogateescape")

    def look(self) -> Look:
        """An ATTRS field."""
        flags = self.number()
        size = self.large() if flags & _HAS_SIZE else None
        for _ in range(2 if flags & _HAS_OWNER else 0):
            self.number()
        mode = self.number() if flags & _HAS_MODE else None
        modified = None
        if flags & _HAS_TIMES:
            self.number()
            modified = self.number()
        if flags & _HAS_EXTENDED:
            for _ in range(self.number()):
                self.data()
                self.data()
        return Look(size, modified, mode)


def unbelievable(what: str) -> Retry:
    """The error for a server that does not keep to the protocol."""
    return Retry(f"the server does not speak SFTP as it should: {what}", delay_seconds=60.0)


class Dialogue:
    """One conversation over one channel. Not for several threads: an answer is awaited where it is wanted."""

    def __init__(
        self, channel: paramiko.Channel, *, answer_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Greet.

        Raises:
            Retry: the server does not answer, or not in SFTP version 3.
        """
        self._channel = channel
        channel.settimeout(answer_seconds)
        self._packet_seconds = _PATIENCE * answer_seconds
        self._monotonic = monotonic
        self._buffer = bytearray()
        self._next = 0
        self._asked: dict[int, int] = {}
        """The kinds of the requests that are not answered yet."""
        self._write(protocol.INIT, struct.pack(">I", 3))
        kind, greeting = self._packet()
        if kind != protocol.VERSION or greeting.number() != 3:
            raise unbelievable("it does not greet with version 3")
        self.extensions = _extensions(greeting)

    def ask(self, kind: int, payload: bytes, data: bytes | memoryview = b"") -> int:
        """Send a request; its answer is awaited with `answer`."""
        self._next = (self._next + 1) & 0xFFFFFFFF
        self._asked[self._next] = kind
        self._write(kind, struct.pack(">I", self._next) + payload, data)
        return self._next

    def answer(self) -> tuple[int, int, Answer]:
        """The next answer: to which request, of which kind, and its fields."""
        kind, fields = self._packet()
        number = fields.number()
        if self._asked.pop(number, None) is None:
            raise unbelievable("it answers what was not asked")
        return number, kind, fields

    def request(self, kind: int, payload: bytes, wanted: int, data: bytes | memoryview = b"") -> Answer:
        """One request and its answer, which must be of the kind that is wanted.

        Raises:
            Reject: the server refuses; `code` is a name of ``protocol.STATUS``.
        """
        number = self.ask(kind, payload, data)
        answered, got, fields = self.answer()
        if answered != number:
            raise unbelievable("it answers another request than the only one")
        return self.expected(got, fields, wanted)

    def expected(self, got: int, fields: Answer, wanted: int) -> Answer:
        """The fields of an answer of the kind that is wanted.

        Raises:
            Reject: it is a refusal.
        """
        if got == protocol.STATUS_REPLY:
            code = _CODES.get(fields.number(), "failure")
            if code == "ok" and wanted == protocol.STATUS_REPLY:
                return fields
            raise Reject(code, f"the server says: {_told(fields) or code}")
        if got != wanted:
            raise unbelievable(f"it answers with a packet of kind {got}")
        return fields

    def done(self, kind: int, payload: bytes) -> None:
        """One request whose answer says no more than that it was done.

        Raises:
            Reject: it was not.
        """
        self.request(kind, payload, protocol.STATUS_REPLY)

    def handle(self, kind: int, payload: bytes) -> bytes:
        """One request whose answer is a handle."""
        handle = bytes(self.request(kind, payload, protocol.HANDLE).data())
        if not 0 < len(handle) <= _HANDLE_BYTES_MAX:
            raise unbelievable("a handle is longer than 256 bytes, or empty")
        return handle

    def drain(self) -> None:
        """Let what was asked for and is not wanted any more come, so that the next answer is to the next question."""
        while self._asked:
            self.answer()

    def close(self, handle: bytes) -> None:
        """Give a handle back; what the server says of it counts for what was written."""
        self.done(CLOSE, string(handle))

    def _write(self, kind: int, payload: bytes, data: bytes | memoryview = b"") -> None:
        head = struct.pack(">IB", 1 + len(payload) + len(data), kind) + payload
        try:
            self._channel.sendall(b"".join((head, data)) if data else head)
        except (OSError, EOFError) as error:
            raise Retry("the connection broke off while something was sent") from error

    def _packet(self) -> tuple[int, Answer]:
        buffer = self._buffer
        until = self._monotonic() + self._packet_seconds
        while len(buffer) < 4 or len(buffer) < 4 + int.from_bytes(buffer[:4], "big"):
            if len(buffer) >= 4 and int.from_bytes(buffer[:4], "big") > PACKET_BYTES_MAX:
                raise unbelievable(f"a packet of {int.from_bytes(buffer[:4], 'big')} bytes is announced")
            try:
                data = self._channel.recv(PACKET_BYTES_MAX)
            except TimeoutError as error:
                raise Retry("the server does not answer") from error
            except OSError as error:
                raise Retry("the connection broke off") from error
            if not data:
                raise Retry("the server has closed the connection")
            if self._monotonic() > until:
                raise Retry("the server takes for ever to send one answer")
            buffer += data
        end = 4 + int.from_bytes(buffer[:4], "big")
        if end < 5:
            raise unbelievable("a packet is empty")
        with memoryview(buffer) as view:
            packet = bytes(view[4:end])
        del buffer[:end]
        return packet[0], Answer(memoryview(packet)[1:])


def _extensions(greeting: Answer) -> dict[str, str]:
    """What the server offers besides; a packet has an end, and so has this list."""
    found: dict[str, str] = {}
    while greeting.left:
        name = greeting.words()
        found[name] = greeting.words()
    return found


def _told(fields: Answer) -> str:
    """The words of a refusal, if there are any; servers of old say none."""
    return fields.words()[:200] if fields.left else ""
