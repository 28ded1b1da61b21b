"""The demo's workspace with answers to its partners, what they get, and files small enough to see the fault."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.operate.exchange.outboxes import send_once
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NORTHWIND = "drop://northwind"


@contextmanager
def answering(
    folder: Path, *, store: str = "sqlite:data/gateway.db", acme: str = "997", northwind: str = "CONTRL"
) -> Iterator[Place]:
    """A place that answers Acme (X12) and Northwind (EDIFACT); its clock stands at half past nine."""
    with opened(folder, store=store) as place:
        place.clock.now = NOW
        answer(place, acme=acme, northwind=northwind)
        yield place


def answer(place: Place, *, acme: str = "997", northwind: str = "CONTRL") -> None:
    """Have the partners answered from now on, by acknowledgments alone."""
    for partner in ("acme", "northwind"):
        path = f"partners/{partner}.yaml"
        if "letters:" not in (place.folder / path).read_text(encoding="utf-8"):
            place.change(path, f"partner: {partner}", f"partner: {partner}\nletters: none")
    place.change("integrations/acme-orders.yaml", "contract: order v1", f"contract: order v1\nanswer:   {acme}")
    if northwind != "CONTRL":
        place.change("integrations/northwind-orders.yaml", "answer:   CONTRL", f"answer:   {northwind}")


def send(place: Place) -> None:
    """Let the SFTP role put what is due into the outboxes."""
    while send_once(place.gateway, "sftp"):
        pass


def outbox(place: Place, partner: str = "acme") -> dict[str, bytes]:
    """What the partner finds, by name."""
    folder = place.folder / "data" / "sftp" / partner / "outbox"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


def unsent(place: Place, partner: str = "acme") -> list[str]:
    """What was written and the partner does not see."""
    return sorted(path.name for path in (place.folder / "data" / "sftp" / partner / "outgoing").glob("*"))


def taken(place: Place, partner: str = "acme") -> dict[str, bytes]:
    """What the partner finds, and takes away."""
    found = outbox(place, partner)
    for name in found:
        (place.folder / "data" / "sftp" / partner / "outbox" / name).unlink()
    return found


def interchange(*groups: str, number: int = 7, sender: str = "ACME", closed: bool = True) -> bytes:
    """An X12 interchange around groups."""
    header = (
        f"ISA*00*          *00*          *ZZ*{sender:<15}*ZZ*GATEWAY        *261121*0900*U*00401*{number:09}*0*P*>~"
    )
    trailer = f"IEA*{len(groups)}*{number:09}~" if closed else ""
    return (header + "".join(groups) + trailer).encode()


def group(*sets: str, number: int = 5, kind: str = "PO", version: str = "004010") -> str:
    """A functional group around transaction sets."""
    header = f"GS*{kind}*ACME*GATEWAY*20261121*0900*{number}*X*{version}~"
    return header + "".join(sets) + f"GE*{len(sets)}*{number}~"


def order(number: str = "4711", *, reference: str = "0001", price: str = "2.95", sku: str = "A-1") -> str:
    """An 850 that the demo's contract takes."""
    rows = [
        f"ST*850*{reference}",
        f"BEG*00*SA*{number}**20261120",
        "CUR*BY*USD",
        "N1*BY*Acme Retail*UL*4012345000009",
        "N1*ST*Acme Warehouse 3*UL*4012345100006",
        "N4*Rotterdam**3011AA*NL",
        f"PO1*1*120*EA*{price}**VP*{sku}",
        "CTT*1",
    ]
    return "".join(f"{row}~" for row in [*rows, f"SE*{len(rows) + 1}*{reference}"])


GOOD, BAD = order(), order("4712", reference="0002", price="12,5O")
REFUSED = order("4713", sku="no such sku")
"""The standard has nothing against it; the contract has."""
