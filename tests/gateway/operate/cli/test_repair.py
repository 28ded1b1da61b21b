"""What the pages and the remedies say about replays, undos and held documents can be run as it is shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from gateway.operate.cli import gateway as command_line

_PAGES = Path(__file__).parents[4] / "docs"
_SHOWN = re.compile(r"`(gateway (?:replay|undo|quarantine \w+) [^`]*(?:d_|doc_)[^`]*)`")
SHOWN = sorted({each for page in _PAGES.glob("*.md") for each in _SHOWN.findall(page.read_text(encoding="utf-8"))})


def parsed(line: str) -> click.Context:
    """The command of a line with its options; click refuses what lacks one."""
    command: click.Command = command_line
    words = shlex.split(line)[1:]
    context = click.Context(command)
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert name is not None
        assert found is not None
        context, command = click.Context(found, parent=context, info_name=name), found
    return command.make_context("", words)


@pytest.mark.parametrize("line", SHOWN)
def test_what_is_shown_has_all_that_its_command_needs(line: str) -> None:
    assert parsed(line).params


def test_a_command_that_lacks_something_would_be_noticed() -> None:
    assert len(SHOWN) > 4
    for line in ("gateway replay d_1", "gateway replay d_1 --as now", "gateway undo d_1"):
        with pytest.raises(click.UsageError):
            parsed(line)
