"""The quick look at the totals of a document: a function that is written for one guide.

:mod:`edi.segmented.totals` can judge any rule on any document, by walking over all of its loops. For nearly every
document a look at a few loops is enough, and the structure of the guide says which: for ``CLM02 = sum(SV102) in CLM``
something like this is written and compiled ::

    for a in levels(root):
        for b in a.get("CLM*", ()):
            row = b["CLM"][0]
            ...

What is written returns True only where every total that is told is right by its first alternative. Everything else (a
comma, a leading zero, another alternative, a place of another kind than a plain one) makes it return False, which means
"look with care".
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation, localcontext
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edi.model import Loop
    from edi.segmented.guides import Slot
    from edi.segmented.totals import Place, Rule, Term

    Path = tuple[str, ...]

EXACT = Context(prec=100)
"""Sums are exact: elements have at most 18 digits, and exponents that anybody sends have two."""


def quick_look(rules: Sequence[Rule], root: Slot) -> Callable[[Loop], bool]:
    """The function for these rules, and for the guide whose structure is `root`."""
    source = _Source()
    with_try = ["def look(root):", "    try:"]
    for rule in rules:
        source.write_rule(rule, root)
    lines = [*with_try, *(f"        {line}" for line in source.lines), "        return True", "    except FAILURES:"]
    names: dict[str, Any] = {
        "D": Decimal,
        "EXACT": EXACT,
        "FAILURES": (InvalidOperation, TypeError, ValueError),
        "ZERO": Decimal(),
        "first": _first,
        "levels": _levels,
        "localcontext": localcontext,
    }
    exec("\n".join([*lines, "        return False"]), names)  # noqa: S102 - made of tags and numbers of a parsed guide
    look: Callable[[Loop], bool] = names["look"]
    return look


def _levels(root: Loop) -> list[Loop]:
    """All levels (HL) of a transaction set, nested or not."""
    found: list[Loop] = list(root.get("HL*", ()))
    for level in found:
        if "HL*" in level:
            found += level["HL*"]  # these are looked at in turn
    return found


def _first(row: list[Any]) -> str:
    """The qualifier of a row."""
    value = row[1] if len(row) > 1 else ""
    while not isinstance(value, str):
        value = value[0]
    return value


def _paths(slot: Slot, tag: str) -> Iterator[Path]:
    """The keys that lead from the loop of `slot` to rows of a tag; nested levels are one step, as in ``levels``."""
    for child in slot.children:
        key = child.tag + "*" if child.children else child.tag
        if child.tag == tag:
            yield (key,)
        for path in _paths(child, tag):
            yield path if key == path[0] == "HL*" else (key, *path)


def _slots(slot: Slot, tag: str) -> Iterator[Slot]:
    for child in slot.children:
        if child.tag == tag:
            yield child
        yield from _slots(child, tag)


class _Source:
    """The lines of the function, and how deep the next one stands."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0
        self.names = (f"loop{number}" for number in count())

    def write(self, line: str, *, deeper: bool = False) -> None:
        self.lines.append("    " * self.depth + line)
        self.depth += deeper

    def write_rule(self, rule: Rule, root: Slot) -> None:
        if not rule.scope:
            for path in dict.fromkeys(_paths(root, rule.told.tag)):
                self.write_rows(path, "root")
                self.write_told(rule, "root", [root])
                self.depth = 0
            return
        inside = list(_slots(root, rule.scope))
        if rule.told.tag != rule.scope or rule.scope == "HL" or not all(slot.children for slot in inside):
            self.write("return False")
            return
        for path in dict.fromkeys(_paths(root, rule.scope)):
            self.write("with localcontext(EXACT):", deeper=True)
            loop = self.write_rows(path, "root")
            self.write_told(rule, loop, inside)
            self.depth = 0

    def write_rows(self, path: Path, loop: str) -> str:
        """Loops over what `path` leads to from `loop`, with each row as ``row``; the name of the innermost loop."""
        for key in path:
            if not key.endswith("*"):
                self.write(f"for row in {loop}.get({key!r}, ()):", deeper=True)
                break
            name = next(self.names)
            steps = "levels(root)" if (key, loop) == ("HL*", "root") else f"{loop}.get({key!r}, ())"
            self.write(f"for {name} in {steps}:", deeper=True)
            loop = name
        if path[-1].endswith("*"):
            self.write(f"row = {loop}[{path[-1][:-1]!r}][0]")
        return loop

    def write_told(self, rule: Rule, loop: str, inside: Sequence[Slot]) -> None:
        """Compare the total that ``row`` tells with what stands in `loop`."""
        told, terms = rule.told, rule.choices[0]
        if told.qualifiers:
            self.write(f"if first(row) in {told.qualifiers!r}:", deeper=True)
        self.write("told = ''")
        self.write_value(told, "told = {}")
        self.write("if told:", deeper=True)
        if not all(_is_plain(term) for term in terms):
            self.write("return False")
            return
        if len(terms) == 1 and terms[0].kind == "count":
            self.write("total = 0")
            self.write_term(terms[0], loop, inside)
            self.write("if told != str(total): return False")
            return
        if not rule.scope:
            self.write("with localcontext(EXACT):", deeper=True)
        self.write("total = ZERO")
        for term in terms:
            self.write_term(term, loop, inside)
        self.write("if total != D(told): return False")

    def write_term(self, term: Term, loop: str, inside: Sequence[Slot]) -> None:
        by_tag: dict[tuple[str, str], list[Place]] = {}
        for place in term.places:
            by_tag.setdefault((place.above, place.tag), []).append(place)
        sign = "+" if term.sign > 0 else "-"
        for (above, tag), places in by_tag.items():
            paths = [path for slot in inside for path in _paths(slot, tag) if _stands_in(path, above, slot.tag)]
            if any(slot.tag == tag for slot in inside) and not above:
                paths.insert(0, ())
            for path in dict.fromkeys(paths):
                self.write_part(term, places, path, loop, sign)

    def write_part(self, term: Term, places: Sequence[Place], path: Path, loop: str, sign: str) -> None:
        """Add what the rows at the end of one path have; the empty path is the row that opens the loop."""
        depth = self.depth
        if term.kind == "count":
            if len(path) > 1:
                loop = self.write_rows((*path[:-1],), loop)
            what = "len(levels(root))" if path == ("HL*",) else f"len({loop}.get({path[-1]!r}, ()))" if path else "1"
            self.write(f"total {sign}= {what}")
        else:
            if path:
                self.write_rows(path, loop)
            else:
                self.write(f"row = {loop}[{places[0].tag!r}][0]")
            for place in places:
                self.write_value(place, f"total {sign}= D({{}})")
        self.depth = depth

    def write_value(self, place: Place, action: str) -> None:
        """Do `action` with the value at a place of ``row``, if there is one."""
        depth = self.depth
        value = f"row[{place.element}]"
        self.write(f"if len(row) > {place.element}:", deeper=True)
        if place.component:
            self.write(f"value = {value}")
            self.write("if value.__class__ is list:", deeper=True)
            part = f"value[{place.component - 1}]"
            self.write(f"if len(value) >= {place.component} and {part}: {action.format(part)}")
            self.depth -= 1
            self.write("elif value.__class__ is not str: return False")
            if place.component == 1:
                self.write(f"elif value: {action.format('value')}")
        else:
            self.write(f"if {value}: {action.format(value)}")
        self.depth = depth


def _is_plain(term: Term) -> bool:
    return term.kind in ("value", "count", "sum") and not any(
        place.qualifiers or place.without for place in term.places
    )


def _stands_in(path: Path, above: str, tag: str) -> bool:
    """Whether the rows at the end of a path stand directly in the loop of `above`; the path begins in that of `tag`."""
    return not above or (path[-2] == f"{above}*" if len(path) > 1 else tag == above)
