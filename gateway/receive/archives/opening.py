"""Opening a leased delivery: if its file is an archive, its members are unpacked and put on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import Retry
from gateway.receive.archives.kinds import FIRST_BYTES, GZIP, ZIP, kind_of
from gateway.receive.archives.unpacking import unpack
from gateway.store import members, retention

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.configuration import Settings
    from gateway.model import Delivery
    from gateway.receive.archives.unpacking import Unpacked
    from gateway.store.database import Database, Transaction
    from gateway.store.decisions import RawBytes
    from gateway.store.vault import Vault

_MEMBERS_AT_ONCE = 500
"""So many are written by one transaction: it locks the content of each against being purged."""


def open_archive(
    database: Database,
    vault: Vault,
    delivery: Delivery,
    settings: Settings,
    *,
    prove: Callable[[Transaction], None],
    seen: Callable[[], None],
) -> Unpacked | None:
    """Unpack a delivery into the vault and write its members; None where its file is no archive that is opened.

    `prove` proves the lease in the transaction that writes. Done again, it gives the same again.

    Raises:
        Stop: the raw bytes are missing or damaged, or the vault cannot keep a member.
        Retry: the lease was lost, or content was purged between being unpacked and being written down.
    """
    found = unpack(vault, vault, delivery, settings, seen)
    if found is None:
        return None
    for at in range(0, max(1, len(found.members)), _MEMBERS_AT_ONCE):
        some = found.members[at : at + _MEMBERS_AT_ONCE]
        with database.write() as transaction:
            prove(transaction)
            if not retention.is_kept(transaction, vault, *(each.sha256 for each in some if each.sha256 is not None)):
                raise Retry("a member's content was purged with another delivery just now", delay_seconds=0.0)
            members.keep(transaction, delivery.number, some)
            members.mark(transaction, delivery.number, found.kind)
    return found


def is_archive(vault: RawBytes, delivery: Delivery) -> bool:
    """Whether a delivery's file is an archive that is opened."""
    kind = kind_of(vault.read(delivery.sha256, 0, FIRST_BYTES))
    return kind is not None and kind.name in (ZIP, GZIP)
