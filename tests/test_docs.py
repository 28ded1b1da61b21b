"""The pages tell the truth: what can be generated is, what can be run runs, and nothing is left out."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from importlib.metadata import metadata
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from edi.findings import CODES
from edi.formats import FORMATS
from gateway.contracts import SCALARS
from gateway.normalize.expression import COMPARISONS
from gateway.normalize.functions import FUNCTIONS
from gateway.serve.app import _resources
from gateway.serve.problems import PROBLEMS
from gateway.workspace.codes import BUILT_IN
from gateway.workspace.notation import FLAGS
from gateway.workspace.tables import LAYOUTS
from sftp.names import TEMPORARY_SUFFIXES
from tests.docs.blocks import all_codes, all_commands
from tests.docs.explanations import ALIKE, EXPLAINED
from tests.docs.findings import EXAMPLES
from tests.docs.guides import header
from tests.docs.pages import ROOT, filled, pages, runnable, whole
from tests.docs.promises import home_of
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.workspace.sections import Key

PAGES = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in pages()}


# ── generated parts ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_generated_parts_of_a_page_are_what_the_product_says(page: str) -> None:
    assert PAGES[page] == filled(PAGES[page]), "write them anew: python -m tests.docs"


def test_a_generated_part_that_is_out_of_date_is_noticed() -> None:
    assert filled(PAGES["README.md"].replace('"4711"', '"4712"')) == PAGES["README.md"]
    assert PAGES["README.md"].replace('"4711"', '"4712"') != PAGES["README.md"]


# ── nothing is left out ──────────────────────────────────────────────────────────────────────────────────────────────


def _keys(keys: tuple[Key, ...], prefix: str = "") -> Iterator[str]:
    for key in keys:
        yield f"`{key.name}`" if key.later else f"`{prefix}{key.name}`"
        yield from _keys(key.keys, f"{prefix}{key.name}.")


def _commands() -> Iterator[str]:
    for name, command in all_commands().items():
        for sub in getattr(command, "commands", {"": None}):
            yield f"### gateway {name} {sub}".strip()


def _notation() -> list[str]:
    return [*SCALARS, *(f"`…, {flag}`" for flag in FLAGS), *BUILT_IN]


def _routes() -> list[str]:
    return [each.path for each in chain.from_iterable(_resources("0").values()) if each.documented]


def _codes_in_the_code() -> set[str]:
    """Every text that is handed over as a finding's ``code``, wherever in the gateway that is."""
    found = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        if "serve" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                values = [each.value for each in node.keywords if each.arg == "code"]
                values += node.args[:1] if called in ("Finding", "Fault", "Failure", "Message", "__init__") else []
                texts = [value.value for value in values if isinstance(value, ast.Constant)]
                found |= {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z]+\.[a-z_]+", text)}
    return found


def test_every_finding_has_its_page_or_section() -> None:
    page = PAGES["docs/findings.md"]
    assert _codes_in_the_code() <= all_codes().keys()
    assert set(re.findall(r"^### (\S+)$", page, re.MULTILINE)) == all_codes().keys() - CODES.keys()
    assert sorted(re.findall(r"^\| \[(\S+)\]\(findings/\1\.md\)", page, re.MULTILINE)) == sorted(CODES)


def test_every_code_of_a_reader_is_explained_and_has_an_example() -> None:
    assert EXPLAINED.keys() == CODES.keys()
    assert EXAMPLES.keys() == CODES.keys()
    assert set(chain(*ALIKE)) <= CODES.keys()


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_provokes_its_code_and_nothing_else(code: str) -> None:
    example = EXAMPLES[code]
    told = [json.loads(line)["code"] for line in example.told("--output", "json").splitlines()]
    assert set(told) == {code, *example.also}


def test_the_pages_that_are_generated_whole_are_there_and_no_others() -> None:
    there = {page for page in PAGES if page.startswith(("docs/findings/", "docs/guides/"))}
    assert there == whole().keys() | {"docs/guides/index.md"}


@pytest.mark.parametrize("page", [page for page in whole() if page.startswith("docs/guides/")])
def test_the_page_of_a_guide_names_its_sources_and_what_it_does_not_cover(page: str) -> None:
    assert re.search(r"^## Sources\n\n.*[Rr]ead in\s", PAGES[page], re.MULTILINE | re.DOTALL)
    assert "not covered" in PAGES[page].lower()


def test_the_head_of_a_guide_is_taken_apart() -> None:
    text = """# Orders.
#
# Facts only. Read in one
# place. Not covered here: what (of D.01B) is
# left out. The rest is here.
#
# A line is a segment.
x = 1
# Read in no header.
"""
    title, sources, lacks = header(text)
    assert (title, lacks) == ("Orders.", "What (of D.01B) is left out.")
    assert sources == "Facts only. Read in one place. The rest is here."
    with pytest.raises(ValueError, match="names no source"):
        header("# Orders.\n#\n# Facts only.\n")


@pytest.mark.parametrize(
    ("page", "words"),
    [
        pytest.param("docs/configuration.md", [*chain(*(_keys(layout.keys) for layout in LAYOUTS))], id="keys"),
        pytest.param("docs/configuration.md", [f"## {layout.pattern}" for layout in LAYOUTS], id="files"),
        pytest.param(
            "docs/configuration.md", [*SCALARS, *(f"`…, {flag}`" for flag in FLAGS), *BUILT_IN], id="notation"
        ),
        pytest.param("docs/configuration.md", [f"formats/{name}.md" for name in FORMATS], id="formats"),
        pytest.param("docs/mapping.md", [f"`{function.signature}`" for function in FUNCTIONS.values()], id="functions"),
        pytest.param("docs/mapping.md", [f"`{operator}`" for operator in COMPARISONS], id="operators"),
        pytest.param("docs/operations.md", [*_commands()], id="commands"),
        pytest.param("docs/api-reference.md", [f"`{code}`" for code in PROBLEMS], id="problems"),
        pytest.param("docs/api-reference.md", [f"`{path}`" for path in _routes()], id="routes"),
        pytest.param("docs/partners.md", [f"`{suffix}`" for suffix in TEMPORARY_SUFFIXES], id="temporary names"),
    ],
)
def test_a_page_says_all_of_it(page: str, words: list[str]) -> None:
    assert [word for word in words if word not in PAGES[page]] == []


def test_every_format_has_its_page() -> None:
    assert {path.stem for path in (ROOT / "docs" / "formats").iterdir()} == FORMATS.keys()


@pytest.mark.parametrize("name", FORMATS)
def test_the_page_of_a_format_has_its_options_an_example_and_what_is_not_supported(name: str) -> None:
    page = PAGES[f"docs/formats/{name}.md"]
    assert re.findall(r"^<!-- generated: (\w+) ", page, re.MULTILINE) == [
        *("format_spec", "format_parsed", "format_writing")
    ]
    assert re.search(r"^## Not supported\n\n- ", page, re.MULTILINE)
    for option in (*FORMATS[name].spec.options, *FORMATS[name].spec.writes):
        assert f"| `{option.name}` |" in page


def test_links_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)")
    targets = [(page, target) for page, text in PAGES.items() for target in link.findall(text)]
    assert [each for each in targets if not (ROOT / each[0]).parent.joinpath(each[1]).exists()] == []


def test_anchors_are_headings() -> None:
    known: dict[Path, set[str]] = {}
    broken = []
    for page, text in PAGES.items():
        for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#([^)]*)\)", text):
            path = (ROOT / page).parent.joinpath(target).resolve() if target else ROOT / page
            if path not in known:
                headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
                known[path] = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
            if anchor not in known[path]:
                broken.append(f"{page}: {target}#{anchor}")
    assert broken == []


def test_a_test_that_is_gone_is_missed() -> None:
    with pytest.raises(LookupError, match="stands in 0 files"):
        home_of("test_" + "that_is_gone")


SILENT = {"pysqlite3"}
"""Dependencies whose metadata names no licence; it was read in their own file."""


def test_every_dependency_is_in_the_table_with_its_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    table = re.findall(
        r"^\| ([\w-]+)(?: \(extra [^)]*\))? \| [^|]+ \| ([^|]+) \|$", PAGES["ARCHITECTURE.md"], re.MULTILINE
    )
    rows = dict(table)
    lines = [*project["dependencies"], *project["optional-dependencies"]["s3"]]
    names = {re.match(r"[\w-]+", line)[0] for line in lines}  # type: ignore[index]
    assert names <= rows.keys()
    for name in names:
        about = metadata(name)
        said = " ".join(str(about.json.get(key)) for key in ("license_expression", "license", "classifier"))
        assert rows[name] in said or name in SILENT, f"{name} says that its licence is {said}"


def test_the_architecture_fits_its_page() -> None:
    assert len(PAGES["ARCHITECTURE.md"].splitlines()) <= 80


# ── what is marked to be run runs ────────────────────────────────────────────────────────────────────────────────────

HEAD = """
set -eu -o pipefail
gateway() { "$PYTHON" -m gateway.operate "$@"; }
"""


@pytest.mark.server
@pytest.mark.parametrize("page", ["getting-started", "onboarding"])
def test_a_page_works_as_it_is_written(page: str, tmp_path: Path) -> None:
    missing = [name for name in ("bash", "curl", "sftp", "ssh-keygen") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"the page uses programs that are not here: {', '.join(missing)}")
    http, sftp = free_port(), free_port()
    ports = {"127.0.0.1:8080": f"127.0.0.1:{http}", "127.0.0.1:2222": f"127.0.0.1:{sftp}", "-P 2222": f"-P {sftp}"}
    environment = os.environ | {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    script = HEAD
    background: subprocess.Popen[bytes] | None = None
    state = tmp_path / "state"
    try:
        for stays, block in runnable(PAGES[f"docs/{page}.md"]):
            text = _with_ports(block, ports)
            if stays:
                _settle_ports(tmp_path, ports)
                command = [sys.executable, "-m", "gateway.operate", *text.split()[1:]]
                background = subprocess.Popen(command, cwd=tmp_path, env=environment)
                if page not in WAITING:
                    _wait_until_ready(f"http://127.0.0.1:{http}/health/ready")
                continue
            load = f". {state}\n" if state.exists() else ""
            keep = f"\ndeclare -p TOKEN LINK PAGE > {state} 2>/dev/null || true\n"
            done = subprocess.run(
                ["bash", "-c", script + load + text + keep],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
            for path, said in EXPECTED.items():
                if path in block:
                    assert re.search(said, done.stdout), f"{text}\n{done.stdout}"
    finally:
        if background is not None:
            background.terminate()
            background.wait(60)


WAITING = {"getting-started"}
"""Pages that wait for what they start, as a reader does; for the others the test does it."""

EXPECTED = {
    "filename=po.edi": r'"partly_accepted"',
    "orders/acme~1001": r'"number": ?"1001"',
    "orders/acme~1002": r'"unit": ?"carton"',
    "orders/acme~1003": r'"number": ?"1003"',
    "orders/globex~7001": r'"number": ?"7001"',
    "partner card": r"put orders\.edi /inbox/",
    "partner check": r"✓ an acknowledgment was fetched",
    "partner key list": r"\tbuyer@globex\tlast used (?s:.*)\tbuyer@globex-2027\tno use is known",
}
"""What stands in a block → what its output must show."""


def _with_ports(text: str, ports: dict[str, str]) -> str:
    written = "|".join(rf"{re.escape(each)}\b" for each in ports)
    return re.sub(written, lambda found: ports[found[0]], text)


def _settle_ports(folder: Path, ports: dict[str, str]) -> None:
    """The page's ports may be in use here: take free ones."""
    path = folder / "shop" / "gateway.yaml"
    path.write_text(_with_ports(path.read_text(encoding="utf-8"), ports), encoding="utf-8")


def _wait_until_ready(url: str) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError(f"{url} was not ready within three minutes")
