"""strace's fault injection: which system calls a process made, and the same again with one of them gone wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.faults.nursery import Child

COMMITTING = (
    *("write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "sendto"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat", "mkdir", "mkdirat"),
)
"""The calls that change what a restart finds, or what the other side hears."""

_SECONDS_MAX = 60.0


def missing() -> str | None:
    """Why no fault can be injected here; None when it can."""
    if shutil.which("strace") is None:
        return "no strace; install the Debian package strace"
    tried = subprocess.run(
        ["strace", "-qq", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: what it worked on, and the how-manieth of its name in its thread it was."""

    name: str
    nth: int
    what: str
    thread: int
    line: str

    def __str__(self) -> str:
        """As a test's parameter or message."""
        return f"{self.name} {self.nth} on {self.what}"


@contextmanager
def traced(
    child: Child, to: Path, *, inject: str | None = None, only: Iterable[str] = COMMITTING, length: int = 160
) -> Iterator[None]:
    """Attach strace to a child at its door and let it go; the trace is whole at the end of the block.

    `inject` is strace's own word, such as ``fsync:signal=KILL:when=3``.
    """
    with attached(child.pid, to, inject=inject, only=only, length=length) as strace:
        child.go()
        yield
        strace.communicate(timeout=_SECONDS_MAX)


@contextmanager
def attached(
    pid: int, to: Path, *, inject: str | None = None, only: Iterable[str] = COMMITTING, length: int = 160
) -> Iterator[subprocess.Popen[str]]:
    """Attach strace to a process and all its threads; each thread's calls are counted from now on."""
    calls = ",".join(f"?{name}" for name in only)
    command = ["strace", "-f", "-y", "-s", str(length), "-e", f"trace={calls}", "-o", str(to)]
    if inject is not None:
        command += ["-e", f"inject={inject}"]
    process = subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    attached = process.stderr.readline()
    assert "attached" in attached, attached
    try:
        yield process
    finally:
        process.terminate()  # it lets go of a process that goes on, and writes what it has seen
        try:
            process.communicate(timeout=_SECONDS_MAX if _runs(pid) else 5)  # of one that was killed it may not hear
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


_LINE = re.compile(r"(\d+) +(\w+)\((.*)$")
_HERE = re.compile(r"^AT_FDCWD(<[^>]*>)?")
_PATH = re.compile(r'<(/[^>]*)>|"(/[^"]*)"')


def calls_of(trace: Path) -> list[Call]:
    """The calls of a trace in their order."""
    counts: dict[tuple[int, str], int] = {}
    calls: list[Call] = []
    writing: set[str] = set()
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue  # resumed, ended
        thread, name = int(found[1]), found[2]
        counts[thread, name] = nth = counts.get((thread, name), 0) + 1
        what = _object(name, found[3])
        connection = found[3].partition(",")[0]
        if _BEGIN.search(found[3]):
            reading = "REPEATABLE READ" in found[3]  # which is how the store reads
            (writing.discard if reading else writing.add)(connection)
        elif what == "commit" and connection not in writing:
            what = "socket"
        calls.append(Call(name, nth, what, thread, line))
    return calls


_COMMIT = re.compile(r"COMMIT\\0")
_BEGIN = re.compile(r"\\nBEGIN|BEGIN ISOLATION")


def _object(name: str, arguments: str) -> str:
    """What a call worked on, in a word that is the same in each run."""
    if name == "sendto":
        return "commit" if _COMMIT.search(arguments) else "socket"
    found = _PATH.search(_HERE.sub("", arguments))
    if found is None:
        return "socket" if "<socket:" in arguments or "<TCP" in arguments else "pipe"
    path = found[1] or found[2]
    if "/vault/" in path:
        inside = path.partition("/vault/")[2]
        if inside.startswith("incoming"):
            return "vault part"
        return "vault file" if inside.count("/") == 2 else "vault folder"
    for suffix in ("-wal", "-shm", ".db"):
        if path.endswith(suffix):
            return f"store{suffix}"
    if "/.held" in path or "/held" in path:
        return "held"
    for folder in ("inbox", "stage", "hostkeys"):
        if f"/{folder}" in path:
            return folder
    return "standard error" if re.search(r"\.log-\d+$", path) else os.path.basename(path)  # noqa: PTH119 - a word


def boundaries(calls: list[Call]) -> list[Call]:
    """One call for each state that a kill can leave behind: each commit of the store, and the first of each other step.

    Between two commits a process changes nothing that outlives it, but for files; an empty folder is no state.
    """
    kept: list[Call] = []
    last: tuple[str, str] | None = None
    for call in calls:
        step = (call.name, call.what)
        if step in _COMMITS or (step != last and call.what not in _PASSING and not call.name.startswith("mkdir")):
            kept.append(call)
        last = step
    return kept


def samples(calls: list[Call]) -> list[Call]:
    """The first call of each kind on what matters, and of writing to the store's log one in the middle and the last."""
    kinds: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        if call.what in _SAMPLED:
            kinds.setdefault((call.name, call.what), []).append(call)
    return [
        each[at]
        for (_, what), each in kinds.items()
        for at in (sorted({0, len(each) // 2, len(each) - 1}) if what == "store-wal" else (0,))
    ]


_SAMPLED = ("gateway.yaml", "store-wal", "vault part", "vault file", "vault folder", "held")
_COMMITS = {("fsync", "store-wal"), ("fdatasync", "store-wal"), ("sendto", "commit")}
_PASSING = ("standard error", "pipe", "socket", "store-wal", "store-shm", "data")
