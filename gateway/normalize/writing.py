"""The two things that generated code is made of: lines with their depth, and the names that they may use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from contextlib import AbstractContextManager

from contextlib import contextmanager


@dataclass(slots=True)
class Lines:
    """Lines of Python, each with its depth."""

    depth: int = 0
    written: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Add one line at the current depth."""
        self.written.append((self.depth, line))

    def extend(self, other: Lines) -> None:
        """Add another's lines below the current depth."""
        self.written.extend((self.depth + depth, line) for depth, line in other.written)

    def block(self, head: str) -> AbstractContextManager[None]:
        """The lines added inside stand below `head`."""
        self.add(head)
        return self._deeper()

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def text(self) -> str:
        """The source."""
        return "".join(f"{'    ' * depth}{line}\n" for depth, line in self.written)


class Names:
    """The names that generated code sees besides its own: equal things get one name, different things never do."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._known: dict[Hashable, str] = {}
        self._taken: dict[str, int] = {}

    def bind(self, wish: str, value: Any, key: Hashable = None) -> str:
        """The name of `value`: like `wish`, and the same again for the same `key`."""
        if key is not None and key in self._known:
            return self._known[key]
        name = self.fresh(wish)
        self.values[name] = value
        if key is not None:
            self._known[key] = name
        return name

    def fresh(self, wish: str) -> str:
        """A name like `wish` that nothing else has."""
        stem = re.sub(r"[^A-Za-z0-9]+", "_", wish).strip("_") or "value"
        count = self._taken.get(stem, 0) + 1
        self._taken[stem] = count
        # A number always follows: neither a keyword of Python nor a name of the frame can result.
        return f"{stem}_{count}"


def define(source: str, function: str, names: dict[str, Any]) -> Any:
    """The function of a generated source, which sees `names` and these few builtins only."""
    allowed = {"len": len, "enumerate": enumerate, "bool": bool, "str": str, "tuple": tuple}
    space: dict[str, Any] = {"__builtins__": allowed, **names}
    exec(compile(source, f"<{function}>", "exec"), space)  # noqa: S102 - our own source, from our own table of names
    return space[function]
