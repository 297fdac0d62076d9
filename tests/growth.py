"""The growth of a call's CPU time with its input: both sizes are timed in turns, so a busy machine slows both."""

import gc
from collections.abc import Callable
from time import process_time  # what others do on this machine does not count


def seconds_of(run: Callable[[], object]) -> float:
    """Return the seconds of CPU time that one call takes, without rounds of the garbage collector."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        began = process_time()
        run()
        return process_time() - began
    finally:
        if enabled:
            gc.enable()


def times_as_long(long: Callable[[], object], short: Callable[[], object], *, bound: float, tries: int = 6) -> float:
    """Return how many times as long the first call takes: the least time of each, taken in turns.

    Another pair of calls is timed while the result is not below ``bound``, up to so many tries: a hiccup of the machine
    only ever makes a call slower.
    """
    least_long = least_short = float("inf")
    for _ in range(tries):
        least_short = min(least_short, seconds_of(short))
        least_long = min(least_long, seconds_of(long))
        if least_long < bound * least_short:
            break
    return least_long / least_short
