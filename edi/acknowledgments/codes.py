"""Which of the standards' own error codes tells each of our findings: one table.

Sources of facts. X12 data elements 716, 718, 720, 723 (997) and 618, 620, 621 (999), releases 004010 and 005010: the
lists in hellooops/vscode-edi-support and in stupidedi agree; 997 and 999 share the codes used here. Notes of TA1
(I18): learn.microsoft.com, "X12 TA1 Acknowledgment Error Codes", and pyx12 for the elements of ISA. EDIFACT 0085: the
service code list UNSL (gefeg.com/jswg) and EANCOM's CONTRL, which also says which code may stand in which segment;
codes 1, 3 to 6 and 8 to 11 are no longer in the list and are not used.
"""

from __future__ import annotations

from typing import NamedTuple


class Told(NamedTuple):
    """How a finding is told at each level; an empty text where it is not told, or cannot be met, there.

    CONTRL has no word for what is accepted all the same, so that warnings have no code in it.
    Of several codes with slashes between them, the guide says which is told: see :data:`CHOICES`.
    """

    ta1: str
    """TA105, of the interchange."""
    group: str
    """AK905, element 716."""
    set: str
    """AK502 and IK502, elements 718 and 618."""
    segment: str
    """AK304 and IK304, elements 720 and 620."""
    element: str
    """AK403 and IK403, elements 723 and 621."""
    uci: str
    ucf: str
    ucm: str
    ucs: str
    ucd: str
    """0085 in the segment of CONTRL that answers the interchange, group, message, segment or element."""


ISA = "ISA"
"""Stands for the note of the element of ISA that the finding is about: see :data:`ISA_NOTES`."""

# fmt: off
TABLE: dict[str, Told] = {
    #                                     TA105  716  718   720    723     UCI   UCF   UCM   UCS      UCD
    "envelope.truncated":            Told("023", "3", "",   "",    "",     "13", "13", "",   "",      ""),
    "envelope.stray":                Told("024", "",  "",   "",    "",     "33", "33", "",   "",      ""),
    "envelope.not_closed":           Told("022", "3", "",   "",    "",     "13", "13", "",   "",      ""),
    "envelope.not_opened":           Told("024", "",  "",   "",    "",     "13", "",   "",   "",      ""),
    "envelope.count":                Told("021", "5", "",   "",    "",     "29", "29", "",   "",      ""),
    "envelope.reference":            Told("001", "4", "",   "",    "",     "28", "28", "",   "",      ""),
    "envelope.duplicate":            Told("025", "19", "",  "",    "",     "26", "26", "",   "",      ""),
    "envelope.date":                 Told(ISA,   "",  "",   "",    "",     "",   "",   "",   "",      ""),
    "envelope.version":              Told("017", "2", "19", "",    "",     "",   "",   "",   "",      ""),
    "envelope.too_large":            Told("022", "",  "1",  "",    "",     "18", "18", "18", "",      ""),
    "envelope.set_not_closed":       Told("",    "",  "2",  "",    "",     "",   "",   "13", "",      ""),
    "envelope.set_count":            Told("",    "",  "4",  "",    "",     "",   "",   "29", "",      ""),
    "envelope.set_reference":        Told("",    "",  "3",  "",    "",     "",   "",   "28", "",      ""),
    "envelope.set_duplicate":        Told("",    "",  "23", "",    "",     "",   "",   "26", "",      ""),
    "envelope.set_group":            Told("",    "",  "6",  "",    "",     "",   "",   "",   "",      ""),
    "x12.isa":                       Told("022", "",  "",   "",    "",     "",   "",   "",   "",      ""),
    "x12.isa_length":                Told(ISA,   "",  "",   "",    "",     "",   "",   "",   "",      ""),
    "edifact.syntax":                Told("",    "",  "",   "",    "",     "2",  "",   "",   "",      ""),
    "segment.unknown":               Told("",    "",  "",   "1/6/I4", "",  "",   "",   "",   "15",    ""),
    "segment.order":                 Told("",    "",  "",   "7",   "",     "",   "",   "",   "15",    ""),
    "segment.missing":               Told("",    "",  "",   "3",   "",     "",   "",   "",   "13",    ""),
    "segment.too_many":              Told("",    "",  "",   "5/4", "",     "",   "",   "",   "35/36", ""),
    "element.missing":               Told("",    "",  "",   "8",   "1",    "",   "",   "",   "",      "13"),
    "element.condition":             Told("",    "",  "",   "8",   "2",    "",   "",   "",   "",      "13"),
    "element.excluded":              Told("",    "",  "",   "8",   "10",   "",   "",   "",   "",      "15"),
    "element.too_short":             Told("",    "",  "",   "8",   "4",    "",   "",   "",   "",      "40"),
    "element.too_long":              Told("",    "",  "",   "8",   "5",    "",   "",   "",   "",      "39"),
    "element.number":                Told("",    "",  "",   "8",   "6",    "",   "",   "",   "",      "37"),
    "element.letters":               Told("",    "",  "",   "8",   "6",    "",   "",   "",   "",      "37"),
    "element.date":                  Told("",    "",  "",   "8",   "8",    "",   "",   "",   "",      "12"),
    "element.time":                  Told("",    "",  "",   "8",   "9",    "",   "",   "",   "",      "12"),
    "element.code":                  Told("",    "",  "",   "8",   "7/I6", "",   "",   "",   "",      "12"),
    "element.code_unlisted":         Told("",    "",  "",   "8",   "7",    "",   "",   "",   "",      ""),
    "element.repertoire":            Told("",    "",  "",   "8",   "6",    "",   "",   "",   "21",    "21"),
    "element.encoding":              Told("",    "",  "",   "8",   "6",    "",   "",   "",   "21",    "21"),
    "element.line_break":            Told("",    "",  "",   "8",   "6",    "",   "",   "",   "",      ""),
    "element.binary":                Told("",    "",  "",   "8",   "6",    "",   "",   "",   "12",    "12"),
    "element.too_many":              Told("",    "",  "",   "8",   "3/13", "",   "",   "",   "16",    "16"),
    "element.repeated":              Told("",    "",  "",   "8",   "3/12", "",   "",   "",   "35",    "35"),
    "level.number":                  Told("",    "",  "",   "8",   "7",    "",   "",   "",   "",      ""),
    "level.parent":                  Told("",    "",  "",   "8",   "7",    "",   "",   "",   "",      ""),
    "level.code":                    Told("",    "",  "",   "8",   "7",    "",   "",   "",   "",      ""),
    "level.child":                   Told("",    "",  "",   "8",   "7",    "",   "",   "",   "",      ""),
    "total.count":                   Told("",    "",  "",   "8",   "7",    "",   "",   "",   "12",    "12"),
    "total.sum":                     Told("",    "",  "",   "8",   "7",    "",   "",   "",   "12",    "12"),
}
# fmt: on

CHOICES: dict[str, str] = {
    "1/6/I4": "6 where the release has the segment, but not the transaction set; I4 (999) where that has it, but its "
    "implementation guide does not",
    "7/I6": "I6 (999) where the standard lists the code, but the implementation guide does not",
    "5/4": "4 where the segment opens a loop",
    "35/36": "36 where the segment opens a group",
    "3/13": "13 for a component, from release 005010 on",
    "3/12": "12 from release 005010 on",
}
"""When another code than the first is told."""

NOT_TOLD: dict[str, str] = {
    "envelope.none": "there is nobody to answer",
    "envelope.junk": "the bytes belong to no interchange, and nothing was lost",
    "x12.ta1": "an acknowledgment is never acknowledged",
    "edifact.una": "sender and reference, which CONTRL must repeat, cannot be read",
    "edifact.unb": "sender and reference, which CONTRL must repeat, cannot be read",
    "edifact.agency": "it is read all the same, and CONTRL has no word for a warning",
    "edifact.interactive": "CONTRL answers batch interchanges only",
    "structure.guide_borrowed": "the sender did nothing wrong",
    "structure.no_guide": "the sender did nothing wrong",
    "structure.more": "what is listed is told",
    "segment.trailing": "it says nothing about what was sent",
    "segment.empty": "it has no tag by which it could be told, and nothing was lost",
}
"""The other codes of X12 and EDIFACT, with the reason why no acknowledgment tells them."""

# The elements of ISA have a note each (pyx12, error_999.py; the names of the notes say the same).
ISA_NOTES: dict[int, str] = {
    1: "010", 2: "011", 3: "012", 4: "013", 5: "005", 6: "006", 7: "007", 8: "008",
    9: "014", 10: "015", 11: "016", 12: "017", 13: "018", 14: "019", 15: "020", 16: "027",
}  # fmt: skip

SET_ELEMENTS: dict[tuple[str, int], str] = {
    ("ST", 1): "6",
    ("ST", 2): "7",
    ("ST", 3): "19",
    ("SE", 1): "4",
    ("SE", 2): "3",
}
"""Errors in these elements are told of the transaction set (718, 618) instead of the segment."""

NO_TRAILER = "envelope.not_closed"
"""The row that tells of a trailer which never came, where no finding has told of it."""

SEGMENTS_IN_ERROR = "5"
"""718 and 618: one or more segments are in error."""

ELEMENTS_IN_ERROR = "8"
"""720 and 620: the segment has elements in error."""
