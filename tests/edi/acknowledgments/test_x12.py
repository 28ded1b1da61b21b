"""TA1, 997 and 999: what is answered to X12 interchanges, byte by byte."""

from __future__ import annotations

from itertools import count

import pytest

from edi.acknowledgments import acknowledge
from edi.findings import Finding, Position
from edi.x12 import scanner as x12
from tests.edi.acknowledgments.samples import NOW, answers, body, findings, group, interchange, order

ENVELOPE = "ISA*00*          *00*          *ZZ*US             *ZZ*ACME           *260112*0930*U*00401*{:09}*0*P*>~"
BAD = order("0002", "BEG*00*SA*4712**20261312", "PO1*1*3*EA*12.5**VP*A-1")


def ta1(text: str) -> str:
    """What the TA1 of the first interchange says."""
    answer = answers(text, "TA1")[0]
    return answer.content.decode().split("~")[1]


def test_a_right_file_is_accepted_at_every_level() -> None:
    first, second, third = answers(interchange(group(order())), "TA1", "997", "999", number=41)
    assert first.content == (ENVELOPE.format(41) + "TA1*000000007*260112*0830*A*000~IEA*0*000000041~").encode()
    assert (
        second.content
        == (
            ENVELOPE.format(42) + "GS*FA*USGS*ACMEGS*20260112*0930*42*X*004010~ST*997*0001~AK1*PO*5~AK2*850*0001~AK5*A~"
            "AK9*A*1*1*1~SE*6*0001~GE*1*42~IEA*1*000000042~"
        ).encode()
    )
    assert (
        third.content
        == (
            ENVELOPE.format(43) + "GS*FA*USGS*ACMEGS*20260112*0930*43*X*005010X231A1~ST*999*0001*005010X231A1~"
            "AK1*PO*5*004010~AK2*850*0001~IK5*A~AK9*A*1*1*1~SE*6*0001~GE*1*43~IEA*1*000000043~"
        ).encode()
    )
    assert [(a.verdict, a.interchange, a.group, a.included, a.received, a.accepted) for a in (first, second)] == [
        ("A", "000000007", None, 1, 1, 1),
        ("A", "000000007", "5", 1, 1, 1),
    ]
    assert [findings(answer) for answer in (first, second, third)] == [[], [], []]


def test_one_bad_element_rejects_its_set_and_the_others_are_accepted() -> None:
    answer, other = answers(interchange(group(order(), BAD, order("0003"))), "997", "999")
    assert body(answer) == [
        "AK1*PO*5",
        "AK2*850*0001",
        "AK5*A",
        "AK2*850*0002",
        "AK3*BEG*2**8",
        "AK4*5*373*8*20261312",
        "AK5*R*5",
        "AK2*850*0003",
        "AK5*A",
        "AK9*P*3*3*2",
    ]
    assert (answer.verdict, answer.included, answer.received, answer.accepted) == ("P", 3, 3, 2)
    assert body(other)[4:7] == ["IK3*BEG*2**8", "IK4*5*373*8*20261312", "IK5*R*5"]
    assert findings(answer) == findings(other) == []


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        pytest.param([order("0001", "PO1*1*3*EA*12.5**VP*A-1")], ["AK3*BEG*2**3", "AK5*R*5"], id="missing segment"),
        pytest.param([order(trailer="SE*9*0001")], ["AK5*R*4"], id="wrong count in SE01"),
        pytest.param([order(trailer="SE*4*0002")], ["AK5*R*3"], id="another number in SE02"),
        pytest.param(
            [order("0001", "BEG*00*SA*1**20260112", "XYZ*1", "PO1*1*3*EA*12.5**VP*A-1")],
            ["AK3*XYZ*3**1", "AK5*R*5"],
            id="unknown segment",
        ),
        pytest.param(
            [order("0001", "BEG*00*SA*1**20260112", "CLM*1*2", "PO1*1*3*EA*12.5**VP*A-1")],
            ["AK3*CLM*3**6", "AK5*R*5"],
            id="a segment of other sets",
        ),
        pytest.param(
            [order("0001", "BEG*00*SA*1**20260112", "BEG*00*SA*1**20260112", "PO1*1*3*EA*12.5**VP*A-1")],
            ["AK3*BEG*3**5", "AK5*R*5"],
            id="a segment too often",
        ),
        pytest.param(
            [order("0001", "BEG*00*SA*1**20260112", "PO1*1*3*EA", "CTT*2", "PO1*1*3*EA")],
            ["AK3*PO1*5**7", "AK5*R*5"],
            id="a segment too late",
        ),
        pytest.param(
            [order("0001", "BEG*00**1**20260112", "PO1*1*x*EACH*12.5**VP*A-1>B")],
            [
                *("AK3*BEG*2**8", "AK4*2*92*1", "AK3*PO1*3**8", "AK4*2*330*6*x", "AK4*3*355*5*EACH"),
                *("AK4*7*234*3*A-1?B", "AK5*R*5"),
            ],
            id="elements; delimiters are not repeated",
        ),
        pytest.param(
            [order("0001", "BEG*00*SA*1**20260112", "PO1*1*3*EA*12.5**VP*" + "x" * 150)],
            ["AK3*PO1*3**8", "AK4*7*234*5*" + "x" * 99, "AK5*R*5"],
            id="a bad value is cut to what AK404 holds",
        ),
        pytest.param(
            [order("0001", "BEG*00*SA*1**20260112", "LONGTAG*1", "PO1*1*3*EA*12.5**VP*A-1")],
            ["AK3*LON*3**1", "AK5*R*5"],
            id="a tag that AK301 cannot hold",
        ),
        pytest.param([order("1")], ["AK5*R*7*3"], id="a control number that is too short"),
    ],
)
def test_what_is_wrong_with_a_set_is_told_in_codes(sets: list[str], said: list[str]) -> None:
    (answer,) = answers(interchange(group(*sets)), "997")
    assert body(answer)[2:-1] == said
    assert body(answer)[-1] == "AK9*R*1*1*0"
    # A control number is repeated as it was sent, right or wrong, so that the sender knows it again.
    assert findings(answer) == (["element.too_short"] if "AK2*850*1" in body(answer) else [])


def test_the_second_of_two_sets_with_one_number_is_rejected() -> None:
    (answer,) = answers(interchange(group(order(), order())), "997")
    assert body(answer)[2:] == ["AK5*A", "AK2*850*0001", "AK5*R*23", "AK9*P*2*2*1"]


@pytest.mark.parametrize(
    ("trailer", "end"),
    [("GE*3*5~", "AK9*R*3*1*0*5"), ("GE*1*6~", "AK9*R*1*1*0*4"), ("", "AK9*R*1*1*0*3"), ("GE*x*5~", "AK9*R*1*1*0*5")],
)
def test_a_group_with_a_wrong_trailer_is_rejected_and_its_interchange_is_not(trailer: str, end: str) -> None:
    first, second = answers(interchange(group(order(), trailer=trailer)), "TA1", "997")
    assert (first.verdict, second.verdict, second.accepted) == ("A", "R", 0)
    assert body(second)[-1] == end
    assert findings(second) == []


def test_a_group_with_the_number_of_another_is_rejected() -> None:
    first, second = answers(interchange(group(order()), group(order("0002"))), "997")
    assert (body(first)[-1], body(second)[-1]) == ("AK9*A*1*1*1", "AK9*R*1*1*0*19")


def test_a_file_that_ends_early_is_rejected_with_every_group_in_it() -> None:
    text = interchange(group(order()), group(order("0002")[:-30], number=6, trailer=""), trailer="")
    first, second, third = answers(text, "TA1", "997")
    assert first.content.split(b"~")[1] == b"TA1*000000007*260112*0830*R*023"
    assert body(second) == ["AK1*PO*5", "AK2*850*0001", "AK5*A", "AK9*R*1*1*0"]
    assert body(third) == ["AK1*PO*6", "AK2*850*0002", "AK5*R*2", "AK9*R*1*1*0*3"]
    assert (third.included, third.received, third.accepted) == (None, 1, 0)
    assert [findings(answer) for answer in (first, second, third)] == [[], [], []]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(interchange(group(order()), trailer="IEA*2*000000007~"), "R*021", id="wrong count"),
        pytest.param(interchange(group(order()), trailer="IEA*1*000000008~"), "R*001", id="another number"),
        pytest.param(interchange(group(order()), trailer=""), "R*023", id="no IEA, the file ends"),
        pytest.param(interchange(group(order()), trailer="") + interchange(), "R*022", id="no IEA, another ISA"),
        pytest.param(interchange(group(order()))[:-1], "E*023", id="only the last terminator is missing"),
        pytest.param(interchange(order(), trailer="IEA*0*000000007~"), "R*024", id="no group"),
        pytest.param(interchange(group(order(), "XYZ*1~", trailer="GE*1*5~")), "R*024", id="a stray segment"),
        pytest.param(interchange(group(order()).replace("GS*PO", "GS*")), "R*024", id="a group without a name"),
        pytest.param(interchange(group(order())).replace("ACME           ", "ACME ", 1), "E*006", id="not padded"),
        pytest.param(interchange(group(order())).replace("ACME ", "ACME    ", 1), "E*006", id="too many blanks"),
        pytest.param(interchange(group(order())).replace("*260112*", "*261312*", 1), "E*014", id="no date"),
        pytest.param(interchange(group(order())).replace("0*P*>~", "0*P>~", 1), "R*022", id="ISA15 is not cut off"),
        pytest.param(interchange()[:100], "R*023", id="the file ends in the ISA"),
    ],
)
def test_ta1_says_what_is_wrong_with_an_interchange(text: str, said: str) -> None:
    date = "261312" if "E*014" in said else "260112"
    assert ta1(text) == f"TA1*000000007*{date}*0830*{said}"


def test_an_isa_that_names_nobody_is_not_answered() -> None:
    assert answers(interchange()[:60], "TA1") == []
    assert answers("ISA*what is this?*", "TA1", "997") == []
    assert answers("nothing", "TA1", "997") == []


def test_a_control_number_that_comes_again_in_the_file_is_rejected() -> None:
    text = interchange(group(order()))
    first, _, third, fourth = answers(text + text, "TA1", "997")
    assert (first.verdict, third.verdict, fourth.verdict) == ("A", "R", "R")
    assert b"TA1*000000007*260112*0830*R*025~" in third.content


def test_acknowledgments_are_not_acknowledged() -> None:
    functional = group("ST*997*0001~AK1*PO*5~AK9*A*1*1*1~SE*4*0001~", kind="FA")
    assert answers(interchange(functional), "TA1", "997", "999") == []
    alone = interchange("TA1*000000001*260112*0830*A*000~", trailer="IEA*0*000000007~")
    assert answers(alone, "TA1", "997") == []
    assert [a.group for a in answers(interchange(functional, group(order(), number=6)), "997")] == ["6"]
    for answer in answers(interchange(group(order())), "TA1", "997", "999"):
        assert answers(answer.content, "TA1", "997", "999") == []


def test_several_groups_and_interchanges_are_answered_one_by_one() -> None:
    text = interchange(group(order()), group(BAD, number=6)) + interchange(group(order()), number=8)
    told = [(a.number, a.kind, a.interchange, a.group, a.verdict) for a in answers(text, "TA1", "997")]
    assert told == [
        (1, "TA1", "000000007", None, "A"),
        (2, "997", "000000007", "5", "A"),
        (3, "997", "000000007", "6", "R"),
        (4, "TA1", "000000008", None, "A"),
        (5, "997", "000000008", "5", "A"),
    ]


def test_what_the_guide_of_another_version_finds_is_not_told() -> None:
    (answer,) = answers(interchange(group(BAD, version="003050")), "997")
    assert body(answer) == ["AK1*PO*5", "AK2*850*0002", "AK5*A", "AK9*A*1*1*1"]
    assert b"*X*003050~" in answer.content


def test_a_set_without_a_guide_is_accepted() -> None:
    (answer,) = answers(interchange(group("ST*199*0001~ABC*1~SE*3*0001~", kind="XX")), "997")
    assert body(answer)[1:3] == ["AK2*199*0001", "AK5*A"]


def test_a_warning_is_noted_and_does_not_reject() -> None:
    (answer,) = answers(interchange(group(order(), kind="IN")), "997")
    assert body(answer) == ["AK1*IN*5", "AK2*850*0001", "AK5*E*6", "AK9*E*1*1*1"]
    assert (answer.verdict, answer.accepted) == ("E", 1)


def test_components_are_told_with_their_place() -> None:
    order_5010 = order("0001", "BEG*00*SA*1**20260112", "PO1*1*3*EA*12.5**VP*A-1", "MEA*AA*BB*1*AB>1>2>3")
    first, second = answers(interchange(group(order_5010, version="005010"), version="00501"), "997", "999")
    assert body(first)[2:-2] == ["AK3*MEA*4**8", "AK4*4>4*355*4*3"]
    assert body(second)[2:-2] == ["IK3*MEA*4**8", "IK4*4>4*355*4*3"]
    assert b"ST*999*0001~AK1*PO*5*005010~" in second.content


def test_a_999_names_what_makes_an_element_required() -> None:
    text = order("0001", "BEG*00*SA*1**20260112", "N1*BY*SHOP*92", "PO1*1*3*EA*12.5**VP*A-1")
    (answer,) = answers(interchange(group(text, version="005010"), version="00501"), "999")
    assert body(answer)[2:-2] == ["IK3*N1*3**8", "IK4*4*67*2", "CTX*SITUATIONAL TRIGGER*N1*3**3*66"]
    assert findings(answer) == []


CLAIMS = (
    "ST*837*0001*005010X222A1~BHT*0019*00*1*20260112*0830*CH~NM1*41*2*US*****46*US1~PER*IC*X*TE*1~"
    "NM1*40*2*THEM*****46*THEM1~HL*1**20*1~NM1*85*2*CLINIC*****XX*1234567893~N3*1 ROAD~N4*TOWN*NY*10001~"
    "REF*EI*123456789~HL*2*1*22*0~SBR*P*18*******CI~NM1*IL*1*DOE*J****MI*M1~NM1*PR*2*PAYER*****PI*P1~"
    "CLM*A 1*100***11>B>1*Y*A*Y*Y~HI*ABK>J020~LX*1~SV1*HC>99213*100*UN*1***1~DTP*472*D8*20260112~"
    "CLM*A 2*100***11>B>1*Y*A*Y*Y~HI*ABK>J020~LX*1~SV1*HC>99213*100*UN*1***1~DTP*472*D8*20260112~SE*25*0001~"
)


def claimed(text: str) -> list[str]:
    """What a 999 says of claims, between AK2 and IK5."""
    (answer,) = answers(interchange(group(text, kind="HC", version="005010X222A1"), version="00501"), "999")
    assert b"*X*005010X231A1~ST*999*0001*005010X231A1~AK1*HC*5*005010X222A1~AK2*837*0001*005010X222A1" in answer.content
    assert findings(answer) == []
    return body(answer)[2:-2]


def test_a_999_names_the_claim_that_is_wrong() -> None:
    assert claimed(CLAIMS) == []
    first, _, rest = CLAIMS.rpartition("20260112")
    assert claimed(f"{first}20261312{rest}") == ["IK3*DTP*24**8", "CTX*CLM01>A 2", "IK4*3*1251*8*20261312"]
    assert claimed(CLAIMS.replace("0112~CLM", "1312~CLM"))[:2] == ["IK3*DTP*19**8", "CTX*CLM01>A 1"]


def test_a_999_tells_errors_of_the_guide_from_those_of_the_standard() -> None:
    assert claimed(CLAIMS.replace("*CH~", "*TH~")) == ["IK3*BHT*2**8", "IK4*6*640*I6*TH"]
    assert claimed(CLAIMS.replace("*CH~", "*@@~")) == ["IK3*BHT*2**8", "IK4*6*640*7*@@"]
    more = CLAIMS.replace("SE*25", "SE*26")
    assert claimed(more.replace("N3*1 ROAD~", "N2*X~N3*1 ROAD~")) == ["IK3*N2*8**I4"]
    assert claimed(more.replace("N3*1 ROAD~", "ZZZ*X~N3*1 ROAD~")) == ["IK3*ZZZ*8**1"]


def test_a_caller_that_knows_more_puts_a_finding_into_the_events() -> None:
    raw = interchange(group(order())).encode()
    told = Finding("envelope.duplicate", "", "", Position(0, 106, tag="ISA"))
    events = list(x12.events([raw], {}))
    found = acknowledge([events[0], told, *events[1:]], kinds=["TA1"], numbers=count(1), now=NOW)
    assert b"*R*025~" in next(found).content


def test_the_delimiters_are_those_that_were_received_where_they_can_be_used() -> None:
    text = interchange(group(order())).replace("*", "|").replace(">", "^").replace("~", "\n")
    (answer,) = answers(text, "997")
    assert answer.content.startswith(b"ISA|00|")
    assert answer.content.endswith(b"\nIEA|1|000000001\n")
    assert findings(answer) == []
    ebcdic = interchange(group(order())).encode("cp037")
    assert answers(ebcdic, "TA1")[0].content.decode() == ENVELOPE.format(1) + (
        "TA1*000000007*260112*0830*A*000~IEA*0*000000001~"
    )


def test_a_number_that_no_envelope_holds_is_refused() -> None:
    for number in (0, 1_000_000_000):
        with pytest.raises(ValueError, match="control number"):
            answers(interchange(group(order())), "TA1", number=number)
