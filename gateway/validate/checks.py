"""The checks of a contract's fields: marshmallow validators that say in plain words what was expected."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, validate

from gateway.validate.messages import Message, counted, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

CODES_COMPARED_MAX = 500
"""Above this size a code table is searched for near codes only among those that begin with the same character."""


class Length(validate.Length):
    """How many characters a text, or elements a list, may have; `noun` names what is counted."""

    def __init__(self, low: int | None, high: int | None, noun: str) -> None:
        super().__init__(min=low, max=high)
        self.noun = noun

    def _format_error(self, value: Any, message: str) -> str:  # noqa: ARG002 -- marshmallow's own text is not used
        has = len(value)
        bound = (
            f"at least {counted(self.min, self.noun)}"
            if self.min is not None and has < self.min
            else f"at most {counted(self.max or 0, self.noun)}"
        )
        return Message("contract.length", f"must have {bound}, has {has}", f"Send {bound}, or change the contract")


class Range(validate.Range):
    """The least and the greatest value of a number."""

    def _format_error(self, value: Any, message: str) -> str:  # noqa: ARG002 -- marshmallow's own text is not used
        low = self.min is not None and (value < self.min or (value == self.min and not self.min_inclusive))
        bound = plain(self.min if low else self.max)
        words = {
            (True, True): f"at least {bound}",
            (True, False): f"greater than {bound}",
            (False, True): f"at most {bound}",
            (False, False): f"less than {bound}",
        }[low, self.min_inclusive if low else self.max_inclusive]
        return Message("contract.range", f"must be {words}", f"Send a number that is {words}, or change the contract")


class Pattern(validate.Regexp):
    """A regular expression that the whole text must match."""

    def __call__(self, value: Any) -> Any:
        """`value`, if all of it matches."""
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value

    def _format_error(self, value: Any) -> str:  # noqa: ARG002 -- the judge shows the value
        pattern = plain(self.regex.pattern)
        return Message(
            "contract.pattern", f"must match /{pattern}/", f"Send a text that matches /{pattern}/ as a whole"
        )


class KnownCode(validate.Validator):
    """Membership in a code table; a refusal names the nearest code."""

    def __init__(self, table: str, codes: Iterable[str]) -> None:
        self.table = table
        self.codes = frozenset(codes)
        self._ordered = sorted(self.codes)
        self._folded = {code.casefold(): code for code in reversed(self._ordered)}
        self._nearest = lru_cache(maxsize=1024)(self._search)

    def __call__(self, value: Any) -> Any:
        """`value`, if it is one of the codes."""
        if value not in self.codes:
            raise ValidationError(self._refusal(value))
        return value

    def _refusal(self, value: str) -> Message:
        near = self._nearest(value[:64])
        table = f"the code table {self.table}"
        return Message(
            "contract.code",
            f"must be a code of {table}" + (f"; the nearest is {near!r}" if near else ""),
            f"Send {near!r}, or add the code to {table}" if near else f"Send a code of {table}, or add this one to it",
        )

    def _search(self, value: str) -> str | None:
        folded = value.strip().casefold()
        if folded in self._folded:
            return self._folded[folded]
        codes = self._ordered
        if len(codes) > CODES_COMPARED_MAX:
            codes = [code for code in codes if code[:1].casefold() == folded[:1]][:CODES_COMPARED_MAX]
        return next(iter(get_close_matches(value.strip(), codes, n=1)), None)


class CheckDigit(validate.Validator):
    """A GS1 number: its lengths, digits only, and the check digit (GS1 General Specifications, section 7.9)."""

    def __init__(self, kind: str, lengths: tuple[int, ...]) -> None:
        self.kind = kind
        self.lengths = lengths

    def __call__(self, value: Any) -> Any:
        """`value`, if it is a number of this kind."""
        if len(value) not in self.lengths or not _DIGITS(value):
            digits = " or ".join(str(length) for length in self.lengths)
            raise ValidationError(
                Message("contract.check_digit", f"must be a {self.kind} of {digits} digits", f"Send {digits} digits")
            )
        if not check_digit_holds(value):
            phrase = f"must be a {self.kind} whose last digit is the check digit {check_digit(value[:-1])}"
            raise ValidationError(
                Message("contract.check_digit", phrase, "Compare the number with its source; two digits may be swapped")
            )
        return value


_DIGITS = re.compile(r"[0-9]+").fullmatch


def check_digit(digits: str) -> int:
    """The GS1 check digit that belongs behind `digits`: weights 3 and 1 alternate, 3 on the last."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return -total % 10


def check_digit_holds(number: str) -> bool:
    """Whether the last of the ASCII digits of `number` is the check digit of those before it."""
    codes = number.encode()
    plain_ones, weighted = codes[-1::-2], codes[-2::-2]
    # The code of a digit is 48 more than its value.
    return (sum(plain_ones) + 3 * sum(weighted) - 48 * (len(plain_ones) + 3 * len(weighted))) % 10 == 0
