r"""Bytes in, documents and findings out: X12, EDIFACT, CSV, XML, JSON lines, fixed width. Pure: no I/O, no clock.

A format is declared in one line and read by its reader, which takes any chunks of bytes and never raises for what they
hold. Each document has its place in the bytes; a bad one carries its findings, and its neighbours go on:

>>> from edi.formats import FORMATS, parse_format
>>> from edi.paths import parse_path
>>> name, version, message, options = parse_format("csv ; windows-1252 header")
>>> data = b"Artikel;Preis\r\nT\xfcr;12,50\r\nTor;8;00\r\nDach;99,00\r\n"
>>> documents = list(FORMATS[name].read([data], dict(options)))
>>> for document in documents:
...     print(document.number, document.content, data[document.start : document.end])
1 ['Tür', '12,50'] b'T\xfcr;12,50'
2 ['Tor', '8', '00'] b'Tor;8;00'
3 ['Dach', '99,00'] b'Dach;99,00'
>>> finding = documents[1].findings[0]
>>> finding.code, finding.message, finding.position.line, finding.value
('csv.ragged', "expected 2 cells, got 3: '00' is too much", 3, '00')

The bytes of one value are found again when somebody asks why it is what it is:

>>> price = FORMATS[name].locate(b"T\xfcr;12,50", documents[0].envelope, parse_path(name, "Preis"), ())
>>> price.start, price.end, price.column
(4, 9, 'Preis')
"""
