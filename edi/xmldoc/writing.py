"""XML as it is written: elements as bytes, one of them as the whole file or several inside a root.

Characters that the encoding lacks are written as references (``&#937;``). Namespaces that stood around the elements are
declared once, by the root.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from lxml import etree

from edi.spec import Option
from edi.writing import Unwritable, codec, line_end, shown, taken, yes_or_no
from edi.xmldoc.paths import PREFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.model import Document

WRITES = (
    Option(
        "root",
        "",
        "the element around the documents: items, or cac:Items by a prefix of theirs; empty: the one document is all",
    ),
    Option("encoding", "auto", "auto: as it was read, or UTF-8"),
    Option("declaration", "true", "true: the file begins with an XML declaration"),
    Option("line_end", "lf", "what stands behind the declaration and each document: lf, crlf or none"),
)

_NAME = re.compile(r"(?:(?P<prefix>[\w.-]+):)?[^\W\d][\w.-]*")
_OPEN = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[0-9a-fA-F]+);)")
_WIDE = {"utf-16", "utf-16-le", "utf-16-be"}
_DEPTH_MAX = 256


def write(documents: Iterable[Document], options: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file with these documents, whose contents are lxml elements; the options are :data:`WRITES`.

    Raises:
        ValueError: at the call, an option has no usable value.
        Unwritable: while the bytes are drawn, a document cannot be written; those before it were given.
    """
    given = taken(options, WRITES)
    root, end = given["root"], line_end(given["line_end"])
    if root and not _NAME.fullmatch(root):
        raise ValueError(f"root {root!r} is no name of an element; write items, or cac:Items")
    encoding = "" if given["encoding"] == "auto" else _codec(given["encoding"])
    declares = yes_or_no(given, "declaration")
    if not declares and encoding not in ("", "utf-8", "ascii"):
        raise ValueError(f"without a declaration nobody knows that the file is written in {given['encoding']}")
    return _write(documents, root, encoding, end, declares=declares)


def _codec(name: str) -> str:
    found = codec(name)
    if found == "utf-8-sig":
        return "utf-8"
    if found not in _WIDE and "<?xml".encode(found) != b"<?xml":
        raise ValueError(f"encoding {name!r} does not hold ASCII as it is; write utf-8, iso-8859-1 or utf-16")
    return "utf-16-le" if found == "utf-16" else found


def _write(documents: Iterable[Document], root: str, chosen: str, end: str, *, declares: bool) -> Iterator[bytes]:
    file: _File | None = None
    for document in documents:
        try:
            if file is None:
                file = _File(document, root, chosen or _codec(document.envelope.encoding))
                yield file.opening(end, declares=declares) + file.document(document.content, end)
            else:
                yield file.next(document.content, end)
        except Unwritable as problem:
            problem.document = document.number
            raise
    if file and root:
        yield file.encoded(f"</{root}>{end}")


class _File:
    """One file being written; its encoding and its root's namespaces are those of its first document."""

    def __init__(self, first: Document, root: str, encoding: str) -> None:
        self.root = root
        self.encoding = encoding
        self.namespaces = dict(first.envelope.namespaces) if root else {}
        self.namespaces.pop("xml", None)
        prefix, colon, _ = root.rpartition(":")
        if colon and prefix not in self.namespaces:
            if prefix not in PREFIXES:
                known = ", ".join(sorted({*PREFIXES, *filter(None, self.namespaces)}))
                raise Unwritable(f"nobody knows the prefix of root {root!r}", f"use one of {known}")
            self.namespaces[prefix] = PREFIXES[prefix]
        self.declared = [_declared(prefix, uri) for prefix, uri in self.namespaces.items()]

    def opening(self, end: str, *, declares: bool) -> bytes:
        """What stands before the first document."""
        text = f'<?xml version="1.0" encoding="{_told(self.encoding)}"?>{end}' if declares else ""
        if self.root:
            text += f"<{self.root}{''.join(self.declared)}>{end}"
        mark = "\ufeff" if self.encoding in _WIDE else ""
        return self.encoded(mark + text)

    def next(self, element: etree._Element, end: str) -> bytes:
        """One more element."""
        if not self.root:
            raise Unwritable(
                "a file of XML has one root, and that is the first document", "name an element around them, root=items"
            )
        return self.document(element, end)

    def document(self, element: etree._Element, end: str) -> bytes:
        """One element with what is in it."""
        if not etree.iselement(element) or not isinstance(element.tag, str):
            raise Unwritable(f"{shown(element)} is no element", "give the content as an element of lxml")
        text = etree.tostring(element, encoding="unicode", with_tail=False)
        if "&" in text and _OPEN.search(text) and any(True for _ in element.iter(etree.Entity)):
            raise Unwritable("it holds a reference to an entity, which no declaration explains", "put its text there")
        if self.declared:
            text = self.inside(text, element)
        try:
            return (text + end).encode(self.encoding)
        except UnicodeEncodeError as error:
            self.check_names(element, error.object[error.start])
            return self.encoded(text + end)

    def inside(self, text: str, element: etree._Element) -> str:
        """The element as it is written inside the root, which has declared some of its namespaces."""
        close = text.index(">")
        tag = text[:close]
        for one in self.declared:
            tag = tag.replace(one, "", 1)
        if self.namespaces.get("") and not element.nsmap.get(None):
            at = len(re.match(r"<[^\s/>]+", tag)[0])  # type: ignore[index] # an element begins so
            tag = f'{tag[:at]} xmlns=""{tag[at:]}'
        return tag + text[close:]

    def check_names(self, element: etree._Element, character: str) -> None:
        """Refuse names with characters that the encoding lacks: a name can hold no reference."""
        for one in element.iter("*"):
            for name in (str(one.tag), *map(str, one.attrib), *(prefix or "" for prefix in one.nsmap)):
                try:
                    name.rpartition("}")[2].encode(self.encoding)
                except UnicodeEncodeError:
                    raise Unwritable(
                        f"the name {name!r} holds a character that {self.encoding} lacks ({character!r})",
                        "choose encoding=utf-8",
                    ) from None

    def encoded(self, text: str) -> bytes:
        """The bytes of markup; characters that the encoding lacks become references."""
        return text.encode(self.encoding, "xmlcharrefreplace")


def _declared(prefix: str, uri: str) -> str:
    return f" xmlns{':' if prefix else ''}{prefix}={quoteattr(uri)}"


def _told(encoding: str) -> str:
    """The name of an encoding as the declaration has it."""
    if encoding in _WIDE:
        return "UTF-16"
    told = re.sub(r"^iso8859[-_]?", "ISO-8859-", encoding)
    return re.sub(r"^cp(125\d)$", r"windows-\1", told).replace("utf-8", "UTF-8")
