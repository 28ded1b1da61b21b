"""JSON documents as they are written: the objects as a list, one a line, alone or as a member of an object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edi.jsonlines_writing import line_of
from edi.spec import Option
from edi.writing import Unwritable, line_end, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.model import Document

WRITES = (
    Option(
        "each", "", "the member that holds the list of objects: orders, or data.orders; empty: the file is the list"
    ),
    Option("line_end", "lf", "what stands behind each object: lf, crlf or none"),
)


def write(documents: Iterable[Document], options: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file with these objects, as documents of ``dict``; the options are :data:`WRITES`.

    Raises:
        ValueError: at the call, an option has no usable value.
        Unwritable: while the bytes are drawn, a document is no JSON object; those before it were given.
    """
    given = taken(options, WRITES)
    names = given["each"].split(".") if given["each"] else []
    if not all(names):
        raise ValueError(f"each {given['each']!r} has an empty name; names are joined by single dots: data.orders")
    return _write(documents, names, line_end(given["line_end"]))


def _write(documents: Iterable[Document], names: list[str], end: str) -> Iterator[bytes]:
    before = "".join(f"{{{json.dumps(name, ensure_ascii=False)}:" for name in names) + "[" + end
    for document in documents:
        try:
            yield (before + line_of(document.content)).encode()
        except Unwritable as problem:
            problem.document = document.number
            raise
        before = "," + end
    close = "]" + "}" * len(names) + end
    yield (end + close if before.startswith(",") else before + close).encode()
