"""A message, or a release of it, that was not agreed: what came, what was agreed, and what to send.

>>> from edi.model import Envelope
>>> from gateway.integrations import Format
>>> of_message(Envelope("x12", "850", "005010"), [Format("x12", "004010", "850")]).expected
'850 in release 004010'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.publish.letters.wording import TELL, Words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edi.model import Envelope
    from gateway.integrations import Format

_VERSIONS = {"x12": "release", "edifact": "directory"}


def of_message(envelope: Envelope, agreed: Iterable[Format]) -> Words | None:
    """What is said of a message where these formats are agreed; None for formats whose messages say no version."""
    if envelope.format not in _VERSIONS or envelope.message is None:
        return None
    known = [each for each in agreed if each.name == envelope.format]
    came = _named(envelope.format, envelope.message, envelope.version)
    what = f"We do not expect this kind of message from you: it is {came}."
    expected = " or ".join(dict.fromkeys(_named(each.name, each.message, each.version) for each in known))
    releases = [each.version for each in known if each.message in (envelope.message, None) and each.version]
    if not releases:
        return Words(what, expected, TELL, ours=True)
    send = f"Please send it in {_VERSIONS[envelope.format]} {' or '.join(dict.fromkeys(releases))}"
    return Words(what, expected, f"{send}, or tell us that you send {envelope.version} from now on.")


def _named(standard: str, message: str | None, version: str | None) -> str:
    """``850 in release 004010``."""
    return f"{message or 'a message'}" + (f" in {_VERSIONS[standard]} {version}" if version else "")
