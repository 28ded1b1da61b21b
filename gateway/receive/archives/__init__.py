r"""Archives: one delivery whose members are groups of documents.

``kind_of`` tells by the first bytes whether a file is one, ``unpack`` puts its members into the vault, within limits:

>>> import gzip
>>> kind_of(gzip.compress(b"sku,price\n")).words
'compressed by gzip'
>>> kind_of(b"sku,price\n") is None
True
"""

from __future__ import annotations

from gateway.receive.archives.findings import CODES
from gateway.receive.archives.kinds import kind_of
from gateway.receive.archives.opening import is_archive, open_archive
from gateway.receive.archives.unpacking import Unpacked, base_name, disagreements, unpack

__all__ = ["CODES", "Unpacked", "base_name", "disagreements", "is_archive", "kind_of", "open_archive", "unpack"]
