"""Paths in XML, compiled once: from an element to a text, or to the elements of a loop.

Prefixes mean the namespaces of :data:`PREFIXES`, whatever prefixes a file uses; a name without one matches in any
namespace. The answer to a path is that of XPath: the first match in document order.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, cast

from lxml.etree import XPath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lxml.etree import _Element as Element

    from edi.paths import ElementPath, ElementStep

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
PREFIXES: dict[str, str] = {
    "cac": f"{_UBL}CommonAggregateComponents-2",
    "cbc": f"{_UBL}CommonBasicComponents-2",
    "ext": f"{_UBL}CommonExtensionComponents-2",
    "xlink": "http://www.w3.org/1999/xlink",
    "xml": "http://www.w3.org/XML/1998/namespace",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
"""The prefixes that paths may use. cXML has no namespace: its names stand without a prefix."""


def qualified(name: str, *, attribute: bool = False) -> str:
    """The name in lxml for ``prefix:local``; without a prefix, any namespace for elements and none for attributes.

    Raises:
        ValueError: the prefix is unknown; the message names the nearest one.
    """
    prefix, colon, local = name.rpartition(":")
    if not colon:
        return local if attribute else "{*}" + local
    if prefix in PREFIXES:
        return f"{{{PREFIXES[prefix]}}}{local}"
    near = get_close_matches(prefix, PREFIXES, 1)
    hint = f"did you mean {near[0]}:{local}?" if near else f"known are {', '.join(PREFIXES)}."
    raise ValueError(f"{name!r} has an unknown prefix; {hint} A name without a prefix matches in any namespace")


def compile_path(path: ElementPath) -> Callable[[Element], str | None]:
    """A function from an element to the text (or attribute) that `path` leads to; None where there is none.

    Raises:
        ValueError: a prefix of the path is unknown.
    """
    attribute = None if path.attribute is None else qualified(path.attribute, attribute=True)
    if not path.steps:
        return _text if attribute is None else lambda element: element.get(attribute)
    if len(path.steps) == 1 and path.steps[0].number is None:
        tag = qualified(path.steps[0].name)
        if attribute is None:
            return lambda element: next(map(_text, element.iterchildren(tag)), None)
        return lambda element: next(_present(element.iterchildren(tag), attribute), None)
    follow = _follow(path.steps)
    if attribute is None:
        return lambda element: next(map(_text, follow(element)), None)
    return lambda element: next(_present(follow(element), attribute), None)


def compile_loop(path: ElementPath) -> Callable[[Element], list[Element]]:
    """A function from an element to the elements that `path` leads to, in document order.

    Raises:
        ValueError: a prefix of the path is unknown.
    """
    follow = _follow(path.steps)
    return lambda element: list(follow(element))


def find(element: Element, path: ElementPath) -> list[Element]:
    """The elements that `path` leads to from `element`; for more than one element, compile the path."""
    return compile_loop(path)(element)


def text_of(element: Element, path: ElementPath) -> str | None:
    """The text or attribute that `path` leads to from `element`; for more than one element, compile the path."""
    return compile_path(path)(element)


def _text(element: Element) -> str:
    return element.text or ""


def _present(elements: Iterable[Element], attribute: str) -> Iterator[str]:
    for element in elements:
        value = element.get(attribute)
        if value is not None:
            yield value


def _follow(steps: tuple[ElementStep, ...]) -> Callable[[Element], Iterator[Element]]:
    """A function that yields what `steps` lead to: by libxml2's XPath where every name has a prefix, or by hand."""
    tags = [(qualified(step.name), step.number) for step in steps]
    if len(steps) > 1 and all(":" in step.name for step in steps):
        text = "/".join(step.name + (f"[{step.number}]" if step.number else "") for step in steps)
        search = XPath(text, namespaces=PREFIXES)
        return lambda element: iter(cast("list[Element]", search(element)))
    return lambda element: _walk(element, tags, 0)


def _walk(element: Element, tags: list[tuple[str, int | None]], depth: int) -> Iterator[Element]:
    if depth == len(tags):
        yield element
        return
    tag, number = tags[depth]
    for place, child in enumerate(element.iterchildren(tag), 1):
        if number is None or place == number:
            yield from _walk(child, tags, depth + 1)
