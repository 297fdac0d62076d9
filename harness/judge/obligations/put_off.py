"""Requests that a ``Retry-After`` put off, and those that came all the same (row 22).

It binds the next request for the same: the status, the results, a token, a start. ``walk`` follows the waits of the
stream. An answer that was not certainly read does not bind the client.
"""

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter

import msgspec

from harness.history import Request
from harness.judge.case import WAKING_SIGNALS, ClientCase
from harness.judge.facts.instructions import Deferral, deferrals
from harness.judge.facts.requests import RequestLife, request_lives

_ASKED_AGAIN = frozenset({"poll", "results", "token", "start"})

_WAITED_FOR = frozenset({"results", "start"})
"""Requests before which a client waits as before a stream: a signal ends that wait."""


class Hurried(msgspec.Struct, frozen=True):
    """A request that came before its time, and the answer that had put it off."""

    put_off: Deferral
    again: Request


def hurried(client: ClientCase) -> Iterator[Hurried]:
    """Yield each request that came too soon after an answer that put it off. It may be early by the run's highest lag.

    Where it is not declared that Retry-After is obeyed, no request is too soon.
    """
    if client.case.declared.obeys_retry_after is not True:
        return
    early_ns = round(client.case.slack * 1e9)
    for one in deferrals(client):
        if one.read_ns is None or one.request.what not in _ASKED_AGAIN:
            continue
        again = _again(client, one)
        if (
            again is not None
            and again.dialled_ns < one.until_ns - early_ns
            and not _ended_by_signal(client, one, again)
        ):
            yield Hurried(one, again.request)


def _again(client: ClientCase, one: Deferral) -> RequestLife | None:
    """Return the next request of a kind that was begun after an answer: on its connection, or by a later dial."""
    answered = one.answer.t_ns + client.case.near_ns
    for later in client.requests[bisect_right(client.requests, one.answer.seq, key=attrgetter("seq")) :]:
        life = request_lives(client)[later.rid]
        begun = later.cid == one.answer.cid or life.dialled_ns > answered
        if begun and (later.what, later.job) == (one.request.what, one.request.job):
            return life
    return None


def _ended_by_signal(client: ClientCase, one: Deferral, again: RequestLife) -> bool:
    """Return whether a signal ended the wait."""
    since, until, near = one.answer.t_ns, again.request.t_ns, client.case.near_ns
    return one.request.what in _WAITED_FOR and any(
        signal.what in WAKING_SIGNALS and since - near <= signal.t_ns <= until + near for signal in client.heard
    )
