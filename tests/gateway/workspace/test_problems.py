"""A problem shows its line with a caret, and never a secret."""

from __future__ import annotations

import pytest

from gateway.errors import Stop
from gateway.workspace.problems import ConfigurationProblems, File, Problem, did_you_mean, hide_secrets
from tests.gateway.workspace.workspaces import picture


def shown(text: str, start: int, end: int, message: str = "wrong", hint: str = "") -> str:
    file = File("partners/acme.yaml", text)
    file.refuse(start, end, message, hint)
    return str(file.problems[0])


def test_a_problem_is_its_place_its_line_a_caret_and_a_hint() -> None:
    assert shown(
        "partner: acme\nsftpp:\n  user: x\n", 14, 19, "unknown key 'sftpp'", "did you mean 'sftp'?"
    ) == picture(
        """
        partners/acme.yaml:2:1: unknown key 'sftpp'
            sftpp:
            ^^^^^
            did you mean 'sftp'?
        """
    )


def test_the_caret_stands_under_wide_and_combining_characters() -> None:
    text = "a: 値段 e\u0301 x"
    assert shown(text, 3, 5).splitlines()[2] == "       ^^^^"
    assert shown(text, text.index("x"), len(text)).splitlines()[2] == "              ^"


def test_a_tab_takes_one_place_so_that_the_caret_fits() -> None:
    assert shown("\ta: b", 1, 2).splitlines()[1:3] == ["     a: b", "     ^"]


def test_a_long_line_is_shown_around_the_caret() -> None:
    text = "a: " + "x" * 5000 + "!" + "y" * 5000
    _, line, caret = shown(text, text.index("!"), text.index("!") + 1).splitlines()
    assert len(line) < 200
    assert line[caret.index("^")] == "!"


def test_a_place_after_the_end_of_the_line_has_a_caret_all_the_same() -> None:
    assert shown("a: b\nc", 4, 9).splitlines()[1:3] == ["    a: b", "        ^"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("url: postgresql://app:hunter2@db/x", "url: postgresql://app:*******@db/x"),
        ("url: Driver=X;UID=a;PWD=hunter2;Port=1", "url: Driver=X;UID=a;PWD=*******;Port=1"),
        ("url: postgresql://app:secret:store@db/x", "url: postgresql://app:secret:store@db/x"),
        ("sftp: {password: hunter2}", "sftp: {password: ********"),
        ("api_key: hunter2", "api_key: *******"),
        ("password: secret:erp/password", "password: secret:erp/password"),
        ("password: 'secret:erp/password'", "password: 'secret:erp/password'"),
        ("MIIEpAIBAAKCAQEA7bq3vX0f1X3hq0r5c9V2n4kq", "*" * 40),
        ("key: " + "AKIA" + "ABCDEFGHIJKLMNOP", "key: " + "*" * 20),
        ("number: BEG03", "number: BEG03"),
    ],
)
def test_a_line_is_shown_without_its_secrets_and_in_the_same_length(line: str, expected: str) -> None:
    assert hide_secrets(line) == expected
    assert len(hide_secrets(line)) == len(line)


def test_the_nearest_name_is_suggested_and_otherwise_all_of_a_few() -> None:
    assert did_you_mean("sorce", ["source", "owner"]) == "did you mean 'source'?"
    assert did_you_mean("DECIMAL", ["decimal", "date"]) == "did you mean 'decimal'?"
    assert did_you_mean("zzz", ["b", "a"]) == "known are: a, b"
    assert did_you_mean("zzz", [], "add it") == "add it"
    assert did_you_mean("zzz", map(str, range(100))) == ""


def test_all_problems_are_one_error_for_a_person() -> None:
    error = ConfigurationProblems([Problem("a.yaml", 1, 2, 1, "first"), Problem("b.yaml", 3, 4, 1, "second")])
    assert isinstance(error, Stop)
    assert str(error) == "2 problems in the configuration\n\na.yaml:1:2: first\n\nb.yaml:3:4: second"
