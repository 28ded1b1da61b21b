"""What is said of elements, and what to do about them, in words."""

from __future__ import annotations

import pytest

from edi import x12
from edi.model import Document

CLAIM = (
    "ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *260112*0830*^*00501*000000001*0*P*{}~\n"
    "GS*HC*ACME*US*20260112*0830*1*X*005010X222A1~\nST*837*0001*005010X222A1~\nCLM*A1*100***11{}B{}1*Y*A*Y*Y~\n"
    "SE*3*0001~\nGE*1*1~\nIEA*1*000000001~\n"
)


@pytest.mark.parametrize(("named", "used"), [(":", ">"), (">", ":"), ("^", ":")])
def test_another_component_separator_than_the_header_names_is_guessed(named: str, used: str) -> None:
    text = CLAIM.format(named, used, used).replace("*^*", "*U*" if named == "^" else "*^*")
    (document,) = (item for item in x12.read([text.encode()], {}) if isinstance(item, Document))
    told = [each for each in document.findings if each.code == "element.too_long"]
    assert [(each.message, each.value) for each in told] == [
        (
            f"CLM05.01 (place of service) is '11{used}B{used}1', which has 6 characters; 1 to 2 are allowed.",
            f"11{used}B{used}1",
        )
    ]
    assert told[0].remedy == (
        f"The header of the interchange names '{named}' as component separator, and here '{used}' may be meant: ask "
        "the sender to send the same one everywhere."
    )


def test_a_value_that_is_too_long_and_holds_no_separator_is_only_too_long() -> None:
    text = CLAIM.format(":", "", "").replace("11B1", "11B1>")
    (document,) = (item for item in x12.read([text.encode()], {}) if isinstance(item, Document))
    told = [each.remedy for each in document.findings if each.code == "element.too_long"]
    assert told == ["Ask the sender for a value of 1 to 2 characters."]
