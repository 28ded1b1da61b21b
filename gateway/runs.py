"""Runs: small new deliveries that follow each other in a lane are published by one transaction, if all of it is good.

A commit costs as much as the judging of several small files, and so do the statements around it. Each delivery still
becomes visible whole, in its order; what a run leaves in the store is what one delivery after the other would have
left. Whatever is not plain (a finding, a file in doubt, a repetition, a retry) goes the ordinary way, alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway import telling
from gateway.errors import Retry
from gateway.ingest import addressed
from gateway.judging import Judging, Task
from gateway.model import DeliveryState, DocumentState
from gateway.store import acknowledgments, deliveries, staging
from gateway.store.deliveries import Closing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.ingest import Line
    from gateway.judging import Batch
    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.store.leases import Lease
    from gateway.store.staging import Staged

DELIVERIES_MAX = 64
"""So many deliveries are in a run: it takes a fraction of a second, and the next worker's file waits no longer."""

BYTES_MAX = 64 * 1024
"""A file of at most so many bytes is small."""


class Good(NamedTuple):
    """A delivery all of whose documents were accepted."""

    lease: Lease
    delivery: Delivery
    batch: Batch


def ingest_run(line: Line, leases: Sequence[Lease], routes: Routes) -> int:
    """Judge leased deliveries until one is not plain, and publish those before it; how many that were.

    Raises:
        Retry: a lease was lost, or the store or a contract is busy; nothing became visible.
        Stop: the store cannot be written.
    """
    good: list[Good] = []
    repeated = _known(line, leases)
    for lease in leases:
        if lease.delivery.sha256 in repeated:
            break
        repeated.add(lease.delivery.sha256)
        judged = _judged(line, lease, routes)
        if judged is None:
            break
        good.append(judged)
    try:
        if good:
            _publish(line, good, routes)
    except _OvertakenError:
        return 0
    return len(good)


def _known(line: Line, leases: Sequence[Lease]) -> set[str]:
    """The content that would make a delivery of the run a duplicate (L5), if none before it in the run is accepted."""
    whose = {(each.delivery.partner, each.delivery.integration): each.delivery for each in reversed(leases)}
    with line.database.read() as connection:
        latest = [deliveries.latest_accepted(connection, each, each.integration) for each in whose.values()]
    return {each.sha256 for each in latest if each is not None}


def _judged(line: Line, lease: Lease, routes: Routes) -> Good | None:
    """The delivery judged, when nothing is to be said of it but that it is good."""
    candidates = routes.candidates(lease.delivery)
    if not candidates or lease.delivery.source.startswith("table://"):
        return None
    line.watch.turn_to(lease.delivery)
    line.watch.begin()
    try:
        batch = Judging(line.vault, routes, line.new_id).run(
            Task(lease.delivery, candidates), _refuse, line.watch.progressed
        )
    except MemoryError:  # the process must end
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the ordinary way meets it again, and tells it
        return None
    finally:
        line.watch.end()
    if batch.held or batch.noted or batch.about_file or batch.is_sheet or not batch.accepted:
        return None
    if any(batch.versions.values()):  # each is held against what those before it brought
        return None
    return Good(lease, addressed(lease.delivery, candidates), batch)


def _refuse(_batch: Batch) -> None:
    raise OverflowError("a small file has so many records that they are stored in several steps")


class _OvertakenError(Exception):
    """A later delivery of another lane brought one of the records already: which, is the ordinary way's to say."""


def _publish(line: Line, good: Sequence[Good], routes: Routes) -> None:
    """The one transaction that makes the run visible: records, changes, counters, log, leases."""
    brought: dict[str, list[tuple[int, Sequence[Staged]]]] = {}
    for each in good:
        for contract_id, rows in each.batch.accepted.items():
            brought.setdefault(contract_id, []).append((each.delivery.number, rows))
            each.batch.count[DocumentState.ACCEPTED] += len(rows)
    contracts = {name: each for one in good for name, each in one.batch.contracts.items()}
    with line.database.write() as transaction:
        closing = [Closing(each.delivery, each.lease.token, _counted(each.batch)) for each in good]
        if not deliveries.close_accepted(transaction, closing, revision=routes.revision):
            raise Retry("the lease of a delivery went to another worker", delay_seconds=0.0)
        for contract_id in sorted(brought):
            if not staging.put(transaction, contracts[contract_id], brought[contract_id], revision=routes.revision):
                raise _OvertakenError
        published = [(each.delivery, routes.candidates(each.delivery)) for each in good]
        acknowledgments.owe(transaction, published, revision=routes.revision)
        for each in good:
            each.batch.accepted = {}
            transaction.tell(*telling.finished(each.delivery, each.batch, DeliveryState.ACCEPTED))


def _counted(batch: Batch) -> dict[str, int]:
    return {str(state): count for state, count in batch.count.items() if count}
