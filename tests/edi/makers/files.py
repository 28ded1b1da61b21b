"""Files of any size, made of right documents; the same name and size give the same bytes.

>>> from tests.edi.makers.files import MAKERS, chunks, made
>>> data = made("x12-850", 3)
>>> path = written("edifact-orders", 50_000_000, folder)
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tests.edi.makers import edifact_trade, ubl, x12_claims, x12_trade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_VERSION = 1
"""Counted up with every change of the makers, so that no kept file is taken for a new one."""


@dataclass(frozen=True, slots=True)
class Maker:
    """One kind of file: its format as it is declared, and its documents and what stands around them.

    `document` makes the text of the document of a number; `trailer` is told how many there were.
    """

    declaration: str
    header: str
    document: Callable[[Random, int], str]
    trailer: Callable[[int], str]


def _x12(message: str, group: str, version: str, body: Callable[[Random, int], list[str]]) -> Maker:
    release = "00401" if version.startswith("004") else "00501"
    repetition, component, industry = ("U", ">", "") if release == "00401" else ("^", ":", f"*{version}")
    header = (
        f"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261102*0830*{repetition}*{release}"
        f"*000000017*0*P*{component}~GS*{group}*SENDER*RECEIVER*20261102*0830*17*X*{version}~"
    )

    def document(random: Random, number: int) -> str:
        lines = body(random, number)
        return f"ST*{message}*{number:04}{industry}~{'~'.join(lines)}~SE*{len(lines) + 2}*{number:04}~"

    return Maker(f"x12 {version} {message}", header, document, lambda count: f"GE*{count}*17~IEA*1*000000017~")


def _edifact(message: str, body: Callable[[Random, int], list[str]]) -> Maker:
    header = "UNA:+.? 'UNB+UNOA:3+4012345000009:14+5412345000013:14+261102:0830+17'"

    def document(random: Random, number: int) -> str:
        lines = body(random, number)
        return f"UNH+{number}+{message}:D:96A:UN'{chr(39).join(lines)}'UNT+{len(lines) + 2}+{number}'"

    return Maker(f"edifact D96A {message}", header, document, lambda count: f"UNZ+{count}+17'")


MAKERS: dict[str, Maker] = {
    "x12-850": _x12("850", "PO", "004010", x12_trade.order),
    "x12-810": _x12("810", "IN", "004010", x12_trade.invoice),
    "x12-856": _x12("856", "SH", "004010", x12_trade.ship_notice),
    "x12-837p": _x12("837", "HC", "005010X222A1", x12_claims.professional),
    "x12-837i": _x12("837", "HC", "005010X223A2", x12_claims.institutional),
    "edifact-orders": _edifact("ORDERS", edifact_trade.order),
    "edifact-invoic": _edifact("INVOIC", edifact_trade.invoice),
    "edifact-desadv": _edifact("DESADV", edifact_trade.despatch),
    "ubl-invoice": Maker(
        "xml Invoices each=Invoice",
        "<?xml version='1.0' encoding='UTF-8'?>\n<Invoices>\n",
        ubl.invoice,
        lambda _: "</Invoices>\n",
    ),
}
"""Every kind of file, by name."""


def pieces(name: str, size: int = 0, documents: int = 0) -> Iterator[bytes]:
    """A file in pieces: its header, its documents until there are `documents` and `size` bytes, its trailer."""
    maker = MAKERS[name]
    random = Random(name)  # a text seeds the same sequence everywhere
    yield (header := maker.header.encode())
    length, number = len(header), 0
    while length < size or number < documents:
        number += 1
        piece = maker.document(random, number).encode()
        length += len(piece)
        yield piece
    yield maker.trailer(number).encode()


def made(name: str, documents: int = 3) -> bytes:
    """A small whole file."""
    return b"".join(pieces(name, documents=documents))


def chunks(name: str, size: int, chunk: int = 1 << 18) -> Iterator[bytes]:
    """The same in chunks of about `chunk` bytes, as a reader takes them; no more than one is held."""
    held: list[bytes] = []
    length = 0
    for piece in pieces(name, size):
        held.append(piece)
        length += len(piece)
        if length >= chunk:
            yield b"".join(held)
            held, length = [], 0
    yield b"".join(held)


def written(name: str, size: int, folder: Path) -> Path:
    """The path of a file in `folder` of at least `size` bytes; it is made if it is not there yet."""
    path = folder / f"{name}-{size}-v{_VERSION}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.writelines(chunks(name, size))
        part.rename(path)
    return path
