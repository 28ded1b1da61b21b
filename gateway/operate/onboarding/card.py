"""The card: what a partner is sent, so that it gets through with its own client and no further help."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.errors import Stop
from gateway.operate.onboarding.logins import fingerprint
from gateway.publish.letters.headers import wanted
from gateway.publish.letters.wording import pictures
from gateway.workspace.offers import offers
from sftp.names import TEMPORARY_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.configuration import Configuration, Settings
    from gateway.integrations import Integration
    from gateway.partners import Account, Partner
    from gateway.workspace.offers import Offer

_LOCAL = ("127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::]", "::1", "::")  # noqa: S104 - it is told, not bound
_WIDTH, _LINE = 14, 100
_ENDINGS = {"x12": "edi", "edifact": "edi", "fixed": "txt"}
"""How names of files end, where they do not end with the name of their format."""


class _Standard(NamedTuple):
    """A standard with envelopes: the format, what it is called, and its key in `identifiers`."""

    format: str
    name: str
    key: str
    example: str


_STANDARDS = (
    _Standard("x12", "X12", "isa", "'ZZ:US'"),
    _Standard("edifact", "EDIFACT", "unb", "'14:4012345000009'"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the card: rows of a name and what is said of it, or lines to be typed as they stand."""

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    typed: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A card, and what its reader must not see but who sends it should know."""

    title: str
    sections: tuple[Section, ...]
    warnings: tuple[str, ...] = ()

    def text(self) -> str:
        """The card as plain text."""
        return "\n".join(
            [self.title, "=" * len(self.title), *(line for each in self.sections for line in _lines(each))]
        )

    def html(self) -> str:
        """The card as a page in one file, which loads nothing."""
        made = Environment(
            loader=PackageLoader("gateway.serve"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        return made.get_template("card.html").render(card=self)


def card(configuration: Configuration, partner: Partner, host_keys: tuple[str, ...]) -> Card:
    """The card of a partner; `host_keys` are our server's, as `hostkeys.fingerprints` tells them.

    Raises:
        Stop: there is nothing to say: the partner has no account, and no integration takes its files.
    """
    taken = offers(configuration, partner.name)
    account, settings = partner.account, configuration.settings
    if account is None and not taken:
        raise Stop(
            f"{partner.name} has no account, and nothing takes its files",
            f"gateway partner key add {partner.name} FILE; gateway partner add {partner.name} --format …; then apply",
        )
    formats = {configuration.integrations[each.integration].format.name for each in taken}
    standards = tuple(each for each in _STANDARDS if each.format in formats)
    host, _, port = (settings.sftp_public or settings.sftp).rpartition(":")
    sections = []
    if account is not None:
        sections += [_server(account, host, port, host_keys), _folders(), *_limits(account, settings)]
    sections += [*_known(partner), *_ours(settings, standards), _taken(taken, configuration), _answers(taken, partner)]
    if account is not None:
        sections += [
            _typed(account, host, port, _example(taken, configuration)),
            _clients(account, host, port, settings.sftp_algorithms),
        ]
    if settings.contact:
        sections.append(Section("Whom to ask", rows=(("Contact", ", ".join(settings.contact)),)))
    about = partner.about or partner.name
    return Card(
        f"How {about} sends files to us", tuple(sections), tuple(_warnings(account, settings, standards, host_keys))
    )


def _warnings(
    account: Account | None, settings: Settings, standards: tuple[_Standard, ...], host_keys: tuple[str, ...]
) -> Iterator[str]:
    for each in standards:
        if each.key not in dict(settings.identifiers):
            yield (
                f"Whom to write as the receiver in {each.name} is not on it: write who you are into gateway.yaml, "
                f"as identifiers: {{{each.key}: {each.example}}}."
            )
    if account is None:
        yield "There is no account: the card says what is taken, and not how it is sent."
        return
    host = settings.sftp.rpartition(":")[0]
    if host in _LOCAL and settings.sftp_public is None:
        yield f"{host} is reached from this machine alone: write sftp_public: edi.example.com:22 into gateway.yaml."
    if not host_keys:
        yield "The server has no keys yet whose fingerprints could stand on the card: start it once."


# ── its sections ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _server(account: Account, host: str, port: str, host_keys: tuple[str, ...]) -> Section:
    keys = tuple(("Your key", each) for each in map(_key, account.keys))
    password = (("Password", "the one that you were told"),) if account.password_hash else ()
    both = (("Log in", "key and password, both are wanted"),) if account.both else ()
    networks = (("From", ", ".join(account.networks)),) if account.networks else ()
    return Section(
        "The server",
        rows=(
            ("Protocol", "SFTP, which is SSH; not FTP, and not FTPS"),
            ("Host", host),
            ("Port", port),
            ("User", account.user),
            *keys,
            *password,
            *both,
            *networks,
            *(("Our key", each) for each in host_keys),
        ),
        note="The first time, your client shows a key of ours. Go on only if it is one of these." if host_keys else "",
    )


def _key(line: str) -> str:
    words = line.split()
    comment = f" ({words[2]})" if len(words) > 2 else ""
    return f"{words[0]} {fingerprint(line)}{comment}"


def _folders() -> Section:
    return Section(
        "The folders",
        rows=(
            ("/inbox", "Put files for us here. One that was sent whole is taken at once, and is gone from there."),
            ("/outbox", "What we answer. Take it, and remove it."),
            ("/test/inbox", "Put files here to try them: they are judged, and nothing is made of them."),
            ("/test/outbox", "What came of files that you tried."),
        ),
        note=(
            f"Names that end in {', '.join(sorted(TEMPORARY_SUFFIXES)[:4])} and the like wait until you rename them. "
            "An upload that broke off can be resumed, or sent again. The same name again is another file."
        ),
    )


def _known(partner: Partner) -> Iterator[Section]:
    """Who the sender must be in the envelopes: what `routing` holds them against."""
    if rows := _parties(partner.identifiers, ("ISA05", "ISA06"), "sender"):
        group = " The sender of the group, GS02, is yours to choose." if rows[0][0] == "X12" else ""
        several = "one of these as the sender" if len(rows) > 1 else "this as the sender"
        yield Section(
            "How we know you",
            rows=rows,
            note=(
                f"Write {several} into the envelope of each file. "
                f"A file with another sender waits until a person has looked at it.{group}"
            ),
        )


def _ours(settings: Settings, standards: tuple[_Standard, ...]) -> Iterator[Section]:
    """Who the receiver must be, in the standards that this partner writes."""
    keys = {each.key for each in standards}
    ours = tuple(each for each in settings.identifiers if each[0] in keys)
    if rows := _parties(ours, ("ISA07", "ISA08"), "receiver"):
        several = "one of these" if len(rows) > 1 else "this"
        yield Section("Who we are", rows=rows, note=f"Write {several} as the receiver into the envelope of each file.")


def _parties(
    identifiers: tuple[tuple[str, tuple[str, ...]], ...], of_x12: tuple[str, str], of_edifact: str
) -> tuple[tuple[str, str], ...]:
    """Identifiers as each standard calls their places."""
    known = dict(identifiers)
    isa, unb = ([each.partition(":")[::2] for each in known.get(standard, ())] for standard in ("isa", "unb"))
    return (
        *(("X12", f"{of_x12[0]} {qualifier}, {of_x12[1]} {identity}") for qualifier, identity in isa),
        *(
            ("EDIFACT", f"UNB, {of_edifact} {name}, {f'qualifier {qualifier}' if qualifier else 'without a qualifier'}")
            for qualifier, name in unb
        ),
    )


def _taken(taken: list[Offer], configuration: Configuration) -> Section:
    if not taken:
        return Section("What we take", note="Nothing is set up yet; we will tell you.")
    rows = []
    for each in taken:
        named = f"; names like {each.pattern}" if each.pattern else ""
        names = _columns(configuration, configuration.integrations[each.integration])
        columns = f"; columns {', '.join(names)}" if names else ""
        rows.append((each.about, f"{each.what}{columns}{named}{_elsewhere(each)}"))
    return Section("What we take", rows=tuple(rows))


def _columns(configuration: Configuration, integration: Integration) -> tuple[str, ...]:
    """What the header of a table must name, and how its cells are written; of other formats nothing."""
    if integration.format.name != "csv" or dict(integration.format.options).get("header") != "true":
        return ()
    like = pictures(configuration, integration)
    names = wanted(configuration, integration)
    return tuple(f"{each} (written like {like[each]})" if each in like else each for each in names)


def _example(taken: list[Offer], configuration: Configuration) -> str:
    """A name that a file for the inbox may have: ``orders.edi``."""
    dropped = next((each for each in taken if each.source == "drop"), None)
    if dropped is None:
        return "orders.edi"
    integration = configuration.integrations[dropped.integration]
    name = integration.format.name
    stem = configuration.contract_of(integration).collection
    pattern = dropped.pattern or f"*.{_ENDINGS.get(name, name)}"
    return pattern.replace("*", stem if pattern.startswith("*") else "1").replace("?", "1")


def _elsewhere(offer: Offer) -> str:
    """How it comes, where that is not our inbox."""
    ways = {"http": "over HTTP", "hook": "as signed requests", "sftp": "from your own server", "folder": "by a folder"}
    return f"; {ways[offer.source]}" if offer.source in ways else ""


def _answers(taken: list[Offer], partner: Partner) -> Section:
    kinds = sorted({kind for each in taken for kind in each.answers})
    rows = []
    place = f"put into {partner.answers[1]} at your own server" if partner.answers else "in /outbox"
    reached = partner.answers is not None or partner.account is not None
    if kinds and reached:
        rows.append((", ".join(kinds), f"what of each file was accepted, and what was not, within seconds; {place}"))
    if "outbox" in partner.letters and reached:
        rows.append(("Letter", f"for anything refused: which line, what is wrong, what to send instead; {place}"))
    if "mail" in partner.letters and partner.contacts:
        rows.append(("E-mail", f"the same letter, to {', '.join(partner.contacts)}"))
    return Section("What you get back", rows=tuple(rows), note="" if rows else "Nothing is sent; we call you.")


def _limits(account: Account, settings: Settings) -> Iterator[Section]:
    quota = account.quota
    file = min(quota.file_bytes_max or settings.upload_bytes_max, settings.upload_bytes_max)
    rows = [("A file", f"at most {_size(file)}")]
    if quota.bytes_max:
        rows.append(("All that waits", f"at most {_size(quota.bytes_max)}"))
    if quota.files_max:
        rows.append(("Files that wait", f"at most {quota.files_max}"))
    if quota.per_minute:
        rows.append(("A minute", f"at most {quota.per_minute} files"))
    yield Section("Limits", rows=tuple(rows))


def _typed(account: Account, host: str, port: str, name: str) -> Section:
    key = "-i KEYFILE " if account.keys else ""
    return Section(
        "With the command sftp",
        typed=(
            f"sftp {key}-P {port} {account.user}@{host}",
            f"put {name} /test/inbox/",
            "ls /test/outbox",
            f"put {name} /inbox/",
            "get /outbox/* .",
        ),
    )


def _clients(account: Account, host: str, port: str, algorithms: str) -> Section:
    filezilla = "logon type 'Key file'" if account.keys else "logon type 'Normal'"
    winscp = "Advanced, SSH, Authentication: your private key" if account.keys else "the password as you were told"
    site = f"Site Manager: protocol 'SFTP - SSH File Transfer Protocol', host {host}, port {port}, {filezilla}, user "
    login = f"File protocol SFTP, host name {host}, port number {port}, user name {account.user}; {winscp}. "
    lftp = f"lftp sftp://{account.user}@{host}:{port}"
    if account.keys:  # it asks for a password, and hands no key over by itself
        lftp = f"lftp -u {account.user}, -e 'set sftp:connect-program \"ssh -a -x -i KEYFILE\"' sftp://{host}:{port}"
    curl = "with libssh2 1.11 or later (curl --version says it); older ones end: Unable to exchange encryption keys"
    modern = "Use a version of the last years: ours speaks curve25519 and AES-GCM, and nothing older."
    return Section(
        "With other clients",
        rows=(
            ("FileZilla", f"{site}{account.user}; transfer type binary."),
            ("WinSCP", f"{login}Its temporary names (.filepart) are known here."),
            ("lftp", lftp),
            *((("curl", curl),) if algorithms == "modern" else ()),
        ),
        note=modern if algorithms == "modern" else "",
    )


def _size(number: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (10**9, "GB"), (10**6, "MB"), (1 << 10, "KiB")):
        if number >= unit and number % unit == 0:
            return f"{number // unit:,} {name}"
    return f"{number:,} bytes"


def _lines(section: Section) -> Iterator[str]:
    yield from ("", section.title, "-" * len(section.title))
    width = max([_WIDTH, *(len(name) for name, _ in section.rows if len(name) <= 2 * _WIDTH)])
    for name, said in section.rows:
        yield from _wrapped(f"  {name:<{width}}  {said}", width + 4)
    yield from (f"  {each}" for each in section.typed)
    if section.note:
        yield from _wrapped(f"  {section.note}", 2)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        _LINE,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
