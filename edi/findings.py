"""What is wrong, or worth a note, in a file: where, what, and what to do about it.

A finding that belongs to one document travels with it (``Document.findings``). One that a reader yields by itself is
about the file or an interchange: with the severity ``error`` it puts the whole file in doubt (truncated, a count that
disagrees), with ``warning`` or ``note`` it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error holds what it is about, the others are told only."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a finding: a byte span of the file, and the same place in the format's own words.

    `start` is inclusive and `end` exclusive, in bytes from 0; ``start == end`` says "here something is missing".
    `line`, `segment` (in its transaction set or message, ST and UNH being 1), `element` and `component` count from 1.
    """

    start: int
    end: int
    line: int | None = None
    segment: int | None = None
    tag: str | None = None
    element: int | None = None
    component: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a reader noticed. `value` is the quoted text at the position, cut to 200 characters.

    `code` is a key of :data:`CODES` (of another package's table for findings that are made there). `columns` are the
    names in the header of a file that has no document, whose envelope would have told them; None everywhere else.
    """

    code: str
    message: str
    remedy: str
    position: Position
    severity: Severity = Severity.ERROR
    value: str | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table of codes: what it says in general and what usually helps."""

    title: str
    remedy: str
    severity: Severity = Severity.ERROR


CODES: dict[str, Code] = {
    # Codes are append-only: a published one never changes its meaning.
    "file.empty": Code("the file has no bytes", "Send the file again; the sender's program wrote nothing."),
    "file.kind": Code(
        "the file is something else than its name or its source says: a web page, a workbook, an archive, a PDF",
        "Look at the file: a web page is often the message of a server that refused the download. Ask for the file.",
    ),
    # csv, xml, json, fixed: the encoding of the whole file.
    "text.wide": Code(
        "the file is written in UTF-16 or UTF-32", "Ask for the file in UTF-8 (in Excel: save as 'CSV UTF-8')."
    ),
    "text.mark": Code(
        "the byte order mark says UTF-8, the configuration says otherwise; UTF-8 was used",
        "Declare utf-8 for this source, or ask the sender why the mark is there.",
        Severity.WARNING,
    ),
    "text.encoding": Code(
        "bytes that are no characters of the declared encoding",
        "Declare the encoding that the sender uses, such as windows-1252, or ask the sender for UTF-8.",
    ),
    "text.nul": Code(
        "a NUL, which no text holds", "Ask the sender to export again: the file was damaged or is not a text file."
    ),
    "text.mistaken": Code(
        "the first letters beyond ASCII are UTF-8, but another encoding was declared: Ã¼ stands where ü was meant",
        "Declare utf-8 for this source, apply, and replay what was taken with wrong letters.",
        Severity.WARNING,
    ),
    "text.lost": Code(
        "the file holds U+FFFD, which programs write in place of letters that they could not read",
        "Ask the sender to export again from where the letters are whole: they are not in this file any more.",
        Severity.WARNING,
    ),
    # csv
    "csv.blank": Code("the file has blank lines only", "Send the file again; the sender's program wrote no row."),
    "csv.no_rows": Code(
        "the file has a header and no rows", "Nothing to do where an empty list is meant.", Severity.WARNING
    ),
    "csv.header_duplicate": Code(
        "two columns have the same name", "Ask the sender for distinct names, or name the column by its place: #3."
    ),
    "csv.header_empty": Code(
        "a column has no name", "Name the column by its place where it is wanted: #3.", Severity.WARNING
    ),
    "csv.delimiter": Code(
        "the header is one column, and it holds what looks like another delimiter",
        "Declare the delimiter that the file uses.",
        Severity.WARNING,
    ),
    "csv.delimiter_wrong": Code(
        "header and rows are one column with the declared delimiter, and fit each other with another one",
        "Declare the delimiter that the file uses, apply, and retry; nothing of the file was taken.",
    ),
    "csv.sep": Code(
        "a first line such as sep=; names the delimiter, and it was used",
        "Nothing needs to be done.",
        Severity.NOTE,
    ),
    "csv.preamble": Code(
        "lines before the header or the first row were passed over, as declared",
        "Nothing needs to be done.",
        Severity.NOTE,
    ),
    "csv.footer": Code(
        "rows at the end of the file were passed over, as declared", "Nothing needs to be done.", Severity.NOTE
    ),
    "csv.no_header": Code(
        "no line of the file has the column that header_at names, so that no row could be told",
        "Compare the file with header_at; ask the sender if the column was renamed.",
    ),
    "csv.type": Code(
        "nothing in the layout says what type of record this row is",
        "Add the record type to the layout, or ask the sender what the row is.",
    ),
    "csv.ragged": Code(
        "a row has more or fewer cells than the others",
        "Correct the row; where a cell holds the delimiter, it wants quotes around it.",
    ),
    "csv.unclosed_quote": Code(
        "a quote is opened and never closed",
        "Add the closing quote, or double the quote where it belongs to the text; everything behind it is held.",
    ),
    "csv.text_after_quote": Code(
        "text stands between a closing quote and the delimiter",
        "Double the quotes that belong to the text, or remove what stands behind the closing one.",
    ),
    "csv.too_long": Code(
        "a cell or row is longer than the limit",
        "Look for a quote that is not closed; where cells are meant to be so long, raise field_bytes_max "
        "(field_max in gateway.yaml).",
    ),
    # fixed
    "fixed.blank": Code("the file has empty lines only", "Send the file again; the sender's program wrote no record."),
    "fixed.length": Code(
        "a record is shorter or longer than its layout",
        "Compare the layout with the file; where lines have lost the blanks at their end, declare trimmed=true.",
    ),
    "fixed.truncated": Code(
        "the file ends inside its last record", "Ask the sender to send the whole file again, in binary mode."
    ),
    "fixed.descriptor": Code(
        "a record or block descriptor word has an impossible length, so that what follows it cannot be told apart",
        "Ask for the file in binary mode, with its descriptor words; or declare how its records are cut (records=…).",
    ),
    "fixed.spanned": Code(
        "a record is split into segments, which is not read",
        "Ask the sender for a file of the record format VB instead of VBS.",
    ),
    "fixed.type": Code(
        "nothing in the layout says what type of record this is",
        "Add the record type to the layout, or ask the sender what the record is.",
    ),
    "fixed.number": Code("the value is not a number", "Compare the layout with the record, or correct the value."),
    "fixed.packed": Code(
        "a half byte of a packed number is no digit or no sign",
        "Compare the layout with the record; if it is right, ask for the file in binary mode, not translated.",
    ),
    "fixed.zone": Code(
        "a byte of a zoned number is no digit or has no sign",
        "Compare the layout and the encoding with the record, or correct the value.",
    ),
    "fixed.count": Code(
        "the counter of a table counts more or less than the table can have",
        "Compare the layout with the record, or correct the counter.",
    ),
    "fixed.block_rest": Code(
        "bytes at the end of a block belong to no record",
        "Compare the declared length and block with the file; nothing was lost from the records.",
        Severity.WARNING,
    ),
    "fixed.too_long": Code(
        "a line is longer than the limit", "Declare how the records are cut (records=…): these have no line ends."
    ),
    # xml
    "xml.doctype": Code(
        "the file declares a document type with declarations of its own, which is refused whatever they say",
        "Ask the sender to leave out the DOCTYPE; it can make a reader open files or exhaust its memory.",
    ),
    "xml.doctype_unread": Code(
        "the file names a document type, which was not read or fetched; it declares nothing in the file itself",
        "Nothing needs to be done.",
        Severity.NOTE,
    ),
    "xml.malformed": Code(
        "the file is not well-formed XML", "Ask the sender to send the file again, written by an XML program."
    ),
    "xml.encoding": Code(
        "the XML declaration names an encoding that cannot be read", "Ask the sender for UTF-8 or windows-1252."
    ),
    "xml.too_deep": Code("elements are nested deeper than the limit", "Ask the sender why; no business message is."),
    "xml.too_long": Code(
        "a document is longer than the limit",
        "Declare the repeated element (each=…) so that it is read piece by piece, or raise document_bytes_max.",
    ),
    "xml.message": Code(
        "the root element is not the declared message", "Declare the message that the sender sends, or ask for it."
    ),
    "xml.each_missing": Code(
        "the repeated element does not occur", "Nothing to do where an empty list is meant.", Severity.WARNING
    ),
    # jsonl
    "json.malformed": Code("the line is not one JSON object", "Write one object a line, and nothing else on it."),
    "json.number": Code("a number that JSON does not know", "Write null, or a number of digits."),
    "json.duplicate": Code("an object has two members of the same name", "Remove one of them, or rename it."),
    "json.character": Code(
        "a NUL or half a surrogate pair, which no text holds", "Ask the sender to write the character itself."
    ),
    "json.too_long": Code(
        "a line is longer than the limit", "Raise line_bytes_max where lines are meant to be so long."
    ),
    "json.too_deep": Code("values are nested deeper than the limit", "Ask the sender why; no business record is."),
    # json: one array, one object with a list, or objects one behind the other.
    "json.outside": Code(
        "bytes outside every object belong to nothing",
        "Ask the sender for one array of objects, or for objects one behind the other.",
    ),
    "json.truncated": Code("the file ends before its JSON is closed", "Ask the sender to send the whole file again."),
    "json.each_missing": Code(
        "the member that holds the list does not occur", "Compare each= with the file, or ask the sender."
    ),
    # x12, edifact: the envelope.
    "envelope.none": Code(
        "the file holds no interchange",
        "Look at what arrived: an X12 file begins with ISA, an EDIFACT file with UNA or UNB.",
    ),
    "envelope.truncated": Code(
        "the file ends before its envelope is closed", "Ask the sender to send the whole file again."
    ),
    "envelope.junk": Code(
        "bytes between interchanges belong to nothing",
        "Nothing was lost from the interchanges; tell the sender if it happens often.",
        Severity.WARNING,
    ),
    "envelope.stray": Code(
        "a segment stands outside every transaction set or message",
        "Ask the sender to send the file again with each segment inside its ST/SE or UNH/UNT.",
    ),
    "envelope.not_closed": Code(
        "an interchange or group begins before the one before it is closed",
        "Ask the sender to send the file again with every trailer.",
    ),
    "envelope.not_opened": Code(
        "a trailer, transaction set or message stands where its interchange or group was never opened",
        "Ask the sender to send the file again with every header.",
    ),
    "envelope.count": Code(
        "an interchange or group trailer counts other than what the file holds",
        "Something may be missing: ask the sender to check and to send the file again.",
    ),
    "envelope.reference": Code(
        "a trailer carries another control number than its header",
        "Two files may be mixed: ask the sender to check and to send the file again.",
    ),
    "envelope.set_not_closed": Code(
        "a transaction set or message has no trailer", "Ask the sender to send this document again, whole."
    ),
    "envelope.set_count": Code(
        "the trailer counts other segments than the transaction set or message has",
        "A segment may be missing: ask the sender to check and to send this document again.",
    ),
    "envelope.set_reference": Code(
        "the trailer of a transaction set or message carries another control number than its header",
        "Ask the sender to send this document again.",
    ),
    "envelope.set_duplicate": Code(
        "two transaction sets or messages of one group or interchange carry the same control number",
        "One of them may be a copy: ask the sender which is meant, and for control numbers that do not repeat.",
    ),
    "envelope.duplicate": Code(
        "two interchanges of the file, or two groups of an interchange, carry the same control number",
        "One of them may be a copy: ask the sender which is meant, and for control numbers that do not repeat.",
    ),
    "envelope.set_group": Code(
        "the group's functional identifier is not that of the transaction sets in it",
        "Nothing was lost; ask the sender to put each kind of transaction set into a group of its own.",
        Severity.WARNING,
    ),
    "envelope.version": Code(
        "the versions that the envelope names do not belong together",
        "The version of the group was used; ask the sender which version is meant.",
        Severity.WARNING,
    ),
    "envelope.date": Code(
        "a date or time of the envelope is none",
        "The documents were read all the same; ask the sender to put it right.",
        Severity.WARNING,
    ),
    "envelope.too_large": Code(
        "a transaction set or message, or one segment of the envelope, is larger than the limit",
        "Raise the option document_bytes_max, or ask the sender for smaller documents.",
    ),
    "x12.isa": Code(
        "the ISA segment cannot be read, so its delimiters are unknown",
        "Ask the sender to send the interchange again with an ISA of 106 characters.",
    ),
    "x12.isa_length": Code(
        "an element of the ISA does not have its fixed length",
        "The interchange was read all the same; ask the sender to pad the element with blanks.",
        Severity.WARNING,
    ),
    "x12.ta1": Code(
        "an interchange acknowledgment (TA1) stands in the envelope", "Nothing needs to be done.", Severity.NOTE
    ),
    "edifact.una": Code(
        "the UNA names no usable service characters",
        "Ask the sender to send the interchange again; UNA has six characters that differ from each other.",
    ),
    "edifact.unb": Code(
        "the UNB segment cannot be read", "Ask the sender to send the interchange again with a whole UNB."
    ),
    "edifact.interactive": Code(
        "the file is an interactive interchange (UIB), which is not read",
        "Ask the sender for a batch interchange, which begins with UNB.",
    ),
    "edifact.syntax": Code(
        "the UNB names an unknown syntax or character set",
        "It was read as far as it can be; ask the sender for UNOA to UNOL, UNOW, UNOX or UNOY, version 1 to 4.",
    ),
    "edifact.agency": Code(
        "the UNB names the syntax of another agency than the UN/ECE, such as IATA",
        "It was read with the rules of the UN/ECE, as UTF-8 or ISO 8859-1; if letters are wrong, name their encoding.",
        Severity.WARNING,
    ),
    # x12, edifact: structure, segments, elements.
    "structure.guide_borrowed": Code(
        "the guide of another version of the same message was used",
        "Nothing needs to be done; what the guide finds weighs as a warning.",
        Severity.NOTE,
    ),
    "structure.no_guide": Code(
        "there is no guide for this message: its segments are handed over flat and unchecked",
        "Nothing needs to be done, or add a guide for the message.",
        Severity.NOTE,
    ),
    "structure.more": Code(
        "the document has more findings than are listed",
        "Put right what is listed, and read the file again.",
        Severity.NOTE,
    ),
    "segment.unknown": Code("the message has no such segment", "Ask the sender to leave the segment out."),
    "segment.order": Code(
        "the segment is known, but may not stand here", "Ask the sender to put the segment at its place."
    ),
    "segment.missing": Code("a required segment is missing", "Ask the sender to add the segment."),
    "segment.too_many": Code("the segment or loop occurs too often", "Ask the sender to keep to the maximum."),
    "segment.empty": Code(
        "two terminators follow each other with nothing between them",
        "Nothing was lost; tell the sender if it happens often.",
        Severity.WARNING,
    ),
    "segment.trailing": Code(
        "separators stand at the end of a segment with nothing behind them",
        "Nothing was lost; the standard wants them left out.",
        Severity.NOTE,
    ),
    "element.missing": Code("a required element is missing", "Ask the sender to fill the element."),
    "element.condition": Code(
        "elements that belong together are not sent together",
        "Ask the sender to fill the element that the others require.",
    ),
    "element.excluded": Code(
        "elements that exclude one another are sent together",
        "Ask the sender which of them is meant, and to leave the others empty.",
    ),
    "element.too_short": Code("the value is too short", "Ask the sender for a value of the right length."),
    "element.too_long": Code("the value is too long", "Ask the sender for a value of the right length."),
    "element.number": Code("the value is not a number", "Ask the sender for digits, with a point where needed."),
    "element.date": Code("the value is not a date", "Ask the sender for a date of the calendar."),
    "element.time": Code("the value is not a time", "Ask the sender for a time of day."),
    "element.letters": Code("the value may hold letters only", "Ask the sender for a value without digits."),
    "element.code": Code(
        "the value is none of the codes that the standard, or the guide, lists for the element",
        "Ask the sender for a listed code; if the two of you agreed on this one, add it to a guide of your own.",
    ),
    "element.code_unlisted": Code(
        "the value is in no list of codes at hand, but the list is kept by others, or was extended by agreement",
        "Compare the code with the list that the sender uses.",
        Severity.WARNING,
    ),
    "element.repertoire": Code(
        "the value has characters that the declared syntax level does not know",
        "Ask the sender to declare UNOC or higher, or to keep to the level; the option repertoire=any accepts it.",
    ),
    "element.binary": Code(
        "the length of binary data does not lead to the end of the segment",
        "Ask the sender to send the document again; the length counts the bytes of the data.",
    ),
    "element.too_many": Code(
        "the segment has more elements, or the element more components, than it is defined with",
        "Ask the sender to leave the surplus out, or to look for a delimiter inside a value.",
    ),
    "element.repeated": Code("the element may not be repeated so often", "Ask the sender to send the value once."),
    "element.encoding": Code(
        "the value's bytes are no characters of the file's character set",
        "Ask the sender to use the character set that the file declares, or name the right one as option encoding.",
    ),
    "element.line_break": Code(
        "a line break stands inside a segment",
        "The break was kept in the value; ask the sender to leave it out.",
        Severity.WARNING,
    ),
    # x12: hierarchical levels (HL) and numbered loops (LX).
    "level.number": Code(
        "a level or numbered loop does not carry the next number",
        "Ask the sender to number them 1, 2, 3 … in the order in which they are sent.",
    ),
    "level.parent": Code(
        "a level names a parent that does not stand before it",
        "Ask the sender to send each parent before its children.",
    ),
    "level.code": Code(
        "a level of this kind may not stand under its parent", "Ask the sender to nest the levels as the guide says."
    ),
    "level.child": Code(
        "a level says that it has children, and has none, or the other way round",
        "Ask the sender to put HL04 right, or to send the level that is missing.",
        Severity.WARNING,
    ),
    # x12, edifact: totals that a document carries of itself.
    "total.count": Code(
        "a control total counts other than what the document holds",
        "Something may be missing: ask the sender to check and to send this document again.",
    ),
    "total.sum": Code(
        "a control total is not the sum of what the document holds",
        "An amount may be wrong or missing: ask the sender to check and to send this document again.",
    ),
}
