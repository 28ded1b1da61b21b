"""Moments as a query may write them: any of RFC 3339's, with ``t`` and ``z`` in small letters and any fraction; pure.

Contracts take of files what they can keep, moments of at most six digits. A query keeps nothing: what is finer than a
microsecond says on which side of the kept moments the asked one lies, and is not cut off where that would be another
answer.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.validate.columns import parse_column
from gateway.validate.fields import DateTimeField

if TYPE_CHECKING:
    from gateway.contracts import Field
    from gateway.validate.columns import Column

_WRITTEN = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_DIGITS = 6
_STEP = timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC) - _STEP
_FIELD = DateTimeField()


def moment(text: str) -> datetime:
    """The moment in UTC, or the last microsecond before it: what stood at the one stood at the other.

    Raises:
        ValidationError: the text is no moment.
    """
    at: datetime = _FIELD.deserialize(plain(text)[0])
    return at


def from_moment(text: str) -> datetime:
    """The moment in UTC, or the first microsecond behind it: what came from the one on came from the other on.

    Raises:
        ValidationError: as above.
    """
    at = moment(text)
    return min(at, _LAST) + _STEP if plain(text)[1] else at


def column(field: Field, text: str) -> Column:
    """What stored values of a field are compared with; see :func:`gateway.validate.columns.parse_column`.

    Columns hold moments as texts that all end in Z. One with finer digits behind its Z sorts behind the text without
    them and before the next microsecond's, and equals none: each operator answers as it should.

    Raises:
        ValueError: the text is no value of the field's type.
    """
    if field.type != "datetime":
        return parse_column(field, text)
    kept, finer = plain(text)
    try:
        return f"{parse_column(field, kept)}{finer}"
    except ValueError:
        if kept == text:
            raise
        return parse_column(field, text)  # which is refused as well, in the words that were sent


def plain(text: str) -> tuple[str, str]:
    """A moment as contracts take it, and its digits behind the microsecond, without zeros at their end.

    Any other text is left as it is.
    """
    written = _WRITTEN(text)
    if written is None:
        return text, ""
    day, time, fraction, offset = written.groups(default="")
    kept, finer = fraction[:_DIGITS], fraction[_DIGITS:].rstrip("0")
    return f"{day}T{time}{'.' * bool(kept)}{kept}{offset.upper()}", finer
