"""What is wrong with a workspace, and where: the line itself, a caret under the exact place, and what to do.

    partners/acme.yaml:2:1: unknown key 'sftpp'
        sftpp:
        ^^^^^
        did you mean 'sftp'?

Problems are collected, never raised one by one: whoever wrote the files sees all of them at once. A line that is shown
has everything that looks like a secret replaced by stars, character for character, so that carets still point right.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.integrations import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

LINE_SHOWN_MAX = 160
"""A longer line is shown in part, around the caret."""

_LINE_BREAK = re.compile(r"\r\n|\n|\r")

SECRETS = (
    # What is wrong, and the pattern whose group 1 is the secret itself. A reference, secret:name, is never one.
    ("a private key", re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)")),
    ("a password in an address", re.compile(r"\w://[^\s:/@?#]*:(?!secret:)([^\s/@]+)@")),
    ("a password", re.compile(r"(?i)\b(?:pwd|password|passwd)\s*=\s*(?!secret:)([^\s;&\"'{}]+|\{[^}]*\})")),
    ("an AWS access key", re.compile(r"\b((?:AKIA|ASIA)[A-Z0-9]{16})\b")),
    ("an access token", re.compile(r"\b((?:gh[pousr]_|github_pat_|glpat-|xox[abp]-|sk_live_)[\w-]{16,})")),
    ("a secret of webhooks", re.compile(r"\b(whsec_[A-Za-z0-9+/]{16,}={0,2})")),
    ("a signed token", re.compile(r"\b(eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+)")),
)
"""What looks like a literal secret, wherever it stands in a workspace."""

SECRET_WORDS = ("password", "passwd", "pwd", "passphrase", "private_key", "secret", "token", "api_key", "access_key")

_HIDDEN = (
    *(pattern for _, pattern in SECRETS[1:]),
    # A value beside a key that names a secret, in YAML's own notation.
    re.compile(
        r"(?i)(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key)[\w-]*[\"']?\s*:\s+"
        r"(?![\"']?secret:)([^\s#].*)"
    ),
    re.compile(r"^\s*([A-Za-z0-9+/]{40,}={0,2})\s*$"),  # a line of a key in base64
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `line` and `column` count from 1, `length` is in characters of the line.

    `source` is the line as it stands in the file (secrets starred out), empty where there is none to show.
    """

    file: str
    line: int
    column: int
    length: int
    message: str
    hint: str = ""
    source: str = ""

    def __str__(self) -> str:
        lines = [f"{self.file}:{self.line}:{self.column}: {self.message}"]
        if self.source.strip():
            lines += self._picture()
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(lines)

    def _picture(self) -> list[str]:
        """The line and the caret, cut around the caret where the line is long."""
        cut = max(0, self.column - LINE_SHOWN_MAX // 2) if len(self.source) > LINE_SHOWN_MAX else 0
        shown = "".join(
            " " if not char.isprintable() else char for char in self.source[cut : cut + LINE_SHOWN_MAX].rstrip()
        )
        before = shown[: self.column - 1 - cut]
        under = shown[self.column - 1 - cut :][: self.length]
        caret = " " * (_width(before) + self.column - 1 - cut - len(before)) + "^" * max(1, _width(under))
        return [f"    {'…' if cut else ''}{shown}", f"    {' ' if cut else ''}{caret}"]


class ConfigurationProblems(Stop):
    """The workspace cannot be loaded; `problems` says why, all of it, in the order of the files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        texts = "\n\n".join(map(str, self.problems))
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the configuration\n\n{texts}")


class File:
    """One text file of a workspace while it is read, and the problems found in it so far.

    Places are given as indexes of characters in `text`; a line ends with LF, CR LF or CR, as editors count.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text.removeprefix("\ufeff")
        self.problems: list[Problem] = []
        self._told: set[Problem] = set()
        self._hidden: list[tuple[int, int]] = []
        self._starts = [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]

    def place(self, index: int) -> Place:
        """The line and column, from 1, of the character at `index`."""
        line = bisect.bisect_right(self._starts, index)
        return Place(self.path, line, index - self._starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Line `number`, from 1, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def hide(self, start: int, end: int) -> None:
        """Never show the characters from `start` to `end`: they may be a secret."""
        self._hidden.append((start, end))

    def refuse(self, start: int, end: int, message: str, hint: str = "") -> None:
        """Note that the characters from `start` to `end` (exclusive) are wrong."""
        place = self.place(min(start, len(self.text)))
        source = self.line(place.line)
        length = max(1, min(end - start, len(source) - place.column + 1))
        shown = hide_secrets(self._without_hidden(place.line, source))
        problem = Problem(self.path, place.line, place.column, length, message, hint, shown)
        if problem not in self._told:
            self._told.add(problem)
            self.problems.append(problem)

    def _without_hidden(self, number: int, source: str) -> str:
        first = self._starts[number - 1]
        for start, end in self._hidden:
            left, right = max(start - first, 0), min(end - first, len(source))
            if left < right:
                source = source[:left] + "*" * (right - left) + source[right:]
        return source


def hide_secrets(line: str) -> str:
    """`line` with every character of what looks like a secret replaced by a star."""
    for pattern in _HIDDEN:
        for match in pattern.finditer(line):
            line = line[: match.start(1)] + "*" * len(match[1]) + line[match.end(1) :]
    return line


def names_secret(word: str) -> bool:
    """Whether a key is called like something secret, slips of the pen included."""
    return bool(get_close_matches(word.lower(), SECRET_WORDS, n=1, cutoff=0.75))


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The hint that names the nearest of the `known` words, or all of them when none is near and they are few."""
    words = sorted(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6) or get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if otherwise or not words:
        return otherwise
    return f"known are: {', '.join(words)}" if len(words) <= 20 else ""


def _width(text: str) -> int:
    """The columns that `text` takes on a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
