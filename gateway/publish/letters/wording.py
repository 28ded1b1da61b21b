"""A finding in words for who sent the file: what is wrong, what was expected, what to send.

Messages and remedies of findings are written for us: "ask the sender to …", "add the code to codes/units.csv". What is
for the sender is said to the sender, what is for us is left out, and what only we can settle is said so.
"""

from __future__ import annotations

import re
from ast import literal_eval
from typing import TYPE_CHECKING, NamedTuple

from gateway.publish.letters.headers import DELIMITERS, mapper_of
from gateway.routing import columns_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.model import Finding

CODES_MAX = 12
"""So many codes of a table are listed; of a longer one, none."""


class Words(NamedTuple):
    """What a letter says of a finding."""

    what: str
    expected: str
    send: str
    ours: bool = False


class _Said(NamedTuple):
    """What is said of every finding with a code; ``""`` leaves it to the finding itself."""

    expected: str = ""
    send: str = ""
    what: str = ""
    ours: bool = False


_OURS = "Nothing for now: this is for us to settle, and we look at it."
AS_CSV = "Please save it as CSV (in Excel: 'CSV UTF-8'), and send that."
_WHOLE = "Please send the whole file again."
TELL = "If it was sent by mistake, nothing is to be done. Otherwise please tell us what it is, so that we can take it."
LEAVE_OUT = "If it is not meant for us, please leave it out of the archive."
"""What is said of a file in an archive that nobody reads, such as a readme.txt."""
_TABLE: dict[str, _Said] = {
    "file.empty": _Said("a file with content", "Please send the file again; the program that wrote it wrote nothing."),
    "file.kind": _Said("", "Please send the file itself, not a page or a program's own format around it."),
    "text.encoding": _Said("", "Please save the file in the encoding that was agreed, or tell us which one you use."),
    "csv.blank": _Said("rows", "Please send the file again; the program that wrote it wrote no row."),
    "csv.delimiter_wrong": _Said("", "Please send the file with the agreed delimiter between the cells."),
    "csv.no_header": _Said("", "Please send the file with the names of its columns, as it was agreed."),
    "csv.header_duplicate": _Said("a name of its own for every column", "Please give each column a name of its own."),
    "csv.type": _Said("a kind of row that was agreed", "Please leave the row out, or tell us what it is."),
    "csv.ragged": _Said(
        "as many cells as there are columns", "Please correct the row; a cell that holds the delimiter needs quotes."
    ),
    "csv.unclosed_quote": _Said("a closing quote", "Please add the closing quote, or double a quote within a text."),
    "csv.text_after_quote": _Said("", "Please double the quotes that belong to a text."),
    "csv.too_long": _Said("", "Please look for a quote that is not closed."),
    "fixed.blank": _Said("records", "Please send the file again; the program that wrote it wrote no record."),
    "fixed.length": _Said("a record of the agreed length", "Please send the record with its agreed length."),
    "fixed.truncated": _Said("a whole last record", "Please send the whole file again, in binary mode."),
    "fixed.descriptor": _Said("", "Please send the file in binary mode."),
    "fixed.type": _Said("a kind of record that was agreed", "Please leave it out, or tell us what it is."),
    "fixed.number": _Said("a number", "Please correct the value."),
    "fixed.packed": _Said("a packed number", "Please send the file in binary mode, not translated."),
    "fixed.zone": _Said("a zoned number", "Please correct the value."),
    "fixed.count": _Said("", "Please correct the counter."),
    "fixed.too_long": _Said("lines", "Please send the file with an end of line behind each record."),
    "xml.message": _Said("", "Please send the message that was agreed.", ""),
    "xml.too_deep": _Said("", "Please send a business message."),
    "xml.too_long": _Said("", "Please send several smaller files."),
    "json.each_missing": _Said("", "Please send the list in the agreed place."),
    "json.too_deep": _Said("", "Please send a business record."),
    "json.too_long": _Said("", "Please send several smaller objects."),
    "envelope.none": _Said(
        "an interchange", "Please send an X12 file that begins with ISA, or EDIFACT with UNA or UNB."
    ),
    "envelope.truncated": _Said("a file with its end", _WHOLE),
    "envelope.count": _Said("", "Please check whether something is missing, and send the file again."),
    "envelope.reference": _Said("", "Please check whether two files were mixed, and send the file again."),
    "envelope.set_count": _Said("", "Please check whether a segment is missing, and send this document again."),
    "envelope.too_large": _Said("", "Please send smaller documents."),
    "element.number": _Said("a number"),
    "element.date": _Said("a date of the calendar"),
    "element.time": _Said("a time of day"),
    "element.letters": _Said("letters only"),
    "element.code": _Said("a code of the list"),
    "element.missing": _Said("a value"),
    "segment.missing": _Said("the segment"),
    "mapping.unusable": _Said("", "Please send the whole file with the header that was agreed."),
    "mapping.missing": _Said("a value", "Please fill it."),
    "mapping.number": _Said("a number", "Please correct the value."),
    "mapping.date": _Said("a date", "Please correct the value."),
    "mapping.time": _Said("a time of day", "Please correct the value."),
    "mapping.code": _Said("a code that we know", "Please send a known code, or tell us what this one means."),
    "mapping.type": _Said("", "Please correct the value."),
    "mapping.text": _Said("", "Please correct the value."),
    "mapping.arithmetic": _Said("", "Please correct the value."),
    "check.failed": _Said("", "Please correct it so that this holds."),
    "rule.failed": _Said("", "Please correct it so that this holds."),
    "contract.unknown_field": _Said("", "Please leave it out.", "there is something that was not agreed"),
    "contract.value": _Said("", "Please correct the value."),
    "record.too_long": _Said("a shorter value", "Please shorten the value."),
    "route.unknown_partner": _Said(
        "one of your identifiers that we know",
        "Please correct the sender in the header, or tell us that this identifier is yours.",
    ),
    "route.other_receiver": _Said(
        "one of our identifiers",
        "Please write us as the receiver into the header, or tell us that this identifier is ours.",
    ),
    "route.unwanted_message": _Said(
        "a message that was agreed", TELL, "we do not expect this kind of message from you", ours=True
    ),
    "route.unwanted_file": _Said(
        "a file that was agreed", TELL, "we do not expect a file of this name or kind from you", ours=True
    ),
    "delivery.failed": _Said("", _OURS, "we could not process the file, and it may not be your fault", ours=True),
    "document.not_found": _Said("", _OURS, "we do not find this part of the file any more", ours=True),
    "archive.empty": _Said("files within", "Please pack the files again."),
    "archive.damaged": _Said("", "Please pack the files and send them again."),
    "archive.truncated": _Said("an archive with its end", "Please send the whole archive again."),
    "archive.too_large": _Said("", "Please send several smaller archives, or tell us how much you mean to send."),
    "archive.too_many": _Said("", "Please send several smaller archives, or tell us how many files you mean to send."),
    "archive.overlap": _Said("", "Please pack the files with a usual program."),
    "archive.name_twice": _Said("names that do not repeat", "Please tell us which of the two is meant."),
    "archive.unlisted": _Said("", "Please send one archive in one file."),
}

_INSIDE = re.compile(
    r"\b(contracts?|integrations?|mapping|map(?:ped)?|appl(?:y|ied)|replay|retr(?:y|ied)|quarantine|declared?|layouts?"
    r"|options?|gateway|configuration|codes/|workspace|guide of|to (?:the|a) guide|add the code|picture|discard(?:ed)?"
    r"|ask (?!for)|tell the sender|look at|compare|raise|_max|header_at|each=|records=|trimmed|delivery)",
    re.IGNORECASE,
)
"""Words that mean nothing to who sent the file, or ask him to ask himself."""

_PARTS = re.compile(r"(?<=[.;])\s+|, or (?=add |change |map |name |give |widen |use |declare |take |ask )")
_PLEASE = (
    (re.compile(r"\bask the sender to check and to send\b", re.IGNORECASE), "please check, and send"),
    (re.compile(r"\bask the sender to check, and to send\b", re.IGNORECASE), "please check, and send"),
    (re.compile(r"\bask the sender to\b", re.IGNORECASE), "please"),
    (re.compile(r"\bask the sender which\b", re.IGNORECASE), "please say which"),
    (re.compile(r"\bask (?:the sender )?for\b", re.IGNORECASE), "please send"),
    (re.compile(r"\band for control\b", re.IGNORECASE), "and use control"),
    (re.compile(r"\b(and|or) to (?!the\b|an?\b|us\b|them\b)", re.IGNORECASE), r"\1 "),
)
_REST = "Please correct it, and send it again."
_BUT = re.compile(r"^(?P<what>.*), but (?P<expected>must .*)$", re.DOTALL)
_LETTERS = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1"})
_NUMBER = re.compile(r"[+-]?\d[\d.,' \u00a0]*")
_NUMBER_MAX = 30
_WORKBOOK = re.compile(r"\(\.(?:xls|ods)|Excel workbook")
_NAMED_TABLE = re.compile(r"of the (?:table|code table) ([\w.-]+)")
_NO_COLUMN = re.compile(r"there is no column ('[^']*'|\"[^\"]*\")")
_DELIMITER = re.compile(r"^(?P<what>.*), and one with the declared (?P<agreed>'.*')$", re.DOTALL)
_WHOLE_NUMBER = f"a whole number from {-(2**63):,} to {2**63 - 1:,}"
_OTHER_KIND = re.compile(r"^the file is (?P<is>[^,;]+), and (?P<agreed>.+?) was expected; it says ")
_MISREAD = re.compile(r"the file seems to be saved as ")
_NAMES_MAX = 5
_PICTURE = re.compile(r"\|\s*(decimal|int|date|datetime|time)\('([^']+)'")
_WITHOUT = re.compile(r"\|\s*(decimal|date)\b")
_AS_EVERYBODY = {"decimal": "1234.56", "date": "yyyy-mm-dd"}
"""How a table writes what has no picture."""
_KINDS = {"decimal": "a number", "int": "a number", "date": "a date", "datetime": "a date and time", "time": "a time"}


def pictures(configuration: Configuration, integration: Integration) -> dict[str, str]:
    """How the cells of a table's columns are written, by their names, where the mapping says it."""
    mapper = mapper_of(configuration, integration)
    lineages = mapper.lineage.values() if mapper is not None else ()
    made = ((columns_in(each), picture_of(each.expression)) for each in lineages)
    return {names[0]: picture for names, picture in made if len(names) == 1 and picture}


def picture_of(expression: str) -> str | None:
    """How a cell is written that a mapping reads by this expression; None where that is not said.

    >>> picture_of("Preis | decimal('1.234,56')"), picture_of("valid_from | date"), picture_of("sku | strip")
    ('1.234,56', 'yyyy-mm-dd', None)
    """
    if picture := _PICTURE.search(expression):
        return picture[2]
    without = _WITHOUT.search(expression)
    return _AS_EVERYBODY[without[1]] if without else None


def codes_of(finding: Finding, configuration: Configuration) -> Collection[str]:
    """The codes that would have been right, where a finding names their table."""
    table = _NAMED_TABLE.search(finding.message)
    known = configuration.codes.get(table[1]) if table else None
    return () if known is None else known.mapping if finding.code == "mapping.code" else known.codes


def worded(finding: Finding, *, name: str = "", expression: str = "", codes: Collection[str] = ()) -> Words:
    """A finding for who sent the file. `name` is what he calls the value, ``Preis``, ``PO104``.

    `expression` is the mapping's, which may say how a value is written; `codes` are those that would have been right.
    """
    cut_off = finding.code == "xml.malformed" and finding.message.startswith("the file is cut off")
    said = _TABLE.get("envelope.truncated" if cut_off else finding.code, _Said())
    what, expected = _what(finding, name, said)
    if codes and len(codes) <= CODES_MAX:
        expected = f"one of {', '.join(sorted(codes))}"
    elif said.expected and not expected:
        expected = _as_written(said.expected, expression)
    send = said.send or _please(finding.remedy) or _REST
    if finding.code == "route.unwanted_file" and finding.member is not None:
        send = f"{LEAVE_OUT} Otherwise please tell us what it is, so that we can take it."
    elif finding.code == "file.kind" and is_workbook(finding):
        send = AS_CSV
    elif finding.code == "text.encoding" and finding.remedy.startswith("Ask the sender to"):
        send = _please(finding.remedy)  # the file itself says its encoding: there is nothing that was agreed
    elif finding.code == "csv.delimiter_wrong" and (found := _DELIMITER.match(finding.message)):
        agreed = str(literal_eval(found["agreed"]))
        expected = DELIMITERS.get(agreed, f"the character {agreed!r}")
        send = f"Please send the file with {expected} between the cells."
        expected = f"{expected} between the cells, as it was agreed"
        what = found["what"]
    elif finding.code == "file.kind" and (kind := _OTHER_KIND.match(finding.message)):
        what = f"this is {kind['is']}; with you we have agreed on {kind['agreed']}"
        expected, send = f"a file in {kind['agreed']}", f"Please send the file as {kind['agreed']}."
    guess = _guess(finding)
    if guess:
        send = f"If {guess} is meant, please send {guess}."
    return Words(_stopped(what) if name and what.startswith(name) else _sentence(what), expected, send, said.ours)


def is_workbook(finding: Finding) -> bool:
    """Whether a finding tells of a spreadsheet where text was to be."""
    return _WORKBOOK.search(finding.message) is not None


def _what(finding: Finding, name: str, said: _Said) -> tuple[str, str]:
    """What is wrong, and what was expected where the message says both."""
    if said.what:
        return said.what, ""
    message = finding.message
    if finding.code.startswith("contract.") and finding.target is not None:
        ours = finding.target[1:] or "the record"
        if message.startswith(f"{ours} "):
            message = f"{name or _spoken(finding.target)}{message[len(ours) :]}"
        both = _BUT.match(message)
        if both:
            expected = re.sub(r"^must (?:be |have )?", "", both["expected"])
            if expected == "fit in 64 bits":
                return both["what"], _WHOLE_NUMBER
            return both["what"], expected.replace("a code of the code table", "a code of")
    if finding.code == "mapping.unusable":
        return _lacking(message), ""
    if finding.code == "mapping.missing":
        return f"{name or _spoken(finding.target or '/a value')} is needed, and empty or missing", ""
    if finding.code == "mapping.code":
        message = re.sub(r" of the table \S+", " that we know", message)
    if finding.code.startswith("route."):
        message = re.sub(r"that \S+ maps", "that were agreed", message)
        message = re.sub(r" of (?:partner [^\s;]+|any partner)", " of yours", message)
    return message, ""


def _lacking(message: str) -> str:
    """Of a header that does not fit: the names of the columns that are not there."""
    if _MISREAD.match(message):
        return re.sub(r"where \S+ expects", "where we expect", message, count=1)
    names = list(dict.fromkeys(_NO_COLUMN.findall(message)))
    more = [f"and {len(names) - _NAMES_MAX:,} more"] if len(names) > _NAMES_MAX else []
    if not names:
        return "the columns of the file are not those that were agreed"
    return f"the header lacks {', '.join([*names[:_NAMES_MAX], *more])}"


def _as_written(expected: str, expression: str) -> str:
    """What was expected, with how it is written where the mapping says that."""
    picture = _PICTURE.search(expression)
    return f"{_KINDS[picture[1]]} written like {picture[2]}" if picture else expected


def _please(remedy: str) -> str:
    """Of a remedy, what the sender can do, said to him."""
    parts = []
    for part in _PARTS.split(remedy):
        spoken = part
        for pattern, words in _PLEASE:
            spoken = pattern.sub(words, spoken)
        if not _INSIDE.search(spoken) and "sender" not in spoken:
            parts.append(spoken.strip(" ;"))
    return " ".join(_sentence(each) for each in parts if each)


def _guess(finding: Finding) -> str | None:
    """The number that was meant where a letter looks like a digit."""
    value = (finding.value or "").strip()
    if finding.code != "mapping.number" or not value or len(value) > _NUMBER_MAX:
        return None
    guess = value.translate(_LETTERS)
    return guess if guess != value and _NUMBER.fullmatch(guess) else None


def _spoken(target: str) -> str:
    """``/lines/2/price`` as a person says it: price of lines 3."""
    parts = [f"{int(each) + 1}" if each.isdigit() else each.replace("_", " ") for each in target[1:].split("/")]
    return f"{parts[-1]} of {' '.join(parts[:-1])}" if len(parts) > 1 else parts[0]


def _sentence(words: str) -> str:
    """With a capital letter and a full stop; a quoted value at the beginning stays as it is."""
    words = words.strip()
    return _stopped(words[0].upper() + words[1:]) if words else ""


def _stopped(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."
