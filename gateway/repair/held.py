"""What a person does about held documents: has them judged again, corrects one, gives one up; with who and why.

A correction stands beside the raw bytes, which never change: it is a file of the vault that is read in the document's
place from then on, at every retry and every replay.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway import telling
from gateway.errors import Reject
from gateway.model import DeliveryState, DocumentState
from gateway.observations import DOCUMENT_CORRECTED, DOCUMENT_DISCARDED, so_many
from gateway.store import audit, decisions, deliveries, members, quarantine, retention, retries
from gateway.store.decisions import CORRECTED, Amended, Decision
from gateway.store.retries import Marked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.configuration import Configuration
    from gateway.integrations import Accept
    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.store.database import Database, Transaction
    from gateway.store.decisions import RawBytes
    from gateway.store.quarantine import HeldDocument
    from gateway.store.retries import Together
    from gateway.store.vault import Vault

UNFIT = "mapping.unusable"
"""The finding of documents under a header that is not the one that their integration maps."""
CORRECTION_BYTES_MAX = 16 * 1024 * 1024
_SETTLED = {
    DocumentState.PURGED: "Its bytes are no longer kept: ask the sender for the file.",
    DocumentState.DISCARDED: "It was given up for good: where it is wanted all the same, have it sent again.",
    DocumentState.REPAIRED: "Its sender has put it right; where that is wrong, have it sent once more.",
}
"""What can be done about a document that is held no more."""
_AT_ONCE = 500
TOGETHER_TOLD_MAX = 100
"""So many deliveries that are judged again as wholes are told by name."""


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes `start` to `end` of the delivery's content, as a finding tells them, and what shall stand there."""

    start: int
    end: int
    text: bytes


def policies(configuration: Configuration) -> dict[str, Accept]:
    """What integrations say of files that are partly bad, by their names."""
    return {name: each.accept for name, each in configuration.integrations.items()}


def retry(database: Database, ids: Sequence[str], *, who: str, accepts: Mapping[str, Accept]) -> Marked:
    """Have held documents judged again, with the configuration in force by then.

    Where an integration takes a file whole or not at all, all documents of the file are. `accepts`: see ``policies``.
    """
    with database.write() as transaction:
        marked = retries.retry(transaction, ids, accepts=accepts)
        if marked.documents:
            alone = len(ids) == 1 and not marked.together
            subject, listed = (
                (f"document {ids[0]}", None) if alone else (so_many(marked.documents, "documents"), list(ids))
            )
            audit.write(transaction, "retried", subject, who=who, documents=listed, **_wholes(marked))
        return marked


def retry_group(database: Database, *, who: str, accepts: Mapping[str, Accept], **group: Any) -> Marked:
    """Have all held documents judged again that ``quarantine.page`` chooses by `group`.

    A delivery that is held as a whole, for what is wrong with its file or by the rule of its integration, is judged
    again as a whole, with all its documents: which of them were chosen by their findings says nothing about the others.

    The audit log has one row for the decision, with the first of them; a value by which they were chosen is a value of
    documents, and not told.
    """
    after, documents = None, 0
    wholes: set[str] = set()
    told_of: list[Together] = []
    told = {name: "…" if name == "value" else said for name, said in group.items()}
    while True:
        with database.read() as connection:
            found = quarantine.page(connection, after=after, limit=_AT_ONCE, **group)
        if not found:
            return Marked(documents, tuple(told_of))
        with database.write() as transaction:
            if after is None:
                audit.write(transaction, "retried", "group of documents" if group else "all documents", who=who, **told)
            wanted = [each.id for each in found if each.delivery not in wholes]
            marked = retries.retry(transaction, wanted, accepts=accepts, group=True)
        documents += marked.documents
        wholes |= {each.delivery for each in marked.together}
        told_of += marked.together[: max(0, TOGETHER_TOLD_MAX - len(told_of))]
        after = found[-1].id


def _wholes(marked: Marked) -> dict[str, list[str]]:
    """The deliveries that are judged again as wholes, as the audit log tells them."""
    return {"together": [each.delivery for each in marked.together]} if marked.together else {}


def discard(database: Database, document: HeldDocument, *, who: str, reason: str) -> None:
    """Give a held document up; and with the last of it a delivery of which nothing was taken.

    Raises:
        Reject: ``not_held``.
    """
    with database.write() as transaction:
        state = quarantine.discard(transaction, document.id, reason=reason, who=who)
        if state is None:
            raise not_held(document)
        delivery = _delivery(transaction, document)
        audit.write(
            transaction,
            "discarded",
            f"document {document.id}",
            who=who,
            delivery=document.delivery,
            reason=reason,
            **({"state": str(state)} if state is DeliveryState.DISCARDED else {}),
        )
        transaction.tell(
            DOCUMENT_DISCARDED(
                integration=document.integration,
                partner=delivery.partner,
                delivery=document.delivery,
                document=document.label,
                reason=reason,
                who=who,
            )
        )
        if state is DeliveryState.DISCARDED:
            transaction.tell(telling.closed(delivery, delivery.documents))


def as_it_stands(database: Database, vault: Vault, document: HeldDocument) -> tuple[bytes, Decision | None]:
    """The bytes of a held document, and its correction if it has one already."""
    with database.read() as connection:
        delivery = deliveries.get(connection, document.delivery)
        assert delivery is not None, document.delivery
        number = document.origin + document.number
        known = decisions.of_delivery(connection, delivery.number).get(number)
        part = members.part_with(connection, delivery, number)
    correction = known if known is not None and known.kind == CORRECTED else None
    raw: RawBytes = vault if correction is None else Amended(vault, correction.within(part.origin))
    end = document.end if correction is None else correction.start - part.origin + correction.size
    return raw.read(part.sha256, document.start, end), correction


def refuse_uncorrectable(document: HeldDocument) -> None:
    """Refuse to correct a document where that could not help, whatever it is corrected to.

    Raises:
        Reject: ``not_held``; ``not_correctable``: it is a file as a whole, or the header above it is what is wrong.
    """
    if document.state not in quarantine.OPEN:
        raise not_held(document)
    if document.number == 0:
        raise Reject(
            "not_correctable",
            "the file is held as a whole, because no document in it could be read",
            "Hand a corrected file in, and discard this one.",
        )
    unfit = next((each for each in document.findings if each.code == UNFIT), None)
    if unfit is not None:
        raise Reject(
            "not_correctable",
            f"document {document.label} of {document.name} is held for the header of its file, which no correction of "
            f"the document changes: {unfit.message}",
            unfit.remedy,
        )


def changed(text: bytes, document: HeldDocument, changes: Sequence[Change]) -> bytes:
    """The document's bytes with the changes made.

    Raises:
        Reject: ``not_correctable``: a change lies outside of the document, or two overlap.
    """
    at = len(text)
    for each in sorted(changes, key=lambda each: each.start, reverse=True):
        start, end = each.start - document.start, each.end - document.start
        if not 0 <= start <= end <= at:
            raise Reject(
                "not_correctable",
                f"bytes {each.start} to {each.end} are not within the document, which is {document.start} to "
                f"{document.start + len(text)}, or overlap another change",
                "Give the bytes as the finding tells them.",
            )
        text, at = text[:start] + each.text + text[end:], start
    return text


def correct(
    database: Database,
    vault: Vault,
    document: HeldDocument,
    text: bytes,
    *,
    who: str,
    reason: str,
    accepts: Mapping[str, Accept],
) -> Marked:
    """Have a document read as `text` from now on, and judged again; with all of its file, as ``retry`` says.

    Raises:
        Reject: ``not_held``; ``not_correctable``: it is a file as a whole, or nothing or too much is in its place.
    """
    refuse_uncorrectable(document)
    before, correction = as_it_stands(database, vault, document)
    if not text or len(text) > CORRECTION_BYTES_MAX:
        raise Reject(
            "not_correctable",
            f"the correction has {len(text)} bytes; it has at least one and at most {CORRECTION_BYTES_MAX}",
            "Discard the document instead, or hand a corrected file in.",
        )
    for ending in (b"\r\n", b"\n", b"\r"):  # an editor adds one where the document had none
        if text.endswith(ending) and not before.endswith(ending):
            text = text.removesuffix(ending)
            break
    start, end = document.start + document.origin, document.end + document.origin
    if correction is not None:
        start, end = correction.start, correction.end
    kept = None
    while kept is None:  # the same bytes were purged elsewhere since they were put
        kept = _kept(database, vault, document, text, (start, end), who, reason, accepts)
    if not kept.documents:
        raise not_held(document)
    return kept


def _kept(
    database: Database,
    vault: Vault,
    document: HeldDocument,
    text: bytes,
    span: tuple[int, int],
    who: str,
    reason: str,
    accepts: Mapping[str, Accept],
) -> Marked | None:
    """What is judged again now that a correction is stored: nothing where the document is not held.

    None where its bytes were deleted since they were put.
    """
    stored, (start, end) = vault.put(io.BytesIO(text)), span
    with database.write() as transaction:
        if not quarantine.free(transaction, document.id):
            retention.condemn(transaction, stored.sha256)  # nothing names what was put
            return Marked(0)
        if not retention.is_kept(transaction, vault, stored.sha256):
            return None
        delivery = _delivery(transaction, document)
        number = document.origin + document.number
        decided = Decision(number, CORRECTED, transaction.now, who, reason, start, end, stored.sha256, stored.size)
        decisions.keep(transaction, delivery.number, decided)
        marked = retries.retry(transaction, [document.id], accepts=accepts)
        audit.write(
            transaction,
            "corrected",
            f"document {document.id}",
            who=who,
            delivery=delivery.id,
            sha256=stored.sha256,
            reason=reason,
            **_wholes(marked),
        )
        transaction.tell(
            DOCUMENT_CORRECTED(
                integration=document.integration,
                partner=delivery.partner,
                delivery=delivery.id,
                document=document.label,
                who=who,
                reason=reason,
            )
        )
    return marked


def encoding_of(routes: Routes | None, document: HeldDocument) -> str:
    """The encoding in which the document's integration reads its files, for a correction that is given as text."""
    known = routes.configuration.integrations.get(document.integration or "") if routes is not None else None
    return dict(known.format.options).get("encoding", "utf-8") if known is not None else "utf-8"


def _delivery(transaction: Transaction, document: HeldDocument) -> Delivery:
    delivery = deliveries.get(transaction.connection, document.delivery)
    assert delivery is not None, document.delivery
    return delivery


def not_held(document: HeldDocument) -> Reject:
    """Why nothing can be decided about a document."""
    if document.state in quarantine.OPEN:
        return Reject(
            "not_held",
            f"the document {document.id} is being judged again, so there is nothing to decide about it now",
            f"Ask again when that has ended: /api/v1/deliveries/{document.delivery} tells what came of it.",
        )
    why = f" ({document.who}: {document.reason})" if document.who and document.reason else ""
    return Reject(
        "not_held",
        f"the document {document.id} is {document.state}{why}, so there is nothing to decide about it",
        _SETTLED.get(document.state, ""),
    )
