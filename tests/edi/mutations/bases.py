"""The right files by name, each with its mutations by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.edi.mutations import edifact_orders, more_edifact, more_x12, x12_claims, x12_orders

if TYPE_CHECKING:
    from tests.edi.mutations.mutating import Base, Mutation

BASES: dict[str, tuple[Base, dict[str, tuple[Mutation, ...]]]] = {
    "850": (x12_orders.BASE, {**x12_orders.PUBLISHED, "more": x12_orders.MORE}),
    "837P": (x12_claims.BASE, {**x12_claims.PUBLISHED, "more": x12_claims.MORE}),
    "ORDERS": (edifact_orders.BASE, {**edifact_orders.PUBLISHED, "more": edifact_orders.MORE}),
    "810": (more_x12.INVOICE, {"more": more_x12.INVOICE_MUTATIONS}),
    "856": (more_x12.SHIP_NOTICE, {"more": more_x12.SHIP_NOTICE_MUTATIONS}),
    "835": (more_x12.PAYMENT, {"more": more_x12.PAYMENT_MUTATIONS}),
    "INVOIC": (more_edifact.INVOICE, {"more": more_edifact.INVOICE_MUTATIONS}),
    "DESADV": (more_edifact.DESPATCH, {"more": more_edifact.DESPATCH_MUTATIONS}),
}
