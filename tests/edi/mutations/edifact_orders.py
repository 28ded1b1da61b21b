"""What can be wrong in an order of EDIFACT (ORDERS, D.96A), written in the repertoire UNOA."""

from __future__ import annotations

from tests.edi.mutations.mutating import Base, Mutation

BASE = Base(
    "edifact",
    "UNA:+.? 'UNB+UNOA:3+4012345000009:14+5412345000013:14+261102:0830+17'",
    "UNH+M@+ORDERS:D:96A:UN'BGM+220+PO471@+9'DTM+137:20261102:102'DTM+2:202611121430:203'"
    "FTX+DIN+++CALL BEFORE 9?:30'RFF+CT:C1000017'"
    "NAD+BY+4012345000009::9++NORTHGATE TOOLS+12 MAIN STREET+HAMBURG++20095+DE'CTA+OC+:ADA ARDEN'"
    "COM+?+49405550100:TE'NAD+SU+5412345000013::9'CUX+2:EUR:9'"
    "LIN+1++4000862141404:EN'PIA+1+V100:SA'IMD+F++:::KID?'S CHAIR 1?+1 ??'QTY+21:24:PCE'MOA+203:102'PRI+AAA:4.25'"
    "LIN+2++4000862141404:EN'IMD+F++:::HEX BOLT M8'QTY+21:7:PCE'MOA+203:139.3'PRI+AAA:19.9'"
    "UNS+S'MOA+79:241.3'CNT+1:31'CNT+2:2'UNT+#+M@'",
    "UNZ+3+17'",
    "'",
    "?",
)

_LINES = (
    "LIN+1++4000862141404:EN'PIA+1+V100:SA'IMD+F++:::KID?'S CHAIR 1?+1 ??'QTY+21:24:PCE'MOA+203:102'PRI+AAA:4.25'"
    "LIN+2++4000862141404:EN'IMD+F++:::HEX BOLT M8'QTY+21:7:PCE'MOA+203:139.3'PRI+AAA:19.9'"
)

PUBLISHED = {
    "envelope counts and references": (
        Mutation("UNT counts one too many", "UNT+#+", "UNT+«28»+", "envelope.set_count UNT01"),
        Mutation("UNT's reference is not UNH's", "UNT+#+M2'", "UNT+#+«M9»'", "envelope.set_reference UNT02"),
        Mutation("UNZ counts one too many", "UNZ+3+", "UNZ+«4»+", "envelope.count UNZ01"),
        Mutation("UNZ's reference is not UNB's", "UNZ+3+17'", "UNZ+3+«18»'", "envelope.reference UNZ02"),
    ),
    "missing trailers and truncation": (
        Mutation("no UNT", "UNT+#+M2'", "«»", "envelope.set_not_closed UNT"),
        Mutation("no UNZ", "UNZ+3+17'", "«»", "envelope.truncated"),
        Mutation(
            "the file ends behind a release character",
            "KID?'S CHAIR",
            "KID?«»«»‖",
            "envelope.set_not_closed UNT; envelope.truncated",
        ),
    ),
    "duplicate reference": (
        Mutation(
            "two messages are numbered M1", "UNH+M2+|UNT+#+M2", "UNH+«M1»+|UNT+#+M1", "envelope.set_duplicate UNH01"
        ),
    ),
    "mandatory, length, number, too many": (
        Mutation("no kind of quantity", "QTY+21:7:PCE'", "QTY+«»:7:PCE'", "element.missing QTY01.01"),
        Mutation("an order number of 36", "+PO4712+9'", f"+«{'PO4712' * 6}»+9'", "element.too_long BGM02"),
        Mutation("a letter in a quantity", "QTY+21:7:PCE'", "QTY+21:«T»:PCE'", "element.number QTY01.02"),
        Mutation("two elements where one is defined", "CNT+2:2'", "CNT+2:2+«X»'", "element.too_many CNT02"),
        Mutation(
            "six components where four are defined",
            "MOA+79:241.3'",
            "MOA+79:241.3:EUR:9:4:«X»'",
            "element.too_many MOA01.06",
        ),
    ),
    "date in DTM": (Mutation("month 13", "DTM+137:20261102:102'", "DTM+137:«20261302»:102'", "element.date DTM01.02"),),
    "code list": (Mutation("a party's role that is none", "NAD+SU+", "NAD+«QQQ»+", "element.code NAD01"),),
    "segment missing, unknown, out of order, repeated": (
        Mutation("no BGM", "BGM+220+PO4712+9'", "«»", "segment.missing BGM"),
        Mutation("no UNS", "UNS+S'", "«»", "segment.missing UNS"),
        Mutation("a segment that is none", "RFF+CT:C1000017'", "«ZZZ+1+2»'RFF+CT:C1000017'", "segment.unknown ZZZ"),
        Mutation(
            "RFF behind CUX", "RFF+CT:C1000017'|CUX+2:EUR:9'", "|CUX+2:EUR:9'«RFF+CT:C1000017»'", "segment.order RFF"
        ),
        Mutation("two BGM", "BGM+220+PO4712+9'", "BGM+220+PO4712+9'«BGM+220+PO4712+9»'", "segment.too_many BGM"),
    ),
    "charset level": (
        Mutation("small letters in UNOA", "HEX BOLT M8", "«Hex Bolt M8»", "element.repertoire IMD03.04", warns=True),
    ),
    "total": (Mutation("CNT counts three lines", "CNT+2:2'", "CNT+2:«3»'", "total.count CNT01.02"),),
}
"""One error a document: 22, by the classes in which engines are compared."""

MORE = (
    Mutation("UNT's count is no number", "UNT+#+", "UNT+«XX»+", "element.number UNT01 + envelope.set_count UNT01"),
    Mutation(
        "UNT's reference is empty", "UNT+#+M2'", "UNT+#«»'", "element.missing UNT02 + envelope.set_reference UNT02"
    ),
    Mutation("UNZ's count is empty", "UNZ+3+", "UNZ+«»+", "envelope.count UNZ01"),
    Mutation("the sum of the quantities is another", "CNT+1:31'", "CNT+1:«32»'", "total.sum CNT01.02"),
    Mutation("30 February", "DTM+137:20261102:102'", "DTM+137:«20260230»:102'", "element.date DTM01.02"),
    Mutation(
        "29 February in a common year", "DTM+137:20261102:102'", "DTM+137:«20260229»:102'", "element.date DTM01.02"
    ),
    Mutation(
        "six digits where eight are announced",
        "DTM+137:20261102:102'",
        "DTM+137:«261102»:102'",
        "element.date DTM01.02",
    ),
    Mutation("25 o'clock", "DTM+2:202611121430:203'", "DTM+2:«202611122530»:203'", "element.date DTM01.02"),
    Mutation("letters in a date", "DTM+137:20261102:102'", "DTM+137:«2O261102»:102'", "element.date DTM01.02"),
    Mutation(
        "a format of date that is none", "DTM+137:20261102:102'", "DTM+137:20261102:«19Z»'", "element.code DTM01.03"
    ),
    Mutation("a date of no known meaning", "DTM+137:20261102:102'", "DTM+«9ZZ»:20261102:102'", "element.code DTM01.01"),
    Mutation("no composite of the date at all", "DTM+2:202611121430:203'", "DTM«»'", "element.missing DTM01"),
    Mutation("a kind of document that is none", "BGM+220+", "BGM+«QQQ»+", "element.code BGM01.01"),
    Mutation("a function that is none", "+PO4712+9'", "+PO4712+«99»'", "element.code BGM03"),
    Mutation("a price of no known meaning", "PRI+AAA:19.9'", "PRI+«QQQ»:19.9'", "element.code PRI01.01"),
    Mutation("a currency that is none", "CUX+2:EUR:9'", "CUX+2:«QQQ»:9'", "element.code_unlisted CUX01.02"),
    Mutation("a country that is none", "++20095+DE'", "++20095+«QQ»'", "element.code_unlisted NAD09"),
    Mutation("a number with two points", "PRI+AAA:19.9'", "PRI+AAA:«1.9.9»'", "element.number PRI01.02"),
    Mutation("a number with its minus behind", "PRI+AAA:19.9'", "PRI+AAA:«19.9-»'", "element.number PRI01.02"),
    Mutation("a number that ends in its point", "PRI+AAA:19.9'", "PRI+AAA:«19.»'", "element.number PRI01.02"),
    Mutation("a price of 16 digits", "PRI+AAA:19.9'", "PRI+AAA:«1234567890123456»'", "element.too_long PRI01.02"),
    Mutation("the section is two letters", "UNS+S'", "UNS+«SD»'", "element.too_long UNS01"),
    Mutation("the section is a digit", "UNS+S'", "UNS+«1»'", "element.letters UNS01"),
    Mutation("a party without a role", "NAD+SU+", "NAD+«»+", "element.missing NAD01"),
    Mutation(
        "a party's number left out of its composite",
        "NAD+SU+5412345000013::9'",
        "NAD+SU+«»::9'",
        "element.missing NAD02.01",
    ),
    Mutation(
        "a component where a single value stands",
        "BGM+220+PO4712+9'",
        "BGM+220+PO4712+«9:1»'",
        "element.too_many BGM03",
    ),
    Mutation("a plus that was not released", "1?+1 ??'", "1+«1 ??»'", "element.code IMD04"),
    Mutation("a colon that was not released", "CALL BEFORE 9?:30'", "CALL BEFORE 9:30'", ""),
    Mutation("an apostrophe that was not released", "HEX BOLT M8'", "HEX'«BOLT M8»'", "segment.unknown BOLT M8"),
    Mutation(
        "a release character too many",
        "HEX BOLT M8'QTY+21:7:PCE'|CNT+1:31'",
        "HEX BOLT M8?'QTY+«21:7:PCE»'|CNT+1:24'",
        "element.too_many IMD04",
    ),
    Mutation("an at sign in UNOA", "HEX BOLT M8", "«HEX @ M8»", "element.repertoire IMD03.04"),
    Mutation("a letter with an accent in UNOA", "HEX BOLT M8", "«HEX BÖLT M8»", "element.repertoire IMD03.04"),
    Mutation(
        "36 DTM where 35 may be",
        "FTX+DIN",
        "DTM+2:20261112:102'" * 33 + "«DTM+2:20261112:102»'FTX+DIN",
        "segment.too_many DTM",
    ),
    Mutation("two UNS", "UNS+S'", "UNS+S'«UNS+S»'", "segment.too_many UNS"),
    Mutation(
        "QTY before its LIN",
        "LIN+2++4000862141404:EN'IMD+F++:::HEX BOLT M8'QTY+21:7:PCE'",
        "«QTY+21:7:PCE»'LIN+2++4000862141404:EN'IMD+F++:::HEX BOLT M8'",
        "segment.order QTY",
    ),
    Mutation(
        "IMD behind QTY",
        "IMD+F++:::HEX BOLT M8'QTY+21:7:PCE'",
        "QTY+21:7:PCE'«IMD+F++:::HEX BOLT M8»'",
        "segment.order IMD",
    ),
    Mutation(
        "a contact without its party",
        "NAD+BY+4012345000009::9++NORTHGATE TOOLS+12 MAIN STREET+HAMBURG++20095+DE'"
        "CTA+OC+:ADA ARDEN'COM+?+49405550100:TE'",
        "«CTA+OC+:ADA ARDEN»'",
        "segment.order CTA",
    ),
    Mutation("a segment of another message", "RFF+CT:C1000017'", "RFF+CT:C1000017'«CPS+1»'", "segment.unknown CPS"),
    Mutation(
        "the totals before the lines",
        _LINES + "UNS+S'MOA+79:241.3'CNT+1:31'CNT+2:2'",
        "UNS+S'MOA+79:241.3'CNT+1:31'CNT+2:2'«" + _LINES.replace("'", "»'", 1),
        "segment.order LIN",
    ),
    Mutation("an empty segment", "UNS+S'", "UNS+S'«»'", "segment.empty"),
    Mutation("UNH without its message", "UNH+M2+ORDERS:D:96A:UN'", "UNH+M2+«»:D:96A:UN'", "element.missing UNH02.01"),
    Mutation("the interchange's month is 13", "261102:0830+17'", "«261302:0830»+17'", "envelope.date UNB04"),
    Mutation("a syntax that is none", BASE.before, f"«{BASE.before.replace('UNOA', 'UNOZ')}»", "edifact.syntax UNB"),
    Mutation("bytes behind the interchange", "UNZ+3+17'", "UNZ+3+17'«REGARDS»", "envelope.junk"),
    Mutation("the last terminator is missing", "UNZ+3+17'", "«UNZ+3+17»", "envelope.truncated UNZ", warns=True),
    Mutation("a segment between the messages", "UNH+M2+|UNT+#+", "«RFF+CT:1'»UNH+M2+|UNT+27+", "envelope.stray RFF"),
)
"""Further single errors of orders: components, released characters, formats of dates, repertoires."""
