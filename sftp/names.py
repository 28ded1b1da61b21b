"""What the name of a file says: is it still being written, may it be uploaded, how is it shown (pure).

Clients that upload under a temporary name and rename afterwards are common: WinSCP appends ``.filepart``, rclone
``.partial``, lftp and rsync prepend a dot. Such a file is no arrival until it gets its final name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TEMPORARY_SUFFIXES = (
    ".filepart",
    ".part",
    ".partial",
    ".tmp",
    ".temp",
    ".inprogress",
    ".writing",
    ".upload",
    ".crdownload",
)
_SUPERSEDED = ".superseded~"
NAME_BYTES_MAX = 200  # file systems allow 255; the holding folder puts an id and a tilde before it


def is_temporary(name: str) -> bool:
    """Whether a file of this name is still being written: hidden, ``~name``, ``name~`` or one of the suffixes."""
    if name.startswith(_SUPERSEDED):
        return False
    return name.startswith((".", "~")) or name.endswith("~") or name.lower().endswith(TEMPORARY_SUFFIXES)


def without_temporary(name: str) -> str:
    """The name that a file is likely to get when it is finished; empty for a hidden one, which may be anything."""
    if name.startswith("."):
        return ""
    suffix = next((each for each in TEMPORARY_SUFFIXES if name.lower().endswith(each)), "")
    return name.removesuffix(name[len(name) - len(suffix) :] if suffix else "").strip("~")


def superseded(name: str, count: int) -> str:
    """The name under which an older file waits after a newer one of the same name has come; `count` from 1."""
    return f"{_SUPERSEDED}{count}~{name}"


def is_superseded(name: str) -> bool:
    """Whether `name` was made by `superseded`: the file will not be resumed any more."""
    return name.startswith(_SUPERSEDED) and name.count("~", len(_SUPERSEDED)) > 0


def original(name: str) -> str:
    """The name the sender gave, without what `superseded` added."""
    return name[len(_SUPERSEDED) :].partition("~")[2] if is_superseded(name) else name


def marker_for(name: str, marker: str) -> str:
    """The name of the file that says that `name` is complete: of ``.done`` or ``{name}.done``, or of ``{stem}.ok``."""
    before, place, after = _parts(marker)
    return f"{before}{name if place == '{name}' else name.rpartition('.')[0] or name}{after}"


def markers_like(marker: str | None) -> Callable[[str], bool]:
    """Whether a name is that of a marker, which is never an arrival itself."""
    if marker is None:
        return lambda _: False
    before, _, after = _parts(marker)
    return lambda name: name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)


def _parts(marker: str) -> tuple[str, str, str]:
    """What stands before the place of the name, which place it is, and what stands behind it."""
    for place in ("{name}", "{stem}"):
        before, found, after = marker.partition(place)
        if found:
            return before, place, after
    return "", "{name}", marker


def why_refused(name: str) -> str | None:
    """Why a partner may not use `name` for a file, or None if he may."""
    if not name or name in {".", ".."} or "/" in name:
        return "this is not the name of a file"
    if not name.isprintable():
        return "the name holds a control character"
    if len(name.encode("utf-8", "surrogateescape")) > NAME_BYTES_MAX:
        return f"the name is longer than {NAME_BYTES_MAX} bytes"
    if name.startswith(_SUPERSEDED):
        return f"names that begin with {_SUPERSEDED} are the server's own"
    return None


def shown(name: str) -> str:
    """`name` for a log line or a person: whatever is not printable is escaped, also bytes that are not UTF-8."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
