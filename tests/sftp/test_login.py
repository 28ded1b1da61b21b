"""Logging in: by key, by password, by both; from where; and what a stranger can do to others, which is nothing."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import paramiko
import pytest

from sftp.server import Limits
from sftp.testing import HOST, PATIENCE_SECONDS, DropBox, dropbox, make_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sftp.activity import Activity

pytestmark = pytest.mark.server
PASSWORD = "correct horse"
GENEROUS = Limits(connects_burst=1000, ban_failures=1000)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[DropBox]:
    with dropbox(tmp_path, password=PASSWORD, limits=GENEROUS, collecting=False) as box:
        yield box


def key(box: DropBox) -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key_file(str(box.key_file))


def reached(box: DropBox) -> paramiko.Transport:
    transport = paramiko.Transport((HOST, box.server.port))
    transport.start_client()
    return transport


def test_both_are_wanted_where_both_are_demanded(box: DropBox) -> None:
    box.accounts["acme"] = replace(box.accounts["acme"], both=True)
    with reached(box) as transport:
        assert transport.auth_publickey("acme", key(box)) == ["password"]
        assert not transport.is_authenticated()
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password("acme", "wrong", fallback=False)
        assert transport.auth_password("acme", PASSWORD) == []
        sftp = transport.open_sftp_client()
        assert sftp is not None
        assert sftp.listdir("/inbox") == []
    assert f"by key and password {key(box).fingerprint}" in box.told.wait("logged_in").message


def test_which_of_several_keys_it_was_is_told(box: DropBox) -> None:
    with reached(box) as transport:
        assert transport.auth_publickey("acme", key(box)) == []
    assert box.told.wait("logged_in").message.endswith(f"by key {key(box).fingerprint}")


def test_a_key_that_was_offered_is_not_told_of_who_came_by_password(
    box: DropBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reached(box) as transport:
        monkeypatch.setattr(type(key(box)), "sign_ssh_data", lambda *_, **__: paramiko.Message(b"wrong"))
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("acme", key(box))
        assert transport.auth_password("acme", PASSWORD) == []
    assert box.told.wait("logged_in").message.endswith("by password")


def refused(box: DropBox, user: str, *given: paramiko.PKey | str) -> Activity:
    """What is told of a connection that ended after these keys and passwords, each of which is answered alike."""
    with reached(box) as transport:
        for each in given:
            with pytest.raises(paramiko.AuthenticationException, match="Authentication failed"):
                _ = (
                    transport.auth_password(user, each, fallback=False)
                    if isinstance(each, str)
                    else (transport.auth_publickey(user, each))
                )
    box.server.close()
    return box.told.wait("login_refused")


def test_a_wrong_password_is_told_with_the_account_and_its_partner(box: DropBox) -> None:
    box.accounts["acme-sftp"] = replace(box.accounts["acme"], user="acme-sftp")
    told = refused(box, "acme-sftp", "wrong")
    assert (told.partner, told.account, told.user, told.key) == ("acme", "acme-sftp", None, None)
    assert told.message == f"1 attempt from {HOST} without a login: wrong password of acme-sftp"


def test_a_key_that_is_not_the_accounts_is_told_by_its_fingerprint(box: DropBox, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    other = paramiko.Ed25519Key.from_private_key_file(str(tmp_path / "other"))
    told = refused(box, "acme", other, "wrong", "wrong again")
    assert told.key == f"key {other.fingerprint}"
    assert told.reason == f"key {other.fingerprint} is none of the keys of acme; wrong password of acme"
    assert told.message.startswith(f"3 attempts from {HOST} without a login: key SHA256:")
    assert "again" not in repr(told)


def test_who_comes_from_outside_the_accounts_networks_is_told_so_to_us_alone(box: DropBox) -> None:
    box.accounts["acme"] = replace(box.accounts["acme"], networks=("203.0.113.0/24",))
    told = refused(box, "acme", PASSWORD, key(box))
    assert (told.partner, told.reason) == ("acme", "acme may log in from 203.0.113.0/24 only")


@pytest.mark.parametrize(("user", "shown"), [("nobody\n", r"nobody\n"), ("x" * 1000, "x" * 64)])
def test_of_an_unknown_user_the_name_is_told_and_no_partner(box: DropBox, user: str, shown: str) -> None:
    told = refused(box, user, PASSWORD, key(box))
    assert (told.partner, told.account, told.reason) == (None, None, f'there is no account "{shown}"')


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"both": True}, "acme needs its key as well, before its password"),
        ({"password_hash": None}, "acme has no password, only keys"),
    ],
)
def test_a_password_that_cannot_be_enough_is_told(box: DropBox, changed: dict[str, Any], reason: str) -> None:
    box.accounts["globex"] = box.accounts["acme"]  # so that passwords are offered at all
    box.accounts["acme"] = replace(box.accounts["acme"], **changed)
    assert refused(box, "acme", PASSWORD).reason == reason


def test_the_password_alone_is_not_enough_though_it_is_right(box: DropBox) -> None:
    box.accounts["acme"] = replace(box.accounts["acme"], both=True)
    with reached(box) as transport, pytest.raises(paramiko.AuthenticationException):
        transport.auth_password("acme", PASSWORD, fallback=False)


def test_a_key_that_was_only_offered_is_not_a_login(box: DropBox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.accounts["acme"] = replace(box.accounts["acme"], both=True)
    right, forged = key(box), paramiko.Message()
    forged.add_string("ssh-ed25519")
    forged.add_string(bytes(64))
    monkeypatch.setattr(right, "sign_ssh_data", lambda *_: forged)
    with reached(box) as transport:
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("acme", right)
        assert transport.is_active()
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password("acme", PASSWORD, fallback=False)


@pytest.mark.parametrize(("network", "admitted"), [("127.0.0.0/8", True), ("203.0.113.0/24", False)])
def test_an_account_lets_in_from_its_networks_only(box: DropBox, network: str, admitted: bool) -> None:
    box.accounts["acme"] = replace(box.accounts["acme"], networks=(network,))
    for password in (None, PASSWORD):
        if admitted:
            with box.connected(password=password):
                pass
        else:
            with pytest.raises(paramiko.AuthenticationException), box.connected(password=password):
                pass


def test_a_key_of_a_kind_that_is_unknown_does_not_fit_and_ends_nothing(box: DropBox) -> None:
    class Hardware(paramiko.Ed25519Key):
        def get_name(self) -> str:
            return "sk-ssh-ed25519@openssh.com"

    strange = Hardware.from_private_key_file(str(box.key_file))
    with reached(box) as transport:
        transport._key_info = {**transport._key_info, strange.get_name(): Hardware}  # type: ignore[attr-defined]
        transport._preferred_pubkeys = (strange.get_name(),)  # type: ignore[attr-defined]
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("acme", strange)
        assert transport.auth_password("acme", PASSWORD) == []
    with reached(box) as transport:
        transport._key_info = {**transport._key_info, strange.get_name(): Hardware}  # type: ignore[attr-defined]
        transport._preferred_pubkeys = (strange.get_name(),)  # type: ignore[attr-defined]
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("acme", strange)
    box.server.close()
    assert "a key of the kind sk-ssh-ed25519@openssh.com, which is not taken" in box.told.wait("login_refused").message


def test_guessing_closes_the_account_to_strangers_but_neither_to_keys_nor_to_where_it_was_right(tmp_path: Path) -> None:
    limits = Limits(ban_failures=1000, guard_failures=3, connects_burst=1000)
    with dropbox(tmp_path, password=PASSWORD, limits=limits, collecting=False) as box:
        for _ in range(3):
            with reached(box) as transport, pytest.raises(paramiko.AuthenticationException):
                transport.auth_password("acme", "a guess", fallback=False)
        assert "its keys count as always" in box.told.wait("guarded").message
        with pytest.raises(paramiko.AuthenticationException), box.connected(password=PASSWORD):
            pass  # a stranger who guessed it in the end would not learn it
        with box.connected():
            pass
    with dropbox(tmp_path, password=PASSWORD, limits=limits, collecting=False) as box:
        with box.connected(password=PASSWORD):
            pass
        for _ in range(4):
            with reached(box) as transport, pytest.raises(paramiko.AuthenticationException):
                transport.auth_password("acme", "a guess", fallback=False)
        with box.connected(password=PASSWORD):
            pass


def test_guesses_from_outside_its_networks_do_not_close_an_account_within_them(tmp_path: Path) -> None:
    limits = Limits(ban_failures=1000, guard_failures=3, connects_burst=1000)
    with dropbox(tmp_path, password=PASSWORD, limits=limits, collecting=False) as box:
        at_home = box.accounts["acme"]
        box.accounts["acme"] = replace(at_home, networks=("203.0.113.0/24",))
        for _ in range(4):
            with reached(box) as transport, pytest.raises(paramiko.AuthenticationException):
                transport.auth_password("acme", "a guess", fallback=False)
        box.accounts["acme"] = replace(at_home, networks=("127.0.0.0/8",))
        with box.connected(password=PASSWORD):
            pass


def test_a_partner_has_so_many_connections_and_the_others_have_theirs(tmp_path: Path) -> None:
    limits = Limits(partner_connections=2, connects_burst=1000)
    with dropbox(tmp_path, partners=("acme", "other"), limits=limits, collecting=False) as box, ExitStack() as open_:
        for _ in range(2):
            open_.enter_context(box.connected())
        with pytest.raises(paramiko.SSHException), box.connected():
            pass
        assert "acme has 2 connections open" in box.told.wait("connection_refused").message
        with box.connected("other"):
            pass


def test_whoever_holds_most_of_the_handshakes_loses_his_oldest(tmp_path: Path) -> None:
    limits = Limits(handshakes=3, connects_burst=1000)
    with dropbox(tmp_path, limits=limits, collecting=False) as box:
        waiting = [reached(box) for _ in range(3)]
        with box.client() as client:
            assert client.listdir("/inbox") == []
            waiting[0].join(PATIENCE_SECONDS)
            assert [each.is_active() for each in waiting] == [False, True, True]
        for each in waiting:
            each.close()


def test_a_connection_ends_after_its_time(tmp_path: Path) -> None:
    now, limits = [0.0], Limits(total_seconds=600)
    with dropbox(tmp_path, limits=limits, collecting=False, monotonic=lambda: now[0]) as box, box.connected() as ssh:
        transport = ssh.get_transport()
        assert transport is not None
        now[0] = 600.1  # idle for so long it may be
        transport.join(PATIENCE_SECONDS)
        assert not transport.is_active()


def test_another_key_is_refused_and_an_address_that_tries_many_is_locked_out(tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    other = paramiko.Ed25519Key.from_private_key_file(str(tmp_path / "other"))
    with dropbox(tmp_path, limits=Limits(ban_failures=3), collecting=False) as box:
        for _ in range(3):
            with reached(box) as transport, pytest.raises(paramiko.AuthenticationException):
                transport.auth_publickey("acme", other)
        assert HOST in box.told.wait("banned").message
