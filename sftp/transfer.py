"""Files over the wire: fetched and sent with many requests under way, hashed as they pass, with bounded memory.

One request per round trip leaves a long line idle, so 16 are kept under way. A fetch that broke off goes on where it
stopped, if the file still looks the same and the end of what is there already is what the server has at that place.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftp import dialogue, protocol
from sftp.client import CHUNK_BYTES
from sftp.counts import so_many
from sftp.dialogue import unbelievable
from sftp.errors import Changed, Reject, Retry
from sftp.names import shown
from sftp.protocol import string

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash
    from typing import BinaryIO

    from sftp.client import Client, Found

UNDER_WAY = 16
_EARLY_MAX = 4 * UNDER_WAY
_PROVED_BYTES = 64 * 1024
"""So much of the end of a part is compared before a fetch goes on behind it."""
_SLOWEST_PER_SECOND = 1024
_PATIENCE_SECONDS = 120.0
_CREATED_ANEW = 0x02 | 0x08 | 0x10  # WRITE, CREAT, TRUNC


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that has come: `size` in bytes, its SHA-256, and where the fetch began, which is 0 for a whole one."""

    size: int
    sha256: str
    resumed_at: int


def fetch(
    client: Client,
    path: str,
    found: Found,
    part: BinaryIO,
    *,
    came: Callable[[], None] = lambda: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Fetched:
    """Read a file into `part`, which may hold the beginning of it, from an earlier fetch of a file of the same look.

    `came` is called as bytes come, often; what it raises ends the fetch, and `part` can be gone on with.

    Raises:
        Changed: the file is not as it was when it was found.
        Reject: the server refuses.
        Retry: the connection broke off, is too slow, or the server answers what cannot be.
    """
    with client.opened(path, protocol.READ) as handle:
        _must_look(client, handle, found, path)
        digest = hashlib.sha256()
        begin = _gone_on(client, handle, found, part, digest)
        _Reading(client, handle, begin, found.size, part, digest, came, monotonic).run()
        _must_look(client, handle, found, path)
    part.flush()
    return Fetched(found.size, digest.hexdigest(), begin)


def send(client: Client, path: str, content: BinaryIO, size: int) -> str:
    """Write a file at the server, from its beginning; what was there under that name is replaced. Gives its SHA-256.

    The file is durable there when this returns, if the server can promise that (``fsync@openssh.com``); its size is as
    the server says it.

    Raises:
        Reject: the server refuses.
        Retry: the connection broke off, or the server has kept another number of bytes.
    """
    conversation = client.dialogue
    digest = hashlib.sha256()
    chunk = client.chunks[1]
    under_way = 0
    with client.opened(path, _CREATED_ANEW) as handle:
        offset = 0
        while True:
            data = content.read(min(chunk, size - offset))
            if data:
                digest.update(data)
                head = string(handle) + struct.pack(">QI", offset, len(data))
                conversation.ask(dialogue.WRITE, head, data)
                offset += len(data)
                under_way += 1
            while under_way and (not data or under_way >= UNDER_WAY):
                _, kind, fields = conversation.answer()
                conversation.expected(kind, fields, protocol.STATUS_REPLY)
                under_way -= 1
            if not data:
                break
        if dialogue.FSYNC in conversation.extensions:
            conversation.done(dialogue.EXTENDED, string(dialogue.FSYNC) + string(handle))
        kept = client.look(handle).size
        if kept is not None and kept != offset:
            raise Retry(f"what was sent as {shown(path)} is {so_many(offset, 'byte')}, and the server has {kept}")
    return digest.hexdigest()


def _must_look(client: Client, handle: bytes, found: Found, path: str) -> None:
    look = client.look(handle)
    if (look.size, look.modified or 0) != found.look:
        raise Changed(
            f"{shown(path)} is being written to: it had {so_many(found.size, 'byte')}, and has {look.size} now"
        )


def _gone_on(client: Client, handle: bytes, found: Found, part: BinaryIO, digest: _Hash) -> int:
    """Where the fetch begins: behind what is there already, when its end is what the server has; else at 0."""
    there = part.seek(0, os.SEEK_END)
    if 0 < there <= found.size:
        proved = min(there, _PROVED_BYTES)
        part.seek(there - proved)
        if part.read(proved) == _read_whole(client, handle, there - proved, proved):
            part.seek(0)
            while data := part.read(1 << 20):
                digest.update(data)
            return there
    part.seek(0)
    part.truncate()
    return 0


def _read_whole(client: Client, handle: bytes, offset: int, count: int) -> bytes:
    """Some bytes, asked for one piece after another."""
    data = b""
    while len(data) < count:
        request = string(handle) + struct.pack(">QI", offset + len(data), min(count - len(data), CHUNK_BYTES))
        try:
            got = bytes(client.dialogue.request(dialogue.READ, request, protocol.DATA).data())
        except Reject as refusal:
            if refusal.code == "end of file":
                return data
            raise
        if not 0 < len(got) <= min(count - len(data), CHUNK_BYTES):
            raise unbelievable("it reads other than what was asked for")
        data += got
    return data


class _Reading:
    """A file on its way: pieces are asked for ahead, and written in their order as they come."""

    def __init__(
        self, client: Client, handle: bytes, begin: int, size: int, part: BinaryIO, digest: _Hash,
        came: Callable[[], None], monotonic: Callable[[], float],
    ) -> None:  # fmt: skip
        self._dialogue = client.dialogue
        self._handle = handle
        self._at = begin
        """Where the next byte is to be asked for."""
        self._written = self._begin = begin
        self._size = size
        self._part = part
        self._digest = digest
        self._came = came
        self._monotonic = monotonic
        self._chunk = client.chunks[0]
        self._asked: dict[int, tuple[int, int]] = {}
        """Offset and length, by the number of the request."""
        self._early: dict[int, bytes | memoryview] = {}
        """Pieces that came before their turn, by offset; no more than were asked for."""

    def run(self) -> None:
        """Read to the end."""
        began = self._monotonic()
        while self._written < self._size:
            while self._at < self._size and len(self._asked) + len(self._early) < UNDER_WAY:
                count = min(self._chunk, self._size - self._at)
                self._ask(self._at, count)
                self._at += count
            self._take()
            self._came()
            took = self._monotonic() - began
            if took > _PATIENCE_SECONDS and self._written - self._begin < took * _SLOWEST_PER_SECOND:
                raise Retry(f"the server sends less than {_SLOWEST_PER_SECOND} bytes in a second")

    def _ask(self, offset: int, count: int) -> None:
        payload = string(self._handle) + struct.pack(">QI", offset, count)
        self._asked[self._dialogue.ask(dialogue.READ, payload)] = (offset, count)

    def _take(self) -> None:
        """One answer."""
        number, kind, fields = self._dialogue.answer()
        offset, count = self._asked.pop(number)
        try:
            data = self._dialogue.expected(kind, fields, protocol.DATA).data()
        except Reject as refusal:
            if refusal.code == "end of file":
                raise Changed(f"the file ends at byte {offset}; it had {so_many(self._size, 'byte')}") from refusal
            raise
        if not 0 < len(data) <= count:
            raise unbelievable(f"it sends {len(data)} bytes where {count} were asked for")
        if len(data) < count:  # allowed: the rest is asked for again
            self._ask(offset + len(data), count - len(data))
        if offset != self._written:
            self._early[offset] = data
            if len(self._early) > _EARLY_MAX:
                raise unbelievable("it sends crumbs of what comes later, and not what comes next")
            return
        self._keep(data)
        while (ready := self._early.pop(self._written, None)) is not None:
            self._keep(ready)

    def _keep(self, data: bytes | memoryview) -> None:
        self._digest.update(data)
        self._part.write(data)
        self._written += len(data)
