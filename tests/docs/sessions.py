"""What is typed on the command line, and what comes back: small sessions that are really run."""

from __future__ import annotations

import re
import shlex
import tempfile
from contextlib import chdir
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from edi.formats import FORMATS
from gateway.operate import wiring
from gateway.operate.cli import gateway as command_line
from tests.docs.markdown import fenced
from tests.docs.product import NOW, SAMPLES, legacy_database, orders_of_long_ago

WIDTH, ROWS, LINES = 120, 4, 24
"""Lines are folded to so many characters and so many rows; so many lines of an answer are shown."""

FILES = {
    "order.edi": (SAMPLES / "acme-orders.edi").read_bytes(),
    "orders.edi": (SAMPLES / "northwind-orders.edi").read_bytes(),
    "prices.csv": (SAMPLES / "globex-prices.csv").read_bytes(),
    "stock.csv": b"sku;quantity\nA-1;12\n",
    "stock.txt": b"A-1 00012\nA-2 00007\n",
    "stock-layout.txt": b"sku      1-3\nquantity 5-9  number\n",
    "acme-850.toml": b'extends = "x12/004010/850"\n\n[codes]\nBEG02 = "+ QQ"\n',
    "odd.edi": (SAMPLES / "acme-orders.edi").read_bytes().replace(b"*SA*4711", b"*QQ*4711").partition(b"ST*850*0002")[0]
    + b"GE*1*101~\nIEA*1*000000101~\n",
}
"""The files of the sessions: the demo's samples, and small ones."""

SESSIONS: dict[str, tuple[str, ...]] = {
    "documents": ("gateway parse order.edi",),
    "findings": ("gateway parse order.edi --findings",),
    "machine": ("gateway parse order.edi --findings -o json",),
    "summary": ("gateway parse order.edi --summary",),
    "named": ("gateway parse stock.csv --named",),
    "declared": (
        "gateway parse prices.csv -f 'csv ; windows-1252 header' --summary",
        "gateway parse stock.txt -f 'fixed layout=stock-layout' --layout stock-layout.txt --named",
    ),
    "answered": ("gateway parse order.edi --ack=997 2>/dev/null", "gateway parse orders.edi --ack"),
    "own_guide": (
        "gateway parse odd.edi --findings",
        "cat acme-850.toml",
        "gateway parse odd.edi --findings --guide acme-850.toml",
    ),
    "written": (
        "gateway parse orders.edi | gateway write -O line_end=lf -O time=2026-11-21T09:05",
        "gateway parse prices.csv | gateway write -O delimiter=tab -O encoding=utf-8",
    ),
    "guides": ("gateway guide 004010 997", "gateway guide 004010 850 PO1"),
    "probed": ("gateway probe erp --quick",),
    "profiled": ("gateway profile erp KUNDEN",),
    "purged": ("gateway purge --dry-run", "gateway purge", "gateway purge"),
}
"""Name → the lines that are typed."""

MEASURED = (
    (r"in [\d.]+ s \([\d.]+ MB/s\)", "in 0.01 s (0.1 MB/s)"),
    (r"answers in [\d.]+ ms", "answers in 0.06 ms"),
    (
        r"SQLite [\d.]+, dialect sqlite, driver \S+ [\d.]+",
        "SQLite 3.40.1, dialect sqlite, driver sqlite3odbc.so 0.9998",
    ),
)
"""What differs from machine to machine, and how it stands on the page."""

IN_A_WORKSPACE = ("purged", "probed", "profiled")
"""Sessions in the demo's workspace, where orders are there that came long ago."""


def session(name: str) -> str:
    """A session: each line that is typed, with what it says below; long lines and long answers are cut."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder), mock.patch.object(wiring, "utc_now", return_value=NOW):
        for file, content in FILES.items():
            Path(file).write_bytes(content)
        if name in IN_A_WORKSPACE:
            orders_of_long_ago(Path(folder))
            legacy_database(Path(folder))
        return fenced("\n\n".join(f"$ {line}\n{_cut(said(line))}".rstrip() for line in SESSIONS[name]), "text")


def said(line: str) -> str:
    """What a line says, both streams together; between pipes go the bytes of the first."""
    given, shown = b"", ""
    for command in line.split(" | "):
        program, *words = shlex.split(command)
        if program == "cat":
            given = Path(words[0]).read_bytes()
            shown = given.decode()
            continue
        silent = "2>/dev/null" in words
        done = CliRunner().invoke(command_line, [word for word in words if word != "2>/dev/null"], input=given)
        if done.exit_code > 1:
            raise AssertionError(f"{line}: {done.output}") from done.exception
        given = done.stdout_bytes
        shown = done.stdout if silent else done.output
    for measured, said_here in MEASURED:
        shown = re.sub(measured, said_here, shown)
    return shown


def _cut(text: str) -> str:
    lines = [row for line in text.rstrip("\n").split("\n") for row in _folded(line)]
    return "\n".join(lines if len(lines) <= LINES else [*lines[:LINES], "…"])


def _folded(line: str) -> list[str]:
    rows = [line[start : start + WIDTH] for start in range(0, len(line), WIDTH)] or [""]
    return rows if len(rows) <= ROWS else [*rows[: ROWS - 1], f"{rows[ROWS - 1][:-1]}…"]


def format_parsed(name: str) -> str:
    """What ``gateway parse`` makes of the example of a format."""
    done = CliRunner().invoke(command_line, ["parse", "-f", name], input=FORMATS[name].spec.example)
    assert done.exit_code == 0, done.output
    return f"`gateway parse example -f {name}` says of it:\n\n{fenced(_cut(done.output), 'text')}"
