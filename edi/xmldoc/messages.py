"""Which message a root element is: a UBL document, a cXML request, or whatever its name says."""

from __future__ import annotations

import re

from lxml import etree

from edi.xmldoc.paths import qualified

_UBL = re.compile(r"urn:oasis:names:specification:ubl:schema:xsd:(\w+)-2")
_MESSAGE = re.compile(r"(?:(?P<prefix>[^:]+):)?(?P<name>[^:]+?)(?P<version>-\d[\d.]*)?")


def check_message(message: str) -> None:
    """Whether `message` can be looked for.

    Raises:
        ValueError: its prefix is unknown; the message says which are known.
    """
    found = _MESSAGE.fullmatch(message)
    if not found:
        raise ValueError(f"{message!r} is no message; write ubl:Invoice-2.1, cxml:OrderRequest or the root's name")
    if found["prefix"] not in (None, "ubl", "cxml"):
        qualified(message)


def message_of(root: etree._Element) -> str:
    """What a root element says that it is: ``ubl:Invoice-2.1``, ``cxml:OrderRequest``, or its local name.

    UBL counts as 2.1 where cbc:UBLVersionID says nothing; all its versions 2.x share their namespaces.
    """
    name = etree.QName(root)
    if _UBL.fullmatch(name.namespace or ""):
        stated = re.search(r"\d+\.\d+", root.findtext(qualified("cbc:UBLVersionID")) or "")
        return f"ubl:{name.localname}-{stated[0] if stated else '2.1'}"
    if name.localname == "cXML" and not name.namespace:
        for child in root.iterchildren("Request", "Message", "Response"):
            for kind in child.iterchildren("{*}*"):
                if kind.tag not in ("Status", "Extrinsic"):
                    return f"cxml:{etree.QName(kind).localname}"
        return "cxml"
    return name.localname


def is_message(root: etree._Element, message: str) -> bool:
    """Whether a root element is the message that was declared."""
    wanted = _MESSAGE.fullmatch(message)
    assert wanted
    name = etree.QName(root)
    if wanted["prefix"] == "ubl":
        expected = _UBL.pattern.replace(r"(\w+)", wanted["name"])
        return (name.namespace, name.localname) == (expected, wanted["name"])
    if wanted["prefix"] == "cxml":
        return message_of(root) in (message, "cxml")
    if wanted["prefix"]:
        return root.tag == qualified(message)
    return name.localname == message
