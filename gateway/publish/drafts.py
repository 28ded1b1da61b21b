"""The drafts of a delivery's answers, kept until their control numbers are taken: few in memory, many in a file.

A file may hold millions of interchanges, and each is answered; a try that breaks off must have written nothing to the
store. So they wait in a temporary file, which nobody else sees and which goes with the process.
"""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter
from typing import TYPE_CHECKING

from gateway.store.database import Unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.publish.interchanges import Wanted

IN_MEMORY_BYTES = 1024 * 1024


class Drafts:
    """Drafts in the order in which they were added; to be closed.

    Raises:
        Stop: the temporary file cannot be written or read.
    """

    def __init__(self, in_memory: int = IN_MEMORY_BYTES) -> None:
        self.pairs: Counter[tuple[str, str, str]] = Counter()
        """How many there are for each standard, sender and receiver."""
        self._spool = tempfile.SpooledTemporaryFile(in_memory)  # noqa: SIM115 - see close

    def add(self, wanted: Wanted) -> None:
        """Keep one more."""
        self.pairs[wanted.pair] += 1
        try:
            pickle.dump(wanted, self._spool, pickle.HIGHEST_PROTOCOL)
        except OSError as error:
            raise _unkept(error) from error

    def __iter__(self) -> Iterator[Wanted]:
        """All of them, from the first on."""
        try:
            self._spool.seek(0)
            for _ in range(self.pairs.total()):
                wanted: Wanted = pickle.load(self._spool)  # noqa: S301 - our own, in a file without a name
                yield wanted
        except OSError as error:
            raise _unkept(error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._spool.close()


def _unkept(error: OSError) -> Unwritable:
    return Unwritable(
        f"answers on their way cannot be kept in a temporary file: {error.strerror}",
        f"Make room in {tempfile.gettempdir()}, or name another folder in $TMPDIR.",
    )
