"""What codes mean where their titles alone do not explain it, and which are easily taken for each other."""

from __future__ import annotations

EXPLAINED: dict[str, str] = {
    "file.empty": "The sender's program opened a file, or the connection broke before the first byte. An empty file is "
    "never taken for an empty list.",
    "file.kind": "The first bytes give the file away, whatever its name ends in. Nothing of it was read as rows.",
    "text.wide": "Programs of Windows write such files as 'Unicode text': each character takes two or four bytes, so "
    "that no place in the file could be told in bytes. Nothing of it was read. X12 and EDIFACT want plain ASCII, or "
    "the character set that the envelope names.",
    "text.mark": "Three bytes at the very beginning, EF BB BF, say that what follows is UTF-8. They were believed, "
    "because hardly any other file begins so by chance.",
    "text.encoding": "A letter beyond ASCII, an ü or an é, was written in another encoding than the declared one. "
    "Only this document is held: the places of all others are still known. Of XML, which declares its encoding itself "
    "or is UTF-8, nothing behind such a byte is read.",
    "text.nul": "Data bases and JSON do not hold the character NUL, and programs cut texts at it. It comes from fixed "
    "fields that were never filled, or from a damaged file.",
    "text.mistaken": "Both encodings can be read, but with the declared one names come out wrong. This is told once "
    "for a file.",
    "text.lost": "The bytes EF BF BD are U+FFFD, a character like any other, and the file is read. Programs write it "
    "where they read a file in a wrong encoding: which letter stood there, nobody can tell any more. This is told once "
    "for a file in UTF-8.",
    "csv.blank": "There are line ends and blanks, and nothing else. A list that is meant to be empty has its header.",
    "csv.no_rows": "This may be right: no news today. It may also be an export whose query found nothing.",
    "csv.header_duplicate": "A mapping that names the column could mean either of them: nothing of the file is taken.",
    "csv.header_empty": "The other columns are read by their names, and nothing is lost.",
    "csv.delimiter": "The file has no rows that could prove it, so it is a warning.",
    "csv.delimiter_wrong": "Every row would be one long cell. Because rows and header agree with the other delimiter, "
    "the file is refused once, instead of every row by itself.",
    "csv.sep": "Excel writes and reads this line; it is no row and no header.",
    "csv.preamble": "The note says how many lines were passed over, so that a header which moved is noticed.",
    "csv.footer": "The note says how many rows were passed over: a total, say, or the words 'end of list'.",
    "csv.no_header": "With `header_at` the header is looked for, and lines that are not it are passed over: here all.",
    "csv.type": "The files of this source hold several types of record, and the cell that tells them apart holds "
    "something unknown.",
    "csv.ragged": "Mostly a text holds the delimiter and has no quotes around it, so that its row has a cell too many. "
    "Which cell is the right one cannot be told, so the row is held; the others go on.",
    "csv.unclosed_quote": "From that quote on everything is one cell, line ends and all. Rows before it are good; "
    "what follows cannot be trusted and is held as one document.",
    "csv.text_after_quote": "A quote inside a quoted cell is written twice. Here it was written once, or the cell was "
    "quoted in part only.",
    "csv.too_long": "No business value is so long: mostly a quote was opened and is closed much further down. The "
    "limit keeps one bad file from taking all memory.",
    "fixed.blank": "There are line ends, and nothing between them.",
    "fixed.length": "Every column has its place, so a record of another length has something shifted or cut off.",
    "fixed.truncated": "Records follow each other without line ends, each of the same length, and the last one is "
    "shorter. The transfer broke off, or it was made in text mode and changed bytes.",
    "fixed.descriptor": "Four bytes before each record say how long it is. These cannot be such bytes, and without "
    "them nobody knows where the next record begins: what follows is held whole.",
    "fixed.spanned": "In the record format VBS a long record is cut into segments, over several blocks.",
    "fixed.type": "The layout names what stands in the first place of each type of record; this is none of them.",
    "fixed.number": "A column that the layout calls a number holds something else. Often the layout is one place off.",
    "fixed.packed": "Packed numbers (COMP-3) hold two digits a byte and the sign in the last half. A file that was "
    "translated from EBCDIC to ASCII has such bytes destroyed; they cannot be repaired.",
    "fixed.zone": "Zoned numbers hold a digit a byte, the last of them with the sign: `{` or `A` to `I` for plus, `}` "
    "or `J` to `R` for minus.",
    "fixed.count": "A table in the record has as many items as its counter says. With a wrong counter everything "
    "behind it would be read at the wrong place.",
    "fixed.block_rest": "The block is longer than its records; the rest should be blanks or NULs, but it is not.",
    "fixed.too_long": "The file is probably not cut by line ends at all.",
    "xml.doctype": "Declarations between brackets can define texts that grow without end, or name files to be read "
    "in. None is read or followed, and the file is refused, harmless or not.",
    "xml.doctype_unread": "cXML files name their document type so, and are read all the same.",
    "xml.malformed": "An element is not closed, a character is not written as a reference, or the file breaks off. "
    "XML has no rule for going on behind such a place.",
    "xml.encoding": "The name may be misspelt, or be that of an encoding that only one program knows.",
    "xml.too_deep": "More than 256 elements stand inside each other: a program has gone wrong, or someone tries what "
    "a reader bears.",
    "xml.too_long": "Without `each=` the whole file is one document, and is held in memory.",
    "xml.message": "The file is sound, but the root element is that of another message, version or namespace.",
    "xml.each_missing": "This may be right, where a list can be empty. If not, the element has another name or prefix "
    "than declared.",
    "json.malformed": "The rest of the file is not touched: the next line begins a new object.",
    "json.number": "NaN and Infinity are written by some programs, and no data base takes them.",
    "json.duplicate": "JSON does not say which of the two counts, and programs differ, so neither is taken.",
    "json.character": "Such characters come from damaged text, or from texts that were cut in the middle of an emoji.",
    "json.too_long": "The limit keeps one bad line from taking all memory.",
    "json.too_deep": "A program has gone wrong, or someone tries what a reader bears.",
    "json.outside": "The objects that were found are good. What is not inside one belongs to nothing.",
    "json.truncated": "Objects that are whole were read, but others may be missing, so the file is in doubt.",
    "json.each_missing": "An empty list is written as `[]` and is no error; here there is no list at all.",
    "envelope.none": "From the first byte to the last no segment begins an interchange.",
    "envelope.truncated": "The connection broke, or the sender's program stopped. Documents that are whole were read, "
    "but some may be missing, so the file is in doubt.",
    "envelope.junk": "A banner of a mail system, a job's report or padding stands before, between or behind "
    "interchanges.",
    "envelope.stray": "It may belong to the document before it, whose trailer came too early, or to one whose header "
    "is missing.",
    "envelope.not_closed": "Whether the interchange before was complete nobody can tell: its count never came.",
    "envelope.not_opened": "What says who sends it, and how many there should be, is missing.",
    "envelope.count": "IEA, GE and UNZ say how many groups, transaction sets or messages were sent. The file holds "
    "more or fewer of them.",
    "envelope.reference": "Header and trailer of one interchange or group carry the same number, so that a file put "
    "together of two halves is noticed.",
    "envelope.set_not_closed": "SE or UNT is missing, so this document may have lost its last lines. Its neighbours "
    "are not touched.",
    "envelope.set_count": "SE01 and UNT01 count the segments with header and trailer. A line may be lost, or the "
    "sender's program counts wrongly.",
    "envelope.set_reference": "Header and trailer of one document carry the same number; this document may be "
    "put together of two.",
    "envelope.set_duplicate": "Acknowledgments name documents by this number, so two of them could not be told apart.",
    "envelope.duplicate": "The same interchange may have been written twice into the file; its documents would count "
    "twice.",
    "envelope.set_group": "GS01 says which kind of transaction set the group holds: PO for orders, IN for invoices.",
    "envelope.version": "ISA12 and GS08 name the version of the standard. What they say is no version, or they are "
    "years apart.",
    "envelope.date": "The documents do not depend on it, so it is a warning; archives and acknowledgments show it.",
    "envelope.too_large": "Mostly a trailer is missing and everything behind it looks like one document. The limit "
    "keeps memory bounded.",
    "x12.isa": "An ISA has 106 characters, and its last ones are the delimiters of all that follows. If a place is "
    "missing, nothing behind it can be cut.",
    "x12.isa_length": "The delimiters could be told all the same. A stricter receiver would refuse the interchange.",
    "x12.ta1": "It answers an interchange that was sent to this partner.",
    "edifact.una": "UNA names the characters that cut the interchange. If two are the same, nothing can be cut.",
    "edifact.unb": "UNB says who sends to whom, in which character set. Without it nothing of the interchange can be "
    "read.",
    "edifact.interactive": "Interactive interchanges are the turns of a conversation between two programs, in "
    "segments of their own.",
    "edifact.syntax": "The first element of UNB names a level such as UNOC and a version from 1 to 4.",
    "edifact.agency": "Airlines, for one, have a syntax of their own (IATA, IATB). It differs in nothing that matters "
    "here.",
    "structure.guide_borrowed": "Versions of a message differ in little. What its neighbour's guide finds is therefore "
    "a warning, never an error.",
    "structure.no_guide": "A mapping can read such a message, but what is wrong in it is not noticed here.",
    "structure.more": "A hundred findings of one document are listed. More of them mostly have one cause.",
    "segment.unknown": "The tag is misspelt, of another message, or agreed between two partners. Such an agreement can "
    "be written down as a guide of your own.",
    "segment.order": "Segments have an order, which says what they belong to: an N1 behind a line is the line's "
    "address, one before it the order's.",
    "segment.missing": "Without it the document says less than it must: an order without a BEG has no number.",
    "segment.too_many": "A second currency of one order, say: which of them counts nobody can tell.",
    "segment.empty": "The sender's program wrote a segment without content, or ended one twice.",
    "segment.trailing": "The sender's program writes every separator of a segment, also behind its last value.",
    "element.missing": "The segment is there, but a place that must be filled is empty.",
    "element.condition": "Elements depend on each other: a qualifier (VP: the vendor's part number) needs the value "
    "that it qualifies.",
    "element.excluded": "Only one of them may be sent, because they say the same in two ways.",
    "element.too_short": "Codes and dates have a fixed length; a shorter value is mostly another code.",
    "element.too_long": "A receiver with a field of the standard's length would cut the value off.",
    "element.number": "A letter, a comma instead of the point, or blanks stand in a number. The message names the "
    "character.",
    "element.date": "Dates are YYYYMMDD or YYMMDD in X12, and as the qualifier beside them says in EDIFACT.",
    "element.time": "Times are HHMM, with seconds and their decimals behind them where they are needed.",
    "element.letters": "EDIFACT calls an element of letters `a`; digits may not stand in it.",
    "element.code": "The element takes codes of a list, which belongs to the version of the standard. A code of a "
    "later version, or one of the partner's own, is not in it.",
    "element.code_unlisted": "Countries, currencies and units change without the standard, so that a code may be "
    "right that is not known here.",
    "element.repertoire": "UNOA has capital letters only, UNOB small ones, too. Many receivers read more; some "
    "refuse the interchange. Small letters in UNOA are so common that they are a warning.",
    "element.binary": "BIN and BDS carry pictures and documents as they are, with any byte in them, and say how many. "
    "With a wrong count their end is unknown.",
    "element.too_many": "A delimiter that stands in a text cuts it in two, and everything behind it moves.",
    "element.repeated": "The repetition separator stands in an element that may be sent once only.",
    "element.encoding": "X12 is read as UTF-8 or ISO 8859-1, EDIFACT in the character set that UNB declares.",
    "element.line_break": "Line ends between segments are passed over; one inside a value was put there by a program "
    "that wraps lines.",
    "level.number": "Claims and eligibility inquiries number their levels, and the service lines of a claim, without "
    "a gap. A gap says that something may be missing.",
    "level.parent": "HL02 names the level above. That level is not there, or comes later.",
    "level.code": "A subscriber stands under a provider, a dependent under a subscriber. A level was left out.",
    "level.child": "HL04 is 1 where levels stand below and 0 where none do. The nesting itself was read by HL02.",
    "total.count": "CTT01 counts the lines of an order, CNT those of an EDIFACT message. A line may have been lost on "
    "the way.",
    "total.sum": "The sum of quantities or amounts is sent with the document, so that a lost or changed line is "
    "noticed.",
}  # fmt: skip
"""Code → one to three sentences."""

ALIKE: tuple[tuple[str, ...], ...] = (
    ("file.empty", "csv.blank", "fixed.blank", "csv.no_rows", "envelope.none"),
    ("file.kind", "text.wide", "text.nul", "csv.delimiter_wrong"),
    (
        "text.encoding",
        "text.mark",
        "text.mistaken",
        "text.lost",
        "element.encoding",
        "element.repertoire",
        "edifact.syntax",
    ),
    ("csv.delimiter", "csv.delimiter_wrong", "csv.sep", "csv.ragged"),
    ("csv.header_duplicate", "csv.header_empty", "csv.no_header"),
    ("csv.preamble", "csv.footer", "csv.no_header"),
    ("csv.ragged", "csv.unclosed_quote", "csv.text_after_quote"),
    ("csv.type", "fixed.type"),
    ("csv.too_long", "csv.unclosed_quote"),
    ("csv.too_long", "fixed.too_long", "xml.too_long", "json.too_long", "envelope.too_large"),
    ("fixed.length", "fixed.truncated", "fixed.too_long", "fixed.block_rest"),
    ("fixed.descriptor", "fixed.spanned", "fixed.truncated"),
    ("fixed.number", "fixed.packed", "fixed.zone", "fixed.count"),
    ("xml.doctype", "xml.doctype_unread"),
    ("xml.malformed", "xml.encoding"),
    ("xml.message", "xml.each_missing"),
    ("xml.too_deep", "json.too_deep"),
    ("json.malformed", "json.outside", "json.truncated"),
    ("json.number", "json.duplicate", "json.character"),
    ("xml.each_missing", "json.each_missing"),
    ("envelope.truncated", "envelope.not_closed", "envelope.set_not_closed", "json.truncated", "fixed.truncated"),
    ("envelope.none", "envelope.junk", "envelope.stray", "envelope.not_opened"),
    ("envelope.count", "envelope.set_count", "total.count"),
    ("envelope.reference", "envelope.set_reference"),
    ("envelope.duplicate", "envelope.set_duplicate"),
    ("envelope.version", "structure.guide_borrowed", "structure.no_guide"),
    ("envelope.set_group", "segment.unknown"),
    ("envelope.date", "element.date", "element.time"),
    ("x12.isa", "x12.isa_length"),
    ("x12.ta1", "envelope.stray"),
    ("edifact.una", "edifact.unb", "edifact.syntax", "edifact.interactive"),
    ("edifact.syntax", "edifact.agency"),
    ("structure.more", "segment.order"),
    ("segment.unknown", "segment.order", "segment.missing", "segment.too_many"),
    ("segment.empty", "element.line_break"),
    ("element.missing", "element.condition", "element.excluded", "segment.missing"),
    ("element.too_short", "element.too_long"),
    ("element.number", "element.letters", "element.too_long"),
    ("element.code", "element.code_unlisted"),
    ("element.binary", "element.too_many"),
    ("element.too_many", "element.repeated"),
    ("level.number", "level.parent", "level.code", "level.child"),
    ("total.count", "total.sum"),
)
"""Groups of codes that have one cause, or that one takes for the other."""
