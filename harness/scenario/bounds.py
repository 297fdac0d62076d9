"""Bounds: what a run may hold and how long it may last. A plan outside of them is refused where it is written.

1. Each quantity has a bound of its own, beyond which it is a mistake: a day, a size, a shortest timer.
2. What a run makes is counted once for the whole run, since the judge holds a record of each: events, keep-alives,
   polls and dials that its timers allow, proofs. Of each there are at most ``MOST_EVENTS``.
3. What a run holds at one time is at most ``MOST_HELD``: for each client its log (what the server keeps for replay and
   for a subscriber that is behind), what its app has not taken, its results, and a client's own cost.
4. What a run moves is bounded too, and into how many pieces: neither is held, both take their time.

Every factor is the largest that the plan allows, not what will happen: a bound that depends on luck is none.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from harness.deeds.acts import Deed, SetSlice
from harness.errors import Problem, UsageError
from harness.scenario.deadlines import horizon
from harness.scenario.document import Trail
from harness.scenario.emissions import events_of
from harness.scenario.model import Plan
from harness.scenario.place import Book, Place
from harness.units import format_duration, format_size, quote, spell_duration, spell_size

LONGEST = 86_400.0
"""Seconds of a job, of an instant of the timeline, of anything a deed does."""

LONGEST_DELAY = 60.0
"""Seconds of a path's latency, jitter or waking: more is ``stalled``. What is on its way is held."""

SHORTEST_TIMER = 0.01
"""Seconds between two of anything that repeats by itself; a scheduler's lag is a good part of less."""

SHORTEST_POLL = 0.1

LARGEST_EVENT = 1_000_000
LARGEST_RESULTS = 64_000_000
FASTEST = 100e9 / 8
"""Bytes a second: 100 Gbit/s."""

MOST_EVER = 1e24
"""No number of a plan is beyond it, in whatever unit: what comes of its sums stays finite."""

MOST_CLIENTS = 200
MOST_EVENTS = 500_000
MOST_HELD = 1 << 30
MOST_MOVED = 10_000_000_000
MOST_PIECES = 10_000_000
MOST_PROOFS = 100_000

OF_A_CLIENT = 3_000_000
"""Bytes of one client with its gate, its proxies' flows and its records, measured over 200 of them."""

TIMES_RESULTS = 3
"""The number of copies of the results that are in memory at a time: with the server, on their way, and with the client.

Measured: 15 clients that fetched 64 MB each came to 3.0 GB.
"""

OF_AN_EVENT = 200
"""Bytes of an event beside its padding: names, ids, numbers."""


def within(
    parse: Callable[[str], Any], spell: Callable[[Any], str], *, least: float = 0, most: float = math.inf
) -> Callable[[str], Any]:
    """Return the token that refuses less than ``least`` and more than ``most``."""

    def checked(text: str) -> Any:
        value = parse(text)
        if value > most:
            raise UsageError(f"expected at most {spell(most)}, got {quote(text)}")
        if value < least:
            raise UsageError(f"expected at least {spell(least)}, got {quote(text)}")
        return value

    return checked


def day(parse: Callable[[str], float]) -> Callable[[str], float]:
    """Return the duration that is at most ``LONGEST``."""
    return within(parse, lambda seconds: f"{seconds / 3_600:.0f}h", most=LONGEST)


def size_up_to(parse: Callable[[str], int], most: int) -> Callable[[str], int]:
    """Return the size that is at most so many bytes."""
    return within(parse, spell_size, most=most)


def timer(parse: Callable[[str], float], least: float = SHORTEST_TIMER) -> Callable[[str], float]:
    """Return the duration of something that repeats: at least ``least``. Zero is left to who takes or refuses it."""

    def checked(text: str) -> float:
        seconds = parse(text)
        if 0 < seconds < least:
            raise UsageError(f"expected at least {spell_duration(least)}, got {quote(text)}")
        return seconds

    return checked


class Excess(NamedTuple):
    """A product that is too large, and the places that make it so: the first that is written, or else a deed."""

    trails: tuple[Trail, ...]
    message: str
    deed: Deed | None = None


def refuse_excess(plan: Plan, book: Book) -> None:
    """Note as problems where the plan, read without mistakes, is more than a run may hold, make or move."""
    for excess in _excesses(plan):
        if excess.deed is not None:
            book.problems.append(Problem(book.file, excess.deed.line, excess.deed.column, excess.message))
            continue
        trail = next((trail for trail in excess.trails if trail in book.marks), excess.trails[0])
        Place(book, trail, "").fail(excess.message)


def unsound(plan: Plan) -> str:
    """Return why no scenario compiles to this plan, which may come from elsewhere; the empty string if one may.

    It checks what the readers of plans rely on: names resolve, and numbers can be reckoned with.
    """
    known = {*plan.paths, "device", "server", "middle", "job"}
    named = [plan.device.starts_on, *(path for deed in plan.deeds if (path := getattr(deed.act, "path", None)))]
    if strangers := {deed.actor for deed in plan.deeds} - known or set(named) - {*plan.paths}:
        return f"it has no path {quote(min(strangers))}"
    numbers = msgspec.to_builtins((plan.job, plan.server, plan.paths, plan.client, plan.deeds, plan.weather))
    if (farthest := max(_sizes((numbers, plan.horizon, plan.limit or 0.0)))) > MOST_EVER:
        return f"expected no number beyond {MOST_EVER:g}, got {farthest:g}"
    job, policies = plan.job, plan.client.policies
    slices = [deed.act.size for deed in plan.deeds if isinstance(deed.act, SetSlice)]
    optional = (job.every, plan.server.keepalive, *slices, *(spec.shape.slice_size for spec in plan.paths.values()))
    above_zero = [job.lasts, job.items, plan.client.count, policies.backoff_cap, policies.poll_every]
    if job.lasts > LONGEST:
        return f"expected a job of at most {LONGEST:.0f} s, got {job.lasts:g} s"
    if min(above_zero + [value for value in optional if value is not None]) <= 0:
        return "expected lengths, counts and sizes above zero"
    return next((excess.message for excess in _excesses(plan)), "")


def _sizes(value: Any) -> Iterator[float]:
    """Yield how far from zero each number in data is."""
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, int | float):
        yield abs(value)
    elif not isinstance(value, str) and value is not None:
        for part in value:
            yield from _sizes(part)


def held(plan: Plan) -> float:
    """Return the bytes that a run of this plan may hold at one time."""
    events, server, policies = events_of(plan), plan.server, plan.client.policies
    log = events if server.replay is None else min(events, server.replay + server.queue)
    waiting = 0.0 if not policies.handler_takes else min(events, policies.queue or events)
    of_events = (log + waiting) * (plan.job.event_size + OF_AN_EVENT)
    return plan.client.count * (OF_A_CLIENT + of_events + TIMES_RESULTS * plan.job.results)


def _excesses(plan: Plan) -> Iterator[Excess]:
    clients, events, seconds = plan.client.count, events_of(plan), horizon(plan)
    whose = f" ({clients} clients)" if clients > 1 else ""
    often: tuple[Trail, ...] = (("job", "items"), ("job", "updates"), ("job", "lasts"))
    count: tuple[Trail, ...] = (("client", "count"),) if clients > 1 else ()
    if clients * events > MOST_EVENTS:
        yield Excess(
            (*count, *often),
            f"expected at most {MOST_EVENTS} events in a run, got {clients * events:.0f}{whose}",
        )
        return  # what follows grows with them
    if (bytes_held := held(plan)) > MOST_HELD:
        yield Excess(
            (*count, ("job", "event size"), ("server", "replay"), ("server", "queue"), ("job", "results"), *often),
            f"a run may hold 1 GiB, and this one may come to {format_size(bytes_held)}{whose}: "
            "each client's replay and queue of events, its results three times, and 3 MB",
        )
    moved = clients * (events * (plan.job.event_size + OF_AN_EVENT) + plan.job.results)
    if moved > MOST_MOVED:
        yield Excess(
            (*count, ("job", "event size"), *often),
            f"a run may move {format_size(MOST_MOVED)}, and this one's events come to {format_size(moved)}{whose}",
        )
    yield from _timers(plan, clients, seconds, whose)
    if clients * len(plan.deeds) > MOST_PROOFS:
        yield Excess(
            (*count, ("timeline",)),
            f"expected at most {MOST_PROOFS} proofs, got {len(plan.deeds)} deeds for each of {clients} clients",
        )
    for deed in plan.deeds:
        if isinstance(deed.act, SetSlice) and (pieces := moved / deed.act.size) > MOST_PIECES:
            yield Excess(
                (),
                f"{quote(deed.text)} would make {pieces:.0f} pieces of all that the run moves: "
                f"expected at most {MOST_PIECES}",
                deed,
            )
            return


def _timers(plan: Plan, clients: int, seconds: float, whose: str) -> Iterator[Excess]:
    """Yield what repeats by itself too often for the length of the run."""
    policies = plan.client.policies
    polls = policies.poll_every if policies.polls_after_failures is not None else None
    repeating: tuple[tuple[float | None, Trail, str], ...] = (
        (plan.server.keepalive, ("server", "keepalive"), "keep-alives"),
        (polls, ("client", "fallback"), "polls"),
        (policies.backoff_cap, ("client", "backoff"), "dials"),
    )
    for every, trail, what in repeating:
        if every is not None and clients * seconds / every > MOST_EVENTS:
            yield Excess(
                (trail, ("client", "count"), ("job", "lasts")),
                f"expected at most {MOST_EVENTS} {what} in a run, got {clients * seconds / every:.0f} "
                f"in {format_duration(seconds)}{whose}",
            )
