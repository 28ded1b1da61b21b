"""What is known about a line of a mapping before any document is seen: its target, its sources, how its faults read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.errors import Reject
from gateway.model import Fault
from gateway.normalize.faults import CODES, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.integrations import Place
    from gateway.normalize.faults import Failure

At = tuple[str, Any] | None
"""Where a failure came from: the source path and the raw value, or None where there is no single one."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a target comes from. `target` is a JSON pointer with ``*`` for any element: ``/lines/*/price``.

    `paths` are the source paths as written, in order; `loops` the paths of the loops around them, outermost first.
    """

    target: str
    expression: str
    place: Place
    paths: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MappingProblem:
    """Something wrong in a mapping, check or rule: `offset` and `length` count characters of the expression's text."""

    place: Place
    message: str
    offset: int
    length: int
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class MappingProblems(Reject):
    """A mapping cannot be used (with this file's header): every problem that it has."""

    def __init__(self, problems: Iterable[MappingProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "mapping.unusable",
            "the mapping does not fit: " + "; ".join(str(problem) for problem in self.problems),
            "Correct the mapping, or ask the sender for the columns that it names.",
        )


@dataclass(frozen=True, slots=True)
class Site:
    """One line of a mapping, a check or a rule, as generated code names it when something is wrong there."""

    target: str
    expression: str
    path: str | None = None
    contract: str = ""
    message: str = ""
    condition: bool = False

    def missing(self, indexes: tuple[int, ...]) -> Fault:
        """A required target has no value."""
        name = self.target.rpartition("/")[2]
        why = f"{self.path} is empty or missing" if self.path else f"{self.expression} has no value"
        return Fault(
            "mapping.missing",
            f"{name} is required{self.contract}, but {why}",
            CODES["mapping.missing"].remedy,
            pointer(self.target, indexes),
            self.path,
            indexes,
        )

    def failed(self, failure: Failure, indexes: tuple[int, ...], at: At) -> Fault:
        """A function could not make its value."""
        path, raw = at or (None, None)
        return Fault(
            failure.code,
            f"{self.expression} cannot be judged: {failure.message}" if self.condition else failure.message,
            failure.remedy,
            pointer(self.target, indexes),
            path,
            indexes if path else (),
            None if raw is None else shown(raw),
        )

    def broken(self, sides: tuple[tuple[str, Any], ...], at: At) -> Fault:
        """A check or rule does not hold; `sides` are its operands as written, and their values."""
        path, raw = at or (None, None)
        values = ", ".join(
            f"{written} is {quoted(value) if isinstance(value, str) else shown(value)}" for written, value in sides
        )
        return Fault(
            "rule.failed" if self.message else "check.failed",
            (self.message or f"{self.expression} does not hold") + (f": {values}" if values else ""),
            CODES["rule.failed" if self.message else "check.failed"].remedy,
            self.target,
            path,
            (),
            None if raw is None else shown(raw),
        )


def pointer(pattern: str, indexes: tuple[int, ...]) -> str:
    """A pattern with the indexes of its loops: ``/lines/*/price`` and (2,) is ``/lines/2/price``."""
    for index in indexes:
        pattern = pattern.replace("/*", f"/{index}", 1)
    return pattern


def one_line(text: str) -> str:
    """A text as a comment of generated code: one line of what can be seen."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
