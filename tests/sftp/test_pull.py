"""Pulling from OpenSSH: what settles is taken once, whatever breaks or dies in between, and removed only then."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from sftp.client import connect
from sftp.errors import Changed, Reject, Retry
from sftp.pull import DELETE, LEAVE, MOVE, Pull, Taken, Turn, Watch
from tests.sftp.partner_server import PartnerServer, missing, partner_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from sftp.arrival import Arrival
    from sftp.client import Client

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
ORDERS = b"a;b\n1;2\n"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Memory:
    """A ledger that outlives every "process" of a test."""

    arrivals: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    standing: dict[str, Taken] = field(default_factory=dict)

    def taken(self) -> dict[str, Taken]:
        return dict(self.standing)

    def times(self, key: str) -> int:
        return sum(each == key or each.startswith(f"{key}.") for each in self.arrivals)

    def take(self, arrival: Arrival, taken: Taken) -> None:
        content = arrival.path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == arrival.sha256
        assert len(content) == arrival.size
        if self.arrivals.setdefault(arrival.id, (arrival.name, content))[1] != content:
            raise Changed("other bytes")
        self.standing[taken.key] = taken

    def note(self, taken: Sequence[Taken]) -> None:
        self.standing |= {each.key: each for each in taken}

    def forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.standing.pop(key, None)

    def gone(self, keys: Iterable[str]) -> None:
        pass

    def alive(self) -> None:
        pass

    def contents(self) -> list[tuple[str, bytes]]:
        return sorted(self.arrivals.values())


@dataclass
class Scene:
    """A partner's folder, what was taken from it, and who looks."""

    server: PartnerServer
    client: Client
    watch: Watch
    clock: Clock
    memory: Memory
    pull: Pull

    def put(self, name: str, content: bytes = ORDERS, *, modified: int = 1_700_000_000) -> Path:
        return self.server.put(f"{self.watch.folder.rpartition('/')[2]}/{name}", content, modified=modified)

    def turn(self, *, later: float = 0.0) -> Turn:
        self.clock.now += later
        return self.pull.turn(self.client, self.watch, self.memory)

    def until_quiet(self) -> None:
        """Two looks are what settling takes, a third one what is left over."""
        for _ in range(4):
            self.turn(later=10.0)

    def there(self, folder: str = "") -> list[str]:
        path = self.server.root / self.watch.folder.rpartition("/")[2] / folder
        return sorted(each.name for each in path.iterdir() if each.is_file())

    def names(self) -> list[str]:
        return [name for name, _ in self.memory.contents()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartnerServer]:
    with partner_server(tmp_path_factory.mktemp("partner") / "sshd") as one:
        yield one


@pytest.fixture
def scene(server: PartnerServer, tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    with connect(server.where) as client:

        def made(**options: Any) -> Scene:
            folder = server.root / tmp_path.name
            folder.mkdir(exist_ok=True)
            watch = Watch("sftp://acme-server/out", str(folder), tmp_path / "stage", **options)
            clock = Clock()
            return Scene(server, client, watch, clock, Memory(), Pull(monotonic=clock))

        yield made


# ── settled ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_taken_when_it_looked_the_same_long_enough_on_our_clock(scene: Callable[..., Scene]) -> None:
    here = scene()
    here.put("a.csv", modified=4_000_000_000)  # the partner's clock is of no interest
    first = here.turn()
    assert (first.listed, first.waiting, first.taken, first.again_seconds) == (1, 1, 0, 5.0)
    assert here.turn(later=4.9).taken == 0
    assert here.turn(later=0.1).taken == 1
    assert here.memory.contents() == [("a.csv", ORDERS)]


def test_a_file_that_grows_settles_anew(scene: Callable[..., Scene]) -> None:
    here = scene()
    here.put("a.csv", b"half")
    here.turn()
    here.put("a.csv", b"half and half")
    assert here.turn(later=5).taken == 0
    assert here.turn(later=5).taken == 1
    assert here.memory.contents() == [("a.csv", b"half and half")]


def test_a_marked_file_is_taken_at_once_and_others_are_not(scene: Callable[..., Scene]) -> None:
    here = scene(marker=".done", after=DELETE)
    for name in ("a.csv", "a.csv.done", "b.csv"):
        here.put(name)
    assert here.turn().taken == 1
    assert here.names() == ["a.csv"]
    assert here.there() == ["b.csv"]
    here.turn(later=10_000)
    assert here.names() == ["a.csv"]


def test_without_settling_a_file_is_taken_at_first_sight(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    here.put("a.csv")
    assert here.turn().taken == 1


def test_an_open_envelope_waits_and_is_taken_after_all(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=5.0, partial_after_seconds=100.0)
    here.put("a.xml", b"<orders><order/>")
    here.turn()
    waits = here.turn(later=5)
    assert waits.taken == 0
    assert waits.problems == []
    assert "envelope is not closed; it waits for another 95 s" in waits.incomplete[0]
    assert here.turn(later=90).taken == 0
    assert here.turn(later=5).taken == 1


def test_what_waits_for_its_end_waits_no_longer_when_another_process_goes_on(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0, partial_after_seconds=100.0)
    here.put("a.xml", b"<orders><order/>")
    here.turn()
    here.turn(later=40)
    held = here.pull.held()
    assert list(held.values()) == [60.0]
    here.pull = Pull(monotonic=here.clock)
    here.pull.go_on(held, {})
    still = here.turn(later=59)
    assert (still.taken, still.waiting, still.again_seconds, still.incomplete) == (0, 1, 1.0, [])
    assert here.turn(later=1).taken == 1
    assert here.pull.held() == {}


@pytest.mark.parametrize("name", ["a.csv.filepart", "a.csv.tmp", "~a.csv", "A.csv.PART"])
def test_a_file_that_keeps_its_temporary_name_is_told_once(scene: Callable[..., Scene], name: str) -> None:
    here = scene(patterns=("[aA].csv",))
    for each in (name, ".a.csv", "b.csv.tmp"):  # a hidden one is anybody's there, and nobody wants the other one
        here.put(each)
    assert here.turn().lying == ""
    assert here.turn(later=899).lying == ""
    assert here.turn(later=1).lying == (
        f"{name} has lain in sftp://acme-server/out for 900 s and more under a temporary name; "
        "it is taken when it gets its final one"
    )
    assert here.turn(later=10_000).lying == ""
    assert here.names() == []


def test_one_that_still_grows_is_not_told_and_one_that_is_renamed_is_taken(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    for turn in range(5):
        path = here.put("a.csv.filepart", b"1" * (turn + 1))
        assert here.turn(later=600).lying == ""
    path.rename(path.with_suffix(""))
    assert here.turn(later=1000).lying == ""
    assert here.names() == ["a.csv"]


def test_files_whose_marker_does_not_come_are_told_in_one_sentence(scene: Callable[..., Scene]) -> None:
    here = scene(marker=".done")
    for name in ("a.csv", "b.csv", "c.csv", "c.csv.done", "d.csv.done"):
        here.put(name)
    here.turn()
    assert here.turn(later=900).lying == (
        "a.csv has lain in sftp://acme-server/out for 900 s and more without its marker a.csv.done; "
        "it is taken when that comes, and so has 1 more"
    )
    here.put("a.csv.done")
    assert here.turn(later=900).lying == ""
    assert here.names() == ["a.csv", "c.csv"]


def test_what_lies_there_is_told_in_time_and_once_whichever_process_looks(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    here.put("a.csv.tmp")
    here.turn()
    here.turn(later=600)
    lying = here.pull.lying()
    assert list(lying.values()) == [300.0]
    here.pull = Pull(monotonic=here.clock)
    here.pull.go_on({}, lying)
    assert here.turn(later=299).lying == ""
    assert here.turn(later=1).lying.startswith("a.csv.tmp has lain in ")
    told = here.pull.lying()
    assert list(told.values()) == [None]
    here.pull = Pull(monotonic=here.clock)
    here.pull.go_on({}, told)
    assert here.turn(later=10_000).lying == ""


def test_a_folder_to_move_into_that_is_not_there_is_named(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0, after=MOVE, move_to="taken")
    here.put("a.csv")
    turn = here.turn()
    assert turn.standing == 1
    folder = f"{here.watch.folder}/taken is not there; make it, or have the partner make it"
    assert turn.problems == [f"a.csv was taken, and cannot be moved there: the folder {folder}"]


def test_only_final_names_that_match_are_taken(scene: Callable[..., Scene]) -> None:
    here = scene(patterns=("*.csv", "x*"))
    for name in ("a.csv", "b.txt", "x1", "c.csv.part", ".d.csv", "~e.csv", "f.CSV"):
        here.put(name)
    here.until_quiet()
    assert here.names() == ["a.csv", "x1"]


def test_a_late_file_with_an_old_time_is_taken_too(scene: Callable[..., Scene]) -> None:
    here = scene()
    here.put("new.csv", modified=1_700_000_000)
    here.until_quiet()
    here.put("old.csv", modified=1_000_000_000)
    here.until_quiet()
    assert here.names() == ["new.csv", "old.csv"]


def test_older_files_are_taken_first_and_a_turn_has_an_end(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    for number in range(70):
        here.put(f"{number:02}.csv", modified=1_700_000_000 - number)
    turn = here.turn()
    assert (turn.taken, turn.more) == (64, True)
    assert here.names() == [f"{number:02}.csv" for number in range(6, 70)]
    assert here.turn().taken == 6
    assert here.turn().taken == 0


# ── what a server says ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["line\nfeed.csv", "bell\x07.csv", "x\x7f.csv"])
def test_names_with_control_characters_are_not_touched(scene: Callable[..., Scene], name: str) -> None:
    here = scene(settle_seconds=0.0)
    here.put(name)
    turn = here.turn()
    assert turn.taken == 0
    assert "control character" in turn.problems[0]
    assert name not in turn.problems[0]


def test_a_name_that_is_no_utf_8_is_taken_and_removed(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0, after=DELETE)
    here.put(os.fsdecode(b"M\xfcller.csv"))
    assert here.turn().removed == 1
    assert here.names() == [os.fsdecode(b"M\xfcller.csv")]
    assert here.there() == []


def test_a_file_that_is_too_large_is_told_and_left(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0, file_bytes_max=5, after=DELETE)
    here.put("a.csv")
    assert "at most 5" in here.turn().problems[0]
    assert here.there() == ["a.csv"]


# ── after ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_left_files_are_taken_once_and_changed_ones_again(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    here.put("a.csv", b"one")
    for _ in range(3):
        here.turn()
    here.put("a.csv", b"two", modified=1_700_000_001)
    for _ in range(3):
        here.turn()
    assert here.memory.contents() == [("a.csv", b"one"), ("a.csv", b"two")]
    assert here.there() == ["a.csv"]


def test_left_files_are_not_taken_again_after_the_notes_are_lost(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    here.put("a.csv")
    here.turn()
    here.memory.standing.clear()
    assert here.turn().taken == 0
    assert len(here.memory.arrivals) == 1


def test_moved_files_replace_nothing(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0, after=MOVE, move_to="taken")
    here.put("taken/a.csv", b"an old one")
    for content in (b"one", b"two"):
        here.put("a.csv", content)
        here.turn()
    assert here.there() == []
    assert here.there("taken") == ["a.csv", "a.csv~2", "a.csv~3"]
    assert here.memory.contents() == [("a.csv", b"one"), ("a.csv", b"two")]


def test_a_file_that_cannot_be_removed_is_told_and_never_taken_again(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0, after=MOVE, move_to="nowhere")
    here.put("a.csv")
    for _ in range(3):
        turn = here.turn()
        assert "cannot be moved there" in turn.problems[0]
        assert turn.standing == 1
    here.pull = Pull(monotonic=here.clock)  # also after a restart
    here.turn()
    assert len(here.memory.arrivals) == 1
    here.server.put(f"{here.watch.folder.rpartition('/')[2]}/nowhere/other", b"")
    assert here.turn().removed == 1
    assert here.there("nowhere") == ["a.csv", "other"]


def test_what_comes_back_just_as_it_was_is_new_where_files_are_removed(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0, after=DELETE)
    for content in (b"one", b"two", b"two"):  # a sender whose times say nothing, and whose files have one size
        here.put("a.csv", content)
        here.turn()
    assert here.memory.contents() == [("a.csv", b"one"), ("a.csv", b"two"), ("a.csv", b"two")]
    assert here.there() == []


def test_a_file_that_was_replaced_since_it_was_taken_is_not_removed(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0, after=DELETE)
    here.put("a.csv", b"one")
    take = here.memory.take

    def replaced(arrival: Arrival, taken: Taken) -> None:
        take(arrival, taken)
        if arrival.size == 3:
            here.put("a.csv", b"newer")

    here.memory.take = replaced  # type: ignore[method-assign]
    here.turn()
    assert here.there() == ["a.csv"]
    here.turn()
    assert here.there() == []
    assert here.memory.contents() == [("a.csv", b"newer"), ("a.csv", b"one")]


def test_what_was_left_is_removed_when_that_is_wanted_later(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    here.put("a.csv")
    here.turn()
    here.watch = replace(here.watch, after=DELETE)
    assert here.turn().removed == 1
    assert len(here.memory.arrivals) == 1


def test_one_file_that_cannot_be_read_stops_no_other(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    here.put("a.csv")
    here.put("b.csv")
    client = cast("Any", here.client)

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def opened(self, path: str, flags: int) -> Any:
            if path.endswith("a.csv"):
                raise Reject("permission denied", "the server says: no")
            return client.opened(path, flags)

    turn = here.pull.turn(cast("Client", Refusing()), here.watch, here.memory)
    assert here.names() == ["b.csv"]
    assert turn.problems == ["a.csv cannot be read: the server says: no"]


def test_a_big_file_goes_on_in_the_next_turn_and_parts_of_gone_ones_are_swept(scene: Callable[..., Scene]) -> None:
    here = scene(settle_seconds=0.0)
    content = os.urandom(2_000_000)
    path = here.put("a.bin", content)
    calls = iter(range(3))

    def alive() -> None:
        if next(calls, None) is None:
            raise Retry("cut")

    here.memory.alive = alive  # type: ignore[method-assign]
    with pytest.raises(Retry):
        here.turn()
    [part] = here.watch.stage.iterdir()
    assert 0 < part.stat().st_size < len(content)
    here.memory.alive = lambda: None  # type: ignore[method-assign]
    here.put("b.bin", b"")
    here.client = connect(here.server.where)
    here.turn()
    assert here.memory.contents()[0] == ("a.bin", content)
    assert list(here.watch.stage.iterdir()) == []
    (here.watch.stage / "p_other").write_bytes(b"x")
    path.unlink()
    here.turn()
    assert list(here.watch.stage.iterdir()) == []
    here.client.close()


# ── killed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Killed(BaseException):
    """The process is no more."""


class Mortal:
    """Something whose every call is a step; at the chosen one the process dies, before it or right after it."""

    def __init__(self, inner: Any, steps: Iterator[int], at: int) -> None:
        self._inner = inner
        self._steps = steps
        self._at = at

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if not callable(attribute) or name in ("alive", "opened"):
            return attribute

        def step(*arguments: Any, **named: Any) -> Any:
            if next(self._steps) == self._at:
                raise Killed
            answer = attribute(*arguments, **named)
            if next(self._steps) == self._at:
                raise Killed
            return answer

        return step


@pytest.mark.parametrize("after", [LEAVE, DELETE, MOVE])
def test_L1_killed_at_any_step_nothing_is_lost_doubled_or_left_behind(  # noqa: N802 - the promise's name
    scene: Callable[..., Scene], after: str
) -> None:
    kills = 0
    for at in range(1000):
        here = scene(settle_seconds=0.0, after=after, move_to="taken", marker=".done" if at % 2 else "")
        (here.server.root / here.watch.folder.rpartition("/")[2] / "taken").mkdir(exist_ok=True)
        contents = [("a.csv", f"a{at}".encode()), ("b.csv", f"b{at}".encode())]
        for name, content in contents:
            here.put(name, content)
            if here.watch.marker:
                here.put(name + here.watch.marker)
        steps = iter(range(100_000))
        mortal = (Mortal(here.client, steps, at), here.watch, Mortal(here.memory, steps, at))
        try:
            here.pull.turn(*cast("tuple[Client, Watch, Memory]", mortal))
        except Killed:
            kills += 1
        else:
            break
        here.client.dialogue.drain()
        here.pull = Pull(monotonic=here.clock)
        for _ in range(3):
            here.turn()
        assert here.memory.contents() == contents, f"killed at step {at}"
        names = [name for name in here.there() if not name.endswith(".done")]
        assert names == (["a.csv", "b.csv"] if after == LEAVE else []), f"killed at step {at}"
        if after == MOVE:
            assert len(here.there("taken")) == 2, f"killed at step {at}"
        for each in (*here.there("taken"), *(f"../{name}" for name in here.there())):
            (here.server.root / here.watch.folder.rpartition("/")[2] / "taken" / each).unlink()
    assert kills > (14 if after == LEAVE else 30)


def test_L1_a_later_file_of_the_same_look_is_not_taken_for_the_one_that_was_being_removed(  # noqa: N802
    scene: Callable[..., Scene],
) -> None:
    here = scene(settle_seconds=0.0, after=DELETE)
    here.put("a.csv", b"one")
    mortal = cast("Any", here.memory)

    class Dying:
        def __getattr__(self, name: str) -> Any:
            return getattr(mortal, name)

        def forget(self, _keys: Iterable[str]) -> None:
            raise Killed

        def note(self, taken: Sequence[Taken]) -> None:
            if taken and taken[0].state != "removing":
                raise Killed
            mortal.note(taken)

    with pytest.raises(Killed):
        here.pull.turn(here.client, here.watch, cast("Memory", Dying()))
    assert here.there() == []  # removed, and killed before that was noted
    here.put("a.csv", b"two")
    here.pull = Pull(monotonic=here.clock)
    for _ in range(3):
        here.turn()
    assert here.memory.contents() == [("a.csv", b"one"), ("a.csv", b"two")]
    assert here.there() == []
