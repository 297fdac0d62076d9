"""Makes a process, and all that it starts, see a system that is no Linux: what only Linux has is not there.

Python imports this module at its start where its folder is on ``PYTHONPATH``. Libraries that ask the system themselves
load first, and keep what they found: here they stand for what they are elsewhere.
"""

import io
import os
import resource
import select
import socket
import sys
import sysconfig
import types
import urllib.request  # noqa: F401 - asks a module that only macOS has for its proxies

import psutil
import trio

OTHERS = {"TCP_NODELAY", "TCP_MAXSEG", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_FASTOPEN", "TCP_NOTSENT_LOWAT"}
LINUX_ALONE = {
    os: ("fork", "forkpty", "pidfd_open", "sched_getaffinity", "sched_setaffinity", "memfd_create", "eventfd"),
    resource: ("prlimit",),
    select: tuple(name for name in vars(select) if name.lower().startswith("epoll")),
    socket: (
        *(name for name in vars(socket) if name.startswith("TCP_") and name not in OTHERS),
        *("SO_BINDTODEVICE", "SO_DOMAIN", "SO_MARK", "SO_PASSCRED", "SO_PEERCRED", "SO_PRIORITY", "SO_PROTOCOL"),
        *("SOCK_CLOEXEC", "SOCK_NONBLOCK", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"),
    ),
}


def is_psutil():
    """Return whether psutil asks: elsewhere it asks other calls of the system."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(psutil.__name__):
            return True
        frame = frame.f_back
    return False


def hide_proc(function):
    """Let a function that takes a path find nothing below ``/proc``."""

    def hidden(path, *rest, **named):
        if isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith("/proc") and not is_psutil():
            raise FileNotFoundError(2, "No such file or directory", os.fsdecode(path))
        return function(path, *rest, **named)

    return hidden


def socketpair(family=None, type=socket.SOCK_STREAM, proto=0):  # noqa: A002 - its name there
    """Make a pair of streams; pairs that carry messages are not to be had."""
    if type == socket.SOCK_SEQPACKET:
        raise OSError(43, "Protocol not supported")
    return stock_socketpair(family, type, proto)


stock_socketpair = socket.socketpair
sysconfig.get_config_vars()
trio._core._io_epoll.select = types.SimpleNamespace(**vars(select))
for module, names in LINUX_ALONE.items():
    for name in names:
        vars(module).pop(name, None)
socket.socketpair = socketpair
for name in ("open", "stat", "lstat", "listdir", "scandir", "readlink"):
    setattr(os, name, hide_proc(getattr(os, name)))
io.open = hide_proc(io.open)
__builtins__["open"] = io.open
sys.platform = "darwin"
if os.environ.get("PORTS") == "one socket each":
    # As with BSD's sockets, no second socket can be bound to a port then: another option is set in place of the first.
    socket.SO_REUSEADDR = socket.SO_KEEPALIVE
