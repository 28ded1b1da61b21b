"""What every way in hands over: a settled file, and the small interface that receives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sftp.activity import Activity

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that has settled and been claimed. Nobody else writes to it, renames it or removes it.

    `id` never changes for one claimed file, also across crashes. `source` is ``drop://partner``, ``test://partner``
    or ``folder:path``.
    `path` lies in the holding folder; `name` is what the sender called it (bytes that are not UTF-8 as surrogate
    escapes), behind the subfolder that it lay in: ``2026/orders.csv``. `size` is in bytes, `sha256` in lower-case hex.
    `whole` says whether the envelope is closed; None means that the format has none.
    """

    id: str
    source: str
    partner: str | None
    name: str
    path: Path
    size: int
    sha256: str
    whole: bool | None


class Arrivals(Protocol):
    """Who receives arrivals."""

    def receive(self, arrival: Arrival) -> None:
        """Make the arrival durable before returning; only then is the held file removed.

        Must be idempotent by ``arrival.id``: after a crash the same arrival is handed over again. Raising means
        "not now": the file is kept and handed over again later; ``errors.Retry`` says when. ``errors.Changed`` says
        that other bytes than these are kept under this id: they are handed over as a new arrival.
        """


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder to collect from.

    `holding` must be on the same file system as `path` and belong to this folder alone. A file is taken when it
    matches one of `patterns` (shell style, case-sensitive), its name is not temporary, it has not changed for
    `settle_seconds` on our own clock and nobody has it open for writing, as far as the kernel tells. With 0 seconds
    every file is taken as complete. A file whose envelope is not closed is left for `partial_after_seconds` more.

    With a `marker` (``.done``, ``{stem}.ok``) a file counts when the file of that name lies beside it. `below` is how
    many levels of subfolders are looked through. `log` is the socket to which an OpenSSH server in whose chroot the
    folder lies writes its log; what it says was closed is taken when its session ends, or `after_close_seconds` later.
    """

    path: Path
    source: str
    holding: Path
    partner: str | None = None
    patterns: tuple[str, ...] = ("*",)
    settle_seconds: float = 5.0
    partial_after_seconds: float = 900.0
    marker: str | None = None
    below: int = 0
    log: Path | None = None
    after_close_seconds: float | None = None

    def activity(
        self, what: str, message: str, *, problem: bool = False, name: str | None = None, size: int | None = None,
        sha256: str | None = None,
    ) -> Activity:  # fmt: skip
        """What happened here."""
        return Activity(
            what, message, problem, source=self.source, partner=self.partner, name=name, size=size, sha256=sha256
        )


def drop_folder(root: Path, partner: str, *, test: bool = False, partial_after_seconds: float = 900.0) -> Folder:
    """The inbox of `partner` under our own server's `root`: what lies there under a final name is complete.

    With `test` the one of his that he sees as ``/test/inbox``.
    """
    home = root / partner / "test" if test else root / partner
    return Folder(
        path=home / "inbox",
        source=f"{'test' if test else 'drop'}://{partner}",
        holding=home / "held",
        partner=partner,
        settle_seconds=0.0,
        partial_after_seconds=partial_after_seconds,
    )
