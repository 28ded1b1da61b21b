"""Layouts of positional records as files: named by integrations, checked where they stand, and mapped by column."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from edi.formats import FORMATS
from edi.model import Document
from gateway.normalize.compiler import compile_mapping
from gateway.workspace.loader import load, parse
from tests.gateway.workspace.workspaces import FILES, only, problems

if TYPE_CHECKING:
    from pathlib import Path

PATH = "integrations/stock-prices.yaml"
LAYOUT = "layouts/prices.txt"
PRICES = """\
integration: stock-prices
about:    Prices as the mainframe unloads them
owner:    pricing-team
source:   drop://globex/unload/*.dat
format:   fixed layout=prices cp037 message=PRICE-DATA by=KIND types=H:HEAD,P:PRICE-DATA
contract: price v2
precedence: 2

map:
  sku:        SKU
  price:      PRICE-NET | decimal
  currency:   'EUR'
  valid_from: VALID-FROM | date('yyyymmdd')
  group:      '7'
"""
COPYBOOK = """\
       01  PRICES.
           05  KIND            PIC X.
           05  HEAD.
               10  RUN-NO      PIC 9(8).
               10  FILLER      PIC X(12).
           05  PRICE-DATA REDEFINES HEAD.
               10  SKU         PIC X(8).
               10  PRICE-NET   PIC S9(5)V99 COMP-3.
               10  VALID-FROM  PIC 9(8).
"""


def workspace(layout: str = COPYBOOK, flow: str = PRICES) -> dict[str, str]:
    """The samples with one integration more, and the layout that it names."""
    other = "integrations/globex-prices.yaml"
    globex = FILES[other].replace("accept:", "precedence: 1\naccept:")
    return {**FILES, other: globex, PATH: flow, LAYOUT: layout}


def test_a_layout_is_named_by_an_integration_and_belongs_to_the_revision(tmp_path: Path) -> None:
    files = workspace()
    configuration = parse(files)
    assert configuration.files[LAYOUT] == COPYBOOK
    declared = configuration.integrations["stock-prices"].format
    assert (declared.name, declared.message) == ("fixed", "PRICE-DATA")
    assert dict(declared.options)["layout"] == COPYBOOK
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert load(tmp_path) == configuration


def test_a_record_is_mapped_by_the_names_of_its_columns() -> None:
    configuration = parse(workspace())
    flow = configuration.integrations["stock-prices"]
    data = b"H00000007".ljust(21).decode().encode("cp037")
    data += "PA-1     ".encode("cp037") + bytes.fromhex("0001299d") + "20260301".encode("cp037")
    found = list(FORMATS["fixed"].read([data], dict(flow.format.options)))
    head, price = (item for item in found if isinstance(item, Document))
    assert (head.envelope.message, price.envelope.message) == ("HEAD", "PRICE-DATA")
    contract = configuration.contract_of(flow)
    mapper = compile_mapping(flow, contract, columns=price.envelope.columns, codes=configuration.codes)
    record, faults = mapper(price)
    assert not faults
    assert (record["sku"], record["price"], str(record["valid_from"])) == ("A-1", Decimal("-12.99"), "2026-03-01")


@pytest.mark.parametrize(
    ("layout", "flow", "file", "line", "column", "message"),
    [
        (COPYBOOK.replace("COMP-3", "COMP-1"), PRICES, LAYOUT, 8, 45, "COMP-1 is a floating point number"),
        (COPYBOOK.replace("X(8)", "X(8"), PRICES, LAYOUT, 7, 36, "is no picture"),
        ("sku 1-8\nprice 9\nname", PRICES, LAYOUT, 3, 1, "'name' is no column"),
        ("", PRICES, LAYOUT, 1, 1, "the layout has no columns"),
        (COPYBOOK, PRICES.replace("layout=prices", "layout=price"), PATH, 5, 17, "there is no layout 'price'"),
        (COPYBOOK, PRICES.replace(" by=KIND", " by=KNID"), PATH, 5, 64, "the column 'KNID' does not stand"),
        (COPYBOOK, PRICES.replace(" cp037", " cp38"), PATH, 5, 31, "'cp38' is no encoding"),
        (COPYBOOK, PRICES.replace("PRICE-NET", "PRICE-NETT"), PATH, 11, 15, "there is no column 'PRICE-NETT'"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(
    layout: str, flow: str, file: str, line: int, column: int, message: str
) -> None:
    problem = only(workspace(layout, flow))
    assert (problem.file, problem.line, problem.column) == (file, line, column)
    assert message in problem.message


def test_a_layout_of_another_ending_is_told_what_it_is_to_be_called() -> None:
    (problem,) = problems({**FILES, "layouts/orders.cpy": COPYBOOK})
    assert (problem.file, problem.hint) == ("layouts/orders.cpy", "files of this folder are called layouts/*.txt")
