"""XML: the root, or each repeated element, as a document with the bytes that it came from; every doctype is refused.

Strategy. Expat walks over the blocks and tells, in byte offsets, where documents begin and end, before any tree exists.
It stops at a document type declaration, before any entity of it is read. The bytes of one document then go to lxml as
a tree of their own, with the namespaces around it: memory holds one document, and nothing needs to be cleared.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from lxml import etree

from edi import text
from edi.findings import Finding, Position
from edi.model import Document, Envelope
from edi.spec import Option, Spec
from edi.xmldoc.paths import PREFIXES, compile_loop, compile_path, find, qualified, text_of
from edi.xmldoc.spans import locate, tree_parser, trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["PREFIXES", "SPEC", "compile_loop", "compile_path", "find", "locate", "message_of", "read", "text_of"]

SPEC = Spec(
    name="xml",
    summary="XML: the whole file or each repeated element is one document; its content is an lxml element.",
    guarantees=(
        "Every document has its exact byte span, from its start tag to its end tag.",
        "A file with a doctype is refused before anything in it is read; no file or network address is ever opened.",
        "XML that is not well-formed is a finding with its line, column and byte.",
        "Comments and processing instructions are left out; the text around them is one text.",
        "Memory is bounded by the limit of a document, whatever the size of the file.",
    ),
    options=(
        Option("message", "", "the message of the root: ubl:Invoice-2.1, cxml:OrderRequest, or the element's name"),
        Option("each", "", "the element whose every occurrence is a document: item, or cac:Item; empty: the root"),
        Option("document_bytes_max", "16777216", "the longest document in bytes"),
    ),
    example="<order><number>4711</number></order>\n",
)

DEPTH_MAX = 256

_UBL = re.compile(r"urn:oasis:names:specification:ubl:schema:xsd:(\w+)-2")
_MESSAGE = re.compile(r"(?:(?P<prefix>[^:]+):)?(?P<name>[^:]+?)(?P<version>-\d[\d.]*)?")
_EMPTY_TAG = re.compile(r"""<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/>""")


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
    reader = _Reader(message, each, limit)
    for block in blocks:
        yield from reader.take(block, final=False)
    yield from reader.take(b"", final=True)


def check_message(message: str) -> None:
    """Whether `message` can be looked for.

    Raises:
        ValueError: its prefix is unknown; the message says which are known.
    """
    found = _MESSAGE.fullmatch(message)
    if not found:
        raise ValueError(f"{message!r} is no message; write ubl:Invoice-2.1, cxml:OrderRequest or the root's name")
    if found["prefix"] not in (None, "ubl", "cxml"):
        qualified(message)


def message_of(root: etree._Element) -> str:
    """What a root element says that it is: ``ubl:Invoice-2.1``, ``cxml:OrderRequest``, or its local name.

    UBL counts as 2.1 where cbc:UBLVersionID says nothing; all its versions 2.x share their namespaces.
    """
    name = etree.QName(root)
    if _UBL.fullmatch(name.namespace or ""):
        stated = re.search(r"\d+\.\d+", root.findtext(qualified("cbc:UBLVersionID")) or "")
        return f"ubl:{name.localname}-{stated[0] if stated else '2.1'}"
    if name.localname == "cXML" and not name.namespace:
        for child in root.iterchildren("Request", "Message", "Response"):
            for kind in child.iterchildren("{*}*"):
                if kind.tag not in ("Status", "Extrinsic"):
                    return f"cxml:{etree.QName(kind).localname}"
        return "cxml"
    return name.localname


def _is_message(root: etree._Element, message: str) -> bool:
    wanted = _MESSAGE.fullmatch(message)
    assert wanted
    name = etree.QName(root)
    if wanted["prefix"] == "ubl":
        expected = _UBL.pattern.replace(r"(\w+)", wanted["name"])
        return (name.namespace, name.localname) == (expected, wanted["name"])
    if wanted["prefix"] == "cxml":
        return message_of(root) in (message, "cxml")
    if wanted["prefix"]:
        return root.tag == qualified(message)
    return name.localname == message


class _Refused(Exception):
    """A handler ends the parsing: the code, message and offset of the finding."""

    def __init__(self, code: str, message: str, start: int, line: int) -> None:
        super().__init__(message)
        self.code = code
        self.start = start
        self.line = line


class _Reader:
    """One file being read: `data` holds the bytes that may still be needed; its first is byte `base` of the file."""

    def __init__(self, message: str, each: str, limit: int) -> None:
        self.message = message
        self.each = each
        self.limit = limit
        self.first = b""
        self.data = bytearray()
        self.base = self.size = 0
        self.number = 0
        self.depth = 0
        self.root_seen = False
        self.open: int | None = None
        """Where the document begins that is not closed yet."""
        self.open_depth = self.open_line = 0
        self.whole: list[tuple[int, int, int]] = []
        """Start, end and line of the documents that are complete and have no tree yet; they share an envelope."""
        self.childless = True
        self.encoding = "utf-8"
        self.envelope = Envelope("xml", message=message or None)
        self.scope: list[tuple[str, str]] = []
        self.declared = 0
        self.ready: list[Document | Finding] = []
        self.failed: _Refused | None = None
        self.parsers = tree_parser()
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.ordered_attributes = True
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartNamespaceDeclHandler = self._namespace
        self.parser.EndNamespaceDeclHandler = self._namespace_ends
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def take(self, block: bytes, *, final: bool) -> list[Document | Finding]:
        """What is certain once `block` has come; `final` says that nothing follows."""
        if not self.size:
            block = self.first = self.first + block
            if len(block) < 4 and not final:  # four bytes tell UTF-16 from the others
                return []
            self.encoding = text.wide(block) or "utf-8"
        self.size += len(block)
        if not self.failed:
            self.data += block
            try:
                self.parser.Parse(block, final)
                self._plant()
                self._forget()
            except _Refused as refused:
                self.failed = refused
            except expat.ExpatError as error:
                self.failed = self._malformed(error)
            except (LookupError, ValueError) as error:  # from the codecs: the declared encoding is unknown
                message = f"the encoding that the XML declaration names cannot be read ({error})"
                self.failed = _Refused("xml.encoding", message, 0, 1)
            if self.failed:
                self._plant()
                self.data.clear()
        if final:
            self._close()
        ready, self.ready = self.ready, []
        return ready

    def _malformed(self, error: expat.ExpatError) -> _Refused:
        start, line, column = self.parser.ErrorByteIndex, error.lineno, error.offset + 1
        what = expat.ErrorString(error.code) or "error"
        return _Refused(
            "xml.malformed",
            f"the file is not well-formed XML at line {line}, column {column}: {what}",
            start if start >= 0 else self.size,
            line,
        )

    def _forget(self) -> None:
        """Drops the bytes that no document needs any more."""
        reached = max(self.parser.CurrentByteIndex, 0)
        if self.size - (reached if self.root_seen else 0) > self.limit + text.BLOCK_BYTES:
            message = f"one piece of markup is longer than {self.limit} bytes"
            raise _Refused("xml.too_long", message, min(reached, self.size), self.parser.CurrentLineNumber)
        keep = reached
        if not self.root_seen:
            keep = 0
        elif self.open is not None and self.size - self.open <= self.limit:
            keep = self.open
        if keep > self.base:
            del self.data[: keep - self.base]
            self.base = keep

    def _close(self) -> None:
        """What is left to say at the end of the file."""
        if self.failed:
            failed = self.failed
            code, message = (failed.code, str(failed)) if self.size else ("file.empty", "the file has no bytes")
            found = text.finding(code, message, Position(failed.start, max(self.size, failed.start), line=failed.line))
            if self.open is not None:
                self._add(self.open, self.size, None, (found,))
            if self.open is None or self.each:
                self.ready.append(found)
        elif self.each and not self.number:
            message = f"the file holds no element {self.each.removeprefix('{*}')}"
            self.ready.append(
                text.finding(
                    "xml.each_missing", message, Position(self.size, self.size, line=self.parser.CurrentLineNumber)
                )
            )

    def _add(self, start: int, end: int, content: etree._Element | None, findings: tuple[Finding, ...]) -> None:
        self.number += 1
        self.ready.append(Document(self.number, start, end, content, self.envelope, findings))

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and self.encoding == "utf-8":
            self.encoding = codecs.lookup(encoding).name

    def _doctype(self, name: str, _system: str | None, _public: str | None, _internal: int) -> None:
        seen = self.data[: self.parser.CurrentByteIndex].decode(self.encoding, "replace")
        before = seen[: max(seen.rfind("<!DOCTYPE"), 0)]
        message = f"the file declares the document type {text.quoted(name)!r}; doctypes are refused"
        start = len(before.encode(self.encoding, "replace"))
        raise _Refused("xml.doctype", message, start, 1 + text.line_ends(before.encode()))

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        self.scope.append((prefix or "", uri or ""))
        self.declared += 1

    def _namespace_ends(self, _prefix: str | None) -> None:
        self.scope.pop()

    def _start(self, name: str, _attributes: object) -> None:
        self.depth += 1
        declared, self.declared = self.declared, 0
        if self.depth > DEPTH_MAX:
            message = f"elements are nested deeper than {DEPTH_MAX}"
            raise _Refused("xml.too_deep", message, self.parser.CurrentByteIndex, self.parser.CurrentLineNumber)
        if self.open is not None:
            self.childless = False
            return
        start = self.parser.CurrentByteIndex
        if not self.root_seen:
            self._root(name, start)
        if not self.each or _matches(name, self.each):
            self.open, self.open_depth, self.open_line = start, self.depth, self.parser.CurrentLineNumber
            self.childless = True
            around = tuple(dict(self.scope[: len(self.scope) - declared]).items())
            if around != self.envelope.namespaces:
                self._plant()
                self.envelope = self.envelope._replace(namespaces=around)

    def _root(self, name: str, start: int) -> None:
        self.root_seen = True
        self.envelope = self.envelope._replace(encoding=self.encoding)
        if self.each:
            uri, _, local = name.rpartition(" ")
            root = etree.Element(f"{{{uri}}}{local}" if uri else local)
            self.ready += self._of_message(root, Position(start, start, line=self.parser.CurrentLineNumber))

    def _of_message(self, root: etree._Element, position: Position) -> tuple[Finding, ...]:
        """Notes which message the file is; a finding where another was declared."""
        if not self.message or _is_message(root, self.message):
            self.envelope = self.envelope._replace(message=self.message or message_of(root))
            return ()
        self.envelope = self.envelope._replace(message=message_of(root))
        message = (
            f"expected the message {self.message}, found {self.envelope.message} (root {text.quoted(str(root.tag))})"
        )
        return (text.finding("xml.message", message, position),)

    def _end(self, _name: str) -> None:
        if self.open is not None and self.depth == self.open_depth:
            start, end = self.open, self._end_of(self.parser.CurrentByteIndex)
            self.open = None
            self._document(start, end)
        self.depth -= 1

    def _end_of(self, at: int) -> int:
        """Where the element ends whose end was reported at `at`: before an end tag, or behind an empty tag."""
        assert self.open is not None
        close = ">".encode(self.encoding)
        if self.childless and self.open >= self.base:
            written = bytes(self.data[self.open - self.base : at - self.base])
            if written.endswith("/>".encode(self.encoding)):
                tag = written.decode(self.encoding, "replace")
                if _EMPTY_TAG.fullmatch(tag):
                    return at
        # Expat keeps to the names of XML 1.0, fourth edition: in UTF-16 none has the byte of ">" in a character.
        found = self.data.find(close, at - self.base)
        return self.base + found + len(close)

    def _document(self, start: int, end: int) -> None:
        if end - start <= self.limit:
            self.whole.append((start, end, self.open_line))
            return
        self._plant()
        message = f"the document is longer than {self.limit} bytes"
        found = text.finding("xml.too_long", message, Position(start, end, line=self.open_line))
        self._add(start, end, None, (found,))

    def _plant(self) -> None:
        """Makes trees of the documents that are whole; all at once, because most of a small one's cost is the call."""
        whole, self.whole = self.whole, []
        raws = [bytes(self.data[start - self.base : end - self.base]) for start, end, _ in whole]
        try:
            roots: list[etree._Element | None] = [*trees(raws, self.encoding, self.envelope.namespaces, self.parsers)]
        except (etree.XMLSyntaxError, UnicodeDecodeError):
            roots = [None] * len(raws)
        for (start, end, line), raw, root in zip(whole, raws, roots, strict=True):
            position = Position(start, end, line=line)
            if root is None:
                self._add_singly(raw, position)
            else:
                self._add(start, end, root, () if self.each else self._of_message(root, position))

    def _add_singly(self, raw: bytes, position: Position) -> None:
        """A document that may be one which lxml refuses and expat did not."""
        try:
            (root,) = trees([raw], self.encoding, self.envelope.namespaces, self.parsers)
        except (etree.XMLSyntaxError, UnicodeDecodeError) as error:
            found = text.finding("xml.malformed", f"the document cannot be read: {error}", position)
            self._add(position.start, position.end, None, (found,))
        else:
            findings = () if self.each else self._of_message(root, position)
            self._add(position.start, position.end, root, findings)


def _matches(name: str, wanted: str) -> bool:
    """Whether a name as expat reports it (``uri local``) is one as lxml writes it (``{uri}local``, ``{*}local``)."""
    uri, _, local = name.rpartition(" ")
    return wanted in (f"{{*}}{local}", f"{{{uri}}}{local}")
