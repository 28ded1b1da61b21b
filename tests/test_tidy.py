"""What makes a house ugly as it grows: printed for a person to look at; refused where nobody could want it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGES = ("adapters", "edi", "gateway", "sftp")
FILE_LINES, FOLDER_FILES, FUNCTION_LINES = 400, 14, 50
TOP = re.compile(
    r"pyproject\.toml|README\.md|Makefile|docs|CHANGELOG\.md|ARCHITECTURE\.md|LICENSE|requirements[\w-]*\.txt|"
    r"\.ci|\.gitignore|gateway|adapters|edi|sftp|tests"
)
FOREIGN = ("tests/corpus/", "gateway/serve/static/swagger-ui/", "LICENSE", "requirements")
"""Files that are not our own text: samples as partners send them, what others wrote, what a tool writes."""

BESIDES = {
    "test_package.py": "the example of the package's docstring",
    "test_example.py": "likewise",
    "test_docs.py": "a page of docs/ that belongs to the package",
    "test_awkward.py": "awkward but legal files",
    "test_mutations.py": "right files with one wrong thing in them",
    "test_hung.py": "servers that hang",
    "test_attacks.py": "what hostile clients try",
    "test_hostile_server.py": "what hostile servers answer",
    "test_clients.py": "clients that partners have",
    "test_audit.py": "what ssh-audit says",
    "test_forms.py": "the same in several forms",
    "test_no_writes.py": "attempts to write to a source",
    "test_wheels.py": "drivers that come as wheels",
    "test_reference.py": "two implementations of the same, held against each other",
    "test_partners.py": "whose rows they are, in all that the package is asked for",
    "test_schemathesis.py": "requests that a tool makes of the API's document",
    "test_openssh.py": "folders in which a real sshd serves",
    "test_smb.py": "folders that a real smbd serves",
    "test_wrong.py": "requests with one wrong thing in them, of every route",
}
"""Test files that mirror no module, and what they are about."""

BACKENDS = ("sqlite", "postgres", "mariadb")
"""What the suite of the adapters is run on: a file for each database, which mirrors none of its own."""

ABOUT = ("log", "kills", "protected", "model", "docs", "versions", "tables")
"""What the second file of a module's suite is about.

A database's own log, those who are killed, who is protected, a model that stands for a server, a page of docs/,
versions side by side, live tables.
"""

# Written so that this file holds none of them itself.
FORBIDDEN = {
    "a promise to do it later": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b"),
    "a path of one machine": re.compile(r"(?<![\w.~-])/(?:wo" + r"rk|op" + r"t|tm" + r"p|ho" + r"me|ro" + r"ot)/\w"),
    "the address of an index": re.compile(
        r"py" + r"pi\.(?:org|python)|pythonho" + r"sted|npm" + r"js\.|index-u" + r"rl\s*="
    ),
    "a character that cannot be seen": re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"),
    "a letter of another alphabet that looks Latin": re.compile("[\u0370-\u03ff\u0400-\u04ff]"),
}


@cache
def files() -> tuple[str, ...]:
    """The project's files: what is kept, or would be, under version control."""
    if shutil.which("git") is None:
        pytest.skip("there is no git to say which files are the project's; install the Debian package git")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no clone: git does not say which files are the project's")
    return tuple(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


def texts() -> Iterator[tuple[str, str]]:
    """Each of our own files that is text, with what it says."""
    for name in files():
        if name.startswith(FOREIGN) or name.endswith(("ISO-4217.csv", "ISO-3166.csv")):
            continue
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a sample in another encoding


def functions(name: str) -> Iterator[tuple[int, str]]:
    """The functions of a module: how many lines each has, and its name."""
    for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1, node.name


def test_outliers_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    ours = [name for name in files() if name.endswith(".py")]
    long = [(len((ROOT / name).read_bytes().splitlines()), name) for name in ours]
    full = Counter(str(Path(name).parent) for name in ours if name.startswith(PACKAGES))
    tall = [(lines, f"{name}:{each}") for name in ours for lines, each in functions(name)]
    shown = [
        *(f"{lines:5} lines      {name}" for lines, name in sorted(long, reverse=True) if lines > FILE_LINES),
        *(f"{count:5} modules    {folder}/" for folder, count in full.most_common() if count > FOLDER_FILES),
        *(f"{lines:5} lines in   {name}" for lines, name in sorted(tall, reverse=True) if lines > FUNCTION_LINES),
    ]
    with capsys.disabled():
        print("\nWorth a second look:", *shown, sep="\n")  # noqa: T201 - a person is meant to see it
    assert {"tests/test_tidy.py:functions", "tests/test_tidy.py:test_outliers_are_shown"} <= {name for _, name in tall}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        if FORBIDDEN[what].search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a promise to do it later", "# TO" + "DO: later"),
        ("a path of one machine", "see /ho" + "me/ada/gateway"),
        ("the address of an index", "--index-u" + "rl=https://packages.example"),
        ("a character that cannot be seen", "pass\u200bword"),
        ("a letter of another alphabet that looks Latin", "p\u0430rtner"),
    ],
)
def test_what_is_refused_is_seen(what: str, line: str) -> None:
    assert FORBIDDEN[what].search(line)


def test_the_top_level_has_only_what_belongs_there() -> None:
    assert [name for name in sorted({name.split("/")[0] for name in files()}) if not TOP.fullmatch(name)] == []


def test_every_test_file_mirrors_a_module() -> None:
    strays = []
    for name in files():
        path = Path(name)
        if not path.name.startswith("test_") or not path.name.endswith(".py") or path.parts[1] not in PACKAGES:
            continue
        mirrored = ROOT.joinpath(*path.parts[1:-1])
        stem = path.stem.removeprefix("test_")
        base, _, end = stem.rpartition("_")
        stem = base if base and (end in BACKENDS or end in ABOUT) else stem
        module = (mirrored / f"{stem}.py").is_file() or (mirrored / stem).is_dir()
        if not (module or (mirrored.is_dir() and (path.name in BESIDES or stem in BACKENDS))):
            strays.append(name)
    assert strays == []
