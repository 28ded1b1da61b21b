"""A type of which two versions are live, each with what the other lacks: fields, filters, and types of one name."""

from __future__ import annotations

V1 = """\
contract: parcel v1
about: A parcel
owner: orders-team
key: number
fields:
  number: text, filter
  status: text, filter, sort
  sent: text, filter, sort
  receiver: text ?, pii, filter
"""
V2 = """\
contract: parcel v2
about: A parcel, by the day
owner: orders-team
key: number
fields:
  number: text, filter
  state: text, filter, sort
  sent: date, filter, sort
  box:
    weight: int
"""
FLOW = """\
integration: parcels-{version}
about: Parcels of version {version}
owner: orders-team
source: "http:"
format: csv , utf-8 header
contract: parcel v{version}
map:
"""
PARCELS = {
    "contracts/parcel.v1.yaml": V1,
    "contracts/parcel.v2.yaml": V2,
    "integrations/parcels-1.yaml": FLOW.format(version=1)
    + "  number: number\n  status: status\n  sent: sent\n  receiver: receiver | optional\n",
    "integrations/parcels-2.yaml": FLOW.format(version=2)
    + "  number: number\n  state: state\n  sent: sent | date\n  box.weight: weight | int\n",
}
"""Files of a workspace."""

SENT = {
    "parcels-1": b"number,status,sent,receiver\nA,open,yesterday,Ada\nB,done,today,\n",
    "parcels-2": b"number,state,sent,weight\nC,open,2026-11-01,5\nD,done,2026-11-02,7\n",
}
"""Integration → a file for it."""
