"""The table of problems, and their one body."""

from __future__ import annotations

import json

import pytest

from gateway.serve.problems import BY_STATUS, PROBLEMS, Flaw, Problem, nearest


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_problem_says_what_and_what_to_do(code: str) -> None:
    kind = PROBLEMS[code]
    assert 400 <= kind.status < 600
    assert not kind.title.endswith(".")
    assert kind.remedy.endswith(".")
    body = json.loads(Problem(code).body("req_1"))
    assert list(body) == ["type", "title", "status", "code", "detail", "remedy", "errors", "request_id"]
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == kind.status


def test_what_the_framework_refuses_has_a_row() -> None:
    assert {PROBLEMS[code].status for code in BY_STATUS.values()} == set(BY_STATUS)


def test_a_flaw_names_its_place_and_has_a_remedy() -> None:
    flaw = Flaw("bad_value", "total must be a number", parameter="total")
    assert flaw.shown() == {
        "code": "bad_value",
        "detail": "total must be a number",
        "remedy": PROBLEMS["bad_value"].remedy,
        "parameter": "total",
    }


@pytest.mark.parametrize(
    ("word", "known", "says"),
    [
        ("Totl", ["total", "number"], "Did you mean 'total'?"),
        ("zzz", ["total", "number"], "There are: number, total."),
        ("zzz", [f"f{number:02}" for number in range(20)], "f11 and 8 more."),
        ("zzz", [], ""),
    ],
)
def test_the_nearest_name(word: str, known: list[str], says: str) -> None:
    assert nearest(word, known).endswith(says)
