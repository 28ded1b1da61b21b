"""A repeat of a group that never gives back what it has read, where Python knows how to do that.

Before Python 3.11.5 a possessive repeat of a group keeps what its last, failed round had read: a wrong text could
pass for a right one (github.com/python/cpython/issues/106052). A greedy repeat finds the same end, with more memory.
"""

import re

_FOUND = re.match("(?:ab?c)*+d?", "abd")
REPEATED = "*" if _FOUND and _FOUND.end() else "*+"
"""What stands behind a group that may be repeated any number of times."""
