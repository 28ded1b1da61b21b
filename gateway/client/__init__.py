"""The API from Python: read, follow, export, ask why, hand files in. Nothing but Python's own library is needed.

This package imports nothing else of the project, so that it can be copied into another.

    >>> from gateway.client import Client, Problem
    >>> with Client(url, key) as client:
    ...     delivery = client.upload("acme-orders", content, filename="orders.csv", wait=10)
    ...     for order in client.iterate("orders", status="open", total__gte="100", sort="number"):
    ...         print(order["number"], order["total"])
    ...     print(client.evidence("orders", "acme~4711", field="total")["fields"][0]["rule"])
    ...     with client.export("orders", number__lt="48") as export:  # one snapshot
    ...         numbers = sorted(order["number"] for order in export)
    ...     print(delivery["state"], numbers, list(client.changes(export.since, follow=False)))
    ...     try:
    ...         client.get("orders", totl__gte=100)
    ...     except Problem as problem:
    ...         print(problem)
    4712 250.00
    total | decimal
    accepted ['4711', '4712'] []
    400 unknown_field: orders has no field 'totl'. Did you mean 'total'? (request req_...)

Answers are what the JSON says: dicts, lists, texts for decimals and dates. What is refused raises `Problem`; a gateway
that cannot be reached for longer than `patience` raises `ConnectionError`. One client may be used by many threads:
each request takes a connection that is kept alive for it, or opens one.
"""

from .api import Client, Export
from .wire import Problem

__all__ = ["Client", "Export", "Problem"]
