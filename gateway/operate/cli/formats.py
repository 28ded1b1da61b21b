"""Files by themselves, without a workspace: parse, write, guide."""

from __future__ import annotations

import json
import sys
import time
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, get_args

import click
import orjson

from edi import excerpts
from edi.acknowledgments import Kind, acknowledge
from edi.findings import Finding, Severity
from edi.formats import FORMATS
from edi.model import Document, Envelope
from edi.plain import document_of, plain, plain_finding
from edi.segmented import guides
from edi.segmented.guides import drawing
from edi.segmented.walk.events import Opened
from edi.writing import Unwritable
from gateway.operate import wiring
from gateway.operate.reading import Seen, Source, guessed, kind_of, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edi.segmented.guides import Guide
    from gateway.operate.reading import Item

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_FIRST_INDUSTRY_RELEASE = "005010X"
_NEWEST = "999999"
"""The guide nearest to this version is the newest one."""
_ANSWERS = {"x12": ("auto", "TA1", "997", "999"), "edifact": ("auto", "CONTRL")}
"""Format → what can be asked for as --ack."""
_STANDARDS = {"ISA": "x12", "UNB": "edifact"}

file_argument = click.argument("file", type=click.File("rb"), default="-")


@click.command()
@file_argument
@click.option("--format", "-f", "declared", help="What the file is: 'x12', 'csv ; header'. Guessed if it is not said.")
@click.option("--guide", type=click.File("r"), help="A guide of your own for X12 or EDIFACT, a TOML file.")
@click.option("--layout", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What layout= names.")
@click.option("--named", is_flag=True, help="Elements and columns by their names: BEG03, not row[3].")
@click.option("--summary", is_flag=True, help="Only how much there is of what.")
@click.option("--findings", "only_findings", is_flag=True, help="Only the findings, on standard output.")
@click.option(
    "--ack",
    type=click.Choice(["auto", *get_args(Kind)]),
    is_flag=False,
    flag_value="auto",
    help="Only the acknowledgment; auto: 997 or 999, and TA1 if it is asked for; CONTRL.",
)
@click.option(
    "--control-number",
    type=click.IntRange(1, 999_999_999),
    default=1,
    show_default=True,
    help="The first of the acknowledgments.",
)
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How findings are printed.")
@click.pass_context
def parse(
    ctx: click.Context,
    file: IO[bytes],
    declared: str | None,
    guide: IO[str] | None,
    layout: Path | None,
    named: bool,
    summary: bool,
    only_findings: bool,
    ack: str | None,
    control_number: int,
    output: str,
) -> None:
    """Read FILE (or a pipe): documents as JSON lines, and on standard error what is wrong with it.

    \b
    gateway parse order.edi                    documents and findings
    gateway parse order.edi --findings         what is wrong, where, and what to do
    gateway parse prices.csv -f 'csv ; windows-1252 header' --named
    gateway parse claims.edi --summary
    gateway parse order.edi --ack 997 > answer.edi
    zcat orders.edi.gz | gateway parse | jq .content

    The exit status is 0 without errors, 1 with some, 2 for wrong usage.
    """  # noqa: D301 - \b keeps the lines as they are (click)
    if sum(map(bool, (summary, only_findings, ack))) > 1:
        raise click.UsageError("one of --summary, --findings and --ack is enough")
    source = Source(file)
    began = time.monotonic()
    try:
        name, items = _items(source, declared, guide, layout)
        if ack and ack not in _ANSWERS.get(name, ()):
            raise click.UsageError(f"--ack {ack} answers no file of {name}; {_answers_of(name)}")
        seen = Seen()
        shown = _Findings(source, to_standard_output=only_findings, is_json=output == "json", is_silent=summary)
        if ack:
            _answer(_counted(items, seen, shown), ack, control_number)
        else:
            for item in _counted(items, seen, shown):
                if isinstance(item, Document) and not (summary or only_findings):
                    sys.stdout.buffer.write(orjson.dumps(plain(item, named=named), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
    finally:
        source.close()
    if summary:
        _summarize(file.name, source.size, time.monotonic() - began, seen)
    ctx.exit(1 if seen.has_errors else 0)


def _items(
    source: Source, declared: str | None, guide: IO[str] | None, layout: Path | None
) -> tuple[str, Iterator[Item]]:
    """The format of the file, and what is in it."""
    chunks = source.chunks()
    if declared is None:
        name, chunks = guessed(chunks)
        if name is None and not source.size:
            raise click.UsageError("the file has no bytes, so that nothing can be guessed from it")
        if name is None:
            raise click.UsageError(f"the file looks like nothing that is known; say what it is: --format {_known()}")
        declared = name
    form = declared.split()[0] if declared.split() else declared
    try:
        texts = {name: layout.read_text("utf-8") for name in (layout.stem, layout.name)} if layout else {}
        given = {"guide": guide.read()} if guide else {}
        return form, read(declared, chunks, texts, given)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None


def _known() -> str:
    return ", ".join(FORMATS)


def _answers_of(form: str) -> str:
    kinds = [kind for kind in _ANSWERS.get(form, ()) if kind != "auto"]
    return f"it is answered with {', '.join(kinds)}" if kinds else "only X12 and EDIFACT have acknowledgments"


def _counted(items: Iterable[Item], seen: Seen, shown: _Findings) -> Iterator[Item]:
    """The items, each after it was counted and its findings were shown."""
    for item in items:
        if isinstance(item, Document):
            shown.envelope = item.envelope
        elif isinstance(item, Opened) and item.row[0] in _STANDARDS:
            shown.envelope = Envelope(_STANDARDS[item.row[0]], delimiters=item.delimiters)
        if isinstance(item, (Document, Finding)):
            for finding in seen.take(item):
                shown.show(finding)
        yield item


class _Findings:
    """Shows findings, one after the other."""

    def __init__(self, source: Source, *, to_standard_output: bool, is_json: bool, is_silent: bool) -> None:
        self.source = source
        self.is_error_stream = not to_standard_output
        self.is_json = is_json
        self.is_silent = is_silent
        self.envelope: Envelope | None = None
        """What stands around the place that is read: it says which characters end a line."""

    def show(self, finding: Finding) -> None:
        """Print a finding, unless it is only counted."""
        if self.is_silent:
            return
        if self.is_json:
            click.echo(json.dumps(plain_finding(finding), ensure_ascii=False), err=self.is_error_stream)
            return
        first, *rest = excerpts.told(finding, self.envelope, self.source.part)
        click.secho(first, fg=_COLOURS[finding.severity], err=self.is_error_stream)
        click.echo("\n".join(rest) + "\n", err=self.is_error_stream)


def _answer(items: Iterator[Item], ack: str, first: int) -> None:
    """Write the acknowledgments of a file to standard output."""
    before: list[Item] = []
    for item in items:
        before.append(item)
        if isinstance(item, Document) or (isinstance(item, Opened) and item.kind == "group"):
            break
    kinds = {ack} if ack != "auto" else _kinds(before)

    def again() -> Iterator[Any]:
        yield from before
        yield from items

    for answer in acknowledge(again(), kinds=kinds, numbers=count(first), now=wiring.utc_now()):  # type: ignore[arg-type]
        sys.stdout.buffer.write(answer.content)


def _kinds(items: Iterable[Item]) -> set[str]:
    """What is answered to a file that begins so: the sender says in ISA14 whether he wants a TA1."""
    kinds = set()
    for item in items:
        if isinstance(item, Opened) and item.row[0] == "UNB":
            kinds.add("CONTRL")
        elif isinstance(item, Opened) and item.row[0] == "ISA" and len(item.row) > 14 and item.row[14] == "1":
            kinds.add("TA1")
        elif isinstance(item, Opened) and item.row[0] == "GS":
            version = item.row[8] if len(item.row) > 8 else ""
            kinds.add("999" if str(version).startswith(_FIRST_INDUSTRY_RELEASE) else "997")
    return kinds or {"TA1", "CONTRL"}


def _summarize(name: str, size: int, seconds: float, seen: Seen) -> None:
    click.echo(f"{name}: {size:,} bytes in {seconds:.2f} s ({size / 1e6 / max(seconds, 1e-9):.1f} MB/s)")
    for kind, number in seen.documents.items():
        form, message, version, sender, receiver = kind
        what = " ".join(filter(None, (form, version, message)))
        way = f" from {sender} to {receiver}" if sender or receiver else ""
        wrong = f", {seen.wrong[kind]:,} of them with errors" if seen.wrong[kind] else ""
        click.echo(f"  {what}{way}: {number:,} document{'' if number == 1 else 's'}{wrong}")
    for (severity, code), number in sorted(seen.findings.items(), key=lambda found: (found[0][0], -found[1])):
        click.echo(f"  {severity.value:<8} {code:<28} {number:,}")


@click.command()
@file_argument
@click.option("--option", "-O", "options", multiple=True, metavar="NAME=VALUE", help="An option of the writer.")
def write(file: IO[bytes], options: tuple[str, ...]) -> None:
    """Write documents, as JSON lines of `gateway parse`, as a file of their format to standard output.

    \b
    gateway parse order.edi | gateway write > again.edi
    gateway parse order.edi | gateway write -O line_end=lf -O time=2026-01-02T10:10
    gateway parse prices.csv | gateway write -O delimiter=tab
    """  # noqa: D301 - as above
    documents = _documents(file)
    first = next(documents, None)
    if first is None:
        raise click.UsageError("there is no document; pipe the lines that gateway parse prints")
    name = kind_of(first.envelope)[0]
    if name not in FORMATS:
        raise click.UsageError(f"the format of the first document is {name!r}; it is one of {_known()}")
    given = {key: value for key, _, value in (option.partition("=") for option in options)}
    if any(option.name == "time" for option in FORMATS[name].spec.writes):
        given.setdefault("time", wiring.utc_now().strftime("%Y-%m-%dT%H:%M"))

    def again() -> Iterator[Document]:
        yield first
        yield from documents

    try:
        for piece in FORMATS[name].write(again(), given):
            sys.stdout.buffer.write(piece)
    except Unwritable as wrong:
        raise click.ClickException(str(wrong)) from None
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    sys.stdout.buffer.flush()


def _documents(file: IO[bytes]) -> Iterator[Document]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield document_of(json.loads(line))
            except ValueError as wrong:
                raise click.UsageError(f"line {number} is no document: {wrong}") from None


@click.command()
@click.argument("names", nargs=-1)
def guide(names: tuple[str, ...]) -> None:
    """Print a guide as a tree, or what one of its segments holds; without NAMES, which guides there are.

    \b
    gateway guide                      the list
    gateway guide 850                  the structure of the newest one
    gateway guide 004010 850           that of a version
    gateway guide D96A ORDERS LIN      what LIN holds: elements, codes, notes
    """  # noqa: D301 - as above
    if not names:
        for standard in ("x12", "edifact"):
            for message, versions in sorted(guides.available(standard).items()):
                label = _guide(standard, message, None).label
                click.echo(f"{standard:<8} {message:<7} {label:<40} {' '.join(sorted(versions))}")
        return
    known = {standard: guides.available(standard) for standard in ("x12", "edifact")}
    found = [(standard, name) for name in names for standard, messages in known.items() if name in messages]
    if not found:
        raise click.UsageError(f"there is no guide for {names[-1]}; gateway guide lists all of them")
    standard, message = found[0]
    versions = sorted(known[standard][message])
    rest = [name for name in names if name != message]
    wanted = next((name for name in rest if name in versions), None)
    chosen = _guide(standard, message, wanted)
    segments = [name for name in rest if name != wanted]
    try:
        lines = [line for name in segments for line in drawing.segment(chosen, name)] or drawing.drawn(chosen)
        click.echo("\n".join(lines))
    except ValueError as wrong:
        others = "" if wanted in rest else f"; the versions are {', '.join(versions)}"
        raise click.UsageError(f"{wrong}{others}") from None


def _guide(standard: str, message: str, version: str | None) -> Guide:
    """The guide of a version, or the newest of a release."""
    newest = guides.find(standard, message, _NEWEST) if version is None else None
    return newest or guides.load(standard, message, version or guides.available(standard)[message][0])
