"""A key more or less in a file that people wrote; nothing else of it changes."""

from __future__ import annotations

import base64
import doctest

import pytest

from gateway.errors import Stop
from gateway.workspace import amending
from gateway.workspace.amending import with_key, without_key
from gateway.workspace.loader import parse
from sftp.auth import hash_password


def public_line(number: int) -> str:
    """A key that nobody has the private half of: 32 bytes that are all `number`."""
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-ed25519", bytes([number]) * 32))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} key-{number}"


ONE, TWO, NEW = (public_line(number) for number in range(1, 4))

FILES = {
    "none": "partner: acme  # of Leeds\n",
    "no end of line": "partner: acme",
    "a password": f"partner: acme\nsftp:  # account\n  user: acme\n  password_hash: {hash_password('x')}\n",
    "one": f"partner: acme\nsftp:\n  user: acme\n  keys: {ONE}  # the old one\nabout: it\n",
    "a list": (
        f"partner: acme\nsftp:\n    user: acme\n    keys:\n      # ours\n      - {ONE}\n"
        f"      - {TWO}   # laptop\nabout: it\n"
    ),
    "a list at its key": f"partner: acme\nsftp:\n  keys:\n  - {ONE}\n  - {TWO}\n  user: acme",
    "in brackets": f'partner: acme\nsftp:\n  user: acme\n  keys: ["{ONE}", "{TWO}"]\n',
}


def keys(text: str) -> tuple[str, ...]:
    account = parse({"gateway.yaml": "", "partners/acme.yaml": text}).partners["acme"].account
    return account.keys if account else ()


def test_the_example_of_the_module() -> None:
    assert doctest.testmod(amending).failed == 0


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_key_is_added_behind_the_others_and_every_line_stays(text: str) -> None:
    before = keys(text)
    after = with_key("partners/acme.yaml", text, "acme", NEW)
    assert keys(after) == (*before, NEW)
    kept = after.replace("]", " ").replace('",', '"').split()
    assert [word for word in text.replace("]", " ").replace('",', '"').split() if word not in kept] == []


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_what_is_added_can_be_taken_out_again(text: str) -> None:
    added = with_key("partners/acme.yaml", text, "acme", NEW)
    for number in range(len(keys(added)) - 1):
        rest = without_key("partners/acme.yaml", added, number)
        assert keys(rest) == tuple(key for at, key in enumerate(keys(added)) if at != number)
        assert set(added.split("\n")[:2]) <= set(rest.split("\n"))


def test_the_last_key_takes_its_word_along() -> None:
    text = FILES["a password"].replace("  password", f"  keys:\n    - {ONE}\n  password")
    assert without_key("partners/acme.yaml", text, 0) == FILES["a password"]


@pytest.mark.parametrize("text", ["partner: acme\nsftp: {user: acme}\n", "partner: acme\nsftp: acme\n"])
def test_an_unusual_file_is_left_to_people(text: str) -> None:
    with pytest.raises(Stop, match="by hand"):
        with_key("partners/acme.yaml", text, "acme", NEW)
