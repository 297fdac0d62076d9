"""The capabilities of sockets that a plan needs and not every system has. A run in virtual time needs none."""

from harness.deeds.acts import SetReach
from harness.errors import EnvironmentFault
from harness.network import real
from harness.scenario.model import Plan, network_at_start
from harness.seams import Door

SHOWN = 3
"""So many of the words that cannot be had are named; of the others their number is."""


def require(plan: Plan) -> None:
    """Raise ``EnvironmentFault`` where this machine cannot carry the plan out on real sockets, naming what is missing.

    To be called before anything is started.
    """
    if not real.ports_can_be_kept():
        raise EnvironmentFault(real.NO_SOCKETS)
    words = [] if real.DIALS_CAN_HANG else hanging_words(plan)
    if words:
        more = [f"and {len(words) - SHOWN} more"] if len(words) > SHOWN else []
        raise EnvironmentFault(f"{real.NO_HANGING}: {', '.join([*words[:SHOWN], *more])}")


def hanging_words(plan: Plan) -> list[str]:
    """Return the words of paths by which dials hang, in order: ``wifi: silent (line 19)``."""
    paths = dict(network_at_start(plan).paths)
    found = [f"{name}: {path.word} at the start" for name, path in paths.items() if path.door is Door.HANG]
    for deed in plan.deeds:
        if isinstance(deed.act, SetReach):
            paths[deed.actor] = paths[deed.actor].heard(deed.act)
            if paths[deed.actor].door is Door.HANG:
                found.append(f"{deed.actor}: {deed.text} (line {deed.line})")
    return found
