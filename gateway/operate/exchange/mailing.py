"""Letters by e-mail: handed to the mail server of gateway.yaml as they were written, and again until it takes them.

A letter that was handed over when we were killed is handed over once more: it has the same Message-ID and the same
bytes, so that a mailbox can tell. A server that refuses a letter for good (5xx, RFC 5321, 4.2.1) is asked again, too,
but ever more seldom, and at last no more: somebody must look at the address.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from contextlib import suppress
from email import message_from_bytes
from email.utils import getaddresses
from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.operate.credentials import resolved
from gateway.operate.exchange.outboxes import Way
from gateway.publish.letters.mail import of_message
from gateway.publish.outbox import PURGED
from gateway.store import outgoing
from gateway.store.outgoing import Bag

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.configuration import Mail
    from gateway.operate.wiring import Gateway

_log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 20.0
TRIES_MAX = 30
"""Most of a day, as `pause` has it."""
LEASE_SECONDS_MIN = 300.0
"""A server may take `TIMEOUT_SECONDS` for each of its answers, a dozen of which a mail needs."""
_FIRST_SECONDS, _PAUSE_SECONDS_MAX = 15.0, 3000.0


def pause(tries: int) -> float:
    """The seconds until a letter that was tried so often is tried again: twice as many each time, up to 50 minutes."""
    return min(_FIRST_SECONDS * 2.0 ** min(tries, 16), _PAUSE_SECONDS_MAX)


class MailServer:
    """A place that sends what it is to show: nothing is written before, and nothing can be looked for."""

    where = "with the mail server"

    def __init__(self, mail: Mail | None, password: Callable[[], str | None], content: Callable[[str], bytes]) -> None:
        """`content` gives the mail with a Message-ID."""
        self._mail = mail
        self._password = password
        self._content = content
        self._server: smtplib.SMTP | None = None

    def has(self, name: str, content: bytes) -> bool:  # noqa: ARG002 - as `Place`
        """As `Place`: no server says what it has."""
        return False

    def write(self, hidden: str, content: bytes) -> None:
        """As `Place`."""

    def sync_hidden(self) -> None:
        """As `Place`."""

    def show(self, hidden: str, name: str) -> None:  # noqa: ARG002 - as `Place`
        """Hand the mail with this Message-ID to the server."""
        content = self._content(name)
        if not content:
            raise OSError(None, PURGED)
        try:
            if self._server is None:
                self._server = self._connected()
            self._hand_over(self._server, content)
        except smtplib.SMTPException as trouble:
            self.close()
            raise OSError(None, _said(trouble)) from trouble
        except OSError as trouble:
            self.close()
            raise OSError(None, f"the mail server: {trouble.strerror or trouble}") from trouble
        except Stop as trouble:  # of the password
            raise OSError(None, trouble.message) from trouble

    def sync_shown(self) -> None:
        """As `Place`."""

    def sweep(self, start: str) -> None:
        """As `Place`."""

    def close(self) -> None:
        """As `Place`."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._server.quit()
            self._server = None

    def _connected(self) -> smtplib.SMTP:
        mail = self._mail
        if mail is None:
            raise OSError(None, "gateway.yaml names no mail server any more")
        context = ssl.create_default_context()
        if mail.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_SECONDS)
        try:
            if mail.security == "starttls":
                server.starttls(context=context)
            password = self._password()
            if mail.user is not None and password is not None:
                server.login(mail.user, password)
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(self, server: smtplib.SMTP, content: bytes) -> None:
        head = message_from_bytes(content)
        sender, to = head["From"], [address for _, address in getaddresses(head.get_all("To", []))]
        refused = server.sendmail(sender, to, content)
        for address, (code, words) in refused.items():  # others of the partner have it
            _log.warning("a letter is not taken for %s: %s %s", address, code, words.decode("utf-8", "replace"))


def _said(trouble: smtplib.SMTPException) -> str:
    """Why the server did not take it, with its own words; never what it was told."""
    if isinstance(trouble, smtplib.SMTPRecipientsRefused):
        address, (code, words) = next(iter(trouble.recipients.items()))
        return f"{address} is refused: {code} {words.decode('utf-8', 'replace')}"
    if isinstance(trouble, smtplib.SMTPResponseException):
        error = trouble.smtp_error
        words_ = error.decode("utf-8", "replace") if isinstance(error, bytes) else str(error)
        return f"the mail server says {trouble.smtp_code} {words_}"
    return f"the mail server: {str(trouble) or type(trouble).__name__}"


def _place(gateway: Gateway, _: str) -> MailServer:
    mail = gateway.in_force.configuration().settings.mail

    def password() -> str | None:
        known = mail.password if mail is not None else None
        return resolved(known, gateway.folder) if known is not None else None

    def content(message_id: str) -> bytes:
        with gateway.database.read() as connection:
            return outgoing.mail_of(connection, *of_message(message_id))

    return MailServer(mail, password, content)


MAILS = Way(
    "mails", lambda _: Bag(mails=True), _place, pause, TRIES_MAX, singly=True, lease_seconds_min=LEASE_SECONDS_MIN
)
"""By e-mail: each is noted as soon as the server has it."""
