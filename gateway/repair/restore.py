"""A backup checked, and restored into an empty store and vault: all of it, or nothing in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from gateway.errors import Stop
from gateway.repair.manifest import MissingError, damaged, lines_of, read_manifest, sha256_of, stream
from gateway.store import acknowledgments, audit, copying
from gateway.store.copying import Content
from gateway.store.local import LocalVault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.repair.manifest import Manifest
    from gateway.store.database import Database
    from gateway.store.vault import Vault


def checked(folder: Path) -> Manifest:
    """The manifest of a backup whose every file is there and has its hash; the files of the vault are not read.

    Raises:
        Stop: it is no backup, it was broken off, or a file of it is damaged; the message names the file.
    """
    manifest = read_manifest(folder)
    for part in (*manifest.tables, manifest.content):
        path = folder / part.file
        try:
            whole = path.stat().st_size == part.size and sha256_of(path) == part.sha256
        except OSError as error:
            raise damaged(path, error.strerror or "it cannot be read") from error
        if not whole:
            raise damaged(path, "its bytes are not those that were written")
    return manifest


def check_content(folder: Path, manifest: Manifest) -> int:
    """Read every file of the vault of a backup; how many there are.

    Raises:
        Stop: one is damaged; the message names it.
    """
    vault, files = LocalVault(folder / "vault"), 0
    for each in _content(folder, manifest):
        try:
            vault.verify(each.sha256)
        except Stop as why:
            raise damaged(vault.path(each.sha256), why.message) from why
        files += 1
    return files


def files_in_force(folder: Path, manifest: Manifest) -> dict[str, str] | None:
    """The files of the workspace as they were applied last, path → text; None where nothing ever was."""
    part = next(each for each in manifest.tables if each.name == "revision")
    newest = max(copying.rows_of(lines_of(folder, part)), key=lambda row: int(row["number"]), default=None)
    files: dict[str, str] | None = orjson.loads(newest["files"]) if newest is not None else None
    return files


def _content(folder: Path, manifest: Manifest) -> Iterator[Content]:
    for row in copying.rows_of(lines_of(folder, manifest.content)):
        if row["sha256"] not in manifest.missing:
            yield Content(row["sha256"], row["size"])


def restore(database: Database, vault: Vault, folder: Path, manifest: Manifest, *, who: str) -> int:
    """Write a checked backup into a new store and its vault; how many files the vault got.

    The vault first, then the store in one transaction: a restore that was broken off is begun again.

    Raises:
        Stop: the store is not empty or has another shape; a file of the backup is damaged.
    """
    with database.read() as connection:
        if not copying.is_empty(connection):
            raise _not_empty(database)
        here = copying.schema(connection)
    if here != manifest.schema:
        raise Stop(
            f"the backup was made with tables of version {manifest.schema}, and this gateway's have version {here}",
            "Restore it with the version of the gateway that made it; a newer one brings the store up to date then.",
        )
    files = _restore_content(vault, folder, manifest)
    with database.write() as transaction:
        copying.empty(transaction)
        contracts = next(each for each in manifest.tables if each.name == "contract")
        copying.make_records(transaction, copying.rows_of(lines_of(folder, contracts)))
        for part in manifest.tables:
            rows = copying.write(transaction, part.name, lines_of(folder, part))
            if rows != part.rows:
                raise damaged(folder / part.file, f"it has {rows} rows and not {part.rows}")
        copying.set_going(transaction)
        acknowledgments.skip_numbers(transaction)
        audit.write(transaction, "restored", f"backup {manifest.id}", who=who, taken_at=manifest.taken_at)
    return files


def _not_empty(database: Database) -> Stop:
    where = database.path if database.path is not None else "on the PostgreSQL server"
    return Stop(
        f"the store {where} is not empty",
        "A backup is restored into a new store alone: name another one in store:, or move this one away.",
    )


def _restore_content(vault: Vault, folder: Path, manifest: Manifest) -> int:
    source, files = LocalVault(folder / "vault"), 0
    for each in _content(folder, manifest):
        try:
            vault.put(stream(source, each.sha256))
        except MissingError as why:
            raise damaged(source.path(each.sha256), str(why)) from why
        files += 1
    return files
