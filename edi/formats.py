"""The formats: one table from name to reader, what the first bytes look like, and how a format is declared.

A format is declared in one line, which begins with its name:

===================================  =======================================================
``x12 004010 850``                   version and transaction set; either may be left out
``edifact D96A ORDERS``              directory and message; either may be left out
``csv ; windows-1252 header``        delimiter, encoding (utf-8), and whether there is a header; or ``layout=orders``
``xml ubl:Invoice-2.1``              the message, or the name of the root; ``each=item`` for repeated elements
``jsonl``                            nothing more
``json each=orders``                 the member that holds the list, if the file is not the list itself
``fixed sku:1-8 price:9-14:number``  the columns; or ``layout=orders`` for a layout or COBOL copybook of that name
===================================  =======================================================

Every option of a reader may follow as ``name=value``.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from edi import delimited, edifact, jsondoc, jsonlines, positional, text, x12, xmldoc
from edi.delimited.cells import Syntax, scan
from edi.positional.charsets import charset
from edi.segmented.walk.window import is_ebcdic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from edi.findings import Finding, Position
    from edi.model import Document, Envelope
    from edi.spec import Spec


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it says about itself, its reader, how a value's bytes are found again, and its writer.

    `read` raises ValueError at the call for an unusable option. `locate` takes the bytes of one document, its
    envelope, a path of the format, and the loops around it (path and occurrence from 0), outermost first. `write`
    takes documents and the options of ``spec.writes``, and raises ValueError at the call likewise; for a document that
    the format cannot hold it raises :class:`~edi.writing.Unwritable` when its bytes are drawn.
    """

    spec: Spec
    read: Callable[[Iterable[bytes], Mapping[str, str]], Iterator[Document | Finding]]
    locate: Callable[[bytes, Envelope, Any, Any], Position | None]
    write: Callable[[Iterable[Document], Mapping[str, str]], Iterator[bytes]]


FORMATS: dict[str, Format] = {
    "x12": Format(x12.SPEC, x12.read, x12.locate, x12.write),
    "edifact": Format(edifact.SPEC, edifact.read, edifact.locate, edifact.write),
    "csv": Format(delimited.SPEC, delimited.read, delimited.locate, delimited.write),
    "xml": Format(xmldoc.SPEC, xmldoc.read, xmldoc.locate, xmldoc.write),
    "jsonl": Format(jsonlines.SPEC, jsonlines.read, jsonlines.locate, jsonlines.write),
    "json": Format(jsondoc.SPEC, jsondoc.read, jsondoc.locate, jsondoc.write),
    "fixed": Format(positional.SPEC, positional.read, positional.locate, positional.write),
}

_EXAMPLES = {
    "x12": "x12 004010 850",
    "edifact": "edifact D96A ORDERS",
    "csv": "csv ; windows-1252 header",
    "xml": "xml ubl:Invoice-2.1",
    "jsonl": "jsonl",
    "json": "json each=orders",
    "fixed": "fixed sku:1-8 price:9-14:number",
}
_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_ENCODINGS = ("utf-8", "windows-1252", "iso-8859-1", "iso-8859-15", "latin-1", "ascii", "cp850", "cp437", "shift_jis")
_EBCDIC = ("cp037", "cp273", "cp500", "cp1047", "cp1140")
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})
_X12_VERSION = re.compile(r"\d{6}(?:[A-Z][A-Z0-9]*)?")
_X12_SET = re.compile(r"\d{3}")
_EDIFACT_DIRECTORY = re.compile(r"[A-Z]\.?\d{2,3}[A-Z]?")
_EDIFACT_MESSAGE = re.compile(r"[A-Z]{6}")

Declared = tuple[str, str | None, str | None, tuple[tuple[str, str], ...]]
"""A format as declared: its name, version, message, and the options of its reader."""


def parse_format(
    declaration: str, layouts: Mapping[str, str] = _NO_TEXTS, guides: Mapping[str, str] = _NO_TEXTS
) -> Declared:
    """What a line such as ``csv ; windows-1252 header`` declares: name, version, message and reader options.

    A message of XML, and a type of record of csv or fixed, is checked by the reader if it is given to it as the option
    ``message``.
    `layouts` are the texts, by name, of what ``layout=`` can name, and `guides` those of ``guide=``.

    Raises:
        ValueError: the line declares no format; the message says what to write.
    """
    name, *words = declaration.split() or [""]
    if name not in FORMATS:
        raise ValueError(f"{name!r} is no format; {_nearest(name, FORMATS)}")
    options = {option.name for option in FORMATS[name].spec.options}
    given: dict[str, str] = {}
    plain = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.isidentifier():
            plain.append(word)
        elif key not in options:
            raise ValueError(f"{name} has no option {key!r}; {_nearest(key, sorted(options))}")
        else:
            _set(given, key, value)
    version, message = _PARSERS[name](plain, given)
    if "layout" in given:
        given["layout"] = _text("layout", given["layout"], layouts, "txt")
    if "guide" in given:
        given["guide"] = _text("guide", given["guide"], guides, "toml")
    FORMATS[name].read(
        (), given | ({"message": message} if message and name in ("csv", "xml", "fixed") else {})
    )  # checks the values
    return name, version, message, tuple(given.items())


def _set(given: dict[str, str], name: str, value: str) -> None:
    if name in given:
        raise ValueError(f"{name} is declared twice: {given[name]!r} and {value!r}")
    given[name] = value


def _nearest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, known := list(known), 1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


def _coded(
    name: str, version: re.Pattern[str], message: re.Pattern[str], words: list[str]
) -> tuple[str | None, str | None]:
    found: dict[str, str] = {}
    for word in words:
        kind = "version" if version.fullmatch(word) else "message" if message.fullmatch(word) else ""
        if not kind:
            raise ValueError(f"{word!r} is no version or message of {name}; write {_EXAMPLES[name]}")
        _set(found, kind, word.replace(".", ""))  # D.96A is D96A
    return found.get("version"), found.get("message")


def _x12(words: list[str], _given: dict[str, str]) -> tuple[str | None, str | None]:
    return _coded("x12", _X12_VERSION, _X12_SET, words)


def _edifact(words: list[str], _given: dict[str, str]) -> tuple[str | None, str | None]:
    return _coded("edifact", _EDIFACT_DIRECTORY, _EDIFACT_MESSAGE, words)


def _csv(words: list[str], given: dict[str, str]) -> tuple[None, str | None]:
    for word in words:
        if word == "header":
            _set(given, "header", "true")
        elif word in _DELIMITERS or (len(word) == 1 and not word.isalnum()):
            _set(given, "delimiter", _DELIMITERS.get(word, word))
        elif _is_encoding(word):
            _set(given, "encoding", word)
        else:
            hint = _nearest(word, ["header", *_DELIMITERS, *_ENCODINGS])
            raise ValueError(f"{word!r} is no delimiter, no encoding and not 'header'; {hint}")
    return None, given.pop("message", None)


def _is_encoding(word: str) -> bool:
    try:
        codecs.lookup(word)
    except LookupError:
        return False
    return True


def _xml(words: list[str], given: dict[str, str]) -> tuple[None, str | None]:
    if len(words) > 1:
        raise ValueError(f"{words[1]!r} is one word too many; write {_EXAMPLES['xml']}, and each=item after it")
    if words:
        _set(given, "message", words[0])
    return None, given.pop("message", None)


def _jsonl(words: list[str], _given: dict[str, str]) -> tuple[None, None]:
    if words:
        raise ValueError(f"{words[0]!r} is too much; write jsonl alone")
    return None, None


def _json(words: list[str], _given: dict[str, str]) -> tuple[None, None]:
    if words:
        raise ValueError(f"{words[0]!r} is too much; write json, and each=orders for a list inside an object")
    return None, None


def _fixed(words: list[str], given: dict[str, str]) -> tuple[None, str | None]:
    columns = [word for word in words if ":" in word]
    for word in words:
        if word not in columns:
            _set_encoding(given, word)
    if columns:
        if "layout" in given:
            raise ValueError(f"{columns[0]!r} and layout={given['layout']}: one of them says where the columns are")
        _set(given, "columns", " ".join(columns))
    return None, given.pop("message", None)


def _set_encoding(given: dict[str, str], word: str) -> None:
    try:
        charset(word)
    except ValueError:
        hint = _nearest(word, [*_ENCODINGS, *_EBCDIC])
        raise ValueError(f"{word!r} is no encoding and no column, which has a colon: sku:1-8; {hint}") from None
    _set(given, "encoding", word)


def _text(kind: str, name: str, texts: Mapping[str, str], suffix: str) -> str:
    if name not in texts:
        hint = _nearest(name, texts) if texts else f"write it in {kind}s/{name}.{suffix}"
        raise ValueError(f"there is no {kind} {name!r}; {hint}")
    return texts[name]


_PARSERS = {"x12": _x12, "edifact": _edifact, "csv": _csv, "xml": _xml, "jsonl": _jsonl, "json": _json, "fixed": _fixed}


_FIRST_TAGS = {"x12": x12.STANDARD.first_tags, "edifact": edifact.STANDARD.first_tags}


def sniff(first: bytes) -> str | None:
    """The format that the first bytes of a file look like, a key of :data:`FORMATS`; some hundred bytes are enough.

    None where they look like nothing that is known. For CSV the first line must hold a delimiter outside quotes.
    """
    encoding = text.wide(first) or "utf-8"
    mark = text.mark(first)
    for name, tags in _FIRST_TAGS.items():
        if is_ebcdic(first, tags):
            return name
    start = first[mark[1] if mark else 0 :].decode(encoding, "replace").lstrip()
    if start.startswith("ISA") and not start[3:4].isalnum():
        return "x12"
    if re.match(r"UNA.{5,}?UNB|(?:UN[AB]|UIB)\W", start, re.DOTALL):
        return "edifact"
    if start.startswith("<"):
        return "xml"
    if re.match(r"\[\s*[\[{\]]", start):
        return "json"
    if re.match(r'\{\s*["}]', start):
        line, end, _ = start.partition("\n")
        return "jsonl" if not end or line.rstrip().endswith("}") else "json"  # an object that is no line
    encoded = start.encode()
    if re.search(r"[\0-\x08\x0b\x0c\x0e-\x1f]", start):
        return None
    return "csv" if any(len(scan(encoded, 0, Syntax(one, '"')).cells) > 1 for one in ";,\t|") else None
