"""Readers of a message's head."""

from collections.abc import Iterable

LONGEST_HEAD = 65_536


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; of a repeated one the last. Values are UTF-8, as ``Last-Event-ID`` is."""
    return {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in raw}


def address_of(target: str, host: str) -> tuple[str, str]:
    """Return the path and the origin that a request target and its ``Host`` name. The gate sees no TLS inside."""
    scheme, mark, rest = target.partition("://")
    if mark and not target.startswith("/"):
        host, _, rest = rest.partition("/")
        target = f"/{rest}"
        host = host.rpartition("@")[2]
    else:
        scheme = "http"
    return target.partition("?")[0], f"{scheme}://{host}" if host else ""


def media_type(headers: dict[str, str]) -> str:
    """Return the content type without its parameters, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
