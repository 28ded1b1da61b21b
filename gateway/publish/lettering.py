"""Writing letters: what is owed is gathered, written in all its forms and kept, by one transaction (X1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.observations import LETTER_FAILED, LETTER_KEPT
from gateway.publish.letters.mail import mail, message_id
from gateway.publish.letters.page import page
from gateway.publish.letters.plain import text
from gateway.publish.letters.reading import Source, file_name, gathered
from gateway.store import deliveries, letters
from gateway.store.letters import CSV, HTML, TEXT, Form
from gateway.store.outgoing import MAIL

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.configuration import Configuration
    from gateway.publish.acknowledgments import Desk
    from gateway.publish.letters.facts import Letter
    from gateway.store.letters import Owed


def write(
    desk: Desk, owed: Owed, in_force: Configuration, *, outboxes: Collection[str], tested: bool = False
) -> Letter:
    """Write a leased letter; what it says. `outboxes` are the partners who have one, `in_force` says where letters go.

    `tested` says that the file was only tested.

    Raises:
        Retry: the lease was lost, or the store is busy; nothing was kept.
        Stop: the raw bytes are missing or damaged.
    """
    alive = _Alive(desk, owed)
    with desk.database.read() as connection:
        delivery = deliveries.by_number(connection, owed.delivery)
    desk.watch.turn_to(delivery)
    desk.watch.begin()
    try:
        letter = gathered(Source(desk.database, desk.vault, desk.routes_of(owed.revision), alive), owed, tested=tested)
    finally:
        desk.watch.end()
    partner = in_force.partners.get(owed.partner)
    wanted = partner.letters if partner is not None else ()
    on_their_way: list[str] = []
    if "outbox" in wanted and owed.partner in outboxes:
        on_their_way += [TEXT, HTML, CSV]
    forms = [
        Form(TEXT, file_name(delivery, owed.number, "txt"), text(letter).encode()),
        Form(HTML, file_name(delivery, owed.number, "html"), page(letter).encode()),
    ]
    if letter.sheet is not None:
        forms.append(Form(CSV, letter.sheet.name, letter.sheet.content))
    server = in_force.settings.mail
    if "mail" in wanted and partner is not None and partner.contacts and server is not None:
        now = desk.database.clock()
        content = mail(letter, owed.number, sender=server.sender, to=partner.contacts, at=now)
        forms.append(Form(MAIL, message_id(letter.reference, owed.number, server.sender), content))
        on_their_way.append(MAIL)
    with desk.database.write() as transaction:
        letters.hold(transaction, owed, seconds=desk.lease_seconds)
        letters.keep(transaction, owed, forms, on_their_way=on_their_way)
        if not on_their_way:
            who = {"integration": delivery.integration, "partner": owed.partner, "delivery": delivery.id}
            transaction.tell(LETTER_KEPT(**who, name=delivery.name))
    return letter


def give_up(desk: Desk, owed: Owed, reason: str) -> None:
    """A letter that could not be written in several tries: that is told, and it is not tried again (P4)."""
    with desk.database.write() as transaction:
        delivery = deliveries.by_number(transaction.connection, owed.delivery)
        letters.finish(transaction, owed, letters.FAILED, problem=reason)
        who = {"integration": delivery.integration, "partner": owed.partner, "delivery": delivery.id}
        transaction.tell(LETTER_FAILED(**who, name=delivery.name, tries=owed.tries - 1, reason=reason))


class _Alive:
    """Prolongs the lease while bytes are read, whenever a third of it is over."""

    def __init__(self, desk: Desk, owed: Owed) -> None:
        self._desk = desk
        self._owed = owed
        self._proven = desk.database.clock()

    def __call__(self) -> None:
        self._desk.watch.progressed()
        if (self._desk.database.clock() - self._proven).total_seconds() > self._desk.lease_seconds / 3:
            with self._desk.database.write() as transaction:
                letters.hold(transaction, self._owed, seconds=self._desk.lease_seconds)
            self._proven = self._desk.database.clock()
