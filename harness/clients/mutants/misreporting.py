"""Clients that tell their app, or their user, what is not so, or not what is."""

import dataclasses
from typing import Any

import trio

from harness.clients.callbacks import TERMINAL, Callbacks, JobEvent, JobOutcome, JobResults, ignore
from harness.clients.follower import JobFollower
from harness.clients.intake import StatusAnswer
from harness.clients.observer import AttemptReport
from harness.sse.events import Event, Wire
from harness.sse.reconnection import Output

LAST_TIMER = 20.0
"""Seconds from the end until ``ClosesLate`` says so."""

KEPT = 10
"""Bytes of the results that ``CutsResults`` hands over."""


class DeniesComments(JobFollower):
    """Says "connected" only when a stream brings an event: on one of comments it goes on reconnecting."""

    _held = 0  # the attempt of which it is not said yet

    def _say(self, word: str, attempt: int = 0) -> None:
        self._held = attempt if word == "connected" else 0
        if word != "connected":
            super()._say(word, attempt)

    def take(self, report: AttemptReport, found: Wire) -> bool:
        """Say it now."""
        if self._held and isinstance(found, Event):
            attempt, self._held = self._held, 0
            super()._say("connected", attempt)
        return super().take(report, found)


class ClingsToConnected(JobFollower):
    """Says "reconnecting" when it dials again: as long as it waits, it is connected."""

    def _say(self, word: str, attempt: int = 0) -> None:
        if word != "reconnecting" or attempt:
            super()._say(word, attempt)


class ClosesLate(JobFollower):
    """Says "closed" when a last timer is over, ``LAST_TIMER`` seconds behind everything else."""

    _over = False

    def _say(self, word: str, attempt: int = 0) -> None:
        if word != "closed" or self._over:
            super()._say(word, attempt)

    async def run(self) -> JobOutcome:
        """Follow the job, and then wait."""
        outcome = await super().run()
        await self._phone.sleep_until(trio.current_time() + LAST_TIMER)
        self._over = True
        self._say("closed")
        return outcome


class InventsGaps(JobFollower):
    """Tells of a gap at each reconnection, lest there were one."""

    async def _try(self) -> Output:
        if self._last.n:
            self._feed.dispatcher.offer(JobEvent("gap", "reconnected"))
        return await super()._try()


class HidesGaps(JobFollower):
    """Never tells its app of a gap."""

    def __init__(self, job: str, callbacks: Callbacks, **more: object) -> None:
        quiet = dataclasses.replace(callbacks, on_gap=ignore)
        super().__init__(job, quiet, **more)  # type: ignore[arg-type]  # all of them, as they came


class _TakesSnapshots(JobFollower):
    """Has a way of its own to take a status answer."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._show_snapshot = self._feed.intake.snapshot
        self._feed.intake.snapshot = self._snapshot  # type: ignore[method-assign]

    def _snapshot(self, answer: StatusAnswer, data: str, *, adopt: bool = False) -> bool:
        """Take one; True once the job has ended."""
        raise NotImplementedError


class HidesSnapshots(_TakesSnapshots):
    """Goes on from where a status answer left it, and shows nothing of it but the end."""

    def _snapshot(self, answer: StatusAnswer, data: str, *, adopt: bool = False) -> bool:
        if answer.callback in TERMINAL:
            return self._show_snapshot(answer, data, adopt=adopt)
        if answer.last_event_id:
            self._feed.session.last_event_id = answer.last_event_id
        return False


class IgnoresPolledEnd(_TakesSnapshots):
    """Learns of an end by streams alone, and ignores an end that a status answer tells."""

    def _snapshot(self, answer: StatusAnswer, data: str, *, adopt: bool = False) -> bool:
        return answer.callback not in TERMINAL and self._show_snapshot(answer, data, adopt=adopt)


class CutsResults(JobFollower):
    """Hands over the beginning of the results, and calls it all."""

    async def _results(self) -> JobResults | None:
        results = await super()._results()
        return results and dataclasses.replace(results, body=results.body[:KEPT])
