"""The machine, as facts worth keeping with a run."""

import functools
import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata

import harness

_LIBRARIES = ("trio", "httpx", "httpcore", "h11", "msgspec", "toxiproxy-python", "matplotlib")


@functools.cache
def facts() -> Mapping[str, str]:
    """Name and value of what may matter when a figure is doubted. No host name, no user, no path."""
    found = {
        "harness": harness.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1),
        "clock": "CLOCK_MONOTONIC" if sys.platform == "linux" else "monotonic",
    }
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found
