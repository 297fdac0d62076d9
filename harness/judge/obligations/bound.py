"""R, the bound of a recovery: by when a lawful client has caught up once its network is usable again (laws L9 and L16).

1. It begins at the client's actual state as the network heals: the attempt that is under way, or the wait behind the
   last one, with every n and every reconnection time that the facts leave.
2. Unseen waits and dials are walked over sets of instants (``unseen``): recovery is not monotone in the waits.
3. A later act of the harness on the client, within the bound, restarts the bound: a refusal, a ``Retry-After``, a
   token's end, a cut. An act of the client's own does not.
4. Bytes are counted from when they were at the radio: how long a line, a stall or a full queue held them is a fact.
5. A row that was missed ends the walk: R is then what was left to the client at that row.
"""

import math
from collections.abc import Iterator

import msgspec

from harness.history import Dial
from harness.judge.case import WAKING_SIGNALS, ClientCase
from harness.judge.facts.asking import Ask, asks
from harness.judge.facts.attempts import AttemptLife, attempts
from harness.judge.facts.dials import dials, syn_retries
from harness.judge.facts.instructions import deferrals
from harness.judge.facts.lives import SOON
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import pollings
from harness.judge.facts.requests import RequestLife, lives_of
from harness.judge.facts.shares import kept, turn
from harness.judge.obligations.closings import NEVER_SILENT
from harness.judge.obligations.doors import doors
from harness.judge.obligations.due import over_at
from harness.judge.obligations.ended import Why, borne_until, bounded, over_by, why_ended
from harness.judge.obligations.instants import between, latest
from harness.judge.obligations.rows import AT_ONCE, LATE, DueWindow, ObligationRow, waits
from harness.judge.obligations.unseen import Unseen
from harness.judge.obligations.walk import walk
from harness.scenario.deadlines import UNLIMITED_DIAL, exchange_cost
from harness.scenario.model import Plan
from harness.toxics.shape import Shape, line_time

_AROUND = 300
"""Bytes around what an update or a snapshot says: its other fields, and the head of an answer."""

_OF_POLLING = frozenset({ObligationRow.RETRY_STREAM, ObligationRow.FAILED_POLL})
_UNDECLARED = "the client does not declare by when it reconnects"
LATENCY_ALLOWANCE = 0.050
"""Added to one way's latency and jitter: a profile's latency bound is rtt/2 + jitter + 50 ms (the profiles)."""


class BoundPart(msgspec.Struct, frozen=True):
    """One row that R goes through: what is waited for, and for how many seconds."""

    what: str
    seconds: float


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """R ends at ``until``, in scenario seconds; infinity: there is no bound, and ``why`` says why.

    ``missed`` is the row that the client missed, in words; empty: none of those on the way.
    """

    until: float
    parts: tuple[BoundPart, ...] = ()
    missed: str = ""
    why: str = ""


def recovery_bound(client: ClientCase, *, healed: float, due: float, path: str | None, caught_ns: int | None) -> Bound:
    """Return the bound of a recovery.

    ``healed``: the network is usable from then on, ``path`` is its default. ``due``: when the first update was due that
    shows it. ``caught_ns``: the stamp at which the app had caught up; None: not so far.
    """
    return _Chain(client, healed, max(healed, due), path, caught_ns).bound()


def settling(plan: Plan, shape: Shape) -> float:
    """Return the seconds from a state's emission to its app, at most: the latency bound, its line, and a callback."""
    line = line_time(shape, plan.job.event_size + _AROUND)
    return shape.latency + shape.jitter + LATENCY_ALLOWANCE + line + plan.client.policies.handler_takes


class _Chain:
    """Goes from one attempt to the next, for as long as each comes in its time."""

    def __init__(
        self, client: ClientCase, healed: float, start: float, path: str | None, caught_ns: int | None
    ) -> None:
        self._client, self._case = client, client.case
        self._healed, self._start = healed, start
        self._turn = None if caught_ns is None else turn(client, caught_ns)
        # What it had caught up with may have been at the radio long before the app was shown it.
        arrived_ns = caught_ns if self._turn is None else self._turn.arrived_ns
        self._caught = math.inf if arrived_ns is None else max(self._healed, client.case.at(arrived_ns))
        self._shown = math.inf if caught_ns is None else client.case.at(caught_ns)
        self._tries = attempts(client)
        self._walk = walk(client)
        self._late = LATE + client.case.slack
        self._marks: list[tuple[str, float]] = []  # what was waited for, and until when at the latest
        plan = client.case.plan
        self._cost = exchange_cost(plan, path)
        self._settles = settling(plan, client.once(NetworkTimeline).at(start).shape)
        self._limit = plan.client.policies.watchdog or NEVER_SILENT

    def bound(self) -> Bound:
        place = sum(self._at(one.began_ns) <= self._healed for one in self._tries) - 1
        if place < 0 or not self._walk.started(place):
            return self._begin()
        polled = self._polls(self._healed, self._healed)
        return polled if polled is not None else self._go_on(place, self._healed)

    def _go_on(self, place: int, let_in: float) -> Bound:
        """Follow the attempts from one on that has to be let in by an instant."""
        while True:
            one = self._tries[place]
            end = self._end_of(one)
            over, anew = over_by(self._client, one, self._healed)
            if (asked := self._asked_late(one)) is not None:
                return self._there(max(let_in, self._healed), asked)
            if self._caught < math.inf and self._caught <= min(end, over) + self._late and not self._follows(place):
                return self._there(let_in)
            if over < math.inf:
                return self._held_on(place, over, anew=anew)
            if math.isinf(end):
                return self._goes_on(place, let_in)
            if over_at(self._client) <= end + self._late and math.isfinite(self._shown):
                return self._app_only()
            why = why_ended(self._client, one)
            if why is Why.OWN:
                return self._there(let_in, f"the attempt was ended by itself at {end:.2f} s")
            following = self._tries[place + 1] if place + 1 < len(self._tries) else None
            if end > self._start:
                self._marks = [("what ended in between", end)]
            due = self._behind(place, end, why, following)
            if isinstance(due, Bound):
                return due
            place += 1
            let_in = max(self._healed, due)

    def _behind(self, place: int, end: float, why: Why, following: AttemptLife | None) -> Bound | float:
        """Return by when the dial behind an attempt that ended had to come, and did; else R."""
        since = max(end, self._healed)
        polled = self._polls(since, end if following is None else self._at(following.began_ns))
        if polled is not None:
            return polled
        due = self._next_due(place, why, following)
        if math.isinf(due):
            return Bound(until=math.inf, why=_UNDECLARED)
        if following is None and (polled := self._polls(since, due)) is not None:
            return polled
        if following is None or self._at(following.began_ns) > due + self._late:
            return self._missed_dial(due, following)
        return due

    def _missed_dial(self, due: float, following: AttemptLife | None) -> Bound:
        """R of a client that dialled too late, or no more. Who knew the job's end by then owed no dial."""
        if following is not None:
            came = self._at(following.began_ns)
            return self._there(due, f"a dial was due by {due:.2f} s and came at {came:.2f} s")
        if math.isinf(self._shown) or over_at(self._client) > due + self._late:
            return self._there(due, f"a dial was due by {due:.2f} s and never came")
        return self._app_only()

    def _app_only(self) -> Bound:
        """R of a client that knows the job's end. Whether the app is told it in time is for L1 and L16 to say."""
        self._marks.append(("what the app had still to be shown", self._shown))
        return Bound(until=self._shown, parts=tuple(self._summed()))

    def _goes_on(self, place: int, let_in: float) -> Bound:
        """R of a client whose attempt had brought nothing when the run ended, and was not over."""
        one = self._tries[place]
        if not bounded(self._client, one):
            return Bound(until=math.inf, why=_UNDECLARED)
        until = borne_until(self._client, one)
        if until is None or self._unshown():
            return self._there(let_in)
        return self._held_on(place, until, anew=False, missed=False)

    def _follows(self, place: int) -> bool:
        """Return whether another attempt was begun before the app had caught up."""
        return place + 1 < len(self._tries) and self._at(self._tries[place + 1].began_ns) <= self._caught

    def _asked_late(self, one: AttemptLife) -> str | None:
        """Return what to say of an attempt that was let in, and did not ask for its stream at once (row 4)."""
        record = one.record
        if one.request is None or not isinstance(record, Dial):
            return None
        let_in, asked = self._at(record.to_ns), self._at(one.request.t_ns)
        due = self._client.once(NetworkTimeline).awake_by(let_in, max(let_in, self._healed) + self._cost + AT_ONCE)
        return None if asked <= due + self._late else f"a request was due by {due:.2f} s and came at {asked:.2f} s"

    def _at(self, t_ns: int) -> float:
        return self._case.at(t_ns)

    def _end_of(self, one: AttemptLife) -> float:
        """Return when an attempt was over; infinity: not before the run was."""
        over = one.end_hi is not None and one.end_hi < self._case.end_ns
        return self._at(one.end_hi or 0) if over else math.inf

    # When the next dial is due.

    def _next_due(self, place: int, why: Why, following: AttemptLife | None) -> float:
        """Return by when a dial has to be let in behind an attempt that has ended."""
        begun = self._case.end if following is None else self._at(following.began_ns)
        windows = self._walk.windows_after(place, begun)
        tokens = [one for one in windows if one.row is ObligationRow.TOKEN]
        signals = [one for one in windows if one.row is ObligationRow.SIGNAL]
        chosen = tokens or (signals if why is Why.SIGNAL else [])
        chosen = chosen or [one for one in windows if one.row not in _OF_POLLING] or windows
        one = self._tries[place]
        if not dials(self._client).seen and any(math.isinf(window.high) for window in chosen):
            # An unseen dial may have come between, so that the next one on record has no latest instant.
            assert one.end_lo is not None
            assert one.end_hi is not None
            chosen = self._waited(place, self._at(one.end_lo), self._at(one.end_hi))
        return self._let_in_by(chosen, one.retries) if chosen else math.inf

    def _waited(self, place: int, start: float, end: float) -> list[DueWindow]:
        """Return the windows of the waits that may begin behind an attempt, from one instant to another."""
        one, policies = self._tries[place], self._case.declared
        return [
            window
            for n in sorted(self._walk.powers_after(place))
            for milliseconds in dict.fromkeys(one.retries)
            for window in waits(policies, (start, end), n, milliseconds, one.asked)
        ]

    def _let_in_by(self, windows: list[DueWindow], retries: tuple[int | None, ...]) -> float:
        """Return by when a dial that is due in these windows is let in, and what that is made of."""
        last = max(windows, key=lambda one: one.high)
        seen = dials(self._client).seen
        if math.isinf(last.high):
            return math.inf
        if last.high >= self._healed and (seen or all(one.low >= self._healed for one in windows)):
            self._note(last, last.high)
            return last.high
        due: dict[int, int] = {}
        for one in windows:
            due[one.n + 1] = due.get(one.n + 1, 0) | between(one.low, one.high)
        return self._unseen(due, retries)

    def _unseen(self, due: dict[int, int], retries: tuple[int | None, ...]) -> float:
        heeds = self._case.declared.heeds_signals is True
        told = sorted(self._at(one.t_ns) for one in self._client.signals if one.what in WAKING_SIGNALS) if heeds else []
        found = Unseen(
            self._case.declared,
            doors(self._client),
            healed=self._healed,
            knocks=syn_retries(self._client),
            retries=retries,
            signals=told,
            near=self._case.near_ns / 1e9,
            limit=self._limit,
        ).let_in(due)
        if not found:
            return math.inf
        self._marks.append(("waits and dials that nobody saw", latest(found)))
        return latest(found)

    def _note(self, window: DueWindow, high: float) -> None:
        n = f" (n {window.n})" if window.n >= 0 else ""
        word = window.row.value[1]
        self._marks.append((f"{word}{n}", high))

    def _held_on(self, place: int, over: float, *, anew: bool, missed: bool = True) -> Bound:
        """R of a client that had to let go of an attempt by an instant; ``anew``: to dial at once.

        ``missed``: it did not.
        """
        self._marks = [("deadline of the attempt", over)]
        let_in = max(over, self._healed)
        if not anew:
            let_in = self._let_in_by(self._waited(place, over, over), self._tries[place].retries)
        if math.isinf(let_in):
            return Bound(until=math.inf, why=_UNDECLARED)
        came = self._end_of(self._tries[place])
        ended = f"was over at {came:.2f} s" if math.isfinite(came) else "never was"
        return self._there(let_in, f"an attempt was to be over by {over:.2f} s and {ended}" if missed else "")

    # From the door to the app.

    def _there(self, let_in: float, missed: str = "") -> Bound:
        """Return R of a client that is let in by an instant, or that had been before the healing."""
        self._marks.append(("handshake", max(let_in + self._cost, self._start)))
        until = self._marks[-1][1] + self._settles
        self._marks.append(("the app", until))
        missed = missed or self._unshown()
        if not missed and self._turn is not None:
            by = self._at(self._turn.due_ns) + SOON
            if self._shown > until and by > until:
                self._marks.append(("what was on its way", until := by))
            if self._shown > until + self._late:
                missed = f"what was at the phone was to be shown by {by:.2f} s and was at {self._shown:.2f} s"
        return Bound(until=until, parts=tuple(self._summed()), missed=missed)

    def _unshown(self) -> str:
        """Return what to say of a state that was at the phone behind the healing, and was not shown; empty: none."""
        for one in kept(self._client):
            at = self._at(one.record.t_ns)
            if self._healed <= at < self._shown and one.seconds > SOON + self._late:
                return f"event {one.event.index} was at the phone at {at:.2f} s and was not shown within a second"
        return ""

    def _summed(self) -> Iterator[BoundPart]:
        """Yield the parts of R: for how long each row goes on beyond those before it."""
        since = self._start
        for what, until in self._marks:
            if until > since:
                yield BoundPart(what, until - since)
                since = until

    # Polling.

    def _polls(self, since: float, until: float) -> Bound | None:
        """Return R of a client that lives by polling at an instant, or begins to before another; None: it does not."""
        every: object = self._case.declared.poll_every
        polls = lives_of(self._client, "poll")
        begun = [self._at(one.begun_ns) for one in polls]
        for span in pollings(self._client):
            ends = self._case.at_or_never(span.until_ns)
            mine = [one for one, at in zip(polls, begun, strict=True) if self._at(span.since_ns) <= at <= ends]
            near = self._case.near_ns / 1e9
            if ends > since and any(self._at(one.begun_ns) <= max(since + near, until) for one in mine):
                if not isinstance(every, float | int):
                    return Bound(until=math.inf, why="the client does not declare how often it polls")
                place = max((i for i, one in enumerate(mine) if self._at(one.begun_ns) <= since + near), default=0)
                return self._by_polls(mine[place:], float(every), max(since, self._at(span.since_ns)), ends)
        return None

    def _by_polls(self, polls: list[RequestLife], every: float, since: float, ends: float) -> Bound:
        """R of a client that lives by polling, from its last poll on, or the one that began that."""
        due = max(self._start, min(self._at(polls[0].begun_ns), since + AT_ONCE))
        for one, following in zip(polls, [*polls[1:], None], strict=True):
            begun = self._at(one.begun_ns)
            if one.given and begun >= self._start:
                return self._there(max(due, self._healed))
            due = self._next_poll(one, every)
            if ends <= due + self._late:
                return self._there(max(ends, self._healed))
            if following is None or self._at(following.begun_ns) > due + self._late:
                came = "never came" if following is None else f"came at {self._at(following.begun_ns):.2f} s"
                self._marks = [("poll", due)]
                return self._there(max(due, self._healed), f"a poll was due by {due:.2f} s and {came}")
            self._marks = [("poll", due)]
        return self._there(max(due, self._healed))

    def _next_poll(self, one: RequestLife, every: float) -> float:
        """Return when the next poll is due at the latest: those that were dialled and not let in count as well."""
        begun = self._at(one.begun_ns)
        ended = begun + self._limit if one.end_ns is None else self._at(one.end_ns)
        due = max(begun + every, ended)
        for put_off in deferrals(self._client):
            if put_off.request.rid == one.request.rid:
                due = max(due, self._at(put_off.until_ns) + self._case.plan.client.policies.backoff_base)
        due = self._client.once(NetworkTimeline).awake_by(begun, due)
        for ask in asks(self._client).begun(one.begun_ns + 1, self._case.end_ns):
            from_s = self._at(ask.began_ns)
            if from_s > due + self._late or (ask.what == "poll" and ask.began_ns > one.begun_ns):
                break
            if ask.what in {"", "token"}:
                due = max(due, self._at(ask.over_ns) + AT_ONCE, from_s + every)
        return due

    # The beginning.

    def _begin(self) -> Bound:
        """R of a client whose job has not been accepted as its network heals: it asks again, and waits as ever."""
        tries = self._starts()
        place = sum(one.began_ns <= self._case.ns(self._healed) for one in tries) - 1
        if place < 0:
            return self._there(max(self._healed, self._case.plan.client.arrive) + AT_ONCE)
        due = self._healed
        while True:
            one = tries[place]
            if one.what == "start" and one.given:
                return self._first(self._at(one.over_ns) + AT_ONCE)
            following = tries[place + 1] if place + 1 < len(tries) else None
            ended = min(self._at(one.over_ns), self._at(one.began_ns) + self._limit + UNLIMITED_DIAL)
            due = self._start_due(place, one, ended)
            if math.isinf(due):
                return Bound(until=math.inf, why=_UNDECLARED)
            if following is None or self._at(following.began_ns) > due + self._late:
                first = self._first_stream(one.began_ns)
                return first if first is not None else self._there(due, f"a dial was due by {due:.2f} s")
            place += 1

    def _starts(self) -> list[Ask]:
        """Return what the client asked to have its job begun: also dials that were not let in, up to its acceptance."""
        found = [one for one in asks(self._client).all if one.what in {"start", "", "token"}]
        given = next((place for place, one in enumerate(found) if one.what == "start" and one.given), len(found))
        return found[: given + 1]

    def _start_due(self, place: int, one: Ask, ended: float) -> float:
        if one.what == "token" and one.given:
            return ended + AT_ONCE
        put_off = (each.asked for each in deferrals(self._client) if each.answer.t_ns == one.answered_ns)
        windows = list(waits(self._case.declared, (ended, ended), place, None, next(put_off, None)))
        return self._let_in_by(windows, (None,))

    def _first_stream(self, since_ns: int) -> Bound | None:
        place = next((i for i, each in enumerate(self._tries) if each.began_ns >= since_ns and each.sure), None)
        return None if place is None else self._go_on(place, self._at(self._tries[place].began_ns))

    def _first(self, due: float) -> Bound:
        """R once the job was accepted: the stream is dialled at once."""
        place = next((i for i in range(len(self._tries)) if self._walk.started(i)), None)
        if place is None or self._at(self._tries[place].began_ns) > due + self._late:
            return self._there(max(due, self._healed), f"a dial was due by {due:.2f} s")
        return self._go_on(place, max(due, self._healed))
