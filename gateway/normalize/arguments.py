"""The arguments of a call held against the table: constants are read at once, the others are left to be computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gateway.normalize.expression import Call, Name, Node, Number, Text
from gateway.normalize.functions import NEEDED, Argument, Function
from gateway.normalize.functions.codes import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.configuration import CodeTable


class Problems(Protocol):
    """Takes what is wrong at a node."""

    def __call__(self, node: Node, message: str, hint: str = "") -> None:
        """Note a problem."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """`constants` by position, as `make` takes them; the nodes to compute; the text that means null; code tables."""

    constants: tuple[Any, ...]
    computed: tuple[Node, ...]
    null: str | None
    tables: tuple[str, ...]


def read_arguments(
    node: Call, function: Function, codes: Mapping[str, CodeTable], problem: Problems
) -> Arguments | None:
    """The arguments of a call, or None where one is wrong, which is noted."""
    reader = _Reader(function, codes, problem)
    return reader.read(node)


@dataclass(slots=True)
class _Reader:
    function: Function
    codes: Mapping[str, CodeTable]
    report: Problems
    wrong: bool = False

    def read(self, node: Call) -> Arguments | None:
        given = list(node.arguments[1:])
        named = dict(node.named)
        constants: list[Any] = []
        computed: list[Node] = []
        null: str | None = None
        for argument in self.function.arguments:
            found = given if argument.many else given[:1]
            given = [] if argument.many else given[1:]
            if not found and argument.name in named:
                found = [named.pop(argument.name)]
            if argument.kind == "value":
                computed += found
            elif argument.kind == "null":
                null = self.constant(argument, found[0]) if found else None
            elif found:
                constants += [self.constant(argument, each) for each in found]
            elif argument.default is not NEEDED:
                constants.append(argument.default)
            if not found and argument.default is NEEDED:
                self.problem(node, f"{self.function.name} needs {argument.name}")
        for extra in given:
            self.problem(extra, f"{self.function.name} takes no further argument")
        for name, extra in named.items():
            near = nearest(name, [argument.name for argument in self.function.arguments])
            hint = f"did you mean {near}?" if near else ""
            self.problem(extra, f"{self.function.name} has no argument {name!r}, or it is given twice", hint)
        tables = tuple(each.name for each in constants if hasattr(each, "mapping"))
        return None if self.wrong else Arguments(tuple(constants), tuple(computed), null, tables)

    def constant(self, argument: Argument, node: Node) -> Any:
        if argument.kind == "table":
            return self.table(node)
        what = f"{argument.name} of {self.function.name}"
        if argument.kind == "count":
            return self.count(argument, node, what)
        if not isinstance(node, Text):
            self.problem(node, f"{what} is a text in single quotes")
            return None
        if argument.among and node.value not in argument.among:
            self.problem(node, f"{what} is one of {', '.join(map(repr, argument.among))}, not {node.value!r}")
        if not node.value and argument.name in ("mark", "old", "fill") and argument.default is NEEDED:
            self.problem(node, f"{what} is not empty")
        elif argument.name == "fill" and len(node.value) != 1:
            self.problem(node, f"{what} is one character")
        return node.value

    def count(self, argument: Argument, node: Node, what: str) -> int | None:
        if not isinstance(node, Number) or not isinstance(node.value, int):
            self.problem(node, f"{what} is a whole number")
            return None
        if not argument.low <= node.value <= argument.high or (node.value == 0 and argument.low < 0):
            self.problem(node, f"{what} lies between {argument.low} and {argument.high}")
        return node.value

    def table(self, node: Node) -> CodeTable | None:
        if not isinstance(node, (Name, Text)):
            self.problem(node, f"{self.function.name} takes the name of a code table", "write code(units)")
            return None
        name = node.text if isinstance(node, Name) else node.value
        if name not in self.codes:
            near = nearest(name, self.codes)
            hint = f"did you mean {near!r}?" if near else f"add codes/{name}.csv to the workspace"
            self.problem(node, f"there is no code table {name!r}", hint)
        return self.codes.get(name)

    def problem(self, node: Node, message: str, hint: str = "") -> None:
        self.wrong = True
        self.report(node, message, hint or f"write {self.function.usage}")
