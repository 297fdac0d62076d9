"""The public client: starts a job and follows it to its end, whatever the network does."""

import random
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self

import httpx
import msgspec
import trio

from harness.clients.callbacks import Callbacks, JobOutcome
from harness.clients.decisions import Decisions
from harness.clients.dispatcher import CallbackErrors
from harness.clients.follower import JobFollower
from harness.clients.machine import MachinePhone
from harness.clients.observer import Observer
from harness.clients.pause import Draws, Pause
from harness.clients.requests import Endpoints, NoToken, Requests, WholeResponse
from harness.clients.signals import listen
from harness.clients.transport import DialFailed
from harness.errors import NOT_JSON, PeerError
from harness.seams import Phone
from harness.sse.backoff import Backoff
from harness.sse.policy import REFERENCE, Policies
from harness.sse.response import Meaning, judge_response


def entropy(_attempt: int) -> random.Random:
    """Draw from the system's entropy: what an app wants, and a run that must repeat does not."""
    return random.Random()  # noqa: S311 - jitter, not a secret


class SSEClient:
    """A client of the job API, for trio; an async context manager, which closes it::

        def show(event: JobEvent) -> None:
            print(event.id, event.payload["progress"])


        async with SSEClient("https://api.example.com", token="secret") as client:
            job = await client.start(b'{"kind": "csv-import"}')
            outcome = await client.follow(job, Callbacks(on_processing=show))
        print(outcome.ended)

    It needs nothing else of the harness. Any number of jobs are started and followed, one after the other or side by
    side, until it is closed; cancelling ``follow`` leaves nothing behind. Raises ``UsageError`` for arguments with
    which no request could ever be made.

    ``base_url``: http or https, of a name or address of either family, perhaps with a path; what ``endpoints`` says is
    put behind it. ``policies`` are its behaviour, one named policy each (``harness.sse.Policies``): where the server
    documents ids of the shape ``<epoch>-<index>``, say ``Policies(ids=Ids.EPOCH_INDEX)``, else ids are opaque.
    ``headers`` and ``token`` go to the origin of ``base_url`` alone. ``tls`` must verify the server, and is set to
    speak HTTP/1.1 only: give one that nothing else uses. ``on_callback_error`` is called with the name and the
    exception of each callback that raised (``processing``, ``ValueError()``); the log gets them too. ``observer`` sees
    all that an app does not need to: attempts, the status word, gaps.

    ``phone`` is the machine it runs on (None: this one, with its own sockets and no signals); ``draws`` gives the
    generator of each wait's jitter; ``wall_clock`` the seconds since 1970, for a ``Retry-After`` that is a date in an
    answer without ``Date``. ``decisions`` and ``follower`` are for clients that are wrong on purpose
    (``harness.clients.mutants``).
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
        on_callback_error: Callable[[str, Exception], None] | None = None,
        wall_clock: Callable[[], float] | None = None,
        decisions: Callable[[Policies], Decisions] = Decisions,
        follower: type[JobFollower] = JobFollower,
    ) -> None:
        self._policies = policies
        self._phone = phone or MachinePhone()
        self._observer = observer or Observer()
        self._callback_errors = CallbackErrors(on_callback_error)
        self._draws = draws
        self._decisions = decisions
        self._follower = follower
        self._requests = Requests(
            base_url,
            phone=self._phone,
            policies=policies,
            headers=headers or {},
            token=token,
            tls=tls,
            endpoints=endpoints or Endpoints(),
            wall_clock=wall_clock,
        )
        self._scopes: list[trio.CancelScope] = []  # of everything under way
        self._ended = trio.Event()  # one of it has ended
        self._closed = False

    async def start(self, body: bytes = b"{}") -> str:
        """Start a job and return its id.

        Tried again, with backoff, only where the server has surely not started one: no connection, a status that the
        policies retry, an answer without a job. Raises ``PeerError`` where it refused, or may have started a job
        unheard, and ``trio.ClosedResourceError`` where the client is closed.
        """
        self._check_open()
        failure: PeerError | None = None
        job = ""
        async with trio.open_nursery() as nursery:
            pause = Pause(self._phone)

            def network_changed() -> None:
                self._requests.network_changed()
                pause.wake("signal")

            def resumed() -> None:
                self._requests.resumed()
                pause.wake("signal")

            nursery.start_soon(
                partial(listen, self._phone, self._policies, network_changed=network_changed, resumed=resumed)
            )
            with self._under_way(nursery.cancel_scope):
                try:
                    job = await self._start(body, pause)
                except PeerError as error:
                    failure = error  # carried past the nursery, which would wrap it in a group
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure
        self._check_open()
        return job

    async def follow(self, job: str, callbacks: Callbacks | None = None) -> JobOutcome:
        """Follow a job to its end, from its first event on, and return how it ended.

        Never raises for the network; ``aclose`` ends it with the outcome ``closed``. Raises
        ``trio.ClosedResourceError`` where the client is closed already.
        """
        self._check_open()
        follower = self._follower(
            job,
            callbacks or Callbacks(),
            requests=self._requests,
            decisions=self._decisions(self._policies),
            phone=self._phone,
            observer=self._observer,
            errors=self._callback_errors,
            draws=self._draws,
        )
        with self._under_way(follower.scope):
            return await follower.run()

    async def aclose(self) -> None:
        """Close every stream, poll and wait, at any moment; returns when that is done. Idempotent."""
        self._closed = True
        for scope in self._scopes:
            scope.cancel()
        while self._scopes:
            await self._ended.wait()

    async def _start(self, body: bytes, pause: Pause) -> str:
        backoff = Backoff(policies=self._policies)
        path = self._requests.path("start")
        while True:
            try:
                answer = await self._requests.ask("POST", path, body)
                if job := self._job_of(answer):
                    return job
            except (DialFailed, NoToken):
                pass  # nothing was sent, or it was refused for want of a token
            except httpx.HTTPError as error:
                raise PeerError(f"the answer to starting a job was lost, and with it the job: {error}") from error
            put_off = self._requests.put_off(path, self._requests.path("token"))
            seconds, backoff = backoff.after_failure(self._draws(-backoff.attempts), put_off)
            await pause.until(trio.current_time() + seconds)

    @contextmanager
    def _under_way(self, scope: trio.CancelScope) -> Iterator[None]:
        self._scopes.append(scope)
        try:
            yield
        finally:
            self._scopes.remove(scope)
            ended, self._ended = self._ended, trio.Event()
            ended.set()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("the client is closed")

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _job_of(self, answer: WholeResponse) -> str:
        """Read the job's id; empty where the request has to be repeated."""
        if answer.status // 100 == 2:
            try:
                return msgspec.json.decode(answer.body, type=_Started).job_id
            except NOT_JSON:
                return ""  # a portal's page, for one
        verdict = judge_response(answer.status, None, self._policies, token_refreshed=True)
        if verdict.meaning is Meaning.STOP:
            raise PeerError(f"the server refused to start the job: {verdict.reason}, {answer.body[:200]!r}")
        return ""


class _Started(msgspec.Struct, rename="camel"):
    job_id: str
