"""Replay: a delivery is judged again from its raw bytes, with every decision that people made about its documents.

As ``then``, with the revision that judged it last, it gives identical records (P5), which are no changes. As ``now``,
with the revision in force, what differs becomes changes. It keeps its landing number, so that what came later stays
(P6); a record that it no longer makes returns to what it was before. No acknowledgment is sent a second time (X1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import Reject
from gateway.model import DeliveryState
from gateway.observations import REPLAY_ASKED
from gateway.receive.archives import is_archive
from gateway.repair.retention import was_purged
from gateway.store import audit, deliveries, members, replays, staging

if TYPE_CHECKING:
    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.store.database import Database
    from gateway.store.vault import Vault

THEN, NOW = "then", "now"


def ask_replay(
    database: Database, vault: Vault, delivery: Delivery, *, routes: Routes | None, how: str, who: str, reason: str
) -> None:
    """Put a delivery on the workers' table; `routes` are those of the revision that is to judge it.

    Raises:
        Reject: ``not_finished``: it is at work or waits; ``not_replayable``: its bytes are gone, or the revision of
            its day does not take it or keeps records that have other columns today.
    """
    if delivery.state is DeliveryState.PURGED:
        raise Reject("not_replayable", was_purged(delivery), "Ask the sender for the file.")
    if not vault.exists(delivery.sha256):
        raise Reject("not_replayable", f"the bytes of {delivery.id} are no longer kept", "Ask the sender for the file.")
    if routes is None:
        raise Reject("not_replayable", f"no revision has judged {delivery.id} yet", "Replay it as now.")
    with database.read() as connection:
        candidates = routes.candidates_of(delivery, members.parts_of(connection, delivery))
    of_archive = delivery.archive is not None or is_archive(vault, delivery)
    if not candidates and not (of_archive and routes.may_want(delivery)):
        raise Reject(
            "not_replayable",
            f"no integration of revision {routes.revision} takes {delivery.name} from {delivery.source}",
            "Add an integration whose source: matches, apply, and replay it as now.",
        )
    with database.write() as transaction:
        for contract in (routes.configuration.contract_of(each) for each in candidates):
            here = staging.standing(transaction.connection, contract.id)
            columns = {staging.column_of(field.name) for field in contract.columns()}
            if here is None or set(here.columns) != columns:
                raise Reject(
                    "not_replayable",
                    f"{contract.id} has other columns today than in revision {routes.revision}",
                    "Replay it as now.",
                )
        if not replays.ask(transaction, delivery.number, how):
            as_it_is = deliveries.by_number(transaction.connection, delivery.number)
            if as_it_is.state is DeliveryState.PURGED:  # a moment ago
                raise Reject("not_replayable", was_purged(as_it_is), "Ask the sender for the file.")
            raise Reject(
                "not_finished", f"{delivery.id} is being judged, or waits for it", "Ask again when it has ended."
            )
        audit.write(transaction, "replay_asked", f"delivery {delivery.id}", who=who, how=how, reason=reason)
        transaction.tell(
            REPLAY_ASKED(
                integration=delivery.integration,
                partner=delivery.partner,
                delivery=delivery.id,
                how=how,
                who=who,
                reason=reason,
            )
        )
