"""Whose a proxy on a shared server is, by its name, and whether the run that made it is dead.

A run that is killed takes no proxy down. So the name of each tells where its run lives:
``harness-PLACE-PID-START-PATH``. PLACE is a digest of all that must be the same for a process id to mean the same: the
boot of the kernel, the PID namespace, and the user. START is when the process began, in clock ticks since that boot, so
that an id which is in use again is another process.

Promised: a run that opens a shared server removes the proxies of runs of the same user, namespace and boot whose
process is gone (a zombie is), and nothing else: none of a run that lives, of another user, container or machine, of a
time before the last boot, or of another name than this. What cannot be told apart is two machines that were restored
from one snapshot of their memory. Without Linux's ``/proc`` nothing is removed.
"""

import hashlib
import os
import re
from pathlib import Path

PROC = Path("/proc")

_NAME = re.compile(r"harness-(?P<place>[0-9a-f]{12})-(?P<pid>[1-9][0-9]*)-(?P<start>[0-9]+)-.+")


def own_prefix(proc: Path = PROC) -> str:
    """Return what the names of this process's proxies begin with."""
    pid, where = os.getpid(), place(proc)
    return f"harness-{where}-{pid}-{_start(pid, proc)}-" if where else f"harness-{pid}-"


def orphaned(name: str, proc: Path = PROC) -> bool:
    """Return whether a proxy of this name was made in this place by a process that is dead."""
    match = _NAME.fullmatch(name)
    if match is None or match["place"] != place(proc):
        return False
    try:
        return _start(int(match["pid"]), proc) != match["start"]
    except (OSError, LookupError, ValueError):
        return False  # there, but not to be looked at


def place(proc: Path = PROC) -> str:
    """Return the digest of boot, PID namespace and user; empty where they are not known."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # Where /proc is another namespace's, its numbers are not those that getpid gives.
        ours = (proc / "self").readlink().name == str(os.getpid())
        namespace = str((proc / "self/ns/pid").readlink())
    except (OSError, ValueError):
        return ""
    told = f"{boot} {namespace} {os.getuid()}"
    return hashlib.blake2b(told.encode(), digest_size=6).hexdigest() if boot and ours else ""


def _start(pid: int, proc: Path) -> str:
    """Return when a process began (``/proc/PID/stat``, field 22, proc(5)); empty where it is gone or a zombie."""
    try:
        stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *fields = stat.rpartition(")")[2].split()  # the second field, a name in brackets, may hold anything
    return "" if state in {"Z", "X"} else str(int(fields[18]))
