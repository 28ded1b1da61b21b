"""Where a text or an attribute of an XML document stands in its bytes.

lxml keeps no offsets, so a value is found twice: in the tree, by its path, which gives the number of its element in
document order; then in the bytes, by expat, which counts elements up to that number and knows where it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from lxml import etree

from edi import text
from edi.findings import Position
from edi.paths import ElementPath, Path
from edi.xmldoc.paths import PREFIXES, find, qualified

if TYPE_CHECKING:
    from edi.model import Envelope

_ATTRIBUTE = re.compile(rb"""\s([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
_UTF8 = ("utf-8", "ascii")


def tree_parser(*, huge: bool = True) -> etree.XMLParser:
    """A parser for one element without a doctype; `huge` where expat has found it well-formed and within the limits."""
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=huge,  # libxml2's own limits would cut what is already bounded
        collect_ids=False,
    )


def trees(
    raws: list[bytes], encoding: str, namespaces: tuple[tuple[str, str], ...], parser: etree.XMLParser
) -> list[etree._Element]:
    """The elements that `raws` hold, one each, with the namespaces that stood around them.

    Raises:
        lxml.etree.XMLSyntaxError, UnicodeDecodeError: one of them cannot be read.
    """
    data = b"".join(raws)
    if encoding not in _UTF8:
        data = data.decode(encoding).encode()
    if len(raws) == 1 and not namespaces:
        return [etree.fromstring(data, parser)]
    declared = "".join(
        f" xmlns{':' if prefix else ''}{prefix}={quoteattr(uri)}" for prefix, uri in namespaces if prefix != "xml"
    )
    return list(etree.fromstring(f"<around{declared}>".encode() + data + b"</around>", parser))


def locate(raw: bytes, envelope: Envelope, path: Path, loops: tuple[tuple[Path, int], ...]) -> Position | None:
    """The bytes of one text or attribute in `raw`, the bytes of one document; offsets are relative to `raw`.

    What is missing gives an empty span before the end tag of the element that should have it, or, for an attribute, at
    the end of its start tag. None means that the path does not belong to this format, or that `raw` is no document.
    """
    if not isinstance(path, ElementPath):
        return None
    try:
        (root,) = trees([raw], envelope.encoding, envelope.namespaces, tree_parser())
    except (etree.XMLSyntaxError, ValueError):  # no element, more than one, or bytes that are no characters
        return None
    element, missing = root, False
    for loop, occurrence in loops:
        if not isinstance(loop, ElementPath):
            return None
        found = find(element, loop)
        missing = occurrence >= len(found)
        if missing:
            break
        element = found[occurrence]
    if not missing:
        element, missing = _target(element, path)
    data = raw if envelope.encoding in _UTF8 else raw.decode(envelope.encoding).encode()
    order = next(place for place, other in enumerate(root.iter("*")) if other is element)
    try:
        start, end = _span(data, order, element, None if missing else path.attribute, missing=missing)
    except expat.ExpatError:  # a reader has refused such bytes before
        return None
    tag = path.steps[-1].name if path.steps else None
    line = 1 + text.line_ends(data[:start])
    if data is not raw:
        start, end = (len(data[:place].decode().encode(envelope.encoding)) for place in (start, end))
    return Position(start, end, line=line, tag=tag, column=path.attribute and f"@{path.attribute}")


def _target(element: etree._Element, path: ElementPath) -> tuple[etree._Element, bool]:
    """The element that `path` leads to, or the last one on the way to it and True."""
    found = find(element, ElementPath(path.steps))
    if path.attribute is not None:
        name = qualified(path.attribute, attribute=True)
        found = [one for one in found if one.get(name) is not None] or found
    if found:
        return found[0], False
    for step in path.steps:
        children = find(element, ElementPath((step,)))
        if not children:
            break
        element = children[0]
    return element, True


def _span(data: bytes, order: int, element: etree._Element, attribute: str | None, *, missing: bool) -> tuple[int, int]:
    """The span of the text, or of one attribute, of the element that is number `order` in `data`, from 0."""
    tag, inner, child, close = _places(data, order)
    if attribute is not None:
        wanted = qualified(attribute, attribute=True)
        for match in _ATTRIBUTE.finditer(data, tag, inner):
            prefix, _, local = match[1].decode().rpartition(":")
            uri = element.nsmap.get(prefix) or PREFIXES.get(prefix)
            if (f"{{{uri}}}{local}" if prefix else local) == wanted:
                return match.start(2) + 1, match.end(2) - 1
        end = inner - (2 if data.endswith(b"/>", 0, inner) else 1)
        return end, end
    if missing:
        return close, close
    return inner, child if child >= 0 else close


def _places(data: bytes, order: int) -> tuple[int, int, int, int]:
    """Of one element: its start tag, what follows that, its first child (or -1), and its end tag."""
    tag = inner = child = close = -1
    count = depth = wanted = 0
    parser = expat.ParserCreate("utf-8")

    def note() -> None:
        nonlocal inner
        if tag >= 0 and inner < 0:
            inner = parser.CurrentByteIndex

    def start(_name: str, _attributes: object) -> None:
        nonlocal tag, child, count, depth, wanted
        note()
        depth += 1
        if tag >= 0 and child < 0 and close < 0:
            child = parser.CurrentByteIndex
        if count == order:
            tag, wanted = parser.CurrentByteIndex, depth
        count += 1

    def end(_name: str) -> None:
        nonlocal close, depth
        note()
        if depth == wanted and close < 0:
            close = parser.CurrentByteIndex
        depth -= 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.DefaultHandler = lambda _data: note()
    parser.Parse(data, True)
    return tag, inner, child, close
