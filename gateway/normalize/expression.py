"""The grammar of the mapping language: text in, a syntax tree with offsets out.

From weak to strong::

    expression = comparison ('??' comparison)*                   the first that is there
    comparison = joined (('==' | '!=' | '<' | '<=' | '>' | '>=') joined)?
    joined     = sum ('&' sum)*                                  texts in a row
    sum        = product (('+' | '-') product)*
    product    = pipe (('*' | '/') pipe)*
    pipe       = value ('|' function arguments?)*
    value      = path | 'text' | number | '(' expression ')' | function arguments
    arguments  = '(' (argument (',' argument)*)? ')'             argument = (name '=')? expression

``a | f(b)`` and ``f(a, b)`` are the same call. A quote inside a text is doubled: ``'it''s'``.

How names are read. A name is a run of characters other than white space and the grammar's own
``| * / + - & = ! < > ? ( ) , ' " ` ``. Four things widen that:

- ``-`` and ``/`` **directly between** two characters of a name belong to it (``N1[ST]/N4.01``, the table
  ``product-groups``, the header ``Artikel-Nr``); with white space beside them they subtract and divide.
- In CSV, words with only spaces between them are one name, since a header is written as it stands: ``gültig ab``.
- Outside CSV, square brackets hold anything up to their end: ``REF[A B].02``; and a path may begin with ``//``, or
  have it between two characters: ``//HL[I]``.
- In XML, ``text()`` may be a path's last step.

Every other name (``Preis (EUR)``, or a header that is a number) stands in backticks; a backtick inside is doubled.
Which names a file or a record knows is not this module's business: it says only where they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH_MAX = 4000
DEPTH_MAX = 24
"""How deep calls, parentheses and operators may nest: far more than a person reads, far less than Python's stack."""


class ExpressionError(Exception):
    """An expression that cannot be read: what is wrong, where (`offset`, `length` in characters) and what may help."""

    def __init__(self, message: str, offset: int, length: int = 1, hint: str = "") -> None:
        super().__init__(f"{message} (at {offset})" + (f"; {hint}" if hint else ""))
        self.message = message
        self.offset = offset
        self.length = max(length, 1)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where a node stands in the text, in characters from 0; two trees are equal wherever they stand."""

    offset: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Text(Span):
    """A literal text."""

    value: str


@dataclass(frozen=True, slots=True)
class Number(Span):
    """A literal number: an int, or a Decimal where it has a fraction."""

    value: int | Decimal


@dataclass(frozen=True, slots=True)
class Name(Span):
    """A source path, a field of the record or a code table: the place that it stands in decides."""

    text: str


@dataclass(frozen=True, slots=True)
class Call(Span):
    """A function and its arguments; `piped` says that the first was written before a ``|``."""

    function: str
    arguments: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...] = ()
    piped: bool = False


@dataclass(frozen=True, slots=True)
class Binary(Span):
    """Arithmetic or a comparison of two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Joined(Span):
    """Texts in a row: ``a & b & c``."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fallback(Span):
    """The first of several that is there: ``a ?? b ?? c``."""

    parts: tuple[Node, ...]


Node = Text | Number | Name | Call | Binary | Joined | Fallback

COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")

_CHARACTER = r"[^\s|*/+\-&=!<>?(),'\"`]"
_WORD = rf"{_CHARACTER}+(?:[-/]{_CHARACTER}+)*"
_STEP = r"(?:\[[^\]\n]*\]|[^\s|*/+\-&=!<>?(),'\"`\[\]])"
_PATH = re.compile(rf"(?://)?{_STEP}+(?:(?:-|//?){_STEP}+)*")
_HEADER = re.compile(rf"{_WORD}(?:[ \t]+{_WORD})*")
_FUNCTION = re.compile(r"[a-z_][a-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_NAMED = re.compile(r"([a-z_][a-z0-9_]*)\s*=(?!=)")
_NEGATIVE = re.compile(r"-([0-9]+(?:\.[0-9]+)?)")
_SPACE = re.compile(r"\s*")
_TEXT = re.compile(r"'((?:[^']|'')*)'")
_BACKTICKS = re.compile(r"`((?:[^`]|``)+)`")
_OPERATOR = re.compile(r"\?\?|\|\||&&|==|!=|<=|>=|[|*/+\-&<>=]")


def parse(text: str, format_name: str) -> Node:
    """The tree of an expression over documents of `format_name` (or ``record``, for the rules of a contract).

    Raises:
        ExpressionError: the text is not an expression; nothing else is ever raised.
    """
    if len(text) > LENGTH_MAX:
        raise ExpressionError(
            f"the expression is longer than {LENGTH_MAX} characters", LENGTH_MAX, hint="split it into several fields"
        )
    reader = _Reader(text, format_name)
    node = reader.expression(0)
    reader.expect_end()
    return node


class _Reader:
    """Recursive descent without a separate tokenizer: what a character means depends on where it stands."""

    def __init__(self, text: str, format_name: str) -> None:
        self.text = text
        self.at = 0
        self.format_name = format_name
        self.name = _HEADER if format_name in ("csv", "fixed") else _PATH

    def expression(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise ExpressionError("the expression nests too deeply", self.at, hint="split it into several fields")
        return self.row("??", Fallback, self.comparison, depth)

    def comparison(self, depth: int) -> Node:
        left = self.joined(depth)
        operator = self.operator()
        if operator not in COMPARISONS:
            return left
        self.at += len(operator)
        node = self.binary(operator, left, self.joined(depth))
        if self.operator() in COMPARISONS:
            raise self.error("two values are compared at a time", hint="write all(a < b, b < c)")
        return node

    def joined(self, depth: int) -> Node:
        return self.row("&", Joined, self.sum, depth)

    def row(
        self, operator: str, make: type[Joined | Fallback], part: Callable[[int], Node], depth: int
    ) -> Node:  # one rule for the two operators that take any number of parts
        parts = [part(depth)]
        while self.operator() == operator:
            self.at += len(operator)
            parts.append(part(depth))
        if len(parts) == 1:
            return parts[0]
        start = beginning(parts[0])
        return make(tuple(parts), offset=start, length=_end(parts[-1]) - start)

    def sum(self, depth: int) -> Node:
        return self.chain(("+", "-"), self.product, depth)

    def product(self, depth: int) -> Node:
        return self.chain(("*", "/"), self.pipe, depth)

    def chain(self, operators: tuple[str, str], part: Callable[[int], Node], depth: int) -> Node:
        node = part(depth)
        links = 0
        while (operator := self.operator()) in operators:
            links += 1
            self.bounded(depth + links)
            self.at += 1
            node = self.binary(operator, node, part(depth))
        return node

    def pipe(self, depth: int) -> Node:
        node = self.value(depth)
        links = 0
        while self.operator() == "|":
            links += 1
            self.bounded(depth + links)
            self.at += 1
            self.space()
            match = _FUNCTION.match(self.text, self.at)
            if not match:
                raise self.error("after | the name of a function is expected", hint="for example | strip")
            self.at = match.end()
            arguments, named = self.arguments(depth) if self.operator_or("(") else ((), ())
            node = Call(match[0], (node, *arguments), named, piped=True, offset=match.start(), length=len(match[0]))
        return node

    def value(self, depth: int) -> Node:
        self.space()
        start = self.at
        if match := _TEXT.match(self.text, start):
            self.at = match.end()
            return Text(match[1].replace("''", "'"), offset=start, length=self.at - start)
        if match := _BACKTICKS.match(self.text, start):
            self.at = match.end()
            return Name(match[1].replace("``", "`"), offset=start, length=self.at - start)
        if self.text.startswith("(", start):
            self.at += 1
            inner = self.expression(depth + 1)
            self.close(start)
            return inner
        if match := _NEGATIVE.match(self.text, start):
            self.at = match.end()
            return Number(-_number(match[1], start), offset=start, length=len(match[0]))
        match = self.name.match(self.text, start)
        if not match:
            raise self.no_value()
        self.at = match.end()
        return self.named_value(match[0], start, depth)

    def named_value(self, run: str, start: int, depth: int) -> Node:
        if _NUMBER.fullmatch(run):
            return Number(_number(run, start), offset=start, length=len(run))
        if self.format_name == "xml" and re.search(r"(?:^|/)text$", run) and self.text.startswith("()", self.at):
            self.at += 2
            return Name(run + "()", offset=start, length=self.at - start)
        if _FUNCTION.fullmatch(run) and self.operator_or("("):
            arguments, named = self.arguments(depth)
            return Call(run, arguments, named, offset=start, length=len(run))
        return Name(run, offset=start, length=len(run))

    def arguments(self, depth: int) -> tuple[tuple[Node, ...], tuple[tuple[str, Node], ...]]:
        start = self.at
        self.at += 1
        positional: list[Node] = []
        named: dict[str, Node] = {}
        while not self.operator_or(")"):
            if positional or named:
                if not self.operator_or(","):
                    raise self.unclosed(start)
                self.at += 1
                self.space()
            match = _NAMED.match(self.text, self.at)
            if not match:
                if named:
                    raise self.error("an argument without a name stands before those with one")
                positional.append(self.expression(depth + 1))
                continue
            if match[1] in named:
                raise ExpressionError(f"{match[1]!r} is given twice", match.start(), len(match[1]))
            self.at = match.end()
            named[match[1]] = self.expression(depth + 1)
        self.at += 1
        return tuple(positional), tuple(named.items())

    # What stands at the current place.

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def operator(self) -> str | None:
        """The operator that comes next; white space before it is taken, the operator is not."""
        self.space()
        match = _OPERATOR.match(self.text, self.at)
        if not match:
            return None
        if match[0] == "=":
            raise self.error("'=' is no operator", hint="write == to compare")
        if match[0] in ("||", "&&"):
            wanted = "any(a, b)" if match[0] == "||" else "all(a, b)"
            raise self.error(f"{match[0]!r} is no operator", hint=f"write {wanted}", length=2)
        return match[0]

    def operator_or(self, character: str) -> bool:
        """Whether `character` comes next, white space apart; if so, the place is moved to it."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        if not self.text.startswith(character, match.end()):
            return False
        self.at = match.end()
        return True

    def close(self, opened: int) -> None:
        if not self.operator_or(")"):
            raise self.unclosed(opened)
        self.at += 1

    def binary(self, operator: str, left: Node, right: Node) -> Node:
        start = beginning(left)
        return Binary(operator, left, right, offset=start, length=_end(right) - start)

    def bounded(self, depth: int) -> None:
        if depth > DEPTH_MAX:
            raise ExpressionError("the expression is too long a chain", self.at, hint="split it with parentheses")

    # What is wrong at the current place.

    def error(self, message: str, hint: str = "", length: int = 1) -> ExpressionError:
        return ExpressionError(message, self.at, length, hint)

    def unclosed(self, opened: int) -> ExpressionError:
        self.space()
        if self.at >= len(self.text):
            return ExpressionError("this parenthesis is not closed", opened, 1, "add the missing )")
        return self.unexpected()

    def expect_end(self) -> None:
        self.space()
        if self.at < len(self.text):
            raise self.unexpected()

    def unexpected(self) -> ExpressionError:
        rest = self.text[self.at :]
        word = rest.split(maxsplit=1)[0]
        if rest[0] == "(":
            return self.error("a parenthesis is not expected here", "a name with parentheses stands in `backticks`")
        if rest[0] == ")":
            return self.error("this parenthesis closes nothing")
        if word in ("and", "or", "not"):
            hint = {"and": "write all(a, b)", "or": "write any(a, b)", "not": "write not(a)"}[word]
            return self.error(f"{word!r} is no operator", hint, len(word))
        if rest[0] in "\"'`[]":
            return self.no_value()
        return self.error(
            f"an operator or the end is expected before {word[:40]!r}",
            "a name with spaces or other special characters stands in `backticks`",
            min(len(word), 40),
        )

    def no_value(self) -> ExpressionError:
        if self.at >= len(self.text):
            return self.error(
                "a value is expected, but the expression ends here" if self.text.strip() else "the expression is empty",
                "write a source path, 'text' in single quotes, or a number",
            )
        character = self.text[self.at]
        if character == '"':
            return self.error("text stands in single quotes", "write 'text'")
        if character in "'`":
            return self.error(f"this {character} is not closed", f"add the missing {character}; double it inside")
        if character in "[]":
            return self.error("this square bracket has no partner", "write the qualifier in them: N1[BY].04")
        return self.error(
            f"a value is expected, not {character!r}", "write a source path, 'text' in single quotes, or a number"
        )


def _number(digits: str, start: int) -> int | Decimal:
    if len(digits) > 100:
        raise ExpressionError("this number is longer than 100 digits", start, len(digits))
    return Decimal(digits) if "." in digits else int(digits)


def beginning(node: Node) -> int:
    """The offset at which a node's own text begins; that of a piped call is where its first argument does."""
    return beginning(node.arguments[0]) if isinstance(node, Call) and node.piped else node.offset


def _end(node: Node) -> int:
    return node.offset + node.length


_LEVELS = {"??": 1, "==": 2, "!=": 2, "<=": 2, ">=": 2, "<": 2, ">": 2, "&": 3, "+": 4, "-": 4, "*": 5, "/": 5}


def unparse(node: Node, format_name: str) -> str:
    """An expression that `parse` reads as the same tree, with no more parentheses than it needs."""
    return _written(node, format_name, 0)


def _written(node: Node, format_name: str, level: int) -> str:
    if isinstance(node, Text):
        return "'" + node.value.replace("'", "''") + "'"
    if isinstance(node, Number):
        return f"{node.value:f}" if isinstance(node.value, Decimal) else str(node.value)
    if isinstance(node, Name):
        return node.text if _stands_alone(node.text, format_name) else "`" + node.text.replace("`", "``") + "`"
    if isinstance(node, Call):
        return _call_written(node, format_name)
    if isinstance(node, Binary):
        own = _LEVELS[node.operator]
        left = _written(node.left, format_name, own + 1 if own == 2 else own)
        text = f"{left} {node.operator} {_written(node.right, format_name, own + 1)}"
    else:
        sign = "&" if isinstance(node, Joined) else "??"
        own = _LEVELS[sign]
        text = f" {sign} ".join(_written(part, format_name, own + 1) for part in node.parts)
    return f"({text})" if own < level else text


def _call_written(node: Call, format_name: str) -> str:
    arguments = node.arguments[1:] if node.piped else node.arguments
    written = [_written(argument, format_name, 0) for argument in arguments]
    written += [f"{name}={_written(argument, format_name, 0)}" for name, argument in node.named]
    if not node.piped:
        return f"{node.function}({', '.join(written)})"
    head = _written(node.arguments[0], format_name, 6)
    return f"{head} | {node.function}" + (f"({', '.join(written)})" if written else "")


@cache
def _stands_alone(name: str, format_name: str) -> bool:
    try:
        return parse(name, format_name) == Name(name)
    except ExpressionError:
        return False
