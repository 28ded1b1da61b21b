"""What a change of contracts means for who reads the records; pure.

Records are given, not taken: a reader breaks when something is gone, may be missing, or is of another form; he goes on
when there is more, or when less is allowed than before.

    >>> from gateway.contracts import Contract, Field
    >>> fields = (Field("sku", "text"), Field("price", "decimal", filterable=True))
    >>> old = Contract("price", 1, "", "", ("sku",), fields, collection="prices")
    >>> new = Contract("price", 1, "", "", ("sku",), (*fields, Field("note", "text")), collection="prices")
    >>> [str(each) for each in differences([new], [old])]
    ['breaking  price.v1 note: is gone']
    >>> [str(each) for each in differences([old], [new])]
    ['added     price.v1 note: is new']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from gateway.contracts import Contract, Field

Kind = Literal["breaking", "risky", "added", "same"]
"""``breaking``: readers have to change. ``risky``: values may come that never came, which strict readers refuse.
``added``: there is more. ``same``: nothing that a reader sees."""

Codes = Mapping[str, frozenset[str]]
"""Code table → the values that a field of it may hold."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: of which contract, at which field (empty: the contract itself)."""

    kind: Kind
    contract: str
    field: str
    what: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.kind:<9} {self.contract} {f'{self.field}: ' if self.field else ''}{self.what}"


def differences(
    old: Iterable[Contract],
    new: Iterable[Contract],
    old_codes: Codes | None = None,
    new_codes: Codes | None = None,
) -> list[Difference]:
    """All differences, contract by contract."""
    before, after = ({each.id: each for each in contracts} for contracts in (old, new))
    found: list[Difference] = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            found.append(Difference("breaking", name, "", "is gone"))
        elif name not in before:
            found.append(Difference("added", name, "", "is new"))
        else:
            found += _contracts(before[name], after[name], old_codes or {}, new_codes or {})
    return found


def _contracts(old: Contract, new: Contract, old_codes: Codes, new_codes: Codes) -> Iterator[Difference]:
    def told(kind: Kind, what: str) -> Difference:
        return Difference(kind, old.id, "", what)

    if old.collection != new.collection:
        yield told("breaking", f"moves from /{old.collection} to /{new.collection}")
    if (old.key, old.per_partner) != (new.key, new.per_partner):
        yield told("breaking", f"its key is {_key(new)} instead of {_key(old)}")
    if old.deprecated != new.deprecated and new.deprecated is not None:
        yield told("same", f"is deprecated since {new.deprecated}")
    if old.sunset != new.sunset and new.sunset is not None:
        yield told("same", f"is served until {new.sunset}")
    if {rule.message for rule in old.rules} != {rule.message for rule in new.rules}:
        yield told("same", "other rules hold for its records")
    for path, one, other in _fields(old.fields, new.fields):
        for kind, what in _field(one, other, old_codes, new_codes):
            yield Difference(kind, old.id, path, what)


def _key(contract: Contract) -> str:
    return ", ".join(contract.key) + (" per partner" if contract.per_partner else "")


def _fields(
    old: tuple[Field, ...], new: tuple[Field, ...], before: str = ""
) -> Iterator[tuple[str, Field | None, Field | None]]:
    """The fields of both, side by side, with the way to them; below one that is gone or new nothing is told."""
    one, other = ({each.name: each for each in fields} for fields in (old, new))
    for name in dict.fromkeys((*one, *other)):
        yield before + name, one.get(name), other.get(name)
        if name in one and name in other:
            between = "[]." if one[name].type == "list" else "."
            yield from _fields(one[name].fields, other[name].fields, before + name + between)


def _field(old: Field | None, new: Field | None, old_codes: Codes, new_codes: Codes) -> Iterator[tuple[Kind, str]]:
    if old is None or new is None:
        yield ("breaking", "is gone") if new is None else ("added", "is new")
        return
    if old.type != new.type:
        yield "breaking", f"is {new.type} instead of {old.type}"
        return
    if old.required and not new.required:
        yield "breaking", "may be missing"
    elif new.required and not old.required:
        yield "same", "is always there"
    for flag, what in (("filterable", "filtered"), ("sortable", "sorted")):
        if getattr(old, flag) and not getattr(new, flag):
            yield "breaking", f"can no more be {what} by"
        elif getattr(new, flag) and not getattr(old, flag):
            yield "added", f"can be {what} by"
    if old.pii != new.pii:
        yield ("breaking", "is personal data now, null without its scope") if new.pii else ("same", "is not personal")
    yield from _values(old, new, old_codes, new_codes)


def _values(old: Field, new: Field, old_codes: Codes, new_codes: Codes) -> Iterator[tuple[Kind, str]]:
    """Which values may come."""
    if _below(new.low, old.low) or _below(new.above, old.above):
        yield "risky", "may be less, or shorter"
    if _over(new.high, old.high) or _over(new.below, old.below):
        yield "risky", "may be more, or longer"
    if (new.digits or 0) > (old.digits or 0) or (new.places or 0) > (old.places or 0):
        yield "risky", "may have more digits"
    if old.pattern is not None and old.pattern != new.pattern:
        yield "risky", "is of another pattern"
    if old.type == "code":
        if old.codes != new.codes:
            yield "risky", f"is of the codes {new.codes} instead of {old.codes}"
        elif old.codes is not None:
            came = new_codes.get(old.codes, frozenset()) - old_codes.get(old.codes, frozenset())
            if came:
                yield "risky", f"may be {', '.join(sorted(came)[:5])}{', …' if len(came) > 5 else ''}"


def _below(new: Decimal | None, old: Decimal | None) -> bool:
    return old is not None and (new is None or new < old)


def _over(new: Decimal | None, old: Decimal | None) -> bool:
    return old is not None and (new is None or new > old)
