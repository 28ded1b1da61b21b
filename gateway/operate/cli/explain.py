"""Why a record has its values: explain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import workspace_option
from gateway.repair.evidence import Explainer, Spot
from gateway.serve.answers import said
from gateway.serve.resources.evidence import evidence_said, pointer_of
from gateway.store import records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from gateway.configuration import Configuration
    from gateway.contracts import Contract
    from gateway.repair.evidence import Evidence, FieldEvidence, Original

_CHARACTERS_SHOWN = 120


@click.command()
@click.argument("type_name", metavar="TYPE")
@click.argument("key")
@click.argument("field", required=False, default="")
@click.option("--change", type=click.IntRange(0), help="As it stood after that change, not as it stands now.")
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How it is printed.")
@workspace_option
def explain(type_name: str, key: str, field: str, change: int | None, output: str, workspace: Path) -> None:
    """Show where the record KEY of a TYPE has its values from, or the value of one FIELD.

    The line of the mapping, the revision, the very bytes, the file and who sent it; and the values before.

    \b
    gateway explain order acme~4711
    gateway explain order acme~4711 lines.0.price
    """  # noqa: D301 - \b keeps the lines as they are (click)
    gateway = wiring.open_gateway(workspace)
    try:
        contract = _contract(gateway.in_force.configuration(), type_name)
        with gateway.database.read() as connection:
            at = records.point(connection, contract, asked=change) if change is not None else None
        explainer = Explainer(gateway.database, gateway.vault, gateway.in_force.of)
        evidence = explainer.explain(contract, key, field=pointer_of(field), at=at)
    finally:
        gateway.close()
    if evidence is None:
        raise click.ClickException(f"there is no record {key!r} of {contract.id}; its history may tell of one")
    if not evidence.fields:
        raise click.ClickException(f"the record {key!r} has no value at {field!r}")
    if output == "json":
        click.echo(json.dumps(json.loads(said(evidence_said(evidence))), indent=2, ensure_ascii=False))
        return
    for line in _lines(evidence):
        click.echo(line)


def _contract(configuration: Configuration, name: str) -> Contract:
    """The newest contract of that name, or of that collection; ``order.v1`` names an older one."""
    known = sorted(configuration.contracts.values(), key=lambda each: each.version)
    found = [each for each in known if name in (each.name, each.collection, each.id)]
    if not found:
        raise click.UsageError(f"there is no type {name!r}; known are {', '.join(each.name for each in known)}")
    return found[-1]


def _lines(evidence: Evidence) -> Iterator[str]:
    version, delivery = evidence.version, evidence.delivery
    yield f"{evidence.contract} {evidence.key}  version {version.version}, change {version.seq}, {_time(version.at)}"
    sender = f"{delivery.partner} ({delivery.source})" if delivery.partner else delivery.source
    yield f"  {delivery.name}  {delivery.size:,} bytes from {sender}, {_time(delivery.received_at)}"
    yield f"  {delivery.id}  sha256 {delivery.sha256}"
    origin, member = evidence.part.origin, f" of {evidence.part.member}" if evidence.part.member else ""
    yield f"  document {version.document - origin}{member}, bytes {evidence.span[0]} to {evidence.span[1]}"
    yield f"  {evidence.integration}, revision {evidence.revision or 'not known'}"
    correction = evidence.correction
    if correction is not None:
        yield f"  corrected by {correction.who}, {_time(correction.at)}: {correction.reason}"
        yield f"  its values come from the correction, {correction.size:,} bytes, sha256 {correction.sha256}"
    for each in evidence.put_right:
        yield f"  puts right document {each.document} of {each.name} ({each.delivery}), which was held"
    if evidence.purged is not None:
        yield f"  {evidence.purged}"
    for field in evidence.fields:
        yield from _field_lines(field, corrected=correction is not None, purged=evidence.purged is not None)


_GIVEN = {
    "constant": "the mapping itself says the value",
    "default": "no source has a value, so that the mapping's own counts",
}


def _field_lines(field: FieldEvidence, *, corrected: bool, purged: bool) -> Iterator[str]:
    yield ""
    yield f"{field.field}  {json.dumps(field.value, ensure_ascii=False)}"
    if not purged:
        yield f"  {field.rule}    {field.place}" if field.rule is not None else "  no rule of the mapping fills it"
    if field.given is not None:
        yield f"  {_GIVEN[field.given]}"
    for spot in field.sources:
        yield f"  {_spot(spot, corrected=corrected)}"
        if spot.original is not None:
            yield f"    the raw file: {_shown(spot.original)}"
        elif corrected:
            yield f"    the raw file has no {spot.path} there"
    for each in field.earlier:
        value = json.dumps(each.value, ensure_ascii=False)
        yield f"  before: {value} in version {each.version}, change {each.change}, {each.name} from {each.sender}"


def _spot(spot: Spot, *, corrected: bool) -> str:
    if spot.start is None:
        return f"{spot.path}: no value there"
    return f"{spot.path}: {_shown(spot)}" + (" of the correction" if corrected else "")


def _shown(spot: Spot | Original) -> str:
    """The text at a place, and the place."""
    text = spot.text if len(spot.text) <= _CHARACTERS_SHOWN else spot.text[:_CHARACTERS_SHOWN] + "…"
    segment = f", segment {spot.segment}" if isinstance(spot, Spot) and spot.segment else ""
    return f"{text!r}  line {spot.line}{segment}, bytes {spot.start} to {spot.end}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
