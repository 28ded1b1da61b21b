"""What partners log in with: public keys as they send them, and passwords that we make for those who have no key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import Stop
from sftp.auth import key_blob

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.partners import Partner

_KEY_BYTES_MAX = 64 * 1024
_SSH2 = re.compile(r"---- BEGIN SSH2 PUBLIC KEY ----\s*\n(.*?)---- END SSH2 PUBLIC KEY ----", re.DOTALL)
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without what is taken for another letter when it is read out."""
_GROUPS, _GROUP = 4, 5
PASSWORD_MIN = 12
"""So many characters has a password at least that a person thinks of."""


def public_key(given: str) -> str:
    """The public key that `given` is or that the file of that name holds, as one line in OpenSSH's form.

    The form of RFC 4716 is taken too: PuTTY's generator saves it.

    Raises:
        Stop: it is no key, a private one, or one that is too weak; the message never quotes it.
    """
    text, what = given, "the key"
    if not re.match(r"(ssh-|ecdsa-)\S+ \S", given.strip()):
        text, what = _content(Path(given)), given
    if "PRIVATE KEY" in text or text.startswith("PuTTY-User-Key-File"):
        raise Stop(
            f"{what} holds a private key, which only its owner may have",
            "Ask for the public one, the .pub file. If the partner sent the private one, it must not be used any more.",
        )
    lines = [line for line in (_from_ssh2(text) or text).splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != 1:
        raise Stop(f"{what} holds {len(lines)} lines, and one key is wanted", "Give each key in a file of its own")
    try:
        key_blob(lines[0])
    except ValueError as error:
        raise Stop(f"{what} cannot be used: {error}", "Ask the partner for the .pub file as it is") from None
    return lines[0].strip()


def fingerprint(line: str) -> str:
    """What ``ssh-keygen -l`` shows of a public key: ``SHA256:`` and the hash in base64.

    Raises:
        ValueError: the line holds no key.
    """
    digest = hashlib.sha256(key_blob(line)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def check_is_nobodys(line: str, partners: Iterable[Partner]) -> None:
    """See that a public key is no partner's: who logs in with it must be one.

    Raises:
        Stop: it is one of theirs.
    """
    mine = fingerprint(line)
    for other in partners:
        if other.account is not None and mine in map(fingerprint, other.account.keys):
            raise Stop(f"{mine} is a key of {other.name} already", "Ask for a key that nobody else has")


def new_password() -> str:
    """A password to be told once: four groups of five letters and digits, 116 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_KEY_BYTES_MAX).decode("utf-8", "replace").removeprefix("\ufeff")
    except OSError as error:
        raise Stop(
            f"{str(path)[:80]!r} is neither a public key nor a file that can be read: {error.strerror}",
            "Give the .pub file, or the line that stands in it, in quotes",
        ) from error


def _from_ssh2(text: str) -> str | None:
    """The line of a key in the form of RFC 4716; None where the text is in another."""
    match = _SSH2.search(text)
    if match is None:
        return None
    body = re.sub(r"^[^\n:]+:(?:[^\n]*\\\n)*[^\n]*\n", "", match[1], flags=re.MULTILINE)
    try:
        blob = base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return ""
    size = int.from_bytes(blob[:4], "big")
    return f"{blob[4 : 4 + size].decode('ascii', 'replace')} {base64.b64encode(blob).decode()}"
