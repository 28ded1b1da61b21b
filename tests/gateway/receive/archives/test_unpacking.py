"""Archives are made here byte by byte and unpacked: what comes out, what is refused, and what it costs."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.configuration import Settings
from gateway.model import Delivery, DeliveryState
from gateway.receive.archives import CODES, Unpacked, base_name, disagreements, gzips, kind_of, unpack
from gateway.receive.archives.unpacking import ALWAYS_UNPACKED
from gateway.store.bucket import Access
from gateway.store.local import LocalVault
from gateway.store.s3 import S3Vault
from gateway.store.vault import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import S3Server

SETTINGS = Settings()


def gzipped(content: bytes) -> bytes:
    """Without the time of day: two processes that collect these tests have to find the same ones."""
    return gzip.compress(content, mtime=0)


class Shelf:
    """A vault that is a dict, for tests that make hundreds of archives."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, stream: BinaryIO) -> Stored:
        content = b"".join(iter(lambda: stream.read(70_000), b""))
        stored = Stored(hashlib.sha256(content).hexdigest(), len(content))
        self.files[stored.sha256] = content
        return stored

    def chunks(self, sha256: str, size: int = 256 * 1024) -> Iterator[bytes]:
        content = self.files[sha256]
        yield from (content[at : at + size] for at in range(0, len(content), size))

    def read(self, sha256: str, start: int, end: int) -> bytes:
        return self.files[sha256][start:end]

    def spans(self, sha256: str) -> BinaryIO:
        return io.BytesIO(self.files[sha256])


Keeping = Shelf | LocalVault | S3Vault


class Tried(NamedTuple):
    """What came of an archive: the findings' codes, the members' names with their bytes, and the whole answer."""

    codes: list[str]
    files: dict[str, bytes]
    found: Unpacked


@pytest.fixture
def vault() -> Shelf:
    return Shelf()


def delivery_of(vault: Keeping, raw: bytes, name: str) -> Delivery:
    stored = vault.put(io.BytesIO(raw))
    return Delivery(
        "d_1",
        1,
        DeliveryState.RECEIVED,
        "drop://acme",
        name,
        "acme",
        None,
        stored.sha256,
        stored.size,
        datetime(2026, 11, 21, tzinfo=UTC),
    )


def tried(vault: Keeping, raw: bytes, name: str = "some.zip", limits: Settings = SETTINGS) -> Tried:
    """Unpack; what is on record must be what is found again."""
    delivery = delivery_of(vault, raw, name)
    found = unpack(vault, vault, delivery, limits)
    assert found is not None
    files = {each.name: b"".join(vault.chunks(each.sha256)) for each in found.members if each.sha256 is not None}
    assert list(disagreements(vault, replace(delivery, archive=found.kind), found.members)) == []
    assert all(0 <= (each.start or 0) <= (each.end or 0) for each in found.findings)
    return Tried([each.code for each in found.findings], files, found)


class Packed(NamedTuple):
    """A member of a zip archive that is made by hand, with what its two headers say."""

    name: bytes
    content: bytes = b"sku,price\nA-1,9.90\n"
    method: int = 8
    flags: int = 0
    attributes: int = 0
    made: int = 3 << 8
    size: int | None = None
    crc: int | None = None
    local_name: bytes | None = None
    behind: bool = False
    extra: bytes = b""
    comment: bytes = b""
    data: bytes | None = None


def made(
    *members: Packed, comment: bytes = b"", front: bytes = b"", zip64: bool = False, count: int | None = None
) -> bytes:
    """The archive of these members."""
    body, directory = bytearray(front), bytearray()
    for each in members:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = each.data
        if data is None:
            data = packer.compress(each.content) + packer.flush() if each.method == 8 else each.content
        crc = zlib.crc32(each.content) if each.crc is None else each.crc
        size = len(each.content) if each.size is None else each.size
        flags = each.flags | (8 if each.behind else 0)
        offset, known = len(body) - len(front), (0, 0, 0) if each.behind else (crc, len(data), size)
        local = each.name if each.local_name is None else each.local_name
        body += struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, each.method, 0, 33, *known, len(local), 0) + local + data
        if each.behind:
            body += b"PK\7\x08" + struct.pack("<3I", crc, len(data), size)
        wide, sizes = each.extra, (len(data), size, offset)
        if zip64:
            wide += struct.pack("<2H3Q", 1, 24, size, len(data), offset)
            sizes = (0xFFFFFFFF,) * 3
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", each.made, 20, flags, each.method, 0, 33, crc, *sizes[:2],
            len(each.name), len(wide), len(each.comment), 0, 0, each.attributes, sizes[2],
        ) + each.name + wide + each.comment  # fmt: skip
    start, total = len(body) - len(front), len(members) if count is None else count
    end = (total, total, len(directory), start)
    records = b""
    if zip64:
        records = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, *end)
        records += struct.pack("<4sIQI", b"PK\6\7", 0, start + len(directory), 1)
        end = (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    return bytes(body + directory) + records + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, *end, len(comment)) + comment


TEXT = Packed(b"").content


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(made(Packed(b"a.csv")), id="deflated"),
        pytest.param(made(Packed(b"a.csv", method=0)), id="stored"),
        pytest.param(made(Packed(b"a.csv", behind=True)), id="sizes behind the bytes"),
        pytest.param(made(Packed(b"a.csv"), zip64=True), id="Zip64"),
        pytest.param(made(Packed(b"a.csv"), comment=b"PK\5\6 is how it ends"), id="a comment that looks like the end"),
        pytest.param(made(Packed(b"a.csv", comment=b"x" * 9, extra=b"\x99\x99\2\0ab")), id="extras and comments"),
        pytest.param(made(Packed(b"a.csv")) + b"\0" * 700, id="padded with zeros"),
        pytest.param(made(Packed(b"dir/"[:4], b""), Packed(b"a.csv")), id="a folder is no member"),
    ],
)
def test_what_programs_write_is_read(vault: Shelf, raw: bytes) -> None:
    result = tried(vault, raw)
    assert (result.codes, result.files) == ([], {"a.csv": TEXT})
    assert result.found.kind == "zip"


def test_members_lie_behind_the_archive_with_a_gap_between_them(vault: Shelf) -> None:
    raw = made(Packed(b"a.csv"), Packed(b"empty.csv", b""), Packed(b"b.csv"))
    first, second, third = tried(vault, raw).found.members
    assert first.start == len(raw) + 1
    assert (second.start, second.size) == (first.start + len(TEXT) + 1, 0)
    assert (third.number, third.start) == (3, second.start + 1)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (made(Packed("größe.csv".encode(), flags=0x800)), "größe.csv"),
        (made(Packed("größe.csv".encode("cp437"))), "größe.csv"),
        (made(Packed("größe.csv".encode())), "größe.csv"),
        (made(Packed(b"\xff\xfe.csv", flags=0x800)), "��.csv"),
        (
            made(
                Packed(
                    b"gr__e.csv",
                    extra=(path := b"\x01" + struct.pack("<I", zlib.crc32(b"gr__e.csv")) + "größe.csv".encode())
                    and struct.pack("<2H", 0x7075, len(path)) + path,
                )
            ),
            "größe.csv",
        ),
    ],
)
def test_names_are_utf_8_or_code_page_437(vault: Keeping, raw: bytes, name: str) -> None:
    assert list(tried(vault, raw).files) == [name]


@pytest.mark.parametrize(
    ("raw", "given", "name"),
    [
        (gzipped(TEXT), "prices.csv.gz", "prices.csv"),
        (gzipped(TEXT), "prices.csv", "prices.csv"),
        (gzipped(TEXT[:5]) + gzipped(b"") + gzipped(TEXT[5:]) + b"\0" * 9, "a.CSV.GZ", "a.CSV"),
    ],
)
def test_gzip_is_one_member(vault: Shelf, raw: bytes, given: str, name: str) -> None:
    result = tried(vault, raw, given)
    assert (result.found.kind, result.codes, result.files) == ("gzip", [], {name: TEXT})


def test_gzip_may_say_its_name_itself(vault: Shelf) -> None:
    file = io.BytesIO()
    with gzip.GzipFile("größe.csv", "wb", fileobj=file) as packed:
        packed.write(TEXT)
    assert list(tried(vault, file.getvalue(), "x.gz").files) == ["größe.csv"]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.binary(max_size=3000), max_size=5),
    st.booleans(),
    st.binary(max_size=50),
)
def test_what_pythons_own_module_packs_comes_out(contents: list[bytes], deflated: bool, comment: bytes) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.csv", content)
        archive.comment = comment
    result = tried(Shelf(), file.getvalue())
    assert list(result.files.values()) == contents
    assert result.codes == ([] if contents else ["archive.empty"])


@pytest.mark.skipif(shutil.which("zip") is None, reason="the program zip is not there")
def test_what_the_program_zip_writes_to_a_pipe_comes_out(vault: Shelf, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TEXT)
    raw = subprocess.run(["zip", "-q", "-", "a.csv"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert tried(vault, raw).files == {"a.csv": TEXT}


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :]


GOOD = Packed(b"good.csv")
TWO = made(GOOD, Packed(b"bad.csv", b"x" * 500, method=0))
OVERLAPPING = bytearray(made(GOOD, Packed(b"twin.csv")))
OVERLAPPING[OVERLAPPING.rindex(b"PK\1\2") + 42 : OVERLAPPING.rindex(b"PK\1\2") + 46] = bytes(4)

REFUSED = {
    "one bit of stored bytes": (flipped(TWO, TWO.index(b"xxx") + 9), "archive.damaged"),
    "one bit of deflated bytes": (
        flipped(deflated := made(GOOD, Packed(b"bad.csv", b"abc" * 99)), deflated.index(b"bad.csv") + 12),
        "archive.damaged",
    ),
    "more than the directory says": (made(GOOD, Packed(b"bad.csv", size=3)), "archive.damaged"),
    "less than the directory says": (made(GOOD, Packed(b"bad.csv", size=99)), "archive.damaged"),
    "a checksum of something else": (made(GOOD, Packed(b"bad.csv", crc=1)), "archive.damaged"),
    "another name in its own header": (made(GOOD, Packed(b"bad.csv", local_name=b"god.csv")), "archive.damaged"),
    "compressed bytes that do not end": (
        made(GOOD, Packed(b"bad.csv", data=b"\x00\x05\x00\xfa\xffab")),
        "archive.damaged",
    ),
    "bytes behind the compressed ones": (
        made(GOOD, Packed(b"bad.csv", b"", data=b"\x03\x00more")),
        "archive.damaged",
    ),
    "encrypted": (made(GOOD, Packed(b"bad.csv", flags=1)), "archive.encrypted"),
    "encrypted by AES": (made(GOOD, Packed(b"bad.csv", flags=1, method=99)), "archive.encrypted"),
    "bzip2": (made(GOOD, Packed(b"bad.csv", method=12)), "archive.method"),
    "a symbolic link": (made(GOOD, Packed(b"bad.csv", b"/etc/passwd", attributes=0o120777 << 16)), "archive.link"),
    "a device": (made(GOOD, Packed(b"bad.csv", b"", attributes=0o060666 << 16)), "archive.link"),
}


@pytest.mark.parametrize(("raw", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_member_that_cannot_be_taken_is_a_finding_and_leaves_nothing(vault: Shelf, raw: bytes, code: str) -> None:
    result = tried(vault, raw)
    assert (result.codes, result.files) == ([code], {"good.csv": TEXT})
    (finding,) = result.found.findings
    refused = result.found.members[1]
    assert (refused.code, refused.sha256, refused.size) == (code, None, 0)
    assert (finding.member, finding.start, finding.end) == ("bad.csv", refused.start, refused.start)
    assert "bad.csv" in finding.message
    assert finding.remedy == CODES[code].remedy


WHOLE = made(GOOD, Packed(b"b.csv"))
UNUSABLE = {
    "cut off": (WHOLE[:-5], "archive.truncated"),
    "cut off in the first member": (WHOLE[:40], "archive.truncated"),
    "the directory is damaged": (flipped(WHOLE, WHOLE.index(b"PK\1\2")), "archive.truncated"),
    "more members than there are": (made(GOOD, count=2), "archive.truncated"),
    "fewer members than there are": (made(GOOD, GOOD, count=1), "archive.truncated"),
    "one part of several": (WHOLE[:-18] + b"\1\0" + WHOLE[-16:], "archive.truncated"),
    "members that share bytes": (bytes(OVERLAPPING), "archive.overlap"),
    "nothing in it": (made(), "archive.empty"),
    "folders only": (made(Packed(b"a/", b""), Packed(b"a/b/", b"")), "archive.empty"),
    "a workbook": (made(Packed(b"x/y.xml"), Packed(b"[Content_Types].xml")), "file.kind"),
    "an OpenDocument": (made(Packed(b"mimetype", method=0), Packed(b"content.xml")), "file.kind"),
}


@pytest.mark.parametrize(("raw", "code"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_archive_that_cannot_be_used_is_a_finding_about_all_of_it(vault: Shelf, raw: bytes, code: str) -> None:
    result = tried(vault, raw)
    assert (result.codes, result.files) == ([code], {})
    (finding,) = result.found.findings
    assert (finding.severity, finding.start, finding.end, finding.member) == ("error", 0, len(raw), None)
    assert finding.message
    assert finding.remedy


def test_every_cut_of_an_archive_is_noticed(vault: Shelf) -> None:
    for size in range(4, len(WHOLE)):
        assert tried(vault, WHOLE[:size]).codes == ["archive.truncated"], size


def test_every_flipped_byte_is_noticed_or_changes_no_content(vault: Shelf) -> None:
    noticed = 0
    for at in range(4, len(WHOLE)):
        raw = flipped(WHOLE, at)
        found = unpack(vault, vault, delivery_of(vault, raw, "a.zip"), SETTINGS)
        if found is None or found.findings:
            noticed += 1
            continue
        contents = [b"".join(vault.chunks(each.sha256)) for each in found.members if each.sha256]
        assert contents == [TEXT, TEXT], at
    assert noticed > len(WHOLE) // 2


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"/etc/cron.d/x.csv", "/etc/cron.d/x.csv"),
        (b"../../x.csv", "../../x.csv"),
        (rb"..\x.csv", r"..\x.csv"),
        (b"C:\\x.csv", "C:\\x.csv"),
        (b"a\x1b[31m\n.csv", "a�[31m�.csv"),
        (b"a\x00b.csv", "a�b.csv"),
        (b"d/" * 200 + b"x.csv", "…" + ("d/" * 200 + "x.csv")[-254:]),
    ],
)
def test_a_name_is_a_label_and_a_bad_one_is_told(tmp_path: Path, name: bytes, shown: str) -> None:
    result = tried(LocalVault(tmp_path / "vault"), made(Packed(name)))
    assert (result.codes, result.files) == (["archive.name"], {shown: TEXT})
    assert result.found.findings[0].severity == "warning"
    assert [each.name for each in tmp_path.iterdir()] == ["vault"]


def test_a_damaged_member_leaves_nothing_in_the_vault(tmp_path: Path) -> None:
    vault = LocalVault(tmp_path / "vault")
    raw = flipped(gzipped(TEXT * 100_000), -6)
    assert tried(vault, raw, "a.csv.gz").codes == ["archive.damaged"]
    (file,) = [each for each in vault.folder.rglob("*") if each.is_file()]
    assert file.read_bytes() == raw


def test_two_members_of_one_name_put_the_archive_in_doubt(vault: Shelf) -> None:
    result = tried(vault, made(Packed(b"a.csv"), Packed(b"a.csv", b"other\n")))
    assert (result.codes, len(result.found.members)) == (["archive.name_twice"], 2)


def test_what_desktops_add_is_passed_over(vault: Shelf) -> None:
    names = (b"__MACOSX/._a.csv", b"x/.DS_Store", b"Thumbs.db")
    result = tried(vault, made(GOOD, *map(Packed, names)))
    assert (result.codes, list(result.files)) == (["archive.passed_over"] * 3, ["good.csv"])
    assert {each.severity for each in result.found.findings} == {"note"}
    assert tried(vault, made(*map(Packed, names))).codes == [*["archive.passed_over"] * 3, "archive.empty"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (made(Packed(b"b.csv")) + made(GOOD), "archive.unlisted"),
        (made(GOOD, front=made(Packed(b"b.csv"))), "archive.unlisted"),
        (made(GOOD) + made(Packed(b"b.csv"))[:60], "archive.unlisted"),
        (made(GOOD) + b"-- sent by mail --", "archive.junk"),
        (gzipped(TEXT) + b"-- sent by mail --", "archive.junk"),
    ],
)
def test_bytes_that_belong_to_no_member_are_told(vault: Shelf, raw: bytes, code: str) -> None:
    result = tried(vault, raw, "good.csv.gz")
    assert (result.codes, list(result.files)) == ([code], ["good.csv"])
    (finding,) = result.found.findings
    assert finding.start is not None
    assert 0 <= finding.start < (finding.end or 0) <= len(raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(gzipped(TEXT)[:-3], id="its trailer is cut off"),
        pytest.param(flipped(gzipped(TEXT), -6), id="another checksum"),
        pytest.param(flipped(gzipped(TEXT), -2), id="another length"),
        pytest.param(gzipped(TEXT)[:10] + b"\xff" * 30, id="no deflate"),
        pytest.param(gzipped(TEXT) + gzipped(TEXT)[:15], id="its second part is cut off"),
        pytest.param(gzipped(TEXT) + b"\x1f", id="of its second part there is one byte"),
    ],
)
def test_a_damaged_gzip_leaves_nothing(vault: Shelf, raw: bytes) -> None:
    result = tried(vault, raw, "a.csv.gz")
    assert (result.codes, result.files) == (["archive.damaged"], {})


def test_an_archive_in_a_bucket_is_unpacked_into_it(s3_server: S3Server) -> None:
    vault = S3Vault(f"s3://{s3_server.bucket()}/raw", Access(s3_server.endpoint, "eu-central-1", "test", "test"))
    contents = [bytes(range(256)) * 4000, TEXT]
    raw = made(Packed(b"a.csv", contents[0], method=0), Packed(b"b.csv", crc=1), Packed(b"c.csv", contents[1]))
    result = tried(vault, raw)
    assert (result.codes, list(result.files.values())) == (["archive.damaged"], contents)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bomb_that_says_what_it_holds_is_not_begun(vault: Shelf) -> None:
    limits = replace(SETTINGS, archive_bytes_max=100)
    result = tried(vault, made(GOOD, Packed(b"big.csv", b"0" * 101)), limits=limits)
    assert (result.codes, result.found.members) == (["archive.too_large"], [])
    assert "archive_max" in result.found.findings[0].message


def test_a_bomb_that_lies_ends_at_what_it_says(vault: Shelf) -> None:
    result = tried(vault, made(Packed(b"big.csv", b"0" * 10_000_000, size=10)))
    assert (result.codes, result.files) == (["archive.damaged"], {})
    assert "it has more than the 10 bytes" in result.found.findings[0].message


def test_unpacking_ends_at_the_limit_and_what_was_before_stays(vault: Shelf) -> None:
    raw = gzipped(b"0" * (ALWAYS_UNPACKED + 1))
    result = tried(vault, raw, "a.gz", replace(SETTINGS, archive_ratio_max=1))
    assert (result.codes, result.files) == (["archive.too_large"], {})
    assert "archive_ratio: 1 times" in result.found.findings[0].message
    assert result.found.members[0].code == "archive.too_large"
    assert tried(vault, raw, "a.gz", replace(SETTINGS, archive_ratio_max=2000)).codes == []


def test_too_many_members_are_counted_in_the_directory_alone(vault: Shelf) -> None:
    limits = replace(SETTINGS, archive_members_max=10)
    assert tried(vault, made(*[GOOD._replace(name=b"%d" % n) for n in range(10)]), limits=limits).codes == []
    eleven = [GOOD._replace(name=b"%d" % n) for n in range(11)]
    for raw in (made(*eleven), made(*eleven, count=3)):
        result = tried(vault, raw, limits=limits)
        assert (result.codes, result.found.members) == (["archive.too_many"], [])


def test_a_gzip_of_countless_parts_is_given_up(vault: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzips, "PARTS_MAX", 3)
    assert tried(vault, gzipped(b"x") * 3, "a.gz").files == {"a": b"xxx"}
    assert tried(vault, gzipped(b"x") * 4, "a.gz").codes == ["archive.too_many"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=20), st.integers(1, 60))
def test_gzip_is_the_same_in_any_cut(contents: list[bytes], piece: int) -> None:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(gzips, "_PACKED_CHUNK", piece)
        small.setattr(gzips, "CHUNK", piece)
        result = tried(Shelf(), b"".join(map(gzipped, contents)) + b"\0" * piece, "a.gz")
    assert (result.codes, result.files) == ([], {"a": b"".join(contents)})


_MEASURED = """
import io, resource, sys, threading
from datetime import UTC, datetime
from pathlib import Path
from gateway.configuration import Settings
from gateway.model import Delivery, DeliveryState
from gateway.receive.archives import unpack
from gateway.store.local import LocalVault

vault = LocalVault(Path(sys.argv[1]) / "vault")
with open(sys.argv[2], "rb") as file:
    stored = vault.put(file)
delivery = Delivery("d_1", 1, DeliveryState.RECEIVED, "drop://acme", sys.argv[2], None, None, stored.sha256,
    stored.size, datetime.now(UTC))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = unpack(vault, vault, delivery, Settings(archive_members_max=int(sys.argv[3])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, sum(each.size for each in found.members),
    [each.code for each in found.findings])
"""


def measured(tmp_path: Path, archive: Path, members_max: int = 10_000) -> tuple[int, int, str]:
    """What unpacking adds to the peak of memory in a process of its own, in KiB; the bytes unpacked; the codes."""
    command = [sys.executable, "-c", _MEASURED, str(tmp_path), str(archive), str(members_max)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split(maxsplit=2)
    return int(said[0]), int(said[1]), said[2].strip()


@pytest.mark.parametrize("kind", ["zip", "gzip"])
def test_memory_is_bounded_whatever_a_members_size(tmp_path: Path, kind: str) -> None:
    archive, block = tmp_path / f"large.{kind}", bytes(range(256)) * 4096
    if kind == "zip":
        with (
            zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
            file.open("large.csv", "w", force_zip64=True) as member,
        ):
            for _ in range(300):
                member.write(block)
    else:
        with gzip.open(archive, "wb", compresslevel=1) as packed:
            for _ in range(300):
                packed.write(block)
    grown, size, codes = measured(tmp_path, archive)
    assert (size, codes) == (300 * len(block), "[]")
    assert grown < 64 * 1024


def test_a_million_members_cost_nothing(tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 1, 0) + b"a"
    directory = entry * 1_000_000
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), len(local), 0)  # it lies
    archive = tmp_path / "many.zip"
    archive.write_bytes(local + directory + end)
    grown, size, codes = measured(tmp_path, archive)
    assert (size, codes) == (0, "['archive.too_many']")
    assert grown < 64 * 1024


# ── kinds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tar(name: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    return file.getvalue()


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (made(GOOD), "zip"),
        (made(), "zip"),
        (made(Packed(b"[Content_Types].xml")), "office"),
        (made(Packed(b"xl/workbook.xml")), "office"),
        (made(Packed(b"mimetype", method=0)), "opendocument"),
        (gzipped(b"x"), "gzip"),
        (bz2.compress(b"x"), "bzip2"),
        (bz2.compress(b""), "bzip2"),
        (lzma.compress(b"x"), "xz"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "7z"),
        (b"Rar!\x1a\x07\x01\x00", "rar"),
        (b"\x28\xb5\x2f\xfd\x24\x01", "zstd"),
        (tar("a.csv"), "tar"),
        (b"%PDF-1.7", "pdf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "ole"),
    ],
)
def test_a_kind_is_told_by_its_first_bytes(first: bytes, name: str) -> None:
    kind = kind_of(first[:512])
    assert kind is not None
    assert kind.name == name


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"PK",
        b"PK;price\n",
        b"PK\x03\x04" + b"\xf0" * 200,  # zoned digits of a mainframe
        b"\x1f\x8b\x08" + b"\xf0" * 200,
        b"BZh9;price",
        b"7z;price",
        b"ISA*00*",
        b"<html>",
    ],
)
def test_what_only_begins_alike_is_no_archive(first: bytes) -> None:
    assert kind_of(first) is None


def test_a_members_last_name_is_what_integrations_want() -> None:
    assert [base_name(each) for each in ("a.csv", "x/a.csv", "x\\a.csv", "x/")] == ["a.csv", "a.csv", "a.csv", "x/"]


def test_a_record_that_is_not_what_was_unpacked_disagrees(vault: Shelf) -> None:
    raw = made(GOOD, Packed(b"b.csv"))
    delivery = replace(delivery_of(vault, raw, "a.zip"), archive="zip")
    members = tried(vault, raw).found.members
    for wrong in (
        [replace(members[0], sha256="0" * 64), members[1]],
        [members[0], replace(members[1], size=3)],
        [*members, replace(members[1], number=3)],
    ):
        assert len(list(disagreements(vault, delivery, wrong))) == 1
