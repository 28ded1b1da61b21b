"""The connections of this process, as the system knows them: whoever stalls is left (Linux; elsewhere nothing is done).

granian hands the application no connection: a thread that waits in it for a reader to take bytes, or for a body to
come, waits as long as the connection lives. The system can end that: TCP_USER_TIMEOUT (RFC 5482) ends a connection on
which bytes wait for so long that its reader does not take, and `shutdown` one whose body does not come.
"""

from __future__ import annotations

import logging
import socket
import struct
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from adapters.rescue import copy_of_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STALLED_SECONDS = 120
"""A reader who takes nothing for so long, while there is something to take, has lost his connection."""

_log = logging.getLogger(__name__)
_LINUX = sys.platform == "linux"
_INFO = struct.Struct("=8x9I I I I")  # struct tcp_info: behind eight bytes and nine numbers last_data_sent, …, _recv
_ESTABLISHED = 1
_MAPPED = "::ffff:"
_TRIES, _PAUSE_SECONDS = 1200, 0.05


class _Idle(NamedTuple):
    """For how many milliseconds nothing was sent, and nothing came."""

    sent: int
    received: int


def leave_stalled(port: int, seconds: int = STALLED_SECONDS, *, listening: Callable[[], None] = lambda: None) -> None:
    """Bound how long a reader may stall, on every connection that this process will accept at the port.

    The server begins to listen when it has the application: a thread waits for that, and calls `listening` then. Where
    that cannot be seen, it is called at once.
    """
    if not _LINUX:
        listening()
        return
    arguments = (port, seconds, listening)
    threading.Thread(target=_bound_when_listening, args=arguments, name="stalled", daemon=True).start()


def _bound_when_listening(port: int, seconds: int, listening: Callable[[], None]) -> None:
    pause = threading.Event()
    for _ in range(_TRIES):
        if bound_stalls(port, seconds):
            listening()
            return
        pause.wait(_PAUSE_SECONDS)
    _log.warning("nothing listens at port %d yet: readers who stall keep their connections", port)


def bound_stalls(port: int, seconds: int) -> bool:
    """Set the bound at the listening socket, from which accepted ones have it; False where none listens."""
    found = False
    for each in _sockets(port):
        if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)
            found = True
    return found


def abandon(port: int, peer: str, seconds: float) -> int:
    """Close the connections of an address whose request has been coming for so long; how many they were.

    That is what came in later than anything went out, longer ago than that. A connection that rests between two
    requests has answered the last one; one whose answer is being made for as long cannot be told apart.
    """
    closed = 0
    for each in _sockets(port) if _LINUX else ():
        with suppress(OSError):
            idle = _idle(each)
            if idle is None or each.getpeername()[0].removeprefix(_MAPPED) != peer.removeprefix(_MAPPED):
                continue
            if idle.sent >= (seconds - 1) * 1000 and idle.received < idle.sent:
                each.shutdown(socket.SHUT_RDWR)
                closed += 1
    if closed:
        _log.warning("%d connections of %s were closed: a body took longer than %.0f s", closed, peer, seconds)
    return closed


def _sockets(port: int) -> Iterator[socket.socket]:
    """The TCP sockets of this process at a local port, each for as long as it is looked at."""
    for number in list(Path("/proc/self/fd").iterdir()):
        one = copy_of_socket(int(number.name))
        if one is None:
            continue
        with closing(one), suppress(OSError):
            tcp = one.family in (socket.AF_INET, socket.AF_INET6) and one.type == socket.SOCK_STREAM
            if tcp and one.getsockname()[1] == port:
                yield one


def _idle(one: socket.socket) -> _Idle | None:
    """How long it is since something went out and came in; None for what is no open connection."""
    raw = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    *_, sent, _acknowledged, received = _INFO.unpack(raw)
    return _Idle(sent, received) if raw[0] == _ESTABLISHED else None
