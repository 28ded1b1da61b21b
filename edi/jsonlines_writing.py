"""JSON lines as they are written: one object a line, decimals with every digit.

``json`` knows no decimals. Each is told to it as a text between two NUL characters, which no text of a document may
hold, and becomes a number again when the line is ready. Each line is read back: what would be read as something else
(a float, a tuple, a member whose name is no text) is refused.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from edi.possessive import REPEATED
from edi.spec import Option
from edi.writing import Unwritable, line_end, shown, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.model import Document

WRITES = (Option("line_end", "lf", "what stands behind each object: lf or crlf"),)

_DEPTH_MAX = 200
_MARKED = re.compile(r'"\\u0000([^"]*)\\u0000"')
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_NESTING = re.compile(rf'"(?:[^"\\]|\\.){REPEATED}"|[\[\]{{}}]')


def write(documents: Iterable[Document], options: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file with these objects, as documents of ``dict``; the options are :data:`WRITES`.

    Raises:
        ValueError: at the call, an option has no usable value.
        Unwritable: while the bytes are drawn, a document is no JSON object; those before it were given.
    """
    end = line_end(taken(options, WRITES)["line_end"])
    if not end:
        raise ValueError("line_end none: objects end with a line; write lf or crlf")
    return _write(documents, end)


def _write(documents: Iterable[Document], end: str) -> Iterator[bytes]:
    for document in documents:
        try:
            yield (line_of(document.content) + end).encode()
        except Unwritable as problem:
            problem.document = document.number
            raise


def line_of(content: Any) -> str:
    """The JSON of one object, in one line.

    Raises:
        Unwritable: it is none, or would be read as another one.
    """
    if not isinstance(content, dict):
        raise Unwritable(f"{shown(content)} is no object", "give the content as a dict")
    try:
        line = _ENCODER.encode(content)
        if "\\u0000" in line:
            line = _MARKED.sub(r"\1", line)
        read = None if "\\u0000" in line and _NUL.search(line) else _DECODER.decode(line)
        is_flat = line.count("[") + line.count("{") <= _DEPTH_MAX or _depth(line) <= _DEPTH_MAX
        line.encode()
    except (ValueError, TypeError, RecursionError, ArithmeticError) as error:
        problem = _unfit(content, "")
        raise problem or Unwritable(f"it is no JSON ({error})", "give texts, numbers, lists and dicts") from None
    if read != content or not is_flat:
        raise _unfit(content, "") or Unwritable("it would be read otherwise", "give texts, decimals, lists and dicts")
    return line


def _marked(value: object) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return f"\0{value}\0"
    raise TypeError


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_marked)
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def _depth(line: str) -> int:
    depth = deepest = 0
    for mark in _NESTING.findall(line):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _unfit(value: Any, address: str, depth: int = 0) -> Unwritable | None:
    """Why a value cannot be written, with its place; None if it can."""
    place = f"member {address}" if address else ""
    if depth > _DEPTH_MAX:
        return Unwritable(f"its values are nested deeper than {_DEPTH_MAX}", "nest them less")
    if isinstance(value, (dict, list)):
        return _unfit_inside(value, address, depth)
    if isinstance(value, str):
        if "\0" in value or re.search("[\ud800-\udfff]", value):
            return Unwritable(f"{shown(value)} holds a NUL or half a surrogate pair", "leave it out", place)
        return None
    if value is None or isinstance(value, (bool, int)):
        return None
    if isinstance(value, Decimal) and value.is_finite():
        return None
    return Unwritable(
        f"{shown(value)} is no value of JSON that is read as it was",
        "give texts, integers, finite decimals for fractions, true, false, null, lists and dicts",
        place,
    )


def _unfit_inside(value: dict[Any, Any] | list[Any], address: str, depth: int) -> Unwritable | None:
    pairs = value.items() if isinstance(value, dict) else enumerate(value, 1)
    for name, member in pairs:
        inside = f"{address}.{name}" if address else str(name)
        if isinstance(value, dict):
            if not isinstance(name, str):
                return Unwritable(f"the name {shown(name)} is no text", "name members by texts", f"member {inside}")
            problem = _unfit(name, inside, depth)
            if problem:
                return problem
        problem = _unfit(member, inside, depth + 1)
        if problem:
            return problem
    return None
