"""Keeps secrets out of the records: the values of telling query parameters, and the user part of a URL."""

import re

REDACTED = "[redacted]"

_TELLING = re.compile(r"token|secret|password|passwd|signature|credential|auth|jwt|session|api[-_.]?key", re.IGNORECASE)
_USER = re.compile(r"^([a-z][a-z0-9+.-]*:)?//[^/]*@", re.IGNORECASE)
_EXACT = frozenset({"key", "sig", "code", "pwd", "sid"})


def redact(url: str) -> tuple[str, bool]:
    """Return a request target or URL without its secrets, and whether there were any."""
    address, mark, query = url.partition("?")
    bare = _USER.sub(rf"\1//{REDACTED}@", address) if "@" in address else address
    if not mark:
        return bare, bare != url
    query, hash_mark, fragment = query.partition("#")
    parameters = [_parameter(part) for part in query.split("&")]
    clean = bare + mark + "&".join(parameters) + hash_mark + fragment
    return clean, clean != url


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    telling = _TELLING.search(name) or name.lower() in _EXACT
    return f"{name}={REDACTED}" if telling and equals and value else part
