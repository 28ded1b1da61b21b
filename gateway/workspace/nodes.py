"""A YAML file as a tree of nodes that types nothing: every scalar is the text that stands in the file.

YAML's guesses are fatal here (``004010`` is 2056, ``NO`` is false, ``12:30`` is 750), and so are the last of two equal
keys and the expansion of aliases. So the events of libyaml's parser are put together by hand: duplicate keys, anchors,
aliases, tags and a second document are refused where they stand, and every node knows its place to the character.

    >>> from gateway.workspace.problems import File
    >>> root = compose(File("gateway.yaml", "tries: 05"))
    >>> root.get("tries").value
    '05'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.integrations import Place
    from gateway.workspace.problems import File

DEPTH_MAX = 24
"""How deep nodes may be nested; nothing that people write comes near."""

_ESCAPED = {"x": 2, "u": 4, "U": 8}  # YAML 1.1, 5.6: the escapes of double quotes that are followed by hex digits


@dataclass(frozen=True, slots=True)
class Node:
    """Something in a file, from character `start` to `end` (exclusive)."""

    file: File
    start: int
    end: int

    @property
    def place(self) -> Place:
        """Line and column of its first character."""
        return self.file.place(self.start)

    def refuse(self, message: str, hint: str = "") -> None:
        """Note a problem with the whole of it."""
        self.file.refuse(self.start, self.end, message, hint)


@dataclass(frozen=True, slots=True)
class Scalar(Node):
    """A text. `style` is how it is written: ``""`` plain, ``'`` and ``"`` quoted, ``|`` and ``>`` as a block."""

    value: str
    style: str = ""

    @property
    def literal(self) -> bool:
        """Whether it is quoted as literal text; double quotes only protect an expression from YAML."""
        return self.style == "'"

    def index(self, offset: int) -> int:
        """Where the character at `offset` of the value stands in the file."""
        raw = self.file.text[self.start : self.end]
        if raw == self.value:
            return self.start + offset
        places = _trace(raw, self.style, len(self.value))
        return self.start + places[offset] if offset < len(places) else self.end

    def refuse_part(self, offset: int, length: int, message: str, hint: str = "") -> None:
        """Note a problem with `length` characters of the value from `offset`."""
        start = self.index(max(0, min(offset, len(self.value))))
        if self.style in ("'", '"') and start == self.end:
            start -= 1  # the end of a quoted text is its closing quote
        self.file.refuse(start, start + max(1, length), message, hint)

    def part(self, offset: int, length: int) -> Scalar:
        """A part of the value as a node of its own."""
        start = self.index(offset)
        value = self.value[offset : offset + length]
        end = self.index(offset + length - 1) + 1 if length else start
        return Scalar(self.file, start, end, value, "" if self.file.text[start:end] == value else self.style)


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """A list of nodes."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping(Node):
    """Keys, each a text and there once, with their nodes, in the order of the file."""

    entries: tuple[tuple[Scalar, Node], ...]

    def get(self, name: str) -> Node | None:
        """The node under the key `name`, if it is there."""
        return next((node for key, node in self.entries if key.value == name), None)

    def key(self, name: str) -> Node:
        """The key `name` itself; where it is missing, the first line of the mapping."""
        return next((key for key, _ in self.entries if key.value == name), self.head)

    @property
    def head(self) -> Node:
        """What to point at when something is missing: the first key with the colon's line."""
        return self.entries[0][0] if self.entries else self


def compose(file: File) -> Node | None:
    """The one document of `file` as a tree; None where it is empty or cannot be read (then a problem says why)."""
    try:
        events = list(yaml.parse(file.text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        _not_yaml(file, error)
        return None
    except yaml.reader.ReaderError as error:
        # libyaml reads UTF-8 and counts bytes here.
        index = len(file.text.encode("utf-8")[: error.position].decode("utf-8", "ignore"))
        file.refuse(index, index + 1, "a control character stands here", "take it out; YAML is made of printable text")
        return None
    except UnicodeEncodeError as error:
        file.refuse(error.start, error.end, "half a character stands here", "save the file as UTF-8")
        return None
    return _document(file, iter(events))


def _document(file: File, events: Iterator[yaml.Event]) -> Node | None:
    root: Node | None = None
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents == 2:
                start, _ = _span(event)
                file.refuse(start, start + 3, "a second document begins here", "write one document per file")
        elif isinstance(event, yaml.NodeEvent):
            node = _node(file, event, events, 0)
            root = root or node
    return root


def _node(file: File, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
    start, end = _span(event)
    if isinstance(event, yaml.AliasEvent):
        file.refuse(start, end, "an alias stands here", "write the value itself: aliases are not expanded")
        return Scalar(file, start, end, "")
    _refuse_decoration(file, event)
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(file, start, end, event.value, event.style or "")
    if depth >= DEPTH_MAX:
        file.refuse(start, end, "this is nested too deeply", f"at most {DEPTH_MAX} levels are read")
        _skip(events)
        return Scalar(file, start, end, "")
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_node(file, event, events, depth + 1))
        return Sequence(file, start, max(start, _span(event)[1]), tuple(items))
    return _mapping(file, start, events, depth)


def _mapping(file: File, start: int, events: Iterator[yaml.Event], depth: int) -> Mapping:
    entries: dict[str, tuple[Scalar, Node]] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _node(file, event, events, depth + 1)
        node = _node(file, next(events), events, depth + 1)
        if not isinstance(key, Scalar):
            key.refuse("a key is a text", "quote the value as a whole if it was meant as one")
        elif key.value in entries:
            first = entries[key.value][0].place.line
            key.refuse(f"{key.value!r} stands here a second time", f"the first is in line {first}: keep one of them")
        else:
            entries[key.value] = (key, node)
    return Mapping(file, start, max(start, _span(event)[1]), tuple(entries.values()))


def _refuse_decoration(file: File, event: yaml.Event) -> None:
    """Anchors and explicit tags mean something in YAML that nothing here would keep."""
    start, end = _span(event)
    words = file.text[start:end].split(maxsplit=1)
    length = len(words[0]) if words else 1
    if getattr(event, "anchor", None):
        file.refuse(start, start + length, "an anchor stands here", "take it out: aliases and anchors are not used")
    elif getattr(event, "tag", None):
        file.refuse(start, start + length, "a tag stands here", "take it out: what a value is, its key says")


def _span(event: yaml.Event) -> tuple[int, int]:
    """Start and end of an event, in characters of the file."""
    assert event.start_mark is not None
    assert event.end_mark is not None
    return event.start_mark.index, event.end_mark.index


def _skip(events: Iterator[yaml.Event]) -> None:
    """Pass over the rest of the collection that has just begun."""
    depth = 1
    while depth:
        event = next(events)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)


def _not_yaml(file: File, error: yaml.MarkedYAMLError) -> None:
    """Say what stops the parser, in the words of what stands in the file at that place."""
    mark = error.problem_mark or error.context_mark
    index = min(mark.index if mark else 0, len(file.text))
    if not file.text[index:].strip():  # at the end: show the last line that says something
        index = len(file.text.rstrip())
    place = file.place(index)
    line = file.line(place.line)
    before, here = line[: place.column - 1], line[place.column - 1 :]
    value = line.split(": ", 1)[-1].lstrip()
    quoting = "quote the whole value with double quotes; it is still an expression then"
    if "\t" in line[: len(line) - len(line.lstrip())] or here.startswith("\t"):
        index += line.index("\t") - len(before)
        file.refuse(index, index + 1, "a tab stands here", "YAML is indented with spaces alone")
    elif here[:1] in ("`", "@", "%") and here:
        file.refuse(index, index + 1, f"YAML does not let a value begin with {here[0]!r}", quoting)
    elif value[:1] in ("'", '"', "[", "{", "&", "*", "!") and before.strip():
        file.refuse(
            index, index + 1, f"the value begins with {value[0]!r} and does not end where YAML expects it", quoting
        )
    elif here.startswith(":") and re.fullmatch(r":\s*(#.*)?", here) and ": " in before:
        whole = before.split(": ", 1)[1].strip() + ":"
        start = index - len(before) + before.index(": ") + 2
        message = f"YAML takes {whole!r} for one more key, because it ends with a colon"
        file.refuse(start, index + 1, message, f'quote it: {before.split(": ", 1)[0].strip(" -")}: "{whole}"')
    elif here.startswith(":") and ":" in before:
        file.refuse(index, index + 1, "a second colon stands in this line", quoting)
    else:
        what = error.problem or "it breaks off"
        file.refuse(index, index + 1, f"this is not YAML: {what}", "look at the indentation and the quotes around here")


def _trace(raw: str, style: str, length: int) -> list[int]:
    """For each of the `length` characters of a scalar's value the place in `raw`, its text in the file.

    Lines are folded as YAML 1.1 says in 9.1.4: one break becomes a space, more become all but one of them. The lines of
    a literal block are followed; a folded block's places are all its start.
    """
    if style == "|":
        return _traced_block(raw, length)
    if style == ">":
        return [0] * length
    places: list[int] = []
    index, end = (1, len(raw) - 1) if style else (0, len(raw))
    while index < end:
        fold = _fold(raw, index, end) if raw[index] in " \t\r\n\x85\u2028\u2029" else None
        if fold:
            breaks, index_after = fold
            places += [index] * max(1, breaks - 1)
            index = index_after
            continue
        if style == '"' and raw[index] == "\\":
            following = raw[index + 1 : index + 2]
            if following in ("\n", "\r"):  # an escaped line end joins the lines
                index = _fold(raw, index + 1, end)[1]  # type: ignore[index]
                continue
            places.append(index)
            index += 2 + _ESCAPED.get(following, 0)
            continue
        places.append(index)
        index += 2 if style == "'" and raw.startswith("''", index) else 1
    return places[:length]


def _traced_block(raw: str, length: int) -> list[int]:
    """The places of a literal block, whose lines are kept but for their common indentation."""
    header, *lines = raw.splitlines(keepends=True)
    at = len(header)
    depth = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    places: list[int] = []
    for line in lines:
        end = at + len(line.splitlines()[0])
        places += range(min(at + depth, end), end + 1)  # one more for the line's end
        at += len(line)
    return (places + [at] * length)[:length]


def _fold(raw: str, index: int, end: int) -> tuple[int, int] | None:
    """The line breaks in the white space from `index` and where it ends; None where it holds no break."""
    after = index
    breaks = 0
    while after < end and raw[after] in " \t\r\n\x85\u2028\u2029":
        breaks += raw[after] not in " \t" and not raw.startswith("\r\n", after)
        after += 1
    return (breaks, after) if breaks else None
