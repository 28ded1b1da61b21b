"""A right file with one wrong thing in it: it is found where it is, and nothing else; its neighbours are untouched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from edi.findings import Finding, Severity
from edi.formats import FORMATS, parse_format
from edi.model import Document
from tests.edi.makers.files import MAKERS, made
from tests.edi.mutations.bases import BASES
from tests.edi.mutations.mutating import Base, Mutation, clean, mutated, read

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


def cases() -> list[ParameterSet]:
    """All mutations."""
    return [
        pytest.param(base, mutation, id=f"{name}, {kind}: {mutation.title}")
        for name, (base, kinds) in BASES.items()
        for kind, mutations in kinds.items()
        for mutation in mutations
    ]


@pytest.mark.parametrize("base", [pytest.param(base, id=name) for name, (base, _) in BASES.items()])
def test_the_file_without_a_mutation_is_right(base: Base) -> None:
    documents, found = read(base, [clean(base)])
    assert found == []
    assert [document.number for document in documents] == [1, 2, 3]


@pytest.mark.parametrize(("base", "mutation"), cases())
def test_a_mutation_is_found_where_it_is_and_nothing_else(base: Base, mutation: Mutation) -> None:
    data, expected = mutated(base, mutation)
    _, found = read(base, [data])
    assert found == expected


@pytest.mark.parametrize(("base", "mutation"), cases())
def test_a_mutation_does_not_touch_its_neighbours(base: Base, mutation: Mutation) -> None:
    whole = clean(base)
    right = {whole[each.start : each.end]: each.content for each in read(base, [whole])[0]}
    data, _ = mutated(base, mutation)
    documents, found = read(base, [data])
    unchanged = [each for each in documents if data[each.start : each.end] in right]
    assert [each.content for each in unchanged] == [right[data[each.start : each.end]] for each in unchanged]
    # In these the envelope or the set before ends what follows: the documents are there, but not with their bytes.
    assert len(unchanged) >= min(2, len(documents) - 1)
    cut = len(data) // 2 + len(mutation.title)
    assert read(base, [data[:cut], data[cut : cut + 1], data[cut + 1 :]]) == (documents, found)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_what_the_makers_make_is_right(name: str) -> None:
    data = made(name, 30)
    standard, _, message, options = parse_format(MAKERS[name].declaration)
    items = list(FORMATS[standard].read([data], dict(options) | ({"message": message} if message else {})))
    assert [item for item in items if isinstance(item, Finding) and item.severity is not Severity.NOTE] == []
    documents = [item for item in items if isinstance(item, Document)]
    assert len(documents) == 30
    assert [finding for document in documents for finding in document.findings] == []
    assert made(name, 30) == data


@pytest.mark.parametrize("name", sorted(name for name in MAKERS if name != "ubl-invoice"))
def test_the_quick_way_and_the_careful_way_make_the_same_of_a_document(name: str) -> None:
    """A wrong count of segments sends a document the careful way, and changes nothing else about it."""
    data = made(name, 40)
    wrong = re.sub(rb"(~SE\*|'UNT\+)", rb"\g<1>9", data)
    standard, trailer = name.split("-", maxsplit=1)[0], "SE" if name.startswith("x12") else "UNT"
    quick, careful = (
        [item for item in FORMATS[standard].read([text], {}) if isinstance(item, Document)] for text in (data, wrong)
    )
    assert {finding.code for document in careful for finding in document.findings} == {"envelope.set_count"}
    assert len(quick) == len(careful) == 40
    for one, two in zip(quick, careful, strict=True):
        assert one.content | {trailer: []} == two.content | {trailer: []}
        assert one.envelope == two.envelope
