"""The lawful reasons for a client to end: a status that says stop for good (law L11), or a job it never learned of.

A 401 is answered by a new token, once. So it is the last word where a request with the new token met another, and where
the token itself was refused for good.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

from harness.deeds.network_state import MIDDLE, SERVER
from harness.history import Request, Response
from harness.judge.case import ClientCase
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import may_poll

EXEMPT = frozenset({401, 403, 408, 409, 410, 425, 429})
"""Never fatal by themselves: refreshed, waited out, or healed by a snapshot."""

_NOT_NOW = frozenset({408, 425, 429})


def fatal(status: int, retries: tuple[str, ...], stops: tuple[str, ...]) -> bool:
    """Return whether a status of the stream is fatal by the plan's policies; ``retries`` wins where both match."""
    if status in EXEMPT or _matches(status, retries):
        return False
    return _matches(status, stops)


def _matches(status: int, patterns: tuple[str, ...]) -> bool:
    return any(pattern in {str(status), f"{status // 100}xx"} for pattern in patterns)


def refusal(client: ClientCase) -> Response | None:
    """Return the first fatal answer to a stream request of the client, or to one for its token; None without any."""
    return client.once(_of_streams)


def _of_streams(client: ClientCase) -> Response | None:
    return next(_refusals(client, "stream"), None)


def _of_polls(client: ClientCase) -> Response | None:
    """A refused poll is the end of a client that may live by polling; to one with a stream it says nothing."""
    return next((refused for refused in _refusals(client, "poll") if may_poll(client, refused.t_ns)), None)


def no_results_due(client: ClientCase) -> bool:
    """Return whether the results were refused for good."""
    return next(_refusals(client, "results"), None) is not None


def no_end_due(client: ClientCase) -> str:
    """Return why no end of its job can be asked of a client; empty where one is due."""
    for what, refused in (("stream", client.once(_of_streams)), ("status", client.once(_of_polls))):
        if refused is not None:
            return f"the {what} was refused for good ({refused.status})"
    return "" if client.once(_learned_of_its_job) else "the client never learned of its job: the answer was lost"


def finished(client: ClientCase) -> float:
    """Return when a client had lawfully finished, in scenario seconds; infinity where it had not.

    Either its app was told the job's true end, and has the results that are due, or it was refused for good. A client
    that gave up, died or was told another end has not.
    """
    at, policies = client.case.at, client.case.plan.client.policies
    told = [shown.app for shown in client.screen.terminals if shown.event is not None and shown.event.terminal]
    if told:
        due = told[0].callback == "completed" and policies.fetches_results and not no_results_due(client)
        if due and not client.app_results:
            return math.inf
        return at(max([told[0].exit_ns, *(one.t_ns for one in client.app_results)]))
    refused = client.once(_of_streams) or client.once(_of_polls)
    return math.inf if refused is None else at(refused.t_ns)


class _Token:
    """The fate of the token, for one kind of request."""

    def __init__(self) -> None:
        self.refused = False
        self.since_ns = 0
        self.given_ns = 0  # when the one in use was asked for
        self.given = False  # a new one was had since it was refused
        self.coming: list[tuple[int, int]] = []  # when new ones were answered, and asked for
        self.unanswered = False  # a new one was asked for, and the network or a server in trouble was in the way


def _refusals(client: ClientCase, what: str) -> Iterator[Response]:
    """Yield the fatal answers to requests of a kind, or to one for its token."""
    token, asker = _Token(), what
    for request, following in _followed(client):
        response = heard_answer(client, request)
        if request.what == "token":
            whole, own = not _cut_off(client, request, following), asker == what
            stops = _no_new_token(request, response, token, whole=whole, own=own)
        elif request.what == what:
            _take_up(token, request)
            stops = _says_stop(client, response, token)
        else:
            stops = False
        if response is not None and response.status == 401:
            asker = request.what
        if stops and response is not None:
            yield response


def heard_answer(client: ClientCase, request: Request) -> Response | None:
    """Return the answer to a request, unless a box gave it to a connection that had ended before.

    The server's side that the gate closed is no such end: a box that answers closes both, in either order. Nor is the
    end of a server that was away, where the box had answered first. The client does not read an answer to a stream that
    it has asked for anew meanwhile, though its hanging up may not have come as far.
    """
    response = client.responses.get(request.rid)
    if response is None or client.once(_asked_anew).get(request.rid, math.inf) < response.seq:
        return None
    given = client.once(_boxed).get(request.rid, response.seq) if response.by else response.seq
    ends = [end for end in client.ends_of.get(request.cid, ()) if end.seq < given]
    ended = any(not end.swallowed and not end.held and (end.side, end.how) != ("server", "closed") for end in ends)
    return None if ended else response


def _followed(client: ClientCase) -> Iterator[tuple[Request, Request | None]]:
    """Return each request with the one after it."""
    return zip(client.requests, [*client.requests[1:], None], strict=False)


def _asked_anew(client: ClientCase) -> dict[int, int]:
    """Return the number of the record by which each stream was asked for again."""
    return {one.rid: later.seq for one, later in pairwise(client.streams)}


def _boxed(client: ClientCase) -> dict[int, int]:
    """Return the number of the record by which a box first took up each request."""
    return {one.rid: one.seq for one in reversed(client.boxed)}


def _cut_off(client: ClientCase, request: Request, following: Request | None) -> bool:
    """Return whether the gate ended the connection of a request before the client went on with another."""
    end = next((end for end in client.ends_of.get(request.cid, ()) if end.side == "client"), None)
    return end is not None and end.how == "closed" and (following is None or end.seq < following.seq)


def _take_up(token: _Token, request: Request) -> None:
    """A request is sent with the newest token that was there, not with a token that is still asked for beside it."""
    while token.coming and token.coming[0][0] <= request.t_ns:
        _, token.given_ns = token.coming.pop(0)
        token.given = True


def _no_new_token(request: Request, response: Response | None, token: _Token, *, whole: bool, own: bool) -> bool:
    """Take in the answer to a token request; True where it is the last word. One that is not ``whole`` gives none.

    Where the request for a token that this kind's 401 asked for had failed, one that another kind's 401 asked for
    (not ``own``) does not make up for it: with the next 401 this kind asks once more.
    """
    given = whole and response is not None and response.status // 100 == 2 and not response.by
    if given and response is not None:
        token.coming.append((response.t_ns, request.t_ns))
    token.given = False
    token.unanswered = token.refused and (not given or (token.unanswered and not own))
    return token.refused and response is not None and not _in_trouble(response.status)


def _in_trouble(status: int) -> bool:
    """Return whether an answer to a token request does not refuse one, if it gave none: it may be asked for again."""
    return status >= 500 or status // 100 in {2, 3} or status in _NOT_NOW


def _says_stop(client: ClientCase, response: Response | None, token: _Token) -> bool:
    """Take in what became of a stream or a poll; True where it is the last word.

    A new token with which nothing was answered is an old one by the time of the next request.
    """
    if response is None:
        token.refused = False
        return False
    if response.status == 401:
        # A request for a new token left no record where it hung on a path that let no dial in.
        reached = token.given or let_in(client, token.since_ns, response.t_ns)
        again = token.refused and not token.unanswered and reached
        again = again and not _ran_out(client, token.given_ns, response.t_ns)
        token.refused, token.given, token.unanswered, token.since_ns = True, False, False, response.t_ns
        return again
    token.refused = token.unanswered = False
    return _fatal(client, response)


def _ran_out(client: ClientCase, given_ns: int, refused_ns: int) -> bool:
    """Return whether a token asked for at one stamp may have run out by another."""
    lasts = client.case.plan.server.token_lasts
    return bool(given_ns) and lasts is not None and (refused_ns - given_ns) / 1e9 >= lasts


def _fatal(client: ClientCase, response: Response) -> bool:
    policies = client.case.plan.client.policies
    return fatal(response.status, policies.retries, policies.stops)


def let_in(client: ClientCase, start_ns: int, end_ns: int) -> bool:
    """Return whether connections could be made all along between two stamps, whichever side then answered."""
    start, end = client.case.at(start_ns), client.case.at(end_ns)
    intervals = [
        interval for interval in client.once(NetworkTimeline).intervals if interval.start < end and interval.end > start
    ]
    return all(interval.usable or interval.blocked in {MIDDLE, SERVER} for interval in intervals)


def _learned_of_its_job(client: ClientCase) -> bool:
    """Return whether an answer that accepted its job reached the client whole, or it shows that it knows the job."""
    starts = [(request, following) for request, following in _followed(client) if request.what == "start"]
    if client.streams:
        return True
    if not starts:  # it was told of one that the harness had started, or its dial for one never became a request
        return bool(client.case.jobs_of(client.name))
    whole = [start.rid for start, following in starts if not _cut_off(client, start, following)]
    answers = [client.responses[rid] for rid in whole if rid in client.responses]
    asleep, at = client.once(NetworkTimeline).asleep, client.case.at
    # A client that had hung up does not hear an answer, and sockets are dead when a device wakes.
    left = {end.cid: end.seq for end in reversed(client.conn_ends) if end.side == "client"}
    return any(
        answer.status // 100 == 2
        and client.bytes_down.get(answer.cid)
        and answer.seq < left.get(answer.cid, math.inf)
        and not any(since <= at(answer.t_ns) <= until for since, until in asleep)
        for answer in answers
    )
