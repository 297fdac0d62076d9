"""The toxics by their wire names."""

from harness.toxics.bandwidth import Bandwidth
from harness.toxics.latency import Latency
from harness.toxics.noop import Noop
from harness.toxics.slicer import Slicer
from harness.toxics.toxic import BadToxic, Toxic

TYPES: dict[str, type[Toxic]] = {toxic.type: toxic for toxic in (Latency, Bandwidth, Slicer, Noop)}

NOT_BUILT = ("slow_close", "timeout", "reset_peer", "limit_data")
"""Toxiproxy's other types: known by name, refused by name."""


def toxic_of(type_name: str, attributes: dict[str, object]) -> Toxic:
    """Return the toxic of this type with these attributes; absent ones are 0. Raises ``BadToxic``."""
    return toxic_class(type_name)().replaced(attributes)


def toxic_class(type_name: str) -> type[Toxic]:
    """Return the class of this wire name. Raises ``BadToxic`` for an unknown one, and for one that is not built."""
    found = TYPES.get(type_name)
    if found is not None:
        return found
    if type_name in NOT_BUILT:
        raise BadToxic(f"invalid toxic type: {type_name} is not built yet; use one of {', '.join(TYPES)}")
    raise BadToxic("invalid toxic type")
