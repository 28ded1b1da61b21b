"""What the pages say of codes whose own tables hold no remedy: a contract's, and the gateway's own."""

from __future__ import annotations

from gateway.receive.archives import CODES as ARCHIVES

CONTRACT_REMEDIES = {
    "contract.required": "Send a value, or give one in the mapping with `??`. Mark what may be missing with `?`.",
    "contract.type": "Correct the value, or convert it in the mapping (`| int`, `| decimal`, `| date`).",
    "contract.length": "Send a shorter or longer text, or change the contract.",
    "contract.pattern": "Send a text that matches as a whole, or change the contract.",
    "contract.range": "Send a number within the bounds, or change the contract.",
    "contract.digits": "Round at the source or with `| round(places)`, or widen the contract.",
    "contract.code": "Send a code of the table, or add this one to it. The message names the nearest code.",
    "contract.check_digit": "Compare the number with its source; two digits may be swapped.",
    "contract.unknown_field": "Leave the field out, or add it to the contract.",
    "contract.value": "Correct the value, or change the contract.",
}
"""Code of `gateway.validate.messages.CODES` → what helps in general; the finding itself is more precise."""

OURS = {
    "route.unwanted_file": (
        "no integration's source matches the file",
        (
            "Add an integration whose `source:` matches, or have one made from the file, with the command that the "
            "finding names; apply, and retry the held document, which is the whole file."
        ),
        "error",
    ),
    "route.unwanted_message": (
        "integrations take files from this source, but none takes this message or version",
        (
            "Add an integration with the `format:` that the finding names, or have one made from the file, with the "
            "command that the finding names; apply, and retry the document."
        ),
        "error",
    ),
    "route.unknown_partner": (
        "the sender in the envelope is no known identifier of the partner",
        (
            "If it is theirs, add it to the `identifiers:` of the partner's file, apply, and retry. A new partner is "
            "made from the file, by `gateway partner add NAME --from d_…`: see [onboarding](onboarding.md)."
        ),
        "error",
    ),
    "route.other_receiver": (
        "the interchange is for a receiver that is none of our `identifiers:` in gateway.yaml",
        "If that is us, add it there, apply, and retry; otherwise tell the sender, and discard the document.",
        "error",
    ),
    "mapping.unusable": (
        "the columns of the file are not those that the mapping names",
        (
            "Ask the sender for the file with these columns, and discard this one; or correct the mapping, apply, and "
            "retry the documents. No correction of single rows helps."
        ),
        "error",
    ),
    "document.not_one": (
        "the correction of a document is more, or less, than one document",
        "Correct it again with exactly one document: one row, one element, one object, one message.",
        "error",
    ),
    "accept.file": (
        "some documents are bad, and the integration takes a file whole or not at all (`accept: file`)",
        "Have the file corrected and sent again, or change `accept:` and retry.",
        "error",
    ),
    "accept.share": (
        "more documents are bad than `accept:` allows, so that all of them are held",
        "Have the file corrected and sent again, or retry the good ones by hand.",
        "error",
    ),
    "delivery.duplicate": (
        "the content is that of the latest accepted delivery of this partner and integration, byte for byte",
        "Nothing is to be done. If the repetition is meant, something in the file must differ, such as its number.",
        "note",
    ),
    "delivery.failed": (
        "the file could not be judged in as many tries as `tries:` allows; the finding says why",
        "Look at the log of the worker around these times. The raw file is kept. After a fix, retry it there.",
        "error",
    ),
    "document.not_found": (
        "a document that was to be judged again is no longer found in its file",
        "Look at what was changed in `format:` of the integration; correct it, apply, and retry.",
        "error",
    ),
    "delivery.more_findings": (
        "a delivery has more findings than the quarantine keeps",
        "Mend what is told first and send the file again, or retry its documents: the rest shows then.",
        "note",
    ),
    "record.too_long": (
        "a record's key, or a value that can be searched for, is longer than an index takes",
        "Shorten the value; or take filter and sort from the field, or bound its length in the contract.",
        "error",
    ),
    "record.older": (
        "records of a later delivery are there already, and older ones do not replace them",
        "Nothing is to be done, unless the older values are wanted: then send them again.",
        "warning",
    ),
}
OURS |= {name: (each.title, each.remedy, str(each.severity)) for name, each in ARCHIVES.items()}
"""Code → title, remedy, severity; made in `gateway/routing.py`, `gateway/judging.py` and `gateway/telling.py`."""
