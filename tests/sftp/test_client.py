"""Our client against OpenSSH: the pinned key, logging in, listing, fetching, going on, sending."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sftp.client import Found, Remote, connect, host_keys
from sftp.errors import Changed, Reject, Retry, Stop
from sftp.testing import dropbox, make_key
from sftp.transfer import fetch, send
from tests.servers import free_port
from tests.sftp.partner_server import PartnerServer, missing, partner_server, with_fingerprints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sftp.client import Client

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
CONTENT = os.urandom(1_000_003)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartnerServer]:
    with partner_server(tmp_path_factory.mktemp("partner") / "sshd") as one:
        yield one


@pytest.fixture
def client(server: PartnerServer) -> Iterator[Client]:
    with connect(server.where) as one:
        yield one


def found(client: Client, path: Path) -> Found:
    [one] = [each for each in client.listing(str(path.parent)) if each.name == path.name]
    return one


# ── the key ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_any_key_of_the_server_may_be_the_pinned_one(server: PartnerServer, kind: str) -> None:
    with connect(with_fingerprints(server.where, server.fingerprints[kind])) as one:
        assert one.is_open


def test_two_keys_are_pinned_while_one_is_changed_for_the_other(server: PartnerServer) -> None:
    with connect(with_fingerprints(server.where, "SHA256:" + "A" * 43, server.fingerprints["ed25519"])) as one:
        assert one.is_open


def test_another_key_is_told_with_both_and_nothing_is_sent(server: PartnerServer) -> None:
    pinned = "SHA256:" + "A" * 43
    with pytest.raises(Stop) as stopped:
        connect(with_fingerprints(replace(server.where, password="hunter2"), pinned))
    assert pinned in stopped.value.message
    assert all(each in stopped.value.message for each in server.fingerprints.values())
    assert "hunter2" not in str(stopped.value)


def test_without_a_pinned_key_there_is_no_connection(server: PartnerServer) -> None:
    with pytest.raises(Stop, match="no fingerprint"):
        connect(with_fingerprints(server.where))


def test_the_keys_of_a_server_are_shown_without_logging_in(server: PartnerServer) -> None:
    keys = host_keys(Remote("127.0.0.1", server.where.port))
    assert {each.fingerprint for each in keys} == set(server.fingerprints.values())


# ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_not_let_in_is_told_so_without_the_secret(server: PartnerServer, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    with pytest.raises(Stop, match="in by key"):
        connect(replace(server.where, key=(tmp_path / "other").read_text()))
    with pytest.raises(Stop, match="by password") as stopped:
        connect(replace(server.where, key=None, password="hunter2"))
    assert "hunter2" not in str(stopped.value)


def test_a_key_that_is_none_is_told(server: PartnerServer) -> None:
    with pytest.raises(Stop, match="cannot be read"):
        connect(replace(server.where, key="no key at all"))


def test_nobody_there_is_tried_again() -> None:
    with pytest.raises(Retry, match="cannot be reached"):
        connect(Remote("127.0.0.1", free_port(), "x", fingerprints=("SHA256:x",)))


# ── listing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_listing_says_what_is_a_file_and_what_it_looks_like(server: PartnerServer, client: Client) -> None:
    server.put("list/orders.edi", b"12345", modified=1_600_000_000)
    (server.root / "list" / "folder").mkdir()
    (server.root / "list" / "link").symlink_to("orders.edi")
    os.mkfifo(server.root / "list" / "pipe")
    by_name = {each.name: each for each in client.listing(str(server.root / "list"))}
    assert by_name["orders.edi"] == Found("orders.edi", 5, 1_600_000_000)
    assert {name for name, each in by_name.items() if each.is_file} == {"orders.edi"}
    assert by_name["folder"].is_folder


def test_a_folder_with_too_many_entries_is_told(server: PartnerServer, client: Client) -> None:
    for number in range(12):
        server.put(f"many/{number}", b"")
    with pytest.raises(Stop, match="more than 10 entries"):
        client.listing(str(server.root / "many"), names_max=10)
    assert len(client.listing(str(server.root / "many"))) == 12


def test_a_folder_that_is_not_there_is_refused_and_the_session_goes_on(server: PartnerServer, client: Client) -> None:
    with pytest.raises(Reject) as refused:
        client.listing(str(server.root / "nowhere"))
    assert refused.value.code == "no such file"
    assert client.stat(str(server.root / "nowhere")) is None
    assert client.home() == str(server.root)


# ── fetching ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 255 * 1024, 255 * 1024 + 1, 1_000_003])
def test_a_file_comes_byte_for_byte(server: PartnerServer, client: Client, tmp_path: Path, size: int) -> None:
    path = server.put("fetch/a.edi", CONTENT[:size])
    with (tmp_path / "part").open("a+b") as part:
        fetched = fetch(client, str(path), found(client, path), part)
    assert (tmp_path / "part").read_bytes() == CONTENT[:size]
    assert (fetched.size, fetched.sha256) == (size, hashlib.sha256(CONTENT[:size]).hexdigest())


@pytest.mark.parametrize("there", [1, 70_000, 999_999, 1_000_003])
def test_a_fetch_goes_on_behind_what_is_there(
    server: PartnerServer, client: Client, tmp_path: Path, there: int
) -> None:
    path = server.put("fetch/b.edi", CONTENT)
    (tmp_path / "part").write_bytes(CONTENT[:there])
    with (tmp_path / "part").open("a+b") as part:
        fetched = fetch(client, str(path), found(client, path), part)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert (fetched.sha256, fetched.resumed_at) == (hashlib.sha256(CONTENT).hexdigest(), there)


def test_a_part_that_is_of_another_file_is_begun_anew(server: PartnerServer, client: Client, tmp_path: Path) -> None:
    path = server.put("fetch/c.edi", CONTENT)
    (tmp_path / "part").write_bytes(CONTENT[:70_000][::-1])
    with (tmp_path / "part").open("a+b") as part:
        fetched = fetch(client, str(path), found(client, path), part)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert fetched.resumed_at == 0


def test_a_fetch_that_breaks_off_leaves_a_part_to_go_on_with(
    server: PartnerServer, client: Client, tmp_path: Path
) -> None:
    path = server.put("fetch/d.edi", CONTENT)
    pieces = iter(range(2))

    def came() -> None:
        if next(pieces, None) is None:
            raise Retry("the line is cut")

    with (tmp_path / "part").open("a+b") as part, pytest.raises(Retry, match="cut"):
        fetch(client, str(path), found(client, path), part, came=came)
    there = (tmp_path / "part").stat().st_size
    assert 0 < there < len(CONTENT)
    assert not client.is_open
    with connect(server.where) as again, (tmp_path / "part").open("a+b") as part:
        assert fetch(again, str(path), found(again, path), part).resumed_at == there
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_a_file_that_has_changed_since_it_was_listed_is_not_taken(
    server: PartnerServer, client: Client, tmp_path: Path
) -> None:
    path = server.put("fetch/e.edi", CONTENT)
    looked = found(client, path)
    server.put("fetch/e.edi", CONTENT + b"more")
    with (tmp_path / "part").open("a+b") as part, pytest.raises(Changed, match="written to"):
        fetch(client, str(path), looked, part)


def test_a_file_that_shrinks_while_it_is_read_is_not_taken(
    server: PartnerServer, client: Client, tmp_path: Path
) -> None:
    path = server.put("fetch/f.edi", CONTENT * 8)
    looked = found(client, path)
    with (tmp_path / "part").open("a+b") as part, pytest.raises(Changed):
        fetch(client, str(path), looked, part, came=lambda: os.truncate(path, 10))
    assert client.stat(str(path)) is not None  # nothing of what was asked ahead is left in the session


def test_a_server_that_goes_away_is_a_reason_to_try_again(tmp_path: Path) -> None:
    with partner_server(tmp_path / "sshd") as own, connect(own.where) as one:
        path = own.put("a.edi", CONTENT * 8)
        looked = found(one, path)
        with (tmp_path / "part").open("a+b") as part, pytest.raises(Retry):
            fetch(one, str(path), looked, part, came=one.close)
        assert not one.is_open


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [0, 1, 255 * 1024 + 1, 1_000_003])
def test_a_file_goes_byte_for_byte_and_is_renamed(server: PartnerServer, client: Client, size: int) -> None:
    path = server.root / "sent.edi"
    path.write_bytes(b"an old one")
    sha256 = send(client, f"{path}.part", io.BytesIO(CONTENT[:size]), size)
    client.rename(f"{path}.part", str(path), replace=True)
    assert path.read_bytes() == CONTENT[:size]
    assert sha256 == hashlib.sha256(CONTENT[:size]).hexdigest()
    assert not path.with_suffix(".edi.part").exists()


def test_a_plain_rename_replaces_nothing(server: PartnerServer, client: Client) -> None:
    one, other = server.put("one", b"1"), server.put("other", b"2")
    with pytest.raises(Reject):
        client.rename(str(one), str(other))
    assert (one.read_bytes(), other.read_bytes()) == (b"1", b"2")


def test_a_refusal_while_sending_is_told(server: PartnerServer, client: Client) -> None:
    with pytest.raises(Reject) as refused:
        send(client, str(server.root / "nowhere" / "a"), io.BytesIO(b"x"), 1)
    assert refused.value.code == "no such file"
    client.remove(str(server.put("gone", b"")))
    assert not (server.root / "gone").exists()


def test_what_is_shown_of_a_remote_holds_no_secret(server: PartnerServer) -> None:
    where = replace(server.where, password="hunter2", passphrase="hunter3")
    assert "hunter" not in repr(where)
    assert server.key.splitlines()[1] not in repr(where)


# ── other ways to log in ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_any_kind_of_key_logs_in_also_a_locked_one(
    server: PartnerServer, tmp_path: Path, kind: str, passphrase: str | None
) -> None:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase or "", "-f", path], check=True, timeout=60)
    with (server.root.parent / "authorized").open("a") as authorized:
        authorized.write(path.with_suffix(".pub").read_text())
    where = replace(server.where, key=path.read_text(), passphrase=passphrase)
    with connect(where) as one:
        assert one.home() == str(server.root)
    if passphrase:
        with pytest.raises(Stop, match="passphrase"):
            connect(replace(where, passphrase=None))
        with pytest.raises(Stop, match="with this passphrase"):
            connect(replace(where, passphrase="wrong"))


def test_another_gateway_is_a_server_like_any_other(tmp_path: Path) -> None:
    with dropbox(tmp_path, collecting=False) as box:
        [ed25519] = [each for each in box.server.hostkeys if each.get_name() == "ssh-ed25519"]
        where = Remote(
            "127.0.0.1", box.server.port, "acme", (ed25519.fingerprint,), box.key_file.read_text(), silence_seconds=10.0
        )
        (box.root / "acme" / "outbox").mkdir(parents=True, exist_ok=True)
        (box.root / "acme" / "outbox" / "orders.edi").write_bytes(CONTENT)
        with connect(where) as one, (tmp_path / "part").open("a+b") as part:
            [orders] = one.listing("/outbox")
            fetch(one, "/outbox/orders.edi", orders, part)
            one.remove("/outbox/orders.edi")
            send(one, "/inbox/answer.edi.part", io.BytesIO(CONTENT), len(CONTENT))
            one.rename("/inbox/answer.edi.part", "/inbox/answer.edi", replace=True)
            assert one.listing("/outbox") == []
        assert (tmp_path / "part").read_bytes() == CONTENT
        assert (box.root / "acme" / "inbox" / "answer.edi").read_bytes() == CONTENT
