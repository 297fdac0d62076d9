"""Statuses that say stop for good (law L11): what a client met on its stream, and may lawfully end by."""

from harness.history import Response
from harness.judge.case import ClientCase

EXEMPT = frozenset({401, 403, 408, 409, 410, 425, 429})
"""Never fatal on the stream: refreshed, waited out, or healed by a snapshot (a second 401 in a row is)."""


def fatal(status: int, retries: tuple[str, ...], stops: tuple[str, ...]) -> bool:
    """Whether a status of the stream is fatal by the plan's policies; ``retries`` wins where both match."""
    if status in EXEMPT or _matches(status, retries):
        return False
    return _matches(status, stops)


def _matches(status: int, patterns: tuple[str, ...]) -> bool:
    return any(pattern in {str(status), f"{status // 100}xx"} for pattern in patterns)


def refusal(client: ClientCase) -> Response | None:
    """Return the first fatal answer to a stream request of the client; None where there was none."""
    return client.once(_refusal)


def _refusal(client: ClientCase) -> Response | None:
    policies = client.case.plan.client.policies
    refused = 0
    for request in client.streams:
        response = client.responses.get(request.rid)
        if response is None:
            continue
        refused = refused + 1 if response.status == 401 else 0
        if refused > 1 or fatal(response.status, policies.retries, policies.stops):
            return response
    return None
