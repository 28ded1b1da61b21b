"""What a letter says, before it is written in a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model import DeliveryState

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Unit:
    """What the documents of a file are called: one row, two rows."""

    one: str = "document"
    many: str = "documents"

    def of(self, count: int) -> str:
        """``1 row``, ``1,200 rows``."""
        return f"{count:,} {self.one if count == 1 else self.many}"

    def more(self, count: int) -> str:
        """``1 more row``, ``1,200 more rows``."""
        return f"{count:,} more {self.one if count == 1 else self.many}"

    def named(self, *numbers: int, more: int = 0) -> str:
        """``row 2``, ``rows 2, 5``, ``rows 2, 5 and 1,200 more``: documents by their places in the file, from 1."""
        listed = ", ".join(f"{each:,}" for each in numbers) + (f" and {more:,} more" if more else "")
        return f"{self.one if len(numbers) == 1 and not more else self.many} {listed}"


@dataclass(frozen=True, slots=True)
class Quote:
    """A line, row or segment as it was sent: what is before the place, the characters at it, what is behind it."""

    before: str
    value: str
    behind: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, quoted, what, what was expected, what to send.

    `ours` says that it is for us to settle, not for the sender; `again` is what to send again where that is not the
    whole file, put right.
    """

    place: str
    quote: Quote | None
    what: str
    expected: str
    send: str
    ours: bool = False
    again: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A refused document: what it is called, what is wrong with it, and how many problems more than are told."""

    title: str
    problems: tuple[Problem, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """The refused rows as a CSV file, with columns that say what is wrong.

    `ready` says that it is taken as it stands, once the values are right. `left_out` rows are too many for it, and
    `odd` ones could not be cut into as many cells as there are columns: neither are in it. In `escaped` cells an
    apostrophe keeps spreadsheets from taking the cell for a formula.
    `columns` are the names of those that were added. In `guessed` cells stand the letters that their bytes most likely
    are, and `unread` rows are not in it because that cannot be told of theirs.
    """

    name: str
    content: bytes
    rows: int
    columns: tuple[str, ...]
    ready: bool
    left_out: int = 0
    escaped: int = 0
    odd: int = 0
    guessed: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A document that was right and is not used, because a newer record is there: what it is called, and which."""

    title: str
    what: str


@dataclass(frozen=True, slots=True)
class Twin:
    """The file that brought the same content before."""

    reference: str
    name: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter about one delivery. `reference` is what to quote; `about` and `contact` are people's words.

    `refused` are documents that are held, of which `withheld` have nothing wrong of their own: they are held with the
    whole file. `whole` is why the file is refused as a whole. `problems` are those of the file, `items` the refused
    documents that are spelled out, `more` how many are not.
    """

    reference: str
    partner: str
    name: str
    about: str = ""
    contact: tuple[str, ...] = ()
    received_at: datetime | None = None
    size: int | None = None
    ended: DeliveryState = DeliveryState.PARTLY_ACCEPTED
    unit: Unit = Unit()
    taken: int = 0
    refused: int = 0
    withheld: int = 0
    known: int = 0
    """Documents that were taken before: nothing was done with them."""
    older: int = 0
    """Documents that are older than what is there, and not used."""
    overtaken: tuple[Overtaken, ...] = ()
    """Those of them that are told one by one."""
    newest_by: str = ""
    """What the sender calls the value that says which of two documents is newer; empty: the one that came last is."""
    whole: str | None = None
    problems: tuple[Problem, ...] = ()
    items: tuple[Item, ...] = ()
    more: int = 0
    acknowledgments: tuple[str, ...] = ()
    """What else the sender gets about the file, and what tells of the syntax alone: 997."""
    under_header: bool = False
    """Whether nothing is wrong with what is refused but the header above it."""
    sheet: Sheet | None = None
    twin: Twin | None = None
    tested: bool = False
    """Whether the file was only tested: nothing of it was taken, and all of it is to be sent. It has no sheet."""

    @property
    def total(self) -> int:
        """How many documents the file has."""
        return self.taken + self.refused + self.known + self.older
