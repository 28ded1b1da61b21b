"""Purchase orders (850), invoices (810) and ship notices (856) of X12 004010, right in every respect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.edi.makers import facts

if TYPE_CHECKING:
    from random import Random

UNITS = ("EA", "CA", "BX", "DZ", "PR")


def order(random: Random, number: int) -> list[str]:
    """The segments of an 850 of 5 to 20 lines, without ST and SE."""
    day = facts.date(random)
    body = [
        f"BEG*00*SA*PO{number:07}**{day}",
        "CUR*BY*USD",
        f"REF*DP*{random.randrange(1, 99):03}",
        f"REF*CO*C{random.randrange(10**6, 10**7)}",
        f"PER*BD*{random.choice(facts.FIRST_NAMES)} {random.choice(facts.LAST_NAMES)}*TE*555{number % 10**7:07}",
    ]
    if random.random() < 0.5:
        body += ["FOB*PP*OR*WAREHOUSE", "ITD*01*3*2**10**30"]
    body += [f"DTM*002*{facts.date(random)}", f"DTM*010*{day}"]
    if random.random() < 0.5:
        body += ["TD5*O*2*ACME*M*GROUND"]
    for role in ("BY", "ST"):
        body += _party(random, role)
    lines = random.randrange(5, 21)
    total = 0
    for line in range(1, lines + 1):
        quantity = random.randrange(1, 500)
        total += quantity
        price = f"{random.randrange(10, 40000) / 100:.2f}"
        unit = random.choice(UNITS)
        code = facts.gs1(random, 12)
        body.append(f"PO1*{line}*{quantity}*{unit}*{price}*PE*UP*{code}*VP*V{random.randrange(10**5, 10**6)}")
        body.append(f"PID*F****{random.choice(facts.GOODS)}")
    body.append(f"CTT*{lines}*{total}")
    return body


def _party(random: Random, role: str) -> list[str]:
    place = facts.american(random)
    return [
        f"N1*{role}*{place.name}*92*{random.randrange(1, 9999):04}",
        f"N3*{place.street}",
        f"N4*{place.city}*{place.region}*{place.postal}*US",
    ]


def invoice(random: Random, number: int) -> list[str]:
    """The segments of an 810 of 3 to 12 lines and freight, without ST and SE; TDS01 is the sum in cents."""
    day = facts.date(random)
    body = [f"BIG*{day}*INV{number:07}*{facts.date(random)}*PO{number:07}***DI", f"REF*IA*{number:06}"]
    for role in ("RE", "BT", "ST"):
        body += _party(random, role)
    body += ["ITD*01*3*2**10**30", f"DTM*011*{day}", "FOB*PP"]
    lines = random.randrange(3, 13)
    cents = quantities = 0
    for line in range(1, lines + 1):
        quantity, price = random.randrange(1, 200), random.randrange(10, 40000)
        cents += quantity * price
        quantities += quantity
        code = facts.gs1(random, 12)
        body.append(f"IT1*{line}*{quantity}*{random.choice(UNITS)}*{price / 100:.2f}**UP*{code}")
        body.append(f"PID*F****{random.choice(facts.GOODS)}")
    freight = random.randrange(500, 9000)
    body += [f"TDS*{cents + freight}", f"SAC*C*D240***{freight}", f"CTT*{lines}*{quantities}"]
    return body


def ship_notice(random: Random, number: int) -> list[str]:
    """The segments of an 856, without ST and SE: one shipment, one or two orders, cartons, items."""
    day = facts.date(random)
    body = [f"BSN*00*SH{number:07}*{day}*{random.randrange(24):02}30*0001", f"DTM*011*{day}"]
    level = 1
    orders = random.randrange(1, 3)
    body += [
        "HL*1**S*1",
        f"TD1*CTN25*{orders * 2}****G*{random.randrange(10, 900)}*LB",
        "TD5*O*2*ACME*M*GROUND",
        f"REF*BM*BOL{number:07}",
        f"DTM*017*{facts.date(random)}",
    ]
    body += [line for role in ("SF", "ST") for line in _party(random, role)]
    items = 0
    for _ in range(orders):
        level += 1
        above = level
        body += [f"HL*{level}*1*O*1", f"PRF*PO{random.randrange(10**6, 10**7)}***{day}"]
        for _ in range(2):
            level += 1
            carton = level
            body += [f"HL*{level}*{above}*P*1", f"MAN*GM*00{facts.gs1(random, 18)}"]
            for _ in range(random.randrange(1, 4)):
                level += 1
                items += 1
                body += [
                    f"HL*{level}*{carton}*I*0",
                    f"LIN**UP*{facts.gs1(random, 12)}",
                    f"SN1**{random.randrange(1, 60)}*{random.choice(UNITS)}",
                    f"PID*F****{random.choice(facts.GOODS)}",
                ]
    body.append(f"CTT*{level}")
    return body
