"""Invented trade partners, products and people, and numbers whose check digits are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from random import Random


class Place(NamedTuple):
    """A party and where it is."""

    name: str
    street: str
    city: str
    region: str
    postal: str


COMPANIES = (
    "NORTHGATE TOOLS", "BLUE HERON SUPPLY", "CEDAR VALLEY FOODS", "HARBOR LIGHT STORES", "IRONWOOD HARDWARE",
    "LAKESIDE MEDICAL", "MERIDIAN PAPER", "OAK HILL DISTRIBUTION", "PRAIRIE STAR GROCERS", "QUARRY STONE WORKS",
    "RED BARN FARM SUPPLY", "SILVER BIRCH HOME", "THREE RIVERS STEEL", "UPLAND TEXTILES", "WESTFIELD OPTICS",
)  # fmt: skip
STREETS = ("12 MAIN STREET", "480 MARKET AVE", "7 DOCK ROAD", "1500 INDUSTRIAL PKWY", "33 ORCHARD LANE", "9 STATION SQ")
TOWNS = (
    ("SPRINGFIELD", "IL", "62701"), ("PORTLAND", "OR", "97204"), ("AUSTIN", "TX", "78701"), ("DAYTON", "OH", "45402"),
    ("ALBANY", "NY", "12207"), ("FRESNO", "CA", "93721"), ("MOBILE", "AL", "36602"), ("OMAHA", "NE", "68102"),
)  # fmt: skip
CITIES = (("HAMBURG", "20095"), ("LEIPZIG", "04109"), ("BREMEN", "28195"), ("KASSEL", "34117"), ("AACHEN", "52062"))
GOODS = (
    "HEX BOLT M8 ZINC", "WOOD SCREW 4X40", "LATEX GLOVE LARGE", "COPY PAPER A4 80G", "LED LAMP 9W WARM",
    "PAINT BRUSH 50MM", "STEEL SHELF 90CM", "GARDEN HOSE 25M", "COTTON TOWEL WHITE", "OLIVE OIL 1L TIN",
    "BATTERY AA 4 PACK", "CABLE TIE 200MM", "DRILL BIT SET HSS", "SAFETY GOGGLES", "DUCT TAPE SILVER",
)  # fmt: skip
LAST_NAMES = ("ARDEN", "BEECHER", "CORWIN", "DELMAR", "ELLERY", "FARROW", "GARLAND", "HOLLIS", "INGRAM", "JESSUP")
FIRST_NAMES = ("ADA", "BRAM", "CLARA", "DEAN", "EDITH", "FRANK", "GRETA", "HUGO", "IRIS", "JONAS")


def american(random: Random) -> Place:
    """A party in the United States."""
    return Place(random.choice(COMPANIES), random.choice(STREETS), *random.choice(TOWNS))


def european(random: Random) -> Place:
    """A party in Germany; the region is empty."""
    city, postal = random.choice(CITIES)
    return Place(random.choice(COMPANIES), random.choice(STREETS), city, "", postal)


def gs1(random: Random, length: int) -> str:
    """A number of GS1 with its check digit: GTIN-12, GTIN-13 or GLN (13), SSCC (18)."""
    digits = f"{random.randrange(10 ** (length - 2), 10 ** (length - 1))}"
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


def npi(random: Random) -> str:
    """A National Provider Identifier: Luhn's check digit over 80840 and nine digits."""
    digits = f"{random.randrange(100_000_000, 200_000_000)}"
    doubled = [int(digit) * (2, 1)[place % 2] for place, digit in enumerate(reversed("80840" + digits))]
    return f"{digits}{-sum(value // 10 + value % 10 for value in doubled) % 10}"


def date(random: Random) -> str:
    """A day of 2026, CCYYMMDD."""
    return f"2026{random.randrange(1, 13):02}{random.randrange(1, 29):02}"
