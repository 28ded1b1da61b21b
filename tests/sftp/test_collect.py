"""The collector: what is an arrival, when, exactly once, and never lost."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sftp.arrival import Arrival, Folder, drop_folder
from sftp.collect import Collector
from sftp.errors import Changed, Retry, Stop
from sftp.names import superseded
from sftp.scanning import listed, opened
from sftp.testing import PATIENCE_SECONDS, Received, Told
from sftp.writers import is_written

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from contextlib import AbstractContextManager

    from sftp.scanning import Listing

WHOLE = b"<order><line/></order>"
HALF = b"<order><line/>"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A collector over one local folder, with a clock that stands still unless it is moved."""

    def __init__(self, tmp_path: Path, *, settle_seconds: float = 5.0, patterns: tuple[str, ...] = ("*",)) -> None:
        self.folder = Folder(
            tmp_path / "in",
            "folder:in",
            tmp_path / "held",
            patterns=patterns,
            settle_seconds=settle_seconds,
            partial_after_seconds=100.0,
        )
        self.clock, self.received, self.told = Clock(), Received(), Told()
        self.collector = self.another()

    def another(self, *, is_written: Callable[[int], bool | None] = is_written) -> Collector:
        numbers = itertools.count(1)
        return Collector(
            [self.folder],
            self.received,
            new_id=lambda: f"a{next(numbers)}",
            monotonic=self.clock,
            on_activity=self.told,
            is_written=is_written,
        )

    def write(self, name: str, data: bytes = WHOLE) -> Path:
        path = self.folder.path / name
        path.write_bytes(data)
        return path

    def after(self, seconds: float) -> list[str]:
        """Scan `seconds` later; the names that have arrived so far."""
        self.clock.now += seconds
        self.collector.scan()
        return [arrival.name for arrival in self.received.arrivals]

    def left(self) -> list[str]:
        return sorted(path.name for folder in (self.folder.path, self.folder.holding) for path in folder.iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# Settled ----------------------------------------------------------------------------------------------------------


def test_a_file_is_taken_when_it_has_not_changed_for_the_settle_time(bench: Bench) -> None:
    bench.write("a.xml")
    assert bench.after(0) == []
    assert bench.after(4.9) == []
    assert bench.after(0.2) == ["a.xml"]
    [arrival] = bench.received.arrivals
    assert arrival == Arrival(
        "a1",
        "folder:in",
        None,
        "a.xml",
        bench.folder.holding / "a1~a.xml",
        len(WHOLE),
        hashlib.sha256(WHOLE).hexdigest(),
        True,
    )
    assert bench.left() == []


def test_a_file_that_still_grows_is_not_taken(bench: Bench) -> None:
    path = bench.write("a.csv", b"1")
    for _ in range(5):
        assert bench.after(4) == []
        with path.open("ab") as file:
            file.write(b"2")
    assert bench.after(1) == []
    assert bench.after(5) == ["a.csv"]


def test_an_old_time_of_change_does_not_make_a_file_settled(bench: Bench) -> None:
    os.utime(bench.write("copied.csv"), (1, 1))
    assert bench.after(0) == []
    assert bench.after(5) == ["copied.csv"]


def test_a_file_that_is_replaced_under_its_name_settles_anew(bench: Bench) -> None:
    path = bench.write("a.csv", b"old")
    bench.after(0)
    new = path.with_name(".new")
    new.write_bytes(b"new")
    os.utime(new, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    new.rename(path)
    assert bench.after(4.9) == []
    assert bench.after(5) == ["a.csv"]


def test_the_folder_of_our_own_server_needs_no_settling(tmp_path: Path) -> None:
    folder = drop_folder(tmp_path, "acme")
    received = Received()
    collector = Collector([folder], received, new_id=lambda: "a1", monotonic=Clock(), on_activity=Told())
    (folder.path / "a.xml").write_bytes(WHOLE)
    collector.scan()
    assert [(a.source, a.partner, a.name) for a in received.arrivals] == [("drop://acme", "acme", "a.xml")]


def test_temporary_names_hidden_files_folders_links_and_pipes_are_no_arrivals(bench: Bench) -> None:
    for name in ("a.xml.filepart", ".b.xml", "~c.xml", "d.tmp"):
        bench.write(name)
    (bench.folder.path / "folder").mkdir()
    (bench.folder.path / "link.xml").symlink_to("/etc/passwd")
    os.mkfifo(bench.folder.path / "pipe")
    bench.after(0)
    assert bench.after(1000) == []
    assert "link.xml" in bench.left()
    (bench.folder.path / "a.xml.filepart").rename(bench.folder.path / "a.xml")
    bench.after(0)
    assert bench.after(5) == ["a.xml"]


def test_only_what_matches_a_pattern_is_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path, patterns=("*.edi", "*.EDI"), settle_seconds=0.0)
    for name in ("a.edi", "b.EDI", "c.csv"):
        bench.write(name)
    assert bench.after(0) == ["a.edi", "b.EDI"]
    assert bench.left() == ["c.csv"]


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9.csv", b"two\nlines.csv", b"a~b.csv", b"-rf", b"x" * 255],
    ids=["not utf-8", "line end", "tilde", "dash", "as long as can be"],
)
def test_strange_names_arrive(tmp_path: Path, name: bytes) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.write(os.fsdecode(name))
    [arrived] = bench.after(0)
    assert name.endswith(os.fsencode(arrived))
    assert len(name) == 255 or name == os.fsencode(arrived)
    assert bench.left() == []
    assert all(activity.message.isprintable() for activity in bench.told.activities)


def test_an_empty_file_is_an_arrival(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.write("empty.csv", b"")
    assert bench.after(0) == ["empty.csv"]
    assert (bench.received.arrivals[0].size, bench.received.arrivals[0].whole) == (0, None)


# Whole ------------------------------------------------------------------------------------------------------------


def test_a_file_whose_envelope_is_open_waits_and_is_then_handed_over_as_partial(bench: Bench) -> None:
    bench.write("a.xml", HALF)
    bench.after(0)
    assert bench.after(6) == []
    assert bench.told.wait("partial_waiting").name == "a.xml"
    assert bench.after(98) == []
    assert bench.after(2) == ["a.xml"]
    assert bench.received.arrivals[0].whole is False
    assert len(bench.told.of("partial_waiting")) == 1


def test_a_file_that_is_resumed_in_time_arrives_whole(bench: Bench) -> None:
    path = bench.write("a.xml", HALF)
    bench.after(0)
    assert bench.after(50) == []
    path.write_bytes(WHOLE)
    assert bench.after(1) == []
    assert bench.after(5) == ["a.xml"]
    assert bench.received.arrivals[0].whole is True


def test_a_file_that_was_superseded_does_not_wait_and_comes_before_the_newer_one(bench: Bench) -> None:
    bench.write("a.xml", WHOLE)
    bench.write(superseded("a.xml", 1), HALF)
    bench.after(0)
    assert bench.after(5) == ["a.xml", "a.xml"]
    assert [arrival.whole for arrival in bench.received.arrivals] == [False, True]


@pytest.mark.parametrize("when", ["while it looked", "after it had looked", "and once more"])
def test_what_is_set_aside_meanwhile_is_older_and_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    numbers = itertools.count(1)

    def newer_one_comes(number: int, content: bytes = b"newer") -> None:
        (bench.folder.path / "a.csv").rename(bench.folder.path / superseded("a.csv", number))
        bench.write("a.csv", content)

    def look_that_misses_it(folder: Folder, known: Container[str]) -> Listing:
        newer_one_comes(1)
        found = listed(folder, known)
        found.files[:] = [each for each in found.files if each[0] == "a.csv"]
        return found

    def new_id() -> str:
        number = next(numbers)
        if number == 1 and when != "while it looked":
            newer_one_comes(1)
            if when == "and once more":
                newer_one_comes(2, b"newest")
        return f"a{number}"

    if when == "while it looked":
        monkeypatch.setattr("sftp.collect.listed", look_that_misses_it)
    collector = Collector([bench.folder], bench.received, new_id=new_id, monotonic=bench.clock, on_activity=bench.told)
    bench.write("a.csv", b"older")
    collector.scan()
    came = [bench.received.contents[each.id] for each in bench.received.arrivals]
    assert came == [b"older", b"newer", b"newest"][: 3 if when == "and once more" else 2]
    assert bench.left() == []


# Receive ----------------------------------------------------------------------------------------------------------


def test_the_held_file_is_there_while_it_is_received_and_gone_afterwards(tmp_path: Path) -> None:
    seen: list[bool] = []

    class Looking:
        def receive(self, arrival: Arrival) -> None:
            seen.append(arrival.path.read_bytes() == WHOLE and not (tmp_path / "in" / "a.xml").exists())

    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.write("a.xml")
    Collector([bench.folder], Looking(), new_id=lambda: "x", on_activity=Told()).scan()
    assert seen == [True]
    assert bench.left() == []


def test_a_receiver_that_fails_loses_nothing_and_is_told_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.received.fail = OSError(28, "No space left on device")
    bench.write("a.xml")
    assert bench.after(0) == []
    assert bench.left() == ["a1~a.xml"]
    attempts = []
    for _ in range(100):
        bench.after(1)
        attempts.append(bench.received.attempts)
    assert attempts[-1] == 7, "tried at 0, 1, 3, 7, 15, 31 and 63 seconds"
    [told] = bench.told.of("receiver_failed")
    assert "a.xml" in told.message
    assert "No space left" in told.message
    bench.received.fail = None
    assert bench.after(60) == ["a.xml"]
    assert bench.received.arrivals[0].id == "a1"
    assert bench.left() == []


def test_one_file_that_cannot_be_received_does_not_stop_the_others(tmp_path: Path) -> None:
    class Choosy(Received):
        def receive(self, arrival: Arrival) -> None:
            self.fail = ValueError("poison") if arrival.name == "b.xml" else None
            super().receive(arrival)

    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.received = Choosy()
    bench.collector = bench.another()
    for name in ("a.xml", "b.xml", "c.xml"):
        bench.write(name)
    assert bench.after(0) == ["a.xml", "c.xml"]
    for _ in range(200):
        bench.after(1)
    assert bench.left() == ["a2~b.xml"]
    assert len(bench.told.of("receiver_failed")) == 1


def test_a_receiver_that_is_down_is_not_asked_for_every_file(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.received.fail = Retry("the store does not answer", delay_seconds=30)
    for number in range(50):
        bench.write(f"{number:02}.xml")
    bench.after(0)
    assert bench.received.attempts == 3
    bench.after(29)
    assert bench.received.attempts == 3
    assert [activity.problem for activity in bench.told.of("receiver_failed")] == [True, True]
    bench.received.fail = None
    assert len(bench.after(1)) == 50
    assert len(bench.told.of("receiver_recovered")) == 1
    assert bench.left() == []


def test_what_a_crash_left_in_the_holding_folder_is_handed_over_under_its_id(bench: Bench) -> None:
    (bench.folder.holding / "d_0007~a~b.xml").write_bytes(WHOLE)
    (bench.folder.holding / "stray").touch()
    bench.collector.recover()
    assert bench.after(0) == ["a~b.xml"]
    assert bench.received.arrivals[0].id == "d_0007"
    assert bench.left() == ["stray"]


def test_an_arrival_that_was_received_before_the_crash_is_the_same_one(bench: Bench) -> None:
    held = bench.folder.holding / "d_0007~a.xml"
    held.write_bytes(WHOLE)
    bench.collector.recover()
    bench.after(0)
    held.write_bytes(WHOLE)  # as if the process had died between receiving and removing
    bench.collector.recover()
    assert bench.after(0) == ["a.xml"]
    assert bench.received.attempts == 2
    assert bench.left() == []


def test_a_held_file_that_another_process_hands_over_first_is_forgotten_silently(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.received.fail = OSError("down")
    bench.write("a.xml")
    bench.after(0)
    bench.received.fail = None
    other = bench.another()
    other.recover()
    other.scan()
    bench.after(60)
    assert [arrival.id for arrival in bench.received.arrivals] == ["a1"]
    assert len(bench.told.of("receiver_failed")) == 1


_CRASHING = """
    import itertools, os, pathlib, signal, sys
    from sftp.arrival import Folder
    from sftp.collect import Collector

    root, crash_at, begin = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    calls = itertools.count()

    def step(*_):  # every system call that commits something is a place to die
        if next(calls) == crash_at:
            os.kill(os.getpid(), signal.SIGKILL)

    class Ledger:
        def receive(self, arrival):
            step()
            row = root / "rows" / arrival.id
            row.with_suffix(".draft").write_bytes(arrival.path.read_bytes())
            row.with_suffix(".draft").rename(row)
            step()

    def watched(event, _args):
        if event in {"os.rename", "os.remove"}:
            step()

    sys.addaudithook(watched)
    numbers = itertools.count(begin)
    folder = Folder(root / "in", "folder:in", root / "held", settle_seconds=0.0)
    collector = Collector([folder], Ledger(), new_id=lambda: f"a{next(numbers)}", on_activity=lambda _: None)
    collector.recover()
    collector.scan()
    print("done")
"""


def test_a_kill_at_any_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    for folder in ("in", "rows", "held"):
        (tmp_path / folder).mkdir()
    contents = {f"{number}.csv": f"content {number}".encode() for number in range(3)}
    for name, data in contents.items():
        (tmp_path / "in" / name).write_bytes(data)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    kills = 0
    for crash_at in itertools.count():
        script = [sys.executable, "-c", textwrap.dedent(_CRASHING), str(tmp_path), str(crash_at), str(crash_at * 100)]
        done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
        if done.stdout == "done\n":
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        kills += 1
    rows = [path.read_bytes() for path in (tmp_path / "rows").iterdir() if not path.suffix]
    assert kills >= 6
    assert sorted(rows) == sorted(contents.values())
    assert [path.name for folder in ("in", "held") for path in (tmp_path / folder).iterdir()] == []


# Folders ----------------------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_read_is_told_once_and_collected_again_when_it_is_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.folder.path.rmdir()
    for _ in range(3):
        assert bench.after(1) == []
    bench.folder.path.mkdir()
    bench.write("a.xml")
    assert bench.after(1) == ["a.xml"]
    assert [a.what for a in bench.told.activities] == ["folder_unreadable", "folder_readable", "arrived"]


def test_a_folder_that_was_removed_with_its_holding_folder_and_made_again_is_collected_from(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    bench.folder = replace(bench.folder, holding=bench.folder.path / ".held")
    bench.collector = bench.another()
    shutil.rmtree(bench.folder.path)
    bench.collector.recover()
    assert bench.after(1) == []
    assert not bench.folder.path.exists(), "a share that is not mounted is not made on the disk below"
    bench.folder.path.mkdir()
    bench.write("a.xml")
    bench.after(1)
    assert bench.after(1) == ["a.xml"]


def test_folders_that_share_a_holding_folder_are_refused(tmp_path: Path) -> None:
    one = Folder(tmp_path / "a", "folder:a", tmp_path / "held")
    with pytest.raises(Stop, match="share a holding folder"):
        Collector([one, replace(one, path=tmp_path / "b")], Received(), new_id=str)


def test_a_holding_folder_on_another_file_system_is_refused(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    folder = Folder(tmp_path / "a", "folder:a", memory)
    with pytest.raises(Stop, match=r"not on the file system.*beside the folder"):
        Collector([folder], Received(), new_id=str)


def test_one_partners_thousands_do_not_keep_another_waiting(tmp_path: Path) -> None:
    received = Received()
    numbers = itertools.count()
    folders = [drop_folder(tmp_path, partner) for partner in ("many", "one")]
    collector = Collector(folders, received, new_id=lambda: f"a{next(numbers)}", on_activity=Told())
    for number in range(300):
        (folders[0].path / f"{number}.csv").touch()
    (folders[1].path / "only.csv").touch()
    collector.scan()
    assert "only.csv" in [arrival.name for arrival in received.arrivals]
    assert len(received.arrivals) < 100


def test_a_burst_of_files_arrives_completely_and_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    for number in range(400):
        bench.write(f"{number}.csv", b"%d" % number)
    numbers = itertools.count()
    collector = Collector([bench.folder], bench.received, new_id=lambda: f"a{next(numbers)}", on_activity=bench.told)
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        bench.received.wait(400)
    finally:
        stop.set()
        collector.ring()
        thread.join()
    assert sorted(bench.received.contents.values()) == sorted(b"%d" % number for number in range(400))
    assert bench.left() == []


def test_two_collectors_on_one_folder_take_each_file_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settle_seconds=0.0)
    for number in range(200):
        bench.write(f"{number}.csv", b"%d" % number)
    numbers = itertools.count()
    lock = threading.Lock()

    def new_id() -> str:
        with lock:
            return f"a{next(numbers)}"

    collectors = [Collector([bench.folder], bench.received, new_id=new_id, on_activity=Told()) for _ in range(2)]
    stop = threading.Event()
    threads = [threading.Thread(target=collector.run, args=(stop,)) for collector in collectors]
    for thread in threads:
        thread.start()
    try:
        bench.received.wait(200)
    finally:
        stop.set()
        for collector in collectors:
            collector.ring()
        for thread in threads:
            thread.join()
    assert sorted(bench.received.contents.values()) == sorted(b"%d" % number for number in range(200))


def test_a_running_collector_finds_what_another_process_left(bench: Bench) -> None:
    (bench.folder.holding / "d_0007~a.xml").write_bytes(WHOLE)
    collector = Collector([bench.folder], bench.received, new_id=str, on_activity=Told(), recover_seconds=0.01)
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        assert bench.received.wait(1)[0].id == "d_0007"
        (bench.folder.holding / "draft").write_bytes(WHOLE)
        (bench.folder.holding / "draft").rename(bench.folder.holding / "d_0008~b.xml")
        assert bench.received.wait(2)[1].id == "d_0008"
    finally:
        stop.set()
        collector.ring()
        thread.join()


def test_a_ring_wakes_the_collector_and_new_folders_are_collected(tmp_path: Path) -> None:
    received = Received()
    numbers = itertools.count()
    collector = Collector(
        [], received, new_id=lambda: f"a{next(numbers)}", on_activity=Told(), rescan_seconds=3600, recover_seconds=3600
    )
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        folder = drop_folder(tmp_path, "new")
        collector.watch([folder])
        (folder.path / "a.csv").touch()
        collector.ring("drop://new")
        assert [arrival.partner for arrival in received.wait(1)] == ["new"]
    finally:
        stop.set()
        collector.ring()
        thread.join()


# Written to while it is handed over ----------------------------------------------------------------------------------


class Meanwhile(Received):
    """Somebody else acts while, or after, a file is received."""

    def __init__(self) -> None:
        super().__init__()
        self.then: list[Callable[[], object]] = []

    def receive(self, arrival: Arrival) -> None:
        super().receive(arrival)
        if self.then:
            self.then.pop(0)()


def test_what_a_writer_adds_while_the_file_is_handed_over_arrives_under_a_fresh_id(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.received = received = Meanwhile()
    bench.collector = bench.another(is_written=lambda _: None)  # as over a network
    with (bench.folder.path / "a.csv").open("wb", buffering=0) as writer:
        writer.write(b"1\n")
        received.then = [lambda: writer.write(b"2\n"), lambda: writer.write(b"3\n")]
        bench.after(0)
        bench.after(5)
        assert bench.left() == ["a2~a.csv"]
        bench.after(4)
        assert received.attempts == 1
        bench.after(1)
        bench.after(5)
    assert received.contents == {"a1": b"1\n", "a2": b"1\n2\n", "a3": b"1\n2\n3\n"}
    assert [arrival.name for arrival in received.arrivals] == ["a.csv"] * 3
    assert bench.left() == []
    told = [each for each in bench.told.activities if each.problem]
    assert [each.what for each in told] == ["written_late"] * 2
    assert "a.csv was written to while it was handed over" in told[0].message


def test_bytes_that_are_replaced_by_as_many_and_dated_back_are_seen(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.received = received = Meanwhile()
    bench.collector = bench.another()
    bench.write("a.csv", b"old")
    held = bench.folder.holding / "a1~a.csv"

    def replace_and_date_back() -> None:
        before = held.stat()
        while held.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of a file system has ticks
            held.write_bytes(b"new")
            os.utime(held, ns=(before.st_atime_ns, before.st_mtime_ns))

    received.then = [replace_and_date_back]
    bench.after(0)
    bench.after(5)
    bench.after(5)
    assert received.contents == {"a1": b"old", "a2": b"new"}


def test_a_receiver_that_has_other_bytes_under_the_id_gets_the_file_under_a_fresh_one(bench: Bench) -> None:
    bench.write("a.csv")
    bench.received.fail = Changed("other bytes are kept")
    bench.after(0)
    bench.after(5)
    bench.received.fail = None
    bench.after(5)
    assert [arrival.id for arrival in bench.received.arrivals] == ["a2"]
    assert bench.left() == []


def test_a_file_that_may_not_be_renamed_is_told_once_and_does_not_stop_those_behind_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name in {"a.csv", "b.csv"}:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return rename(path, target)

    with monkeypatch.context() as sticky:  # root may rename in sticky folders, so it cannot be had for real
        sticky.setattr(Path, "rename", refused)
        for name in ("a.csv", "b.csv", "c.csv"):
            bench.write(name)
        bench.after(0)
        for _ in range(4):
            bench.after(5)
        assert bench.after(5) == ["c.csv"]
    [told] = bench.told.of("claim_failed")
    assert told.message == (
        "a.csv and 1 more cannot be taken from folder:in: Operation not permitted; "
        "it is tried again, and the other files are taken"
    )
    assert told.problem
    bench.after(5)
    assert bench.after(5) == ["c.csv", "a.csv", "b.csv"]
    assert bench.left() == []


def test_files_that_we_may_not_read_stay_where_they_are_and_stop_no_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> AbstractContextManager[int]:
        if path.name in {"a.csv", "b.csv", "c.csv"}:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path)

    with monkeypatch.context() as rights:  # root may read everything, so it cannot be had for real
        rights.setattr("sftp.collect.opened", refused)
        for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
            bench.write(name)
        bench.after(0)
        for _ in range(4):
            bench.after(5)
        assert bench.after(5) == ["d.csv"]
    assert sorted(path.name for path in bench.folder.path.iterdir()) == ["a.csv", "b.csv", "c.csv"]
    [told] = bench.told.of("claim_failed")
    assert told.message == (
        "a.csv and 2 more cannot be taken from folder:in: this process has no right to read it; "
        "it is tried again, and the other files are taken"
    )
    assert bench.told.of("receiver_failed") == []
    bench.after(5)
    assert bench.after(5) == ["d.csv", "a.csv", "b.csv", "c.csv"]
    assert bench.left() == []


def test_held_files_that_cannot_be_read_are_no_word_about_the_receiver_and_stop_no_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> AbstractContextManager[int]:
        if path.name.endswith(("~a.csv", "~b.csv", "~c.csv")):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path)

    with monkeypatch.context() as rights:  # root may read everything, so it cannot be had for real
        rights.setattr("sftp.handover.opened", refused)
        for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
            bench.write(name)
        bench.after(0)
        assert bench.after(5) == ["d.csv"]
        bench.write("e.csv")
        bench.after(0)
        assert bench.after(5) == ["d.csv", "e.csv"]
    told = bench.told.of("receiver_failed")
    assert "Permission denied; it is kept and tried again" in told[0].message
    assert sorted(bench.after(60)) == ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"]
    assert bench.left() == []


def test_a_file_that_settles_between_two_rescans_is_taken_then_and_keeps_no_processor_busy(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "prices.csv").write_bytes(b"a;b")
    folder = Folder(inbox, "folder:inbox", tmp_path / "held", settle_seconds=0.2)
    asked = 0
    stop = threading.Event()

    def monotonic() -> float:
        nonlocal asked
        asked += 1
        return time.monotonic()

    class Stopping(Received):
        def receive(self, arrival: Arrival) -> None:
            super().receive(arrival)
            stop.set()

    collector = Collector([folder], Stopping(), new_id=lambda: "a", monotonic=monotonic, rescan_seconds=3600.0)
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    assert stop.wait(PATIENCE_SECONDS), "the file was not taken before the next rescan"
    collector.ring()
    thread.join()
    assert asked < 1_000  # a loop that never waits asks for the time some ten thousand times


def test_files_are_taken_in_the_order_in_which_they_came_whatever_their_names(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    names = ["z.csv", "y.csv", "b.csv", "a.csv"]
    for name in names:
        before = (inbox / name).parent.stat().st_ctime_ns
        while True:  # the file system's clock has moved on
            (inbox / name).write_bytes(name.encode())
            if (inbox / name).stat().st_ctime_ns > before:
                break
    received = Received()
    ids = itertools.count()
    folder = Folder(inbox, "drop://acme", tmp_path / "held", "acme", settle_seconds=0.0)
    Collector([folder], received, new_id=lambda: f"a{next(ids)}").scan()
    assert [arrival.name for arrival in received.arrivals] == names
