"""The way in for files: our SFTP server, the drop folders behind it, and watched folders."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.observations import (
    BELL_LOST,
    FILE_INCOMPLETE,
    FILE_OPEN,
    FILE_STUCK,
    FILE_WRITTEN_LATE,
    FOLDER_UNREADABLE,
    FOLDER_UNUSABLE,
    HANDOVER_FAILED,
    HANDOVER_RECOVERED,
    LOG_MISSING,
    NOT_A_FILE,
    REMOVAL_FAILED,
)
from gateway.operate.exchange.folders import bells, watched_folders
from gateway.operate.exchange.mailing import MAILS
from gateway.operate.exchange.outboxes import OUTBOXES, send_until
from gateway.operate.exchange.partnerserver import partner_server
from gateway.operate.exchange.pulling import pull
from gateway.operate.exchange.pushing import push
from gateway.operate.exchange.visits import Visits
from gateway.operate.workers.trying import tell_until
from gateway.operate.workers.worker import owner_name
from gateway.receive.drops import Drops
from sftp.arrival import drop_folder
from sftp.collect import Collector, prepare
from sftp.errors import Stop as SftpStop
from sftp.folders import make

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.configuration import Configuration
    from gateway.model import Activity as Line
    from gateway.operate.wiring import Gateway
    from gateway.receive.landing import Receiver
    from sftp.activity import Activity
    from sftp.arrival import Arrival, Folder

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 1.0
_STORED = {
    each.event: each
    for each in (
        FOLDER_UNREADABLE,
        FILE_STUCK,
        FILE_INCOMPLETE,
        FILE_OPEN,
        FILE_WRITTEN_LATE,
        NOT_A_FILE,
        BELL_LOST,
        LOG_MISSING,
        REMOVAL_FAILED,
        HANDOVER_FAILED,
        HANDOVER_RECOVERED,
    )
}
"""What an administrator must see of all that the collector tells, by its name there."""


class _ToldFirst:
    """Who receives files, and what was told until then in the same transaction: an upload stands above its delivery."""

    def __init__(self, visits: Visits, receiver: Receiver) -> None:
        self._visits = visits
        self._telling = Drops(replace(receiver, along=visits.transaction))
        self._alone = Drops(receiver)

    def receive(self, arrival: Arrival) -> None:
        """As `Drops.receive`. When the log cannot be written, the file is received all the same."""
        try:
            self._telling.receive(arrival)
        except Exception:
            if not self._visits.waiting:
                raise
            self._alone.receive(arrival)


class Intake:
    """The SFTP role: serves partners and collects what settled, always as the revision in force says."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        settings = gateway.settings
        self._drops = gateway.folder / settings.drops
        self._unusable: dict[str, str] = {}
        """Why a folder is left out, by its source."""
        self.visits = Visits(gateway.database, time.monotonic)
        received = _ToldFirst(self.visits, gateway.receiver)
        self._collector = Collector((), received, new_id=lambda: gateway.ids.new("a"), on_activity=self._tell)
        self.server = partner_server(gateway, self._collector.ring, self._tell)

    def run(self, stop: threading.Event, come_up: Callable[[], None] = lambda: None) -> None:
        """Serve and collect until `stop` is set; a newly applied revision takes effect within a second.

        `come_up` is called when the server listens.

        A folder that cannot be used is told and left out until it can be; the others are collected from.

        Raises:
            Stop: the port is in use, or the collector has ended, which it never should.
        """
        self._collector.watch(self._usable(self._gateway.in_force.configuration()))
        try:
            self.server.start()
        except SftpStop as taken:
            remedy = "Stop the program that uses the port, or change sftp: in gateway.yaml"
            raise Stop(taken.message, remedy) from taken
        come_up()
        collecting = threading.Thread(target=self._collector.run, args=(stop,), name="collector")
        collecting.start()
        written = threading.Event()
        writing = threading.Thread(target=self.visits.run, args=(written,), name="visits")
        writing.start()
        telling = threading.Thread(target=tell_until, args=(self._gateway, stop), name="tried")
        telling.start()
        sending = [
            threading.Thread(target=send_until, args=(self._gateway, owner_name(), stop, way), name=way.name)
            for way in (OUTBOXES, MAILS)
        ]
        for each in sending:
            each.start()
        pulling = threading.Thread(target=pull, args=(self._gateway, stop), name="pulling")
        pulling.start()
        pushing = threading.Thread(target=push, args=(self._gateway, owner_name(), stop), name="pushing")
        pushing.start()
        try:
            while not stop.is_set():
                self._follow_one_revision(stop, collecting)
        finally:
            stop.set()
            self._collector.ring()
            self.server.close()
            collecting.join()
            for each in sending:
                each.join()
            pulling.join()
            pushing.join()
            written.set()
            writing.join()
            telling.join()

    def _follow_one_revision(self, stop: threading.Event, collecting: threading.Thread) -> None:
        """Collect from the folders of the revision in force until another one is, or one more can be used."""
        configuration = self._gateway.in_force.configuration()
        folders = self._usable(configuration)
        self._collector.watch(folders)
        watched = [folder for folder in folders if folder.partner is None]  # our own server rings by itself
        with bells(watched, self._collector, self._tell):
            while not stop.wait(_LOOK_EVERY_SECONDS):
                if not collecting.is_alive():
                    raise Stop("the collector has ended, so no file would arrive", "Its traceback stands above.")
                try:
                    if self._gateway.in_force.configuration().revision != configuration.revision:
                        return
                except (Retry, Stop) as trouble:
                    _log.warning("%s", trouble)
                if self._unusable and self._usable(configuration) != folders:
                    return

    def _usable(self, configuration: Configuration) -> list[Folder]:
        """The folders that can be collected from; why another one cannot is told, once."""
        usable: list[Folder] = []
        unusable: dict[str, str] = {}
        for folder in self._folders(configuration):
            try:
                prepare(folder)
                if folder.partner is not None:
                    make(folder.path.parent / "outbox")
            except (OSError, SftpStop) as trouble:
                reason = trouble.message if isinstance(trouble, SftpStop) else trouble.strerror or str(trouble)
                unusable[folder.source] = reason
                if self._unusable.get(folder.source) != reason:
                    line = FOLDER_UNUSABLE(partner=folder.partner, folder=folder.source, reason=reason)
                    _log.warning("%s", line.message)
                    self._store(line)
            else:
                usable.append(folder)
        self._unusable = unusable
        return usable

    def _folders(self, configuration: Configuration) -> list[Folder]:
        """The inbox of each partner with an account, his test one, and each folder that an integration reads."""
        settings = configuration.settings
        partial_after = settings.partial_after_seconds
        folders = [
            drop_folder(self._drops, partner.name, test=test, partial_after_seconds=partial_after)
            for partner in configuration.partners.values()
            if partner.account is not None
            for test in (False, True)
        ]
        return [*folders, *watched_folders(configuration, self._gateway.folder)]

    def _tell(self, activity: Activity) -> None:
        """Everything goes to this process's log, and what an administrator must see to the store's as well."""
        _log.log(logging.WARNING if activity.problem else logging.INFO, "%s: %s", activity.what, activity.message)
        if self.visits.told(activity):
            return
        observation = _STORED.get(activity.what)
        if observation is not None:
            self._store(observation(partner=activity.partner, message=activity.message))

    def _store(self, line: Line) -> None:
        try:
            with self._gateway.database.write() as transaction:
                transaction.tell(line)
        except (Retry, Stop) as trouble:  # the store itself may be what is wrong; the process's log has told it
            _log.warning("%s", trouble)
