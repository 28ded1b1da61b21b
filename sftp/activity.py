"""What happened, for whoever keeps the log: one value per fact, in the past tense.

The server and the collector hand an `Activity` to the callable they were given; without one it goes to
``logging`` under ``sftp.activity``. No password, key or content of a file is ever in it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

_LOG = logging.getLogger(__name__)

KINDS = {
    "listening": "the server accepts connections",
    "logged_in": "a partner logged in",
    "login_refused": "a connection ended after failed attempts to log in",
    "banned": "an address is locked out for a while",
    "guarded": "passwords of an account were guessed from several addresses; they count from its own only, for a while",
    "connection_refused": "a connection was closed at once: too many, too often, or locked out",
    "uploaded": "a file is whole and durable in an inbox",
    "upload_broken": "an upload ended early; what came is kept and can be resumed",
    "upload_forgotten": "an upload that nobody went on with for a week was removed",
    "superseded": "a file that still waited was followed by a newer one of the same name; both are kept",
    "renamed": "a file in an inbox got another name",
    "removed": "a partner removed a file",
    "downloaded": "a partner read a file of his outbox to its end",
    "refused": "a request was refused",
    "session_failed": "a session ended through an error of ours or of the protocol",
    "partial_waiting": "a file is not finished: its envelope is open, its name a temporary one, or its marker missing",
    "writer_waiting": "a file has long been open for writing; it waits until it is closed",
    "writers_unknown": "whether files of a folder are still open for writing is not known",
    "not_a_file": "what lies in a folder is no file, and is left alone",
    "arrived": "a file was handed over",
    "written_late": "a file was written to while it was handed over; it is handed over once more",
    "claim_failed": "a file cannot be taken out of its folder; the others are",
    "removal_failed": "a file was handed over but cannot be removed yet; the others are",
    "receiver_failed": "files could not be handed over; they are kept and tried again",
    "receiver_recovered": "files are handed over again",
    "folder_unreadable": "a folder cannot be read",
    "folder_readable": "a folder can be read again",
    "bell_missing": "a folder cannot be watched; it is only rescanned",
    "bell_lost": "more files were closed than the kernel keeps word of; the folders are rescanned",
    "bell_made_anew": "a folder that was removed or replaced is watched again",
    "log_missing": "the log of an OpenSSH server cannot be listened to; the folder is only rescanned",
}


@dataclass(frozen=True, slots=True)
class Activity:
    """One fact: `what` is one of `KINDS`, `message` is for a person, the other fields for a machine."""

    what: str
    message: str
    problem: bool = False
    source: str | None = None
    partner: str | None = None
    user: str | None = None
    address: str | None = None
    name: str | None = None
    size: int | None = None
    sha256: str | None = None
    account: str | None = None
    """The user that somebody claimed to be, without a proof."""
    key: str | None = None
    """The fingerprint of the key that did not open it, or its kind."""
    reason: str | None = None


Tell = Callable[[Activity], None]


def to_logging(activity: Activity) -> None:
    """Write one line under ``sftp.activity``; problems are warnings."""
    _LOG.log(logging.WARNING if activity.problem else logging.INFO, "%s: %s", activity.what, activity.message)
