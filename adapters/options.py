"""The options of a source: what a configuration may say of it besides where it is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from adapters.dialects import DIALECTS, Dialect
from adapters.errors import Stop, nearest
from adapters.windows import ALWAYS, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a source. A configuration writes them as texts, under these names.

    `dialect` need only be said where neither the driver's name nor the server tells it. `accept_writable_login` is
    the reason why a login that could write is used all the same (:mod:`adapters.rights`); with `attempt_writes` a
    harmless attempt to write must be refused before the first read. `replication` is an address ``postgresql://…`` at
    which PostgreSQL's log is streamed (:mod:`adapters.replication`).

    The rest protects the source (:mod:`adapters.governor`). `timeout_seconds` ends a statement, and with it the whole
    question of a caller; `connect_timeout_seconds` an attempt to connect. Of `connections` one is kept for changes and
    one for callers; so many as `waiting` wait for one, for `wait_seconds`. `rows_max` and `bytes_max` bound what is
    read at once; `statements_per_minute` and `rows_per_minute` what is read in a time, 0 without a bound. After
    `failures_max` failures in a row the source is left alone for `rest_seconds`. Outside `windows` nothing is read.
    What was read for a caller is good enough for another one for `cache_seconds`. A replication slot for which
    PostgreSQL keeps more than `slot_bytes_max` of its log is told of, and with `slot_drop` let go of.
    """

    dialect: Dialect | None = None
    accept_writable_login: str = ""
    attempt_writes: bool = False
    replication: str = ""
    timeout_seconds: float = 30.0
    connect_timeout_seconds: float = 10.0
    connections: int = 4
    waiting: int = 16
    wait_seconds: float = 5.0
    rows_max: int = 10_000
    bytes_max: int = 16 << 20
    statements_per_minute: float = 0.0
    rows_per_minute: float = 0.0
    failures_max: int = 3
    rest_seconds: float = 30.0
    windows: Windows = ALWAYS
    cache_seconds: float = 0.0
    slot_bytes_max: int = 10 << 30
    slot_drop: bool = False


def settings(options: Mapping[str, str]) -> Settings:
    """The options, checked.

    Raises:
        Stop: An option is unknown or its value unsuitable.
    """
    known = {field.name: field.default for field in fields(Settings)}
    read: dict[str, Any] = {}
    for name, text in options.items():
        if name not in known:
            raise Stop(f"a database connection has no option {name!r}", nearest(name, known))
        if name == "dialect":
            read[name] = _dialect(text)
        elif name == "windows":
            read[name] = Windows.parse(text)
        elif name in ("accept_writable_login", "replication"):
            read[name] = text.strip()
        elif name in ("attempt_writes", "slot_drop"):
            read[name] = _truth(name, text)
        else:
            read[name] = _number(name, text, whole=isinstance(known[name], int))
    return Settings(**read)


def _dialect(name: str) -> Dialect:
    names = {dialect.name: dialect for dialect in DIALECTS}
    if name not in names:
        raise Stop(f"there is no dialect {name!r}", nearest(name, names))
    return names[name]


def _truth(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Stop(f"option {name!r} is {text!r}", "Write true or false")
    return text.lower() == "true"


def _number(name: str, text: str, *, whole: bool) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e12 or (whole and number != int(number)):
        raise Stop(f"option {name!r} is {text!r}", f"Write a {'whole ' if whole else ''}number above 0")
    return int(number) if whole else number
