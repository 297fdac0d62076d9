"""Networks for tests: paths of one shape, all up unless their word is given."""

from harness.deeds.network_state import NetworkState, beginning, path_at_start
from harness.device.words import Reach
from harness.toxics.shape import Shape


def network_of(*paths: str, linger: float = 0.0, **words: Reach) -> NetworkState:
    """A device that starts on the first of these paths."""
    states = {path: path_at_start(Shape(), word=words.get(path, Reach.UP)) for path in paths}
    return beginning(states, starts_on=paths[0], linger=linger)
