"""Files that another party may have put where they are: only regular ones are read, and only up to a bound.

A FIFO would be waited for, a device read for ever, a link followed in a circle. All is told as the ``OSError`` that
opening or reading raises, with a ``strerror`` that completes "cannot be read: …".
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

LARGEST = 256_000_000
"""Bytes of a file that is read whole: a plan of the most weather has 30 MB, a summary of the most runs 100."""


NOT_REGULAR = "it is no regular file"


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read its bytes. Raises ``OSError`` for anything else, and never waits for a writer."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise OSError(errno.EINVAL, NOT_REGULAR, str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, most: int = LARGEST) -> bytes:
    """Return all bytes of a regular file. Raises ``OSError``, also where there are more than ``most``."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes", str(path))
    return content


def real_path(path: Path) -> Path:
    """Return the path without links, as far as it can be followed: a circle of them stays as it is.

    Raises ``OSError`` for a relative path where there is no working folder any more.
    """
    return Path(os.path.realpath(path))
