"""Shipped contracts and mappings: every sample gives the records that it stands for, and every path leads somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from edi.formats import FORMATS
from edi.model import Document
from edi.paths import SegmentPath, parse_path
from edi.segmented.guides import find
from gateway.integrations import MapField, MapLoop
from gateway.normalize.compiler import compile_mapping
from gateway.normalize.evidence import source_of
from gateway.workspace.loader import ConfigurationProblems, parse
from gateway.workspace.shelf import shipped
from tests.gateway.workspace.standards import EIGHT_LINES, PARTNER, Sample, records, samples, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.guides import Slot
    from gateway.contracts import Field

RELEASES = {"x12": ("004010", "005010"), "edifact": ("D96A", "D01B")}
RELEASE = re.compile("-(004010|005010[A-Z0-9]*|D96A|D01B)-")
ALIKE = ("order.v1/x12-004010-850", "shipment-notice.v1/x12-004010-856", "invoice.v1/edifact-D96A-INVOIC")
"""Samples that are read in two releases; that the others' paths lead somewhere in both is seen in the guides alone."""
MAPPINGS = [path for path in shipped() if path.startswith("standard/mappings/")]


def name_of(sample: Sample) -> str:
    return f"{sample.path.parent.name}/{sample.path.stem}"


@pytest.mark.parametrize("sample", samples(), ids=name_of)
def test_a_sample_gives_its_records(sample: Sample) -> None:
    assert records(workspace(sample.contract, sample.form), sample.path.read_bytes()) == sample.expected


@pytest.mark.parametrize("sample", [each for each in samples() if name_of(each) in ALIKE], ids=name_of)
def test_the_next_release_gives_the_same_records(sample: Sample) -> None:
    form, raw = sample.in_release(RELEASES[sample.form.split()[0]][1])
    assert records(workspace(sample.contract, form), raw) == sample.expected


def test_every_mapping_has_a_sample_and_every_contract_a_mapping() -> None:
    assert {_mapping_of(each) for each in samples()} == set(MAPPINGS)
    contracts = {path.rpartition("/")[2].removesuffix(".yaml") for path in shipped() if "/contracts/" in path}
    assert contracts == {path.split("/")[2] for path in MAPPINGS}


def _mapping_of(sample: Sample) -> str:
    stem, folder = sample.path.stem.partition("~")[0], f"standard/mappings/{sample.path.parent.name}"
    plain, release = RELEASE.sub("-", stem), RELEASE.search(stem)
    own = f"{folder}/{plain}.{release[1][:6]}.yaml" if release else ""
    return own if own in MAPPINGS else f"{folder}/{plain}.yaml"


DIFFER = {
    "N9 > MSG01": "004010",
    "N9 > MTX02": "005010",
    "//LIN > //QTY[1,113] > SCC01": "D96A",
    "//LIN > //QTY[1,113] > ^SCC01": "D01B",
    "//LIN > ^NAD02.01": "D96A",
    "//LIN > ^GIS/NAD02.01": "D01B",
}
"""Paths that lead somewhere in one release only: the mapping names both ways."""


@pytest.mark.parametrize("path", [path for path in MAPPINGS if "/xml-" not in path])
def test_every_path_leads_to_a_place_of_the_guides(path: str) -> None:
    _, _, folder, name = path.split("/")
    stem, _, own = name.removesuffix(".yaml").partition(".")
    format_name, message = stem.split("-")
    releases = [own] if own else [each for each in RELEASES[format_name] if f"{path[:-5]}.{each}.yaml" not in MAPPINGS]
    configuration = workspace(folder.replace(".v", " v"), f"{format_name} {releases[0]} {message}")
    flow = configuration.integrations["acme-flow"]
    mapper = compile_mapping(flow, configuration.contract_of(flow), codes=configuration.codes)
    astray = []
    for release in releases:
        guide = find(format_name, message, release)
        assert guide is not None
        for lineage in mapper.lineage.values():
            for each in lineage.paths:
                written = " > ".join((*lineage.loops, each))
                found = _leads([(guide.root,)], [*lineage.loops, each], format_name)
                if found != (DIFFER.get(written, release) == release):
                    astray.append(f"{lineage.place} in {release}: {written}")
    assert astray == []


def _leads(places: list[tuple[Slot, ...]], paths: list[str], format_name: str) -> bool:
    for text in paths:
        path = parse_path(format_name, text)
        assert isinstance(path, SegmentPath)
        for step in path.steps:
            found = []
            for place in places:
                if step.around:
                    found += [place[:depth] for depth in range(1, len(place) + 1) if place[depth - 1].tag == step.tag]
                elif step.deep:
                    found += [each for each in _deep(place) if each[-1].tag == step.tag]
                else:
                    found += [each for each in _children(place) if each[-1].tag == step.tag]
                    if step is path.steps[-1] and place[-1].tag == step.tag:
                        found.append(place)
            places = found
    return bool(places)


def _children(place: tuple[Slot, ...]) -> list[tuple[Slot, ...]]:
    nested = [(*place, place[-1])] if place[-1].tag == "HL" and sum(slot.tag == "HL" for slot in place) < 5 else []
    return [*((*place, child) for child in place[-1].children), *nested]


def _deep(place: tuple[Slot, ...]) -> list[tuple[Slot, ...]]:
    children = _children(place)
    return [*children, *(each for child in children for each in _deep(child))]


def test_lines_are_laid_over_the_standard_mapping() -> None:
    more = """
extends: standard
map:
  contract_number: ''
  buyer.id:        N1[BY].02
  lines[PO1]:
    seller_sku:    PO1 | pair('UP')
"""
    flow = workspace("order v1", "x12 004010 850", more).integrations["acme-flow"]
    plain = workspace("order v1", "x12 004010 850").integrations["acme-flow"]
    (sample,) = [each for each in samples() if each.form == "x12 004010 850"]
    first, second = records(workspace("order v1", "x12 004010 850", more), sample.path.read_bytes())
    expected = sample.expected
    del expected[0]["contract_number"]
    expected[0]["buyer"]["id"] = "Acme Stores Inc"
    expected[0]["lines"][0]["seller_sku"] = "036000291452"
    del expected[0]["lines"][1]["seller_sku"]
    del expected[1]["lines"][0]["seller_sku"]
    assert [first, second] == expected
    assert [line.target for line in flow.fields] == [line.target for line in plain.fields]


def test_a_loop_with_another_path_takes_the_place_of_the_standard_one() -> None:
    more = "extends: standard\nmap:\n  lines[SPI]:\n    quantity: '1'\n"
    with pytest.raises(ConfigurationProblems, match="quantity is decimal, not a text"):
        workspace("order v1", "x12 004010 850", more)
    more = more.replace("'1'", "1 / 1")
    flow = workspace("order v1", "x12 004010 850", more).integrations["acme-flow"]
    (lines,) = [line for line in flow.fields if line.target == "lines"]
    assert isinstance(lines, MapLoop)
    assert [line.target for line in lines.fields] == ["quantity"]


def test_a_revision_holds_the_texts_that_it_uses_and_is_read_from_them() -> None:
    configuration = workspace("order v1", "x12 004010 850")
    own = {"gateway.yaml", "partners/acme.yaml", "integrations/acme-flow.yaml"}
    assert configuration.files.keys() - own == {
        "standard/contracts/order.v1.yaml",
        "standard/mappings/order.v1/x12-850.yaml",
        "standard/codes/X12-353.csv",
        "standard/codes/X12-66.csv",
    }
    assert parse(configuration.files) == configuration
    older = dict(configuration.files)
    path = "standard/mappings/order.v1/x12-850.yaml"
    older[path] = older[path].replace("BEG02\n", "BEG01\n")
    older["standard/codes/X12-353.csv"] += "ZZ,other,Other\n"
    then = parse(older)
    assert then.revision != configuration.revision
    assert then.files == older
    (line,) = [line for line in then.integrations["acme-flow"].fields if line.target == "type"]
    assert isinstance(line, MapField)
    assert line.expression.text == "BEG01"
    assert then.codes["X12-353"].mapping["ZZ"] == "other"


def test_a_shipped_contract_belongs_to_whom_its_integration_belongs() -> None:
    contract = workspace("order v1", "x12 004010 850").contracts["order.v1"]
    assert (contract.owner, contract.collection, contract.per_partner) == ("someone", "orders", True)


OWN = """\
contract: order v1
about: Ours
owner: someone
key: number
fields:
  number: text
"""


def told(form: str, contract: str, more: str = "", **files: str) -> str:
    text = EIGHT_LINES.format(form=form, contract=contract) + more
    with pytest.raises(ConfigurationProblems) as caught:
        parse({"gateway.yaml": "", "partners/acme.yaml": PARTNER, "integrations/acme-flow.yaml": text, **files})
    (problem,) = caught.value.problems
    return f"{problem.line}:{problem.column} {problem.message}; {problem.hint}"


def test_a_contract_of_the_workspace_wins_and_has_no_standard_mapping() -> None:
    own = {"contracts/order.v1.yaml": OWN}
    assert told("x12 004010 850", "order v1", **own).startswith("1:1 the integration lacks the key 'map'; ")
    assert told("x12 004010 850", "order v1", "extends: standard\nmap:\n  number: BEG03\n", **own).startswith(
        "7:10 order v1 is a contract of this workspace, and only shipped ones have standard mappings"
    )
    text = EIGHT_LINES.format(form="x12 004010 850", contract="order v1") + "map:\n  number: BEG03\n"
    found = parse({"gateway.yaml": "", "partners/acme.yaml": PARTNER, "integrations/a.yaml": text, **own})
    assert [field.name for field in found.contracts["order.v1"].fields] == ["number"]
    assert not any(path.startswith("standard/") for path in found.files)


def test_what_is_said_where_there_is_none() -> None:
    assert told("x12 004010 997", "order v1").startswith(
        "6:11 there is no standard mapping from x12 997 to order v1; there is one from edifact ORDERS, x12 850, "
        "xml ubl:Order; say what fills each field"
    )
    assert told("csv ; header", "order v1").startswith("6:11 there is no standard mapping from csv to order v1")
    assert "name the message in format" in told("x12 004010", "order v1")
    assert told("x12 004010 850", "ordr v1").startswith("6:11 there is no contract 'ordr v1'; did you mean 'order v1'?")


def test_another_collection_of_the_same_name_is_refused() -> None:
    own = OWN.replace("order v1", "purchase-order v1").replace("key:", "collection: orders\nkey:")
    files = {"contracts/purchase-order.v1.yaml": own}
    assert "the collection 'orders' belongs to order.v1 already" in told("x12 004010 850", "order v1", **files)


FOUND_AGAIN = (
    "shipment-notice.v1/x12-004010-856",
    "shipment-notice.v1/edifact-D96A-DESADV",
    "claim-batch.v1/x12-005010X222A1-837",
    "claim-payment.v1/x12-005010X221A1-835",
)


@pytest.mark.parametrize("sample", [each for each in samples() if name_of(each) in FOUND_AGAIN], ids=name_of)
def test_every_plain_value_is_found_again_in_the_bytes(sample: Sample) -> None:
    """Also in nested levels, in groups of elements, and around the place where a path is read."""
    configuration, raw = workspace(sample.contract, sample.form), sample.path.read_bytes()
    flow = configuration.integrations["acme-flow"]
    mapper = compile_mapping(flow, configuration.contract_of(flow), codes=configuration.codes)
    form = FORMATS[flow.format.name]
    seen = 0
    for item in form.read(iter([raw]), {}):
        assert isinstance(item, Document)
        for target, value in _leaves(mapper(item)[0], ""):
            lineage = mapper.lineage_of(target)
            if lineage is None or len(lineage.paths) != 1 or lineage.functions:
                continue
            source = source_of(mapper, target)
            assert source is not None, target
            position = form.locate(raw[item.start : item.end], item.envelope, *source)
            assert position is not None, target
            assert raw[item.start + position.start : item.start + position.end].decode() == value, target
            seen += 1
    assert seen > 20


def _leaves(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{pointer}/{index}")
    else:
        yield pointer, value


@pytest.mark.parametrize("name", sorted({path.split("/")[2] for path in MAPPINGS}))
def test_every_field_of_a_contract_is_filled_by_some_mapping(name: str) -> None:
    filled: set[str] = set()
    for sample in samples():
        if sample.path.parent.name == name:
            configuration = workspace(sample.contract, sample.form)
            flow = configuration.integrations["acme-flow"]
            contract = configuration.contract_of(flow)
            filled |= set(compile_mapping(flow, contract, codes=configuration.codes).lineage)
    assert set(_scalars(contract.fields, "")) - filled == set()


def _scalars(fields: tuple[Field, ...], prefix: str) -> Iterator[str]:
    for field in fields:
        path = f"{prefix}/{field.name}"
        if field.fields:
            yield from _scalars(field.fields, path + "/*" * (field.type == "list"))
        else:
            yield path
