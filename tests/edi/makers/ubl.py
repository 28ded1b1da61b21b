"""Invoices of UBL 2.1, one after the other in a root element, right in every respect."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.edi.makers import facts

if TYPE_CHECKING:
    from random import Random

_CENT = Decimal("0.01")
_SPACES = (
    'xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" '
    'xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" '
    'xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"'
)
_CATEGORY = (
    "<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent>"
    "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory>\n"
)


def invoice(random: Random, number: int) -> str:
    """One Invoice element of 3 to 12 lines and one rate of tax, without an XML declaration."""
    count = random.randrange(3, 13)
    amounts = [(random.randrange(1, 200), Decimal(random.randrange(10, 40000)) / 100) for _ in range(count)]
    total = sum((quantity * price for quantity, price in amounts), Decimal(0))
    tax = (total * 19 / 100).quantize(_CENT)
    day = facts.date(random)
    return "".join(
        [
            f"<Invoice {_SPACES}>\n",
            "<cbc:UBLVersionID>2.1</cbc:UBLVersionID>\n",
            f"<cbc:ID>INV-{number:07}</cbc:ID>\n<cbc:IssueDate>{day[:4]}-{day[4:6]}-{day[6:]}</cbc:IssueDate>\n",
            "<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>\n",
            "<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>\n",
            f"<cac:OrderReference><cbc:ID>PO-{number:07}</cbc:ID></cac:OrderReference>\n",
            _party(random, "AccountingSupplierParty"),
            _party(random, "AccountingCustomerParty"),
            "<cac:TaxTotal>\n",
            _amount("TaxAmount", tax),
            "<cac:TaxSubtotal>\n",
            _amount("TaxableAmount", total),
            _amount("TaxAmount", tax),
            _CATEGORY,
            "</cac:TaxSubtotal>\n</cac:TaxTotal>\n",
            "<cac:LegalMonetaryTotal>\n",
            _amount("LineExtensionAmount", total),
            _amount("TaxExclusiveAmount", total),
            _amount("TaxInclusiveAmount", total + tax),
            _amount("PayableAmount", total + tax),
            "</cac:LegalMonetaryTotal>\n",
            *(_line(random, line, *amount) for line, amount in enumerate(amounts, 1)),
            "</Invoice>\n",
        ]
    )


def _party(random: Random, role: str) -> str:
    place = facts.european(random)
    return (
        f'<cac:{role}><cac:Party><cbc:EndpointID schemeID="0088">{facts.gs1(random, 13)}</cbc:EndpointID>'
        f"<cac:PartyName><cbc:Name>{place.name.title()} &amp; Söhne</cbc:Name></cac:PartyName>"
        f"<cac:PostalAddress><cbc:StreetName>{place.street}</cbc:StreetName><cbc:CityName>{place.city}</cbc:CityName>"
        f"<cbc:PostalZone>{place.postal}</cbc:PostalZone><cac:Country><cbc:IdentificationCode>DE"
        f"</cbc:IdentificationCode></cac:Country></cac:PostalAddress></cac:Party></cac:{role}>\n"
    )


def _line(random: Random, line: int, quantity: int, price: Decimal) -> str:
    return (
        f'<cac:InvoiceLine><cbc:ID>{line}</cbc:ID><cbc:InvoicedQuantity unitCode="C62">{quantity}'
        f"</cbc:InvoicedQuantity>\n{_amount('LineExtensionAmount', quantity * price)}"
        f"<cac:Item><cbc:Name>{random.choice(facts.GOODS)}</cbc:Name><cac:StandardItemIdentification>"
        f'<cbc:ID schemeID="0160">{facts.gs1(random, 13)}</cbc:ID></cac:StandardItemIdentification></cac:Item>\n'
        f"<cac:Price>{_amount('PriceAmount', price)}</cac:Price></cac:InvoiceLine>\n"
    )


def _amount(name: str, value: Decimal) -> str:
    return f'<cbc:{name} currencyID="EUR">{value:.2f}</cbc:{name}>\n'
