"""Bearer tokens with a life: issued by ``POST /api/v2/token``, valid until their time, nothing else.

Every client that asks gets a token: the harness tests a client's care with tokens, not the server's with clients.
"""

import math
import random
from typing import NamedTuple

MOST = 10_000
"""Tokens remembered at a time; the oldest is forgotten first."""


class Tokens:
    """The tokens of one server. Times are seconds of trio's clock, handed in."""

    def __init__(self, lasts: float, chance: random.Random) -> None:
        self.lasts = lasts
        self._chance = chance
        self._expiry: dict[str, float] = {}  # in order of issue, which is the order of expiry

    def issue(self, now: float) -> str:
        """Return a new token, valid from now for ``lasts``. Those before it stay valid until their own time."""
        while self._expiry:
            oldest = next(iter(self._expiry))
            if self._expiry[oldest] > now and len(self._expiry) < MOST:
                break
            del self._expiry[oldest]
        token = f"{self._chance.getrandbits(128):032x}"
        self._expiry[token] = now + self.lasts
        return token

    def revoke(self) -> int:
        """End the life of all tokens given out so far; return how many there were."""
        revoked = len(self._expiry)
        self._expiry.clear()
        return revoked

    def expiry(self, token: str, now: float) -> float | None:
        """Return when a token ends, or None when it is none or none any more."""
        expiry = self._expiry.get(token)
        return expiry if expiry is not None and now < expiry else None


def bearer(authorization: str) -> str:
    """Return the token of an ``Authorization`` header; empty: it has none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class Authorization(NamedTuple):
    """Leave to be answered: until the token's end (seconds of trio's clock), by this token's digest."""

    expires: float = math.inf
    token: str = ""
