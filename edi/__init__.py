"""Bytes in, documents and findings out: X12, EDIFACT, CSV, XML, JSON lines. Pure: no I/O of its own, no clock."""
