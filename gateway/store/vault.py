"""The vault: the raw bytes of every delivery, named by their SHA-256 and never modified (L2).

``gateway.store.local`` keeps them in a folder of one machine, ``gateway.store.s3`` in a bucket for many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from gateway.store.decisions import RawBytes

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Stored:
    """What the vault made of a stream: its name and its length in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """Content that is there: its name, its bytes, and how many seconds ago it was written, by the vault's own clock."""

    sha256: str
    size: int
    age: float


class Vault(RawBytes, Protocol):
    """Where raw bytes are kept.

    Whatever reads raises Stop when the content is missing, damaged or out of reach, and its subclass Unwritable when
    that is the fault of machine, network or server and no file's: then it is tried again, and is no try of a delivery.
    """

    def put(self, stream: BinaryIO) -> Stored:
        """Keep the whole stream; when this returns, a power cut takes nothing away.

        Content that is there already is checked, and replaced where it is damaged.

        Raises:
            Stop: it cannot be kept. Nothing half is left behind under the content's name.
        """

    def exists(self, sha256: str) -> bool:
        """Whether the vault holds content of that name; its hash is not checked."""

    def chunks(self, sha256: str, size: int = 256 * 1024) -> Iterator[bytes]:
        """The content, chunk by chunk; it is hashed on the way.

        Raises:
            Stop: it is missing or unreadable, or (after its last chunk) its bytes are not those of its name.
        """

    def verify(self, sha256: str) -> None:
        """Read the whole content and compare its hash with its name."""

    def open(self, sha256: str) -> BinaryIO:
        """The content as a file, after its hash was checked. To be closed."""

    def read(self, sha256: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`, for a view of a span; the hash is not checked."""

    def spans(self, sha256: str) -> BinaryIO:
        """The content for many views of spans: seek and read; the hash is not checked. To be closed."""

    def delete(self, sha256: str) -> None:
        """Take the content away for good; what is not there is gone already.

        A vault knows nothing of deliveries. A `put` of the same content that runs at this moment may have found it in
        place, and returns although it goes: the store, which sees both, must keep them apart. Whoever deletes says so
        in a transaction first; whoever has put looks there in the transaction of its row, and puts once more.

        Raises:
            Stop: it cannot be removed; it stays as it is.
        """

    def listed(self, after: str = "", limit: int = 1000) -> list[Found]:
        """What is there, in the order of the names, from behind `after` on; nothing is read of it.

        Raises:
            Stop: it cannot be listed.
        """

    def sweep(self) -> int:
        """Remove what writers that were killed left behind a day ago or earlier, under no name; how many that were.

        Raises:
            Stop: it cannot be removed.
        """

    def writable(self) -> bool:
        """Whether content could be kept right now: one part of the question of /health/ready."""
