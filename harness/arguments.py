"""What options mean: the texts of the command line, read. Each raises ``UsageError`` in the option's own words."""

from collections.abc import Iterable

from harness.errors import UsageError


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
    """``127.0.0.1:8080`` as host and port; loopback only, in either family."""
    host, _, port = text.rpartition(":")
    host = {"localhost": "127.0.0.1", "": "127.0.0.1", "[::1]": "::1"}.get(host, host)
    if not port.isdecimal() or len(port) > 5 or int(port) > 65535:
        raise UsageError(f"--listen takes ADDRESS:PORT, such as 127.0.0.1:8080, not {text!r}")
    if not (host.startswith("127.") or host == "::1"):
        raise UsageError(f"--listen {text}: only loopback addresses are served (127.0.0.1, [::1])")
    return host, int(port)
