"""Hierarchical levels (HL) of X12, and the service lines that a claim numbers with LX.

HL01 names each level of a transaction set, HL02 names the level above it, HL03 says what kind of level it is and HL04
whether levels stand below it. The structure of a base guide knows only that levels follow one another: all of them
stand under ``root["HL*"]``. Here they are put below their parents, under ``"HL*"`` of the parent's loop.

For a document that is right so far, and for one that is looked at with care::

    root = structure.assemble(rows, guide)
    if root is not None and not levels.nest(root):
        root = None                                # to the slow path

    root, found = structure.arrange(rows, guide)
    found += levels.problems(rows, root)           # before the levels are moved
    levels.nest_leniently(root)

:func:`needed` says once per guide whether there is anything to do. Where the structure of a guide nests the levels
itself (``HL[22]`` in the loop of ``HL[20]``) they are checked likewise and stay where they are.

Sources: the comments on HL01 to HL04 in the standard (HL01 has to be unique, and may be a count); the notes on HL01,
HL02 and LX01 in the health care guides (004010X091 to X098, 005010X222A1, X223A2, X279A1: HL01 begins with 1 and grows
by one, and so does LX01 within each claim).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edi.segmented.structure.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from edi.model import Loop
    from edi.segmented.guides import Slot

COUNTED = frozenset({"270", "271", "837"})
"""Sets in which HL01 counts 1, 2, 3 …; in the others it has to be unique."""

NUMBERED = {"837": "CLM"}
"""Sets in which LX01 counts 1, 2, 3 … within each loop of a segment. In the others the sender is free in it: the 835 of
a Medicare contractor has a month there, and other sets only say that it tells the loops apart."""

_ELIGIBILITY = {"20": ("",), "21": ("20",), "22": ("21",), "23": ("22",)}
PARENTS: dict[str, Mapping[str, tuple[str, ...]]] = {
    "270": _ELIGIBILITY,
    "271": _ELIGIBILITY,
    "837": {"20": ("",), "22": ("20",), "23": ("22",)},
}
"""By set and kind of level (HL03): the kinds that it may stand under, "" being none. Other kinds are free."""

_SHIPMENT = {"S": ("",)}
SHIPMENT_FIRST = frozenset({"0001", "0002", "0003", "0004"})
"""Hierarchical structures (BSN05, element 1005) of an 856 whose definition begins with the shipment."""

_KINDS = {
    "837": {"20": "billing provider", "22": "subscriber", "23": "patient"},
    "270": {"20": "information source", "21": "information receiver", "22": "subscriber", "23": "dependent"},
    "856": {"S": "shipment", "O": "order", "T": "tare", "P": "pack", "I": "item"},
}
_KINDS["271"] = _KINDS["270"]

_NONE: tuple[Any, ...] = ()

_NUMBERS = [str(number) for number in range(1, 1000)]

DEPTH_MAX = 100
"""So many levels may stand below one another. Real documents have five or ten; a loop deeper than that is no help."""


def needed(root: Slot) -> bool:
    """Whether documents of this structure have levels at all; `root` is the slot of ST."""
    return any(slot.tag == "HL" for slot in root.children)


def nest(root: Loop) -> bool:
    """Put every level below its parent. If anything is wrong with them, leave `root` as it was and return False.

    `root` is a transaction set whose elements and structure are proved. What :func:`problems` finds fault with is never
    accepted; what it would let pass may be refused (an HL04 that is neither 0 nor 1, an LX01 of ``01``).
    """
    parents = _parents(root)
    if parents is None:
        return False
    _move(root, parents)
    return True


def _parents(root: Loop) -> list[Loop] | None:
    """The loop of the parent of each level in the root, or the root; None if anything is wrong with the levels."""
    known = {"": root}
    rows = []
    parents = []
    for loop in root.get("HL*", _NONE):
        row = loop["HL"][0]
        parent = known.get(row[2])
        if parent is None or row[1] in known:
            return None
        known[row[1]] = loop
        rows.append(row)
        parents.append(parent)
        if "HL*" in loop and not _is_enclosed(loop, known, rows):
            return None
    message = root["ST"][0][1]
    if message in COUNTED and [row[1] for row in rows] != _first_numbers(len(rows)):
        return None
    if not _are_kinds_right(rows, _allowed(message, root.get("BSN", _NONE))) or not _are_flags_right(rows):
        return None
    if len(rows) > DEPTH_MAX and not _are_depths_right(rows):
        return None
    if message in NUMBERED and not _are_lines_numbered(known.values(), NUMBERED[message] + "*"):
        return None
    return parents


def _is_enclosed(around: Loop, known: dict[str, Loop], rows: list[list[Any]]) -> bool:
    """Whether each level that the structure has nested below `around` names the level that it stands below."""
    for loop in around["HL*"]:
        row = loop["HL"][0]
        if known.get(row[2]) is not around or row[1] in known:
            return False
        known[row[1]] = loop
        rows.append(row)
        if "HL*" in loop and not _is_enclosed(loop, known, rows):
            return False
    return True


def nest_leniently(root: Loop) -> None:
    """Put each level of the root that names an earlier level below it; all others stay. Nothing is lost."""
    known = {"": (root, 0)}
    moves = []
    for loop, around in _levels(root):
        number, parent = (_at(loop["HL"][0], place) for place in (1, 2))
        upper, depth = known.get(parent, (root, 0))
        if around is None:
            if depth == DEPTH_MAX:
                upper, depth = root, 0
            moves.append(upper)
        if number:
            known[number] = (loop, depth + 1)
    _move(root, moves)


def problems(rows: Sequence[list[Any]], root: Loop) -> list[Problem]:
    """What is wrong with the levels and with the numbers of service lines, in the order of the rows.

    `rows` are all rows of the transaction set; `root` holds the same lists, nested as the structure says.
    """
    try:
        is_right = _parents(root) is not None
    except (IndexError, TypeError):  # an element is missing, or has components
        is_right = False
    return [] if is_right else _all_problems(rows, root)


def _all_problems(rows: Sequence[list[Any]], root: Loop) -> list[Problem]:
    places = {id(row): place for place, row in enumerate(rows)}
    found = list(_level_problems(rows, root, places))
    if any(problem.code in ("level.number", "level.parent") for problem in found):
        found = [problem for problem in found if problem.code != "level.child"]  # who has children is not certain
    found.extend(_line_problems(root, places))
    return sorted(found, key=lambda problem: problem.row)


def _levels(root: Loop) -> list[tuple[Loop, Loop | None]]:
    """Every level, in the order of the file, and the level in whose loop the structure has put it."""
    found: list[tuple[Loop, Loop | None]] = []
    for loop in root.get("HL*", _NONE):
        found.append((loop, None))
        if "HL*" in loop:
            found.extend((inner, around or loop) for inner, around in _levels(loop))
    return found


def _move(root: Loop, parents: Sequence[Loop]) -> None:
    """Put each level that stands in the root below its parent, which may be the root itself."""
    tops = []
    for loop, parent in zip(root.get("HL*", _NONE), parents, strict=True):
        if parent is root:
            tops.append(loop)
        elif "HL*" in parent:
            parent["HL*"].append(loop)
        else:
            parent["HL*"] = [loop]
    if tops:
        root["HL*"] = tops


def _allowed(message: str, beginnings: Sequence[list[Any]]) -> Mapping[str, tuple[str, ...]]:
    """The kinds of level and what they may stand under; `beginnings` are the rows of BSN."""
    if message == "856" and any(_at(row, 5) in SHIPMENT_FIRST for row in beginnings):
        return _SHIPMENT
    return PARENTS.get(message, {})


def _first_numbers(count: int) -> list[str]:
    return _NUMBERS[:count] if count <= len(_NUMBERS) else [str(number) for number in range(1, count + 1)]


def _are_kinds_right(rows: Sequence[list[Any]], allowed: Mapping[str, tuple[str, ...]]) -> bool:
    if not allowed:
        return True
    kinds = {"": ""}
    for row in rows:
        kind = kinds[row[1]] = row[3]
        if kind in allowed and kinds[row[2]] not in allowed[kind]:
            return False
    return True


def _are_flags_right(rows: Sequence[list[Any]]) -> bool:
    """Whether HL04, where it is sent, is 1 for levels with others below them, and 0 for those without."""
    above = {row[2] for row in rows}
    flags = [(row[4], row[1] in above) for row in rows if len(row) > 4 and row[4]]
    return all([flag == ("1" if has_children else "0") for flag, has_children in flags])  # noqa: C419 - a list is faster


def _are_depths_right(rows: Sequence[list[Any]]) -> bool:
    depths = {"": 0}
    for row in rows:
        depths[row[1]] = depths[row[2]] + 1
    return max(depths.values()) <= DEPTH_MAX


def _are_lines_numbered(levels: Iterable[Loop], key: str) -> bool:
    """Whether LX01 counts 1, 2, 3 … in each loop that stands under `key` in one of the levels."""
    for level in levels:
        for owner in level.get(key, _NONE):
            numbers = [line["LX"][0][1] for line in owner.get("LX*", _NONE)]
            if numbers != _first_numbers(len(numbers)):
                return False
    return True


def _level_problems(rows: Sequence[list[Any]], root: Loop, places: dict[int, int]) -> Iterator[Problem]:
    message = _at(rows[0], 1)
    allowed = _allowed(message, [row for row in rows if row[0] == "BSN"])
    words = _KINDS.get(message, {})
    levels = [row for row in rows if row[0] == "HL"]
    around = {id(loop["HL"][0]): outer["HL"][0] for loop, outer in _levels(root) if outer}
    named = {_at(row, 2) for row in levels}
    last = {_at(row, 1): place for place, row in enumerate(levels, 1)}
    known: dict[str, tuple[list[Any], int]] = {}
    before = 0
    for place, row in enumerate(levels, 1):
        number, parent, flag = _at(row, 1), _at(row, 2), _at(row, 4)
        at = places[id(row)]
        upper, depth = known.get(parent, (None, 0))
        told = _number_problem(number, place, before, known) if message in COUNTED else _repeat_problem(number, known)
        if told:
            yield Problem("level.number", at, "HL", *told, 1)
        told = _parent_problem(row, upper, around.get(id(row)), depth, is_later=last.get(parent, 0) > place)
        if told:
            yield Problem("level.parent", at, "HL", *told, 2)
        else:
            told = _kind_problem(row, upper, allowed, words)
            if told:
                yield Problem("level.code", at, "HL", *told, 3)
        told = _child_problem(flag, has_children=bool(number) and number in named)
        if told:
            yield Problem("level.child", at, "HL", *told, 4)
        if number:
            known[number] = (row, min(depth, DEPTH_MAX - 1) + 1)
        before = int(number) if number.isdecimal() else place


def _number_problem(number: str, place: int, before: int, known: Mapping[str, object]) -> tuple[str, str] | None:
    """HL01 where it counts. After a wrong one the count goes on from it, so that one gap is told once."""
    if not number or (number.isdecimal() and int(number) in (place, before + 1) and number not in known):
        return None
    return (
        f"HL01 is {number!r}, but this is the {_ordinal(place)} level of the transaction set.",
        "Ask the sender to number the levels 1, 2, 3 … as they are sent, and to look for one that is missing.",
    )


def _repeat_problem(number: str, known: Mapping[str, object]) -> tuple[str, str] | None:
    if not number or number not in known:
        return None
    return (
        f"HL01 is {number!r}, but a level before this one has that number already.",
        "Ask the sender to give each level a number of its own: the levels below name it in HL02.",
    )


def _parent_problem(
    row: list[Any], upper: list[Any] | None, around: list[Any] | None, depth: int, *, is_later: bool
) -> tuple[str, str] | None:
    number, parent = _at(row, 1), _at(row, 2)
    remedy = "Ask the sender to send each parent before the levels below it, and to name its HL01 in HL02."
    if parent and upper is None:
        if parent == number:
            return f"HL02 names the parent {parent!r}, which is the number of this level itself.", remedy
        if is_later:
            return f"HL02 names the parent {parent!r}, but that level is sent after this one.", remedy
        return f"HL02 names the parent {parent!r}, and no level before this one has that number.", remedy
    if around is not None and upper is not around:
        told = f"names the parent {parent!r}" if parent else "is empty"
        return f"HL02 {told}, but this level stands among those below level {_at(around, 1)!r}.", remedy
    if depth >= DEPTH_MAX:
        return f"Through HL02 this level stands more than {DEPTH_MAX} levels deep.", remedy
    return None


def _kind_problem(
    row: list[Any], upper: list[Any] | None, allowed: Mapping[str, tuple[str, ...]], words: Mapping[str, str]
) -> tuple[str, str] | None:
    kind = _at(row, 3)
    upper_kind = _at(upper, 3) if upper else ""
    if kind not in allowed or upper_kind in allowed[kind]:
        return None
    wanted = _named(allowed[kind][0], words)
    expected = f"stands below a level of kind {wanted}" if wanted else "stands at the top, without a parent"
    is_one = (
        f"level {_at(upper, 1)!r}, its parent, is of kind {_named(upper_kind, words)}" if upper else "HL02 is empty"
    )
    return (
        f"HL03 is {_named(kind, words)}; such a level {expected}, but {is_one}.",
        "Ask the sender to put HL02 or HL03 right, or to send the level that is missing between the two.",
    )


def _child_problem(flag: str, *, has_children: bool) -> tuple[str, str] | None:
    if flag == "0" and has_children:
        return (
            "HL04 is '0', which says that no level stands below this one, but another level names it as its parent.",
            "Ask the sender to send 1 in HL04, or to put HL02 of the other level right.",
        )
    if flag == "1" and not has_children:
        return (
            "HL04 is '1', which says that levels stand below this one, but none names it as its parent.",
            "Ask the sender to send 0 in HL04, or to send the level that is missing.",
        )
    return None


def _line_problems(root: Loop, places: dict[int, int]) -> Iterator[Problem]:
    owner = NUMBERED.get(_at(root["ST"][0], 1)) if "ST" in root else None
    for level, _ in _levels(root) if owner else ():
        for loop in level.get(f"{owner}*", _NONE):
            before = 0
            for place, line in enumerate(loop.get("LX*", _NONE), 1):
                row = line["LX"][0]
                number = _at(row, 1)
                told = int(number) if number.isdecimal() else None
                if told is not None and told not in (place, before + 1):
                    message = f"LX01 is {number!r}, but this is the {_ordinal(place)} service line of its claim."
                    remedy = "Ask the sender to number the service lines of each claim 1, 2, 3 …; one may be missing."
                    yield Problem("level.number", places[id(row)], "LX", message, remedy, 1)
                before = place if told is None else told


def _at(row: Sequence[Any], place: int) -> str:
    """An element as text: of a composite or a repeated one its first part."""
    value = row[place] if place < len(row) else ""
    while not isinstance(value, str):
        value = value[0]
    return value


def _named(kind: str, words: Mapping[str, str]) -> str:
    if not kind:
        return ""
    return f"{kind!r} ({words[kind]})" if kind in words else repr(kind)


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
