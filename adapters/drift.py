"""What became of a table's shape since it was last looked at: columns that came, went, moved, or have another type."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from adapters.model import Table

Kind = Literal["added", "missing", "retyped", "moved", "key"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of two shapes. `column` is empty where it is the key's; `said` tells it to a person."""

    kind: Kind
    column: str
    said: str


def shape(table: Table) -> str:
    """The shape of a table as one line of JSON: its columns in their order, and its key."""
    columns = [[column.name, column.native, column.type] for column in table.columns]
    return json.dumps([columns, list(table.key)], ensure_ascii=False, separators=(",", ":"))


def differences(before: str, after: str) -> list[Difference]:
    """What is different between two shapes, as :func:`shape` wrote them; empty where nothing is.

    A column that only changed its length (VARCHAR(40), VARCHAR(80)) keeps its type and is no difference.
    """
    (old, old_key), (new, new_key) = json.loads(before), json.loads(after)
    was = {name: (native, kind) for name, native, kind in old}
    now = {name: (native, kind) for name, native, kind in new}
    found = [
        Difference("missing", name, f"the column {name} ({was[name][0]}) is gone") for name in was if name not in now
    ]
    found += [
        Difference("added", name, f"the column {name} ({now[name][0]}) is new") for name in now if name not in was
    ]
    for name in was:
        if name in now and was[name][1] != now[name][1]:
            said = f"the column {name} was {was[name][0]} and is {now[name][0]}"
            found.append(Difference("retyped", name, said))
    if not found and list(was) != list(now):
        found.append(Difference("moved", "", "the columns stand in another order"))
    if old_key != new_key:
        said = f"the primary key was {', '.join(old_key) or 'none'} and is {', '.join(new_key) or 'none'}"
        found.append(Difference("key", "", said))
    return found
