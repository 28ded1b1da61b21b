"""What the gateway promises, and the tests that hold it to it, by the names of their functions."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]

PROMISES: dict[str, tuple[str, tuple[str, ...]]] = {
    "L1": (
        'nothing at the sender is removed, renamed or answered "received" before its bytes and its row are durable',
        (
            "test_a_kill_at_any_step_loses_and_doubles_nothing",
            "test_a_store_that_is_read_only_takes_nothing_and_loses_nothing",
            "test_a_full_disk_takes_nothing_half_and_goes_on_when_there_is_room",
        ),
    ),
    "L2": (
        "a file of the vault is named by the SHA-256 of its content, never changed, and checked when it is read",
        ("test_bytes_that_changed_on_disk_are_not_handed_out",),
    ),
    "L3": (
        "a file is read only when it has settled; if it changes later, that is another delivery",
        ("test_a_file_that_still_grows_is_not_taken",),
    ),
    "L4": (
        "truncated, empty, encrypted and wrongly encoded files are deliveries with a finding, never nothing",
        (
            "test_a_bad_file_ends_in_a_finding_with_its_place_and_a_remedy",
            "test_a_sample_cut_off_anywhere_is_noticed",
            "test_a_file_whose_envelope_is_open_waits_and_is_then_handed_over_as_partial",
        ),
    ),
    "L5": (
        "the latest accepted content of a partner and integration, sent again, is a duplicate and makes no records",
        ("test_a_duplicate_is_shown_and_counted_and_makes_no_records",),
    ),
    "P1": (
        "each document of a file is accepted, held, left out by a rule or a duplicate, and counted so; no byte is lost",
        (
            "test_a_sample_loses_no_byte",
            "test_no_byte_is_lost",
            "test_whatever_the_bytes_the_answer_is_the_same_in_any_cut_and_no_byte_is_lost",
        ),
    ),
    "P2": (
        "a delivery becomes visible whole, in one transaction, or not at all",
        ("test_staged_records_are_invisible_until_their_delivery_is_published",),
    ),
    "P3": (
        "tries may repeat, effects do not: only the holder of the current lease commits",
        ("test_only_the_holder_of_the_current_token_writes",),
    ),
    "P4": (
        "a file that fails again and again, or kills its process, is given up, and blocks nobody else",
        ("test_a_lane_keeps_its_order_until_a_delivery_has_failed_a_try",),
    ),
    "P5": ("the same bytes, revision and code tables give the same records; so does a replay as then", ()),
    "P6": (
        "an older document never overwrites a newer record",
        ("test_an_older_delivery_finds_the_keys_that_a_newer_one_has_written",),
    ),
    "P7": (
        "a finding points at bytes that exist and that, cut out, are the value it quotes",
        ("test_findings_point_at_the_bytes_that_they_quote", "test_the_span_cut_out_is_the_value"),
    ),
    "P8": (
        "a worker's memory stays within 64 MB above what a small file takes, whatever the file's size",
        (
            "test_a_document_past_the_limit_is_skipped_with_bounded_memory",
            "test_a_large_file_of_repeated_elements_takes_no_more_memory_than_a_small_one",
            "test_a_field_of_200_megabytes_is_refused_and_the_row_behind_it_is_taken",
        ),
    ),
    "E1": ("a change is told if and only if what it tells of was committed", ()),
    "E2": (
        "changes have gapless numbers, which become visible in their order",
        ("test_change_numbers_have_no_gap_over_deliveries_and_broken_tries",),
    ),
    "R1": ("no page shows a record of an unfinished delivery; `as_of` never goes back", ()),
    "R2": ("the same Idempotency-Key and request have the same answer; with another request it is refused", ()),
    "A1": ("rows of the audit log are chained by hashes: one that is changed or gone is found", ()),
    "A2": ("no statement that writes reaches a legacy database", ("test_no_attempt_to_write_leaves_a_trace",)),
    "S1": (
        "no secret appears in a log, an error, evidence, or anything else that is said",
        ("test_a_secret_in_a_drivers_words_is_blotted_out", "test_partners_without_their_secrets"),
    ),
    "C1": ("a configuration is applied whole or not at all; each delivery names the revision that judged it", ()),
    "X1": ("each interchange or functional group is answered once, and no control number is used twice", ()),
}
"""What is promised, and the tests of it that do not have its name."""


def tests_of(promise: str) -> dict[str, list[str]]:
    """The files in which a promise is tested, those that bear its name first, each with the names of its tests."""
    named = re.compile(rf"^ *def (test_{promise}_\w+)\(", re.MULTILINE)
    found = {
        f"tests/{path.relative_to(TESTS).as_posix()}": named.findall(path.read_text(encoding="utf-8"))
        for path in sorted(TESTS.rglob("test_*.py"))
    }
    kept = {path: tests for path, tests in found.items() if tests}
    for test in PROMISES[promise][1]:
        kept.setdefault(home_of(test), []).append(test)
    return kept


def home_of(test: str) -> str:
    """The file in which a test stands, as a page names it.

    Raises:
        LookupError: no file has it, or several have.
    """
    wanted = re.compile(rf"^ *def {test}\(", re.MULTILINE)
    found = [path for path in sorted(TESTS.rglob("test_*.py")) if wanted.search(path.read_text(encoding="utf-8"))]
    if len(found) != 1:
        raise LookupError(f"{test} stands in {len(found)} files, and the pages of documentation name it")
    return f"tests/{found[0].relative_to(TESTS).as_posix()}"
