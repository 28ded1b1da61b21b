"""A plan as one HTML page that stands alone, for people who review a change of configuration."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from gateway.observations import so_many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.repair.plan import Compared, Differing, Plan

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #1c2024 }
table { border-collapse: collapse; width: 100%; margin: .5em 0 2em }
th, td { text-align: left; vertical-align: top; padding: .3em .7em; border-bottom: 1px solid #d9dde2 }
th { font-weight: 600 } td.number { text-align: right; font-variant-numeric: tabular-nums }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
.before { color: #9b1c1c } .after { color: #14632a } .quiet { color: #667 }
"""
_SHOWN = 300


def page(plan: Plan) -> str:
    """The page; every text of a file or a configuration in it is escaped."""
    return "\n".join(_parts(plan)) + "\n"


def _parts(plan: Plan) -> Iterator[str]:
    title = f"Plan: {plan.before} → {plan.after}"
    yield f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f"<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>"
    verdict = f"{so_many(plan.differ, 'documents')} would end otherwise." if plan.differ else "No record would differ."
    read = f"{so_many(plan.read, 'deliveries', 'were')} read; not concerned: {plan.untouched:,}."
    yield f"<p><strong>{verdict}</strong> {read}</p>"
    if plan.decided:
        yield f"<p>Left out, because somebody corrected or discarded it: {so_many(plan.decided, 'documents')}.</p>"
    if plan.purged:
        yield f"<p>{so_many(plan.purged, 'deliveries', 'were')} purged, and cannot be judged any more.</p>"
    if plan.unreadable:
        yield "<p>Not read:</p><ul>" + "".join(f"<li>{escape(each)}</li>" for each in plan.unreadable) + "</ul>"
    yield "<table><tr><th>integration<th>documents<th>changed<th>would be held<th>would be accepted</tr>"
    for name, each in sorted(plan.integrations.items()):
        counts = (each.documents, each.changed, each.held, each.accepted)
        cells = "".join(f'<td class="number">{count:,}' for count in counts)
        yield f"<tr><td>{escape(name)}{cells}</tr>"
    yield "</table>"
    for name, each in sorted(plan.integrations.items()):
        if each.differ:
            yield f"<h2>{escape(name)}</h2>"
            yield from _integration(each)


def _integration(compared: Compared) -> Iterator[str]:
    yield "<table><tr><th>what<th>documents<th>for example<th>before<th>after</tr>"
    for code, each in sorted(compared.reasons.items(), key=lambda item: -item[1].count):
        yield from _rows(f"held: {code}", each)
    for name, each in sorted(compared.fields.items(), key=lambda item: -item[1].count):
        yield from _rows(name or "accepted", each)
    yield "</table>"


def _rows(what: str, differing: Differing) -> Iterator[str]:
    for place, each in enumerate(differing.examples):
        head = f'<td><code>{escape(what)}</code><td class="number">{differing.count:,}' if not place else "<td><td>"
        where = f"{escape(each.key)}<br>"
        where += f'<span class="quiet">{escape(each.name)}, document {each.document}, {escape(each.delivery)}</span>'
        before, after = (f'<code class="{name}">{_shown(getattr(each, name))}</code>' for name in ("before", "after"))
        yield f"<tr>{head}<td>{where}<td>{before}<td>{after}</tr>"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return escape(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
