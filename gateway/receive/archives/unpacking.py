"""An archive is unpacked: its members become files of the vault, one after the other, within limits.

What cannot be taken is a finding; the members before it stay. A member whose end shows that it is damaged leaves
nothing behind. No name of a member is ever used as a path.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from gateway.model import Finding
from gateway.receive.archives import gzips, zips
from gateway.receive.archives.findings import CODES, Refusal
from gateway.receive.archives.kinds import FIRST_BYTES, GZIP, OFFICE, OPEN_DOCUMENT, ZIP, kind_of
from gateway.store.members import Member, first_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateway.configuration import Settings
    from gateway.model import Delivery
    from gateway.store.decisions import RawBytes
    from gateway.store.vault import Stored

ALWAYS_UNPACKED = 16 * 1024 * 1024
"""So many bytes of an archive are unpacked whatever its ratio is: that harms nobody, and blank pages pack well."""
NAME_CHARACTERS_MAX = 255
_OF_DESKTOPS = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_SHOWN = "\N{REPLACEMENT CHARACTER}"


class Keeper(Protocol):
    """What keeps a member: the vault, or only counts and hashes it."""

    def put(self, stream: BinaryIO) -> Stored:
        """Keep the whole stream."""


@dataclass(slots=True)
class Unpacked:
    """What was found in an archive: `kind` is ``zip`` or ``gzip``."""

    kind: str
    members: list[Member] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Offered(NamedTuple):
    """A member on its way in: its name as the archive has it, and its bytes, or why there are none."""

    name: str
    content: Iterator[bytes] | Refusal


def unpack(
    raw: RawBytes, keeper: Keeper, delivery: Delivery, settings: Settings, seen: Callable[[], None] = lambda: None
) -> Unpacked | None:
    """Unpack a delivery if its file is a zip or gzip archive; None where it is none.

    `seen` is called for each chunk.

    Raises:
        Stop: the raw bytes are missing or damaged, or the vault cannot keep a member.
    """
    first = raw.read(delivery.sha256, 0, FIRST_BYTES)
    kind = kind_of(first)
    if kind is None or kind.name not in (ZIP, GZIP, OFFICE.name, OPEN_DOCUMENT.name):
        return None
    for _ in raw.chunks(delivery.sha256):  # what is unpacked are the very bytes that came (L2)
        seen()
    unpacking = _Unpacking(keeper, delivery, settings, seen, ZIP if kind.name != GZIP else GZIP)
    with raw.spans(delivery.sha256) as file:
        unpacking.run(file, first)
    return unpacking.found


class _Unpacking:
    """One archive on its way into the vault."""

    def __init__(
        self, keeper: Keeper, delivery: Delivery, settings: Settings, seen: Callable[[], None], kind: str
    ) -> None:
        self.found = Unpacked(kind)
        self._keeper = keeper
        self._delivery = delivery
        self._seen = seen
        self._members_max = settings.archive_members_max
        by_ratio = max(ALWAYS_UNPACKED, settings.archive_ratio_max * delivery.size)
        self._bytes_max = min(settings.archive_bytes_max, by_ratio)
        self._limit = (
            f"archive_ratio: {settings.archive_ratio_max} times the archive's own size"
            if by_ratio < settings.archive_bytes_max
            else "archive_max"
        )
        self._size = 0
        self._start = first_start(delivery.size)
        self._names: set[str] = set()

    def run(self, file: BinaryIO, first: bytes) -> None:
        """Take one member after the other, to the end or to where the archive cannot be gone on with."""
        try:
            for offered in self._of_gzip(file, first) if self.found.kind == GZIP else self._of_zip(file):
                if not self._take(offered):
                    return
        except Refusal as refusal:
            self._tell(refusal)
        if not any(each.sha256 for each in self.found.members) and not any(
            each.severity == "error" for each in self.found.findings
        ):
            self._tell(Refusal("archive.empty", "the archive has no member that could hold documents"))

    def _of_zip(self, file: BinaryIO) -> Iterator[Offered]:
        size = self._delivery.size
        directory = zips.read_directory(file, size, members_max=self._members_max)
        names = [each.name for each in directory.entries]
        if "[Content_Types].xml" in names or names[:1] == ["mimetype"]:
            words = (OFFICE if "[Content_Types].xml" in names else OPEN_DOCUMENT).words
            raise Refusal(
                "file.kind",
                f"the file is {words}",
                "Ask the sender for the rows as CSV (in Excel: save as 'CSV UTF-8'), or in another format of text.",
                ends=True,
            )
        declared = sum(each.size for each in directory.entries)
        if declared > self._bytes_max:
            raise self._too_large(f"its members have {declared:,} bytes in all")
        yield from _offered(file, directory)
        for start, end, looks_like_one in zips.strays(file, size, directory):
            code = "archive.unlisted" if looks_like_one else "archive.junk"
            what = "hold a member that the directory does not list" if looks_like_one else "belong to no member"
            self._tell(Refusal(code, f"{end - start} bytes at offset {start} {what}"), start, end)

    def _of_gzip(self, file: BinaryIO, first: bytes) -> Iterator[Offered]:
        trailing: list[gzips.Trailing] = []
        yield _only(file, first, self._delivery, trailing)
        for start, end in trailing:
            what = f"{end - start} bytes behind the compressed ones are not compressed, and were not read"
            self._tell(Refusal("archive.junk", what), start, end)

    def _take(self, offered: Offered) -> bool:
        """Keep a member, or say why not; False when nothing behind it is to be looked at."""
        name = shown(offered.name)
        refusal = offered.content if isinstance(offered.content, Refusal) else None
        stored = None
        if not isinstance(offered.content, Refusal):
            stream = io.BufferedReader(_Stream(self._watched(offered.content, name)), zips.CHUNK)
            try:
                stored = self._keeper.put(stream)
            except Refusal as found:
                refusal = found
        if stored is not None:
            self._add(name, stored.sha256, stored.size)
        elif refusal is not None:
            self._add(name, None, 0, refusal.code)
            self._tell(refusal)
        self._look_at_name(offered.name, name)
        return refusal is None or not refusal.ends

    def _watched(self, chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
        for chunk in chunks:
            self._seen()
            self._size += len(chunk)
            if self._size > self._bytes_max:
                raise self._too_large(f"more than {self._bytes_max:,} bytes have come out at the member {name!r}")
            yield chunk

    def _too_large(self, what: str) -> Refusal:
        return Refusal(
            "archive.too_large",
            f"the archive of {self._delivery.size:,} bytes holds too much: {what}; at most {self._bytes_max:,} are "
            f"unpacked ({self._limit})",
            ends=True,
        )

    def _add(self, name: str, sha256: str | None, size: int, code: str | None = None) -> None:
        self.found.members.append(Member(len(self.found.members) + 1, name, sha256, size, self._start, code))
        self._start += size + 1

    def _look_at_name(self, name: str, told: str) -> None:
        if _is_suspicious(name):
            self._tell(Refusal("archive.name", f"a member is called {told!r}, which leads elsewhere"))
        if name in self._names:
            self._tell(Refusal("archive.name_twice", f"two members are called {told!r}"))
        self._names.add(name)

    def _tell(self, refusal: Refusal, start: int | None = None, end: int | None = None) -> None:
        """Keep a finding: about the last member, about bytes `start` to `end` of the archive, or about all of it."""
        row = CODES.get(refusal.code)
        about_all = refusal.code in _ABOUT_ALL or not self.found.members
        member = None if about_all or start is not None else self.found.members[-1]
        if member is not None:
            start = end = member.start
        self.found.findings.append(
            Finding(
                code=refusal.code,
                severity=str(row.severity) if row is not None else "error",
                message=refusal.message,
                remedy=refusal.remedy or (row.remedy if row is not None else ""),
                start=0 if start is None else start,
                end=self._delivery.size if end is None else end,
                member=member.name if member is not None else None,
            )
        )


def _offered(file: BinaryIO, directory: zips.Directory) -> Iterator[Offered]:
    """The members of a zip archive in their order; folders are none."""
    for each in directory.entries:
        if each.is_special:
            yield Offered(each.name, Refusal("archive.link", f"the member {each.name!r} is a link or a device"))
        elif _is_of_desktop(each.name):
            what = f"the member {shown(each.name)!r} was passed over: it holds no documents"
            yield Offered(each.name, Refusal("archive.passed_over", what))
        elif not each.is_folder:
            yield Offered(each.name, zips.content(file, each))


def _only(file: BinaryIO, first: bytes, delivery: Delivery, trailing: list[gzips.Trailing]) -> Offered:
    """The only member that gzip has."""
    name = gzips.name_in(first) or gzips.name_without_ending(delivery.name)
    return Offered(name, gzips.content(file, delivery.size, name, trailing))


def disagreements(raw: RawBytes, delivery: Delivery, known: Sequence[Member]) -> Iterator[str]:
    """Where the members of an archive, unpacked again and thrown away, are not those that are on record.

    Raises:
        Stop: the raw bytes are missing or damaged.
    """
    wanted = {each.number: each for each in known if each.sha256 is not None}
    for _ in raw.chunks(delivery.sha256):
        pass
    if not wanted:
        return
    first = raw.read(delivery.sha256, 0, FIRST_BYTES)
    with raw.spans(delivery.sha256) as file:
        try:
            if delivery.archive == GZIP:
                offered = iter([_only(file, first, delivery, [])])
            else:
                most = delivery.size // zips.ENTRY_BYTES + 1
                offered = _offered(file, zips.read_directory(file, delivery.size, members_max=most))
            for number, (name, content) in enumerate(offered, 1):
                each = wanted.pop(number, None)
                if each is not None and _hashed(content, each.size) != (each.sha256, each.size):
                    yield f"the member {shown(name)} is not {each.sha256} of {each.size} bytes, as it was unpacked"
                if not wanted:
                    return
        except Refusal as refusal:
            yield refusal.message
            return
    for each in wanted.values():
        yield f"the archive has no member {each.number}, {each.name}, any more"


def _hashed(content: Iterator[bytes] | Refusal, size_max: int) -> tuple[str, int]:
    """Name and size of a member's bytes, which are read no further than they should go."""
    if isinstance(content, Refusal):
        raise content
    digest, size = hashlib.sha256(), 0
    for chunk in content:
        digest.update(chunk)
        size += len(chunk)
        if size > size_max:
            break
    return digest.hexdigest(), size


_ABOUT_ALL = ("archive.empty", "archive.truncated", "archive.too_many", "archive.overlap", "file.kind")


class _Stream(io.RawIOBase):
    """Chunks as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # typeshed: any buffer
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def shown(name: str) -> str:
    """A member's name as a label: what cannot be printed is replaced, and what is too long is cut at its beginning."""
    plain = "".join(each if each.isprintable() else _SHOWN for each in name) or _SHOWN
    return plain if len(plain) <= NAME_CHARACTERS_MAX else "…" + plain[1 - NAME_CHARACTERS_MAX :]


def base_name(name: str) -> str:
    """The last part of a member's name, by which integrations want it."""
    return name.replace("\\", "/").rpartition("/")[2] or name


def _is_of_desktop(name: str) -> bool:
    return name.startswith(_OF_DESKTOPS[0]) or base_name(name) in _OF_DESKTOPS


def _is_suspicious(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    absolute = parts[0] == "" or parts[0][1:2] == ":"
    return absolute or ".." in parts or not name.isprintable() or len(name) > NAME_CHARACTERS_MAX
