"""Writes what a client says of itself into the history of a run: claims, which may explain a failure, and its words."""

import hashlib

from harness.clients.app import RecordingApp
from harness.clients.observer import AttemptReport, Observer
from harness.history import journal, records


class JournalObserver(Observer):
    """Records one client under its name. ``app`` is the one that it calls back."""

    def __init__(self, name: str, history: journal.Journal, app: RecordingApp | None = None) -> None:
        self._name = name
        self._app = app
        self._write = history.write
        self._words = 0  # status words recorded
        self._blocks = 0  # blocks recorded
        self._begun = 0  # attempts recorded
        self._ended = 0  # their ends recorded

    def attempt_began(self, n: int, cause: str, wait: float, last_event_id: str) -> None:
        """Record the dial."""
        self._begun += 1
        self._write(
            records.Attempt(client=self._name, n=n, cause=cause, wait=wait, last_event_id=last_event_id, no=self._begun)
        )

    def attempt_ended(self, report: AttemptReport) -> None:
        """Record how it went."""
        self._ended += 1
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
                written=self._written(),
                no=self._ended,
            )
        )

    def _written(self) -> dict[str, int]:
        mine = {"attempt": self._begun, "block": self._blocks, "status": self._words}
        return mine if self._app is None else {**mine, "app": self._app.calls}

    def block(self, attempt: int, event_id: str, *, event: bool) -> None:
        """Record the id buffer."""
        self._blocks += 1
        self._write(records.Block(client=self._name, attempt=attempt, id=event_id, event=event, no=self._blocks))

    def status(self, word: str, attempt: int) -> None:
        """Record the word."""
        self._words += 1
        told = records.Status(client=self._name, word=word, attempt=attempt, no=self._words, ends=self._ended)
        self._write(told)

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
