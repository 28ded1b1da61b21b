"""A commit of whatever process is seen at once, and nothing else is taken for one."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gateway.store.hot.commits import Commits
from gateway.store.sqlite import library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ELSEWHERE = """
import sys
from gateway.store.sqlite import library
library().connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])
"""


@pytest.fixture(params=["gateway.db", "50% of #1?.db", "Lagerhalle \N{LATIN SMALL LETTER U WITH DIAERESIS}.db"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


@pytest.fixture
def writer(file: Path) -> Iterator[Any]:
    with closing(library().connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE number (value)")
        yield connection


def test_commits_of_this_process_and_of_others_are_seen(file: Path, writer: Any) -> None:
    commits = Commits(file)
    told = [commits.seen()]
    assert told[0] is not None
    writer.execute("INSERT INTO number VALUES (1)")
    told.append(commits.seen())
    subprocess.run([sys.executable, "-c", _ELSEWHERE, file, "INSERT INTO number VALUES (2)"], check=True, timeout=60)
    told.append(commits.seen())
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.execute("INSERT INTO number VALUES (3)")
    told.append(commits.seen())
    assert len(set(told)) == len(told)


def test_a_file_behind_a_link_is_seen_as_itself(file: Path, writer: Any, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(file)
    commits = Commits(tmp_path / "linked")
    before = commits.seen()
    writer.execute("INSERT INTO number VALUES (1)")
    assert None not in (before, commits.seen())
    assert commits.seen() != before


def test_neither_reading_nor_what_is_rolled_back_is_a_commit(file: Path, writer: Any) -> None:
    commits = Commits(file)
    before = commits.seen()
    for statement in ("SELECT * FROM number", "BEGIN IMMEDIATE", "INSERT INTO number VALUES (1)", "ROLLBACK"):
        writer.execute(statement)
    with closing(library().connect(file)) as another:
        another.execute("SELECT * FROM number").fetchall()
    assert commits.seen() == before


def test_a_file_without_such_memory_is_told_apart(file: Path) -> None:
    with closing(library().connect(file, isolation_level=None)) as connection:  # a rollback journal, not WAL
        connection.execute("CREATE TABLE number (value)")
        assert Commits(file).seen() is None


def test_the_last_one_to_look_may_look(file: Path, writer: Any) -> None:
    commits = Commits(file)
    seen = commits.seen
    before = seen()
    del commits
    writer.close()
    assert seen() == before
