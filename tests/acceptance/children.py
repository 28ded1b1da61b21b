"""Work in a process of its own that may die in the middle of it, and repeated rows to have a middle."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "Artikelnummer;Bezeichnung;Preis;gültig ab;Warengruppe\r\n".encode("cp1252")


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked process and return its status, negative for a signal. It opens all it uses by itself."""
    process = os.fork()
    if process == 0:
        status = 99
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def die() -> NoReturn:
    """End this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def prices(rows: int, *, bad_every: int = 0, first: int = 1, price: str = "1,50") -> bytes:
    """A price list of so many rows; each `bad_every`-th has a price that is no number."""
    lines = []
    for number in range(first, first + rows):
        shown = "zwölf" if bad_every and number % bad_every == 0 else price
        lines.append(f"A-{number};Artikel {number};{shown};01.12.2026;10\r\n".encode("cp1252"))
    return HEADER + b"".join(lines)
