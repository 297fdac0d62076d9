"""Requests that carried the token to another origin than the job server's (law L15).

The job server is where the client's first request went. Before a client has asked, it cannot know that a portal will
answer on plain HTTP; so only another origin, which takes a redirect that was followed with the header on, is a leak.
"""

from harness.history import Request
from harness.judge.case import ClientCase


def leaked(client: ClientCase) -> list[Request]:
    """Return the requests with a token whose origin is not the job server's. A request without ``Host`` has none."""
    own = home(client)
    return [request for request in client.requests if request.token and request.origin not in {"", own}]


def home(client: ClientCase) -> str:
    """Return the job server's origin, as the client's first request names it."""
    return next((request.origin for request in client.requests if request.origin), "")
