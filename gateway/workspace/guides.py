"""guides/*.toml: what a message of a partner may hold, where it differs from the standard's guide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edi.segmented import guides

if TYPE_CHECKING:
    from gateway.workspace.problems import File

_LINE = re.compile(r"(.*?) ?\(?at line (\d+), column (\d+)\)?", re.DOTALL)


def read_guide(file: File) -> str | None:
    """The text of a guide; None when it is none (then it is noted where)."""
    try:
        guides.parse(file.text)
    except ValueError as error:
        match = _LINE.fullmatch(str(error))
        said, number = (match[1], int(match[2])) if match else (str(error), 1)
        message, _, hint = said.partition("; ")
        lines = file.text.splitlines(keepends=True) or [""]
        start = sum(map(len, lines[: number - 1]))
        end = start + max(1, len(lines[min(number, len(lines)) - 1].rstrip()))
        file.refuse(start, end, message, hint or "write what differs: extends, [segments], [codes], structure")
        return None
    return file.text
