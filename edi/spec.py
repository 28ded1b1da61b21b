"""What a format says about itself: its documentation, its options and its defaults, in one value per reader.

A reader module starts with its ``SPEC``; the pages of documentation and the checks of a configuration come from it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a reader or writer: options are texts, as a configuration writes them."""

    name: str
    default: str
    about: str


@dataclass(frozen=True, slots=True)
class Spec:
    """One format: its name, what it is in a line, what holds for every file, its options and a working example.

    `example` is the text of a small file that the reader turns into at least one document without any error.
    """

    name: str
    summary: str
    guarantees: tuple[str, ...]
    options: tuple[Option, ...]
    example: str
    writes: tuple[Option, ...] = ()
    """The options of the writer."""
