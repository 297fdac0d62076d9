"""The app of a run: callbacks that show nothing, and a record of each, written by the harness at its entry and exit.

A client calls them as it calls any app's. So what the app was told, and when, is no word of the client's.
"""

import msgspec
import trio

from harness.clients.callbacks import EVENTS, Callbacks, JobEvent, JobResults
from harness.errors import NOT_JSON
from harness.history import journal, records
from harness.seams import Phone


class _Failure(msgspec.Struct):
    code: str = ""


class _Particulars(msgspec.Struct):
    """The part of a payload that a record keeps."""

    progress: float | None = None
    error: _Failure | None = None


_DECODE = msgspec.json.Decoder(_Particulars).decode


class RecordingApp:
    """One client's app under its name. About 6 µs a callback, most of it the payload's digest and progress.

    Each callback ``takes`` as many seconds, in which the ``phone`` may sleep.
    """

    def __init__(self, name: str, history: journal.Journal, *, takes: float, phone: Phone) -> None:
        self._name = name
        self._write = history.write
        self._stamp = history.stamp
        self._takes = takes
        self._phone = phone
        self.calls = 0
        """Callbacks recorded."""

    def callbacks(self, job: str) -> Callbacks:
        """Return the callbacks for a job: plain ones where they take no time."""

        def plain(event: JobEvent) -> None:
            now = self._stamp()
            self._called(job, event, now, now)

        async def slow(event: JobEvent) -> None:
            entered, raised = self._stamp(), "Cancelled"
            try:
                await self._phone.sleep_until(trio.current_time() + self._takes)
                raised = ""
            finally:
                self._called(job, event, entered, self._stamp(), raised)

        return Callbacks(**{f"on_{callback}": slow if self._takes else plain for callback in (*EVENTS, "error", "gap")})

    def results(self, job: str, results: JobResults | None) -> None:
        """Record the results that the client handed over, where it did."""
        if results is not None and not results.expired:
            self._write(
                records.AppResults(
                    client=self._name,
                    job=job,
                    status=results.status,
                    length=len(results.body),
                    digest=records.body_digest(results.body),
                )
            )

    def _called(self, job: str, event: JobEvent, enter_ns: int, exit_ns: int, raised: str = "") -> None:
        progress, detail = _particulars(event)
        streamed = event.source == "stream" and event.callback != "gap"
        self.calls += 1
        self._write(
            records.App(
                client=self._name,
                job=job,
                callback=event.callback,
                enter_ns=enter_ns,
                exit_ns=exit_ns,
                id=event.id,
                digest=records.digest(event.callback, event.data) if streamed else "",
                body=records.body_digest(event.data.encode()) if event.source == "poll" else "",
                source=event.source,
                progress=progress,
                detail=detail,
                raised=raised,
                no=self.calls,
            )
        )


def _particulars(event: JobEvent) -> tuple[float | None, str]:
    """Return the progress shown, and the error's code or text."""
    if event.callback not in EVENTS:
        return None, event.data
    try:
        found = _DECODE(event.data)
    except NOT_JSON:
        return None, ""
    return found.progress, found.error.code if found.error is not None else ""
