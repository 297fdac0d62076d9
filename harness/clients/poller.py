"""Asks for the status of the job: regularly while polling, once where a gap has to be covered."""

import math
from collections.abc import Callable

import httpx
import msgspec
import trio

from harness.clients.callbacks import JobCounts
from harness.clients.intake import Intake, StatusAnswer
from harness.clients.observer import Observer
from harness.clients.requests import Requests
from harness.errors import NOT_JSON
from harness.seams import Phone
from harness.sse.policy import Policies
from harness.sse.response import Meaning, judge_response


class Poller:
    """The snapshots of one job. ``heard`` is called after each: with ``""``, or with what was wrong with it.

    ``gap`` is the reason of a gap that no snapshot has covered yet; ``stopped`` the reason not to ask again, once the
    server gave one.
    """

    def __init__(
        self,
        job: str,
        *,
        requests: Requests,
        intake: Intake,
        policies: Policies,
        phone: Phone,
        observer: Observer,
        counts: JobCounts,
        heard: Callable[[str], None],
    ) -> None:
        self._path = requests.path("status", job)
        self._requests = requests
        self._intake = intake
        self._policies = policies
        self._phone = phone
        self._observer = observer
        self._counts = counts
        self._heard = heard
        self.gap = ""
        self._running: trio.CancelScope | None = None
        self._healing: trio.CancelScope | None = None
        self._beside: trio.CancelScope | None = None
        self._closed = False
        self._refusal = ""
        self.stopped = ""

    @property
    def running(self) -> bool:
        """True if the app is being fed by polling."""
        return self._running is not None

    async def run(self) -> None:
        """Ask every ``poll_every`` until ``stop``, or until the job's end is known."""
        assert not self.running
        with trio.CancelScope() as self._running:
            await self._every(until=lambda: False)

    def stop(self) -> None:
        """End ``run``; an answer under way is not taken any more."""
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def close(self) -> None:
        """End everything: nothing is asked any more."""
        self.stop()
        self._closed = True
        if self._healing is not None:
            self._healing.cancel()

    def surface(self, reason: str) -> bool:
        """Say once that events are missing for good; the next snapshot covers them. False where it was said."""
        if self.gap:
            return False
        self.gap = reason
        self._counts.gaps += 1
        self._observer.gap(reason, "", healed=False)
        return True

    async def heal(self) -> None:
        """Ask, from one interval on, until an answer covers the gap. One is enough, however many gaps there are."""
        if self._closed or self._healing is not None:
            return
        with trio.CancelScope() as self._healing:
            await self._phone.sleep_until(trio.current_time() + self._policies.poll_every)
            await self._every(until=lambda: not self.gap)
        self._healing = None

    async def ask_once(self, *, adopt: bool = False, timeout: float = 0.0) -> None:
        """Take one snapshot, beside ``run`` perhaps: where that learns of the job's end before, nothing is asked on."""
        with trio.CancelScope() as self._beside:
            await self.ask(adopt=adopt, timeout=timeout)
        self._beside = None

    async def ask(self, *, adopt: bool = False, timeout: float = 0.0) -> str:
        """Take one snapshot; returns what was wrong with it, empty where nothing was. Never raises for the network.

        Nothing is asked before a ``Retry-After`` is over; that is waited for up to ``timeout`` seconds.
        """
        self._refusal = ""  # an answer says nothing for the next question
        if (left := self._requests.put_off(self._path)) is not None:
            if left > timeout:
                return f"the server asked not to be asked for {left:.3g} s"
            await self._phone.sleep_until(trio.current_time() + left)
        self._counts.polls += 1
        try:
            answer = await self._requests.ask("GET", self._path)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        await trio.lowlevel.checkpoint_if_cancelled()  # the stream may have taken over at this very instant
        if answer.status != 200:
            verdict = judge_response(answer.status, answer.media_type, self._policies, token_refreshed=True)
            if verdict.meaning is Meaning.STOP:
                self._refusal = f"the job's status was refused: {verdict.reason}"
            return verdict.reason
        try:
            data = answer.body.decode()
            status = msgspec.json.decode(data, type=StatusAnswer)
        except NOT_JSON as error:
            return f"expected a JSON object with a status, got {answer.media_type or 'no content type'}: {error}"
        self._intake.snapshot(status, data, adopt=adopt)
        if self.gap:
            self._observer.gap(self.gap, status.last_event_id or "", healed=True)
            self.gap = ""
        return ""

    async def _every(self, until: Callable[[], bool]) -> None:
        due = trio.current_time()
        while not until():  # what slept before may be too late: another's answer covered the gap
            if trio.current_time() - due >= self._policies.poll_every:  # the device has slept
                due = trio.current_time()
            trouble = await self.ask(timeout=math.inf)
            if self.running:  # a refusal while the stream works is no reason to leave the stream
                self.stopped = self._refusal
            self._heard(trouble)
            if self._intake.terminal and self._beside is not None:
                self._beside.cancel()
            if self._intake.terminal or self._refusal or until():
                return
            # Absolute, so that slow answers do not shift the rest; what was missed meanwhile is skipped.
            due = max(
                due + self._policies.poll_every, trio.current_time() + (self._requests.put_off(self._path) or 0.0)
            )
            await self._phone.sleep_until(due)
