"""integrations/*.yaml: one flow from a source to a contract, held against everything that it names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import adapters.errors
from adapters.scan import only_scanned
from edi import delimited, formats, positional
from gateway.integrations import Format, Integration
from gateway.normalize.compiler import check_integration
from gateway.workspace.expressions import Language, read_expression
from gateway.workspace.mappings import read_map
from gateway.workspace.nodes import Scalar, Sequence
from gateway.workspace.problems import did_you_mean
from gateway.workspace.remotes import read_pulling
from gateway.workspace.shelf import Shelf
from gateway.workspace.signatures import check_signature, read_signature
from gateway.workspace.values import MESSAGES
from gateway.workspace.watching import read_watched

if TYPE_CHECKING:
    from gateway.configuration import CodeTable, Connection
    from gateway.contracts import Contract
    from gateway.integrations import Changes, Expression, MapField, MapLoop, Source
    from gateway.partners import Partner
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section

ENVELOPED = ("x12", "edifact")
"""Formats whose files say themselves who sends them."""

TABLE_FORMAT = Format("jsonl")
"""A row of a table is kept as a line of canonical JSON."""


@dataclass(slots=True)
class Known:
    """What integrations may name. None stands for something that is there and wrong: it is not missed again."""

    contracts: dict[str, Contract | None] = field(default_factory=dict)
    """By name and version as they are written, ``order v1``."""
    partners: dict[str, Partner | None] = field(default_factory=dict)
    connections: dict[str, Connection | None] = field(default_factory=dict)
    layouts: dict[str, str | None] = field(default_factory=dict)
    """Texts of layouts of positional records, by name; None for one that is wrong."""
    guides: dict[str, str | None] = field(default_factory=dict)
    """Texts of guides, likewise."""
    codes: dict[str, CodeTable] = field(default_factory=dict)
    """Tables by name; one that is there and wrong is empty."""
    shelf: Shelf = field(default_factory=lambda: Shelf({}))
    """What the product ships."""
    applied: bool = False
    """Whether it is a revision that was applied: what was no problem then is none now, or nothing would go on."""
    unsound: set[str] = field(default_factory=set)
    """Contracts that something is wrong with: good enough to hold targets against, not to judge types."""


def read_integration(section: Section, known: Known) -> Integration | None:
    """The integration that a file describes; None when something in it is wrong (then it is noted)."""
    file = section.mapping.file
    before = len(file.problems)
    source: Source | None = section.get("source")
    contract = _contract(section, known)
    partner = _partner(section, source, known)
    form = _format(section, source, known)
    signature = read_signature(section)
    watched = read_watched(section, source)
    pulling = read_pulling(section, source)
    if source:
        _refuse_unsuited(section, source, form)
        check_signature(section, source)
        _refuse_unfit(section, source, known.connections.get(source.host))
    if contract and contract.per_partner and section.whole and partner is None:
        _refuse_nobody(section, source, form, contract)
    if contract and section.get("version"):
        _refuse_unordered(section, contract)
    language = Language(form.name if form else "")
    fields = _map(section, contract, form, known, language)
    checks = _checks(section.get("check"), language)
    if form is None or source is None or not {"integration", "contract"} <= section.values.keys():
        return None
    name, version = section.get("contract")
    flow = Integration(
        name=section.get("integration"),
        about=section.get("about", ""),
        owner=section.get("owner", ""),
        source=source,
        format=form,
        contract=name,
        contract_version=version,
        fields=fields,
        checks=checks,
        partner=partner,
        signature=signature,
        watched=watched,
        pulling=pulling,
        place=section.text("integration").place,
        **{name: section.values[name] for name in OPTIONAL if name in section.values},
    )
    if contract and f"{name} v{version}" not in known.unsound:
        known_columns = _COLUMNS.get(form.name)
        columns = known_columns(dict(form.options), form.message) if known_columns else None
        if known.applied and not columns:
            columns = None
        language.refuse(check_integration(flow, contract, known.codes, columns), section.mapping.key("map"))
    return flow if section.whole and len(file.problems) == before else None


_COLUMNS = {"fixed": positional.columns_of, "csv": delimited.columns_of}
"""Formats that may declare the columns of their rows, and which they are then."""

OPTIONAL = ("accept", "key", "changes", "expect", "answer", "version", "precedence", "keep")
"""Keys that go into the integration as they were read."""


def _contract(section: Section, known: Known) -> Contract | None:
    if not section.get("contract"):
        return None
    name = " v".join(map(str, section.get("contract")))
    if name in known.contracts:
        return known.contracts[name]
    contract = known.shelf.contract(name, known.codes, section.get("owner", ""))
    if contract is None:
        hint = did_you_mean(name, [*known.contracts, *known.shelf.contracts()], _NO_CONTRACT)
        section.refuse("contract", f"there is no contract {name!r}", hint)
    return contract


_NO_CONTRACT = "describe it in a file under contracts/"


def _partner(section: Section, source: Source | None, known: Known) -> str | None:
    """The partner of every delivery: declared, or the one whose drop folder is the source."""
    declared: str | None = section.get("partner")
    dropped = source.host if source and source.scheme == "drop" else None
    if source and dropped and dropped not in known.partners:
        hint = did_you_mean(dropped, known.partners, f"describe it in partners/{dropped}.yaml")
        section.text("source").refuse_part(7, len(dropped), f"there is no partner {dropped!r}", hint)
    if declared and declared not in known.partners:
        hint = did_you_mean(declared, known.partners, f"describe it in partners/{declared}.yaml")
        section.refuse("partner", f"there is no partner {declared!r}", hint)
    elif declared and dropped and declared != dropped:
        section.refuse("partner", f"the source is the folder of {dropped!r}, not of {declared!r}", "take the line out")
    kind = _KINDS.get(source.scheme) if source else None
    if source and kind and source.host not in known.connections:
        hint = did_you_mean(source.host, known.connections, "describe it in connections.yaml")
        at = len(source.scheme) + 3
        section.text("source").refuse_part(at, len(source.host), f"there is no connection {source.host!r}", hint)
    elif source and kind and (connection := known.connections[source.host]) and connection.kind != kind:
        told = f"the connection {source.host!r} is of the kind {connection.kind}, not {kind}"
        section.text("source").refuse_part(len(source.scheme) + 3, len(source.host), told)
    return declared or dropped


_KINDS = {"table": "odbc", "sftp": "sftp"}
"""Schemes of sources that name a connection, and the kind that it must be of."""


def _format(section: Section, source: Source | None, known: Known) -> Format | None:
    node: Scalar | None = section.get("format")
    if source and source.scheme == "table":
        if node:
            section.refuse("format", "the rows of a table have no format", "take the line out")
        return TABLE_FORMAT
    if node is None:
        if source and section.mapping.get("format") is None:
            hint = "write what the files are made of: format: x12 004010 850"
            section.mapping.head.refuse("the integration lacks the key 'format'", hint)
        return None
    return parse_format(node, known)


def parse_format(node: Scalar, known: Known) -> Format | None:
    """The format that is declared in `node`; the word that makes it wrong is shown."""
    for kind, name in re.findall(r"(?<!\S)(layout|guide)=(\S+)", node.value):
        if (known.layouts if kind == "layout" else known.guides).get(name, "") is None:
            return None  # its own file says what is wrong
    texts = [{name: text for name, text in of.items() if text} for of in (known.layouts, known.guides)]
    try:
        return Format(*formats.parse_format(node.value, *texts))
    except ValueError as error:
        told = str(error)
    for match in re.finditer(r"\S+", node.value):
        try:
            formats.parse_format(node.value[: match.end()], *texts)
        except ValueError as error:
            if str(error) != told:
                continue  # what is missing here stands further on
            message, _, hint = told.partition("; ")
            node.refuse_part(match.start(), len(match[0]), message, hint)
            break
    return None


def _refuse_unsuited(section: Section, source: Source, form: Format | None) -> None:
    """Keys that only tables have, and keys that a table must have; acknowledgments that the format does not know."""
    if source.scheme == "table":
        for name, example in (("key", "key: KDNR"), ("changes", "changes: AENDTS every 30s")):
            if section.mapping.get(name) is None:
                section.refuse("source", f"a table needs the key {name!r}", f"write it in a line: {example}")
    else:
        for name in ("key", "changes"):
            if section.mapping.get(name) is not None:
                section.mapping.key(name).refuse(f"{name!r} belongs to tables alone", "take the line out")
    answer: str | None = section.get("answer")
    for message in (answer or "none").replace(",", " ").split():
        if message != "none" and form and MESSAGES[message] != form.name:
            section.refuse("answer", f"{message} does not answer {form.name} files", "take it out")


def _refuse_unfit(section: Section, source: Source, connection: Connection | None) -> None:
    """Ways to follow a table that need what a query or a file does not have."""
    changes: Changes | None = section.get("changes")
    if source.scheme != "table" or connection is None or changes is None:
        return
    hint = "write 'diff every 10m', which tells deleted rows too, or 'snapshot every 1h'"
    if _is_scanned(connection) and changes.strategy not in ("diff", "snapshot"):
        section.refuse("changes", f"{source.host} is a file that can only be scanned", hint)
    elif source.path in {query.name for query in connection.queries} and changes.strategy == "log":
        section.refuse("changes", f"{source.path} is a query, and no log tells of it", hint)


def _is_scanned(connection: Connection) -> bool:
    try:
        return only_scanned(connection.address("/"))
    except adapters.errors.Stop:
        return False  # it is told when it is opened


def _refuse_nobody(section: Section, source: Source | None, form: Format | None, contract: Contract) -> None:
    """A key per partner needs a partner for every delivery, unless the file's own envelope names it."""
    if source and source.scheme != "table" and form and form.name in ENVELOPED:
        return
    section.refuse(
        "contract",
        f"{contract.name} v{contract.version} has a key per partner, but these deliveries have no partner",
        "add a line: partner: acme",
    )


def _refuse_unordered(section: Section, contract: Contract) -> None:
    """What says which document is newer is a field of the contract whose values have an order, and a column."""
    name: str = section.get("version")
    field = next((each for each in contract.fields if each.name == name), None)
    if field is None:
        ordered = [each.name for each in contract.fields if each.type in ORDERED]
        section.refuse(
            "version", f"{contract.name} v{contract.version} has no field {name!r}", did_you_mean(name, ordered)
        )
    elif field.type not in ORDERED:
        section.refuse("version", f"{name} is a {field.type}", f"which is newer is told by {', '.join(ORDERED)}")
    elif field not in contract.columns():
        section.refuse("version", f"{name} cannot be looked up", f"write ', sort' behind {name} in the contract")


ORDERED = ("int", "date", "datetime")
"""Types of fields that can say which of two documents is the newer."""


def _map(
    section: Section, contract: Contract | None, form: Format | None, known: Known, language: Language
) -> tuple[MapField | MapLoop, ...]:
    """The lines under `map:`, the standard mapping, or the first laid over the second."""
    mapping = section.get("map")
    if mapping is None and section.mapping.get("map") is not None:
        return ()  # it is there and wrong, which is noted
    under: tuple[MapField | MapLoop, ...] = ()
    if (mapping is None or section.get("extends")) and contract and form:
        under = _standard(section, contract, form, known)
    if mapping is None:
        return under
    fields = contract.fields if contract else None
    name = f"{contract.name} v{contract.version}" if contract else ""
    return read_map(mapping, section.mapping.key("map"), fields, name, language, under)


def _standard(section: Section, contract: Contract, form: Format, known: Known) -> tuple[MapField | MapLoop, ...]:
    """The standard mapping; what there is instead is told where there is none."""
    name = f"{contract.name} v{contract.version}"
    if section.get("extends"):
        at: Node = section.node("extends")
    else:
        at = section.node("contract")
    if known.contracts.get(name) is contract:
        if section.get("extends"):
            at.refuse(f"{name} is a contract of this workspace, and only shipped ones have standard mappings", _WRITE)
        else:
            section.mapping.head.refuse("the integration lacks the key 'map'", _WRITE)
        section.whole = False
        return ()
    lines = known.shelf.lines(contract, form)
    if lines is None:
        said = " ".join(part for part in (form.name, form.message) if part)
        there = ", ".join(known.shelf.messages(contract))
        at.refuse(
            f"there is no standard mapping from {said} to {name}",
            f"there is one from {there}; {_WRITE}" if form.message else f"name the message in format: one of {there}",
        )
        section.whole = False
    return lines or ()


_WRITE = "say what fills each field, in lines under map:"


def _checks(node: Node | None, language: Language) -> tuple[Expression, ...]:
    if node is None:
        return ()
    if not isinstance(node, Sequence):
        node.refuse("checks are a list", "begin each line with '- '")
        return ()
    checks = []
    for item in node.items:
        if isinstance(item, Scalar) and item.value:
            checks.append(read_expression(item, language))
        else:
            item.refuse("a check is an expression", "write '- count(lines) == CTT01'")
    return tuple(checks)
