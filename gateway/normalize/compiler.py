"""A mapping becomes one Python function per record type.

The function takes a document's content and envelope and answers the record and its faults. It is written field by
field: read the source, apply the functions, set the target or note what is wrong. Each field has its own ``try``,
which costs nothing until it is needed, so the faults of all fields are told, not the first alone. Checks run when
the record is whole. ``Mapper.source`` is the generated source, to be read by people too.

What a mapping leaves out: a target without a value is not in the record; an object is there when one of its members
is (or when the contract requires it); inside an optional object, a required member is missed only if another is there.
A loop makes one element per occurrence; a list without any is there, empty, where the contract requires it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateway.integrations import Expression, MapField
from gateway.normalize.conditions import check_contract, compile_rules, write_condition, write_tried
from gateway.normalize.expression import Call, ExpressionError, Name, Node, Text, parse
from gateway.normalize.faults import Failure
from gateway.normalize.functions.codes import nearest
from gateway.normalize.generator import Generator
from gateway.normalize.kinds import KINDS, NUMBERS, advice
from gateway.normalize.scopes import CheckScope, RecordScope, Refusal, SourceScope
from gateway.normalize.sites import Lineage, MappingProblem, MappingProblems, Site, one_line
from gateway.normalize.writing import Lines, Names, define

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edi.model import Document, Envelope
    from gateway.configuration import CodeTable
    from gateway.contracts import Contract, Field
    from gateway.integrations import Integration, MapLoop
    from gateway.model import Fault

__all__ = [
    "Lineage",
    "Mapper",
    "MappingProblem",
    "MappingProblems",
    "check_contract",
    "check_integration",
    "compile_mapping",
    "compile_rules",
]

LOOPS_MAX = 8
"""How deep loops may nest; no message nests deeper, and Python allows 20 blocks."""

FITTING: dict[str, tuple[str, ...]] = {
    # type of a contract's field → kinds of value that a mapping may give it
    "text": ("text", "any"),
    "code": ("text", "any"),
    "gln": ("text", "any"),
    "gtin": ("text", "any"),
    "int": ("int", "number", "any"),
    "decimal": (*NUMBERS, "any"),
    "date": ("date", "any"),
    "datetime": ("datetime", "any"),
    "time": ("time", "any"),
    "bool": ("bool", "any"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Mapper:
    """A compiled mapping: a document in, the record and its faults out.

    `function` takes the document's content and envelope and is the same without the call around it. `lineage` says,
    by target pattern (``/lines/*/price``), where each value comes from.
    """

    integration: str
    format_name: str
    source: str
    function: Callable[[Any, Envelope], tuple[dict[str, Any], tuple[Fault, ...]]]
    lineage: Mapping[str, Lineage]

    def __call__(self, document: Document) -> tuple[dict[str, Any], tuple[Fault, ...]]:
        """The record of a document, and what is wrong with it."""
        return self.function(document.content, document.envelope)

    def lineage_of(self, target: str) -> Lineage | None:
        """The lineage of a target pointer, with or without indexes; None where the mapping does not fill it."""
        return self.lineage.get("/".join("*" if part.isdigit() else part for part in target.split("/")))

    def loops_of(self, target: str) -> tuple[str, ...]:
        """The paths of the loops around a target, outermost first."""
        lineage = self.lineage_of(target)
        return lineage.loops if lineage else ()


def compile_mapping(
    integration: Integration,
    contract: Contract,
    *,
    columns: tuple[str, ...] | None = (),
    codes: Mapping[str, CodeTable] = MappingProxyType({}),
) -> Mapper:
    """The function of an integration's mapping. `columns` is the header of a CSV file, in order; None: any.

    Raises:
        MappingProblems: all that is wrong with the mapping, its checks, or the columns that it names.
    """
    writer = _Writer(integration, contract, codes, columns)
    source = writer.write()
    if writer.problems:
        raise MappingProblems(writer.problems)
    function = define(source, "record_of", {**writer.names.values, "Failure": Failure})
    return Mapper(integration.name, integration.format.name, source, function, writer.lineage)


def check_integration(
    integration: Integration,
    contract: Contract,
    codes: Mapping[str, CodeTable],
    columns: tuple[str, ...] | None = None,
) -> tuple[MappingProblem, ...]:
    """Everything that is wrong with a mapping as far as it can be known without a file.

    `columns` are those of positional records, which a layout declares; those of a CSV file are not known.
    """
    writer = _Writer(integration, contract, codes, columns)
    writer.write()
    return tuple(writer.problems)


@dataclass(frozen=True, slots=True)
class _Level:
    """Where in document and record fields are written: the document itself, or an element of a loop."""

    fields: tuple[Field, ...]
    scope: SourceScope
    lines: Lines
    record: str
    target: str = ""
    indexes: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    objects: dict[str, tuple[str, Field, str]] = field(default_factory=dict)
    """Name of an object (``ship_to``) → its variable, its field, and where its members are missed."""

    @property
    def indexed(self) -> str:
        """Python for the tuple of the loops' indexes."""
        return f"({', '.join(self.indexes)}{',' if len(self.indexes) == 1 else ''})"


class _Writer:
    """Writes one mapping."""

    def __init__(
        self,
        integration: Integration,
        contract: Contract,
        codes: Mapping[str, CodeTable],
        columns: tuple[str, ...] | None,
    ) -> None:
        self.integration = integration
        self.contract = contract
        self.codes = codes
        self.columns = columns
        self.names = Names()
        self.problems: list[MappingProblem] = []
        self.lineage: dict[str, Lineage] = {}

    def write(self) -> str:
        """The source of the function."""
        scope = SourceScope(self.integration.format.name, "content", self.names, Lines(), self.columns)
        level = _Level(self.contract.fields, scope, Lines(), "record")
        self.level(self.integration.fields, level)
        checks = self.checks(scope)
        lines = Lines()
        with lines.block("def record_of(content, envelope):"):
            if scope.width:
                with lines.block(f"if len(content) < {scope.width}:"):
                    lines.add(f'content = content + [""] * ({scope.width} - len(content))')
            lines.add("faults = []")
            lines.add("record = {}")
            lines.extend(scope.prologue)
            lines.extend(level.lines)
            if checks.written:
                with lines.block("if not faults:"):
                    lines.extend(checks)
            lines.add("return record, tuple(faults)")
        return lines.text()

    def checks(self, scope: SourceScope) -> Lines:
        lines = Lines()
        both = CheckScope(RecordScope("record", self.contract.fields, self.names), scope, scope.format_name)
        for expression in self.integration.checks:
            write_condition(expression, both, self.names, self.codes, lines, self.problems)
        return lines

    # --- a level: the fields of the document, or of an element of a loop

    def level(self, entries: Iterable[MapField | MapLoop], level: _Level) -> None:
        found = [(entry, self.target(entry, level)) for entry in entries]
        for entry, way in found:
            if way:
                self.open_objects(entry.target, way, level)
        for entry, way in found:
            if not way:
                continue
            if isinstance(entry, MapField):
                self.field(entry, way, level)
            else:
                self.loop(entry, way[-1], level)
        for name, (variable, field_of, missed) in sorted(level.objects.items(), reverse=True):
            self.close_object(name, variable, field_of, missed, level)
        self.unmapped(level.fields, level, "")

    def target(self, entry: MapField | MapLoop, level: _Level) -> list[Field]:
        """The contract's fields on the way to a target; none where the target is wrong, which is noted."""
        scope = RecordScope("", level.fields, self.names)
        way = scope.find(entry.target) or []
        expression = entry.expression if isinstance(entry, MapField) else entry.path
        if not way:
            near = nearest(entry.target, scope.known())
            hint = f"did you mean {near}?" if near else ""
            self.problem(expression, f"{self.contract.id} has no field {entry.target!r}", hint)
            return []
        wanted = "list" if not isinstance(entry, MapField) else way[-1].type
        if way[-1].type != wanted:
            self.problem(expression, f"{entry.target} is {way[-1].type} in {self.contract.id}, not a list")
            return []
        if isinstance(entry, MapField) and wanted in ("list", "object"):
            hint = (
                f"write {entry.target}[path]:" if wanted == "list" else f"map {entry.target}.{way[-1].fields[0].name}"
            )
            self.problem(
                expression, f"{entry.target} is a{'n' * (wanted == 'object')} {wanted}, not a single value", hint
            )
            return []
        if any(one.type == "list" for one in way[:-1]):
            self.problem(expression, f"{entry.target} lies inside a list", "map it inside a loop: lines[path]:")
            return []
        pattern = f"{level.target}/{entry.target.replace('.', '/')}"
        if pattern in self.lineage:
            self.problem(expression, f"{entry.target} is mapped twice", f"first at {self.lineage[pattern].place}")
            return []
        self.lineage[pattern] = Lineage(pattern, expression.text, expression.place, loops=level.loops)
        return way

    def open_objects(self, target: str, way: list[Field], level: _Level) -> None:
        parts = target.split(".")
        missed = "faults"
        for depth, one in enumerate(way[:-1], 1):
            name = ".".join(parts[:depth])
            if name in level.objects:
                missed = level.objects[name][2]
                continue
            variable = self.names.fresh(one.name)
            level.lines.add(f"{variable} = {{}}")
            if not one.required:
                missed = self.names.fresh("missed")
                level.lines.add(f"{missed} = []")
            level.objects[name] = (variable, one, missed)

    def close_object(self, name: str, variable: str, one: Field, missed: str, level: _Level) -> None:
        parent, _, member = name.rpartition(".")
        record = level.objects[parent][0] if parent else level.record
        if one.required:
            level.lines.add(f"{record}[{member!r}] = {variable}")
            return
        with level.lines.block(f"if {variable}:"):
            level.lines.add(f"{record}[{member!r}] = {variable}")
            level.lines.add(f"faults.extend({missed})")

    def unmapped(self, fields: tuple[Field, ...], level: _Level, prefix: str) -> None:
        """Note required fields that the mapping leaves out: no record could ever be good."""
        for one in fields:
            name = prefix + one.name
            if one.type == "object":
                if one.required or name in level.objects:
                    self.unmapped(one.fields, level, name + ".")
            elif one.required and f"{level.target}/{name.replace('.', '/')}" not in self.lineage:
                where = f" in {level.target[1:].replace('/*', '')}" if level.target else ""
                self.problems.append(
                    MappingProblem(
                        self.integration.place,
                        f"{name}{where} is required by {self.contract.id}, but nothing is mapped to it",
                        0,
                        1,
                        f"add a line {one.name}: … under map:",
                    )
                )

    # --- a field

    def field(self, entry: MapField, way: list[Field], level: _Level) -> None:
        target = f"{level.target}/{entry.target.replace('.', '/')}"
        node = self.parsed(entry.expression)
        if node is None:
            return
        node, said = _ending(node)
        one = way[-1]
        if said == "optional" and one.required and all(each.required for each in way):
            self.problem(
                entry.expression,
                f"{entry.target} is required by {self.contract.id} and cannot be optional here",
                "give a value with ??, or let the contract say ?",
            )
        generator = Generator(level.scope, self.names, self.codes)
        value = generator.scalar(node)
        if value.kind not in FITTING[one.type] and not generator.problems:
            hint = advice(value.kind) if value.kind in ("list", "segments") else _conversion(one.type)
            generator.problem(node, f"{entry.target} is {one.type}, not {KINDS[value.kind]}", hint)
        self.take_problems(generator, entry.expression)
        paths = tuple(generator.paths)
        self.lineage[target] = Lineage(
            target,
            entry.expression.text,
            entry.expression.place,
            paths,
            tuple(generator.functions) + ((said,) if said else ()),
            tuple(generator.tables),
            level.loops,
        )
        text = one_line(entry.expression.text)
        path = paths[0] if len(paths) == 1 else None
        site = self.names.bind("field", Site(target, text, path, f" by {self.contract.id}"))
        parent, _, member = entry.target.rpartition(".")
        record, missed = (level.objects[parent][0], level.objects[parent][2]) if parent else (level.record, "faults")
        level.lines.add(f"# {entry.target}: {text}")
        level.lines.extend(generator.head)
        body, failing = generator.finished(Lines())
        assign = f"{record}[{member!r}] = {value.code}"
        if value.null:
            with body.block(f"if {value.test}:"):
                body.add(assign)
            if said == "required" or (one.required and said != "optional"):
                with body.block("else:"):
                    body.add(f"{missed}.append({site}.missing({level.indexed}))")
        else:
            body.add(assign)
        write_tried(level.lines, body, failing, f"faults.append({site}.failed(failure, {level.indexed}, {{at}}))")

    def parsed(self, expression: Expression) -> Node | None:
        if expression.literal:
            return Text(expression.text, length=len(expression.text))
        try:
            return parse(expression.text, self.integration.format.name)
        except ExpressionError as error:
            self.problems.append(
                MappingProblem(expression.place, error.message, error.offset, error.length, error.hint)
            )
            return None

    # --- a loop

    def loop(self, entry: MapLoop, one: Field, level: _Level) -> None:
        pattern = f"{level.target}/{entry.target.replace('.', '/')}"
        node = self.parsed(entry.path)
        if node is None:
            return
        if not isinstance(node, Name):
            self.problem(entry.path, "a loop is opened by a path alone", "write lines[PO1]:")
            return
        if len(level.indexes) >= LOOPS_MAX:
            self.problem(entry.path, f"loops nest deeper than {LOOPS_MAX}")
            return
        try:
            code, scope = level.scope.loop(node.text)
        except Refusal as refusal:
            self.problem(entry.path, refusal.message, refusal.hint)
            return
        self.lineage[pattern] = Lineage(pattern, entry.path.text, entry.path.place, (node.text,), loops=level.loops)
        index, record, listed = (self.names.fresh(stem) for stem in ("index", one.name, "list"))
        inner = _Level(
            one.fields,
            scope,
            Lines(),
            record,
            f"{pattern}/*",
            (*level.indexes, index),
            (*level.loops, node.text),
        )
        self.level(entry.fields, inner)
        lines = level.lines
        lines.add(f"# {entry.target}[{one_line(entry.path.text)}]")
        lines.add(f"{listed} = []")
        if scope.can_refuse:
            site = self.names.bind("field", Site(pattern, one_line(entry.path.text), node.text))
            found = self.names.fresh("found")
            with lines.block("try:"):
                lines.add(f"{found} = {code}")
            with lines.block("except Failure as failure:"):
                lines.add(f"{found} = ()")
                lines.add(f"faults.append({site}.failed(failure, {level.indexed}, None))")
            code = found
        with lines.block(f"for {index}, {scope.item or scope.content} in enumerate({code}):"):
            lines.extend(scope.prologue)
            lines.add(f"{record} = {{}}")
            lines.extend(inner.lines)
            lines.add(f"{listed}.append({record})")
        parent, _, member = entry.target.rpartition(".")
        outer = level.objects[parent][0] if parent else level.record
        if one.required:
            lines.add(f"{outer}[{member!r}] = {listed}")
        else:
            with lines.block(f"if {listed}:"):
                lines.add(f"{outer}[{member!r}] = {listed}")

    # --- problems

    def problem(self, expression: Expression, message: str, hint: str = "") -> None:
        self.problems.append(MappingProblem(expression.place, message, 0, max(len(expression.text), 1), hint))

    def take_problems(self, generator: Generator, expression: Expression) -> None:
        self.problems.extend(
            MappingProblem(expression.place, each.message, each.offset, each.length, each.hint)
            for each in generator.problems
        )


def _ending(node: Node) -> tuple[Node, str | None]:
    """An expression without the ``| optional`` or ``| required`` that it ends with, and which of them it was."""
    if (
        isinstance(node, Call)
        and node.function in ("optional", "required")
        and len(node.arguments) == 1
        and not node.named
    ):
        return node.arguments[0], node.function
    return node, None


def _conversion(field_type: str) -> str:
    """What makes a value fit a field of this type."""
    if field_type in ("text", "code", "gln", "gtin"):
        return "add | text at its end"
    if field_type == "bool":
        return "compare it with something, or add | bool('true', 'false'), with the two texts that stand there"
    return f"add | {field_type} at its end"
