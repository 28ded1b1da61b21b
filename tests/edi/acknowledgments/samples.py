"""Interchanges to be answered, small enough to see what is wrong with them, and the answers to them."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING

from edi.acknowledgments import acknowledge
from edi.edifact import scanner as edifact
from edi.model import Document
from edi.x12 import scanner as x12

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edi.acknowledgments import Acknowledgment, Kind
    from edi.findings import Finding

NOW = datetime(2026, 1, 12, 9, 30)  # noqa: DTZ001 - the time that an envelope tells has no zone

PARTIES = "ISA*00*          *00*          *ZZ*ACME           *ZZ*US             "


def interchange(*groups: str, number: int = 7, version: str = "00401", trailer: str | None = None) -> str:
    """An X12 interchange around groups."""
    header = f"{PARTIES}*260112*0830*{'U' if version < '00402' else '^'}*{version}*{number:09}*0*P*>~"
    return header + "".join(groups) + (f"IEA*{len(groups)}*{number:09}~" if trailer is None else trailer)


def group(*sets: str, number: int = 5, kind: str = "PO", version: str = "004010", trailer: str | None = None) -> str:
    """A functional group around transaction sets."""
    header = f"GS*{kind}*ACMEGS*USGS*20260112*0830*{number}*X*{version}~"
    return header + "".join(sets) + (f"GE*{len(sets)}*{number}~" if trailer is None else trailer)


def order(reference: str = "0001", *body: str, trailer: str | None = None) -> str:
    """An 850; without a body a right one."""
    rows = [f"ST*850*{reference}", *(body or ("BEG*00*SA*4711**20260112", "PO1*1*3*EA*12.5**VP*A-1"))]
    return "".join(row + "~" for row in (*rows, trailer or f"SE*{len(rows) + 1}*{reference}"))


def messages(*texts: str, number: str = "77", version: str = "3", trailer: str | None = None) -> str:
    """An EDIFACT interchange around messages or groups."""
    date = "20260112" if version == "4" else "260112"
    header = f"UNB+UNOC:{version}+4012345000009:14+5412345000013:14+{date}:0830+{number}'"
    return header + "".join(texts) + (f"UNZ+{len(texts)}+{number}'" if trailer is None else trailer)


def message(reference: str = "1", *body: str, trailer: str | None = None) -> str:
    """An ORDERS; without a body a right one."""
    right = ("BGM+220+4711+9", "DTM+137:20260112:102", "NAD+BY+4012345000009::9", "LIN+1++4000862141404:EN", "UNS+S")
    rows = [f"UNH+{reference}+ORDERS:D:96A:UN", *(body or right)]
    return "".join(row + "'" for row in (*rows, trailer or f"UNT+{len(rows) + 1}+{reference}"))


def answers(text: str | bytes, *kinds: Kind, number: int = 1) -> list[Acknowledgment]:
    """The answers to a file."""
    raw = text if isinstance(text, bytes) else text.encode("latin-1")
    events = (edifact if raw.startswith(b"UN") else x12).events([raw], {})
    return list(acknowledge(events, kinds=kinds, numbers=count(number), now=NOW))


def body(answer: Acknowledgment) -> list[str]:
    """The segments between ST and SE of a 997 or 999, or between UNH and UNT of a CONTRL."""
    end = "'" if answer.kind == "CONTRL" else "~"
    rows = answer.content.decode("latin-1").split(end)
    first = next(place for place, row in enumerate(rows) if row.startswith(("ST", "UNH")))
    last = next(place for place, row in enumerate(rows) if row.startswith(("SE", "UNT")))
    return rows[first + 1 : last]


def findings(answer: Acknowledgment) -> list[str]:
    """The codes of what our own reader finds in an answer, but for the note that a TA1 is there."""
    read = edifact.read if answer.kind == "CONTRL" else x12.read
    return [each.code for each in _all(read([answer.content], {})) if each.code != "x12.ta1"]


def _all(items: Iterable[Document | Finding]) -> Iterable[Finding]:
    for item in items:
        if isinstance(item, Document):
            yield from item.findings
        else:
            yield item
