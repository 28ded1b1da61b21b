"""Which integration wants a document, and what is said when none does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edi import x12
from edi.findings import Finding as FileFinding
from edi.model import Envelope
from gateway.model import Delivery, DeliveryState, Finding
from gateway.routing import Flow, Routes, Unfit, of_its_kind, unwanted_file
from gateway.workspace.loader import load
from tests.acceptance.workspaces import make, sample

X12 = Envelope("x12", "850", "004010", "ZZ:ACME", columns=())
EDIFACT = Envelope("edifact", "ORDERS", "D96A", "14:5412345000013")
COLUMNS = ("Artikelnummer", "Bezeichnung", "Preis", "gültig ab", "Warengruppe")
DELIVERY = Delivery(
    "d_1", 1, DeliveryState.RECEIVED, "drop://acme", "a.edi", "acme", None, "0" * 64, 10, datetime.now(UTC)
)


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Routes:
    return Routes(load(make(tmp_path_factory.mktemp("workspace"))))


def flow_of(routes: Routes, envelope: Envelope, *names: str, partner: str | None = None) -> Flow | Unfit | Finding:
    known = routes.configuration.integrations
    return routes.route([known[name] for name in names], envelope, delivery_partner=partner)


@pytest.mark.parametrize(
    ("source", "name", "integration", "wanted"),
    [
        ("drop://acme", "a.edi", None, ["acme-orders"]),
        ("drop://acme", "a.EDI", None, []),
        ("drop://acme", "a.txt", None, []),
        ("drop://globex", "a.edi", None, []),
        ("drop://nobody", "a.edi", None, []),
        ("http:", "whatever", "globex-prices", ["globex-prices"]),
        ("http:", "whatever", "no-more", []),
    ],
)
def test_candidates_are_those_whose_source_matches(
    routes: Routes, source: str, name: str, integration: str | None, wanted: list[str]
) -> None:
    delivery = replace(DELIVERY, source=source, name=name, integration=integration)
    assert [each.name for each in routes.candidates(delivery)] == wanted


def test_a_document_goes_to_the_integration_of_its_format_message_and_sender(routes: Routes) -> None:
    both = ("acme-orders", "northwind-orders")
    for envelope, name, partner in ((X12, "acme-orders", "acme"), (EDIFACT, "northwind-orders", "northwind")):
        flow = flow_of(routes, envelope, *both)
        assert isinstance(flow, Flow)
        assert (flow.integration.name, flow.partner, flow.contract_id) == (name, partner, "order.v1")
    assert isinstance(flow_of(routes, X12._replace(version="004010VICS"), "acme-orders"), Flow)
    assert flow_of(routes, X12, "acme-orders") is not None


@pytest.mark.parametrize(
    ("envelope", "code", "message", "remedy"),
    [
        (X12._replace(message="855"), "route.unwanted_message",
         "855 from ZZ:ACME; there is acme-orders (x12 004010 850)", "format: x12 004010 855"),
        (X12._replace(version="005010"), "route.unwanted_message", "takes x12 005010 850", "format: x12 005010 850"),
        (EDIFACT, "route.unwanted_message", "takes edifact D96A ORDERS", "format: edifact D96A ORDERS"),
        (X12._replace(sender="ZZ:EVIL"), "route.unknown_partner", "the sender ZZ:EVIL is not a known identifier",
         "partners/acme.yaml"),
        (X12._replace(sender="01:ACME"), "route.unknown_partner", "the sender 01:ACME", "add isa: 01:ACME"),
    ],
)  # fmt: skip
def test_a_document_that_nothing_wants_is_told_with_what_would_have_to_be_said(
    routes: Routes, envelope: Envelope, code: str, message: str, remedy: str
) -> None:
    finding = flow_of(routes, envelope, "acme-orders")
    assert isinstance(finding, Finding)
    assert (finding.code, finding.severity) == (code, "error")
    assert message in finding.message
    assert remedy in finding.remedy


def test_an_interchange_for_somebody_else_is_told_where_it_is_said_who_we_are(routes: Routes) -> None:
    said = replace(routes.configuration.settings, identifiers=(("isa", ("ZZ:US", "01:123456789")),))
    ours = Routes(replace(routes.configuration, settings=said))
    for receiver in ("ZZ:US", "01:123456789"):
        assert isinstance(flow_of(ours, X12._replace(receiver=receiver), "acme-orders"), Flow)
    found = flow_of(ours, X12._replace(receiver="01:US"), "acme-orders")
    assert isinstance(found, Finding)
    assert (found.code, found.value) == ("route.other_receiver", "01:US")
    assert "the interchange is for 01:US, and we are ZZ:US and 01:123456789" in found.message
    assert "add isa: 01:US to the identifiers in gateway.yaml, apply, and retry" in found.remedy
    assert isinstance(
        flow_of(ours, EDIFACT._replace(receiver="14:9"), "northwind-orders"), Flow
    )  # of UNB nothing is said
    table = flow_of(ours, Envelope("csv", columns=COLUMNS), "globex-prices", partner="globex")
    assert isinstance(table, Flow)


def test_columns_that_do_not_fit_are_a_finding_and_are_compiled_once(routes: Routes) -> None:
    good = Envelope("csv", columns=COLUMNS)
    first, again = (flow_of(routes, good, "globex-prices", partner="globex") for _ in range(2))
    assert isinstance(first, Flow)
    assert isinstance(again, Flow)
    assert first.mapper is again.mapper
    assert first.judge is again.judge

    unfit = flow_of(routes, good._replace(columns=("Artikelnummer", "Prise")), "globex-prices")
    assert isinstance(unfit, Unfit)
    assert (unfit.integration.name, unfit.contract_id) == ("globex-prices", "price.v2")
    assert unfit.finding.code == "mapping.unusable"
    assert "there is no column 'Preis'; did you mean 'Prise'?" in unfit.finding.message
    assert "integrations/globex-prices.yaml:" in unfit.finding.remedy


def test_of_several_formats_the_one_that_the_bytes_look_like_is_read(routes: Routes) -> None:
    known = routes.configuration.integrations
    all_of_them = [known[name] for name in ("globex-prices", "acme-orders", "initech-invoices")]
    assert routes.reader_of(all_of_them, b"ISA*00*")[0] == "x12"
    assert routes.reader_of(all_of_them, b"<Invoice>")[0] == "xml"
    assert routes.reader_of(all_of_them, b"\x00\x01")[0] == "csv"
    name, options = routes.reader_of([known["globex-prices"]], b"ISA*00*")
    assert (name, options["delimiter"], options["encoding"]) == ("csv", ";", "windows-1252")
    assert routes.reader_of([known["acme-orders"]], b"")[1]["version"] == "004010"


def test_a_file_that_nobody_wants_says_what_it_looks_like() -> None:
    finding = unwanted_file(DELIVERY, b"ISA*00*          *00*")
    assert "wanted by nobody; it looks like x12" in finding.message
    assert (finding.start, finding.end) == (0, 10)
    named = unwanted_file(replace(DELIVERY, integration="gone"), b"?")
    assert "the integration gone, which does not exist" in named.message


@pytest.mark.parametrize(
    ("partner", "delivery", "remedy"),
    [
        (None, "d_1", "otherwise if it is a new partner: gateway partner add NAME --from d_1, apply, and retry."),
        ("acme", "d_1", "ask acme why; if it is a new partner: gateway partner add NAME --from d_1, which says what"),
        (None, "t_1", "gateway partner add NAME --from FILE, apply"),
        ("acme", None, "otherwise ask acme why."),
    ],
)
def test_a_sender_whom_nobody_knows_can_be_made_a_partner(
    routes: Routes, partner: str | None, delivery: str | None, remedy: str
) -> None:
    known = routes.configuration.integrations["acme-orders"]
    shared = replace(known, partner=None)
    found = routes.route([shared], X12._replace(sender="ZZ:EVIL"), delivery_partner=partner, delivery_id=delivery)
    assert isinstance(found, Finding)
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("raw", "expected", "codes"),
    [
        pytest.param(b"UNA:+.? '\nUNB+UNOC:3+A+B+261121:0900+1'UNZ+0+1'", ["x12"], ["file.kind"], id="EDIFACT"),
        pytest.param(b"UNA:+.? '\nx", ["x12", "edifact"], ["envelope.junk", "envelope.none"], id="one that is agreed"),
        pytest.param(b"GS*PO*ACME, INC*B~", ["x12"], ["envelope.junk", "envelope.none"], id="a comma makes no table"),
        pytest.param(b"\n", ["x12"], ["envelope.none"], id="nothing to tell it by"),
        pytest.param(b"", ["x12"], ["file.empty"], id="no bytes"),
    ],
)
def test_a_file_of_another_kind_is_told_as_what_it_is_and_any_other_as_the_reader_does(
    raw: bytes, expected: list[str], codes: list[str]
) -> None:
    found = [each for each in of_its_kind(x12.read([raw], {}), raw, expected) if isinstance(each, FileFinding)]
    assert [each.code for each in found] == codes
    if codes == ["file.kind"]:
        assert found[0].message == "the file is EDIFACT, and X12 was expected; it says edifact"
        assert (found[0].position.start, found[0].position.line) == (0, 1)


def test_what_stands_before_an_interchange_is_told_beside_it() -> None:
    raw = b"<html></html>" + sample("acme-orders.edi")
    items = list(of_its_kind(x12.read([raw], {}), raw, ["x12"]))
    assert items == list(x12.read([raw], {}))
    assert [each.code for each in items if isinstance(each, FileFinding)] == ["envelope.junk"]
