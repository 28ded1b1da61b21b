"""One door for what drivers say."""

from __future__ import annotations

import pytest

from adapters.errors import AdapterError, Reject, Retry, Stop, nearest, translated


@pytest.mark.parametrize(
    ("state", "said", "dialect", "kind", "words"),
    [
        ("08001", "[08001] could not connect (101) (SQLDriverConnect)", "postgresql", Retry, "lost or refused"),
        ("57P01", "[57P01] terminating connection (7) (SQLExecDirectW)", "postgresql", Retry, "shutting down"),
        ("57014", "[57014] canceling statement (1) (SQLExecDirectW)", "postgresql", Retry, "time-out"),
        ("HYT00", "[HYT00] timeout expired (0) (SQLExecDirectW)", "mariadb", Retry, "time-out"),
        ("40001", "[40001] deadlock (1213) (SQLExecDirectW)", "mariadb", Retry, "rolled"),
        ("70100", "[70100] Query execution was interrupted (1969) (SQLExecDirectW)", "mariadb", Retry, "time-out"),
        ("22P02", "[22P02] invalid input syntax (1) (SQLExecDirectW)", "postgresql", Reject, "does not accept"),
        ("28P01", "[28P01] password authentication failed (101) (SQLDriverConnect)", "postgresql", Stop, "login"),
        ("42501", "[42501] permission denied (1) (SQLExecDirectW)", "postgresql", Stop, "SELECT"),
        ("25006", "[25006] cannot execute INSERT (1) (SQLExecDirectW)", "postgresql", Stop, "read-only"),
        ("HY000", "[HY000] [SQLite]database is locked (5) (5) (SQLExecDirectW)", "sqlite", Retry, "lock"),
        ("HY000", "[HY000] [SQLite]interrupted (9) (9) (SQLFetch)", "sqlite", Retry, "time-out"),
        ("HY000", "[HY000] [SQLite]file is not a database (26) (26) (SQLExecDirectW)", "sqlite", Stop, "not an SQLite"),
        ("HY000", "[HY000] gone (2006) (SQLExecDirectW)", "mariadb", Retry, "lost"),
        ("HY000", "[HY000] [SQLite]no such column: x (1) (1) (SQLExecDirectW)", "sqlite", Stop, "no such column"),
        ("HY000", "", "", Stop, "no reason"),
    ],
)
def test_each_says_what_to_do(state: str, said: str, dialect: str, kind: type[AdapterError], words: str) -> None:
    error = translated(Exception(state, said), doing="cannot read table 'T'", dialect=dialect)
    assert type(error) is kind
    assert error.message.startswith("cannot read table 'T': ")
    assert words in error.message
    if isinstance(error, Retry):
        assert error.delay_seconds > 0
        assert error.lost == (state.startswith(("08", "57P")) or "(2006)" in said)


def test_an_error_without_anything_is_still_told() -> None:
    assert "no reason" in translated(Exception(), doing="cannot read", dialect="sqlite").message


def test_a_secret_in_a_drivers_words_is_blotted_out() -> None:
    said = "[28000] login 'gw' with 'pa$$word' failed (18456) (SQLDriverConnect)"
    error = translated(Exception("28000", said), doing="cannot connect", dialect="", secrets=["pa$$", "pa$$word", ""])
    assert "pa$$" not in str(error)
    assert "***" in str(error)


def test_the_nearest_name_is_offered() -> None:
    assert nearest("kdnr", ["NAME1", "KDNR"]) == "Did you mean 'KDNR'?"
    assert nearest("zzz", ["NAME1", "KDNR"]) == "There are: KDNR, NAME1"
    assert nearest("zzz", [f"C{number:02}" for number in range(20)]).endswith("C11 and 8 more")
    assert nearest("zzz", []) == ""
