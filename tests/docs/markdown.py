"""Pieces of Markdown."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


WIDTH = 120


def wrapped(text: str) -> str:
    """`text` in lines that fit."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown; a pipe inside a cell is escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def code(text: str) -> str:
    """`text` as code inside a sentence, whatever back-ticks it holds."""
    fence = "``" if "`" in text else "`"
    space = " " if text[:1] == "`" or text[-1:] == "`" or text != text.strip() else ""
    return f"{fence}{space}{text}{space}{fence}" if text else ""


def fenced(text: str, language: str) -> str:
    """`text` as a block of code."""
    return f"```{language}\n{text.strip(chr(10))}\n```"


def sentence(text: str) -> str:
    """`text` with a capital letter in front and a stop behind."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
