"""Follows a client along the rows, from one dial to the next: which of them were due when they came.

Where the facts leave several states, all of them are followed: a dial that carried no request was the stream's, or was
for something else; a ``retry:`` was read, or was not. A dial is out of its time only where it is so in each.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter
from typing import NamedTuple

import msgspec

from harness.history import Dial, SignalHeard
from harness.judge import phrases
from harness.judge.case import WAKING_SIGNALS, Case, ClientCase
from harness.judge.facts.asking import Ask, asks
from harness.judge.facts.attempts import AttemptLife, attempts
from harness.judge.facts.dials import dials
from harness.judge.facts.instructions import REFUSED, UNAUTHORIZED, deferrals
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import gap_open, may_poll, pollings
from harness.judge.facts.radio import end_came_ns
from harness.judge.facts.refusals import let_in, no_end_due
from harness.judge.facts.requests import CLIENT, lives_of, request_lives
from harness.judge.obligations.due import over_at
from harness.judge.obligations.rows import AT_ONCE, EARLY, LATE, DueWindow, ObligationRow, waits
from harness.sse.policy import ResetsOn

_BEFORE = 60.0
"""Seconds before an attempt within which an exchange that is still under way may have begun."""

_UNSEEN = 8
"""The number of unseen attempts that a client may have made."""

_FINAL = 204

_ENDED_BY_CLIENT = frozenset({"given up", "open"})
"""Fates of a dial that carried no request: it hung, or was let in, and its client let go of it."""


class WalkState(NamedTuple):
    """A possible state of a client: its last attempt, the signals that are spent, whether a failed poll led to it."""

    last: int
    spent: int
    probed: bool


class DueDial(msgspec.Struct, frozen=True):
    """A dial that was in its time: by this window, after that attempt."""

    before: AttemptLife | None
    attempt: AttemptLife
    window: DueWindow
    sure: bool  # no other row, n or attempt before allows it


class Missed(msgspec.Struct, frozen=True):
    """A dial that was in no window of any state: ``window`` is the nearest one, ``before`` the attempt before it.

    ``attempt`` None: it never came.
    """

    before: AttemptLife
    attempt: AttemptLife | None
    window: DueWindow

    def sentence(self, case: Case) -> str:
        """Return what was due by which row, and what came: ``row 20, plain wait: a dial was due by 31.2 s …``."""
        window = self.window
        if self.attempt is None:
            return f"{window.row.called}: a dial was due by {_at(window.high)} and never came{_why(window)}"
        came = case.at(self.attempt.began_ns)
        due = f"from {_at(window.low)}" if came < window.low else f"by {_at(window.high)}"
        return f"{window.row.called}: a dial was due {due} and came at {_at(came)}{_why(window)}"


def _at(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _why(window: DueWindow) -> str:
    if window.asked is not None:
        return f" (Retry-After {phrases.limit(window.asked)})"
    if window.row in {ObligationRow.PLAIN, ObligationRow.RETRY} and window.delay:
        return f" (n {window.n}, d = {phrases.limit(window.delay)})"
    return ""


class Walk:
    """One client's walk: ``steps`` in their time, and those ``missed``.

    ``certain`` are the dials that were the stream's in any state.
    """

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        self._case = client.case
        self._policies = client.case.declared
        self._tries = attempts(client)
        self._asks = asks(client)
        self._sky = client.once(NetworkTimeline)
        self._near = client.case.near_ns / 1e9
        told: dict[int, SignalHeard] = {}
        for one in client.heard:
            if one.what in WAKING_SIGNALS:
                told.setdefault(one.told, one)
        self._signals = sorted(client.case.at(one.t_ns) for one in told.values())
        # One that it did not hear, being deaf, it can be held to from when it was told.
        self._told = sorted(client.case.at(one.t_ns) for one in client.signals if one.what in WAKING_SIGNALS)
        self._failures = _failures(self._tries)
        self._dial: set[int] = set()  # the number of the dial that is looked at
        self._place_of = {one.record.seq: place for place, one in enumerate(self._tries)}
        self.certain: list[AttemptLife] = []
        self.steps: list[DueDial] = []
        self.missed: list[Missed] = []
        self._after: list[dict[WalkState, set[int]]] = []  # the states behind each attempt
        self._walk()

    def _walk(self) -> None:
        states: dict[WalkState, set[int]] = {WalkState(-1, -1, probed=False): {0}}
        self._started = not any(one.what == "start" for one in self._client.requests)
        for place, one in enumerate(self._tries):
            states = self._take(place, one, states)
            self._after.append(states)
        self._states = states

    def _take(self, place: int, one: AttemptLife, states: dict[WalkState, set[int]]) -> dict[WalkState, set[int]]:
        self._dial = {one.record.seq}
        after: dict[WalkState, set[int]] = {}
        fits: list[tuple[WalkState, DueWindow]] = []
        begun = self._case.at(one.began_ns)
        for state, powers in states.items():
            if state.last < 0:
                if one.sure or self._accepted(one):
                    after.setdefault(WalkState(place, self._spent(begun), probed=False), set()).add(0)
                continue
            for window in self._windows(state, powers, begun):
                if window.low - EARLY - self._case.slack <= begun <= window.high + LATE + self._case.slack:
                    fits.append((state, window))
                    spent = max(state.spent, window.spends)
                    key = WalkState(place, spent, probed=window.row is ObligationRow.FAILED_POLL)
                    after.setdefault(key, set()).update(self._grown(window.n, state, one))
        certain = one.sure or not self._may_be_another(one, states)
        if fits:
            rows = {(window.row, window.n, state.last) for state, window in fits}
            state, window = fits[0]
            self.steps.append(DueDial(self._tries[state.last], one, window, sure=certain and len(rows) == 1))
        if certain:
            self.certain.append(one)
        else:
            for state, powers in states.items():
                after.setdefault(state, set()).update(powers)
        if not after:
            self._miss(one, states, begun)
            grown = {n + 1 for powers in states.values() for n in powers}
            after = {WalkState(place, self._spent(begun), probed=False): grown}
        return after

    def _grown(self, n: int, state: WalkState, one: AttemptLife) -> set[int]:
        if dials(self._client).seen or self._let_in(state, one):
            return {n + 1}
        return set(range(n + 1, n + 1 + _UNSEEN))

    def _let_in(self, state: WalkState, one: AttemptLife) -> bool:
        before = self._tries[state.last]
        since = before.began_ns if before.end_lo is None else before.end_lo
        return let_in(self._client, since, one.began_ns)

    def _miss(self, one: AttemptLife, states: dict[WalkState, set[int]], begun: float) -> None:
        last = max(state.last for state in states)
        windows = [
            window
            for state, powers in states.items()
            if state.last == last
            for window in self._windows(state, powers, begun)
        ]
        if last < 0:
            return
        nearest = min(
            windows,
            key=lambda window: max(window.low - begun, begun - window.high),
            default=DueWindow(row=ObligationRow.PLAIN, low=math.inf, high=math.inf),
        )
        self.missed.append(Missed(self._tries[last], one, nearest))

    def _spent(self, begun: float) -> int:
        return bisect_left(self._signals, begun - self._near) - 1

    def _accepted(self, one: AttemptLife) -> bool:
        """Return whether a job had been accepted by then, so that its stream may be dialled."""
        if self._started:
            return True
        return any(ask.what == "start" and ask.given and ask.answered_ns <= one.began_ns for ask in self._asks.all)

    def _may_be_another(self, one: AttemptLife, states: dict[WalkState, set[int]]) -> bool:
        """Return whether a dial that carried no request may have been for the job, a token, the status, or the results.

        A dial that began before an attempt ended did not come out of the wait behind it: it may be a spare connection.
        """
        client, at_ns, near = self._client, one.began_ns, self._case.near_ns
        ended = min([end_came_ns(client), *(shown.app.enter_ns for shown in client.screen.terminals)])
        if any(state.last < 0 for state in states) or ended <= at_ns + near:
            return True
        ends = (self._tries[state.last].end_lo for state in states)
        if any(end is None or at_ns < end for end in ends):
            return True
        if may_poll(client, at_ns) or gap_open(client, at_ns):
            return True
        given = max((ask.answered_ns for ask in self._asks.all if ask.given and ask.answered_ns < at_ns), default=0)
        return any(
            answer.status == _FINAL or (answer.status == UNAUTHORIZED and answer.t_ns >= given)
            for answer in client.responses.values()
            if answer.t_ns <= at_ns + near
        )

    def owed(self) -> Missed | None:
        """Return the dial that a client owed and that never came; None where it owed none.

        A dial is owed until the run ended or the app was told the end: what was due by then is missed, however the app
        came to know the end. Nothing is owed after a final answer, or by a client that may give up.
        """
        client, case = self._client, self._case
        if no_end_due(client) or self._policies.gives_up_after is not None:
            return None
        told = client.screen.terminals
        until = over_at(client) if told else case.end
        last = max((state.last for state in self._states), default=-1)
        if last < 0:
            return None
        windows = [window for state, powers in self._states.items() for window in self._windows(state, powers, until)]
        if not windows or any(self._tries[state.last].end_lo is None for state in self._states):
            return None
        latest = max(windows, key=attrgetter("high"))
        over = latest.high + LATE + case.slack
        if over >= case.horizon or (over >= until and (told or case.ended != "done")):
            return None
        return Missed(self._tries[last], None, latest)

    def windows_after(self, place: int, begun: float) -> list[DueWindow]:
        """Return when a dial is due behind an attempt, in each state that the facts leave; it came at ``begun``."""
        started = ((state, powers) for state, powers in self._after[place].items() if state.last >= 0)
        return [window for state, powers in started for window in self._windows(state, powers, begun)]

    def powers_after(self, place: int) -> set[int]:
        """Return what n may be behind an attempt, whether or not it has ended."""
        found = set()
        for state, powers in self._after[place].items():
            if state.last >= 0:
                found |= self._evidenced(self._tries[state.last], powers)
        return found

    def started(self, place: int) -> bool:
        """Return whether the stream may have been dialled by this attempt: else that was for the job."""
        return any(state.last >= 0 for state in self._after[place])

    def first_missed(self, since: float) -> Missed | None:
        """Return the first dial from a time on that came too late, or never did, where it was due."""
        owed = self.owed()
        found = [*self.missed, owed] if owed is not None else self.missed
        return next((one for one in found if one.window.high >= since and self._late(one)), None)

    def _late(self, one: Missed) -> bool:
        return one.attempt is None or self._case.at(one.attempt.began_ns) > one.window.high

    def called_for(self, one: AttemptLife) -> bool:
        """Return whether a client was told to dial at once: by a signal, a new token, or news of the last stream."""
        place = self._place_of[one.record.seq]
        if not place:
            return True
        before, case = self._tries[place - 1], self._case
        if before.fresh is not False or before.hops or one.hops:
            return True
        since, until = before.began_ns - case.near_ns, one.began_ns + case.near_ns
        if any(since <= signal.t_ns <= until for signal in [*self._client.signals, *self._client.heard]):
            return True
        asked = self._asks.begun(since, until)
        return before.status == UNAUTHORIZED and any(ask.what == "token" and ask.given for ask in asked)

    # The windows.

    def _windows(self, state: WalkState, powers: set[int], begun: float) -> list[DueWindow]:
        last = self._tries[state.last]
        if last.end_lo is None or last.end_hi is None:
            return []
        case = self._case
        ended = case.at(last.end_lo), case.at(last.end_hi)
        ns = sorted(self._evidenced(last, powers))
        found = list(self._waited(last, ended, ns, begun))
        found += self._tokens(last, ended, ns)
        roused = list(self._signalled(state, ended, ns, begun))
        poll = None if state.probed else self._may_poll(state.last, begun)
        if poll is not None:
            found += self._polled(poll, last, ended, ns, begun)
        given = self._given(last, begun)
        found = [self._cut(one, ended, begun, given) for one in found]
        return found + roused

    def _evidenced(self, last: AttemptLife, powers: set[int]) -> set[int]:
        """Return what n may be after an attempt."""
        policies = self._policies
        resets = policies.backoff_resets_on
        cap: object = policies.backoff_cap
        found = {0} if last.fresh else set(powers)
        if last.fresh is None or (last.body and resets is not ResetsOn.EVENT):
            found.add(0)
        if last.clean and last.opened:
            lived = ((last.end_hi or 0) - last.began_ns) / 1e9
            if not isinstance(cap, float | int) or lived >= cap - self._near:
                found.add(0)
        return found

    def _waited(
        self, last: AttemptLife, ended: tuple[float, float], ns: list[int], begun: float
    ) -> Iterator[DueWindow]:
        asked = last.asked
        # A 401 asks for a new token: where none came, what puts off the next try is the answer to that.
        binds = last.heard and last.status != UNAUTHORIZED
        options = [asked] if binds or asked is None else [asked, None]
        longest = self._asking(last, ended, begun)
        slept = self._sky.slept(ended[0], begun)
        for n in ns:
            for milliseconds in dict.fromkeys(last.retries):
                for seconds in options:
                    for window in waits(self._policies, ended, n, milliseconds, seconds):
                        high = max(window.high + slept, longest)
                        yield msgspec.structs.replace(window, high=high)

    def _asking(self, last: AttemptLife, ended: tuple[float, float], begun: float) -> float:
        """Return until when a wait may last because a token or a snapshot is asked for first."""
        case = self._case
        if not (dials(self._client).seen or last.end_lo is None or let_in(self._client, last.end_lo, case.ns(begun))):
            return math.inf
        if last.status in {UNAUTHORIZED, *REFUSED}:
            mine = [one for one in self._during(last, begun) if one.what != "results"]
            return max((self._over(one, begun) for one in mine), default=ended[1])
        return ended[1]

    def _over(self, one: Ask, begun: float) -> float:
        over = min(self._case.at(one.over_ns), begun)
        if one.what == "token" and not one.given:
            base: object = self._policies.backoff_base
            more = base if isinstance(base, float | int) else math.inf
            for put_off in deferrals(self._client):
                if put_off.answer.t_ns == one.answered_ns and put_off.request.what == "token":
                    over = max(over, self._case.at(put_off.until_ns) + more)
        return over

    def _during(self, last: AttemptLife, begun: float) -> list[Ask]:
        """Return the exchanges that were under way at some time after an attempt ended."""
        since = (last.began_ns if last.end_lo is None else last.end_lo) - self._case.near_ns
        found = self._others(last, begun)
        return [one for one in found if one.over_ns >= since and one.dial != last.record.seq]

    def _others(self, last: AttemptLife, begun: float) -> list[Ask]:
        """Return the exchanges that were begun before a dial, not long before the attempt that it follows."""
        found = self._asks.begun(last.began_ns - round(_BEFORE * 1e9), self._case.ns(begun))
        return [one for one in found if not one.dial or one.dial not in self._dial]

    def _tokens(self, last: AttemptLife, ended: tuple[float, float], ns: list[int]) -> Iterator[DueWindow]:
        if last.status != UNAUTHORIZED:
            return
        case = self._case
        since = last.began_ns - case.near_ns
        for one in self._asks.all:
            if one.what == "token" and one.given and one.answered_ns >= since:
                low = max(case.at(one.answered_ns), ended[0])
                high = max(case.at(one.over_ns), ended[1]) + AT_ONCE
                for n in ns:
                    yield DueWindow(row=ObligationRow.TOKEN, low=low, high=high, n=n)

    def _signalled(
        self, state: WalkState, ended: tuple[float, float], ns: list[int], begun: float
    ) -> Iterator[DueWindow]:
        if self._policies.heeds_signals is False:
            return
        last = self._tries[state.last]
        # What a signal ends may be let go of within a second of it, and is begun anew within the same second.
        since = max(ended[0] - AT_ONCE, self._case.at(last.began_ns)) if self._let_go(last) else ended[0]
        first = max(bisect_left(self._signals, since - self._near), state.spent + 1)
        for place, at in enumerate(self._signals[first:], first):
            if at > begun + self._near:
                return
            if at < ended[0] - self._near:
                high = at + AT_ONCE + self._sky.slept(at, begun)
                for n in ns:
                    yield DueWindow(row=ObligationRow.SIGNAL, low=ended[0], high=high, n=n, spends=place)
                continue
            busy = [
                self._case.at(one.over_ns) for one in self._during(last, begun) if self._case.at(one.began_ns) <= at
            ]
            high = max([at, ended[1], *(min(one, begun) for one in busy)]) + AT_ONCE
            high += self._sky.slept(at, begun)
            for n in ns:
                yield DueWindow(row=ObligationRow.SIGNAL, low=at - self._near, high=high, n=n, spends=place)

    def _let_go(self, last: AttemptLife) -> bool:
        """Return whether the client ended an attempt: it gave the dial up, or hung up before the other side did."""
        if last.request is not None:
            return request_lives(self._client)[last.request.rid].by == CLIENT
        return isinstance(last.record, Dial) and last.record.fate in _ENDED_BY_CLIENT

    def _given(self, last: AttemptLife, begun: float) -> float:
        """Return when a token that was asked for because of an attempt was certainly there; infinity: it was not."""
        if last.status != UNAUTHORIZED or last.answer is None:
            return math.inf
        asked_ns, until_ns = last.answer.t_ns, self._case.ns(begun)
        # A token behind a later 401 may be for the request that got that one: a poll's, which goes on by itself.
        others = (one.t_ns for one in self._client.responses.values() if one.status == UNAUTHORIZED)
        other_ns = min((at_ns for at_ns in others if at_ns > asked_ns), default=math.inf)
        mine = (life for life in lives_of(self._client, "token") if life.given and asked_ns <= life.begun_ns < other_ns)
        known = (life.known_ns for life in mine)
        return self._case.at_or_never(min((at for at in known if at is not None and at <= until_ns), default=math.inf))

    def _cut(self, window: DueWindow, ended: tuple[float, float], begun: float, given: float) -> DueWindow:
        """A new token ends a wait, and so does a signal that is heard in it, where the client declares so."""
        due = max(given, ended[1]) + AT_ONCE
        if due < window.high and window.row is not ObligationRow.TOKEN:
            due += self._sky.slept(given, begun)
            window = msgspec.structs.replace(window, row=ObligationRow.TOKEN, high=min(due, window.high))
        if self._policies.heeds_signals is not True:
            return window
        for at in self._told[bisect_left(self._told, ended[1] + self._near) :]:
            if at >= window.high:
                break
            if self._sky.slept(at, at + AT_ONCE) or self._busy(at):
                continue
            if at + AT_ONCE < window.high:
                row = ObligationRow.SIGNAL if at <= begun + self._near else window.row
                return msgspec.structs.replace(window, row=row, high=at + AT_ONCE)
        return window

    def _busy(self, at: float) -> bool:
        """Return whether something was asked, or may have been, as a signal was heard."""
        at_ns, near = self._case.ns(at), self._case.near_ns
        found = self._asks.begun(at_ns - round(_BEFORE * 1e9), at_ns + near)
        return any(one.over_ns >= at_ns - near for one in found)

    # Polling.

    def _may_poll(self, place: int, begun: float) -> float | None:
        """Return when a client may have fallen back to polling after an attempt; None where it may not have."""
        if place < 0:
            return None
        last, policies = self._tries[place], self._policies
        fails, first_ns = self._failures[place]
        after: object = policies.polls_after_failures
        if after is None or not last.spoke or last.end_lo is None or not fails:
            return None
        ended = self._case.at(last.end_lo)
        within: object = policies.falls_back_within
        if not isinstance(after, int) or not isinstance(within, float | int) or fails >= after:
            return ended
        entered = max(ended, self._case.at(first_ns) + within - EARLY - self._case.slack)
        return entered if entered <= begun + self._near else None

    def _fell_back(self, entered: float, begun: float) -> float:
        """Return when a client may have fallen back at the latest: not all that the walk counts need be failures."""
        entries = (self._case.at(one.since_ns) for one in pollings(self._client))
        return max([entered, *(at for at in entries if at <= begun)])

    def _polled(
        self, entered: float, last: AttemptLife, ended: tuple[float, float], ns: list[int], begun: float
    ) -> Iterator[DueWindow]:
        case, policies = self._case, self._policies
        asked = last.asked
        binds = last.heard is True and last.status != UNAUTHORIZED
        put_off = policies.heed_retry_after(asked) if asked is not None and binds else None
        soonest = -math.inf if put_off is None or math.isnan(put_off) else ended[0] + put_off
        for one in self._others(last, begun):
            if not one.given and one.what in {"", "poll", "token"} and case.at(one.over_ns) >= entered - self._near:
                low = max(case.at(one.answered_ns), soonest, entered)
                for n in ns:
                    yield DueWindow(row=ObligationRow.FAILED_POLL, low=low, high=case.at(one.over_ns) + AT_ONCE, n=n)
        latest = self._fell_back(entered, begun)
        probes: object = policies.retry_stream
        for n in ns:
            if isinstance(probes, float | int):
                high = max(latest, self._asking(last, ended, begun)) + probes + self._sky.slept(entered, begun)
                yield DueWindow(row=ObligationRow.RETRY_STREAM, low=entered + probes, high=high, n=n)
            else:
                yield DueWindow(row=ObligationRow.RETRY_STREAM, low=entered, high=math.inf, n=n)


def walk(client: ClientCase) -> Walk:
    """Return the walk of a client."""
    return client.once(Walk)


def _failures(found: list[AttemptLife]) -> list[tuple[int, int]]:
    """Return for each attempt how many were let in for nothing since an event, and the first's dial."""
    count, first = 0, 0
    counts = []
    for one in found:
        if not one.barren:
            count, first = 0, 0
        elif one.spoke:
            first = first or one.began_ns
            count += 1
        counts.append((count, first))
    return counts
