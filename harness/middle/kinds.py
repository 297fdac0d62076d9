"""The kinds of request: start, stream, poll, results, token or other, from its method, path and ``Accept``."""

import re

EVENT_STREAM = "text/event-stream"

CONTRACT = {
    "start": "POST /api/v2/imports",
    "stream": "GET /api/v2/imports/:job/stream",
    "poll": "GET /api/v2/imports/:job",
    "results": "GET /api/v2/imports/:job/results",
    "token": "POST /api/v2/token",
}
"""The job API's own endpoints. ``:job`` stands for one segment of the path."""


class RequestKinds:
    """Knows an API's endpoints, given as ``METHOD /path/:job`` by kind; those not given are not known."""

    def __init__(self, endpoints: dict[str, str] = CONTRACT) -> None:
        self._patterns = [(kind, *_pattern(endpoint)) for kind, endpoint in endpoints.items()]

    def classify(self, method: str, path: str, accept: str) -> tuple[str, str]:
        """Return the kind and the job's id (or ""). A request that accepts an event stream is a stream's."""
        kind, job = "other", ""
        for candidate, verb, pattern in self._patterns:
            if method == verb and (match := pattern.fullmatch(path)):
                kind, job = candidate, match.groupdict().get("job", "")
                break
        if method == "GET" and EVENT_STREAM in accept.lower():
            kind = "stream"
        return kind, job


def _pattern(endpoint: str) -> tuple[str, re.Pattern[str]]:
    method, _, path = endpoint.partition(" ")
    if not path.startswith("/"):
        raise ValueError(f"expected an endpoint such as {CONTRACT['stream']!r}, got {endpoint!r}")
    before, job, after = path.partition(":job")
    return method, re.compile(re.escape(before) + ("(?P<job>[^/]+)" if job else "") + re.escape(after))
