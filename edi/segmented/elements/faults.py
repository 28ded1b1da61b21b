"""What is wrong with a value, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fault(NamedTuple):
    """What is wrong with a value: the code, the end of the sentence "PO104 is '…', …", and what to do."""

    code: str
    trouble: str
    remedy: str


def joined(names: Sequence[str], word: str) -> str:
    """``a, b and c``."""
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else names[0]
