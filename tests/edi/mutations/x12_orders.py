"""What can be wrong in a purchase order of X12 (850, 004010)."""

from __future__ import annotations

from tests.edi.mutations.mutating import Base, Mutation

BASE = Base(
    "x12",
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261102*0830*U*00401*000000017*0*P*>~"
    "GS*PO*SENDER*RECEIVER*20261102*0830*17*X*004010~",
    "ST*850*000@~BEG*00*SA*PO471@**20261102~CUR*BY*USD~REF*DP*038~PER*BD*ADA ARDEN*TE*5550100200~"
    "FOB*PP*OR*WAREHOUSE~ITD*01*3*2**10**30~DTM*002*20261112*0915~TD5*O*2*ACME*M*GROUND~"
    "N9*ZZ*TERMS~DTM*002*20261113~"
    "N1*BY*NORTHGATE TOOLS*92*0417~N3*12 MAIN STREET~N4*DAYTON*OH*45402*US~"
    "N1*ST*OAK HILL DISTRIBUTION*92*0883~N3*7 DOCK ROAD~N4*AUSTIN*TX*78701*US~"
    "PO1*1*24*EA*4.25*PE*UP*036000291452*VP*V-100~PID*F****HEX BOLT M8 ZINC~PID*F*08***ZINC~"
    "PO1*2*7*CA*19.9*PE*VP*V-200~PID*F****PAINT BRUSH 50MM~SCH*7*CA***002*20261120~"
    "CTT*2*31~SE*#*000@~",
    "GE*3*17~IEA*1*000000017~",
    "~",
)

PUBLISHED = {
    "envelope counts and control numbers": (
        Mutation("SE01 counts one too many", "SE*#*", "SE*«26»*", "envelope.set_count SE01"),
        Mutation("SE02 is not ST02", "SE*#*0002", "SE*#*«0009»", "envelope.set_reference SE02"),
        Mutation("GE01 counts one too many", "GE*3*", "GE*«4»*", "envelope.count GE01"),
        Mutation("GE02 is not GS06", "GE*3*17", "GE*3*«18»", "envelope.reference GE02"),
        Mutation("IEA01 counts one too many", "IEA*1*", "IEA*«2»*", "envelope.count IEA01"),
        Mutation("IEA02 is not ISA13", "IEA*1*000000017", "IEA*1*«000000018»", "envelope.reference IEA02"),
    ),
    "missing trailers and truncation": (
        Mutation("no SE", "SE*#*0002~", "«»", "envelope.set_not_closed SE"),
        Mutation("no GE", "GE*3*17~IEA*1*000000017~", "«IEA*1*000000017~»", "envelope.not_closed IEA"),
        Mutation(
            "the file ends inside a value",
            "FOB*PP*OR*WAREHOUSE~",
            "FOB*PP*OR*WARE«»«»‖",
            "envelope.set_not_closed SE; envelope.truncated",
        ),
    ),
    "duplicate control number": (
        Mutation(
            "two sets are numbered 0001",
            "ST*850*0002~|SE*#*0002",
            "ST*850*«0001»~|SE*#*0001",
            "envelope.set_duplicate ST02",
        ),
    ),
    "mandatory, length, number, too many": (
        Mutation("no order number", "*SA*PO4712*", "*SA*«»*", "element.missing BEG03"),
        Mutation("an order number of 23", "*PO4712*", "*«PO471299999999999999999»*", "element.too_long BEG03"),
        Mutation("a letter in a quantity", "PO1*1*24*", "PO1*1*«2O»*", "element.number PO102"),
        Mutation(
            "thirteen elements where twelve are defined",
            "**20261102~CUR",
            "**20261102*C1*AC******«X»~CUR",
            "element.too_many BEG13",
        ),
    ),
    "date": (Mutation("month 13", "**20261102~", "**«20261302»~", "element.date BEG05"),),
    "code list": (
        Mutation("a kind of order that is none", "BEG*00*SA*", "BEG*00*«QQ»*", "element.code BEG02"),
        Mutation("a kind of product number that is none", "*PE*VP*V-200", "*PE*«Q9»*V-200", "element.code PO106"),
    ),
    "segment missing, unknown, out of order, repeated": (
        Mutation("no BEG", "BEG*00*SA*PO4712**20261102~", "«»", "segment.missing BEG"),
        Mutation(
            "no PO1",
            "PO1*1*24*EA*4.25*PE*UP*036000291452*VP*V-100~PID*F****HEX BOLT M8 ZINC~PID*F*08***ZINC~"
            "PO1*2*7*CA*19.9*PE*VP*V-200~PID*F****PAINT BRUSH 50MM~SCH*7*CA***002*20261120~CTT*2*31~",
            "«»CTT*0~",
            "segment.missing PO1",
        ),
        Mutation("a segment that is none", "PO1*1*24", "«ZZZ*1*2»~PO1*1*24", "segment.unknown ZZZ"),
        Mutation(
            "CUR behind PER",
            "CUR*BY*USD~REF*DP*038~PER*BD*ADA ARDEN*TE*5550100200~",
            "REF*DP*038~PER*BD*ADA ARDEN*TE*5550100200~«CUR*BY*USD»~",
            "segment.order CUR",
        ),
        Mutation("two BEG", "CUR*BY*USD~", "«BEG*00*SA*PO4712**20261102»~CUR*BY*USD~", "segment.too_many BEG"),
    ),
    "syntax notes": (
        Mutation("P0607: a kind of number without the number", "*PE*VP*V-200~", "*PE*VP«»~", "element.condition PO107"),
        Mutation("R0203: neither number nor description", "REF*DP*038~", "REF*DP«»~", "element.condition REF02"),
    ),
    "total": (Mutation("CTT01 counts three lines", "CTT*2*", "CTT*«3»*", "total.count CTT01"),),
    "lenient": (
        Mutation("separators at the end of a segment", "CUR*BY*USD~", "CUR*BY*USD«***»~", "segment.trailing CUR03"),
        Mutation("a code in small letters", "BEG*00*SA*", "BEG*00*«sa»*", "element.code BEG02"),
    ),
}
"""One error a document: 26, by the classes in which engines are compared."""

MORE = (
    Mutation("SE01 is no number", "SE*#*", "SE*«XX»*", "element.number SE01 + envelope.set_count SE01"),
    Mutation("SE01 is empty", "SE*#*", "SE*«»*", "element.missing SE01 + envelope.set_count SE01"),
    Mutation("SE02 lacks its zeros", "SE*#*0002", "SE*#*«002»", "element.too_short SE02 + envelope.set_reference SE02"),
    Mutation("GE01 is empty", "GE*3*", "GE*«»*", "envelope.count GE01"),
    Mutation("CTT02 is not the sum of the quantities", "CTT*2*31", "CTT*2*«32»", "total.sum CTT02"),
    Mutation("a purpose of one letter", "BEG*00*", "BEG*«0»*", "element.too_short BEG01"),
    Mutation("a date of six digits", "**20261102~", "**«261102»~", "element.date BEG05"),
    Mutation("30 February", "DTM*002*20261112", "DTM*002*«20260230»", "element.date DTM02"),
    Mutation("29 February in a common year", "DTM*002*20261112", "DTM*002*«20260229»", "element.date DTM02"),
    Mutation("letters in a date", "DTM*002*20261112", "DTM*002*«2026111Z»", "element.date DTM02"),
    Mutation("25 o'clock", "*20261112*0915", "*20261112*«2515»", "element.time DTM03"),
    Mutation("minute 60", "*20261112*0915", "*20261112*«0960»", "element.time DTM03"),
    Mutation("a price with a comma", "*19.9*", "*«19,9»*", "element.number PO104"),
    Mutation("a price with its minus behind", "*19.9*", "*«19.9-»*", "element.number PO104"),
    Mutation("a price with two points", "*19.9*", "*«1.9.9»*", "element.number PO104"),
    Mutation("a price of blanks and digits", "*19.9*", "*«19 9»*", "element.number PO104"),
    Mutation("a point in a whole number of days", "**10**30~", "**«1.5»**30~", "element.number ITD05"),
    Mutation("a price of 18 digits", "*19.9*", "*«123456789012345678»*", "element.too_long PO104"),
    Mutation("a unit of three letters", "PO1*2*7*CA*", "PO1*2*7*«CAS»*", "element.too_long PO103"),
    Mutation("a unit of small letters", "PO1*2*7*CA*", "PO1*2*7*«ca»*", "element.code PO103"),
    Mutation("a role that is none", "N1*ST*", "N1*«!!»*", "element.code N101"),
    Mutation("a date of no known meaning", "DTM*002*20261112", "DTM*«99A»*20261112", "element.code DTM01"),
    Mutation("a reference of no known kind", "REF*DP*", "REF*«9$»*", "element.code REF01"),
    Mutation("a state that is none", "*DAYTON*OH*", "*DAYTON*«XX»*", "element.code_unlisted N402"),
    Mutation("a country that is none", "*45402*US~", "*45402*«QQ»~", "element.code_unlisted N404"),
    Mutation("a currency that is none", "CUR*BY*USD", "CUR*BY*«QQQ»", "element.code_unlisted CUR02"),
    Mutation("a component separator in a text", "*GROUND~", "*«GRO>UND»~", "element.too_many TD505"),
    Mutation("a second BY of the order's currency", "REF*DP*038~", "«CUR*BY*CAD»~REF*DP*038~", "segment.too_many CUR"),
    Mutation("four PER where three may be", "FOB*PP", "PER*BD*B~PER*BD*C~«PER*BD*D»~FOB*PP", "segment.too_many PER"),
    Mutation(
        "three N3 in a loop where two may be",
        "N3*7 DOCK ROAD~",
        "N3*7 DOCK ROAD~N3*DOOR 9~«N3*LEFT»~",
        "segment.too_many N3",
    ),
    Mutation(
        "N3 behind N4",
        "N3*7 DOCK ROAD~N4*AUSTIN*TX*78701*US~",
        "N4*AUSTIN*TX*78701*US~«N3*7 DOCK ROAD»~",
        "segment.order N3",
    ),
    Mutation("a segment of another set", "CUR*BY*USD~", "CUR*BY*USD~«BIG*20261102*1»~", "segment.unknown BIG"),
    Mutation("a tag in small letters", "CUR*BY*USD~", "«cur*BY*USD»~", "segment.unknown cur"),
    Mutation("CTT before the lines", "N1*BY*", "«CTT*2*31»~N1*BY*", "segment.order CTT"),
    Mutation("two CTT", "CTT*2*31~", "CTT*2*31~«CTT*2*31»~", "segment.too_many CTT"),
    Mutation("P0304: a number of a party without its kind", "*92*0883", "*«»*0883", "element.condition N103"),
    Mutation(
        "R0203: a party without name and number", "N1*BY*NORTHGATE TOOLS*92*0417", "N1*BY«»", "element.condition N102"
    ),
    Mutation("P0304: a telephone without a number", "*TE*5550100200", "*TE«»", "element.condition PER04"),
    Mutation(
        "C0302: a unit without a quantity", "PO1*2*7*CA|CTT*2*31", "PO1*2*«»*CA|CTT*2*24", "element.condition PO102"
    ),
    Mutation("C0504: a basis without a price", "*CA*19.9*PE", "*CA*«»*PE", "element.condition PO104"),
    Mutation(
        "C0403: a date's zone without its time",
        "DTM*002*20261112*0915",
        "DTM*002*20261112*«»*ES",
        "element.condition DTM03",
    ),
    Mutation("R020305: a date without a date", "DTM*002*20261112*0915", "DTM*002«»", "element.condition DTM02"),
    Mutation("an empty segment", "CUR*BY*USD~", "CUR*BY*USD~«»~", "segment.empty"),
    Mutation("a line break in a value", "FOB*PP*OR*WAREHOUSE~", "«FOB*PP*OR*WARE\nHOUSE»~", "element.line_break FOB"),
    Mutation(
        "the wrong group",
        "GS*PO*|ST*850*0001|ST*850*0002|ST*850*0003",
        "GS*IN*|ST*«850»*0001|ST*«850»*0002|ST*«850»*0003",
        "envelope.set_group ST01; envelope.set_group ST01; envelope.set_group ST01",
    ),
    Mutation("a group of a version that is none", "*X*004010~", "*X*«OO4010»~", "envelope.version GS08"),
    Mutation("ISA's month is 13", "*261102*0830*U*", "*«261302»*0830*U*", "envelope.date ISA09"),
    Mutation("ISA's hour is 25", "*261102*0830*U*", "*261102*«2530»*U*", "envelope.date ISA10"),
    Mutation("GS's month is 13", "*20261102*0830*17", "*«20261302»*0830*17", "envelope.date GS04"),
    Mutation("GS's hour is 25", "*20261102*0830*17", "*20261102*«2530»*17", "envelope.date GS05"),
    Mutation(
        "ISA06 is a blank short",
        BASE.before[:106],
        f"«{BASE.before[:106].replace('SENDER  ', 'SENDER ')}»",
        "x12.isa_length ISA",
    ),
    Mutation(
        "ST in a group that was closed",
        "GE*3*17~",
        "GE*3*17~«»ST*850*0004~«»SE*2*0004~",
        "envelope.not_opened ST; segment.missing BEG + segment.missing PO1",
    ),
    Mutation(
        "a segment between the sets",
        "ST*850*0002~|SE*#*",
        "«REF*DP*1~»ST*850*0002~|SE*25*",
        "envelope.stray REF",
    ),
    Mutation("bytes behind the interchange", "IEA*1*000000017~", "IEA*1*000000017~«REGARDS»", "envelope.junk"),
    Mutation(
        "the last terminator is missing", "IEA*1*000000017~", "«IEA*1*000000017»", "envelope.truncated IEA", warns=True
    ),
    Mutation("no IEA", "IEA*1*000000017~", "«»", "envelope.truncated"),
    Mutation(
        "no GS",
        "GS*PO*SENDER*RECEIVER*20261102*0830*17*X*004010~|ST*850*0001|ST*850*0002|ST*850*0003|GE*3*17~|IEA*1*",
        "|«»ST*850*0001|«»ST*850*0002|«»ST*850*0003|«GE*3*17~»|IEA*«1»*",
        "envelope.not_opened ST; envelope.not_opened ST; envelope.not_opened ST; envelope.not_opened GE; "
        "envelope.count IEA01",
    ),
    Mutation("a total of two components", "CTT*2*31", "CTT*«2>1»*31", "element.too_many CTT01"),
    Mutation("a sum of two components", "CTT*2*31", "CTT*2*«31>1»", "element.too_many CTT02"),
    Mutation("a quantity of two components", "PO1*2*7*CA", "PO1*2*«7>1»*CA", "element.too_many PO102"),
    Mutation(
        "no number of a set",
        "ST*850*0002~|SE*#*0002",
        "ST*850*«»~|SE*#*«»",
        "element.missing ST02; element.missing SE02",
    ),
    Mutation(
        "a number of a set of two components",
        "ST*850*0002~|SE*#*0002",
        "ST*850*«0002>1»~|SE*#*«0002>1»",
        "element.too_many ST02; element.too_many SE02",
    ),
    Mutation("two GE", "GE*3*17~", "GE*3*17~«GE*3*17~»", "envelope.not_opened GE"),
)
"""Further single errors of orders and of the envelope."""
