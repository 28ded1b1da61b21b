"""The one list of facts worth telling, in the past tense; the log, metrics and audit interpret it.

Each is an activity event: name, level and the template of its line in the log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gateway.model import Activity


@dataclass(frozen=True, slots=True)
class Observation:
    """One kind of fact: its event name, its level (``info``, ``problem``) and its line, a format string."""

    event: str
    level: str
    line: str

    def __call__(
        self, *, integration: str | None = None, partner: str | None = None, delivery: str | None = None, **data: Any
    ) -> Activity:
        """The activity line of one occurrence; `data` fills the template and is kept beside it."""
        line = _of_one(self.line, data) if 1 in data.values() else self.line
        return Activity(self.event, self.level, line.format(**data), integration, partner, delivery, data)


_ONE: dict[str, str] = {
    **{f"{each}s": each for each in ("document", "record", "row", "version", "failure", "file", "line", "minute")},
    **{f"{each}s": each for each in ("finding", "time", "letter", "change", "member", "fault", "folder")},
    "deliveries": "delivery",
    "tries": "try",
    "are": "is",
    "were": "was",
}
_COUNTED = re.compile(r"\{(\w+)\} ((?:held )?)(" + "|".join(_ONE) + r")\b( are\b| were\b)?")


def so_many(count: int, noun: str, verb: str = "") -> str:
    """A count and what is counted, which agree: ``1 document is``, ``1,200 documents are``; both are given as many."""
    words = [*noun.split(" "), *([verb] if verb else [])]
    return f"{count:,} {' '.join(_ONE.get(each, each) if count == 1 else each for each in words)}"


def _of_one(line: str, data: dict[str, Any]) -> str:
    """A template whose nouns agree with the counts in front of them."""

    def agreed(found: re.Match[str]) -> str:
        if data.get(found[1]) != 1:
            return found[0]
        verb = f" {_ONE[found[4].strip()]}" if found[4] else ""
        return f"{{{found[1]}}} {found[2]}{_ONE[found[3]]}{verb}"

    return _COUNTED.sub(agreed, line)


DELIVERY_RECEIVED = Observation("received", "info", "{name}  {size} bytes from {sender}")
DELIVERY_DUPLICATE = Observation("duplicate", "problem", "{name} has the same content as {twin}: no records were made")
FINDING_MADE = Observation("finding", "problem", "{where}  {message}")
WARNING_MADE = Observation("warning", "info", "{where}  {message}")
DELIVERY_ACCEPTED = Observation("accepted", "info", "{accepted} of {documents} documents")
DELIVERY_PARTLY_ACCEPTED = Observation(
    "partly_accepted", "problem", "{accepted} of {documents} documents, {quarantined} in quarantine"
)
KEYS_REPEATED = Observation(
    "keys_repeated", "info", "keys came more than once, and the last stands: {replaced} replaced, {which}"
)
DELIVERY_QUARANTINED = Observation("quarantined", "problem", "{what} held: {reason}")
DELIVERY_FAILED = Observation("failed", "problem", "given up after {tries} tries: {reason}")
DOCUMENT_UNROUTED = Observation("unrouted", "problem", "no integration wants document {document}: {reason}")
ATTEMPT_FAILED = Observation("attempt_failed", "problem", "try {tries} did not finish: {reason}")
DOCUMENT_RETRIED = Observation("retried", "info", "document {document} judged again: {state}")
DOCUMENT_DISCARDED = Observation("discarded", "info", "document {document} discarded: {reason}")
DELIVERY_DISCARDED = Observation("delivery_discarded", "info", "{name} was given up: nothing of it is taken or held")
DELIVERY_REPAIRED = Observation("delivery_repaired", "info", "{name} is closed: {what}")
DOCUMENTS_REPAIRED = Observation("repaired", "info", "{what} put right by {by}, {name}")
DOCUMENTS_REOPENED = Observation("reopened", "problem", "{what} held again: {by}, {name}, was undone")
DOCUMENT_CORRECTED = Observation("corrected", "info", "document {document} corrected by {who}: {reason}")
REPLAY_ASKED = Observation("replay", "info", "to be judged again as {how}, asked by {who}: {reason}")
DELIVERY_UNDONE = Observation(
    "undone", "info", "{records} records returned to the version before, undone by {who}: {reason}"
)
DELIVERY_PURGED = Observation(
    "purged", "info", "purged by {by}: its bytes, {documents} held documents, what {findings} findings quote"
)
RECORDS_PURGED = Observation("records_purged", "info", "{records} records of {contract} purged by {by}")
PERSONAL_ERASED = Observation(
    "personal_erased", "info", "personal data of {versions} versions of {contract} erased by {by}"
)
REVISION_APPLIED = Observation("applied", "info", "revision {revision} is in force")
TABLE_READ = Observation("table_read", "info", "{rows} rows read from {table}")
TABLE_FAILED = Observation("table_failed", "problem", "{table} could not be read: {reason}")
TABLE_CHANGED = Observation("table_changed", "info", "{table} has another shape: {differences}")
TABLE_UNUSUAL = Observation("table_unusual", "problem", "{table} has other values than before: {differences}")
SOURCE_LEFT_ALONE = Observation(
    "source_left_alone", "problem", "{connection} failed {failures} times in a row; {who} leaves it alone: {reason}"
)
SOURCE_ANSWERS = Observation("source_answers", "info", "{connection} answers {who} again, after {failures} failures")
PULLED = Observation("pulled", "info", "{files} files taken from {folder}, {removed} removed there")
PULL_FAILED = Observation("pull_failed", "problem", "{folder}: {reason}")
PULL_RECOVERED = Observation("pull_recovered", "info", "{folder} can be pulled from again")
SLOT_RETAINS = Observation(
    "slot_retains",
    "problem",
    "{connection} keeps {retained} of its log for the slot {slot}, more than slot_max ({budget}): {remedy}",
)
SLOT_DROPPED = Observation(
    "slot_dropped",
    "problem",
    "the slot {slot} of {connection} was dropped, because {retained} of the log were kept for it: {remedy}",
)
SLOT_CAUGHT_UP = Observation("slot_caught_up", "info", "{connection} keeps little of its log for the slot {slot} again")
HOOK_UNUSABLE = Observation(
    "hook_unusable", "problem", "{hook} lets nobody in: {secret} cannot be used; gateway check says why"
)
LOGGED_IN = Observation("logged_in", "info", "{message}")
LOGIN_REFUSED = Observation("login_refused", "problem", "{message}")
ADDRESS_BANNED = Observation("banned", "problem", "{message}")
ACCOUNT_GUARDED = Observation("guarded", "problem", "{message}")
CONNECTION_REFUSED = Observation("connection_refused", "problem", "{message}")
FILE_UPLOADED = Observation("uploaded", "info", "{message}")
UPLOAD_BROKEN = Observation("upload_broken", "problem", "{message}")
UPLOAD_FORGOTTEN = Observation("upload_forgotten", "info", "{message}")
FILE_SUPERSEDED = Observation("superseded", "info", "{message}")
FILE_RENAMED = Observation("renamed", "info", "{message}")
FILE_REMOVED = Observation("removed", "info", "{message}")
FILE_COLLECTED = Observation("collected", "info", "{message}")
REQUEST_REFUSED = Observation("refused", "problem", "{message}")
SESSION_FAILED = Observation("session_failed", "problem", "{message}")
VISITS_LOST = Observation(
    "visits_lost", "problem", "{count} lines about the SFTP server are missing: the store did not take them in time"
)
FOLDER_UNUSABLE = Observation("folder_unusable", "problem", "{folder} is not collected from: {reason}")
FOLDER_UNREADABLE = Observation("folder_unreadable", "problem", "{message}")
FILE_STUCK = Observation("claim_failed", "problem", "{message}")
FILE_INCOMPLETE = Observation("partial_waiting", "problem", "{message}")
FILE_WRITTEN_LATE = Observation("written_late", "problem", "{message}")
FILE_OPEN = Observation("writer_waiting", "problem", "{message}")
NOT_A_FILE = Observation("not_a_file", "problem", "{message}")
BELL_LOST = Observation("bell_lost", "problem", "{message}")
LOG_MISSING = Observation("log_missing", "problem", "{message}")
REMOVAL_FAILED = Observation("removal_failed", "problem", "{message}")
HANDOVER_FAILED = Observation("receiver_failed", "problem", "{message}")
HANDOVER_RECOVERED = Observation("receiver_recovered", "info", "{message}")
ACKNOWLEDGMENT_SENT = Observation(
    "acknowledgment_sent", "info", "{kind} {number}: {answered} {disposition}; {name} is {where}"
)
ACKNOWLEDGMENT_WAITS = Observation(
    "acknowledgment_waits", "problem", "{kind} {number} cannot be put {where}, and waits: {reason}"
)
LETTER_SENT = Observation("letter_sent", "info", "{name} is {where}")
LETTER_KEPT = Observation("letter_kept", "info", "the letter about {name} is there to be asked for over the API")
LETTER_FAILED = Observation(
    "letter_failed", "problem", "the letter about {name} was given up after {tries} tries: {reason}"
)
ANSWER_LATE = Observation(
    "answer_late", "problem", "{what} is not sent yet, {minutes} minutes after it was due{reason}"
)
LETTER_WAITS = Observation("letter_waits", "problem", "{name} cannot be put {where}, and waits: {reason}")
SENDING_FAILED = Observation(
    "sending_failed", "problem", "{name} could not be put {where} in {tries} tries, and is kept: {reason}"
)
ACKNOWLEDGMENT_KEPT = Observation(
    "acknowledgment_kept", "info", "acknowledgments: {count}, to be asked for over the API: {whom} has no account here"
)
ANSWERED_NOTHING = Observation(
    "not_answered", "problem", "{name} is not answered: no interchange that could be named can be read in it"
)
ANSWER_FAILED = Observation("answer_failed", "problem", "the answer was given up after {tries} tries: {reason}")
INTERCHANGE_REPEATED = Observation(
    "interchange_repeated", "problem", "the control number {number} of {sender} was that of an interchange in {earlier}"
)
TRIAL_ASKED = Observation("trial_asked", "info", "{name}  {size} bytes from {sender}, only to be tried: {trial}")
TRIAL_DONE = Observation(
    "trial_done", "info", "{name} was tried: it would be {state}, with {findings} findings; {trial}"
)
TRIAL_FAILED = Observation("trial_failed", "problem", "{name} could not be tried: {reason}; {trial}")
