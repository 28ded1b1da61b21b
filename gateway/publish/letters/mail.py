"""A letter as a mail: text and page beside each other, the sheet attached; written once and sent as it is kept."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from gateway.publish.letters.outcome import headline
from gateway.publish.letters.page import page
from gateway.publish.letters.plain import text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.publish.letters.facts import Letter

_SUBJECT_MAX = 180


def message_id(reference: str, number: int, sender: str) -> str:
    """The Message-ID of a letter (RFC 5322, 3.6.4): the same for every try to send it, so that a server can tell."""
    return f"<letter.{reference}.{number}@{sender.rpartition('@')[2]}>"


def of_message(name: str) -> tuple[str, int]:
    """The delivery and the number of the letter with this Message-ID."""
    reference, number = name[1 : name.index("@")].removeprefix("letter.").rsplit(".", 1)
    return reference, int(number)


def mail(letter: Letter, number: int, *, sender: str, to: Sequence[str], at: datetime) -> bytes:
    """The message (RFC 5322), with CR LF. A program that answers mails by itself does not answer it (RFC 3834)."""
    message = EmailMessage(policy.SMTP.clone(max_line_length=998))
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = f"{headline(letter)[:_SUBJECT_MAX]} [{letter.reference}]"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id(letter.reference, number, sender)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text(letter), cte="quoted-printable")
    message.add_alternative(page(letter), subtype="html", cte="quoted-printable")
    if letter.sheet is not None:
        message.add_attachment(letter.sheet.content, maintype="text", subtype="csv", filename=letter.sheet.name)
    parts = [part for part in message.walk() if part.is_multipart()]
    for place, part in enumerate(parts):  # the same letter, the same bytes
        part.set_boundary(f"=_{letter.reference}.{number}.{place}")
    return message.as_bytes()
