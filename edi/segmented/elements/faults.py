"""What is wrong with a value, in words."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong with a value: the code, the end of the sentence "PO104 is '…', …", and what to do."""

    code: str
    trouble: str
    remedy: str
