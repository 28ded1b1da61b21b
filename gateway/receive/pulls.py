"""What is pulled from a partner's server, handed to landing, and remembered in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model import Arrived
from gateway.store import pulls
from sftp.errors import Changed
from sftp.names import shown
from sftp.pull import Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gateway.receive.landing import Receiver
    from gateway.store.database import Transaction
    from sftp.arrival import Arrival


@dataclass(frozen=True, slots=True)
class Pulled:
    """The ledger of ``sftp.pull`` for one source, in the store.

    `hold` begins every transaction: it proves that the source is still ours to read, and prolongs that, or raises.
    `alive` is called often while something is on its way.
    """

    receiver: Receiver
    source: str
    hold: Callable[[Transaction], None]
    alive: Callable[[], None]

    def taken(self) -> dict[str, Taken]:
        """What was taken and may still be there, by key."""
        with self.receiver.database.read() as connection:
            standing = pulls.recall(connection, self.source)
        return {key: Taken(key, each.name, each.sha256, each.state) for key, each in standing.items()}

    def times(self, key: str) -> int:
        """How many arrivals of that key there have been."""
        with self.receiver.database.read() as connection:
            return pulls.times(connection, key)

    def take(self, arrival: Arrival, taken: Taken) -> None:
        """Land the file, and note that it was taken, in one transaction.

        Raises:
            Changed: other bytes are kept under that id.
            Retry: the store does not answer now, or somebody else reads this source now.
            Stop: nothing can be stored before a person has acted.
        """

        def also(transaction: Transaction) -> None:
            self.hold(transaction)
            if pulls.sha256_of(transaction.connection, arrival.id) != arrival.sha256:
                raise Changed(f"{shown(arrival.name)} is not what {arrival.id} was")
            pulls.keep(transaction, self.source, [_standing(taken)])

        arrived = Arrived(
            source=arrival.source,
            name=shown(arrival.name),  # its bytes may be no UTF-8, which no store would take as text
            partner=arrival.partner,
            arrival=arrival.id,
            whole=arrival.whole,
        )
        with arrival.path.open("rb") as file:
            self.receiver.land(arrived, file, also=also)

    def note(self, taken: Sequence[Taken]) -> None:
        """Remember these as they are now."""
        if taken:
            with self.receiver.database.write() as transaction:
                self.hold(transaction)
                pulls.keep(transaction, self.source, map(_standing, taken))

    def forget(self, keys: Iterable[str]) -> None:
        """They are not there any more, by our own doing."""
        keys = list(keys)
        if keys:
            with self.receiver.database.write() as transaction:
                self.hold(transaction)
                pulls.forget(transaction, self.source, keys)

    def gone(self, keys: Iterable[str]) -> None:
        """They are not listed: what was taken long ago is forgotten."""
        keys = list(keys)
        if not keys:
            return
        with self.receiver.database.write() as transaction:
            old = pulls.forgotten(transaction.connection, self.source, keys, pulls.long_ago(transaction))
            pulls.forget(transaction, self.source, old)


def _standing(taken: Taken) -> pulls.Standing:
    return pulls.Standing(taken.key, taken.name, taken.sha256, taken.state)
