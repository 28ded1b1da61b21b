"""Our own SFTP server with the clients that partners use: OpenSSH's sftp and scp, and paramiko."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import paramiko
import pytest

from sftp.errors import Stop
from sftp.quota import Quota
from sftp.requests import SessionLimits
from sftp.server import Limits, Server
from sftp.testing import HOST, PATIENCE_SECONDS, DropBox, dropbox, make_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.server
openssh = pytest.mark.skipif(shutil.which("sftp") is None, reason="sftp is missing: apt-get install openssh-client")

X12 = (
    b"ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *260102*0304*U*00401*000000001*0*P*:~"
    b"GS*PO*ACME*US*20260102*0304*1*X*004010~ST*850*0001~BEG*00*NE*4711**20260102~SE*3*0001~GE*1*1~IEA*1*000000001~"
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropBox]:
    limits = Limits(connects_burst=1000, ban_failures=1000)
    with dropbox(
        tmp_path_factory.mktemp("box"), partners=("acme", "other"), password="correct horse", limits=limits
    ) as box:
        yield box


def run(box: DropBox, program: str, *arguments: str, batch: str | None = None, user: str = "acme") -> tuple[int, str]:
    """Exit status and output of OpenSSH's sftp or scp."""
    options = [
        *("-q", "-F", "/dev/null", "-P", str(box.server.port), "-i", str(box.key_file)),
        *("-o", f"UserKnownHostsFile={box.known_hosts}", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"),
    ]
    command = [program, *options, *(("-b", "-") if batch else ()), *arguments]
    command += [f"{user}@{HOST}"] if batch else []
    done = subprocess.run(command, input=batch, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    return done.returncode, done.stdout + done.stderr


def came(box: DropBox, name: str, times: int = 1) -> list[bytes]:
    """The bytes that arrived under a name, as soon as they have."""
    count = 0
    while True:
        found = [box.received.contents[a.id] for a in box.received.wait(count) if a.name == name]
        if len(found) >= times:
            return found
        count = len(box.received.arrivals) + 1


def everything(box: DropBox) -> list[Path]:
    """All files and folders of all partners but those that are just being handed over."""
    return sorted(path for path in box.root.rglob("*") if path.parent.name != "held")


# OpenSSH ----------------------------------------------------------------------------------------------------------


@openssh
def test_openssh_uploads_lists_renames_and_downloads(box: DropBox, tmp_path: Path) -> None:
    file = tmp_path / "orders.edi"
    file.write_bytes(X12)
    (box.root / "acme" / "outbox").mkdir(parents=True, exist_ok=True)
    (box.root / "acme" / "outbox" / "ack.edi").write_bytes(b"ack" * 100_000)
    batch = f"""
        put -pf {file} /inbox/openssh.edi
        put {file} inbox/openssh.edi.filepart
        ls -l /inbox
        rename inbox/openssh.edi.filepart inbox/renamed.edi
        cd outbox
        get ack.edi {tmp_path}/ack.edi
        rm ack.edi
        ls -la
    """
    status, output = run(box, "sftp", batch=batch)
    assert status == 0, output
    assert re.search(rf"-rw-r-----.* {len(X12)} .* openssh.edi.filepart", output), output
    assert came(box, "openssh.edi") == came(box, "renamed.edi") == [X12]
    assert (tmp_path / "ack.edi").read_bytes() == b"ack" * 100_000
    assert not (box.root / "acme" / "outbox" / "ack.edi").exists()
    assert box.told.wait("downloaded", name="ack.edi").user == "acme"
    assert "openssh.edi.filepart" not in [arrival.name for arrival in box.received.arrivals]


@openssh
def test_scp_reports_success(box: DropBox, tmp_path: Path) -> None:
    (tmp_path / "scp.csv").write_text("a,b\n")
    assert run(box, "scp", "-s", str(tmp_path / "scp.csv"), f"acme@{HOST}:/inbox/scp.csv") == (0, "")
    assert came(box, "scp.csv") == [b"a,b\n"]


@openssh
def test_openssh_resumes_what_was_dropped(box: DropBox, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    (tmp_path / "resumed.bin").write_bytes(data)
    with box.connected() as ssh:
        sftp = ssh.open_sftp()
        with sftp.open("/inbox/resumed.bin", "wb") as file:
            file.write(data[:300_000])
            file.flush()
            sftp.stat("/inbox/resumed.bin")  # answered after the write
            ssh.close()
    box.told.wait("upload_broken", name="resumed.bin")
    assert "resumed.bin" not in [arrival.name for arrival in box.received.arrivals]
    status, output = run(box, "sftp", batch=f"reput {tmp_path}/resumed.bin /inbox/resumed.bin\n")
    assert status == 0, output
    assert came(box, "resumed.bin") == [data]


@openssh
@pytest.mark.parametrize(
    "line",
    [
        "get /inbox/../../other/inbox/secret /dev/null",
        "get /../../../../etc/passwd /dev/null",
        "ls /held",
        "rm /outbox/../held/x",
        "ln -s /etc/passwd /outbox/link",
        "mkdir /inbox/folder",
        "rmdir /inbox",
        "rename /outbox/letter /inbox/letter",
        "put /dev/null /etc/x",
        "put /dev/null /outbox/x",
    ],
)
def test_openssh_gets_nowhere_but_into_its_two_folders(box: DropBox, line: str) -> None:
    outbox = box.root / "acme" / "outbox"
    outbox.mkdir(parents=True, exist_ok=True)
    (outbox / "letter").touch()
    before = everything(box)
    status, output = run(box, "sftp", batch=line + "\n")
    assert status == 1, output
    assert everything(box) == before


@openssh
def test_a_shell_a_command_and_a_tunnel_are_refused(box: DropBox) -> None:
    assert run(box, "scp", "-O", "/dev/null", f"acme@{HOST}:/inbox/x")[0] != 0
    with box.connected() as ssh:
        with pytest.raises(paramiko.SSHException):
            ssh.exec_command("id")
        with pytest.raises(paramiko.ChannelException, match="prohibited"):
            ssh.get_transport().open_channel("direct-tcpip", (HOST, 22), (HOST, 1))  # type: ignore[union-attr]


# paramiko ---------------------------------------------------------------------------------------------------------


def test_a_client_that_asks_for_the_size_after_the_upload_gets_it_though_the_file_was_collected(
    box: DropBox, tmp_path: Path
) -> None:
    (tmp_path / "confirmed.csv").write_text("a,b\n")
    with box.client() as client:
        assert client.put(str(tmp_path / "confirmed.csv"), "/inbox/confirmed.csv", confirm=True).st_size == 4
        came(box, "confirmed.csv")
        assert client.stat("/inbox/confirmed.csv").st_size == 4
        with pytest.raises(PermissionError, match="has been taken"):
            client.remove("/inbox/confirmed.csv")
        with pytest.raises(PermissionError, match="has been taken"):
            client.rename("/inbox/confirmed.csv", "/inbox/other.csv")


def test_the_same_name_twice_is_two_arrivals(box: DropBox) -> None:
    with box.client() as client:
        for data in (b"first", b"second"):
            with client.open("/inbox/twice.csv", "wb") as file:
                file.write(data)
    assert came(box, "twice.csv", times=2) == [b"first", b"second"]


def test_two_clients_do_not_write_one_name_at_the_same_time(box: DropBox) -> None:
    with box.client() as one, box.client() as two, one.open("/inbox/one-name.csv", "wb") as file:
        file.write(b"mine")
        file.flush()
        with pytest.raises(OSError, match="being written by another session"):
            two.open("/inbox/one-name.csv", "wb")
    assert came(box, "one-name.csv") == [b"mine"]


def test_a_partner_sees_nothing_of_another(box: DropBox) -> None:
    outbox = box.root / "other" / "outbox"
    outbox.mkdir(parents=True, exist_ok=True)
    (outbox / "secret.txt").write_text("x")
    with box.client("acme") as client:
        assert "secret.txt" not in client.listdir("/outbox")
        with pytest.raises(FileNotFoundError):
            client.stat("/inbox/../../other/outbox/secret.txt")
        assert sorted(client.listdir("/")) == ["inbox", "outbox", "test"]
    with box.client("other") as client:
        assert client.listdir("/outbox") == ["secret.txt"]


def test_a_file_in_test_arrives_as_a_test_and_its_answers_are_read_there(box: DropBox) -> None:
    outbox = box.root / "other" / "test" / "outbox"
    outbox.mkdir(parents=True, exist_ok=True)
    (outbox / "answer.txt").write_text("well done")
    with box.client("other") as client:
        with client.open("/test/inbox/trial.edi", "w") as file:
            file.write(X12)
        came(box, "trial.edi")
        assert client.stat("/test/inbox/trial.edi").st_size == len(X12)  # collected, and remembered for a while
        assert client.listdir("/test") == ["inbox", "outbox"]
        assert client.open("/test/outbox/answer.txt").read() == b"well done"
        assert client.listdir("/outbox") == ["secret.txt"]
    [arrival] = [each for each in box.received.arrivals if each.name == "trial.edi"]
    assert (arrival.source, arrival.partner) == ("test://other", "other")


def test_the_arrival_says_what_was_sent(box: DropBox) -> None:
    with box.client("other") as client, client.open("/inbox/says.edi", "wb") as file:
        file.write(X12)
    came(box, "says.edi")
    [arrival] = [a for a in box.received.arrivals if a.name == "says.edi"]
    assert (arrival.source, arrival.partner, arrival.size, arrival.whole) == ("drop://other", "other", len(X12), True)
    [uploaded] = [a for a in box.told.of("uploaded") if a.name == "says.edi"]
    assert uploaded.sha256 == arrival.sha256


def test_parallel_writes_out_of_order_arrive_in_order(box: DropBox) -> None:
    with box.client() as client, client.open("/inbox/parallel.bin", "wb") as file:
        file.set_pipelined(True)
        for offset in (4, 0, 8, 2, 6):
            file.seek(offset)
            file.write(bytes([offset, offset + 1]))
            file.flush()
    assert came(box, "parallel.bin") == [bytes(range(10))]


@pytest.mark.parametrize("again", ["resumed", "sent anew"])
def test_half_a_file_that_was_closed_cleanly_is_followed_by_the_whole_one(tmp_path: Path, again: str) -> None:
    with dropbox(tmp_path) as box, box.client() as client:
        with client.open("/inbox/orders.edi", "wb") as file:
            file.write(X12[:150])
        box.told.wait("partial_waiting")
        assert client.stat("/inbox/orders.edi").st_size == 150
        with client.open("/inbox/orders.edi", "ab" if again == "resumed" else "wb") as file:
            file.write(X12[150:] if again == "resumed" else X12)
        expected = [(X12, True)] if again == "resumed" else [(X12[:150], False), (X12, True)]
        arrivals = box.received.wait(len(expected))
        assert [(box.received.contents[a.id], a.whole) for a in arrivals] == expected
        assert {arrival.name for arrival in arrivals} == {"orders.edi"}


def halved(box: DropBox, client: paramiko.SFTPClient, name: str) -> None:
    """Send half a file, cleanly closed, and have the collector look at it: it waits, in case more comes."""
    with client.open(f"/inbox/{name}", "wb") as file:
        file.write(X12[:150])
    box.collector.scan()
    assert box.told.wait("partial_waiting", name=name).size == 150


def arrived(box: DropBox) -> list[tuple[str, bytes, bool | None]]:
    """Name, bytes and wholeness of all that was handed over until now, in that order."""
    box.collector.scan()
    return [(a.name, box.received.contents[a.id], a.whole) for a in box.received.arrivals]


@pytest.mark.parametrize("target", ["over it", "removed first"])
@pytest.mark.parametrize("temporary", ["orders.edi.filepart", ".in.orders.edi"])
def test_the_whole_file_is_renamed_onto_the_half_one_that_waits(tmp_path: Path, temporary: str, target: str) -> None:
    with dropbox(tmp_path, collecting=False) as box, box.client() as client:
        halved(box, client, "orders.edi")
        with client.open(f"/inbox/{temporary}", "wb") as file:
            file.write(X12)
        if target == "removed first":
            client.remove("/inbox/orders.edi")
        client.rename(f"/inbox/{temporary}", "/inbox/orders.edi")
        assert client.stat("/inbox/orders.edi").st_size == len(X12)
        half = [("orders.edi", X12[:150], False)] if target == "over it" else []
        assert arrived(box) == [*half, ("orders.edi", X12, True)]
        assert [each.name for each in box.told.of("superseded")] == ["orders.edi"] * len(half)
        assert arrived(box) == [*half, ("orders.edi", X12, True)], "none is taken twice"
        assert client.listdir("/inbox") == []


def test_a_half_file_that_waits_is_removed_by_its_sender_and_never_arrives(tmp_path: Path) -> None:
    with dropbox(tmp_path, collecting=False) as box, box.client() as client:
        halved(box, client, "orders.edi")
        client.remove("/inbox/orders.edi")
        with pytest.raises(FileNotFoundError):
            client.stat("/inbox/orders.edi")
        with pytest.raises(FileNotFoundError):
            client.remove("/inbox/orders.edi")
        assert client.listdir("/inbox") == []
        assert (box.told.wait("removed").name, arrived(box)) == ("orders.edi", [])


def test_what_was_sent_on_and_broke_off_is_removed_with_the_half_file_that_waits(tmp_path: Path) -> None:
    with dropbox(tmp_path, collecting=False) as box, box.client() as client:
        halved(box, client, "orders.edi")
        with box.connected() as ssh:
            file = ssh.open_sftp().open("/inbox/orders.edi", "ab")
            file.write(X12[150:160])
            file.flush()
            client.stat("/inbox/orders.edi")
            with pytest.raises(OSError, match="being written by another session"):
                client.remove("/inbox/orders.edi")
            assert sorted(path.name for path in (box.root / "acme" / "inbox").iterdir()) == ["orders.edi"]
            ssh.close()
            box.told.wait("upload_broken")
            vars(file)["_closed"] = True  # else paramiko's client tries to close it over the connection that is gone
        client.remove("/inbox/orders.edi")
        assert (client.listdir("/inbox"), arrived(box)) == ([], [])


def test_a_half_file_whose_time_is_over_was_taken_and_can_no_longer_be_removed(tmp_path: Path) -> None:
    with dropbox(tmp_path, collecting=False, partial_after_seconds=0.0) as box, box.client() as client:
        with client.open("/inbox/orders.edi", "wb") as file:
            file.write(X12[:150])
        assert arrived(box) == [("orders.edi", X12[:150], False)]
        with pytest.raises(PermissionError, match="has been taken"):
            client.remove("/inbox/orders.edi")
        with client.open("/inbox/orders.edi.filepart", "wb") as file:
            file.write(X12)
        client.rename("/inbox/orders.edi.filepart", "/inbox/orders.edi")
        assert arrived(box)[1:] == [("orders.edi", X12, True)]
        assert box.told.of("superseded") == []


def test_a_whole_file_that_is_about_to_be_taken_is_not_removed(tmp_path: Path) -> None:
    with dropbox(tmp_path, collecting=False) as box, box.client() as client:
        with client.open("/inbox/orders.edi", "wb") as file:
            file.write(X12)
        with pytest.raises(PermissionError, match="has been taken"):
            client.remove("/inbox/orders.edi")
        assert arrived(box) == [("orders.edi", X12, True)]


@pytest.mark.parametrize("how", ["removed", "renamed onto"])
def test_against_the_collector_a_half_file_is_either_taken_or_withdrawn(tmp_path: Path, how: str) -> None:
    with dropbox(tmp_path, collecting=False, partial_after_seconds=0.0) as box, box.client() as client:
        expected: list[tuple[str, bytes, bool | None]] = []
        for number in range(60):
            name = f"{number}.edi"
            if how == "renamed onto":
                with client.open(f"/inbox/{name}.filepart", "wb") as file:
                    file.write(X12)
            with client.open(f"/inbox/{name}", "wb") as file:
                file.write(X12[:150])
            taking = threading.Thread(target=box.collector.scan)
            taking.start()
            half = [(name, X12[:150], False)]
            if how == "renamed onto":
                client.rename(f"/inbox/{name}.filepart", f"/inbox/{name}")
                expected.append((name, X12, True))
            else:
                with suppress(PermissionError):
                    client.remove(f"/inbox/{name}")
                    half = []
            expected += half
            taking.join()
        assert sorted(arrived(box)) == sorted(expected)
        assert all("has been taken" in each.message for each in box.told.of("refused"))


# Logins -----------------------------------------------------------------------------------------------------------


def test_a_password_logs_in_and_a_wrong_one_does_not(box: DropBox) -> None:
    with box.connected(password="correct horse") as ssh:
        assert ssh.open_sftp().listdir("/") == ["inbox", "outbox", "test"]
    with pytest.raises(paramiko.AuthenticationException), box.connected(password="wrong"):
        pass


def test_another_key_and_an_unknown_user_are_refused_alike(box: DropBox, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    key = paramiko.Ed25519Key.from_private_key_file(tmp_path / "stranger")
    answers = []
    for user in ("acme", "nobody"):
        with paramiko.Transport((HOST, box.server.port)) as transport:
            transport.start_client()
            with pytest.raises(paramiko.BadAuthenticationType) as caught:
                transport.auth_none(user)
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_publickey(user, key)
            answers.append(caught.value.allowed_types)
    assert answers == [["publickey", "password"]] * 2


def test_an_account_that_is_removed_cannot_open_another_session(tmp_path: Path) -> None:
    with dropbox(tmp_path) as box, box.connected() as ssh:
        box.accounts.clear()
        with pytest.raises(paramiko.SSHException):
            ssh.open_sftp()


def test_guessing_is_locked_out_and_told_without_the_guess(tmp_path: Path) -> None:
    limits = Limits(attempts=2, ban_failures=2)
    with dropbox(tmp_path, password="correct horse", limits=limits) as box:
        with paramiko.Transport((HOST, box.server.port)) as transport:
            transport.start_client()
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_password("acme", "my secret guess", fallback=False)
            with pytest.raises((paramiko.SSHException, EOFError)):
                transport.auth_password("acme", "my secret guess", fallback=False)
            transport.join(PATIENCE_SECONDS)
            assert not transport.is_active()
        box.told.wait("banned")
        with socket.create_connection((HOST, box.server.port)) as refused:
            assert refused.recv(100) == b""
        box.told.wait("connection_refused")
        everything = "\n".join(str(activity) for activity in box.told.activities)
        assert "secret" not in everything
        assert box.accounts["acme"].keys[0].split()[1] not in everything


# Limits -----------------------------------------------------------------------------------------------------------


def test_a_connection_that_does_not_log_in_is_ended(tmp_path: Path) -> None:
    now = [0.0]
    with (
        dropbox(tmp_path, limits=Limits(grace_seconds=20), monotonic=lambda: now[0]) as box,
        socket.create_connection((HOST, box.server.port)) as idle,
    ):
        idle.settimeout(PATIENCE_SECONDS)
        assert idle.recv(100).startswith(b"SSH-2.0-LegacyGateway\r\n")
        now[0] = 20.1
        while idle.recv(4096):
            pass


def ended(client: paramiko.SFTPClient) -> None:
    """The server ends the session by itself."""
    channel = client.get_channel()
    assert channel is not None
    channel.settimeout(PATIENCE_SECONDS)
    assert channel.recv(1) == b""


def test_a_connection_on_which_nothing_comes_is_ended(tmp_path: Path) -> None:
    now, limits = [0.0], Limits(session=SessionLimits(idle_seconds=900))
    with dropbox(tmp_path, limits=limits, monotonic=lambda: now[0]) as box, box.client() as client:
        client.listdir("/")
        now[0] = 900.1
        ended(client)


def test_an_idle_session_is_ended_though_its_connection_is_not(tmp_path: Path) -> None:
    with dropbox(tmp_path) as box, box.client() as client:
        client.listdir("/")
        [[session]] = [each.sessions for each in box.server._connections]
        session._limits = SessionLimits(idle_seconds=0.2)  # no sooner: logging in may take longer than that
        client.stat("/")
        ended(client)
        assert session.channel.get_transport().is_active()


def test_connections_sessions_and_handles_are_bounded(tmp_path: Path) -> None:
    limits = Limits(connections=1, sessions=2, session=SessionLimits(handles=3))
    with dropbox(tmp_path, limits=limits) as box, box.connected() as ssh:
        sftp = ssh.open_sftp()
        second = ssh.open_sftp()
        with pytest.raises(paramiko.ChannelException, match="shortage"):
            ssh.open_sftp()
        [[_, ending]] = [each.sessions for each in box.server._connections]
        second.close()
        ending.join(PATIENCE_SECONDS)
        files = [sftp.open(f"/inbox/{number}", "wb") for number in range(3)]
        with pytest.raises(OSError, match="at most 3 files"):
            sftp.open("/inbox/4", "wb")
        for file in files:
            file.close()
        with socket.create_connection((HOST, box.server.port)) as refused:
            assert refused.recv(100) == b""
        assert box.server.sessions() == [("acme", HOST)]


def test_a_file_for_a_folder_that_there_is_not_is_a_refusal_that_is_told_and_a_question_is_none(tmp_path: Path) -> None:
    with dropbox(tmp_path) as box, box.client() as sftp:
        with pytest.raises(FileNotFoundError):
            sftp.stat("/orders")
        with pytest.raises(FileNotFoundError):
            sftp.stat("/inbox/no.edi")
        with pytest.raises(FileNotFoundError):
            sftp.open("/inbox/../sample\n.edi", "w")
        with pytest.raises(FileNotFoundError):
            sftp.chdir("/orders/" + "x" * 1000)
    told = box.told.of("refused")
    only = "there are only the folders /inbox and /outbox, and both in /test, without folders in them"
    assert told[0].message == f"/inbox/../sample\\n.edi: {only}"
    assert {(each.partner, each.problem) for each in told} == {("acme", True)}
    assert all(len(each.message) < 400 for each in told)


def test_a_file_past_the_limit_is_refused_to_the_client_and_never_arrives(tmp_path: Path) -> None:
    with dropbox(tmp_path, quota=Quota(file=1000)) as box, box.client() as client:
        file = client.open("/inbox/large.csv", "wb")
        with pytest.raises(OSError, match="larger than 1000 bytes"):
            file.write(b"x" * 1001)
        file.close()  # paramiko does not say so, but the close is refused as well
        assert len(box.told.of("refused")) == 2
        assert client.listdir("/inbox") == []
        with client.open("/inbox/small.csv", "wb") as small:
            small.write(b"x" * 1000)
        assert [arrival.name for arrival in box.received.wait(1)] == ["small.csv"]


def test_a_port_in_use_is_told_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        address = taken.getsockname()
        server = Server(address, root=tmp_path, accounts=dict, hostkeys=[], ring=lambda _: None)
        with pytest.raises(Stop, match=r"cannot listen on .*in use.*another one"):
            server.start()
        server.close()


def test_closing_the_server_keeps_what_was_being_uploaded(tmp_path: Path) -> None:
    with dropbox(tmp_path) as box, box.connected() as ssh:
        sftp = ssh.open_sftp()
        file = sftp.open("/inbox/half.csv", "wb")
        file.write(b"half")
        file.flush()
        sftp.stat("/inbox/half.csv")
        box.server.close()
        assert (box.root / "acme" / "stage" / "half.csv").read_bytes() == b"half"
        assert list((box.root / "acme" / "inbox").iterdir()) == []
        ssh.get_transport().join(PATIENCE_SECONDS)  # type: ignore[union-attr]
        vars(file)["_closed"] = True  # else paramiko's client tries to close it over the connection that is gone


def test_an_upload_goes_on_while_nobody_collects_and_is_found_by_the_next_scan(tmp_path: Path) -> None:
    with dropbox(tmp_path, collecting=False) as box:
        with box.client() as client, client.open("/inbox/a.csv", "wb") as file:
            file.write(b"x")
        assert [path.name for path in (box.root / "acme" / "inbox").iterdir()] == ["a.csv"]
        box.collector.scan()
        assert [arrival.name for arrival in box.received.wait(1)] == ["a.csv"]


def test_a_connection_that_ends_in_the_handshake_leaves_nothing_behind(tmp_path: Path) -> None:
    with dropbox(tmp_path, limits=Limits(grace_seconds=0.4)) as box:
        for _ in range(5):
            socket.create_connection((HOST, box.server.port)).close()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while box.server._connections and time.monotonic() < deadline:
            box.server._closing.wait(0.05)
        assert box.server._connections == []
