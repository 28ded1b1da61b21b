"""Integrations as frozen data: one flow from a source to a contract, as the workspace declares it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import time


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the workspace: a file relative to it, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of the mapping language as written. A quoted one (`literal`) is text, not an expression."""

    text: str
    place: Place
    literal: bool = False


@dataclass(frozen=True, slots=True)
class MapField:
    """One line of a mapping: the target (dots open nested objects: ``ship_to.city``) and what fills it."""

    target: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class MapLoop:
    """A loop of a mapping: ``lines[PO1]:`` makes one element of the list `target` for each occurrence of `path`."""

    target: str
    path: Expression
    fields: tuple[MapField | MapLoop, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an integration's deliveries come from, by scheme.

    ===========================  ==========================================================
    drop://partner/out/*.edi     our SFTP server: `host` is the partner, `path` a glob
    folder:inbox/*.csv           a watched local folder: `path` is a folder and a glob
    folder:inbox/**/*.csv        likewise, with its subfolders
    sftp://acme-server/out/*.edi a partner's SFTP server: `host` is the connection, `path` a folder and a glob
    table://erp/customers        a table of a connection: `host` is the connection
    http:                        uploads by the API only
    hook:                        signed requests to the integration's hook
    ===========================  ==========================================================
    """

    scheme: str
    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}/{self.path}" if self.host else f"{self.scheme}:{self.path}"

    def wants(self, source: str, name: str) -> bool:
        """Whether a delivery from `source` (``drop://acme``, ``folder:inbox``, ``table://erp/customers``) is meant."""
        pattern = self.path.rpartition("/")[2] if self.scheme in ("folder", "sftp") else self.path
        if self.scheme == "folder":
            name = name.rpartition("/")[2]  # it may have lain in a subfolder
        return self.is_of(source) and (self.scheme not in _OF_FILES or fnmatchcase(name, pattern or "*"))

    def is_of(self, source: str) -> bool:
        """Whether deliveries from `source` may be meant, whatever they are called."""
        if self.scheme == "drop":
            return source == f"drop://{self.host}"
        if self.scheme == "folder":
            return source == f"folder:{self.path.rpartition('/')[0] or '.'}"
        if self.scheme == "sftp":
            return source == self.remote_folder
        return source == str(self)

    @property
    def remote_folder(self) -> str:
        """The folder at a partner's server, without the pattern: what deliveries from there name as their source."""
        return f"sftp://{self.host}/{self.path.rpartition('/')[0]}"


_OF_FILES = ("drop", "folder", "sftp")
"""Schemes whose deliveries are files with names."""


@dataclass(frozen=True, slots=True)
class Format:
    """The format as declared: reader name, message selectors and reader options.

    ``x12 004010 850`` → ``Format("x12", version="004010", message="850")`` · ``csv ; windows-1252 header`` →
    ``Format("csv", options=(("delimiter", ";"), ("encoding", "windows-1252"), ("header", "true")))`` ·
    ``xml ubl:Invoice-2.1`` → ``Format("xml", message="ubl:Invoice-2.1")`` · ``jsonl``.
    """

    name: str
    version: str | None = None
    message: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Accept:
    """How much of a delivery is taken when some of it is bad.

    `unit` is ``documents`` (default; ``rows`` means the same for row formats) or ``file``: all or nothing.
    `hold_above` is the share of bad documents, 0 to 1, above which the whole file is held.
    """

    unit: str = "documents"
    hold_above: float | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """How a table's changes are followed, and how often it is looked.

    `strategy` is ``watermark`` (by `column`, which grows), ``snapshot``, ``diff`` or ``log``. `options` are what it
    wants to know besides: ``publication``, ``overlap``. `deletes` is the time of day, in the zone `zone`, at which rows
    are looked for that are gone, which a column that grows cannot tell; None where nobody looks.
    """

    column: str | None
    every_seconds: float
    strategy: str = "watermark"
    options: tuple[tuple[str, str], ...] = ()
    deletes: time | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Pulling:
    """How a folder at a partner's SFTP server is pulled from.

    `after` is what is done there with a file that was taken: ``leave``, ``delete``, or ``move`` to the folder
    `move_to`. A file settles for `settle_seconds`, or is complete when one of its name and the ending `marker` lies
    beside it. `between` are times of the week as ``adapters.windows`` reads them; empty: always.
    """

    after: str = "leave"
    move_to: str = ""
    every_seconds: float = 60.0
    settle_seconds: float = 10.0
    marker: str = ""
    between: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """How the requests of a hook are signed, by an HMAC; what is unlike that is refused.

    `secrets` are references, one or two. The signature stands in the `header`, as its `part` (``v1`` of
    ``t=…,v1=…``), behind a `prefix`. `signed` is a text in which ``{id}``, ``{timestamp}`` and ``{body}`` stand for
    what came. The time of sending stands in the header `timestamp`, or in the part `timestamp_part` of the first
    header, and `id` is the header with the message's own id. `standard` says that a secret is as Standard Webhooks
    write it, ``whsec_`` and base64; else its text is the key.
    """

    secrets: tuple[str, ...]
    header: str
    part: str | None = None
    prefix: str = ""
    algorithm: str = "sha256"
    encoding: str = "hex"
    signed: str = "{body}"
    timestamp: str | None = None
    timestamp_part: str | None = None
    tolerance_seconds: float = 300.0
    id: str | None = None
    standard: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """When a file of a watched folder is complete.

    That is when it has looked the same for `settle_seconds` (None: as gateway.yaml says), or when its `marker` lies
    beside it: of ``orders.csv``, ``.done`` is ``orders.csv.done`` and ``{stem}.ok`` is ``orders.ok``. `openssh_log` is
    the socket ``/dev/log`` of the chroot of an OpenSSH server in which the folder lies: what is closed there is taken
    when its session ends, or `after_close_seconds` later.
    """

    settle_seconds: float | None = None
    marker: str | None = None
    openssh_log: str | None = None
    after_close_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Integration:
    """One flow from a source to a contract."""

    name: str
    about: str
    owner: str
    source: Source
    format: Format
    contract: str
    contract_version: int
    fields: tuple[MapField | MapLoop, ...]
    checks: tuple[Expression, ...] = ()
    accept: Accept = Accept()
    partner: str | None = None
    """The partner of every delivery: declared, or the host of a ``drop://`` source."""
    key: tuple[str, ...] = ()
    """Key columns of a table source."""
    changes: Changes | None = None
    expect: str | None = None
    answer: str | None = None
    version: str | None = None
    """The field of the contract whose higher value is the newer document; None: the later landed one is."""
    precedence: int | None = None
    """Which integration is to win where several fill the same record: the lower number. None where one alone fills it.

    It is demanded and kept, but not acted on yet: today the later delivery wins.
    """
    keep: str | None = None
    """How long raw files and held documents are kept after they came, as written: ``90d``."""
    signature: Signature | None = None
    """How the requests to the hook of the integration are signed."""
    watched: Watched = Watched()
    """When a file of its folder is complete."""
    pulling: Pulling | None = None
    """How a source of ``sftp://`` is pulled from."""
    place: Place = Place("", 1, 1)

    @property
    def answers(self) -> frozenset[str]:
        """The kinds of acknowledgments that `answer` asks for: TA1, 997, 999, CONTRL."""
        return frozenset((self.answer or "none").replace(",", " ").split()) - {"none"}
