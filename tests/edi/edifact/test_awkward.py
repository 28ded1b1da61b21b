"""Files of EDIFACT that are awkward but legal: each is read with the values that its sender meant, without an error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edi.awkward import BOM, case, holds, lines, rows

UNA = "UNA:+.? '"
UNB = "UNB+UNOC:3+4012345000009:14+5412345000013:14+260102:1010+17'"
MESSAGE = (
    "UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'DTM+137:20260102:102'NAD+BY+4012345000009::9'"
    "LIN+1++4000862141404:EN'IMD+F++:::BOLT'QTY+21:3:PCE'PRI+AAA:12.5'UNS+S'CNT+2:1'UNT+11+1'"
)
UNZ = "UNZ+1+17'"
EDIFACT = UNA + UNB + MESSAGE + UNZ
MESSAGE_ROWS = rows(MESSAGE, "+:'")


def with_message(*segments: str, head: str = UNA + UNB) -> str:
    """An interchange of one order with these segments behind its QTY."""
    text = MESSAGE.replace("PRI+", "".join(f"{segment}'" for segment in segments) + "PRI+")
    return head + text.replace("UNT+11+", f"UNT+{11 + len(segments)}+") + UNZ


def message(text: str, **changes: Any) -> list[list[Any]]:
    found = rows(text, "+:'")
    for address, value in changes.items():
        row = next(row for row in found if row[0] == address[:-2])
        row[int(address[-2:])] = value
    return found


def with_rows(*extra: list[Any]) -> list[list[Any]]:
    """The rows of the plain message with more behind its QTY."""
    at = next(n for n, row in enumerate(MESSAGE_ROWS) if row[0] == "PRI")
    return [*MESSAGE_ROWS[:at], *extra, *MESSAGE_ROWS[at:-1], ["UNT", str(11 + len(extra)), "1"]]


SECOND = EDIFACT.replace("+17'", "+18'")
ODD = EDIFACT.translate(str.maketrans(":+?'", "#|\\~"))
GROUPED = f"{UNA}{UNB}UNG+ORDERS+A+B+260102:1010+G1+UN+D:96A'{MESSAGE}UNE+1+G1'{UNZ}"
LEVEL_B = (UNB + MESSAGE + UNZ).translate(str.maketrans(":+.'", "\x1f\x1d,\x1c")).replace("UNOC", "UNOB")
SYNTAX_4 = EDIFACT.replace("UNA:+.? '", "UNA:+.?*'").replace("UNOC:3", "UNOC:4").replace("+260102:", "+20260102:")


def described(text: str) -> list[list[Any]]:
    """The plain message with another description."""
    return message(MESSAGE, IMD03=["", "", "", text])


def in_set(name: str, codec: str, text: str) -> bytes:
    return (
        EDIFACT.replace("UNOC:3", f"{name}:{'4' if name in 'UNOW UNOX UNOY' else '3'}")
        .replace("BOLT", text)
        .encode(codec)
    )


CASES = [
    case("EBCDIC", EDIFACT.encode("cp037"), MESSAGE_ROWS),
    case(
        "EBCDIC without UNA, of another code page",
        (UNB + MESSAGE + UNZ).replace("BOLT", "TÜR").encode("cp273"),
        described("TÜR"),
        encoding="cp273",
    ),
    case("a byte-order mark of UTF-8", BOM + EDIFACT.encode(), MESSAGE_ROWS),
    case("blank lines first", "\n\r\n  " + EDIFACT, MESSAGE_ROWS),
    case("no UNA", UNB + MESSAGE + UNZ, MESSAGE_ROWS),
    case("a line end behind UNA", EDIFACT.replace(UNA, UNA + "\r\n"), MESSAGE_ROWS),
    case("CR and LF behind each terminator", EDIFACT.replace("'", "'\r\n"), MESSAGE_ROWS),
    case("a line feed is the terminator", EDIFACT.replace("'", "\n"), MESSAGE_ROWS),
    case(
        "CR and LF are the terminator",
        EDIFACT.replace("'", "\r\n").replace(UNA[:-1] + "\r\n", UNA[:-1] + "\r"),
        MESSAGE_ROWS,
    ),
    case("wrapped at 80", lines(EDIFACT, 80, "\n"), MESSAGE_ROWS),
    case("wrapped at 80 with CR and LF", lines(EDIFACT, 80, "\r\n") + "\r\n", MESSAGE_ROWS),
    case("control-Z at the end", EDIFACT + "\x1a", MESSAGE_ROWS),
    case("filled up with NUL", EDIFACT + "\0" * 99, MESSAGE_ROWS),
    case("other service characters", ODD, MESSAGE_ROWS),
    case(
        "the control characters of level B",
        LEVEL_B.encode().replace(b"12\x1f5", b"12.5"),
        message(MESSAGE, PRI01=["AAA", "12,5"]),
    ),
    case(
        "a decimal comma",
        EDIFACT.replace("UNA:+.", "UNA:+,").replace("12.5", "12,5"),
        message(MESSAGE, PRI01=["AAA", "12,5"]),
    ),
    case(
        "a decimal comma where a point is announced",
        EDIFACT.replace("12.5", "12,5"),
        message(MESSAGE, PRI01=["AAA", "12,5"]),
    ),
    case("no release character", EDIFACT.replace("UNA:+.?", "UNA:+. ").replace("BOLT", "WHY?"), described("WHY?")),
    case("a second interchange", EDIFACT + SECOND, MESSAGE_ROWS, MESSAGE_ROWS),
    case(
        "a second interchange with another UNA",
        EDIFACT + "\r\n" + ODD.replace("|17~", "|18~"),
        MESSAGE_ROWS,
        MESSAGE_ROWS,
    ),
    case(
        "a second interchange without UNA",
        ODD + (UNB + MESSAGE + UNZ).replace("+17'", "+18'"),
        MESSAGE_ROWS,
        MESSAGE_ROWS,
    ),
    case("groups", GROUPED, MESSAGE_ROWS),
    case(
        "two groups with the same references",
        f"{UNA}{UNB}UNG+ORDERS+A+B+260102:1010+G1+UN+D:96A'{MESSAGE}UNE+1+G1'UNG+ORDERS+A+B+260102:1010+G2+UN+D:96A'{MESSAGE}UNE+1+G2'UNZ+2+17'",
        MESSAGE_ROWS,
        MESSAGE_ROWS,
    ),
    case("an interchange of nothing", UNA + UNB + "UNZ+0+17'"),
    case("an empty group", f"{UNA}{UNB}UNG+ORDERS+A+B+260102:1010+G1+UN+D:96A'UNE+0+G1'{UNZ}"),
    case("syntax 4 with a date of eight digits", SYNTAX_4, MESSAGE_ROWS),
    case(
        "syntax 4 with repeated elements",
        SYNTAX_4.replace("ORDERS", "BALANC").replace("+4711+", "+A*B?*C+"),
        [["UNH", "1", ["BALANC", "D", "96A", "UN"]], ["BGM", "220", ("A", "B*C"), "9"], *MESSAGE_ROWS[2:]],
    ),
    case("a star is no repetition in syntax 3", EDIFACT.replace("BOLT", "M8*40"), described("M8*40")),
    case(
        "released service characters",
        EDIFACT.replace("BOLT", "KID?'S A?:B ?+1 WHAT??"),
        described("KID'S A:B +1 WHAT?"),
    ),
    case("a value that is a released question mark", EDIFACT.replace("BOLT", "??"), described("?")),
    case("a release before a character that needs none", EDIFACT.replace("BOLT", "B?OLT"), described("BOLT")),
    case("a terminator released at the end of a value", EDIFACT.replace("BOLT", "BOLT?'"), described("BOLT'")),
    case("UNOA", EDIFACT.replace("UNOC", "UNOA"), MESSAGE_ROWS),
    case(
        "UNOB with small letters",
        EDIFACT.replace("UNOC", "UNOB").replace("BOLT", "bolt & nut"),
        described("bolt & nut"),
    ),
    case("UNOC with accents", in_set("UNOC", "latin-1", "CAF\xc9 B\xd6LT"), described("CAF\xc9 B\xd6LT")),
    case("UNOD", in_set("UNOD", "iso8859-2", "\u0141\xd3D\u0179"), described("\u0141\xd3D\u0179")),
    case("UNOY in UTF-8", in_set("UNOY", "utf-8", "\u20ac \u0141\xd3D\u0179"), described("\u20ac \u0141\xd3D\u0179")),
    case("UNOW in UTF-8", in_set("UNOW", "utf-8", "\u20ac 5"), described("\u20ac 5")),
    case("UNOX", in_set("UNOX", "iso2022_jp_2", "\u65e5\u672c"), described("\u65e5\u672c")),
    case(
        "UTF-8 that is declared by an option",
        in_set("UNOC", "utf-8", "B\xd6LT"),
        described("B\xd6LT"),
        encoding="utf-8",
    ),
    case(
        "separators at the end of segments",
        EDIFACT.replace("UNS+S'", "UNS+S+'").replace("CNT+2:1'", "CNT+2:1:'"),
        [*MESSAGE_ROWS[:8], ["UNS", "S", ""], ["CNT", ["2", "1", ""]], MESSAGE_ROWS[10]],
    ),
    case(
        "negative and odd numbers",
        EDIFACT.replace("AAA:12.5", "AAA:-.5").replace("21:3:PCE", "21:-3:PCE"),
        message(MESSAGE, PRI01=["AAA", "-.5"], QTY01=["21", "-3", "PCE"]),
    ),
    case(
        "noughts before and behind",
        EDIFACT.replace("AAA:12.5", "AAA:0012.5000").replace("UNT+11", "UNT+000011").replace("UNZ+1", "UNZ+0001"),
        message(MESSAGE, PRI01=["AAA", "0012.5000"], UNT01="000011"),
    ),
    case(
        "a price of 15 digits, a point and a sign",
        EDIFACT.replace("AAA:12.5", "AAA:-12345678901.2345"),
        message(MESSAGE, PRI01=["AAA", "-12345678901.2345"]),
    ),
    case(
        "an association's code",
        EDIFACT.replace("96A:UN'", "96A:UN:EAN008'"),
        [["UNH", "1", ["ORDERS", "D", "96A", "UN", "EAN008"]], *MESSAGE_ROWS[1:]],
    ),
    case(
        "an association's own code warns",
        EDIFACT.replace("96A:UN'", "96A:UN:EAN008'").replace("QTY+21:", "QTY+XYZ:"),
        [["UNH", "1", ["ORDERS", "D", "96A", "UN", "EAN008"]], *message(MESSAGE, QTY01=["XYZ", "3", "PCE"])[1:]],
        warns="element.code_unlisted",
    ),
    case(
        "a code of another agency", EDIFACT.replace("BGM+220+", "BGM+ZZ1::9+"), message(MESSAGE, BGM01=["ZZ1", "", "9"])
    ),
    case("a code of another list", EDIFACT.replace("BGM+220+", "BGM+ZZ1:112+"), message(MESSAGE, BGM01=["ZZ1", "112"])),
    case(
        "a common access reference and a sequence",
        EDIFACT.replace("96A:UN'", "96A:UN+CASE7+1:F'"),
        [["UNH", "1", ["ORDERS", "D", "96A", "UN"], "CASE7", ["1", "F"]], *MESSAGE_ROWS[1:]],
    ),
    case(
        "numbers of the nesting behind a tag",
        EDIFACT.replace("LIN+1", "LIN:1+1").replace("QTY+21", "QTY:1:1+21"),
        MESSAGE_ROWS,
    ),
    case("a long UNB", EDIFACT.replace("+17'UNH", "+17+PW:AA+ORDERS+A+1+AGREED+1'UNH"), MESSAGE_ROWS),
    case(
        "29 February",
        EDIFACT.replace("20260102:102", "20240229:102"),
        message(MESSAGE, DTM01=["137", "20240229", "102"]),
    ),
    case("a time of day", with_message("DTM+2:1430:401"), with_rows(["DTM", ["2", "1430", "401"]])),
    case("a date of six digits", with_message("DTM+2:240229:101"), with_rows(["DTM", ["2", "240229", "101"]])),
    case("a date and a time", with_message("DTM+2:202601022359:203"), with_rows(["DTM", ["2", "202601022359", "203"]])),
    case(
        "a date and a time with seconds",
        with_message("DTM+2:20260102235959:204"),
        with_rows(["DTM", ["2", "20260102235959", "204"]]),
    ),
    case("a year and month", with_message("DTM+2:202602:610"), with_rows(["DTM", ["2", "202602", "610"]])),
    case("a week", with_message("DTM+2:202653:616"), with_rows(["DTM", ["2", "202653", "616"]])),
    case("a year", with_message("DTM+2:2026:602"), with_rows(["DTM", ["2", "2026", "602"]])),
    case("a period", with_message("DTM+2:2026010220260131:718"), with_rows(["DTM", ["2", "2026010220260131", "718"]])),
    case("a number of days", with_message("DTM+2:14:804"), with_rows(["DTM", ["2", "14", "804"]])),
    case("a date without a format", with_message("DTM+2:SOON"), with_rows(["DTM", ["2", "SOON"]])),
    case("a date that is only named", with_message("DTM+2"), with_rows(["DTM", "2"])),
    case(
        "a message without a guide",
        EDIFACT.replace("ORDERS", "BALANC"),
        [["UNH", "1", ["BALANC", "D", "96A", "UN"]], *MESSAGE_ROWS[1:]],
    ),
    case(
        "two kinds of message in one interchange",
        UNA
        + UNB
        + MESSAGE
        + MESSAGE.replace("UNH+1+ORDERS", "UNH+2+ORDRSP").replace("UNT+11+1", "UNT+11+2").replace("BGM+220", "BGM+231")
        + "UNZ+2+17'",
        MESSAGE_ROWS,
        [
            ["UNH", "2", ["ORDRSP", "D", "96A", "UN"]],
            ["BGM", "231", "4711", "9"],
            *MESSAGE_ROWS[2:-1],
            ["UNT", "11", "2"],
        ],
    ),
    case(
        "values that look like an envelope",
        EDIFACT.replace("BOLT", "UNA1234 UNZ UNB").replace("+4711+", "+UNB1+"),
        message(MESSAGE, IMD03=["", "", "", "UNA1234 UNZ UNB"], BGM02="UNB1"),
    ),
    case(
        "a reference of fourteen letters",
        EDIFACT.replace("UNH+1+", "UNH+ABCDEFGHIJKLMN+").replace("UNT+11+1'", "UNT+11+ABCDEFGHIJKLMN'"),
        [["UNH", "ABCDEFGHIJKLMN", *MESSAGE_ROWS[0][2:]], *MESSAGE_ROWS[1:-1], ["UNT", "11", "ABCDEFGHIJKLMN"]],
    ),
]


@pytest.mark.parametrize(("raw", "documents", "warns", "options"), CASES)
def test_an_awkward_file_is_read_as_it_is_meant(
    raw: bytes, documents: list[list[list[Any]]], warns: list[str], options: dict[str, str]
) -> None:
    holds("edifact", raw, documents, warns, options)
