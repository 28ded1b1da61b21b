"""Small wrong files of the formats whose whole is a text: csv, fixed, xml, jsonl, json; for each code one."""

from __future__ import annotations

from tests.docs.example import Example

_COPYBOOK = """\
       01 ORDER-LINE.
          05 SKU        PIC X(3).
          05 QUANTITY   PIC S9(3) COMP-3.
          05 PRICE      PIC S9(2)V99.
"""
_TABLE = """\
       01 ORDER-HEAD.
          05 NUMBER-OF  PIC 9.
          05 LINE-ITEM  OCCURS 0 TO 3 DEPENDING ON NUMBER-OF.
             10 SKU     PIC X(3).
"""
_TYPES = """\
by 1
record order H
number   2-5
record line L
sku      2-4
"""
_CELLS = """\
by 1
record order H
number   2
record line L
sku      2
"""
_DEEP_XML = "<a>" * 300 + "</a>" * 300
_DEEP_JSON = '{"a": ' + "[" * 300 + "]" * 300 + "}"

TEXTS: dict[str, Example] = {
    "file.empty": Example("csv header", b""),
    "file.kind": Example("csv header", b"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n"),
    "text.wide": Example("csv header", "sku,price\nA-1,9.90\n".encode("utf-16")),
    "text.mark": Example("csv header windows-1252", b"\xef\xbb\xbfsku,price\nA-1,9.90\n"),
    "text.encoding": Example("csv header", "sku,text\nA-1,für Türen\n".encode("windows-1252")),
    "text.nul": Example("csv header", b"sku,text\nA-1,bo\0lt\n"),
    "text.mistaken": Example("csv header windows-1252", "sku,text\nA-1,für Türen\n".encode()),
    "text.lost": Example("csv header", "sku,text\nA-1,f\ufffdr T\ufffdren\n".encode()),
    "csv.blank": Example("csv header", b"\n\n"),
    "csv.no_rows": Example("csv header", b"sku,price\n"),
    "csv.header_duplicate": Example("csv header", b"sku,price,price\nA-1,9.90,8.90\n"),
    "csv.header_empty": Example("csv header", b"sku,,price\nA-1,x,9.90\n"),
    "csv.delimiter": Example("csv header", b"sku;price\n", also=("csv.no_rows",)),
    "csv.delimiter_wrong": Example("csv header", b"sku;price\nA-1;9.90\nA-2;12.00\n"),
    "csv.sep": Example("csv header", b"sep=;\nsku;price\nA-1;9.90\n"),
    "csv.preamble": Example("csv header skip=1", b"Price list of January\nsku,price\nA-1,9.90\n"),
    "csv.footer": Example("csv header footer=1", b"sku,price\nA-1,9.90\nsum,9.90\n"),
    "csv.no_header": Example("csv header_at=sku", b"article,price\nA-1,9.90\n"),
    "csv.type": Example("csv layout=orders", b"H,4711\nX,A-1\n", layout=_CELLS),
    "csv.ragged": Example("csv header", b"sku,text,price\nA-1,Bolt, zinc,9.90\n"),
    "csv.unclosed_quote": Example("csv header", b'sku,text\nA-1,"Bolt\nA-2,Nut\n'),
    "csv.text_after_quote": Example("csv header", b'sku,text\nA-1,"Pipe" 3 inch\n'),
    "csv.too_long": Example("csv header field_bytes_max=12", b"sku,text\nA-1,Bolt of zinc and steel\n"),
    "fixed.blank": Example("fixed sku:1-3 price:4-8:number", b"\n\n"),
    "fixed.length": Example("fixed sku:1-3 price:4-8:number", b"A-1 9.90\nA-2\n"),
    "fixed.truncated": Example("fixed sku:1-3 price:4-8:number records=fixed", b"A-1 9.90A-2 12."),
    "fixed.descriptor": Example("fixed sku:1-3 records=rdw", b"\x00\x07\x00\x00A-1\x00\x02\x00\x00A-2"),
    "fixed.spanned": Example("fixed sku:1-3 records=rdw", b"\x00\x07\x01\x00A-1\x00\x07\x02\x00A-2"),
    "fixed.type": Example("fixed layout=orders", b"H4711\nXA-1 \n", layout=_TYPES),
    "fixed.number": Example("fixed sku:1-3 price:4-8:number", b"A-1 9,9O\n"),
    "fixed.packed": Example("fixed layout=lines records=fixed", b"A-1\x1a\x3c0990", layout=_COPYBOOK),
    "fixed.zone": Example("fixed layout=lines records=fixed", b"A-1\x12\x3c09?0", layout=_COPYBOOK),
    "fixed.count": Example("fixed layout=orders records=lines", b"4A-1A-2A-3A-4\n", layout=_TABLE),
    "fixed.block_rest": Example("fixed sku:1-3 records=fixed block=8", b"A-1A-2XX"),
    "fixed.too_long": Example("fixed record:1- field_bytes_max=8", b"A-1 9.90\nA-2 9.90 A-3 9.90\n"),
    "xml.doctype": Example("xml", b'<!DOCTYPE order [<!ENTITY who "Acme">]>\n<order>&who;</order>\n'),
    "xml.doctype_unread": Example("xml", b'<!DOCTYPE order SYSTEM "order.dtd">\n<order>4711</order>\n'),
    "xml.malformed": Example("xml", b"<order><number>4711</order>\n"),
    "xml.encoding": Example("xml", b'<?xml version="1.0" encoding="klingon"?>\n<order/>\n'),
    "xml.too_deep": Example("xml", _DEEP_XML.encode()),
    "xml.too_long": Example("xml document_bytes_max=30", b"<order>\n  <text>more than is allowed</text>\n</order>\n"),
    "xml.message": Example("xml orders", b"<order><number>4711</number></order>\n"),
    "xml.each_missing": Example("xml each=order", b"<orders></orders>\n"),
    "json.malformed": Example("jsonl", b'{"number": "4711"}\n{"number": "4712"\n'),
    "json.number": Example("jsonl", b'{"price": NaN}\n'),
    "json.duplicate": Example("jsonl", b'{"price": 9.90, "price": 8.90}\n'),
    "json.character": Example("jsonl", b'{"text": "bo\\u0000lt"}\n'),
    "json.too_long": Example("jsonl line_bytes_max=20", b'{"text": "more than is allowed"}\n'),
    "json.too_deep": Example("jsonl", _DEEP_JSON.encode() + b"\n"),
    "json.outside": Example("json", b'[{"number": "4711"}]\nend of file\n'),
    "json.truncated": Example("json", b'[{"number": "4711"},\n'),
    "json.each_missing": Example("json each=orders", b'{"number": "4711"}\n'),
}
"""Code → the file."""
