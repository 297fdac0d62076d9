"""The waits between a client's stream attempts, and the bounds that law L8 sets to each.

With n the attempts since a fresh event and d = min(cap, base · 2ⁿ): plain within [d/2, d] (or as the plan's jitter
says); after a ``retry:`` [d, 1.5 d], with its value (clamped) as the base, which the cap does not undercut; after a
Retry-After of a (cut to what the policies obey of one, and no shorter than a ``retry:``) [a, a + base]. A token refresh
is followed by one attempt at once; what is dialled while polling keeps the fallback's own time. A device's signal ends
one wait, or one dial, at the instant at which the client *hears* it: a phone that wakes hears that it was resumed when
it has redialled already.
"""

from bisect import bisect_left
from itertools import accumulate

import msgspec

from harness.history import Attempt, AttemptEnd, Request, Response, SignalHeard
from harness.judge.case import ROUSING, ClientCase
from harness.judge.postponed import postponed
from harness.judge.refusals import let_in
from harness.judge.sky import Sky
from harness.sse.policy import Jitter
from harness.sse.response import read_retry_after

PLAIN = "plain"

_ASKED = frozenset({"token", "poll"})
_NEVER = 1 << 63  # nanoseconds

_ANSWERED = frozenset({"status", "wrong-type"})
"""Ends of an attempt by an answer that its client read."""

_LARGEST_POWER = 64  # beyond any cap
_SHARE = {Jitter.HALF: 0.5, Jitter.FULL: 0.0, Jitter.NONE: 1.0}


class Wait(msgspec.Struct, frozen=True):
    """One wait: how long it was, and what it might be. Times are seconds; ``high`` None has no bound."""

    before: AttemptEnd
    attempt: Attempt
    seconds: float
    low: float
    high: float | None
    delay: float  # d
    sort: str  # plain | retry | retry-after | signal | refreshed | polling
    asked: float | None = None  # by a Retry-After


def waits(client: ClientCase) -> list[Wait]:
    """Return every wait of a client that reports its attempts, in order."""
    return client.once(_waits)


def _waits(client: ClientCase) -> list[Wait]:
    found: list[Wait] = []
    powers: set[int] = {0}
    previous: AttemptEnd | None = None
    signals = [one for one in client.heard if one.what in ROUSING]
    for attempt in client.attempts:
        if previous is not None:
            found.append(_wait(client, previous, attempt, powers, signals))
        end = client.attempt_ends.get(attempt.n)
        if end is None:
            break
        powers = _after(client, attempt, end, powers, first=previous is None)
        previous = end
    return found


def _after(client: ClientCase, attempt: Attempt, end: AttemptEnd, powers: set[int], *, first: bool) -> set[int]:
    """Return what n may be after an attempt. A clean end after at least the cap open may start over."""
    if first or end.fresh:
        return {0}
    grown = {power + 1 for power in powers}
    lived = (end.t_ns - attempt.t_ns) / 1e9
    if end.how == "eof" and end.opened and lived >= client.case.plan.client.policies.backoff_cap:
        grown.add(0)
    return grown


def _wait(client: ClientCase, end: AttemptEnd, attempt: Attempt, powers: set[int], signals: list[SignalHeard]) -> Wait:
    policies = client.case.plan.client.policies
    seconds = (attempt.t_ns - end.t_ns) / 1e9
    told = end.server_retry is not None
    base, least = policies.backoff_base, 0.0
    if end.server_retry is not None:
        base = least = policies.clamp_retry(end.server_retry)
    cap = policies.backoff_cap
    delays = [max(least, min(cap, base * 2.0 ** min(power, _LARGEST_POWER))) for power in sorted(powers)]
    # Of several honest counts the one that fits decides; where none does, the smallest speaks.
    share = _SHARE[policies.jitter]
    bounds = [(d, 1.5 * d, d) if told else (share * d, d, d) for d in delays]
    low, high, delay = next((b for b in bounds if b[0] <= seconds <= b[1]), bounds[0])
    sort = "retry" if told else PLAIN
    asked = retry_after(client, end)
    heeded = policies.heed_retry_after(asked)
    if heeded is not None:
        low, sort = max(least, heeded), "retry-after"
        high = low + base
    # A timer that is frozen while the device sleeps goes on for as long afterwards.
    high += client.once(Sky).slept(client.case.at(end.t_ns), client.case.at(attempt.t_ns))
    refused: Attempt | AttemptEnd = client.once(_attempts).get(end.n, end)
    roused = attempt.cause == "signal" and _spend(signals, refused.t_ns, attempt.t_ns, client.case.near_ns)
    excuse = _excuse(client, refused, attempt, roused=roused)
    if excuse == "polling":  # which comes to the stream in its own time, but no sooner than it was asked to
        soonest = 0.0 if heeded is None or roused or end.status == 401 else low
        return Wait(end, attempt, seconds, soonest, None, delay, excuse, asked)
    most = _asked(client, end, attempt, high, base) if end.status in {401, 409, 410} else high
    if excuse:
        return Wait(end, attempt, seconds, 0.0, most, delay, excuse, asked)
    return Wait(end, attempt, seconds, low, most, delay, sort, asked)


def retry_after(client: ClientCase, end: AttemptEnd) -> float | None:
    """Return the seconds that an attempt was asked to wait by ``Retry-After``; None where it was not.

    What the gate saw counts where the client read an answer; what the client says, where that has a date that only its
    own clock could read.
    """
    answer = client.once(_answers).get(end.n) if end.how in _ANSWERED else None
    found = read_retry_after(answer.retry_after or None, answer.date, None) if answer is not None else None
    return end.retry_after if found is None else found


def _answers(client: ClientCase) -> dict[int, Response]:
    """Return the last answer to each attempt, by its number: before that it was led on."""
    found: dict[int, Response] = {}
    began = [attempt.seq for attempt in client.attempts]
    for request in client.streams:
        answer, place = client.responses.get(request.rid), bisect_left(began, request.seq)
        if answer is not None and place:
            found[client.attempts[place - 1].n] = answer
    return found


def _asked(client: ClientCase, end: AttemptEnd, attempt: Attempt, high: float, base: float) -> float | None:
    """Return the bound of a wait in which a new token or a snapshot is asked for first: asking may outlast it.

    What was asked is in the records, but for a dial that nobody let in: that one ends at the connect deadline. Who was
    put off by the answer to a token request has no use for the stream before that is over.
    """
    until_ns = max(end.t_ns, min(client.once(_Asked).closed(attempt.seq), attempt.t_ns))
    asked = max(high, (until_ns - end.t_ns) / 1e9)
    if end.status == 401:
        tokens = [one for one in postponed(client) if one.request.what == "token" and one.answer.seq < attempt.seq]
        asked = max([asked, *((one.until_ns - end.t_ns) / 1e9 + base for one in tokens)])
    if let_in(client, end.t_ns, attempt.t_ns):
        return asked
    deadline = client.case.plan.client.policies.connect_timeout
    return None if deadline is None else asked + deadline


class _Asked:
    """What had come of a client's requests for tokens and snapshots, by the number of a later record.

    Of many thousand attempts each asks, so the highest of all before is kept beside each request.
    """

    def __init__(self, client: ClientCase) -> None:
        closed = {one.cid: one.t_ns for one in client.conn_ends if one.side == "client"}
        asked = [request for request in client.requests if request.what in _ASKED]
        tokens = [request for request in asked if request.what == "token"]
        self._asked = [request.seq for request in asked]
        self._closed = list(accumulate((closed.get(one.cid, _NEVER) for one in asked), max, initial=0))
        self._tokens = [request.seq for request in tokens]
        self._answered = list(accumulate((_answered(client, one) for one in tokens), max, initial=0))

    def closed(self, seq: int) -> int:
        """The latest stamp at which the client let go of what it had asked; ``_NEVER`` where it held on to one."""
        return self._closed[bisect_left(self._asked, seq)]

    def answered(self, seq: int) -> int:
        """The number of the last record that answered a request for a token, or of the request; 0 without any."""
        return self._answered[bisect_left(self._tokens, seq)]


def _answered(client: ClientCase, request: Request) -> int:
    """Return the number of the record that answered a request; its own where none did."""
    answer = client.responses.get(request.rid)
    return request.seq if answer is None else answer.seq


def _attempts(client: ClientCase) -> dict[int, Attempt]:
    """Return the attempts by their number; of several of one number, the first."""
    return {one.n: one for one in reversed(client.attempts)}


def _excuse(client: ClientCase, refused: Attempt | AttemptEnd, attempt: Attempt, *, roused: bool) -> str:
    """Return why an attempt may come early: what the client says, where the records bear it out.

    ``refused`` is the attempt before it, ``roused``: a signal was heard since then.
    """
    if client.polls_at(attempt.seq):
        return "polling"
    # A poll that was refused at the same time, or before it, may have asked for the token first.
    if attempt.cause == "refreshed" and client.once(_Asked).answered(attempt.seq) > refused.seq:
        return "refreshed"
    return "signal" if roused else ""


def _spend(signals: list[SignalHeard], since_ns: int, until_ns: int, near_ns: int) -> bool:
    """Take out the first signal heard from one stamp to another, if there is one: each ends one wait, or one dial.

    What is near a stamp may lie on either side of it. Those heard before the time are spent for good.
    """
    while signals and signals[0].t_ns < since_ns - near_ns:
        signals.pop(0)
    if signals and signals[0].t_ns <= until_ns + near_ns:
        signals.pop(0)
        return True
    return False
