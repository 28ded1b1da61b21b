"""What it means that the generated function and marshmallow agree, and the matrix of cases that shows it.

A case is one field in one shape, with every boundary value, absent, beside an unknown key and in the wrong container.
`cases(every=1)` is all of them; a larger `every` takes a fixed share that still has every field with every check.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, ValidationError, fields, missing, validate

from gateway.validate import checks
from gateway.validate import fields as contract
from gateway.validate.compiled import DECLINED, Compiled, compile_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Words(str):
    """A text of another type: the fast way must not take it for a str."""

    __slots__ = ()


class Number(enum.IntEnum):
    """An int of another type."""

    ONE = 1


EAST = dt.timezone(dt.timedelta(hours=5, minutes=30))

VALUES: tuple[Any, ...] = (
    *(None, missing, True, False, 0, 1, -1, 3, 2**63 - 1, 2**63, 10**40, Number.ONE),
    *(0.0, 1.5, 2.0, math.nan, math.inf, 1e300),
    *("", "a", "abc", "abcd", "ABC-1", "A\nB", "a\0b", "\ud800", Words("abc"), "ünï", b"abc", b"\xff"),
    *("1", " 1", "-1", "+3", "007", "1.50", "1.5000000", ".5", "1e5", "NaN", "Infinity", "1_000", "١٢"),
    *("12345678.1234", "123456789.1", "12.25", "0.00001", "0.3", "9223372036854775808", "1" * 39, "9" * 5000),
    *("true", "yes", "2026-01-02", "2026-02-30", "20260102", "2026-W05-3", "02.01.2026"),
    *("2026-01-02T03:04:05", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456789Z", "0001-01-01T00:00:00+05:00"),
    *("2026-01-02T03:04:05+05:30", "2026-01-02 03:04:05Z", "03:04", "03:04:05.5", "25:00", "1767225600"),
    *("4012345000009", "4012345000008", "40123450", "６０１２３４５０００００９"),
    *(Decimal(0), Decimal(1), Decimal("1.5"), Decimal("-0.0"), Decimal("1E+3"), Decimal("1E-7"), Decimal("0E+9")),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("12345678.12340"), Decimal(100000000)),
    *(dt.date(2026, 1, 2), dt.time(3, 4, 5), dt.time(3, 4, tzinfo=dt.UTC)),
    *(dt.datetime(2026, 1, 2, 3), dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)),  # noqa: DTZ001 -- a naive one is wanted
    *(dt.datetime(2026, 1, 2, 3, tzinfo=EAST), dt.datetime(1, 1, 1, tzinfo=EAST)),
    *(uuid.UUID(int=7), str(uuid.UUID(int=7)), [], ["abc"], ("abc",), [None], [1, "x"], {}, {"f": "abc"}, {"f": 1}),
    *({"g": 1}, {"f": "abc", "g": 1}, {"f": None}, [{"f": "1"}], [{"f": "1"}, {"g": 2}], OrderedDict(f="1"), {1, 2}),
)


def canon(value: Any) -> Any:
    """`value` in a form whose equality means: same types, same order of members, same digits, same offset."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return (kind, tuple((canon(key), canon(member)) for key, member in value.items()))
    if isinstance(value, list | tuple):
        return (kind, tuple(canon(member) for member in value))
    if isinstance(value, Decimal):
        return (kind, str(value))
    return (kind, repr(value))


def outcome(load: Callable[[Any], Any], data: Any) -> Any:
    """What `load` does with `data`: a value, a refusal with its messages, or another exception."""
    try:
        return ("value", canon(load(data)))
    except ValidationError as error:
        # Unknown fields are told in the order of a set, which is none.
        return ("refused", canon_messages(error.messages), canon(error.valid_data))
    except Exception as error:  # noqa: BLE001 -- whatever it is, both must raise it
        return ("raised", type(error).__name__)


def canon_messages(messages: Any) -> Any:
    if isinstance(messages, dict):
        return sorted((repr(key), repr(canon_messages(member))) for key, member in messages.items())
    return repr(messages)


@dataclass(frozen=True)
class Case:
    """A schema of one field, and the documents that it is tried with."""

    name: str
    schema: Schema
    documents: tuple[Any, ...]


class Shouted(fields.String):
    """A field of somebody's own."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).upper()


def refuse_a(value: Any) -> None:
    """A check of somebody's own."""
    if value == "a" or value == 1:  # noqa: PLR1714 -- a set would want it hashable
        raise ValidationError("no a and no 1")


def patched() -> fields.Field[Any]:
    """A stock field with a method of its own."""
    field = fields.String()
    field._deserialize = lambda *_, **__: "patched"  # type: ignore[method-assign]
    return field


class Child(Schema):
    """A nested schema with an optional field before a required one."""

    g = fields.Integer()
    f = fields.String(required=True)


TEXT_CHECKS: tuple[Any, ...] = (
    None,
    validate.Length(1, 3),
    validate.Length(equal=3),
    validate.OneOf(["a", "abc"]),
    validate.Regexp("[a-z]+$"),
    [validate.Length(min=2), refuse_a],
    validate.And(validate.Length(max=3), refuse_a),
)
NUMBER_CHECKS: tuple[Any, ...] = (
    None,
    validate.Range(0, 3),
    validate.Range(0, 3, min_inclusive=False, max_inclusive=False),
    validate.Range(max=Decimal("1.5")),
    validate.OneOf({1, 3}),
    refuse_a,
)
ANY_CHECKS: tuple[Any, ...] = (None, refuse_a)
CONTRACT_TEXT_CHECKS: tuple[Any, ...] = (
    None,
    [checks.Length(1, 3, "character"), checks.Pattern("[a-z]+")],
    checks.KnownCode("units", {"a", "abc"}),
    checks.CheckDigit("GTIN", (8, 13)),
)
CONTRACT_NUMBER_CHECKS: tuple[Any, ...] = (
    None,
    checks.Range(0, 3),
    checks.Range(Decimal(0), Decimal(3), min_inclusive=False, max_inclusive=False),
)

FIELDS: tuple[tuple[str, Callable[..., fields.Field[Any]], tuple[Any, ...]], ...] = (
    ("String", fields.String, TEXT_CHECKS),
    ("Integer", fields.Integer, NUMBER_CHECKS),
    ("Integer strict", lambda **o: fields.Integer(strict=True, **o), NUMBER_CHECKS),
    ("Float", fields.Float, NUMBER_CHECKS),
    ("Float nan", lambda **o: fields.Float(allow_nan=True, **o), NUMBER_CHECKS),
    ("Decimal", fields.Decimal, NUMBER_CHECKS),
    ("Decimal places", lambda **o: fields.Decimal(2, **o), NUMBER_CHECKS),
    ("Decimal up", lambda **o: fields.Decimal(0, ROUND_UP, **o), NUMBER_CHECKS),
    ("Decimal nan", lambda **o: fields.Decimal(2, allow_nan=True, **o), NUMBER_CHECKS),
    ("Boolean", fields.Boolean, ANY_CHECKS),
    ("Boolean any", lambda **o: fields.Boolean(truthy=[], **o), ANY_CHECKS),
    ("Boolean own", lambda **o: fields.Boolean(truthy=["yes", 3], falsy=["no"], **o), ANY_CHECKS),
    ("DateTime", fields.DateTime, ANY_CHECKS),
    ("DateTime stamp", lambda **o: fields.DateTime("timestamp", **o), ANY_CHECKS),
    ("DateTime format", lambda **o: fields.DateTime("%d.%m.%Y", **o), ANY_CHECKS),
    ("Aware", fields.AwareDateTime, ANY_CHECKS),
    ("Aware default", lambda **o: fields.AwareDateTime(default_timezone=EAST, **o), ANY_CHECKS),
    ("Naive", fields.NaiveDateTime, ANY_CHECKS),
    ("Naive zone", lambda **o: fields.NaiveDateTime(timezone=dt.UTC, **o), ANY_CHECKS),
    ("Date", fields.Date, ANY_CHECKS),
    ("Date format", lambda **o: fields.Date("%d.%m.%Y", **o), ANY_CHECKS),
    ("Time", fields.Time, ANY_CHECKS),
    ("UUID", fields.UUID, ANY_CHECKS),
    ("Raw", fields.Raw, ANY_CHECKS),
    ("Email", fields.Email, ANY_CHECKS),
    ("Dict", lambda **o: fields.Dict(keys=fields.String(), **o), ANY_CHECKS),
    ("Tuple", lambda **o: fields.Tuple((fields.String(),), **o), ANY_CHECKS),
    ("own class", Shouted, TEXT_CHECKS),
    ("own method", lambda **_: patched(), ANY_CHECKS),
    ("pre_load", lambda **o: fields.String(pre_load=str.strip, **o), ANY_CHECKS),
    ("post_load", lambda **o: fields.String(post_load=str.upper, **o), ANY_CHECKS),
    (
        "List",
        lambda **o: fields.List(fields.Integer(validate=validate.Range(min=0)), **o),
        (None, validate.Length(1, 1)),
    ),
    ("List of null", lambda **o: fields.List(fields.Raw(allow_none=True), **o), (None,)),
    ("List of lists", lambda **o: fields.List(fields.List(fields.String()), **o), (None,)),
    ("Nested", lambda **o: fields.Nested(Child, **o), (None, validate.Length(max=1))),
    ("Nested many", lambda **o: fields.Nested(Child, many=True, **o), (None, validate.Length(max=1))),
    ("Nested only", lambda **o: fields.Nested(Child, only=("f",), **o), (None,)),
    ("Nested exclude", lambda **o: fields.Nested(Child, unknown="exclude", **o), (None,)),
    ("TextField", contract.TextField, CONTRACT_TEXT_CHECKS),
    ("IntField", contract.IntField, CONTRACT_NUMBER_CHECKS),
    ("DecimalField", contract.DecimalField, CONTRACT_NUMBER_CHECKS),
    ("DecimalField(12,4)", lambda **o: contract.DecimalField(12, 4, **o), CONTRACT_NUMBER_CHECKS),
    ("DecimalField(4,4)", lambda **o: contract.DecimalField(4, 4, **o), CONTRACT_NUMBER_CHECKS),
    ("DecimalField(3)", lambda **o: contract.DecimalField(3, **o), CONTRACT_NUMBER_CHECKS),
    ("DateField", contract.DateField, (None,)),
    ("DateTimeField", contract.DateTimeField, (None,)),
    ("TimeField", contract.TimeField, (None,)),
    ("BoolField", contract.BoolField, (None,)),
    ("ObjectField", lambda **o: contract.ObjectField(Child, **o), (None,)),
    (
        "ListField",
        lambda **o: contract.ListField(contract.ObjectField(Child, required=True), **o),
        (None, checks.Length(1, 1, "element")),
    ),
)

OPTIONS: tuple[dict[str, Any], ...] = (
    {"required": True},
    {},
    {"required": True, "allow_none": True},
    {"allow_none": True},
    {"load_default": None},
    {"load_default": "standard"},
    {"load_default": lambda: missing},
    {"load_default": list, "data_key": "k"},
    {"required": True, "attribute": "a"},
)

SHAPES: tuple[tuple[str, Callable[[fields.Field[Any]], fields.Field[Any]], Callable[[Any], Any]], ...] = (
    ("plain", lambda field: field, lambda value: value),
    ("List", lambda field: fields.List(field, required=True), lambda value: [value, value]),
    ("Nested", lambda field: fields.Nested(Schema.from_dict({"f": field})), lambda value: {"f": value}),
    (
        "Nested many",
        lambda field: fields.Nested(Schema.from_dict({"f": field}), many=True),
        lambda value: [{"f": value}, {}, {"k": value}],
    ),
)


def cases(every: int) -> Iterator[Case]:
    """The matrix, or a fixed share of it: one case of `every`, and each field with each check at least once."""
    for row, (kind, make, all_checks) in enumerate(FIELDS):
        for column, check in enumerate(all_checks):
            for place, options in enumerate(OPTIONS):
                for depth, (shape, wrap, fill) in enumerate(SHAPES):
                    if (row * 5 + column * 3 + place * 4 + depth) % every == 0:
                        yield _case(f"{kind}, {check}, {options}, {shape}", wrap(make(validate=check, **options)), fill)


def _case(name: str, field: fields.Field[Any], fill: Callable[[Any], Any]) -> Case:
    schema = Schema.from_dict({"f": field})()
    filled = [fill(value) for value in VALUES]
    documents: list[Any] = [{"f": value} for value in filled]
    documents += [{"k": value} for value in filled[:8]]
    documents += [{"f": value, "x": 1} for value in (*filled[:4], filled[20], fill("a"))]
    documents += [{}, {"x": 1}, [], None, "f", OrderedDict(f=fill("abc")), {"f": "abc"}, {"f": ["abc"]}]
    return Case(name, schema, tuple(documents))


def differences(case: Case, accept: Callable[[Any], Any]) -> list[Any]:
    """The documents of `case` that `accept` takes, but not as marshmallow does, with what each says.

    Where it declines, marshmallow is asked: there is nothing to differ.
    """
    found = []
    for document in case.documents:
        value = accept(document)
        if value is not DECLINED:
            ours, theirs = ("value", canon(value)), outcome(case.schema.load, document)
            if ours != theirs:
                found.append((case.name, document, ours, theirs))
    return found


def served(case: Case, compiled: Compiled) -> tuple[int, int]:
    """How many documents of `case` marshmallow accepts, and how many of them the generated function takes at once."""
    good = [document for document in case.documents if outcome(case.schema.load, document)[0] == "value"]
    return len(good), sum(1 for document in good if compiled.accept(document) is not DECLINED)


def compiled_case(case: Case) -> Compiled:
    compiled = compile_schema(case.schema)
    assert compiled.reason is None, compiled.reason
    return compiled
