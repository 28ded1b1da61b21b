"""The text of a COBOL copybook as statements of words, each with its place.

In the fixed reference format (IBM and ISO/IEC 1989) columns 1 to 6 are numbers of lines, column 7 says what a line is,
and what stands behind column 72 is nobody's. A text that does not look like that is in free format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIXED = re.compile(r"(?:\d{6}| {6})(?:[ *\-/dD$]|$)")
_TOKEN = re.compile(
    r"""[xXnNgGzZ]?'(?:[^']|'')*' | [xXnNgGzZ]?"(?:[^"]|"")*" | (?P<open>['"])
      | [+-]?\d+\.\d+(?=[\s.,;]|$) | [\w$@#:+*/=<>-]+ | (?P<stop>\.) | [(),;] | (?P<odd>\S)""",
    re.VERBOSE,
)
_PICTURE = re.compile(r"\s+(?:IS\s+)?(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as it stands, and its line and column from 1."""

    text: str
    line: int
    column: int

    @property
    def upper(self) -> str:
        """The word as it is compared: COBOL does not tell small letters from capitals."""
        return self.text.upper()

    def refuse(self, message: str) -> NoReturn:
        """Say what is wrong here.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"line {self.line}, column {self.column}: {message}")


def statements(text: str) -> Iterator[list[Word]]:
    """The statements of a copybook, each without its period; the word behind PICTURE is a picture.

    Raises:
        ValueError: a literal is not closed or a character means nothing; the message has line and column.
    """
    code = _code(text)
    found: list[Word] = []
    at = 0
    while match := _TOKEN.search(code, at):
        at = match.end()
        word = _word(code, match[0], match.start())
        if match["open"]:
            word.refuse("the literal is never closed")
        if match["odd"]:
            word.refuse(f"{match[0]!r} means nothing in a copybook")
        if match["stop"]:
            if found:
                _refuse_swallowed(found)
                yield found
            found = []
        elif match[0] not in "(),;":
            found.append(word)
            picture = _PICTURE.match(code, at) if word.upper in ("PIC", "PICTURE") else None
            if picture:
                shape = picture[1].rstrip(",;") if picture[1][-1] != "." else picture[1][:-1]
                if not shape:
                    word.refuse("there is no picture behind it; write PIC X(10) or PIC S9(5)V99")
                found.append(_word(code, shape, picture.start(1)))
                at = picture.start(1) + len(shape)
    if found:
        found[-1].refuse(f"the period is missing behind {found[-1].text!r}")


def _refuse_swallowed(words: list[Word]) -> None:
    """A missing period (perhaps behind column 72) must not make the next item a part of this one."""
    for before, word, after in zip(words, words[1:], words[2:], strict=False):
        starts = word.line > before.line and after.line == word.line and re.fullmatch(r"\d\d?", word.text)
        if starts and re.match("[A-Za-z]", after.text) and after.upper not in ("THRU", "THROUGH"):
            behind = f"behind {before.text!r}; what stands behind column 72 is not read"
            word.refuse(f"the period is missing before it, {behind}")


def _word(code: str, text: str, at: int) -> Word:
    start = code.rfind("\n", 0, at) + 1
    return Word(text, code.count("\n", 0, at) + 1, at - start + 1)


def _code(text: str) -> str:
    """The text with everything blanked that is no code, so that each character keeps its line and column."""
    lines = [line.expandtabs(8).rstrip() for line in text.removeprefix("\ufeff").splitlines()]
    fixed = all(_FIXED.match(line) and len(line) <= 80 for line in lines if line)
    kept: list[str] = []
    for line in lines:
        code = line
        if fixed and line:
            code = "" if line[6:7] in ("*", "/", "$", "d", "D") else " " * 7 + line[7:72]
            if line[6:7] == "-" and kept and _is_open("\n".join(kept)):
                code = re.sub(r"['\"]", " ", code, count=1)  # the literal of the line before goes on
        elif line.lstrip()[:1] in ("*", "/"):
            code = ""
        kept.append(code.partition("*>")[0].rstrip())
    return "\n".join(kept)


def _is_open(code: str) -> bool:
    last = code.rpartition(".")[2]
    return last.count("'") % 2 == 1 or last.count('"') % 2 == 1
