"""Deadlines that a plan implies: when a fault must be noticed, a client recovered, a run judged complete.

The judge and the runner both import them from here, so that they never disagree. All are seconds.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from harness.deeds.acts import Answers, SendsRetry
from harness.deeds.catalogue import effect_of
from harness.scenario.emissions import events_of
from harness.scenario.model import Plan, job_ends, lines
from harness.sse.digits import read_digits
from harness.sse.policy import Policies
from harness.toxics.shape import line_time

DETECTION_WITHOUT_WATCHDOG = 21.0
"""The bound of honest status where the client declares no watchdog: the reference's 20 s and a second."""

GRACE = 1.0
"""Added to a declared watchdog: the time to act on it."""

AFTER_NEVER = 60.0
"""Where a deadline of the client is ``never`` or not declared, the run waits this long after the job's end."""

LINUX_SYN_RETRIES = (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0, 19.0, 35.0, 67.0)
"""When Linux sends a SYN again, from the dial's start: four linear timeouts (its default), then doubling."""

UNLIMITED_DIAL = 10.0
"""Seconds that stand for a connect deadline that is never: it earns no longer an allowance than the reference's."""

_QUESTIONS = 3
"""For a token, for a snapshot, and for the stream."""


def syn_retry_interval(retries: Sequence[float] = LINUX_SYN_RETRIES, connect_timeout: float | None = None) -> float:
    """Return the longest wait between two SYNs of one dial, or between the last one and the dial's deadline."""
    deadline = UNLIMITED_DIAL if connect_timeout is None else connect_timeout
    sent = [0.0, *(time for time in retries if time < deadline), deadline]
    return max(later - earlier for earlier, later in pairwise(sent))


def detection_allowance(policies: Policies) -> float:
    """Return D: from the last byte read to "reconnecting" (law L10)."""
    return DETECTION_WITHOUT_WATCHDOG if policies.watchdog is None else policies.watchdog + GRACE


def handshake_cost(plan: Plan, path: str | None = None) -> float:
    """Return the dearest first byte of a new connection on this path (any, if None): handshake and a cold radio.

    Profiles that deeds give the path count too.
    """
    return max((radio.handshake + radio.wake for radio, _ in lines(plan, path)), default=0.0)


def exchange_cost(plan: Plan, path: str | None = None) -> float:
    """Return the dearest question on a new connection of this path (any, if None): its handshake and a round trip."""
    trips = [2 * (shape.latency + shape.jitter) for _, shape in lines(plan, path)]
    return handshake_cost(plan, path) + max(trips, default=0.0)


def polling_allowance(plan: Plan, *, syn_retries: Sequence[float] = LINUX_SYN_RETRIES) -> float:
    """Return for how long a client may go on polling, at the latest, once streams can pass again.

    It tries a stream each ``retry stream``, and dials; a try that fails may be followed by the longest wait. It has no
    stream whose death it has to notice first.
    """
    policies = plan.client.policies.with_excuses
    syn = syn_retry_interval(syn_retries, policies.connect_timeout)
    return policies.retry_stream + policies.backoff_cap + syn + handshake_cost(plan, None)


def ceiling(plan: Plan, *, syn_retries: Sequence[float] = LINUX_SYN_RETRIES) -> float:
    """Return the longest recovery that is judged: each deadline of the client once, from the plan alone.

    That is a dial and a stream that hang for as long as the client lets them, the longest wait, a SYN, a handshake, the
    questions for a token, a snapshot and the stream, and what the handler and the line need for the whole job. A
    recovery that may lawfully take longer is not tested.
    """
    policies = plan.client.policies.with_excuses
    dial = UNLIMITED_DIAL if policies.connect_timeout is None else policies.connect_timeout
    waited = max(longest_wait(plan), policies.poll_every)
    way = syn_retry_interval(syn_retries, policies.connect_timeout) + _QUESTIONS * exchange_cost(plan)
    job = math.ceil(events_of(plan)) * plan.job.event_size
    line = max((line_time(shape, job) for _, shape in lines(plan, None)), default=0.0)
    return dial + waited + detection_allowance(policies) + way + line + _worked_off(plan, policies)


def horizon(plan: Plan, *, syn_retries: Sequence[float] = LINUX_SYN_RETRIES, late: float = 0.0) -> float:
    """Return the instant at which everything missing has failed (``Plan.horizon`` holds it).

    The last client's terminal event or the last deed (and what follows from it: a server that is back, a phone that
    wakes, a burst that is over), whichever is later, and then connect deadline, watchdog, the longest wait and R; 60 s
    instead where one of these is ``never``. Never later than the plan's limit. A job that never ends is left at
    ``lasts``. ``late`` is by how much a job began later than planned.
    """
    limit = math.inf if plan.limit is None else plan.limit
    end = plan.client.arrive + plan.job.lasts
    if plan.job.ends == "never":
        return min(end, limit)
    end = max(
        [terminal_due(plan, late=late), *(round(deed.at + effect_of(deed.act).goes_on, 9) for deed in plan.deeds)]
    )
    return round(min(end + overtime(plan, syn_retries=syn_retries), limit), 9)


def overtime(plan: Plan, *, syn_retries: Sequence[float] = LINUX_SYN_RETRIES) -> float:
    """Return for how long a run waits for what is missing once its job and its deeds are over.

    What then waits behind the app's callback is shown one by one.
    """
    policies = plan.client.policies.with_excuses
    return _found_by(plan, policies, syn_retries) + _worked_off(plan, policies)


def _worked_off(plan: Plan, policies: Policies) -> float:
    """Return for how long an app works on a queue that is full, and on what it is inside of."""
    if not policies.handler_takes:
        return 0.0
    events = events_of(plan)
    return policies.handler_takes * (1 + min(events, math.inf if policies.queue is None else policies.queue))


def _found_by(plan: Plan, policies: Policies, syn_retries: Sequence[float]) -> float:
    """Return for how long a client may need to have what is missing at its radio.

    It lets go of a dial and of a stream, and waits as long as it ever does; then, told nothing, it waits for the cap
    once more, or has to notice again and waits for the base; and dials. That is longer than the ceiling of R: a
    recovery beyond that is not judged by L9, but its client is to be at the job's end before L1 says that it is not.
    """
    if policies.connect_timeout is None or policies.watchdog is None:
        return AFTER_NEVER
    again = max(policies.backoff_cap, detection_allowance(policies) + policies.backoff_base)
    dialled = syn_retry_interval(syn_retries, policies.connect_timeout) + handshake_cost(plan)
    found = policies.connect_timeout + policies.watchdog + longest_wait(plan) + again + dialled
    return found if math.isfinite(found) else AFTER_NEVER


def longest_wait(plan: Plan) -> float:
    """Return the longest wait of a client between two attempts: its cap, or what the plan's server asks it to wait.

    A ``retry:`` in milliseconds and a ``Retry-After`` in seconds count as far as the policies obey them.
    """
    policies = plan.client.policies.with_excuses
    sent = [read_digits(deed.act.value) for deed in plan.deeds if isinstance(deed.act, SendsRetry)]
    said = [milliseconds / 1e3 for milliseconds in sent if milliseconds is not None]
    asked = [policies.clamp_retry(seconds) for seconds in (plan.server.retry, *said) if seconds is not None]
    least = max(asked, default=0.0)
    base = least or policies.backoff_base
    answers = [deed.act.retry_after for deed in plan.deeds if isinstance(deed.act, Answers)]
    put_off = [
        max(heeded, least) + base for answer in answers if (heeded := policies.heed_retry_after(answer)) is not None
    ]
    return max(policies.backoff_cap, 1.5 * least, *put_off)


def horizon_of_run(plan: Plan, accepted: float) -> float:
    """Return the horizon of a run in which the last job was accepted at this time.

    One whose client could not begin for longer than a dial may take ends as much later; less is allowed for already.
    """
    late = accepted - plan.client.arrive
    if late <= (plan.client.policies.with_excuses.connect_timeout or UNLIMITED_DIAL):
        late = 0.0
    moved = plan.horizon + horizon(plan, late=late) - horizon(plan)
    return moved if plan.limit is None else min(moved, plan.limit)


def terminal_due(plan: Plan, *, late: float = 0.0) -> float:
    """Return when the last client's job ends at the latest: as long as it lasts, or where a deed ends it before."""
    begun = plan.client.arrive + late
    return min([begun + plan.job.lasts, *(at for at in job_ends(plan) if at >= begun)])
