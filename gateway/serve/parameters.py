"""Query parameters that several resources share; each says what it expects, for messages and the OpenAPI document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, validate

from gateway.serve import moments
from gateway.serve.filters import LIMIT as LIMIT_DEFAULT
from gateway.serve.filters import LIMIT_MAX
from gateway.validate.fields import DateTimeField

if TYPE_CHECKING:
    import datetime as dt

    from gateway.store.names import Kind

_DIGITS = re.compile(r"[0-9]{1,18}").fullmatch


class Number(fields.Integer):
    """A whole number from `low` to `high`, in plain digits."""

    def __init__(self, low: int, high: int, about: str, **options: Any) -> None:
        super().__init__(
            validate=validate.Range(low, high, error=f"not a whole number from {low} to {high}"),
            metadata={"description": about},
            **options,
        )
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ARG002 - given
        """Digits only: neither spaces nor signs nor the underscores that Python would take."""
        if not isinstance(value, str) or not _DIGITS(value):
            raise ValidationError(f"not a whole number from {self.low} to {self.high}")
        return int(value)


class Text(fields.String):
    """A name or a part of a text, at most 200 characters."""

    def __init__(self, about: str, **options: Any) -> None:
        super().__init__(
            validate=validate.Length(1, 200, error="not 1 to 200 characters"),
            metadata={"description": about},
            **options,
        )


class Name(Text):
    """The name of an integration or a partner, which must be, or have been, one; see :mod:`gateway.serve.names`."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f"the name of {'an' if kind == 'integration' else 'a'} {kind}")
        self.kind = kind


class DeliveryId(Text):
    """The id of a delivery that there is, or the beginning of it; what is called gets the whole id."""

    def __init__(self) -> None:
        super().__init__("the id of a delivery, or an unambiguous beginning of it")


class Flag(fields.Boolean):
    """The words true and false."""

    def __init__(self, about: str, **options: Any) -> None:
        super().__init__(metadata={"description": about}, load_default=False, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        """No other word: 1, yes and on are guesses."""
        if value not in ("true", "false"):
            raise ValidationError("neither true nor false")
        return bool(super()._deserialize(value, attr, data, **kwargs))


class Truth(fields.Boolean):
    """A member of a JSON body that is true or false, and not 1 or 0."""

    def __init__(self, about: str, **options: Any) -> None:
        super().__init__(metadata={"description": about}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002 - given
        if not isinstance(value, bool):
            raise ValidationError("neither true nor false")
        return value


class Since(DateTimeField):
    """A moment with its offset from UTC, from which on something is wanted; see :mod:`gateway.serve.moments`."""

    def __init__(self, about: str, **options: Any) -> None:
        super().__init__(metadata={"description": about}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.datetime:  # noqa: ARG002 - given
        return moments.from_moment(value)


LIMIT = Number(1, LIMIT_MAX, f"how many items a page has at most, from 1 to {LIMIT_MAX}", load_default=LIMIT_DEFAULT)
CURSOR = fields.String(
    validate=validate.Length(1, 8192), metadata={"description": "the `next` of the page before, as it was given"}
)
