"""A backup: the store as of one moment, and every file of the vault that it names, in a folder that proves itself.

    backup/
      manifest.json           what belongs to it, each with its SHA-256; written last, by a rename
      store-b_01m7…/          the store's tables, one file each: lines of JSON, compressed
      vault/ab/cd/<sha256>    raw files

Workers, senders and readers go on meanwhile. The store is read in one snapshot, on SQLite and PostgreSQL alike, by this
program alone: the rows are the same on both, so that a backup of one can be restored into the other. What the vault
must have is copied before the snapshot and once more behind it, so that nothing is missing that the snapshot names.

A folder holds one backup. The next one into the same folder copies only what is new of the vault; until its manifest is
in place, the one before it counts. Without a manifest there is no backup.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from gateway.errors import Stop
from gateway.repair.manifest import MANIFEST, Manifest, MissingError, stream, write_manifest, write_part
from gateway.store import audit, copying, revisions
from gateway.store.database import Unwritable, stamp
from gateway.store.folders import sync
from gateway.store.local import LocalVault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gateway.store.copying import Content
    from gateway.store.database import Database
    from gateway.store.vault import Vault

_CONTENT = "vault.jsonl.gz"
_LOCK = ".backup.lock"
_OURS = (MANIFEST, _LOCK, "vault", "store-", f"{MANIFEST}.part")


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was made: its manifest, and how many files and bytes of the vault were new."""

    manifest: Manifest
    files: int
    size: int


def take(database: Database, vault: Vault, folder: Path, *, id: str, who: str) -> Taken:  # noqa: A002 - what it is
    """Make a backup in `folder`, or bring the one that is there up to date; durable when it returns.

    Raises:
        Stop: the folder cannot be written or holds something else; the vault is out of reach. What was there counts.
        Retry: the store does not answer.
    """
    try:
        with _held(folder):
            with database.write() as transaction:
                audit.write(transaction, "backed_up", f"backup {id}", who=who)
            target = LocalVault(_for_us_alone(folder / "vault"))
            with database.read() as connection:
                early = list(copying.content(connection))
            copied = _Copying(vault, target)
            copied.bring(early)
            manifest = _store(database, folder, id, copied)
            write_manifest(folder, manifest)
            _tidy(folder, manifest, copied.names)
            return Taken(manifest, copied.files, copied.size)
    except OSError as error:
        raise Unwritable(
            f"the backup in {folder} cannot be written: {error.strerror}",
            "Make room there or check its permissions; a backup that was there before still counts.",
        ) from error


def _store(database: Database, folder: Path, name: str, copied: _Copying) -> Manifest:
    """Read the store in one snapshot, and bring what the vault has got since the first look."""
    into = folder / f"store-{name}"
    into.mkdir(mode=0o700)
    with database.read() as connection:
        taken_at = stamp(database.clock())
        parts = [
            write_part(folder, into / f"{table}.jsonl.gz", table, copying.lines(connection, table))
            for table in copying.names(connection)
        ]
        named = list(copying.content(connection))
        schema, head = copying.schema(connection), audit.head(connection)
        revision = revisions.current_name(connection)
    copied.bring(named)
    copied.names = {each.sha256 for each in named}
    missing = {each: why for each, why in copied.missing.items() if each in copied.names}
    listed = write_part(folder, into / _CONTENT, "vault", _content_lines(named))
    sync(into)
    return Manifest(name, taken_at, schema, revision, str(head), tuple(parts), listed, missing)


def _content_lines(named: Iterable[Content]) -> Iterator[bytes]:
    yield orjson.dumps(["sha256", "size"]) + b"\n"
    for each in named:
        yield orjson.dumps([each.sha256, each.size]) + b"\n"


class _Copying:
    """Brings files of a vault to another one, each once."""

    def __init__(self, source: Vault, target: LocalVault) -> None:
        self._source = source
        self._target = target
        self.names: set[str] = set()
        self.missing: dict[str, str] = {}
        self.files = 0
        self.size = 0

    def bring(self, named: Iterable[Content]) -> None:
        """Copy what the target does not have."""
        for each in named:
            if _is_there(self._target, each):
                continue
            try:
                self._target.put(stream(self._source, each.sha256))
            except MissingError as why:
                self.missing[each.sha256] = str(why)
            else:
                self.missing.pop(each.sha256, None)
                self.files += 1
                self.size += each.size


def _is_there(vault: LocalVault, content: Content) -> bool:
    path = vault.path(content.sha256)
    return path.exists() and path.stat().st_size == content.size


def _tidy(folder: Path, manifest: Manifest, names: set[str]) -> None:
    """Take away what only the backup before this one named: what was purged shall not live on in it."""
    for path in folder.glob("store-*"):
        if path.name != f"store-{manifest.id}":
            shutil.rmtree(path)
    for path in (folder / "vault").glob("??/??/*"):
        if path.name not in names:
            path.unlink()
    shutil.rmtree(folder / "vault" / "incoming", ignore_errors=True)


def _for_us_alone(folder: Path) -> Path:
    """The folder, which nobody else can look into, whatever the one around it allows."""
    if not folder.exists():
        folder.mkdir(mode=0o700)
        sync(folder.parent)
    folder.chmod(0o700)
    return folder


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The folder for us alone.

    Raises:
        Stop: another backup is being written there, or it holds something that is none.
    """
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        sync(folder.parent)
    others = [path.name for path in folder.iterdir() if not path.name.startswith(_OURS)]
    if others:
        raise Stop(
            f"the folder {folder} holds something that is no backup: {', '.join(sorted(others)[:3])}",
            "Name a folder of its own; it is made.",
        )
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stop(f"another backup is being written into {folder}", "Wait for its end.") from None
        yield
    finally:
        os.close(lock)
