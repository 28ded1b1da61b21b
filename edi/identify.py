r"""What a file says of itself: format, messages, who sends them to whom, what its columns are called.

    >>> found = identify(b"sku;price\nA-1;9.90\n")
    >>> found.format, found.columns, found.declared()
    ('csv', ('sku', 'price'), ('csv ; header',))

Of a long file a beginning of some hundred kilobytes is enough. What is wrong with it does not matter here: a reader
tells that with the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from edi import text
from edi.delimited.cells import Syntax, scan
from edi.formats import FORMATS, parse_format, sniff
from edi.model import Document

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTS_MAX = 1_000
"""So many documents are looked at: whoever sends more says nothing new in them."""
_WORDS = {"\t": "tab"}
_FALLBACK = "windows-1252"
"""What a text that is not UTF-8 most likely is; every byte but five is a character in it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of document: ``850`` of the release ``004010``; formats without messages have neither."""

    name: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file says. `format` is a key of :data:`~edi.formats.FORMATS`.

    `senders` and `receivers` are ``qualifier:identifier`` as in :class:`~edi.model.Envelope`. `columns` are those of a
    header, or the members of a first flat object. `rows` are the first of a file with columns, as texts.
    """

    format: str
    messages: tuple[Message, ...] = ()
    senders: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    options: tuple[str, ...] = ()
    """The words that declare how a CSV file is written: ``; windows-1252 header``."""

    def declared(self) -> tuple[str, ...]:
        """The lines that declare the format, one for each message; see :func:`edi.formats.parse_format`."""
        if not self.messages:
            return (" ".join((self.format, *self.options)),)
        return tuple(dict.fromkeys(_declared(self.format, each) for each in self.messages))

    def __str__(self) -> str:
        """All of it but the rows, in a sentence's words: ``x12 004010 850 from ZZ:ACME to ZZ:US``."""
        said = [", ".join(self.declared())]
        said += [f"from {', '.join(self.senders)}"] if self.senders else []
        said += [f"to {', '.join(self.receivers)}"] if self.receivers else []
        said += [f"with the columns {', '.join(self.columns)}"] if self.columns else []
        return " ".join(said)


def identify(first: bytes) -> Identity | None:
    """What a file says whose first bytes these are; None where they look like nothing that is known."""
    name = sniff(first)
    if name is None:
        return None
    if name == "csv":
        return _of_csv(first)
    documents = _documents(name, first, {})
    envelopes = [each.envelope for each in documents]
    columns = _members(documents[0].content) if name in ("json", "jsonl") and documents else ()
    return Identity(
        name,
        tuple(dict.fromkeys(Message(each.message, each.version) for each in envelopes if each.message)),
        tuple(dict.fromkeys(each.sender for each in envelopes if each.sender)),
        tuple(dict.fromkeys(each.receiver for each in envelopes if each.receiver)),
        columns,
        tuple(tuple(_said(each.content.get(one)) for one in columns) for each in documents) if columns else (),
    )


def _of_csv(first: bytes) -> Identity:
    """The delimiter that cuts the first line into most cells; a header where its cells look like names."""
    mark = text.mark(first)
    encoding = text.wide(first) or "utf-8"
    line = first[mark[1] if mark else 0 :].decode(encoding, "replace").encode()
    delimiter = max(";,\t|", key=lambda one: len(scan(line, 0, Syntax(one, '"')).cells))
    options = {"delimiter": delimiter}
    words = [_WORDS.get(delimiter, delimiter)]
    if mark is None and encoding == "utf-8" and not _is_utf8(first):
        options["encoding"] = _FALLBACK
        words.append(_FALLBACK)
    rows = [tuple(map(str, each.content)) for each in _documents("csv", first, options)]
    if rows and _is_header(rows[0]):
        return Identity("csv", columns=rows[0], rows=tuple(rows[1:]), options=(*words, "header"))
    return Identity("csv", rows=tuple(rows), options=tuple(words))


def _documents(name: str, first: bytes, options: Mapping[str, str]) -> list[Document]:
    items = islice(FORMATS[name].read([first], options), DOCUMENTS_MAX)
    return [each for each in items if isinstance(each, Document)]


def _is_utf8(first: bytes) -> bool:
    """Whether it is, up to a character that is cut off at the end."""
    try:
        first.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(first) - 3 and error.reason == "unexpected end of data"
    return True


def _is_header(cells: tuple[str, ...]) -> bool:
    """Names: each there, each once, each with a letter at its beginning."""
    names = [each.strip() for each in cells]
    return len(set(names)) == len(names) and all(name[:1].isalpha() or name[:1] == "_" for name in names)


def _members(content: object) -> tuple[str, ...]:
    """The members of an object that holds neither objects nor lists."""
    if not isinstance(content, dict) or any(isinstance(each, dict | list) for each in content.values()):
        return ()
    return tuple(content)


def _said(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _declared(name: str, message: Message) -> str:
    """One line; a version that cannot be declared (``004010VICS``) is declared by its release."""
    version = message.version or ""
    for said in (version, version[:6], ""):
        line = " ".join(part for part in (name, said, message.name) if part)
        try:
            parse_format(line)
        except ValueError:
            continue
        return line
    return name
