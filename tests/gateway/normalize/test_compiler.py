"""Mappings as integrations write them: the samples of the documentation, objects, loops, and every kind of problem."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from edi.model import Envelope
from gateway.contracts import Field
from gateway.normalize.compiler import Mapper, MappingProblems, check_integration, compile_mapping
from tests.gateway.normalize.builders import (
    ACME_ORDERS,
    CODES,
    EDIFACT,
    ORDER,
    PLACE,
    PURCHASE,
    X12,
    contract,
    document,
    integration,
    loop,
    loose,
)

D = Decimal


def order_mapper(*checks: str) -> Mapper:
    return compile_mapping(integration("x12", ACME_ORDERS, *checks), ORDER, codes=CODES)


def test_an_x12_order_becomes_a_record() -> None:
    record, faults = order_mapper("count(lines) == CTT01")(document(loop(*PURCHASE), X12))
    assert faults == ()
    assert record == {
        "number": "4711",
        "ordered_on": dt.date(2026, 2, 28),
        "currency": "USD",
        "buyer": "4012345000009",
        "ship_to": {"gln": "4012345000016", "city": "Springfield"},
        "wanted_on": dt.date(2026, 3, 15),
        "lines": [
            {"line": 1, "sku": "SKU-1", "quantity": D(10), "unit": "EA", "price": D("1.5"), "text": "Widget"},
            {"line": 2, "sku": "SKU-2", "quantity": D(3), "unit": "EA", "price": D(20)},
        ],
    }


def test_the_faults_of_all_fields_are_told() -> None:
    content = loop(
        "BEG*00*SA***20260230",
        ["N1*ST*Acme Plant*9*4012345000016"],
        ["PO1*1*10*EA*1.5**VP*SKU-1"],
        ["PO1*2*3*XX*12,5O"],
    )
    record, faults = order_mapper("count(lines) == CTT01")(document(content, X12))
    assert [(fault.code, fault.target, fault.path, fault.indexes, fault.value) for fault in faults] == [
        ("mapping.missing", "/number", "BEG03", (), None),
        ("mapping.date", "/ordered_on", "BEG05", (), "20260230"),
        ("mapping.missing", "/buyer", "N1[BY].04", (), None),
        ("mapping.missing", "/ship_to/city", "N1[ST]/N4.01", (), None),
        ("mapping.missing", "/lines/1/sku", "PO1", (1,), None),
        ("mapping.code", "/lines/1/unit", "PO103", (1,), "XX"),
        ("mapping.number", "/lines/1/price", "PO104", (1,), "12,5O"),
    ]
    assert faults[0].message == "number is required by order.v1, but BEG03 is empty or missing"
    assert "lines" in record


def test_a_german_price_list_becomes_records() -> None:
    lines = {
        "sku": "Artikelnummer | strip",
        "price": "Preis | decimal('1.234,56')",
        "currency": '"EUR"',
        "valid_from": "gültig ab | date('dd.mm.yyyy')",
        "group": "Warengruppe | code(product-groups)",
    }
    price = contract(*loose("sku", "price:decimal", "currency", "valid_from:date", "group:code"))
    header = ("Warengruppe", "Artikelnummer", "gültig ab", "Preis")
    mapper = compile_mapping(integration("csv", lines), price, columns=header, codes=CODES)
    record, faults = mapper.function(["10", " A-1 ", "01.03.2026", "1.299,00"], Envelope("csv", columns=header))
    assert faults == ()
    assert record == {
        "sku": "A-1",
        "price": D("1299.00"),
        "currency": "EUR",
        "valid_from": dt.date(2026, 3, 1),
        "group": "tools",
    }
    short, faults = mapper.function(["10", "A-2"], Envelope("csv", columns=header))
    assert (short, faults) == ({"sku": "A-2", "currency": "EUR", "group": "tools"}, ())


UBL = """<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
  xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
  xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:ID>R-1</cbc:ID><cbc:IssueDate>2026-03-01</cbc:IssueDate><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:LegalMonetaryTotal><cbc:TaxExclusiveAmount>30.50</cbc:TaxExclusiveAmount></cac:LegalMonetaryTotal>
  <cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="EA">2</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount>10.25</cbc:LineExtensionAmount></cac:InvoiceLine>
  <cac:InvoiceLine><cbc:ID>2</cbc:ID><cbc:InvoicedQuantity unitCode="KG">1</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount>%s</cbc:LineExtensionAmount></cac:InvoiceLine>
</Invoice>"""

INVOICES: dict[str, Any] = {
    "number": "cbc:ID",
    "issued_on": "cbc:IssueDate | date",
    "currency": "cbc:DocumentCurrencyCode",
    "net": "cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount | decimal",
    "lines[cac:InvoiceLine]": {
        "line": "cbc:ID",
        "quantity": "cbc:InvoicedQuantity | decimal",
        "unit": "cbc:InvoicedQuantity/@unitCode",
        "amount": "cbc:LineExtensionAmount | decimal",
    },
}
INVOICE = contract(
    *loose("number", "issued_on:date", "currency", "net:decimal"),
    Field("lines", "list", fields=loose("line", "quantity:decimal", "unit", "amount:decimal")),
)


def test_a_ubl_invoice_becomes_a_record() -> None:
    mapper = compile_mapping(integration("xml", INVOICES, "sum(lines.amount) == net"), INVOICE)
    record, faults = mapper(document(etree.fromstring(UBL % "20.25"), Envelope("xml")))
    assert faults == ()
    assert record["lines"][1] == {"line": "2", "quantity": D(1), "unit": "KG", "amount": D("20.25")}
    _, (fault,) = mapper(document(etree.fromstring(UBL % "20.26"), Envelope("xml")))
    assert fault.code == "check.failed"
    assert fault.message == "sum(lines.amount) == net does not hold: sum(lines.amount) is 30.51, net is 30.50"


def test_a_legacy_row_becomes_a_record() -> None:
    lines = {
        "id": "KDNR | strip",
        "name": "NAME1 & ' ' & NAME2 | squash",
        "status": "KZSTAT | code(customer-status)",
        "credit": "KREDIT | decimal",
        "email": "EMAIL | lower | optional",
        "since": "ANLDAT | date('yyyymmdd', none='00000000')",
    }
    customer = contract(*loose("id", "name", "status", "credit:decimal", "email", "since:date"))
    mapper = compile_mapping(integration("jsonl", lines), customer, codes=CODES)
    row = {"KDNR": " 17 ", "NAME1": "Karl", "NAME2": " Weber  KG ", "KZSTAT": "A", "KREDIT": D("1500.00")}
    record, faults = mapper.function({**row, "EMAIL": None, "ANLDAT": "00000000"}, Envelope("jsonl"))
    assert faults == ()
    assert record == {"id": "17", "name": "Karl Weber KG", "status": "active", "credit": D("1500.00")}


def test_loops_in_loops_and_lists_of_plain_segments() -> None:
    lines = {
        "refs[REF]": {"kind": "REF01", "value": "REF02"},
        "lines[PO1]": {"line": "PO101", "texts[PID]": {"text": "PID05"}, "first": "PID05"},
    }
    record_type = contract(
        Field("refs", "list", required=False, fields=loose("kind", "value")),
        Field(
            "lines",
            "list",
            fields=(*loose("line", "first"), Field("texts", "list", required=False, fields=(Field("text", "text"),))),
        ),
    )
    mapper = compile_mapping(integration("x12", lines), record_type)
    content = loop(
        "REF*DP*9",
        "REF*IA*8",
        ["PO1*1", ["PID*F****a"], ["PID*F****b"]],
        ["PO1*2"],
        ["PO1*3", ["PID*F****c"], ["PID*F"]],
    )
    record, faults = mapper.function(content, X12)
    assert record == {
        "refs": [{"kind": "DP", "value": "9"}, {"kind": "IA", "value": "8"}],
        "lines": [
            {"line": "1", "first": "a", "texts": [{"text": "a"}, {"text": "b"}]},
            {"line": "2"},
            {"line": "3", "first": "c", "texts": [{"text": "c"}, {}]},
        ],
    }
    (fault,) = faults
    assert (fault.target, fault.indexes, fault.path) == ("/lines/2/texts/1/text", (2, 1), "PID05")
    assert mapper.function(loop(), X12) == ({"lines": []}, ())


def test_a_json_loop_runs_over_a_list_and_nothing_else() -> None:
    record_type = contract(Field("lines", "list", fields=loose("sku:text", "n:int")))
    mapper = compile_mapping(integration("jsonl", {"lines[cart.items]": {"sku": "sku", "n": "n | int"}}), record_type)
    run = mapper.function
    envelope = Envelope("jsonl")
    assert run({"cart": {"items": [{"sku": "a", "n": 1}, {"sku": "b"}]}}, envelope)[0] == {
        "lines": [{"sku": "a", "n": 1}, {"sku": "b"}]
    }
    assert run({"cart": 5}, envelope) == ({"lines": []}, ())
    assert run({"cart": {"items": [5, None, ["x"]]}}, envelope) == ({"lines": [{}, {}, {}]}, ())
    _, (fault,) = run({"cart": {"items": {"sku": "a"}}}, envelope)
    assert (fault.code, fault.target) == ("mapping.type", "/lines")
    assert fault.message == "cart.items is an object, not a list"


def test_a_member_of_an_optional_object_is_missed_only_if_another_is_there() -> None:
    inner = Field("geo", "object", required=False, fields=(Field("lat", "text"), Field("lon", "text")))
    record_type = contract(
        *loose("id"), Field("at", "object", required=False, fields=(Field("city", "text"), Field("zip", "text"), inner))
    )
    lines = {"id": "id", "at.city": "city", "at.zip": "zip", "at.geo.lat": "lat", "at.geo.lon": "lon"}
    run = compile_mapping(integration("jsonl", lines), record_type).function
    envelope = Envelope("jsonl")
    assert run({"id": "1"}, envelope) == ({"id": "1"}, ())
    record, (fault,) = run({"city": "Bonn"}, envelope)
    assert (record, fault.target) == ({"at": {"city": "Bonn"}}, "/at/zip")
    record, faults = run({"lat": "50"}, envelope)
    assert record == {"at": {"geo": {"lat": "50"}}}
    assert sorted(fault.target for fault in faults) == ["/at/city", "/at/geo/lon", "/at/zip"]


def test_a_required_object_is_there_even_when_it_is_empty() -> None:
    record_type = contract(*loose("id"), Field("at", "object", fields=loose("city")))
    run = compile_mapping(integration("jsonl", {"id": "id", "at.city": "city"}), record_type).function
    assert run({"id": "1"}, Envelope("jsonl")) == ({"id": "1", "at": {}}, ())


def test_the_right_side_of_a_fallback_is_not_computed_without_need() -> None:
    run = compile_mapping(
        integration("jsonl", {"n": "a ?? b | int", "m": "if(a == 'x', 1, b | int)"}), contract(*loose("n:int", "m:int"))
    )
    assert "n is int" not in run.source
    _, faults = run.function({"a": "x", "b": "?"}, Envelope("jsonl"))
    assert [fault.target for fault in faults] == []
    _, faults = run.function({"b": "?"}, Envelope("jsonl"))
    assert [(fault.target, fault.path, fault.value) for fault in faults] == [("/n", "b", "?"), ("/m", "b", "?")]


def test_a_fault_of_several_sources_names_the_one_at_work() -> None:
    mapper = compile_mapping(
        integration("jsonl", {"n": "(a | int) * (b | int)", "t": "(a & b) | int"}), contract(*loose("n:int", "t:int"))
    )
    _, faults = mapper.function({"a": "1", "b": "x"}, Envelope("jsonl"))
    assert [(fault.path, fault.value) for fault in faults] == [("b", "x"), (None, None)]
    assert faults[1].message == "'1x' is not a whole number: the last character is the letter x"


def test_a_value_of_a_fault_is_that_of_the_source_not_of_a_step_between() -> None:
    mapper = compile_mapping(
        integration("jsonl", {"n": "a | replace(' EUR', '') | decimal"}), contract(*loose("n:decimal"))
    )
    _, (fault,) = mapper.function({"a": "1x EUR"}, Envelope("jsonl"))
    assert (fault.value, fault.path) == ("1x EUR", "a")
    assert "'1x'" in fault.message


def test_a_list_function_gets_all_occurrences_and_what_is_computed_for_each() -> None:
    lines = {
        "text": "MSG01 | strip | join(' ')",
        "n": "count(PO1)",
        "total": "PO102 | decimal | sum",
        "top": "max(PO104 | decimal)",
        "places": "N1[ST]/N4.01 | join('/')",
    }
    mapper = compile_mapping(
        integration("x12", lines), contract(*loose("text", "n:int", "total:decimal", "top:decimal", "places"))
    )
    content = loop("MSG* a ", "MSG*", "MSG*b", *PURCHASE)
    record, faults = mapper.function(content, X12)
    assert faults == ()
    assert record == {"text": "a b", "n": 2, "total": D(13), "top": D(20), "places": "Springfield"}
    bad = loop(["PO1*1*x"])
    _, (fault,) = mapper.function(bad, X12)
    assert (fault.target, fault.path, fault.value) == ("/total", None, None)


def test_composites_and_repetitions() -> None:
    x12 = compile_mapping(
        integration(
            "x12", {"all": "SV101", "second": "SV101.02", "none": "SV101.09", "same": "SV102.01", "no": "SV102.02"}
        ),
        contract(*loose("all", "second", "none", "same", "no")),
    )
    row = ["SV1", (["HC", "99213"], ["HC", "1"]), "75"]
    assert x12.function({"SV1": [row]}, X12)[0] == {"all": "HC:99213", "second": "99213", "same": "75"}
    edifact = compile_mapping(
        integration("edifact", {"date": "DTM[137].01.02", "kind": "DTM[137].01", "qty": "QTY01"}),
        contract(*loose("date", "kind", "qty")),
    )
    rows = {"DTM": [["DTM", ["2", "x"]], ["DTM", ["137", "20260101", "102"]]], "QTY": [["QTY", "7"]]}
    assert edifact.function(rows, EDIFACT)[0] == {"date": "20260101", "kind": "137", "qty": "7"}


def test_a_flat_message_has_rows_only() -> None:
    mapper = order_mapper()
    flat = loop("BEG*00*SA*4711**20260228", "N1*BY*A*9*401", "N1*ST*B*9*402", "PO1*1*10*EA*1.5**VP*S")
    record, faults = mapper(document(flat, X12))
    assert [fault.target for fault in faults] == ["/ship_to/city"]
    assert record["buyer"] == "401"
    assert record["lines"] == [{"line": 1, "sku": "S", "quantity": D(10), "unit": "EA", "price": D("1.5")}]


def test_lineage_names_sources_functions_tables_and_loops() -> None:
    mapper = order_mapper()
    lineage = mapper.lineage["/lines/*/unit"]
    assert (lineage.paths, lineage.functions, lineage.tables) == (("PO103",), ("code",), ("units",))
    assert (lineage.loops, lineage.expression, lineage.place) == (("PO1",), "PO103 | code(units)", PLACE)
    assert mapper.lineage["/currency"].paths == ("CUR02",)
    assert mapper.lineage["/lines"].paths == ("PO1",)
    assert mapper.loops_of("/lines/7/price") == ("PO1",)
    assert mapper.loops_of("/number") == mapper.loops_of("/nothing") == ()


def test_the_source_can_be_read_by_people() -> None:
    source = order_mapper("count(lines) == CTT01").source
    assert "    # wanted_on: DTM[002].02 | date | optional\n" in source
    assert "    # lines[PO1]\n" in source
    assert "        # check: count(lines) == CTT01\n" in source


def test_what_is_written_cannot_break_out_of_the_generated_source() -> None:
    nasty = "'\\'\"\n\x00\u2028{x}' & ``.``"
    with pytest.raises(MappingProblems):
        compile_mapping(integration("jsonl", {"it": nasty}), contract(*loose("it")))
    text = "a'b\"c\n\x00\u2028\\{x}\ud800"
    quoted = "'" + text.replace("'", "''") + "'"
    lines = {"it": f"{quoted} & `{text}`", "that": f'"{text}"'}
    mapper = compile_mapping(integration("jsonl", lines), contract(*loose("it", "that")))
    record, _ = mapper.function({text: "!"}, Envelope("jsonl"))
    assert record == {"it": text + "!", "that": text}


def refused(lines: dict[str, Any], *checks: str, format_name: str = "x12", columns: tuple[str, ...] = ()) -> list[Any]:
    record_type = contract(
        *loose("text", "n:int", "d:decimal", "on:date", "yes:bool"),
        Field("at", "object", required=False, fields=loose("city")),
        Field("lines", "list", required=False, fields=loose("n:int")),
    )
    with pytest.raises(MappingProblems) as caught:
        compile_mapping(integration(format_name, lines, *checks), record_type, columns=columns, codes=CODES)
    assert caught.value.code == "mapping.unusable"
    assert all(problem.place.file == "integrations/it.yaml" for problem in caught.value.problems)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("lines", "message", "span", "hint"),
    [
        ({"text": "BEG03 | stirp"}, "there is no function 'stirp'", (8, 5), "did you mean strip?"),
        ({"text": "BEG03 |"}, "the name of a function is expected", (7, 1), ""),
        ({"text": "beg03"}, "'beg03' names no segment", (0, 5), ""),
        ({"text": "BEG"}, "BEG is a whole segment, not a value", (0, 3), "BEG01"),
        ({"text": "BEG00"}, "counted from 01", (0, 5), ""),
        ({"n": "BEG03"}, "n is int, not a text", (0, 5), "add | int at its end"),
        ({"d": "BEG03 | strip"}, "d is decimal, not a text", (8, 5), "add | decimal at its end"),
        ({"text": "BEG03 | int"}, "text is text, not a whole number", (8, 3), "add | text at its end"),
        ({"yes": "BEG03"}, "yes is bool, not a text", (0, 5), "or add | bool('true', 'false')"),
        ({"text": "BEG03 | split(',')"}, "text is text, not a list", (8, 5), "join"),
        ({"text": "BEG03 | code(unit)"}, "there is no code table 'unit'", (13, 4), "did you mean 'units'?"),
        ({"text": "BEG03 | code(zzz)"}, "there is no code table 'zzz'", (13, 3), "codes/zzz.csv"),
        ({"text": "BEG03 | code(5)"}, "code takes the name of a code table", (13, 1), ""),
        ({"text": "BEG03 | left"}, "left needs length", (8, 4), "left(length)"),
        ({"text": "BEG03 | left('2')"}, "length of left is a whole number", (13, 3), ""),
        ({"text": "BEG03 | left(0)"}, "length of left lies between 1 and 1000", (13, 1), ""),
        ({"text": "BEG03 | left(2, 3)"}, "left takes no further argument", (16, 1), ""),
        ({"text": "BEG03 | pad(2, 'xy')"}, "fill of pad is one character", (15, 4), ""),
        ({"text": "BEG03 | pad(2, sid='left')"}, "pad has no argument 'sid'", (19, 6), "did you mean side?"),
        ({"text": "BEG03 | pad(2, side='top')"}, "side of pad is one of 'left', 'right'", (20, 5), ""),
        ({"text": "BEG03 | split('') | first"}, "mark of split is not empty", (14, 2), ""),
        ({"text": "BEG03 | replace(BEG04, 'x')"}, "old of replace is a text in single quotes", (16, 5), ""),
        ({"text": "strip()"}, "strip needs a value", (0, 5), "value | strip"),
        ({"yes": "BEG03 | bool('J')"}, "bool needs false", (8, 4), "write bool('true', 'false')"),
        ({"yes": "BEG03 | bool(true, 'N')"}, "true of bool is a text", (13, 4), "write bool('true', 'false')"),
        ({"yes": "bool()"}, "bool needs a value", (0, 4), "write value | bool('true', 'false')"),
        ({"text": "BEG03 | pad('2')"}, "width of pad is a whole", (12, 3), "write pad(width, 'fill'?, 'side'?)"),
        ({"on": "BEG05 | date('dd.mm')"}, "'dd.mm' is not that of a date", (8, 4), ""),
        ({"on": "BEG05 | date('dd.mm.yyyy hh:mm')"}, "minutes are written mi", (8, 4), ""),
        ({"on": "BEG05 | date('dd.xx.yyyy')"}, "'x' means nothing in the picture", (8, 4), ""),
        ({"d": "BEG05 | decimal('12')"}, "'12' does not show a number", (8, 7), ""),
        ({"d": "BEG05 | decimal('1.234.56')"}, "does not show a number", (8, 7), ""),
        ({"text": "BEG05 | datetime('yyyymmddhhmi') | text"}, "name the zone: zone='UTC'", (8, 8), ""),
        ({"text": "BEG05 | datetime(zone='Mars') | text"}, "'Mars' is no time zone", (8, 8), ""),
        ({"text": "BEG03 | optional | strip"}, "optional stands last", (8, 8), ""),
        ({"text": "BEG03 & (BEG04 | required)"}, "required stands last", (17, 8), ""),
        ({"text": "(BEG03 == 'a') | strip"}, "strip takes a text, not true or false", (1, 12), ""),
        ({"n": "BEG03 | date | round"}, "round takes a number, not a date", (8, 4), ""),
        ({"n": "BEG05 | year"}, "year takes a date, not a text", (0, 5), "| date"),
        ({"yes": "BEG03 < BEG04"}, "texts have no order", (0, 13), "| decimal"),
        ({"yes": "(BEG03 | int) == (BEG05 | date)"}, "a number and a date cannot be compared", (1, 29), ""),
        ({"yes": "(BEG03 | time) == (BEG05 | date)"}, "a date and a time cannot be compared", (1, 30), ""),
        ({"yes": "(BEG03 | split('a')) == 'x'"}, "a list cannot be compared", (1, 26), "first"),
        ({"d": "BEG03 + (BEG05 | date)"}, "+ takes a number, not a date", (17, 4), ""),
        ({"text": "if(BEG03, 'a', 'b')"}, "if takes true or false, not a text", (3, 5), ""),
        ({"text": "max(BEG03)"}, "max compares numbers and dates", (0, 3), "| decimal"),
        ({"n": "sum(1 + 2)"}, "there is no list in this", (4, 5), ""),
        ({"n": "sum(PO102 * PO104)"}, "two lists cannot be run through together", (12, 5), ""),
        ({"n": "sum(PO1)"}, "sum takes values, not whole segments", (0, 3), ""),
        ({"text": "first(PO1)"}, "first of segments is no value", (0, 5), ""),
        ({"yes": "every(PO101)"}, "every takes a comparison", (0, 5), ""),
        ({"text": "PO101 | pair('VP')"}, "PO101 is no whole segment", (0, 5), ""),
        ({"text": "'x' | pair('VP')"}, "pair takes a segment", (0, 3), ""),
        ({"txt": "BEG03"}, "record.v1 has no field 'txt'", (0, 5), "did you mean text?"),
        ({"lines": "PO1"}, "lines is a list, not a single value", (0, 3), "lines[path]"),
        ({"lines.n": "PO101"}, "lines.n lies inside a list", (0, 5), ""),
        ({"at": "N101"}, "at is an object, not a single value", (0, 4), "at.city"),
        ({"text[PO1]": {}}, "text is text in record.v1, not a list", (0, 3), ""),
        ({"lines[PO101]": {}}, "PO101 is an element; a loop is opened by a segment", (0, 5), ""),
        ({"lines[PO1 | strip]": {}}, "a loop is opened by a path alone", (0, 11), ""),
        ({"lines[po]": {}}, "'po' names no segment", (0, 2), ""),
    ],
)
def test_a_problem_of_a_mapping_has_its_place_and_what_helps(
    lines: dict[str, Any], message: str, span: tuple[int, int], hint: str
) -> None:
    problem, *others = refused(lines)
    assert others == []
    assert message in problem.message
    assert (problem.offset, problem.length) == span
    assert hint in problem.hint


def test_all_problems_are_told_at_once() -> None:
    problems = refused(
        {"text": "beg03 & beg04 | stirp", "n": "5 +", "lines[PO1]": {"n": "PO101 | code(unit)", "m": "PO1"}},
        "count(line) == CTT01",
        "sum(lines.n",
    )
    assert [problem.message.split(";")[0] for problem in problems] == [
        "'beg03' names no segment",
        "'beg04' names no segment",
        "there is no function 'stirp'",
        "a value is expected, but the expression ends here",
        "record.v1 has no field 'm'",
        "there is no code table 'unit'",
        "'line' names no segment",
        "this parenthesis is not closed",
    ]


def test_a_target_is_mapped_once() -> None:
    (problem,) = refused({"lines[PO1]": {}, "lines[IT1]": {}})
    assert problem.message == "lines is mapped twice"


def test_required_fields_must_be_mapped_and_cannot_be_optional() -> None:
    record_type = contract(
        Field("id", "text"), Field("name", "text"), Field("lines", "list", fields=(Field("n", "text"),))
    )
    problems = check_integration(integration("x12", {"name": "BEG03 | optional", "lines[PO1]": {}}), record_type, {})
    assert [problem.message for problem in problems] == [
        "name is required by record.v1 and cannot be optional here",
        "n in lines is required by record.v1, but nothing is mapped to it",
        "id is required by record.v1, but nothing is mapped to it",
    ]


def test_columns_are_checked_against_the_header() -> None:
    header = ("Artikelnummer", "Preis", "Preis")
    lines = {"text": "Artikelnumer | strip", "d": "Preis | decimal", "n": "#4 | int"}
    problems = refused(lines, format_name="csv", columns=header)
    assert [(problem.message, problem.hint) for problem in problems] == [
        ("there is no column 'Artikelnumer'", "did you mean 'Artikelnummer'?"),
        ("the column 'Preis' stands twice", "write #2 or #3"),
        ("there is no column #4: the file has 3", ""),
    ]
    (problem,) = refused({"text": "Preis"}, format_name="csv")
    assert problem.hint == (
        "the file has no header: write #1 for its first column; if it has one, add the word header to format"
    )
    record_type = contract(*loose("text", "d:decimal", "n:int"))
    assert check_integration(integration("csv", lines), record_type, {}) == ()


def test_a_column_by_number_needs_no_header() -> None:
    mapper = compile_mapping(integration("csv", {"it": "#2"}), contract(*loose("it")))
    assert mapper.function(["a", "b"], Envelope("csv")) == ({"it": "b"}, ())
    assert mapper.function(["a"], Envelope("csv")) == ({}, ())


def test_csv_has_no_loops_and_xml_prefixes_are_known() -> None:
    (problem,) = refused({"lines[a]": {}}, format_name="csv", columns=("a",))
    assert problem.message == "a CSV row has no loops"
    (problem,) = refused({"text": "cbd:ID"}, format_name="xml")
    assert "unknown prefix" in problem.message


def test_deep_nesting_is_refused_not_crashed_on() -> None:
    record_type = contract(Field("n", "text", required=False))
    for _ in range(12):
        record_type = contract(Field("l", "list", required=False, fields=record_type.fields))
    lines: dict[str, Any] = {"n": "A01"}
    for _ in range(12):
        lines = {"l[PO1]": lines}
    (problem,) = check_integration(integration("x12", lines), record_type, {})
    assert problem.message == "loops nest deeper than 8"
    inner = "lines.n"
    for _ in range(7):
        inner = f"sum(lines.n * {inner})"
    problems = check_integration(
        integration("x12", {}, f"{inner} > 0"),
        contract(*loose("text"), Field("lines", "list", required=False, fields=loose("n:int"))),
        {},
    )
    assert [problem.message for problem in problems] == ["lists nest too deeply"]


def test_long_chains_compile() -> None:
    written = " ?? ".join(f"a{number}" for number in range(300)) + " ?? 'x'"
    mapper = compile_mapping(integration("jsonl", {"it": written}), contract(*loose("it")))
    assert mapper.function({"a299": "here"}, Envelope("jsonl"))[0] == {"it": "here"}
    nested = "if(a == 'x', " * 20 + "'y'" + ", 'z')" * 20
    mapper = compile_mapping(integration("jsonl", {"it": nested}), contract(*loose("it")))
    assert mapper.function({"a": "x"}, Envelope("jsonl"))[0] == {"it": "y"}


def test_loops_at_any_depth_and_what_stands_around_them() -> None:
    item = {
        "sku": "LIN | pair('VP', 2)",
        "order": "^HL[O]/PRF01",
        "box": "^HL[P,T]/MAN02",
        "texts[PID]": {"of": "^LIN03 ?? ^HL02"},
    }
    record_type = contract(
        Field("texts", "text", required=False),
        Field("count", "int", required=False),
        Field(
            "lines",
            "list",
            required=False,
            fields=(*loose("sku", "order", "box"), Field("texts", "list", required=False, fields=loose("of"))),
        ),
    )
    mapping = {"texts": "//PID05 | join(', ')", "lines[//HL[I]]": item}
    mapper = compile_mapping(integration("x12", mapping, "count(//HL[I]) == CTT01"), record_type)
    boxed = {"HL": [["HL", "4", "3", "I"]], "LIN": [["LIN", "", "VP", "B"]], "PID": [["PID", "F", "", "", "", "blue"]]}
    box = {"HL": [["HL", "3", "2", "P"]], "MAN": [["MAN", "GM", "0012"]], "HL*": [boxed]}
    loose_item = {"HL": [["HL", "5", "2", "I"]], "LIN": [["LIN", "", "VP", "A"]]}
    order = {"HL": [["HL", "2", "1", "O"]], "PRF": [["PRF", "4711"]], "HL*": [box, loose_item]}
    content = {
        "ST": [["ST", "856", "1"]],
        "HL*": [{"HL": [["HL", "1", "", "S"]], "HL*": [order]}],
        "CTT": [["CTT", "2"]],
    }
    record, faults = mapper.function(content, X12)
    assert faults == ()
    assert record == {
        "texts": "blue",
        "lines": [{"sku": "B", "order": "4711", "box": "0012", "texts": [{"of": "3"}]}, {"sku": "A", "order": "4711"}],
    }
    content["CTT"] = [["CTT", "3"]]
    assert [fault.code for fault in mapper.function(content, X12)[1]] == ["check.failed"]
