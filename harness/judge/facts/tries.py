"""A client's tries at its event stream, counted and told without a word of the client.

A try is an attempt that asked for the stream, or a dial that carried no request and can have been for nothing else: not
for the job's start, a poll, a snapshot or the results.
"""

import math

from harness.history import Dial
from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.facts.attempts import AttemptLife, attempts
from harness.judge.facts.polling import gap_open, may_poll
from harness.judge.facts.radio import end_came_ns
from harness.judge.facts.requests import CLIENT, SERVER, lives_of, request_lives
from harness.judge.verdict import Evidence

_DIALLED = {
    "open": "it was dropped before it asked for anything",
    "refused": "it was refused",
    "no path": "it found no path",
    "lost": "its path was lost",
    "given up": "the client gave it up",
}
"""The end of a dial that carried no request, by its fate."""


def tries(client: ClientCase) -> list[AttemptLife]:
    """Return the tries of a client in the order of their beginning."""
    return client.once(_tries)


def number_of(client: ClientCase, one: AttemptLife) -> int:
    """Return which of its client's tries one is, from 1 on."""
    return tries(client).index(one) + 1


def over_ns(client: ClientCase, one: AttemptLife) -> int:
    """Return the stamp by which a try was over for its client at the latest; the run's end where it was not."""
    return client.case.end_ns if one.end_hi is None else min(one.end_hi, client.case.end_ns)


def unanswered_for(client: ClientCase, one: AttemptLife) -> float:
    """Return for how many seconds a try had no answer: to its head, or to the try's end."""
    answered = math.inf if one.answer is None else one.answer.t_ns
    return (min(answered, over_ns(client, one)) - one.began_ns) / 1e9


def how_ended(client: ClientCase, one: AttemptLife) -> str:
    """Return how a try ended, as phone and gate saw it; empty where it goes on."""
    if one.request is None:
        fate = one.record.fate if isinstance(one.record, Dial) else "open"
        return _DIALLED.get(fate, f"it failed ({fate})")
    life = request_lives(client)[one.request.rid]
    if life.answer is not None and not life.streams:
        return f"it was answered {life.answer.status}"
    if life.end_ns is None or life.end_ns >= client.case.end_ns:
        return ""
    if life.by == CLIENT:
        return "the client ended it"
    return "the server ended it" if life.by == SERVER and one.clean else "it broke"


def begun(client: ClientCase, one: AttemptLife) -> Evidence:
    """Return a try as evidence: its beginning, and what it followed from."""
    text = f"attempt {number_of(client, one)} begins; {followed_from(client, one)}"
    return client.case.evidence(one.record, text, t_ns=one.began_ns)


def followed_from(client: ClientCase, one: AttemptLife) -> str:
    """Return how the try before one ended, and when."""
    number = number_of(client, one)
    if number == 1:
        return "the first"
    before = tries(client)[number - 2]
    how = how_ended(client, before)
    if not how or before.end_lo is None or before.end_lo > one.began_ns:
        return f"attempt {number - 1} goes on"
    return f"attempt {number - 1}: {how} at {phrases.moment(client.case.at(before.end_lo))}"


def _tries(client: ClientCase) -> list[AttemptLife]:
    by_ns, over = _knows_its_job(client), min([end_came_ns(client), *(app.enter_ns for app in client.screen.ends)])
    return [one for one in attempts(client) if one.sure or (by_ns <= one.began_ns < over and not _may_ask(client, one))]


def _may_ask(client: ClientCase, one: AttemptLife) -> bool:
    return may_poll(client, one.began_ns) or gap_open(client, one.began_ns)


def _knows_its_job(client: ClientCase) -> float:
    """Return the stamp from which on a client knew its job: it was told of one, or its start was answered."""
    starts = lives_of(client, "start")
    first = min((life.request.t_ns for life in lives_of(client, "stream")), default=math.inf)
    answered = min((life.answer.t_ns for life in starts if life.answer is not None), default=math.inf)
    told = not starts and bool(client.case.jobs_of(client.name))
    return 0.0 if told else min(first, answered)
