"""XML, written: the same elements in the same namespaces, in any encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from edi import xmldoc
from edi.model import Document, Envelope
from edi.writing import Unwritable
from edi.xmldoc.writing import write
from tests.edi.corpus import cases, declared, options_of

if TYPE_CHECKING:
    from pathlib import Path

SAME = "<order xmlns='urn:o'><n a=\"&lt;&quot;&#10;\">T\u00fcr &amp; 5 &lt; 6&#13;</n>\u0142<!-- no --></order>"


def documents(*texts: str, **envelope: Any) -> list[Document]:
    around = Envelope("xml", **envelope)
    return [Document(number, 0, 0, etree.fromstring(text), around) for number, text in enumerate(texts, 1)]


def written(found: list[Document], **options: str) -> bytes:
    return b"".join(write(found, options))


def read(data: bytes, **options: str) -> list[Document]:
    items = list(xmldoc.read([data], options))
    assert all(isinstance(item, Document) and not item.findings for item in items), items
    return [item for item in items if isinstance(item, Document)]


def same(documents: list[Document]) -> list[Any]:
    return [shape(one.content, "") for one in documents]


def shape(element: etree._Element, tail: str) -> Any:
    inner = [shape(child, child.tail or "") for child in element if isinstance(child.tag, str)]
    return element.tag, sorted(element.attrib.items()), element.text or "", tail, inner


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in cases("xml")])
def test_every_sample_is_read_again_as_it_was(path: Path) -> None:
    options = options_of(declared(path))
    before = [
        item
        for item in xmldoc.read([path.read_bytes()], options)
        if isinstance(item, Document) and item.content is not None
    ]
    data = written(before, root="around" if "each" in options else "")
    options.pop("message", None)
    again = read(data, **options) if data else []
    assert same(again) == same(before)
    if "each" in options and before:
        assert dict(again[0].envelope.namespaces) == dict(before[0].envelope.namespaces)


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "windows-1252", "iso-8859-15", "us-ascii", "utf-16"])
def test_any_encoding_holds_any_character(encoding: str) -> None:
    data = written(documents(SAME), encoding=encoding)
    (again,) = read(data)
    assert again.content[0].text == "Tür & 5 < 6\r"
    assert again.content[0].get("a") == '<"\n'
    assert again.content[0].tail == "ł"


def test_one_document_is_the_file() -> None:
    assert written(documents("<a><b/>x</a>")) == b'<?xml version="1.0" encoding="UTF-8"?>\n<a><b/>x</a>\n'
    assert written(documents("<a/>"), declaration="false", line_end="none") == b"<a/>"
    assert written(documents("<a>\u00fc</a>"), encoding="windows-1252", line_end="crlf") == (
        b'<?xml version="1.0" encoding="windows-1252"?>\r\n<a>\xfc</a>\r\n'
    )


def test_several_documents_stand_in_a_root() -> None:
    data = written(documents("<a/>", "<b/>"), root="items", declaration="false")
    assert data == b"<items>\n<a/>\n<b/>\n</items>\n"
    with pytest.raises(Unwritable, match=r"^document 2: a file of XML has one root, .*; name an element .*root=items"):
        written(documents("<a/>", "<b/>"))


def test_namespaces_around_are_declared_once() -> None:
    source = b"<c:list xmlns:c='urn:c' xmlns='urn:d'><item c:n='1'/><item xmlns:e='urn:e'><e:x/></item></c:list>"
    before = read(source, each="item")
    data = written(before, root="c:list", line_end="none", declaration="false")
    assert data.count(b"urn:c") == data.count(b"urn:d") == 1
    assert same(read(data, each="item")) == same(before)


def test_an_element_without_a_namespace_stays_without() -> None:
    data = written(documents("<item><x/></item>", namespaces=(("", "urn:d"),)), root="list")
    assert b'<item xmlns="">' in data
    assert read(data, each="item")[0].content.tag == "item"


def test_a_root_may_have_a_prefix_that_paths_know() -> None:
    data = written(documents("<a/>"), root="cac:Items")
    assert b"<cac:Items xmlns:cac=" in data
    with pytest.raises(Unwritable, match=r"^document 1: nobody knows the prefix of root 'zz:items'; use one of cac, "):
        written(documents("<a/>"), root="zz:items")


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(Unwritable, match=r"^document 3: '<a/>' is no element"):
        written([Document(3, 0, 0, "<a/>", Envelope("xml"))])
    entity = etree.Element("a")
    entity.append(etree.Entity("nbsp"))
    with pytest.raises(Unwritable, match=r"it holds a reference to an entity"):
        written([Document(1, 0, 0, entity, Envelope("xml"))])
    with pytest.raises(Unwritable, match=r"the name 'ł' holds a character that iso8859-1 lacks"):
        written(documents("<a><ł/></a>"), encoding="latin-1")


def test_text_that_only_looks_like_an_entity_is_written() -> None:
    element = etree.Element("a")
    element.text = etree.CDATA("x &nbsp; y")
    (again,) = read(written([Document(1, 0, 0, element, Envelope("xml"))]))
    assert again.content.text == "x &nbsp; y"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"root": "a b"}, "root 'a b' is no name of an element"),
        ({"root": "1a"}, "is no name of an element"),
        ({"encoding": "cp037"}, "does not hold ASCII as it is"),
        ({"encoding": "klingon"}, "is no character set that is known"),
        ({"declaration": "no"}, "declaration 'no' is neither true nor false"),
        ({"declaration": "false", "encoding": "latin-1"}, "without a declaration nobody knows"),
    ],
)
def test_an_unusable_option_is_refused_at_the_call(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        write([], options)


TEXT = st.text(st.sampled_from("aü\u0142<>&'\"\t\n\r ]"), max_size=6)


@given(text=TEXT, attribute=TEXT, encoding=st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_any_text_is_read_again(text: str, attribute: str, encoding: str) -> None:
    element = etree.Element("a", b=attribute)
    element.text = text
    (again,) = read(written([Document(1, 0, 0, element, Envelope("xml"))], encoding=encoding))
    assert (again.content.text or "", again.content.get("b")) == (text, attribute)
