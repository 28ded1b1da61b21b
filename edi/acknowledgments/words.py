"""The error codes of the standards in plain words, for acknowledgments that partners send; our own words."""

from __future__ import annotations

VERDICTS: dict[str, str] = {
    "A": "accepted",
    "E": "accepted, with errors noted",
    "P": "accepted in part",
    "R": "rejected",
    "M": "rejected: its authentication code is wrong",
    "W": "rejected: its security does not hold",
    "X": "rejected: it could not be read after decryption",
}
"""Elements 715, 717 and TA104."""

GROUP: dict[str, str] = {
    "1": "this kind of group is not supported",
    "2": "the version of the group is not supported",
    "3": "the trailer of the group (GE) is missing",
    "4": "GS06 and GE02 differ",
    "5": "GE01 counts other than the transaction sets that arrived",
    "6": "the control number of the group is not as it must be",
    "19": "the control number of the group occurs twice in the interchange",
}
"""Element 716."""

SET: dict[str, str] = {
    "1": "this transaction set is not supported",
    "2": "the trailer (SE) is missing",
    "3": "ST02 and SE02 differ",
    "4": "SE01 counts other than the segments that arrived",
    "5": "segments are in error",
    "6": "ST01 is missing or unknown",
    "7": "ST02 is missing or not as it must be",
    "18": "the transaction set does not belong into its group",
    "19": "ST03 names an unknown guide",
    "23": "ST02 occurs twice in the group",
    "I5": "segments break the implementation guide",
    "I6": "the implementation guide is not supported",
}
"""Elements 718 and 618."""

SEGMENT: dict[str, str] = {
    "1": "unknown segment",
    "2": "unexpected segment",
    "3": "required segment is missing",
    "4": "the loop occurs too often",
    "5": "the segment occurs too often",
    "6": "the transaction set has no such segment",
    "7": "the segment is out of order",
    "8": "elements are in error",
    "I4": "the guide does not use the segment",
    "I6": "the segment is missing here, says the guide",
    "I7": "the loop occurs too seldom, says the guide",
    "I8": "the segment occurs too seldom, says the guide",
    "I9": "the segment may not be sent here, says the guide",
}
"""Elements 720 and 620."""

ELEMENT: dict[str, str] = {
    "1": "required element is missing",
    "2": "missing, though others require it",
    "3": "too many elements",
    "4": "too short",
    "5": "too long",
    "6": "wrong characters",
    "7": "not a listed code",
    "8": "not a date",
    "9": "not a time",
    "10": "sent, though others exclude it",
    "12": "repeated too often",
    "13": "too many components",
    "I6": "a code that the guide does not use",
    "I9": "missing here, says the guide",
    "I10": "the guide does not use the element",
    "I11": "repeated too seldom, says the guide",
    "I12": "not of the form that the guide asks for",
    "I13": "may not be sent here, says the guide",
}
"""Elements 723 and 621."""

INTERCHANGE: dict[str, str] = {
    "000": "no error",
    "001": "ISA13 and IEA02 differ",
    "002": "ISA11 is not supported",
    "003": "the version of the interchange is not supported",
    "004": "the segment terminator is wrong",
    "005": "the sender's qualifier (ISA05) is wrong",
    "006": "the sender (ISA06) is wrong",
    "007": "the receiver's qualifier (ISA07) is wrong",
    "008": "the receiver (ISA08) is wrong",
    "009": "the receiver (ISA08) is unknown",
    "010": "ISA01 is wrong",
    "011": "ISA02 is wrong",
    "012": "ISA03 is wrong",
    "013": "ISA04 is wrong",
    "014": "the date (ISA09) is wrong",
    "015": "the time (ISA10) is wrong",
    "016": "ISA11 is wrong",
    "017": "the version (ISA12) is wrong",
    "018": "the control number (ISA13) is wrong",
    "019": "ISA14 is wrong",
    "020": "the test indicator (ISA15) is wrong",
    "021": "IEA01 counts other than the groups that arrived",
    "022": "the envelope is broken",
    "023": "the file ended too early",
    "024": "what stands between ISA and IEA cannot be read",
    "025": "the control number was used before",
    "026": "the element separator is wrong",
    "027": "the component separator is wrong",
    "028": "the delivery date of a deferred delivery is wrong",
    "029": "the delivery time of a deferred delivery is wrong",
    "030": "the time code of a deferred delivery is wrong",
    "031": "the grade of service is wrong",
}
"""TA105."""

SYNTAX: dict[str, str] = {
    "2": "the syntax level or version is not supported",
    "7": "the interchange is for somebody else",
    "12": "wrong value",
    "13": "missing",
    "14": "the value is not supported here",
    "15": "not supported here",
    "16": "too many elements or components",
    "17": "there is no agreement on it",
    "18": "an error without further words",
    "19": "wrong decimal mark",
    "20": "a character that cannot be a service character",
    "21": "wrong characters",
    "22": "wrong service characters",
    "23": "the sender is unknown",
    "24": "too old",
    "25": "test indicator not supported",
    "26": "sent twice",
    "27": "security not supported",
    "28": "the references of header and trailer differ",
    "29": "the trailer counts other than what arrived",
    "30": "groups and messages are mixed",
    "31": "several message types in one group",
    "32": "nothing in it",
    "33": "a segment where none may stand",
    "34": "explicit nesting is not allowed",
    "35": "repeated too often",
    "36": "the group of segments is repeated too often",
    "37": "letters where digits belong, or the other way round",
    "38": "no digit before the decimal mark",
    "39": "too long",
    "40": "too short",
    "41": "a lasting fault of the network",
    "42": "a passing fault of the network",
    "43": "the recipient is unknown",
    "45": "a separator with nothing behind it",
    "46": "the character set is not supported",
    "47": "the envelope is not supported",
    "48": "elements that belong together are not sent together",
}
"""0085."""

ACTIONS: dict[str, str] = {"4": "R", "7": "A", "8": "A"}
"""0083 as a verdict; 8 says that the interchange has arrived."""
