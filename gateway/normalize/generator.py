"""One expression becomes lines of Python.

The lines are flat: each step sets a variable, guarded by "is it there". Only what is evaluated on one condition, the
right side of ``??`` and the branches of ``if``, stands deeper. Problems are collected, so that all of an expression's
unknown names are told at once; a problem's value stands in for what could not be written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.normalize.arguments import read_arguments
from gateway.normalize.expression import (
    COMPARISONS,
    Binary,
    Call,
    Fallback,
    Joined,
    Name,
    Node,
    Number,
    Text,
    beginning,
)
from gateway.normalize.functions import FUNCTIONS, Function, numbers
from gateway.normalize.functions import operations as do
from gateway.normalize.functions.codes import Codes, nearest
from gateway.normalize.kinds import KINDS, NULL, NUMBERS, TAKEN, Problem, Value, advice, common, one_source, plain
from gateway.normalize.scopes import Refusal, Scope
from gateway.normalize.writing import Lines, Names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.configuration import CodeTable

ARITHMETIC = {"+": numbers.add, "-": numbers.subtract, "*": numbers.multiply, "/": numbers.divide}
NOTE = "@at = "
INSIDE_MAX = 4
"""How deep lists may be run through within one another: Python allows 20 blocks, and loops of the mapping take some."""


@dataclass(slots=True)
class Generator:
    """Writes one expression. After `scalar`, `lines` hold it; `paths`, `functions` and `tables` are its lineage."""

    scope: Scope
    names: Names
    codes: Mapping[str, CodeTable]
    head: Lines = field(default_factory=Lines)
    body: Lines = field(default_factory=Lines)
    problems: list[Problem] = field(default_factory=list)
    paths: dict[str, str | None] = field(default_factory=dict)
    """Source path → the variable of its first value, or None where all its values are read."""
    functions: dict[str, None] = field(default_factory=dict)
    tables: dict[str, None] = field(default_factory=dict)
    fails: bool = False
    _read: dict[str, Value] = field(default_factory=dict)
    _items: dict[int, Value] = field(default_factory=dict)
    _inside: int = 0

    # --- values

    def scalar(self, node: Node) -> Value:
        """The value of an expression."""
        if id(node) in self._items:
            return self._items[id(node)]
        if isinstance(node, Text):
            return Value(repr(node.value), "text", null=not node.value, constant=True)
        if isinstance(node, Number):
            return self._number(node)
        if isinstance(node, Name):
            return self._name(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, Binary):
            return self._comparison(node) if node.operator in COMPARISONS else self._arithmetic(node)
        if isinstance(node, Joined):
            return self._joined(node)
        return self._fallback(node.parts)

    def _number(self, node: Number) -> Value:
        if isinstance(node.value, int):
            return Value(str(node.value), "int", null=False, constant=True)
        name = self.names.bind("number", node.value, ("number", str(node.value)))
        return Value(name, "decimal", null=False, constant=True)

    def _name(self, node: Name) -> Value:
        if node.text not in self._read:
            try:
                value = self.scope.read(node.text, self.head)
            except Refusal as refusal:
                self.problem(node, refusal.message, refusal.hint)
                value = NULL
            self._read[node.text] = value
            if value.path is not None:
                self.paths[value.path] = value.raw
        return self._read[node.text]

    def _joined(self, node: Joined) -> Value:
        parts = [(part, self._expected(part, "text", "&")) for part in node.parts]
        variable = [value for _, value in parts if not value.constant]
        nullable = [value for value in variable if value.null]
        simple = all(value.kind == "text" for _, value in parts)
        if simple and not any(value.null for value in variable):
            code = " + ".join(value.code for _, value in parts)
            return self._set(code, "text")
        texts = self.names.bind("texts_of", do.texts_of, "texts_of")
        code = f"{texts}(({', '.join(value.code for _, value in parts)}))"
        if not simple:
            self._may_fail(None)
        # Nulls are left out; where nothing but literals is left, there is nothing to say.
        tests = " or ".join(value.test for value in nullable) if len(nullable) == len(variable) else ""
        return self._set(f"{code} if {tests} else None" if tests else code, "text")

    def _fallback(self, parts: tuple[Node, ...]) -> Value:
        blocks, values = [Lines()], [self.scalar(parts[0])]
        result = self.names.fresh("value")
        for part in parts[1:]:
            block, value = self._aside(part)
            blocks.append(block)
            values.append(value)
        kind = common(values)
        missing = f"not {result}" if kind == "text" else f"{result} is None"
        for place, (block, value) in enumerate(zip(blocks, values, strict=True)):
            if not place:
                self.body.add(f"{result} = {plain(value, kind)}")
                continue
            with self.body.block(f"if {missing}:"):
                self.body.extend(block)
                self.body.add(f"{result} = {plain(value, kind)}")
        return Value(result, kind, null=values[-1].null)

    def _arithmetic(self, node: Binary) -> Value:
        sides = [self._expected(side, "number", node.operator) for side in (node.left, node.right)]
        kinds = {side.kind for side in sides}
        function = ARITHMETIC[node.operator]
        name = self.names.bind(function.__name__, function, function.__name__)
        whole = "int" if kinds == {"int"} else "number"
        kind = "decimal" if node.operator == "/" or "decimal" in kinds else whole
        self._may_fail(one_source(sides))
        return self._guarded(f"{name}({sides[0].code}, {sides[1].code})", sides, kind)

    def _comparison(self, node: Binary) -> Value:
        left, right = self.scalar(node.left), self.scalar(node.right)
        return self.compared(node, left, right)

    def compared(self, node: Binary, left: Value, right: Value) -> Value:
        """The truth of a comparison whose sides are written already."""
        self._comparable(node, left, right)
        kinds = {left.kind, right.kind}
        texts = kinds == {"text"} and node.operator in ("==", "!=")
        if texts or kinds <= set(NUMBERS) or kinds == {"date"}:
            code = f"{left.code} {node.operator} {right.code}"
        else:
            function = do.COMPARE[node.operator]
            name = self.names.bind(function.__name__, function, function.__name__)
            code = f"{name}({left.code}, {right.code})"
            self._may_fail(one_source((left, right)))
        return self._guarded(code, (left, right), "bool")

    def _comparable(self, node: Binary, left: Value, right: Value) -> None:
        kinds = {left.kind, right.kind}
        if "any" in kinds and not kinds & {"list", "segments"}:
            return
        numeric = [kind for kind in kinds if kind in NUMBERS]
        if kinds & {"list", "segments"}:
            self.problem(node, "a list cannot be compared", "compare its count, sum, first or last")
        elif numeric and kinds - {*NUMBERS, "text"}:
            other = KINDS[(kinds - {*NUMBERS, "text"}).pop()]
            self.problem(node, f"a number and {other} cannot be compared")
        elif kinds == {"text"} and node.operator not in ("==", "!="):
            self.problem(node, "texts have no order", "write | decimal or | date behind each")
        elif not numeric and len(kinds) > 1 and kinds != {"text", "date"}:
            one, other = sorted(KINDS[kind] for kind in kinds)
            self.problem(node, f"{one} and {other} cannot be compared")

    # --- calls

    def _call(self, node: Call) -> Value:
        function = FUNCTIONS.get(node.function)
        if function is None:
            near = nearest(node.function, FUNCTIONS)
            hint = f"did you mean {near}?" if near else "a name with parentheses stands in `backticks`"
            for argument in node.arguments[:1]:
                self.scalar(argument)
            self.problem(node, f"there is no function {node.function!r}", hint)
            return NULL
        self.functions[function.name] = None
        if not node.arguments:
            self.problem(node, f"{function.name} needs a value", f"write value | {function.usage}")
            return NULL
        arguments = read_arguments(node, function, self.codes, self.problem)
        if arguments is None:
            return NULL
        self.tables.update(dict.fromkeys(arguments.tables))
        constants, computed = arguments.constants, arguments.computed
        if function.special:
            return self._special(node, function, computed)
        if function.takes in ("list", "segments"):
            return self._of_list(node, function, constants)
        if function.sees_null:
            return self._logical(node, function, computed)
        value = self._expected(node.arguments[0], function.takes, function.name)
        return self._applied(node, function, constants, [value, *self._values(function, computed)], arguments.null)

    def _values(self, function: Function, computed: tuple[Node, ...]) -> list[Value]:
        wanted = {"all": "bool", "any": "bool", "divide": "number"}.get(function.name, "any")
        return [self._expected(node, wanted, function.name) for node in computed]

    def _applied(
        self, node: Call, function: Function, constants: tuple[Any, ...], values: list[Value], null: str | None
    ) -> Value:
        value = values[0]
        if (function.takes == "text" and value.kind != "text") or (
            function.takes in ("bool", "date") and value.kind == "any"
        ):
            value = self._converted(function.takes, value)
        if null is not None:
            value = self._set(f"None if {value.code} == {null!r} else {value.code}", value.kind, source=value)
        values[0] = value
        kind = {"number": value.kind if value.kind in NUMBERS else "number", "any": value.kind}.get(
            function.gives, function.gives
        )
        if function.inline:
            code = function.inline.format(value.code)
        else:
            made = self._made(node, function, constants)
            called = ", ".join(each.code for each in values)
            code = f"{made}[{called}]" if isinstance(self.names.values.get(made), dict) else f"{made}({called})"
        if function.fails:
            self._may_fail(one_source(values))
        result = self._guarded(code, values, kind, nullable=function.nullable)
        return Value(result.code, kind, result.null, path=value.path, raw=value.raw)

    def _converted(self, takes: str, value: Value) -> Value:
        convert = {"text": do.text_of, "bool": do.bool_of, "date": do.date_of}[takes]
        name = self.names.bind(convert.__name__, convert, convert.__name__)
        self._may_fail(one_source([value]))
        result = self._guarded(f"{name}({value.code})", [value], takes)
        return Value(result.code, takes, result.null, path=value.path, raw=value.raw)

    def _logical(self, node: Call, function: Function, computed: tuple[Node, ...]) -> Value:
        values = self._values(function, (node.arguments[0], *computed))
        checked = [self._converted("bool", value) if value.kind == "any" else value for value in values]
        made = self._made(node, function, ())
        return self._set(f"{made}({', '.join(value.code for value in checked)})", "bool")

    def _of_list(self, node: Call, function: Function, constants: tuple[Any, ...]) -> Value:
        listed = self._segments if function.takes == "segments" else self.every
        values = listed(node.arguments[0])
        made = self._made(node, function, constants)
        if values.element == "segment" and function.takes == "list" and function.name not in ("count", "first", "last"):
            self.problem(node, f"{function.name} takes values, not whole segments", "name an element of the segment")
        if function.name in ("first", "last") and values.element == "segment":
            self.problem(node, f"{function.name} of segments is no value", "name an element of the segment")
        if function.name in ("min", "max") and values.element == "text":
            self.problem(
                node, f"{function.name} compares numbers and dates, not texts", "write | decimal or | date before it"
            )
        if function.name in ("every", "some") and values.element not in ("bool", "any"):
            self.problem(node, f"{function.name} takes a comparison", "write every(lines.quantity > 0)")
        kind = values.element if function.gives == "element" else function.gives
        if function.fails:
            self._may_fail(None)
        empty_is_null = function.nullable or function.name == "join"
        result = self._set(f"{made}({values.code})", "any" if kind == "segment" else kind)
        return Value(result.code, result.kind, null=empty_is_null, path=values.path)

    def _segments(self, node: Node) -> Value:
        if not isinstance(node, Name):
            self.problem(node, "pair takes a segment", "write PO1 | pair('VP')")
            return NULL
        try:
            value = self.scope.segments(node.text)
        except Refusal as refusal:
            self.problem(node, refusal.message, refusal.hint)
            return NULL
        if value.path is not None:
            self.paths[value.path] = None
        return value

    def _special(self, node: Call, function: Function, computed: tuple[Node, ...]) -> Value:
        if function.name == "default":
            return self._fallback((node.arguments[0], *computed))
        if function.name in ("optional", "required"):
            self.problem(node, f"{function.name} stands last in an expression", f"write … | {function.name} at its end")
            return self.scalar(node.arguments[0])
        if function.name == "present":
            value = self._expected(node.arguments[0], "any", "present")
            code = f"bool({value.code})" if value.kind == "text" else value.test if value.null else "True"
            return Value(self._set(code, "bool").code, "bool", null=False)
        return self._if(node, computed)

    def _if(self, node: Call, computed: tuple[Node, ...]) -> Value:
        condition = self._expected(node.arguments[0], "bool", "if")
        if condition.kind == "any":
            condition = self._converted("bool", condition)
        then, value = self._aside(computed[0])
        other, fallback = self._aside(computed[1]) if len(computed) > 1 else (Lines(), NULL)
        kind = value.kind if len(computed) == 1 else common([value, fallback])
        result = self.names.fresh("value")
        with self.body.block(f"if {condition.code}:"):
            self.body.extend(then)
            self.body.add(f"{result} = {plain(value, kind)}")
        with self.body.block("else:"):
            self.body.extend(other)
            self.body.add(f"{result} = {plain(fallback, kind)}")
        return Value(result, kind, null=value.null or fallback.null)

    def _made(self, node: Call, function: Function, constants: tuple[Any, ...]) -> str:
        """The name of the function made of its constants; the same constants share one, and its memo."""
        shown = tuple(each.name if hasattr(each, "codes") else each for each in constants)
        key = (function.name, self.scope.format_name, shown)
        assert function.make is not None
        try:
            made = function.make(self.scope.format_name, *constants)
        except ValueError as error:
            self.problem(node, str(error))
            return "None"
        if isinstance(made, Codes):
            return self.names.bind(f"codes_{made.name}", made, key)
        return self.names.bind(function.name, made, key)

    # --- lists

    def every(self, node: Node) -> Value:
        """All values of an expression: it is computed for each value of the one list in it."""
        if isinstance(node, Name):
            return self._every_name(node)
        if isinstance(node, Call) and _gives_list(node):
            value = self.scalar(node)
            return Value(f"{value.code} or ()", "list", null=False, element="text")
        leaves = self._leaves(node)
        if leaves is not None and self._inside >= INSIDE_MAX:
            self.problem(node, "lists nest too deeply", "split the expression")
            leaves = None
        if leaves is None:
            return NULL
        items, item = self.names.fresh("items"), self.names.fresh("item")
        first = leaves[0]
        listed = self._list_of(first)
        self._inside += 1
        self.body.add(f"{items} = []")
        with self.body.block(f"for {item} in {listed.code}:"):
            saved = dict(self._items)
            for leaf in leaves:
                self._items[id(leaf)] = self._item(leaf, item, listed)
            value = self.scalar(node)
            self._items = saved
            self.body.add(f"{items}.append({plain(value, 'any')})")
        self._inside -= 1
        return Value(items, "list", null=False, element=value.kind)

    def _every_name(self, node: Name) -> Value:
        try:
            value = self.scope.every(node.text)
        except Refusal as refusal:
            self.problem(node, refusal.message, refusal.hint)
            return NULL
        if value.path is not None:
            self.paths.setdefault(value.path, None)
        return value

    def _leaves(self, node: Node) -> list[Name | Call] | None:
        """The parts of an expression that are its list: the same path or the same list of our record, or one split."""
        found = list(_leaves(node, self._is_list))
        calls = [leaf for leaf in found if isinstance(leaf, Call)]
        names = [leaf for leaf in found if isinstance(leaf, Name)]
        strong = [leaf for leaf in names if not self.scope.lends(leaf.text)]
        leaves: list[Name | Call] = [*calls] or [*strong] or [*names]
        roots = {id(leaf) if isinstance(leaf, Call) else self._root(leaf.text) for leaf in leaves}
        if len(roots) == 1:
            return leaves
        if leaves:
            self.problem(leaves[1], "two lists cannot be run through together", "compute each for itself")
        else:
            self.problem(node, "there is no list in this", "name a field of a list, or a source path")
        return None

    def _is_list(self, name: Name) -> bool:
        try:
            return self.scope.lists(name.text) is not None
        except Refusal as refusal:
            self.problem(name, refusal.message, refusal.hint)
            return False

    def _list_of(self, leaf: Name | Call) -> Value:
        if isinstance(leaf, Call):
            return Value(f"{self.scalar(leaf).code} or ()", "list", null=False, element="text")
        return self._every_name(Name(self._root(leaf.text), offset=leaf.offset, length=leaf.length))

    def _root(self, name: str) -> str:
        """What is run through for a name: its list, or where it cannot be had from an element of that, itself."""
        root = self.scope.lists(name)
        return name if root is None or self.scope.within(name, "") is None else root

    def _item(self, leaf: Name | Call, item: str, listed: Value) -> Value:
        if isinstance(leaf, Name):
            try:
                inside = self.scope.within(leaf.text, item)
            except Refusal as refusal:
                self.problem(leaf, refusal.message, refusal.hint)
                inside = NULL
            if inside is not None:
                # A variable of its own, so that a field that is asked twice is read once.
                return self._set(inside.code, inside.kind)
        if listed.element == "segment":
            self.problem(leaf, "this is a whole segment, not a value", "name an element of it")
        return Value(item, listed.element)

    # --- writing

    def _expected(self, node: Node, takes: str, by: str) -> Value:
        """The value of a node that is given to a function or operator; a problem where its kind does not fit."""
        value = self.scalar(node)
        if value.kind not in TAKEN[takes]:
            article = KINDS["text" if takes == "any" else takes]
            self.problem(node, f"{by} takes {article}, not {KINDS[value.kind]}", advice(value.kind))
            return NULL
        return value

    def _guarded(
        self, code: str, needed: list[Value] | tuple[Value, ...], kind: str, *, nullable: bool = False
    ) -> Value:
        tests = list(dict.fromkeys(value.test for value in needed if value.null))
        result = self._set(f"{code} if {' and '.join(tests)} else None" if tests else code, kind)
        return Value(result.code, kind, null=bool(tests) or nullable or kind == "text")

    def _set(self, code: str, kind: str, source: Value | None = None) -> Value:
        variable = self.names.fresh("value")
        self.body.add(f"{variable} = {code}")
        return Value(variable, kind, path=source.path if source else None, raw=source.raw if source else None)

    def _may_fail(self, source: Value | None) -> None:
        """Note in the code which source value is at work, for the fault that may come of it."""
        self.fails = True
        where = f"({source.path!r}, {source.raw})" if source is not None and not self._inside else "None"
        self.body.add(NOTE + where)

    def truth(self, node: Node) -> Value:
        """The value of a node that must be true or false."""
        value = self.scalar(node)
        if value.kind not in TAKEN["bool"]:
            self.problem(node, f"a condition is true or false, not {KINDS[value.kind]}", "compare it with something")
            return NULL
        return self._converted("bool", value) if value.kind == "any" else value

    def finished(self, lines: Lines) -> tuple[Lines, str | None]:
        """The expression's lines, and Python for where a failure in them came from; None if they cannot fail.

        Where every step that can fail works on the same source value, that needs no note at run time.
        """
        notes = {line for _, line in self.body.written if line.startswith(NOTE)}
        for depth, line in self.body.written:
            if not line.startswith(NOTE):
                lines.written.append((depth, line))
            elif len(notes) > 1:
                lines.written.append((depth, line.removeprefix("@")))
        if not self.fails:
            return lines, None
        return lines, "at" if len(notes) > 1 else notes.pop().removeprefix(NOTE)

    def _aside(self, node: Node) -> tuple[Lines, Value]:
        """The lines and the value of a node that is computed on a condition only."""
        outer, self.body = self.body, Lines()
        value = self.scalar(node)
        inner, self.body = self.body, outer
        return inner, value

    def problem(self, node: Node, message: str, hint: str = "") -> None:
        """Note a problem at a node."""
        offset = node.offset if isinstance(node, Call) else beginning(node)
        self.problems.append(Problem(message, offset, max(node.length, 1), hint))


def _leaves(node: Node, is_list: Any) -> Iterator[Name | Call]:
    if isinstance(node, Name):
        if is_list(node):
            yield node
    elif isinstance(node, Call):
        function = FUNCTIONS.get(node.function)
        if function is None or _gives_list(node):
            yield node
        elif function.takes not in ("list", "segments"):
            computed = [argument.kind == "value" for argument in function.arguments]
            yield from _leaves(node.arguments[0], is_list) if node.arguments else ()
            for place, inner in enumerate(node.arguments[1:]):
                if computed and computed[min(place, len(computed) - 1)]:
                    yield from _leaves(inner, is_list)
    elif isinstance(node, Binary):
        yield from _leaves(node.left, is_list)
        yield from _leaves(node.right, is_list)
    elif isinstance(node, (Joined, Fallback)):
        for part in node.parts:
            yield from _leaves(part, is_list)


def _gives_list(node: Call) -> bool:
    function = FUNCTIONS.get(node.function)
    return function is not None and function.gives == "list"
