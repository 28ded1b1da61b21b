"""Letters by e-mail: handed over once, again when nobody knows whether they were, and with the same bytes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest

from gateway.configuration import Mail
from gateway.operate.exchange.mailing import LEASE_SECONDS_MIN, MAILS, TRIES_MAX, pause
from gateway.operate.exchange.mailing import MailServer as Mailer
from gateway.operate.exchange.outboxes import send_once
from gateway.publish.outbox import PURGED
from gateway.store import deliveries, outgoing, retention
from gateway.store.outgoing import Bag
from tests.acceptance.answered import outbox, send
from tests.acceptance.workspaces import opened, sample
from tests.gateway.operate.exchange.mailservers import mail_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.operate.wiring import Gateway
    from tests.acceptance.workspaces import Place
    from tests.gateway.operate.exchange.mailservers import MailServer

PRICES = sample("globex-prices.csv")
WRITTEN = "partner: globex\nletters: {}\ncontacts: [a@globex.example, b@globex.example]"


@contextmanager
def mailing(folder: Path, *, letters: str = "mail", more: str = "") -> Iterator[tuple[Place, MailServer]]:
    """A place whose partner globex gets letters by mail."""
    with mail_server() as server:
        mail = f"\nmail:\n  host: 127.0.0.1\n  port: {server.port}\n  tls: none\n  from: edi@us.example\n{more}"
        with opened(folder, more=mail) as place:
            place.change("partners/globex.yaml", "partner: globex", WRITTEN.format(letters))
            yield place, server


def mail_of(place: Place, delivery: str) -> dict[str, Any]:
    """How far the mail about a delivery is."""
    return next(each for each in place.delivery(delivery)["letters"] if each["kind"] == "mail")


def test_a_letter_goes_to_the_contacts_with_text_page_and_rows(tmp_path: Path) -> None:
    with mailing(tmp_path) as (place, server):
        shown = place.give(PRICES, "prices.csv", "drop://globex")
        assert send_once(place.gateway, "sftp", MAILS)
        assert not send_once(place.gateway, "sftp", MAILS)
        (mail,) = server.mails
        assert server.recipients == [["a@globex.example", "b@globex.example"]]
        read = message_from_bytes(mail, policy=policy.default)
        assert read["Subject"] == f"prices.csv: 2 of 10 rows refused [{shown['id']}]"
        assert read["Message-ID"] == f"<letter.{shown['id']}.1@us.example>"
        kinds = [part.get_content_type() for part in read.walk() if not part.is_multipart()]
        assert kinds == ["text/plain", "text/html", "text/csv"]
        assert place.events(shown["id"])[-1] == "letter_sent"
        send(place)
        assert outbox(place, "globex") == {}
        states = {each["kind"]: each["state"] for each in place.delivery(shown["id"])["letters"]}
        assert states == {"text": "kept", "html": "kept", "csv": "kept", "mail": "sent"}


def test_it_goes_into_the_outbox_as_well_where_both_are_wanted(tmp_path: Path) -> None:
    with mailing(tmp_path, letters="outbox mail") as (place, server):
        place.give(PRICES, "prices.csv", "drop://globex")
        send(place)
        assert (len(outbox(place, "globex")), len(server.mails)) == (3, 0)
        send_once(place.gateway, "sftp", MAILS)
        assert len(server.mails) == 1


def test_what_a_server_refuses_is_told_once_and_tried_again_ever_more_seldom(tmp_path: Path) -> None:
    with mailing(tmp_path) as (place, server):
        server.refuse["MAIL"] = "451 busy"
        shown = place.give(PRICES, "prices.csv", "drop://globex")
        for tries in (1, 2, 3):
            assert send_once(place.gateway, "sftp", MAILS)
            assert not send_once(place.gateway, "sftp", MAILS)
            place.clock.forward(pause(tries) - 1)
            assert not send_once(place.gateway, "sftp", MAILS)
            place.clock.forward(2)
        assert mail_of(place, shown["id"])["problem"] == "the mail server says 451 busy"
        assert place.events(shown["id"]).count("letter_waits") == 1
        server.refuse.clear()
        assert send_once(place.gateway, "sftp", MAILS)
        assert (len(server.mails), mail_of(place, shown["id"])["state"]) == (1, "sent")


def test_what_is_refused_for_good_is_given_up_and_told(tmp_path: Path) -> None:
    with mailing(tmp_path) as (place, server):
        server.refuse["RCPT"] = "550 no such mailbox"
        shown = place.give(PRICES, "prices.csv", "drop://globex")
        for tries in range(1, TRIES_MAX + 1):
            assert send_once(place.gateway, "sftp", MAILS)
            place.clock.forward(pause(tries) + 1)
        assert not send_once(place.gateway, "sftp", MAILS)
        mail = mail_of(place, shown["id"])
        assert (mail["state"], mail["problem"]) == ("kept", "a@globex.example is refused: 550 no such mailbox")
        assert place.events(shown["id"])[-1] == "sending_failed"


def test_one_address_that_is_refused_does_not_keep_it_from_the_other(tmp_path: Path) -> None:
    with mailing(tmp_path) as (place, server):
        server.refuse["a@globex.example"] = "550 no such mailbox"
        shown = place.give(PRICES, "prices.csv", "drop://globex")
        assert send_once(place.gateway, "sftp", MAILS)
        assert server.recipients == [["b@globex.example"]]
        assert mail_of(place, shown["id"])["state"] == "sent"


def test_who_does_not_know_whether_it_was_taken_hands_over_the_same_bytes(tmp_path: Path) -> None:
    with mailing(tmp_path) as (place, server):
        server.hang_up = True
        shown = place.give(PRICES, "prices.csv", "drop://globex")
        assert send_once(place.gateway, "sftp", MAILS)
        assert mail_of(place, shown["id"])["state"] == "staged"
        server.hang_up = False
        place.clock.forward(60)
        assert send_once(place.gateway, "sftp", MAILS)
        first, second = server.mails
        assert first == second


class _Killed(BaseException):
    """The end of the process."""


def test_who_is_killed_after_some_mails_repeats_none_that_was_taken(tmp_path: Path) -> None:
    with mailing(tmp_path) as (place, server):
        for number in range(3):
            place.give(PRICES + b"\n" * number, f"prices{number}.csv", "drop://globex")

        class Dying(Mailer):
            def show(self, hidden: str, name: str) -> None:
                if len(server.mails) == 2:
                    raise _Killed
                super().show(hidden, name)

        def place_of(gateway: Gateway, partner: str) -> Mailer:
            made = MAILS.place_of(gateway, partner)
            assert isinstance(made, Mailer)
            made.__class__ = Dying
            return made

        with pytest.raises(_Killed):
            send_once(place.gateway, "sftp", replace(MAILS, place_of=place_of))
        assert len(server.mails) == 2
        place.clock.forward(LEASE_SECONDS_MIN + 1)
        assert send_once(place.gateway, "other", MAILS)
        assert len(server.mails) == len(set(server.mails)) == 3


def test_a_mail_that_somebody_has_taken_is_on_its_way_and_not_purged(tmp_path: Path) -> None:
    with mailing(tmp_path) as (place, _):
        shown = place.give(PRICES, "prices.csv", "drop://globex")
        database = place.gateway.database
        with database.write() as transaction:
            delivery = deliveries.get(transaction.connection, shown["id"])
            assert delivery is not None
            assert not retention.is_to_be_answered(transaction.connection, delivery.number)
            bag = Bag(mails=True)
            (taken,) = outgoing.take_outgoing(transaction, owner="sftp", seconds=60, count=1, bag=bag)
            assert retention.is_to_be_answered(transaction.connection, delivery.number)
            assert retention.purge(transaction, delivery.number, by="keep: 1d", quoting=()) is None
            outgoing.put_off(transaction, taken, seconds=0, problem="busy")
            assert retention.purge(transaction, delivery.number, by="keep: 1d", quoting=()) is not None


def test_a_mail_whose_content_is_gone_is_handed_to_no_server() -> None:
    with mail_server() as server, pytest.raises(OSError, match="purged") as refused:
        Mailer(Mail("127.0.0.1", server.port, "none", "edi@us.example"), lambda: None, lambda _: b"").show("", "x")
    assert refused.value.strerror == PURGED
    assert server.mails == []


def test_a_server_that_is_not_there_holds_up_no_outbox(tmp_path: Path) -> None:
    with mailing(tmp_path, letters="outbox mail") as (place, server):
        place.change("gateway.yaml", f"port: {server.port}", "port: 1")
        shown = place.give(PRICES, "prices.csv", "drop://globex")
        assert send_once(place.gateway, "sftp", MAILS)
        send(place)
        assert len(outbox(place, "globex")) == 3
        assert "refused" in mail_of(place, shown["id"])["problem"].lower()


def test_a_password_is_never_told(tmp_path: Path) -> None:
    more = "  user: gateway\n  password: secret:mail/password\n"
    with pytest.raises(Exception, match="whoever listens would read the password"), mailing(tmp_path, more=more):
        pass


def test_starttls_is_wanted_unless_it_is_given_up(tmp_path: Path) -> None:
    with mailing(tmp_path) as (place, server):
        place.change("gateway.yaml", "tls: none", "tls: starttls")
        shown = place.give(PRICES, "prices.csv", "drop://globex")
        assert send_once(place.gateway, "sftp", MAILS)
        assert server.mails == []
        assert "STARTTLS" in mail_of(place, shown["id"])["problem"]
