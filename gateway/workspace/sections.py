"""A mapping of a workspace's file, read by the table of its keys; what is wrong is noted where it stands.

A row of a table is a key: its name, the kind of its value, what it is about, an example, whether it must be there. A
key marked `later` is known, so that it is not taken for a typing error, and refused until a version of ours honours it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.workspace import values
from gateway.workspace.nodes import Scalar
from gateway.workspace.problems import did_you_mean, names_secret

if TYPE_CHECKING:
    from gateway.workspace.nodes import Mapping, Node
    from gateway.workspace.values import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One row of a table. `keys` are those of a nested section; `named`: of each of several under their names."""

    name: str
    kind: Kind
    about: str
    example: str
    required: bool = False
    later: bool = False
    keys: tuple[Key, ...] = ()
    named: bool = False


@dataclass(slots=True)
class Section:
    """A mapping read by its table: the values that are right, and whether nothing was wrong."""

    mapping: Mapping
    values: dict[str, Any] = field(default_factory=dict)
    whole: bool = True

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a key, the default where it is absent or wrong."""
        return self.values.get(name, default)

    def node(self, name: str) -> Node:
        """The node of a key's value, the first key where it is absent: what to point at."""
        return self.mapping.get(name) or self.mapping.head

    def text(self, name: str) -> Scalar:
        """The node of a key whose value was read from a text."""
        node = self.mapping.get(name)
        assert node is not None
        return node  # type: ignore[return-value]

    def refuse(self, name: str, message: str, hint: str = "") -> None:
        """Note a problem with the value of a key."""
        self.node(name).refuse(message, hint)
        self.whole = False


def read_section(mapping: Mapping, keys: tuple[Key, ...], subject: str) -> Section:
    """Read `mapping` by the table `keys`; what is wrong is noted, what is right is read all the same."""
    section = Section(mapping)
    known = {key.name: key for key in keys}
    before = len(mapping.file.problems)
    hints = set()
    for name, node in mapping.entries:
        if name.value not in known and names_secret(name.value):
            mapping.file.hide(node.start, node.end)
    for name, node in mapping.entries:
        key = known.get(name.value)
        if key is None:
            hint = unknown_key_hint(name.value, keys)
            name.refuse(f"unknown key {name.value!r}", hint)
            hints.add(hint)
        elif key.later:
            name.refuse(f"{key.name!r} is not yet available in this version", "take the line out")
        elif isinstance(node, Scalar) and node.value == "" and not node.style:
            refuse_absent(name)
        else:
            _read_value(section, key, node)
    for key in keys:
        if key.required and mapping.get(key.name) is None and f"did you mean {key.name!r}?" not in hints:
            example = f", such as '{key.name}: {key.example}'" if key.example else ""
            mapping.head.refuse(f"{subject} lacks the key {key.name!r}", f"add {key.about}{example}")
    section.whole = len(mapping.file.problems) == before
    return section


def _read_value(section: Section, key: Key, node: Node) -> None:
    """The value of one key, by its kind or by its own table."""
    value = key.kind.read(node)
    if key.named and value is not None:
        value = _read_named(value, key)
    elif key.keys and value is not None:
        value = read_section(value, key.keys, f"{key.name!r}")
    if value is not None:
        section.values[key.name] = value


def _read_named(mapping: Mapping, key: Key) -> dict[str, Section]:
    """The sections that stand under names."""
    sections = {}
    for head, node in mapping.entries:
        name = values.read_name(head)
        inner = key.kind.read(node)
        if name is not None and inner is not None:
            sections[name] = read_section(inner, key.keys, f"{name!r}")
    return sections


def unknown_key_hint(word: str, keys: tuple[Key, ...]) -> str:
    """What was probably meant; what names a password is told where passwords belong."""
    near = did_you_mean(word, [key.name for key in keys if not key.later])
    if names_secret(word) and not near.startswith("did you mean"):
        return "secrets never stand in these files: where one is wanted, write a reference such as secret:acme/key"
    return near


def refuse_absent(name: Scalar) -> None:
    """Note that the key `name` has no value; the key is shown, since there is nothing else to point at."""
    line = name.file.line(name.place.line)
    rest = line[name.place.column - 1 + (name.end - name.start) :].lstrip(" :")
    comment = "'#' begins a comment in YAML: quote the whole value with double quotes"
    name.refuse(f"{name.value!r} has no value", comment if rest.startswith("#") else "write one, or take the line out")
