"""Small wrong files of X12 and EDIFACT: the example of the format with one thing changed in it; for each code one."""

from __future__ import annotations

from edi.formats import FORMATS
from tests.docs.example import Example

_ORDER = FORMATS["x12"].spec.example
_ORDERS = FORMATS["edifact"].spec.example

_HEADER = _ORDER[: _ORDER.index("ST*")]
_TRAILER = _ORDER[_ORDER.index("GE*") :]
_OPEN = _ORDER[: _ORDER.index("IEA")]


def _x12(*changes: tuple[str, str], also: tuple[str, ...] = ()) -> Example:
    """The order of X12, with something put in the place of something else."""
    return Example("", _changed(_ORDER, changes).encode(), also=also)


def _edifact(*changes: tuple[str, str]) -> Example:
    """The order of EDIFACT, likewise."""
    return Example("", _changed(_ORDERS, changes).encode())


def _changed(text: str, changes: tuple[tuple[str, str], ...]) -> str:
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return text


def _inquiry(*levels: str) -> Example:
    """An eligibility inquiry with these levels."""
    header = _HEADER.replace("GS*PO", "GS*HS")
    body = ["ST*270*0001", "BHT*0022*13*4711*20260102*1010"]
    for level in levels:
        body += [level, "NM1*IL*1*DOE" if level.split("*")[3] == "22" else "NM1*1P*2*CLINIC"]
    body.append(f"SE*{len(body) + 1}*0001")
    return Example("", (header + "".join(f"{segment}~\n" for segment in body) + _TRAILER).encode())


_SET = _ORDER[_ORDER.index("ST*") : _ORDER.index("GE*")]
_BAD_LINES = "".join(f"PO1*{number}*x*EA*y**VP*A-100~\n" for number in range(1, 61))
_SIGNED = """\
ST*214*0001~
B10*4711*4712*ABCD~
LX*1~
EFI*05~
BIN*99*a picture~
SE*6*0001~
"""

ENVELOPES: dict[str, Example] = {
    "envelope.none": Example("x12", b"order 4711 of 2 January\n", also=("envelope.junk",)),
    "envelope.truncated": Example("", _OPEN.encode()),
    "envelope.junk": Example("", (_ORDER.rstrip() + "\nend of transmission\n").encode()),
    "envelope.stray": _x12(("GE*1", "N1*BY*ACME~\nGE*1")),
    "envelope.not_closed": Example("", (_OPEN + _ORDER.replace("000000001", "000000002")).encode()),
    "envelope.not_opened": _x12(("GE*1*1~", "GE*1*1~\nGE*1*1~")),
    "envelope.count": _x12(("GE*1", "GE*2")),
    "envelope.reference": _x12(("IEA*1*000000001", "IEA*1*000000007")),
    "envelope.set_not_closed": _x12(("SE*5*0001~\n", "")),
    "envelope.set_count": _x12(("SE*5", "SE*6")),
    "envelope.set_reference": _x12(("SE*5*0001", "SE*5*0002")),
    "envelope.set_duplicate": _x12((_SET, _SET + _SET.replace("4711", "4712")), ("GE*1", "GE*2")),
    "envelope.duplicate": Example("", (_ORDER + _ORDER.replace("4711", "4712")).encode()),
    "envelope.set_group": _x12(("GS*PO", "GS*IN")),
    "envelope.version": _x12(("*X*004010", "*X*4010")),
    "envelope.date": _x12(("GS*PO*ACME*US*20260102", "GS*PO*ACME*US*20260132")),
    "envelope.too_large": Example("x12 document_bytes_max=60", _ORDER.encode()),
    "x12.isa": _x12(("*>~\nGS", "~\nGS")),
    "x12.isa_length": _x12(("*ZZ*ACME           *", "*ZZ*ACME*")),
    "x12.ta1": _x12(("GS*PO", "TA1*000000044*260101*0900*A*000~\nGS*PO")),
    "edifact.una": _edifact(("UNA:+.? '", "UNA::.? '")),
    "edifact.unb": _edifact(("+5412345000013:14+260102:1010+77'", "'")),
    "edifact.interactive": Example("", b"UNA:+.? '\nUIB+UNOA:3++4711'\nUIH+IHCLME:D:96A:UN+1'\nUIT+1+2'\nUIZ'\n"),
    "edifact.syntax": _edifact(("UNOC:3", "UNOQ:3")),
    "edifact.agency": _edifact(("UNOC:3", "IATB:1")),
    "structure.guide_borrowed": _x12(("*X*004010", "*X*006010"), ("*00401*", "*00601*")),
    "structure.no_guide": _x12(("ST*850", "ST*998"), ("GS*PO", "GS*XX")),
    "structure.more": _x12(
        ("PO1*1*3*EA*12.50**VP*A-100~\n", _BAD_LINES), ("CTT*1", "CTT*60"), ("SE*5", "SE*64"), also=("element.number",)
    ),
}  # fmt: skip
"""Code → the file: envelopes, and what is told of whole documents."""

SEGMENTS: dict[str, Example] = {
    "segment.unknown": _x12(("CTT*1", "QQQ*1~\nCTT*1"), ("SE*5", "SE*6")),
    "segment.order": _x12(("CTT*1~\n", "CTT*1~\nCUR*BY*USD~\n"), ("SE*5", "SE*6")),
    "segment.missing": _x12(("BEG*00*SA*4711**20260102~\n", ""), ("SE*5", "SE*4")),
    "segment.too_many": _x12(("PO1", "CUR*BY*USD~\nCUR*SE*EUR~\nPO1"), ("SE*5", "SE*7")),
    "segment.empty": _x12(("CTT*1~", "CTT*1~~")),
    "segment.trailing": _x12(("**VP*A-100", "**VP*A-100**")),
    "element.missing": _x12(("SA*4711**", "SA***")),
    "element.condition": _x12(("**VP*A-100", "**VP")),
    "element.excluded": _x12(("CTT", "QTY*38*3**three~\nCTT"), ("SE*5", "SE*6")),
    "element.too_short": _x12(("*EA*", "*E*")),
    "element.too_long": _x12(("*EA*", "*EACH*")),
    "element.number": _x12(("12.50", "12,5O")),
    "element.date": _x12(("**20260102", "**20260230")),
    "element.time": _x12(("PO1", "DTM*002*20260105*2510~\nPO1"), ("SE*5", "SE*6")),
    "element.letters": _edifact(("UNS+S", "UNS+1")),
    "element.code": _x12(("BEG*00*SA", "BEG*00*QQ")),
    "element.code_unlisted": _x12(("PO1", "CUR*BY*EUX~\nPO1"), ("SE*5", "SE*6")),
    "element.repertoire": _edifact(("UNOC:3", "UNOA:3"), ("4711", "4711@")),
    "element.binary": Example("", (_HEADER.replace("GS*PO", "GS*QM") + _SIGNED + _TRAILER).encode()),
    "element.too_many": _x12(("CTT*1", "CTT*1******text*x")),
    "element.repeated": _x12(("*U*00401*", "*^*00501*"), ("*X*004010", "*X*005010"), ("*1*3*EA", "*1*3^4*EA")),
    "element.encoding": Example("x12 encoding=ascii", _ORDER.replace("A-100", "Ä-100").encode()),
    "element.line_break": _x12(("A-100", "A-\n100")),
    "level.number": _inquiry("HL*1**20*1", "HL*3*1*21*1", "HL*4*3*22*0"),
    "level.parent": _inquiry("HL*1**20*1", "HL*2*7*21*1", "HL*3*2*22*0"),
    "level.code": _inquiry("HL*1**20*1", "HL*2*1*22*0"),
    "level.child": _inquiry("HL*1**20*1", "HL*2*1*21*0", "HL*3*2*22*0"),
    "total.count": _x12(("CTT*1", "CTT*2")),
    "total.sum": _x12(("CTT*1", "CTT*1*4")),
}
"""Code → the file: segments, elements, levels and totals."""
