"""What the walk through a file tells beside documents and findings: where interchanges and groups open and close.

Acknowledgments and writers need them. Readers leave them out of what they hand over.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Opened(NamedTuple):
    """A header: ISA, UNB (`kind` is ``interchange``), GS or UNG (``group``).

    `row` is the segment as :mod:`edi.model` shapes rows: the tag, then its elements; ISA's keep their blanks.
    `delimiters` are those of :class:`~edi.model.Envelope`; `start` and `end` are its bytes, with UNA and terminator.
    """

    kind: str
    row: list[Any]
    delimiters: str
    start: int
    end: int


class Closed(NamedTuple):
    """A trailer: IEA, UNZ, GE or UNE; the findings of what it closes come before it.

    `row` is None, and ``start == end``, where the trailer never came.
    """

    kind: str
    row: list[Any] | None
    start: int
    end: int


class Aside(NamedTuple):
    """Another segment of the envelope, such as TA1."""

    row: list[Any]
    start: int
    end: int
