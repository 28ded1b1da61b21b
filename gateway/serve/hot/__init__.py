"""The hot lane: one record, or a page, answered before the framework's dispatch, or left to it.

Most of what a plain request costs is its way through the framework and the store's layers. The lane answers a GET that
asks for a record, a list or a live table in the usual way (``usual``), by a key that it saw before (``callers``), and
by a question that it understood before (``ones``, ``lists``, ``rows``); it declines everything else by None, and every
doubt, so that no refusal and no explanation is written twice. What it remembers counts for as long as the mark that is
read in the same snapshot as the records says so: a key that was revoked, a configuration that was applied, on whatever
machine, ends it with the next request.

Both lanes answer alike, byte for byte: the parts are made by the same functions (``plans``, ``answers``), and a
property test holds the rest (``tests/gateway/serve/test_hot.py``). ``hot_lane: off`` in gateway.yaml is the switch.

    lane = HotLane(services, limits, metrics)
    answer = lane(environ)  # None: ask the framework
    if answer is not None:
        status, headers, body = answer
"""

from __future__ import annotations

from gateway.serve.hot.lane import HotLane

__all__ = ["HotLane"]
