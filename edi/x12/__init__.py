r"""X12: transaction sets out of interchanges, whichever delimiters they declare.

>>> from edi import x12
>>> isa = "ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *260102*1010*U*00401*000000001*0*P*>~"
>>> text = isa + "GS*PO*ACME*US*20260102*1010*1*X*004010~ST*850*0001~BEG*00*SA*4711**20260102~" \
...     "PO1*1*3*EA*12.5O~CTT*1~SE*5*0001~GE*1*1~IEA*1*000000001~"
>>> order, = x12.read([text.encode()], {})
>>> order.content["BEG"][0][3], order.envelope.sender
('4711', 'ZZ:ACME')
>>> print(order.findings[0].message)
PO104 (unit price) is '12.5O', which is not a number: the last character is the letter O, not the digit 0.
"""

from edi.segmented.walk.standard import DOCUMENT_BYTES_MAX
from edi.spec import Option, Spec
from edi.x12.scanner import STANDARD, locate, read
from edi.x12.writing import WRITES, write

SPEC = Spec(
    name="x12",
    summary="ANSI ASC X12 interchanges: ISA, GS, ST … SE, GE, IEA",
    guarantees=(
        "Every byte of the file belongs to a document, to the envelope around it, to a gap, or to a finding.",
        "Delimiters are read from each ISA; several interchanges with different delimiters may follow each other.",
        "Byte-order marks, EBCDIC, blanks and line breaks between segments, and files broken into lines are read.",
        "Counts and control numbers of SE, GE and IEA are checked; a file that ends early is always noticed.",
        "A transaction set with errors is held by itself; its neighbours are not touched.",
        "With a guide: order and repetition of segments, required elements, lengths, numbers, dates, times.",
        "Without a guide, the segments are handed over flat, with a note.",
        "Memory is bounded by the largest transaction set, and by document_bytes_max.",
    ),
    options=(
        Option("encoding", "auto", "how values are decoded; auto: UTF-8, or ISO 8859-1 where the bytes are no UTF-8"),
        Option("document_bytes_max", str(DOCUMENT_BYTES_MAX), "the largest transaction set that is read, in bytes"),
        Option("guide", "", "the text of a guide of your own, which goes before the standard's"),
    ),
    example=(
        "ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *260102*1010*U*00401*000000001*0*P*>~\n"
        "GS*PO*ACME*US*20260102*1010*1*X*004010~\n"
        "ST*850*0001~\nBEG*00*SA*4711**20260102~\nPO1*1*3*EA*12.50**VP*A-100~\nCTT*1~\nSE*5*0001~\n"
        "GE*1*1~\nIEA*1*000000001~\n"
    ),
    writes=WRITES,
)

__all__ = ["SPEC", "STANDARD", "locate", "read", "write"]
