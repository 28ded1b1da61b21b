"""What can be wrong in a claim of a professional (837P, 005010X222A1)."""

from __future__ import annotations

from tests.edi.mutations.mutating import Base, Mutation

BASE = Base(
    "x12",
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261102*0830*^*00501*000000017*0*P*:~"
    "GS*HC*SENDER*RECEIVER*20261102*0830*17*X*005010X222A1~",
    "ST*837*000@*005010X222A1~BHT*0019*00*B000000@*20261102*0915*CH~"
    "NM1*41*2*CLEARWATER BILLING*****46*CW0077~PER*IC*EDI DESK*TE*5550100200~"
    "NM1*40*2*HARVEST HEALTH PLAN*****46*HHP01~"
    "HL*1**20*1~PRV*BI*PXC*207Q00000X~NM1*85*2*OAK HILL CLINIC*****XX*1467560003~N3*7 DOCK ROAD~"
    "N4*AUSTIN*TX*787011234~REF*EI*123456789~"
    "HL*2*1*22*0~SBR*P*18*GRP1001******CI~NM1*IL*1*ARDEN*ADA****MI*M100200300~N3*12 MAIN STREET~"
    "N4*DAYTON*OH*45402~DMG*D8*19700131*F~NM1*PR*2*BRIDGE MUTUAL*****PI*12345~"
    "CLM*A-1001*210.5***11:B:1*Y*A*Y*Y~DTP*431*D8*20261030~REF*D9*4400112233~HI*ABK:J0300*ABF:E119~"
    "NM1*82*1*HOLLIS*IRIS****XX*1467560003~PRV*PE*PXC*208D00000X~"
    "LX*1~SV1*HC:99213*75.5*UN*1***1:2~DTP*472*D8*20261102~REF*6R*A-1001-1~"
    "LX*2~SV1*HC:85025*135*UN*1***1~DTP*472*D8*20261102~"
    "HL*3*1*22*1~SBR*P**GRP1002******CI~NM1*IL*1*FARROW*HUGO****MI*M100200301~N3*9 STATION SQ~"
    "N4*OMAHA*NE*68102~DMG*D8*19801224*M~NM1*PR*2*SUMMIT CARE*****PI*54321~"
    "HL*4*3*23*0~PAT*19~NM1*QC*1*FARROW*GRETA~N3*9 STATION SQ~N4*OMAHA*NE*68102~DMG*D8*20120229*F~"
    "CLM*A-1002*80***11:B:1*Y*A*Y*Y~HI*ABK:J0300~LX*1~SV1*HC:99214*80*UN*1***1~DTP*472*RD8*20261101-20261102~"
    "SE*#*000@~",
    "GE*3*17~IEA*1*000000017~",
    "~",
)

_SERVICE = "LX*2~SV1*HC:85025*135*UN*1***1~DTP*472*D8*20261102~"

PUBLISHED = {
    "envelope counts and control numbers": (
        Mutation("SE01 counts one too many", "SE*#*", "SE*«51»*", "envelope.set_count SE01"),
        Mutation("SE02 is not ST02", "SE*#*0002", "SE*#*«0009»", "envelope.set_reference SE02"),
        Mutation("GE01 counts one too many", "GE*3*", "GE*«4»*", "envelope.count GE01"),
        Mutation("GE02 is not GS06", "GE*3*17", "GE*3*«18»", "envelope.reference GE02"),
        Mutation("IEA01 counts one too many", "IEA*1*", "IEA*«2»*", "envelope.count IEA01"),
        Mutation("IEA02 is not ISA13", "IEA*1*000000017", "IEA*1*«000000018»", "envelope.reference IEA02"),
    ),
    "missing trailers and truncation": (
        Mutation("no SE", "SE*#*0002~", "«»", "envelope.set_not_closed SE"),
        Mutation("no GE", "GE*3*17~IEA*1*000000017~", "«IEA*1*000000017~»", "envelope.not_closed IEA"),
        Mutation("no trailer of the interchange", "IEA*1*000000017~", "«»", "envelope.truncated"),
    ),
    "duplicate control number": (
        Mutation(
            "two sets are numbered 0001",
            "ST*837*0002*|SE*#*0002",
            "ST*837*«0001»*|SE*#*0001",
            "envelope.set_duplicate ST02",
        ),
    ),
    "mandatory, length, number, too many": (
        Mutation("no claim number", "CLM*A-1001*", "CLM*«»*", "element.missing CLM01"),
        Mutation("a claim number of 39", "CLM*A-1001*", f"CLM*«{'A-1001' * 6 + '123'}»*", "element.too_long CLM01"),
        Mutation("a letter in a charge", "*135*UN", "*«I35»*UN", "element.number SV102"),
        Mutation("two elements where one is defined", "LX*2~", "LX*2*«3»~", "element.too_many LX02"),
    ),
    "date": (
        Mutation(
            "a service in month 13",
            "REF*D9*4400112233~|DTP*431*D8*20261030",
            "REF*D9*4400112233~|DTP*431*D8*«20261330»",
            "element.date DTP03",
        ),
    ),
    "code list": (
        Mutation("a payer's place that is none", "SBR*P*18*", "SBR*«Z»*18*", "element.code SBR01"),
        Mutation("a state that is none", "N4*DAYTON*OH*", "N4*DAYTON*«XX»*", "element.code_unlisted N402"),
    ),
    "segment missing, unknown, out of order, repeated": (
        Mutation("no BHT", "BHT*0019*00*B0000002*20261102*0915*CH~", "«»", "segment.missing BHT"),
        Mutation(
            "no diagnosis", "REF*D9*4400112233~HI*ABK:J0300*ABF:E119~", "REF*D9*4400112233~«»", "segment.missing HI"
        ),
        Mutation("a segment that is none", "HL*2*1*22*0~", "«ZZZ*1*2»~HL*2*1*22*0~", "segment.unknown ZZZ"),
        Mutation(
            "N4 before N3",
            "N3*12 MAIN STREET~N4*DAYTON*OH*45402~",
            "N4*DAYTON*OH*45402~«N3*12 MAIN STREET»~",
            "segment.order N3",
        ),
        Mutation(
            "two BHT",
            "BHT*0019*00*B0000002*20261102*0915*CH~",
            "BHT*0019*00*B0000002*20261102*0915*CH~«BHT*0019*00*B0000002*20261102*0915*CH»~",
            "segment.too_many BHT",
        ),
    ),
    "syntax notes": (
        Mutation(
            "P0304: a unit without a quantity",
            "*135*UN*1*",
            "*135*UN*«»*",
            "element.missing SV104 + element.condition SV104",
        ),
    ),
    "HL and LX sequence": (
        Mutation("a level is left out", "HL*2*1*22*0", "HL*«5»*1*22*0", "level.number HL01"),
        Mutation("a line is left out", "LX*2~", "LX*«3»~", "level.number LX01"),
    ),
    "claim total": (
        Mutation("the charge is not the sum of the lines", "*A-1001*210.5*", "*A-1001*«210.49»*", "total.sum CLM02"),
    ),
}
"""One error a document: 26, by the classes in which engines are compared."""

MORE = (
    Mutation("a parent that does not exist", "HL*4*3*23*0", "HL*4*«9»*23*0", "level.parent HL02"),
    Mutation("a parent that comes later", "HL*2*1*22*0", "HL*2*«4»*22*0", "level.parent HL02"),
    Mutation(
        "a dependent below the provider", "HL*4*3*23*0|HL*3*1*22*1", "HL*4*«1»*23*0|HL*3*1*22*0", "level.parent HL02"
    ),
    Mutation("a level of no known kind", "HL*2*1*22*0", "HL*2*1*«9X»*0", "element.code HL03 + segment.order HL03"),
    Mutation("HL04 denies its children", "HL*3*1*22*1", "HL*3*1*22*«0»", "level.child HL04"),
    Mutation("HL04 promises children", "HL*2*1*22*0", "HL*2*1*22*«1»", "level.child HL04"),
    Mutation("HL04 is no code", "HL*2*1*22*0", "HL*2*1*22*«7»", "element.code HL04"),
    Mutation("HL01 is empty", "HL*2*1*22*0", "HL*«»*1*22*0", "element.missing HL01"),
    Mutation("two levels have one number", "HL*3*1*22*1|HL*4*3*23*0", "HL*«2»*1*22*1|HL*3*2*23*0", "level.number HL01"),
    Mutation("a level's number of two components", "HL*2*1*22*0", "HL*«2:1»*1*22*0", "element.too_many HL01"),
    Mutation("a parent of two components", "HL*2*1*22*0", "HL*2*«1:1»*22*0", "element.too_many HL02"),
    Mutation("a repeated number of a line", "LX*2~", "LX*«2^2»~", "element.repeated LX01"),
    Mutation("a repeated charge of a claim", "*A-1001*210.5*", "*A-1001*«210.5^210.5»*", "element.repeated CLM02"),
    Mutation("LX begins with 0", "LX*1~SV1*HC:99213", "LX*«0»~SV1*HC:99213", "level.number LX01"),
    Mutation("a place of service is missing", "*210.5***11:B:1*", "*210.5***«»:B:1*", "element.missing CLM05.01"),
    Mutation("a procedure code is missing", "SV1*HC:85025*", "SV1*HC«»*", "element.missing SV101.02"),
    Mutation("a kind of procedure code that is none", "SV1*HC:85025*", "SV1*«QQ»:85025*", "element.code SV101.01"),
    Mutation("five pointers where four may be", "***1:2~", "***1:2:1:2:«1»~", "element.too_many SV107.05"),
    Mutation("a pointer that is no number", "***1:2~", "***1:«B»~", "element.number SV107.02"),
    Mutation(
        "a diagnosis of no known kind",
        "HI*ABK:J0300*ABF",
        "HI*««QQQ»:J0300»*ABF",
        "segment.order HI01; element.code HI01.01",
    ),
    Mutation("a diagnosis is missing", "*ABF:E119~", "*ABF«»~", "element.missing HI02.02"),
    Mutation("a charge repeated where it may not be", "*135*UN", "*«135^136»*UN", "element.repeated SV102"),
    Mutation("a birth on 30 February", "DMG*D8*19700131", "DMG*D8*«19700230»", "element.date DMG02"),
    Mutation("a period that ends on day 32", "*20261101-20261102~", "*«20261101-20261132»~", "element.date DTP03"),
    Mutation("one date where a period is announced", "*20261101-20261102~", "*«20261101»~", "element.date DTP03"),
    Mutation("a format of date that is none", "DTP*431*D8*", "DTP*431*«Q8»*", "element.code DTP02"),
    Mutation("a sex that is none", "DMG*D8*19700131*F~", "DMG*D8*19700131*«Q»~", "element.code DMG03"),
    Mutation("a party of another place", "NM1*82*1*", "NM1*«9Z»*1*", "segment.order NM101"),
    Mutation("neither a person nor an organization", "NM1*82*1*", "NM1*82*«4»*", "element.code NM102"),
    Mutation("P0809: a kind of number without the number", "*MI*M100200300~", "*MI«»~", "element.condition NM109"),
    Mutation(
        "P0203: a kind of number without the number",
        "PRV*PE*PXC*208D00000X~",
        "PRV*PE*PXC«»~",
        "element.missing PRV03 + element.condition PRV03",
    ),
    Mutation(
        "E0207: a state and a subdivision",
        "N4*DAYTON*OH*45402~",
        "N4*DAYTON*OH*45402*US***«OH»~",
        "element.excluded N407",
    ),
    Mutation(
        "C0605: a place without its kind", "N4*DAYTON*OH*45402~", "N4*DAYTON*OH*45402**«»*9~", "element.condition N405"
    ),
    Mutation("a time of 24 o'clock", "*20261102*0915*CH", "*20261102*«2400»*CH", "element.time BHT05"),
    Mutation(
        "no name of the submitter's contact",
        "PER*IC*EDI DESK*TE*5550100200~",
        "PER*IC*EDI DESK*TE«»~",
        "element.missing PER04 + element.condition PER04",
    ),
    Mutation("a second PAT", "PAT*19~", "PAT*19~«PAT*19»~", "segment.too_many PAT"),
    Mutation(
        "a service line without its service",
        _SERVICE + "|*A-1001*210.5*",
        "LX*2~«»DTP*472*D8*20261102~|*A-1001*75.5*",
        "segment.missing SV1",
    ),
    Mutation("a claim's segment inside a line", _SERVICE, _SERVICE + "HI*«BR:0TB»~", "segment.order HI01"),
    Mutation("ST03 is not GS08", "ST*837*0002*005010X222A1", "ST*837*0002*«005010X222A2»", "envelope.version ST03"),
)
"""Further single errors of claims, of their levels, composites and repetitions."""
