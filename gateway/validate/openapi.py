"""A contract as JSON Schema 2020-12, which OpenAPI 3.1 takes as it is."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields, validate

from gateway.validate.checks import CheckDigit, KnownCode
from gateway.validate.schema import contract_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.configuration import CodeTable
    from gateway.contracts import Contract

CODES_LISTED_MAX = 300
"""A larger code table is named, not listed."""


def json_schema(contract: Contract, codes: Mapping[str, CodeTable] | None = None) -> dict[str, Any]:
    """The JSON Schema of a record as it is served, nested objects in place, without ``$ref``.

    With `codes`, small code tables are listed as ``enum``. A field's flags are ``x-pii``, ``x-filterable`` and
    ``x-sortable``, its code table ``x-codes``.
    """
    plugin = MarshmallowPlugin(schema_name_resolver=lambda _: "")  # no name: in place
    APISpec(title=contract.name, version=str(contract.version), openapi_version="3.1.0", plugins=[plugin])
    converter: Any = plugin.converter  # apispec leaves its methods without types
    converter.add_attribute_function(_contract_attributes)
    described: dict[str, Any] = converter.schema2jsonschema(contract_schema(contract, codes))
    if contract.keep_personal is not None:
        _demand_nothing_personal(described)
    return {"title": contract.id, "description": contract.about, **described}


def _demand_nothing_personal(schema: dict[str, Any]) -> None:
    """Personal data are erased after a while: then what the contract demands of a document is absent."""
    members: dict[str, dict[str, Any]] = schema.get("properties", {})
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if not members[name].get("x-pii")]
    for member in members.values():
        _demand_nothing_personal(member)
        _demand_nothing_personal(member.get("items", {}))


def _contract_attributes(self: object, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """What apispec cannot know, or gets wrong, of a contract's field; `ret` is what it has said so far."""
    metadata = field.metadata
    said: dict[str, Any] = {f"x-{flag}": True for flag in ("pii", "filterable", "sortable") if metadata.get(flag)}
    if metadata.get("codes"):
        said["x-codes"] = metadata["codes"]
    for check in field.validators:
        if isinstance(check, validate.Range):
            _say_range(check, field, ret, said)
        elif isinstance(check, validate.Regexp):
            said["pattern"] = f"^(?:{check.regex.pattern!s})$"
        elif isinstance(check, KnownCode) and len(check.codes) <= CODES_LISTED_MAX:
            said |= enumerated(sorted(check.codes))
        elif isinstance(check, CheckDigit):
            said["pattern"] = f"^(?:{'|'.join(f'[0-9]{{{length}}}' for length in check.lengths)})$"
    if isinstance(field, fields.Decimal):
        # apispec says "number" with bounds that are texts, which no validator takes and which costs clients the cents.
        return {**said, "type": "string", "format": "decimal"}
    return said


def enumerated(values: Sequence[str], words: Sequence[str] = ()) -> dict[str, Any]:
    """One of these texts. Where names made of them would clash or be none, ``x-enum-varnames`` names each.

    With `words`, one for each, the names are made of them.

    Generators of clients make names of values: ``kg`` and ``KG`` would be one, and ``1A`` be called by its place, which
    moves when another code comes.
    """
    made = [re.sub(r"[^0-9A-Za-z]+", "_", value).strip("_").upper() for value in words or values]
    if not words and len(set(made)) == len(made) and all(name[:1].isalpha() for name in made):
        return {"enum": [*values]}
    names: dict[str, None] = {}
    for name in made:
        plain = name if name[:1].isalpha() else f"VALUE_{name}".rstrip("_")
        free = itertools.chain([plain], (f"{plain}_{number}" for number in itertools.count(2)))
        names[next(each for each in free if each not in names)] = None
    return {"enum": [*values], "x-enum-varnames": [*names]}


def _say_range(check: validate.Range, field: fields.Field[Any], ret: dict[str, Any], said: dict[str, Any]) -> None:
    """Bounds: as JSON Schema has them for integers; in words of our own for decimals, which are texts."""
    for name in ("minimum", "maximum", "x-minimum", "x-maximum"):
        ret.pop(name, None)
    prefix = "x-" if isinstance(field, fields.Decimal) else ""
    for bound, inclusive, name in (
        (check.min, check.min_inclusive, "minimum"),
        (check.max, check.max_inclusive, "maximum"),
    ):
        if bound is not None:
            word = name if inclusive else f"exclusive{name.capitalize()}"
            said[f"{prefix}{word}"] = format(bound, "f") if isinstance(bound, Decimal) else bound
