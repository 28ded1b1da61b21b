"""Builders of contracts, integrations and documents for the tests of the mapping language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edi.model import Document, Envelope
from gateway.configuration import CodeTable
from gateway.contracts import Contract, Field, Rule
from gateway.integrations import Expression, Format, Integration, MapField, MapLoop, Place, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

Lines = dict[str, Any]
"""A mapping as the YAML has it: target to expression, or ``target[path]`` to the lines of a loop."""

PLACE = Place("integrations/it.yaml", 3, 5)

UNITS = CodeTable("units", {"EA": "EA", "PC": "EA", "KG": "KG"}, frozenset({"EA", "KG"}))
GROUPS = CodeTable("product-groups", {"10": "tools", "20": "paint"}, frozenset({"tools", "paint"}))
STATUS = CodeTable("customer-status", {"A": "active", "G": "blocked"}, frozenset({"active", "blocked"}))
CODES = {table.name: table for table in (UNITS, GROUPS, STATUS)}


def expression(text: str) -> Expression:
    """An expression as the loader hands it over; one in double quotes is a literal text."""
    if text.startswith('"'):
        return Expression(text[1:-1], PLACE, literal=True)
    return Expression(text, PLACE)


def fields(lines: Mapping[str, Any]) -> tuple[MapField | MapLoop, ...]:
    """The entries of a mapping."""
    made: list[MapField | MapLoop] = []
    for target, what in lines.items():
        if isinstance(what, str):
            made.append(MapField(target, expression(what)))
        else:
            name, _, path = target.partition("[")
            made.append(MapLoop(name, expression(path[:-1]), fields(what)))
    return tuple(made)


def integration(format_name: str, lines: Mapping[str, Any], *checks: str, contract: str = "record") -> Integration:
    """An integration of a format with a mapping and checks."""
    return Integration(
        name="it",
        about="",
        owner="",
        source=Source("drop", "acme", "*"),
        format=Format(format_name),
        contract=contract,
        contract_version=1,
        fields=fields(lines),
        checks=tuple(expression(check) for check in checks),
        place=Place("integrations/it.yaml", 1, 1),
    )


def contract(*fields_: Field, rules: tuple[tuple[str, str], ...] = (), name: str = "record") -> Contract:
    """A contract of these fields; rules are pairs of an expression and the sentence that is told."""
    written = tuple(Rule(Expression(text, PLACE), message) for text, message in rules)
    return Contract(name, 1, "", "", (fields_[0].name,), fields_, rules=written)


def loose(*names: str) -> tuple[Field, ...]:
    """Optional fields of any type that a test does not care about: ``name:type``, text where nothing is said."""
    made = []
    for name in names:
        field, _, kind = name.partition(":")
        made.append(Field(field, kind or "text", required=False))
    return tuple(made)


X12 = Envelope("x12", delimiters="*:~^")
EDIFACT = Envelope("edifact", delimiters=":+.?*'")


def document(content: Any, envelope: Envelope) -> Document:
    """A document of this content."""
    return Document(1, 0, 0, content, envelope)


def segment(text: str) -> list[Any]:
    """A row as a reader of X12 makes it: ``*`` between elements, ``:`` in composites, ``^`` between repetitions."""
    return [_element(part) for part in text.split("*")]


def _element(text: str) -> Any:
    repeated = [_composite(part) for part in text.split("^")]
    return tuple(repeated) if len(repeated) > 1 else repeated[0]


def _composite(text: str) -> Any:
    return text.split(":") if ":" in text else text


def loop(*parts: str | list[Any]) -> dict[str, Any]:
    """A loop of segments; a list is a child loop, which its first segment opens."""
    made: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, str):
            row = segment(part)
            made.setdefault(row[0], []).append(row)
        else:
            child = loop(*part)
            made.setdefault(str(part[0]).split("*", 1)[0] + "*", []).append(child)
    return made


ORDER = contract(
    Field("number", "text"),
    Field("ordered_on", "date"),
    Field("currency", "code", codes="ISO-4217"),
    Field("buyer", "gln"),
    Field("ship_to", "object", fields=(Field("gln", "gln"), Field("city", "text", pii=True))),
    Field("wanted_on", "date", required=False),
    Field(
        "lines",
        "list",
        fields=(
            Field("line", "int"),
            Field("sku", "text"),
            Field("quantity", "decimal"),
            Field("unit", "code", codes="units"),
            Field("price", "decimal"),
            Field("text", "text", required=False),
        ),
    ),
    rules=(("wanted_on >= ordered_on", "the order wants delivery before it was placed"),),
    name="order",
)

ACME_ORDERS: Lines = {
    "number": "BEG03",
    "ordered_on": "BEG05 | date",
    "currency": "CUR02 ?? 'USD'",
    "buyer": "N1[BY].04",
    "ship_to.gln": "N1[ST].04",
    "ship_to.city": "N1[ST]/N4.01",
    "wanted_on": "DTM[002].02 | date | optional",
    "lines[PO1]": {
        "line": "PO101 | int",
        "sku": "PO1 | pair('VP')",
        "quantity": "PO102 | decimal",
        "unit": "PO103 | code(units)",
        "price": "PO104 | decimal",
        "text": "PID[F].05 | optional",
    },
}

PURCHASE = (
    "BEG*00*SA*4711**20260228",
    "DTM*002*20260315",
    ["N1*BY*Acme*9*4012345000009"],
    ["N1*ST*Acme Plant*9*4012345000016", "N4*Springfield*IL"],
    ["PO1*1*10*EA*1.5**VP*SKU-1", ["PID*F****Widget"]],
    ["PO1*2*3*PC*20**BP*77*VP*SKU-2"],
    ["CTT*2"],
)
"""The segments of a good order."""
