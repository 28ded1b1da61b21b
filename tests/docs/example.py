"""An example of a finding: a small wrong file, and what ``gateway parse --findings`` says of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from gateway.operate.cli import gateway as command_line

_FIRST_LINES, _LAST_LINES, _WIDTH, _HEX_WIDTH = 12, 5, 120, 16


@dataclass(frozen=True, slots=True)
class Example:
    """A file, the format that it is declared as (guessed if it is empty), and the text of what the latter names.

    `also` are codes that cannot be kept away from the one that is shown.
    """

    declared: str
    content: bytes
    layout: str = ""
    also: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """What is typed."""
        words = ["gateway parse example", f"-f '{self.declared}'" if self.declared else ""]
        words += [f"--layout {self.layout_name}" if self.layout else "", "--findings"]
        return " ".join(filter(None, words))

    @property
    def layout_name(self) -> str:
        """The file of the layout."""
        return f"{self.declared.partition('layout=')[2].split()[0]}.txt" if self.layout else ""

    def told(self, *options: str) -> str:
        """What the command says."""
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["parse", "--findings", *options]
            if self.declared:
                arguments += ["--format", self.declared]
            if self.layout:
                path = Path(folder) / self.layout_name
                path.write_text(self.layout, encoding="utf-8")
                arguments += ["--layout", str(path)]
            done = CliRunner().invoke(command_line, arguments, input=self.content)
        if done.exit_code > 1:
            raise AssertionError(f"{self.command}: {done.output}") from done.exception
        return done.stdout

    def shown(self) -> str:
        """The file as a page shows it: its text, or, if it is none, its bytes in hexadecimal digits."""
        try:
            text = self.content.decode()
        except UnicodeDecodeError:
            return self._hexadecimal()
        if not text.replace("\n", "").isprintable():
            return self._hexadecimal()
        lines = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in text.rstrip("\n").split("\n")]
        if len(lines) > _FIRST_LINES + _LAST_LINES:
            lines = [*lines[:_FIRST_LINES], "…", *lines[-_LAST_LINES:]]
        return "\n".join(lines)

    def _hexadecimal(self) -> str:
        lines = []
        for start in range(0, len(self.content), _HEX_WIDTH):
            raw = self.content[start : start + _HEX_WIDTH]
            letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in raw)
            lines.append(f"{start:04x}  {raw.hex(' '):<{3 * _HEX_WIDTH}} {letters}")
        return "\n".join(lines)
