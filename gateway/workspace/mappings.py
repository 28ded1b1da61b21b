"""`map:` of an integration: which expression fills which field, held against the contract while it is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.contracts import Field
from gateway.integrations import MapField, MapLoop
from gateway.workspace.expressions import read_expression, read_loop_path
from gateway.workspace.nodes import Mapping, Scalar
from gateway.workspace.problems import did_you_mean
from gateway.workspace.sections import refuse_absent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gateway.workspace.expressions import Language
    from gateway.workspace.nodes import Node

_KEY = re.compile(r"([^\[\]]+)(?:\[(.*)\])?", re.DOTALL)


def read_map(
    mapping: Mapping,
    key: Node,
    fields: tuple[Field, ...] | None,
    contract: str,
    language: Language,
    under: tuple[MapField | MapLoop, ...] = (),
) -> tuple[MapField | MapLoop, ...]:
    """The lines of a mapping, or of one of its loops, with nested objects written as dotted targets.

    `fields` are those of the contract at this level (None when the contract is not known: then only the notation is
    checked). What is missing is shown at `key`, under which the mapping stands. The lines are laid over those `under`
    them, of the standard mapping: a field takes the place of that field, a loop with the same path is laid over that
    loop, one with another path takes its place.
    """
    level = _Level(fields, contract, language, under)
    level.read(mapping, "")
    lines = laid_over(under, level.lines)
    level.refuse_missing(key, lines)
    return lines


def laid_over(
    under: tuple[MapField | MapLoop, ...], over: Iterable[MapField | MapLoop]
) -> tuple[MapField | MapLoop, ...]:
    """Both, by their targets; `over` wins."""
    return tuple(({line.target: line for line in under} | {line.target: line for line in over}).values())


class _Level:
    """The record itself or one element of a list, while its lines are read."""

    def __init__(
        self,
        fields: tuple[Field, ...] | None,
        contract: str,
        language: Language,
        under: tuple[MapField | MapLoop, ...],
    ) -> None:
        self.fields = fields
        self.under = {line.target: line for line in under if isinstance(line, MapLoop)}
        self.contract = contract
        self.language = language
        self.lines: list[MapField | MapLoop] = []
        self.targets: dict[str, Scalar] = {}

    def read(self, mapping: Mapping, prefix: str) -> None:
        for key, node in mapping.entries:
            match = _KEY.fullmatch(key.value)
            if match is None or not all(re.fullmatch(r"[\w-]+", name) for name in match[1].split(".")):
                key.refuse(f"{key.value!r} is not a field", "write price, ship_to.city or lines[PO1]")
                continue
            target = prefix + match[1]
            if isinstance(node, Mapping) and match[2] is None:
                if self._find(key, match[1], target, "object") is not False:
                    self.read(node, f"{target}.")
            elif target in self.targets:
                line = self.targets[target].place.line
                key.refuse(f"{target!r} is filled a second time", f"the first is in line {line}: keep one of them")
            else:
                self.targets[target] = key
                self._line(key, node, match, target)

    def _line(self, key: Scalar, node: Node, match: re.Match[str], target: str) -> None:
        """One line: a field with its expression, or a loop with its lines."""
        if match[2] is not None:
            found = self._find(key, match[1], target, "list")
            path = read_loop_path(key.part(match.start(2), len(match[2])), self.language)
            if not isinstance(node, Mapping):
                node.refuse(f"the loop {match[1]!r} lacks its fields", "write them on the following lines")
                return
            fields = found.fields if isinstance(found, Field) else None
            below = self.under.get(target)
            under = below.fields if below and below.path.text == path.text else ()
            lines = read_map(node, key, fields, self.contract, self.language, under)
            if found is not False:
                self.lines.append(MapLoop(target, path, lines))
        elif not isinstance(node, Scalar):
            node.refuse("an expression is expected here, not a list", "quote the value as a whole with double quotes")
        elif node.value == "" and not node.style:
            refuse_absent(key)
        else:
            expression = read_expression(node, self.language)
            if self._find(key, match[1], target, "scalar") is not False:
                self.lines.append(MapField(target, expression))

    def _find(self, key: Scalar, written: str, target: str, wanted: str) -> Field | bool | None:
        """The contract's field; None when the contract is not known, False when there is none or it is another thing.

        `written` is what stands in the key, `target` the same with the objects around it.
        """
        if self.fields is None:
            return None
        fields, offset = self.fields, len(written) - len(target)
        names = target.split(".")
        for place, name in enumerate(names):
            field = next((field for field in fields if field.name == name), None)
            if field is None:
                hint = did_you_mean(name, [field.name for field in fields])
                key.refuse_part(max(offset, 0), len(name), f"{self.contract} has no field {target!r}", hint)
                return False
            kind = field.type if field.type in ("object", "list") else "scalar"
            expected = wanted if place == len(names) - 1 else "object"
            if kind != expected:
                key.refuse_part(max(offset, 0), len(name), *_mismatch(field.name, kind, expected))
                return False
            fields, offset = field.fields, offset + len(name) + 1
        return field

    def refuse_missing(self, key: Node, lines: tuple[MapField | MapLoop, ...]) -> None:
        """Required fields of the contract that nothing fills."""
        missing = _missing(self.fields or (), "", {*self.targets, *(line.target for line in lines)})
        if missing:
            names = ", ".join(missing)
            key.refuse(f"nothing fills what {self.contract} requires: {names}", "add a line for each")


def _mismatch(name: str, kind: str, expected: str) -> tuple[str, str]:
    """The message and the hint for a target that is not what its line takes it for."""
    if kind == "list":
        return f"{name!r} is a list", f"open it with the path that repeats: {name}[PO1]:"
    if kind == "object":
        return f"{name!r} is an object", f"fill its fields: {name}.…"
    return f"{name!r} is a single value, not {'a list' if expected == 'list' else 'an object'}", "write an expression"


def _missing(fields: tuple[Field, ...], prefix: str, targets: Collection[str]) -> list[str]:
    """The dotted names of required fields that are no target; an optional object counts once it is begun."""
    names = []
    for field in fields:
        name = prefix + field.name
        if field.type == "object":
            begun = any(target.startswith(f"{name}.") for target in targets)
            if field.required or begun:
                names += _missing(field.fields, f"{name}.", targets)
        elif field.required and name not in targets:
            names.append(name)
    return names
