"""Each promise has tests of its name here, on every database that it is about."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.promises import PROMISES

ON_BOTH = {"store_url", "module_store", "given"}
"""The fixtures that give a test each store, one after the other."""
SOURCES = {"A2": "kind"}
"""The promise that is about the databases of others, and the parameter that gives them."""


def functions() -> list[ast.FunctionDef]:
    """The test functions of this folder."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        parsed = ast.parse(path.read_text(encoding="utf-8"))
        found += [each for each in parsed.body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")]
    return found


@pytest.mark.parametrize("promise", PROMISES)
def test_the_promise_has_a_test_of_its_name_on_both_databases(promise: str) -> None:
    named = [each for each in functions() if each.name.startswith(f"test_{promise}_")]
    wanted = {SOURCES[promise]} if promise in SOURCES else ON_BOTH
    assert any(wanted & {argument.arg for argument in each.args.args} for each in named)


def test_no_test_has_the_name_of_a_promise_that_nobody_made() -> None:
    named = {each.name.split("_")[1] for each in functions() if each.name.split("_")[1].isupper()}
    assert {name for name in named if len(name) == 2 and name[1].isdigit()} <= set(PROMISES)
