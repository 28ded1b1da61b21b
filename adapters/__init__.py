"""Legacy databases in, rows and changes out. Nothing here ever writes to a source.

    >>> from adapters.model import Filter, Following, Selection, Sort
    >>> from adapters.odbc import OdbcSource
    >>> source = OdbcSource("Driver=SQLite3;Database=erp.db", options={"timeout_seconds": "10"})

Who answers, and how the session says that it cannot write:

    >>> found = source.probe()
    >>> found.dialect, found.read_only
    ('sqlite', 'SELECT CAST(query_only AS TEXT) FROM pragma_query_only = 1')

What is there:

    >>> source.tables()
    ('KUNDEN',)
    >>> [(column.name, column.type) for column in source.schema("KUNDEN").columns]
    [('KDNR', 'int'), ('NAME1', 'text'), ('KREDIT', 'decimal'), ('AENDTS', 'datetime')]

Read live, page by page; `next` leads on:

    >>> page = source.page("KUNDEN", Selection((Filter("KREDIT", "gte", "100"),), (Sort("NAME1"),), limit=2))
    >>> [(row["KDNR"], row["NAME1"], row["KREDIT"]) for row in page.rows]
    [(7, 'Bäcker', Decimal('100')), (4, 'Müller', Decimal('1250.75'))]
    >>> source.page("KUNDEN", Selection((Filter("KREDIT", "gte", "100"),), (Sort("NAME1"),), after=page.next)).rows
    [{'KDNR': 9, 'NAME1': 'Özdemir', 'KREDIT': Decimal('100.5'), 'AENDTS': '2026-11-20T17:01:12'}]
    >>> source.row("KUNDEN", ("4",))["NAME1"]
    'Müller'

Its rows, then its changes. Whoever stores a batch stores the position with it, and gives it back the next time:

    >>> following = Following("watermark", column="AENDTS")
    >>> for batch in source.changes("KUNDEN", following, position=None, batch=3):
    ...     print(batch.snapshot, [row["KDNR"] for row in batch.rows])
    True [2, 4, 7]
    True [9]
    >>> list(source.changes("KUNDEN", following, position=batch.position))
    []

What is wrong is said for a person:

    >>> source.schema("KUNDE")
    Traceback (most recent call last):
        ...
    adapters.errors.Reject: there is no table 'KUNDE'. Did you mean 'KUNDEN'?
    >>> source.close()
"""
