"""What can go wrong with a source, grouped by what the caller does, and the one door for pyodbc's errors.

    AdapterError
    ├── Retry      the source did not answer as it should; ask again after `delay_seconds`
    ├── Reject     this request is refused (`code`); others are fine
    └── Stop       a person must act; the remedy says how

No message ever holds a password: what the connection string calls a secret is blotted out of a driver's own words.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class AdapterError(Exception):
    """The root: `message` says what happened, `remedy` what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class Retry(AdapterError):
    """Nothing is wrong with the request; try again after `delay_seconds`.

    `code` says what the matter is: ``down`` (no answer), ``slow`` (none in time), ``busy`` (too many ask), ``limited``
    (too much was asked), ``closed`` (not at this time of day); empty for what concerns this one read, as a lock does.
    """

    def __init__(
        self, message: str, remedy: str = "", *, delay_seconds: float = 1.0, lost: bool = False, code: str = ""
    ) -> None:
        super().__init__(message, remedy)
        self.delay_seconds = delay_seconds
        self.lost = lost
        """Whether the connection itself is gone, so that a fresh one may answer at once."""
        self.code = code or ("down" if lost else "")


class Reject(AdapterError):
    """This request is refused, with a stable `code`; `column` is whose value is wrong, where it is one column's."""

    def __init__(self, code: str, message: str, remedy: str = "", *, column: str = "") -> None:
        super().__init__(message, remedy)
        self.code = code
        self.column = column


class Stop(AdapterError):
    """A person must act before this source can be read."""


class Refused(Stop):
    """The server does not want this login. To ask again and again might have it locked."""


class Gap(Stop):
    """Changes since a position may be lost: the source no longer tells them, or cannot. Never skipped silently.

    What was told before stays right. The source goes on after a new snapshot, in which rows that are gone have to be
    found by comparing; it begins when changes are asked for without a position.
    """


# SQLSTATE, or its class of two letters, to what the caller does (ISO 9075-2 table 33; ODBC appendix A; PostgreSQL
# appendix A). The longest entry that fits decides; what is not here stops.
SQLSTATES: dict[str, tuple[str, str]] = {
    "08": ("lost", "The connection was lost or refused"),
    "57P": ("lost", "The server is shutting down or starting up"),
    "57014": ("slow", "The statement was cancelled, most often by the time-out"),
    "70100": ("slow", "The statement was cancelled, most often by the time-out"),
    "HYT": ("slow", "The time-out passed"),
    "40": ("retry", "The server rolled the read back in favour of another transaction"),
    "53": ("short", "The server is short of resources"),
    "55006": ("retry", "Another session uses it at the moment"),
    "55P03": ("retry", "A lock was not available in time"),
    "22": ("reject", "The server does not accept a value"),
    "25006": ("stop", "The session is read-only and refused a statement that would write"),
    "28": ("stop", "The server refused the login; check user name, password and the server's own access rules"),
    "3D": ("stop", "The server has no database of that name"),
    "42501": ("stop", "The login may not read this; ask for the right to SELECT it"),
    "42S02": ("stop", "The table is gone; it was in the catalogue a moment ago"),
    "42P01": ("stop", "The table is gone; it was in the catalogue a moment ago"),
    "42S22": ("stop", "A column is gone; it was in the catalogue a moment ago"),
    "42703": ("stop", "A column is gone; it was in the catalogue a moment ago"),
}

RETRIES = {"retry": "", "slow": "slow", "short": "down", "lost": "down"}
"""The kinds that may go better later → the code of the Retry."""

# Some drivers report everything as HY000; then the server's own number is the only fact: SQLite's result codes
# (sqlite.org/rescode.html), MariaDB's error codes.
NATIVE: dict[tuple[str, int], tuple[str, str]] = {
    ("sqlite", 5): ("retry", "Another program holds a lock on the database file"),
    ("sqlite", 6): ("retry", "Another connection holds a lock on a table"),
    ("sqlite", 8): ("stop", "The session is read-only and refused a statement that would write"),
    ("sqlite", 9): ("slow", "The statement was cancelled by the time-out"),
    ("sqlite", 11): ("stop", "The database file is damaged; run PRAGMA integrity_check on a copy of it"),
    ("sqlite", 14): ("stop", "The database file cannot be opened; check that it exists and may be read"),
    ("sqlite", 26): ("stop", "The file is not an SQLite database, or it is encrypted"),
    ("mariadb", 1044): ("stop", "The login may not use this database"),
    ("mariadb", 1045): ("stop", "The server refused the login; check user name and password"),
    ("mariadb", 1142): ("stop", "The login may not read this; ask for the right to SELECT it"),
    ("mariadb", 1205): ("retry", "A lock was not available in time"),
    ("mariadb", 1969): ("slow", "The statement was cancelled by the time-out"),
    ("mariadb", 2002): ("lost", "The server does not answer"),
    ("mariadb", 2003): ("lost", "The server does not answer"),
    ("mariadb", 2006): ("lost", "The connection was lost"),
    ("mariadb", 2013): ("lost", "The connection was lost"),
}

# pyodbc ends each of its messages with "(native error) (function)".
NATIVE_NUMBER = re.compile(r"\((-?\d+)\) \(SQL\w+\)\s*$")


def nearest(word: str, words: Iterable[str]) -> str:
    """`` Did you mean 'KDNR'?`` for the name most like `word`, else the names there are, else nothing."""
    names = sorted(words)
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {folded[close[0]]!r}?"
    if not names:
        return ""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"There are: {', '.join(names[:12])}{more}"


def blotted(text: str, secrets: Iterable[str]) -> str:
    """The text without its secrets."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def translated(error: Exception, *, doing: str, dialect: str, secrets: Iterable[str] = ()) -> AdapterError:
    """The one door: a pyodbc error becomes Retry, Reject or Stop. `doing` begins the message ("cannot read …")."""
    state, *words = (str(part) for part in (*error.args, "", ""))
    said = blotted(" ".join(filter(None, words)) or str(error), secrets)
    number = NATIVE_NUMBER.search(said)
    native = NATIVE.get((dialect, int(number[1]))) if number else None
    by_state = next((SQLSTATES[state[:size]] for size in range(len(state), 1, -1) if state[:size] in SQLSTATES), None)
    kind, reason = native or by_state or ("stop", "The driver gave no reason that is known here")
    message = f"{doing}: {reason} ({said})"
    if kind == "reject":
        return Reject("bad_value", message, "Send a value of the column's type")
    if kind in RETRIES:
        return Retry(message, delay_seconds=1.0 if kind == "retry" else 5.0, lost=kind == "lost", code=RETRIES[kind])
    return Stop(message)
