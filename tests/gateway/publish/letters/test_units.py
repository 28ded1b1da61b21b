"""What documents are called: rows, what their only contract says, or what the format says; counted and numbered."""

from __future__ import annotations

import pytest

from gateway.publish.letters.units import unit_of


@pytest.mark.parametrize(
    ("formats", "contracts", "one", "several"),
    [
        ({"csv"}, {"order"}, "row 1,002", "rows 1, 2 and 1,200 more"),
        ({"fixed"}, set(), "record 1,002", "records 1, 2 and 1,200 more"),
        ({"x12"}, {"order"}, "order 1,002", "orders 1, 2 and 1,200 more"),
        ({"x12"}, {"stock-batch"}, "stock batch 1,002", "stock batches 1, 2 and 1,200 more"),
        ({"x12"}, {"order", "invoice"}, "transaction set 1,002", "transaction sets 1, 2 and 1,200 more"),
        ({"x12", "edifact"}, {"order"}, "order 1,002", "orders 1, 2 and 1,200 more"),
        ({"x12", "csv"}, set(), "document 1,002", "documents 1, 2 and 1,200 more"),
        (set(), set(), "document 1,002", "documents 1, 2 and 1,200 more"),
    ],
)
def test_documents_are_called_as_who_sent_them_calls_them(
    formats: set[str], contracts: set[str], one: str, several: str
) -> None:
    unit = unit_of(formats, contracts)
    assert unit.named(1002) == one
    assert unit.named(1, 2, more=1200) == several
