"""Accounts and the lock-out against guessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sftp.auth import Account, Doorkeeper, hash_password, key_blob
from sftp.lockout import Guesses, Throttle
from sftp.testing import make_key

if TYPE_CHECKING:
    from pathlib import Path

HERE = "192.0.2.1"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_each_of_several_keys_opens_the_account_and_no_other_does(tmp_path: Path) -> None:
    old, new, other = (make_key(tmp_path / name) for name in ("old", "new", "other"))
    keeper = Doorkeeper(lambda: {"acme": Account("acme", "acme", (f"{old} last year", "rubbish", new))})
    assert keeper.knows_key("acme", key_blob(old), HERE)
    assert keeper.knows_key("acme", key_blob(new), HERE)
    assert not keeper.knows_key("acme", key_blob(other), HERE)
    assert not keeper.knows_key("nobody", key_blob(old), HERE)


def test_a_new_configuration_holds_at_the_next_login(tmp_path: Path) -> None:
    line = make_key(tmp_path / "key")
    accounts = {"acme": Account("acme", "acme", (line,))}
    keeper = Doorkeeper(lambda: accounts)
    assert keeper.knows_key("acme", key_blob(line), HERE)
    accounts = {}
    assert not keeper.knows_key("acme", key_blob(line), HERE)


def test_passwords_are_judged_and_whoever_has_none_cannot_use_one() -> None:
    accounts = {
        "acme": Account("acme", "acme", password_hash=hash_password("correct horse")),
        "keys": Account("keys", "keys"),
        "bad": Account("bad", "bad", password_hash="not a hash"),
    }
    keeper = Doorkeeper(lambda: accounts)
    tried = [
        ("acme", "correct horse"),
        ("acme", "wrong"),
        ("keys", ""),
        ("bad", "not a hash"),
        ("nobody", "correct horse"),
    ]
    assert [keeper.knows_password(user, password, HERE) for user, password in tried] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert keeper.methods() == "publickey,password"
    assert Doorkeeper(lambda: {"keys": accounts["keys"]}).methods() == "publickey"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "no key in OpenSSH's form"),
        ("-----BEGIN RSA PRIVATE KEY-----", "no key in OpenSSH's form"),
        ("ssh-ed25519 AAA%", "not valid base64"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", "damaged"),
        ("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIGJkYmRiZGJkYmRiZGJkYmRiZGJkYmRiZGJkYmRiZGJk", "damaged"),
    ],
)
def test_an_unusable_key_is_refused_with_the_remedy_and_without_quoting_it(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        key_blob(line)
    assert "AAA" not in str(caught.value).replace("AAAA...", "")


def test_a_weak_rsa_key_is_refused() -> None:
    key = generate_private_key(public_exponent=65537, key_size=1024).public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    with pytest.raises(ValueError, match="fewer than 2048 bits"):
        key_blob(line)


def test_options_before_a_key_do_not_hide_it(tmp_path: Path) -> None:
    line = make_key(tmp_path / "key")
    assert key_blob(f"restrict {line}") == key_blob(line)


def test_an_address_is_locked_out_after_failures_and_let_in_again() -> None:
    clock = Clock()
    throttle = Throttle(clock, failures_max=10, ban_seconds=300)
    assert not throttle.failed("192.0.2.1", 6)
    assert throttle.failed("192.0.2.1", 6)
    assert "locked out for another 300 s" in (throttle.why_refused("192.0.2.1") or "")
    assert throttle.why_refused("192.0.2.2") is None
    clock.now += 301
    assert throttle.why_refused("192.0.2.1") is None


def test_old_failures_are_forgotten() -> None:
    clock = Clock()
    throttle = Throttle(clock, failures_max=10, ban_seconds=300)
    for _ in range(5):
        assert not throttle.failed("192.0.2.1", 6)
        clock.now += 301


def test_connections_without_a_login_are_slowed_down_and_logins_cost_nothing() -> None:
    clock = Clock()
    throttle = Throttle(clock, connects_per_second=10, connects_burst=3)
    for _ in range(20):
        assert throttle.why_refused("192.0.2.1") is None
        throttle.logged_in("192.0.2.1")
    assert [throttle.why_refused("192.0.2.1") is None for _ in range(4)] == [True, True, True, False]
    clock.now += 100  # where somebody logged in, there are several clients
    assert [throttle.why_refused("192.0.2.1") is None for _ in range(31)] == [True] * 30 + [False]
    assert [throttle.why_refused("192.0.2.2") is None for _ in range(4)] == [True, True, True, False]
    clock.now += 0.11
    assert throttle.why_refused("192.0.2.1") is None


def test_whoever_has_one_address_of_an_ipv6_network_has_all_of_them() -> None:
    throttle = Throttle(Clock(), failures_max=2)
    throttle.failed("2001:db8::1", 2)
    assert throttle.why_refused("2001:db8::ffff:2")
    assert throttle.why_refused("2001:db8:0:1::1") is None
    throttle.failed("::ffff:192.0.2.7", 2)
    assert throttle.why_refused("192.0.2.7") or throttle.why_refused("::ffff:192.0.2.7")


def test_guessing_an_account_from_many_addresses_closes_its_password_to_strangers_alone() -> None:
    clock = Clock()
    guesses = Guesses(clock, failures_max=3, guard_seconds=600)
    guesses.right("acme", HERE)
    told = [guesses.wrong(user, f"198.51.100.{n}") for n in range(3) for user in ("acme", "nobody")]
    assert told == [False] * 4 + [True] * 2  # a name that is no account's is treated alike
    assert not guesses.may_try("acme", "198.51.100.99")
    assert guesses.may_try("acme", HERE)
    assert guesses.may_try("other", "198.51.100.99")
    clock.now += 601
    assert guesses.may_try("acme", "198.51.100.99")


def test_whoever_mistypes_at_home_does_not_close_the_account() -> None:
    guesses = Guesses(Clock(), failures_max=2)
    guesses.right("acme", HERE)
    assert not any(guesses.wrong("acme", HERE) for _ in range(5))
    assert guesses.may_try("acme", "198.51.100.1")


@pytest.mark.parametrize(
    ("networks", "address", "admitted"),
    [
        ((), "198.51.100.1", True),
        (("192.0.2.0/24", "2001:db8::/32"), HERE, True),
        (("192.0.2.0/24",), "::ffff:192.0.2.9", True),
        (("192.0.2.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("192.0.2.0/24",), "198.51.100.1", False),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("192.0.2.0/24",), "who knows", False),
    ],
)
def test_an_account_is_open_from_its_networks(
    networks: tuple[str, ...], address: str, admitted: bool, tmp_path: Path
) -> None:
    line = make_key(tmp_path / "key")
    account = Account("acme", "acme", (line,), hash_password("right"), networks=networks)
    keeper = Doorkeeper(lambda: {"acme": account})
    assert keeper.knows_key("acme", key_blob(line), address) is admitted
    assert keeper.knows_password("acme", "right", address) is admitted


def test_of_an_account_that_wants_both_nothing_is_learnt_without_the_key() -> None:
    keeper = Doorkeeper(lambda: {"acme": Account("acme", "acme", (), hash_password("right"), both=True)})
    assert not keeper.knows_password("acme", "right", HERE)
    assert keeper.knows_password("acme", "right", HERE, key_passed=True)
