"""The release of the Toxiproxy that answers, by its own word, and whether the harness can drive its API.

1. ``/version`` is bare text (``2.5.0``) up to 2.5, and JSON (``{"version": "2.12.0"}``) since 2.6; 2.6.0 itself ends it
   with a backslash and an ``n``, which is no JSON.
2. A build by ``go install`` calls itself ``git``. Then the shape tells which side of 2.6 it is on, and 405 to a PATCH
   of a proxy, which came with 2.6, must say the same.
3. Before 2.1, errors stood under ``title`` instead of ``error``; before 2.0, toxics were not a list. Neither can be
   driven. (Toxiproxy's change log.)
"""

import re
from typing import NamedTuple

from harness.errors import ToxiproxyFault
from harness.toxiproxy.connection import ApiConnection, NoApiAnswer, shown

OLDEST = (2, 1)
GIT = "git"
LATER = f"{GIT} (2.6 or later)"
EARLIER = f"{GIT} (2.1 to 2.5)"

_JSON = re.compile(rb'\s*\{\s*"version"\s*:\s*"([\w.+-]{1,60})"\s*\}\s*(?:\\n)?\s*', re.ASCII)
_BARE = re.compile(rb"\s*([\w.+-]{1,60})\s*", re.ASCII)
_NUMBER = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})(?:[.+-].*)?")


class Release(NamedTuple):
    """The answer of ``/version``, and whether it is JSON."""

    word: str
    json: bool


def release_of(body: bytes, where: str) -> Release:
    """Read the answer to ``/version`` of a server at ``where``. Raises ``ToxiproxyFault`` where none may give it."""
    told = _JSON.fullmatch(body)
    bare = None if told else _BARE.fullmatch(body)
    match = told or bare
    word = match[1].decode("ascii") if match else ""
    number = _NUMBER.fullmatch(word)
    if number is None and word != GIT:
        raise ToxiproxyFault(
            f"{where} answered GET /version with {shown(body)}, which no Toxiproxy says: is something else on that "
            "port?"
        )
    if number is not None and (int(number[1]), int(number[2])) < OLDEST:
        raise ToxiproxyFault(_too_old(where, word))
    return Release(word, told is not None)


async def release_words(release: Release, connection: ApiConnection, where: str, *, timeout: float) -> str:
    """Return the release as a report names it; one without a number is asked what it can do.

    Raises ``ToxiproxyFault`` where that is too little, and where the answers contradict each other.
    """
    if release.word != GIT:
        return release.word
    try:
        patched = await connection.ask("PATCH", "/proxies/harness-which-release", timeout=timeout)
        missing = await connection.ask("GET", "/proxies/harness-which-release", timeout=timeout)
    except NoApiAnswer as none:
        raise ToxiproxyFault(f"{where} answered GET /version, but when asked for a proxy it {none}") from none
    if (patched.status, missing.status) not in {(404, 404), (405, 404)} or release.json != (patched.status == 404):
        shape = "JSON" if release.json else "bare text"
        raise ToxiproxyFault(
            f"{where} calls itself {GIT}, in {shape}, but answers {patched.status} to PATCH and {missing.status} to "
            "GET of a proxy that is not there, as no Toxiproxy does"
        )
    if release.json:
        return LATER
    if b'"error"' not in missing.body:
        raise ToxiproxyFault(_too_old(where, GIT))
    return EARLIER


def _too_old(where: str, word: str) -> str:
    oldest = ".".join(map(str, OLDEST))
    return (
        f"{where} is a Toxiproxy ({word}) older than {oldest}, whose API is another; install {oldest} or later, or "
        "choose `embedded`"
    )
