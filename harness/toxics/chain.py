"""The chain of toxics of one direction of one connection.

reader → hidden noop → toxic₁ → … → toxicₙ → writer. The unit is the chunk. A stage works on one chunk at a time and
hands each piece on when it is due *and* the next stage takes it; only a latency stage has a queue. So back-pressure
works from the writer to the reader, and nothing reorders (the model of Toxiproxy 2.12's ``link.go``).

Time enters as ``now``, in seconds, and leaves as ``next_due()``. Inside, every hand-off carries its *ideal* time: what
a stage waits for is counted from when the chunk could have been taken, so a driver that wakes up late delays one piece
and not all that follow. Three calls drive a chain: ``push`` (or ``close``) when the reader has something, ``pop`` when
``next_due()`` has come, ``add``/``update``/``remove`` when toxics change. None of them blocks.
"""

import itertools
import math
from collections import deque

from harness.chance import Dice
from harness.toxics.noop import Noop
from harness.toxics.toxic import Chunk, Step, Toxic, ToxicSpec

ENTRANCE = 2
"""Chunks read ahead of the first toxic: Toxiproxy's reader blocks on one, its hidden noop on another."""

LATE = 0.05
"""Seconds by which a wake-up may be late without slowing the stream down. What is later was a blocked writer: lost."""

END = Chunk(b"", 0.0, end=True)


class _Stage:
    """One toxic at work on one connection: its queue, the steps left of the chunk it holds, and its dice."""

    def __init__(self, spec: ToxicSpec, dice: Dice, buffer: int) -> None:
        self.spec = spec
        self.buffer = buffer
        self.queue: deque[tuple[float, Chunk]] = deque()
        self.steps: deque[Step] = deque()
        self.due = math.inf  # when steps[0] is done
        self.free_at = 0.0  # when the last step of the chunk before was done
        self.open_at = 0.0  # when a stage that took nothing more began to take again
        self._dice = dice
        self.toxic: Toxic = spec.toxic
        self.restart(spec)

    def restart(self, spec: ToxicSpec) -> None:
        """Begin a run: the toxicity is drawn anew, and decides whether the stage does anything."""
        self.spec = spec
        self.toxic = spec.toxic if spec.toxicity >= 1 or self._dice.rng.random() < spec.toxicity else Noop()

    @property
    def accepts(self) -> bool:
        return len(self.queue) < self.buffer or not (self.queue or self.steps)

    def put(self, at: float, chunk: Chunk) -> None:
        self.queue.append((at, chunk))

    def take(self) -> None:
        """Begin work on the head of the queue."""
        arrived, chunk = self.queue.popleft()
        at = max(arrived, self.free_at)
        self.free_at = at
        if len(self.queue) + 1 >= self.buffer > 0:
            self.open_at = at
        self.steps.extend([Step(0.0, chunk)] if chunk.end else self.toxic.take(chunk, at, self._dice))
        if self.steps:
            self.due = at + self.steps[0].wait

    def done(self, at: float) -> Chunk:
        """Finish the first step at this time and return its chunk."""
        chunk = self.steps.popleft().chunk
        self.due = at + self.steps[0].wait if self.steps else math.inf
        self.free_at = at
        if not (self.steps or self.buffer):
            self.open_at = at
        return chunk

    def interrupt(self, now: float) -> list[Chunk]:
        """Give up the held chunk, as it is: what is left of it, in one piece. The queue stays."""
        left = [step.chunk for step in self.steps]
        self.steps.clear()
        self.due = math.inf
        self.free_at = self.open_at = now
        data = b"".join(chunk.data for chunk in left)
        return ([Chunk(data, left[0].stamp)] if data else []) + [chunk for chunk in left if chunk.end]


class Chain:
    """The toxics of one direction of one connection, in creation order.

    ``dice`` are split once per stage that is ever made: each stage has its own stream, so that neither the pattern of
    calls nor another stage shifts its draws.
    """

    def __init__(self, specs: tuple[ToxicSpec, ...], dice: Dice) -> None:
        self._dice = dice
        self._made = 0
        self._out: deque[Chunk] = deque()
        self._closed = False
        self.ended = False
        """All bytes were popped after ``close``: the writer may close its side."""
        self._stages = [_Stage(ToxicSpec(name="", stream="", toxic=Noop()), self._next_dice(), ENTRANCE)]
        self._stages.extend(self._stage(spec) for spec in specs)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the toxics, in order."""
        return tuple(stage.spec.name for stage in self._stages[1:])

    @property
    def transparent(self) -> bool:
        """No toxic and nothing queued: bytes may pass the chain by."""
        hidden = self._stages[0]
        return len(self._stages) == 1 and not (hidden.queue or hidden.steps or self._out)

    @property
    def room(self) -> bool:
        """Whether the reader may read on. Where it may not, it waits for a ``pop``."""
        return self._stages[0].accepts

    def push(self, now: float, data: bytes) -> None:
        """Take one read. Only while there is ``room``, and before ``close``."""
        assert self.room, "pushed into a full chain"
        assert not self._closed, "pushed after the end"
        self._stages[0].put(now, Chunk(data, now))
        self._run(now)

    def close(self, now: float) -> None:
        """The source has ended. The end follows the data; no toxic built so far delays it by itself."""
        if not self._closed:
            self._closed = True
            self._stages[0].put(now, END)
            self._run(now)

    def next_due(self) -> float:
        """When to call ``pop`` next, in seconds: maybe in the past; ``math.inf`` when nothing waits for time alone."""
        if self._out:
            return -math.inf
        last = self._stages[-1]
        due = last.due
        for stage, following in itertools.pairwise(self._stages):
            if stage.due < due and (following.accepts or stage.steps[0].chunk.pause):
                due = stage.due
        return due

    def pop(self, now: float) -> list[bytes]:
        """Return the pieces to write now, each in a write of its own."""
        self._run(now, drain=True)
        pieces = [chunk.data for chunk in self._out if not chunk.end]
        self.ended = self.ended or any(chunk.end for chunk in self._out)
        self._out.clear()
        return pieces

    def add(self, now: float, spec: ToxicSpec) -> None:
        """Put a toxic at the end. The last stage lets go of the chunk it holds, past the new one, and starts anew."""
        last = self._stages[-1]
        self._out.extend(last.interrupt(now))
        last.restart(last.spec)
        self._stages.append(self._stage(spec))
        self._run(now)

    def update(self, now: float, spec: ToxicSpec) -> None:
        """Give the toxic of this name new values. It lets go of the chunk it holds; the queue feels them."""
        at = self._index(spec.name)
        stage = self._stages[at]
        self._hand_on(now, at, stage.interrupt(now))
        stage.restart(spec)
        self._run(now)

    def remove(self, now: float, name: str) -> None:
        """Take a toxic out. All that waits in it goes on at once, and the stage before it lets go of what it holds."""
        at = self._index(name)
        stage, before = self._stages[at], self._stages[at - 1]
        self._hand_on(now, at, stage.interrupt(now) + [chunk for _, chunk in stage.queue] + before.interrupt(now))
        before.restart(before.spec)
        del self._stages[at]
        self._run(now)

    def _stage(self, spec: ToxicSpec) -> _Stage:
        return _Stage(spec, self._next_dice(), spec.toxic.buffer)

    def _next_dice(self) -> Dice:
        self._made += 1
        return self._dice.split(self._made)

    def _index(self, name: str) -> int:
        return 1 + self.names.index(name)

    def _hand_on(self, now: float, at: int, chunks: list[Chunk]) -> None:
        """Pass chunks behind stage ``at``, though the next one be busy: waiting for it would block the caller."""
        if at + 1 == len(self._stages):
            self._out.extend(chunks)
        else:
            for chunk in chunks:
                self._stages[at + 1].put(now, chunk)

    def _run(self, now: float, *, drain: bool = False) -> None:
        """Do all that is due, the stages nearest to the writer first; only ``drain`` lets the last one hand on."""
        last = len(self._stages) - 1
        at = last
        while at >= 0:
            at = min(at + 1, last) if self._move(at, now, drain=drain) else at - 1

    def _move(self, at: int, now: float, *, drain: bool) -> bool:
        """Let one stage do one thing, and say whether it did."""
        stage = self._stages[at]
        if not stage.steps:
            if stage.queue:
                stage.take()
                return True
        elif stage.due <= now:
            if stage.steps[0].chunk.pause:
                stage.done(stage.due)
                return True
            return self._pass_on(at, now, drain=drain)
        return False

    def _pass_on(self, at: int, now: float, *, drain: bool) -> bool:
        """Hand the first piece of a stage to the next one, or to the writer, and say whether it went."""
        stage = self._stages[at]
        if at + 1 == len(self._stages):
            if drain:
                self._out.append(stage.done(max(stage.due, now - LATE)))
            return drain
        following = self._stages[at + 1]
        if following.accepts:
            when = max(stage.due, following.open_at)
            following.put(when, stage.done(when))
            return True
        return False
