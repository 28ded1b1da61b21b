"""What a value may be: for each kind of value how it is read and what an editor is told about it.

A reader takes a node and gives the value; None means that it is wrong and that a problem says why. Nothing is typed
before its reader asks for it: ``05`` is the text ``05`` until a key wants a number.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import date, time
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

import adapters.errors
from adapters.dialects import DIALECTS as ALL_DIALECTS
from adapters.windows import Windows
from gateway.integrations import Accept, Changes, Source
from gateway.workspace.nodes import Mapping, Node, Scalar, Sequence
from gateway.workspace.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
SECRET = re.compile(r"secret:[\w./-]+")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
MESSAGES = {"TA1": "x12", "997": "x12", "999": "x12", "CONTRL": "edifact"}
SCHEMES = ("drop", "folder", "table", "http", "hook")
_OVER_HTTP = {
    "http": "uploads come through the API alone",
    "hook": "requests come to /api/v1/hooks/ and the integration's name",
}
DIALECTS = tuple(dialect.name for dialect in ALL_DIALECTS)
DAYS = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_AGE = re.compile(r"[1-9][0-9]*[dy]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SIZE = re.compile(r"([0-9]{1,9})\s*([KMG]i?B|B)")
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):([0-9]{1,5})")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[\w.-]+)*/?", re.ASCII)
_ENDPOINT = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::[0-9]{1,5})?/?", re.ASCII)
_REPLICATION = re.compile(r"postgresql://[^\s:@/]+(?::[0-9]{1,5})?/[^\s:@/]+|secret:[\w./-]+")
_ACCEPT = re.compile(r"(rows|documents)(?:\s*,\s*hold the file above ([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*% bad)?")
_CHANGES = re.compile(
    r"(?:(?P<strategy>snapshot|diff|log)(?: (?P<publication>[^\W\d]\w*))?"
    r"|(?:column )?(?P<column>[^\W\d][\w$#@]*)(?: overlap (?P<overlap>\S+))?)"
    r" every (?P<every>\S+)(?:, deletes nightly (?P<deletes>(?:[01][0-9]|2[0-3]):[0-5][0-9])(?: (?P<zone>[\w+/-]+))?)?"
)
_EXPECT = re.compile(
    rf"(?:every (?P<every>\S+?)|daily by [0-9][0-9]:[0-9][0-9]|weekly by {DAYS}|monthly by day [0-9][0-9]?)"
    rf"(?:, {DAYS}(?:-{DAYS})?(?: [0-9][0-9]:[0-9][0-9]-[0-9][0-9]:[0-9][0-9](?: [\w+-]+(?:/[\w+-]+)*)?)?)?"
)
_WILD = re.compile(r"[*?\[]")
_PUBLIC_KEY = re.compile(r"(ssh-[a-z0-9]+|ecdsa-sha2-nistp[0-9]+|sk-[a-z0-9@.-]+)\s+([A-Za-z0-9+/]+={0,2})(?:\s+.*)?")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: its name for people, how it is read, and its JSON Schema for editors."""

    name: str
    read: Callable[[Node], Any]
    schema: dict[str, Any] = field(default_factory=dict)


def scalar(node: Node) -> Scalar | None:
    """The node as a text that is not empty."""
    if not isinstance(node, Scalar):
        node.refuse(
            f"a text is expected here, not a {'list' if isinstance(node, Sequence) else 'mapping'}",
            "quote the value as a whole if it was meant as text",
        )
        return None
    if node.value == "":
        rest = node.file.line(node.place.line)[max(0, node.place.column - 1) :].lstrip()
        node.refuse(
            "a value is missing here",
            "' #' begins a comment in YAML: quote the whole value with double quotes" if rest.startswith("#") else "",
        )
        return None
    return node


def _matched(node: Node, pattern: re.Pattern[str], message: str, hint: str) -> re.Match[str] | None:
    """The match of the whole text; otherwise a problem, in whose message ``{}`` stands for the text."""
    text = scalar(node)
    if text is None:
        return None
    match = pattern.fullmatch(text.value)
    if match is None:
        text.refuse(message.format(repr(text.value)), hint)
    return match


def read_text(node: Node) -> str | None:
    """Any text."""
    text = scalar(node)
    return text.value if text else None


def read_name(node: Node) -> str | None:
    """The name of something of the workspace."""
    match = _matched(node, NAME, "{} is not a name", "write small letters, digits and single dashes: acme-orders")
    return match[0] if match else None


def read_whole(node: Node) -> int | None:
    """A whole number from 1."""
    match = _matched(node, re.compile(r"[1-9][0-9]{0,8}"), "{} is not a whole number from 1", "write 1, 2 or 25")
    return int(match[0]) if match else None


def duration(text: str) -> float | None:
    """The seconds of ``10s``, ``5m``, ``2h``, ``1d``; None when it is no duration, or none at all."""
    match = _DURATION.fullmatch(text)
    return float(match[1]) * SECONDS[match[2]] or None if match else None


def read_duration(node: Node) -> float | None:
    """A duration, in seconds."""
    text = scalar(node)
    seconds = duration(text.value) if text else None
    if text and seconds is None:
        text.refuse(f"{text.value!r} is not a duration", "write 10s, 5m, 2h or 1d")
    return seconds


def read_age(node: Node) -> str | None:
    """How long something is kept, as written."""
    match = _matched(node, _AGE, "{} is not a time to keep something", "write it in days or years: 90d, 7y")
    return match[0] if match else None


def read_date(node: Node) -> date | None:
    """A day."""
    match = _matched(node, _DATE, "{} is not a date", "write year-month-day: 2027-06-30")
    if match is None:
        return None
    try:
        return date.fromisoformat(match[0])
    except ValueError:
        node.refuse(f"there is no day {match[0]}", "write year-month-day: 2027-06-30")
        return None


def read_size(node: Node) -> int | None:
    """A size, in bytes."""
    match = _matched(node, _SIZE, "{} is not a size", "write 16 MiB, 500 MB or 1 GiB")
    if match and int(match[1]) == 0:
        node.refuse("a size of nothing lets nothing in", "write 16 MiB, 500 MB or 1 GiB")
        return None
    return int(match[1]) * BYTES[match[2]] if match else None


def read_address(node: Node) -> str | None:
    """Where a listener stands: host and port."""
    match = _matched(node, _ADDRESS, "{} is not an address to listen on", "write host:port, such as 127.0.0.1:8080")
    if match and int(match[1]) > 65535:
        node.refuse(f"there is no port {match[1]}", "ports go to 65535; 0 takes a free one")
        return None
    return match[0] if match else None


def read_store(node: Node) -> str | None:
    """Where records are stored: SQLite in a file, or PostgreSQL."""
    match = _matched(
        node,
        re.compile(r"sqlite:(?!//).+|postgresql://\S+|secret:[\w./-]+"),
        "{} names no store",
        "write sqlite:data/gateway.db, postgresql://host/database or a reference to one, secret:store",
    )
    return match[0] if match else None


def read_vault(node: Node) -> str | None:
    """Where raw files are kept: a folder, or a bucket with or without a prefix."""
    text = scalar(node)
    if text and "://" in text.value and not _BUCKET.fullmatch(text.value):
        text.refuse(f"{text.value!r} names no vault", "write a folder, data/vault, or a bucket, s3://bucket/prefix")
        return None
    return text.value if text else None


def read_windows(node: Node) -> str | None:
    """Times of the week, as written."""
    text = scalar(node)
    try:
        Windows.parse(text.value if text else "00:00-24:00")
    except adapters.errors.Stop as error:
        node.refuse(error.message, error.remedy[0].lower() + error.remedy[1:])
        return None
    return text.value if text else None


def read_truth(node: Node) -> bool | None:
    """Yes or no, in YAML's words."""
    match = _matched(node, re.compile("true|false"), "{} is neither true nor false", "write true or false")
    return match[0] == "true" if match else None


def read_dialect(node: Node) -> str | None:
    """The SQL of a database, by the name that the adapters have for it."""
    text = scalar(node)
    if text and text.value not in DIALECTS:
        text.refuse(f"there is no dialect {text.value!r}", did_you_mean(text.value, DIALECTS))
        return None
    return text.value if text else None


def read_replication(node: Node) -> str | None:
    """The address at which PostgreSQL streams its log, without a login, or a reference to one that has it."""
    text = scalar(node)
    if text and not _REPLICATION.fullmatch(text.value):
        text.file.hide(text.start, text.end)
        text.refuse(
            "this is not an address of PostgreSQL without a login",
            "write postgresql://host:5432/database, for which user: and password: count, or a reference to all of it,"
            " secret:erp/replication",
        )
        return None
    return text.value if text else None


def read_endpoint(node: Node) -> str | None:
    """The URL of a server, without any login."""
    text = scalar(node)
    if text and "@" in text.value:
        text.file.hide(text.start, text.end)
        text.refuse("a login stands in this URL", "write it below access_key: and secret_key:")
        return None
    match = _matched(node, _ENDPOINT, "{} is not the URL of a server", "write https://s3.company.example")
    return match[0] if match else None


def read_secret(node: Node) -> str | None:
    """A reference to a secret; the secret itself is refused and not repeated."""
    text = scalar(node)
    if text and not SECRET.fullmatch(text.value):
        text.refuse(
            "a secret stands here as it is", "put it where secrets are kept and write its name: secret:erp/password"
        )
        return None
    return text.value if text else None


def read_password_hash(node: Node) -> str | None:
    """An argon2id hash in the usual notation, or a reference to one."""
    text = scalar(node)
    pattern = r"secret:[\w./-]+|\$argon2id\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
    if text and not re.fullmatch(pattern, text.value):
        text.refuse("this is not an argon2id hash", "a password never stands here itself: write its hash, $argon2id$…")
        return None
    return text.value if text else None


def read_list(node: Node, read: Callable[[Node], Any]) -> tuple[Any, ...] | None:
    """One value or a list of them."""
    nodes = node.items if isinstance(node, Sequence) else (node,)
    values = [read(item) for item in nodes]
    if not values:
        node.refuse("the list is empty", "write one value at least, or leave the key out")
    return None if None in values or not values else tuple(values)


def read_public_key(node: Node) -> str | None:
    """A public key in OpenSSH's one-line form; its blob names the same type again (RFC 4253, 6.6)."""
    hint = "write the one line of the .pub file: ssh-ed25519 AAAA… comment"
    text = scalar(node)
    if text is None:
        return None
    match = _PUBLIC_KEY.fullmatch(text.value.strip())
    if "PRIVATE KEY" in text.value or match is None:
        text.refuse("this is not a public key of OpenSSH", hint)
        return None
    try:
        blob = base64.b64decode(match[2], validate=True)
    except binascii.Error:
        blob = b""
    if blob[4 : 4 + int.from_bytes(blob[:4], "big")] != match[1].encode():
        text.refuse(f"the key is cut off or is not of the type {match[1]}", hint)
        return None
    return text.value.strip()


def read_isa(node: Node) -> str | None:
    """An X12 identity, ISA05/06 or ISA07/08: a qualifier of two characters and an identifier of 1 to 15."""
    match = _matched(
        node,
        re.compile(r"[A-Z0-9]{2}:\S(?:[ -~]{0,13}\S)?"),
        "{} is not an X12 identity",
        "write qualifier:identifier as in the ISA segment, without the padding: ZZ:ACME",
    )
    return match[0] if match else None


def read_unb(node: Node) -> str | None:
    """An EDIFACT identity, S002 or S003: an identifier of 1 to 35, a qualifier of at most 4 before it, or none."""
    match = _matched(
        node,
        re.compile(r"[A-Z0-9]{0,4}:\S(?:[ -~]{0,33}\S)?"),
        "{} is not an EDIFACT identity",
        "write qualifier:identifier as in the UNB segment, 14:4012345000009, or :NAME without a qualifier",
    )
    return match[0] if match else None


def read_contract_name(node: Node) -> tuple[str, int] | None:
    """``order v1``: a contract's name and version."""
    match = _matched(
        node,
        re.compile(rf"({NAME.pattern}) v([1-9][0-9]{{0,4}})"),
        "{} names no contract with its version",
        "write order v1",
    )
    return (match[1], int(match[2])) if match else None


def read_source(node: Node) -> Source | None:
    """Where deliveries come from; see :class:`gateway.integrations.Source`."""
    text = scalar(node)
    if text is None:
        return None
    scheme, colon, rest = text.value.partition(":")
    hint = (
        "write drop://partner/*.edi, sftp://connection/folder/*.edi, folder:inbox/*.csv, table://connection/table, "
        '"http:" or "hook:"'
    )
    if scheme not in SCHEMES or not colon:
        text.refuse_part(0, len(scheme), f"{scheme!r} is not a kind of source", hint)
        return None
    if scheme in _OVER_HTTP:
        if rest:
            text.refuse_part(5, len(rest), f"nothing stands after {scheme}:", _OVER_HTTP[scheme])
            return None
        return Source(scheme, "", "")
    return _folder_source(text, rest) if scheme == "folder" else _host_source(text, scheme, rest)


def _folder_source(text: Scalar, rest: str) -> Source | None:
    folder, _, pattern = rest.rpartition("/")
    folder = folder.removesuffix("/**")  # with its subfolders
    if not pattern or (not folder and not _WILD.search(pattern)) or rest.startswith("//") or _WILD.search(folder):
        text.refuse(
            f"{text.value!r} is not a folder with a pattern of names",
            "write folder:inbox/*.csv, or folder:inbox/**/*.csv with subfolders; only the last part may hold a pattern",
        )
        return None
    return Source("folder", "", rest)


def _host_source(text: Scalar, scheme: str, rest: str) -> Source | None:
    example = {"drop": "drop://acme/out/*.edi", "table": "table://erp/customers"}[scheme]
    host, _, path = rest.removeprefix("//").partition("/")
    if not rest.startswith("//") or not path:
        text.refuse(f"{text.value!r} is not complete", f"write {example}")
        return None
    if not NAME.fullmatch(host):
        offset = len(scheme) + 3
        text.refuse_part(offset, len(host), f"{host!r} is not a name", f"write {example}")
        return None
    return Source(scheme, host, path)


def read_columns(node: Node) -> tuple[str, ...] | None:
    """Names of columns, with commas between them."""
    text = scalar(node)
    names = tuple(part.strip() for part in text.value.split(",")) if text else ()
    if text and (not all(names) or len(set(names)) < len(names)):
        text.refuse(f"{text.value!r} is not a list of different columns", "write KDNR or KDNR, FIRMA")
        return None
    return names or None


def read_extends(node: Node) -> str | None:
    """The word ``standard``: nothing else can be extended yet."""
    match = _matched(node, re.compile("standard"), "{} cannot be extended", "write extends: standard")
    return match[0] if match else None


def read_accept(node: Node) -> Accept | None:
    """How much of a delivery is taken when some of it is bad."""
    text = scalar(node)
    if text and text.value == "file":
        return Accept("file")
    hint = "write 'file', 'rows' or 'rows, hold the file above 1% bad'"
    match = _matched(node, _ACCEPT, "{} does not say what is accepted", hint)
    if match is None:
        return None
    share = float(match[2]) / 100 if match[2] else None
    if share is not None and share > 1:
        node.refuse(f"{match[2]}% is more than all of it", hint)
        return None
    return Accept("documents", share)


def read_changes(node: Node) -> Changes | None:
    """How a table's changes are followed."""
    hint = "write 'AENDTS every 30s, deletes nightly 02:00', 'diff every 10m', 'log every 1s' or 'snapshot every 1h'"
    text = scalar(node)
    match = _matched(node, _CHANGES, "{} does not say how changes are followed", hint)
    if match is None or text is None:
        return None
    for name in ("every", "overlap"):
        if match[name] is not None and duration(match[name]) is None:
            text.refuse_part(
                match.start(name), len(match[name]), f"{match[name]!r} is not a duration", "write 500ms, 10s, 5m or 2h"
            )
            return None
    zone = match["zone"] or "UTC"
    if zone not in available_timezones():
        text.refuse_part(
            match.start("zone"), len(zone), f"there is no time zone {zone!r}", "write Europe/Berlin or UTC"
        )
        return None
    strategy, column = match["strategy"] or "watermark", match["column"]
    if strategy != "log" and match["publication"] is not None:
        text.refuse_part(
            match.start("publication"), len(match["publication"]), f"nothing stands between {strategy} and every", hint
        )
        return None
    if strategy != "watermark" and match["deletes"] is not None:
        text.refuse_part(
            match.start("deletes"),
            len(match["deletes"]),
            f"{strategy} tells of deleted rows by itself"
            if strategy != "snapshot"
            else "a snapshot knows no deleted rows",
            "take the part after the comma out" if strategy != "snapshot" else "write diff every 1h instead",
        )
        return None
    options = {"publication": match["publication"], "overlap": match["overlap"]}
    return Changes(
        column,
        duration(match["every"]) or 0.0,
        strategy,
        tuple((name, value) for name, value in options.items() if value is not None),
        time.fromisoformat(match["deletes"]) if match["deletes"] else None,
        zone,
    )


def read_expect(node: Node) -> str | None:
    """When something is expected to arrive, as written."""
    hint = "write 'every 1h', 'every 1h, Mon-Fri 08:00-18:00 Europe/Berlin', 'daily by 06:00' or 'monthly by day 3'"
    match = _matched(node, _EXPECT, "{} does not say when something is expected", hint)
    if match and match["every"] is not None and duration(match["every"]) is None:
        node.refuse(f"{match['every']!r} is not a duration", "write 10s, 5m, 2h or 1d")
        return None
    return match[0] if match else None


def read_answer(node: Node) -> str | None:
    """Which acknowledgments are sent, as written."""
    text = scalar(node)
    if text is None or text.value == "none":
        return "none" if text else None
    for match in re.finditer(r"[^\s,]+", text.value):
        if match[0] not in MESSAGES:
            text.refuse_part(
                match.start(),
                len(match[0]),
                f"{match[0]!r} is not an acknowledgment",
                "write 997, 999, TA1, CONTRL or none",
            )
            return None
    return text.value


def read_node(node: Node) -> Node:
    """The node itself: its notation is read elsewhere."""
    return node


def read_mapping(node: Node) -> Mapping | None:
    """A mapping with at least one key."""
    if not isinstance(node, Mapping) or not node.entries:
        node.refuse("a mapping is expected here", "write its keys on the following lines, further to the right")
        return None
    return node
