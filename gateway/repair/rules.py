"""What a finding was judged by: the line of the mapping that fills the target, and what the contract expects there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gateway.integrations import MapLoop

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.configuration import Configuration
    from gateway.contracts import Field
    from gateway.integrations import MapField

_NAMES = {
    "text": "a text",
    "code": "a code",
    "int": "a whole number",
    "decimal": "a number",
    "date": "a date",
    "datetime": "a moment with its offset from UTC",
    "time": "a time of day",
    "bool": "true or false",
    "gln": "a GLN of 13 digits",
    "gtin": "a GTIN of 8, 12, 13 or 14 digits",
    "list": "a list",
    "object": "an object",
}

CODES_SHOWN = 8
_LONG = 80
_TABLE = re.compile(r"\bcode\(\s*'?([\w-]+)").findall


@dataclass(frozen=True, slots=True)
class Judged:
    """`rule` is an expression of the mapping, `place` where it stands; `expected` what the contract wants, in words."""

    rule: str | None = None
    place: str | None = None
    expected: str | None = None


def judged_by(
    configuration: Configuration | None,
    integration: str | None,
    target: str | None,
    code: str = "",
    value: str | None = None,
) -> Judged:
    """What judged the value at `target` (``/lines/2/price``) in an integration of a revision.

    `code` is the finding's: of a code that is not known, the known ones that are nearest to `value` are told.
    """
    known = configuration.integrations.get(integration or "") if configuration is not None else None
    if configuration is None or known is None or not target:
        return Judged()
    names = [part for part in target.split("/")[1:] if not part.isdigit()]
    line = _line(known.fields, names)
    field = _field(configuration.contract_of(known).fields, names)
    said = expected(field) if field is not None else None
    if line is not None and code == "mapping.code":
        tables = [configuration.codes[name] for name in _TABLE(line.expression.text) if name in configuration.codes]
        if len(tables) == 1:
            said = _one_of(tables[0].mapping, tables[0].name, value)
    elif field is not None and field.codes in configuration.codes and code.startswith("contract."):
        said = _one_of(configuration.codes[field.codes or ""].codes, field.codes or "", value)
    return Judged(
        line.expression.text if line is not None else None,
        str(line.expression.place) if line is not None else None,
        said,
    )


def _one_of(codes: Iterable[str], table: str, value: str | None) -> str:
    """Some codes of a table, those that resemble the value first."""
    known = sorted(codes)
    near = get_close_matches(value, known, n=3, cutoff=0.5) if value and len(value) <= _LONG else []
    some = list(dict.fromkeys([*near, *known]))[:CODES_SHOWN]
    more = f", … ({len(known)} in all)" if len(known) > len(some) else ""
    return f"one of the codes of {table}: {', '.join(some)}{more}" if known else f"a code of {table}, which has none"


def _line(lines: tuple[MapField | MapLoop, ...], names: list[str]) -> MapField | None:
    """The line of a mapping that fills a target; a loop's own lines are those of its elements."""
    for line in lines:
        parts = line.target.split(".")
        if isinstance(line, MapLoop):
            if names[: len(parts)] == parts and (found := _line(line.fields, names[len(parts) :])) is not None:
                return found
        elif parts == names:
            return line
    return None


def _field(fields: tuple[Field, ...], names: list[str]) -> Field | None:
    found = next((field for field in fields if names and field.name == names[0]), None)
    return found if found is None or len(names) == 1 else _field(found.fields, names[1:])


def expected(field: Field) -> str:
    """What a contract's field takes, in a few words."""
    said = [_NAMES[field.type]]
    if field.codes is not None:
        said.append(f"of the table {field.codes}")
    if field.pattern is not None:
        said.append(f"that matches /{field.pattern}/")
    if field.digits is not None:
        said.append(
            f"of at most {field.digits} digits" + (f", {field.places} of them decimals" if field.places else "")
        )
    unit = {"text": " characters", "code": " characters", "list": " elements"}.get(field.type, "")
    bounds = [
        f"{word} {bound}{unit}"
        for word, bound in (
            ("at least", field.low),
            ("at most", field.high),
            ("above", field.above),
            ("below", field.below),
        )
        if bound is not None
    ]
    return " ".join([*said, " and ".join(bounds)]).strip() + ("" if field.required else ", or nothing")
