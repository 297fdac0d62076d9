"""The questions to a worker and its answers: one line of JSON each."""

import msgspec

from harness.fuzz.genotype import Genotype
from harness.fuzz.trial import TrialFailure, Tried


class Setup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line: whom to try, and over which scenario to invent."""

    client: str | None = None
    base: Genotype | None = None


class Try(msgspec.Struct, frozen=True, kw_only=True, tag="try"):
    """Try these seeds; each is answered by a ``Tried``."""

    seeds: list[int]


class Shrink(msgspec.Struct, frozen=True, kw_only=True, tag="shrink"):
    """Make the scenario of this seed small, as long as the failure of this key stays. Answered by a ``Shrunk``."""

    seed: int
    failure: TrialFailure
    seconds: float


class Hunt(msgspec.Struct, frozen=True, kw_only=True, tag="hunt"):
    """Find a mutant by seeds counting up from ``first``, and make the example small. Answered by a ``Hunted``."""

    mutant: str
    first: int
    seeds: int
    seconds: float
    shrink_seconds: float


class Shrunk(msgspec.Struct, frozen=True, kw_only=True, tag="shrunk"):
    """A small example. ``failure`` has the sentence of the small one."""

    seed: int
    failure: TrialFailure
    genotype: Genotype
    before: int = 0
    """Faults of the example as it was found."""
    tries: int = 0
    seconds: float = 0.0


class Hunted(msgspec.Struct, frozen=True, kw_only=True, tag="hunted"):
    """The result of a mutant's hunt: the seed that found it, and all laws that failed; or None after ``seeds``."""

    mutant: str
    seeds: int
    seconds: float
    seed: int | None = None
    laws: tuple[str, ...] = ()
    example: Shrunk | None = None


class TriedReply(msgspec.Struct, frozen=True, kw_only=True, tag="tried"):
    """One seed was tried."""

    tried: Tried


Task = Try | Shrink | Hunt
Reply = TriedReply | Shrunk | Hunted
