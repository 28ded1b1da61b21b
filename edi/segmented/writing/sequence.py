"""From nested loops back to segments in the order of the standard.

The structure of the guide is walked slot by slot. A loop whose keys already stand in that order, as a reader leaves it,
costs one look-up per key. Where one tag has several places in a loop, its rows go to the first place that has room for
them, knows what is below them and does not stand before what the loop lists first. What the guide does not know stays
behind what it stood behind.

Whatever comes out is put into loops again, as a reader would: if these are others, the document is refused.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from edi.segmented import structure
from edi.segmented.guides.definitions import qualifier
from edi.segmented.structure import levels
from edi.segmented.walk.standard import text_of
from edi.writing import Unwritable

if TYPE_CHECKING:
    from edi.model import Loop
    from edi.segmented.guides import Guide, Slot

_LEVELS = "HL*"


class _Place:
    """Slots of one key that stand side by side, and, where they open loops, the plan of each."""

    __slots__ = ("before", "by_qualifier", "key", "later", "most", "plans", "slots")

    def __init__(self, key: str) -> None:
        self.key = key
        self.slots: list[Slot] = []
        """None for the segment that opens the loop."""
        self.plans: list[_Plan] = []
        self.most = 1
        """How many rows or loops can stand here."""
        self.later: list[_Place] = []
        """The other places of this key that follow."""
        self.before: set[str] = set()
        """The keys that have their first place between this place and the next one of its key."""
        self.by_qualifier: dict[str, _Plan] = {}
        """The plan of a loop by the qualifier of its first segment; "" is that of any other."""

    def add(self, slot: Slot, plan: _Plan | None) -> None:
        """One more slot."""
        self.most = slot.most + (self.most if self.slots else 0)
        self.slots.append(slot)
        if plan:
            self.plans.append(plan)
            for name in slot.qualifiers or ("",):
                self.by_qualifier.setdefault(name, plan)

    def takes(self, one: Any) -> bool:
        """Whether a row or loop can stand here."""
        plans: list[_Plan] | list[None] = self.plans or [None] * len(self.slots)
        return any(_fits(one, *each) for each in zip(self.slots, plans, strict=True))

    def plan_of(self, loop: Loop) -> _Plan:
        """The plan of a loop that stands here."""
        if len(self.plans) == 1:
            return self.plans[0]
        plan = self.by_qualifier.get(qualifier(loop[self.slots[0].tag][0]))
        if plan:
            return plan
        fitting = (plan for slot, plan in zip(self.slots, self.plans, strict=True) if _fits(loop, slot, plan))
        return next(fitting, self.plans[0])


class _Plan:
    """A loop: its places in order, and the quick way: the rank and the place of each key that has one place."""

    __slots__ = ("key", "most", "places", "ranks")

    def __init__(self, slot: Slot) -> None:
        self.key = slot.tag
        self.places = [_Place(slot.tag)]
        self.ranks: dict[str, tuple[int, _Place | None]] = {}
        self.most: dict[str, int] = {}
        """How many rows or loops of each key there can be."""
        for child in slot.children:
            key = child.tag + "*" if child.children else child.tag
            if self.places[-1].key != key or not self.places[-1].slots:
                self.places.append(_Place(key))
            self.places[-1].add(child, _Plan(child) if child.children else None)
        if slot.tag == "HL" and all(place.key != _LEVELS for place in self.places):
            self.places.append(_Place(_LEVELS))  # levels stand below levels, whatever the guide draws
            self.places[-1].add(slot, self)
        for number, place in enumerate(self.places):
            self.most[place.key] = self.most.get(place.key, 0) + place.most
            place.later = [other for other in self.places[number + 1 :] if other.key == place.key]
            if place.later:
                between = self.places[number + 1 : self.places.index(place.later[0])]
                place.before = {other.key for other in between} - {other.key for other in self.places[: number + 1]}
            if sum(other.key == place.key for other in self.places) == 1:
                self.ranks[place.key] = (number, place if place.plans else None)


@lru_cache(maxsize=256)
def _plan_of(guide: Guide) -> _Plan:
    return _Plan(guide.root)


def rows_of(content: Any, guide: Guide | None) -> list[list[Any]]:
    """The segments of a document in their order.

    `content` is a loop; or a list of rows, which are taken as they stand; so are the `rows` of a loop that has kept
    them. A flat loop without a guide has lost the order of its segments, unless each tag stands in it once.

    Raises:
        Unwritable: no order of segments gives this content, or it is not known.
    """
    if isinstance(content, list):
        return list(content)
    if not isinstance(content, dict) or not content:
        raise Unwritable(
            "the document has no segments", "write documents that were read, or build them as edi.model says"
        )
    kept: list[list[Any]] | None = getattr(content, "rows", None)
    if kept is not None:
        return list(kept)
    if guide is None:
        if any(key.endswith("*") or len(found) != 1 for key, found in content.items()):
            raise Unwritable(
                "there is no guide for it, and a loop has not the order of its segments",
                "give the content as a list of rows",
            )
        return [found[0] for found in content.values()]
    return _ordered(content, guide)


def _ordered(content: Loop, guide: Guide) -> list[list[Any]]:
    """The rows of a document that has a guide, after a look at whether they mean the same."""
    plan = _plan_of(guide)
    rows: list[list[Any]] = []
    _emit(content, plan, rows)
    if _LEVELS in content and not _ascend(rows):
        rows = []
        _emit(_by_number(content), plan, rows)
    problem = _difference(rows, content, guide)
    if problem:
        raise Unwritable(problem, "give its segments the places that the guide names, or its content as a list of rows")
    return rows


def _emit(loop: Loop, plan: _Plan, rows: list[list[Any]]) -> None:
    start = len(rows)
    if not _emit_quickly(loop, plan, rows):
        del rows[start:]
        _emit_carefully(loop, plan, rows)


def _emit_quickly(loop: Loop, plan: _Plan, rows: list[list[Any]]) -> bool:
    """A loop whose keys are all known and stand in order; False for any other."""
    ranks = plan.ranks
    last = -1
    for key, found in loop.items():
        if key not in ranks:
            return False
        rank, place = ranks[key]
        if rank <= last:
            return False
        last = rank
        if place is None:
            rows += found
        else:
            _emit_place(place, found, rows)
    return True


def _emit_carefully(loop: Loop, plan: _Plan, rows: list[list[Any]]) -> None:
    """Any loop: place by place, and behind each key what stood behind it and has no place."""
    known = {place.key for place in plan.places}
    order = {key: number for number, key in enumerate(loop)}
    followers: dict[str, list[str]] = {}
    last = plan.key
    for key in loop:
        if key in known:
            last = key
        else:
            followers.setdefault(last, []).append(key)
    left = {key: list(found) for key, found in loop.items()}
    for place in plan.places:
        found = left.get(place.key, [])
        _emit_place(place, _share(place, found, order), rows)
        if not found:
            for key in followers.pop(place.key, ()):
                _emit_unplanned(loop[key], rows)


def _emit_place(place: _Place, found: list[Any], rows: list[list[Any]]) -> None:
    if not place.plans:
        rows += found
        return
    plan = place.plans[0] if len(place.plans) == 1 else None
    for one in found:
        _emit(one, plan or place.plan_of(one), rows)


def _emit_unplanned(found: list[Any], rows: list[list[Any]]) -> None:
    for one in found:
        if isinstance(one, dict):
            for below in one.values():
                _emit_unplanned(below, rows)
        else:
            rows.append(one)


def _share(place: _Place, found: list[Any], order: dict[str, int]) -> list[Any]:
    """What of `found`, the rows or loops of its key that have no place yet, belongs to `place`; they are taken out."""
    if not place.later or not found:
        taken, found[:] = found[:], []
        return taken
    if not place.slots:  # the segment that opens the loop
        return [found.pop(0)]
    if any(order.get(key, len(order)) < order[place.key] for key in place.before):
        goes_later = any(other.takes(found[0]) for other in place.later)
        if goes_later and not any(slot.least for slot in place.slots):
            return []
    taken = []
    for one in found:
        if len(taken) == place.most or not place.takes(one):
            break
        taken.append(one)
    del found[: len(taken)]
    return taken


def _fits(one: Any, slot: Slot, plan: _Plan | None) -> bool:
    """Whether a row or loop can stand at a slot: by the slot's qualifiers, and by what is below it."""
    row = one if plan is None else one[slot.tag][0]
    if slot.qualifiers and qualifier(row) not in slot.qualifiers:
        return False
    return plan is None or all(len(found) <= plan.most.get(key, 0) for key, found in one.items())


def _ascend(rows: list[list[Any]]) -> bool:
    """Whether the levels are sent in the order of their numbers; if they have none, no order is better."""
    numbers = [text_of(row[1]) for row in rows if row[0] == "HL" and len(row) > 1]
    if not all(number.isdecimal() for number in numbers) or len(set(numbers)) < len(numbers):
        return True
    return sorted(numbers, key=int) == numbers


def _by_number(root: Loop) -> Loop:
    """The same with all levels side by side, in the order of their numbers: a parent need not be next to its child."""
    found: list[Loop] = []

    def collect(loops: list[Loop]) -> None:
        for loop in loops:
            found.append({key: value for key, value in loop.items() if key != _LEVELS})
            collect(loop.get(_LEVELS, []))

    collect(root[_LEVELS])
    found.sort(key=lambda loop: int(loop["HL"][0][1]))
    return {**root, _LEVELS: found}


def _difference(rows: list[list[Any]], content: Loop, guide: Guide) -> str:
    """Why the rows would not be read as this content; empty if they would."""
    wanted = dict(content)
    if rows[-1][0] != guide.root.children[-1].tag:  # the trailer is the writer's own
        rows = [*rows, [guide.root.children[-1].tag]]
        wanted[rows[-1][0]] = rows[-1:]
    read = structure.assemble(rows, guide)
    if read is not None and _is_meant(read, wanted, guide):
        return ""
    read, _ = structure.arrange(rows, guide)
    wanted = _pruned(wanted)
    if _is_meant(read, wanted, guide):
        return ""
    place = _unlike(read, wanted)
    return f"{place} would be read at another place of the {guide.label} than the one where it stands in the content"


def _is_meant(read: Loop, wanted: Loop, guide: Guide) -> bool:
    """Whether the loops that were read are those that were wanted; there, levels may also stand side by side."""
    if read == wanted:
        return True
    if not levels.needed(guide.root):
        return False
    levels.nest_leniently(read)
    wanted = _with_own_levels(wanted)
    levels.nest_leniently(wanted)
    return read == wanted


def _with_own_levels(loop: Loop) -> Loop:
    """The same loop, with levels of its own, so that they can be moved."""
    if _LEVELS not in loop:
        return dict(loop)
    return {**loop, _LEVELS: [_with_own_levels(one) for one in loop[_LEVELS]]}


def _pruned(loop: Loop) -> Loop:
    """The same without empty lists."""
    return {
        key: [_pruned(one) if isinstance(one, dict) else one for one in found] for key, found in loop.items() if found
    }


def _unlike(one: Loop, other: Loop) -> str:
    """The innermost tag at which two loops differ."""
    for key in dict.fromkeys((*other, *one)):
        left, right = one.get(key, []), other.get(key, [])
        if left != right:
            if key.endswith("*") and len(left) == len(right):
                return next(_unlike(a, b) for a, b in zip(left, right, strict=True) if a != b)
            return key.rstrip("*")
    return "a segment"
