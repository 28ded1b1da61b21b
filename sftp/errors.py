"""Errors, grouped by what the caller does.

SftpError
├── Retry      try the same again later; `delay_seconds` says when
├── Changed    what was handed over is not what the file holds now: hand it over as a new arrival
├── Reject     this one request is refused, with a stable `code`; the session goes on
│   └── Outside    its path leads to none of our folders
└── Stop       a person must act; the remedy says how
"""

from __future__ import annotations

import errno

_PATH_MAX = 200  # of a path that a client asks for, so much is told


class SftpError(Exception):
    """The root: `message` says what happened, `remedy` what to do. Neither ever holds a secret."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class Retry(SftpError):
    """Nothing is wrong with the item; try again after `delay_seconds`."""

    def __init__(self, message: str, remedy: str = "", *, delay_seconds: float = 1.0) -> None:
        super().__init__(message, remedy)
        self.delay_seconds = delay_seconds


class Changed(SftpError):
    """A receiver has kept other bytes under this arrival's id: the file was written to while it was handed over."""


class Reject(SftpError):
    """One request is refused. `code` is a name of ``sftp.session.STATUS``: ``no such file``, ``failure``."""

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.code = code


class Outside(Reject):
    """A path that leads to none of the folders that there are: nobody asks for one by the way, it is a mistake."""

    def __init__(self, path: str) -> None:
        folders = "there are only the folders /inbox and /outbox, and both in /test, without folders in them"
        super().__init__("no such file", f"{path[:_PATH_MAX]}: {folders}")


class Stop(SftpError):
    """A person must act before this can go on."""


_OF_ERRNO = {
    errno.ENOENT: ("no such file", "there is no such file"),
    errno.ENOTDIR: ("no such file", "there is no such folder"),
    errno.ELOOP: ("permission denied", "symbolic links are not followed"),
    errno.EACCES: ("permission denied", "the server may not do this"),
    errno.EPERM: ("permission denied", "the server may not do this"),
    errno.EROFS: ("permission denied", "the server's disk is read-only"),
    errno.ENOSPC: ("failure", "the server's disk is full; please send the file again later"),
    errno.EDQUOT: ("failure", "the server's disk quota is used up; please send the file again later"),
    errno.EFBIG: ("failure", "the file is too large for the server's disk"),
    errno.ENAMETOOLONG: ("failure", "the name is too long"),
}


def of_oserror(error: OSError) -> Reject:
    """The one door through which a failing system call becomes an answer to a client. It never tells a path of ours."""
    code, message = _OF_ERRNO.get(
        error.errno or 0, ("failure", f"the server failed: {error.strerror or 'input/output'}")
    )
    return Reject(code, message)
