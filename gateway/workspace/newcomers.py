"""The files of a new partner: who it is, and a flow for each kind of document that it sends. To be read and kept.

Nothing is written here: the texts are held against the whole workspace first, as `gateway check` does it.

    >>> print(partner_file(Newcomer("acme", about="Acme Retail", isa=("ZZ:ACME",))), end="")
    partner: acme
    about:   Acme Retail
    <BLANKLINE>
    identifiers:
      isa: ZZ:ACME
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from edi.formats import parse_format
from gateway.errors import Stop
from gateway.integrations import Format
from gateway.workspace import sketch
from gateway.workspace.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edi.identify import Identity
    from gateway.configuration import Configuration

_HEALTH_CARE = "005010X"
"""Releases of the implementation guides for health care, which are answered by a 999."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A partner as it will be described. `keys` are lines in OpenSSH's form, `password_hash` is argon2id's."""

    name: str
    about: str = ""
    owner: str = ""
    isa: tuple[str, ...] = ()
    unb: tuple[str, ...] = ()
    user: str = ""
    keys: tuple[str, ...] = ()
    password_hash: str = ""
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """One kind of documents: the format as it is declared, and the contract that is shipped for it, ``order v1``.

    `collection` is what its records are called: ``orders``.
    """

    form: Format
    declared: str
    contract: str
    collection: str


@cache
def standards() -> dict[str, tuple[str, str]]:
    """What is shipped: ``x12 850`` → ``order v1`` and ``orders``, for every message that has a standard mapping."""
    shelf = Shelf({})
    contracts = {name: shelf.contract(name, shelf.codes, sketch.OWNER) for name in shelf.contracts()}
    return {
        message: (name, contract.collection)
        for name, contract in contracts.items()
        if contract
        for message in shelf.messages(contract)
    }


def wish(declared: str) -> Wish:
    """The standard contract for a format as it is declared, ``x12 004010 850``.

    Raises:
        Stop: it is no format, names no message, or nothing is shipped for it.
    """
    try:
        form = Format(*parse_format(declared))
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise Stop(f"{declared!r}: {message}", hint or "Write x12 850, edifact ORDERS or xml ubl:Order") from None
    message = re.sub(r"-[\d.]+$", "", form.message or "")
    standard = standards().get(f"{form.name} {message}")
    if standard is None:
        there = ", ".join(each for each in standards() if each.startswith(form.name)) or ", ".join(standards())
        raise Stop(
            f"no standard contract is shipped for {declared!r}",
            f"There is one for {there}. Anything else needs an integration of its own: --from FILE writes a first one "
            "for files with columns.",
        )
    return Wish(form, declared, *standard)


def partner_file(of: Newcomer, *, source: str = "") -> str:
    """The text of partners/NAME.yaml. Where files are pulled from a `source` at its server, answers may go there."""
    lines = [f"partner: {of.name}"]
    lines += [f"about:   {quoted(of.about)}"] if of.about else []
    lines += [f"owner:   {of.owner}"] if of.owner else []
    lines += [f"contacts: [{', '.join(quoted(each, listed=True) for each in of.contacts)}]"] if of.contacts else []
    if of.isa or of.unb:
        lines += ["", "identifiers:"]
        lines += [f"  {name}: {_several(each)}" for name, each in (("isa", of.isa), ("unb", of.unb)) if each]
    if of.keys or of.password_hash:
        lines += ["", "sftp:", f"  user: {quoted(of.user or of.name)}"]
        lines += ["  keys:", *(f"    - {quoted(each)}" for each in of.keys)] if of.keys else []
        lines += [f"  password_hash: {quoted(of.password_hash)}"] if of.password_hash else []
    if source.startswith("sftp://"):
        connection = source.removeprefix("sftp://").partition("/")[0]
        lines += ["", f"# answers: sftp://{connection}/<folder>   # puts acknowledgments and letters there"]
    return "\n".join(lines) + "\n"


def flows(
    partner: str,
    wishes: Sequence[Wish],
    *,
    owner: str,
    source: str,
    taken: Iterable[str] = (),
    ranks: Mapping[str, int] = MappingProxyType({}),
    filled_by: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """The integrations for what a partner sends, by their paths; `taken` are names that others have.

    Where two of them fill one contract, the first one wins. `ranks` are contracts whose records others fill too, with
    the last precedence that is taken there. `filled_by` are lines for a format, as it is declared, that say what fills
    the contract where that is not the standard mapping.
    """
    files: dict[str, str] = {}
    names = set(taken)
    filled = [each.contract for each in wishes]
    for number, each in enumerate(wishes):
        name = _name(partner, each, names)
        names.add(name)
        lines = [
            f"integration: {name}",
            f"about:    {quoted(_about(each, partner))}",
            f"owner:    {owner}",
            f"source:   {quoted(source)}",
            *([] if source.startswith("drop:") else [f"partner:  {partner}"]),
            f"format:   {each.declared}",
            *([f"answer:   {_answer(each.form)}"] if _answer(each.form) else []),
            f"contract: {each.contract}",
        ]
        if filled.count(each.contract) > 1 or each.contract in ranks:
            lines.append(f"precedence: {1 + ranks.get(each.contract, 0) + filled[:number].count(each.contract)}")
        files[f"integrations/{name}.yaml"] = "\n".join(lines) + "\n" + filled_by.get(each.declared, "")
    return files


def table_flow(
    partner: str, seen: Identity, *, name: str, owner: str, source: str, key: Sequence[str] = ()
) -> dict[str, str]:
    """A contract and an integration for a file with columns, guessed from its rows: a skeleton, to be looked over.

    Raises:
        Stop: it has no columns, or nothing says which of them identify a row.
    """
    if not seen.columns:
        raise Stop(
            f"the file is {seen.format}, and nothing in it says what its columns are called",
            "Write the integration by hand: docs/configuration.md; columns without a header stand in a layout.",
        )
    columns = {column: _Column.of([row[at] for row in seen.rows if at < len(row)]) for at, column in _at(seen)}
    fields = _fields(columns)
    named = tuple(key) or _key(columns)
    if not named or (unknown := [each for each in named if each not in columns]):
        wrong = f"there is no column {unknown[0]!r}" if named else "no column has another value in each row"
        raise Stop(f"{wrong}; there are {', '.join(columns)}", "Name what identifies a row: --column NAME")
    (declared,) = seen.declared()
    contract = [
        f"contract: {name} v1",
        f"about:    {quoted(f'What {partner} sends, guessed from one file; to be looked over')}",
        f"owner:    {owner}",
        f"key:      {', '.join(fields[each] for each in named)} per partner",
        f"collection: {name}",
        "",
        "fields:",
        *(f"  {fields[column]}: {_notation(each, is_key=column in named)}" for column, each in columns.items()),
    ]
    called = name if name.startswith(f"{partner}-") else f"{partner}-{name}"
    flow = [
        f"integration: {called}",
        f"about:    {quoted(f'Files of {partner} with {len(columns)} columns')}",
        f"owner:    {owner}",
        f"source:   {quoted(source)}",
        *([] if source.startswith("drop:") else [f"partner:  {partner}"]),
        f"format:   {quoted(declared)}",
        f"contract: {name} v1",
        "",
        "map:",
        *(
            f"  {fields[column]}: {_expression(column, each, is_key=column in named)}"
            for column, each in columns.items()
        ),
    ]
    return {
        f"contracts/{name}.v1.yaml": "\n".join(contract) + "\n",
        f"integrations/{called}.yaml": "\n".join(flow) + "\n",
    }


def owner_of(configuration: Configuration) -> str:
    """The team that a new file belongs to where nobody says it: the first one, or the one of a first sketch."""
    return next(iter(configuration.teams), sketch.OWNER)


def quoted(text: str, *, listed: bool = False) -> str:
    """A value as YAML takes it, whatever it holds; within brackets where it is `listed`."""
    if (
        not listed
        and re.fullmatch(r"[^\W_](?:[^:#\\]|:(?=\S)|(?<=\S)#)*", text)
        and text.isprintable()
        and text == text.strip()
    ):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _several(values: Sequence[str]) -> str:
    """One value, or a list of them."""
    return quoted(values[0]) if len(values) == 1 else f"[{', '.join(quoted(each, listed=True) for each in values)}]"


def _name(partner: str, wished: Wish, taken: set[str]) -> str:
    """``acme-orders``; a second one is named by its format too."""
    noun = wished.collection
    message = sketch.word((wished.form.message or "").partition(":")[2] or wished.form.message or "")
    for name in (f"{partner}-{noun}", f"{partner}-{noun}-{wished.form.name}", f"{partner}-{noun}-{message}"):
        if name not in taken:
            return name
    raise Stop(f"there are integrations {partner}-{noun} already", "Write the next one by hand: docs/configuration.md")


def _about(wished: Wish, partner: str) -> str:
    return f"{wished.collection.replace('-', ' ').capitalize()} of {partner}"


def _answer(form: Format) -> str:
    if form.name == "edifact":
        return "CONTRL"
    if form.name == "x12":
        return "999" if (form.version or "").startswith(_HEALTH_CARE) else "997"
    return ""


# ── what columns hold ────────────────────────────────────────────────────────────────────────────────────────────────

_KINDS = (
    ("int", "int", r"[+-]?(?:0|[1-9][0-9]{0,14})"),
    ("decimal", "decimal", r"[+-]?[0-9]{1,15}\.[0-9]{1,9}"),
    ("decimal", "decimal('1.234,56')", r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,15}),[0-9]{1,9}"),
    ("date", "date", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    ("date", "date('dd.mm.yyyy')", r"[0-3][0-9]\.[01][0-9]\.[0-9]{4}"),
)
"""The field's type, the function that the value passes, what every value must look like."""
_PLAIN = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class _Column:
    """What the rows show of a column."""

    kind: str
    function: str
    missing: bool
    unique: bool

    @classmethod
    def of(cls, values: Sequence[str]) -> _Column:
        there = [each.strip() for each in values if each.strip()]
        missing, unique = len(there) < len(values), bool(there) and len(set(there)) == len(values)
        for kind, function, pattern in _KINDS:
            if there and all(re.fullmatch(pattern, each, re.ASCII) for each in there):
                return cls(kind, function, missing, unique)
        return cls("text", "strip", missing or not there, unique)


def _at(seen: Identity) -> list[tuple[int, str]]:
    return list(enumerate(seen.columns))


def _key(columns: dict[str, _Column]) -> tuple[str, ...]:
    """The first column that tells the rows apart."""
    return next(((name,) for name, each in columns.items() if each.unique and each.kind in ("text", "int")), ())


def _fields(columns: Iterable[str]) -> dict[str, str]:
    """A field for each column, no two the same."""
    fields: dict[str, str] = {}
    for column in columns:
        fields[column] = sketch.field(sketch.word(column).replace("-", "_"), fields.values())
    return fields


def _notation(shown: _Column, *, is_key: bool) -> str:
    """The field's type; what has a small type can be searched for."""
    missing = " ?" if shown.missing and not is_key else ""
    searched = ", filter, sort" if shown.kind in ("int", "decimal", "date") and not is_key else ""
    return f"{shown.kind}{missing}{searched}"


def _expression(column: str, shown: _Column, *, is_key: bool) -> str:
    plain = _PLAIN.fullmatch(column) is not None
    parts = [
        column if plain else f"`{column}`",
        shown.function,
        *(["optional"] if shown.missing and not is_key else []),
    ]
    said = " | ".join(parts)
    if plain:
        return said
    escaped = said.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
