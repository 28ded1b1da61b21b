"""What goes out becomes a file that its partner sees, once, whenever and however often we are killed.

    outgoing/<name>.<id>.<token>    written and synced: no partner sees this folder
    the store: staged               from now on the file is renamed, and never written again
    outbox/<name>                   renamed: whole at once
    the store: sent

Who finds a file staged and not in outgoing/ knows that the rename was done, even if the partner has taken it away
since. The token in the name keeps one who lost his lease, and does not know it yet, from touching the file of his
successor.

A `Place` does these steps for one partner: in the folders behind our SFTP server (`Folders`), on his own server, or by
mail, which knows none but the last.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.observations import ACKNOWLEDGMENT_SENT, ACKNOWLEDGMENT_WAITS, LETTER_SENT, LETTER_WAITS, SENDING_FAILED
from gateway.store import outgoing as store
from gateway.store import row_leases
from gateway.store.folders import make, sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.model import Activity
    from gateway.store.database import Database, Transaction
    from gateway.store.outgoing import Outgoing

OUTBOX, OUTGOING = "outbox", "outgoing"
PURGED = "its content was purged meanwhile"
"""Why a file of no bytes is not sent: nothing that is written for a partner is empty."""


class Place(Protocol):
    """Where the files of one partner are put; made for one round and closed at its end.

    Every method but `close` may raise OSError: the files that it concerns are put off, with its text as the reason, and
    a later round tries again. A name that is hidden is out of the partner's sight.
    """

    @property
    def where(self) -> str:
        """For the log, behind "cannot be put" and in front of "is": ``in the outbox``."""

    def has(self, name: str, content: bytes) -> bool:
        """Whether the file is there already. FileExistsError: another one has its name."""

    def write(self, hidden: str, content: bytes) -> None:
        """Write a file under a hidden name."""

    def sync_hidden(self) -> None:
        """When this returns, what was written is there for good."""

    def show(self, hidden: str, name: str) -> None:
        """Rename a file to the name that the partner sees; one that is not there any more was renamed before."""

    def sync_shown(self) -> None:
        """When this returns, what was renamed is there for good."""

    def sweep(self, start: str) -> None:
        """Take away hidden files whose names start so: tries left them that did not get to renaming."""

    def close(self) -> None:
        """The round is over."""


class Folders:
    """The folders of a partner behind our SFTP server."""

    where = "in the outbox"

    def __init__(self, home: Path) -> None:
        self._outbox = home / OUTBOX
        self._outgoing = home / OUTGOING

    def has(self, name: str, content: bytes) -> bool:
        """As `Place`."""
        path = self._outbox / name
        if not path.exists():
            return False
        if path.read_bytes() == content:
            return True
        raise FileExistsError(None, f"another file lies there as {name}; move it away")

    def write(self, hidden: str, content: bytes) -> None:
        """As `Place`."""
        self._make()
        path = self._outgoing / hidden
        try:
            with path.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:  # never synced again: the kernel may have dropped the pages while the next sync reports success
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise

    def sync_hidden(self) -> None:
        """As `Place`."""
        sync(self._outgoing)

    def show(self, hidden: str, name: str) -> None:
        """As `Place`."""
        self._make()
        path = self._outgoing / hidden
        try:
            path.rename(self._outbox / name)
        except FileNotFoundError:
            if path.exists():  # it is not the file that is missing
                raise

    def sync_shown(self) -> None:
        """As `Place`."""
        sync(self._outbox)

    def sweep(self, start: str) -> None:
        """As `Place`."""
        for left in self._outgoing.iterdir():
            if left.name.startswith(start):
                left.unlink(missing_ok=True)

    def close(self) -> None:
        """As `Place`."""

    def _make(self) -> None:
        for folder in (self._outbox, self._outgoing):
            make(folder)


@dataclass(frozen=True, slots=True)
class Outboxes:
    """The store that says what is to be sent, and where the files of a partner are put."""

    database: Database
    place_of: Callable[[str], Place]
    """By the partner's name. An OSError puts all of his files off."""
    pause: Callable[[int], float] = row_leases.pause
    tries_max: int | None = None
    """After so many tries a file is not sent any more, but kept; None: it always is."""


def send(outboxes: Outboxes, leased: Sequence[Outgoing]) -> None:
    """Put leased files where their partners find them. What cannot be is put off; the others go on.

    Raises:
        Retry: the store is busy.
        Stop: the store cannot be written.
    """
    with ExitStack() as stack:
        _Round(outboxes, stack, {}).go(leased)


def send_singly(outboxes: Outboxes, take: Callable[[], Sequence[Outgoing]], *, most: int) -> int:
    """Send what `take` leases, one file, until it leases none or `most` are done; how many were taken.

    Each is noted before the next one is taken: whoever is killed, or is slow, leaves one of which nobody knows whether
    its partner has it, where `send` leaves all of its round.

    Raises:
        Retry, Stop: as of `send`.
    """
    with ExitStack() as stack:
        places: dict[str, Place] = {}
        for done in range(most):
            leased = take()
            if not leased:
                return done
            _Round(outboxes, stack, places).go(leased)
    return most


class _Round:
    """Some files on their way together: a folder is synced, and the store written, once for all of them."""

    def __init__(self, outboxes: Outboxes, stack: ExitStack, places: dict[str, Place]) -> None:
        self._database = outboxes.database
        self._outboxes = outboxes
        self._stack = stack
        self._places = places
        self.staged: list[tuple[Outgoing, int]] = []
        """With the token under which the file was written."""
        self.done: list[Outgoing] = []
        self.failed: list[tuple[Outgoing, str]] = []

    def go(self, leased: Sequence[Outgoing]) -> None:
        """All of it."""
        self.stage([each for each in leased if each.staged is None])
        self.staged += [(each, each.staged) for each in leased if each.staged is not None]
        self.show()
        self.finish()

    def stage(self, leased: Sequence[Outgoing]) -> None:
        """Write the files that are not there yet out of the partner's sight."""
        written = []
        for each in leased:
            with self._told([each]):
                place, content = self._place(each), self._content(each)
                if place.has(each.name, content):
                    self.done.append(each)
                else:
                    place.write(each.hidden, content)
                    written.append(each)
        written = self._synced(written, lambda place: place.sync_hidden())
        if not written:
            return
        with self._database.write() as transaction:
            held = [each for each in written if store.stage(transaction, each)]
        self.staged += [(each, each.token) for each in held]
        for each in set(written) - set(held):
            with suppress(OSError):
                self._place(each).sweep(each.hidden)

    def show(self) -> None:
        """Rename what is staged; what is not there any more was renamed before."""
        shown = []
        for each, token in self.staged:
            with self._told([each]):
                self._place(each).show(f"{each.sweepings}{token}", each.name)
                shown.append(each)
        self.done += self._synced(shown, lambda place: place.sync_shown())

    def finish(self) -> None:
        """Note what was sent, and what was not and why."""
        if not self.done and not self.failed:
            return
        with self._database.write() as transaction:
            for each in self.done:
                if store.sent(transaction, each):
                    transaction.tell(_sent(each, self._place(each).where))
            for each, reason in self.failed:
                self._put_off(transaction, each, reason)
        for each in self.done:
            with suppress(OSError):
                self._place(each).sweep(each.sweepings)

    def _put_off(self, transaction: Transaction, each: Outgoing, reason: str) -> None:
        tries_max, pause = self._outboxes.tries_max, self._outboxes.pause(each.tries)
        place = self._places.get(each.partner)
        where = place.where if place is not None else "where it belongs"
        if tries_max is None or each.tries < tries_max:
            if store.put_off(transaction, each, seconds=pause, problem=reason) and reason != each.problem:
                transaction.tell(_waits(each, where, reason))
        elif store.give_up(transaction, each, problem=reason):
            failed = SENDING_FAILED(**_who(each), name=each.name, where=where, tries=each.tries, reason=reason)
            transaction.tell(failed)

    def _synced(self, files: Iterable[Outgoing], sync_of: Callable[[Place], None]) -> list[Outgoing]:
        """Sync the place of each partner; the files of those where that succeeded."""
        synced: list[Outgoing] = []
        files = list(files)
        for partner in dict.fromkeys(each.partner for each in files):
            theirs = [each for each in files if each.partner == partner]
            with self._told(theirs):
                sync_of(self._places[partner])
                synced += theirs
        return synced

    def _place(self, each: Outgoing) -> Place:
        place = self._places.get(each.partner)
        if place is None:
            place = self._places[each.partner] = self._outboxes.place_of(each.partner)
            self._stack.callback(place.close)
        return place

    def _content(self, each: Outgoing) -> bytes:
        with self._database.read() as connection:
            content = store.content(connection, each)
        if not content:
            raise OSError(None, PURGED)
        return content

    @contextmanager
    def _told(self, files: Sequence[Outgoing]) -> Iterator[None]:
        """What goes wrong with some files is kept, and stops no others."""
        try:
            yield
        except OSError as error:
            self.failed += [(each, error.strerror or str(error)) for each in files]


def _sent(each: Outgoing, where: str) -> Activity:
    """The line of a file that was sent."""
    said = each.acknowledges
    if said is None:
        return LETTER_SENT(**_who(each), name=each.name, where=where)
    answered = f"interchange {said.interchange}"
    if said.group is not None:
        answered = f"group {said.group} of {answered}"
    return ACKNOWLEDGMENT_SENT(
        **_who(each),
        kind=said.kind,
        number=said.number,
        answered=answered,
        disposition=said.disposition.replace("_", " ") + (", once more" if said.again else ""),
        name=each.name,
        where=where,
    )


def _waits(each: Outgoing, where: str, reason: str) -> Activity:
    """The line of a file that could not be sent."""
    said = each.acknowledges
    if said is None:
        return LETTER_WAITS(**_who(each), name=each.name, where=where, reason=reason)
    return ACKNOWLEDGMENT_WAITS(**_who(each), kind=said.kind, number=said.number, where=where, reason=reason)


def _who(each: Outgoing) -> dict[str, str | None]:
    return {"integration": each.integration, "partner": each.partner, "delivery": each.delivery_id}
