"""What can be wrong in an invoice and in a despatch advice of EDIFACT, in groups, and in syntax version 4."""

from __future__ import annotations

from tests.edi.mutations.mutating import Base, Mutation

INVOICE = Base(
    "edifact",
    "UNA:+.? 'UNB+UNOC:3+4012345000009:14+5412345000013:14+261102:0830+17'"
    "UNG+INVOIC+4012345000009+5412345000013+261102:0830+G1+UN+D:96A'",
    "UNH+M@+INVOIC:D:96A:UN'BGM+380+INV1@+9'DTM+137:20261103:102'RFF+ON:PO4711'DTM+171:20261020:102'"
    "NAD+SU+4012345000009::9'RFF+VA:DE123456789'NAD+BY+5412345000013::9'CUX+2:EUR:4'PAT+1++5:3:D:30'"
    "LIN+1++4000862141404:EN'IMD+F++:::HEX BOLT M8'QTY+47:24:PCE'MOA+203:102'PRI+AAA:4.25'TAX+7+VAT+++:::19+S'"
    "LIN+2++4000862141404:EN'QTY+47:7:PCE'MOA+203:139.3'PRI+AAA:19.9'TAX+7+VAT+++:::19+S'"
    "UNS+S'CNT+2:2'MOA+79:241.3'MOA+124:45.85'MOA+77:287.15'TAX+7+VAT+++:::19+S'MOA+124:45.85'UNT+#+M@'",
    "UNE+3+G1'UNZ+1+17'",
    "'",
    "?",
)

INVOICE_MUTATIONS = (
    Mutation("UNE counts one too many", "UNE+3+", "UNE+«4»+", "envelope.count UNE01"),
    Mutation("UNE's reference is not UNG's", "UNE+3+G1", "UNE+3+«G2»", "envelope.reference UNE02"),
    Mutation("UNZ counts messages where groups are counted", "UNZ+1+", "UNZ+«3»+", "envelope.count UNZ01"),
    Mutation("no UNE", "UNE+3+G1'UNZ+1+17'", "«UNZ+1+17'»", "envelope.not_closed UNZ"),
    Mutation("two UNE", "UNE+3+G1'", "UNE+3+G1'«UNE+3+G1'»", "envelope.not_opened UNE"),
    Mutation("CNT counts three lines", "CNT+2:2'", "CNT+2:«3»'", "total.count CNT01.02"),
    Mutation(
        "no MOA in the summary",
        "MOA+79:241.3'MOA+124:45.85'MOA+77:287.15'TAX+7+VAT+++:::19+S'MOA+124:45.85'",
        "«»",
        "segment.missing MOA",
    ),
    Mutation("CNT behind MOA", "CNT+2:2'MOA+79:241.3'", "MOA+79:241.3'«CNT+2:2»'", "segment.order CNT"),
    Mutation("an amount with a blank", "MOA+77:287.15'", "MOA+77:«287 15»'", "element.number MOA01.02"),
    Mutation("an amount of 19 digits", "MOA+77:287.15'", "MOA+77:«1234567890123456789»'", "element.too_long MOA01.02"),
    Mutation("an amount without its meaning", "MOA+77:287.15'", "MOA+«»:287.15'", "element.missing MOA01.01"),
    Mutation(
        "a tax that is none",
        "MOA+203:139.3'PRI+AAA:19.9'TAX+7+",
        "MOA+203:139.3'PRI+AAA:19.9'TAX+«9X»+",
        "element.code TAX01",
    ),
    Mutation(
        "26 PIA where 25 may be",
        "LIN+2++4000862141404:EN'QTY",
        "LIN+2++4000862141404:EN'" + "PIA+1+A:SA'" * 25 + "«PIA+1+A:SA»'QTY",
        "segment.too_many PIA",
    ),
    Mutation("a date of a group that is none", "+261102:0830+G1", "+«261131:0830»+G1", "envelope.date UNG04"),
)

DESPATCH = Base(
    "edifact",
    "UNA:+.?*'UNB+UNOC:4+4012345000009:14+5412345000013:14+20261102:0830+17'",
    "UNH+M@+DESADV:D:96A:UN'BGM+351+DA1@+9'DTM+137:20261102:102'DTM+11:202611050930:203'RFF+ON:PO4711'"
    "NAD+SU+4012345000009::9'NAD+DP+5412345000013::9'TDT+20++30+31'CPS+1'PAC+2++CT'"
    "CPS+2+1'PAC+1++CT'PCI+24'GIN+BJ+340123450000000018'LIN+1++4000862141404:EN'QTY+12:24:PCE'"
    "CPS+3+1'PAC+1++CT'LIN+2++4000862141404:EN'QTY+12:7:PCE'CNT+2:2'UNT+#+M@'",
    "UNZ+3+17'",
    "'",
    "?",
)

DESPATCH_MUTATIONS = (
    Mutation("CNT counts one line", "CNT+2:2'", "CNT+2:«1»'", "total.count CNT01.02"),
    Mutation(
        "a quantity sent twice in one element", "QTY+12:7:PCE'", "QTY+«12:7:PCE*12:8:PCE»'", "element.repeated QTY01"
    ),
    Mutation("no number of a level", "CPS+3+1'", "CPS+«»+1'", "element.missing CPS01"),
    Mutation("packages in letters", "PAC+2++CT'", "PAC+«TWO»++CT'", "element.number PAC01"),
    Mutation("an unknown segment", "TDT+20++30+31'", "«XYZ+1»'TDT+20++30+31'", "segment.unknown XYZ"),
    Mutation("a stage of transport that is none", "TDT+20++", "TDT+«QQ»++", "element.code TDT01"),
    Mutation(
        "12 November 2026, 30 hours", "DTM+11:202611050930:203'", "DTM+11:«202611053030»:203'", "element.date DTM01.02"
    ),
    Mutation("no date of the interchange", "+20261102:0830+17'", "+«20261302:0830»+17'", "envelope.date UNB04"),
    Mutation(
        "the file ends inside a despatch advice",
        "PCI+24'",
        "PCI+24'«»«»‖",
        "envelope.set_not_closed UNT; envelope.truncated",
    ),
)
