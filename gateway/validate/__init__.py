"""Our words keep the contract's promises: marshmallow, and the function generated from it. Pure.

A contract becomes a marshmallow schema of strict fields (``schema``, ``fields``, ``checks``), the schema becomes a
generated function that takes good records at once (``compiled``), and the judge turns everything else into faults:

    >>> from decimal import Decimal
    >>> from gateway.contracts import Contract, Field
    >>> from gateway.validate.judge import Judge
    >>> price = Contract(
    ...     name="price",
    ...     version=1,
    ...     about="What an article costs",
    ...     owner="pricing",
    ...     key=("sku",),
    ...     fields=(
    ...         Field("sku", "text", pattern="[A-Z0-9-]+"),
    ...         Field("price", "decimal", digits=12, places=4, low=Decimal(0)),
    ...         Field("valid_from", "date", required=False),
    ...     ),
    ... )
    >>> judge = Judge(price, codes={})
    >>> value, faults = judge.judge({"sku": "AB-1", "price": "12.50", "valid_from": "2026-11-01"})
    >>> judge.key(value, None), judge.dump_json(value)
    ('AB-1', b'{"sku":"AB-1","price":"12.50","valid_from":"2026-11-01"}')
    >>> value, faults = judge.judge({"sku": "AB-1", "price": "12,5O"})
    >>> [(fault.code, fault.target, fault.message) for fault in faults]
    [('contract.type', '/price', "price is '12,5O', but must be a decimal number such as 1234.50")]
"""
