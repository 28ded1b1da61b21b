"""Logging in as paramiko does it, but for two things.

Whoever asks about a key has not proved yet that it is his: `passed` is asked of the server's interface once a signature
or a password was right, and decides whether that is enough. And a key of a kind that is not known here is one that does
not fit, not the end of the connection: agents offer all that they have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from paramiko.auth_handler import AuthHandler
from paramiko.common import AUTH_SUCCESSFUL

if TYPE_CHECKING:
    from paramiko import PKey


class Door(Protocol):
    """What the server's interface has besides paramiko's methods."""

    def passed(self, user: str, method: str) -> int:
        """What comes of it that `user` has proved who he is by `method`: AUTH_SUCCESSFUL, or that more is wanted."""


class StrangeKey:
    """A key of a kind that opens nothing here, whatever its bytes are."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def asbytes(self) -> bytes:
        """Nothing, which is no account's key."""
        return b""


class Login(AuthHandler):
    """paramiko's server side of logging in, asking `Door.passed`."""

    def _send_auth_result(self, username: str, method: str, result: int) -> None:
        if result == AUTH_SUCCESSFUL:
            result = cast("Door", self.transport.server_object).passed(username, method)
        super()._send_auth_result(username, method, result)  # type: ignore[misc]  # protected: not in the stubs

    def _generate_key_from_request(self, algorithm: str, keyblob: bytes) -> PKey | StrangeKey:
        key: Any = super()._generate_key_from_request(algorithm, keyblob)  # type: ignore[misc]
        return key or StrangeKey(algorithm)
