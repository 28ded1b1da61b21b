"""Documents as plain values for JSON, and back: what `gateway parse` prints and `gateway write` reads.

Nothing is lost on the way. A repeated element of X12 or EDIFACT, which is a tuple, becomes ``{"repeated": […]}``; XML
its text; a decimal of a JSON file ``{"decimal": "1.50"}``. `named` makes something for people to look at
instead, from which there is no way back: elements and columns by their names.
"""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lxml import etree

from edi.model import Document, Envelope
from edi.segmented.structure import naming
from edi.xmldoc.spans import tree_parser

if TYPE_CHECKING:
    from edi.findings import Finding

_SEGMENTED = ("x12", "edifact")
_TABULAR = ("csv", "fixed")


def plain(document: Document, *, named: bool = False) -> dict[str, Any]:
    """A document as JSON says it: its place, its envelope (what it has of one), its content and findings."""
    defaults = Envelope("")
    envelope = {
        name: value
        for name, value in document.envelope._asdict().items()
        if value != getattr(defaults, name) and value is not None
    }
    return {
        "document": document.number,
        "bytes": [document.start, document.end],
        "envelope": envelope,
        "content": named_content(document) if named else _down(document.content),
        "findings": [plain_finding(finding) for finding in document.findings],
    }


def plain_finding(finding: Finding) -> dict[str, Any]:
    """A finding as JSON says it."""
    position = {name: value for name, value in asdict(finding.position).items() if value is not None}
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "remedy": finding.remedy,
        "value": finding.value,
        "position": position,
    }


def named_content(document: Document) -> Any:
    """The content of a document by names: BEG03, the columns of a table, the tags of XML. Changes segments in place."""
    content, envelope = document.content, document.envelope
    if envelope.format in _SEGMENTED:
        return _down(naming.named(content))
    if content is None:
        return None
    if envelope.format in _TABULAR and len(set(envelope.columns)) == len(envelope.columns) == len(content):
        return dict(zip(envelope.columns, content, strict=True))
    return _tree(content) if etree.iselement(content) else _down(content)


def document_of(told: dict[str, Any]) -> Document:
    """The document that :func:`plain` has made such a value of. Of place and findings nothing is needed.

    Raises:
        ValueError: it is none; the message says what is missing.
    """
    if not isinstance(told, dict):
        raise ValueError("a document is a JSON object")  # noqa: TRY004 - bad input, not a bug
    envelope, content = told.get("envelope", {}), told.get("content")
    if not isinstance(envelope, dict) or "format" not in envelope or content is None:
        raise ValueError('a document has "content", and an "envelope" with at least its "format"')
    unknown = envelope.keys() - set(Envelope._fields)
    if unknown:
        raise ValueError(f"an envelope has no {min(unknown)!r}; it has {', '.join(Envelope._fields)}")
    given = {name: _given(name, value) for name, value in envelope.items()}
    value = _element(content) if envelope["format"] == "xml" else _up(content)
    is_named = _is_named(content) if envelope["format"] in _SEGMENTED else isinstance(content, dict)
    if is_named and envelope["format"] in (*_SEGMENTED, *_TABULAR):
        raise ValueError("its elements have names, from which there is no way back; read the file without --named")
    return Document(told.get("document", 0), 0, 0, value, Envelope(**given))


def _given(name: str, value: Any) -> Any:
    """A member of an envelope; lists become tuples."""
    default = Envelope._field_defaults.get(name)
    if not isinstance(value, list if isinstance(default, tuple) else str):
        raise ValueError(f"{name!r} of the envelope is {value!r}; a {'list' if default == () else 'text'} is expected")  # noqa: TRY004 - as above
    return _tupled(value)


def _element(content: Any) -> etree._Element:
    try:
        return etree.fromstring(str(content).encode(), tree_parser())
    except etree.XMLSyntaxError as wrong:
        raise ValueError(f"its content is no XML: {wrong}") from None


def _is_named(content: Any) -> bool:
    """Whether the rows of a loop, or of one inside it, are dicts."""
    if not isinstance(content, dict):
        return False
    return any(
        isinstance(row, dict) and (not tag.endswith("*") or _is_named(row))
        for tag, rows in content.items()
        if isinstance(rows, list)
        for row in rows
    )


def _down(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _down(part) for key, part in value.items()}
    if isinstance(value, list):
        return [part if isinstance(part, str) else _down(part) for part in value]
    if isinstance(value, tuple):
        return {"repeated": [_down(part) for part in value]}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return etree.tostring(value, encoding="unicode", with_tail=False) if etree.iselement(value) else value


def _up(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"repeated"}:
            return tuple(_up(part) for part in value["repeated"])
        if value.keys() == {"decimal"}:
            return Decimal(value["decimal"])
        return {key: _up(part) for key, part in value.items()}
    return [_up(part) for part in value] if isinstance(value, list) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(part) for part in value) if isinstance(value, list) else value


def _tree(element: etree._Element) -> Any:
    """An element by names: attributes with @, child elements as lists, text as #text or alone."""
    children: dict[str, Any] = {f"@{_tag(element, str(name))}": str(value) for name, value in element.attrib.items()}
    for child in element.iterchildren(tag=etree.Element):
        children.setdefault(_tag(element, str(child.tag)), []).append(_tree(child))
    text = (element.text or "").strip()
    if not children:
        return text
    return children | ({"#text": text} if text else {})


def _tag(element: etree._Element, name: str) -> str:
    qualified = etree.QName(name)
    prefix = next((p for p, uri in element.nsmap.items() if uri == qualified.namespace and p), None)
    return f"{prefix}:{qualified.localname}" if prefix else qualified.localname
