"""A name that was not agreed is told with those that were."""

from __future__ import annotations

import pytest

from gateway.publish.letters.names import of_name


@pytest.mark.parametrize(
    ("name", "agreed", "expected"),
    [
        ("orders.txt", ["*.edi"], "a name like *.edi"),
        ("ORDERS.EDI", ["*.edi"], "a name like *.edi, in which capital and small letters count"),
        ("x", ["*.csv", "a*.txt"], "a name like *.csv or a*.txt"),
        ("x", [f"{each}*" for each in range(9)], f"a name like {' or '.join(f'{e}*' for e in range(8))}, and others"),
    ],
)
def test_what_was_agreed_is_told(name: str, agreed: list[str], expected: str) -> None:
    words = of_name(name, agreed)
    assert words is not None
    assert words.expected == expected


def test_a_name_that_was_agreed_is_not_the_matter_nor_is_any_where_none_were() -> None:
    assert of_name("sub/orders.edi", ["*.edi"]) is None
    assert of_name("orders.txt", []) is None


def test_a_file_that_only_lies_in_an_archive_may_be_left_out() -> None:
    packed = of_name("readme.txt", ["*.edi"], packed=True)
    alone = of_name("readme.txt", ["*.edi"])
    assert packed is not None
    assert alone is not None
    assert packed.send.startswith("If it is not meant for us, please leave it out of the archive. If it is,")
    assert "archive" not in alone.send


def test_a_name_is_told_on_one_line_and_not_without_end() -> None:
    words = of_name("a\n" + "b" * 500, ["*.edi"])
    assert words is not None
    assert "\n" not in words.what
    assert len(words.what) < 150
