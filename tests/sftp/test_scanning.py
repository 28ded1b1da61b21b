"""What lies in a folder: markers, subfolders, strange names, and what is no file."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import time
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sftp.arrival import Folder
from sftp.collect import Collector
from sftp.names import marker_for, markers_like
from sftp.scanning import listed
from sftp.testing import Received, Told
from tests.sftp.test_collect import Bench

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path


def inbox(tmp_path: Path, *, settle_seconds: float = 0.0, marker: str | None = None, below: int = 0) -> Bench:
    """A bench whose folder is as told."""
    bench = Bench(tmp_path)
    bench.folder = replace(bench.folder, settle_seconds=settle_seconds, marker=marker, below=below)
    bench.collector = bench.another()
    return bench


# Markers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marker", "name"),
    [(".done", "a.csv.done"), ("{name}.ok", "a.csv.ok"), ("{stem}.ok", "a.ok"), (".{name}.done", ".a.csv.done")],
)
def test_a_file_counts_when_its_marker_is_there_and_takes_it_along(tmp_path: Path, marker: str, name: str) -> None:
    bench = inbox(tmp_path, marker=marker)
    for each in ("a.csv", "b.csv"):
        bench.write(each)
    assert bench.after(1000) == []
    bench.write(name, b"")
    assert bench.after(1) == ["a.csv"]
    assert bench.left() == ["b.csv"]


def test_a_marker_alone_is_no_arrival_and_waits_for_its_file(tmp_path: Path) -> None:
    bench = inbox(tmp_path, marker=".done")
    bench.write("a.csv.done", b"")
    assert bench.after(100) == []
    bench.write("a.csv")
    assert bench.after(1) == ["a.csv"]
    assert bench.left() == []


def test_a_marked_file_that_is_still_open_is_waited_for(tmp_path: Path) -> None:
    bench = inbox(tmp_path, marker=".done")
    bench.write("a.csv.done", b"")
    with (bench.folder.path / "a.csv").open("wb") as writer:
        writer.write(b"1")
        assert bench.after(1) == []
    assert bench.after(1) == ["a.csv"]


def test_a_marker_that_a_crash_left_goes_with_its_file_and_does_not_mark_the_next_one(tmp_path: Path) -> None:
    bench = inbox(tmp_path, marker=".done")
    bench.write("a.csv.done", b"")
    bench.write("a.csv").rename(bench.folder.holding / "d7~a.csv")  # and then the process died
    bench.collector.recover()
    assert bench.after(0) == ["a.csv"]
    assert bench.left() == []
    bench.write("a.csv", b"not marked yet")
    assert bench.after(10) == ["a.csv"]


def test_the_marker_of_the_next_file_of_the_name_is_kept(tmp_path: Path) -> None:
    bench = inbox(tmp_path, marker=".done")
    held = bench.folder.holding / "d7~a.csv"
    bench.write("a.csv", b"first").rename(held)
    while bench.write("a.csv.done", b"").stat().st_ctime_ns <= held.stat().st_ctime_ns:
        time.sleep(0.002)  # the clock of a file system has ticks
    bench.write("a.csv", b"second")
    bench.collector.recover()
    assert bench.after(0) == ["a.csv", "a.csv"]
    assert sorted(bench.received.contents.values()) == [b"first", b"second"]
    assert bench.left() == []


def test_names_of_markers() -> None:
    assert [marker_for("a.b.csv", each) for each in (".ok", "{name}.ok", "{stem}.ok")] == [
        "a.b.csv.ok",
        "a.b.csv.ok",
        "a.b.ok",
    ]
    assert marker_for("orders", "{stem}.ok") == "orders.ok"
    is_marker = markers_like("{stem}.ok")
    assert [is_marker(each) for each in ("a.ok", ".ok", "a.csv")] == [True, False, False]


# Subfolders ---------------------------------------------------------------------------------------------------------


def test_files_of_subfolders_arrive_with_the_folder_in_their_name(tmp_path: Path) -> None:
    bench = inbox(tmp_path, below=2)
    for name in ("a.csv", "2026/b.csv", "2026/11/c.csv", "2026/11/21/d.csv", ".hidden/e.csv"):
        (bench.folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        bench.write(name, name.encode())
    (bench.folder.path / "link").symlink_to(bench.folder.path / ".hidden")
    assert sorted(bench.after(0)) == ["2026/11/c.csv", "2026/b.csv", "a.csv"]
    assert {each.name: bench.received.contents[each.id].decode() for each in bench.received.arrivals} == {
        name: name for name in ("a.csv", "2026/b.csv", "2026/11/c.csv")
    }
    assert list(bench.folder.holding.iterdir()) == []
    told = {each.name: each.message for each in bench.told.of("not_a_file")}
    assert list(told) in (["2026/11/21/"], ["link"])
    assert "and so are 1 more" in next(iter(told.values()))


def test_a_holding_folder_inside_is_not_looked_through(tmp_path: Path) -> None:
    bench = inbox(tmp_path, below=5)
    bench.folder = replace(bench.folder, holding=bench.folder.path / "held")
    bench.received.fail = OSError("down")
    bench.collector = bench.another()
    bench.write("a.csv")
    bench.after(0)
    assert [name for name, _ in listed(bench.folder).files] == []


def test_a_crash_at_any_step_of_claiming_from_a_subfolder_loses_nothing(tmp_path: Path) -> None:
    bench = inbox(tmp_path, below=1)
    (bench.folder.holding / "d7~" / "2026").mkdir(parents=True)
    (bench.folder.holding / "d7~" / "2026" / "a.csv").write_bytes(b"1")
    (bench.folder.holding / "d8~" / "2026").mkdir(parents=True)  # died before the rename
    bench.collector.recover()
    assert bench.after(0) == ["2026/a.csv"]
    assert bench.received.arrivals[0].id == "d7"
    assert bench.left() == []


def test_two_collectors_share_subfolders(tmp_path: Path) -> None:
    bench = inbox(tmp_path, below=3)
    for number in range(60):
        (bench.folder.path / f"{number % 7}").mkdir(exist_ok=True)
        bench.write(f"{number % 7}/{number}.csv", b"%d" % number)
    numbers = itertools.count()
    others = [
        Collector([bench.folder], bench.received, new_id=lambda: f"b{next(numbers)}", on_activity=bench.told)
        for _ in range(2)
    ]
    for _ in range(4):
        for other in others:
            other.recover()
            other.scan()
    assert sorted(bench.received.contents.values()) == sorted(b"%d" % number for number in range(60))
    assert list(bench.folder.holding.iterdir()) == []


# Names --------------------------------------------------------------------------------------------------------------


def test_names_that_differ_in_case_or_normal_form_only_are_different_files(tmp_path: Path) -> None:
    names = ["Å.csv", "å.csv", unicodedata.normalize("NFD", "Å.csv"), "A.CSV", "a.csv", "a~.csv", "a~~.csv"]
    bench = inbox(tmp_path)
    for name in names:
        bench.write(name, os.fsencode(name))
    assert sorted(bench.after(0)) == sorted(names)
    assert {each.name: bench.received.contents[each.id] for each in bench.received.arrivals} == {
        name: os.fsencode(name) for name in names
    }


@pytest.mark.parametrize("name", [b"orders-" + b"x" * 244 + b".csv", "Ø".encode() * 127, b"\xe9" * 255, b"\n" * 255])
def test_a_name_that_leaves_no_room_for_an_id_arrives_whole(tmp_path: Path, name: bytes) -> None:
    bench = inbox(tmp_path)
    bench.write(os.fsdecode(name))
    assert [os.fsencode(each) for each in bench.after(0)] == [name]
    assert bench.left() == []
    bench.received.fail = OSError("down")
    bench.write(os.fsdecode(name))
    bench.after(0)
    other = bench.another()  # another process finds it under its name
    bench.received.fail = None
    other.recover()
    other.scan()
    assert [os.fsencode(each.name) for each in bench.received.arrivals[-1:]] == [name]
    assert bench.left() == []


def test_what_is_no_file_is_told_once_and_left_alone(tmp_path: Path) -> None:
    bench = inbox(tmp_path)
    bench.write("a.csv")
    os.mkfifo(bench.folder.path / "pipe\n.csv")
    (bench.folder.path / "link.csv").symlink_to("/etc/passwd")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(bench.folder.path / "s.csv"))
        for _ in range(3):
            assert bench.after(10) == ["a.csv"]
    [told] = bench.told.of("not_a_file")
    assert told.message.isprintable()
    assert any(what in told.message for what in ("is a pipe", "is a symbolic link", "is a socket"))
    assert told.message.endswith("and is left alone, and so are 2 more")
    assert bench.left() == ["link.csv", "pipe\n.csv", "s.csv"]


# Many ---------------------------------------------------------------------------------------------------------------


def test_thousands_are_claimed_by_one_look_and_in_turn_with_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def look(folder: Folder, known: Container[str]) -> object:
        looks.append(folder.source)
        return listed(folder, known)

    monkeypatch.setattr("sftp.collect.listed", look)
    received, numbers = Received(), itertools.count()
    folders = [
        Folder(tmp_path / name, f"folder:{name}", tmp_path / f"{name}.held", settle_seconds=0.0)
        for name in ("many", "few")
    ]
    collector = Collector(folders, received, new_id=lambda: f"a{next(numbers)}", on_activity=Told(), monotonic=float)
    for number in range(1000):
        (folders[0].path / f"{number:04}").touch()
    for number in range(10):
        (folders[1].path / f"{number}").touch()
    turns = 0
    while len(received.arrivals) < 1010:
        collector.scan()
        turns += 1
        if turns == 1:
            assert [each.source for each in received.arrivals].count("folder:few") == 10
            assert len(received.arrivals) <= 10 + 64
    assert turns == 16
    assert looks.count("folder:many") == 1


def test_a_look_at_ten_thousand_files_that_are_not_wanted_costs_little_more_than_listing_them(tmp_path: Path) -> None:
    code = f"""
import os, pathlib, statistics, time
from sftp.arrival import Folder
from sftp.scanning import listed
path = pathlib.Path({str(tmp_path)!r})
for number in range(10_000):
    (path / f"archived-{{number}}.bak").touch()
folder = Folder(path, "folder:in", path / ".held", patterns=("*.csv", "*.CSV"))
def cost(of):
    began = time.process_time()
    of()
    return time.process_time() - began
pairs = [(cost(lambda: listed(folder)), cost(lambda: [each.stat() for each in os.scandir(path)])) for _ in range(9)]
print(statistics.median(ours / theirs for ours, theirs in pairs))
"""
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True, check=True)
    assert float(said.stdout) < 3
