"""Addresses as Toxiproxy's API writes them: ``host:port``."""

import ipaddress

import trio

from harness.seams import Address

LOOPBACK = "127.0.0.1"
_ANY_HOST = ("", "localhost", "0.0.0.0", "::", "127.0.0.1")  # noqa: S104 - these are what is *not* bound


class BadAddress(ValueError):
    """Not an address, or one that may not be listened on. The message reads like Go's."""


def split_address(text: str) -> Address:
    """Split ``host:port``; the host may be empty, a name, or in brackets. Raises ``BadAddress``."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        raise BadAddress(f"address {text}: missing port in address")
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise BadAddress(f"address {port}: invalid port")
    return host.strip("[]"), int(port)


def listen_address(text: str) -> Address:
    """Return where to listen. Raises ``BadAddress``.

    "All interfaces" (an empty host, ``0.0.0.0``, ``[::]``) becomes 127.0.0.1, unlike Toxiproxy: the harness serves
    nobody but this host.
    """
    host, port = split_address(text) if text else ("", 0)
    if host in _ANY_HOST:
        return LOOPBACK, port
    try:
        if ipaddress.IPv4Address(host).is_loopback:
            return host, port
    except ValueError:
        pass
    raise BadAddress(f"{text}: bind: only 127.0.0.1 is served here, use {LOOPBACK}:{port}")


async def dial_address(text: str) -> Address:
    """Return the IP address and port that ``text`` names now. Raises ``OSError`` where a name cannot be resolved."""
    try:
        host, port = split_address(text)
    except BadAddress as error:
        raise OSError(f"dial tcp: {error}") from error
    if host in _ANY_HOST:
        return LOOPBACK, port
    try:
        ipaddress.ip_address(host)
    except ValueError:
        found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        return str(found[0][4][0]), port
    return host, port


def join_address(address: Address) -> str:
    """Return ``host:port``, with brackets around IPv6."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
