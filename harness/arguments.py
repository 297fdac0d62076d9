"""What options mean: the texts of the command line, read. Each raises ``UsageError`` in the option's own words."""

from collections.abc import Iterable

from harness.errors import EnvironmentFault, UsageError


def assignments(chosen: Iterable[str]) -> dict[str, str]:
    """``gap=5s`` as a mapping."""
    pairs = {}
    for item in chosen:
        name, equals, value = item.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"--set takes NAME=VALUE, such as gap=5s, not {item!r}")
        pairs[name] = value
    return pairs


def duration(text: str | None, option: str) -> float | None:
    """An option's duration in seconds."""
    from harness.units import parse_duration  # noqa: PLC0415

    if text is None:
        return None
    try:
        return parse_duration(text)
    except (UsageError, ValueError) as error:
        raise UsageError(f"{option}: {error}") from error


def address(text: str) -> tuple[str, int]:
    """``127.0.0.1:8080``, ``[::1]:8080`` or ``localhost:8080`` as an IP address and a port; loopback only."""
    from harness.network.kernel import loopback_address  # noqa: PLC0415

    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdecimal()) or int(port[:6]) > 65535 or (":" in host and bare == host):
        raise UsageError(f"--listen takes ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080, not {text!r}")
    try:
        return loopback_address(bare or "localhost"), int(port)
    except EnvironmentFault as fault:
        raise UsageError(f"--listen {text}: {fault}") from fault
