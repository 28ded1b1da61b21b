"""What is only tried: a partner's test file is kept for a worker to judge, and becomes no delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from gateway.errors import Reject
from gateway.observations import TRIAL_ASKED, TRIAL_FAILED
from gateway.store import retention, trials
from gateway.store.trials import DROP, Trial

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.integrations import Integration, Source
    from gateway.receive.landing import Receiver
    from gateway.store.database import Database

BYTES_MAX = 64 * 1024 * 1024
"""A larger file is not tried: what is wrong with it shows in a part of it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks for trials, with what landing a delivery needs."""

    receiver: Receiver

    def ask(
        self,
        partner: str,
        name: str,
        stream: BinaryIO,
        *,
        lane: str,
        size: int,
        integration: str | None = None,
        whole: bool | None = None,
        id: str | None = None,  # noqa: A002 - what it is
    ) -> str:
        """Have a partner's file judged as if it had come from him; the trial's id.

        `integration` says for which one, where several of his sources could be meant. A trial of this `id` that is
        there already is left as it is.

        Raises:
            Reject: ``too_large``; ``nothing_wanted``: no integration takes files of this partner; ``ambiguous``;
                ``too_many`` of his wait.
            Stop, Retry: as for landing a delivery.
        """
        if size > BYTES_MAX:
            raise Reject(
                "too_large",
                f"{name} has {size:,} bytes, and files of up to {BYTES_MAX:,} are tried",
                "Try a part of it: what is wrong with all of it shows there, too.",
            )
        source, integration = self._meant(partner, integration, lane)
        database, vault, begin = self.receiver.database, self.receiver.vault, stream.tell()
        with database.read() as connection:
            if id is None or trials.get(connection, id) is None:
                trials.admit(connection, partner)  # before anything is kept of it
        while True:
            stored = vault.put(stream)
            this = Trial(
                id=id or self.receiver.new_id("t"),
                lane=lane,
                partner=partner,
                source=source,
                name=name,
                sha256=stored.sha256,
                size=stored.size,
                integration=integration,
                whole=whole,
            )
            with self.receiver.write() as transaction:
                if retention.is_kept(transaction, vault, stored.sha256):
                    if trials.get(transaction.connection, this.id) is None:
                        trials.ask(transaction, this)
                        transaction.tell(
                            TRIAL_ASKED(partner=partner, sender=partner, name=name, size=stored.size, trial=this.id)
                        )
                    break
            stream.seek(begin)  # the same content was purged between the two: it is put once more
        forget_surplus(database, partner)
        return this.id

    def refuse(self, partner: str, name: str, why: Reject, *, lane: str, size: int, id: str) -> None:  # noqa: A002 - as above
        """A file that cannot be tried is answered, too."""
        this = Trial(id, lane, partner, "", name, None, size)
        with self.receiver.write() as transaction:
            if trials.get(transaction.connection, id) is None:
                trials.ask(transaction, this, problem=str(why))
                transaction.tell(TRIAL_FAILED(partner=partner, name=name, reason=why.message, trial=id))
        forget_surplus(self.receiver.database, partner)

    def _meant(self, partner: str, integration: str | None, lane: str) -> tuple[str, str | None]:
        """The source as which the file counts, and the integration where the source does not say it.

        A file of the folder for tests is judged as the same file in the inbox beside it would be, whatever else is
        taken of the partner elsewhere.
        """
        configuration = self.receiver.configuration()
        theirs = [each for each in configuration.integrations.values() if is_for(each, partner)]
        known = configuration.partners.get(partner)
        past = known is not None and known.account is not None and go_past_the_inbox(theirs)
        if integration is None and (lane == DROP or past):
            return f"drop://{partner}", None
        if integration is not None:
            theirs = [each for each in theirs if each.name == integration]
        if not theirs:
            raise Reject(
                "nothing_wanted",
                f"no integration takes files of {partner}" + (f" as {integration}" if integration else ""),
                "Add an integration with this partner, and apply.",
            )
        sources = {named(each.source): each for each in theirs}
        dropped = next((name for name in sources if name.startswith("drop:")), None)
        if dropped is not None:
            return dropped, None
        if len(sources) > 1 or (len(theirs) > 1 and next(iter(sources)) in _NAMED):
            names = ", ".join(sorted(each.name for each in theirs))
            raise Reject("ambiguous", f"several integrations take files of {partner}: {names}", "Name one of them.")
        source = next(iter(sources))
        return source, theirs[0].name if source in _NAMED else None


def forget_surplus(database: Database, partner: str | None) -> None:
    """Forget the oldest of more trials than are kept of one partner; their files go as others whose time is over."""
    with database.read() as connection:
        if not trials.surplus(connection, partner, limit=1):
            return
    with database.write() as transaction:  # its own: the locks of content are taken at once
        _, content = trials.forget_surplus(transaction, partner)
        retention.condemn(transaction, *content)


_NAMED = ("http:", "hook:")
"""Sources that say nothing of which integration is meant."""


def is_for(integration: Integration, partner: str) -> bool:
    """Whether an integration takes files of a partner, who may be one of many that it has."""
    scheme = integration.source.scheme
    if scheme == "table":
        return False
    return partner == (integration.source.host if scheme == "drop" else integration.partner)


def go_past_the_inbox(flows: Collection[Integration]) -> bool:
    """Whether all that is taken of a partner is taken from folders of ours, where its account cannot put anything."""
    return bool(flows) and all(each.source.scheme == "folder" for each in flows)


def named(source: Source) -> str:
    """The source of its deliveries, as they name it."""
    if source.scheme == "drop":
        return f"drop://{source.host}"
    if source.scheme == "folder":
        return f"folder:{source.path.rpartition('/')[0] or '.'}"
    if source.scheme == "sftp":
        return source.remote_folder
    return str(source) if source.scheme not in ("http", "hook") else f"{source.scheme}:"
