"""Writes what a client does into the history of a run: the records that laws and measures are computed from."""

import hashlib

import msgspec

from harness.clients.callbacks import EVENTS, JobEvent
from harness.clients.observer import AttemptReport, Observer
from harness.errors import NOT_JSON
from harness.history import journal, records


class _Failure(msgspec.Struct):
    code: str = ""


class _Particulars(msgspec.Struct):
    """What a record keeps of a payload."""

    progress: float | None = None
    error: _Failure | None = None


_DECODE = msgspec.json.Decoder(_Particulars).decode


class JournalObserver(Observer):
    """Records one client under its name. About 6 µs an event, most of it the payload's digest and progress."""

    def __init__(self, name: str, history: journal.Journal) -> None:
        self._name = name
        self._write = history.write
        self._stamp = history.stamp
        self._entered_ns = 0
        self._apps = 0  # callbacks recorded
        self._words = 0  # status words recorded

    def attempt_began(self, n: int, cause: str, wait: float, last_event_id: str) -> None:
        """Record the dial."""
        self._write(records.Attempt(client=self._name, n=n, cause=cause, wait=wait, last_event_id=last_event_id))

    def attempt_ended(self, report: AttemptReport) -> None:
        """Record how it went."""
        self._write(
            records.AttemptEnd(
                client=self._name,
                n=report.n,
                how=report.how,
                detail=report.detail,
                status=report.status,
                opened=report.opened,
                fresh=report.fresh,
                events=report.events,
                bytes=report.bytes,
                retry_after=report.retry_after,
                server_retry=report.server_retry,
            )
        )

    def block(self, attempt: int, event_id: str, *, event: bool) -> None:
        """Record the id buffer."""
        self._write(records.Block(client=self._name, attempt=attempt, id=event_id, event=event))

    def entered(self, job: str, event: JobEvent) -> None:  # noqa: ARG002 - the record is written when it is left
        """Take the time."""
        self._entered_ns = self._stamp()

    def left(self, job: str, event: JobEvent, raised: str) -> None:
        """Record the callback. A gap is no state of the job: it has a record of its own."""
        if event.callback == "gap":
            return
        progress, detail = _particulars(event)
        streamed = event.source == "stream"
        self._apps += 1
        self._write(
            records.App(
                client=self._name,
                job=job,
                callback=event.callback,
                enter_ns=self._entered_ns,
                exit_ns=self._stamp(),
                id=event.id,
                digest=records.digest(event.callback, event.data) if streamed else "",
                body="" if streamed else records.body_digest(event.data.encode()),
                source=event.source,
                progress=progress,
                detail=detail,
                raised=raised,
                no=self._apps,
            )
        )

    def status(self, word: str, attempt: int) -> None:
        """Record the word."""
        self._words += 1
        self._write(records.Status(client=self._name, word=word, attempt=attempt, no=self._words))

    def gap(self, reason: str, event_id: str, *, healed: bool) -> None:
        """Record the gap, or its healing."""
        self._write(records.Gap(client=self._name, reason=reason, healed=healed, id=event_id))

    def absorbed(self, event_id: str, why: str) -> None:
        """Record what the app was spared."""
        self._write(records.Absorbed(client=self._name, id=event_id, why=why))

    def adopted(self, event_id: str) -> None:
        """Record the cursor."""
        self._write(records.Adopted(client=self._name, id=event_id))

    def results(self, job: str, status: int, body: bytes, *, whole: bool, detail: str) -> None:
        """Record the transfer; the digest is BLAKE2b-64 of the body."""
        self._write(
            records.Results(
                client=self._name,
                job=job,
                status=status,
                length=len(body),
                whole=whole,
                digest=hashlib.blake2b(body, digest_size=8).hexdigest() if body else "",
                detail=detail,
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
