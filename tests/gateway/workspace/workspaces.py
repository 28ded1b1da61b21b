"""Workspaces for tests: the four samples of the documentation with what they need, and ways to break them."""

from __future__ import annotations

import textwrap

import pytest

from gateway.workspace.loader import ConfigurationProblems, Problem, parse

ORDER = """\
contract: order v1
about: A purchase order as the ERP understands it
owner: orders-team
key: number
keep: 7y
fields:
  number:      text 1..22        # unique per buyer
  ordered_on:  date
  currency:    code ISO-4217
  buyer:       gln
  ship_to:
    gln:       gln
    city:      text, pii
  wanted_on:   date?
  lines[1..]:
    line:      int 1..
    sku:       text /[A-Z0-9-]+/
    quantity:  decimal > 0
    unit:      code units
    price:     decimal(12,4) >= 0
    text:      text 0..80 ?
rules:
  - wanted_on >= ordered_on : the order wants delivery before it was placed
"""

PRICE = """\
contract: price v2
about: A price of an article
owner: pricing-team
key: sku, valid_from
fields:
  sku: text 1..20
  price: decimal >= 0
  currency: code ISO-4217
  valid_from: date
  group: code product-groups, filter
"""

INVOICE = """\
contract: invoice v1
about: An invoice
owner: finance
key: number
fields:
  number: text
  issued_on: date
  currency: code ISO-4217
  net: decimal
  lines[1..]:
    line: text
    quantity: decimal
    unit: text
    amount: decimal
"""

CUSTOMER = """\
contract: customer v3
about: A customer
owner: erp-team
key: id
fields:
  id: text
  name: text
  status: code customer-status
  credit: decimal
  email: text?
  since: date?
"""

ACME_ORDERS = """\
integration: acme-orders
about:    Purchase orders from Acme's buying system
owner:    orders-team
source:   drop://acme/out/*.edi
expect:   every 1h, Mon-Fri 08:00-18:00 America/New_York
format:   x12 004010 850
answer:   997
contract: order v1

map:
  number:         BEG03
  ordered_on:     BEG05 | date
  currency:       CUR02 ?? 'USD'
  buyer:          N1[BY].04
  ship_to.gln:    N1[ST].04
  ship_to.city:   N1[ST]/N4.01
  wanted_on:      DTM[002].02 | date | optional
  lines[PO1]:
    line:         PO101 | int
    sku:          PO1 | pair('VP')
    quantity:     PO102 | decimal
    unit:         PO103 | code(units)
    price:        PO104 | decimal
    text:         PID[F].05 | optional

check:
  - count(lines) == CTT01
"""

GLOBEX_PRICES = """\
integration: globex-prices
about:    Monthly price list from Globex (German Excel export)
owner:    pricing-team
source:   drop://globex/prices/*.csv
expect:   monthly by day 3
format:   csv ; windows-1252 header
contract: price v2
accept:   rows, hold the file above 1% bad

map:
  sku:        Artikelnummer | strip
  price:      Preis | decimal('1.234,56')
  currency:   'EUR'
  valid_from: gültig ab | date('dd.mm.yyyy')
  group:      Warengruppe | code(product-groups)
"""

INITECH_INVOICES = """\
integration: initech-invoices
about:    UBL invoices from Initech
owner:    finance
source:   drop://initech/invoices/*.xml
format:   xml ubl:Invoice-2.1
contract: invoice v1

map:
  number:         cbc:ID
  issued_on:      cbc:IssueDate | date
  currency:       cbc:DocumentCurrencyCode
  net:            cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount | decimal
  lines[cac:InvoiceLine]:
    line:         cbc:ID
    quantity:     cbc:InvoicedQuantity | decimal
    unit:         cbc:InvoicedQuantity/@unitCode
    amount:       cbc:LineExtensionAmount | decimal

check:
  - sum(lines.amount) == net
"""

ERP_CUSTOMERS = """\
integration: erp-customers
about:    Customer master from the AS/400
owner:    erp-team
source:   table://erp/PRODLIB.KUNDEN
changes:  AENDTS every 30s
key:      KDNR
contract: customer v3

map:
  id:       KDNR | strip
  name:     NAME1 & ' ' & NAME2 | squash
  status:   KZSTAT | code(customer-status)
  credit:   KREDIT | decimal
  email:    EMAIL | lower | optional
  since:    ANLDAT | date('yyyymmdd', none='00000000')
"""

FILES = {
    "gateway.yaml": "",
    "connections.yaml": "erp:\n  kind: odbc\n  url: DSN=ERP\n",
    "partners/acme.yaml": "partner: acme\nidentifiers:\n  isa: ZZ:ACME\n  unb: '14:4012345000009'\n",
    "partners/globex.yaml": "partner: globex\n",
    "partners/initech.yaml": "partner: initech\n",
    "codes/units.csv": 'code,value,label\nCT,carton,Carton\nEA,piece,"Piece, single"\n',
    "codes/product-groups.csv": "code\nA1\nB2\n",
    "codes/customer-status.csv": "code,value\n0,open\n1,closed\n",
    "contracts/order.v1.yaml": ORDER,
    "contracts/price.v2.yaml": PRICE,
    "contracts/invoice.v1.yaml": INVOICE,
    "contracts/customer.v3.yaml": CUSTOMER,
    "integrations/acme-orders.yaml": ACME_ORDERS,
    "integrations/globex-prices.yaml": GLOBEX_PRICES,
    "integrations/initech-invoices.yaml": INITECH_INVOICES,
    "integrations/erp-customers.yaml": ERP_CUSTOMERS,
}
"""The samples, with sources by scheme, and everything that they name."""


def changed(path: str, old: str, new: str) -> dict[str, str]:
    """The samples with one place of one file changed."""
    assert FILES[path].count(old) >= 1, f"{old!r} is not in {path}"
    return {**FILES, path: FILES[path].replace(old, new, 1)}


def problems(files: dict[str, str]) -> tuple[Problem, ...]:
    """What is wrong with `files`."""
    with pytest.raises(ConfigurationProblems) as caught:
        parse(files)
    return caught.value.problems


def only(files: dict[str, str]) -> Problem:
    """The one thing that is wrong with `files`."""
    found = problems(files)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def picture(text: str) -> str:
    """A problem as it is expected, without the margin of the test's own source."""
    return textwrap.dedent(text).strip("\n")
