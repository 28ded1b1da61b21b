"""The guide that a document was read with, for what an acknowledgment says of its segments and elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.segmented import guides
from edi.segmented.guides.choice import chosen

if TYPE_CHECKING:
    from edi.model import Document
    from edi.segmented.guides import Guide, Slot


def guide_of(document: Document) -> Guide | None:
    """The guide that the document was read with, if there is one."""
    envelope = document.envelope
    return chosen(envelope.format, envelope.message or "", envelope.guide or envelope.version or "")


def release_of(document: Document, guide: Guide | None) -> Guide | None:
    """The guide of the standard's own release, where the document was read with one that extends it."""
    envelope = document.envelope
    found = guides.find(envelope.format, envelope.message or "", envelope.version or "")
    return found if found is not guide else None


def is_borrowed(document: Document, guide: Guide | None) -> bool:
    """Whether `guide` is that of another version than the document names: what it finds may be wrong."""
    told = document.envelope.guide or document.envelope.version or ""
    return guide is not None and "\n" not in told and not told.startswith(guide.version)


def has_segment(guide: Guide, tag: str) -> bool:
    """Whether the segment may stand anywhere."""
    return any(slot.tag == tag for slot in _slots(guide.root))


def opens_loop(guide: Guide, tag: str) -> bool:
    """Whether the segment opens a loop anywhere."""
    return any(slot.tag == tag and slot.children for slot in _slots(guide.root))


def _slots(slot: Slot) -> list[Slot]:
    return [slot, *(each for child in slot.children for each in _slots(child))]
