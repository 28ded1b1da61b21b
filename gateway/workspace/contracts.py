"""contracts/*.yaml: the type of a record, its key and its rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.contracts import Contract, Field, Rule, outlasts, personal_of
from gateway.normalize.compiler import check_contract
from gateway.workspace.expressions import Language, read_expression
from gateway.workspace.nodes import Mapping, Scalar, Sequence
from gateway.workspace.notation import RESERVED_FIELDS, read_fields
from gateway.workspace.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section

RESERVED_COLLECTIONS = frozenset(
    {
        "activity", "audit", "changes", "deliveries", "docs", "documents", "events", "findings", "health", "hooks",
        "integrations", "keys", "metrics", "openapi", "openapi.json", "outlets", "partners", "quarantine", "records",
        "requests", "revisions", "sources", "statistics", "tables", "token", "trials", "types", "usage", "version",
    }
)  # fmt: skip
"""The gateway's own resources under /api/v1: no collection of records may take their names."""

_PER_PARTNER = re.compile(r"\s+per\s+partner\s*$")


def read_contract(section: Section, codes: Iterable[str]) -> Contract | None:
    """The contract that a file describes; None when its name or its fields cannot be told.

    Where something else in it is wrong (then it is noted), it is good enough to hold mappings against it.
    """
    mapping: Mapping | None = section.get("fields")
    before = len(section.mapping.file.problems)
    fields = read_fields(mapping, codes) if mapping else None
    language = Language("record")
    rules = _read_rules(section.get("rules"), language)
    key, per_partner = _read_key(section, fields)
    _refuse_reserved(section, key, fields or ())
    if fields is None or not section.get("contract"):
        return None
    name, version = section.get("contract")
    contract = Contract(
        name=name,
        version=version,
        about=section.get("about", ""),
        owner=section.get("owner", ""),
        key=key,
        fields=fields,
        per_partner=per_partner,
        collection=section.get("collection") or plural(name),
        rules=rules,
        keep=section.get("keep"),
        keep_personal=_read_keep_personal(section, fields, key),
        deprecated=section.get("deprecated"),
        sunset=section.get("sunset"),
        place=section.text("contract").place,
    )
    if contract.sunset is not None and contract.deprecated is not None and contract.sunset < contract.deprecated:
        section.refuse("sunset", "it would end before callers are told to leave it", "write a day after deprecated:")
    if len(section.mapping.file.problems) == before:
        language.refuse(check_contract(contract), section.mapping.key("rules"))
    return contract


def _read_keep_personal(section: Section, fields: tuple[Field, ...] | None, key: tuple[str, ...]) -> str | None:
    """How long personal data are kept; noted where that could not be kept to."""
    age: str | None = section.get("keep_personal")
    keep: str | None = section.get("keep")
    if age is None or fields is None:
        return age
    if not any(personal_of(fields)):
        section.refuse("keep_personal", "no field is marked as personal data", "write 'text, pii', or take this out")
    if keep is not None and not outlasts(keep, age):
        section.refuse("keep_personal", f"the records go after {keep} already", "write less than under keep:")
    for field in fields:
        if field.pii and field.name in key:
            section.refuse(
                "keep_personal",
                f"the key field {field.name!r} is personal data, and a record's key stays when they are erased",
                "make something else the key, or take pii away from it",
            )
    return age


def plural(name: str) -> str:
    """The English plural of a type's name, by the regular rules: orders, addresses, inventories."""
    if re.search(r"(s|x|z|ch|sh)$", name):
        return f"{name}es"
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}s"


def _read_key(section: Section, fields: tuple[Field, ...] | None) -> tuple[tuple[str, ...], bool]:
    """The names of the key fields and whether the partner is part of the key."""
    text: Scalar | None = section.get("key")
    if text is None:
        return (), False
    end = _PER_PARTNER.search(text.value)
    known = {field.name: field for field in fields or ()}
    names: list[str] = []
    for match in re.finditer(r"[^,]+", text.value[: end.start()] if end else text.value):
        name = match[0].strip()
        offset = match.start() + len(match[0]) - len(match[0].lstrip())
        wrong = _wrong_key_field(name, names, known)
        if wrong and fields is not None:
            text.refuse_part(offset, len(name), wrong, did_you_mean(name, known) if name not in known else "")
        names.append(name)
    if not names:
        text.refuse("a key names at least one field", "write 'number' or 'number per partner'")
    return tuple(names), end is not None


def _wrong_key_field(name: str, before: list[str], known: dict[str, Field]) -> str:
    """What is wrong with a field as a part of the key, empty when nothing is."""
    field = known.get(name)
    if field is None:
        return f"{name!r} is not a field of this contract"
    if name in before:
        return f"{name!r} is in the key twice"
    if field.type in ("object", "list"):
        return f"{name!r} is a{'n object' if field.type == 'object' else ' list'} and cannot be a key"
    return "" if field.required else f"{name!r} may be missing, so it cannot be a key"


def _read_rules(node: Node | None, language: Language) -> tuple[Rule, ...]:
    """``- expression : sentence``; YAML sees a mapping of one key in each line."""
    if node is None:
        return ()
    if not isinstance(node, Sequence):
        node.refuse("rules are a list", "begin each line with '- '")
        return ()
    rules = []
    for item in node.items:
        if isinstance(item, Mapping) and len(item.entries) == 1:
            expression, sentence = item.entries[0]
            if isinstance(sentence, Scalar) and sentence.value:
                rules.append(Rule(read_expression(expression, language), sentence.value))
                continue
        item.refuse(
            "a rule lacks its sentence, what is wrong when it does not hold",
            "write '- wanted_on >= ordered_on : the order wants delivery before it was placed'",
        )
    return tuple(rules)


def _refuse_reserved(section: Section, key: tuple[str, ...], fields: tuple[Field, ...]) -> None:
    """Names that the API has taken: of collections, and of fields that become query parameters."""
    if section.get("contract"):
        name = section.get("contract")[0]
        collection = section.get("collection") or plural(name)
        if collection in RESERVED_COLLECTIONS:
            section.refuse(
                "collection" if section.get("collection") else "contract",
                f"the collection {collection!r} belongs to the gateway itself",
                "write another name under collection:",
            )
    nodes = section.get("fields")
    for field in fields:
        if field.name in RESERVED_FIELDS and (field.name in key or field.filterable or field.sortable):
            nodes.key(field.name).refuse(
                f"{field.name!r} is a query parameter of the API, so records cannot be filtered by it",
                "give the field another name",
            )
