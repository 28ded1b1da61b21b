"""Integrations as files, held against everything that they name."""

from __future__ import annotations

import pytest

from gateway.integrations import Accept, Changes, Format, MapField, MapLoop, Source
from gateway.workspace.loader import parse
from tests.gateway.workspace.workspaces import ACME_ORDERS, FILES, changed, only, problems

ACME = "integrations/acme-orders.yaml"
GLOBEX = "integrations/globex-prices.yaml"
INITECH = "integrations/initech-invoices.yaml"
ERP = "integrations/erp-customers.yaml"


def test_the_x12_sample_is_read_whole() -> None:
    flow = parse(FILES).integrations["acme-orders"]
    assert flow.source == Source("drop", "acme", "out/*.edi")
    assert flow.format == Format("x12", "004010", "850")
    assert (flow.contract, flow.contract_version, flow.partner) == ("order", 1, "acme")
    assert (flow.answer, flow.expect) == ("997", "every 1h, Mon-Fri 08:00-18:00 America/New_York")
    assert flow.accept == Accept()
    fields = {field.target: field for field in flow.fields}
    city = fields["ship_to.city"]
    assert isinstance(city, MapField)
    assert (city.expression.text, str(city.expression.place)) == ("N1[ST]/N4.01", f"{ACME}:16:19")
    lines = fields["lines"]
    assert isinstance(lines, MapLoop)
    assert (lines.path.text, str(lines.path.place)) == ("PO1", f"{ACME}:18:9")
    assert [field.target for field in lines.fields] == ["line", "sku", "quantity", "unit", "price", "text"]
    assert [check.text for check in flow.checks] == ["count(lines) == CTT01"]
    assert str(flow.place) == f"{ACME}:1:14"


def test_the_csv_sample_is_read_whole() -> None:
    flow = parse(FILES).integrations["globex-prices"]
    assert flow.format.name == "csv"
    assert {("delimiter", ";"), ("encoding", "windows-1252"), ("header", "true")} <= set(flow.format.options)
    assert flow.accept == Accept("documents", 0.01)
    currency = flow.fields[2]
    assert isinstance(currency, MapField)
    assert (currency.expression.text, currency.expression.literal) == ("EUR", True)
    valid = flow.fields[3]
    assert isinstance(valid, MapField)
    assert (valid.expression.text, valid.expression.literal) == ("gültig ab | date('dd.mm.yyyy')", False)


def test_the_xml_sample_is_read_whole() -> None:
    flow = parse(FILES).integrations["initech-invoices"]
    assert (flow.format.name, flow.format.message) == ("xml", "ubl:Invoice-2.1")
    loop = flow.fields[4]
    assert isinstance(loop, MapLoop)
    assert (loop.target, loop.path.text) == ("lines", "cac:InvoiceLine")


def test_the_table_sample_is_read_whole() -> None:
    flow = parse(FILES).integrations["erp-customers"]
    assert flow.source == Source("table", "erp", "PRODLIB.KUNDEN")
    assert (flow.format, flow.key, flow.changes) == (Format("jsonl"), ("KDNR",), Changes("AENDTS", 30.0))
    assert flow.partner is None


def test_nested_objects_and_dotted_targets_are_the_same() -> None:
    nested = ACME_ORDERS.replace(
        "  ship_to.gln:    N1[ST].04\n  ship_to.city:   N1[ST]/N4.01\n",
        "  ship_to:\n    gln:    N1[ST].04\n    city:   N1[ST]/N4.01\n",
    )
    targets = [field.target for field in parse({**FILES, ACME: nested}).integrations["acme-orders"].fields]
    assert targets == [field.target for field in parse(FILES).integrations["acme-orders"].fields]


def test_double_quotes_protect_an_expression_and_single_quotes_make_a_text() -> None:
    files = changed(GLOBEX, "Artikelnummer | strip", '"#1 | strip"')
    sku = parse(files).integrations["globex-prices"].fields[0]
    assert isinstance(sku, MapField)
    assert (sku.expression.text, sku.expression.literal) == ("#1 | strip", False)


WANTED = "  wanted_on:      DTM[002].02 | date | optional"
BUYER = "  buyer:          N1[BY].04"

WRONG = [
    (ACME, "drop://acme/", "drop://acmee/", 4, 18, 5, "there is no partner 'acmee'"),
    (ACME, "drop://acme/out/*.edi", "sftp://acme/out/*.edi", 4, 18, 4, "there is no connection 'acme'"),
    (ACME, "drop://acme/out/*.edi", "sftp://erp/out/*.edi", 4, 18, 3, "the connection 'erp' is of the kind odbc"),
    (ACME, "drop://acme/out/*.edi", "sftp://acme", 4, 11, 11, "'sftp://acme' is not complete"),
    (ACME, "contract: order v1", "contract: order v2", 8, 11, 8, "there is no contract 'order v2'"),
    (ACME, "contract: order v1", "contract: ordr v1", 8, 11, 7, "there is no contract 'ordr v1'"),
    (ACME, "owner: ", "parallel: x\nowner: ", 3, 1, 8, "'parallel' is not yet available in this version"),
    (ACME, "owner: ", "extends: standart\nowner: ", 3, 10, 8, "'standart' cannot be extended"),
    (ACME, "owner: ", "parallel: {with: x}\nowner: ", 3, 1, 8, "'parallel' is not yet available in this version"),
    (ACME, "owner: ", "ownr: ", 3, 1, 4, "unknown key 'ownr'"),
    (ACME, "owner:    orders-team\n", "", 1, 1, 11, "the integration lacks the key 'owner'"),
    (ACME, "answer:   997", "answer:   CONTRL", 7, 11, 6, "CONTRL does not answer x12 files"),
    (ACME, "answer:   997", "partner:  globex", 7, 11, 6, "the source is the folder of 'acme', not of 'globex'"),
    (ACME, "answer:   997", "partner:  nobody", 7, 11, 6, "there is no partner 'nobody'"),
    (ACME, "answer:   997", "key:      BEG03", 7, 1, 3, "'key' belongs to tables alone"),
    (ACME, "format:   x12 004010 850\n", "", 1, 1, 11, "the integration lacks the key 'format'"),
    (ACME, BUYER, "  buyr:          N1[BY].04\n  buyer: BEG01", 14, 3, 4, "order v1 has no field"),
    (ACME, "  ship_to.city:   N1[ST]/N4.01", "  ship_to.city: BEG01\n  ship_to.citi: BEG01", 17, 11, 4,
     "order v1 has no field 'ship_to.citi'"),
    (ACME, "  buyer:          N1[BY].04\n", "", 10, 1, 3, "nothing fills what order v1 requires: buyer"),
    (ACME, "    sku:          PO1 | pair('VP')\n    quantity:     PO102 | decimal\n", "", 18, 3, 10,
     "nothing fills what order v1 requires: sku, quantity"),
    (ACME, "  ship_to.gln:    N1[ST].04\n", "", 10, 1, 3, "nothing fills what order v1 requires: ship_to.gln"),
    (ACME, "  buyer:  ", "  number: 'x'\n  buyer:  ", 14, 3, 6, "'number' stands here a second time"),
    (ACME, "  ship_to.gln: ", "  ship_to: {gln: BEG01}\n  ship_to.gln: ", 16, 3, 11,
     "'ship_to.gln' is filled a second time"),
    (ACME, WANTED, "  wanted_on:      [a, b]", 17, 19, 6, "an expression is"),
    (ACME, WANTED, "  wanted_on:", 17, 3, 9, "'wanted_on' has no value"),
    (ACME, WANTED, "  wanted_on[DTM]: {a: b}", 17, 3, 9,
     "'wanted_on' is a single value, not a list"),
    (ACME, WANTED, "  wanted_on[x: y", 17, 3, 11, "'wanted_on[x' is not a field"),
    (ACME, BUYER, f"{BUYER}\n  ship_to: BEG01", 15, 3, 7, "'ship_to' is an object"),
    (ACME, "PO104 | decimal", "PO104 | | decimal", 23, 27, 1, ""),
    (ACME, "PO104 | decimal", "(PO104 | decimal", 23, 19, 1, "this parenthesis is not closed"),
    (ACME, "PO104 | decimal", "PO104 and 1", 23, 25, 3, "'and' is no operator"),
    (ACME, "lines[PO1]:", "lines[po1]:", 18, 9, 3, "'po1' names no segment"),
    (ACME, "  - count(lines) == CTT01", "  - count(lines) = CTT01", 27, 18, 1, "'=' is no operator"),
    (ACME, "  - count(lines) == CTT01", "  count(lines) == CTT01", 27, 3, 21, "checks are a list"),
    (ACME, "  - count(lines) == CTT01", "  - [a]", 27, 5, 3, "a check is an expression"),
    (ACME, "PO104 | decimal", "PO104 | decimel", 23, 27, 7, "there is no function 'decimel'"),
    (ACME, "PO104 | decimal", "PO104", 23, 19, 5, "price is decimal, not a text"),
    (ACME, "code(units)", "code(unit)", 22, 32, 4, "there is no code table 'unit'"),
    (ACME, "PO104 | decimal", "PO104 | decimal | optional", 23, 19, 26, "price is required"),
    (ACME, "N1[BY].04", "n1[BY].04", 14, 19, 9, "'n1[BY].04' names no segment"),
    (ACME, "count(lines)", "count(line)", 27, 11, 4, ""),
    (ACME, "format:   x12 004010 850", "format:   x12 004010 85O", 6, 22, 3, "'85O' is no version or message of x12"),
    (ACME, "format:   x12 004010 850", "format:   x21 004010 850", 6, 11, 3, "'x21' is no format"),
    (GLOBEX, "windows-1252 header", "windoze header", 6, 17, 7, "'windoze' is no delimiter"),
    (ERP, "table://erp/", "table://epr/", 4, 19, 3, "there is no connection 'epr'"),
    (ERP, "key:      KDNR\n", "", 4, 11, 26, "a table needs the key 'key'"),
    (ERP, "changes:  AENDTS every 30s\n", "", 4, 11, 26, "a table needs the key 'changes'"),
    (ERP, "key:      KDNR", "key:      KDNR\nformat: jsonl", 7, 9, 5, "the rows of a table have no format"),
    (GLOBEX, "accept:   rows", "accept:   row", 8, 11, 36, "'row, hold the file above 1% bad' does not say"),
    (GLOBEX, "Artikelnummer | strip", "#1", 11, 3, 3, "'sku' has no value"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "old", "new", "line", "column", "length", "message"), WRONG, ids=[case[6] or case[2] for case in WRONG]
)
def test_a_wrong_integration_is_refused_under_its_own_characters(
    path: str, old: str, new: str, line: int, column: int, length: int, message: str
) -> None:
    found = only(changed(path, old, new))
    assert (found.file, found.line, found.column) == (path, line, column), str(found)
    assert found.length == min(length, len(found.source) - column + 1), str(found)
    assert found.message.startswith(message)


def test_a_value_that_yaml_takes_for_a_comment_is_explained() -> None:
    found = only(changed(GLOBEX, "Artikelnummer | strip", "#1"))
    assert found.hint == "'#' begins a comment in YAML: quote the whole value with double quotes"
    found = only(changed(GLOBEX, "Artikelnummer | strip", "Artikelnummer & ' #' & Preis"))
    assert "begins a comment" in found.hint


def test_a_wrong_expression_is_shown_with_its_caret() -> None:
    found = only(changed(ACME, "PO104 | decimal", "PO104 || decimal"))
    assert str(found).splitlines() == [
        "integrations/acme-orders.yaml:23:25: '||' is no operator",
        "        price:        PO104 || decimal",
        "                            ^^",
        "    write any(a, b)",
    ]


def test_a_second_integration_for_a_contract_declares_its_precedence() -> None:
    second = ACME_ORDERS.replace("acme-orders", "globex-orders").replace("drop://acme", "drop://globex")
    both = {**FILES, "integrations/globex-orders.yaml": second}
    found = problems(both)
    assert [(problem.file, problem.line) for problem in found] == [(ACME, 8), ("integrations/globex-orders.yaml", 8)]
    assert found[0].message == "order v1 is filled by globex-orders too, and nothing says which of them wins"

    def ranked(first: str, other: str) -> dict[str, str]:
        return {
            **both,
            ACME: ACME_ORDERS.replace("answer:", f"precedence: {first}\nanswer:"),
            "integrations/globex-orders.yaml": second.replace("answer:", f"precedence: {other}\nanswer:"),
        }

    flows = parse(ranked("1", "2")).integrations
    assert (flows["acme-orders"].precedence, flows["globex-orders"].precedence) == (1, 2)
    assert only(ranked("1", "1")).message == "the precedence '1' is taken in order v1"


def test_with_a_key_per_partner_two_partners_need_no_precedence() -> None:
    second = ACME_ORDERS.replace("acme-orders", "globex-orders").replace("drop://acme", "drop://globex")
    files = changed("contracts/order.v1.yaml", "key: number", "key: number per partner")
    parse({**files, "integrations/globex-orders.yaml": second})
    without_map = second.partition("map:")[0]
    assert only({**files, "integrations/globex-orders.yaml": without_map}).message == (
        "the integration lacks the key 'map'"
    )


def test_an_integration_of_any_partner_is_not_apart_from_one_of_a_partner() -> None:
    second = ACME_ORDERS.replace("acme-orders", "all-orders").replace("drop://acme/out", "folder:inbox")
    files = changed("contracts/order.v1.yaml", "key: number", "key: number per partner")
    found = problems({**files, "integrations/all-orders.yaml": second})
    assert {problem.file for problem in found} == {ACME, "integrations/all-orders.yaml"}
    assert all("nothing says which of them wins" in problem.message for problem in found)


def test_an_optional_object_is_filled_whole_or_not_at_all() -> None:
    files = changed("contracts/order.v1.yaml", "  ship_to:", "  ship_to?:")
    files[ACME] = ACME_ORDERS.replace("  ship_to.gln:    N1[ST].04\n", "")
    assert only(files).message == "nothing fills what order v1 requires: ship_to.gln"
    files[ACME] = files[ACME].replace("  ship_to.city:   N1[ST]/N4.01\n", "")
    parse(files)


def test_a_key_per_partner_needs_a_partner_for_every_delivery() -> None:
    files = changed("contracts/customer.v3.yaml", "key: id", "key: id per partner")
    assert only(files).message == "customer v3 has a key per partner, but these deliveries have no partner"
    files[ERP] = FILES[ERP].replace("key: ", "partner: acme\nkey: ")
    assert parse(files).integrations["erp-customers"].partner == "acme"


def test_two_integrations_that_cannot_be_told_apart_are_refused() -> None:
    second = ACME_ORDERS.replace("integration: acme-orders", "integration: acme-more\nprecedence: 2")
    first = ACME_ORDERS.replace("answer:", "precedence: 1\nanswer:")
    found = only({**FILES, ACME: first, "integrations/z.yaml": second})
    assert (found.file, found.line) == ("integrations/z.yaml", 5)
    assert "is wanted by another integration already" in found.message


def test_an_integration_described_twice_is_told_with_both_places() -> None:
    files = {**FILES, "integrations/z.yaml": FILES[ERP].replace("KUNDEN", "KUNDEN2")}
    found = [problem for problem in problems(files) if "twice" in problem.message]
    assert [problem.message for problem in found] == ["the integration 'erp-customers' is described twice"]
    assert f"{ERP}:1:14" in found[0].hint


def test_a_mapping_is_checked_against_a_contract_that_has_another_problem() -> None:
    files = changed("contracts/order.v1.yaml", "date?", "dat?")
    files[ACME] = ACME_ORDERS.replace("  wanted_on: ", "  wnted_on: ")
    assert [(problem.file, problem.line) for problem in problems(files)] == [
        ("contracts/order.v1.yaml", 14),
        (ACME, 17),
    ]


def test_what_a_broken_file_describes_is_not_missed_as_well() -> None:
    files = {**FILES, "partners/acme.yaml": "partner: [acme\n", "contracts/invoice.v1.yaml": "contract: 'invoice v1\n"}
    assert {problem.file for problem in problems(files)} == {"partners/acme.yaml", "contracts/invoice.v1.yaml"}


def test_names_of_columns_want_a_header_or_a_layout() -> None:
    found = problems(changed(GLOBEX, "csv ; windows-1252 header", "csv ; windows-1252"))
    assert [(each.line, each.column, each.message) for each in found][:2] == [
        (11, 15, "there is no column 'Artikelnummer'"),
        (12, 15, "there is no column 'Preis'"),
    ]
    assert {each.hint for each in found} == {
        "the file has no header: write #1 for its first column; if it has one, add the word header to format"
    }
    stored = parse(changed(GLOBEX, "csv ; windows-1252 header", "csv ; windows-1252"), applied=True)
    assert "globex-prices" in stored.integrations, "a revision that was applied before goes on"
    text = FILES[GLOBEX].replace("csv ; windows-1252 header", "csv ; windows-1252")
    for number, name in enumerate(("Artikelnummer", "Preis", "gültig ab", "Warengruppe"), 1):
        text = text.replace(f" {name} |", f' "#{number} |')
    text = "\n".join(line + '"' if ' "#' in line and not line.endswith('"') else line for line in text.splitlines())
    assert parse(FILES | {GLOBEX: text}).integrations["globex-prices"]
