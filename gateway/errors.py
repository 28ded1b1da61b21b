"""Errors, grouped by what the caller does.

    GatewayError
    ├── Retry      try the same again later; `delay_seconds` says when
    ├── Reject     this one item is refused; the others go on
    └── Stop       a person must act; the remedy says how

Bad input is not among them: it is a finding. A defect of ours is an assertion.
"""

from __future__ import annotations


class GatewayError(Exception):
    """The root: `message` says what happened, `remedy` what to do. Neither ever holds a secret."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class Retry(GatewayError):
    """Nothing is wrong with the item; try again after `delay_seconds`."""

    def __init__(self, message: str, remedy: str = "", *, delay_seconds: float = 1.0) -> None:
        super().__init__(message, remedy)
        self.delay_seconds = delay_seconds


class Reject(GatewayError):
    """This item is refused, with a stable `code`; the others go on."""

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.code = code


class Stop(GatewayError):
    """A person must act before this can go on."""
