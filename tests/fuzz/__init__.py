"""Fuzz targets, one a reader: ``one(data)`` holds what must be true of any bytes.

A few hundred mutated samples go through each with every run of the tests (``test_targets.py``). Guided by
coverage, with atheris installed (``pip install atheris``; it is no requirement of the project), for a minute::

    python -m tests.fuzz x12 -max_total_time=60

What it finds interesting is kept in ``.cache/fuzz/<name>``; what breaks a target is written to ``crash-…`` in the
current folder, and ``python -m tests.fuzz x12 crash-…`` runs it once more.
"""
