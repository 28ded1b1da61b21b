"""``signature:`` of an integration whose source is ``hook:``: how the requests are signed that bring its deliveries."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.integrations import Signature
from gateway.workspace.nodes import Sequence
from gateway.workspace.problems import did_you_mean
from gateway.workspace.values import read_list, read_secret, scalar

if TYPE_CHECKING:
    from gateway.integrations import Source
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section

STANDARD = "standard-webhooks"
SCHEMES = (STANDARD, "hmac")
ALGORITHMS = ("sha256", "sha512", "sha1")
ENCODINGS = ("hex", "base64")
SECRETS_MAX = 2
"""One, and another while senders change from one to the other."""

HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
PART = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PLACE = re.compile(r"\{(\w*)\}")
_PLACES = ("id", "timestamp", "body")
STANDARD_WEBHOOKS = Signature(
    (),
    "webhook-signature",
    prefix="v1,",
    encoding="base64",
    signed="{id}.{timestamp}.{body}",
    timestamp="webhook-timestamp",
    id="webhook-id",
    standard=True,
)
"""The symmetric signatures of Standard Webhooks 1.0.0, without a secret."""

_FREE = ("scheme", "secret", "tolerance")
"""What those who follow Standard Webhooks leave open."""


def _one_of(node: Node, known: tuple[str, ...], message: str) -> str | None:
    text = scalar(node)
    if text and text.value not in known:
        text.refuse(message.format(repr(text.value)), did_you_mean(text.value, known, f"write {' or '.join(known)}"))
        return None
    return text.value if text else None


def read_scheme(node: Node) -> str | None:
    """How requests are signed."""
    return _one_of(node, SCHEMES, "{} is no way to sign that is known here")


def read_algorithm(node: Node) -> str | None:
    """The hash of an HMAC."""
    return _one_of(node, ALGORITHMS, "there is no HMAC with {} here")


def read_encoding(node: Node) -> str | None:
    """How the bytes of a signature are written."""
    return _one_of(node, ENCODINGS, "{} is no way to write a signature")


def read_header(node: Node) -> str | None:
    """The name of a header of the request."""
    text = scalar(node)
    if text and not HEADER.fullmatch(text.value):
        text.refuse(f"{text.value!r} is not the name of a header", "write X-Hub-Signature-256")
        return None
    return text.value if text else None


def read_part(node: Node) -> str | None:
    """The name of a part of a header's value, such as t in ``t=…,v1=…``."""
    text = scalar(node)
    if text and not PART.fullmatch(text.value):
        text.refuse(f"{text.value!r} is not the name of a part of a header", "write the word before the sign =: v1")
        return None
    return text.value if text else None


def read_prefix(node: Node) -> str | None:
    """What stands before a signature."""
    text = scalar(node)
    if text and not re.fullmatch(r"[\x21-\x7e]{1,40}", text.value):
        text.refuse(f"{text.value!r} cannot stand before a signature", "write visible characters alone: sha256=")
        return None
    return text.value if text else None


def read_secrets(node: Node) -> tuple[str, ...] | None:
    """References to the secret, or to two of them."""
    secrets = read_list(node, read_secret)
    if secrets is None:
        return None
    if len(secrets) > SECRETS_MAX or len(set(secrets)) < len(secrets):
        at = node.items[-1] if isinstance(node, Sequence) else node
        at.refuse("at most two different secrets count at a time", "take out the one that senders no longer use")
        return None
    return secrets


def read_signed(node: Node) -> str | None:
    """What is signed: a text in which ``{id}``, ``{timestamp}`` and ``{body}`` stand for what came."""
    text = scalar(node)
    if text is None:
        return None
    hint = 'write "{body}" or "{timestamp}.{body}", in quotes'
    names = _PLACE.findall(text.value)
    for match in _PLACE.finditer(text.value):
        if match[1] not in _PLACES:
            known = did_you_mean(match[1], _PLACES, "known are {id}, {timestamp} and {body}")
            text.refuse_part(match.start(), len(match[0]), f"nothing stands for {match[0]}", known)
            return None
    if names.count("body") != 1 or len(set(names)) < len(names):
        what = "the body is not signed" if "body" not in names else "something is signed twice"
        text.refuse(f"{what} in {text.value!r}", hint)
        return None
    if re.search(r"\{id\}\{|\}\{id\}", text.value):
        text.refuse("nobody could tell where the id ends", "write what stands between: {id}.{timestamp}.{body}")
        return None
    if re.search(r"[{}]", _PLACE.sub("", text.value)) or not text.value.isascii():
        text.refuse(f"{text.value!r} is not a text with places", hint)
        return None
    return text.value


def check_signature(section: Section, source: Source) -> None:
    """Refuse a hook that is not signed, and a signature where there is no hook."""
    there = section.mapping.get("signature") is not None
    if source.scheme == "hook" and not there:
        section.refuse(
            "source",
            "a hook needs the key 'signature'",
            "say how its requests are signed; in the lines below signature:, scheme: standard-webhooks and secret:",
        )
    elif source.scheme != "hook" and there:
        section.mapping.key("signature").refuse(
            "'signature' belongs to hooks alone", 'write source: "hook:", or take the lines out'
        )


def read_signature(section: Section) -> Signature | None:
    """What an integration's ``signature:`` says; None where there is none, or something is wrong with it."""
    inner: Section | None = section.get("signature")
    if inner is None or not inner.whole:
        return None
    given = {"tolerance_seconds": inner.get("tolerance")} if inner.get("tolerance") else {}
    if inner.get("scheme") == STANDARD:
        for name, _ in inner.mapping.entries:
            if name.value not in _FREE:
                name.refuse(f"Standard Webhooks say themselves what {name.value!r} is", "take the line out")
                inner.whole = False
        return replace(STANDARD_WEBHOOKS, secrets=inner.get("secret"), **given) if inner.whole else None
    _refuse_unsound(inner)
    if not inner.whole:
        return None
    return Signature(inner.get("secret"), **given, **{name: inner.get(name) for name in _TAKEN if inner.get(name)})


_TAKEN = ("header", "part", "prefix", "algorithm", "encoding", "signed", "timestamp", "timestamp_part", "id")


def _refuse_unsound(inner: Section) -> None:
    """What would not be a proof, or could never be one."""
    signed = inner.get("signed", "{body}")
    if not inner.get("header"):
        inner.refuse("scheme", "an HMAC needs the key 'header'", "say where it stands: header: X-Hub-Signature-256")
    if inner.get("timestamp") and inner.get("timestamp_part"):
        inner.refuse("timestamp_part", "the time of sending is in one place", "keep timestamp: or timestamp_part:")
    if inner.get("timestamp_part") and not inner.get("part"):
        inner.refuse("timestamp_part", "then the signature is a part of the header too", "say which: part: v1")
    timed = "timestamp" if inner.get("timestamp") else "timestamp_part" if inner.get("timestamp_part") else None
    if timed and "{timestamp}" not in signed:
        inner.refuse(
            timed, "a time that is not signed proves nothing", 'add what is signed: signed: "{timestamp}.{body}"'
        )
    elif not timed and "{timestamp}" in signed:
        inner.refuse("signed", "nothing says where the timestamp is", "name its header: timestamp: X-Request-Timestamp")
    if not timed and inner.get("tolerance"):
        inner.refuse("tolerance", "there is no time that could be off", "take the line out, or name timestamp:")
    if "{id}" in signed and not inner.get("id"):
        inner.refuse("signed", "nothing says where the id is", "name its header: id: X-Request-Id")
