"""Files of X12 that are awkward but legal: each is read with the values that its sender meant, without an error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edi.awkward import BOM, case, holds, lines, rows

ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260102*1010*U*00401*000000017*0*P*>~"
GS = "GS*PO*SENDER*RECEIVER*20260102*1010*17*X*004010~"
SET = "ST*850*0001~BEG*00*SA*4711**20260102~REF*DP*038~PO1*1*3*EA*12.50**VP*A-100~CTT*1~SE*6*0001~"
END = "GE*1*17~IEA*1*000000017~"
X12 = ISA + GS + SET + END
ISA5 = ISA.replace("*U*00401*", "*^*00501*")
GS5 = GS.replace("004010", "005010")
ORDER = rows(SET)


def with_set(*segments: str, isa: str = ISA, gs: str = GS) -> str:
    """An interchange of one order with these segments in the place of REF."""
    body = SET.replace("REF*DP*038~", "".join(f"{segment}~" for segment in segments))
    return isa + gs + body.replace("SE*6*", f"SE*{5 + len(segments)}*") + END


def order_with(*segments: str) -> list[list[Any]]:
    body = SET.replace("REF*DP*038~", "".join(f"{segment}~" for segment in segments))
    return rows(body.replace("SE*6*", f"SE*{5 + len(segments)}*"))


def edited(text: str, **changes: str) -> list[list[Any]]:
    """The rows of the plain order with other values at addresses such as PO104."""
    found = rows(text)
    for address, value in changes.items():
        row = next(row for row in found if row[0] == address[:-2])
        row[int(address[-2:])] = value
    return found


OTHER = X12.translate(str.maketrans("*>~", "|^!")).replace("000000017", "000000018")
CONTROL = X12.translate(str.maketrans("*>~", "\x1d\x1f\x1c"))
TA1 = "TA1*000000001*260101*0900*A*000~"
NOTICE = (
    "ST*856*0001~BSN*00*SH1*20260102*0915~HL*A**S~HL*B*A*O~PRF*4711~HL*C*B*I~LIN**UP*036000291452~SN1**3*EA~CTT*3~"
    "SE*10*0001~"
)
BINARY = "A~B*C>D~ISA*\r\n\0GE*1*17~"

CASES = [
    case("a byte-order mark of UTF-8", BOM + X12.encode(), ORDER),
    case("blank lines first", "\r\n\r\n   \n" + X12, ORDER),
    case("a byte-order mark and blank lines", BOM + b"\n\n" + X12.encode(), ORDER),
    case("values of latin-1", with_set("N1*BY*CAF\xc9 M\xdcLLER"), order_with("N1*BY*CAF\xc9 M\xdcLLER")),
    case("values of UTF-8", with_set("N1*BY*CAF\xc9").encode("utf-8"), order_with("N1*BY*CAF\xc9")),
    case(
        "values of windows-1252, declared",
        with_set("N1*BY*\u20ac 5").encode("cp1252"),
        order_with("N1*BY*\u20ac 5"),
        encoding="cp1252",
    ),
    case("EBCDIC", X12.encode("cp037"), ORDER),
    case("EBCDIC with its own line ends", X12.replace("~", "~\x85").encode("cp037"), ORDER),
    case("EBCDIC with a NEL as the terminator", X12.replace("~", "\x85").encode("cp037"), ORDER),
    case("a line feed is the terminator", X12.replace("~", "\n"), ORDER),
    case("CR and LF are the terminator", X12.replace("~", "\r\n"), ORDER),
    case("CR is the terminator", X12.replace("~", "\r"), ORDER),
    case("CR and LF behind each terminator", X12.replace("~", "~\r\n"), ORDER),
    case("a line feed behind each terminator", X12.replace("~", "~\n"), ORDER),
    case("blank lines and tabs between the segments", X12.replace("~", "~ \n\n\t"), ORDER),
    case("control characters as delimiters", CONTROL, ORDER),
    case("letters of EDIFACT as delimiters", X12.translate(str.maketrans("*>~", "+:'")), ORDER),
    case("characters of regular expressions as delimiters", X12.translate(str.maketrans("*>~", "\\^$")), ORDER),
    case("a delimiter beyond ASCII", X12.replace("*", "\xa6"), ORDER),
    case("a tilde as the separator and a star as the terminator", X12.translate(str.maketrans("*~", "~*")), ORDER),
    case("control-Z at the end", X12 + "\x1a", ORDER),
    case("a line end and control-Z at the end", X12 + "\r\n\x1a", ORDER),
    case("filled up with NUL", X12 + "\0" * 512, ORDER),
    case("filled up with blanks", X12 + " " * 80, ORDER),
    case("wrapped at 80", lines(X12, 80, "\n"), ORDER),
    case("wrapped at 80 with CR and LF", lines(X12, 80, "\r\n") + "\r\n", ORDER),
    case("a second interchange with other delimiters", X12 + OTHER, ORDER, ORDER),
    case("interchanges parted by blank lines", X12 + "\n\n\n" + OTHER + "\n", ORDER, ORDER),
    case(
        "files put together with their byte-order marks",
        BOM + X12.encode() + b"\r\n" + BOM + OTHER.encode(),
        ORDER,
        ORDER,
    ),
    case("TA1 between ISA and GS", ISA + TA1 + GS + SET + END, ORDER),
    case("an interchange of TA1 alone", ISA + TA1 + "IEA*0*000000017~"),
    case("an interchange of nothing", ISA + "IEA*0*000000017~"),
    case("an empty group", ISA + GS + "GE*0*17~IEA*1*000000017~"),
    case(
        "an empty group beside a full one",
        ISA + GS.replace("*17*", "*16*") + "GE*0*16~" + GS + SET + END.replace("IEA*1", "IEA*2"),
        ORDER,
    ),
    case(
        "two groups of other versions",
        ISA5 + GS + SET + "GE*1*17~" + GS5.replace("*17*", "*18*") + SET + "GE*1*18~IEA*2*000000017~",
        ORDER,
        ORDER,
    ),
    case("a version written 4010", X12.replace("*X*004010", "*X*4010"), ORDER, warns="envelope.version"),
    case("a version written 00401", X12.replace("*X*004010", "*X*00401"), ORDER),
    case("a version with an industry's guide", X12.replace("*X*004010", "*X*004010VICS"), ORDER),
    case(
        "ISA without its blanks",
        ISA.replace("          ", "").replace("SENDER         ", "SENDER").replace("RECEIVER       ", "RECEIVER")
        + GS
        + SET
        + END,
        ORDER,
        warns="x12.isa_length",
    ),
    case(
        "separators at the end of segments",
        X12.replace("REF*DP*038~", "REF*DP*038**~"),
        [*ORDER[:2], ["REF", "DP", "038", "", ""], *ORDER[3:]],
    ),
    case(
        "separators behind the last element",
        X12.replace("CTT*1~", "CTT*1******~"),
        [*ORDER[:4], ["CTT", "1", *[""] * 6][:8], ORDER[5]],
    ),
    case("ISA11 U is no repetition separator", with_set("REF*DP*A^B"), order_with("REF*DP*A^B")),
    case(
        "ISA11 is no repetition separator before 00402",
        with_set("REF*DP*A^B", isa=ISA.replace("*U*", "*^*")),
        order_with("REF*DP*A^B"),
    ),
    case(
        "a repeated element",
        with_set("REF*DP*A^B", isa=ISA5, gs=GS5).replace("*850*", "*838*").replace("*PO*", "*TD*"),
        [["ST", "838", "0001"], ORDER[1], ["REF", "DP", ("A", "B")], *ORDER[3:]],
    ),
    case(
        "ST03 names the guide",
        with_set("REF*DP*038", isa=ISA5, gs=GS5).replace("ST*850*0001", "ST*850*0001*005010"),
        [["ST", "850", "0001", "005010"], *ORDER[1:]],
    ),
    case("a negative price", X12.replace("12.50", "-12.50"), edited(SET, PO104="-12.50")),
    case("a price without its nought", X12.replace("12.50", ".5"), edited(SET, PO104=".5")),
    case("a price that ends in its point", X12.replace("12.50", "12."), edited(SET, PO104="12.")),
    case("noughts before and behind", X12.replace("12.50", "0012.5000"), edited(SET, PO104="0012.5000")),
    case("a price of nought", X12.replace("12.50", "0"), edited(SET, PO104="0")),
    case("a price with an exponent", X12.replace("12.50", "125E-1"), edited(SET, PO104="125E-1")),
    case("a price of 17 digits", X12.replace("12.50", "-1234567890123.4567"), edited(SET, PO104="-1234567890123.4567")),
    case(
        "a quantity of 15 digits",
        X12.replace("PO1*1*3*", "PO1*1*123456789012345*"),
        edited(SET, PO102="123456789012345"),
    ),
    case("29 February", X12.replace("**20260102~", "**20240229~"), edited(SET, BEG05="20240229")),
    case("29 February 2000", X12.replace("**20260102~", "**20000229~"), edited(SET, BEG05="20000229")),
    case("a time with hundredths", with_set("DTM*002*20260102*23595999"), order_with("DTM*002*20260102*23595999")),
    case("blanks around values are values", with_set("N1*BY*  ACME  "), order_with("N1*BY*  ACME  ")),
    case(
        "values that look like an envelope",
        with_set("N1*BY*ISA", "N2*ISAAC*GS", "N3*IEA*SE"),
        order_with("N1*BY*ISA", "N2*ISAAC*GS", "N3*IEA*SE"),
    ),
    case(
        "counts with noughts before them",
        X12.replace("SE*6*", "SE*0006*").replace("GE*1*", "GE*001*"),
        edited(SET, SE01="0006"),
    ),
    case(
        "control numbers with and without noughts",
        X12.replace("GE*1*17", "GE*1*0017").replace("IEA*1*000000017", "IEA*1*17"),
        ORDER,
    ),
    case(
        "a control number of nine letters",
        X12.replace("*0001~", "*ABC000001~"),
        [["ST", "850", "ABC000001"], *ORDER[1:-1], ["SE", "6", "ABC000001"]],
    ),
    case(
        "the same control number in another group",
        ISA + GS + SET + "GE*1*17~" + GS.replace("*17*", "*18*") + SET + "GE*1*18~IEA*2*000000017~",
        ORDER,
        ORDER,
    ),
    case(
        "the group of another interchange has the same number",
        X12 + X12.replace("000000017", "000000018"),
        ORDER,
        ORDER,
    ),
    case(
        "a set without a guide",
        X12.replace("*850*", "*838*").replace("GS*PO", "GS*TD"),
        [["ST", "838", "0001"], *ORDER[1:]],
    ),
    case(
        "binary data with terminators in it",
        with_set(f"BIN*{len(BINARY)}*{BINARY}").replace("*850*", "*102*").replace("GS*PO", "GS*AS"),
        [["ST", "102", "0001"], ORDER[1], ["BIN", str(len(BINARY)), BINARY], *ORDER[3:-1], ["SE", "6", "0001"]],
    ),
    case(
        "binary data of another name with terminators in it",
        with_set(f"BDS*ASC*{len(BINARY)}*{BINARY}").replace("*850*", "*102*").replace("GS*PO", "GS*AS"),
        [["ST", "102", "0001"], ORDER[1], ["BDS", "ASC", str(len(BINARY)), BINARY], *ORDER[3:-1], ["SE", "6", "0001"]],
    ),
    case("letters behind the qualifiers of ISA", X12.replace("*ZZ*SENDER         *", "*12*5551234567     *"), ORDER),
    case("a test interchange that asks for an answer", X12.replace("*0*P*>", "*1*T*>"), ORDER),
    case("small letters in values", with_set("N1*BY*Acme tools & co."), order_with("N1*BY*Acme tools & co.")),
    case("a form feed between segments", X12.replace("CTT*1~", "CTT*1~\x0c\n"), ORDER),
    case("line feeds as terminators and blank lines", X12.replace("~", "\n\n"), ORDER, warns="segment.empty " * 5),
    case(
        "levels numbered with letters",
        ISA + GS.replace("GS*PO", "GS*SH") + NOTICE + END,
        rows(NOTICE),
    ),
    case(
        "a version before the eight digits of a year",
        (ISA + GS + SET + END)
        .replace("*00401*", "*00304*")
        .replace("20260102*1010*17*X*004010", "260102*1010*17*X*003040")
        .replace("20260102", "260102"),
        edited(SET, BEG05="260102"),
    ),
    case("a value in quotes", with_set('N1*BY*"ACME", ZZ'), order_with('N1*BY*"ACME", ZZ')),
    case("a value of 80 characters", with_set(f"PER*BD**TE*{'5' * 80}"), order_with(f"PER*BD**TE*{'5' * 80}")),
    case("a price of one digit and a point of noughts", X12.replace("12.50", "5.00000"), edited(SET, PO104="5.00000")),
    case(
        "a second interchange with another terminator",
        X12 + X12.replace("000000017", "000000019").replace("~", "\n"),
        ORDER,
        ORDER,
    ),
    case("a hundred interchanges", "".join(X12.replace("000000017", f"{n:09}") for n in range(1, 101)), *[ORDER] * 100),
]


@pytest.mark.parametrize(("raw", "documents", "warns", "options"), CASES)
def test_an_awkward_file_is_read_as_it_is_meant(
    raw: bytes, documents: list[list[list[Any]]], warns: list[str], options: dict[str, str]
) -> None:
    holds("x12", raw, documents, warns, options)
