"""What a client may lawfully end by: a status that says stop for good (law L11), or a job that it never learned of.

A 401 is answered by a new token, once. So it is the last word where a request with the new token met another, and where
the token itself was refused for good.
"""

from collections.abc import Iterable

from harness.history import Response
from harness.judge.case import ClientCase

EXEMPT = frozenset({401, 403, 408, 409, 410, 425, 429})
"""Never fatal by themselves: refreshed, waited out, or healed by a snapshot."""

_NOT_NOW = frozenset({408, 425, 429})
_FOLLOWING = ("stream", "poll")


def fatal(status: int, retries: tuple[str, ...], stops: tuple[str, ...]) -> bool:
    """Whether a status of the stream is fatal by the plan's policies; ``retries`` wins where both match."""
    if status in EXEMPT or _matches(status, retries):
        return False
    return _matches(status, stops)


def _matches(status: int, patterns: tuple[str, ...]) -> bool:
    return any(pattern in {str(status), f"{status // 100}xx"} for pattern in patterns)


def refusal(client: ClientCase) -> Response | None:
    """Return the first fatal answer to a stream, a poll or a token request of the client; None where there was none."""
    return client.once(_refusal)


def no_end_due(client: ClientCase) -> str:
    """Return why no end of its job can be asked of a client; empty where one is due."""
    refused = refusal(client)
    if refused is not None:
        return f"the stream was refused for good ({refused.status})"
    return "" if client.once(_learned_of_its_job) else "the client never learned of its job: the answer was lost"


class _Token:
    """What became of the token on one kind of request."""

    def __init__(self) -> None:
        self.refused = False
        self.unanswered = False  # a new one was asked for, and the network or a server in trouble was in the way


def _refusal(client: ClientCase) -> Response | None:
    tokens = {what: _Token() for what in _FOLLOWING}
    for request in client.requests:
        response = client.responses.get(request.rid)
        if request.what == "token":
            stops = _no_new_token(response, tokens.values())
        else:
            token = tokens.get(request.what)
            stops = token is not None and response is not None and _says_stop(client, response, token)
        if stops:
            return response
    return None


def _no_new_token(response: Response | None, tokens: Iterable[_Token]) -> bool:
    """Take in the answer to a token request; True where it is the last word."""
    given = response is not None and response.status // 100 == 2
    doubted = [token for token in tokens if token.refused]
    for token in doubted:
        token.unanswered = not given
    return bool(doubted) and response is not None and not given and not _in_trouble(response.status)


def _in_trouble(status: int) -> bool:
    """Whether an answer to a token request says nothing of the token: it may be asked for again."""
    return status >= 500 or status in _NOT_NOW


def _says_stop(client: ClientCase, response: Response, token: _Token) -> bool:
    """Take in the answer to a stream or a poll; True where it is the last word."""
    if response.status == 401:
        again = token.refused and not token.unanswered
        token.refused, token.unanswered = True, False
        return again
    token.refused = token.unanswered = False
    return _fatal(client, response)


def _fatal(client: ClientCase, response: Response) -> bool:
    policies = client.case.plan.client.policies
    return fatal(response.status, policies.retries, policies.stops)


def _learned_of_its_job(client: ClientCase) -> bool:
    """Whether bytes of an answer that accepted its job reached the client, or it shows that it knows the job."""
    starts = [request for request in client.requests if request.what == "start"]
    if not starts or client.attempts or client.streams:
        return True
    answers = [client.responses[start.rid] for start in starts if start.rid in client.responses]
    return any(answer.status // 100 == 2 and client.bytes_down.get(answer.cid) for answer in answers)
