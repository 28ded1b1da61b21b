"""Orders, invoices and despatch advices of EDIFACT D.96A, right in every respect, with released characters.

All is of the repertoire UNOA: capital letters, digits and ``' ( ) + , - . / : = ?`` among others.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.edi.makers import facts

if TYPE_CHECKING:
    from random import Random

PECULIAR = (
    "KID?'S CHAIR",
    "SALT ?+ PEPPER SET",
    "SCALE 1?:50",
    "WHAT IS IT??",
    "O?'RING 5?+5",
    "RATIO 3?:1 ??",
    "A?:B",
)
"""Descriptions with service characters: as data they are released by a question mark."""


def _goods(random: Random) -> str:
    return random.choice(PECULIAR if random.random() < 0.15 else facts.GOODS)


def _party(random: Random, role: str) -> str:
    place = facts.european(random)
    return f"NAD+{role}+{facts.gs1(random, 13)}::9++{place.name}+{place.street}+{place.city}++{place.postal}+DE"


def order(random: Random, number: int) -> list[str]:
    """The segments of an ORDERS of 5 to 20 lines, without UNH and UNT."""
    body = [
        f"BGM+220+PO{number:07}+9",
        f"DTM+137:{facts.date(random)}:102",
        f"DTM+2:{facts.date(random)}:102",
        f"FTX+DIN+++CALL BEFORE {random.randrange(6, 12)}?:00",
        f"RFF+CT:C{random.randrange(10**6, 10**7)}",
        _party(random, "BY"),
        f"CTA+OC+:{random.choice(facts.FIRST_NAMES)} {random.choice(facts.LAST_NAMES)}",
        f"COM+?+4940{random.randrange(10**6, 10**7)}:TE",
        _party(random, "SU"),
        _party(random, "DP"),
        "CUX+2:EUR:9",
    ]
    lines = random.randrange(5, 21)
    quantities, total = 0, Decimal(0)
    for line in range(1, lines + 1):
        quantity, price = random.randrange(1, 500), Decimal(random.randrange(10, 40000)) / 100
        quantities += quantity
        total += quantity * price
        body += [
            f"LIN+{line}++{facts.gs1(random, 13)}:EN",
            f"PIA+1+V{random.randrange(10**5, 10**6)}:SA",
            f"IMD+F++:::{_goods(random)}",
            f"QTY+21:{quantity}:PCE",
            f"MOA+203:{quantity * price:.2f}",
            f"PRI+AAA:{price:.2f}",
        ]
    body += ["UNS+S", f"MOA+79:{total:.2f}", f"CNT+1:{quantities}", f"CNT+2:{lines}"]
    return body


def invoice(random: Random, number: int) -> list[str]:
    """The segments of an INVOIC of 3 to 12 lines with one rate of tax, without UNH and UNT."""
    body = [
        f"BGM+380+INV{number:07}+9",
        f"DTM+137:{facts.date(random)}:102",
        f"DTM+35:{facts.date(random)}:102",
        f"RFF+ON:PO{number:07}",
        f"DTM+171:{facts.date(random)}:102",
        _party(random, "SU"),
        f"RFF+VA:DE{random.randrange(10**8, 10**9)}",
        _party(random, "BY"),
        _party(random, "IV"),
        "CUX+2:EUR:4",
        "PAT+1++5:3:D:30",
    ]
    lines = random.randrange(3, 13)
    total = Decimal(0)
    for line in range(1, lines + 1):
        quantity, price = random.randrange(1, 200), Decimal(random.randrange(10, 40000)) / 100
        total += quantity * price
        body += [
            f"LIN+{line}++{facts.gs1(random, 13)}:EN",
            f"IMD+F++:::{_goods(random)}",
            f"QTY+47:{quantity}:PCE",
            f"MOA+203:{quantity * price:.2f}",
            f"PRI+AAA:{price:.2f}",
            "TAX+7+VAT+++:::19+S",
        ]
    tax = (total * 19 / 100).quantize(Decimal("0.01"))
    body += [
        "UNS+S",
        f"CNT+2:{lines}",
        f"MOA+79:{total:.2f}",
        f"MOA+125:{total:.2f}",
        f"MOA+124:{tax:.2f}",
        f"MOA+77:{total + tax:.2f}",
        "TAX+7+VAT+++:::19+S",
        f"MOA+124:{tax:.2f}",
    ]
    return body


def despatch(random: Random, number: int) -> list[str]:
    """The segments of a DESADV of two to four packages, without UNH and UNT."""
    body = [
        f"BGM+351+DA{number:07}+9",
        f"DTM+137:{facts.date(random)}:102",
        f"DTM+11:{facts.date(random)}{random.randrange(6, 19):02}30:203",
        f"RFF+ON:PO{number:07}",
        f"DTM+171:{facts.date(random)}:102",
        _party(random, "SU"),
        _party(random, "DP"),
        "TDT+20++30+31",
        "CPS+1",
    ]
    packages = random.randrange(2, 5)
    body.append(f"PAC+{packages}++CT")
    line = 0
    for package in range(2, packages + 2):
        body += [f"CPS+{package}+1", "PAC+1++CT", "PCI+24", f"GIN+BJ+{facts.gs1(random, 18)}"]
        for _ in range(random.randrange(1, 5)):
            line += 1
            body += [
                f"LIN+{line}++{facts.gs1(random, 13)}:EN",
                f"IMD+F++:::{_goods(random)}",
                f"QTY+12:{random.randrange(1, 90)}:PCE",
            ]
    body.append(f"CNT+2:{line}")
    return body
