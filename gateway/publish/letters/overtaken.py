"""Documents that are right and not used, because a newer record is there: what a letter says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.publish.letters.facts import Overtaken
from gateway.publish.letters.headers import mapper_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.model import Finding
    from gateway.publish.letters.facts import Unit


@dataclass(frozen=True, slots=True)
class Late:
    """What of a file came too late: the findings that say so, one for each document that is told."""

    findings: Sequence[Finding] = ()
    newest_by: tuple[str, ...] = ()
    """What the sender calls the values that say which of two documents is newer; none: the last one is."""

    def told(self, unit: Unit, partner: str) -> Iterator[Overtaken]:
        """The documents, each by its place; keys of a partner's records begin with his name, which he does not know."""
        known: Iterable[tuple[str | None, Finding]] = {
            (each.member, each.document): (each.member, each) for each in self.findings
        }.values()
        for member, finding in known:
            title = unit.named(finding.document or 0)
            within = f", in {member}" if member else ""
            what = finding.message.replace(f" {partner}~", " ", 1)
            yield Overtaken(f"{title[0].upper()}{title[1:]}{within}", f"{what[0].upper()}{what[1:]}.")


def newest_by(configuration: Configuration, integration: Integration) -> tuple[str, ...]:
    """What the sender calls the values that say which of two documents is newer."""
    mapper = mapper_of(configuration, integration) if integration.version is not None else None
    lineage = mapper.lineage_of(f"/{integration.version}") if mapper is not None else None
    return tuple(each.strip("`") for each in lineage.paths) if lineage is not None else ()
