"""Claims of professionals (837P, 005010X222A1) and of institutions (837I, 005010X223A2), right in every respect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.edi.makers import facts

if TYPE_CHECKING:
    from random import Random

TAXONOMIES = ("207Q00000X", "208D00000X", "213E00000X", "225100000X")
INSTITUTIONS = ("282N00000X", "261QM1300X", "314000000X")
DIAGNOSES = ("J0300", "E119", "I10", "M545", "N390", "K219", "R0600", "Z0000")
PROCEDURES = ("99213", "99214", "85025", "80053", "71046", "93000", "36415")
REVENUES = ("0300", "0320", "0450", "0636", "0250")
PAYERS = ("HARVEST HEALTH PLAN", "BRIDGE MUTUAL", "SUMMIT CARE")


def professional(random: Random, number: int) -> list[str]:
    """The segments of an 837P, without ST and SE: one billing provider, 1 to 4 subscribers, some with a dependent."""
    return _claims(random, number, institutional=False)


def institutional(random: Random, number: int) -> list[str]:
    """The segments of an 837I, without ST and SE."""
    return _claims(random, number, institutional=True)


def _claims(random: Random, number: int, *, institutional: bool) -> list[str]:
    place = facts.american(random)
    body = [
        f"BHT*0019*00*B{number:08}*{facts.date(random)}*{random.randrange(24):02}15*CH",
        "NM1*41*2*CLEARWATER BILLING*****46*CW0077",
        "PER*IC*EDI DESK*TE*5550100200",
        "NM1*40*2*HARVEST HEALTH PLAN*****46*HHP01",
        "HL*1**20*1",
        f"PRV*BI*PXC*{random.choice(INSTITUTIONS if institutional else TAXONOMIES)}",
        f"NM1*85*2*{place.name} CLINIC*****XX*{facts.npi(random)}",
        f"N3*{place.street}",
        f"N4*{place.city}*{place.region}*{place.postal}{random.randrange(1000, 9999)}",
        f"REF*EI*{random.randrange(10**8, 10**9)}",
    ]
    level = 1
    for _ in range(random.randrange(1, 5)):
        level += 1
        subscriber = level
        has_dependent = random.random() < 0.25
        last = random.choice(facts.LAST_NAMES)
        body += [f"HL*{level}*1*22*{int(has_dependent)}"]
        body.append(f"SBR*P*{'' if has_dependent else '18'}*GRP{random.randrange(1000, 9999)}******CI")
        body += _person(random, "IL", last, f"MI*M{random.randrange(10**8, 10**9)}")
        body += [f"NM1*PR*2*{random.choice(PAYERS)}*****PI*{random.randrange(10**4, 10**5)}"]
        if has_dependent:
            level += 1
            body += [f"HL*{level}*{subscriber}*23*0", "PAT*19", *_person(random, "QC", last, "")]
        for claim in range(random.randrange(1, 3)):
            identifier = f"{number:07}-{level:02}{claim}"
            body += (_institution if institutional else _profession)(random, identifier)
    return body


def _person(random: Random, role: str, last: str, identifier: str) -> list[str]:
    place = facts.american(random)
    tail = f"****{identifier}" if identifier else ""
    name = f"NM1*{role}*1*{last}*{random.choice(facts.FIRST_NAMES)}"
    return [
        name + tail,
        f"N3*{place.street}",
        f"N4*{place.city}*{place.region}*{place.postal}",
        f"DMG*D8*19{random.randrange(30, 99)}{random.randrange(1, 13):02}{random.randrange(1, 29):02}*F",
    ]


def _profession(random: Random, identifier: str) -> list[str]:
    day = facts.date(random)
    prices = [random.randrange(20, 400) for _ in range(random.randrange(1, 5))]
    first, second = random.sample(DIAGNOSES, 2)
    body = [
        f"CLM*{identifier}*{sum(prices)}***11:B:1*Y*A*Y*Y",
        f"DTP*431*D8*{day}",
        f"REF*D9*{random.randrange(10**9, 10**10)}",
        f"HI*ABK:{first}*ABF:{second}",
        f"NM1*82*1*{random.choice(facts.LAST_NAMES)}*{random.choice(facts.FIRST_NAMES)}****XX*{facts.npi(random)}",
        f"PRV*PE*PXC*{random.choice(TAXONOMIES)}",
    ]
    for line, price in enumerate(prices, 1):
        body += [
            f"LX*{line}",
            f"SV1*HC:{random.choice(PROCEDURES)}*{price}*UN*{random.randrange(1, 4)}***1:2",
            f"DTP*472*D8*{day}",
            f"REF*6R*{identifier}-{line}",
        ]
    return body


def _institution(random: Random, identifier: str) -> list[str]:
    day = facts.date(random)
    prices = [random.randrange(50, 4000) for _ in range(random.randrange(1, 5))]
    first, second = random.sample(DIAGNOSES, 2)
    body = [
        f"CLM*{identifier}*{sum(prices)}***11:A:1**A*Y*Y",
        f"DTP*434*RD8*{day}-{day}",
        f"DTP*435*DT*{day}0930",
        "CL1*1*7*01",
        f"HI*ABK:{first}",
        f"HI*ABJ:{second}",
        f"NM1*71*1*{random.choice(facts.LAST_NAMES)}*{random.choice(facts.FIRST_NAMES)}****XX*{facts.npi(random)}",
        f"PRV*AT*PXC*{random.choice(TAXONOMIES)}",
    ]
    for line, price in enumerate(prices, 1):
        body += [
            f"LX*{line}",
            f"SV2*{random.choice(REVENUES)}*HC:{random.choice(PROCEDURES)}*{price}*UN*{random.randrange(1, 4)}",
            f"DTP*472*D8*{day}",
        ]
    return body
