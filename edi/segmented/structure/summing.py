"""The quick look at the totals of a document: a function that is written for one guide.

The module `totals` can judge any rule on any document, by walking over all of its loops. For nearly every document a
look at a few loops is enough, and the structure of the guide says which: for ``CLM02 = sum(SV102) in CLM``
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
    from edi.segmented.structure.totals import Place, Rule, Term

    Path = tuple[str, ...]

EXACT = Context(prec=100)
"""Sums are exact: elements have at most 18 digits, and exponents that anybody sends have two."""


def quick_look(rules: Sequence[Rule], root: Slot) -> Callable[[Loop], bool]:
    """The function for these rules, and for the guide whose structure is `root`."""
    source = _Source()
    source.write("def look(root):", deeper=True)
    source.write("try:", deeper=True)
    for rule in rules:
        source.write_rule(rule, root)
    source.write("return True")
    source.depth = 1
    source.write("except FAILURES: return False")
    names: dict[str, Any] = {
        "FAILURES": (AttributeError, InvalidOperation, TypeError, ValueError),
        "equals": _equals,
        "first": _first,
        "levels": _levels,
    }
    exec("\n".join([*source.functions, *source.lines]), names)  # noqa: S102 - made of tags and numbers of parsed rules
    look: Callable[[Loop], bool] = names["look"]
    return look


def _equals(told: str, total: Callable[[Loop, Any], Any], loop: Loop) -> bool:
    """Whether the sum that `total` makes of a loop is the one that is told; whole numbers take half the time."""
    if told.isdecimal():
        try:
            return bool(total(loop, int) == int(told))
        except ValueError:
            pass  # not all of them are whole
    with localcontext(EXACT):
        return bool(total(loop, Decimal) == Decimal(told))


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


class _Tree(dict[str, "_Tree"]):
    """Paths that begin with the same key, and the places of the rows that stand at the end of one."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []

    def add(self, path: Path, place: Place) -> None:
        node = self
        for key in path:
            node = node.setdefault(key, _Tree())
        node.places.append(place)


class _Source:
    """The lines of the function and of those that make its sums, and how deep the next line stands."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.functions: list[str] = []
        self.depth = 0
        self.names = (f"loop{number}" for number in count())

    def write(self, line: str, *, deeper: bool = False) -> None:
        self.lines.append("    " * self.depth + line)
        self.depth += deeper

    def write_rule(self, rule: Rule, root: Slot) -> None:
        depth = self.depth
        inside = list(_slots(root, rule.scope)) if rule.scope else [root]
        if rule.scope and (
            rule.told.tag != rule.scope or rule.scope == "HL" or not all(slot.children for slot in inside)
        ):
            self.write("return False")
            return
        test = self.write_test(rule, inside)
        for path in dict.fromkeys(_paths(root, rule.scope or rule.told.tag)):
            loop = self.write_rows(path)
            if rule.told.qualifiers:  # HL tells no totals
                self.write(f"if first(row) in {rule.told.qualifiers!r}:", deeper=True)
            self.write("told = ''")
            self.write_value(rule.told, "told = {0}")
            self.write(f"if told and {test.format(loop if rule.scope else 'root')}: return False")
            self.depth = depth

    def write_rows(self, path: Path) -> str:
        """Loops over what `path` leads to from the root, with each row as ``row``; the name of the innermost loop."""
        loop = "root"
        for key in path:
            if not key.endswith("*"):
                self.write(f"for row in {loop}.get({key!r}, ()):", deeper=True)
                break
            name = next(self.names)
            self.write(f"for {name} in {_steps(key, loop)}:", deeper=True)
            loop = name
        if path[-1].endswith("*"):
            self.write(f"row = {loop}[{path[-1][:-1]!r}][0]")
        return loop

    def write_test(self, rule: Rule, inside: Sequence[Slot]) -> str:
        """What says whether the total that is told is wrong for a loop, {0}; the sum is a function of its own."""
        terms = rule.choices[0]
        if not all(_is_plain(term) for term in terms):
            return "True"
        lines, depth = self.lines, self.depth
        self.lines, self.depth = [], 0
        name = f"total{len(self.functions)}"
        self.write(f"def {name}(root, number):", deeper=True)
        self.write("total = 0")
        for term in terms:
            tree = _Tree()
            for place in term.places:
                for path in _paths_of(place, inside):
                    tree.add(path, place)
            self.write_tree(tree, "root", term, rule.scope)
        self.write("return total")
        self.functions.append("\n".join(self.lines))
        self.lines, self.depth = lines, depth
        if len(terms) == 1 and terms[0].kind == "count":
            return f"told != str({name}({{0}}, int))"
        return f"not equals(told, {name}, {{0}})"

    def write_tree(self, tree: _Tree, loop: str, term: Term, tag: str) -> None:
        """Add what stands at the ends of paths that begin in `loop`, which a segment of `tag` opens."""
        sign = "+" if term.sign > 0 else "-"
        if tree.places and term.kind != "count":
            self.write(f"row = {loop}[{tag!r}][0]")
        for place in tree.places:
            if term.kind == "count":
                self.write(f"total {sign}= 1")
            else:
                self.write_value(place, f"total {sign}= number({{0}})")
        for key, below in tree.items():
            depth = self.depth
            if term.kind == "count" and not below:
                self.write(f"total {sign}= len({_steps(key, loop)})")
            elif key.endswith("*"):
                name = next(self.names)
                self.write(f"for {name} in {_steps(key, loop)}:", deeper=True)
                self.write_tree(below, name, term, key[:-1])
            else:
                self.write(f"for row in {loop}.get({key!r}, ()):", deeper=True)
                for place in below.places:
                    self.write_value(place, f"total {sign}= number({{0}})")
            self.depth = depth

    def write_value(self, place: Place, action: str) -> None:
        """Do `action` with the value at a place of ``row``, if there is one."""
        depth = self.depth
        value = f"row[{place.element}]"
        if not place.component:
            self.write(f"if len(row) > {place.element} and {value}:", deeper=True)
            self.write(action.format(value))
        else:
            part = f"value[{place.component - 1}]"
            self.write(f"value = {value} if len(row) > {place.element} else ''")
            self.write("if value.__class__ is list:", deeper=True)
            self.write(f"if len(value) >= {place.component} and {part}:", deeper=True)
            self.write(action.format(part))
            self.depth = depth
            self.write("elif value.__class__ is not str: raise TypeError")
            if place.component == 1:
                self.write(f"elif value: {action.format('value')}")
        self.depth = depth


def _is_plain(term: Term) -> bool:
    return term.kind in ("value", "count", "sum") and not any(
        place.qualifiers or place.without for place in term.places
    )


def _steps(key: str, loop: str) -> str:
    return "levels(root)" if (key, loop) == ("HL*", "root") else f"{loop}.get({key!r}, ())"


def _paths_of(place: Place, inside: Sequence[Slot]) -> Iterator[Path]:
    """The keys that lead from loops to the rows of a place; none at all to the row that opens the loop itself."""
    found: dict[Path, None] = {}
    for slot in inside:
        if slot.tag == place.tag and not place.above:
            found[()] = None
        found.update((path, None) for path in _paths(slot, place.tag) if _stands_in(path, place.above, slot.tag))
    yield from found


def _stands_in(path: Path, above: str, tag: str) -> bool:
    """Whether the rows at the end of a path stand directly in the loop of `above`; the path begins in that of `tag`."""
    return not above or (path[-2] == f"{above}*" if len(path) > 1 else tag == above)
