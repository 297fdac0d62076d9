"""The times at which a client dials and asks: rows 1, 4, 13, 16, 30, 43 and 45.

1. A start that was answered leads to a dial of the stream within a second.
2. A dial that was let in carries its request once the radio lets it: a handshake and a round trip. A connection that
   was made beside another dial may be a spare one, and says nothing.
3. A gap leads to a question for the status within a second: a cursor that is refused each time, a gap that a stream
   tells of where none is open.
4. A question for a gap that was refused, cut or failed is asked again until one is answered whole, by the longer of
   ``poll every`` and the backoff's cap. For a gap in a stream it comes no sooner than ``poll every``, unless the end, a
   gap more or a time of polling calls for it; for a refused cursor the next dial may.
5. A Retry-After puts off what is asked for a gap, and a status that stops for good ends it.
6. A token that is asked for is asked for within a second of the last 401 before, unless a Retry-After puts it off.

Time asleep does not count. What was not certainly read makes nothing due, and a dial that carried no request may have
been for the status.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter

from harness.judge.case import ClientCase
from harness.judge.facts.asking import asks
from harness.judge.facts.attempts import attempts
from harness.judge.facts.dials import Dialled, dials
from harness.judge.facts.instructions import UNAUTHORIZED, ToldGap, deferrals, leads_on, told_gaps
from harness.judge.facts.polling import may_poll
from harness.judge.facts.refusals import fatal
from harness.judge.facts.requests import RequestLife, firsts, lives_of, request_lives
from harness.judge.facts.screen import TERMINAL_CALLBACKS
from harness.judge.facts.snapshots import delivered_states
from harness.judge.obligations.due import Due, answered_at, awake_until, over_at
from harness.judge.obligations.rows import AT_ONCE, ObligationRow
from harness.scenario.deadlines import exchange_cost

_AT_ONCE = frozenset({ObligationRow.REFUSED_CURSOR, ObligationRow.GAP})
_FINAL = 204
_FOR_THE_STATUS = frozenset({"", "poll"})


def questions(client: ClientCase) -> list[Due]:
    """Return what a client had to dial and to ask, and when it did; nothing behind the job's end."""
    return client.once(_questions)


def _questions(client: ClientCase) -> list[Due]:
    found = [*_started(client), *_connected(client), *_refused_tokens(client), *_Gaps(client).due()]
    over, answered = over_at(client), answered_at(client)
    due = (one for one in found if one.high < (answered if one.row in _AT_ONCE else over))
    return sorted(due, key=attrgetter("high"))


def _started(client: ClientCase) -> Iterator[Due]:
    life = next((one for one in lives_of(client, "start") if one.given and one.known_ns is not None), None)
    if life is None or life.body is None:
        return
    since = client.case.at(life.body.t_ns)
    first = next((one.began_ns for one in attempts(client) if one.began_ns >= life.request.t_ns), math.inf)
    yield Due(
        row=ObligationRow.START, record=life.body, what=f"the stream of the job that was accepted at {since:.2f} s",
        act="to be dialled", low=since, high=awake_until(client, since, AT_ONCE), came=client.case.at_or_never(first),
    )  # fmt: skip


def _connected(client: ClientCase) -> Iterator[Due]:
    case = client.case
    every = dials(client).all
    for place, dial in enumerate(every):
        if not dial.what or _beside(client, place, every):
            continue
        since = case.at(dial.to_ns)
        yield Due(
            row=ObligationRow.ASK, record=dial.record, what=f"a request on the connection of {since:.2f} s",
            act="to be made",
            low=since, high=awake_until(client, since, exchange_cost(case.plan, dial.path or None)),
            came=case.at(firsts(client)[dial.cid].t_ns),
        )  # fmt: skip


def _beside(client: ClientCase, place: int, every: list[Dialled]) -> bool:
    """Return whether a dial was made beside another: a browser opens a spare connection, and uses it later."""
    dial, near = every[place], client.case.near_ns
    before = any(one.to_ns >= dial.from_ns - round(AT_ONCE * 1e9) for one in every[max(0, place - 3) : place])
    return before or any(one.from_ns <= dial.to_ns + near for one in every[place + 1 : place + 2])


def _refused_tokens(client: ClientCase) -> Iterator[Due]:
    """Yield the token that is due for each 401, of those that led to one."""
    case, near = client.case, client.case.near_ns
    lives = request_lives(client).values()
    refused = [one for one in lives if one.answer is not None and one.answer.status == UNAUTHORIZED]
    begun = [one.began_ns for one in asks(client).all if one.what in {"", "token"}]
    tokens = [one.begun_ns for one in lives_of(client, "token")]
    for life in refused:
        answer, body = life.answer, life.body
        if answer is None or life.read_ns is None or body is None or not body.whole:
            continue
        later = (one.answer.t_ns for one in refused if one.answer is not None and one.answer.t_ns > answer.t_ns)
        until_ns, since_ns = min(later, default=math.inf), max(life.read_ns, body.t_ns)
        if not any(since_ns <= at_ns < until_ns for at_ns in tokens) or _token_put_off(client, since_ns):
            continue
        since, place = case.at(since_ns), bisect_left(begun, answer.t_ns - near)
        yield Due(
            row=ObligationRow.ONE_TOKEN, record=answer, what=f"a new token, for the 401 of {since:.2f} s,",
            act="to be asked for",
            low=since, high=awake_until(client, since, AT_ONCE), came=client.case.at_or_never(begun[place]),
        )  # fmt: skip


def _token_put_off(client: ClientCase, at_ns: int) -> bool:
    return any(one.request.what == "token" and one.until_ns > at_ns for one in deferrals(client))


class _Gaps:
    """The questions that one client had to ask because of gaps."""

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        self._case = client.case
        self._told = told_gaps(client)
        self._begun = [one.began_ns for one in asks(client).all if one.what in _FOR_THE_STATUS]
        self._whole = [(one.life.request.t_ns, one.known_ns) for one in delivered_states(client) if one.known_ns]

    @property
    def _interval(self) -> float:
        """Seconds between two questions, at most."""
        policies = self._case.plan.client.policies
        return max(policies.poll_every, policies.backoff_cap)

    def due(self) -> Iterator[Due]:
        for place, gap in enumerate(self._told):
            open_ = any(self._open(one, gap.record.t_ns) for one in self._told[:place])
            if gap.read_ns is not None and (_refused(gap) or not open_):
                yield self._first(gap, gap.read_ns)
        for life in lives_of(self._client, "poll"):
            if (asked_for := self._asked_for(life)) is not None:
                yield from self._again(life, asked_for)

    def _first(self, gap: ToldGap, read_ns: int) -> Due:
        client, since = self._client, self._case.at(read_ns)
        place = bisect_left(self._begun, gap.record.t_ns - self._case.near_ns)
        came = self._begun[place] if place < len(self._begun) else math.inf
        high = awake_until(client, since, AT_ONCE)
        put_off = self._put_off(gap.record.t_ns)
        return Due(
            row=ObligationRow.REFUSED_CURSOR if _refused(gap) else ObligationRow.GAP, record=gap.record,
            what=f"the status, for the gap of {since:.2f} s ({gap.how}),", act="to be asked for",
            low=since, high=max(high, put_off), came=client.case.at_or_never(came),
        )  # fmt: skip

    def _asked_for(self, life: RequestLife) -> ToldGap | None:
        """Return the gap for which a question was asked in vain; None where it was none, or was answered."""
        answer = life.answer
        if life.given or life.end_ns is None:
            return None
        if answer is not None and (answer.status == UNAUTHORIZED or leads_on(answer)):
            return None
        policies = self._case.plan.client.policies
        if answer is not None and fatal(answer.status, policies.retries, policies.stops):
            return None
        told = (gap for gap in self._told if gap.read_ns is not None and gap.read_ns <= life.begun_ns)
        return next((gap for gap in told if self._open(gap, life.end_ns)), None)

    def _again(self, life: RequestLife, gap: ToldGap) -> Iterator[Due]:
        assert life.end_ns is not None
        client, case = self._client, self._case
        since = case.at(life.end_ns)
        place = bisect_right(self._begun, life.begun_ns)
        came = self._begun[place] if place < len(self._begun) else math.inf
        high = max(awake_until(client, since, self._interval), self._put_off(life.end_ns))
        if self._open(gap, case.ns(min(high, case.end))):
            yield Due(
                row=ObligationRow.FAILED_ASK, record=life.request,
                what=f"the status, asked for in vain until {since:.2f} s,",
                act="to be asked for again", low=self._earliest(life, came), high=high, came=case.at_or_never(came),
            )  # fmt: skip

    def _earliest(self, life: RequestLife, came: float) -> float:
        """Return before when a question is too soon; minus infinity where something else may have called for it."""
        client, since = self._client, life.begun_ns
        polls = lives_of(client, "poll")
        called = [one.record.t_ns for one in self._told]
        called += [one.t_ns for one in client.delivered if one.type in TERMINAL_CALLBACKS]
        called += [one.t_ns for one in client.responses.values() if one.status == _FINAL]
        if (
            any(_refused(one) and self._open(one, since) for one in self._told)
            or any(since < one <= came for one in called)
            or not any(one.begun_ns == came for one in polls)
            or may_poll(client, round(came))
        ):
            return -math.inf
        return self._case.at(since) + self._case.plan.client.policies.poll_every

    def _open(self, gap: ToldGap, at_ns: int) -> bool:
        """Return whether a gap had been told of by then, and no question asked behind it had its whole answer."""
        told_ns = gap.record.t_ns
        return told_ns <= at_ns and not any(asked >= told_ns and known <= at_ns for asked, known in self._whole)

    def _put_off(self, at_ns: int) -> float:
        """Return until when a Retry-After of the status that is in force then puts a question off, at the latest."""
        mine = [one for one in deferrals(self._client) if one.request.what == "poll" and one.answer.t_ns <= at_ns]
        due = (self._case.at(one.until_ns) + self._interval for one in mine if one.until_ns >= at_ns)
        return max(due, default=-math.inf)


def _refused(gap: ToldGap) -> bool:
    return gap.how in {"409", "410"}
