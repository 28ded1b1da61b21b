"""One partner's session: a thread that reads a request, has it done and answers, in order, over one channel."""

from __future__ import annotations

import contextlib
import struct
import threading
from typing import TYPE_CHECKING

from sftp import protocol
from sftp.activity import Activity
from sftp.errors import SftpError
from sftp.requests import Requests, SessionLimits
from sftp.wire import PACKET_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    import paramiko

    from sftp.activity import Tell
    from sftp.jail import Jail
    from sftp.quota import Allowance


class Session(threading.Thread):
    """One session. `uploaded` is called with the source (``drop://partner``) of a file that is ready."""

    def __init__(
        self,
        channel: paramiko.Channel,
        open_jail: Callable[[], Jail],
        *,
        limits: SessionLimits,
        allowance: Allowance,
        tell: Tell,
        uploaded: Callable[[str], None],
        user: str,
        address: str,
        delivered: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(name=f"sftp-session-{user}", daemon=True)
        self.channel = channel
        self._open_jail = open_jail
        self._limits = limits
        self._allowance = allowance
        self._tell_to = tell
        self._uploaded = uploaded
        self._user = user
        self._address = address
        self._delivered = delivered
        self._buffer = bytearray()

    def run(self) -> None:
        """Serve the session to its end."""
        try:
            with self._open_jail() as jail:
                self._serve(jail)
        except (OSError, SftpError) as error:
            self._tell(f"the folders of {self._user} cannot be used: {error}")
        except Exception as error:  # noqa: BLE001 - a defect ends one session and is told
            self._tell(f"the session of {self._user} ended: {error!r}")
        finally:
            with contextlib.suppress(OSError, EOFError):  # the connection may be gone
                self.channel.close()

    def _serve(self, jail: Jail) -> None:
        requests = Requests(
            jail,
            limits=self._limits,
            allowance=self._allowance,
            tell=self._tell_to,
            uploaded=self._uploaded,
            user=self._user,
            address=self._address,
        )
        try:
            if self._greet():
                while (packet := self._receive()) is not None:
                    self._answer(requests, packet)
            self.channel.send_exit_status(0)  # without it scp reports a failure though the file has arrived
        except (ConnectionError, TimeoutError, EOFError):
            pass  # the client is gone, idle or stalled
        except OSError as error:
            if not self.channel.closed:  # paramiko raises a plain OSError for a channel that the client has closed
                self._tell(f"the session of {self._user} ended: {error}")
        finally:
            requests.abort(delivered=self._delivered())

    def _greet(self) -> bool:
        packet = self._receive()
        if packet is None or packet[0] != protocol.INIT:
            return False
        pairs = b"".join(protocol.string(name) + protocol.string(data) for name, data in protocol.EXTENSIONS)
        self._send(protocol.VERSION, struct.pack(">I", 3) + pairs)
        return True

    def _receive(self) -> memoryview | None:
        """One packet without its length, or None at the end."""
        buffer = self._buffer
        while len(buffer) < 4 or len(buffer) < 4 + int.from_bytes(buffer[:4], "big"):
            if len(buffer) >= 4 and int.from_bytes(buffer[:4], "big") > PACKET_BYTES_MAX:
                self._tell("the client sent what is not SFTP")
                return None
            self.channel.settimeout(self._limits.idle_seconds)
            data = self.channel.recv(PACKET_BYTES_MAX)
            if not data:
                return None
            buffer += data
        end = 4 + int.from_bytes(buffer[:4], "big")
        with memoryview(buffer) as view:
            packet = bytes(view[4:end])
        del buffer[:end]
        return memoryview(packet) if packet else None

    def _send(self, kind: int, *payload: bytes | memoryview) -> None:
        self.channel.settimeout(self._limits.stall_seconds)
        packet = b"".join((struct.pack(">IB", sum(map(len, payload)) + 1, kind), *payload))
        # paramiko cuts off a piece again and again, and of bytes would copy the rest each time.
        self.channel.sendall(memoryview(packet))  # type: ignore[arg-type]  # documented: bytes

    def _answer(self, requests: Requests, packet: memoryview) -> None:
        number = bytes(packet[1:5]).ljust(4, b"\0")
        kind, *payload = requests.answer(packet[0], protocol.Fields(packet[5:]))
        self._send(kind, number, *payload)

    def _tell(self, message: str) -> None:
        partner, user, address = self._allowance.partner, self._user, self._address
        self._tell_to(Activity("session_failed", message, problem=True, partner=partner, user=user, address=address))
