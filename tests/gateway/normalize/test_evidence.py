"""From a target back to the path and the loops that a reader's `locate` takes."""

from __future__ import annotations

from edi.paths import ElementPath, ElementStep, SegmentPath, SegmentStep
from gateway.contracts import Field
from gateway.normalize.compiler import compile_mapping
from gateway.normalize.evidence import source_of, sources_of
from tests.gateway.normalize.builders import ACME_ORDERS, CODES, ORDER, contract, integration, loose


def path(tag: str, qualifier: str | None = None, element: int | None = None) -> SegmentPath:
    return SegmentPath((SegmentStep(tag, qualifier, element),))


def test_a_target_leads_to_its_path_and_its_loops() -> None:
    mapper = compile_mapping(integration("x12", ACME_ORDERS), ORDER, codes=CODES)
    assert source_of(mapper, "/number") == (path("BEG", element=3), ())
    assert source_of(mapper, "/lines/2/price") == (path("PO1", element=4), ((path("PO1"), 2),))
    assert source_of(mapper, "/ship_to/city") == (
        SegmentPath((SegmentStep("N1", "ST"), SegmentStep("N4", None, 1))),
        (),
    )
    assert source_of(mapper, "/lines") == (path("PO1"), ())


def test_a_constant_and_an_unknown_target_have_no_source() -> None:
    mapper = compile_mapping(integration("x12", {"a": "'x'", "b": '"y"'}), contract(*loose("a", "b", "c")))
    assert [source_of(mapper, target) for target in ("/a", "/b", "/c", "")] == [None] * 4


def test_the_path_of_a_fault_wins_over_the_first() -> None:
    mapper = compile_mapping(integration("x12", {"a": "BEG03 ?? BEG04"}), contract(*loose("a")))
    assert source_of(mapper, "/a") == (path("BEG", element=3), ())
    assert source_of(mapper, "/a", "BEG04") == (path("BEG", element=4), ())
    assert source_of(mapper, "", "CTT01") == (path("CTT", element=1), ())
    assert [found[0] for found in sources_of(mapper, "/a")] == [path("BEG", element=3), path("BEG", element=4)]


def test_loops_of_loops_keep_their_order() -> None:
    taxes = Field("taxes", "list", required=False, fields=loose("rate"))
    record_type = contract(Field("lines", "list", required=False, fields=(taxes,)))
    mapper = compile_mapping(
        integration("xml", {"lines[a/b]": {"taxes[t]": {"rate": "@r"}}}),
        record_type,
    )
    assert source_of(mapper, "/lines/3/taxes/1/rate") == (
        ElementPath((), "r"),
        ((ElementPath((ElementStep("a"), ElementStep("b"))), 3), (ElementPath((ElementStep("t"),)), 1)),
    )
