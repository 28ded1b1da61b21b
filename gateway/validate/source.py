"""Python source that is written line by line, with the constants it refers to."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INDENT = "    "


class Source:
    """One function in the making: its lines, the depth of the block that is open, its constants and locals."""

    def __init__(self, **names: Any) -> None:
        self.names: dict[str, Any] = dict(names)
        self._lines: list[str] = []
        self._depth = 0
        self._number = 0

    def line(self, text: str) -> None:
        """Add `text` at the depth of the open block."""
        self._lines.append(_INDENT * self._depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """The lines written inside belong to `head` (``if x:``)."""
        self.line(head)
        self._depth += 1
        yield
        self._depth -= 1

    def local(self, hint: str) -> str:
        """A new name for a local variable, readable by `hint` and used nowhere else."""
        self._number += 1
        return f"{re.sub(r'^(?=[0-9])|[^a-zA-Z0-9]+', '_', hint) or 'value'}_{self._number}"

    def constant(self, value: Any, hint: str) -> str:
        """An expression for `value`: its literal if that is exact and short, otherwise a name bound to the object."""
        if value is None or type(value) is bool or (type(value) is int and abs(value) < 2**63):
            return repr(value)
        name = self.local(hint).upper()
        self.names[name] = value
        return name

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"


def build(source: str, names: dict[str, Any], name: str) -> Callable[..., Any]:
    """The function `name` that `source` defines, with `names` as its globals."""
    scope = dict(names)
    exec(compile(source, f"<{name}>", "exec"), scope)  # noqa: S102 -- text of our own making; outside values are constants
    function: Callable[..., Any] = scope[name]
    return function
