"""The results of a completed job: what was asked for, what came, and what the app was handed (law L12).

The server's digest of what it answered, the stage's of what the client's socket took, and that of what the app got are
facts of three writers. What the client says of its transfers (``Results``) is none.
"""

from itertools import pairwise

import msgspec

from harness.history import Answered, AppResults
from harness.judge.case import ClientCase
from harness.judge.facts.requests import RequestLife, lives_of

EXPIRED = 410


class Fetched(msgspec.Struct, frozen=True):
    """The transfers of one client's results, in order, and what its app was handed."""

    asked: tuple[RequestLife, ...]
    handed: tuple[AppResults, ...] = ()

    @property
    def expired(self) -> list[RequestLife]:
        """The transfers whose answer was that nothing is kept any more."""
        return [life for life in self.asked if life.answer is not None and life.answer.status == EXPIRED]

    @property
    def whole(self) -> list[RequestLife]:
        """The transfers that brought all that the server answered."""
        return [life for life in self.asked if _brought(life)]

    @property
    def needless(self) -> list[RequestLife]:
        """Those begun after a whole one, or a 410, had certainly been read: what the app was handed had been."""
        handed = min((got.t_ns for got in self.handed), default=_NEVER)
        found = []
        known = _NEVER
        for life in self.asked:
            if life.begun_ns >= known:
                found.append(life)
            if _brought(life):
                known = min(known, life.known_ns or handed)
            elif life in self.expired:
                known = min(known, life.read_ns or _NEVER)
        return found

    def at_once(self, near_ns: int) -> bool:
        """Return whether one was begun while the one before it was under way; what is near has no order."""
        pairs = pairwise(self.asked)
        return any(later.request.t_ns + near_ns < (earlier.end_ns or _NEVER) for earlier, later in pairs)


_NEVER = 1 << 63
"""Nanoseconds."""


def fetched(client: ClientCase) -> Fetched:
    """Return the transfers of a client."""
    return client.once(_fetched)


def _fetched(client: ClientCase) -> Fetched:
    return Fetched(tuple(lives_of(client, "results")), tuple(client.app_results))


def differing(client: ClientCase, got: AppResults) -> RequestLife | None:
    """Return a whole transfer of which the app got something else; None where what it got equals one of them."""
    whole = fetched(client).whole
    if any(_equals(life, got) for life in whole):
        return None
    return whole[0] if whole else None


def sent(life: RequestLife) -> tuple[int, str]:
    """Return length and digest of what the server answered; of what came, where its own record is missing."""
    if isinstance(life.served, Answered):
        return life.served.length, life.served.digest
    return (life.body.length, life.body.digest) if life.body is not None else (0, "")


def _equals(life: RequestLife, got: AppResults) -> bool:
    return sent(life) == (got.length, got.digest)


def _brought(life: RequestLife) -> bool:
    """Return whether a transfer brought the whole answer of 200: the server's, or a box's that looks like it.

    No client can tell these two apart. A web page is no results: a portal's, most likely.
    """
    answer, body = life.answer, life.body
    if answer is None or answer.status != 200 or body is None or not body.whole:
        return False
    if answer.by:
        return answer.content_type != "text/html"
    return not isinstance(life.served, Answered) or life.served.length == body.length
