"""Ordinary trouble: what a machine refuses in the middle of anything, told as what to do about it.

Code that can say more (which port, which folder) raises ``EnvironmentFault`` where it happens; this is for the rest.
"""

import errno
import os

from harness.errors import EnvironmentFault, HarnessError, leaf

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_OF_A_FILE = frozenset({
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
})  # fmt: skip
_NO_THREAD = "can't start new thread"
"""Python's words where the system lets it have no more threads (Modules/_threadmodule.c)."""


def in_words(error: BaseException) -> HarnessError | None:
    """Return what to tell a user of an exception, or of the first of a group; None for a bug of our own."""
    cause = leaf(error)
    if isinstance(cause, HarnessError):
        return cause
    said = _said(cause)
    return EnvironmentFault(said) if said else None


def _said(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "this machine has not enough memory for it: fewer runs side by side (-j 1), or a smaller scenario"
    if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
        return "this machine lets no more threads be started: raise `ulimit -u`"
    return _refused(error) if isinstance(error, OSError) else ""


def _refused(error: OSError) -> str:
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return "too many open files: raise `ulimit -n` (1024 is enough)"
    if error.errno in {errno.EAGAIN, errno.ENOMEM}:
        return f"this machine lets no more processes be started ({error.strerror}): raise `ulimit -u`, or free memory"
    if error.errno in NO_ROOM:
        return f"cannot write: {error.strerror}"
    if error.errno == errno.ENOENT and not _working_folder():
        return "the working folder is not there any more: change to one that is"
    named = error.errno in _OF_A_FILE and error.filename is not None
    return f"{os.fsdecode(error.filename)}: {error.strerror}" if named else ""


def _working_folder() -> bool:
    try:
        return bool(os.getcwd())  # noqa: PTH109 - the system's own word
    except OSError:
        return False
