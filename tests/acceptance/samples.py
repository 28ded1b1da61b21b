"""Every sample there is, as a delivery: the demo's, the bad ones, and the whole corpus."""

from __future__ import annotations

import io
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from edi import positional
from edi.formats import parse_format
from gateway.model import Arrived
from gateway.operate import wiring
from gateway.workspace.loader import load
from tests.acceptance.test_bad_input import CASES, NAMES
from tests.acceptance.workspaces import sample
from tests.edi.corpus import CORPUS, LAYOUTS, declared
from tests.faults.scenes import ALL
from tests.gateway.workspace.standards import SAMPLES as STANDARDS
from tests.gateway.workspace.standards import Sample as Standard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place

OURS = ("order v1", "invoice v1")
"""Contracts that the demo's workspace describes itself."""
PIECE = """\
contract: piece v1
about: Whatever a file is made of.
owner: finance
key: number
fields:
  number: text 1..200
"""
FLOW = """\
integration: {name}
about: A sample of the corpus.
owner: finance
partner: acme
source: folder:{name}/*
format: {form}
contract: {contract}
precedence: {precedence}
"""


class Sample(NamedTuple):
    """A file, and as what it comes."""

    name: str
    content: bytes
    arrived: Arrived


def landed(place: Place) -> list[tuple[Sample, str]]:
    """Land every sample, with the integrations that they want; each with the id of its delivery."""
    # Any sender may be acme or northwind here: that opens the way to the findings behind routing.
    for partner, standard in (("acme", "isa: ZZ:ACME"), ("northwind", "unb: 14:5412345000013")):
        path = place.folder / "partners" / f"{partner}.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace(f"identifiers:\n  {standard}\n", ""), encoding="utf-8")
    samples = [*_dropped(), *_of_integrations(place.folder)]
    assert wiring.apply(place.gateway, load(place.folder))
    return [(each, place.gateway.receiver.land(each.arrived, io.BytesIO(each.content)).id) for each in samples]


def _dropped() -> Iterator[Sample]:
    """What partners of the demo drop."""
    files = [(name, case.content, case.source) for name, case in CASES.items()]
    files += [("northwind-orders.edi", sample("northwind-orders.edi"), "northwind")]
    files += [("initech-invoice.xml", sample("initech-invoice.xml"), "initech")]
    for kind, source in (("x12", "acme"), ("edifact", "northwind"), ("csv", "globex"), ("xml", "initech")):
        paths = sorted(path for path in (CORPUS / kind).iterdir() if path.suffix in (".edi", ".csv", ".xml"))
        files += [(path.name, path.read_bytes(), source) for path in paths]
    for name, content, source in files:
        yield Sample(name, content, Arrived(f"drop://{source}", NAMES[source], source))


def _of_integrations(folder: Path) -> Iterator[Sample]:
    """What has an integration of its own, which is written into the workspace."""
    (folder / "layouts").mkdir(exist_ok=True)
    for name, text in LAYOUTS.items():
        (folder / "layouts" / f"{name}.txt").write_text(text, encoding="utf-8")
    (folder / "contracts" / "piece.v1.yaml").write_text(PIECE, encoding="utf-8")
    numbers = count(1)
    standards = sorted(each for each in STANDARDS.rglob("*.*") if each.suffix in (".edi", ".xml"))
    for path in standards if ALL else standards[::8]:  # to read a guide for the first time takes half a second
        standard = Standard(path)
        if standard.contract not in OURS:
            yield _own(folder, path, standard.form, standard.contract, "", next(numbers))
    for kind in ("json", "jsonl", "positional"):
        for path in sorted(each for each in (CORPUS / kind).iterdir() if each.suffix != ".json"):
            form = declared(path)
            _, _, message, options = parse_format(form, LAYOUTS)
            columns = (positional.columns_of(dict(options), message) if kind == "positional" else None) or ("number",)
            yield _own(folder, path, form, "piece v1", f'map:\n  number: "`{columns[0]}` | strip"\n', next(numbers))


def _own(folder: Path, path: Path, form: str, contract: str, more: str, number: int) -> Sample:
    name = f"sample-{number}"
    flow = FLOW.format(name=name, form=form, contract=contract, precedence=number)
    (folder / "integrations" / f"{name}.yaml").write_text(flow + more, encoding="utf-8")
    arrived = Arrived(f"folder:{name}", path.name, "acme")
    return Sample(f"{path.parent.name}/{path.name}", path.read_bytes(), arrived)
