"""The rows of what is owed: when the next dial of a stream is due, from where the client is.

A row gives a window, or several: the earliest and the latest instant of the next dial, in scenario seconds. An
undeclared policy gives no bound: it is unknown, never the reference's.
"""

import enum
import math
from collections.abc import Iterator, Mapping

import msgspec

from harness.sse.policy import Jitter, Policies

_SHARE = {Jitter.HALF: 0.5, Jitter.FULL: 0.0, Jitter.NONE: 1.0}
LARGEST_POWER = 64
"""n from which on a wait grows no more: 2⁶⁴ seconds is beyond any cap."""

AT_ONCE = 1.0
"""Seconds within which what is owed at once comes."""

EARLY = 0.02
"""Seconds by which a timer may be early, beside the run's lag."""

LATE = 0.05
"""Seconds that a client may take to end one attempt and to begin the next, beside the run's lag."""


class ObligationRow(enum.Enum):
    """A row of the table: its number, and its word."""

    START = 1, "answered start"
    ASK = 4, "request on a new connection"
    CONNECT_DEADLINE = 7, "connect deadline"
    SIGNAL_IN_DIAL = 8, "signal while dialling"
    UNANSWERED = 10, "silent request"
    ONE_TOKEN = 13, "one token a refusal"
    REFUSED_CURSOR = 16, "refused cursor"
    PLAIN = 20, "plain wait"
    RETRY = 21, "wait by retry"
    RETRY_AFTER = 22, "Retry-After"
    SIGNAL = 23, "signal while waiting"
    NO_BODY = 25, "stream without a body"
    GAP = 30, "gap"
    SILENT = 31, "watchdog"
    TOKEN = 38, "new token"
    FAILED_ASK = 43, "failed asking for a gap"
    POLL = 47, "poll"
    FAILED_POLL = 48, "failed poll"
    RETRY_STREAM = 50, "retry stream"
    WAKING = 56, "waking"

    @property
    def called(self) -> str:
        """``row 20, plain wait``."""
        number, word = self.value
        return f"row {number}, {word}"


OWED: Mapping[ObligationRow, str] = {
    ObligationRow.START: "After the start was answered, the first dial of the stream comes within 1 s.",
    ObligationRow.ASK: "A request follows its dial as soon as the connection is there.",
    ObligationRow.CONNECT_DEADLINE: (
        "A dial that hangs is given up when the connect timeout is over, and the next wait begins."
    ),
    ObligationRow.SIGNAL_IN_DIAL: (
        "A path that was joined while a dial hangs: another dial within 1 s, the old one let go of."
    ),
    ObligationRow.UNANSWERED: "A request without an answer is given up when the watchdog's time is over, not before.",
    ObligationRow.ONE_TOKEN: "A 401 is followed by one request for a token, within 1 s.",
    ObligationRow.REFUSED_CURSOR: "A 409 or 410 is a gap: the app is told, and the status is asked for, within 1 s.",
    ObligationRow.PLAIN: (
        "The wait after the n-th failure: the base doubled n times, at most the cap, shortened by the jitter."
    ),
    ObligationRow.RETRY: "After a `retry:` field a wait is never shorter than it says, and at most half as long again.",
    ObligationRow.RETRY_AFTER: (
        "After a Retry-After the next request of that kind comes when it is over, and not before."
    ),
    ObligationRow.SIGNAL: "A path that was joined, or a waking, ends a wait: the next dial within 1 s.",
    ObligationRow.NO_BODY: (
        "A stream whose head came and whose body does not is given up: by the watchdog, or by `suspects after`."
    ),
    ObligationRow.GAP: (
        "A reset event with a new epoch is a gap: the app is told, and the status is asked for, within 1 s."
    ),
    ObligationRow.SILENT: (
        "A stream that is silent for the watchdog's time is let go of within 1 s of it, and not before."
    ),
    ObligationRow.TOKEN: "With a new token the refused request is made again within 1 s.",
    ObligationRow.FAILED_ASK: "A status that could not be had while a gap is open is asked for again, until it is had.",
    ObligationRow.POLL: (
        "While polling, the next poll follows by the declared interval, or as soon as a longer one has ended."
    ),
    ObligationRow.FAILED_POLL: "A poll that failed may be followed by one dial of the stream.",
    ObligationRow.RETRY_STREAM: "While polling, the stream is tried again by the declared interval.",
    ObligationRow.WAKING: (
        "After a sleep the sockets are dead: another dial within 1 s, or when what was due before is due."
    ),
}
"""The demand of each row on a client, with the policies that this client declares."""


class DueWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A dial's window by a row. ``delay`` is d, with the ``n`` it comes from; ``asked`` a Retry-After in seconds."""

    row: ObligationRow
    low: float
    high: float
    n: int = -1
    delay: float = 0.0
    asked: float | None = None
    spends: int = -1


def delay(policies: Policies, n: int, retry: float | None) -> tuple[float, float]:
    """Return d, as far as it is declared: at least and at most this many seconds.

    ``retry`` is the server's reconnection time, clamped: it is the base, and never undercut by the cap.
    """
    base: object = policies.backoff_base if retry is None else retry
    cap: object = policies.backoff_cap
    if not isinstance(base, float | int):
        return 0.0, (math.inf if not isinstance(cap, float | int) else max(float(cap), retry or 0.0))
    grown = base * 2.0 ** min(n, LARGEST_POWER)
    least = retry or 0.0
    if not isinstance(cap, float | int):
        return max(float(base), least), math.inf
    found = max(min(cap, grown), least)
    return found, found


def clamped(policies: Policies, milliseconds: int | None) -> tuple[float | None, bool]:
    """Return the reconnection time that a ``retry:`` leaves in force, in seconds, and whether that is known."""
    if milliseconds is None:
        return None, True
    lowest: object = policies.server_retry_min
    highest: object = policies.server_retry_max
    if not (isinstance(lowest, float | int) and isinstance(highest, float | int)):
        return None, False
    return policies.clamp_retry(milliseconds / 1e3), True


def waits(
    policies: Policies, ended: tuple[float, float], n: int, milliseconds: int | None, asked: float | None
) -> Iterator[DueWindow]:
    """Yield the windows of a wait that begins within ``ended``: rows 20 to 22.

    ``milliseconds`` is what a ``retry:`` asked for, None without one; ``asked`` the seconds of a Retry-After, None
    without one, NaN where only the client can tell.
    """
    lo, hi = ended
    retry, known = clamped(policies, milliseconds)
    if not known:
        yield DueWindow(row=ObligationRow.RETRY, low=lo, high=math.inf, n=n)
        return
    least, most = delay(policies, n, retry)
    heeds: object = policies.obeys_retry_after
    if asked is not None and heeds is not False:
        yield _put_off(policies, ended, retry, asked, n=n)
        if heeds is True:
            return
    if retry is not None:
        yield DueWindow(row=ObligationRow.RETRY, low=lo + least, high=hi + 1.5 * most, n=n, delay=most)
        return
    share = _SHARE.get(policies.jitter, 0.0)
    yield DueWindow(row=ObligationRow.PLAIN, low=lo + share * least, high=hi + most, n=n, delay=most)


def _put_off(policies: Policies, ended: tuple[float, float], retry: float | None, asked: float, *, n: int) -> DueWindow:
    lo, hi = ended
    base: object = policies.backoff_base if retry is None else retry
    if math.isnan(asked):
        return DueWindow(row=ObligationRow.RETRY_AFTER, low=lo, high=math.inf, n=n, asked=asked)
    limits: list[object] = [policies.retry_stream, policies.backoff_cap]
    known = [float(one) for one in limits if isinstance(one, float | int)]
    heeded = min(asked, max(known)) if len(known) == len(limits) else asked
    shortest = heeded if len(known) == len(limits) else min(asked, max(known, default=0.0))
    least = retry or 0.0
    high = hi + max(heeded, least) + base if isinstance(base, float | int) else math.inf
    return DueWindow(row=ObligationRow.RETRY_AFTER, low=lo + max(shortest, least), high=high, n=n, asked=asked)
