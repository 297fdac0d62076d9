"""What a toxic is: integer attributes, and what becomes of one chunk. Pure: no I/O, no clock, no dice of its own."""

import reprlib
from typing import ClassVar, Self

import msgspec

from harness.chance import Dice
from harness.vocabulary import Direction

INT64_MAX = 2**63 - 1


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """The unit that a chain moves: one read of a connection, or its end.

    ``stamp`` is when the chunk was read; a latency toxic moves it by the delay it applied, as Toxiproxy does, so that
    two latencies add up. ``end`` marks the end of the stream; its data is empty.
    """

    data: bytes
    stamp: float
    end: bool = False

    @property
    def pause(self) -> bool:
        """Nothing to hand on."""
        return not (self.data or self.end)


class Step(msgspec.Struct, frozen=True, gc=False):
    """Wait this many seconds, then hand ``chunk`` on; a chunk that is a pause hands on nothing."""

    wait: float
    chunk: Chunk


class BadToxic(ValueError):
    """An unknown type of toxic, or attributes that it cannot work with. The message is for the user."""


class Toxic(msgspec.Struct, frozen=True):
    """The attributes of one toxic, in Toxiproxy's units, and its behaviour.

    Subclasses list their attributes as ``int`` fields that default to 0, as Toxiproxy zero-fills them.
    """

    type: ClassVar[str]
    buffer: ClassVar[int] = 0
    """Chunks that may queue in front of the stage; Toxiproxy gives 1024 to latency and none to the others."""

    def take(self, chunk: Chunk, now: float, dice: Dice) -> list[Step]:
        """Return what becomes of ``chunk``, taken at ``now``: each step waits from the moment the last one was done."""
        raise NotImplementedError

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
