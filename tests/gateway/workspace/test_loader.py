"""A folder becomes one configuration, or the complete list of what is wrong."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.workspace.loader import ConfigurationProblems, load, parse, revision
from tests.gateway.workspace.workspaces import FILES, changed, only, problems

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def test_the_samples_of_the_documentation_load() -> None:
    configuration = parse(FILES)
    assert set(configuration.integrations) == {"acme-orders", "globex-prices", "initech-invoices", "erp-customers"}
    assert set(configuration.contracts) == {"order.v1", "price.v2", "invoice.v1", "customer.v3"}
    assert set(configuration.codes) == {"units", "product-groups", "customer-status", "ISO-4217", "ISO-3166"}
    for flow in configuration.integrations.values():
        assert configuration.contract_of(flow).name == flow.contract


def test_a_folder_and_its_files_from_memory_are_the_same_revision(tmp_path: Path) -> None:
    others = {"README.md": "x", "tests/acme-orders/input.edi": "x", "data/x.yaml": "x: [", ".hidden.yaml": "x: ["}
    configuration = load(written(tmp_path, {**FILES, **others}))
    assert configuration == parse(FILES)
    assert configuration.files == FILES
    assert parse(configuration.files) == configuration


def test_a_revision_is_named_by_every_path_and_every_byte() -> None:
    names = [
        revision(files)
        for files in ({}, {"a": ""}, {"a": "b"}, {"ab": ""}, {"a": "b", "c": ""}, {"a": "bc"}, {"a": "", "b": ""})
    ]
    assert len(set(names)) == len(names)
    assert all(len(name) == 12 and set(name) <= set("0123456789abcdef") for name in names)
    assert revision({"a": "1", "b": "2"}) == revision({"b": "2", "a": "1"})
    assert parse(changed("gateway.yaml", "", "# x\n")).revision != parse(FILES).revision


def test_all_problems_of_all_files_are_told_together_in_order() -> None:
    files = changed("integrations/acme-orders.yaml", "owner:", "ownr:")
    files["integrations/acme-orders.yaml"] = files["integrations/acme-orders.yaml"].replace("PO104 |", "PO104 ||")
    files["contracts/price.v2.yaml"] = FILES["contracts/price.v2.yaml"].replace("decimal >= 0", "decmal >= 0")
    files["partners/globex.yaml"] = "partner: globex\nsftp: {user: x\n"
    found = problems(files)
    assert [(problem.file, problem.line) for problem in found] == [
        ("contracts/price.v2.yaml", 7),
        ("integrations/acme-orders.yaml", 3),
        ("integrations/acme-orders.yaml", 23),
        ("partners/globex.yaml", 2),
    ]


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("integrations/x.yml", "no file of a workspace is called like this", "integrations/*.yaml"),
        ("integrations/more/x.yaml", "no file of a workspace is called like this", "integrations/*.yaml"),
        ("codes/x.yaml", "no file of a workspace is called like this", "codes/*.csv"),
        ("partners/x.csv", "no file of a workspace is called like this", "partners/*.yaml"),
        ("gatway.yaml", "no file of a workspace is called like this", "did you mean 'gateway.yaml'?"),
        ("conections.yml", "no file of a workspace is called like this", "did you mean 'connections.yaml'?"),
        ("partner/x.yaml", "no file of a workspace is called like this", "did you mean 'partners'?"),
        ("integration/x.yaml", "no file of a workspace is called like this", "did you mean 'integrations'?"),
    ],
)
def test_a_file_that_would_be_passed_over_by_a_slip_is_told(tmp_path: Path, path: str, message: str, hint: str) -> None:
    files = {"gateway.yaml": "", path: "x: y\n"}
    found = only(files)
    assert (found.file, found.message) == (path, message)
    assert hint in found.hint
    with pytest.raises(ConfigurationProblems) as caught:
        load(written(tmp_path, files))
    assert caught.value.problems == (found,)


def test_a_folder_that_is_no_workspace_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationProblems, match=r"the workspace has no file gateway\.yaml"):
        load(tmp_path)
    with pytest.raises(ConfigurationProblems, match="there is no such folder"):
        load(tmp_path / "nowhere")


def test_a_file_that_is_not_utf8_is_told_with_the_byte(tmp_path: Path) -> None:
    written(tmp_path, {"gateway.yaml": ""})
    (tmp_path / "teams.yaml").write_bytes("a:\n  about: Größe\n".encode("windows-1252"))
    with pytest.raises(ConfigurationProblems) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == ("teams.yaml", 2, 12)
    assert problem.message == "the byte 0xf6 is not UTF-8"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    written(tmp_path, {"gateway.yaml": ""})
    (tmp_path / "teams.yaml").symlink_to(tmp_path / "teams.yaml")
    with pytest.raises(ConfigurationProblems) as caught:
        load(tmp_path)
    assert caught.value.problems[0].file == "teams.yaml"


def test_windows_line_ends_and_byte_order_marks_load(tmp_path: Path) -> None:
    dos = {path: "\ufeff" + text.replace("\n", "\r\n") for path, text in FILES.items()}
    assert set(load(written(tmp_path, dos)).integrations) == set(parse(FILES).integrations)


PATHS = st.sampled_from([*FILES, "teams.yaml"])
PIECES = [*"abc \n\n:-#'\"[]{}|>&*!%@`,.?/\\\t019\r", "é", "\U0001f600", "map:\n  ", "fields:\n  ", "secret"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def judge(files: dict[str, str]) -> None:
    """Load `files`; nothing but problems may be raised, and they can be shown."""
    with suppress(ConfigurationProblems):
        parse(files)
        return
    with pytest.raises(ConfigurationProblems) as caught:
        parse(files)
    assert caught.value.problems
    assert str(caught.value)


@settings(max_examples=60, deadline=None)
@given(path=PATHS, text=TEXTS)
def test_any_text_is_a_configuration_or_problems(path: str, text: str) -> None:
    judge({**FILES, path: text})


@settings(max_examples=80, deadline=None)
@given(path=PATHS, at=st.floats(0, 1), length=st.integers(0, 12), text=TEXTS.map(lambda text: text[:6]))
def test_any_slip_of_the_pen_is_a_configuration_or_problems(path: str, at: float, length: int, text: str) -> None:
    before = FILES.get(path, "")
    place = int(at * len(before))
    judge({**FILES, path: before[:place] + text + before[place + length :]})


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=4))
def test_any_files_are_a_configuration_or_problems(files: dict[str, str]) -> None:
    with pytest.raises(ConfigurationProblems, match=r"gateway\.yaml"):
        parse(files)


def test_a_thousand_problems_are_told_and_each_once() -> None:
    lines = "".join(f"k{number}: x\n" for number in range(1000))
    assert len(problems({"gateway.yaml": lines})) == 1000
