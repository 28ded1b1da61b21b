"""What is held: looked at in groups, judged again, corrected, given up."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli import repair
from gateway.operate.cli.options import decision_options, who_option, workspace_option
from gateway.operate.names import must_be_known
from gateway.repair import held
from gateway.repair.held import Change
from gateway.repair.rules import judged_by
from gateway.store import groups
from gateway.store import quarantine as store
from gateway.telling import where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gateway.integrations import Accept
    from gateway.model import Finding
    from gateway.operate.wiring import Gateway
    from gateway.store.quarantine import HeldDocument
    from gateway.store.retries import Marked

_SHOWN_BYTES = 2_000


def group_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--integration``, ``--code``, ``--value``, ``--delivery``: which held documents are meant."""
    for name, about in (
        ("--delivery", "Only of this delivery; the beginning of its id is enough."),
        ("--value", "Only with a finding that quotes this value."),
        ("--code", "Only with a finding of this code."),
        ("--integration", "Only of this integration."),
    ):
        command = click.option(name, help=about)(command)
    return command


@click.group(invoke_without_command=True)
@workspace_option
@click.pass_context
def quarantine(context: click.Context, workspace: Path) -> None:
    """Show what is held, by code, integration and value; with a command, do something about it."""
    if context.invoked_subcommand is not None:
        return
    with opened(workspace) as gateway, gateway.database.read() as connection:
        found = groups.groups(connection, limit=200)
    if not found:
        click.echo("Nothing is held.")
    for each in found:
        rows, files = f"{each.documents} document{_s(each.documents)}", f"{each.deliveries} file{_s(each.deliveries)}"
        value = f" {each.value!r}" if each.value is not None else ""
        click.echo(f"{each.code}  {each.integration or 'no integration'}{value}: {rows} in {files}")
        click.echo(f"    {each.message}\n    {each.remedy}\n    for example {each.example}")


@quarantine.command(name="list")
@group_options
@click.option("--limit", "-n", default=100, show_default=True, type=click.IntRange(1), help="So many at most.")
@workspace_option
def list_held(
    integration: str | None, code: str | None, value: str | None, delivery: str | None, limit: int, workspace: Path
) -> None:
    """List held documents, each with its first finding."""
    with opened(workspace) as gateway:
        must_be_known(gateway, integration=integration)
        of = repair.known(gateway, delivery).id if delivery is not None else None
        with gateway.database.read() as connection:
            found = store.page(connection, integration=integration, code=code, value=value, delivery_id=of, limit=limit)
    if not found:
        click.echo("Nothing of the kind is held.", err=True)
    for each in found:
        first = f"{where(each.findings[0])}: {each.findings[0].message}" if each.findings else ""
        click.echo(f"{each.id}  {each.name} {_number(each)}  {first}")


@quarantine.command()
@click.argument("document_id", metavar="DOCUMENT")
@workspace_option
def show(document_id: str, workspace: Path) -> None:
    """Show a held DOCUMENT: its bytes, and each finding with its place, its rule, what was expected, and what to do."""
    with opened(workspace) as gateway:
        document = known(gateway, document_id)
        text, correction = held.as_it_stands(gateway.database, gateway.vault, document)
        routes = gateway.in_force.of(document.revision or "")
        encoding = held.encoding_of(routes, document)
        click.echo(f"{document.id}  {document.state}  {document.integration or 'no integration'}")
        click.echo(
            f"{document.name}, {_number(document)}, bytes {document.start} to {document.end}, {document.delivery}"
        )
        if correction is not None:
            click.echo(f"corrected by {correction.who}: {correction.reason}")
        click.echo(text[:_SHOWN_BYTES].decode(encoding, "replace") + ("…" if len(text) > _SHOWN_BYTES else ""))
        for number, finding in enumerate(document.findings, 1):
            configuration, flow = routes.configuration if routes else None, document.integration
            judged = judged_by(configuration, flow, finding.target, finding.code, finding.value)
            click.echo(f"\n{number}. {finding.code}  {_place(finding)}\n   {finding.message}")
            if judged.rule is not None:
                click.echo(f"   rule      {judged.rule}    {judged.place}")
            if judged.expected is not None:
                click.echo(f"   expected  {judged.expected}")
            click.echo(f"   to do     {finding.remedy}")


@quarantine.command()
@click.argument("document_ids", metavar="[DOCUMENT]...", nargs=-1)
@group_options
@click.option("--all", "everything", is_flag=True, help="Everything that is held.")
@who_option
@workspace_option
def retry(
    document_ids: tuple[str, ...],
    integration: str | None,
    code: str | None,
    value: str | None,
    delivery: str | None,
    everything: bool,
    who: str,
    workspace: Path,
) -> None:
    """Have documents judged again by a worker, with the revision in force: some by their ids, a group, or all.

    A group never takes the good documents of a file that is held as a whole: all of the file is judged again, and taken
    or held. Where the integration says accept: file, that holds for single documents as well.
    """
    group = {"integration": integration, "code": code, "value": value, "delivery_id": delivery}
    group = {name: said for name, said in group.items() if said is not None}
    if bool(document_ids) + bool(group) + everything != 1:
        raise click.UsageError("name documents, or a group by its options, or --all")
    with opened(workspace) as gateway:
        if document_ids:
            documents = [known(gateway, each) for each in document_ids]
            for document in documents:  # before any of them is marked
                if document.state not in store.OPEN:
                    raise held.not_held(document)
            ids = [each.id for each in documents]
            marked = held.retry(gateway.database, ids, who=who, accepts=_accepts(gateway))
        else:
            must_be_known(gateway, integration=integration)
            if delivery is not None:
                group["delivery_id"] = repair.known(gateway, delivery).id
            marked = held.retry_group(gateway.database, who=who, accepts=_accepts(gateway), **group)
    if not marked.documents:
        click.echo("Nothing of the kind is held, so that nothing will be judged again.", err=True)
        return
    click.echo(f"{marked.documents} document{_s(marked.documents)} will be judged again")
    _tell_of_wholes(marked)


@quarantine.command()
@click.argument("document_id", metavar="DOCUMENT")
@click.option(
    "--finding", "-f", "number", type=click.IntRange(1), help="Which finding's value is replaced; show numbers them."
)
@click.option("--value", help="What shall stand in the place of that value, as the file writes it.")
@click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), help="The whole document; - is a pipe."
)
@decision_options
@workspace_option
def correct(
    document_id: str,
    number: int | None,
    value: str | None,
    file: str | None,
    who: str,
    reason: str,
    workspace: Path,
) -> None:
    """Correct a held DOCUMENT beside its raw bytes, and have it judged again: one value, or the whole of it.

    \b
    gateway quarantine correct doc_01m7 --finding 1 --value 12.50 -r 'agreed on the phone'
    gateway quarantine correct doc_01m7 --file corrected.txt -r 'sent by mail'
    """  # noqa: D301 - \b keeps the lines as they are (click)
    if (value is None) == (file is None):
        raise click.UsageError("give --value, or --file")
    with opened(workspace) as gateway:
        document = known(gateway, document_id)
        held.refuse_uncorrectable(document)
        if file is not None:
            text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        else:
            encoding = held.encoding_of(gateway.in_force.of(document.revision or ""), document)
            finding = _chosen(document, number)
            before, _ = held.as_it_stands(gateway.database, gateway.vault, document)
            _refuse_no_value(document, finding)
            change = Change(finding.start or 0, finding.end or 0, str(value).encode(encoding))
            text = held.changed(before, document, [change])
        marked = held.correct(
            gateway.database, gateway.vault, document, text, who=who, reason=reason, accepts=_accepts(gateway)
        )
    click.echo(f"{document.id} is corrected and will be judged again")
    _tell_of_wholes(marked)


@quarantine.command()
@click.argument("document_ids", metavar="DOCUMENT...", nargs=-1, required=True)
@decision_options
@workspace_option
def discard(document_ids: tuple[str, ...], who: str, reason: str, workspace: Path) -> None:
    """Give each held DOCUMENT up. Its bytes stay, and who gave it up, and why."""
    with opened(workspace) as gateway:
        for document in [known(gateway, each) for each in document_ids]:
            held.discard(gateway.database, document, who=who, reason=reason)
            click.echo(f"{document.id} is discarded")


@contextmanager
def opened(workspace: Path) -> Iterator[Gateway]:
    """The gateway of a workspace, closed afterwards."""
    gateway = wiring.open_gateway(workspace)
    try:
        yield gateway
    finally:
        gateway.close()


def known(gateway: Gateway, document_id: str) -> HeldDocument:
    """The held document with this id, or with the only id that starts so.

    Raises:
        click.ClickException: there is none, or there are several.
    """
    try:
        with gateway.database.read() as connection:
            found = store.get(connection, document_id)
    except LookupError as several:
        raise click.ClickException(str(several)) from several
    if found is None:
        raise click.ClickException(f"there is no held document {document_id!r}; gateway quarantine list shows them")
    return found


def _accepts(gateway: Gateway) -> dict[str, Accept]:
    return held.policies(gateway.in_force.configuration())


def _tell_of_wholes(marked: Marked) -> None:
    """Of which deliveries more is judged again than was asked for, and why."""
    for each in marked.together:
        why = f"it was held as a whole ({each.code})" if each.code else "accept: judges its file as a whole"
        click.echo(f"    all {each.documents} of {each.name} ({each.delivery}) together: {why}")
    if len(marked.together) == held.TOGETHER_TOLD_MAX:
        click.echo("    …")


def _chosen(document: HeldDocument, number: int | None) -> Finding:
    """The finding that is meant: the only one that quotes a value, unless it is numbered."""
    quoting = [each for each in document.findings if each.value is not None and each.start is not None]
    if number is None and len(quoting) == 1:
        return quoting[0]
    if number is None and not quoting:
        raise click.ClickException(f"no finding of {document.id} quotes a value that could be replaced; {_WHOLE}")
    if number is None or number > len(document.findings):
        raise click.UsageError(
            f"--finding is a number from 1 to {len(document.findings)}; quarantine show numbers them"
        )
    return document.findings[number - 1]


_WHOLE = "give the whole document as it should be with --file; gateway quarantine show prints it"


def _refuse_no_value(document: HeldDocument, finding: Finding) -> None:
    """A value can be put in the place of a value, or into one that is known and empty; not over a whole document."""
    empty = finding.target is not None and finding.start is not None and finding.start == finding.end
    if finding.value is None and not empty:
        number = document.findings.index(finding) + 1
        raise click.ClickException(
            f"finding {number} of {document.id} is about no single value, so that --value has no place: "
            f"{finding.message}; {_WHOLE}"
        )


def _place(finding: Finding) -> str:
    span = f", bytes {finding.start} to {finding.end}" if finding.start is not None else ""
    return f"{where(finding)}{span}" + (f"  {finding.value!r}" if finding.value is not None else "")


def _number(document: HeldDocument) -> str:
    return f"document {document.label}" if document.number else "the file as a whole"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
