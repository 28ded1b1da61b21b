"""A slot of PostgreSQL read through the streaming replication protocol: what is committed comes at once.

An extra beside :mod:`adapters.slots`, for those who want the last milliseconds or half of the server's effort: the same
messages, the same positions, so that one can go over to it and back. It needs psycopg 3.3, whose low-level interface to
libpq lets START_REPLICATION through. Sources: PostgreSQL manual, "Streaming Replication Protocol" and "Logical
Streaming Replication Protocol".
"""

from __future__ import annotations

import contextlib
import importlib
import selectors
import struct
import time
from typing import TYPE_CHECKING, Any

from adapters.errors import Gap, Refused, Retry, Stop, blotted
from adapters.pgoutput import lsn_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUFFER_BYTES = 64 << 10
ASK_SECONDS = 0.01
"""How long the server is left in peace before it is asked how far it is."""

# A session of its own, with texts as those of every other session.
SETTINGS = {
    "datestyle": "ISO,YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "timezone": "UTC",
    "default_transaction_read_only": "on",
}
REFUSALS = ("authentication failed", "pg_hba.conf", "does not exist", "no password supplied")
_HEAD = struct.Struct(">Q").unpack_from
_STATUS = struct.Struct(">cQQQQB").pack
_COPY_BOTH = 8
_TUPLES = 2
_DATA = ord("w")
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)
"""poll(2), where there is one: select(2) knows no descriptor beyond 1023."""


def _psycopg() -> Any:
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        raise Stop(
            f"the streaming protocol needs psycopg, which cannot be loaded ({error})",
            "pip install 'psycopg[binary]>=3.3', or leave the option 'replication' out",
        ) from None


def identifier(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


class Stream:
    """A slot that is being streamed, from `end` on; what was before `acked` is kept already. One thread at a time.

    `teller` is what the messages are told to, and `reached` the position that a reader must come with to go on here;
    who comes with another begins anew. `clean` says that all that came has been told.
    """

    def __init__(
        self, address: str, slot: str, publication: str, system: str, end: int, acked: int, *, connect_seconds: float
    ) -> None:
        psycopg = _psycopg()
        self._error = psycopg.Error
        self.teller: Any = None
        self.reached: str | None = None
        self.clean = True
        self._acked = acked
        self._sent = 0
        self._secrets: list[str] = []
        try:
            given = psycopg.conninfo.conninfo_to_dict(address)
            self._secrets = [str(given.get("password") or "")]
            settings = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
            conninfo = psycopg.conninfo.make_conninfo(
                **{"connect_timeout": max(2, round(connect_seconds)), **given},
                replication="database",
                client_encoding="UTF8",
                options=f"{given.get('options') or ''} {settings}".strip(),
            )
            self._connection = psycopg.pq.PGconn.connect(conninfo.encode())
        except psycopg.Error as error:
            raise Stop(
                f"the address of the option 'replication' cannot be read ({blotted(str(error), self._secrets)})",
                "Write postgresql://login:password@host:port/database",
            ) from None
        if self._connection.status != 0:
            lost = self._lost("cannot connect for replication")
            if any(word in lost.message for word in REFUSALS):
                raise Refused(lost.message, "Check login, password and pg_hba.conf, which must let replication in")
            raise lost
        try:
            self._begin(slot, publication, system, end)
        except BaseException:
            self.close()
            raise

    def _begin(self, slot: str, publication: str, system: str, end: int) -> None:
        who = self._connection.exec_(b"IDENTIFY_SYSTEM")
        if who.status != _TUPLES:
            raise self._lost("cannot ask which server answers")
        name = (who.get_value(0, 0) or b"").decode()
        if name != system:
            raise Gap(
                f"the address of the option 'replication' leads to another server: {name}, not {system}",
                "Write the address of the server that the connection string names",
            )
        names = identifier(publication).replace("'", "''")
        sql = (
            f"START_REPLICATION SLOT {identifier(slot)} LOGICAL {lsn_text(end)}"
            f" (proto_version '1', publication_names '{names}')"
        )
        begun = self._connection.exec_(sql.encode())
        if begun.status != _COPY_BOTH:
            raise self._lost(f"cannot stream the slot {slot!r}")
        self._connection.nonblocking = 1

    def buffers(self, until: Callable[[], bool], deadline: Callable[[], float]) -> Iterator[bytes]:
        """Messages as they come, until all is here that `until` asks for and no time is left.

        `until` is asked when nothing more is at hand: whether what was told reaches far enough. `deadline` gives the
        seconds that are left to wait for more.
        """
        parts: list[Any] = []
        size = 0
        asked = 0.0
        receive = self._connection.get_copy_data
        while True:
            try:
                got, data = receive(1)
            except self._error:
                raise self._lost("the stream was broken off") from None
            if got > 0:
                if data[0] == _DATA:
                    parts.append(data[25:])
                    size += got
                    if size >= BUFFER_BYTES:
                        yield b"".join(parts)
                        parts, size = [], 0
                else:
                    self._sent = max(self._sent, _HEAD(data, 1)[0])
                    if data[17]:
                        self.status(reply=False)
                continue
            if got < 0:
                raise self._lost("the stream ended")
            if parts:
                yield b"".join(parts)
                parts, size = [], 0
                continue
            left = deadline()
            if until() and left <= 0:
                return
            if not until() and time.monotonic() - asked > ASK_SECONDS:
                asked = time.monotonic()
                self.status(reply=True)
            self._wait(min(max(left, ASK_SECONDS), 1.0))

    @property
    def sent(self) -> int:
        """Up to where the server says that it has sent all."""
        return self._sent

    def confirm(self, end: int) -> None:
        """All up to `end` is kept; the server may forget it."""
        if end > self._acked:
            self._acked = end
            self.status(reply=False)

    def status(self, *, reply: bool) -> None:
        """Say what is kept; with `reply` the server is to say how far it is."""
        acked = self._acked
        try:
            self._connection.put_copy_data(_STATUS(b"r", acked, acked, acked, 0, reply))
            while self._connection.flush():
                self._ready(selectors.EVENT_WRITE, 1.0)
        except self._error:
            raise self._lost("the stream was broken off") from None

    def close(self) -> None:
        """Leave the slot."""
        with contextlib.suppress(Exception):
            self._connection.finish()

    def _wait(self, seconds: float) -> None:
        try:
            if self._ready(selectors.EVENT_READ, seconds):
                self._connection.consume_input()
        except (self._error, OSError, ValueError):
            raise self._lost("the stream was broken off") from None

    def _ready(self, event: int, seconds: float) -> bool:
        with _Selector() as waiting:
            waiting.register(self._connection.socket, event)
            return bool(waiting.select(seconds))

    def _lost(self, doing: str) -> Retry:
        said = blotted(self._connection.error_message.decode(errors="replace").strip(), self._secrets)
        self.close()
        return Retry(f"{doing} ({said or 'the server said nothing'})", delay_seconds=5.0, lost=True)
