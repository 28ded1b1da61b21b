"""Their words become our words: the mapping language, compiled. Pure.

An integration's mapping becomes one function, which makes records of documents and says what is wrong with them:

    >>> from edi.model import Document, Envelope
    >>> from gateway.contracts import Contract, Field
    >>> from gateway.integrations import Expression, Format, Integration, MapField, Place, Source
    >>> from gateway.normalize.compiler import compile_mapping
    >>> price = Contract("price", 1, "A price", "sales", ("sku",), (Field("sku", "text"), Field("price", "decimal")))
    >>> def line(target, text):
    ...     return MapField(target, Expression(text, Place("integrations/prices.yaml", 9, 11)))
    >>> prices = Integration(
    ...     "prices", "Price list", "sales", Source("folder", "", "in/*.csv"), Format("csv"), "price", 1,
    ...     (line("sku", "Artikel Nr | strip"), line("price", "Preis | decimal('1.234,56')")),
    ... )
    >>> header = ("Artikel Nr", "Preis")
    >>> mapper = compile_mapping(prices, price, columns=header)
    >>> mapper(Document(1, 0, 17, [" A-1 ", "1.299,00"], Envelope("csv", columns=header)))
    ({'sku': 'A-1', 'price': Decimal('1299.00')}, ())
    >>> record, faults = mapper(Document(2, 17, 30, ["A-2", "12,5O"], Envelope("csv", columns=header)))
    >>> print(faults[0].target, faults[0].message)
    /price '12,5O' is not a number: the last character is the letter O

The grammar stands in ``expression``, the functions in the table of ``functions``, the rest of the way from text to
function in ``compiler``; ``evidence`` leads from a value of a record back to its source.
"""
