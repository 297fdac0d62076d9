"""Addresses as Toxiproxy's API writes them: ``host:port``."""

import ipaddress
from urllib.parse import urlsplit

import trio

from harness.errors import UsageError
from harness.seams import Address

LOOPBACK = "127.0.0.1"
LOOPBACKS = (LOOPBACK, "::1")
_ANY_HOST = ("", "localhost", "0.0.0.0", "::")  # noqa: S104 - these are what is *not* bound
_THIS_MACHINE = {"": LOOPBACK, "localhost": LOOPBACK, "0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - dialed, not bound


class BadAddress(ValueError):
    """A text that is no address, or an address on which nothing may listen. The message reads like Go's."""


def split_address(text: str) -> Address:
    """Split ``host:port``; the host may be empty, a name, or in brackets, and no port is 0. Raises ``BadAddress``."""
    host, colon, port = text.rpartition(":")
    if text.startswith("[") and "]" not in text:
        raise BadAddress(f"address {text}: missing ']' in address")
    if not colon or "]" in port:
        raise BadAddress(f"address {text}: missing port in address")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise BadAddress(f"address {text}: too many colons in address")
    port = port or "0"
    if not (port.isascii() and port.isdigit()) or len(port.lstrip("0")) > 5 or int(port) > 65535:
        raise BadAddress(f"address {port}: invalid port")
    return host.strip("[]"), int(port)


def listen_address(text: str) -> Address:
    """Return where to listen. Raises ``BadAddress``.

    "All interfaces" (an empty host, ``0.0.0.0``, ``[::]``) becomes 127.0.0.1, unlike Toxiproxy: the harness serves
    this host alone. The loopback of IPv6 is ``[::1]``.
    """
    host, port = split_address(text) if text else ("", 0)
    if host in _ANY_HOST:
        return LOOPBACK, port
    try:
        if (ip := ipaddress.ip_address(host)).is_loopback:
            return str(ip), port
    except ValueError:
        pass
    raise BadAddress(f"{text}: bind: only loopback is served here, use {LOOPBACK}:{port}")


def is_url(choice: str) -> bool:
    """Return whether a choice of Toxiproxy names a server that runs already."""
    return choice.startswith(("http://", "https://"))


def url_address(url: str) -> Address:
    """Return host and port of a server's URL. Raises ``UsageError`` for one with credentials, a path or TLS.

    The error never repeats the URL: it goes into the history, and text that is no URL may hold a password anywhere.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 8474
    except ValueError:
        raise UsageError("expected http://host:port of a Toxiproxy server, got a URL with a bad host or port") from None
    if parts.username is not None or parts.password is not None:
        raise UsageError("expected http://host:port: Toxiproxy has no authentication, leave the credentials out")
    if parts.scheme != "http":
        raise UsageError(
            f"expected http://host:port, got one of {parts.scheme}: neither Toxiproxy nor its Python client speaks TLS"
        )
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        what = ", ".join(name for name in ("path", "query", "fragment") if getattr(parts, name).strip("/")) or "no host"
        raise UsageError(f"expected http://host:port of a Toxiproxy server and nothing else, got a URL with {what}")
    return host, port


async def dial_addresses(text: str) -> list[Address]:
    """Return the IP addresses and port that ``text`` names now, in the order to try.

    No host, and an unspecified one, is this machine, as in Go's ``net.Dial``. Raises ``OSError`` where a name cannot
    be resolved, also where it is none.
    """
    try:
        host, port = split_address(text)
    except BadAddress as error:
        raise OSError(f"dial tcp: {error}") from error
    if host in _THIS_MACHINE:
        return [(_THIS_MACHINE[host], port), *((LOOPBACKS[1], port),) * (host == "localhost")]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        except ValueError as error:  # not to be written as a name in the DNS, or with a NUL in it
            raise OSError(f"dial tcp: lookup {host}: no such host") from error
        return list(dict.fromkeys((str(address[0]), port) for *_, address in found))
    return [(host, port)]


def join_address(address: Address) -> str:
    """Return ``host:port``, with brackets around IPv6."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
