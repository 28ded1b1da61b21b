"""Make a partner: from what is told of it, from a sample file, or from a file that was taken and that nobody wanted."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from edi.identify import identify
from edi.text import wide
from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.onboarding import logins, mappings, takers
from gateway.partners import STANDARDS
from gateway.receive.archives import kind_of
from gateway.receive.trials import is_for
from gateway.store import deliveries, members
from gateway.workspace import newcomers, sketch
from gateway.workspace.contracts import RESERVED_COLLECTIONS
from gateway.workspace.loader import load, parse
from gateway.workspace.problems import ConfigurationProblems
from gateway.workspace.shelf import FOLDER as SHIPPED
from gateway.workspace.values import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from edi.identify import Identity
    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.model import Delivery
    from gateway.workspace.newcomers import Newcomer, Wish

_SAMPLE_BYTES = 4 * 1024 * 1024
_MEMBERS_MAX = 20
"""So many members of an archive are looked at for one that says what it is."""
_TAKEN = re.compile(r"d_[0-9a-z]{4,26}")


@dataclass(frozen=True, slots=True)
class Sample:
    """A file to make a partner from, and the delivery that it was, if it was one."""

    name: str
    seen: Identity
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was told: formats as they are declared, where files come from, the key of a table's rows."""

    formats: tuple[str, ...] = ()
    source: str = ""
    columns: tuple[str, ...] = ()
    sample: Sample | None = None
    contract: str = ""
    """What the contract for a table is called; empty: as the file is."""


@dataclass(slots=True)
class Prepared:
    """The files that would be written, by their paths in the workspace, and what is to be known of them."""

    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sample(place: str, workspace: Path) -> Sample:
    """What a file, or a delivery by its id ``d_…``, says of itself.

    Raises:
        Stop: there is no such file or delivery, or it looks like nothing that is known.
    """
    path, delivery = Path(place), None
    if _TAKEN.fullmatch(place) and not path.exists():
        delivery, first = _taken(place, workspace)
        name = delivery.name
    else:
        try:
            with path.open("rb") as file:
                name, first = path.name, file.read(_SAMPLE_BYTES)
        except OSError as error:
            raise Stop(
                f"{place!r} cannot be read: {error.strerror}",
                "Name a file, or a delivery by its id: gateway quarantine list shows which files wait for somebody",
            ) from error
    if not first.strip():
        raise Stop(f"{name} is empty", "Name a file with a document or some rows in it")
    foreign, seen = kind_of(first), identify(first)
    if foreign is not None and foreign.code == "file.kind":
        raise Stop(f"{name} is {foreign.words}", "Save it as CSV, and name that file")
    encoding = wide(first)
    if encoding is not None and (seen is None or seen.format != "xml"):  # XML names its encoding, and may be in any
        raise Stop(
            f"{name} is written in {encoding[:6].upper()}",
            "Save it as UTF-8 (in Excel: 'CSV UTF-8'), and name that file",
        )
    if seen is None:
        raise Stop(
            f"{name} is {foreign.words}" if foreign is not None else f"{name} looks like no format that is known",
            "Unpack it if it is an archive. Where the columns of records of fixed width are, or a single one, only its "
            "sender knows: make the partner without --from, and write its layout and integration by hand: "
            "docs/configuration.md",
        )
    return Sample(name, seen, delivery)


def _taken(id_or_prefix: str, workspace: Path) -> tuple[Delivery, bytes]:
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            found = _delivery(connection, id_or_prefix)
            if found is None:
                raise Stop(f"there is no delivery {id_or_prefix}", "gateway quarantine list shows the files that wait")
            parts = members.parts_of(connection, found)
        firsts = [gateway.vault.read(part.sha256, 0, _SAMPLE_BYTES) for part in parts[:_MEMBERS_MAX]]
        return found, next((first for first in firsts if identify(first) is not None), firsts[0] if firsts else b"")
    finally:
        gateway.close()


def _delivery(connection: Connection, id_or_prefix: str) -> Delivery | None:
    try:
        return deliveries.get(connection, id_or_prefix)
    except LookupError as several:
        raise Stop(str(several), "Write more of the id") from several


def prepared(workspace: Path, newcomer: Newcomer, asked: Asked) -> Prepared:
    """The files of a new partner, or more flows of one that is there; held against the whole workspace.

    Raises:
        ConfigurationProblems: the workspace does not load as it is.
        Stop: something that was asked for cannot be, or with these files the workspace would not load.
    """
    if not NAME.fullmatch(newcomer.name):
        raise Stop(f"{newcomer.name!r} is no name of a partner", "Write small letters, digits and single dashes: acme")
    configuration = load(workspace)
    made = Prepared()
    newcomer = _recognised(configuration, newcomer, asked.sample, made)
    known = configuration.partners.get(newcomer.name)
    owner = newcomer.owner or newcomers.owner_of(configuration)
    if known is None:
        for line in newcomer.keys:
            logins.check_is_nobodys(line, configuration.partners.values())
        _check_are_nobodys(newcomer, configuration)
        path = f"partners/{newcomer.name}.yaml"
        made.files[path] = newcomers.partner_file(replace(newcomer, owner=owner), source=asked.source)
        if not newcomer.keys and not newcomer.password_hash:
            made.notes.append("It has no account yet: gateway partner key add gives it one.")
    elif newcomer != replace(newcomer, isa=(), unb=(), keys=(), password_hash="", about="", contacts=(), user=""):
        raise Stop(
            f"there is a partner {newcomer.name} already, in {known.file}, and nothing in it is overwritten",
            "Change that file; --format and --from alone add flows, and gateway partner key add adds a key",
        )
    made.files |= _flows(configuration, newcomer.name, owner, asked, made)
    if known is not None and not made.files:
        raise Stop(f"nothing is to be added to {newcomer.name}", " ".join(made.notes) or "Name a --format or --from")
    _check_free(workspace, made.files)
    own = {path: text for path, text in configuration.files.items() if not path.startswith(SHIPPED)}
    try:
        _tell_of_inbox(parse(own | made.files), newcomer.name, made)
    except ConfigurationProblems as found:  # most of them stand in files that are not there
        problems = "\n\n".join(map(str, found.problems))
        raise Stop(
            f"nothing was written, since the workspace would not load with {', '.join(made.files)}:\n\n{problems}"
        ) from found
    return made


def _check_are_nobodys(newcomer: Newcomer, configuration: Configuration) -> None:
    """See that what a newcomer is told apart by is no other partner's: its identifiers, and the name it logs in with.

    Raises:
        Stop: one of them is.
    """
    logs_in = bool(newcomer.keys or newcomer.password_hash)
    for other in configuration.partners.values():
        identifiers = dict(other.identifiers)
        for standard, mine in (("isa", newcomer.isa), ("unb", newcomer.unb)):
            for identity in mine:
                if identity in identifiers.get(standard, ()):
                    raise Stop(
                        f"{identity} is {other.name} already ({standard}: in {other.file}); nothing was written",
                        f"If it is the same one, add flows to it: gateway partner add {other.name} --format …; "
                        "if not, ask for an identifier that nobody else has",
                    )
        if logs_in and other.account is not None and other.account.user == (newcomer.user or newcomer.name):
            raise Stop(
                f"{other.account.user} is the user of {other.name} already, in {other.file}; nothing was written",
                "Give another one: --user NAME",
            )


def _tell_of_inbox(configuration: Configuration, name: str, made: Prepared) -> None:
    """Whether the partner has an account, and nothing takes what it puts there."""
    flows = [each for each in configuration.integrations.values() if is_for(each, name)]
    if configuration.partners[name].account is None or any(each.source.scheme == "drop" for each in flows):
        return
    ways = ", ".join(sorted({str(each.source) for each in flows if each.source.scheme in ("folder", "sftp")}))
    if ways:
        made.notes.append(
            f"{name} has an account, and its files are taken from {ways} alone: nobody wants what it puts in /inbox. "
            f"If it is to come that way, write source: drop://{name}/* into its integration."
        )


def write(workspace: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files that are not there yet, all or none.

    Raises:
        Stop: one of them is there.
    """
    written: list[Path] = []
    try:
        for name, text in files.items():
            path = workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise Stop(f"{error.filename} is there already", "Nothing was written; move it away first") from error
        raise
    return written


def rewrite(path: Path, text: str) -> None:
    """Put a new text in the place of a file, whole or not at all; its mode stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="")
        draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _check_free(workspace: Path, files: Mapping[str, str]) -> None:
    taken = [name for name in files if (workspace / name).exists()]
    if taken:
        remedy = "Move it away"
        if any(each.startswith("contracts/") for each in taken):
            remedy += ", or give the new one another name: --contract NAME"
        raise Stop(f"{', '.join(taken)} is there already, and nothing is overwritten", remedy)


# ── who it is ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _recognised(configuration: Configuration, newcomer: Newcomer, from_: Sample | None, made: Prepared) -> Newcomer:
    """The newcomer with the identifiers that the sample's envelope names, unless it is known by them."""
    if from_ is None:
        return newcomer
    standard = STANDARDS.get(from_.seen.format)
    if standard is None or not from_.seen.senders:
        return newcomer
    owners = {
        identity: partner.name
        for partner in configuration.partners.values()
        for identity in dict(partner.identifiers).get(standard, ())
    }
    fresh = tuple(each for each in from_.seen.senders if owners.get(each) is None)
    others = sorted({owner for each in from_.seen.senders if (owner := owners.get(each)) not in (None, newcomer.name)})
    if others and not fresh:
        raise Stop(
            f"{from_.name} is from {', '.join(from_.seen.senders)}, and that is {others[0]}",
            f"To add flows to it: gateway partner add {others[0]} --from …",
        )
    ours = dict(configuration.settings.identifiers).get(standard, ())
    made.notes += [
        f"{from_.name} is for {each}, and we are {' and '.join(ours)}: such files are held. "
        f"If that is us, too, add it to identifiers, {standard}:, in gateway.yaml; else tell the partner who we are."
        for each in from_.seen.receivers
        if ours and each not in ours
    ]
    if newcomer.name in configuration.partners:
        made.notes += [
            f"{each} is no identifier of {newcomer.name} yet: add it to identifiers, {standard}:, in its file."
            for each in fresh
        ]
        return newcomer
    named = tuple(dict.fromkeys((*getattr(newcomer, standard), *fresh)))
    return replace(newcomer, isa=named) if standard == "isa" else replace(newcomer, unb=named)


# ── what it sends ────────────────────────────────────────────────────────────────────────────────────────────────────


def _flows(configuration: Configuration, partner: str, owner: str, asked: Asked, made: Prepared) -> dict[str, str]:
    source = asked.source or _source(partner, asked.sample)
    declared = list(asked.formats)
    if asked.sample is not None:
        near = takers.near(configuration, partner, asked)
        rivals = takers.rivals(configuration, near, asked.sample, source) if not asked.formats else ()
        if rivals and not asked.source:
            source = f"{source.rpartition('/')[0]}/{takers.pattern(asked.sample)}"
            made.notes.append(
                f"Files named like {takers.pattern(asked.sample)} go to {rivals[0].name} where they have its columns."
            )
        declared += [each for each in takers.wanted(configuration, near, asked.sample, made) if each not in declared]
        if asked.sample.delivery is not None:
            _tell_of_delivery(partner, source, asked.sample.delivery, made, more=bool(declared))
    if asked.sample is not None and not asked.formats and asked.sample.seen.columns and declared:
        name = _contract_name(configuration, partner, asked, made)
        made.notes.append("The contract and the mapping are guessed from the file: look them over.")
        return newcomers.table_flow(
            partner, asked.sample.seen, name=name, owner=owner, source=source, key=asked.columns
        )
    if asked.sample is not None and not asked.formats and asked.sample.seen.format == "csv" and declared:
        raise Stop(
            f"the first line of {asked.sample.name} does not look like the names of columns",
            "Put such a line in front of a copy of the file, and name that; for files without one, write the "
            "integration by hand with their columns in a layout: docs/configuration.md",
        )
    wishes: list[Wish] = [newcomers.wish(each) for each in declared]
    ranks = _ranks(configuration, partner)
    filled_by = {each.declared: mappings.taken_over(configuration, each, made) for each in wishes}
    return newcomers.flows(
        partner, wishes, owner=owner, source=source, taken=configuration.integrations, ranks=ranks, filled_by=filled_by
    )


def _ranks(configuration: Configuration, partner: str) -> dict[str, int]:
    """The contracts whose records of this partner others may fill too, with the last precedence that they have."""
    filling: dict[str, list[Integration]] = {}
    for each in configuration.integrations.values():
        filling.setdefault(f"{each.contract} v{each.contract_version}", []).append(each)
    ranks: dict[str, int] = {}
    for name, group in filling.items():
        apart = configuration.contract_of(group[0]).per_partner and all(each.partner for each in group)
        rivals = [each for each in group if not apart or each.partner == partner]
        if rivals:
            ranks[name] = max(each.precedence or 0 for each in rivals)
    return ranks


def _source(partner: str, from_: Sample | None) -> str:
    """Where its files come from: its own inbox, or the watched folder in which the sample was found."""
    if from_ is not None and from_.delivery is not None and from_.delivery.source.startswith("folder:"):
        return f"{from_.delivery.source}/*{PurePosixPath(from_.name).suffix}"
    return f"drop://{partner}/*"


def _contract_name(configuration: Configuration, partner: str, asked: Asked, made: Prepared) -> str:
    """What the contract for a table is called: as it was asked for, or as the file is, without its numbers.

    With the partner's name in front where that is a name of the API's own, or of a standard contract, in use or not.
    """
    assert asked.sample is not None
    if asked.contract and not NAME.fullmatch(asked.contract):
        raise Stop(f"{asked.contract!r} is no name of a contract", "Write small letters, digits and single dashes")
    name = asked.contract or sketch.word(takers.NUMBERS.sub("-", PurePosixPath(asked.sample.name).stem))
    shipped = {
        each for contract, collection in newcomers.standards().values() for each in (contract.split()[0], collection)
    }
    others = {each.collection for each in configuration.contracts.values() if each.name != name}
    if asked.contract or name not in RESERVED_COLLECTIONS | shipped | others:
        return name
    free = f"{partner}-{name}"
    made.notes.append(
        f"Its contract is called {free}, since {name} is something else already; --contract says another."
    )
    return free


def _tell_of_delivery(partner: str, source: str, taken: Delivery, made: Prepared, *, more: bool) -> None:
    """Whether the file itself will find its way now; `more` says that flows are added for it."""
    if taken.source == f"drop://{partner}" or source.startswith(taken.source) or not more:
        made.notes.append(f"After apply, the file itself: gateway quarantine retry --delivery {taken.id}")
    elif taken.source.startswith("drop://"):
        made.notes.append(
            f"{taken.id} came through {taken.source[7:]}'s account: a retry of this file will be held again. "
            f"What {partner} sends itself counts."
        )
    else:
        made.notes.append(f"{taken.id} was sent to {taken.integration}; send the next one to the flow that is added.")
