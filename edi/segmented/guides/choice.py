"""Which guide a document is read with: one that was given as a text, or one of those that are shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.segmented import guides

if TYPE_CHECKING:
    from edi.segmented.guides.definitions import Guide


def chosen(standard: str, message: str, told: str) -> Guide | None:
    """The guide of a message; `told` is ``Envelope.guide``: the version of the message, or the text of a guide."""
    return guides.parse(told) if "\n" in told else guides.find(standard, message, told)
