"""What can be wrong with an archive, and the exception by which a part that reads one says so."""

from __future__ import annotations

from edi.findings import Code, Severity

CODES: dict[str, Code] = {
    # Codes are append-only: a published one never changes its meaning.
    "archive.empty": Code("the archive has no member that could hold documents", "Ask the sender to pack it again."),
    "archive.truncated": Code(
        "the archive is cut off or damaged at its end, where its members are listed",
        "Compare its size with the sender's, and have it sent again.",
    ),
    "archive.damaged": Code(
        "a member is damaged: its bytes, its checksum, its size or its two headers do not agree",
        "Have the archive packed and sent again. What could be read of the member was thrown away.",
    ),
    "archive.encrypted": Code(
        "a member is encrypted",
        "Ask the sender for an archive without a password: SFTP and HTTPS encrypt what they carry.",
    ),
    "archive.method": Code(
        "a member is compressed by a method that is not read",
        "Ask the sender for a zip with deflate, which every program can write, or for gzip.",
    ),
    "archive.nested": Code(
        "an archive inside of an archive, which is not opened",
        "Ask the sender to pack the files themselves, once.",
    ),
    "archive.kind": Code(
        "an archive of a kind that is not opened, such as 7z, RAR or tar",
        "Ask the sender for a zip, for a file compressed by gzip, or for the file itself.",
    ),
    "archive.too_large": Code(
        "the archive holds more bytes than are unpacked of one",
        "If that much is expected, raise archive_max or archive_ratio in gateway.yaml, apply, and replay the delivery.",
    ),
    "archive.too_many": Code(
        "the archive has more members than are taken of one",
        "If that many are expected, raise archive_members in gateway.yaml, apply, and retry or replay the delivery.",
    ),
    "archive.overlap": Code(
        "members share the same bytes of the archive, as in a bomb",
        "Ask the sender what made the archive; no usual program does this.",
    ),
    "archive.name": Code(
        "the name of a member is a path that leads elsewhere, or has characters that no name should have",
        "Nothing needs to be done: names are labels here, never paths. Ask the sender what made the archive.",
        Severity.WARNING,
    ),
    "archive.name_twice": Code(
        "two members have the same name, so that nobody can say which one is meant",
        "Ask the sender which is meant; its documents can be retried by themselves, the others discarded.",
    ),
    "archive.link": Code(
        "a member is a link or a device, not a file", "Ask the sender to pack the file that the link leads to."
    ),
    "archive.unlisted": Code(
        "the file holds a member that its directory does not list, or a second archive",
        "Ask the sender what made the archive, and to send one archive in one file.",
    ),
    "archive.junk": Code(
        "the file holds bytes that belong to no member",
        "Nothing needs to be done, unless something is missing. Ask the sender what made the archive.",
        Severity.WARNING,
    ),
    "archive.passed_over": Code(
        "a member that the sender's desktop adds by itself was passed over",
        "Nothing needs to be done.",
        Severity.NOTE,
    ),
}


class Refusal(Exception):
    """A member, or with `ends` all that is left of the archive, cannot be taken. The code is one of :data:`CODES`."""

    def __init__(self, code: str, message: str, remedy: str | None = None, *, ends: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.ends = ends
