"""Frees a thread that waits in a driver for a server that will never answer.

A driver waits in a system call, and nothing of ODBC reaches it there: SQLCancel asks the same silent server, over a new
connection of its own. What does reach it is the end of its socket. Linux tells in which call a thread waits and with
which arguments (``/proc/self/task/…/syscall``, proc(5)), and so for which descriptors: those that are sockets are shut
down, and the driver sees a connection that was closed. Nothing is guessed: without that file nobody is freed.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import stat
import struct
import sys
from pathlib import Path

# Numbers of the system calls that wait (Linux, asm/unistd.h): those whose first argument is the descriptor, poll and
# its kin, select and its kin.
_X86 = ({0, 1, 42, 44, 45, 46, 47}, {7, 271}, {23, 270})
_ARM = ({63, 64, 203, 206, 207, 211, 212}, {73}, {72})
WAITING: dict[str, tuple[set[int], set[int], set[int]]] = {"x86_64": _X86, "aarch64": _ARM}
_POLLFD = struct.Struct("ihh")
_MANY = 1024


def unblock(thread_id: int) -> bool:
    """Shut down the sockets that a thread of this process waits for; whether there was one.

    `thread_id` is the system's (:func:`threading.get_native_id`).
    """
    call = _call(thread_id)
    copies = [copy for copy in map(copy_of_socket, _descriptors(call)) if copy is not None]
    try:
        # Only if it waits in the same call still, the copies are of what it waits for.
        if not copies or _call(thread_id) != call:
            return False
        for copy in copies:
            with contextlib.suppress(OSError):  # it may have been closed by the other side just now
                copy.shutdown(socket.SHUT_RDWR)
        return True
    finally:
        for copy in copies:
            copy.close()


def _call(thread_id: int) -> tuple[int, ...]:
    """The call's number, its six arguments, and where the thread stands; nothing when it runs or nobody can tell."""
    if not sys.platform.startswith("linux"):
        return ()
    try:
        text = Path(f"/proc/self/task/{thread_id}/syscall").read_text(encoding="ascii")
        number, *rest = text.split()
        return (int(number), *(int(part, 16) for part in rest)) if len(rest) == 8 else ()
    except (OSError, ValueError):
        return ()


def _descriptors(call: tuple[int, ...]) -> list[int]:
    """The file descriptors that a call waits for."""
    if not call:
        return []
    number, first, second, third = call[:4]
    direct, polls, selects = WAITING.get(platform.machine(), (set(), set(), set()))
    if number in direct:
        return [first]
    if number in polls:
        array = _memory(first, _POLLFD.size * min(second, _MANY))
        return [fd for fd, _, _ in _POLLFD.iter_unpack(array[: len(array) // _POLLFD.size * _POLLFD.size])]
    if number in selects:
        size = (min(first, _MANY) + 7) // 8
        bits = [int.from_bytes(_memory(pointer, size), "little") for pointer in (second, third) if pointer]
        return [fd for fd in range(min(first, _MANY)) if any(each >> fd & 1 for each in bits)]
    return []


def _memory(address: int, size: int) -> bytes:
    """Our own memory, read as a file: what is no longer there is an error, not a crash."""
    try:
        with Path("/proc/self/mem").open("rb", buffering=0) as memory:
            return os.pread(memory.fileno(), size, address)
    except (OSError, OverflowError, ValueError):
        return b""


def copy_of_socket(descriptor: int) -> socket.socket | None:
    """A copy of a descriptor, if it is a socket: the number itself may mean another file a moment later.

    What is no socket is not copied: whoever closes a copy of a file lets go of all locks that this process has on it
    (fcntl(2), POSIX advisory locks), SQLite's for example.
    """
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        copy = os.dup(descriptor)
    except OSError:
        return None
    if not stat.S_ISSOCK(os.fstat(copy).st_mode):
        return None  # the number became a file's between the two calls: that copy stays open, for its locks
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        return None
