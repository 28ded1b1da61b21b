"""The generated parts: a literal table of names, and what makes each from a table of the product."""

from __future__ import annotations

import json
import re
import tempfile
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner

from adapters.dialects import DIALECTS
from edi import findings
from edi.acknowledgments import codes as acknowledgments
from edi.formats import FORMATS
from gateway import observations
from gateway.configuration import Settings
from gateway.normalize import faults
from gateway.normalize.functions import FUNCTIONS
from gateway.observations import Observation
from gateway.operate.cli import gateway as command_line
from gateway.serve.app import _resources
from gateway.serve.problems import PROBLEMS
from gateway.validate import messages
from gateway.workspace import starter
from gateway.workspace.codes import built_in
from gateway.workspace.loader import parse
from gateway.workspace.problems import ConfigurationProblems
from gateway.workspace.registry import SETTINGS
from gateway.workspace.shelf import Shelf
from gateway.workspace.tables import LAYOUTS
from sftp.activity import KINDS
from tests.docs.codes import CONTRACT_REMEDIES, OURS
from tests.docs.findings import finding_page, finding_table
from tests.docs.guides import guide_list, guide_page, segments_page
from tests.docs.markdown import code, fenced, sentence, table
from tests.docs.product import SAMPLES, product
from tests.docs.promises import PROMISES, tests_of
from tests.docs.sessions import format_parsed, session
from tests.gateway.normalize.builders import loop
from tests.gateway.normalize.test_functions import computed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.serve.operations import Operation
    from gateway.workspace.sections import Key

WIDTH = 132
STARTER = Path(starter.__file__).parent / "files"


# ── what the product answers ─────────────────────────────────────────────────────────────────────────────────────────


@cache
def _answers() -> dict[str, Any]:
    """The demo's order, through the whole product."""
    name = "acme-orders.edi"
    with tempfile.TemporaryDirectory() as folder, product(Path(folder)) as gateway:
        gateway.drop("acme", name, (SAMPLES / name).read_bytes())
        return {
            "record": gateway.get("/api/v1/orders/acme~4711"),
            "held": gateway.get("/api/v1/quarantine")["items"][0],
            "log": gateway.log(),
        }


def letter(form: str) -> str:
    """The letter about the demo's price list: text, or csv."""
    name = "globex-prices.csv"
    with tempfile.TemporaryDirectory() as folder, product(Path(folder)) as gateway:
        gateway.drop("globex", name, (SAMPLES / name).read_bytes())
        (delivery,) = (each for each in gateway.get("/api/v1/deliveries")["items"] if each["name"] == name)
        media = {"text": "text/plain", "csv": "text/csv"}[form]
        content = gateway.fetched(f"/api/v1/deliveries/{delivery['id']}/letter", media)
    return fenced(content.decode("utf-8" if form == "text" else "windows-1252").replace("\r\n", "\n").rstrip(), "text")


def shown_json(value: Any, indent: int = 0) -> str:
    """JSON for people: what fits in a line stands in one."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, dict | list):
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {shown_json(each, indent + 2)}" for name, each in value.items()]
    else:
        parts = [shown_json(each, indent + 2) for each in value]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return f"{opened}\n{inner}" + f",\n{inner}".join(parts) + f"\n{' ' * indent}{closed}"


def demo_input(lines: str) -> str:
    """Some lines of the demo's order, ``3-12``."""
    first, _, last = lines.partition("-")
    text = (SAMPLES / "acme-orders.edi").read_text(encoding="ascii").splitlines()
    return fenced("\n".join(text[int(first) - 1 : int(last)]), "text")


def demo_record(_argument: str) -> str:
    """The record of the good order."""
    return fenced(shown_json(_answers()["record"]), "json")


def demo_log(_argument: str) -> str:
    """The lines of the log about that file."""
    return fenced("\n".join(line for line in _answers()["log"] if "acme-orders" in line), "text")


def demo_finding(_argument: str) -> str:
    """The finding of the refused order, without the members that say nothing here."""
    finding = _answers()["held"]["findings"][0]
    return fenced(shown_json({name: value for name, value in finding.items() if value is not None}), "json")


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def keys(name: str) -> str:
    """The keys of one kind of file."""
    layout = next(layout for layout in LAYOUTS if layout.name == name)
    rows = list(_key_rows(layout.keys, "", name))
    later = [f"`{key.name}`" for key in layout.keys if key.later]
    shown = table(("key", "kind of value", "what it says", "example"), rows)
    if later:
        shown += f"\n\nKnown, and refused until a later version: {', '.join(later)}."
    return shown


def _key_rows(keys_: tuple[Key, ...], prefix: str, layout: str) -> Iterable[tuple[str, ...]]:
    for key in keys_:
        if key.later:
            continue
        must = " (required)" if key.required else _default(key.name) if layout == "gateway" and not prefix else ""
        yield f"`{prefix}{key.name}`", key.kind.name, f"{key.about}{must}", code(key.example)
        yield from _key_rows(key.keys, f"{prefix}{key.name}.", layout)


def _default(name: str) -> str:
    """The default of a setting, in the words of the file."""
    if name not in SETTINGS:
        return ""
    value = getattr(Settings(), SETTINGS[name])
    if value is None or value == ():
        return ""
    if isinstance(value, float):
        said = f"{value:g}s" if value % 60 or value < 120 else f"{value / 60:g}m"
    elif name.endswith("_max"):
        said = next(f"{value // size} {unit}" for unit, size in (("GiB", 2**30), ("MiB", 2**20)) if value >= size)
    else:
        said = str(value)
    return f" (default `{said}`)"


def functions(group: str) -> str:
    """The functions of one group, each with what its example gives."""
    rows = []
    for function in FUNCTIONS.values():
        if function.group != group:
            continue
        content, format_name = (loop("PO1*1*2*EA*3**VP*SKU"), "x12") if function.name == "pair" else (None, "jsonl")
        value, found = computed(function.example, content, format_name)
        assert not found, function.name
        about = function.about if function.null == "null passes through" else f"{function.about} Null: {function.null}."
        rows.append((code(function.signature), about, code(function.example), code(_value(value))))
    return table(("function", "what it gives", "example", "result"), rows)


def _value(value: Any) -> str:
    """A result as JSON has it."""
    if isinstance(value, bool | int) or value is None:
        return json.dumps(value)
    text = value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
    return json.dumps(text, ensure_ascii=False)


def format_spec(name: str) -> str:
    """What a format's reader says about itself."""
    spec = FORMATS[name].spec
    parts = [spec.summary.rstrip(".") + ".", "\n".join(f"- {line}" for line in spec.guarantees)]
    if spec.options:
        rows = [(f"`{each.name}`", code(each.default) or "none", each.about) for each in spec.options]
        options = table(("option", "default", "what it says"), rows)
        parts.append(f"Options, written behind the format as `name=value`:\n\n{options}")
    parts.append("A file that it reads:\n\n" + fenced(spec.example, "text"))
    return "\n\n".join(parts)


def format_writing(name: str) -> str:
    """The options of a format's writer."""
    rows = [(f"`{each.name}`", code(each.default) or "none", each.about) for each in FORMATS[name].spec.writes]
    return table(("option", "default", "what it says"), rows)


def finding_codes(prefix: str) -> str:
    """A section for each code that begins so."""
    parts = []
    for name, (title, remedy, severity) in all_codes().items():
        if name.partition(".")[0] == prefix:
            parts.append(f"### {name}\n\n{sentence(title)} *{severity}*\n\n{remedy}")
    return "\n\n".join(parts)


@cache
def all_codes() -> dict[str, tuple[str, str, str]]:
    """Every code of a finding: title, remedy, severity."""
    shared = {**findings.CODES, **faults.CODES}
    known = {name: (each.title, each.remedy, str(each.severity)) for name, each in shared.items()}
    known |= {name: (title, CONTRACT_REMEDIES[name], "error") for name, title in messages.CODES.items()}
    return known | OURS


def acknowledgment_codes(which: str) -> str:
    """How each finding is told to partners (told), which of several codes is (choices), and what is not (not_told)."""
    if which == "choices":
        return "\n".join(f"- `{codes}`: {when}" for codes, when in acknowledgments.CHOICES.items())
    if which == "not_told":
        return "\n".join(f"- `{name}`: {reason}" for name, reason in acknowledgments.NOT_TOLD.items())
    head = ("finding", "TA105", "AK905", "AK502, IK502", "AK304, IK304", "AK403, IK403")
    rows = [(f"`{name}`", *row) for name, row in acknowledgments.TABLE.items()]
    return table((*head, "UCI", "UCF", "UCM", "UCS", "UCD"), rows)


def problems(_argument: str) -> str:
    """Every problem of the API."""
    rows = [(f"`{name}`", str(kind.status), kind.title, kind.remedy) for name, kind in PROBLEMS.items()]
    return table(("code", "status", "what happened", "what to do"), rows)


def routes(_argument: str) -> str:
    """Every route of the API."""
    rows = [
        (each.method, code(each.path), _scope(each), each.summary)
        for each in chain.from_iterable(_resources("0").values())
        if each.documented
    ]
    return table(("method", "path", "scope", "what it does"), rows)


def _scope(operation: Operation) -> str:
    if operation.access != "key":
        return "no key"
    if operation.scope:
        return f"`{operation.scope}`"
    return "`{collection}:read`" + (" or `types:read`" if "/types" in operation.path else "")


def commands(_argument: str) -> str:
    """Every command with its options."""
    return "\n\n".join(_command(f"gateway {name}", each) for name, each in all_commands().items())


def all_commands() -> dict[str, click.Command]:
    """The commands of the command line, by name."""
    context = click.Context(command_line)
    found = {name: command_line.get_command(context, name) for name in command_line.list_commands(context)}
    return {name: each for name, each in found.items() if each is not None}


def _command(name: str, command: click.Command) -> str:
    if isinstance(command, click.Group):
        return "\n\n".join(_command(f"{name} {sub}", each) for sub, each in command.commands.items())
    words = [name]
    rows = []
    for each in command.params:
        if isinstance(each, click.Argument):
            words.append(each.human_readable_name if each.required else f"[{each.human_readable_name}]")
        elif isinstance(each, click.Option) and not each.hidden and "--help" not in each.opts:
            rows.append((f"`{', '.join(each.opts)}`", sentence(each.help or "")))
    about = re.split(r"\x08|\\b", command.help or "")[0].split("\n\n")
    parts = [f"### {name}", f"`{' '.join(words)}`", *(" ".join(part.split()) for part in about if part.strip())]
    return "\n\n".join([*parts, *([table(("option", "what it does"), rows)] if rows else [])])


def events(_argument: str) -> str:
    """Every event of the log."""
    ours = [each for each in vars(observations).values() if isinstance(each, Observation)]
    return table(("event", "level", "line"), [(f"`{each.event}`", each.level, code(each.line)) for each in ours])


def sftp_events(_argument: str) -> str:
    """What the SFTP server and the collector tell."""
    return table(("event", "what happened"), [(f"`{name}`", about) for name, about in KINDS.items()])


def starter_check(_argument: str) -> str:
    """What `gateway check` says of the starting workspace."""
    with tempfile.TemporaryDirectory() as folder:
        starter.write(Path(folder) / "shop")
        said = CliRunner().invoke(command_line, ["check", str(Path(folder) / "shop")]).output
    return fenced(said.replace(f"{folder}/", ""), "text")


def problem_example(_argument: str) -> str:
    """What `gateway check` says of two slips in the starting workspace."""
    files_ = {name: (STARTER / name).read_text(encoding="utf-8") for name in starter.FILES if not name.endswith(".txt")}
    slips = {
        "partners/acme.yaml": ("identifiers:", "identifers:"),
        "integrations/acme-orders.yaml": ("PO103 | code(units)", "PO103 | code(unit)"),
    }
    for name, (right, wrong) in slips.items():
        files_[name] = files_[name].replace(right, wrong)
    try:
        parse(files_)
    except ConfigurationProblems as found:
        return fenced(found.message, "text")
    raise AssertionError("the slips were not noticed")


def standard_contracts(_argument: str) -> str:
    """The contracts that are shipped, and the messages that fill them."""
    shelf = Shelf({})
    rows = []
    for name in shelf.contracts():
        contract = shelf.contract(name, (*built_in(), *shelf.codes), "")
        assert contract is not None
        by_format: dict[str, list[str]] = {"x12": [], "edifact": [], "xml": []}
        for message in shelf.messages(contract):
            format_name, _, code_ = message.partition(" ")
            by_format[format_name].append(code_.removeprefix("ubl:"))
        key = ", ".join(contract.key) + (" per partner" if contract.per_partner else "")
        rows.append((f"`{name}`", contract.about, f"`{key}`", *(", ".join(each) for each in by_format.values())))
    return table(("contract", "what it is", "key", "X12", "EDIFACT", "UBL"), rows)


def eight_lines(_argument: str) -> str:
    """The integration of the starting workspace, without what it lays over the standard mapping."""
    text = (STARTER / "integrations" / "acme-orders.yaml").read_text(encoding="utf-8")
    lines = [line.partition("  #")[0].rstrip() for line in text.partition("# Lines under")[0].splitlines()]
    return fenced("\n".join(line for line in lines if line and not line.startswith("#")), "yaml")


def promises(_argument: str) -> str:
    """Every promise with the files of the tests that hold us to it; those that do not bear its name by theirs."""
    rows = []
    for name, (said, others) in PROMISES.items():
        lines = []
        for path, tests in tests_of(name).items():
            named = [test for test in tests if test not in others]
            shown = [f"`test_{name}_…`"] if named else []
            shown += [f"`{test}`" for test in tests if test in others]
            lines.append(f"`{path}`: {', '.join(shown)}")
        rows.append((f"**{name}** {said}", "<br>".join(lines)))
    return table(("promise", "tested in"), rows)


def dialects(_argument: str) -> str:
    """The databases that are known."""
    rows = [
        (
            f"`{each.name}`",
            ", ".join(each.products),
            f"`{each.package}`" if each.package else "its maker's",
            "a real server" if each.tested else "files, as they are read" if each.scan else "the SQL it is sent",
        )
        for each in DIALECTS
    ]
    return table(("dialect", "databases", "Debian package of the ODBC driver", "tested with"), rows)


BLOCKS: dict[str, Callable[[str], str]] = {
    "demo_input": demo_input,
    "demo_record": demo_record,
    "demo_log": demo_log,
    "demo_finding": demo_finding,
    "letter": letter,
    "keys": keys,
    "functions": functions,
    "format_spec": format_spec,
    "format_parsed": format_parsed,
    "format_writing": format_writing,
    "finding_codes": finding_codes,
    "finding_page": finding_page,
    "finding_table": finding_table,
    "guide_list": guide_list,
    "guide_page": guide_page,
    "segments_page": segments_page,
    "session": session,
    "acknowledgment_codes": acknowledgment_codes,
    "problems": problems,
    "routes": routes,
    "commands": commands,
    "events": events,
    "sftp_events": sftp_events,
    "dialects": dialects,
    "problem_example": problem_example,
    "standard_contracts": standard_contracts,
    "eight_lines": eight_lines,
    "starter_check": starter_check,
    "promises": promises,
}
"""Name → what makes the part from its argument."""
