"""The guides of health care: right documents are right, and each kind of error is found where it is."""

from __future__ import annotations

import pytest

from edi.formats import FORMATS
from edi.model import Document

GROUPS = {"837": "HC", "835": "HP", "270": "HS", "271": "HB", "834": "BE", "820": "RA", "999": "FA"}

PROFESSIONAL = """
BHT*0019*00*B0001*20260112*0815*CH
NM1*41*2*CLEARWATER BILLING*****46*CW0077
PER*IC*EDI DESK*TE*5550100200
NM1*40*2*HARVEST HEALTH PLAN*****46*HHP01
HL*1**20*1
PRV*BI*PXC*207Q00000X
NM1*85*2*RIVERSIDE CLINIC*****XX*1234567893
N3*12 MILL ROAD
N4*SPRINGFIELD*IL*627011234
REF*0B*A12345
REF*EI*123456789
PER*IC*FRONT OFFICE*TE*5550100201
NM1*87*2
N3*PO BOX 12
N4*SPRINGFIELD*IL*627011234
HL*2*1*22*0
SBR*P*18*G100******CI
NM1*IL*1*WATER*ANNA****MI*HHP900011
N3*3 OAK STREET
N4*SPRINGFIELD*IL*62701
DMG*D8*19800101*F
NM1*PR*2*HARVEST HEALTH PLAN*****PI*HHP01
REF*G2*P77
CLM*CLAIM-1*150***11:B:1*Y*A*Y*I
DTP*435*D8*20260101
DTP*431*D8*20251230
REF*D9*TRACE-1
REF*EA*MR-7
NTE*ADD*SEEN AT HOME
HI*BG:01
HI*ABK:J0300*ABF:I10
NM1*77*2*RIVERSIDE ANNEX*****XX*1234567893
N3*14 MILL ROAD
N4*SPRINGFIELD*IL*627011234
NM1*82*1*GRAIN*PAUL****XX*1234567893
PRV*PE*PXC*207Q00000X
NM1*DN*1*REED*MARIA****XX*1234567893
SBR*S*18*******16
CAS*PR*1*20*1*2*5
AMT*EAF*5
AMT*D*80
OI***Y*P**Y
NM1*IL*1*WATER*ANNA****MI*SEC900011
NM1*PR*2*BRIDGE MUTUAL*****PI*BRM01
DTP*573*D8*20260110
LX*1
SV1*HC:99213:25*100*UN*1***1:2
DTP*471*D8*20251201
DTP*472*D8*20260105
REF*G1*AUTH-1
REF*6R*LINE-1
LX*2
SV1*HC:85025*50*UN*2***1
DTP*472*RD8*20260105-20260106
LIN**N4*12345678901
CTP****2*UN
NM1*DK*1*REED*MARIA****XX*1234567893
SVD*BRM01*40*HC:85025**2
CAS*CO*45*10
DTP*573*D8*20260110
HL*3*1*22*1
SBR*P********CI
NM1*IL*1*FIELD*JOHN****MI*HHP900012
NM1*PR*2*HARVEST HEALTH PLAN*****PI*HHP01
HL*4*3*23*0
PAT*19
NM1*QC*1*FIELD*LUCY
N3*5 ELM STREET
N4*SPRINGFIELD*IL*62701
DMG*D8*20150203*F
CLM*CLAIM-2*75***11:B:1*Y*A*Y*Y
HI*ABK:E119
LX*1
SV1*HC:99213*75*UN*1***1
DTP*472*D8*20260107
"""

INSTITUTIONAL = """
BHT*0019*00*B0002*20260112*0815*CH
NM1*41*2*CLEARWATER BILLING*****46*CW0077
PER*IC*EDI DESK*EM*EDI@EXAMPLE.COM
NM1*40*2*HARVEST HEALTH PLAN*****46*HHP01
HL*1**20*1
PRV*BI*PXC*282N00000X
NM1*85*2*HILL HOSPITAL*****XX*1234567893
N3*1 HILL ROAD
N4*SPRINGFIELD*IL*627011234
REF*EI*123456789
HL*2*1*22*0
SBR*P*18*G100******CI
NM1*IL*1*WATER*ANNA****MI*HHP900011
N3*3 OAK STREET
N4*SPRINGFIELD*IL*62701
DMG*D8*19800101*F
NM1*PR*2*HARVEST HEALTH PLAN*****PI*HHP01
CLM*CLAIM-3*1200.5***11:A:1**A*Y*I
DTP*096*TM*1130
DTP*434*RD8*20260101-20260103
DTP*435*DT*202601010815
CL1*1*7*01
REF*EA*MR-8
REF*D9*TRACE-3
HI*ABK:J189:::::::Y
HI*ABJ:R0600
HI*DR:193
HI*ABF:I10:::::::Y*ABF:E119:::::::N
HI*BBR:0BJ08ZZ:D8:20260102
HI*BH:11:D8:20260101
HI*BE:01:::850
HI*BG:09
NM1*71*1*GRAIN*PAUL****XX*1234567893
PRV*AT*PXC*207Q00000X
NM1*72*1*REED*MARIA****XX*1234567893
LX*1
SV2*0300*HC:85025*200.5*UN*1
DTP*472*D8*20260101
LX*2
SV2*0120**1000*DA*2
"""

ADVICE = """
BPR*I*130*C*ACH*CCP*01*011000015*DA*123456789*1512345678**01*031000503*DA*987654321*20260112
TRN*1*0001234*1512345678
REF*EV*CW0077
DTM*405*20260111
N1*PR*HARVEST HEALTH PLAN
N3*100 MAIN STREET
N4*SPRINGFIELD*IL*62701
REF*2U*HHP01
PER*BL*EDI DESK*TE*5550100300
PER*CX*CLAIMS*TE*5550100301
N1*PE*RIVERSIDE CLINIC*XX*1234567893
REF*TJ*123456789
LX*1
CLP*CLAIM-1*1*150*100*20*12*HHP-1*11*1
NM1*QC*1*WATER*ANNA****MI*HHP900011
NM1*82*1*GRAIN*PAUL****XX*1234567893
MOA***MA01
REF*EA*MR-7
DTM*232*20260105
DTM*050*20260108
PER*CX**TE*5550100302
AMT*AU*130
SVC*HC:99213*150*100**1
DTM*472*20260105
CAS*CO*45*30
CAS*PR*1*20
REF*6R*LINE-1
AMT*B6*130
LQ*HE*M20
CLP*CLAIM-2*22*-75*-75**12*HHP-2*11*1
NM1*QC*1*FIELD*LUCY****MI*HHP900012
DTM*232*20260107
LX*2
CLP*CLAIM-4*2*120*105**12*HHP-4*11*1
CAS*OA*23*15
NM1*QC*1*FIELD*JOHN****MI*HHP900013
PLB*1234567893*20261231*WO:OLD-1*0
"""

INQUIRY = """
BHT*0022*13*Q0001*20260112*0815
HL*1**20*1
NM1*PR*2*HARVEST HEALTH PLAN*****PI*HHP01
HL*2*1*21*1
NM1*1P*2*RIVERSIDE CLINIC*****XX*1234567893
REF*EO*477563928
HL*3*2*22*0
TRN*1*93175-012547*9877281234
NM1*IL*1*WATER*ANNA****MI*HHP900011
DMG*D8*19800101*F
DTP*291*D8*20260112
EQ*30
EQ*98^34
III*ZZ*21
"""

ANSWER = """
BHT*0022*11*Q0001*20260112*0816
HL*1**20*1
NM1*PR*2*HARVEST HEALTH PLAN*****PI*HHP01
PER*IC*HELP DESK*TE*5550100400
HL*2*1*21*1
NM1*1P*2*RIVERSIDE CLINIC*****XX*1234567893
HL*3*2*22*1
TRN*2*93175-012547*9877281234
NM1*IL*1*WATER*ANNA****MI*HHP900011
REF*6P*G100*RIVER WORKS
N3*3 OAK STREET
N4*SPRINGFIELD*IL*62701
DMG*D8*19800101*F
INS*Y*18*001*25
DTP*346*D8*20250101
DTP*291*RD8*20260101-20261231
EB*1**30**HHP GOLD
EB*C*IND*30***23*500
HSD*VS*12***22
REF*18*PLAN-1
DTP*348*D8*20260101
MSG*CALL FOR DETAILS
III*ZZ*21
LS*2120
NM1*PR*2*BRIDGE MUTUAL*****PI*BRM01
N3*7 BRIDGE LANE
N4*SPRINGFIELD*IL*62701
PER*IC**UR*WWW.EXAMPLE.COM
LE*2120
EB*A*IND*98^34*****.2
HL*4*3*23*0
NM1*03*1*WATER*TIM
DMG*D8*20150203*M
INS*N*19
EB*1**30
"""

ENROLMENT = """
BGN*00*E0001*20260112*0815*ET***2
REF*38*POLICY-1
DTP*007*D8*20260201
QTY*TO*2
N1*P5*RIVER WORKS*FI*123456789
N1*IN*HARVEST HEALTH PLAN*FI*987654321
INS*Y*18*021*28*A***FT
REF*0F*SUB-1
REF*1L*POLICY-1
REF*DX*D-1
DTP*356*D8*20260101
DTP*336*D8*20200101
NM1*IL*1*WATER*ANNA****34*111223333
PER*IP**HP*5550100500
N3*3 OAK STREET
N4*SPRINGFIELD*IL*62701
DMG*D8*19800101*F*M
HLH*N*165*130
NM1*31*1
N3*PO BOX 3
N4*SPRINGFIELD*IL*62701
HD*021**HLT*GOLD*EMP
DTP*348*D8*20260201
AMT*P3*120.5
REF*1L*POLICY-1
LX*1
NM1*P3*1*GRAIN*PAUL****XX*1234567893*25
COB*P*890111*5
REF*60*COB-1
NM1*IN*2*BRIDGE MUTUAL
INS*N*19*021*28*A
REF*0F*SUB-1
NM1*74*1*WATER*TIM
DMG*D8*20150203*M
NM1*70*1*WATTER*TIM
HD*021**DEN
DTP*348*D8*20260201
LS*2700
LX*1
N1*75*WORK PLACE
REF*17*PLANT 3
LE*2700
"""

PREMIUM = """
BPR*I*241*C*ACH*CCP*01*011000015*DA*123456789*1512345678**01*031000503*DA*987654321*20260112
TRN*1*0001235
REF*14*PREM-1
DTM*582****RD8*20260101-20260131
N1*PE*HARVEST HEALTH PLAN*FI*987654321
N1*PR*RIVER WORKS*FI*123456789
N3*100 RIVER ROAD
N4*SPRINGFIELD*IL*62701
PER*IC*PAYROLL*TE*5550100600
ENT*1*2L*FI*123456789
RMR*11*GROUP-1**200*210
REF*38*GROUP-1
DTM*582****RD8*20260101-20260131
ADX*-10*52
ENT*2*2J*EI*SUB-1
NM1*QE*1*WATER*ANNA****N*SUB-1
RMR*AZ*SUB-1**41
"""

ACKNOWLEDGMENT = """
AK1*HC*7*005010X222A1
AK2*837*0001*005010X222A1
IK3*NM1*8*2010*8
CTX*CLM01:CLAIM-1
IK4*9:0:2*67*1
IK4*8*66*I9*ZZ
CTX*SITUATIONAL TRIGGER*NM1*8*2010*8
IK5*R*5
AK2*837*0002*005010X222A1
IK5*A
AK9*P*2*2*1
"""

DOCUMENTS = {
    ("837", "005010X222A1"): PROFESSIONAL,
    ("837", "005010X223A2"): INSTITUTIONAL,
    ("835", "005010X221A1"): ADVICE,
    ("270", "005010X279A1"): INQUIRY,
    ("271", "005010X279A1"): ANSWER,
    ("834", "005010X220A1"): ENROLMENT,
    ("820", "005010X218"): PREMIUM,
    ("999", "005010X231A1"): ACKNOWLEDGMENT,
}


def document_of(message: str, version: str, segments: list[str]) -> Document:
    """What the reader makes of an interchange with this one transaction set."""
    isa = f"ISA*00*{' ' * 10}*00*{' ' * 10}*ZZ*{'CLEARWATER':15}*ZZ*{'HARVEST':15}*260112*0815*^*00501*000000007*0*P*:"
    start = [
        isa,
        f"GS*{GROUPS[message]}*CLEARWATER*HARVEST*20260112*0815*7*X*{version}",
        f"ST*{message}*0001*{version}",
    ]
    lines = [*start, *segments, f"SE*{len(segments) + 2}*0001", "GE*1*7", "IEA*1*000000007"]
    (document,) = FORMATS["x12"].read(["~\n".join([*lines, ""]).encode()], {})
    assert isinstance(document, Document)
    return document


def found(document: Document) -> list[tuple[str, str]]:
    return [(one.code, f"{one.position.tag or ''}{one.position.element or ''}") for one in document.findings]


@pytest.mark.parametrize(("case", "text"), DOCUMENTS.items(), ids=lambda case: "/".join(case) if len(case) == 2 else "")
def test_a_document_that_its_guide_allows_is_right(case: tuple[str, str], text: str) -> None:
    assert found(document_of(*case, text.split("\n")[1:-1])) == []


P837, I837, P835, B271, E834, R820, F999 = (
    ("837", "005010X222A1"),
    ("837", "005010X223A2"),
    ("835", "005010X221A1"),
    ("271", "005010X279A1"),
    ("834", "005010X220A1"),
    ("820", "005010X218"),
    ("999", "005010X231A1"),
)
BILLING = "NM1*85*2*RIVERSIDE CLINIC*****XX*1234567893"
SERVICE_DATE = "DTP*472*D8*20260105\nREF*G1"

ERRORS: list[tuple[tuple[str, str], str, str, set[tuple[str, str]]]] = [
    # codes that the guide does not take, some of them codes of the standard
    (P837, "BHT*0019", "BHT*0022", {("element.code", "BHT1")}),
    (P837, "SBR*P*18", "SBR*X*18", {("element.code", "SBR1")}),
    (P837, "19800101*F", "19800101*X", {("element.code", "DMG3")}),
    (P837, BILLING, BILLING.replace("*2*", "*3*"), {("element.code", "NM12")}),
    (P837, SERVICE_DATE, SERVICE_DATE.replace("D8", "TT"), {("element.code", "DTP2"), ("element.date", "DTP3")}),
    (P837, "HI*ABK:J0300*ABF:I10", "HI*ABK:J0300*BQ:I10", {("element.code", "HI2")}),
    (P837, "*150***11:B:1", "*150***11:A:1", {("element.code", "CLM5")}),
    (P837, "*100*UN*1", "*100*XX*1", {("element.code", "SV13")}),
    (P837, "N4*SPRINGFIELD*IL", "N4*SPRINGFIELD*XX", {("element.code_unlisted", "N42")}),
    (I837, "J189:::::::Y", "J189:::::::X", {("element.code", "HI1")}),
    (P835, "CAS*CO*45", "CAS*XX*45", {("element.code", "CAS1")}),
    (B271, "EB*1**30**HHP GOLD", "EB*1**XX**HHP GOLD", {("element.code", "EB3")}),
    (E834, "INS*Y*18*021", "INS*Q*18*021", {("element.code", "INS1")}),
    (E834, "HD*021**HLT", "HD*999**HLT", {("element.code", "HD1")}),
    (R820, "RMR*AZ*", "RMR*ZZ*", {("element.code", "RMR1")}),
    (F999, "IK5*R*5", "IK5*Q*5", {("element.code", "IK51")}),
    # elements that the guide requires, or does not use
    (P837, "CLM*CLAIM-1*", "CLM**", {("element.missing", "CLM1")}),
    (P837, BILLING, BILLING.removesuffix("*1234567893"), {("element.condition", "NM19")}),
    (P837, BILLING, f"{BILLING}*01", {("element.too_many", "NM110")}),
    (I837, "SV2*0300*", "SV2**", {("element.missing", "SV21")}),
    (P835, "WO:OLD-1*0", "WO:OLD-1", {("element.missing", "PLB4")}),
    # segments and loops that the guide requires, by their qualifiers
    (P837, "NM1*40*2*HARVEST HEALTH PLAN*****46*HHP01\n", "", {("segment.missing", "NM1")}),
    (P837, "N3*12 MILL ROAD\n", "", {("segment.missing", "N3")}),
    (P837, "REF*EI*123456789\n", "", {("segment.missing", "REF")}),
    (P837, "SBR*P*18*G100******CI\n", "", {("segment.missing", "SBR")}),
    (P837, "HI*ABK:J0300*ABF:I10\n", "", {("segment.missing", "HI")}),
    (P837, SERVICE_DATE, "REF*G1", {("segment.missing", "DTP")}),
    (P837, "CTP****2*UN\n", "", {("segment.missing", "CTP")}),
    (I837, "CL1*1*7*01\n", "", {("segment.missing", "CL1")}),
    (I837, "DTP*434*RD8*20260101-20260103\n", "", {("segment.missing", "DTP")}),
    (E834, "DTP*348*D8*20260201\nAMT", "AMT", {("segment.missing", "DTP")}),
    (B271, "LE*2120\n", "", {("segment.missing", "LE")}),
    (F999, "IK5*R*5\n", "", {("segment.missing", "IK5")}),
    # too many of them, at the wrong place, or not known to the guide
    (P837, "REF*EI*123456789\n", "REF*EI*123456789\nREF*SY*123456789\n", {("segment.too_many", "REF")}),
    (P837, SERVICE_DATE, f"DTP*472*D8*20260105\n{SERVICE_DATE}", {("segment.too_many", "DTP")}),
    (P837, "REF*EI*123456789\n", "REF*EI*123456789\nREF*TJ*123456789\n", {("segment.order", "REF1")}),
    (P837, "HL*2*1*22*0", "HL*2*1*29*0", {("segment.order", "HL3")}),
    (P837, "LX*2\n", "ZZZ*1\nLX*2\n", {("segment.unknown", "ZZZ")}),
    # levels and totals
    (P837, "LX*2\n", "LX*3\n", {("level.number", "LX1")}),
    (P837, "HL*2*1*22*0", "HL*2*9*22*0", {("level.parent", "HL2")}),
    (P837, "HL*4*3*23*0", "HL*4*1*23*0", {("level.parent", "HL2")}),
    (P837, "CLM*CLAIM-1*150*", "CLM*CLAIM-1*151*", {("total.sum", "CLM2")}),
    (P835, "BPR*I*130", "BPR*I*131", {("total.sum", "BPR2")}),
]


@pytest.mark.parametrize(("case", "right", "wrong", "expected"), ERRORS)
def test_an_error_against_the_guide_is_found_alone(
    case: tuple[str, str], right: str, wrong: str, expected: set[tuple[str, str]]
) -> None:
    text = DOCUMENTS[case]
    assert right in text
    assert set(found(document_of(*case, text.replace(right, wrong, 1).split("\n")[1:-1]))) == expected


def test_neighbours_that_qualifiers_tell_apart_stand_in_any_order() -> None:
    """Those of one slot of the standard: references, dates and the loops of providers."""
    text = PROFESSIONAL
    for one, other in (
        ("REF*0B*A12345\n", "REF*EI*123456789\n"),
        ("DTP*435*D8*20260101\n", "DTP*431*D8*20251230\n"),
        ("HI*BG:01\n", "HI*ABK:J0300*ABF:I10\n"),
        ("AMT*EAF*5\n", "AMT*D*80\n"),
        ("NM1*82*1*GRAIN*PAUL****XX*1234567893\nPRV*PE*PXC*207Q00000X\n", "NM1*DN*1*REED*MARIA****XX*1234567893\n"),
    ):
        assert one + other in text
        text = text.replace(one + other, other + one)
    assert found(document_of(*P837, text.split("\n")[1:-1])) == []


def test_an_industry_guide_is_for_its_own_version() -> None:
    """Another guide of the same release is read with the release's own: nothing is narrowed."""
    segments = PROFESSIONAL.replace("BHT*0019", "BHT*0022").split("\n")[1:-1]
    assert found(document_of("837", "005010X222A1", segments)) == [("element.code", "BHT1")]
    assert found(document_of("837", "005010X299", segments)) == []
