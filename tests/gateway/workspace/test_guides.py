"""Guides of a workspace: a partner's codes and segments where they differ from the standard's guide."""

from __future__ import annotations

import pytest

from edi.formats import FORMATS
from edi.model import Document
from edi.x12 import SPEC
from gateway.workspace.loader import parse
from tests.gateway.workspace.workspaces import FILES, only

PATH = "guides/acme-850.toml"
FLOW = "integrations/acme-orders.yaml"
GUIDE = """\
extends = "x12/004010/850"

[codes]
BEG02 = "+ Q7"
"""


def workspace(guide: str = GUIDE) -> dict[str, str]:
    """The samples, with a guide that the orders of Acme are read with."""
    return {**FILES, PATH: guide, FLOW: FILES[FLOW].replace("x12 004010 850", "x12 004010 850 guide=acme-850")}


def test_a_guide_is_named_by_an_integration_and_the_reader_keeps_to_it() -> None:
    configuration = parse(workspace())
    assert configuration.files[PATH] == GUIDE
    declared = configuration.integrations["acme-orders"].format
    data = SPEC.example.replace("*SA*", "*Q7*").encode()
    for options, codes in ((dict(declared.options), []), ({}, ["element.code"])):
        (order,) = (item for item in FORMATS["x12"].read([data], options) if isinstance(item, Document))
        assert [finding.code for finding in order.findings] == codes


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param('extends = "004010/851"\n', 1, "there is no guide 004010/851 to extend", id="of nothing"),
        pytest.param('extends = "004010/850"\n[codes\n', 2, "Expected ']'", id="no toml"),
        pytest.param('extends = "004010/850"\n[codes]\nBEG99 = "1"\n', 1, "BEG99", id="of no element"),
    ],
)
def test_what_is_wrong_with_a_guide_is_told_in_its_own_file(text: str, line: int, said: str) -> None:
    problem = only(workspace(text))
    assert (problem.file, problem.line) == (PATH, line)
    assert said in problem.message


def test_a_guide_that_is_not_there_is_told_where_it_is_named() -> None:
    files = workspace()
    del files[PATH]
    problem = only(files)
    assert problem.file == FLOW
    assert "there is no guide 'acme-850'" in problem.message
