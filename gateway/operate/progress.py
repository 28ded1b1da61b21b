"""Progress of long work: one line that renews itself on a terminal, plain lines now and then when piped."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from gateway.observations import so_many

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.model import Delivery

_TERMINAL_EVERY_SECONDS = 0.2
_PIPE_EVERY_SECONDS = 5.0


class Progress:
    """Says how many documents of a delivery were judged so far, and how fast."""

    def __init__(self, stream: TextIO, monotonic: Callable[[], float]) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._terminal = stream.isatty()
        self._delivery: str | None = None
        self._began = 0.0
        self._said = 0.0

    def __call__(self, delivery: Delivery, documents: int) -> None:
        """Some more documents of `delivery` are in the store: `documents` in all."""
        now = self._monotonic()
        if delivery.id != self._delivery:
            self._delivery, self._began, self._said = delivery.id, now, now
            return
        if now - self._said < (_TERMINAL_EVERY_SECONDS if self._terminal else _PIPE_EVERY_SECONDS):
            return
        self._said = now
        pace = documents / max(now - self._began, 0.001)
        line = f"{delivery.name}: {so_many(documents, 'documents')} judged, about {pace:,.0f} a second"
        self._stream.write(f"\r\x1b[2K{line}" if self._terminal else f"{line}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the terminal's line as it was."""
        if self._terminal:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
