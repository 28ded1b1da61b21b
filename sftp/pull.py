"""From a folder at a partner's server to arrivals: listed, settled, fetched, handed over, and only then removed there.

    list     files under a final name that match a pattern
    settled  the same size and time in two listings, far enough apart on our own clock; or a marker lies beside it
    fetch    into the stage; what breaks off is gone on with
    whole    an open envelope waits, in case the partner is still sending
    take     the receiver's own transaction: the arrival and, with it, that the file was taken
    remove   or move, there; that it is about to be done was noted before
    forget   it is gone there

What was taken is known by name, size and time: with `leave` it stays so; there is no mark in time, so that a file that
comes late with an old time is not lost. Where files are removed, one that comes back just as it was is a new one.

A crash at any point loses nothing and doubles nothing: the arrival's id is made of what the file is known by, and what
was about to be removed is compared with what was taken before it is removed after all.
"""

from __future__ import annotations

import fcntl
import fnmatch
import hashlib
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from sftp.arrival import Arrival
from sftp.awaited import have_lain, unmarked, unnamed
from sftp.complete import whole_file
from sftp.counts import so_many
from sftp.errors import Changed, Reject, Retry
from sftp.folders import make
from sftp.names import is_temporary, shown, without_temporary
from sftp.scanning import matching
from sftp.transfer import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from sftp.client import Client, Found
    from sftp.transfer import Fetched

_TAKEN_PER_TURN = 64  # so that one folder's thousands do not keep the connection's others waiting
_REMOVED_TOGETHER = 16
_NAME_BYTES_MAX = 255
_LYING_MAX = 1000  # they are remembered with the folder, at each look
LEAVE, DELETE, MOVE = "leave", "delete", "move"
LANDED, REMOVING = "landed", "removing"


@dataclass(frozen=True, slots=True)
class Watch:
    """One folder at a partner's server: `folder` as it is named there; without a slash before it, from our home.

    `after` is what is done there with a file that was taken: ``leave``, ``delete``, or ``move`` into the folder
    `move_to`. `settle_seconds` is how long a file must look the same; with `marker`, such as ``.done``, a file is taken
    when one of its name and that ending lies beside it. `stage` is a folder of ours for this source alone.
    """

    source: str
    folder: str
    stage: Path
    partner: str | None = None
    patterns: tuple[str, ...] = ("*",)
    after: str = LEAVE
    move_to: str = ""
    settle_seconds: float = 5.0
    marker: str = ""
    partial_after_seconds: float = 900.0
    file_bytes_max: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was taken and may still be there: known by `key`; its `state` is ``landed`` or ``removing``."""

    key: str
    name: str
    sha256: str
    state: str = LANDED


class Ledger(Protocol):
    """Who receives what is pulled from one source, and remembers it durably."""

    def taken(self) -> dict[str, Taken]:
        """What was taken and may still be there, by key."""

    def times(self, key: str) -> int:
        """How many arrivals of that key there have been: ids ``key``, ``key.2``, ``key.3``."""

    def take(self, arrival: Arrival, taken: Taken) -> None:
        """Make both durable, or neither, before returning. Idempotent by the arrival's id.

        Raises:
            Changed: other bytes are kept under that id.
        """

    def note(self, taken: Sequence[Taken]) -> None:
        """Remember these as they are now."""

    def forget(self, keys: Iterable[str]) -> None:
        """They are not there any more, by our own doing."""

    def gone(self, keys: Iterable[str]) -> None:
        """They are not listed, which was not our doing: to be forgotten some day."""

    def alive(self) -> None:
        """Called often: who does this work is still at it. What it raises ends the turn."""


@dataclass(slots=True)
class Turn:
    """What one look at a folder brought: `listed` files, of which some are `waiting` to be taken, and what was wrong.

    `more` says that it should be looked again at once, `again_seconds` when something will have settled. `oldest` is
    the time of the oldest file that is still to be taken.
    """

    listed: int = 0
    taken: int = 0
    removed: int = 0
    waiting: int = 0
    standing: int = 0
    """Taken, and still to be removed."""
    oldest: int | None = None
    more: bool = False
    again_seconds: float | None = None
    problems: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    """Files whose envelope was found not to be closed in this look; they wait, which is said once of each."""
    lying: str = ""
    """Of files that only their sender can finish, and that have long been there: said once of each."""


@dataclass(frozen=True, slots=True)
class _Seen:
    look: tuple[int, int]
    since: float


def key_of(source: str, found: Found) -> str:
    """What a file is known by, and what its arrival's id is made of."""
    text = "\0".join((source, found.name, str(found.size), str(found.modified)))
    return "p_" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:40]


class Pull:
    """One folder that is looked at again and again. One thread at a time; what has settled is remembered in between."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: dict[str, _Seen] = {}
        self._open: dict[str, float] = {}
        """Until when files wait whose envelope is not closed, by key."""
        self._lying: dict[str, float] = {}
        """When files are told of that only their sender can finish, by key; infinite once they were."""

    def held(self) -> dict[str, float]:
        """For how many seconds more files wait whose envelope is not closed, by key."""
        now = self._monotonic()
        return {key: until - now for key, until in self._open.items()}

    def lying(self) -> dict[str, float | None]:
        """In how many seconds files are told of that only their sender can finish, by key; None once they were."""
        now = self._monotonic()
        return {key: None if at == math.inf else at - now for key, at in self._lying.items()}

    def go_on(self, held: Mapping[str, float], lying: Mapping[str, float | None]) -> None:
        """Let files go on waiting from where another process stopped: what it said of them, less what has passed."""
        now = self._monotonic()
        self._open |= {key: now + seconds for key, seconds in held.items()}
        self._lying |= {key: math.inf if seconds is None else now + seconds for key, seconds in lying.items()}

    def turn(self, client: Client, watch: Watch, ledger: Ledger) -> Turn:
        """Look once: take what is ready, and have removed what was taken.

        Raises:
            Retry: the connection broke off, or the store is busy. All goes on where it stopped.
            Stop: a person must act.
            Reject: the folder cannot be listed.
        """
        make(watch.stage)
        turn = Turn()
        listed = client.listing(watch.folder, came=ledger.alive)
        files = self._files(listed, watch, turn)
        keys = {key_of(watch.source, each): each for each in files}
        taken = ledger.taken()
        self._tidy(watch, keys)
        away = taken.keys() - keys.keys()
        removed = {key for key in away if taken[key].state == REMOVING}  # and we were stopped before that was noted
        if removed:
            ledger.forget(removed)
        ledger.gone(away - removed)
        waiting = [(key, each) for key, each in keys.items() if key not in taken]
        names = {each.name for each in listed}
        turn.lying = self._told_of(watch, sorted(_lacking(watch, listed, waiting, names))[:_LYING_MAX])
        for key, found in self._ready(watch, waiting, names, turn):
            if turn.taken >= _TAKEN_PER_TURN:
                turn.more = True
                break
            ledger.alive()
            with _told(turn, found.name):
                one = self._take(client, watch, ledger, key, found, turn)
                taken |= {one.key: one} if one is not None else {}
        left = [each for key, each in keys.items() if key not in taken]
        turn.waiting, turn.oldest = len(left), min((each.modified for each in left), default=None)
        if watch.after != LEAVE:
            here = [(taken[key], each) for key, each in keys.items() if key in taken]
            self._remove(client, watch, ledger, here, turn)
        return turn

    # List and settle ---------------------------------------------------------------------------------------------

    def _files(self, listed: Sequence[Found], watch: Watch, turn: Turn) -> list[Found]:
        """The files that are meant, in the order of their times."""
        files = []
        for each in listed:
            if not each.is_file or is_temporary(each.name) or (watch.marker and each.name.endswith(watch.marker)):
                continue
            if not any(fnmatch.fnmatchcase(each.name, pattern) for pattern in watch.patterns):
                continue
            refused = _why_refused(each, watch)
            if refused:
                turn.problems.append(f"{shown(each.name)[:200]} is not taken: {refused}")
            else:
                files.append(each)
        turn.listed = len(files)
        return sorted(files, key=lambda each: (each.modified, each.name))

    def _ready(
        self, watch: Watch, waiting: Sequence[tuple[str, Found]], names: set[str], turn: Turn
    ) -> list[tuple[str, Found]]:
        """What has settled, or is marked; of the others it is remembered how they look."""
        now = self._monotonic()
        seen: dict[str, _Seen] = {}
        ready = []
        for key, each in waiting:
            known = self._seen.get(each.name)
            seen[each.name] = known if known is not None and known.look == each.look else _Seen(each.look, now)
            if watch.marker:
                is_ready = each.name + watch.marker in names
                left = None
            else:
                left = seen[each.name].since + watch.settle_seconds - now
                is_ready = left <= 0
            held_until = self._open.get(key, now)
            if is_ready and held_until > now:
                left, is_ready = held_until - now, False
            if is_ready:
                ready.append((key, each))
            elif left is not None:
                turn.again_seconds = min(left, turn.again_seconds if turn.again_seconds is not None else left)
        self._seen = seen
        keys = {key for key, _ in waiting}
        self._open = {key: until for key, until in self._open.items() if key in keys}
        return ready

    def _told_of(self, watch: Watch, lacking: Sequence[tuple[str, str, str]]) -> str:
        """What is said now of files that only their sender can finish, given by name, what they lack, and key."""
        now = self._monotonic()
        at = now + watch.partial_after_seconds
        self._lying = {key: self._lying.get(key, at) for _, _, key in lacking}
        late = [each for each in lacking if self._lying[each[2]] <= now]
        self._lying |= {key: math.inf for _, _, key in late}
        return have_lain([each[:2] for each in late], watch.source, watch.partial_after_seconds) if late else ""

    def _tidy(self, watch: Watch, keys: dict[str, Found]) -> None:
        """Parts of files that are not there any more."""
        for path in watch.stage.iterdir():
            if path.name.partition(".")[0] not in keys:
                path.unlink(missing_ok=True)

    # Take --------------------------------------------------------------------------------------------------------

    def _take(
        self, client: Client, watch: Watch, ledger: Ledger, key: str, found: Found, turn: Turn
    ) -> Taken | None:  # fmt: skip
        """Fetch one file and hand it over; None when it is not to be taken yet."""
        times = ledger.times(key)
        if times and watch.after == LEAVE:  # taken before it was forgotten that it was
            ledger.note([one := Taken(key, found.name, "")])
            return one
        arrival = key if not times else f"{key}.{times + 1}"
        with _part(watch, arrival) as part:
            fetched = self._fetched(client, watch, ledger, found, part)
            whole = whole_file(part.fileno())
            if whole is False and self._is_held(watch, key, found, turn):
                return None
            one = Taken(key, found.name, fetched.sha256)
            path = watch.stage / arrival
            ledger.take(
                Arrival(arrival, watch.source, watch.partner, found.name, path, found.size, fetched.sha256, whole), one
            )
            path.unlink(missing_ok=True)
        turn.taken += 1
        self._open.pop(key, None)
        return one

    def _fetched(self, client: Client, watch: Watch, ledger: Ledger, found: Found, part: BinaryIO) -> Fetched:
        try:
            return fetch(client, _at(watch, found.name), found, part, came=ledger.alive, monotonic=self._monotonic)
        except Changed:
            self._seen.pop(found.name, None)  # it settles anew
            part.truncate(0)
            raise

    def _is_held(self, watch: Watch, key: str, found: Found, turn: Turn) -> bool:
        """Whether a file whose envelope is not closed waits for more; marked ones do not."""
        now = self._monotonic()
        until = self._open.setdefault(key, self._seen[found.name].since + watch.partial_after_seconds)
        if watch.marker or until <= now:
            return False
        turn.again_seconds = min(until - now, turn.again_seconds if turn.again_seconds is not None else until - now)
        waits = f"it waits for another {until - now:.0f} s, in case more comes"
        turn.incomplete.append(f"{shown(found.name)}: its envelope is not closed; {waits}")
        return True

    # Remove ------------------------------------------------------------------------------------------------------

    def _remove(
        self, client: Client, watch: Watch, ledger: Ledger, here: Sequence[tuple[Taken, Found]], turn: Turn
    ) -> None:  # fmt: skip
        """Have removed, or moved, what was taken; before, what may be another file is told from what was taken."""
        certain = []
        for one, found in here:
            if one.state == LANDED:
                certain.append((one, found))
                continue
            with _told(turn, found.name):
                if self._is_the_same(client, watch, ledger, one, found):
                    certain.append((one, found))
                else:
                    ledger.forget([one.key])  # another one: it is taken in the next turn
                    turn.more = True
        for start in range(0, len(certain), _REMOVED_TOGETHER):
            self._remove_together(client, watch, ledger, certain[start : start + _REMOVED_TOGETHER], turn)

    def _is_the_same(self, client: Client, watch: Watch, ledger: Ledger, one: Taken, found: Found) -> bool:
        """Whether a file that was about to be removed when we were stopped is what was taken, and not a later one.

        Name, size and time are the same, but there are servers and senders whose times say nothing.
        """
        if not one.sha256:
            return True  # it was taken when nothing was to be removed
        name = f"{one.key}.proof"
        with _part(watch, name) as part:
            sha256 = self._fetched(client, watch, ledger, found, part).sha256
            (watch.stage / name).unlink(missing_ok=True)
        return sha256 == one.sha256

    def _remove_together(
        self, client: Client, watch: Watch, ledger: Ledger, batch: Sequence[tuple[Taken, Found]], turn: Turn
    ) -> None:  # fmt: skip
        ledger.note([replace(one, state=REMOVING) for one, _ in batch])
        done: list[str] = []
        left: list[Taken] = [replace(one, state=LANDED) for one, _ in batch]
        try:
            for one, found in batch:
                ledger.alive()
                left = left[1:]
                try:
                    self._remove_one(client, watch, found)
                except Reject as refusal:
                    turn.standing += 1
                    why = _why_standing(watch, refusal)
                    turn.problems.append(f"{shown(found.name)} was taken, and cannot be {why}")
                    left.append(replace(one, state=LANDED))
                else:
                    done.append(one.key)
        finally:
            ledger.forget(done)
            ledger.note(left)
        turn.removed += len(done)

    def _remove_one(self, client: Client, watch: Watch, found: Found) -> None:
        path = _at(watch, found.name)
        now = client.stat(path)
        if watch.marker:
            _absent_is_fine(client.remove, path + watch.marker)
        if now is None or now.look != found.look:
            return  # gone, or another one: that one is taken first
        if watch.after == DELETE:
            _absent_is_fine(client.remove, path)
            return
        client.rename(path, _free(client, watch, found.name))


def _lacking(
    watch: Watch, listed: Sequence[Found], waiting: Sequence[tuple[str, Found]], names: set[str]
) -> Iterator[tuple[str, str, str]]:  # fmt: skip
    """Files that only their sender can finish: their names, what they lack, and their keys.

    A hidden file may be anybody's there.
    """
    is_wanted = matching(watch.patterns)
    for each in listed:
        if each.is_file and is_temporary(each.name):
            why = unnamed(each.name, without_temporary(each.name), is_wanted)
            if why:
                yield each.name, why, key_of(watch.source, each)
    for key, each in waiting if watch.marker else ():
        why = unmarked(each.name + watch.marker, names)
        if why:
            yield each.name, why, key


def _free(client: Client, watch: Watch, name: str) -> str:
    """A name in the folder of what was taken that is not in use: nothing is replaced there."""
    folder = _moved_to(watch)
    target = f"{folder}/{name}"
    for number in range(2, 1000):
        if client.stat(target) is None:
            return target
        target = f"{folder}/{name}~{number}"
    raise Reject("failure", f"there are a thousand files {shown(name)} in {shown(folder)} already")


def _moved_to(watch: Watch) -> str:
    return watch.move_to if watch.move_to.startswith("/") else _at(watch, watch.move_to)


def _why_standing(watch: Watch, refusal: Reject) -> str:
    if watch.after != MOVE:
        return f"deleted there: {refusal.message}"
    if refusal.code != "no such file":
        return f"moved there: {refusal.message}"
    return f"moved there: the folder {shown(_moved_to(watch))} is not there; make it, or have the partner make it"


def _absent_is_fine(remove: Callable[[str], None], path: str) -> None:
    try:
        remove(path)
    except Reject as refusal:
        if refusal.code != "no such file":
            raise


def _at(watch: Watch, name: str) -> str:
    return f"{watch.folder.rstrip('/')}/{name}"


def _why_refused(found: Found, watch: Watch) -> str | None:
    """Why a file of that name and size is not touched; what a server says is foreign input."""
    if not found.name or "/" in found.name or found.name in (".", ".."):
        return "this is not the name of a file"
    if any(ord(char) < 32 or ord(char) == 127 for char in found.name):
        return "its name holds a control character"
    if len(found.name.encode("utf-8", "surrogateescape")) > _NAME_BYTES_MAX:
        return f"its name is longer than {_NAME_BYTES_MAX} bytes"
    if found.size < 0:
        return "the server does not say how large it is"
    if watch.file_bytes_max is not None and found.size > watch.file_bytes_max:
        return f"it has {so_many(found.size, 'byte')}, and at most {watch.file_bytes_max} are taken"
    return None


@contextmanager
def _told(turn: Turn, name: str) -> Iterator[None]:
    """What is wrong with one file is kept, and stops no other."""
    try:
        yield
    except Changed:  # it settles anew
        turn.again_seconds = 1.0
    except Reject as refusal:
        turn.problems.append(f"{shown(name)} cannot be read: {refusal.message}")


@contextmanager
def _part(watch: Watch, name: str) -> Iterator[BinaryIO]:
    """A file of the stage, for one process at a time."""
    with (watch.stage / name).open("a+b") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Retry(f"{watch.source} is being read by another process") from error
        yield part
