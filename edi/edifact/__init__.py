r"""EDIFACT: messages out of batch interchanges, syntax versions 1 to 4.

>>> from edi import edifact
>>> text = "UNB+UNOA:1+ACME:ZZ+US:ZZ+260102:1010+77'UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'DTM+137:20260102:102'" \
...     "LIN+1++A?:B:VN'QTY+21:5'UNS+S'UNT+7+1'UNZ+1+77'"
>>> order, = edifact.read([text.encode()], {})
>>> order.content["LIN*"][0]["LIN"][0]
['LIN', '1', '', ['A:B', 'VN']]
>>> order.envelope.sender, order.envelope.version, order.findings
('ZZ:ACME', 'D96A', ())
"""

from edi.edifact.scanner import STANDARD, locate, read
from edi.edifact.writing import WRITES, write
from edi.segmented.walk.standard import DOCUMENT_BYTES_MAX
from edi.spec import Option, Spec

SPEC = Spec(
    name="edifact",
    summary="UN/EDIFACT batch interchanges: UNA, UNB, UNG, UNH … UNT, UNE, UNZ",
    guarantees=(
        "Every byte of the file belongs to a document, to the envelope around it, to a gap, or to a finding.",
        "Service characters are read from each UNA; several interchanges may follow each other.",
        "A released character (?') never cuts, and is handed over without its release character.",
        "Values are decoded with the character set that UNB declares, UNOA to UNOY.",
        "Counts and references of UNT, UNE and UNZ are checked; a file that ends early is always noticed.",
        "A message with errors is held by itself; its neighbours are not touched.",
        "With a guide: order and repetition of segments and groups, required elements, lengths, numbers.",
        "Without a guide, the segments are handed over flat, with a note.",
        "Interactive interchanges (UIB) are refused with a finding.",
        "Memory is bounded by the largest message, and by document_bytes_max.",
    ),
    options=(
        Option(
            "encoding", "auto", "how values are decoded; auto: what UNB declares; UNOA and UNOB: UTF-8 or ISO 8859-1"
        ),
        Option("document_bytes_max", str(DOCUMENT_BYTES_MAX), "the largest message that is read, in bytes"),
        Option("guide", "", "the text of a guide of your own, which goes before the standard's"),
        Option("repertoire", "declared", "any: characters that UNOA or UNOB do not know are accepted"),
    ),
    example=(
        "UNA:+.? '\n"
        "UNB+UNOC:3+4012345000009:14+5412345000013:14+260102:1010+77'\n"
        "UNH+1+ORDERS:D:96A:UN'\nBGM+220+4711+9'\nDTM+137:20260102:102'\n"
        "NAD+BY+4012345000009::9'\nLIN+1++4000862141404:EN'\nQTY+21:5:PCE'\nPRI+AAA:12.5'\n"
        "UNS+S'\nCNT+2:1'\nUNT+10+1'\nUNZ+1+77'\n"
    ),
    writes=WRITES,
)

__all__ = ["SPEC", "STANDARD", "locate", "read", "write"]
