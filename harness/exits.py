"""Exit codes, and which of several counts. Imports nothing: the command line needs them before anything else.

0 pass · 1 fail · 2 usage or a bad file · 3 environment, or void · 4 unknown · 130 and 143 interrupted.
"""

from collections.abc import Iterable

PASS, FAIL, USAGE, ENVIRONMENT, UNKNOWN = 0, 1, 2, 3, 4
INTERRUPTED, TERMINATED = 130, 143
PRECEDENCE = (INTERRUPTED, TERMINATED, USAGE, FAIL, ENVIRONMENT, UNKNOWN, PASS)
"""A found defect stays found: fail comes before what could not be tried."""

OF_WORD = {"pass": PASS, "fail": FAIL, "unknown": UNKNOWN, "void": ENVIRONMENT}


def worst(codes: Iterable[int]) -> int:
    """Return the one of many exit codes that counts."""
    found = set(codes)
    return next((code for code in PRECEDENCE if code in found), PASS)
