"""How a caller sees a live table: a column that an integration maps into personal data is personal data there too.

The integrations of the configuration in force say which columns these are: those that the mapping of a field marked
``pii`` reads, of the same connection and table. Who lacks the scope ``COLLECTION:personal`` sees them as null, named in
`_masked`, and may not ask about them; that somebody else reads them is put on record (:func:`on_record`). What no
integration maps is served as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.normalize.compiler import compile_mapping
from gateway.serve import masks
from gateway.serve.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

    from adapters.model import Table
    from gateway.configuration import Configuration
    from gateway.serve.auth import Caller
    from gateway.serve.operations import Call

_INTEGRATIONS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class TableView:
    """What a caller sees of a table. Columns are held in small letters, as some databases take names in any.

    `hidden` are the columns that are null, `shown` those that are personal data and yet seen, by their collection.
    """

    hidden: frozenset[str] = frozenset()
    shown: tuple[tuple[str, frozenset[str]], ...] = ()

    @property
    def plain(self) -> bool:
        """Whether there is nothing to mask, and nothing to put on record."""
        return not self.hidden and not self.shown

    def masked(self, table: Table) -> tuple[str, ...]:
        """The columns that are null, in the table's order.

        Raises:
            Problem: ``personal_field``: the rows are told apart by such a column; a key and a cursor would tell it.
        """
        names = tuple(each.name for each in table.columns if each.name.casefold() in self.hidden)
        self.refuse_key(table.name, table.key)
        return names

    def refuse_key(self, table: str, key: Collection[str]) -> None:
        """Refuse to tell rows apart by a column that is hidden.

        Raises:
            Problem: ``personal_field``.
        """
        for name in key:
            if name.casefold() in self.hidden:
                raise Problem(
                    "personal_field",
                    f"the rows of {table} are told apart by {name}, which is personal data that the key may not see",
                    "Ask the operator for a key with the scope personal of the collection that it is mapped to.",
                )

    def read(self, columns: Collection[str] | None) -> tuple[str, ...]:
        """The collections whose personal data is in these columns; None: in all."""
        asked = None if columns is None else {each.casefold() for each in columns}
        return tuple(name for name, shown in self.shown if asked is None or not shown.isdisjoint(asked))


WHOLE = TableView()
"""A table without personal data."""


def view_of(configuration: Configuration, caller: Caller, connection: str, table: str) -> TableView:
    """How a caller sees a table of a connection."""
    same, personal = _Same(configuration), dict[str, frozenset[str]]()
    for each in configuration.integrations.values():
        source = each.source
        if source.scheme == "table" and (source.host, source.path) == (connection, table):
            collection = configuration.contract_of(each).collection
            personal[collection] = personal.get(collection, frozenset()) | _columns(same, each.name)
    hidden: set[str] = set()
    for collection, columns in personal.items():
        if not caller.may_see_personal(collection):
            hidden |= columns
    seen = ((name, columns - hidden) for name, columns in personal.items() if caller.may_see_personal(name))
    return TableView(frozenset(hidden), tuple((name, columns) for name, columns in seen if columns))


def on_record(call: Call, view: TableView, named: str, count: int, columns: Collection[str] | None = None) -> None:
    """Have it on record that so many rows are read with personal data, if they are; before the answer goes out.

    `named` is the table, such as ``erp/customers``; `columns` are those that are served, where not all are.
    """
    for collection in view.read(columns) if count else ():
        masks.told(call, collection, count, table=named)


class _Same:
    """A configuration as a key of what is remembered of it: equal to itself alone."""

    __slots__ = ("configuration",)

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration

    def __hash__(self) -> int:
        return id(self.configuration)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.configuration is self.configuration


@lru_cache(maxsize=_INTEGRATIONS_KEPT)
def _columns(same: _Same, name: str) -> frozenset[str]:
    """The columns that an integration maps into fields marked ``pii``, or into what holds one; in small letters."""
    configuration = same.configuration
    integration = configuration.integrations[name]
    contract = configuration.contract_of(integration)
    mask = masks.mask_of(contract)
    if mask is None:
        return frozenset()
    mapper = compile_mapping(integration, contract, codes=configuration.codes)
    # A pointer of a lineage has * for any element, which is no field's name.
    into = (each for target, each in mapper.lineage.items() if mask.hides(target.replace("/*", "")))
    return frozenset(path.strip("`").casefold() for each in into for path in (*each.paths, *each.loops))
