"""Limits on judging: processor time without getting on, and memory. A file that breaks one costs its process a life.

Nothing milder is sure. A loop inside C holds the interpreter's lock, so that no handler and no thread of ours would
ever run; a signal whose action is the kernel's own (SIGPROF: the process ends) needs nobody. The timer counts the
processor time of the process, not the clock on the wall: waiting for the store, a suspended machine or a busy one
never uses it up. And it is set anew whenever judging gets on, so that the size of a file does not matter.

Who started us learns of two things by a slate, a page of memory that both have: that we have come up, and to which
delivery we turned last.
"""

from __future__ import annotations

import mmap
import os
import re
import resource
import secrets
import signal
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.judging import Watch

if TYPE_CHECKING:
    from gateway.configuration import Settings
    from gateway.model import Delivery

OUT_OF_MEMORY = 71
"""The status of a worker that ended because its room was used up."""
_STATE, _DELIVERY, _MARK, _SIZE = 0, 8, 16, 24
_BEGUN, _UP = 1, 2
_OFTEN = 20
"""The timer is set anew when a twentieth of the time went by: each time is a call of the system."""
_DATA = re.compile(r"^VmData:\s+(\d+) kB$", re.MULTILINE)


class Slate:
    """What a child writes down for who started it. The descriptor is inherited; neither waits for the other."""

    def __init__(self, descriptor: int | None = None) -> None:
        """Take the slate of that descriptor, or a new one."""
        self.descriptor = os.memfd_create("slate") if descriptor is None else descriptor
        if descriptor is None:
            os.write(self.descriptor, bytes(_MARK) + secrets.token_bytes(_SIZE - _MARK))
        self._page = mmap.mmap(self.descriptor, _SIZE)

    def begin(self) -> None:
        """Tell that all is there for the role to work: what ends it from now on is no fault of its start."""
        self._page[_STATE] = max(self._page[_STATE], _BEGUN)

    def come_up(self) -> None:
        """Tell that the role works now."""
        self._page[_STATE] = _UP

    @property
    def could_begin(self) -> bool:
        """Whether all was there for the role."""
        return self._page[_STATE] >= _BEGUN

    @property
    def is_up(self) -> bool:
        """Whether the role has come up."""
        return self._page[_STATE] == _UP

    @property
    def mark(self) -> str:
        """What no other child has, of whichever machine: process ids and names of machines repeat."""
        return self._page[_MARK:_SIZE].hex()

    def note(self, delivery: int) -> None:
        """Tell which delivery it turned to, by its number."""
        struct.pack_into("=q", self._page, _DELIVERY, delivery)

    @property
    def delivery(self) -> int:
        """The delivery that it turned to last; 0 for none."""
        (number,) = struct.unpack_from("=q", self._page, _DELIVERY)
        return int(number)

    def close(self) -> None:
        """Wipe it."""
        self._page.close()
        os.close(self.descriptor)


class ProcessorTime(Watch):
    """Ends this process when judging used up `seconds` of processor time without getting on.

    The signal's action must be the kernel's own: nobody may handle SIGPROF.
    """

    def __init__(self, seconds: float, slate: Slate | None = None) -> None:
        self._seconds = seconds
        self._slate = slate
        self._set_anew_after = seconds / _OFTEN
        self._since: float | None = None

    def turn_to(self, delivery: Delivery) -> None:
        """Let who started us know whose fault it is if we end now."""
        if self._slate is not None:
            self._slate.note(delivery.number)

    def begin(self) -> None:
        """Judging begins, or goes on after something else."""
        self._since = time.monotonic()
        signal.setitimer(signal.ITIMER_PROF, self._seconds)

    def progressed(self) -> None:
        """Bytes were read or documents judged: the whole time is to be had again."""
        now = time.monotonic()
        if self._since is not None and now - self._since > self._set_anew_after:
            self._since = now
            signal.setitimer(signal.ITIMER_PROF, self._seconds)

    def end(self) -> None:
        """What follows may take as long as it does."""
        self._since = None
        signal.setitimer(signal.ITIMER_PROF, 0.0)


def limit_memory(room: int) -> None:
    """Let this process have `room` bytes more than it has now; whoever asks for more gets a MemoryError.

    Linux counts what a process may write to (RLIMIT_DATA, since 4.7), not what is only mapped, as libraries are.
    """
    found = _DATA.search(Path("/proc/self/status").read_text(encoding="ascii"))
    if found is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = int(found[1]) * 1024 + room
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def out_of_room(settings: Settings) -> str:
    """The reason of a try that used up its memory."""
    return f"it needed more than {settings.memory_bytes_max / 1024**2:,.0f} MiB of memory (memory_max)"


def why_it_ended(status: int, settings: Settings) -> str:
    """How a worker ended that should not have, as the reason why the file that it judged was not finished.

    `status` is negative for a signal.
    """
    if status == -signal.SIGPROF:
        return f"judging it got no further in {settings.judging_seconds_max:g} s of processor time (judging_max)"
    if status == OUT_OF_MEMORY:
        return out_of_room(settings)
    if status == -signal.SIGKILL:
        return "its process was killed (SIGKILL), which the system does when its memory runs out"
    return f"its process {how_it_ended(status)}"


def how_it_ended(status: int) -> str:
    """The end of a process in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"ended with {signal.Signals(-status).name}"
    except ValueError:
        return f"ended with signal {-status}"
