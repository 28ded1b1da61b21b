"""Where the mapping language meets the files: what an expression gets wrong is shown under its own characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi.paths import parse_path
from gateway.integrations import Expression
from gateway.normalize.expression import ExpressionError, parse

if TYPE_CHECKING:
    from gateway.workspace.nodes import Scalar

FOLLOWED_BY_COMMENT = "' #' begins a comment in YAML: quote the whole value with double quotes"


@dataclass(frozen=True, slots=True)
class Language:
    """What expressions of one file may name: the paths of `format_name` (empty where it is not known), code tables."""

    format_name: str
    codes: frozenset[str] = frozenset()


def read_expression(node: Scalar, language: Language) -> Expression:
    """The expression that stands in `node`; what is wrong with it is noted there."""
    expression = Expression(node.value, node.place, literal=node.literal)
    if node.literal or not language.format_name:
        return expression
    try:
        parse(node.value, language.format_name)
    except ExpressionError as error:
        node.refuse_part(error.offset, error.length, error.message, _hint(node, error))
    return expression


def read_loop_path(node: Scalar, language: Language) -> Expression:
    """The path in the brackets of a loop's key."""
    if language.format_name:
        try:
            parse_path(language.format_name, node.value)
        except ValueError as error:
            node.refuse(str(error))
    return Expression(node.value, node.place)


def _hint(node: Scalar, error: ExpressionError) -> str:
    """The expression's own hint; where YAML has cut it off at a comment, that."""
    rest = node.file.line(node.place.line)[node.place.column - 1 + (node.end - node.start) :].lstrip()
    return FOLLOWED_BY_COMMENT if not node.style and rest.startswith("#") else error.hint
