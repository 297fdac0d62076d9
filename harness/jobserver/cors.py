"""Cross-origin requests: what a browser asks before a page of another origin may use the server, and is answered.

1. A page is of another origin wherever it does not come from this very address: also from another port of this machine,
   where its development server is. Its browser shows it an answer only with leave (WHATWG Fetch, section 3.2).
2. Leave is given to pages of this machine alone, by name: a server on loopback is not for every site that a user
   of this machine visits. ``null``, the origin of a file and of every sandbox, could be any site's.
3. ``Last-Event-ID``, ``Authorization`` and ``Cache-Control`` are no headers that a page may set unasked, so that the
   browser first asks by OPTIONS (a preflight). It carries no token, and needs none.
"""

import re
from collections.abc import Mapping

LOCAL = re.compile(r"https?://(?:localhost|[a-z0-9-]{1,63}\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?")
"""Origins of this machine: its names (RFC 6761, section 6.3) and its loopback addresses."""

METHODS = "GET, HEAD, POST"
HEADERS = "Accept, Authorization, Cache-Control, Content-Type, Last-Event-ID, Pragma, X-Requested-With"
"""Headers that clients set on a stream, a poll and a start: the protocol's, and those of libraries for browsers."""

READABLE = "Location, Retry-After, WWW-Authenticate"
"""Headers of answers that the page's client needs, beside those that every page may read."""

REMEMBERED = 600
"""Seconds for which a browser need not ask again."""


def cors_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the headers that let the asking page read the answer; none where no page asks, or a stranger's."""
    origin = headers.get("origin", "")
    if not origin:
        return []
    if not LOCAL.fullmatch(origin.lower()):
        return [("vary", "Origin")]
    return [
        ("vary", "Origin"),
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", READABLE),
    ]


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Return whether a browser asks what a page may do."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_headers() -> list[tuple[str, str]]:
    """Return the rest of the answer to a preflight, besides ``cors_headers``."""
    return [
        ("access-control-allow-methods", METHODS),
        ("access-control-allow-headers", HEADERS),
        ("access-control-max-age", str(REMEMBERED)),
    ]
