"""One who follows a table and stores what it hears in SQLite: changes, rows, notes and position in one transaction."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.errors import Retry
from adapters.model import Following
from adapters.odbc import OdbcSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from adapters.model import Batch

TABLES = """
    CREATE TABLE IF NOT EXISTS told (number INTEGER PRIMARY KEY, at TEXT, op TEXT, key TEXT, row TEXT);
    CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, row TEXT);
    CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value BLOB);
"""


class Store:
    """The follower's own database."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=OFF")  # a killed process loses nothing of what it wrote
        self.database.executescript(TABLES)

    def position(self) -> str | None:
        kept = self.recall("position")
        return None if kept is None else kept.decode()

    def recall(self, name: str) -> bytes | None:
        found = self.database.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def keep(self, batch: Batch) -> None:
        run = self.database.execute
        run("BEGIN IMMEDIATE")
        for change in batch.changes:
            key, row = json.dumps(change.key), json.dumps(change.row, default=str)
            run("INSERT INTO told (at, op, key, row) VALUES (?, ?, ?, ?)", (change.at, change.op, key, row))
            if change.row is None:
                run("DELETE FROM rows WHERE key = ?", (key,))
            else:
                run("INSERT OR REPLACE INTO rows VALUES (?, ?)", (key, row))
        for name, value in {**batch.memory, "position": batch.position.encode()}.items():
            run("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))
        run("COMMIT")

    def count(self) -> int:
        """How many changes it has stored, those of the snapshot included."""
        number: int = self.database.execute("SELECT count(*) FROM told").fetchone()[0]
        return number

    def told(self) -> list[tuple[str, str, Any, Any]]:
        """What the log told, in order: its place, what happened, the key, the row."""
        found = self.database.execute("SELECT at, op, key, row FROM told WHERE at <> '' ORDER BY number")
        return [(at, op, json.loads(key), json.loads(row)) for at, op, key, row in found]

    def rows(self) -> list[Any]:
        return [json.loads(row) for (row,) in self.database.execute("SELECT row FROM rows")]

    def close(self) -> None:
        self.database.close()


def poll(
    source: OdbcSource,
    following: Following,
    store: Store,
    *,
    batch: int = 20,
    stored: Callable[[], object] = lambda: None,
) -> int:
    """One poll of the table ``t``; how many changes there were. `stored` is called after each batch that tells any."""
    changes = 0
    for told in source.changes("t", following, position=store.position(), recall=store.recall, batch=batch):
        store.keep(told)
        if told.changes:
            stored()
        source.ack("t", following, told.position)
        changes += len(told.changes)
    return changes


def follow_for_ever(connection: str, options: Mapping[str, str], path: Path) -> None:
    """Poll until killed, and say ``stored`` after each batch that tells anything.

    Whoever comes too soon is told to come again: the server may not have seen yet that the one before was killed.
    """
    following = Following("log")
    with closing(OdbcSource(connection, options=options)) as source, closing(Store(path)) as store:
        while True:
            with suppress(Retry):
                if poll(source, following, store, stored=lambda: os.write(1, b"stored\n")):
                    continue
            time.sleep(0.002)


class Follower:
    """A process that follows."""

    def __init__(self, talk: subprocess.Popen[str]) -> None:
        assert talk.stdin
        self._talk = talk
        talk.stdin.write("begin\n")
        talk.stdin.flush()
        self._pid = int(self._heard())

    def stored(self) -> None:
        """Wait until it has stored a batch."""
        assert self._heard() == "stored", "the follower ended by itself"

    def kill(self) -> None:
        """Kill it at once, and wait until it is gone."""
        os.kill(self._pid, signal.SIGKILL)
        while (heard := self._heard()) == "stored":
            pass
        assert heard == f"ended by {signal.SIGKILL:d}"

    def _heard(self) -> str:
        assert self._talk.stdout
        return self._talk.stdout.readline().strip()


@contextmanager
def nursery(connection: str, options: Mapping[str, str], path: Path) -> Iterator[Callable[[], Follower]]:
    """A process with everything imported, from which followers are forked, one at a time."""
    command = [sys.executable, "-m", "tests.adapters.followers", connection, json.dumps(dict(options)), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as talk:
        yield lambda: Follower(talk)


def main(connection: str, options: str, path: str) -> None:
    """The nursery: a line asks for a follower; its number is said, what it stores, and how it ended."""
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.write(1, f"{os.getpid()}\n".encode())
            follow_for_ever(connection, json.loads(options), Path(path))
        _, status = os.waitpid(pid, 0)
        os.write(1, f"ended by {os.waitstatus_to_exitcode(status) * -1}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
