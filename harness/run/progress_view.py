"""The view of a run's progress for a person who watches it, folded from its records as they are written."""

from collections.abc import Callable
from typing import Any

from harness.history import App, DeedDone, Record, Run, Status
from harness.run.progress import Progress
from harness.scenario.deed_text import deed_text
from harness.scenario.model import Plan

AFTER = 2.0  # seconds past the plan's end before a run counts as waiting for its limit


class ProgressView:
    """A tap for the journal. ``fold`` costs a dictionary look-up for the records that do not matter here."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._folds: dict[type[Record], Callable[[Any], None]] = {
            App: self._app,
            DeedDone: self._deed,
            Status: self._status,
            Run: self._run,
        }
        self._planned = max([plan.job.lasts, *(deed.at for deed in plan.deeds)])
        self._limit = plan.horizon if plan.limit is None else min(plan.limit, plan.horizon)
        self._events = 0
        self._last = ""
        self._words: dict[str, str] = {}
        self.toxiproxy = ""

    def fold(self, record: Record) -> None:
        """Take one record in."""
        fold = self._folds.get(type(record))
        if fold is not None:
            fold(record)

    def progress(self, at: float) -> Progress:
        """Return what to tell at this scenario time."""
        return Progress(
            at=max(0.0, round(at, 2)),
            # A client that is not done when the job is gets until the limit.
            total=self._planned if at <= self._planned + AFTER else self._limit,
            deed=self._last,
            status=self._status_words(),
            events=self._events,
            toxiproxy=self.toxiproxy,
        )

    def _status_words(self) -> str:
        words = list(self._words.values())
        if len(words) <= 1:
            return words[0] if words else ""
        counts = {word: words.count(word) for word in dict.fromkeys(words)}
        return ", ".join(f"{count} {word}" for word, count in counts.items())

    def _app(self, record: App) -> None:
        self._events += record.callback != "gap"

    def _deed(self, record: DeedDone) -> None:
        self._last = deed_text(self._plan.deeds[record.deed], self._plan)

    def _status(self, record: Status) -> None:
        self._words[record.client] = record.word

    def _run(self, record: Run) -> None:
        self.toxiproxy = record.facts.get("toxiproxy", "")
