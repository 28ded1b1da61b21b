"""What the readers hand over: documents with their place in the file.

A reader turns the chunks of one file into a stream of :class:`Document` and :class:`~edi.findings.Finding`, in the
order of the bytes and to the end of the file. Offsets count bytes from 0 and are absolute in the file; `start` is
inclusive, `end` is exclusive; numbers that people read (document, line, segment, element) count from 1.

The content of a document is what its format makes of it:

=============== =====================================================================================
csv             ``list[str]``: the cells of one row; the names stand in ``envelope.columns``
fixed           ``list[str]``: the values of one record; likewise
x12, edifact    a loop (see below): the transaction set or message
xml             ``lxml.etree._Element``: the root, or one repeated element
jsonl, json     ``dict``: one object; fractions are ``decimal.Decimal``, never floats
=============== =====================================================================================

A **loop** is a dict. Under a segment's tag stands the list of its rows: ``{"BEG": [["BEG", "00", "SA", "4711"]]}``;
a row is the tag followed by the elements, so that ``row[3]`` is BEG03. An element is a ``str``; an element of several
components is a ``list[str]``; a repeated element is a ``tuple`` of those; an absent one is ``""`` or lies past the end
of the row. Under the tag of a loop's first segment and a star stands the list of its child loops:
``{"PO1*": [{"PO1": [row], "PID*": [{"PID": [row]}]}]}``. A message without a guide is one loop without children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from edi.findings import Finding

Loop = dict[str, Any]
"""A loop of segments as a dict of rows and child loops; its shape stands in this module's docstring."""


class Envelope(NamedTuple):
    """What stands around a document and is shared by its neighbours: who, to whom, which message.

    `sender` and `receiver` are ``qualifier:identifier`` with trailing spaces removed (``ZZ:ACME``; EDIFACT without a
    qualifier: ``:5412345000013``) or None where the format has none. `interchange`, `group` and `reference` are the
    control numbers of ISA/UNB, GS/UNG and ST/UNH.
    """

    format: str
    message: str | None = None
    version: str | None = None
    sender: str | None = None
    receiver: str | None = None
    interchange: str | None = None
    group: str | None = None
    reference: str | None = None
    columns: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiters: str = ""
    """x12: element, component, segment, repetition; edifact: component, element, decimal, release, repetition,
    segment; csv: delimiter, quote, escape (a quote of NUL: none); fixed: LF where records end with a line."""
    spans: tuple[tuple[int, int | None], ...] = ()
    """fixed: where each column begins and ends in its record (None: with it); in lines of text these are characters,
    otherwise bytes."""
    namespaces: tuple[tuple[str, str], ...] = ()
    """xml: the prefixes that elements around a repeated element declare, with their namespaces ("" is the default)."""
    usage: str = ""
    """x12, edifact: P for production, T for test, I for information (ISA15); a UNB that says nothing is P."""
    group_sender: str = ""
    """x12: GS02, edifact: UNG 0040; empty without a group."""
    group_receiver: str = ""
    guide: str = ""
    """x12, edifact: which guide the document was read with: a version (005010X222A1, D96A), or the text of a guide."""


class Document(NamedTuple):
    """One unit of a file: a transaction set, message, row, object or XML element.

    `findings` are those of this document alone; one with the severity ``error`` means that the document must be held.
    """

    number: int
    start: int
    end: int
    content: Any
    envelope: Envelope
    findings: tuple[Finding, ...] = ()
