"""A census of this process: counted before a run and after it, since a clean client leaves nothing behind (L12)."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import trio

from harness.history import Census

_OPEN = (Path("/proc/self/fd"), Path("/dev/fd"))
"""Where a system lists a process's own descriptors: Linux, and those that descend from BSD, macOS among them."""

_WORKERS = "Trio thread"  # idle workers of trio's own cache: they end by themselves after ten seconds


def tasks() -> list[str]:
    """Names of all tasks of this trio run but its own system tasks: parents before children, siblings by name."""
    root = trio.lowlevel.current_root_task()
    if root is None:
        return []
    names: list[str] = []
    waiting = _children(root)
    while waiting:
        task = waiting.pop(0)
        names.append(task.name)
        waiting.extend(_children(task))
    return names


def _children(task: trio.lowlevel.Task) -> list[trio.lowlevel.Task]:
    """Return the tasks that a task has started. A nursery keeps them in a set, in the order of their addresses."""
    children = [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return sorted(children, key=lambda child: child.name)


def sockets() -> list[str]:
    """Open socket descriptors of this process, by number. Empty where the system does not list descriptors."""
    found = []
    for entry in _descriptors():
        try:
            if stat.S_ISSOCK(os.fstat(int(entry)).st_mode):
                found.append(entry)
        except (OSError, ValueError):  # closed since it was listed
            continue
    return found


def threads() -> list[str]:
    """Names of live threads besides the main one and trio's cached workers."""
    main = threading.main_thread()
    return [
        thread.name for thread in threading.enumerate() if thread is not main and not thread.name.startswith(_WORKERS)
    ]


def processes() -> list[str]:
    """Live child processes."""
    alive = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() != psutil.STATUS_ZOMBIE:
                alive.append(f"{child.name()} ({child.pid})")
        except psutil.NoSuchProcess:
            continue
    return alive


def take(when: str, *, proxies: list[str], open_sockets: Callable[[], list[str]] | None = None) -> Census:
    """Count now. ``proxies`` are those that Toxiproxy still has of this run.

    ``open_sockets`` tells those of a simulated network, which has no threads and no processes.
    """
    names = {"tasks": tasks(), "proxies": proxies}
    if open_sockets is not None:
        names |= {"sockets": open_sockets()}
    else:
        names |= {"sockets": sockets(), "threads": threads(), "processes": processes()}
    return Census(when=when, counts={what: len(found) for what, found in names.items()}, names=names)


def memory() -> int:
    """Resident bytes of this process."""
    return int(psutil.Process().memory_info().rss)


def descriptors() -> int:
    """Return how many descriptors this process has open; 0 where the system does not list them."""
    return len(_descriptors())


def _descriptors() -> list[str]:
    folder = next((folder for folder in _OPEN if folder.is_dir()), None)
    return os.listdir(folder) if folder else []  # noqa: PTH208 - iterdir would hold one open while counting
