"""The body of a request that is a file: taken in whole or not at all, however large it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import request

from gateway.serve.arriving import PART
from gateway.serve.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from gateway.serve.operations import Shared

    class Writable(Protocol):
        """What takes bytes."""

        def write(self, chunk: bytes, /) -> object:
            """Take some."""


IN_MEMORY = 1024 * 1024
"""So much of a body is held in memory; a larger one lies on the disk until it is landed."""

STRANGERS_MAX = 16
"""So many requests of which nothing proves yet who sends them may be on their way: each keeps a thread until its body
has come, and nobody can make it come."""

_CHUNK = PART


@contextmanager
def place_of(shared: Shared) -> Iterator[None]:
    """A place for the body of somebody who has shown nothing yet.

    Raises:
        Problem: ``too_many_strangers``.
    """
    if not shared.strangers.acquire(blocking=False):
        raise Problem("too_many_strangers", headers={"Retry-After": "5"})
    try:
        yield
    finally:
        shared.strangers.release()


def announced_length() -> int | None:
    """The announced length; without one a request of HTTP/1 that is not chunked has no body (RFC 9112, 6.3)."""
    environ = request.environ
    bodiless = "HTTP_TRANSFER_ENCODING" not in environ and environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1")
    return 0 if bodiless and not environ.get("CONTENT_LENGTH") else request.content_length


def received(
    shared: Shared,
    into: Writable,
    length: int | None,
    *feeds: Callable[[bytes], object],
    most: int,
    too_large: Callable[[], Problem],
) -> int:
    """Take the body in and give every chunk of it to `feeds`; its size. `most` bytes are taken, each chunk in its time.

    The server gives a chunked body that broke off as if it had ended (its stream just ends): where `length` is None,
    who asks must prove by a digest or a signature that it came whole.

    Raises:
        Problem: ``incomplete_body``, or what `too_large` makes.
    """
    if length is not None and length > most:
        raise too_large()
    stream, size = request.environ["wsgi.input"], 0
    with shared.arriving.body(request.remote_addr) as came:
        while length is None or size < length:
            chunk = stream.read(_CHUNK if length is None else min(_CHUNK, length - size))
            if not chunk:
                break
            size += len(chunk)
            if size > most:
                raise too_large()
            for feed in feeds:
                feed(chunk)
            into.write(chunk)
            came()
    if length is not None and size < length:
        raise Problem("incomplete_body", f"{size} of {length} bytes came")
    return size
