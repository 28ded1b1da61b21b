"""Documents from blocks, with their places: by a quick search where that is certain, by the rules elsewhere.

Strategy. The rules: expat walks over the blocks and tells, in byte offsets, where documents begin and end; it stops at
a document type declaration before any entity of it is read. The bytes of one document then go to lxml as a tree of
their own, with the namespaces around it: memory holds one document, and nothing needs to be cleared. That is two
parsers, one of which calls Python for every tag. So repeated elements are first looked for as text (``quick``): what
lies between a start tag and the next end tag of its name, and is well-formed by itself, is one element, whatever it
holds. Expat then sees only what stands around such elements. The first thing that is doubtful, and all that follows,
goes to expat; `shift` and `line_shift` say how much it has not seen. A file that is one document goes to lxml whole.
"""

from __future__ import annotations

import codecs
import re
from xml.parsers import expat

from lxml import etree

from edi import encodings, text
from edi.findings import Finding, Position
from edi.model import Document, Envelope
from edi.xmldoc import quick
from edi.xmldoc.messages import is_message, message_of
from edi.xmldoc.spans import tree_parser, trees

DEPTH_MAX = 256
_CHARACTER_BYTES_MAX = 4
_WRITE_ENCODING = (
    'Ask the sender to write encoding="windows-1252" into the XML declaration, if the file is written so, or to send '
    "it in UTF-8."
)
_WRITE_UTF8 = 'Ask the sender to send the file in UTF-8, or to write encoding="UTF-16" into the XML declaration.'
_SEND_WHOLE = "Ask the sender to send the whole file again."
_INCORRECT_ENCODING = 19
"""What expat says of a declaration in bytes of two to a character that names an encoding of one."""
_AT_ITS_END = {3, 5, 6, 20}
"""No element, an unclosed token, a partial character, an unclosed CDATA section: told at the end of a file alone."""

_EMPTY_TAG = re.compile(r"""<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/>""")
_DOCTYPE = re.compile(r"""<!DOCTYPE(?:[^"'\[\]>]|"[^"]*"|'[^']*')*>""")


class _Refused(Exception):
    """A handler ends the parsing: the code, message and offset of the finding, and its remedy if it has one of its own.

    Without an `end` the finding goes up to the end of the file.
    """

    def __init__(
        self, code: str, message: str, start: int, line: int, *, end: int = 0, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.start = start
        self.line = line
        self.end = end
        self.remedy = remedy


class Reader:
    """One file being read: `data` holds the bytes that may still be needed; its first is byte `base` of the file."""

    def __init__(self, message: str, each: str, limit: int) -> None:
        self.message = message
        self.each = each
        self.limit = limit
        self.first = b""
        self.data = bytearray()
        self.base = self.size = self.line_start = 0
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
        self.declares = False
        """Whether the file says which encoding it is in."""
        self.envelope = Envelope("xml", message=message or None)
        self.doctype: tuple[int, int] | None = None
        """Where the document type stands: byte and line."""
        self.scope: list[tuple[str, str]] = []
        self.declared = 0
        self.ready: list[Document | Finding] = []
        self.lost = text.Lost()
        self.failed: _Refused | None = None
        self.shift = self.line_shift = 0
        """How many bytes and line ends expat has not seen."""
        self.fed = 0
        """The byte up to which the file was read."""
        self.quick = True
        self.complete = False
        """Whether the whole file was read at once."""
        self.search = quick.Search(each) if each else None
        self.parsers, self.careful = tree_parser(), tree_parser(huge=False)
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.ordered_attributes = True
        if hasattr(self.parser, "SetReparseDeferralEnabled"):  # what is whole is wanted at once
            self.parser.SetReparseDeferralEnabled(False)
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EndDoctypeDeclHandler = self._doctype_ends
        self.parser.SkippedEntityHandler = self._entity
        self.parser.StartNamespaceDeclHandler = self._namespace
        self.parser.EndNamespaceDeclHandler = self._namespace_ends
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def take(self, block: bytes, *, final: bool) -> list[Document | Finding]:
        """What is certain once `block` has come; `final` says that nothing follows."""
        self.lost.look(block)
        if not self.size:
            block = self.first = self.first + block
            if len(block) < 4 and not final:  # four bytes tell UTF-16 from the others
                return []
            self.encoding = text.wide(block) or "utf-8"
            self.quick = self.encoding == "utf-8"
        self.size += len(block)
        if not self.failed:
            self.data += block
            try:
                if self.quick:
                    self._search(final=final)
                if not self.quick:
                    self._walk(final=final)
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

    def _at(self) -> int:
        return self.parser.CurrentByteIndex + self.shift

    def _line(self) -> int:
        return self.parser.CurrentLineNumber + self.line_shift

    def _walk(self, *, final: bool) -> None:
        """The rules: expat reads all that there is."""
        while self.fed < self.size and not self.complete:
            self._feed(min(self.size, self.fed + text.BLOCK_BYTES))
            self._plant()
            self._forget()
        if final and not self.complete:
            self.parser.Parse(b"", True)
            self._plant()

    def _feed(self, upto: int) -> None:
        piece = bytes(self.data[self.fed - self.base : upto - self.base])
        self.fed = upto
        self.parser.Parse(piece, False)

    def _search(self, *, final: bool) -> None:
        """Finds documents without expat as long as nothing is doubtful; then `quick` becomes False."""
        if self.search is not None:
            self._elements(self.search)
            self._drop(self.fed)
            self.quick = self.quick and not final and self.size - self.fed <= self.limit
        elif final or self.size > self.limit:
            self.quick = False
            self._whole()

    def _whole(self) -> None:
        """A file that is one document, if lxml alone can read it."""
        data = bytes(self.data)
        root = quick.root_of(data) if self.size <= self.limit and self.encoding == "utf-8" else None
        if root is None:
            return
        try:
            content = etree.fromstring(data[root.start : root.end], self.careful)
        except etree.XMLSyntaxError:
            return
        self.complete = self.root_seen = True
        if root.doctype:
            self._note_doctype(data[slice(*root.doctype)], root.doctype[0], 1 + text.line_ends(data[: root.doctype[0]]))
        position = Position(root.start, root.end, line=1 + text.line_ends(data[: root.start]))
        self._add(root.start, root.end, content, self._of_message(content, position))

    def _elements(self, search: quick.Search) -> None:
        """The repeated elements that are whole."""
        data = bytes(memoryview(self.data)[self.fed - self.base :])
        run: list[tuple[int, int]] = []
        first = at = 0
        base = self.fed
        while True:
            start, end = search.next(data, at)
            if start > at and (not self.root_seen or data[at:start].strip()):
                if not self._take(data, base, first, at, run):
                    return
                self._feed(base + start)
                run, first = [], start
                if not self.root_seen or self.encoding not in ("utf-8", "ascii"):
                    self.quick = self.quick and not self.root_seen and end is None
                    if not self.quick:
                        return
                self._surround()
            if end is None or end - start > self.limit or not self.root_seen:
                break
            run.append((start, end))
            at = end
        if self._take(data, base, first, max(at, start), run):
            self.quick = end is None

    def _take(self, data: bytes, base: int, first: int, upto: int, run: list[tuple[int, int]]) -> bool:
        """Makes documents of a run of elements with nothing but blanks between them, in ``data[first:upto]``.

        False if one of them is doubtful: then everything before it is done.
        """
        raws = [data[start:end] for start, end in run]
        roots = self._trees(raws) if raws else []
        for (start, end), raw in zip(run, raws, strict=True):
            root = roots.pop(0) if roots else next(iter(self._trees([raw])), None)
            if root is None or not _is(root, self.each):
                self.quick = False
                upto = start
                break
            self._add(base + start, base + end, root, ())
        self.fed = base + upto
        self.shift += upto - first
        self.line_shift += text.line_ends(data[first:upto])
        return self.quick

    def _trees(self, raws: list[bytes]) -> list[etree._Element]:
        try:
            found = trees(raws, "utf-8", self.envelope.namespaces, self.careful)
        except (etree.XMLSyntaxError, UnicodeDecodeError):
            return []
        return found if len(found) == len(raws) else []

    def _surround(self) -> None:
        """Notes the namespaces of the elements that are open."""
        around = tuple(dict(self.scope).items())
        if around != self.envelope.namespaces:
            self.envelope = self.envelope._replace(namespaces=around)

    def _drop(self, upto: int) -> None:
        self.line_start = self._line_start(upto)
        del self.data[: upto - self.base]
        self.base = upto

    def _line_start(self, at: int) -> int:
        """The byte at which the line begins that byte `at` stands on."""
        found = max(self.data.rfind(b"\n", 0, at - self.base), self.data.rfind(b"\r", 0, at - self.base))
        return self.line_start if found < 0 else self.base + found + 1

    def _column(self, at: int) -> int:
        """The place of a byte in its line, from 1, in bytes; expat has not seen all that stands before it."""
        return at - self._line_start(at) + 1

    def _malformed(self, error: expat.ExpatError) -> _Refused:
        start, line = self.parser.ErrorByteIndex, error.lineno + self.line_shift
        start = start + self.shift if start >= 0 else self.size
        column = self._column(start) if self.shift else error.offset + 1
        raw = bytes(self.data[start - self.base : start - self.base + _CHARACTER_BYTES_MAX])
        wide = text.wide(self.first)
        if wide is not None and (error.code == _INCORRECT_ENCODING or wide.startswith("utf-32")):
            message = f"the file is written in {wide.upper()}, which is not the encoding that it declares"
            return _Refused("text.wide", message, 0, 1, remedy=_WRITE_UTF8)
        if error.code in _AT_ITS_END and self.first.strip():
            message = f"the file is cut off: its XML does not come to an end behind line {line}, column {column}"
            return _Refused("xml.malformed", message, start, line, remedy=_SEND_WHOLE)
        if raw and wide is None and _is_no_character(raw, self.encoding):
            return self._undecodable(raw, start, line, column)
        what = expat.ErrorString(error.code) or "error"
        message = f"the file is not well-formed XML at line {line}, column {column}: {what}"
        return _Refused("xml.malformed", message, start, line)

    def _undecodable(self, raw: bytes, start: int, line: int, column: int) -> _Refused:
        """A byte that is none of the encoding that the file declares, or of UTF-8 where it declares none."""
        why = "which the file declares" if self.declares else "which counts where a file declares nothing else"
        where = f"at line {line}, column {column} (offset {start})"
        message = encodings.no_character(raw, self.encoding, where, why)
        return _Refused("text.encoding", message, start, line, end=start + 1, remedy=_WRITE_ENCODING)

    def _forget(self) -> None:
        """Drops the bytes that no document needs any more."""
        reached = max(self._at(), 0)
        if self.size - (reached if self.root_seen else 0) > self.limit + text.BLOCK_BYTES:
            message = f"one piece of markup is longer than {self.limit} bytes"
            raise _Refused("xml.too_long", message, min(reached, self.size), self._line())
        keep = reached
        if not self.root_seen:
            keep = 0
        elif self.open is not None and self.size - self.open <= self.limit:
            keep = self.open
        if keep > self.base:
            self._drop(keep)

    def _close(self) -> None:
        """What is left to say at the end of the file."""
        if self.encoding == "utf-8" and not self.failed and (lost := self.lost.finding()) is not None:
            self.ready.append(lost)
        if self.failed:
            failed = self.failed
            code, message = (failed.code, str(failed)) if self.size else ("file.empty", "the file has no bytes")
            end = failed.end or max(self.size, failed.start)
            found = text.finding(code, message, Position(failed.start, end, line=failed.line), remedy=failed.remedy)
            if self.open is not None:
                self._add(self.open, self.size, None, (found,))
            if self.open is None or self.each:
                self.ready.append(found)
        elif self.each and not self.number:
            message = f"the file holds no element {self.each.removeprefix('{*}')}"
            self.ready.append(
                text.finding("xml.each_missing", message, Position(self.size, self.size, line=self._line()))
            )

    def _add(self, start: int, end: int, content: etree._Element | None, findings: tuple[Finding, ...]) -> None:
        self.number += 1
        self.ready.append(Document(self.number, start, end, content, self.envelope, findings))

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.declares = bool(encoding)
        if encoding and self.encoding == "utf-8":
            self.encoding = codecs.lookup(encoding).name

    def _doctype(self, name: str, _system: str | None, _public: str | None, internal: int) -> None:
        at = self._at() - self.base
        seen = self.data[:at].decode(self.encoding, "replace")
        place = max(seen.rfind("<!DOCTYPE"), 0)
        start = self.base + len(seen[:place].encode(self.encoding, "replace"))
        line = self._line() - text.line_ends(seen[place:].encode())
        if internal:
            message = f"the file declares the document type {text.quoted(name)!r} with declarations of its own"
            raise _Refused("xml.doctype", message, start, line)
        self.doctype = (start, line)

    def _doctype_ends(self) -> None:
        if self.doctype:
            start, line = self.doctype
            rest = bytes(self.data[start - self.base : self.fed - self.base]).decode(self.encoding, "replace")
            declared = _DOCTYPE.match(rest)
            self._note_doctype((declared[0] if declared else "<!DOCTYPE>").encode(self.encoding), start, line)

    def _note_doctype(self, declared: bytes, start: int, line: int) -> None:
        value = declared.decode(self.encoding)
        message = "the file names a document type, which was neither read nor fetched"
        position = Position(start, start + len(declared), line=line)
        self.ready.append(text.finding("xml.doctype_unread", message, position, value=value))

    def _entity(self, name: str, parameter: int) -> None:
        if not parameter:
            message = f"the entity &{text.quoted(name)}; is declared nowhere in the file"
            raise _Refused("xml.malformed", message, self._at(), self._line())

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
            raise _Refused("xml.too_deep", message, self._at(), self._line())
        if self.open is not None:
            self.childless = False
            return
        start = self._at()
        if not self.root_seen:
            self._root(name, start)
        if not self.each or _matches(name, self.each):
            self.open, self.open_depth, self.open_line = start, self.depth, self._line()
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
            self.ready += self._of_message(root, Position(start, start, line=self._line()))

    def _of_message(self, root: etree._Element, position: Position) -> tuple[Finding, ...]:
        """Notes which message the file is; a finding where another was declared."""
        if not self.message or is_message(root, self.message):
            self.envelope = self.envelope._replace(message=self.message or message_of(root))
            return ()
        self.envelope = self.envelope._replace(message=message_of(root))
        message = (
            f"expected the message {self.message}, found {self.envelope.message} (root {text.quoted(str(root.tag))})"
        )
        return (text.finding("xml.message", message, position),)

    def _end(self, _name: str) -> None:
        if self.open is not None and self.depth == self.open_depth:
            start, end = self.open, self._end_of(self._at())
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


def _is_no_character(raw: bytes, encoding: str) -> bool:
    """Whether no character begins with these bytes; half a one at the end of the file is a file that was cut off."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError as error:
        return error.start == 0
    return False


def _matches(name: str, wanted: str) -> bool:
    """Whether a name as expat reports it (``uri local``) is one as lxml writes it (``{uri}local``, ``{*}local``)."""
    uri, _, local = name.rpartition(" ")
    return wanted in (f"{{*}}{local}", f"{{{uri}}}{local}")


def _is(root: etree._Element, wanted: str) -> bool:
    return wanted.startswith("{*}") or root.tag == wanted
