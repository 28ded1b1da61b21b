"""Where letters to partners go: ``letters:`` and ``contacts:`` of a partner, ``mail:`` of gateway.yaml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.configuration import Mail
from gateway.workspace.problems import did_you_mean
from gateway.workspace.values import scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.partners import Partner
    from gateway.workspace.agreement import Draft
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section

WAYS = ("outbox", "mail")
MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
"""What is taken for an address of RFC 5321: no quoted local parts, no literals, nothing beyond ASCII."""
SECURITY = {"starttls": 587, "tls": 465, "none": 25}
"""How a connection to the mail server is secured → the usual port."""


def read_letters(node: Node) -> tuple[str, ...] | None:
    """Where letters go: words of `WAYS`, or none."""
    text = scalar(node)
    if text is None:
        return None
    words = text.value.replace(",", " ").split()
    wrong = next((each for each in words if each not in WAYS), None)
    if words == ["none"]:
        return ()
    if wrong is not None or not words:
        text.refuse(f"{wrong or ''!r} is no place for letters", did_you_mean(wrong or "", (*WAYS, "none"), "there are"))
        return None
    return tuple(dict.fromkeys(words))


def read_mailbox(node: Node) -> str | None:
    """An address of e-mail."""
    text = scalar(node)
    if text and not MAILBOX.fullmatch(text.value):
        text.refuse(f"{text.value!r} is no address of e-mail", "write edi@company.example")
        return None
    return text.value if text else None


def read_security(node: Node) -> str | None:
    """How the connection to the mail server is secured."""
    text = scalar(node)
    if text and text.value not in SECURITY:
        text.refuse(
            f"{text.value!r} is no way to secure it", did_you_mean(text.value, SECURITY, "write starttls, tls or none:")
        )
        return None
    return text.value if text else None


def read_mail(section: Section) -> Mail:
    """The section, all of which is right."""
    security = section.get("tls") or "starttls"
    if security == "none" and section.get("password"):
        section.refuse("tls", "whoever listens would read the password", "write tls: starttls, or take it out")
    return Mail(
        host=section.get("host"),
        port=section.get("port") or SECURITY[security],
        security=security,
        sender=section.get("from"),
        user=section.get("user"),
        password=section.get("password"),
    )


def check_letters(partners: Iterable[Draft], mail: Mail | None) -> None:
    """Who gets letters by mail has addresses, and there is a mail server."""
    for draft in partners:
        partner: Partner | None = draft.value
        if partner is None or "mail" not in partner.letters:
            continue
        if not partner.contacts:
            draft.section.refuse("letters", "there is nobody to write to", "add contacts: [edi@company.example]")
        elif mail is None:
            draft.section.refuse(
                "letters", "no mail server is known", "add mail: with host: and from: to gateway.yaml, or write outbox"
            )
