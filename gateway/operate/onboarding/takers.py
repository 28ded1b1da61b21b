"""Who takes a sample file of a partner already, and who would be given it without having a use for it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from edi.formats import parse_format
from edi.model import Envelope
from gateway.errors import Stop
from gateway.integrations import Format
from gateway.receive.trials import is_for
from gateway.routing import Routes, Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.model import Delivery
    from gateway.operate.onboarding.making import Asked, Prepared, Sample

NUMBERS = re.compile(r"[\d_.-]*\d[\d_.-]*")
"""What differs in the names of files of one kind."""


def pattern(of: Sample) -> str:
    """Names like that of a file: ``stock_20261121.csv`` is one of ``stock*.csv``."""
    path = PurePosixPath(of.name)
    stem = re.sub(r"[\[\]?*]", "?", NUMBERS.sub("\N{SUBSTITUTE}", path.stem)).replace("\N{SUBSTITUTE}", "*")
    return f"{stem}{'' if '*' in stem else '*'}{path.suffix}"


def rivals(
    configuration: Configuration, near: Sequence[Integration], from_: Sample, source: str
) -> tuple[Integration, ...]:
    """The flows that would be given files of this name too, and that have no use for their columns.

    Raises:
        Stop: they read such files in another way, so that the two cannot be told apart by their columns.
    """
    (declared, *more) = from_.seen.declared()
    if more or from_.seen.format != "csv" or not from_.seen.columns:
        return ()
    routes = Routes(configuration)
    others = [each for each in near if each.format.name == "csv" and not _fits(routes, each, from_)]
    found = tuple(each for each in others if each.source.wants(_place(source), from_.name))
    options = dict(Format(*parse_format(declared)).options)
    for each in found:
        if dict(each.format.options) != options:
            raise Stop(
                f"{each.name} takes {from_.name} from {_place(source)} too, and reads it otherwise than {declared}",
                f"Let the source of {each.name} name its own files alone, as '{_place(source)}/prices*.csv'; "
                f"then the same command adds this one with --source '{_place(source)}/{pattern(from_)}'",
            )
    return found


def _fits(routes: Routes, integration: Integration, from_: Sample) -> bool:
    """Whether an integration can do with the columns of a table; without a header it is not known."""
    if not from_.seen.columns or dict(integration.format.options).get("header") != "true":
        return True
    envelope = Envelope("csv", columns=from_.seen.columns)
    return not isinstance(routes.route([integration], envelope), Unfit)


def wanted(configuration: Configuration, near: Sequence[Integration], from_: Sample, made: Prepared) -> Iterator[str]:
    """What the sample holds that no integration takes from there yet."""
    routes = Routes(configuration)
    for message, declared in zip(from_.seen.messages or (None,), from_.seen.declared(), strict=False):
        takes = [
            each.name
            for each in near
            if each.format.name == from_.seen.format
            and (message is None or each.format.message in (None, message.name))
            and (message is None or not each.format.version or (message.version or "").startswith(each.format.version))
            and (from_.seen.format != "csv" or _fits(routes, each, from_))
        ]
        if takes:
            made.notes.append(f"{declared} is taken by {', '.join(takes)} already.")
        else:
            yield declared


def near(configuration: Configuration, partner: str, asked: Asked) -> list[Integration]:
    """The integrations that may take what the partner sends: its own, and those of the place where a file was taken.

    Where it is said from where the file will come, only those that would be given it from there.
    """
    assert asked.sample is not None
    delivery, name = asked.sample.delivery, asked.sample.name
    return [
        each
        for each in configuration.integrations.values()
        if is_for(each, partner)
        or each.partner == partner
        or (each.partner is None and delivery is not None and _is_of(each, delivery))
        if not asked.source or each.source.wants(_place(asked.source), name)
    ]


def _place(source: str) -> str:
    """Where files of a source lie, as deliveries name it: ``drop://acme`` of ``drop://acme/*.csv``."""
    return source.rpartition("/")[0] if "/" in source else source


def _is_of(integration: Integration, delivery: Delivery) -> bool:
    if delivery.source == "http:":
        return integration.name == delivery.integration
    return integration.source.wants(delivery.source, delivery.name)
