"""What every vault promises, whether it is a folder or a bucket (L2)."""

from __future__ import annotations

import hashlib
import io
import random
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.store import bucket as bucket_module
from gateway.store.bucket import Access
from gateway.store.local import LocalVault
from gateway.store.s3 import S3Vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.store.vault import Vault
    from tests.servers import S3Server

LARGE = random.Random(850).randbytes(18 * 1024 * 1024 + 7)  # three parts of a bucket's object


@dataclass(frozen=True, slots=True)
class Kept:
    """A vault, and hands that change what it keeps behind its back."""

    vault: Vault
    damage: Callable[[str, bytes], None]
    names: Callable[[], list[str]]
    strange: Callable[[str, bytes], None]


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "folder":
        return in_folder(request.getfixturevalue("tmp_path"))
    return in_bucket(request.getfixturevalue("s3_server"))


def in_folder(folder: Path) -> Kept:
    vault = LocalVault(folder / "vault")

    def damage(sha256: str, content: bytes) -> None:
        vault.path(sha256).write_bytes(content)

    def strange(path: str, content: bytes) -> None:
        (vault.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (vault.folder / path).write_bytes(content)

    return Kept(
        vault,
        damage,
        lambda: sorted(path.name for path in vault.folder.rglob("*") if path.is_file()),
        strange,
    )


@cache
def vault_in_bucket(endpoint: str) -> S3Vault:
    """One for all tests, since boto3 takes half a second for each; a server that is busy otherwise is waited for."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bucket_module, "_PROBE_SECONDS", 60.0)
        return S3Vault("s3://none/of/leeds", Access(endpoint, "eu-central-1", "test", "test"))


def in_bucket(server: S3Server) -> Kept:
    vault, bucket, client = vault_in_bucket(server.endpoint), server.bucket(), server.client()
    vault.bucket.name = bucket

    def damage(sha256: str, content: bytes) -> None:
        client.put_object(Bucket=bucket, Key=vault.key(sha256), Body=content)

    def names() -> list[str]:
        found = client.list_objects_v2(Bucket=bucket, Prefix="of/leeds/").get("Contents", [])
        return sorted(each["Key"].rpartition("/")[2] for each in found)

    def strange(path: str, content: bytes) -> None:
        client.put_object(Bucket=bucket, Key=f"of/leeds/{path}", Body=content)

    return Kept(vault, damage, names, strange)


def put(vault: Vault, content: bytes) -> str:
    stored = vault.put(io.BytesIO(content))
    assert (stored.sha256, stored.size) == (hashlib.sha256(content).hexdigest(), len(content))
    return stored.sha256


@pytest.mark.parametrize("content", [b"", b"ISA*00*", LARGE], ids=["empty", "small", "large"])
def test_what_is_put_is_read_again_by_its_name_and_nothing_else_is_there(kept: Kept, content: bytes) -> None:
    sha256 = put(kept.vault, content)
    assert b"".join(kept.vault.chunks(sha256)) == content
    assert kept.vault.exists(sha256)
    kept.vault.verify(sha256)
    with kept.vault.open(sha256) as file:
        assert file.read() == content
    assert kept.names() == [sha256]


@pytest.mark.parametrize("size", [1, 7, 4096, 16 * 1024 * 1024])
def test_chunks_are_as_long_as_was_asked(kept: Kept, size: int) -> None:
    content = LARGE[: 100 if size == 1 else 1_000_000]
    chunks = list(kept.vault.chunks(put(kept.vault, content), size))
    assert b"".join(chunks) == content
    assert {len(chunk) for chunk in chunks[:-1]} <= {size}
    assert 0 < len(chunks[-1]) <= size


def test_spans_are_cut_out_wherever_they_are(kept: Kept) -> None:
    sha256 = put(kept.vault, LARGE)
    size = len(LARGE)
    places = [
        (0, 0),
        (0, 5),
        (9, 3),
        (8_388_600, 8_388_620),
        (size - 3, size),
        (size - 3, size + 9),
        (size + 1, size + 5),
    ]
    with kept.vault.spans(sha256) as file:
        for start, end in places:
            wanted = LARGE[start:end]
            assert kept.vault.read(sha256, start, end) == wanted
            if end > start:
                file.seek(start)
                assert file.read(end - start) == wanted


def test_the_same_content_by_many_at_once_is_kept_once(kept: Kept) -> None:
    content = b"ST*850*0001~" * 1000
    problems: list[BaseException] = []

    def keep() -> None:
        try:
            put(kept.vault, content)
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            problems.append(error)

    threads = [threading.Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []
    assert kept.names() == [hashlib.sha256(content).hexdigest()]
    kept.vault.verify(kept.names()[0])


@pytest.mark.parametrize(
    ("content", "harm"),
    [
        pytest.param(b"PO1*1*12*EA*2.95~", "a bit flipped", id="a bit flipped"),
        pytest.param(b"PO1*1*12*EA*2.95~", "cut off", id="cut off"),
        pytest.param(b"PO1*1*12*EA*2.95~", "emptied", id="emptied"),
        pytest.param(LARGE, "a bit flipped", id="a bit flipped in a large one"),
    ],
)
def test_L2_damage_is_told_when_it_is_read_and_healed_when_the_content_comes_again(  # noqa: N802
    kept: Kept, content: bytes, harm: str
) -> None:
    sha256 = put(kept.vault, content)
    harmed = {
        "a bit flipped": content[:-3] + bytes([content[-3] ^ 4]) + content[-2:],
        "cut off": content[:-1],
        "emptied": b"",
    }[harm]
    kept.damage(sha256, harmed)

    read: list[bytes] = []
    with pytest.raises(Stop, match=f"{sha256}.* was changed") as stopped:
        read.extend(kept.vault.chunks(sha256))
    assert "backup" in stopped.value.remedy
    assert b"".join(read) == harmed  # it is told at the end, before which nobody may believe what was read
    with pytest.raises(Stop, match="was changed"):
        kept.vault.verify(sha256)
    with pytest.raises(Stop, match="was changed"):
        kept.vault.open(sha256)

    assert put(kept.vault, content) == sha256
    kept.vault.verify(sha256)
    assert kept.names() == [sha256]


def test_what_is_whole_is_not_written_again(kept: Kept) -> None:
    sha256 = put(kept.vault, b"abc")
    put(kept.vault, b"abc")
    assert kept.names() == [sha256]


def test_what_is_missing_is_told_with_what_to_do(kept: Kept) -> None:
    sha256 = hashlib.sha256(b"never came").hexdigest()
    assert not kept.vault.exists(sha256)
    for read in (
        lambda: list(kept.vault.chunks(sha256)),
        lambda: kept.vault.verify(sha256),
        lambda: kept.vault.open(sha256),
        lambda: kept.vault.read(sha256, 0, 10),
    ):
        with pytest.raises(Stop, match=f"the vault.* has no file {sha256}") as stopped:
            read()
        assert "backup" in stopped.value.remedy


def test_what_is_deleted_is_gone_and_can_come_again(kept: Kept) -> None:
    sha256, other = put(kept.vault, b"abc"), put(kept.vault, b"abd")
    kept.vault.delete(sha256)
    kept.vault.delete(sha256)
    assert not kept.vault.exists(sha256)
    assert kept.names() == [other]
    assert put(kept.vault, b"abc") == sha256
    kept.vault.verify(sha256)


def test_a_stream_that_breaks_off_leaves_nothing(kept: Kept) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 2 * 1024 * 1024:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(Stop, match="Input/output error"):
        kept.vault.put(Broken(LARGE))
    assert kept.names() == []


def test_a_vault_that_can_be_written_says_so(kept: Kept) -> None:
    assert kept.vault.writable()


def test_a_disk_that_cannot_be_read_is_told_in_words_whoever_reads(tmp_path: Path) -> None:
    vault = LocalVault(tmp_path)
    sha256 = put(vault, b"ISA*00*")
    vault.path(sha256).unlink()
    vault.path(sha256).symlink_to("/proc/self/mem")  # where reading the first byte is an error of input and output
    with vault.spans(sha256) as file:
        for read in (
            lambda: list(vault.chunks(sha256)),
            lambda: vault.read(sha256, 0, 3),
            lambda: file.read(3),
            file.read,
        ):
            with pytest.raises(Stop, match="cannot be read: Input/output error"):
                read()


def test_what_is_there_is_listed_in_pages_by_name(kept: Kept) -> None:
    assert kept.vault.listed() == []
    put_all = sorted(put(kept.vault, b"%d" % number) for number in range(7))
    pages, last = [], ""
    while page := kept.vault.listed(last, 3):
        pages.append(page)
        last = page[-1].sha256
    assert [len(page) for page in pages] == [3, 3, 1]
    found = [each for page in pages for each in page]
    assert [each.sha256 for each in found] == put_all
    assert {each.size for each in found} == {1}
    assert all(-2 < each.age < 60 for each in found)


def test_what_is_not_ours_is_not_listed(kept: Kept) -> None:
    name = put(kept.vault, b"ours")
    kept.strange("ab/cd/readme.txt", b"no name")
    kept.strange("ab/cd/" + name, b"the name of another folder's")
    assert kept.vault.writable()  # which leaves a probe in a bucket
    assert [each.sha256 for each in kept.vault.listed(limit=1)] == [name]
    assert kept.vault.listed(name, 1) == []
    assert kept.vault.sweep() == 0
