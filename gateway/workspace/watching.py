"""When a file of a watched folder is complete: the lines of an integration whose source is ``folder:``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.integrations import Watched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.integrations import Source
    from gateway.workspace.sections import Section

_LINES = ("openssh_log", "after_close")
"""Keys that only a folder may have; ``settle`` and ``marker`` are those of a partner's server too."""


def read_watched(section: Section, source: Source | None) -> Watched:
    """What the lines say; refused where there is no folder, or where they would never matter."""
    if source is None:
        return Watched()
    if source.scheme != "folder":
        for name in _LINES:
            if section.mapping.get(name) is not None:
                section.mapping.key(name).refuse(f"{name!r} belongs to sources of folder: alone", "take the line out")
                section.whole = False
        return Watched()
    if section.get("after_close") is not None and not section.get("openssh_log"):
        section.refuse("after_close", "nothing tells that a file was closed", "add openssh_log:, or take the line out")
    return _said(section)


def _said(section: Section) -> Watched:
    return Watched(*(section.get(name) for name in ("settle", "marker", "openssh_log", "after_close")))


def check_watched(sections: Iterable[Section]) -> None:
    """Integrations that read one folder say the same of when its files are complete."""
    first: dict[str, Section] = {}
    for section in sections:
        source: Source = section.get("source")
        if source.scheme != "folder":
            continue
        place = source.path.rpartition("/")[0] or "."
        other = first.setdefault(place, section)
        if _said(other) != _said(section):
            section.refuse(
                "source",
                f"{other.get('integration')} reads folder:{place} too, and says otherwise when a file is complete",
                "write the same settle, marker, openssh_log and after_close in both",
            )
