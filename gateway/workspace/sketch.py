"""A first contract and integration for a table, made of what its catalogue says: files to read, correct and keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.workspace.notation import FIELD_NAME_LENGTH_MAX, RESERVED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from adapters.model import Column, Table

OWNER = "data-team"
_FIELDS: Mapping[str, tuple[str, str]] = {
    "text": ("text", "strip"),
    "int": ("int", ""),
    "decimal": ("decimal", ""),
    "float": ("decimal", ""),
    "bool": ("bool", ""),
    "date": ("date", "date"),
    "datetime": ("datetime", "datetime(zone='UTC')"),
    "time": ("time", "time"),
    "binary": ("text", ""),
}
"""What a column of that type becomes, and the function that its value passes."""
_PLAIN = re.compile(r"[^\W\d]\w*")
_WORDS = re.compile(r"[^a-z0-9]+")


def sketched(table: Table, *, connection: str, name: str, key: tuple[str, ...], changes: str) -> dict[str, str]:
    """The files of a contract `name` v1 and of the integration that fills it, by their paths in the workspace.

    `key` names the columns that identify a row; `changes` is how they are followed, as an integration says it.
    """
    fields = _named(table)
    shown = [(column, fields[column.name]) for column in table.columns]
    contract = [
        f"contract: {name} v1",
        f"about:    A row of {_line(table.name)} of {connection}, as its catalogue describes it; to be looked over",
        f"owner:    {OWNER}",
        f"key:      {', '.join(fields[column] for column in key)}",
        f"collection: {name}",
        "",
        "fields:",
        *(f"  {field}: {_notation(column, is_key=column.name in key)}" for column, field in shown),
    ]
    integration = [
        f"integration: {connection}-{name}",
        f"about:    {_line(table.name)} of {connection}",
        f"owner:    {OWNER}",
        f"source:   {_scalar(f'table://{connection}/{table.name}')}",
        f"changes:  {changes}",
        f"key:      {', '.join(key)}",
        f"contract: {name} v1",
        "",
        "map:",
        *(f"  {field}: {_expression(column, is_key=column.name in key)}" for column, field in shown),
    ]
    return {
        f"contracts/{name}.v1.yaml": "\n".join(contract) + "\n",
        f"integrations/{connection}-{name}.yaml": "\n".join(integration) + "\n",
    }


def word(text: str) -> str:
    """A name as contracts and integrations have it: ``PRODLIB.Kunden_Stamm`` → ``prodlib-kunden-stamm``."""
    made = _WORDS.sub("-", _folded(text)).strip("-") or "table"
    return made if made[0].isalpha() else f"t-{made}"


def _named(table: Table) -> dict[str, str]:
    """A field for each column, no two the same."""
    fields: dict[str, str] = {}
    for column in table.columns:
        made = _WORDS.sub("_", _folded(column.name)).strip("_") or "column"
        fields[column.name] = field(made if made[0].isalpha() else f"c_{made}", fields.values())
    return fields


def field(made: str, others: Container[str]) -> str:
    """A name for a field that may stand in a contract, other than those that are there."""
    cut = made[: FIELD_NAME_LENGTH_MAX - len("_9999")].rstrip("_")
    free = f"{cut}_value" if cut in RESERVED_FIELDS else cut
    again = 1
    while (each := free if again == 1 else f"{free}_{again}") in others:
        again += 1
    return each


def _folded(text: str) -> str:
    for letter, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.lower().replace(letter, letters)
    return text.lower()


def _notation(column: Column, *, is_key: bool) -> str:
    """The field's type; what identifies a row and what has a small type can be searched for."""
    kind = _FIELDS[column.type][0]
    missing = " ?" if column.nullable and not is_key else ""
    searched = ", filter, sort" if column.type in ("int", "decimal", "date", "datetime") and not is_key else ""
    return f"{kind}{missing}{searched}"


def _expression(column: Column, *, is_key: bool) -> str:
    name = column.name if _PLAIN.fullmatch(column.name) else f"`{column.name}`"
    function = _FIELDS[column.type][1]
    parts = [name, *([function] if function else []), *(["optional"] if column.nullable and not is_key else [])]
    said = " | ".join(parts)
    return said if _PLAIN.fullmatch(column.name) else _scalar(said, quoted=True)


def _scalar(text: str, *, quoted: bool = False) -> str:
    if not quoted and re.fullmatch(r"[\w./:$#@-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _line(text: str) -> str:
    """A name within a sentence of YAML."""
    return re.sub(r"[^\w. $-]", "_", text)
