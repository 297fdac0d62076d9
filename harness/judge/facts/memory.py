"""The growth of a run's process (law L12).

A client in the harness's own process shares it with the server and the gates. The server keeps what it has to replay,
so what is allowed grows with what was sent. A run whose history is kept in memory is not measured: its ``rss`` is 0.
"""

import msgspec

from harness.history import Chunk, Health
from harness.judge.case import Case

MARGIN = 16_000_000
"""Bytes that a process may grow by, whatever it does: caches, and what an allocator does not give back."""


class MemoryGrowth(msgspec.Struct, frozen=True):
    """The growth from the ``first`` measure to the ``last`` in bytes, the bytes that are allowed, and why."""

    first: Health
    last: Health
    bytes: int
    allowed: int
    why: str


def grown(case: Case) -> MemoryGrowth | None:
    """Return how much a run's process grew; None where it was not measured."""
    measured = [one for one in case.history.all(Health) if one.rss]
    if len(measured) < 2:
        return None
    first, last = measured[0], measured[-1]
    since = (chunk for chunk in case.history.all(Chunk) if chunk.t_ns > first.t_ns and chunk.fate == "delivered")
    sent = sum(chunk.length for chunk in since)
    why = f"{MARGIN / 1e6:.0f} MB and what was sent since, {sent / 1e6:.1f} MB"
    return MemoryGrowth(first, last, last.rss - first.rss, MARGIN + sent, why)
