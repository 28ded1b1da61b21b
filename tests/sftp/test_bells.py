"""The bell rings when a file is closed, and its absence is told."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sftp.arrival import Folder
from sftp.bells import Bell
from sftp.testing import Told

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
        assert rung.wait(10)
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
        assert rung.wait(10)
    finally:
        bell.stop()
