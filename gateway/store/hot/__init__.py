"""The hottest questions of readers, asked of the driver itself: a record by its key, and a page.

Each is answered from one snapshot together with its :class:`Mark`: everything else that an answer depends on. Whoever
remembers keys, or a query as it was understood, knows by the mark whether that still counts. What needs more than one
statement (a delivery that is being settled, a moment of the past) is for ``records`` to answer. A server is asked once
for all who come while it is asked (``together``).

    reads = HotReads(database)
    mark, (seq, version, json) = reads.one("order.v1", "record_order_v1", "4711")
    mark, page = reads.page("order.v1", statement)  # ``pages.statement``
"""

from __future__ import annotations

from gateway.store.hot.marks import Busy, Mark, Page, Short
from gateway.store.hot.reads import HotReads

__all__ = ["Busy", "HotReads", "Mark", "Page", "Short"]
