"""XML: the root, or each repeated element, as a document with the bytes that it came from.

A document type is never read: one that declares nothing in the file is told in a note, any other one is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi import text
from edi.spec import Option, Spec
from edi.xmldoc.messages import check_message, message_of
from edi.xmldoc.paths import PREFIXES, compile_loop, compile_path, find, qualified, text_of
from edi.xmldoc.reader import Reader
from edi.xmldoc.spans import locate
from edi.xmldoc.writing import WRITES, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.findings import Finding
    from edi.model import Document

__all__ = [
    "PREFIXES",
    "SPEC",
    "compile_loop",
    "compile_path",
    "find",
    "locate",
    "message_of",
    "read",
    "text_of",
    "write",
]

SPEC = Spec(
    name="xml",
    summary="XML: the whole file or each repeated element is one document; its content is an lxml element.",
    guarantees=(
        "Every document has its exact byte span, from its start tag to its end tag.",
        "No doctype is read, no file or network address opened; a doctype that declares something refuses the file.",
        "XML that is not well-formed is a finding with its line, column and byte.",
        "So is a byte that is none of the encoding that the file declares, with what it would be in windows-1252.",
        "Comments and processing instructions are left out; the text around them is one text.",
        "Memory is bounded by the limit of a document, whatever the size of the file.",
    ),
    options=(
        Option("message", "", "the message of the root: ubl:Invoice-2.1, cxml:OrderRequest, or the element's name"),
        Option("each", "", "the element whose every occurrence is a document: item, or cac:Item; empty: the root"),
        Option("document_bytes_max", "16777216", "the longest document in bytes"),
    ),
    example="<order><number>4711</number></order>\n",
    writes=WRITES,
)


def read(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Document | Finding]:
    """The documents of a file, in order; the options stand in :data:`SPEC`.

    Raises:
        ValueError: at the call, for an option that has no usable value; never for what the file holds.
    """
    given = {option.name: option.default for option in SPEC.options} | dict(options)
    limit = given["document_bytes_max"]
    if not limit.isascii() or not limit.isdigit() or not int(limit):
        raise ValueError(f"document_bytes_max {limit!r} is no number of bytes; write 16777216 for 16 MiB")
    if given["message"]:
        check_message(given["message"])
    each = qualified(given["each"]) if given["each"] else ""
    return read_blocks(text.blocks(chunks), message=given["message"], each=each, limit=int(limit))


def read_blocks(
    blocks: Iterable[bytes], *, message: str = "", each: str = "", limit: int = 1 << 24
) -> Iterator[Document | Finding]:
    """As :func:`read`, for blocks of any size, which become the unit of work; `each` is a name as lxml writes it."""
    reader = Reader(message, each, limit)
    for block in blocks:
        yield from reader.take(block, final=False)
    yield from reader.take(b"", final=True)
