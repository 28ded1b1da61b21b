"""What can be wrong in an invoice (810), a ship notice (856) and a payment (835) of X12 004010."""

from __future__ import annotations

from tests.edi.mutations.mutating import Base, Mutation

_ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261102*0830*U*00401*000000017*0*P*>~"

INVOICE = Base(
    "x12",
    f"{_ISA}GS*IN*SENDER*RECEIVER*20261102*0830*17*X*004010~",
    "ST*810*000@~BIG*20261103*INV1@*20261020*PO4711***DI~REF*IA*000417~"
    "N1*RE*NORTHGATE TOOLS*92*0417~N3*12 MAIN STREET~N4*DAYTON*OH*45402*US~ITD*01*3*2**10**30~DTM*011*20261101~"
    "IT1*1*24*EA*4.25**UP*036000291452~PID*F****HEX BOLT M8 ZINC~IT1*2*7*CA*-19.9**UP*036000291452~"
    "TDS*3730~SAC*C*D240***1500~CTT*2~SE*#*000@~",
    "GE*3*17~IEA*1*000000017~",
    "~",
)

INVOICE_MUTATIONS = (
    Mutation("CTT01 counts one line", "CTT*2~", "CTT*«1»~", "total.count CTT01"),
    Mutation("an amount in cents has a point", "TDS*3730~", "TDS*«37.30»~", "element.number TDS01"),
    Mutation("an amount in cents has a blank", "TDS*3730~", "TDS*«3 730»~", "element.number TDS01"),
    Mutation("no TDS", "TDS*3730~|CTT*2~", "|«»CTT*2~", "segment.missing TDS"),
    Mutation("two TDS", "TDS*3730~", "TDS*3730~«TDS*3730»~", "segment.too_many TDS"),
    Mutation("an invoice number of 23", "*INV12*", "*«INV12345678901234567890»*", "element.too_long BIG02"),
    Mutation("no date of the invoice", "BIG*20261103*", "BIG*«»*", "element.missing BIG01"),
    Mutation("no BIG", "BIG*20261103*INV12*20261020*PO4711***DI~", "«»", "segment.missing BIG"),
    Mutation("an allowance or charge that is neither", "SAC*C*D240", "SAC*«Z»*D240", "element.code SAC01"),
    Mutation("a quantity of letters", "IT1*1*24*", "IT1*1*«XX»*", "element.number IT102"),
    Mutation("a term that is none", "ITD*01*", "ITD*«Q1»*", "element.code ITD01"),
    Mutation("a component in a single value", "*HEX BOLT M8 ZINC", "*«HEX>BOLT»", "element.too_many PID05"),
)

SHIP_NOTICE = Base(
    "x12",
    f"{_ISA}GS*SH*SENDER*RECEIVER*20261102*0830*17*X*004010~",
    "ST*856*000@~BSN*00*SH1@*20261102*0915*0001~HL*1**S*1~TD1*CTN25*4****G*250*LB~TD5*O*2*ACME*M*GROUND~"
    "REF*BM*BOL1~DTM*017*20261105~N1*SF*NORTHGATE TOOLS*92*0417~"
    "HL*2*1*O*1~PRF*PO4711***20261020~HL*3*2*P*1~MAN*GM*00123456789012345675~"
    "HL*4*3*I*0~LIN**UP*036000291452~SN1**24*EA~HL*5*3*I*0~LIN**UP*036000291469~SN1**7*EA~"
    "HL*6*2*P*1~MAN*GM*00123456789012345682~HL*7*6*I*0~LIN**UP*036000291476~SN1**2*EA~CTT*7~SE*#*000@~",
    "GE*3*17~IEA*1*000000017~",
    "~",
)

SHIP_NOTICE_MUTATIONS = (
    Mutation("CTT01 counts six levels", "CTT*7~", "CTT*«6»~", "total.count CTT01"),
    Mutation("a level is numbered 6 twice", "HL*7*6*I*0", "HL*«6»*6*I*0", "level.number HL01"),
    Mutation("an item below a level that is none", "HL*7*6*I*0", "HL*7*«9»*I*0", "level.parent HL02"),
    Mutation("a level below itself", "HL*7*6*I*0", "HL*7*«7»*I*0", "level.parent HL02"),
    Mutation("HL04 of a carton denies its items", "HL*6*2*P*1", "HL*6*2*P*«0»", "level.child HL04"),
    Mutation("HL04 of an item promises more", "HL*7*6*I*0", "HL*7*6*I*«1»", "level.child HL04"),
    Mutation("a level without a code", "HL*7*6*I*0", "HL*7*6*«»*0", "element.missing HL03"),
    Mutation("a level without a number", "HL*7*6*I*0", "HL*«»*6*I*0", "element.missing HL01"),
    Mutation(
        "P0405: a second mark without its kind",
        "MAN*GM*00123456789012345682~",
        "MAN*GM*00123456789012345682**«»*0012~",
        "element.condition MAN04",
    ),
    Mutation("an item without a number", "LIN**UP*036000291476~", "LIN**UP«»~", "element.missing LIN03"),
    Mutation("a quantity shipped of no unit", "SN1**2*EA~", "SN1**2«»~", "element.missing SN103"),
    Mutation(
        "SN1 before LIN", "LIN**UP*036000291476~SN1**2*EA~", "SN1**2*EA~«LIN**UP*036000291476»~", "segment.order LIN"
    ),
    Mutation("no BSN", "BSN*00*SH12*20261102*0915*0001~", "«»", "segment.missing BSN"),
)

PAYMENT = Base(
    "x12",
    f"{_ISA}GS*HP*SENDER*RECEIVER*20261102*0830*17*X*004010X091A1~",
    "ST*835*000@~BPR*I*80*C*ACH*CCP*01*999999992*DA*123456*1512345678**01*999988880*DA*98765*20261104~"
    "TRN*1*12345*1512345678~DTM*405*20261102~N1*PR*SUMMIT CARE~N3*9 STATION SQ~N4*OMAHA*NE*68102~"
    "N1*PE*OAK HILL CLINIC*XX*1467560003~LX*1~CLP*A-1001*1*100*80*20*12*94151100300~"
    "NM1*QC*1*ARDEN*ADA****MI*M100200300~SVC*HC>99213*100*80**1~DTM*472*20261020~CAS*PR*1*20~SE*#*000@~",
    "GE*3*17~IEA*1*000000017~",
    "~",
)

PAYMENT_MUTATIONS = (
    Mutation("a payment that is not the sum of its claims", "BPR*I*80*", "BPR*I*«81»*", "total.sum BPR02"),
    Mutation(
        "a claim whose payment and adjustments are not its charge",
        "*1*100*80*20*12",
        "*1*«101»*80*20*12",
        "total.sum CLP03",
    ),
    Mutation(
        "a service whose payment and adjustments are not its charge",
        "SVC*HC>99213*100*",
        "SVC*HC>99213*«99»*",
        "total.sum SVC02",
    ),
    Mutation("an adjustment with a letter", "CAS*PR*1*20~", "CAS*PR*1*«2O»~", "element.number CAS03"),
    Mutation("an amount with a plus", "BPR*I*80*", "BPR*I*«+80»*", "element.number BPR02"),
    Mutation("a claim number of 39", "CLP*A-1001*", f"CLP*«{'A-1001' * 6}XYZ»*", "element.too_long CLP01"),
    Mutation("a code of payment that is none", "*80*C*ACH*", "*80*C*«QQQ»*", "element.code BPR04"),
)
