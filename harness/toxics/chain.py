"""The chain of toxics of one direction of one connection.

reader → hidden noop → toxic₁ → … → toxicₙ → writer. The unit is the chunk. A stage works on one chunk at a time and
hands each piece on when it is due *and* the next stage takes it; only a latency stage has a queue. So back-pressure
works from the writer to the reader, and nothing reorders (the model of Toxiproxy 2.12's ``link.go``).

Time enters as ``now``, in seconds, and leaves as ``next_due()``. Inside, every hand-off carries its *ideal* time: what
a stage waits for is counted from when the chunk could have been taken, so a driver that wakes up late delays one piece
and not all that follow. Three calls drive a chain: ``push`` (or ``close``) when the reader has something, ``pop`` when
``next_due()`` has come, ``add``/``update``/``remove`` when toxics change. None of them blocks, and none works longer
than for the pieces that it returns.

The end of the source follows the data. A toxic that closes the connection hands on an end of its own: what stages
before it hold is lost then, what is behind it goes on first, and the reader finds no room any more.
"""

import math
import sys
from collections import deque
from collections.abc import Iterator

from harness.chance import Dice
from harness.toxics.noop import Noop
from harness.toxics.toxic import DelayedChunk, StageContext, StreamChunk, Toxic, ToxicSpec

ENTRANCE = 2
"""Chunks read ahead of the first toxic: Toxiproxy's reader blocks on one, its hidden noop on another."""

LATE = 0.05
"""Seconds by which a wake-up may be late without slowing the stream down. What is later was a blocked writer: lost."""

END = StreamChunk(b"", 0.0, end=True)


class _Stage:
    """One toxic at work on one connection: its queue, the chunk that it holds with the steps left of it, its dice."""

    def __init__(self, spec: ToxicSpec, dice: Dice, buffer: int, now: float) -> None:
        self.buffer = buffer
        self.queue: deque[tuple[float, StreamChunk]] = deque()
        self.step: DelayedChunk | None = None  # the next one of the chunk held; None: none is held
        self.due = math.inf  # when that is done or, without one, when patience ends
        self.free_at = 0.0  # when the last step of the chunk before was done
        self.open_at = 0.0  # when a stage that took nothing more began to take again
        self.closed = False  # it has handed an end on: nothing follows
        self._run = StageContext(now, dice)
        self._held = END
        self._handed = 0  # bytes of the chunk held that have gone on
        self._steps: Iterator[DelayedChunk] = iter(())
        self.restart(spec, now)

    def restart(self, spec: ToxicSpec, now: float) -> None:
        """Begin a run: the toxicity is drawn anew, and decides whether the stage does anything."""
        self.spec = spec
        lucky = spec.toxicity >= 1 or self._run.dice.rng.random() < spec.toxicity
        self.toxic: Toxic = spec.toxic if lucky else Noop()
        if self.step is None and not self.closed:
            self.due = now + self.toxic.idle_timeout

    @property
    def accepts(self) -> bool:
        return not self.closed and (len(self.queue) < self.buffer or not (self.queue or self.step))

    @property
    def due_chunk(self) -> StreamChunk:
        """The chunk that the stage hands on when it is due."""
        return END if self.step is None else self.step.chunk

    def put(self, at: float, chunk: StreamChunk) -> None:
        self.queue.append((at, chunk))

    def take(self) -> None:
        """Begin work on the head of the queue."""
        arrived, chunk = self.queue.popleft()
        at = max(arrived, self.free_at)
        self.free_at = at
        if len(self.queue) + 1 >= self.buffer > 0:
            self.open_at = at
        self._held, self._handed, self._run.now = chunk, 0, at
        self._steps = iter(
            (DelayedChunk(self.toxic.end_wait, chunk),) if chunk.end else self.toxic.take(chunk, self._run)
        )
        self._advance(at)

    def done(self, at: float) -> StreamChunk:
        """Finish the step that is due at this time and return its chunk."""
        chunk = self.due_chunk
        self.free_at = at
        if chunk.end:
            self.close()
            return END
        self._handed += len(chunk.data)
        if self.toxic is self.spec.toxic:
            self._run.passed += len(chunk.data)
        self._advance(at)
        return chunk

    def close(self) -> None:
        """Hand nothing on any more; what is here is lost."""
        self.closed = True
        self.step, self.due = None, math.inf
        self.queue.clear()

    def interrupt(self, now: float) -> list[StreamChunk]:
        """Give up the held chunk: what is left of it is returned in one piece, or put back, as the toxic has it.

        The end of the source is always put back. The queue stays.
        """
        if self.step is None:
            return []
        self.step, self.due = None, math.inf
        self.free_at = self.open_at = now
        held = self._held
        if held.end or self.toxic.keeps:
            self.queue.appendleft((now, StreamChunk(held.data[self._handed :], held.stamp, held.end)))
            return []
        rest = held.data[self._handed :]
        return [StreamChunk(rest, held.stamp)] if rest else []

    def _advance(self, at: float) -> None:
        """Go on to the next step; after the last one, be free."""
        self.step = next(self._steps, None)
        if self.step is not None:
            self.due = at + self.step.wait
            return
        self.due = at + self.toxic.idle_timeout
        if not self.buffer:
            self.open_at = at


class Chain:
    """The toxics of one direction of one connection that begins ``now``, in creation order.

    ``dice`` are split once per stage that is ever made: each stage has its own stream, so that neither the pattern of
    calls nor another stage shifts its draws.
    """

    def __init__(self, specs: tuple[ToxicSpec, ...], dice: Dice, now: float) -> None:
        self._dice = dice
        self._made = 0
        self._out: deque[StreamChunk] = deque()
        self._due: float | None = None  # what ``next_due`` says until something is done; None: not known
        self._closed = False
        self.ended = False
        """The end was popped, the source's or a toxic's: the writer closes its side."""
        self._stages = [_Stage(ToxicSpec(name="", stream="", toxic=Noop()), self._next_dice(), ENTRANCE, now)]
        self._stages.extend(self._stage(spec, now) for spec in specs)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the toxics, in order."""
        return tuple(stage.spec.name for stage in self._stages[1:])

    @property
    def transparent(self) -> bool:
        """No toxic and nothing queued: bytes may pass the chain by."""
        hidden = self._stages[0]
        return len(self._stages) == 1 and not (hidden.queue or hidden.step or hidden.closed or self._out)

    @property
    def resets(self) -> bool:
        """True if the connection is to be closed with RST, by a toxic that is in force."""
        return any(stage.toxic.resets for stage in self._stages)

    @property
    def room(self) -> bool:
        """True if the reader may read on. Where it may not, it waits for a ``pop``."""
        return self._stages[0].accepts

    def push(self, now: float, data: bytes) -> None:
        """Take one read. Only while there is ``room``, and before ``close``."""
        assert self.room, "pushed into a full chain"
        assert not self._closed, "pushed after the end"
        self._stages[0].put(now, StreamChunk(data, now))
        self._run(now)

    def close(self, now: float) -> None:
        """Learn that the source has ended. The end follows the data."""
        if not self._closed:
            self._closed = True
            self._stages[0].put(now, END)
            self._run(now)

    def next_due(self) -> float:
        """Return the second of the next ``pop``: maybe in the past; ``math.inf`` when nothing waits for time alone."""
        if self._due is None:
            self._due = -math.inf if self._out else self._soonest()
        return self._due

    def _soonest(self) -> float:
        following = self._stages[-1]
        due = following.due
        for stage in self._stages[-2::-1]:
            if stage.due < due and (following.accepts or stage.due_chunk.weightless):
                due = stage.due
            following = stage
        return due

    def pop(self, now: float, most: int = sys.maxsize) -> list[bytes]:
        """Return the pieces to write now, each in a write of its own; about ``most`` where there are many.

        Whether there are more says ``next_due``.
        """
        self._run(now, most)
        pieces = [chunk.data for chunk in self._out if chunk.data]
        self.ended = self.ended or any(chunk.end for chunk in self._out)
        self._out.clear()
        self._due = None
        return pieces

    def add(self, now: float, spec: ToxicSpec) -> None:
        """Put a toxic at the end. The last stage lets go of the chunk it holds, past the new one, and starts anew."""
        last = self._stages[-1]
        self._out.extend(last.interrupt(now))
        last.restart(last.spec, now)
        self._stages.append(self._stage(spec, now))
        if last.closed:
            self._stages[-1].close()
        self._run(now)

    def update(self, now: float, spec: ToxicSpec) -> None:
        """Give the toxic of this name new values. It gives up the chunk it holds; the queue feels them."""
        at = self._index(spec.name)
        stage = self._stages[at]
        self._hand_on(now, at, stage.interrupt(now))
        stage.restart(spec, now)
        self._run(now)

    def remove(self, now: float, name: str) -> None:
        """Take a toxic out. All that waits in it goes on at once, and the stage before it gives up what it holds."""
        at = self._index(name)
        stage, before = self._stages[at], self._stages[at - 1]
        if stage.spec.toxic.closes_when_removed and not stage.closed:
            stage.close()
            self._hand_on(now, at, [END])
        if stage.closed:
            before.close()
        else:
            goes = stage.interrupt(now) + [chunk for _, chunk in stage.queue] + before.interrupt(now)
            self._hand_on(now, at, goes)
            before.restart(before.spec, now)
        del self._stages[at]
        self._run(now)

    def _stage(self, spec: ToxicSpec, now: float) -> _Stage:
        return _Stage(spec, self._next_dice(), spec.toxic.buffer, now)

    def _next_dice(self) -> Dice:
        self._made += 1
        return self._dice.split(self._made)

    def _index(self, name: str) -> int:
        return 1 + self.names.index(name)

    def _hand_on(self, now: float, at: int, chunks: list[StreamChunk]) -> None:
        """Pass chunks behind stage ``at``, though the next one be busy: waiting for it would block the caller."""
        if at + 1 == len(self._stages):
            self._out.extend(chunks)
        else:
            for chunk in chunks:
                self._stages[at + 1].put(now, chunk)

    def _run(self, now: float, most: int = 0) -> None:
        """Do all that is due, the stages nearest to the writer first; ``most`` pieces are handed to the writer."""
        self._due = None
        stages = self._stages
        last = len(stages) - 1
        at = last
        while at >= 0:
            stage = stages[at]
            if stage.closed:
                at -= 1
                continue
            if stage.step is None and stage.queue:
                stage.take()
            elif stage.due > now or not self._work(at, now, most):
                at -= 1
                continue
            if at < last:
                at += 1

    def _work(self, at: int, now: float, most: int) -> bool:
        """Let a stage that is due do one thing, and say whether it did."""
        stage = self._stages[at]
        if not (stage.due_chunk.data or stage.due_chunk.end):
            stage.done(stage.due)
            return True
        return self._pass_on(at, now, most)

    def _pass_on(self, at: int, now: float, most: int) -> bool:
        """Hand the first piece of a stage to the next one, or to the writer, and say whether it went."""
        stage = self._stages[at]
        if at + 1 == len(self._stages):
            if len(self._out) >= most:
                return False
            self._out.append(stage.done(max(stage.due, now - LATE)))
            return True
        following = self._stages[at + 1]
        if following.accepts or stage.due_chunk.end:
            when = max(stage.due, following.open_at)
            following.put(when, stage.done(when))
            return True
        return False
