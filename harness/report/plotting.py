"""Loads matplotlib without the user's settings: neither a variable nor a file of the user's changes a figure.

The first import reads them, and falls over one that is wrong. So the figures' modules import this one first.
"""

import contextlib
import os
from collections.abc import Iterator

_SETTINGS = {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}


@contextlib.contextmanager
def without_settings() -> Iterator[None]:
    """Hide the user's settings for matplotlib while it is loaded."""
    before = {name: os.environ.get(name) for name in _SETTINGS}
    os.environ.update(_SETTINGS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with without_settings():
    import matplotlib as mpl  # noqa: F401
