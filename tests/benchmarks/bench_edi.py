"""How fast interchanges are read and judged: beside the limit of the language, beside peers, in how much memory.

Run it alone with ``make bench ONLY=edi``. Files are made once and kept in ``.cache/edi``. Speeds are megabytes (10^6) a
second of processor time. EDI_MEMORY_BYTES=1000000000 measures the memory over a whole gigabyte, which takes a minute.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from edi.formats import FORMATS, parse_format
from edi.model import Document
from edi.segmented.structure.naming import named
from tests.benchmarks.harness import figure, paired
from tests.benchmarks.peers import PEERS, Missing, Peer, megabytes_a_second
from tests.edi.makers.files import MAKERS, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(".cache/edi")
SIZE = int(os.environ.get("EDI_BYTES", "50000000"))
MEMORY_BYTES = int(os.environ.get("EDI_MEMORY_BYTES", "200000000"))
RUNS = 3
CHUNK = 1 << 18

AIMS = {"x12-850": 40, "x12-837p": 25, "edifact-orders": 20}
"""Megabytes a second as rows."""

STAEDI = 2.7
"""Megabytes a second of the fastest validating engine known, which is written in Java, on a file like this one."""

LABELS = {"x12-850": "X12 850", "x12-837p": "X12 837P", "edifact-orders": "EDIFACT ORDERS"}


def measure() -> list[dict[str, Any]]:
    """The figures: ``name, value, unit, runs``, and ``against, ratio, aim, met`` where there is an aim."""
    found = []
    for name in AIMS:
        found += speeds(name)
    found += [names("x12-850", 25), errors("x12-850"), errors("edifact-orders"), processes("x12-850")]
    found += [memory("x12-850"), memory("edifact-orders")]
    for peer in PEERS:
        found.append(beside(peer))
    return found


def speeds(name: str) -> list[dict[str, Any]]:
    """A kind of file as rows, fully judged, and beside the mere splitting of every segment."""
    path = written(name, SIZE, FOLDER)
    limit, ours, _ = paired(lambda: speed(split, path), lambda: speed(rows, path), RUNS)
    ratio = round(ours / limit, 2)
    found = [
        figure(f"{LABELS[name]}: split into elements, thrown away", limit, "MB/s", RUNS),
        figure(f"{LABELS[name]} as rows", ours, "MB/s", RUNS, aim=f"≥ {AIMS[name]}", met=ours >= AIMS[name]),
        figure(
            f"{LABELS[name]} as rows, to the split",
            ours,
            "MB/s",
            RUNS,
            against="the split",
            ratio=ratio,
            aim="≥ 0.25 ×",
            met=ratio >= 0.25,
        ),
    ]
    if name == "x12-850":
        label = f"StAEDI with a schema, {STAEDI} MB/s, which is its pace from another day"
        more = {"against": label, "ratio": ours / STAEDI, "aim": "≥ 15 ×", "met": ours >= 15 * STAEDI}
        found.append(figure(f"{LABELS[name]} as rows, to StAEDI", ours, "MB/s", RUNS, **more))
    return found


def names(name: str, aim: int) -> dict[str, Any]:
    """The same with each row as a dict."""
    path = written(name, SIZE, FOLDER)
    value = median(speed(dicts, path) for _ in range(RUNS))
    return figure(f"{LABELS[name]} as named dicts", value, "MB/s", RUNS, aim=f"≥ {aim}", met=value >= aim)


def errors(name: str) -> dict[str, Any]:
    """A file with an error in every document, beside the right one."""
    right, wrong = written(name, SIZE // 5, FOLDER), damaged(name)
    bad, good, ratio = paired(lambda: speed(rows, wrong), lambda: speed(rows, right), RUNS)
    assert bad < good * 2
    return figure(
        f"{LABELS[name]}, an error in every document",
        bad,
        "MB/s",
        RUNS,
        against="without errors",
        ratio=ratio,
        aim="≥ 0.25 ×",
        met=ratio >= 0.25,
    )


def processes(name: str) -> dict[str, Any]:
    """Two files in two processes, beside the two in one, by the clock on the wall."""
    paths = [written(name, SIZE // 2, FOLDER)] * 2
    runs = [(together(paths), in_turn(paths)) for _ in range(RUNS)]
    value = median(sum(path.stat().st_size for path in paths) / seconds / 1e6 for seconds, _ in runs)
    ratio = median(after / before for before, after in runs)
    return figure(
        f"{LABELS[name]} as rows, two processes",
        value,
        "MB/s",
        RUNS,
        against="one process",
        ratio=ratio,
        aim="≥ 1.7 ×",
        met=ratio >= 1.7,
    )


def memory(name: str) -> dict[str, Any]:
    """What a process takes above one that reads nothing; the file is made while it is read."""
    grown = (peak(name, MEMORY_BYTES) - peak(name, 0)) / 1e6
    label = f"{LABELS[name]}: memory above an idle process, for a file of {MEMORY_BYTES / 1e6:,.0f} MB"
    return figure(label, grown, "MB", aim="≤ 64", met=grown <= 64)


def beside(peer: Peer) -> dict[str, Any]:
    """A peer on the same file in the same minute."""
    path = written(peer.file, peer.size, FOLDER)
    label = f"{LABELS[peer.file]}: {peer.name} {peer.version}, which checks {peer.does}"
    try:
        runs = [(speed(rows, path), megabytes_a_second(peer, path, count(path))) for _ in range(RUNS)]
    except Missing as problem:
        return figure(f"{label}: missing ({problem})", 0.0, "MB/s", 0)
    value = median(theirs for _, theirs in runs)
    ratio = median(ours / theirs for ours, theirs in runs)
    aim = {"aim": f"≥ {peer.aim} ×", "met": ratio >= peer.aim} if peer.aim else {}
    return figure(label, value, "MB/s", RUNS, against="as fast: ours", ratio=ratio, **aim)


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────────


def speed(read: Callable[[Path], object], path: Path) -> float:
    """Megabytes a second of processor time."""
    gc.collect()
    start = time.process_time()
    read(path)
    return path.stat().st_size / (time.process_time() - start) / 1e6


def split(path: Path) -> None:
    """Split every segment into its elements, and throw them away: as fast as the language can be."""
    element, segment = ("*", "~") if path.name.startswith("x12") else ("+", "'")
    rest = ""
    for chunk in read_chunks(path):
        *whole, rest = (rest + chunk.decode("latin-1")).split(segment)
        for each in whole:
            each.split(element)


def rows(path: Path) -> int:
    """Read and judge a file; how many documents it has."""
    return sum(1 for item in items(path) if isinstance(item, Document))


def dicts(path: Path) -> None:
    """The same with each row as a dict from name to element."""
    for item in items(path):
        if isinstance(item, Document):
            named(item.content)


def items(path: Path) -> Iterator[Any]:
    name, *_, options = parse_format(MAKERS[_kind(path)].declaration)
    return FORMATS[name].read(read_chunks(path), dict(options))


def _kind(path: Path) -> str:
    return next(name for name in MAKERS if path.name.startswith(name))


def read_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


@cache
def count(path: Path) -> int:
    """How many documents a file has, counted in its bytes."""
    mark = b"~ST*" if path.name.startswith("x12") else b"'UNH+"
    return path.read_bytes().count(mark)


def damaged(name: str) -> Path:
    """The file with one wrong number in every document."""
    right = written(name, SIZE // 5, FOLDER)
    path = right.with_name(right.name + "-wrong")
    if not path.exists():
        before, after = (b"*EA*", b"*EA*X") if name.startswith("x12") else (b"QTY+21:", b"QTY+21:X")
        opener = b"~ST*" if name.startswith("x12") else b"'UNH+"
        first, *documents = right.read_bytes().split(opener)
        wrong = [document.replace(before, after, 1) for document in documents]
        part = path.with_suffix(".part")
        part.write_bytes(opener.join([first, *wrong]))
        part.rename(path)
    return path


def together(paths: list[Path]) -> float:
    """Seconds on the wall for as many processes as there are files; the interpreters are started before."""
    started = [_process(path) for path in paths]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    return _told(started)


def in_turn(paths: list[Path]) -> float:
    """The same, one process after the other."""
    seconds = 0.0
    for path in paths:
        process = _process(path)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        seconds += _told([process])
    return seconds


def _process(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_edi", "rows", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _told(started: list[subprocess.Popen[str]]) -> float:
    begin = time.perf_counter()
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
    seconds = time.perf_counter() - begin
    for process in started:
        process.communicate()
    return seconds


def peak(name: str, size: int) -> int:
    """The largest resident size of a process that reads so many bytes, in bytes."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_edi", "memory", name, str(size)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main(arguments: list[str]) -> None:
    """What the processes of the benchmark do; without arguments, all of it."""
    if arguments[:1] == ["rows"]:
        path = Path(arguments[1])
        rows(written(_kind(path), 100_000, FOLDER))  # the guide is loaded and compiled
        print("ready", flush=True)
        sys.stdin.readline()
        rows(path)
        print("done", flush=True)
    elif arguments[:1] == ["memory"]:
        print(_peak_here(arguments[1], int(arguments[2])))
    else:
        for each in measure():
            ratio = f"{each['ratio']:.2f} × {each['against']}" if each.get("ratio") is not None else ""
            print(f"{each['name']:75} {each['value']:8.1f} {each['unit']:5} {ratio:28} {each.get('aim') or ''}")


def _peak_here(name: str, size: int) -> int:
    declared, *_, options = parse_format(MAKERS[name].declaration)
    for _ in FORMATS[declared].read(_repeated(name, size), dict(options)):
        pass
    # What getrusage tells of a new process begins with the size of the one that started it.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _repeated(name: str, size: int) -> Iterator[bytes]:
    """A file of 10 MB, interchange after interchange with a control number of its own, until there is enough."""
    path = written(name, 10_000_000, FOLDER)
    mark = b"000000017" if name.startswith("x12") else b"0830+17'UNH"
    length = number = 0
    while length < size:
        number += 1
        control = f"{number:09}".encode()
        for chunk in read_chunks(path):
            text = chunk
            if name.startswith("x12"):
                text = text.replace(mark, control)
            else:
                text = text.replace(mark, b"0830+" + control + b"'UNH")
                if len(text) < CHUNK:
                    text = text.replace(b"+17'", b"+" + control + b"'")
            length += len(text)
            yield text


if __name__ == "__main__":
    main(sys.argv[1:])
