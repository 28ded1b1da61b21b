"""The question of a page as SQL: conditions, order, and where the page before ended; pure.

A page is read off an index, so that one a million rows deep costs what the first does. Behind equal values the key goes
on in the direction of the last field, as the index does. Absent values come last in either direction; no index of both
databases has them there, so that a page by one field is asked for in two parts: those with a value, then those without.

    >>> from gateway.contracts import Contract, Field
    >>> price = Contract("price", 1, "", "", ("sku",), (Field("sku", "text"), Field("price", "int", sortable=True)))
    >>> asked = statement(Query(price, sort=(("price", True),), limit=2), "record_price_v1", postgresql=False)
    >>> for part in asked.parts:
    ...     print(part.partition("r.state = 1 AND ")[2])
    r."f_price" IS NOT NULL ORDER BY r."f_price" DESC, r.key DESC LIMIT 3
    r."f_price" IS NULL ORDER BY r.key DESC LIMIT 3
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gateway.store.staging import column_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.contracts import Contract


_FEW = 2000
"""So many rows are sorted for a page without a second thought."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: `op` is a key of :data:`OPERATORS`; `value` is a tuple for ``in`` and a bool for ``isnull``."""

    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Query:
    """A page that is wanted.

    `sort` are (field, descending); the key is always the end of the order, in the direction of the part before it.
    `after` are the values of the sort fields and the key of the record where the last page ended. `partners` are the
    only ones whose records are wanted; None: everybody's. `limit` None: all of them at once.
    """

    contract: Contract
    filters: tuple[Filter, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    after: tuple[Any, ...] | None = None
    limit: int | None = 100
    partners: tuple[str, ...] | None = None


OPERATORS = {
    "eq": "{column} = {value}",
    "ne": "{column} <> {value}",
    "gt": "{column} > {value}",
    "gte": "{column} >= {value}",
    "lt": "{column} < {value}",
    "lte": "{column} <= {value}",
    "in": "{column} IN ({value})",
    "contains": "{find}({column}, {value}) > 0",
    "startswith": "substr({column}, 1, length({value})) = {value}",
    "isnull": "({column} IS NULL) = {value}",
}


@dataclass(slots=True)
class Statement:
    """A page of current rows, ready to be asked for.

    Each of `parts` selects key, seq, version, body and the values of the sort fields (``s0`` …) of up to `limit` + 1
    rows; the next one is asked for where those before did not fill the page. `sorts` are the types of the sort fields,
    and `indexed` says that their order is an index's.

    The values of the filters are called ``p0``, ``p1`` … in their order, those of ``after`` ``a0`` …: what differs in
    nothing but values has the same parts. The plan of one that is `steady` is as good for any others of them.
    """

    parts: tuple[str, ...]
    values: dict[str, Any]
    limit: int | None
    sorts: tuple[str, ...] = ()
    indexed: bool = True
    steady: bool = False
    native: Any = field(default=None, compare=False)
    """As the driver at hand writes it, kept by who asks."""


def statement(query: Query, table: str, *, postgresql: bool, walk: bool = False) -> Statement:
    """The page of the rows that are current in a table; `walk` keeps SQLite from filtering before it sorts."""
    conditions = Conditions(query.contract, postgresql=postgresql)
    first = query.sort[0][0] if query.sort else "_key"
    plus = "+" if walk and not postgresql else ""
    where = [conditions.of(each, "" if each.field == first else plus) for each in query.filters]
    where += conditions.theirs(query.partners)
    order = ordered(query)
    columns = [conditions.column(name) for name, _ in order[:-1]]
    chosen = ["r.key", "r.seq", "r.version", "r.body", *(f"{column} AS s{n}" for n, column in enumerate(columns))]
    start = f"SELECT {', '.join(chosen)} FROM {table} r WHERE "

    def part(*more: str, by: str) -> str:
        return f"{start}{' AND '.join(['r.state = 1', *where, *more])} ORDER BY {by}{bound(query)}"

    def made(*parts: str, indexed: bool = True) -> Statement:
        sorts = tuple(conditions.kind(name) for name, _ in order[:-1])
        steady = indexed and query.partners is None and all(each.field == first for each in query.filters)
        return Statement(parts, conditions.values, query.limit, sorts, indexed, steady)

    way, sign = ("DESC", "<") if order[-1][1] else ("ASC", ">")
    after = query.after
    if not columns:
        behind = [f"r.key {sign} {conditions.bind('_key', after[0], 'a0')}"] if after is not None else []
        return made(part(*behind, by=f"r.key {way}"))
    if len(columns) > 1 or order[0][1] is not order[1][1]:  # no index has this order
        behind = [conditions.behind(order, after)] if after is not None else []
        return made(part(*behind, by=by(order, columns)), indexed=False)
    parts = []
    column, name = columns[0], order[0][0]
    value, key = after if after is not None else (None, None)
    if after is None or value is not None:
        there = [f"{column} IS NOT NULL"]
        if value is not None:
            bound_to = f"({conditions.bind(name, value, 'a0')}, {conditions.bind('_key', key, 'a1')})"
            there = [f"({column}, r.key) {sign} {bound_to}"]
        parts.append(part(*there, by=f"{column} {way}, r.key {way}"))
        if any(each.field == name and each.op != "isnull" for each in query.filters):  # which no absent value passes
            return made(*parts)
    behind = [f"r.key {sign} {conditions.bind('_key', key, 'a1')}"] if after is not None and value is None else []
    parts.append(part(f"{column} IS NULL", *behind, by=f"r.key {way}"))
    return made(*parts)


def many(query: Query, table: str) -> tuple[str, dict[str, Any]] | None:
    """The question whether more than a few rows pass each filter, for SQLite; None where it does not matter.

    It would rather filter by an index and sort what is left, which is right for few rows alone: where many pass, going
    along the order and leaving out what does not pass fills a page much sooner (`walk`).
    """
    others = counted(query)
    if not others:
        return None
    conditions = Conditions(query.contract, postgresql=False)
    counts = [
        f"(SELECT count(*) FROM (SELECT 1 FROM {table} r WHERE r.state = 1 AND {conditions.of(query.filters[place])} "
        f"LIMIT {_FEW}))"
        for place in others
    ]
    return f"SELECT {' AND '.join(f'{each} = {_FEW}' for each in counts)}", conditions.values


def counted(query: Query) -> tuple[int, ...]:
    """The places of the filters that :func:`many` asks about."""
    leading = query.sort[0][0] if query.sort else "_key"
    if len(query.filters) == 1 and query.filters[0].op == "eq" and leading == "_key":  # an index has this order
        return ()
    return tuple(
        place
        for place, each in enumerate(query.filters)
        if each.field != leading and each.op not in ("contains", "startswith")
    )


def ordered(query: Query) -> list[tuple[str, bool]]:
    """The whole order, (field, descending): the key is its end, in the direction of the part before it."""
    order = [(name, descending) for name, descending in query.sort if name != "_key"]
    return [*order, ("_key", query.sort[-1][1] if query.sort else False)]


def bound(query: Query) -> str:
    """So many rows, and one that tells whether there are more."""
    return "" if query.limit is None else f" LIMIT {query.limit + 1}"


def by(order: Sequence[tuple[str, bool]], columns: Iterable[str]) -> str:
    """ORDER BY of any order, absent values last."""
    fields = [f"{column} {'DESC' if order[n][1] else 'ASC'} NULLS LAST" for n, column in enumerate(columns)]
    return ", ".join([*fields, f"r.key {'DESC' if order[-1][1] else 'ASC'}"])


class Conditions:
    """Conditions on rows ``r`` with their bound values, in the dialect at hand."""

    def __init__(self, contract: Contract, *, postgresql: bool) -> None:
        self.values: dict[str, Any] = {}
        self._bound = 0
        self._contract = contract
        self._kinds = {field.name: field.type for field in contract.columns()}
        self._postgresql = postgresql

    def column(self, field: str) -> str:
        """The column of a field."""
        return "r.key" if field == "_key" else f"r.{quoted(column_of(field))}"

    def kind(self, field: str) -> str:
        """The type of a field."""
        return self._kinds.get(field, "text")

    def bind(self, field: str, value: Any, name: str | None = None) -> str:
        """Keep a value of a field; what stands for it in the statement. One of a filter is called by its number."""
        if name is None:
            name = f"p{self._bound}"
            self._bound += 1
        self.values[name] = bindable(self.kind(field), value)
        if self.kind(field) != "decimal":
            return f":{name}"
        return f"CAST(:{name} AS NUMERIC)" if self._postgresql else f"(0 + :{name})"

    def theirs(self, partners: tuple[str, ...] | None) -> list[str]:
        """The condition of :func:`theirs`, if there is one."""
        of, values = theirs(self._contract, partners)
        self.values |= values
        return [of] if of else []

    def of(self, each: Filter, plus: str = "") -> str:
        """One condition; `plus` keeps SQLite from using an index for it."""
        column = plus + self.column(each.field)
        if each.op == "in":
            marks = ", ".join(self.bind(each.field, value) for value in each.value)
            return OPERATORS["in"].format(column=column, value=marks)
        if each.op == "isnull":
            return f"{column} IS {'' if each.value else 'NOT '}NULL"
        find = "strpos" if self._postgresql else "instr"
        return OPERATORS[each.op].format(column=column, value=self.bind(each.field, each.value), find=find)

    def behind(self, order: Sequence[tuple[str, bool]], after: Sequence[Any]) -> str:
        """Strictly behind `after` in any order, absent values last: one alternative for each leading part."""
        alternatives = []
        for place, (name, descending) in enumerate(order):
            value, column = after[place], self.column(name)
            if value is None:
                continue
            same = [
                f"{self.column(other)} IS NULL"
                if after[number] is None
                else f"{self.column(other)} = {self.bind(other, after[number], f'a{number}')}"
                for number, (other, _) in enumerate(order[:place])
            ]
            beyond = f"{column} {'<' if descending else '>'} {self.bind(name, value, f'a{place}')}"
            if name != "_key":
                beyond = f"({beyond} OR {column} IS NULL)"
            alternatives.append(" AND ".join([*same, beyond]))
        return "(" + " OR ".join(f"({each})" for each in alternatives) + ")"


def theirs(contract: Contract, partners: tuple[str, ...] | None, *, row: str = "r") -> tuple[str, dict[str, str]]:
    """The condition that a row of a contract's table is one of these partners', and its values; empty for all.

    Where keys count per partner, the key says whose a record is: a range of the index by key. Elsewhere it is whose
    delivery brought the version at hand; what came from nobody known is nobody's.
    """
    if partners is None:
        return "", {}
    if not partners:
        return "1 = 0", {}
    marks = {f"w{place}": partner for place, partner in enumerate(partners)}
    if not contract.per_partner:
        names = ", ".join(f":{name}" for name in marks)
        return f"{row}.delivery IN (SELECT w.number FROM delivery w WHERE w.partner IN ({names}))", marks
    ranges = " OR ".join(f"({row}.key >= :{name} AND {row}.key < :{name}_end)" for name in marks)
    values: dict[str, str] = {}
    for name, partner in marks.items():
        start = quote(partner, safe="").replace("~", "%7E")
        values |= {name: f"{start}~", f"{name}_end": f"{start}\x7f"}  # the sign behind the tilde
    return f"({ranges})", values


def served(key: str, seq: int, version: int, body: str) -> bytes:
    """The record as it is served: the system's members before the contract's. A key needs no escaping in JSON."""
    head = f'{{"_key":"{key}","_seq":{seq},"_version":{version}'
    return f"{head}}}".encode() if body == "{}" else f"{head},{body[1:]}".encode()


def bindable(kind: str, value: Any) -> Any:
    """A value of a field of this type as it is handed to the database."""
    return str(value) if kind == "decimal" and value is not None else value


def plain(value: Any) -> Any:
    """A keyset value as JSON can carry it."""
    return value if value is None or isinstance(value, str | int | float) else str(value)
