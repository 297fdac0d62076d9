"""The public client: starts a job and follows it to its end, whatever the network does."""

import random
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import httpx
import msgspec
import trio

from harness.clients.callbacks import Callbacks, Outcome
from harness.clients.courier import Answer, Courier, Endpoints
from harness.clients.follower import ROUSING, Follower
from harness.clients.machine import MachinePhone
from harness.clients.observer import Observer
from harness.clients.pause import Draws, Pause
from harness.clients.transport import DialFailed
from harness.errors import PeerError
from harness.seams import Phone
from harness.sse.backoff import Backoff
from harness.sse.policy import REFERENCE, Policies
from harness.sse.response import Meaning, judge_response


def entropy(_attempt: int) -> random.Random:
    """Draw from the system's entropy: what an app wants, and a run that must repeat does not."""
    return random.Random()  # noqa: S311 - jitter, not a secret


class SSEClient:
    """A client of the job API, to be used as an async context manager in trio::

        async with SSEClient("https://api.example.com") as client:
            job = await client.start(b'{"kind": "csv-import"}')
            outcome = await client.follow(job, Callbacks(on_processing=show))

    ``policies`` are its behaviour, one named policy each. ``phone`` is the machine it runs on (None: this one, with
    its own sockets and no signals). ``draws`` gives the generator of each wait's jitter; ``wall_clock`` the seconds
    since 1970, for a ``Retry-After`` that is a date in an answer without ``Date``. ``tls`` must verify the server.
    """

    def __init__(
        self,
        base_url: str,
        *,
        policies: Policies = REFERENCE,
        phone: Phone | None = None,
        observer: Observer | None = None,
        draws: Draws = entropy,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        endpoints: Endpoints | None = None,
        wall_clock: Callable[[], float] | None = None,
    ) -> None:
        self._policies = policies
        self._phone = phone or MachinePhone()
        self._observer = observer or Observer()
        self._draws = draws
        self._wall_clock = wall_clock
        self._courier = Courier(
            base_url,
            phone=self._phone,
            policies=policies,
            headers=headers or {},
            token=token,
            tls=tls,
            endpoints=endpoints or Endpoints(),
        )
        self._followers: list[Follower] = []

    async def start(self, body: bytes = b"{}") -> str:
        """Start a job and return its id.

        Tried again, with backoff, only where the server has surely not started one: no connection, a status that the
        policies retry, an answer without a job. Raises ``PeerError`` where it refused, or where nobody can know.
        """
        backoff = Backoff.of(self._policies)
        pause = Pause(self._phone)
        failure: PeerError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._rouse, pause)
            while True:
                try:
                    answer = await self._courier.ask("POST", self._courier.endpoints.start, body)
                    job = self._job_of(answer)
                except DialFailed:
                    job = ""
                except httpx.HTTPError as error:
                    failure = PeerError(f"the answer to starting a job was lost, and with it the job: {error}")
                    break
                except PeerError as error:
                    failure = error
                    break
                if job:
                    break
                seconds, backoff = backoff.after_failure(self._draws(-backoff.attempts))
                await pause.until(trio.current_time() + seconds)
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return job

    async def follow(self, job: str, callbacks: Callbacks | None = None) -> Outcome:
        """Follow a job to its end. Never raises for the network; ``close`` ends it with the outcome ``closed``."""
        follower = Follower(
            job,
            callbacks or Callbacks(),
            courier=self._courier,
            policies=self._policies,
            phone=self._phone,
            observer=self._observer,
            draws=self._draws,
            wall_clock=self._wall_clock,
        )
        self._followers.append(follower)
        try:
            return await follower.run()
        finally:
            self._followers.remove(follower)

    async def aclose(self) -> None:
        """Close every stream, poll and wait, at any moment. Idempotent."""
        for follower in self._followers:
            follower.close()
        await self._courier.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _rouse(self, pause: Pause) -> None:
        if self._policies.heeds_signals:
            with self._phone.signals() as signals:
                async for signal in signals:
                    if signal.what in ROUSING:
                        pause.wake("signal")

    def _job_of(self, answer: Answer) -> str:
        """Read the job's id; empty where the request has to be repeated."""
        if answer.status // 100 == 2:
            try:
                return msgspec.json.decode(answer.body, type=_Started).job_id
            except msgspec.MsgspecError:
                return ""  # a portal's page, for one
        verdict = judge_response(answer.status, None, self._policies, token_refreshed=True)
        if verdict.meaning is Meaning.STOP:
            raise PeerError(f"the server refused to start the job: {verdict.reason}, {answer.body[:200]!r}")
        return ""


class _Started(msgspec.Struct, rename="camel"):
    job_id: str
