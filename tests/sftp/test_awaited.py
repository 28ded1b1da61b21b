"""What only its sender can finish is told of, once, and never taken."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from sftp.arrival import Folder, drop_folder
from sftp.collect import Collector
from sftp.names import without_temporary
from sftp.testing import Received, Told

if TYPE_CHECKING:
    from pathlib import Path


class Bench:
    """A collector whose clock stands still unless it is moved."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.now = folder, 0.0
        self.received, self.told = Received(), Told()
        numbers = itertools.count(1)
        self.collector = Collector(
            [folder], self.received, new_id=lambda: f"a{next(numbers)}", monotonic=lambda: self.now,
            on_activity=self.told,
        )  # fmt: skip

    def write(self, name: str, data: bytes = b"1") -> None:
        path = self.folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def after(self, seconds: float) -> list[str]:
        """Scan `seconds` later; what has been told of files that wait."""
        self.now += seconds
        self.collector.scan()
        return [each.message for each in self.told.of("partial_waiting")]


def watched(tmp_path: Path, *, patterns: tuple[str, ...] = ("*",), marker: str | None = None, below: int = 0) -> Folder:
    return Folder(
        tmp_path / "in", "folder:in", tmp_path / "held", patterns=patterns, settle_seconds=5.0,
        partial_after_seconds=900.0, marker=marker, below=below,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["orders.tmp", "~orders.csv", "orders.csv~", ".in.orders.csv", "a.csv.filepart"])
def test_a_file_of_our_own_server_that_keeps_its_temporary_name_is_told_once(tmp_path: Path, name: str) -> None:
    bench = Bench(drop_folder(tmp_path, "acme"))
    bench.write(name)
    assert bench.after(0) == []
    assert bench.after(899) == []
    told = bench.after(61)
    assert told == [
        (
            f"{name} has lain in drop://acme for 900 s and more under a temporary name; "
            "it is taken when it gets its final one"
        )
    ]
    assert bench.after(3600) == told
    assert bench.received.arrivals == []
    [activity] = bench.told.of("partial_waiting")
    assert (activity.problem, activity.partner, activity.name) == (True, "acme", name)


def test_one_that_still_grows_is_not_told_and_one_that_is_renamed_is_taken(tmp_path: Path) -> None:
    bench = Bench(drop_folder(tmp_path, "acme"))
    for turn in range(5):
        bench.write("a.csv.filepart", b"1" * (turn + 1))
        assert bench.after(600) == []
    (bench.folder.path / "a.csv.filepart").rename(bench.folder.path / "a.csv")
    assert bench.after(1000) == []
    assert [each.name for each in bench.received.arrivals] == ["a.csv"]


def test_of_a_watched_folder_only_names_that_would_be_wanted_are_told(tmp_path: Path) -> None:
    bench = Bench(watched(tmp_path, patterns=("*.csv",), below=1))
    for name in (".DS_Store", ".hidden.csv", "~$book.xlsx", "notes.txt", "x.txt.tmp", "a.csv.part", "sub/b.csv.tmp"):
        bench.write(name)
    bench.write("sub/deeper/c.csv.tmp")
    bench.after(0)
    assert bench.after(960) == [
        (
            "a.csv.part has lain in folder:in for 900 s and more under a temporary name; "
            "it is taken when it gets its final one, and so has 1 more"
        )
    ]


def test_a_file_whose_marker_does_not_come_is_told(tmp_path: Path) -> None:
    bench = Bench(watched(tmp_path, marker=".ok"))
    bench.write("a.csv")
    bench.write("c.csv.ok")
    bench.after(0)
    assert bench.after(960) == [
        "a.csv has lain in folder:in for 900 s and more without its marker a.csv.ok; it is taken when that comes"
    ]
    bench.write("a.csv.ok")
    bench.after(60)
    bench.after(60)
    assert [each.name for each in bench.received.arrivals] == ["a.csv"]
    bench.write("a.csv")  # the next of the name has a patience of its own
    bench.after(60)
    assert len(bench.after(960)) == 2


@pytest.mark.parametrize(
    ("name", "final"),
    [("a.csv.filepart", "a.csv"), ("A.CSV.TMP", "A.CSV"), ("~a.csv", "a.csv"), ("a.csv~", "a.csv"), (".a.csv", "")],
)
def test_the_name_that_is_likely_to_come(name: str, final: str) -> None:
    assert without_temporary(name) == final
