"""The generated function and marshmallow agree: by the matrix of equality.py, by random schemas, and by seeded bugs."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import EXCLUDE, INCLUDE, Schema, ValidationError, fields, post_load, pre_load, validates
from marshmallow import validates_schema as validates_whole

from gateway.validate.compiled import DECLINED, Compiled, compile_schema
from gateway.validate.source import build
from tests.gateway.validate.equality import (
    FIELDS,
    OPTIONS,
    VALUES,
    Case,
    canon,
    cases,
    compiled_case,
    differences,
    outcome,
    served,
)

EVERY = 1 if os.environ.get("GATEWAY_TEST_EXHAUSTIVE") else 7
"""One case of so many is tried; with GATEWAY_TEST_EXHAUSTIVE=1 all of them are, which takes some ten seconds more."""


@cache
def compiled_cases() -> tuple[tuple[Case, Compiled], ...]:
    return tuple((case, compiled_case(case)) for case in cases(EVERY))


def test_every_field_option_and_check_loads_boundary_values_as_marshmallow_does() -> None:
    found = [each for case, compiled in compiled_cases() for each in differences(case, compiled.accept)]

    assert found == []


def test_most_of_what_marshmallow_accepts_is_taken_at_once() -> None:
    counts = [served(case, compiled) for case, compiled in compiled_cases()[::10]]

    assert sum(fast for _, fast in counts) >= 0.8 * sum(good for good, _ in counts) > 0


SEEDED_BUGS = {
    "unknown keys are not counted": (r"if len\((data|\w+_item_\d+)\) != \w+:", r"if False:"),
    "the count of known keys starts at one": (r"known_(\d+) = 0", r"known_\1 = 1"),
    "a subclass of str is taken": (r"type\((\w+)\) is not str:", r"not isinstance(\1, str):"),
    "the type of a text is not looked at": (r"if type\((\w+)\) is not str:", r"if \1 is None:"),
    "true is an integer": (r"type\((\w+)\) is not int:", r"not isinstance(\1, int):"),
    "a greatest value is not looked at": (r"if (\w+) > MAX_\d+:", r"if False:"),
    "the least value is out, but taken": (r"(\w) <= (\d+):", r"\1 < \2:"),
    "the greatest value is out, but taken": (r"(\w) >= (\d+):", r"\1 > \2:"),
    "a text may be one longer": (r"if len\((\w+)\) > (\d+)", r"if len(\1) > 1 + \2"),
    "a text may be one shorter": (r"if len\((\w+)\) < (\d+)", r"if len(\1) < \2 - 1"),
    "the exact length is a least length": (r"len\((\w+)\) != (\d+):", r"len(\1) < \2:"),
    "a pattern is not looked at": (r" MATCH_\d+\((\w+)\) is None", r" \1 is None"),
    "choices are not looked at": (r"if \w+ not in CHOICES_\d+:", r"if False:"),
    "a check is not called": (r"CHECK_\d+\((\w+)\)", r"\1"),
    "infinity is a number": (r"if not (\w+)\.is_finite\(\):", r"if False:"),
    "infinity is a float": (r"if not isfinite\((\w+)\):", r"if False:"),
    "a float is taken bit by bit": (r"Decimal\(str\((\w+)\)\)", r"Decimal(\1)"),
    "rounding is left to chance": (r"rounding=ROUNDING_\d+", r"rounding='ROUND_DOWN'"),
    "places are left as they are": (r"(\w+) = \w+\.quantize\(.*\)", r"\1 = \1"),
    "null is checked by truth": (r"if (\w+) is not None:", r"if \1:"),
    "the default is forgotten": (r"= \w+_DEFAULT_\d+(\(\))?", r"= MISSING"),
    "the default is not called": (r"(\w+_DEFAULT_\d+)\(\)", r"\1"),
    "a null default is forgotten": (r"(f_\d+) = None", r"\1 = MISSING"),
    "an absent field is null": (r"if (f_\d+) is not MISSING:\n +data\['f'\]", "if True:\n            data['f']"),
    "naive datetimes are aware": (r"if not is_aware\((\w+)\):", r"if False:"),
    "aware datetimes are naive": (r"if is_aware\((\w+)\):", r"if False:"),
    "the default time zone is forgotten": (r"\.replace\(tzinfo=TIMEZONE_\d+\)", r""),
    "a naive datetime keeps its clock": (r"\.astimezone\(TIMEZONE_\d+\)", r""),
    "a date is read in another format": (r"READER_\d+\((\w+)\)", r"date_of(\1)"),
    "truth is guessed": (r"if (\w+) in TRUTHY_\d+:", r"if \1:"),
    "falsehood is guessed": (r"elif (\w+) in FALSY_\d+:", r"elif not \1:"),
    "a text is a list": (r"if type\((\w+)\) is not list and type\((\w+)\) is not tuple:", r"if False:"),
    "elements are lost": (r"(\w+)\.append\((\w+)\)", r"\1[:] = [\2]"),
    "the key is the field's name": (r"'k'", r"'f'"),
    "the attribute is the field's name": (r"'a'", r"'f'"),
    "optional members come last": (
        r"(?s)( +if g_\d+ is not MISSING:\n +\w+\['g'\] = \w+\n)( +\w+\['f'\] = \w+\n)",
        r"\2\1",
    ),
    "a delegated field gets no value": (
        r"\.get\('f', MISSING\), 'f', data\)",
        r".get('f', MISSING), None, None) and None",
    ),
    "NUL can be stored": (r"UNSTORABLE\(\w+\)", r"False"),
    "digits are what int takes": (r" or not PLAIN_INT\(\w+\)", r""),
    "integers have no end": (r"if not -\d+ <= \w+ <= \d+:", r"if False:"),
    "decimals are what Decimal takes": (r" and PLAIN_DECIMAL\(\w+\)", r""),
    "digits before the point are not bounded": (r"not LEAST_\d+ < (\w+) < MOST_\d+", r"\1 is None"),
    "an exponent stays": (r"'E' in \w+", r"False"),
    "one place too many": (r"- (point_\d+) > (\d+)", r"- \1 > 1 + \2"),
    "all digits together are not bounded": (r"if len\((written_\d+)\) > \d+:", r"if False:"),
    "a datetime is a date": (r"type\((\w+)\) is not date:", r"not isinstance(\1, date):"),
    "a week is a date": (r" or not PLAIN_DATE\(\w+\)", r""),
    "a blank divides date and time": (r" or not PLAIN_DATETIME\(\w+\)", r""),
    "moments stay in their zone": (r"(\w+) = (\w+)\.astimezone\(UTC\)", r"\1 = \2"),
    "a time may have an offset": (r"if (\w+)\.tzinfo is not None:", r"if False:"),
    "an hour is a time": (r" or not PLAIN_TIME\(\w+\)", r""),
    "one is true": (r"(\w+) is not True", r"\1 != True"),
    "null is a value": (r"(if \w+ is None:\n +\w+ = )MISSING", r"\1None"),
    "part of a text matches": (r"if FULLMATCH_\d+\((\w+)\) is None:", r"if not 'a' in \1:"),
    "codes are not looked at": (r"\w+ not in CODES_\d+", r"False"),
    "check digits are not looked at": (r" or not check_digit_holds\(\w+\)", r""),
    "a number may have any length": (r"len\(\w+\) not in LENGTHS_\d+ or", r""),
}


@pytest.mark.parametrize("name", SEEDED_BUGS)
def test_the_matrix_finds_a_seeded_bug(name: str) -> None:
    pattern, replacement = SEEDED_BUGS[name]
    seeded = 0
    for case, compiled in compiled_cases():
        source = re.sub(pattern, replacement, compiled.source)
        if source != compiled.source:
            seeded += 1
            if differences(case, build(source, compiled.names, "accept")):
                return

    pytest.fail(f"seeded in {seeded} functions and found in none")


class Hooked(Schema):
    f = fields.String()

    @post_load
    def shout(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"f": data["f"].upper()}


class Prepared(Schema):
    f = fields.String()

    @pre_load
    def strip(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"f": data["f"].strip()}


class FieldChecked(Schema):
    f = fields.String()

    @validates("f")
    def no_abc(self, value: str, **_: Any) -> None:
        if value == "abc":
            raise ValidationError("no abc")


class WholeChecked(Schema):
    f = fields.String()

    @validates_whole
    def no_abc(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("f") == "abc":
            raise ValidationError("no abc")


class Overridden(Schema):
    f = fields.String()

    def load(self, data: Any, **_: Any) -> Any:
        return {"loaded": data}


class Ordered(Schema):
    f = fields.String()
    dict_class = OrderedDict


NOT_COMPILED = {
    "post_load": Hooked(),
    "pre_load": Prepared(),
    "validates": FieldChecked(),
    "validates_schema": WholeChecked(),
    "load": Overridden(),
    "dict_class": Ordered(),
    "partial": Schema.from_dict({"f": fields.String(required=True)})(partial=True),
    "exclude": Schema.from_dict({"f": fields.String()})(unknown=EXCLUDE),
    "include": Schema.from_dict({"f": fields.String()})(unknown=INCLUDE),
    "same key": Schema.from_dict({"f": fields.String(load_only=True, data_key="g"), "g": fields.String()})(),
    "dot": Schema.from_dict({"f": fields.String(attribute="a.b")})(),
}


@pytest.mark.parametrize("name", NOT_COMPILED)
@pytest.mark.parametrize("document", [{"f": " abc "}, {"f": "abc"}, {}, {"f": 1}, {"g": "x", "h": "y"}])
def test_a_schema_with_hooks_or_a_will_of_its_own_is_left_to_marshmallow(name: str, document: dict[str, Any]) -> None:
    schema = NOT_COMPILED[name]
    compiled = compile_schema(schema)

    assert compiled.reason
    assert compiled.accept(document) is DECLINED
    assert outcome(compiled.load, document) == outcome(schema.load, document)


def nested(schema: Schema) -> Schema:
    return Schema.from_dict({"child": fields.Nested(schema), "children": fields.List(fields.Nested(schema))})()


@pytest.mark.parametrize("name", NOT_COMPILED)
@pytest.mark.parametrize("child", [{"f": " abc "}, {"f": "abc"}, {}, {"f": 1}, {"g": "x", "h": "y"}])
def test_inside_a_compiled_schema_such_a_schema_is_called(name: str, child: dict[str, Any]) -> None:
    schema = nested(NOT_COMPILED[name])
    compiled = compile_schema(schema)
    document = {"child": child, "children": [child, child]}

    assert compiled.reason is None
    assert outcome(compiled.load, document) == outcome(schema.load, document)


def test_what_the_function_takes_does_not_change_the_input() -> None:
    for case, compiled in compiled_cases()[::20]:
        for document in case.documents:
            before = deepcopy(canon(document))
            compiled.accept(document)
            assert canon(document) == before


class Tree(Schema):
    name = fields.String(required=True)
    children = fields.List(fields.Nested(lambda: Tree()))  # noqa: PLW0108 -- Tree is not there yet


def test_a_schema_that_contains_itself_is_compiled_to_the_first_repetition() -> None:
    document = {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}
    compiled = compile_schema(Tree())

    assert compiled.accept(document) == Tree().load(document)
    assert outcome(compiled.load, {"name": "a", "children": [{"name": 1}]}) == outcome(
        Tree().load, {"name": "a", "children": [{"name": 1}]}
    )


def test_deep_nesting_ends_where_python_bounds_its_blocks() -> None:
    schema: Any = {"f": fields.String(required=True)}
    lists: fields.Field[Any] = fields.String()
    document: Any = {"f": "abc"}
    texts: Any = "abc"
    for _ in range(25):
        schema = {"f": fields.Nested(Schema.from_dict(schema), many=True)}
        lists, texts = fields.List(lists), [texts]
        document = {"f": [document]}
    whole = Schema.from_dict({**schema, "lists": lists})()

    assert compile_schema(whole).accept({**document, "lists": texts}) == whole.load({**document, "lists": texts})


def test_names_of_fields_are_data_and_never_become_code() -> None:
    names = ["1", "class", "f\nraise SystemExit", "'", '"', "\\", "data", "é", "if x:", "DECLINED", "{f}"]
    schema = Schema.from_dict({name: fields.Integer(required=not place % 2) for place, name in enumerate(names)})()
    document: dict[str, Any] = dict.fromkeys(names, 1)

    assert compile_schema(schema).accept(document) == document


def test_a_schema_of_many_is_a_list() -> None:
    schema = Schema.from_dict({"f": fields.Integer(required=True)})(many=True)
    compiled = compile_schema(schema)

    assert compiled.accept([{"f": "1"}, {"f": 2}]) == [{"f": 1}, {"f": 2}]
    others: tuple[Any, ...] = ([{"f": "x"}], {"f": 1}, "f", [[]], [{}])
    for document in others:
        assert compiled.accept(document) is DECLINED
        assert outcome(compiled.load, document) == outcome(schema.load, document)


def test_a_nested_name_that_is_not_registered_is_marshmallows_to_tell() -> None:
    schema = Schema.from_dict({"f": fields.Nested("NoSchemaOfThisName")})()
    compiled = compile_schema(schema)

    assert outcome(compiled.load, {"f": {}}) == outcome(schema.load, {"f": {}}) == ("raised", "RegistryError")


# -- whole schemas and documents --------------------------------------------------------------------------------

LEAVES = st.tuples(st.integers(0, len(FIELDS) - 1), st.integers(0, len(OPTIONS) - 1), st.integers(0, 6))


def leaf(choice: tuple[int, int, int]) -> fields.Field[Any]:
    (_, make, all_checks), options, number = FIELDS[choice[0]], OPTIONS[choice[1]], choice[2]
    # Keys and attributes of the options are for the single field f; here they would collide.
    options = {name: value for name, value in options.items() if name not in ("data_key", "attribute")}
    made: fields.Field[Any] = make(validate=all_checks[number % len(all_checks)], **options)
    return made


@cache
def fitting(choice: tuple[int, int, int]) -> list[Any]:
    """The values that the field of `choice` takes."""
    field = leaf(choice)
    return [value for value in VALUES if outcome(field.deserialize, value)[0] == "value"] or [None]


def chosen(choice: tuple[int, int, int]) -> fields.Field[Any]:
    field = leaf(choice)
    field.metadata = {"fitting": fitting(choice)}
    return field


MEMBERS = st.lists(LEAVES.map(chosen), min_size=1, max_size=5).map(
    lambda made: {f"f{place}": each for place, each in enumerate(made)}
)
TREES = st.recursive(
    MEMBERS,
    lambda inner: st.tuples(MEMBERS, inner, st.booleans(), st.booleans()).map(
        lambda parts: {
            **parts[0],
            "child": fields.Nested(Schema.from_dict(parts[1]), many=parts[2], required=parts[3]),
        }
    ),
    max_leaves=3,
)


def documents(members: dict[str, fields.Field[Any]]) -> st.SearchStrategy[Any]:
    """Documents that mostly fit: each member has a value of those that its field takes, or any other, or none."""
    filled = {}
    for name, member in members.items():
        if name == "child":
            assert isinstance(member, fields.Nested)
            inner = documents(dict(member.schema.fields))
            filled[name] = st.lists(inner, max_size=2) if member.many else inner
        else:
            filled[name] = st.one_of(st.sampled_from(member.metadata["fitting"]), st.sampled_from(VALUES))
    missing_ones = st.sets(st.sampled_from(sorted(members)), max_size=1) if members else st.just(set())
    surplus = st.sampled_from([{}, {}, {}, {"x": 1}])
    return st.builds(
        lambda whole, gone, more: {**{name: each for name, each in whole.items() if name not in gone}, **more},
        st.fixed_dictionaries(filled),
        missing_ones,
        surplus,
    )


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_whole_documents_load_as_marshmallow_loads_them(data: st.DataObject) -> None:
    members = data.draw(TREES)
    schema = Schema.from_dict(members)()
    compiled = compile_schema(schema)
    assert compiled.reason is None

    for _ in range(5):
        document = data.draw(documents(dict(schema.fields)))
        assert outcome(compiled.load, document) == outcome(schema.load, document)
