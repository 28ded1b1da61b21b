"""Queries that differ in nothing but values: the first one is understood, of the others the values are read.

    ?status=open&total__gte=100&sort=-total&cursor=AYg…

Here ``open``, ``100`` and the cursor are values, and everything else is the form: the names and their order, what
``sort``, ``fields`` and ``limit`` say, and what ``in`` and ``isnull`` are given. A query that is read is the same as
``plans.for_list`` makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.serve import cursors, plans
from gateway.serve.answers import VARY, path_of
from gateway.serve.filters import TEXT_MAX
from gateway.store.pages import bindable, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateway.serve.filters import Asked, Condition
    from gateway.serve.hot.answered import Headers
    from gateway.serve.plans import ListPlan, Seen, Told
    from gateway.store.pages import Query, Statement

_FORMS_MAX = 500
_WALKS_MAX = 1000
_COMPARED = ("eq", "ne", "gt", "gte", "lt", "lte")
_PARTS = ("contains", "startswith")


class Variable(NamedTuple):
    """A condition whose value is read anew: where it stands in the query, and what the statement calls it."""

    place: int
    field: str
    op: str
    kind: str
    name: str
    read: Callable[[str], Any]


class Question(NamedTuple):
    """What is to be asked for a query: the statement, with which values, and until when it is a good one."""

    identity: str
    tag: str
    statement: Statement
    values: dict[str, Any]
    until: float


@dataclass(slots=True)
class Form:
    """What such queries have in common, and their statements."""

    of: Seen
    asked: Asked
    path: str
    """Of the list, as it stands in a header."""
    headers: Headers
    unchanged: Headers
    conditions: tuple[Told | Variable, ...]
    cursor: int | None
    counted: tuple[int, ...]
    statements: dict[tuple[tuple[bool, ...], bool], Statement] = field(default_factory=dict)
    """By which values of the cursor are absent, and by the way through the rows."""
    walks: dict[tuple[Told, ...], tuple[bool, float]] = field(default_factory=dict)
    """The way through the rows by the conditions that decide it, and until when it is a good one."""

    def question(self, texts: Sequence[str], secret: bytes, now: float) -> Question | None:
        """What is to be asked for a query of this form; None where the plain lane must look at it first.

        That is where it is not known yet, a text is too long, or a code is none.

        Raises:
            ValueError, Problem: a value is none of its field's; the cursor is another query's.
        """
        values: dict[str, Any] = {}
        conditions = self._conditions(texts, values)
        if conditions is None:
            return None
        walk, until = self.walks.get(self._decisive(conditions), (False, 0.0))
        if until <= now:
            return None
        identity = plans.identity_of(self.of, conditions, self.asked)
        cursor = texts[self.cursor] if self.cursor is not None else None
        after = cursors.read(secret, identity, cursor) if cursor else ()
        statement = self.statements.get((tuple([value is None for value in after]), walk))
        if statement is None:
            return None
        for place, value in enumerate(after):
            if value is not None:
                kind = statement.sorts[place] if place < len(statement.sorts) else "text"
                values[f"a{place}"] = bindable(kind, value)
        return Question(identity, plans.tag_of(identity, cursor, self.asked), statement, values, until)

    def keep(self, texts: Sequence[str], query: Query, statement: Statement, *, walk: bool, until: float) -> None:
        """Know a statement for queries like this one."""
        conditions = self._conditions(texts, {})
        if conditions is None:
            return
        if len(self.walks) >= _WALKS_MAX:
            self.walks.clear()
        self.walks[self._decisive(conditions)] = walk, until
        self.statements[tuple(value is None for value in query.after or ()), walk] = statement

    def _conditions(self, texts: Sequence[str], values: dict[str, Any]) -> list[Told] | None:
        """The conditions with the values of a query, which are put among those of the statement."""
        found: list[Told] = []
        for each in self.conditions:
            if isinstance(each, Variable):
                text = texts[each.place]
                if len(text) > TEXT_MAX:
                    return None
                value = each.read(text)
                if self.of.fields[each.field].strange(each.op, value):
                    return None
                values[each.name] = bindable(each.kind, value)
                found.append(plans.told(each.field, each.op, value))
            else:
                found.append(each)
        return found

    def _decisive(self, conditions: list[Told]) -> tuple[Told, ...]:
        return tuple([conditions[place] for place in self.counted])


class Forms:
    """The forms of a caller's queries."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        """The places of the texts that belong to the form: the names alone tell that."""
        self._forms: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Form] = {}

    def find(self, collection: str, names: tuple[str, ...], texts: Sequence[str]) -> Form | None:
        """The form of a query, if one like it was understood."""
        fixed = self._fixed.get((collection, names))
        if fixed is None:
            return None
        return self._forms.get((collection, names, tuple([texts[place] for place in fixed])))

    def learn(self, collection: str, names: tuple[str, ...], texts: Sequence[str], of: Seen, planned: ListPlan) -> Form:
        """The form of a query that was understood."""
        asked = planned.plan.asked
        conditions = tuple(_conditions(of, asked.conditions, names))
        variables = {each.place for each in conditions if isinstance(each, Variable)}
        cursor = names.index("cursor") if "cursor" in names else None
        fixed = tuple(place for place in range(len(names)) if place not in variables and place != cursor)
        path, lasting = path_of(f"/api/v1/{collection}"), plans.unlinked(of.headers)
        told = (VARY, *of.headers), (VARY, *lasting)
        form = Form(of, asked, path, *told, conditions, cursor, counted(planned.query))
        if len(self._forms) >= _FORMS_MAX or len(self._fixed) >= _FORMS_MAX:
            self._forms.clear()
            self._fixed.clear()
        self._fixed[collection, names] = fixed
        self._forms[collection, names, tuple(texts[place] for place in fixed)] = form
        return form


def _conditions(of: Seen, conditions: Sequence[Condition], names: Sequence[str]) -> Iterator[Told | Variable]:
    """The conditions in the order of the query, each with its place in it if its value may be another."""
    places = [place for place, name in enumerate(names) if name not in plans.OF_LISTS]
    bound = 0
    for place, each in zip(places, conditions, strict=True):
        about = of.fields[each.field]
        if each.op in _COMPARED:
            yield Variable(place, each.field, each.op, about.type, f"p{bound}", about.value)
        elif each.op in _PARTS:
            yield Variable(place, each.field, each.op, "text", f"p{bound}", str)
        else:
            yield plans.told(each.field, each.op, each.value)
        bound += 0 if each.op == "isnull" else len(each.value) if each.op == "in" else 1
