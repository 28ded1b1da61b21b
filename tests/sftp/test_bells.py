"""The bell rings when a file is closed; its absence is told, what it loses too, and it is made anew."""

from __future__ import annotations

import itertools
import logging
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sftp.arrival import Folder
from sftp.bells import Bell
from sftp.collect import Collector
from sftp.testing import PATIENCE_SECONDS, Received, Told

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "in").mkdir()
    return Folder(tmp_path / "in", "folder:in", tmp_path / "held")


def test_closing_a_file_rings_with_the_source_of_its_folder(folder: Folder) -> None:
    rung, sources = threading.Event(), []

    def ring(source: str) -> None:
        sources.append(source)
        rung.set()

    bell = Bell([folder], ring)
    bell.start()
    try:
        (folder.path / "a.csv").write_text("x")
        assert rung.wait(PATIENCE_SECONDS)
        assert set(sources) == {"folder:in"}
    finally:
        bell.stop()


def test_a_folder_that_cannot_be_watched_is_told_and_the_others_ring(folder: Folder, tmp_path: Path) -> None:
    rung, told = threading.Event(), Told()
    missing = Folder(tmp_path / "missing", "folder:missing", tmp_path / "held2")
    bell = Bell([missing, folder], lambda _: rung.set(), on_activity=told)
    bell.start()
    try:
        assert told.wait("bell_missing").source == "folder:missing"
        (folder.path / "a.csv").write_text("x")
        assert rung.wait(PATIENCE_SECONDS)
    finally:
        bell.stop()


class Rung:
    """Counts the rings, and waits for them."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, source: str) -> None:
        with self._changed:
            self.sources.append(source)
            self._changed.notify_all()

    def wait(self, source: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Until `source` was rung; forgets all rings."""
        with self._changed:
            assert self._changed.wait_for(lambda: source in self.sources, seconds), self.sources
            self.sources.clear()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_folder_that_was_removed_and_made_again_is_watched_again(folder: Folder, how: str) -> None:
    rung, told = Rung(), Told()
    bell = Bell([folder], rung, on_activity=told, look_seconds=0.02)
    bell.start()
    try:
        if how == "removed":
            shutil.rmtree(folder.path)
            told.wait("bell_missing")
            folder.path.mkdir()
        else:
            folder.path.rename(folder.path.with_name("old"))
            folder.path.mkdir()
        assert told.wait("bell_made_anew").message == "folder:in is watched again"
        rung.wait("folder:in")
        (folder.path / "a.csv").write_text("x")
        rung.wait("folder:in")
    finally:
        bell.stop()


def test_a_folder_that_comes_later_is_watched_then(tmp_path: Path) -> None:
    rung = Rung()
    folder = Folder(tmp_path / "later", "folder:later", tmp_path / "held")
    bell = Bell([folder], rung, on_activity=Told(), look_seconds=0.02)
    bell.start()
    try:
        folder.path.mkdir()
        rung.wait("folder:later")
        (folder.path / "a.csv").write_text("x")
        rung.wait("folder:later")
    finally:
        bell.stop()


def test_a_folder_over_a_network_is_only_rescanned_and_that_is_no_problem(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sftp.writers.file_system", lambda _path: "nfs4")
    monkeypatch.setattr("sftp.bells.file_system", lambda _path: "nfs4")
    told = Told()
    bell = Bell([folder], lambda _: None, on_activity=told)
    bell.start()
    try:
        assert not told.wait("bell_missing").problem
    finally:
        bell.stop()


_BURST = """
import os, sys
folder, files = sys.argv[1], int(sys.argv[2])
for number in range(files):
    with open(f"{folder}/{number:05}.csv", "w") as file:
        file.write(str(number))
os.mkdir(f"{folder}/below")
for name in ("a", "b"):
    open(f"{folder}/.{name}", "w").close()
while not os.path.exists(f"{folder}/.enough"):
    for _ in range(1000):  # in turn, or the kernel would make one event of them
        os.close(os.open(f"{folder}/.a", os.O_WRONLY))
        os.close(os.open(f"{folder}/.b", os.O_WRONLY))
with open(f"{folder}/below/last.csv", "w") as file:
    file.write("last")
"""


def test_a_burst_that_overflows_the_queue_of_the_kernel_is_told_and_loses_nothing(folder: Folder) -> None:
    received, told, numbers = Received(), Told(), itertools.count()
    folder = replace(folder, settle_seconds=0.0, below=1)
    collector = Collector(
        [folder], received, new_id=lambda: f"a{next(numbers)}", on_activity=told, rescan_seconds=0.2,
        recover_seconds=3600,
    )  # fmt: skip
    bell = Bell([folder], collector.ring, on_activity=told, look_seconds=0.05)
    stop = threading.Event()
    running = threading.Thread(target=collector.run, args=(stop,))
    logging.getLogger("watchdog").propagate = False
    bell.start()
    try:
        with subprocess.Popen([sys.executable, "-c", _BURST, str(folder.path), "1000"]) as burst:
            try:
                assert told.wait("bell_lost").problem
            finally:
                (folder.path / ".enough").touch()
        assert burst.returncode == 0
        running.start()
        received.wait(1001)
    finally:
        logging.getLogger("watchdog").propagate = True
        stop.set()
        collector.ring()
        if running.is_alive():
            running.join()
        bell.stop()
    assert bell.lost > 0
    expected = [b"%d" % number for number in range(1000)]
    assert sorted(received.contents.values()) == sorted([*expected, b"last"])
