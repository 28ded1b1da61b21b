"""What differs between two JSON values, by JSON pointer; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM = "_"
"""Members that begin so are the gateway's own: they tell of the version and are no part of what it says."""

_ABSENT = object()


def differences(before: Any, after: Any, pointer: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each leaf that differs, with its value before and after; None where there is none."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in (*before, *(name for name in after if name not in before)):
            if pointer or not name.startswith(SYSTEM):
                token = name.replace("~", "~0").replace("/", "~1")
                yield from differences(before.get(name, _ABSENT), after.get(name, _ABSENT), f"{pointer}/{token}")
    elif isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            one, other = (side[place] if place < len(side) else _ABSENT for side in (before, after))
            yield from differences(one, other, f"{pointer}/{place}")
    elif before is not after and (type(before) is not type(after) or before != after):
        yield pointer, None if before is _ABSENT else before, None if after is _ABSENT else after


def changed(before: Any, after: Any) -> list[str]:
    """The pointers of what differs; of a record that came or went, the empty one, which is all of it."""
    return [pointer for pointer, _, _ in differences(before, after)]


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no object and no list, with its pointer; the gateway's own members are left out."""
    if isinstance(value, dict):
        for name, member in value.items():
            if pointer or not name.startswith(SYSTEM):
                yield from leaves(member, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from leaves(member, f"{pointer}/{place}")
    else:
        yield pointer, value
