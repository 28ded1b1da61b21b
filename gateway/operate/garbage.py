"""Python's cyclic collector, told what each role needs of it.

A collection looks through every container that there is, and nothing else runs meanwhile: some 150,000 are loaded when
a role begins and stay until it ends, which is a tenth of a second for everybody who waits for an answer just then.
"""

from __future__ import annotations

import gc

_COLLECT_AFTER = 50_000
"""New containers between two runs of the cyclic collector; Python's 700 cost a fifth of the pace of a large file."""


def pass_over_what_is_loaded() -> None:
    """Let the collector never look through what is there by now; for a role that is about to begin."""
    gc.collect()
    gc.freeze()


def collect_seldom() -> None:
    """The same for a worker, where it is to run seldom as well: what a batch is made of lives a moment, in no cycle."""
    pass_over_what_is_loaded()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)
