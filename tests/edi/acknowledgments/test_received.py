"""What partners answer, in plain words."""

from __future__ import annotations

import doctest
from typing import TYPE_CHECKING

from edi import acknowledgments
from edi.acknowledgments import Answered, Received, read_acknowledgment
from edi.edifact import scanner as edifact
from edi.model import Document
from edi.segmented.walk.events import Aside
from edi.x12 import scanner as x12
from tests.edi.acknowledgments.samples import answers, group, interchange, message, messages, order

if TYPE_CHECKING:
    from collections.abc import Iterator


def received(text: str | bytes) -> Iterator[Received | None]:
    """What the documents and TA1 of a file say."""
    raw = text if isinstance(text, bytes) else text.encode()
    for event in (edifact if raw.startswith(b"UN") else x12).events([raw], {}):
        if isinstance(event, (Document, Aside)):
            yield read_acknowledgment(event)


def test_a_997_says_which_sets_are_rejected_and_why() -> None:
    text = (
        "ST*997*0001~AK1*PO*5~AK2*850*0001~AK5*A~AK2*850*0002~AK3*BEG*2**8~AK4*5*373*8*20261312~"
        "AK3*CUR*4**3~AK5*R*5~AK9*P*2*2*1~SE*10*0001~"
    )
    (answer,) = received(interchange(group(text, kind="FA")))
    assert answer == Received(
        "997",
        None,
        "5",
        "P",
        (
            Answered("850", "0001", "A"),
            Answered(
                "850",
                "0002",
                "R",
                None,
                (
                    "segments are in error (code 5)",
                    "segment 2 BEG, element 5 ('20261312'): not a date (code 8)",
                    "segment 4 CUR: required segment is missing (code 3)",
                ),
            ),
        ),
        (),
        1,
    )


def test_a_set_falls_with_its_group() -> None:
    text = "ST*997*0001~AK1*PO*5~AK2*850*0001~AK5*A~AK9*R*3*1*0*5~SE*6*0001~"
    (answer,) = received(interchange(group(text, kind="FA")))
    assert answer
    assert [document.verdict for document in answer.documents] == ["R"]
    assert answer.errors == ("GE01 counts other than the transaction sets that arrived (code 5)",)


def test_a_999_names_components() -> None:
    text = (
        "ST*999*0001*005010X231A1~AK1*HC*5*005010X222A1~AK2*837*0001*005010X222A1~IK3*CLM*22**8~CTX*CLM01>A 2~"
        "IK4*5>2*1332*I6*Z~IK5*R*5~AK9*R*1*1*0~SE*9*0001~"
    )
    (answer,) = received(interchange(group(text, kind="FA", version="005010X231A1"), version="00501"))
    assert answer
    assert answer.kind == "999"
    assert answer.documents[0].errors == (
        "segments are in error (code 5)",
        "segment 22 CLM, element 5 component 2 ('Z'): a code that the guide does not use (code I6)",
    )


def test_a_ta1_names_the_interchange() -> None:
    text = interchange("TA1*000000012*260112*0830*R*025~", trailer="IEA*0*000000007~")
    assert list(received(text)) == [
        Received("TA1", "000000012", None, "R", errors=("the control number was used before (code 025)",))
    ]
    assert list(received(text.replace("R*025", "A*000"))) == [Received("TA1", "000000012", None, "A")]


def test_a_contrl_says_what_is_rejected() -> None:
    text = messages(
        "UNH+1+CONTRL:D:3:UN'UCI+42+A:14+B:14+7'UCF+5+A+B+7'UCM+2+ORDERS:D:96A:UN+4+29+UNT+2'UCS+3+13'UCS+5'"
        "UCD+37+2:2'UNT+8+1'"
    )
    (answer,) = received(text)
    assert answer == Received(
        "CONTRL",
        "42",
        None,
        "P",
        (
            Answered(
                "ORDERS",
                "2",
                "R",
                "5",
                (
                    "UNT01: the trailer counts other than what arrived (code 29)",
                    "behind segment 3: missing (code 13)",
                    "segment 5, element 1 component 2: letters where digits belong, or the other way round (code 37)",
                ),
            ),
        ),
    )
    (refused,) = received(messages("UNH+1+CONTRL:D:3:UN'UCI+42+A:14+B:14+4+29+UNZ+2'UNT+3+1'"))
    assert refused == Received(
        "CONTRL", "42", None, "R", (), ("UNZ01: the trailer counts other than what arrived (code 29)",)
    )


def test_what_is_no_acknowledgment_says_nothing() -> None:
    assert list(received(interchange(group(order())))) == [None]
    assert list(received(messages(message()))) == [None]
    assert list(received(messages("UNH+1+CONTRL:D:3:UN'UNT+2+1'"))) == [None]
    assert read_acknowledgment(Aside(["XYZ", "1"], 0, 5)) is None


def test_our_own_answers_are_understood() -> None:
    bad = order("0002", "BEG*00*SA*4712**20261312", "PO1*1*3*EA")
    for answer in answers(interchange(group(order(), bad)), "TA1", "997", "999"):
        (said,) = received(answer.content)
        assert said
        assert (said.kind, said.verdict) == (answer.kind, answer.verdict)
        assert said.group == answer.group
        assert said.interchange in (None, answer.interchange)


def test_the_example_of_the_package_works() -> None:
    results = doctest.testmod(acknowledgments)
    assert (results.failed, bool(results.attempted)) == (0, True)
