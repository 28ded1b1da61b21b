r"""A file that was written in another encoding than the declared one, told by its bytes: which, and what it looks like.

>>> str(misread(["gültig ab"], ["gÃ¼ltig ab"], "cp1252"))
"bytes C3 BC are 'ü' in UTF-8 and read as 'Ã¼' in windows-1252, so that 'gültig ab' looks like 'gÃ¼ltig ab'"
>>> no_character(b"\xfc", "utf-8", "in column Name")
"byte 0xFC in column Name is no character of UTF-8, and 'ü' in windows-1252"
>>> guessed(b"Gr\xf6\xdfe", "utf-8")
'Größe'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

NAMES = {"utf-8": "UTF-8", "cp1252": "windows-1252", "cp850": "cp850"}
"""Encodings in which a file may have been written instead of the declared one, as people call them."""
_WAYS = ("replace", "surrogateescape")
"""How readers show bytes that are no character of the declared encoding."""


class Misread(NamedTuple):
    """A name that was `expected` and is there as another encoding's bytes look: `raw` are those of its first `sign`."""

    written: str
    declared: str
    expected: str
    found: str
    sign: str
    raw: bytes

    def __str__(self) -> str:
        codec = next((codec for codec, name in NAMES.items() if name == self.declared), self.declared)
        read = self.raw.decode(codec, "replace")
        one = len(self.raw) == 1
        what = f"{'byte' if one else 'bytes'} {self.raw.hex(' ').upper()} {'is' if one else 'are'} {self.sign!r}"
        reads = "reads" if one else "read"
        as_ = "no character of" if "\ufffd" in read else f"{reads} as {read!r} in"
        found = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in self.found)
        looks = f"so that {self.expected!r} looks like {found!r}"
        return f"{what} in {self.written} and {as_} {self.declared}, {looks}"


def misread(names: Collection[str], found: Collection[str], encoding: str) -> Misread | None:
    """The first of the expected `names` that is `found` as another encoding's bytes look in the declared `encoding`."""
    declared = NAMES.get(encoding, encoding)
    for codec, called in NAMES.items():
        for each in names:
            if codec == encoding or each in found or each.isascii():
                continue
            raw = each.encode(codec, "ignore")
            looks = next((read for way in _WAYS if (read := raw.decode(encoding, way)) in found), None)
            if looks is None:
                continue
            sign = next((one for one in each if _differs(one, codec, encoding)), None)
            if sign is not None:
                return Misread(called, declared, each, looks, sign, sign.encode(codec))
    return None


def no_character(raw: bytes, encoding: str, where: str = "", why: str = "") -> str:
    """What is said of bytes that are no character of an encoding: the first one, and what it is in windows-1252.

    `where` says where it stands, `why` what that encoding is taken from.
    """
    sign = raw[:1].decode("cp1252", "replace")
    also = f", and {sign!r} in windows-1252" if encoding == "utf-8" and sign != "\ufffd" and sign.isprintable() else ""
    byte = f"byte 0x{raw[0]:02X}" + (f" {where}" if where else "")
    return f"{byte} is no character of {NAMES.get(encoding, encoding)}" + (f", {why}" if why else "") + also


def guessed(raw: bytes, encoding: str) -> str | None:
    """What a value most likely says some of whose bytes are no characters of `encoding`: it reads so in windows-1252.

    None where that cannot be told: letters of UTF-8 stand beside those bytes, or they are no letters there either.
    """
    if encoding != "utf-8" or not raw.decode("utf-8", "ignore").isascii():
        return None
    try:
        said = raw.decode("cp1252")
    except UnicodeDecodeError:
        return None
    return said if all(each.isprintable() or each in "\t\r\n" for each in said) else None


def _differs(sign: str, codec: str, encoding: str) -> bool:
    raw = sign.encode(codec, "ignore")
    return bool(raw) and raw.decode(encoding, "replace") != sign
