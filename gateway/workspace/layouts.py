"""layouts/*.txt: where the columns of positional records stand, in our own notation or as a COBOL copybook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edi.positional import check_layout

if TYPE_CHECKING:
    from gateway.workspace.problems import File

_PLACE = re.compile(r"line (\d+)(?:, column (\d+))?: (.*)", re.DOTALL)


def read_layout(file: File) -> str | None:
    """The text of a layout; None when it is none (then it is noted where)."""
    try:
        check_layout(file.text)
    except ValueError as error:
        match = _PLACE.fullmatch(str(error))
        number, column, said = (int(match[1]), int(match[2] or 1), match[3]) if match else (1, 1, str(error))
        message, _, hint = said.partition("; ")
        lines = file.text.splitlines(keepends=True)
        start = sum(map(len, lines[: number - 1])) + column - 1
        word = re.match(r"\S*", file.text[start:]) if match and match[2] else None
        file.refuse(
            start, start + (len(word[0]) if word else len(lines[number - 1].rstrip()) if lines else 1), message, hint
        )
        return None
    return file.text
