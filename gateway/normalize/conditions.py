"""Checks of an integration and rules of a contract: comparisons over a whole record that must not be false."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.normalize.expression import COMPARISONS, Binary, ExpressionError, Name, Node, Number, Text, parse, unparse
from gateway.normalize.faults import Failure
from gateway.normalize.generator import Generator
from gateway.normalize.scopes import RecordScope, Scope
from gateway.normalize.sites import MappingProblem, MappingProblems, Site, one_line
from gateway.normalize.writing import Lines, Names, define

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gateway.configuration import CodeTable
    from gateway.contracts import Contract
    from gateway.integrations import Expression
    from gateway.model import Fault
    from gateway.normalize.kinds import Value


def compile_rules(contract: Contract) -> Callable[[dict[str, Any]], tuple[Fault, ...]]:
    """What judges a record by its contract's rules: a fault for each that does not hold.

    A rule of which an operand is absent holds.

    Raises:
        MappingProblems: a rule cannot be read, or names what the record has not.
    """
    if not contract.rules:
        return lambda _record: ()
    names, lines, problems = _rules(contract)
    if problems:
        raise MappingProblems(problems)
    names.values["Failure"] = Failure
    function: Callable[[dict[str, Any]], tuple[Fault, ...]] = define(lines.text(), "faults_of", names.values)
    return function


def check_contract(contract: Contract) -> tuple[MappingProblem, ...]:
    """Everything that is wrong with a contract's rules."""
    return tuple(_rules(contract)[2])


def _rules(contract: Contract) -> tuple[Names, Lines, list[MappingProblem]]:
    names, lines = Names(), Lines()
    problems: list[MappingProblem] = []
    scope = RecordScope("record", contract.fields, names)
    with lines.block("def faults_of(record):"):
        lines.add("faults = []")
        for rule in contract.rules:
            write_condition(rule.expression, scope, names, {}, lines, problems, message=rule.message)
        lines.add("return tuple(faults)")
    return names, lines, problems


def write_condition(
    expression: Expression,
    scope: Scope,
    names: Names,
    codes: Mapping[str, CodeTable],
    lines: Lines,
    problems: list[MappingProblem],
    *,
    message: str = "",
) -> None:
    """Write what appends a fault to ``faults`` when a condition is false; what is wrong with it goes to `problems`."""
    try:
        node = parse(expression.text, scope.format_name)
    except ExpressionError as error:
        problems.append(MappingProblem(expression.place, error.message, error.offset, error.length, error.hint))
        return
    generator = Generator(scope, names, codes)
    value, sides = _truth(node, generator)
    if generator.problems:
        problems.extend(
            MappingProblem(expression.place, each.message, each.offset, each.length, each.hint)
            for each in generator.problems
        )
        return
    text = one_line(unparse(node, scope.format_name))
    site = names.bind(
        "rule" if message else "check",
        Site(_target(node, scope) if message else "", text, message=message, condition=True),
    )
    at = next(iter(generator.paths.items())) if len(generator.paths) == 1 else ("", None)
    source = f"({at[0]!r}, {at[1]})" if at[1] is not None else "None"
    shown = ", ".join(
        f"({unparse(side, scope.format_name)!r}, {written.code})"
        for side, written in sides
        if not isinstance(side, (Text, Number))
    )
    lines.add(f"# {'rule' if message else 'check'}: {text}")
    lines.extend(generator.head)
    body, failing = generator.finished(Lines())
    body.add(f"if {value.code} is False:")
    body.depth += 1
    body.add(f"faults.append({site}.broken(({shown}{',' if shown else ''}), {source}))")
    write_tried(lines, body, failing, f"faults.append({site}.failed(failure, (), {{at}}))")


def write_tried(lines: Lines, body: Lines, failing: str | None, handler: str) -> None:
    """Add `body`; where it can fail, inside a ``try`` with `handler`: ``{at}`` in it is where the failure came from."""
    if failing is None:
        lines.extend(body)
        return
    with lines.block("try:"):
        lines.extend(body)
    with lines.block("except Failure as failure:"):
        lines.add(handler.replace("{at}", failing))


def _truth(node: Node, generator: Generator) -> tuple[Value, list[tuple[Node, Value]]]:
    """The truth of a condition, and its two sides where it is a comparison."""
    if not isinstance(node, Binary) or node.operator not in COMPARISONS:
        return generator.truth(node), []
    left, right = generator.scalar(node.left), generator.scalar(node.right)
    return generator.compared(node, left, right), [(node.left, left), (node.right, right)]


def _target(node: Node, scope: Scope) -> str:
    """The pointer of the first field that a rule names: where its fault is shown."""
    for name in _names(node):
        listed = scope.lists(name.text)
        return "/" + (listed or name.text).replace(".", "/")
    return ""


def _names(node: Node) -> Iterator[Name]:
    if isinstance(node, Name):
        yield node
    elif isinstance(node, Binary):
        yield from _names(node.left)
        yield from _names(node.right)
    elif not isinstance(node, (Text, Number)):
        parts = node.parts if hasattr(node, "parts") else node.arguments
        for part in parts:
            yield from _names(part)
