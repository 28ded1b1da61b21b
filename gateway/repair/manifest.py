"""What a backup is made of: files of lines, and a manifest that proves them; written last, read first."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from gateway.errors import Stop
from gateway.store.database import Unwritable
from gateway.store.folders import sync

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gateway.store.vault import Vault

MANIFEST = "manifest.json"
FORMAT = 1
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a backup: its path below the folder, the count of its lines without the first, size and hash."""

    name: str
    file: str
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is made of. `missing` are files that the vault did not have, or has damaged: hash → why."""

    id: str
    taken_at: str
    schema: str
    revision: str | None
    audit: str
    tables: tuple[Part, ...]
    content: Part
    missing: dict[str, str]
    format: int = FORMAT


# ── written ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_part(folder: Path, path: Path, name: str, lines: Iterable[bytes]) -> Part:
    """Write lines into a compressed file, synced."""
    rows = -1
    with _private(path) as raw:
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=1, mtime=0) as file:
            for line in lines:
                file.write(line)
                rows += 1
        raw.flush()
        os.fsync(raw.fileno())
    return Part(name, str(path.relative_to(folder)), rows, path.stat().st_size, sha256_of(path))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last step: from here on it is a backup."""
    told = asdict(manifest)
    part = folder / f"{MANIFEST}.part"
    with _private(part) as file:
        file.write(orjson.dumps({"backup": told, "sha256": _proof(told)}, option=orjson.OPT_INDENT_2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(folder / MANIFEST)
    sync(folder)


def _proof(told: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _private(path: Path) -> BinaryIO:
    """A new file that only its owner reads: what partners sent is in it."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")


class MissingError(Exception):
    """A vault cannot give a file's very bytes; this says why."""


def stream(vault: Vault, sha256: str) -> BinaryIO:
    """A file of a vault as a stream that is hashed on its way, for another vault; reading may raise MissingError."""
    return io.BufferedReader(_Stream(vault, sha256), _CHUNK)


class _Stream(io.RawIOBase):
    """The chunks of a file, to be read."""

    def __init__(self, vault: Vault, sha256: str) -> None:
        super().__init__()
        self._chunks = vault.chunks(sha256, _CHUNK)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # typeshed: any buffer
        if not self._left:
            try:
                self._left = memoryview(next(self._chunks, b""))
            except Unwritable:  # the vault is out of reach, not this file
                raise
            except Stop as why:
                raise MissingError(why.message) from why
        part = self._left[: len(buffer)]
        buffer[: len(part)] = part
        self._left = self._left[len(part) :]
        return len(part)


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        Stop: there is none, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        told = orjson.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise Stop(
            f"{folder} holds no backup: there is no {MANIFEST}",
            "A whole one has it: this is another folder, or its writing was broken off and is to be repeated.",
        ) from error
    except (OSError, orjson.JSONDecodeError) as error:
        raise damaged(path, "it cannot be read") from error
    try:
        backup = told["backup"]
        if _proof(backup) != told["sha256"]:
            raise damaged(path, "its content is not what was written")
        if backup["format"] != FORMAT:
            raise Stop(f"{path} is of format {backup['format']}", "Restore it with the gateway that made it.")
        parts = tuple(Part(**each) for each in backup.pop("tables"))
        return Manifest(tables=parts, content=Part(**backup.pop("content")), **backup)
    except (KeyError, TypeError) as error:
        raise damaged(path, "it is no manifest") from error


def damaged(path: Path, why: str) -> Stop:
    """What is said of a backup with a file that is not as it was written."""
    return Stop(
        f"the backup is damaged: {path}: {why}",
        "Use another backup; or, where the original still stands, remove this one and make it again.",
    )


def lines_of(folder: Path, part: Part) -> Iterator[bytes]:
    """The lines of a file of the backup."""
    with gzip.open(folder / part.file) as file:
        yield from file


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
