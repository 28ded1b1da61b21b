r"""Acknowledgments: what is answered to a partner's file (TA1, 997, 999, CONTRL), and what a partner's answer says.

>>> from datetime import datetime
>>> from itertools import count
>>> from edi.x12.scanner import events
>>> isa = "ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *260102*1010*U*00401*000000001*0*P*>~"
>>> text = isa + "GS*PO*ACME*US*20260102*1010*1*X*004010~ST*850*0001~BEG*00*SA*4711**20260102~" \
...     "PO1*1*3*EA*12.5O~CTT*1~SE*5*0001~GE*1*1~IEA*1*000000001~"
>>> now = datetime(2026, 1, 2, 11, 0)
>>> answer, = acknowledge(events([text.encode()], {}), kinds={"997"}, numbers=count(42), now=now)
>>> answer.verdict, answer.received, answer.accepted
('R', 1, 0)
>>> print(answer.content.decode().replace("~", "~\n"))  # doctest: +NORMALIZE_WHITESPACE
ISA*00*          *00*          *ZZ*US             *ZZ*ACME           *260102*1100*U*00401*000000042*0*P*>~
GS*FA*US*ACME*20260102*1100*42*X*004010~
ST*997*0001~
AK1*PO*1~
AK2*850*0001~
AK3*PO1*3**8~
AK4*4*212*6*12.5O~
AK5*R*5~
AK9*R*1*1*0~
SE*8*0001~
GE*1*42~
IEA*1*000000042~

Which code tells which finding stands in one table, :data:`edi.acknowledgments.codes.TABLE`. What a guide finds, and
what the envelope lacks, is told; what a contract refuses is not: that is no error of the standard.
"""

from edi.acknowledgments.acknowledging import NUMBER_MAX, acknowledge, drafts
from edi.acknowledgments.answers import Acknowledgment, Draft, Kind, Verdict
from edi.acknowledgments.received import Answered, Received, read_acknowledgment

__all__ = [
    "NUMBER_MAX",
    "Acknowledgment",
    "Answered",
    "Draft",
    "Kind",
    "Received",
    "Verdict",
    "acknowledge",
    "drafts",
    "read_acknowledgment",
]
