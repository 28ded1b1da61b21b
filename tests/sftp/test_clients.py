"""Our server with the clients that partners use: each uploads, resumes, renames, lists and downloads."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from sftp.server import Limits
from sftp.testing import DropBox, dropbox
from sftp.wire import COMPATIBLE
from tests.sftp.clients import CLIENTS, Client, Curl, Failed, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.server
DATA = bytes(range(256)) * 4000
HALF = 300_000
REFUSALS: tuple[type[Exception], ...] = (Failed, OSError)
with contextlib.suppress(ImportError):
    import asyncssh

    REFUSALS += (asyncssh.SFTPError,)


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropBox]:
    with dropbox(tmp_path_factory.mktemp("modern"), limits=Limits(connects_burst=1000, ban_failures=1000)) as box:
        yield box


@pytest.fixture(scope="module")
def compatible(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropBox]:
    limits = Limits(connects_burst=1000, ban_failures=1000)
    with dropbox(tmp_path_factory.mktemp("compatible"), limits=limits, algorithms=COMPATIBLE) as box:
        yield box


@pytest.fixture(params=CLIENTS)
def name(request: pytest.FixtureRequest) -> str:
    chosen = str(request.param)
    if reason := missing(chosen):
        pytest.skip(reason)
    return chosen


@pytest.fixture
def box(name: str, modern: DropBox, compatible: DropBox) -> DropBox:
    """libssh2 before 1.11 knows no AES-GCM: its programs need the compatible list."""
    return compatible if name == "curl" else modern


@pytest.fixture
def client(name: str, box: DropBox) -> Client:
    make, _ = CLIENTS[name]
    return make(box)


def came(box: DropBox, name: str, times: int = 1) -> list[bytes]:
    """The bytes of the files that arrived under a name, as soon as they have."""
    count = 0
    while True:
        arrivals = box.received.wait(count)
        found = [box.received.contents[each.id] for each in arrivals if each.name == name]
        if len(found) >= times:
            return found
        count = len(arrivals) + 1


def dropped(box: DropBox, name: str) -> None:
    """Send the first half of a file, and lose the connection."""
    with box.connected() as ssh:
        sftp = ssh.open_sftp()
        with contextlib.suppress(OSError, EOFError), sftp.open(f"/inbox/{name}", "wb") as file:
            file.write(DATA[:HALF])
            sftp.stat(f"/inbox/{name}")  # answered after the write
            ssh.close()
    box.told.wait("upload_broken", name=name)


def test_a_file_is_uploaded(name: str, client: Client, box: DropBox, tmp_path: Path) -> None:
    local = tmp_path / "a.bin"
    local.write_bytes(DATA)
    client.put(local, f"/inbox/{name}-put.bin")
    assert came(box, f"{name}-put.bin") == [DATA]


def test_an_empty_file_is_uploaded(name: str, client: Client, box: DropBox, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    client.put(tmp_path / "empty", f"/inbox/{name}-empty.bin")
    assert came(box, f"{name}-empty.bin") == [b""]


def test_what_was_dropped_is_resumed_and_never_arrives_half(
    name: str, client: Client, box: DropBox, tmp_path: Path
) -> None:
    local = tmp_path / "a.bin"
    local.write_bytes(DATA)
    dropped(box, f"{name}-half.bin")
    assert f"{name}-half.bin" not in [each.name for each in box.received.arrivals]
    client.resume(local, f"/inbox/{name}-half.bin")
    assert came(box, f"{name}-half.bin") == [DATA]


def test_a_file_under_a_temporary_name_arrives_when_it_is_renamed(
    name: str, client: Client, box: DropBox, tmp_path: Path
) -> None:
    if name == "scp":
        pytest.skip("scp cannot rename")
    local = tmp_path / "a.bin"
    local.write_bytes(DATA)
    client.put(local, f"/inbox/{name}-new.bin.filepart")
    client.rename(f"/inbox/{name}-new.bin.filepart", f"/inbox/{name}-new.bin")
    assert came(box, f"{name}-new.bin") == [DATA]
    assert not [each for each in box.received.arrivals if each.name.endswith(".filepart")]


def test_the_whole_file_is_sent_over_half_of_it_that_waits_for_its_end(
    name: str, client: Client, box: DropBox, tmp_path: Path
) -> None:
    local, remote = tmp_path / "a.xml", f"{name}-order.xml"
    local.write_text("<order><line>")
    client.put(local, f"/inbox/{remote}")
    box.told.wait("partial_waiting", name=remote)
    local.write_text("<order><line/></order>")
    client.put(local, f"/inbox/{remote}")
    removes = name == "lftp"  # before it renames what it sent under another name
    half = [] if removes else [b"<order><line>"]
    assert came(box, remote, times=1 + len(half)) == [*half, b"<order><line/></order>"]
    assert box.told.wait("removed" if removes else "superseded", name=remote).user == "acme"


def test_what_is_there_is_listed_and_downloaded_and_that_is_noted(
    name: str, client: Client, box: DropBox, tmp_path: Path
) -> None:
    answer = box.root / "acme" / "outbox" / f"{name}-997.edi"
    answer.parent.mkdir(parents=True, exist_ok=True)
    answer.write_bytes(DATA)
    if name != "scp":
        listed = client.list("/outbox")
        assert answer.name in listed
        assert str(len(DATA)) in listed
    client.get(f"/outbox/{answer.name}", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == DATA
    assert box.told.wait("downloaded", name=answer.name).user == "acme"


def test_what_was_taken_can_neither_be_renamed_nor_fetched_back(
    name: str, client: Client, box: DropBox, tmp_path: Path
) -> None:
    local = tmp_path / "a.bin"
    local.write_bytes(DATA)
    client.put(local, f"/inbox/{name}-taken.bin")
    assert came(box, f"{name}-taken.bin") == [DATA]
    with pytest.raises(REFUSALS):
        client.get(f"/inbox/{name}-taken.bin", tmp_path / "back")
    said = [each.message for each in box.told.of("refused")]
    assert any("files in /inbox cannot be read back" in each for each in said)
    if name != "scp":
        with pytest.raises(REFUSALS):
            client.rename(f"/inbox/{name}-taken.bin", f"/inbox/{name}-other.bin")
        said = [each.message for each in box.told.of("refused")]
        assert any(each.startswith(f"/inbox/{name}-taken.bin has been taken") for each in said)


def test_a_client_without_modern_algorithms_is_refused_by_the_modern_list(modern: DropBox) -> None:
    if reason := missing("curl"):
        pytest.skip(reason)
    with pytest.raises(Failed):
        Curl(modern).list("/outbox")
