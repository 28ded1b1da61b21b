"""What a legacy database is, before anything is declared about it: probe, and a table's content: profile."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from adapters.dialects import ACCESS
from adapters.odbc import OdbcSource
from adapters.profile import ROWS_MAX, SECONDS_MAX, profiled
from adapters.scan import ScanSource, only_scanned
from adapters.survey import surveyed
from gateway.observations import so_many
from gateway.operate.cli.options import workspace_option
from gateway.operate.cli.probeserver import probe_address, probe_connection, tell
from gateway.operate.tables.sources import open_source
from gateway.workspace.loader import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from adapters.conformance import Finding
    from adapters.profile import ColumnProfile, Profile
    from adapters.rights import Report
    from adapters.survey import Advice, Survey

# How the advice is written in an integration's `changes`.
WRITTEN = {
    "log": "log every 1s",
    "diff": "diff every 10m",
    "watermark": "{column} every 30s, deletes nightly 02:00",
    "snapshot": "snapshot every 1h",
}
WORDS = frozenset({"log", "diff", "snapshot"})
"""A column with such a name is written with ``column`` before it."""


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--output`` and ``--option``, and the workspace."""
    command = click.option(
        "--option",
        "-O",
        "chosen",
        multiple=True,
        metavar="NAME=VALUE",
        help="An option of the connection, for a string.",
    )(command)
    form = click.Choice(["text", "json"])
    command = click.option("--output", "-o", type=form, default="text", help="How it is printed.")(command)
    return workspace_option(command)


@click.command()
@click.argument("source")
@click.argument("tables", nargs=-1)
@click.option("--quick", is_flag=True, help="Leave the examination of the driver out, which takes two seconds.")
@output_options
def probe(
    source: str, tables: tuple[str, ...], quick: bool, chosen: tuple[str, ...], output: str, workspace: Path
) -> None:
    """Look at the database, or the partner's server, SOURCE.

    It is a connection of the workspace, an ODBC connection string, or sftp://host:port. Of a server its keys are shown,
    so that one of them can be pinned; of a connection to one also what lies in its folders (default: those that are
    declared), named in the place of TABLES.

    Says who answers and how fast, what the login may do, encodings, times and limits, what the driver gets wrong, and
    how the changes of each of the TABLES (default: all of them) should be followed, and why. Nothing is written to the
    database, and of tables rows are counted at most. Status 1 when it cannot be read, or its login could write.

    \b
    gateway probe erp
    gateway probe 'Driver=SQLite3;Database=legacy/erp.db'
    gateway probe sftp://sftp.acme.example:22
    """  # noqa: D301 - \b keeps the lines as they are (click)
    if source.startswith("sftp://"):
        tell(probe_address(source), output, name="This server")
        return
    if "=" not in source:
        configuration = load(workspace)
        if source in configuration.connections and configuration.connections[source].kind == "sftp":
            tell(probe_connection(workspace, configuration, source, tables), output, name=source)
            return
    with opened(source, chosen, workspace) as database:
        found = surveyed(database, tables, examine=not quick)
    if output == "json":
        _print(asdict(found))
    else:
        name = source if "=" not in source else "This database"
        lines = [*survey_lines(name, found), *(driver_lines(found.findings) if found.findings else [])]
        click.echo("\n".join(lines))


@click.command()
@click.argument("source")
@click.argument("table")
@click.option(
    "--rows", type=click.IntRange(1), default=ROWS_MAX, show_default=True, help="How many rows to read at most."
)
@click.option("--seconds", type=click.FloatRange(0.1), default=SECONDS_MAX, show_default=True, help="How long to read.")
@output_options
def profile(
    source: str, table: str, rows: int, seconds: float, chosen: tuple[str, ...], output: str, workspace: Path
) -> None:
    """Describe what is in a TABLE of SOURCE, column by column, by some of its rows.

    What may be a person's data, by the column's name or by its values, is described without any value of it.

    \b
    gateway profile erp KUNDEN
    """  # noqa: D301 - as above
    with opened(source, chosen, workspace) as database:
        found = profiled(database, table, rows_max=rows, seconds_max=seconds)
    if output == "json":
        _print(asdict(found))
    else:
        for line in profile_lines(found):
            click.echo(line)


@contextmanager
def opened(source: str, chosen: tuple[str, ...], workspace: Path) -> Iterator[OdbcSource | ScanSource]:
    """The source of a connection's name, or of a connection string, which needs no workspace."""
    if "=" in source:
        options = dict(each.partition("=")[::2] for each in chosen)
        database = (ScanSource if only_scanned(source) else OdbcSource)(source, options=options)
    else:
        configuration = load(workspace)
        connection = configuration.connections.get(source)
        if connection is None or connection.kind != "odbc":
            known = sorted(name for name, each in configuration.connections.items() if each.kind == "odbc")
            told = f"there are {', '.join(known)}" if known else "connections.yaml has none"
            raise click.UsageError(f"there is no database {source!r}: {told}; or give a connection string: Driver=…;…")
        database = open_source(workspace, connection)
    try:
        yield database
    finally:
        database.close()


def _print(found: dict[str, Any]) -> None:
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


# ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────────


def survey_lines(name: str, found: Survey) -> Iterator[str]:
    """What was found out about a source."""
    seen = found.capabilities
    yield f"{name}: {seen.product} {seen.version}, dialect {seen.dialect}, driver {seen.driver} {seen.driver_version}"
    measured = "to open it" if seen.dialect == ACCESS.name else "the median of 20 trivial statements"
    yield f"  answers in {found.latency_ms:.2f} ms ({measured})"
    yield f"  cannot write: {seen.read_only}"
    yield from _rights(found.rights)
    yield ""
    yield "Tables, and how to follow their changes"
    for advice in found.tables:
        yield from _advice(advice)
    if found.skipped:
        yield f"  {found.skipped} more were not looked at; name them to have them looked at"
    for hint in found.hints:
        yield f"  hint: {hint}"
    yield ""
    yield "What the server says of itself"
    for fact in found.facts:
        yield f"  {fact.group:<8}  {fact.name}: {'not told to this login' if fact.value is None else fact.value}"


def driver_lines(findings: tuple[Finding, ...]) -> Iterator[str]:
    """What the driver does that the server did not say; what touches us first."""
    met = [each for each in findings if each.severity == "broken"]
    yield ""
    yield f"What the driver gets wrong: {len(findings)}, of which {len(met)} cannot be avoided"
    for each in sorted(findings, key=lambda each: each.severity != "broken"):
        yield f"  {each.severity:<8}{each.code}: {each.about}: {each.expected} expected; it {each.does}"


def _rights(report: Report) -> Iterator[str]:
    writing = [right for right in report.rights if right.writes]
    login = f"login {report.login}" if report.login else "the login"
    if report.unknown:
        yield f"  {login}: its rights cannot be seen: {report.unknown}"
    elif writing:
        some = ", ".join(f"{right.what} on {right.on}" for right in writing[:3])
        yield f"  {login} could write, were it not for the session: {some}{' …' if len(writing) > 3 else ''}"
    else:
        yield f"  {login} may only read"
    if report.accepted and report.writable:
        yield f"  accepted because: {report.accepted}"


def _advice(advice: Advice) -> Iterator[str]:
    if advice.rows is None:
        rows = "an unknown number of rows"
    else:
        rows = f"{'more than ' if advice.more else ''}{so_many(advice.rows, 'rows')}"
    key = f"key {', '.join(advice.key)}" if advice.key else "no key"
    yield f"  {advice.table}: {rows}, {key}"
    yield f"    changes: {_written(advice)}" if advice.strategy else "    changes: not yet"
    yield f"    {advice.why}"


def _written(advice: Advice) -> str:
    column = advice.column or ""
    return WRITTEN[advice.strategy or "diff"].format(column=f"column {column}" if column in WORDS else column)


def profile_lines(found: Profile) -> Iterator[str]:
    """What was found out about a table."""
    if found.whole:
        yield f"{found.table}: {so_many(found.read, 'rows')}, all of them read"
    else:
        rows = "an unknown number of" if found.rows is None else f"{'more than ' if found.more else ''}{found.rows:,}"
        yield f"{found.table}: {rows} rows, {found.read:,} of them read, from both ends of the key"
    yield f"  key: {', '.join(found.key)} ({found.key_why})" if found.key else f"  no key: {found.key_why}"
    if found.grows:
        yield f"  may grow with each change: {', '.join(found.grows)}"
    for column in found.columns:
        yield ""
        yield from _column(column, found.read)


def _column(column: ColumnProfile, read: int) -> Iterator[str]:
    yield f"  {column.name}: {column.native or column.type}{'' if column.nullable else ', never NULL'}"
    counts = [f"{column.distinct:,} different"]
    counts += [f"{column.nulls:,} NULL ({column.nulls / read:.0%})"] if column.nulls else []
    counts += [f"{column.blank:,} blank"] if column.blank else []
    counts += [f"{column.unsuitable:,} not of that type"] if column.unsuitable else []
    if column.type == "text" and column.longest is not None:
        counts.append(
            f"{so_many(column.longest, 'letters')} each"
            if column.shortest == column.longest
            else f"{column.shortest} to {column.longest} letters"
        )
    yield f"    {', '.join(counts)}"
    if column.looks_like:
        yield f"    looks like: {column.looks_like}"
    if column.personal:
        yield "    may be a person's: no value is shown"
    elif column.values:
        yield f"    values: {', '.join(f'{value!r} × {count}' for value, count in column.values)}"
    elif column.minimum is not None:
        yield f"    from {column.minimum!r} to {column.maximum!r}"
    if column.patterns and not column.values:
        yield f"    patterns: {', '.join(f'{shape} × {count}' for shape, count in column.patterns)}"
