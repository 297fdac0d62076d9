"""A toxic: integer attributes, and a rule for the fate of one chunk. Pure: no I/O, no clock, no dice of its own.

A toxic says what it does in these words, and the chain does it:

- ``take``: the steps by which a chunk goes on, or does not;
- ``end_wait``: how long the end of the source waits in it;
- ``idle_timeout``: after how long without a chunk it closes the connection by itself;
- ``keeps``, ``closes_when_removed``, ``resets``: what a change, its removal and a close mean where it is in force.
"""

import math
import reprlib
from collections.abc import Iterable
from typing import ClassVar, Self

import msgspec

from harness.chance import Dice
from harness.vocabulary import Direction

INT64_MAX = 2**63 - 1


class StreamChunk(msgspec.Struct, frozen=True, gc=False):
    """The unit that a chain moves: one read of a connection, or its end.

    ``stamp`` is when the chunk was read; a latency toxic moves it by the delay it applied, as Toxiproxy does, so that
    two latencies add up. ``end`` marks the end of the stream, be it the source's or a toxic's doing; the data of such
    a chunk, if any, is what the toxic swallowed when it closed: it goes no further.
    """

    data: bytes
    stamp: float
    end: bool = False

    @property
    def weightless(self) -> bool:
        """True if it needs no room in the next stage: an end closes, and without data there is nothing to hand on."""
        return self.end or not self.data


class DelayedChunk(msgspec.Struct, frozen=True, gc=False):
    """Wait this many seconds, then hand ``chunk`` on; one without data, and no end, is a pause: nothing goes on."""

    wait: float
    chunk: StreamChunk


class StageContext(msgspec.Struct):
    """A stage's words to its toxic: the time, its dice, and how many bytes it has handed on since it was added."""

    now: float
    dice: Dice
    passed: int = 0


class BadToxic(ValueError):
    """An unknown type of toxic, or attributes that it cannot work with. The message is for the user."""


class Toxic(msgspec.Struct, frozen=True):
    """The attributes of one toxic, in Toxiproxy's units, and its behaviour.

    Subclasses list their attributes as ``int`` fields that default to 0, as Toxiproxy zero-fills them.
    """

    type: ClassVar[str]
    buffer: ClassVar[int] = 0
    """Chunks that may queue in front of the stage; Toxiproxy gives 1024 to latency and none to the others."""
    keeps: ClassVar[bool] = False
    """A change while it holds a chunk puts what is left of it back, to be taken anew; else that goes on at once."""
    closes_when_removed: ClassVar[bool] = False
    """Its removal closes the connections that are open, whatever their draw."""
    resets: ClassVar[bool] = False
    """While this toxic is in force, the connection is closed with RST, by either side."""

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:
        """Return what becomes of ``chunk``, taken now: each step waits from the moment the last one was done.

        None: the chunk is dropped. The steps are asked for one by one, as they are due.
        """
        raise NotImplementedError

    @property
    def end_wait(self) -> float:
        """Seconds that the end of the source waits."""
        return 0.0

    @property
    def idle_timeout(self) -> float:
        """Seconds without a chunk, from the start of a run on, after which it closes the connection."""
        return math.inf

    def check(self) -> None:
        """Raise ``BadToxic`` on attributes that would crash Toxiproxy's server."""

    @property
    def attributes(self) -> dict[str, int]:
        """All attributes, in Toxiproxy's order."""
        return {name: getattr(self, name) for name in self.__struct_fields__}

    def replaced(self, attributes: dict[str, object]) -> Self:
        """Return a copy with these attributes merged in.

        Keys match in any case, unknown ones are dropped and ``None`` leaves a value alone, as in Go's decoder.
        Raises ``BadToxic`` for a value that is not a whole number of 64 bits, and where ``check`` does.
        """
        known = {name.lower(): name for name in self.__struct_fields__}
        merged: dict[str, int] = self.attributes
        for key, value in attributes.items():
            name = known.get(key.lower())
            if name is None or value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not -INT64_MAX - 1 <= value <= INT64_MAX:
                raise BadToxic(f"{self.type} attribute {name}: expected a whole number, got {reprlib.repr(value)}")
            merged[name] = value
        changed = type(self)(**merged)
        changed.check()
        return changed


class ToxicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One toxic of a proxy. ``stream`` keeps the caller's spelling, as Toxiproxy echoes it; ``toxicity`` is 0 to 1."""

    name: str
    stream: str
    toxic: Toxic
    toxicity: float = 1.0

    @property
    def direction(self) -> Direction:
        """The direction that ``stream`` spells. Raises ``ValueError`` for any other word."""
        return Direction(self.stream.lower())
