"""A guide as people read it: its structure as a tree, and what a segment holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.segmented.guides.definitions import MANY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.guides.definitions import Element, Guide, Slot

_SHOWN = 12
"""So many codes of an element are shown."""


def drawn(guide: Guide) -> Iterator[str]:
    """The structure, a line for each segment: its tag, how often it may stand there, and what it is called."""
    yield f"{guide.message} {guide.version}: {guide.label}" + (f" (group {guide.group})" if guide.group else "")
    yield from _slots(guide.root, guide, 0)
    for total in guide.totals:
        yield f"total: {total}"


def _slots(slot: Slot, guide: Guide, depth: int) -> Iterator[str]:
    name = f"{'  ' * depth}{slot.name}"
    label = guide.dictionary.labels.get(slot.tag, "")
    yield f"{name:<24} {_often(slot.least, slot.most):>6}  {label}".rstrip()
    for child in slot.children:
        yield from _slots(child, guide, depth + bool(slot is not guide.root))


def _often(least: int, most: int) -> str:
    return str(least) if least == most else f"{least}..{'*' if most >= MANY else most}"


def segment(guide: Guide, name: str) -> Iterator[str]:
    """What a segment may hold, a line for each element and component; `name` is a tag, perhaps with its qualifier.

    Raises:
        ValueError: the guide has no such segment.
    """
    tag, _, value = name.partition("[")
    known = guide.dictionary
    definition = known.qualified.get(tag, {}).get(value.rstrip("]")) or known.plain(tag)
    if definition is None:
        raise ValueError(f"the {guide.label} {guide.message} {guide.version} has no segment {name}")
    yield f"{name}: {known.labels.get(tag, '')}"
    for place, element in enumerate(definition.elements, 1):
        yield from _element(f"{tag}{place:02}", element, 1)
    for note in definition.notes:
        yield f"  note: {note.kind}{''.join(f'{place:02}' for place in note.places)}"


def _element(address: str, element: Element, depth: int) -> Iterator[str]:
    length = f"{element.shortest}..{element.longest}" if element.shortest < element.longest else str(element.longest)
    kind = "composite" if element.components else f"{element.kind} {length}"
    words = [f"{'  ' * depth}{address:<10} {element.number:>5} {kind:<12}", "required" if element.required else ""]
    words += [f"up to {element.repeat} times" if element.repeat > 1 else "", element.label]
    yield "  ".join(filter(None, words)).rstrip()
    if element.codes:
        listed = sorted(element.codes.listed)
        more = f" … and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        yield f"{'  ' * depth}           codes: {' '.join(listed[:_SHOWN])}{more}"
    for place, component in enumerate(element.components, 1):
        yield from _element(f"{address}.{place:02}", component, depth + 1)
