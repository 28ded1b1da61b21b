"""The function generated from a marshmallow schema: it accepts a value at once, or declines and marshmallow decides.

Strategy: walk the schema instance and write one straight-line function, without calls for what the tables of
``emitters`` know. The function only ever says "accepted, here is the loaded value"; whatever is unusual or wrong it
declines, and then ``Schema.load`` itself gives the value or the messages. So marshmallow stays the only judge of
errors, and the generated function has one duty: what it accepts must be exactly what marshmallow would have made. The
tests prove that field by field and over whole schemas.

    >>> from marshmallow import Schema, fields, validate
    >>> schema = Schema.from_dict({"sku": fields.String(required=True), "quantity": fields.Integer()})()
    >>> order = compile_schema(schema)
    >>> order.load({"sku": "A-1", "quantity": "12"})
    {'sku': 'A-1', 'quantity': 12}
    >>> order.accept({"sku": "A-1", "quantity": "many"})
    DECLINED

A schema with hooks, overridden internals, ``partial`` or an ``unknown`` other than RAISE is not compiled: it declines
everything, and `reason` says why. Inside a compiled schema such nested ones, and fields that no table knows, are called
instead of inlined. The schema is read once: fields or checks that are changed afterwards are not seen. Checks are taken
to be pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marshmallow import RAISE, Schema, fields, missing
from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA
from marshmallow.exceptions import RegistryError

from gateway.validate.emitters import DECLINE, LISTS, NAMES, NESTED, NULL_IS_ABSENT, SCALARS, decline_if, emit_checks
from gateway.validate.source import Source, build

if TYPE_CHECKING:
    from collections.abc import Callable

Above = tuple[type, ...]
"""The schemas and lists around what is being written, outermost first."""

DEPTH_MAX = 6
"""Levels of nesting that are inlined; Python bounds the loops that stand inside one another."""

_LOAD_HOOKS = (PRE_LOAD, POST_LOAD, VALIDATES, VALIDATES_SCHEMA)
_SCHEMA_INTERNALS = (
    "load",
    "_do_load",
    "_deserialize",
    "_call_and_store",
    "_invoke_field_validators",
    "_invoke_load_processors",
    "dict_class",
)
_FIELD_INTERNALS = {
    "deserialize",
    "_deserialize",
    "_format_num",
    "_load",
    "_test_collection",
    "_validate",
    "_validate_missing",
    "_validated",
    "num_type",
}


class Declined:
    """The type of :data:`DECLINED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DECLINED"


DECLINED = Declined()
"""What `accept` answers when marshmallow must decide."""


def _decline(data: Any) -> Any:  # noqa: ARG001 -- the shape of a generated function
    return DECLINED


@dataclass(frozen=True, slots=True)
class Compiled:
    """A schema and the function generated from it."""

    schema: Schema
    accept: Callable[[Any], Any] = _decline
    """The loaded value, or :data:`DECLINED`."""
    source: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    """The constants that `source` refers to."""
    reason: str | None = None
    """Why the schema could not be compiled, or None."""

    def load(self, data: Any) -> Any:
        """What ``schema.load(data)`` returns.

        Raises:
            ValidationError: as ``schema.load`` does.
        """
        value = self.accept(data)
        return self.schema.load(data) if value is DECLINED else value


def compile_schema(schema: Schema) -> Compiled:
    """The function generated from `schema`."""
    reason = _reason(schema)
    if reason is not None:
        return Compiled(schema, reason=reason)
    out = Source(DECLINED=DECLINED, **NAMES)
    with out.block("def accept(data):"):
        with out.block("try:"):
            _emit_schema(schema, "data", out, ())
            out.line("return data")
        with out.block("except Exception:"):
            out.line(DECLINE)
    source = str(out)
    return Compiled(schema, build(source, out.names, "accept"), source, out.names)


def _reason(schema: Schema) -> str | None:
    """Why `schema` itself cannot be compiled; its fields are looked at one by one later."""
    for name in _SCHEMA_INTERNALS:
        if getattr(type(schema), name) is not getattr(Schema, name) or name in vars(schema):
            return f"it overrides {name}"
    for hook in _LOAD_HOOKS:
        if schema._hooks.get(hook):  # noqa: SLF001 -- there is no public way to ask
            return f"it has a {hook} hook"
    if schema.partial is not None:
        return "it is partial"
    if schema.unknown != RAISE:
        return f"unknown fields are its own affair: {schema.unknown}"
    keys = [_key(name, each) for name, each in schema.load_fields.items()]
    if len(keys) != len(set(keys)):
        return "two fields read the same key"
    if any("." in (each.attribute or name) for name, each in schema.load_fields.items()):
        return "an attribute with a dot opens a nested object"
    return None


def _key(name: str, each: fields.Field[Any]) -> str:
    return name if each.data_key is None else each.data_key


def _emit_schema(schema: Schema, v: str, out: Source, above: Above) -> None:
    """Write how `v` becomes the loaded object, or the list of them if the schema is a many."""
    above = (*above, type(schema))
    if schema.many:
        _emit_loop(v, out, "item", lambda item: _emit_object(schema, item, out, above))
    else:
        _emit_object(schema, v, out, above)


def _emit_loop(v: str, out: Source, hint: str, emit: Callable[[str], None]) -> None:
    decline_if(out, f"type({v}) is not list and type({v}) is not tuple")
    item, items = out.local(hint), out.local(f"{hint}s")
    out.line(f"{items} = []")
    with out.block(f"for {item} in {v}:"):
        emit(item)
        out.line(f"{items}.append({item})")
    out.line(f"{v} = {items}")


def _emit_object(schema: Schema, v: str, out: Source, above: Above) -> None:
    decline_if(out, f"type({v}) is not dict")
    members = schema.load_fields
    always = [each for each in members.values() if each.required]
    known = str(len(always))
    if len(always) < len(members):
        known = out.local("known")
        out.line(f"{known} = {len(always)}")
    loaded = [
        (each.attribute or name, *_emit_member(name, each, (v, known), out, above)) for name, each in members.items()
    ]
    # Unknown keys are refused by counting: every known key that is there has been counted once.
    decline_if(out, f"len({v}) != {known}")
    leading = next((place for place, (_, _, sure) in enumerate(loaded) if not sure), len(loaded))
    out.line(f"{v} = {{{', '.join(f'{name!r}: {local}' for name, local, _ in loaded[:leading])}}}")
    for name, local, sure in loaded[leading:]:
        if sure:
            out.line(f"{v}[{name!r}] = {local}")
        else:
            with out.block(f"if {local} is not MISSING:"):
                out.line(f"{v}[{name!r}] = {local}")


def _emit_member(
    name: str, each: fields.Field[Any], scope: tuple[str, str], out: Source, above: Above
) -> tuple[str, bool]:
    """Write how one field is read from an object; the local that holds it, and whether it surely has a value.

    `scope` are the locals of the object and of the number of known keys seen in it.
    """
    v, known = scope
    key, x = repr(_key(name, each)), out.local(name)
    out.line(f"# {name!r}: {type(each).__name__}")
    if not _inlined(each, above):
        if not each.required:
            with out.block(f"if {key} in {v}:"):
                out.line(f"{known} += 1")
        out.line(f"{x} = {out.constant(each.deserialize, f'{name}_deserialize')}({v}.get({key}, MISSING), {key}, {v})")
        if each.required:
            decline_if(out, f"{key} not in {v}")
        return x, False
    if each.required:
        out.line(f"{x} = {v}[{key}]")
        _emit_nullable(each, x, out, above)
        return x, True
    out.line(f"{x} = {v}.get({key}, MISSING)")
    with out.block(f"if {x} is not MISSING:"):
        out.line(f"{known} += 1")
        if isinstance(each, NULL_IS_ABSENT):
            with out.block(f"if {x} is None:"):
                out.line(f"{x} = MISSING")
            with out.block("else:"):
                _emit_value(each, x, out, above)
        else:
            _emit_nullable(each, x, out, above)
    default = each.load_default
    if default is missing:
        return x, False
    with out.block("else:"):
        out.line(f"{x} = {out.constant(default, f'{name}_default')}{'()' if callable(default) else ''}")
    return x, not callable(default)


def _inlined(each: fields.Field[Any], above: Above) -> bool:
    """Whether `each` is written out; otherwise its own ``deserialize`` is called."""
    own = vars(each)
    if own.get("pre_load") or own.get("post_load") or _FIELD_INTERNALS & own.keys():
        return False
    if isinstance(each, NULL_IS_ABSENT) and each.load_default is not missing:
        return False
    if type(each) in NESTED:
        assert isinstance(each, fields.Nested)
        return _nested_inlined(each, above)
    return type(each) in SCALARS or (type(each) in LISTS and len(above) < DEPTH_MAX)


def _nested_inlined(each: fields.Nested, above: Above) -> bool:
    if each.unknown not in (None, RAISE) or len(above) >= DEPTH_MAX:
        return False
    try:
        schema = each.schema
    except (RegistryError, ValueError):
        return False  # marshmallow will say so when it is loaded
    if each.many is not None and bool(each.many) != bool(schema.many):
        return False
    return type(schema) not in above and _reason(schema) is None


def _emit_nullable(each: fields.Field[Any], x: str, out: Source, above: Above) -> None:
    """Write how the value `x`, which is there, is loaded. Where null is refused, no type check lets it pass."""
    if each.allow_none:
        with out.block(f"if {x} is not None:"):
            _emit_value(each, x, out, above)
    else:
        _emit_value(each, x, out, above)


def _emit_value(each: fields.Field[Any], x: str, out: Source, above: Above) -> None:
    if isinstance(each, fields.List):
        _emit_loop(x, out, f"{x}_item", lambda item: _emit_item(each.inner, item, out, above))
    elif isinstance(each, fields.Nested):
        _emit_schema(each.schema, x, out, above)
    else:
        SCALARS[type(each)](each, x, out)
    emit_checks(each, x, out)


def _emit_item(inner: fields.Field[Any], item: str, out: Source, above: Above) -> None:
    above = (*above, type(inner))
    if not _inlined(inner, above):
        out.line(f"{item} = {out.constant(inner.deserialize, 'deserialize')}({item})")
    elif isinstance(inner, NULL_IS_ABSENT) and not inner.required:
        _emit_value(inner, item, out, above)
    else:
        _emit_nullable(inner, item, out, above)
