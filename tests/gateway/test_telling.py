"""What the log says of a delivery."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway import telling
from gateway.judging import TOLD_MAX, Batch
from gateway.model import Delivery, DeliveryState, DocumentState, Finding
from gateway.store.staging import Staged

DELIVERY = Delivery(
    "d_1", 1, DeliveryState.RECEIVED, "drop://acme", "a.edi", "acme", "acme-orders", "0" * 64, 10, datetime.now(UTC)
)
FOUND = Finding("mapping.number", "error", "'12,5O' is not a number", "Correct it.", 5, 10, line=4, column="Preis")


@pytest.mark.parametrize(
    ("finding", "where"),
    [
        (FOUND, "line 4 Preis"),
        (replace(FOUND, column=None, segment=9, tag="PO1", element=4), "line 4 segment 9 PO104"),
        (replace(FOUND, column=None, tag="ISA"), "line 4 ISA"),
        (replace(FOUND, line=None, column=None), "file"),
    ],
)
def test_a_place_is_said_in_the_formats_own_words(finding: Finding, where: str) -> None:
    assert telling.where(finding) == where


def test_what_is_doubtful_about_a_file_is_told_though_all_of_it_is_accepted() -> None:
    doubt = replace(FOUND, code="text.misread", severity="warning", line=2, message="SÃ¤ge looks like Säge")
    note = replace(doubt, severity="note")
    many = [replace(doubt, line=2 + n) for n in range(TOLD_MAX + 1)]
    batch = Batch(count=Counter({DocumentState.ACCEPTED: 1}), about_file=[note, *many])
    first, *others, end = telling.finished(DELIVERY, batch, DeliveryState.ACCEPTED)
    assert (first.event, first.level, first.message) == ("warning", "info", "line 2 Preis  SÃ¤ge looks like Säge")
    assert {line.event for line in others} == {"warning"}
    assert (len(others), end.event) == (TOLD_MAX - 1, "accepted")


def test_the_first_findings_are_told_and_then_how_it_ended() -> None:
    other = replace(FOUND, line=5)
    batch = Batch(count=Counter({DocumentState.ACCEPTED: 8, DocumentState.QUARANTINED: 3}), told=[FOUND, FOUND, other])
    lines = list(telling.finished(DELIVERY, batch, DeliveryState.PARTLY_ACCEPTED))
    assert [(line.event, line.level) for line in lines] == [
        ("finding", "problem"), ("finding", "problem"), ("partly_accepted", "problem"),
    ]  # fmt: skip
    assert lines[0].message == "line 4 Preis  '12,5O' is not a number"
    assert lines[-1].message == "8 of 11 documents, 3 in quarantine"
    assert {(line.integration, line.partner, line.delivery) for line in lines} == {("acme-orders", "acme", "d_1")}


def test_a_thousand_findings_do_not_flood_the_log() -> None:
    batch = Batch(count=Counter({DocumentState.QUARANTINED: 1000}), told=[replace(FOUND, line=n) for n in range(1000)])
    lines = list(telling.finished(DELIVERY, batch, DeliveryState.QUARANTINED))
    assert len(lines) == TOLD_MAX + 1
    assert lines[-1].message == "1,000 documents held: '12,5O' is not a number"


def test_a_file_without_a_document_is_held_as_a_whole() -> None:
    batch = Batch(about_file=[replace(FOUND, message="the file has no bytes")])
    *_, last = telling.finished(DELIVERY, batch, DeliveryState.QUARANTINED)
    assert last.message == "the file as a whole is held: the file has no bytes"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (DocumentState.ACCEPTED, "accepted"),
        (DocumentState.EXCLUDED, "a newer record is there"),
        (DocumentState.QUARANTINED, "held again"),
        (DocumentState.UNROUTED, "no integration wants it"),
        (None, "not found in the file any more"),
    ],
)
def test_every_end_of_a_retry_has_its_words(state: DocumentState | None, said: str) -> None:
    assert said in telling.retried(DELIVERY, 3, state).message


def test_findings_of_ingestion_point_at_the_whole_file_and_say_what_to_do() -> None:
    twin = replace(DELIVERY, id="d_0", name="first.edi")
    for finding in (
        telling.repeats(DELIVERY, twin),
        telling.gave_up(replace(DELIVERY, tries=6), "a defect"),
        telling.older_than_records(DELIVERY, {"A-1"}, 1),
        telling.not_found(DELIVERY, 3),
    ):
        assert (finding.start, finding.end) == (0, 10)
        assert finding.message
        assert finding.remedy
    assert "first.edi" in telling.repeats(DELIVERY, twin).message
    assert "in 5 tries: a defect" in telling.gave_up(replace(DELIVERY, tries=6), "a defect").message


def test_what_came_too_late_is_told_with_what_is_newer_and_whose_file_that_was_only_to_its_own_partner() -> None:
    row = Staged("A-1", 3, 4, 9, "{}", ())
    own = replace(DELIVERY, id="d_2", number=DELIVERY.number + 1, name="later.edi")
    told = telling.older_than_record(DELIVERY, row, own)
    assert (told.code, told.document, told.start, told.end) == ("record.older", 3, 4, 9)
    assert told.message.startswith("the record A-1 is newer: later.edi (d_2) brought it, which came on ")
    other = telling.older_than_record(DELIVERY, row, replace(own, partner="somebody else"))
    assert "d_2 brought it" in other.message
    assert "later.edi" not in other.message
    assert telling.older_than_record(DELIVERY, row, DELIVERY).message.endswith("it stands in the same file")
    assert telling.older_than_records(DELIVERY, {"A-1"}, 1).message.startswith("1 more document is older than")
