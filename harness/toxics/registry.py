"""The toxics by their wire names."""

from harness.toxics.bandwidth import Bandwidth
from harness.toxics.latency import Latency
from harness.toxics.limit_data import LimitData
from harness.toxics.noop import Noop
from harness.toxics.reset_peer import ResetPeer
from harness.toxics.slicer import Slicer
from harness.toxics.slow_close import SlowClose
from harness.toxics.timeout import Timeout
from harness.toxics.toxic import BadToxic, Toxic

_ALL = (Latency, Bandwidth, SlowClose, Timeout, ResetPeer, Slicer, LimitData, Noop)
TYPES: dict[str, type[Toxic]] = {toxic.type: toxic for toxic in _ALL}


def toxic_of(type_name: str, attributes: dict[str, object]) -> Toxic:
    """Return the toxic of this type with these attributes; absent ones are 0. Raises ``BadToxic``."""
    return toxic_class(type_name)().replaced(attributes)


def toxic_class(type_name: str) -> type[Toxic]:
    """Return the class of this wire name. Raises ``BadToxic`` for an unknown one."""
    found = TYPES.get(type_name)
    if found is None:
        raise BadToxic("invalid toxic type")
    return found
