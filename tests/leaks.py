"""The things that a test may leave behind, counted before and after."""

import gc
from pathlib import Path

import trio

from harness.run.census import threads


def census():
    """Count open descriptors, threads and tasks. A worker that trio keeps for the next call is no leak."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir())), threads(), trio.lowlevel.current_statistics().tasks_living
