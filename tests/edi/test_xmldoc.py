"""XML: real bytes and what must come of them, whole, byte by byte and in every two halves; then anything at all."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from edi.findings import Finding, Position
from edi.model import Document, Envelope
from edi.paths import ColumnPath, ElementPath, parse_path
from edi.xmldoc import SPEC, compile_loop, compile_path, find, locate, message_of, read, read_blocks, text_of
from edi.xmldoc.paths import PREFIXES, qualified
from edi.xmldoc.reader import Reader
from tests.edi.corpus import CORPUS, cases, declared, holds, options_of, same_however_cut, single, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INVOICE = (CORPUS / "xml" / "invoice.xml").read_bytes()


def path_of(text: str) -> ElementPath:
    path = parse_path("xml", text)
    assert isinstance(path, ElementPath)
    return path


def documents(data: bytes, **options: str) -> list[Document]:
    return [item for item in read([data], options) if isinstance(item, Document)]


@pytest.mark.parametrize("path", cases("xml"), ids=lambda path: path.stem)
def test_each_file_is_read_as_expected_however_it_is_cut(path: Path) -> None:
    options = options_of(declared(path))
    holds(
        path,
        lambda blocks: read_blocks(
            blocks,
            message=options.get("message", ""),
            each=qualified(options["each"]) if "each" in options else "",
            limit=int(options.get("document_bytes_max", "1000000")),
        ),
    )


def test_the_example_of_the_spec_is_read_without_a_finding() -> None:
    (order,) = read([SPEC.example.encode()], {"message": "order"})
    assert isinstance(order, Document)
    assert text_of(order.content, path_of("number")) == "4711"
    assert not order.findings


PIECES = (
    "<a>",
    "</a>",
    "<b/>",
    "<b x='>'>",
    "</b>",
    "text",
    "é",
    "&amp;",
    "&x;",
    "<!-- c -->",
    "<!DOCTYPE a>",
    "<",
    ">",
)


def without_what_expat_says(item: Document | Finding) -> Document | Finding:
    """Expat notices what is malformed a byte earlier or later as its blocks are cut; ``read`` always cuts alike."""
    if isinstance(item, Document):
        told_apart = [without_what_expat_says(finding) for finding in item.findings]
        return item._replace(findings=tuple(finding for finding in told_apart if isinstance(finding, Finding)))
    if item.code not in ("xml.malformed", "text.encoding"):
        return item
    return replace(item, code="xml.malformed", message="malformed", position=Position(0, 0))


@given(
    data=st.one_of(
        st.binary(max_size=60),
        st.lists(st.sampled_from(PIECES), max_size=12).map(lambda parts: "".join(("<a>", *parts, "</a>")).encode()),
    ),
    each=st.sampled_from(("", "{*}b", "{*}a")),
    encoding=st.sampled_from(("utf-8", "utf-16")),
)
@settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_the_answer_is_the_same_in_any_cut_and_nothing_raises(
    data: bytes, each: str, encoding: str
) -> None:
    if encoding != "utf-8":
        data = data.decode("utf-8", "replace").encode(encoding)
    same_however_cut(data, lambda blocks: map(without_what_expat_says, read_blocks(blocks, each=each)))
    assert [told(item, data) for item in read(single(data), {})] == [told(item, data) for item in read([data], {})]
    items = [told(item, data) for item in read([data], {})]
    assert items
    if "document" not in items[0]:
        assert items[0]["finding"]["severity"] == "error"
    if not any("finding" in item or item["findings"] for item in items):
        (only,) = items
        start, end = only["bytes"]
        assert etree.fromstring(data) is not None
        outside = (data[:start] + data[end:]).decode(encoding, "ignore").lstrip("\ufeff")
        assert not re.sub(r"<!--.*?-->|<\?.*?\?>", "", outside).strip()


@given(
    items=st.lists(
        st.sampled_from(("<i/>", "<i a='/>' />", "<i>x</i>", "<i><i/></i >", "<i>/></i>", "<q:i/>")), min_size=1
    ),
    between=st.sampled_from(("", "\n", "<!-- <i/> -->", "<x/>", "é")),
    encoding=st.sampled_from(("utf-8", "utf-16-le", "utf-16-be", "iso-8859-1")),
)
@settings(max_examples=200, deadline=None)
def test_every_repeated_element_has_its_exact_bytes(items: list[str], between: str, encoding: str) -> None:
    head = (
        ""
        if encoding == "utf-8"
        else f'<?xml version="1.0" encoding="{encoding[:6].rstrip("-") if "16" in encoding else encoding}"?>'
    )
    mark = "\ufeff" if "16" in encoding else ""
    data = f"{mark}{head}<l xmlns:q='u'>{between.join(items)}</l>".encode(encoding)
    found = documents(data, each="i")
    assert [data[item.start : item.end].decode(encoding) for item in found] == items
    assert all(etree.QName(item.content).localname == "i" and not item.findings for item in found)


ITEMS = st.lists(
    st.sampled_from(
        (
            *(
                "<i/>",
                "<i a='/>'>x</i>",
                "<i><i/></i >",
                "<q:i>é</q:i>",
                "<i><!-- </i> --></i>",
                "<i><![CDATA[</i>]]></i>",
            ),
            *("<i><j></i>", "<i>", "</i>", "<i", "<i><!-- </i>", "<i> --></i>", "<x/>", "<!-- <i/> -->", "<?p <i/>?>"),
            *(
                "\n",
                "\r\n",
                "text",
                "<x xmlns='v'><i/></x>",
                "<i>&nbsp;</i>",
                "<i a='1' a='2'/>",
                "<r:i/>",
                "<i>\0</i>",
            ),
        )
    ),
    max_size=8,
)
HEADS = ("", "<?xml version='1.0'?>\n", "<!DOCTYPE l SYSTEM 'l.dtd'>", "<!DOCTYPE l [<!ENTITY nbsp ' '>]>", "\ufeff")


def by_the_rules(data: bytes, each: str) -> list[Document | Finding]:
    reader = Reader("", each, 1 << 20)
    reader.quick = False
    return [*reader.take(data, final=False), *reader.take(b"", final=True)]


@given(items=ITEMS, head=st.sampled_from(HEADS), each=st.sampled_from(("{*}i", "{v}i", "", "{*}l")))
@settings(max_examples=400, deadline=None)
def test_the_quick_search_and_the_rules_give_the_same_documents(items: list[str], head: str, each: str) -> None:
    data = f"{head}<l xmlns:q='u'>{''.join(items)}</l>".encode()
    expected = [told(item, data) for item in map(without_what_expat_says, by_the_rules(data, each))]
    assert [told(item, data) for item in map(without_what_expat_says, read_blocks([data], each=each))] == expected
    same_however_cut(data, lambda blocks: map(without_what_expat_says, read_blocks(blocks, each=each)))


def test_a_document_type_without_declarations_is_a_note_and_is_never_fetched() -> None:
    data = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<!DOCTYPE cXML SYSTEM "http://xml.example.invalid/schemas/cXML/1.2.014/cXML.dtd">\n'
        b"<cXML><Header/><Request><OrderRequest/></Request></cXML>\n"
    )
    note, order = read([data], {"message": "cxml:OrderRequest"})
    assert isinstance(note, Finding)
    assert isinstance(order, Document)
    assert (note.code, note.severity, note.position.line) == ("xml.doctype_unread", "note", 2)
    assert data[note.position.start : note.position.end].startswith(b"<!DOCTYPE cXML SYSTEM")
    assert data[note.position.start : note.position.end].endswith(b'.dtd">')
    assert (order.envelope.message, order.findings) == ("cxml:OrderRequest", ())
    assert data[order.start : order.end].startswith(b"<cXML>")


@pytest.mark.parametrize(
    "declared",
    [
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hosts'>]>",
        "<!DOCTYPE a SYSTEM 'a.dtd' [<!ENTITY x 'y'>]>",
        "<!DOCTYPE a []>",
        "<!DOCTYPE a SYSTEM 'http://example.invalid/[' [<!ENTITY x 'y'>]>",
    ],
)
def test_a_document_type_with_declarations_refuses_the_file(declared: str) -> None:
    for each in ("", "b"):
        (finding,) = read([f"{declared}<a><b>&x;</b></a>".encode()], {"each": each})
        assert isinstance(finding, Finding)
        assert (finding.code, finding.severity) == ("xml.doctype", "error")


def test_an_entity_that_an_unread_document_type_may_declare_is_not_dropped_in_silence() -> None:
    data = b"<!DOCTYPE a SYSTEM 'a.dtd'><a><b>x&y;z</b></a>"
    for each in ("", "b"):
        *_, last = read([data], {"each": each})
        found = last.findings[0] if isinstance(last, Document) else last
        assert (found.code, data[found.position.start :][:3]) == ("xml.malformed", b"&y;")


@pytest.mark.parametrize(
    ("head", "taken_from"),
    [
        (b"", "which counts where a file declares nothing else"),
        (b'<?xml version="1.0"?>', "which counts where a file declares nothing else"),
        (b'<?xml version="1.0" encoding="UTF-8"?>', "which the file declares"),
    ],
)
@pytest.mark.parametrize("each", ["", "item"])
def test_a_file_that_is_no_utf_8_says_which_byte_and_what_it_would_be(head: bytes, taken_from: str, each: str) -> None:
    good = b"<item><name>x</name></item>\n" * 3
    data = head + b"<list>\n" + good + b"<item><name>M\xfcller</name></item>\n" + good + b"</list>"
    *_, last = read([data], {"each": each})
    found = last.findings[0] if isinstance(last, Document) else last
    at = data.index(b"\xfc")
    assert found.message == (
        f"byte 0xFC at line 5, column 14 (offset {at}) is no character of UTF-8, {taken_from}, and 'ü' in windows-1252"
    )
    assert (found.code, found.severity) == ("text.encoding", "error")
    assert (found.position.start, found.position.end, found.position.line) == (at, at + 1, 5)
    assert found.remedy == (
        'Ask the sender to write encoding="windows-1252" into the XML declaration, if the file is written so, '
        "or to send it in UTF-8."
    )


@pytest.mark.parametrize(
    "data",
    [
        b'<a><b c="x\xe4te"/></a>',
        b"<a><!-- \xe4te --></a>",
        b"<a><?x \xe4te?></a>",
        b"<a><b\xe4/></a>",
        b"<a></a\xe4></b>",
        b"<a><![CDATA[\xe4]]></a>",
        b"<a>\xe4te",
    ],
)
def test_wherever_the_byte_stands(data: bytes) -> None:
    *_, last = read([data], {})
    found = last.findings[0] if isinstance(last, Document) else last
    assert (found.code, found.position.start) == ("text.encoding", data.index(b"\xe4"))


@pytest.mark.parametrize("each", ["", "b"])
@pytest.mark.parametrize("end", ["<a>\n<b>1</b>", "<a>\n<b>1</b", "<a>\n<b>1", "<a>\n<b><!-- 1", "<a>\n<b><![CDATA[1"])
def test_a_file_that_is_cut_off_is_told_so_and_wanted_whole(end: str, each: str) -> None:
    *_, last = read([f'<?xml version="1.0"?>\n{end}'.encode()], {"each": each})
    found = last.findings[0] if isinstance(last, Document) else last
    assert (found.code, found.remedy) == ("xml.malformed", "Ask the sender to send the whole file again.")
    assert re.fullmatch(
        r"the file is cut off: its XML does not come to an end behind line 3, column \d+", found.message
    )


def test_what_is_wrong_within_a_file_is_not_its_end() -> None:
    for data in (b"<a><b></a>", b"hello world", b"<a/><b/>", b"<a b></a>"):
        *_, last = read([data], {})
        found = last.findings[0] if isinstance(last, Document) else last
        assert "cut off" not in found.message, data
        assert found.remedy == "Ask the sender to send the file again, written by an XML program.", data


@pytest.mark.parametrize("each", ["", "b"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_of_wide_characters_that_declares_utf_8_is_told_so_without_a_quote(encoding: str, each: str) -> None:
    data = '<?xml version="1.0" encoding="UTF-8"?>\n<a><b>1</b></a>'.encode(encoding)
    (found,) = read([data], {"each": each})
    assert isinstance(found, Finding)
    written = {"utf-16": "UTF-16-LE", "utf-32": "UTF-32-LE"}.get(encoding, encoding.upper())
    assert found.message == f"the file is written in {written}, which is not the encoding that it declares"
    assert (found.code, found.position.start, found.position.end) == ("text.wide", 0, len(data))


def test_what_is_malformed_and_no_byte_of_another_encoding_is_told_as_before() -> None:
    for data in (b"<a>& b\xe4</a>", "<a>\ufffe</a>".encode(), b"<a></b>\xe4</a>", b"<a>\xc3"):
        *_, last = read([data], {})
        found = last.findings[0] if isinstance(last, Document) else last
        assert found.code == "xml.malformed", data


def test_a_broken_element_among_many_is_told_at_its_place_and_those_before_it_are_good() -> None:
    item = b"<item><name>x</name></item>\n"
    data = b"<list>\n" + item * 500 + b"<item><name>x</nam></item>\n" + item * 500 + b"</list>"
    *good, held, finding = read([data], {"each": "item"})
    assert len(good) == 500
    assert all(isinstance(one, Document) and not one.findings for one in good)
    assert isinstance(held, Document)
    assert isinstance(finding, Finding)
    assert held.content is None
    assert data[held.start :].startswith(b"<item><name>x</nam>")
    assert (finding.position.line, finding.position.start) == (502, held.start + 15)
    assert "line 502, column 16" in finding.message


def test_a_large_file_of_repeated_elements_takes_no_more_memory_than_a_small_one() -> None:
    item = b"<item>" + b"<name>x</name>" * 20 + b"</item>"

    def chunks(count: int) -> Iterator[bytes]:
        yield b"<list>"
        for _ in range(count):
            yield item * 100
        yield b"</list>"

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            assert sum(1 for _ in read(chunks(count), {"each": "item"})) == count * 100
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(60) < peak(10) + 500_000


def test_a_document_that_is_too_long_is_passed_over_without_being_kept() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"<list><item>"
        for _ in range(300):
            yield b"<x>yyyyyyyyyyyyyyyyyy</x>" * 1000
        yield b"</item><item>good</item></list>"

    tracemalloc.start()
    try:
        first, second = (item for item in read(chunks(), {"each": "item", "document_bytes_max": "100000"}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.start, first.end) == (6, 6 + 6 + 7_500_000 + 7)
    assert first.findings[0].code == "xml.too_long"
    assert second.content.text == "good"
    assert peak < 2_000_000


def test_one_endless_piece_of_markup_ends_the_reading_without_filling_the_memory() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"<list><item a='"
        for _ in range(50):
            yield b"x" * 100_000

    (held,) = read(chunks(), {"document_bytes_max": "1000000"})
    assert isinstance(held, Document)
    assert (held.start, held.end, held.content) == (0, 5_000_015, None)
    assert held.findings[0].code == "xml.too_long"


ROOT = etree.fromstring(INVOICE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cbc:ID", "RE-2027-0815"),
        ("ID", "RE-2027-0815"),
        ("cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount", "435.00"),
        ("LegalMonetaryTotal/TaxExclusiveAmount", "435.00"),
        ("cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount/@currencyID", "EUR"),
        ("cac:InvoiceLine[2]/cbc:ID", "2"),
        ("InvoiceLine[2]/ID", "2"),
        ("cac:InvoiceLine/cbc:InvoicedQuantity/@unitCode", "C62"),
        ("cac:InvoiceLine/cac:Item/cbc:Name", "Desk lamp & clamp"),
        ("cac:InvoiceLine[3]/cbc:ID", None),
        ("cbc:Note", None),
        ("cbc:ID/@schemeID", None),
        ("cac:ID", None),
    ],
)
def test_a_path_leads_to_its_first_value_and_to_its_bytes(path: str, value: str | None) -> None:
    compiled = compile_path(path_of(path))
    assert compiled(ROOT) == value == text_of(ROOT, path_of(path))
    (document,) = documents(INVOICE, message="ubl:Invoice-2.1")
    raw = INVOICE[document.start : document.end]
    place = locate(raw, document.envelope, path_of(path), ())
    assert place is not None
    assert raw[place.start : place.end].decode().replace("&amp;", "&") == (value or "")


def test_the_first_match_is_found_behind_elements_that_have_none() -> None:
    root = etree.fromstring("<a><p/><p><n c='1'/><n>x</n></p></a>")
    assert compile_path(path_of("p/n"))(root) == ""
    assert compile_path(path_of("p/n[2]"))(root) == "x"
    assert compile_path(path_of("p/n/@c"))(root) == "1"
    assert compile_path(path_of("."))(etree.fromstring("<a>y</a>")) == "y"


def test_a_loop_leads_to_its_elements_in_order() -> None:
    lines = compile_loop(path_of("cac:InvoiceLine"))(ROOT)
    assert [text_of(line, path_of("cbc:LineExtensionAmount")) for line in lines] == ["375.00", "60.00"]
    assert find(ROOT, path_of("InvoiceLine")) == lines
    assert compile_loop(path_of("cac:InvoiceLine/cac:Price"))(ROOT) == [line.find("{*}Price") for line in lines]


def test_an_unknown_prefix_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="did you mean cbc:ID"):
        compile_path(path_of("cbcc:ID"))
    with pytest.raises(ValueError, match="unknown prefix"):
        compile_loop(path_of("zzz:ID"))


RAW = b"<l a=\"1\" b='\xc3\xa4'>\n<p><n/></p><p><n c=\"v\">x<!-- y -->z</n><m q='7'/></p><p>t<k/>u</p></l>"


def place_of(raw: bytes, path: str, loops: tuple[tuple[str, int], ...], envelope: Envelope) -> Position:
    place = locate(raw, envelope, path_of(path), tuple((path_of(loop), at) for loop, at in loops))
    assert place is not None
    return place


@pytest.mark.parametrize(
    ("path", "loops", "found", "behind"),
    [
        ("p/n/@c", (), b"v", b'">x<'),
        ("@a", (), b"1", b'" b='),
        ("@b", (), b"\xc3\xa4", b"'>\n"),
        ("n", (("p", 1),), b"x<!-- y -->z", b"</n>"),
        (".", (("p", 2),), b"t", b"<k/>u"),
        ("m/@q", (("p", 1),), b"7", b"'/>"),
        ("m/@z", (("p", 1),), b"", b"/></p><p>t"),
        ("n", (("p", 0),), b"", b"</p><p>"),
        ("k", (("p", 0),), b"", b"</p><p><n c"),
        ("k", (("p", 9),), b"", b"</l>"),
        ("p/m/k", (), b"", b"</p><p>"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "iso-8859-1"])
def test_the_bytes_of_a_value_or_where_it_is_missing(
    path: str, loops: tuple[tuple[str, int], ...], found: bytes, behind: bytes, encoding: str
) -> None:
    raw, found, behind = (data.decode().encode(encoding) for data in (RAW, found, behind))
    place = place_of(raw, path, loops, Envelope("xml", encoding=encoding))
    assert raw[place.start : place.end] == found
    assert raw[place.end :].startswith(behind)
    assert place.line == (1 if path.startswith("@") else 2)


def test_a_repeated_element_is_read_with_the_namespaces_around_it() -> None:
    data = f"<l xmlns='u' xmlns:c='{PREFIXES['cbc']}'><i><c:ID>7</c:ID></i></l>".encode()
    (item,) = documents(data, each="i")
    raw = data[item.start : item.end]
    assert text_of(item.content, path_of("cbc:ID")) == "7"
    place = place_of(raw, "cbc:ID", (), item.envelope)
    assert raw[place.start : place.end] == b"7"
    assert locate(raw, Envelope("xml"), path_of("ID"), ()) is None


def test_an_envelope_is_shared_and_knows_only_the_namespaces_around_its_documents() -> None:
    data = b"<l xmlns:a='u'><i xmlns:z='v'/><i><z:k xmlns:z='v'/></i><x xmlns:b='w'><i/></x></l>"
    first, second, third = documents(data, each="i")
    assert first.envelope is second.envelope
    assert first.envelope.namespaces == (("a", "u"),)
    assert third.envelope.namespaces == (("a", "u"), ("b", "w"))


def test_a_path_of_another_format_is_nowhere() -> None:
    assert locate(b"<a/>", Envelope("xml"), ColumnPath("a"), ()) is None
    assert locate(b"<a/>", Envelope("xml"), path_of("b"), ((ColumnPath("a"), 0),)) is None


def test_a_root_says_which_message_it_is() -> None:
    assert message_of(ROOT) == "ubl:Invoice-2.1"
    assert message_of(etree.fromstring("<a:b xmlns:a='u'/>")) == "b"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"document_bytes_max": "much"}, "no number of bytes"),
        ({"message": "ub:Invoice-2.1"}, "unknown prefix"),
        ({"message": "a:b:c"}, "no message"),
        ({"each": "cacc:Item"}, "did you mean cac:Item"),
    ],
)
def test_an_option_without_a_usable_value_is_refused_at_the_call(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read([], options)
