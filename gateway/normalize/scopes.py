"""What the names of an expression stand for, where it stands, and the Python that reads them.

A scope answers three questions about a name: its value (`read`), all its values (`every`), and whether it may be asked
so (`lists`). What is wrong with a name is a :class:`Refusal`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from edi.paths import ColumnPath, ElementPath, MemberPath, SegmentPath, SegmentStep, parse_path
from edi.segmented.structure import following
from edi.xmldoc import compile_loop, compile_path
from gateway.normalize import access
from gateway.normalize.functions.codes import nearest
from gateway.normalize.kinds import Value
from gateway.normalize.writing import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edi.paths import Path
    from gateway.contracts import Field
    from gateway.normalize.writing import Names


class Refusal(Exception):
    """A name that means nothing here; `hint` says what may have been meant."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Scope(Protocol):
    """Where an expression stands."""

    format_name: str

    def read(self, name: str, lines: Lines) -> Value:
        """The value of a name; `lines` are put before the expression's own."""

    def every(self, name: str) -> Value:
        """All values of a name, as a list."""

    def segments(self, name: str) -> Value:
        """All segments of a name."""

    def lists(self, name: str) -> str | None:
        """What list a name runs through, or None."""

    def lends(self, name: str) -> bool:
        """Whether a name is a list only where nothing else is: a source path, whose first value serves otherwise."""

    def within(self, name: str, item: str) -> Value | None:
        """The value of a name for one `item` of a list that it runs through, if it can be had from that."""


@dataclass(slots=True)
class SourceScope:
    """Names are source paths, relative to `content`: the document, or what the innermost loop stands at.

    `prologue` takes the lines that find a segment once for all fields that read from it. `columns` is the header of a
    CSV file or the columns of a layout, or None where no file is at hand and no name can be wrong.
    """

    format_name: str
    content: str
    names: Names
    prologue: Lines
    columns: tuple[str, ...] | None = None
    width: int = 0
    outer: SourceScope | None = None
    chain: str = ""
    """The variable of the tuple of loops around, from the document on, once somebody asks for it."""
    item: str = ""
    """The variable that the loop sets, where that is not `content`."""
    _rows: dict[tuple[SegmentStep, ...], str] = field(default_factory=dict)

    @property
    def can_refuse(self) -> bool:
        """Whether what a loop's path names may turn out to be no list: objects have members of any kind."""
        return self.format_name not in ("x12", "edifact", "xml", "csv", "fixed")

    def path(self, name: str) -> Path:
        """The path that a name is."""
        try:
            return parse_path(self.format_name, name)
        except ValueError as error:
            hint = "a function's name stands after |" if name.islower() and name.isalpha() else ""
            raise Refusal(str(error), hint) from None

    def read(self, name: str, lines: Lines) -> Value:
        """The first value of a path."""
        raw = self.names.fresh("raw")
        path = self.path(name)
        if isinstance(path, SegmentPath):
            self._read_element(path, name, raw, lines)
        elif isinstance(path, ColumnPath):
            lines.add(f"{raw} = {self.content}[{self._column(path)}]")
        elif isinstance(path, ElementPath):
            lines.add(f"{raw} = {self._text_at(path)}({self.content})")
        else:
            member = self.names.bind("member", access.member, "member")
            lines.add(f"{raw} = {member}({self.content}, {path.names!r})")
            return Value(raw, "any", path=name, raw=raw)
        return Value(raw, "text", path=name, raw=raw)

    def every(self, name: str) -> Value:
        """All values of a path, nulls where a place is empty."""
        path = self.path(name)
        if isinstance(path, SegmentPath):
            last = path.steps[-1]
            if last.group is not None:
                raise Refusal(f"{name} is for loops", "a loop runs over groups of elements: adjustments[CAS.02~3]:")
            if last.element is None:
                return Value(self._found(path), "list", null=False, element="segment", path=name)
            part = self.names.bind("elements", access.elements, "elements")
            code = f"{part}({self._found(path)}, {last.element}, {self._part(last)})"
            return Value(code, "list", null=False, element="text", path=name)
        if isinstance(path, ColumnPath):
            code = f"({self.content}[{self._column(path)}] or None,)"
            return Value(code, "list", null=False, element="text", path=name)
        if isinstance(path, ElementPath):
            read = self._text_at(ElementPath((), path.attribute))
            code = f"[{read}(one) or None for one in {self._elements_at(ElementPath(path.steps))}({self.content})]"
            return Value(code, "list", null=False, element="text", path=name)
        members = self.names.bind("members", access.members, "members")
        return Value(f"{members}({self.content}, {path.names!r})", "list", null=False, path=name)

    def segments(self, name: str) -> Value:
        """All segments that a path without an element names."""
        path = self.path(name)
        if not isinstance(path, SegmentPath) or path.steps[-1].element is not None:
            raise Refusal(f"{name} is no whole segment", "write PO1 | pair('VP')")
        return Value(self._found(path), "segments", path=name)

    def lists(self, name: str) -> str | None:
        """Any path can occur more than once; two different ones are two lists."""
        return name

    def lends(self, name: str) -> bool:
        """All of them."""
        del name
        return True

    def within(self, name: str, item: str) -> Value | None:
        """Paths are read as texts already, so nothing lies within one."""
        del name, item
        return None

    def loop(self, name: str) -> tuple[str, SourceScope]:
        """Python for the list that a loop's path names, and the scope of its elements."""
        path = self.path(name)
        inner = SourceScope(self.format_name, self.names.fresh("loop"), self.names, Lines(), outer=self)
        if isinstance(path, SegmentPath):
            if path.steps[-1].element is not None and path.steps[-1].group is None:
                raise Refusal(f"{name} is an element; a loop is opened by a segment", "write lines[PO1]:")
            return self._loops(path, inner), inner
        if isinstance(path, ElementPath):
            if path.attribute is not None or not path.steps:
                raise Refusal(f"{name} is no element to loop over", "write lines[cac:InvoiceLine]:")
            return f"{self._elements_at(path)}({self.content})", inner
        if isinstance(path, MemberPath):
            objects = self.names.bind("objects", access.objects, "objects")
            return f"{objects}({self.content}, {path.names!r})", inner
        row = "a CSV row" if self.format_name == "csv" else "a positional record"
        raise Refusal(f"{row} has no loops", "write its fields without one")

    # X12 and EDIFACT

    def _loops(self, path: SegmentPath, inner: SourceScope) -> str:
        if len(path.steps) == 1 and not _is_free(path):
            below = self.names.bind("below", following.below, "below")
            return f"{below}({self.content}, {_selector(path.steps[0])})"
        reached = self.names.bind("reached", following.reached, "reached")
        inner.chain = inner.item = self.names.fresh("around")
        inner.prologue.add(f"{inner.content} = {inner.chain}[-1]")
        return f"{reached}({self.around()}, {self._steps(path)})"

    def around(self) -> str:
        """Python for the tuple of the loops around this place, from the document to the innermost."""
        if self.outer is None:
            return f"({self.content},)"
        if not self.chain:
            self.chain = self.names.fresh("around")
            self.prologue.add(f"{self.chain} = (*{self.outer.around()}, {self.content})")
        return self.chain

    def _steps(self, path: SegmentPath) -> str:
        return self.names.bind("steps", path.steps, ("steps", path.steps))

    def _read_element(self, path: SegmentPath, name: str, raw: str, lines: Lines) -> None:
        last = path.steps[-1]
        if last.group is not None:
            raise Refusal(
                f"{name} is a group of elements, not a value", "a loop runs over them: adjustments[CAS.02~3]:"
            )
        if last.element is None:
            raise Refusal(
                f"{name} is a whole segment, not a value", f"name an element of it: {last.tag}01, or use | pair('VP')"
            )
        row = self._row(path)
        lines.add(f'{raw} = {row}[{last.element}] if len({row}) > {last.element} else ""')
        if last.component is not None:
            component = self.names.bind("component", access.component, "component")
            lines.add(f"{raw} = {component}({raw}, {last.component})")
        else:
            with lines.block(f"if {raw}.__class__ is not str:"):
                lines.add(f"{raw} = {self._whole()}({raw}, envelope)")

    def _whole(self) -> str:
        whole = access.x12_element if self.format_name == "x12" else access.edifact_element
        return self.names.bind("element", whole, "element")

    def _part(self, step: SegmentStep) -> str:
        if step.component is None:
            return f"lambda element: {self._whole()}(element, envelope)"
        component = self.names.bind("component", access.component, "component")
        return f"lambda element: {component}(element, {step.component})"

    def _row(self, path: SegmentPath) -> str:
        """The variable of the segment, found once for all that read from it."""
        last = path.steps[-1]
        key = (*path.steps[:-1], replace(last, element=None, component=None))
        if key not in self._rows:
            variable = self.names.fresh(f"row_{last.tag}_{last.qualifier or ''}")
            if _is_free(path):
                find = self.names.bind("first_row", following.first_row, "first_row")
                self.prologue.add(f"{variable} = {find}({self.around()}, {self._steps(SegmentPath(key))})")
            else:
                kind = "row" if last.qualifier is None else "qualified"
                find = self.names.bind(kind, getattr(access, kind), kind)
                self.prologue.add(f"{variable} = {find}({self._parent(path)}, {_selector(last)})")
            self._rows[key] = variable
        return self._rows[key]

    def _found(self, path: SegmentPath) -> str:
        if _is_free(path):
            found = self.names.bind("found_rows", following.found_rows, "found_rows")
            return f"{found}({self.around()}, {self._steps(path)})"
        return f"{self.names.bind('rows', access.rows, 'rows')}({self._parent(path)}, {_selector(path.steps[-1])})"

    def _parent(self, path: SegmentPath) -> str:
        """Python for the loop in which the last step is looked for."""
        code = self.content
        for step in path.steps[:-1]:
            code = f"{self.names.bind('child', access.child, 'child')}({code}, {_selector(step)})"
        return code

    # XML

    def _text_at(self, path: ElementPath) -> str:
        try:
            return self.names.bind("text_at", compile_path(path), ("text_at", path))
        except ValueError as error:
            raise Refusal(str(error)) from None

    def _elements_at(self, path: ElementPath) -> str:
        try:
            return self.names.bind("elements_at", compile_loop(path), ("elements_at", path.steps))
        except ValueError as error:
            raise Refusal(str(error)) from None

    # CSV, positional records

    def _column(self, path: ColumnPath) -> int:
        index = self._index(path)
        self.width = max(self.width, index + 1)
        return index

    def _index(self, path: ColumnPath) -> int:
        if self.columns is None:
            return (path.number or 1) - 1
        if path.number is not None and path.name not in self.columns:
            if self.columns and path.number > len(self.columns):
                raise Refusal(f"there is no column {path.name}: the file has {len(self.columns)}")
            return path.number - 1
        if path.name not in self.columns:
            raise Refusal(f"there is no column {path.name!r}", self._column_hint(path.name))
        if self.columns.count(path.name) > 1:
            first = self.columns.index(path.name)
            second = self.columns.index(path.name, first + 1)
            raise Refusal(f"the column {path.name!r} stands twice", f"write #{first + 1} or #{second + 1}")
        return self.columns.index(path.name)

    def _column_hint(self, name: str) -> str:
        if not self.columns:
            return "the file has no header: write #1 for its first column; if it has one, add the word header to format"
        near = nearest(name, self.columns)
        return f"did you mean {near!r}?" if near else f"the columns are {', '.join(self.columns[:20])}"


def _selector(step: SegmentStep) -> str:
    return f"{step.tag!r}" if step.qualifier is None else f"{step.tag!r}, {step.qualifiers!r}"


def _is_free(path: SegmentPath) -> bool:
    """Whether a path looks at any depth, around the place where it stands, or into a segment."""
    return any(step.deep or step.around or step.group for step in path.steps)


@dataclass(slots=True)
class RecordScope:
    """Names are fields of our own record, joined by dots; a name through a list stands for all its elements."""

    content: str
    fields: tuple[Field, ...]
    names: Names
    format_name: str = "record"

    def find(self, name: str) -> list[Field] | None:
        """The fields on the way to a name, or None where the record has no such field."""
        way: list[Field] = []
        fields: Mapping[str, Field] = {one.name: one for one in self.fields}
        for part in name.split("."):
            if part not in fields:
                return None
            way.append(fields[part])
            fields = {one.name: one for one in fields[part].fields}
        return way

    def known(self) -> list[str]:
        """Every name that there is."""
        return [name for one in self.fields for name in _names_of(one, "")]

    def _way(self, name: str) -> list[Field]:
        way = self.find(name)
        if way is None:
            near = nearest(name, self.known())
            raise Refusal(f"there is no field {name!r}", f"did you mean {near!r}?" if near else "")
        return way

    def read(self, name: str, lines: Lines) -> Value:
        """The value of a field."""
        del lines
        way = self._way(name)
        if self.lists(name):
            raise Refusal(f"{name} has many values, one per element", f"write sum({name}), count({name}) or every(…)")
        if way[-1].type == "object":
            raise Refusal(f"{name} is an object, not a value", f"name a field of it: {name}.{way[-1].fields[0].name}")
        return Value(self._member(name))

    def _member(self, name: str) -> str:
        parts = tuple(name.split("."))
        if len(parts) == 1:
            return f"{self.content}.get({parts[0]!r})"
        return f"{self.names.bind('member', access.member, 'member')}({self.content}, {parts!r})"

    def every(self, name: str) -> Value:
        """All values of a field in a list, or of one that stands alone."""
        self._way(name)
        members = self.names.bind("members", access.members, "members")
        return Value(f"{members}({self.content}, {tuple(name.split('.'))!r})", "list", null=False)

    def segments(self, name: str) -> Value:
        """A record has none."""
        raise Refusal(f"{name} is a field of the record, not a segment")

    def lists(self, name: str) -> str | None:
        """The name of the outermost list that `name` runs through."""
        way = self.find(name) or []
        for place, one in enumerate(way):
            if one.type == "list":
                return ".".join(each.name for each in way[: place + 1])
        return None

    def lends(self, name: str) -> bool:
        """None of them."""
        del name
        return False

    def within(self, name: str, item: str) -> Value | None:
        """A field of one element of the list that `name` runs through."""
        way = self._way(name)
        depth = next(place for place, one in enumerate(way) if one.type == "list")
        rest = way[depth + 1 :]
        if not rest or any(one.type == "list" for one in rest):
            return None
        inner = RecordScope(item, way[depth].fields, self.names)
        return inner.read(".".join(one.name for one in rest), Lines())


def _names_of(one: Field, prefix: str) -> list[str]:
    name = prefix + one.name
    return [name] + [each for inner in one.fields for each in _names_of(inner, name + ".")]


@dataclass(slots=True)
class CheckScope:
    """The names of a check: a field of our record wins over a path of the source."""

    record: RecordScope
    source: SourceScope
    format_name: str

    def _of(self, name: str) -> RecordScope | SourceScope:
        if self.record.find(name) is not None:
            return self.record
        try:
            self.source.path(name)
        except Refusal as refusal:
            near = nearest(name, self.record.known())
            raise Refusal(refusal.message, f"did you mean {near!r}?" if near else refusal.hint) from None
        return self.source

    def read(self, name: str, lines: Lines) -> Value:
        """The value of a field or path."""
        return self._of(name).read(name, lines)

    def every(self, name: str) -> Value:
        """All values of a field or path."""
        return self._of(name).every(name)

    def segments(self, name: str) -> Value:
        """All segments of a path."""
        return self._of(name).segments(name)

    def lists(self, name: str) -> str | None:
        """The list that a field or path runs through."""
        return self._of(name).lists(name)

    def lends(self, name: str) -> bool:
        """Source paths do."""
        return self._of(name).lends(name)

    def within(self, name: str, item: str) -> Value | None:
        """The value of a field in an element of its list."""
        return self._of(name).within(name, item)
