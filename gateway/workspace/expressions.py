"""Where the mapping language meets the files: what an expression gets wrong is shown under its own characters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edi.paths import parse_path
from gateway.integrations import Expression
from gateway.normalize.expression import ExpressionError, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.integrations import Place
    from gateway.normalize.compiler import MappingProblem
    from gateway.workspace.nodes import Node, Scalar


@dataclass(slots=True)
class Language:
    """The expressions of one file: which paths they may name, and the texts that they stand in.

    `format_name` is a key of ``edi.formats.FORMATS``, ``record`` for rules, or empty where the format is not known:
    then expressions are taken as they are.
    """

    format_name: str
    written: dict[Place, Scalar] = field(default_factory=dict)

    def refuse(self, problems: Iterable[MappingProblem], otherwise: Node) -> None:
        """Note what the compiler found; what belongs to no expression is noted at `otherwise`, if nothing else is."""
        for problem in problems:
            node = self.written.get(problem.place)
            if node is not None:
                _refuse(node, problem.offset, problem.length, problem.message, problem.hint)
            elif not otherwise.file.problems:
                otherwise.refuse(problem.message, problem.hint)


def read_expression(node: Scalar, language: Language) -> Expression:
    """The expression that stands in `node`; what is wrong with its grammar is noted there."""
    expression = Expression(node.value, node.place, literal=node.literal)
    language.written[expression.place] = node
    if not node.literal and language.format_name:
        try:
            parse(node.value, language.format_name)
        except ExpressionError as error:
            _refuse(node, error.offset, error.length, error.message, error.hint)
    return expression


def read_loop_path(node: Scalar, language: Language) -> Expression:
    """The path in the brackets of a loop's key."""
    expression = Expression(node.value, node.place)
    language.written[expression.place] = node
    if language.format_name:
        try:
            parse_path(language.format_name, node.value)
        except ValueError as error:
            _refuse(node, 0, len(node.value), str(error), "")
    return expression


def _refuse(node: Scalar, offset: int, length: int, message: str, hint: str) -> None:
    """Note a problem in an expression; where YAML may have cut it off at a comment, say so."""
    if not hint:
        message, _, hint = message.partition("; ")  # a path's error says in one sentence what to write
    rest = node.file.line(node.place.line)[node.place.column - 1 + (node.end - node.start) :].lstrip()
    if not node.style and rest.startswith("#") and offset + length >= len(node.value) and "'" in node.value:
        hint = "' #' begins a comment in YAML: quote the whole value with double quotes"
    node.refuse_part(offset, length, message, hint)
