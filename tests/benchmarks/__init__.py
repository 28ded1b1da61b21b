"""Benchmarks: ``make bench`` runs all groups, ``make bench ONLY=ingest`` one. Never run as tests."""
