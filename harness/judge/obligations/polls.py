"""The status requests of a client that lives by polling (row 47): when the next is due, and those out of time.

A client may keep its polls to a raster, as the reference does. The next poll then follows at once behind a poll that
took longer than the interval. A poll that was due in a sleep comes at the waking. The poll after either is due by the
raster again. So the earliest instant is counted from when the last poll was *due*, as far as that is known, and the
latest from when it began. Where a gap is open, a 204 was answered, or the token was refused, other rows say when the
client asks for the status.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter

import msgspec

from harness.judge.case import Case, ClientCase
from harness.judge.facts.asking import asks
from harness.judge.facts.dials import dials
from harness.judge.facts.instructions import UNAUTHORIZED, deferrals, leads_on
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import POLLING, Polling, askings, gap_open, pollings
from harness.judge.facts.refusals import refusal
from harness.judge.facts.requests import RequestLife
from harness.judge.obligations.due import over_at
from harness.judge.obligations.rows import EARLY, LATE, ObligationRow


class MissedPoll(msgspec.Struct, frozen=True):
    """A poll out of its time, and the one before it. ``again`` None: it never came. Scenario seconds."""

    before: RequestLife
    again: RequestLife | None
    low: float
    high: float

    def sentence(self, case: Case) -> str:
        """Return what was due by which row, and what came."""
        if self.again is None:
            return f"{ObligationRow.POLL.called}: the status was to be asked for by {self.high:.2f} s and never was"
        came = case.at(self.again.begun_ns)
        due = f"from {self.low:.2f} s" if came < self.low else f"by {self.high:.2f} s"
        return f"{ObligationRow.POLL.called}: one was due {due} and came at {came:.2f} s"


def polls_missed(client: ClientCase) -> list[MissedPoll]:
    """Return the polls that came out of their time, in order.

    Only a client of which every dial is on record is held to it, and only to an interval that it declares.
    """
    every: object = client.case.declared.poll_every
    if not isinstance(every, float | int) or not dials(client).seen:
        return []
    found: list[MissedPoll] = []
    for span, polls in _spells(client):
        found += _Spell(client, span, float(every)).missed(polls)
    return found


def _spells(client: ClientCase) -> Iterator[tuple[Polling, list[RequestLife]]]:
    """Yield the polls of each time of polling, in order of their beginning."""
    spans = pollings(client)
    lives: dict[int, list[RequestLife]] = {}
    for one in sorted(askings(client), key=lambda one: one.life.begun_ns):
        place = bisect_right(spans, one.life.begun_ns, key=attrgetter("since_ns")) - 1
        if one.why == POLLING and place >= 0 and one.life.begun_ns <= spans[place].until_ns:
            lives.setdefault(place, []).append(one.life)
    for place, polls in lives.items():
        yield spans[place], polls


class _Spell:
    """One time of polling."""

    def __init__(self, client: ClientCase, span: Polling, every: float) -> None:
        self._client, self._case = client, client.case
        self._span, self._every = span, every
        self._sky = client.once(NetworkTimeline)
        self._put_off = {one.request.rid: one.until_ns for one in deferrals(client)}

    def missed(self, polls: list[RequestLife]) -> Iterator[MissedPoll]:
        due = self._case.at(polls[0].begun_ns)
        for before, again in zip(polls, [*polls[1:], None], strict=True):
            low = due + self._every
            high = self._latest(before)
            if again is None:
                if self._owed(before, high):
                    yield MissedPoll(before, None, low, high)
                return
            begun = self._case.at(again.begun_ns)
            if self._doubtful(before, again.begun_ns):
                due = -math.inf
                continue
            if begun < low - EARLY - self._case.slack or begun > high + LATE + self._case.slack:
                yield MissedPoll(before, again, low, high)
            ended = self._case.at(before.end_ns) if before.end_ns is not None else begun
            followed = begun - ended <= LATE + self._case.slack or self._sky.slept(low, begun) > 0
            due = max(due + self._every, begun - self._every) if followed else begun

    def _latest(self, before: RequestLife) -> float:
        """Return when the next poll is due at the latest."""
        case, policies = self._case, self._case.plan.client.policies
        if before.end_ns is None:
            return math.inf
        begun, ended = case.at(before.begun_ns), case.at(before.end_ns) + policies.handler_takes
        high = max(begun + self._every, ended)
        if before.request.rid in self._put_off:
            high = max(high, case.at(self._put_off[before.request.rid]) + policies.backoff_base)
        return self._sky.awake_by(begun, high)

    def _doubtful(self, before: RequestLife, until_ns: int) -> bool:
        """Return whether something else than the interval may have brought the next poll about, or have held it up."""
        client, answer = self._client, before.answer
        if answer is None and before.reused:
            return True  # a connection that was kept had died: the same question is asked again
        if answer is not None and (answer.status == UNAUTHORIZED or leads_on(answer)):
            return True
        if gap_open(client, before.begun_ns) or gap_open(client, until_ns):
            return True
        others = asks(client).begun(before.begun_ns + 1, until_ns - 1)
        return any(one.what in {"", "token"} for one in others)

    def _owed(self, before: RequestLife, high: float) -> bool:
        """Return whether a poll was due, and the client's time of polling was not over."""
        client, case = self._client, self._case
        ends = [case.horizon, case.end, over_at(client), case.at_or_never(self._span.until_ns)]
        stopped = refusal(client)
        ends += [case.at(stopped.t_ns)] if stopped is not None else []
        over = high + LATE + case.slack
        return over + case.near_ns / 1e9 < min(ends) and not self._doubtful(before, case.ns(over))
