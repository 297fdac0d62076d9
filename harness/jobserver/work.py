"""The work behind a job, without I/O: what storage knows of it, whichever web server tells of it, and whether one does.

Work goes in *steps*, each due at an instant in seconds after acceptance: the planned updates, then one end. It is
over at its end, or earlier with a ``timeout``: no step for ``no_progress`` seconds.

What may be told to it changes what is intended from then on:

- ``pause``: no update is due any more; the end stays where it is, and so does the limit of ``no_progress``. Updates
  that fall into a pause never come to be. ``resume``: the later ones are due as planned; where any fell into the pause,
  one is due at once, which shows all that should be done by then.
- ``burst``: further updates, one each ``1 / rate`` seconds, between the planned ones. They show no more progress than
  the plan has for their time, and a pause swallows them too.
- ``end``: the end is now.
"""

import heapq
import math
from collections.abc import Sequence

import msgspec

from harness.scenario.model import JobSpec, schedule


class JobStep(msgspec.Struct, frozen=True, gc=False):
    """One change of state. ``due`` is in seconds after acceptance; ``code`` is that of a failure."""

    due: float
    type: str
    processed: int
    code: str = ""


def updates_of(spec: JobSpec) -> tuple[float, ...]:
    """Return when the plan's updates are due, ``initialized`` first and the end left out; for jobs of one spec."""
    planned = schedule(spec)
    return tuple(planned if spec.ends == "never" else planned[:-1])


class Work:
    """One job's work. Its driver calls ``take`` at each instant that ``due`` says; None: it is over.

    What is told to it is told at ``now``, in seconds after acceptance, when all that was due has been taken.
    """

    due: float | None

    def __init__(self, spec: JobSpec, updates: Sequence[float] | None = None) -> None:
        self.spec = spec
        self.processed = 0
        self.paused = False
        self._updates = updates_of(spec) if updates is None else updates
        self._place = 0  # the next of the updates
        self._extras: list[float] = []  # a heap
        self._ends = spec.ends
        self._code = spec.code
        self._end = math.inf if spec.ends == "never" else spec.lasts
        self._update = self._updates[0]  # when the next one is due
        self._last: JobStep | None = None
        self.due = self._update

    @property
    def last(self) -> JobStep:
        """The newest step: the state that storage has."""
        assert self._last is not None, "nothing was taken yet"
        return self._last

    @property
    def over(self) -> bool:
        """True if the last step was its end."""
        return self.due is None

    def take(self) -> JobStep:
        """Take the step that is due. Of those due together, planned updates come first and the end last."""
        due = self.due
        assert due is not None, "work that is over has no further step"
        if self._update <= due:
            kind = "processing" if self._place else "initialized"
            self._place += 1
            self._update = self._updates[self._place] if self._place < len(self._updates) else math.inf
        elif self._extras and self._extras[0] <= due and not self.paused:
            kind = "processing"
            heapq.heappop(self._extras)
        else:
            kind = self._ends if self._end <= due else "timeout"
        self._count(kind, due)
        step = self._last = JobStep(due, kind, self.processed, self._code)
        if kind in ("processing", "initialized"):
            self._settle()
        else:
            self.due = None
        return step

    def pause(self) -> None:
        """Make no progress from now on."""
        if not self.over:
            self.paused, self._update = True, math.inf
            self._settle()

    def resume(self, now: float) -> None:
        """Go on; see the module's docstring for what becomes of the updates that fell into the pause."""
        if self.over or not self.paused:
            return
        self.paused = False
        skipped = False
        while self._place < len(self._updates) and self._updates[self._place] <= now:
            self._place += 1
            skipped = True
        while self._extras and self._extras[0] <= now:
            heapq.heappop(self._extras)
            skipped = True
        if skipped:
            heapq.heappush(self._extras, now)
        self._update = self._updates[self._place] if self._place < len(self._updates) else math.inf
        self._settle()

    def burst(self, now: float, rate: float, lasts: float) -> None:
        """Make ``rate`` further updates a second for ``lasts`` seconds, the first one now."""
        if not self.over:
            # Sorted lists are heaps, and so are two of them merged.
            extra = [now + number / rate for number in range(math.floor(rate * lasts + 1e-9))]
            self._extras = list(heapq.merge(sorted(self._extras), extra))
            self._settle()

    def end(self, now: float, how: str, code: str = "") -> None:
        """Be over now, with this end."""
        if not self.over:
            self._ends, self._code, self._end = how, code, now
            self._place, self._update = len(self._updates), math.inf
            self._extras.clear()
            self._settle()

    def ahead(self) -> list[float]:
        """Return when its further steps are due as things stand, leaving out a ``timeout``."""
        if self.over:
            return []
        end = [self._end] if self._end < math.inf else []
        if self.paused:
            return end
        coming = heapq.merge(self._updates[self._place :], sorted(self._extras))
        return [due for due in coming if due <= self._end] + end

    def _settle(self) -> None:
        """Say what is due next."""
        due = min(self._update, self._end, self.last.due + self.spec.no_progress)
        if self._extras and not self.paused:
            due = min(due, self._extras[0])
        self.due = due

    def _count(self, kind: str, due: float) -> None:
        """Bring the number of processed items up to date: all of them when completed, none more at another end."""
        spec = self.spec
        if kind == "processing":
            share = self._place - 1 if spec.every is None else math.floor(spec.items * due / spec.lasts + 1e-9)
            self.processed = min(share, spec.items)
        elif kind == "completed":
            self.processed = spec.items
