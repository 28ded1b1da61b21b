"""Moments of queries: every spelling of RFC 3339, and finer ones on the right side of those that are kept."""

from __future__ import annotations

import operator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from gateway.contracts import Field
from gateway.serve import moments
from gateway.validate.columns import moment_text, parse_column

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

AT = Field("at", "datetime")
COMPARED: tuple[Callable[[Any, Any], bool], ...] = (
    operator.eq, operator.ne, operator.gt, operator.ge, operator.lt, operator.le,
)  # fmt: skip
SECOND = datetime(2026, 11, 21, 10, 0, 59, tzinfo=UTC)
FRACTIONS = st.text("0129", max_size=9)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000000Z"),
        ("2026-11-21t10:00:00z", "2026-11-21T10:00:00.000000Z"),
        ("2026-11-21t00:30:00.5+01:00", "2026-11-20T23:30:00.500000Z"),
        ("2026-11-21T10:00:00.123456000Z", "2026-11-21T10:00:00.123456Z"),
        ("2026-11-21T10:00:00.123456789-23:59", "2026-11-22T09:59:00.123456Z789"),
        ("2026-11-21T10:00:00.00000000000000000000001Z", "2026-11-21T10:00:00.000000Z00000000000000001"),
    ],
)
def test_what_a_column_is_compared_with(text: str, column: str) -> None:
    assert moments.column(AT, text) == column


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-11-21", "2026-11-21T10:00:00", "2026-11-21 10:00:00Z", "2026-11-21T10:00:005Z"),
        *("2026-11-21T10:00:00.Z", "2026-11-21T10:00:00,5Z", "2026-11-21T10:00:00.٣Z", "2026-11-21T10:00Z", "now"),
        *("2026-02-30t10:00:00z", "0001-01-01t00:00:00+23:59", "2026-11-21T10:00:00.1234567"),
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused_as_it_was_sent(text: str) -> None:
    with pytest.raises(ValueError, match="at must be a moment with its offset") as refused:
        moments.column(AT, text)
    assert repr(text) in str(refused.value)
    for read in (moments.moment, moments.from_moment):
        with pytest.raises(ValidationError):
            read(text)


@given(kept=st.integers(-3, 3), asked=FRACTIONS, base=st.sampled_from(["000000", "001209", "999999"]))
def test_every_comparison_with_a_finer_moment_is_that_of_the_moments_themselves(
    kept: int, asked: str, base: str
) -> None:
    fraction = (base + asked).ljust(1, "0")
    stored = SECOND + timedelta(microseconds=int(base) + kept)
    exact = Fraction(int(fraction), 10 ** len(fraction)), Fraction(int(base) + kept, 10**6)
    column = moments.column(AT, f"{SECOND:%Y-%m-%dT%H:%M:%S}.{fraction}Z")
    for compare in COMPARED:
        assert compare(moment_text(stored), column) is compare(exact[1], exact[0]), compare


@given(one=FRACTIONS, other=FRACTIONS)
def test_finer_moments_are_in_their_order_and_one_moment_has_one_text(one: str, other: str) -> None:
    columns = [str(moments.column(AT, f"2026-11-21T10:00:00.000000{each}Z")) for each in (one, other)]
    exact = [Fraction(int(each or "0"), 10 ** len(each)) for each in (one, other)]
    assert (columns[0] < columns[1], columns[0] == columns[1]) == (exact[0] < exact[1], exact[0] == exact[1])


def test_a_moment_of_the_past_is_cut_off_and_a_beginning_is_not_before_what_was_asked() -> None:
    at = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
    for text, past, beginning in (
        ("2026-11-21t10:00:00.1234560z", at, at),
        ("2026-11-21T10:00:00.1234561Z", at, at + timedelta(microseconds=1)),
        ("9999-12-31T23:59:59.9999999Z", datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    ):
        assert (moments.moment(text), moments.from_moment(text)) == (past, beginning)


def test_other_fields_are_read_as_ever() -> None:
    field = Field("day", "date")
    assert moments.column(field, "2026-11-21") == parse_column(field, "2026-11-21")
