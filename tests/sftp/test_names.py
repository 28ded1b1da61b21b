"""Names of files: temporary, refused, superseded, shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftp.names import NAME_BYTES_MAX, is_superseded, is_temporary, original, shown, superseded, why_refused


@pytest.mark.parametrize(
    "name",
    ["orders.edi.filepart", "orders.PART", "a.tmp", ".hidden", "~lock", "orders.edi~", "x.a8f3.partial", ".in.a.edi."],
)
def test_a_file_under_a_temporary_name_is_no_arrival(name: str) -> None:
    assert is_temporary(name)


@pytest.mark.parametrize("name", ["orders.edi", "tmp", "part", "a.tmp.edi", "x~y.csv", "PARTS.csv"])
def test_an_ordinary_name_is_not_temporary(name: str) -> None:
    assert not is_temporary(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "not the name of a file"),
        ("..", "not the name of a file"),
        ("a/b", "not the name of a file"),
        ("a\nb", "control character"),
        ("a\x00b", "control character"),
        ("ü" * 101, "longer than 200 bytes"),
        (".superseded~1~a", "the server's own"),
    ],
)
def test_a_name_that_cannot_be_kept_is_refused_with_its_reason(name: str, reason: str) -> None:
    assert reason in (why_refused(name) or "")


@given(st.text(min_size=1, max_size=50), st.integers(1, 999))
def test_the_senders_name_comes_back_from_a_superseded_one(name: str, count: int) -> None:
    aside = superseded(name, count)
    assert original(aside) == name
    assert is_superseded(aside)
    assert not is_temporary(aside)


@given(st.text())
def test_whatever_is_shown_fits_one_line_of_a_log(name: str) -> None:
    assert shown(name).isprintable()


def test_bytes_that_are_not_utf8_are_shown_escaped() -> None:
    assert shown(b"caf\xe9.csv".decode("utf-8", "surrogateescape")) == "caf\\udce9.csv"
    assert shown("bestellung-ä.csv") == "bestellung-ä.csv"


def test_the_longest_name_leaves_room_for_an_id_in_the_holding_folder() -> None:
    assert why_refused("a" * NAME_BYTES_MAX) is None
    assert NAME_BYTES_MAX + len("0190f3b1-5c1e-7cc0-8000-0242ac120002~") <= 255
