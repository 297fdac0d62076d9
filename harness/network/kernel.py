"""Settings of this machine's kernel: the schedule of SYN retries, and settings that matter to a door.

Read from ``/proc`` (Linux). Elsewhere the answers are empty, and a report says so.
"""

import socket
from pathlib import Path

import msgspec

from harness.errors import EnvironmentFault
from harness.network.loopback import LOCALHOST, is_loopback

SETTINGS = Path("/proc/sys/net/ipv4")


class SynSchedule(msgspec.Struct, frozen=True):
    """The times at which the kernel sends an unanswered SYN again.

    The first timeout is 1 s (RFC 6298); ``linear`` timeouts stay so, then ``retries`` of them double, beginning with
    1 s (Linux, ip-sysctl: tcp_syn_linear_timeouts, tcp_syn_retries).
    """

    retries: int
    linear: int

    @property
    def gaps(self) -> tuple[float, ...]:
        """Seconds from each SYN to the next."""
        return (1.0,) * self.linear + tuple(2.0**n for n in range(self.retries))

    @property
    def instants(self) -> tuple[float, ...]:
        """Seconds from the first SYN to each retry."""
        return tuple(sum(self.gaps[: n + 1]) for n in range(len(self.gaps)))


def syn_schedule(settings: Path = SETTINGS) -> SynSchedule | None:
    """Return this host's schedule; None where it cannot be read. Kernels before 6.5 have no linear timeouts."""
    retries = _setting(settings / "tcp_syn_retries")
    if retries is None:
        return None
    return SynSchedule(retries, _setting(settings / "tcp_syn_linear_timeouts") or 0)


def aborts_on_overflow(settings: Path = SETTINGS) -> bool | None:
    """Return whether a full queue answers RST instead of silence: then no door can hang. None: unknown."""
    value = _setting(settings / "tcp_abort_on_overflow")
    return None if value is None else bool(value)


def facts(settings: Path = SETTINGS) -> dict[str, str]:
    """Return what a manifest keeps of this host's TCP; nothing where it cannot be read."""
    known: dict[str, str] = {}
    schedule = syn_schedule(settings)
    if schedule is not None:
        known["tcp_syn_retries"] = str(schedule.retries)
        known["tcp_syn_linear_timeouts"] = str(schedule.linear)
        known["syn_retries_at"] = " ".join(f"{instant:g}s" for instant in schedule.instants)
    overflow = aborts_on_overflow(settings)
    if overflow is not None:
        known["tcp_abort_on_overflow"] = str(int(overflow))
    return known


def _setting(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def loopback_address(host: str) -> str:
    """Return the loopback address that a host's name or address stands for: ``127.0.0.1`` for ``localhost``.

    A name is resolved, and all that it resolves to has to be loopback. Raises ``EnvironmentFault``.
    """
    if host == "localhost" or is_loopback(host):
        return LOCALHOST if host == "localhost" else host
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault(
            f"cannot listen on {host}: only loopback is served, and it does not resolve ({why})"
        ) from error
    away = [address for address in found if not is_loopback(address)]
    if away or not found:
        means = f" ({host} is {away[0]})" if away and away[0] != host else ""
        raise EnvironmentFault(f"cannot listen on {host}: only loopback is served{means}, use {LOCALHOST} or [::1]")
    return found[0]
