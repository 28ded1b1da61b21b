"""What must hold for every reader, whatever the bytes."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lxml import etree

from edi.findings import CODES, Finding
from edi.formats import FORMATS
from edi.model import Document
from edi.segmented.walk.events import Aside, Closed, Opened
from edi.segmented.walk.segments import GAP
from edi.writing import Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Writer = Callable[[Iterable[Any], Mapping[str, str]], Iterable[bytes]]
    Events = Callable[[Iterable[bytes], Mapping[str, str]], Iterator[Any]]


def told(item: Document | Finding) -> Any:
    """A document or finding as values that can be compared; elements of XML as their text."""
    if isinstance(item, Finding):
        return asdict(item)
    content = item.content
    if isinstance(content, etree._Element):
        content = etree.tostring(content, encoding="unicode", with_tail=False)
    return item._replace(content=content)


def answered(name: str, data: bytes, options: Mapping[str, str]) -> list[Document | Finding]:
    """What a reader makes of the bytes, after what must hold: no exception, places in order, the same in any cut."""
    items = list(FORMATS[name].read([data], options))
    told_items = [told(item) for item in items]
    for chunks in cuts(data):
        assert [told(item) for item in FORMATS[name].read(chunks, options)] == told_items, "chunks do not matter"
    documents = [item for item in items if isinstance(item, Document)]
    assert [document.number for document in documents] == list(range(1, len(documents) + 1))
    for before, after in pairwise(documents):
        assert before.end <= after.start, "documents stand in the order of the file"
    for document in documents:
        if name in ("x12", "edifact"):
            assert_keys(document.content)
        assert 0 <= document.start <= document.end <= len(data)
        for finding in document.findings:
            assert_finding(finding, data)
            assert document.start <= finding.position.start <= finding.position.end <= document.end
    for item in items:
        if isinstance(item, Finding):
            assert_finding(item, data)
    return items


def written_again(name: str, write: Writer, items: Iterable[Document | Finding], options: Mapping[str, str]) -> None:
    """Documents without a finding are refused, or written so that they are read as they were, without a finding.

    Trailers are not compared: they are made anew.
    """
    trailer = {"x12": "SE", "edifact": "UNT"}[name]
    for document in items:
        if not isinstance(document, Document) or document.findings:
            continue
        try:
            data = b"".join(write([document], options))
        except Unwritable:
            continue
        again = list(FORMATS[name].read([data], {}))
        read = [item for item in again if isinstance(item, Document)]
        assert len(read) == 1
        assert read[0].content | {trailer: []} == document.content | {trailer: []}, "what is written is read as it was"
        assert not any(each.findings for each in read)


def assert_keys(loop: dict[str, Any]) -> None:
    """Each row stands under its tag, and each child loop under the tag of its first segment and a star."""
    for key, values in loop.items():
        for value in values:
            if isinstance(value, dict):
                assert next(iter(value)) + "*" == key
                assert_keys(value)
            else:
                assert value[0] == key


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """The bytes cut in some ways: into single ones if they are few, and at places that depend on them."""
    for step in (1 if len(data) <= 300 else 11, 1 + sum(data[:16]) % 97):
        yield [b"", *(data[at : at + step] for at in range(0, len(data), step)), b""]


def assert_finding(finding: Finding, data: bytes) -> None:
    """A finding is of the table, says something, and points into the file."""
    assert finding.code in CODES
    assert finding.message
    assert finding.remedy
    assert "\n" not in finding.remedy
    place = finding.position
    assert 0 <= place.start <= place.end <= len(data)
    assert finding.value is None or len(finding.value) <= 200
    for number in (place.line, place.segment, place.element, place.component):
        assert number is None or number >= 1


def conserved(events: Events, data: bytes, options: Mapping[str, str], *, encoding: str = "latin-1") -> None:
    """Every byte belongs to one document, one segment of the envelope, a gap, or what a finding of the file spans."""
    taken = bytearray(len(data))
    pointed = bytearray(len(data))
    stops = set(GAP + "\x85\xef\xbb\xbf")  # a byte-order mark, or what is left of one
    open_kinds: list[str] = []
    for item in events([data], options):
        if isinstance(item, Finding):
            span = slice(item.position.start, item.position.end)
            pointed[span] = b"\1" * (span.stop - span.start)
            continue
        if isinstance(item, Opened):
            stops |= set(item.delimiters) - {" "}
            assert item.kind == "group" or not open_kinds, "interchanges do not nest"
            open_kinds.append(item.kind)
        if isinstance(item, Closed):
            assert open_kinds.pop() == item.kind, "what is closed was opened"
        assert isinstance(item, (Document, Opened, Closed, Aside))
        assert not any(taken[item.start : item.end]), "no byte belongs to two"
        taken[item.start : item.end] = b"\1" * (item.end - item.start)
    assert not open_kinds, "what was opened is closed"
    rest = bytes(byte for byte, one, two in zip(data, taken, pointed, strict=True) if not one and not two)
    lost = rest.decode(encoding)
    assert set(lost) <= stops, f"lost: {lost[:80]!r}"
