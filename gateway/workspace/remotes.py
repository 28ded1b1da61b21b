"""Partners' SFTP servers in the workspace: connections of the kind sftp, and the lines that say how one is pulled from.

connections.yaml     kind: sftp, url, fingerprints, key or password
integrations/*.yaml  source: sftp://connection/folder/*.edi, after, every, settle, marker, between
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from gateway.integrations import Pulling, Source
from gateway.workspace import values
from gateway.workspace.nodes import Scalar
from gateway.workspace.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.configuration import Connection
    from gateway.workspace.agreement import Draft
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
URL = re.compile(r"sftp://[^\s/@:]+@(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::[0-9]{1,5})?/?")
ALGORITHMS = ("modern", "compatible")
OF_SFTP = {
    "password": "password",
    "timeout": "timeout_seconds",
    "connect_timeout": "connect_timeout_seconds",
    "fingerprints": "fingerprints",
    "key": "key",
    "passphrase": "passphrase",
    "algorithms": "algorithms",
}
"""Key of a connection of this kind → its option, whose name carries the unit."""
_OF_ALL = ("about", "kind", "url", "owner")
_OF_OTHERS = ("password", "timeout", "connect_timeout")
LINES = ("after", "every", "settle", "marker", "between")
"""Keys of an integration that say how a partner's server is pulled from."""
_AFTER = re.compile(r"leave|delete|move (/?[^/\s][^\s]*)")
_MARKER = re.compile(r"(?:\{(?:name|stem)\})?[.\w-]{1,20}", re.ASCII)
_EXAMPLE = "sftp://acme-server/out/*.edi"
FINGERPRINTS_MAX = 2


def read_fingerprint(node: Node) -> str | None:
    """The fingerprint of a host key, as OpenSSH shows it."""
    text = values.scalar(node)
    if text is None:
        return None
    if not FINGERPRINT.fullmatch(text.value):
        text.refuse(
            f"{text.value!r} is not a fingerprint", "write it as ssh-keygen -l shows it: SHA256: and 43 letters"
        )
        return None
    return text.value.rstrip("=")


def read_after(node: Node) -> tuple[str, str] | None:
    """What is done with a file that was taken, and where it is moved."""
    text = values.scalar(node)
    match = _AFTER.fullmatch(text.value) if text else None
    if text and (match is None or ".." in (match[1] or "").split("/")):
        text.refuse(
            f"{text.value!r} is nothing that can be done with a file that was taken",
            "write leave, delete, or move and a folder: move done, move /archive",
        )
        return None
    return (match[0].partition(" ")[0], (match[1] or "").rstrip("/")) if match else None


def read_settle(node: Node) -> float | None:
    """How long a file must look the same; ``none`` is no time at all."""
    text = values.scalar(node)
    return 0.0 if text and text.value == "none" else values.read_duration(node)


def read_marker(node: Node) -> str | None:
    """The ending of the file that says that another one is complete."""
    text = values.scalar(node)
    if text and not _MARKER.fullmatch(text.value):
        text.refuse(f"{text.value!r} is not the ending of a name", "write .done, for orders.edi.done beside orders.edi")
        return None
    return text.value.removeprefix("{name}") if text else None


def read_algorithms(node: Node) -> str | None:
    """Which ciphers and key exchanges are offered."""
    text = values.scalar(node)
    if text and text.value not in ALGORITHMS:
        text.refuse(f"{text.value!r} is not a choice of algorithms", "write modern or compatible")
        return None
    return text.value if text else None


def read_source(node: Node) -> Source | None:
    """Where deliveries come from; see :class:`gateway.integrations.Source`."""
    if isinstance(node, Scalar) and node.value.startswith("sftp:"):
        return _sftp_source(node, node.value.removeprefix("sftp:"))
    return values.read_source(node)


def _sftp_source(text: Scalar, rest: str) -> Source | None:
    """``sftp://connection/folder/*.edi``; ``~`` stands for the folder in which a session begins."""
    host, _, path = rest.removeprefix("//").partition("/")
    folder, _, pattern = path.rpartition("/")
    hint = f"write {_EXAMPLE}; only the last part may hold a pattern"
    if not rest.startswith("//") or not path:
        text.refuse(f"{text.value!r} is not complete", hint)
    elif not values.NAME.fullmatch(host):
        text.refuse_part(7, len(host), f"{host!r} is not a name", f"write {_EXAMPLE}")
    elif not pattern or re.search(r"[*?\[]", folder) or {"..", "."} & set(path.split("/")):
        text.refuse(f"{text.value!r} is not a folder with a pattern of names", hint)
    else:
        return Source("sftp", host, path)
    return None


def read_answers(node: Node) -> tuple[str, str] | None:
    """``sftp://connection/folder``: a connection, and a folder there."""
    text = values.scalar(node)
    match = re.fullmatch(rf"sftp://({values.NAME.pattern})/(\S*?)/?", text.value) if text else None
    if text and (match is None or {"..", "."} & set(match[2].split("/"))):
        text.refuse(f"{text.value!r} names no folder at a partner's server", "write sftp://acme-server/incoming")
        return None
    return (match[1], match[2]) if match else None


def check_answers(drafts: list[Draft], connections: Mapping[str, Connection | None]) -> None:
    """What partners name as the place for their files is a connection to a server."""
    for draft in drafts:
        answers: tuple[str, str] | None = draft.section.get("answers")
        if answers is None:
            continue
        if answers[0] not in connections:
            hint = did_you_mean(answers[0], connections, "describe it in connections.yaml")
            draft.section.text("answers").refuse_part(
                7, len(answers[0]), f"there is no connection {answers[0]!r}", hint
            )
        elif (connection := connections[answers[0]]) and connection.kind != "sftp":
            told = f"the connection {answers[0]!r} is of the kind {connection.kind}, not sftp"
            draft.section.text("answers").refuse_part(7, len(answers[0]), told)


def check_connection(section: Section) -> None:
    """Keys that do not belong to a connection's kind, and those that one of the kind sftp must have."""
    kind = section.get("kind")
    given = [key.value for key, _ in section.mapping.entries]
    if kind != "sftp":
        foreign = [name for name in given if name in OF_SFTP and name not in _OF_OTHERS]
    else:
        foreign = [name for name in given if name not in OF_SFTP and name not in _OF_ALL]
    for name in foreign:
        section.mapping.key(name).refuse(f"{name!r} does not belong to the kind {kind}", "take the line out")
        section.whole = False
    if kind != "sftp":
        return
    url = section.get("url")
    if url is not None and ":" in url.partition("//")[2].rpartition("@")[0]:
        node = section.node("url")
        node.file.hide(node.start, node.end)
        section.refuse(
            "url", "a password stands in this URL", "write it into a secret: password: secret:acme-server/password"
        )
        url = None
    elif url is not None and not URL.fullmatch(url):
        section.refuse("url", f"{url!r} is not the address of an SFTP server", "write sftp://user@host:port")
        url = None
    pinned = section.get("fingerprints", ())
    if section.mapping.get("fingerprints") is None:
        host = urlsplit(url).netloc.rpartition("@")[2] if url else "host:port"
        section.mapping.head.refuse(
            "a connection of the kind sftp needs the key 'fingerprints'",
            f"'gateway probe sftp://{host}' shows them; ask the partner, over another way, whether they are his",
        )
        section.whole = False
    elif len(pinned) > FINGERPRINTS_MAX:
        section.refuse("fingerprints", f"{len(pinned)} keys are pinned", "two at most: the one that is, and the next")
    if "key" not in given and "password" not in given:
        section.mapping.head.refuse(
            "nobody can log in with this connection", "add key: secret:acme-server/key, or password: secret:…"
        )
        section.whole = False


def read_pulling(section: Section, source: Source | None) -> Pulling | None:
    """How the source is pulled from; these lines belong to ``sftp://`` alone."""
    given = [name for name in LINES if section.mapping.get(name) is not None]
    if source is None:
        return None
    if source.scheme != "sftp":
        for name in given:
            if source.scheme == "folder" and name in ("settle", "marker"):
                continue
            section.mapping.key(name).refuse(f"{name!r} belongs to sources of sftp:// alone", "take the line out")
            section.whole = False
        return None
    if section.get("marker", "").startswith("{"):
        section.refuse("marker", "at a partner's server the marker is the whole name and an ending", "write .done")
    if "marker" in given and "settle" in given:
        section.mapping.key("settle").refuse("a file that is marked need not settle", "take one of the lines out")
    after, move_to = section.get("after", ("leave", ""))
    plain = Pulling()
    return Pulling(
        after,
        move_to,
        section.get("every", plain.every_seconds),
        section.get("settle", plain.settle_seconds),
        section.get("marker", ""),
        section.get("between", ""),
    )


def user_host_port(connection: Connection) -> tuple[str, str, int]:
    """Who logs in where."""
    parts = urlsplit(connection.url)
    return unquote(parts.username or ""), parts.hostname or "", parts.port or 22
