"""Clients that wait for too short a time, or for too long."""

from typing import Any, cast

import httpx

from harness.clients.courier import Requests
from harness.clients.follower import JobFollower
from harness.scenario.deadlines import LINUX_SYN_RETRIES, syn_retry_interval
from harness.sse.reconnection import Input, Output

HASTE = 0.05
"""Seconds that ``SaysPolling`` waits."""

TOKENS = 6
"""How often ``AsksSixTokens`` asks for one."""

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

    def __init__(self, job: str, *args: Any, courier: Requests, **more: Any) -> None:
        super().__init__(job, *args, courier=cast("Requests", _IgnoresStatusRetryAfter(courier, job)), **more)


class ReadsOnlySeconds(JobFollower):
    """Reads a Retry-After that is a number, and none that is a date."""

    def __init__(self, job: str, *args: Any, courier: Requests, **more: Any) -> None:
        reads = courier.retry_after

        def seconds(response: httpx.Response) -> float | None:
            return reads(response) if response.headers.get("retry-after", "").isdigit() else None

        courier.retry_after = seconds  # type: ignore[method-assign]  # for all that asks by this courier
        super().__init__(job, *args, courier=courier, **more)


class _IgnoresStatusRetryAfter:
    """A courier that forgets when the status was not to be asked for."""

    def __init__(self, courier: Requests, job: str) -> None:
        self._courier = courier
        self._status = courier.path("status", job)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._courier, name)

    def put_off(self, *paths: str) -> float | None:
        return None if paths == (self._status,) else self._courier.put_off(*paths)


class AsksSixTokens(JobFollower):
    """Asks for ``TOKENS`` new tokens where one was refused, and takes the last."""

    async def _refresh(self, used: str) -> Output:
        for _ in range(TOKENS - 1):
            try:
                await self._courier.ask("POST", self._courier.path("token"))
            except httpx.HTTPError:
                break
        return await super()._refresh(used)


class ReconnectsLate(JobFollower):
    """Waits for longer than a recovery may take."""

    async def _wait(self, seconds: float) -> Output:
        patience = syn_retry_interval(LINUX_SYN_RETRIES, self._policies.connect_timeout)
        return await super()._wait(seconds + self._policies.backoff_cap + patience + LATER)
