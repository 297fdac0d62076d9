"""One way in which a gate or a phone did not do as the plan has it."""

import msgspec

from harness.history.records import Record


class NetworkDeviation(msgspec.Struct, frozen=True):
    """``kind`` groups it with its like, ``sentence`` names the part, ``shown`` are its records and what each says."""

    kind: str
    sentence: str
    shown: tuple[tuple[Record, str], ...] = ()
