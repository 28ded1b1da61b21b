"""The judge of one contract: a record in, its value or all of its faults out.

The way of a good record is short: the generated function accepts it, the contract's rules hold. Everything else goes to
marshmallow, whose messages become faults here: the message brings code and remedy, the nesting gives the JSON pointer,
and the record gives the value that is shown. The value of a field marked ``pii`` is not put into the sentence.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields

from gateway.model import Fault
from gateway.validate.columns import Column, compile_columns, compile_key
from gateway.validate.compiled import DECLINED, compile_schema
from gateway.validate.messages import REQUIRED, UNKNOWN_FIELD, Message, plain, shown
from gateway.validate.ready_json import compile_dump
from gateway.validate.schema import contract_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from marshmallow import Schema

    from gateway.configuration import CodeTable
    from gateway.contracts import Contract

_SCHEMA = "_schema"  # marshmallow's key for what is said about an object as a whole


class Judge:
    """Judges records against one version of a contract.

    Attributes:
        schema: the contract as a marshmallow schema.
        compiled: the function generated from it.
        dump_json: writes a loaded value as ready-to-serve JSON, UTF-8, one object.
        key: makes the key of a loaded value, given it and the partner: ``acme~4711`` where keys are per partner, else
            ``4711``; raises Stop where they are and the partner is None.
        columns: takes the values of ``contract.columns()`` from a loaded value, as ``gateway.validate.columns`` says.
    """

    def __init__(
        self,
        contract: Contract,
        codes: Mapping[str, CodeTable],
        rules: Callable[[dict[str, Any]], tuple[Fault, ...]] | None = None,
    ) -> None:
        """`rules` judges a value that the fields have accepted; None where the contract has no rules.

        Raises:
            Stop: the contract cannot be kept (a code table is missing, a pattern or the key is wrong).
        """
        self.contract = contract
        self.schema = contract_schema(contract, codes)
        self.compiled = compile_schema(self.schema)
        self.dump_json: Callable[[dict[str, Any]], bytes] = compile_dump(contract)
        self.key: Callable[[dict[str, Any], str | None], str] = compile_key(contract)
        self.columns: Callable[[dict[str, Any]], tuple[Column, ...]] = compile_columns(contract)
        self._accept = self.compiled.accept
        self._rules = rules

    def judge(self, record: dict[str, Any]) -> tuple[dict[str, Any] | None, tuple[Fault, ...]]:
        """The loaded value and no faults, or None and every fault of the record."""
        value = self._accept(record)
        if value is DECLINED:
            try:
                value = self.schema.load(record)
            except ValidationError as error:
                return None, tuple(_faults(error.messages, record, self.schema, ""))
        if self._rules is not None:
            faults = self._rules(value)
            if faults:
                return None, faults
        return value, ()

    def beside(self, record: dict[str, Any], found: tuple[Fault, ...]) -> tuple[Fault, ...]:
        """What is wrong with a record besides the faults that were `found` while it was made, which left values out.

        Rules are not asked: values that they compare may be among those.
        """
        if self._accept(record) is not DECLINED:
            return ()
        try:
            self.schema.load(record)
        except ValidationError as error:
            faults = tuple(_faults(error.messages, record, self.schema, ""))
            known = [each.target for each in found]
            return tuple(each for each in faults if not any(_same_branch(each.target, one) for one in known))
        return ()


def _same_branch(one: str, other: str) -> bool:
    """Whether two targets are the same, or one lies within the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _faults(messages: Any, value: Any, schema: Schema | fields.Field[Any] | None, pointer: str) -> Iterator[Fault]:
    """The faults in what marshmallow says about `value`, which `schema` describes, in the contract's order."""
    if not isinstance(messages, dict):
        for message in messages:
            yield _fault(message, value, schema, pointer)
        return
    for name in sorted(messages, key=_place(schema)):
        if name == _SCHEMA:
            yield from _faults(messages[name], value, schema, pointer)
            continue
        member = value[name] if _has(value, name) else None
        known = _member(schema, name)
        for fault in _faults(messages[name], member, known, f"{pointer}/{_token(name)}"):
            yield fault if known is not None else _with_nearest(fault, name, schema)


def _place(schema: Schema | fields.Field[Any] | None) -> Callable[[Any], tuple[int, Any]]:
    names = list(getattr(_object(schema), "fields", ()))
    places = {name: place for place, name in enumerate(names)}

    def place_of(name: Any) -> tuple[int, Any]:
        # Elements of a list by their number; fields as the contract has them; unknown ones last, by name.
        return (name, "") if isinstance(name, int) else (places.get(name, len(places)), str(name))

    return place_of


def _object(schema: Schema | fields.Field[Any] | None) -> Schema | None:
    """The schema of the object that `schema` describes, if it describes one."""
    if isinstance(schema, fields.Nested):
        return schema.schema
    return None if isinstance(schema, fields.Field) else schema


def _member(schema: Schema | fields.Field[Any] | None, name: Any) -> fields.Field[Any] | None:
    if isinstance(schema, fields.List):
        return schema.inner
    nested = _object(schema)
    return None if nested is None else nested.fields.get(name)


def _has(value: Any, name: Any) -> bool:
    if isinstance(value, list | tuple):
        return isinstance(name, int) and name < len(value)
    return isinstance(value, dict) and name in value


def _token(name: Any) -> str:
    """A reference token of RFC 6901."""
    return str(name).replace("~", "~0").replace("/", "~1")


def _fault(message: Any, value: Any, schema: Schema | fields.Field[Any] | None, pointer: str) -> Fault:
    if not isinstance(message, Message):  # from a check that is not ours
        message = Message("contract.value", str(message), "Correct the value, or change the contract")
    name = pointer[1:] or "the record"
    pii = isinstance(schema, fields.Field) and bool(schema.metadata.get("pii"))
    if message is REQUIRED or message is UNKNOWN_FIELD or pii:
        sentence = f"{name} {message}"
    else:
        sentence = f"{name} is {shown(value)}, but {message}"
    told = None if value is None or isinstance(value, list | tuple | dict) else plain(value)
    return Fault(message.code, sentence, message.remedy, pointer, value=told)


def _with_nearest(fault: Fault, name: Any, schema: Schema | fields.Field[Any] | None) -> Fault:
    """An unknown field, with the contract's field that its name resembles."""
    nested = _object(schema)
    near = get_close_matches(str(name)[:64], list(nested.fields) if nested is not None else [], n=1)
    if not near:
        return fault
    return Fault(
        fault.code,
        f"{fault.message}; the nearest is {near[0]!r}",
        f"Write {near[0]!r}, or leave the field out",
        fault.target,
        value=fault.value,
    )
