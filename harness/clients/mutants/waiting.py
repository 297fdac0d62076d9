"""Clients that wait for too short a time, or for too long."""

from typing import Any, cast

import httpx

from harness.clients.follower import JobFollower
from harness.clients.requests import Requests
from harness.scenario.deadlines import LINUX_SYN_RETRIES, syn_retry_interval
from harness.sse.reconnection import Input, Output

HASTE = 0.05
"""Seconds that ``SaysPolling`` waits."""

TOKENS = 6
"""The number of tokens that ``AsksSixTokens`` asks for."""

LATER = 2.0
"""Seconds by which ``ReconnectsLate`` goes beyond the longest recovery that it is allowed."""


class SaysPolling(JobFollower):
    """Says that it polls, and dials every ``HASTE``."""

    async def _wait(self, seconds: float) -> Output:
        self._say("polling")
        return await super()._wait(min(seconds, HASTE))


class IgnoresStreamRetryAfter(JobFollower):
    """Never reads a Retry-After of the stream's answer."""

    def _next(self, what: Input, reason: str = "") -> Output:
        self._put_off = None
        return super()._next(what, reason)


class IgnoresPollRetryAfter(JobFollower):
    """Never reads a Retry-After of a status answer."""

    def __init__(self, job: str, *args: Any, requests: Requests, **more: Any) -> None:
        super().__init__(job, *args, requests=cast("Requests", _IgnoresStatusRetryAfter(requests, job)), **more)


class ReadsOnlySeconds(JobFollower):
    """Reads a Retry-After that is a number, and none that is a date."""

    def __init__(self, job: str, *args: Any, requests: Requests, **more: Any) -> None:
        reads = requests.retry_after

        def seconds(response: httpx.Response) -> float | None:
            return reads(response) if response.headers.get("retry-after", "").isdigit() else None

        requests.retry_after = seconds  # type: ignore[method-assign]  # for every question of this client
        super().__init__(job, *args, requests=requests, **more)


class _IgnoresStatusRetryAfter:
    """Requests that forget when the status was not to be asked for."""

    def __init__(self, requests: Requests, job: str) -> None:
        self._requests = requests
        self._status = requests.path("status", job)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._requests, name)

    def put_off(self, *paths: str) -> float | None:
        return None if paths == (self._status,) else self._requests.put_off(*paths)


class AsksSixTokens(JobFollower):
    """Asks for ``TOKENS`` new tokens where one was refused, and takes the last."""

    async def _refresh(self, used: str) -> Output:
        for _ in range(TOKENS - 1):
            try:
                await self._requests.ask("POST", self._requests.path("token"))
            except httpx.HTTPError:
                break
        return await super()._refresh(used)


class ReconnectsLate(JobFollower):
    """Waits for longer than a recovery may take."""

    async def _wait(self, seconds: float) -> Output:
        timeout = syn_retry_interval(LINUX_SYN_RETRIES, self._policies.connect_timeout)
        return await super()._wait(seconds + self._policies.backoff_cap + timeout + LATER)
