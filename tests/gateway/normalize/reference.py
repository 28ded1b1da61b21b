"""A slow interpreter of the mapping language, written for reading: what the compiled function must equal.

It walks the tree for every document and knows no kinds: what the compiler decides beforehand, it asks the value. It
shares the table of functions with the compiler, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.normalize.expression import Binary, Call, Fallback, Joined, Name, Node, Number, Text
from gateway.normalize.functions import FUNCTIONS, NEEDED, numbers
from gateway.normalize.functions import operations as do
from tests.gateway.normalize.builders import CODES

if TYPE_CHECKING:
    from collections.abc import Callable

ARITHMETIC = {"+": numbers.add, "-": numbers.subtract, "*": numbers.multiply, "/": numbers.divide}


@dataclass(frozen=True)
class Reference:
    """Evaluates over what `first` and `every` say that a name is; `item` replaces the name that is run through."""

    format_name: str
    first: Callable[[str], Any]
    every: Callable[[str], list[Any]]
    item: tuple[Node, Any] | None = None

    def value(self, node: Node) -> Any:
        """The value of an expression; an empty text is null."""
        result = self._value(node)
        return None if result == "" else result

    def _value(self, node: Node) -> Any:
        if self.item is not None and node == self.item[0]:
            return self.item[1]
        if isinstance(node, (Text, Number)):
            return node.value
        if isinstance(node, Name):
            return self.first(node.text)
        if isinstance(node, Fallback):
            return self._fallback(node.parts)
        if isinstance(node, Joined):
            values = [self.value(part) for part in node.parts]
            nothing = all(
                value is None or isinstance(part, (Text, Number))
                for part, value in zip(node.parts, values, strict=True)
            )
            only_literals = all(isinstance(part, (Text, Number)) for part in node.parts)
            return None if nothing and not only_literals else do.texts_of(values)
        if isinstance(node, Binary):
            left, right = self.value(node.left), self.value(node.right)
            if left is None or right is None:
                return None
            return (ARITHMETIC.get(node.operator) or do.COMPARE[node.operator])(left, right)
        return self._call(node)

    def _fallback(self, parts: tuple[Node, ...]) -> Any:
        for part in parts:
            value = self.value(part)
            if value is not None:
                return value
        return None

    def _call(self, node: Call) -> Any:
        function = FUNCTIONS[node.function]
        head, *rest = node.arguments
        if node.function == "default":
            return self._fallback(node.arguments)
        if node.function == "present":
            return self.value(head) is not None
        if node.function == "if":
            condition = self.value(head)
            if condition is not None and do.bool_of(condition):
                return self.value(rest[0])
            return self.value(rest[1]) if len(rest) > 1 else None
        constants, computed, null = self._arguments(node)
        made: Any = function.make(self.format_name, *constants) if function.make else None
        if function.takes == "list":
            values = self.all(head)
            if function.name == "join" and not any(value is not None for value in values):
                return None
            return made(values)
        value = self.value(head)
        others = [self.value(each) for each in computed]
        if function.sees_null:
            return made(*[None if each is None else do.bool_of(each) for each in (value, *others)])
        if value is not None:
            convert = {"text": do.text_of, "bool": do.bool_of, "date": do.date_of}.get(function.takes)
            value = convert(value) if convert else value
        if value is None or value == null or None in others:
            return None
        return made[value] if isinstance(made, dict) else made(value, *others)

    def _arguments(self, node: Call) -> tuple[list[Any], list[Node], Any]:
        given = list(node.arguments[1:])
        named = dict(node.named)
        constants: list[Any] = []
        computed: list[Node] = []
        null = None
        for argument in FUNCTIONS[node.function].arguments:
            found = [given.pop(0) for _ in given[: None if argument.many else 1]] or [
                each for name, each in named.items() if name == argument.name
            ]
            if argument.kind == "value":
                computed += found
            elif argument.kind == "null":
                null = self._value(found[0]) if found else None
            elif argument.kind == "table":
                constants.append(CODES[found[0].text])  # type: ignore[union-attr]
            elif found:
                constants += [self._value(each) for each in found]
            elif argument.default is not NEEDED:
                constants.append(argument.default)
        return constants, computed, null

    def all(self, node: Node) -> list[Any]:
        """All values of an expression, computed for each occurrence of the one list in it."""
        if isinstance(node, Name):
            return self.every(node.text)
        leaf = _split(node) or _name(node)
        assert leaf is not None
        items = (self.value(leaf) or []) if isinstance(leaf, Call) else self.every(leaf.text)
        if leaf is node:
            return list(items)
        return [replace(self, item=(leaf, item)).value(node) for item in items]


def _split(node: Node) -> Call | None:
    """The ``split`` in an expression whose parts are run through."""
    if isinstance(node, Call) and node.function == "split":
        return node
    return next((found for each in _parts(node) if (found := _split(each))), None)


def _name(node: Node) -> Name | None:
    if isinstance(node, Name):
        return node
    return next((found for each in _parts(node) if (found := _name(each))), None)


def _parts(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Binary):
        return (node.left, node.right)
    if isinstance(node, (Joined, Fallback)):
        return node.parts
    if isinstance(node, Call) and FUNCTIONS[node.function].takes != "list":
        kinds = [argument.kind for argument in FUNCTIONS[node.function].arguments] or ["text"]
        rest = [each for place, each in enumerate(node.arguments[1:]) if kinds[min(place, len(kinds) - 1)] == "value"]
        return (node.arguments[0], *rest)
    return ()
