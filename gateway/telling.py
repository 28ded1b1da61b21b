"""What the log says of a finished delivery, and the findings that ingestion itself makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.judging import TOLD_MAX
from gateway.model import Activity, Delivery, DeliveryState, DocumentState, Finding
from gateway.observations import (
    DELIVERY_ACCEPTED,
    DELIVERY_DISCARDED,
    DELIVERY_DUPLICATE,
    DELIVERY_FAILED,
    DELIVERY_PARTLY_ACCEPTED,
    DELIVERY_QUARANTINED,
    DELIVERY_REPAIRED,
    DOCUMENT_RETRIED,
    DOCUMENT_UNROUTED,
    DOCUMENTS_REOPENED,
    DOCUMENTS_REPAIRED,
    FINDING_MADE,
    WARNING_MADE,
    so_many,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from gateway.judging import Batch
    from gateway.store.repairs import Repaired
    from gateway.store.staging import Staged

OLDER = "record.older"
OLDER_TOLD_MAX = 25
"""So many documents of a delivery that came too late are told one by one; the others are counted."""
_MOMENT = "%Y-%m-%d %H:%M UTC"
_UNLESS_WANTED = "Nothing is to be done unless the older values are wanted: then send them again."


def finished(delivery: Delivery, batch: Batch, state: DeliveryState) -> Iterator[Activity]:
    """The first findings of a delivery, and what is doubtful about the file as a whole, then how it ended."""
    who = _who(delivery)
    errors = [each for each in [*batch.about_file, *batch.told][:TOLD_MAX] if each.severity == "error"]
    doubts = [each for each in batch.about_file if each.severity == "warning"][:TOLD_MAX]
    for made, findings in ((FINDING_MADE, errors), (WARNING_MADE, doubts)):
        # What is wrong with a header is a finding of each of its documents.
        for place, message, code in dict.fromkeys((where(each), each.message, each.code) for each in findings):
            yield made(**who, where=place, message=message, code=code)
    total = batch.total()
    accepted = batch.count[DocumentState.ACCEPTED] + batch.count[DocumentState.CORRECTED]
    if state is DeliveryState.ACCEPTED:
        yield DELIVERY_ACCEPTED(**who, accepted=accepted, documents=total)
    elif state is DeliveryState.PARTLY_ACCEPTED:
        held = batch.count[DocumentState.QUARANTINED] + batch.count[DocumentState.UNROUTED]
        yield DELIVERY_PARTLY_ACCEPTED(**who, accepted=accepted, documents=total, quarantined=held)
    elif state is DeliveryState.DISCARDED:
        yield closed(delivery, batch.count)
    else:
        reasons = [*batch.about_file, *batch.told]
        errors = [each for each in reasons if each.severity == "error"] or reasons
        reason = errors[0].message if errors else "nothing of it could be accepted"
        what = so_many(total, "documents") if total else "the file as a whole is"
        yield DELIVERY_QUARANTINED(**who, what=what, documents=total, reason=reason)


def closed(delivery: Delivery, count: Mapping[str, int] | Mapping[DocumentState, int]) -> Activity:
    """The line of a delivery of which nothing was taken and nothing is held any more; `count` says why."""
    repaired, discarded = count.get(DocumentState.REPAIRED, 0), count.get(DocumentState.DISCARDED, 0)
    if not repaired:
        return DELIVERY_DISCARDED(**_who(delivery), name=delivery.name)
    what = f"{so_many(repaired, 'documents', 'were')} put right in later files"
    if discarded:
        what += f", {so_many(discarded, 'documents', 'were')} given up"
    return DELIVERY_REPAIRED(**_who(delivery), name=delivery.name, what=what, documents=repaired + discarded)


def duplicate(delivery: Delivery, twin: Delivery) -> Activity:
    """The line of a duplicate."""
    return DELIVERY_DUPLICATE(**_who(delivery), name=delivery.name, twin=twin.id)


def unrouted(delivery: Delivery, document: int, finding: Finding) -> Activity:
    """The line of a document that nothing wants."""
    return DOCUMENT_UNROUTED(**_who(delivery), document=document, reason=finding.message)


def failed(delivery: Delivery, reason: str) -> Activity:
    """The line of a delivery that was given up."""
    return DELIVERY_FAILED(**_who(delivery), tries=delivery.tries - 1, reason=reason)


_AGAIN = {
    DocumentState.ACCEPTED: "accepted",
    DocumentState.CORRECTED: "accepted as it was corrected",
    DocumentState.EXCLUDED: "left out, because a newer record is there",
    DocumentState.DUPLICATE: "left out, because the record says the same already",
    DocumentState.QUARANTINED: "held again",
    DocumentState.UNROUTED: "held again, because no integration wants it",
    None: "held as before, because it is not found in the file any more",
}


def retried(delivery: Delivery, document: int | str, state: DocumentState | None) -> Activity:
    """The line of a document that was judged again; `state` is None where the reader no longer finds it."""
    return DOCUMENT_RETRIED(**_who(delivery), document=document, state=_AGAIN[state])


def repaired(each: Repaired, by: Delivery) -> Iterator[Activity]:
    """The lines of a delivery whose held documents were put right in a later file; the last ones close it."""
    what = so_many(each.documents, "held documents", "were")
    yield DOCUMENTS_REPAIRED(**_who(each.delivery), what=what, documents=each.documents, by=by.id, name=by.name)
    if each.delivery.state is DeliveryState.DISCARDED:
        yield closed(each.delivery, each.delivery.documents)


def reopened(each: Repaired, by: Delivery) -> Activity:
    """The line of a delivery whose documents are held again, because the file that put them right is undone."""
    what = so_many(each.documents, "documents", "are")
    return DOCUMENTS_REOPENED(**_who(each.delivery), what=what, documents=each.documents, by=by.id, name=by.name)


def where(finding: Finding) -> str:
    """The place of a finding as a person says it: member of an archive, line, then the format's own words."""
    parts = [
        f"{finding.member}" if finding.member else "",
        f"line {finding.line}" if finding.line else "",
        f"segment {finding.segment}" if finding.segment else "",
    ]
    if finding.tag:
        parts.append(finding.tag + (f"{finding.element:02d}" if finding.element else ""))
    elif finding.column:
        parts.append(finding.column)
    return " ".join(part for part in parts if part) or "file"


def repeats(delivery: Delivery, twin: Delivery) -> Finding:
    """The finding of a duplicate (L5)."""
    return Finding(
        code="delivery.duplicate",
        severity="note",
        message=f"the content is the same, byte for byte, as that of {twin.id} ({twin.name})",
        remedy="Nothing is to be done. If the repetition is meant, change something in the file, such as its number.",
        start=0,
        end=delivery.size,
    )


def gave_up(delivery: Delivery, reason: str) -> Finding:
    """The finding of a delivery that used up its tries (P4)."""
    return Finding(
        code="delivery.failed",
        severity="error",
        message=f"the file could not be judged in {so_many(delivery.tries - 1, 'tries')}: {reason}",
        remedy="Look at the log around these times; the raw file is kept. After a fix, retry it in the quarantine.",
        start=0,
        end=delivery.size,
    )


def not_found(delivery: Delivery, document: int, said: int | str | None = None) -> Finding:
    """The finding of a document that was to be judged again and that the reader does not find any more."""
    return Finding(
        code="document.not_found",
        severity="error",
        message=f"with the configuration in force the file has no document {said or document} any more",
        remedy="Look at what was changed in format: of the integration; correct it, apply, and retry.",
        start=0,
        end=delivery.size,
        document=document,
    )


def more_findings(delivery: Delivery, left_out: int) -> Finding:
    """The finding that stands for those that are too many to keep."""
    return Finding(
        code="delivery.more_findings",
        severity="note",
        message=f"{so_many(left_out, 'more findings')} of held documents {'is' if left_out == 1 else 'are'} not kept",
        remedy="Mend what is told first and send the file again, or retry its documents: the rest shows then.",
        start=0,
        end=delivery.size,
    )


def older_than_record(delivery: Delivery, row: Staged, newer: Delivery) -> Finding:
    """The finding of a document that is older than the record that is there (P6), with who brought that one.

    Whose file it was is told to its own partner only.
    """
    if newer.number == delivery.number:
        message = f"the record {row.key} is newer: it stands in the same file"
    else:
        by = f"{newer.name} ({newer.id})" if newer.partner == delivery.partner else newer.id
        message = f"the record {row.key} is newer: {by} brought it, which came on {newer.received_at:{_MOMENT}}"
    return Finding(
        code=OLDER,
        severity="warning",
        message=message,
        remedy=_UNLESS_WANTED,
        start=row.start,
        end=row.end,
        document=row.document,
    )


def older_than_records(delivery: Delivery, keys: Collection[str], documents: int) -> Finding:
    """The finding of so many more documents that are older than the records that are there, each told no more."""
    more = so_many(documents, "more documents", "are")
    return Finding(
        code=OLDER,
        severity="warning",
        message=f"{more} older than the records that are there: {', '.join(sorted(keys)[:3])}",
        remedy=_UNLESS_WANTED,
        start=0,
        end=delivery.size,
    )


def _who(delivery: Delivery) -> dict[str, str | None]:
    return {"integration": delivery.integration, "partner": delivery.partner, "delivery": delivery.id}
