"""Outboxes: an acknowledgment becomes a file that its partner sees, once, whenever and however often we are killed.

    outgoing/<name>.<id>.<token>    written and synced: no partner sees this folder
    the store: staged               from now on the file is renamed, and never written again
    outbox/<name>                   renamed: whole at once
    the store: sent

Who finds an acknowledgment staged and its file not in outgoing/ knows that the rename was done, even if the partner has
taken the file away since. The token in the name keeps one who lost his lease, and does not know it yet, from touching
the file of his successor.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.observations import ACKNOWLEDGMENT_SENT, ACKNOWLEDGMENT_WAITS
from gateway.store import outgoing as store
from gateway.store import row_leases
from gateway.store.folders import make, sync

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.model import Activity
    from gateway.store.database import Database
    from gateway.store.outgoing import Outgoing

OUTBOX, OUTGOING = "outbox", "outgoing"


@dataclass(frozen=True, slots=True)
class Outboxes:
    """Where the partners' folders are, and the store that says what is to be put there."""

    database: Database
    drops: Path


def send(outboxes: Outboxes, leased: Sequence[Outgoing]) -> None:
    """Put leased acknowledgments into the outboxes of their partners. What cannot be is put off; the others go on.

    Raises:
        Retry: the store is busy.
        Stop: the store cannot be written.
    """
    round_ = _Round(outboxes)
    round_.stage([each for each in leased if each.staged is None])
    round_.staged += [(each, each.staged) for each in leased if each.staged is not None]
    round_.show()
    round_.finish()


class _Round:
    """Some acknowledgments on their way together: a folder is synced, and the store written, once for all of them."""

    def __init__(self, outboxes: Outboxes) -> None:
        self._database = outboxes.database
        self._drops = outboxes.drops
        self.staged: list[tuple[Outgoing, int]] = []
        """With the token under which the file was written."""
        self.done: list[Outgoing] = []
        self.failed: dict[int, tuple[Outgoing, str]] = {}

    def stage(self, leased: Sequence[Outgoing]) -> None:
        """Write the files that are not in the outbox yet out of the partner's sight."""
        written = []
        for each in leased:
            with self._told(each):
                if self._is_there(each):
                    self.done.append(each)
                else:
                    self._write(each)
                    written.append(each)
        written = self._synced(OUTGOING, written)
        if not written:
            return
        with self._database.write() as transaction:
            held = [each for each in written if store.stage(transaction, each)]
        self.staged += [(each, each.token) for each in held]
        for each in set(written) - set(held):
            self._path(each, each.token).unlink(missing_ok=True)

    def show(self) -> None:
        """Rename what is staged into the outbox; what is not there any more was renamed before."""
        shown = []
        for each, token in self.staged:
            with self._told(each):
                self._make_folders(each)
                self._rename(self._path(each, token), self._drops / each.partner / OUTBOX / each.name)
                shown.append(each)
        self.done += self._synced(OUTBOX, shown)

    def finish(self) -> None:
        """Note what was sent, and what was not and why."""
        if not self.done and not self.failed:
            return
        with self._database.write() as transaction:
            for each in self.done:
                if store.sent(transaction, each):
                    transaction.tell(_sent(each))
            for each, reason in self.failed.values():
                pause = row_leases.pause(each.tries)
                if store.put_off(transaction, each, seconds=pause, problem=reason) and reason != each.problem:
                    transaction.tell(
                        ACKNOWLEDGMENT_WAITS(**_who(each), kind=each.kind, number=each.number, reason=reason)
                    )
        for each in self.done:
            self._sweep(each)

    def _is_there(self, each: Outgoing) -> bool:
        """Whether the file is in the outbox already.

        Raises:
            FileExistsError: another file has its name.
        """
        path = self._drops / each.partner / OUTBOX / each.name
        if not path.exists():
            return False
        if path.read_bytes() == self._content(each):
            return True
        raise FileExistsError(None, f"another file lies there as {each.name}; move it away")

    def _write(self, each: Outgoing) -> None:
        path = self._path(each, each.token)
        self._make_folders(each)
        try:
            with path.open("wb") as file:
                file.write(self._content(each))
                file.flush()
                os.fsync(file.fileno())
        except OSError:  # never synced again: the kernel may have dropped the pages while the next sync reports success
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise

    def _make_folders(self, each: Outgoing) -> None:
        home = self._drops / each.partner
        for folder in (home / OUTBOX, home / OUTGOING):
            make(folder)

    def _rename(self, path: Path, target: Path) -> None:
        try:
            path.rename(target)
        except FileNotFoundError:
            if path.exists():  # it is not the file that is missing
                raise

    def _synced(self, folder: str, files: Iterable[Outgoing]) -> list[Outgoing]:
        """Sync that folder of each partner; the files of those where that succeeded."""
        synced: list[Outgoing] = []
        files = list(files)
        for partner in dict.fromkeys(each.partner for each in files):
            theirs = [each for each in files if each.partner == partner]
            try:
                sync(self._drops / partner / folder)
            except OSError as error:
                self.failed |= {each.id: (each, _reason(error)) for each in theirs}
            else:
                synced += theirs
        return synced

    def _sweep(self, each: Outgoing) -> None:
        """Take away what tries left behind that wrote the file and did not get to renaming it."""
        with suppress(OSError):
            for left in (self._drops / each.partner / OUTGOING).glob(f"{each.name}.{each.id}.*"):
                left.unlink(missing_ok=True)

    def _content(self, each: Outgoing) -> bytes:
        with self._database.read() as connection:
            return store.content(connection, each)

    def _path(self, each: Outgoing, token: int) -> Path:
        return self._drops / each.partner / OUTGOING / f"{each.name}.{each.id}.{token}"

    @contextmanager
    def _told(self, each: Outgoing) -> Iterator[None]:
        """What goes wrong with one file is kept, and stops no other."""
        try:
            yield
        except OSError as error:
            self.failed[each.id] = (each, _reason(error))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _sent(each: Outgoing) -> Activity:
    """The line of an acknowledgment that was sent."""
    answered = f"interchange {each.interchange}"
    if each.group is not None:
        answered = f"group {each.group} of {answered}"
    return ACKNOWLEDGMENT_SENT(
        **_who(each),
        kind=each.kind,
        number=each.number,
        answered=answered,
        disposition=each.disposition.replace("_", " ") + (", once more" if each.again else ""),
        name=each.name,
    )


def _who(each: Outgoing) -> dict[str, str | None]:
    return {"integration": each.integration, "partner": each.partner, "delivery": each.delivery_id}
