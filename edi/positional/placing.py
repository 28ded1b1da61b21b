"""From the items of a copybook to the columns of record types: tables unrolled, redefinitions kept apart, names told.

A column is called as its item; where that name stands twice in a record, groups around it are put in front
(``SHIP-TO.CITY``). An item of a table has the number of the occurrence behind it: ``SKU[1]``, ``TAX[1][2]``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import count
from typing import TYPE_CHECKING

from edi.positional.copybook import Item, parse
from edi.positional.layout import COLUMNS_MAX, Column, Kind, Layout, RecordType, Table, checked, column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Views = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Spot:
    """One elementary item at its place, before it has a name."""

    item: Item
    path: tuple[str, ...]
    indexes: tuple[int, ...]
    start: int
    kind: Kind
    views: Views


@dataclass(slots=True)
class _Placed:
    """All spots of one record, the views of its named groups, and its last table (its item, start, first spot)."""

    record: Item
    spots: list[_Spot] = field(default_factory=list)
    groups: dict[str, Views] = field(default_factory=dict)
    table: tuple[Item, int, int] | None = None


def from_copybook(text: str, by: str = "", types: Mapping[str, str] | None = None) -> Layout:
    """The layout of a copybook.

    `by` is the column or place (``1-2``) of the record type. `types` has the record (level 01) or the group of a
    redefinition for each value that stands there.

    Raises:
        ValueError: the text is no copybook, or its record types cannot be told apart; the message says where and why.
    """
    records = parse(text)
    areas = count()
    placed = [_placed(record, areas) for record in records]
    if not types:
        if len(placed) > 1:
            names = ", ".join(each.record.name.text for each in placed)
            raise ValueError(
                f"the copybook describes {len(placed)} records ({names}), and nothing says which one it is; "
                f"write by=1-2 types=H1:{placed[0].record.name.text},…"
            )
        return Layout((_record(None, (), placed[0], ()),))
    found: dict[str, RecordType] = {}
    for value, name in types.items():
        if name in found:
            known = found[name]
            found[name] = RecordType(name, (*known.values, value), known.columns, known.size, known.table)
        else:
            found[name] = _of_type(name, value, placed)
    layout = tuple(found.values())
    return checked(Layout(layout, _discriminator(by, layout)))


def _of_type(name: str, value: str, placed: list[_Placed]) -> RecordType:
    for each in placed:
        if name.upper() in each.groups:
            return _record(name, (value,), each, each.groups[name.upper()])
    known = [group for each in placed for group in each.groups]
    near = get_close_matches(name.upper(), known, 1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known[:20])}"
    raise ValueError(f"the copybook has no record or group {name!r}; {hint}")


def _discriminator(by: str, layout: tuple[RecordType, ...]) -> Column | None:
    """Where the record type stands: a place, or a column that stands at the same place in every type."""
    if not by:
        return None
    if by[0].isdigit():
        return column("by", by)
    found = [{one.name.upper(): one for one in record.columns}.get(by.upper()) for record in layout]
    first = found[0]
    if first is None or any(one is None or (one.start, one.end, one.kind) != (*_place(first),) for one in found):
        raise ValueError(f"the column {by!r} does not stand at one place in every record type; write by=1-2")
    return first


def _place(one: Column) -> tuple[int, int | None, Kind]:
    return one.start, one.end, one.kind


def _placed(record: Item, areas: Iterator[int]) -> _Placed:
    if _columns(record) > COLUMNS_MAX:
        record.name.refuse(f"{record.name.text} has more than {COLUMNS_MAX} columns, tables unrolled")
    placed = _Placed(record)
    _place_item(record, 0, _Spot(record, (), (), 0, Kind(), ()), placed, areas)
    if not placed.spots:
        record.name.refuse(f"{record.name.text} has no item with a name")
    if placed.table:
        item, start, _ = placed.table
        if start + item.size * item.most != record.size:
            item.name.refuse(f"{item.name.text} has a length that depends, so nothing may follow it in the record")
    return placed


def _columns(item: Item) -> int:
    """How many columns an item becomes."""
    own = sum(map(_columns, item.children)) if item.children else int(not item.filler)
    return own * item.most


def _place_item(item: Item, start: int, above: _Spot, placed: _Placed, areas: Iterator[int]) -> None:
    """Places an item and what belongs to it; `above` says what holds for all of it."""
    path = above.path if item.filler else (*above.path, item.name.text)
    if not item.filler and not above.indexes:
        placed.groups.setdefault(item.name.upper, above.views)
    if not _columns(item):
        return
    if item.depending:
        if above.indexes or above.views or placed.table:
            item.name.refuse(f"{item.name.text} has a length that depends, so it may not stand inside another table")
        placed.table = (item, start, len(placed.spots))
    for occurrence in range(item.most):
        at = start + occurrence * item.size
        indexes = (*above.indexes, occurrence + 1) if item.occurs else above.indexes
        if item.kind:
            placed.spots.append(_Spot(item, path, indexes, at, item.kind, above.views))
        else:
            _place_children(item, at, _Spot(item, path, indexes, at, Kind(), above.views), placed, areas)


def _place_children(item: Item, start: int, above: _Spot, placed: _Placed, areas: Iterator[int]) -> None:
    origins: dict[str, Item] = {}
    """Name of an item → the item whose bytes it has: itself, or what it redefines."""
    shared: dict[int, tuple[int, int]] = {}
    """Identity of a redefined item → its area, and how many views it has."""
    for child in item.children:
        origin = origins[child.redefines.upper] if child.redefines else child
        if child.redefines:
            shared.setdefault(id(origin), (next(areas), 0))
        if not child.filler:
            origins[child.name.upper] = origin
    starts: dict[int, int] = {}
    end = start
    for child in item.children:
        origin = origins[child.redefines.upper] if child.redefines else child
        at = starts.setdefault(id(origin), end)
        end = max(end, at + child.size * child.most)
        views = above.views
        if id(origin) in shared:
            area, view = shared[id(origin)]
            shared[id(origin)] = (area, view + 1)
            views = (*views, (area, view))
        _place_item(child, at, _Spot(child, above.path, above.indexes, at, Kind(), views), placed, areas)


def _record(name: str | None, values: tuple[str, ...], placed: _Placed, views: Views) -> RecordType:
    """The columns of a record type: those that stand in none of the views beside its own."""
    chosen = dict(views)
    spots = [spot for spot in placed.spots if all(chosen.get(area, view) == view for area, view in spot.views)]
    items: dict[tuple[str, ...], Item] = {}
    for spot in spots:
        if not spot.item.filler and items.setdefault(spot.path, spot.item) is not spot.item:
            spot.item.name.refuse(
                f"the name {spot.item.name.text} stands twice, and no group around it tells them apart"
            )
    names = _names(items)
    columns = tuple(
        Column(
            names[spot.path] + "".join(f"[{index}]" for index in spot.indexes),
            spot.start,
            spot.start + spot.item.size,
            spot.kind,
            spot.views,
        )
        for spot in spots
        if not spot.item.filler
    )
    if not columns:
        placed.record.name.refuse(f"the record type {name or placed.record.name.text} has no item with a name")
    return RecordType(name, values, columns, placed.record.size, _table(placed, columns))


def _names(items: dict[tuple[str, ...], Item]) -> dict[tuple[str, ...], str]:
    """The shortest name of each path that no other path has."""
    endings = Counter(tuple(part.upper() for part in path[at:]) for path in items for at in range(len(path)))
    names = {}
    for path, item in items.items():
        upper = tuple(part.upper() for part in path)
        size = next((size for size in range(1, len(path) + 1) if endings[upper[-size:]] == 1), 0)
        if not size:
            item.name.refuse(f"the name {item.name.text} stands twice, and no group around it tells them apart")
        names[path] = ".".join(path[-size:])
    return names


def _table(placed: _Placed, columns: tuple[Column, ...]) -> Table | None:
    if not placed.table:
        return None
    item, start, _ = placed.table
    assert item.depending
    wanted = item.depending.upper
    counter = next((each for each in columns if each.start < start and each.name.upper() == wanted), None)
    if counter is None or counter.kind.name not in ("zoned", "packed", "binary") or counter.kind.scale:
        item.depending.refuse(
            f"{item.depending.text} is no whole number before the table; it cannot count {item.name.text}"
        )
    inside = sum(each.start >= start for each in columns)
    return Table(counter, start, item.size, inside // item.most, item.least, item.most)
