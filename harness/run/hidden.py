"""What hides a deed from its canary: another deed that stands in the same way, as the plan has it.

A flow through a box that answers by itself proves nothing of the path behind it, and none passes to a server that is
down. Such a proof is undecided, and says by what; a deed that nothing hides must be seen.
"""

from harness.judge.barriers import Barriers, lasts
from harness.scenario.deed_text import deed_text
from harness.scenario.model import (
    Clears,
    ComesOnline,
    Deed,
    GoesOffline,
    Joins,
    KillsIdle,
    Loses,
    Plan,
    Prefers,
    Suspends,
)

AFTERMATH = 1.0
"""Seconds for which an act that has ended by itself still tells on flows: a server that is back, a phone that woke."""

_OF_DEVICE = Joins | Prefers | Loses | GoesOffline | ComesOnline | Suspends


class Hidden:
    """Folds the plan's deeds as they are done. Times are scenario seconds."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._barriers = Barriers()
        self._ending: dict[int, float] = {}  # when an act that ends by itself is over
        self._killers: dict[int, Deed] = {}  # of idle connections: no barrier, but a canary's flow idles

    def do(self, deed: Deed) -> None:
        """A deed has been carried out."""
        self._let_end(deed.at)
        self._barriers.do(deed)
        if isinstance(deed.act, Clears):
            self._killers = {index: one for index, one in self._killers.items() if deed.on not in {"", one.on}}
        elif isinstance(deed.act, KillsIdle):
            self._killers = {deed.index: deed} if deed.undoes is None else {}
        if (seconds := lasts(deed.act)) is not None:
            self._ending[deed.index] = deed.at + seconds + AFTERMATH

    def by(self, deed: Deed, path: str, at: float) -> str:
        """Return the words of what hides a deed on this path at this time; empty where nothing does."""
        self._let_end(at)
        own = {deed.index, deed.undoes}
        for other in self._plan.deeds:
            another = other.index not in own and other.undoes != deed.index
            if another and other.at == deed.at and _meet(deed, other, path):
                return f"{deed_text(other, self._plan)} at the same instant"
        standing = [barrier.deed for barrier in self._barriers.all_on(path)]
        standing += [one for one in self._killers.values() if one.on in {"", path}]
        found = next((one for one in standing if one.index not in own), None)
        return f"{deed_text(found, self._plan)} in force" if found is not None else ""

    def _let_end(self, at: float) -> None:
        for index, until in list(self._ending.items()):
            if until <= at:
                del self._ending[index]
                self._barriers.over(index)


def _meet(deed: Deed, other: Deed, path: str) -> bool:
    """Whether two deeds of one instant act on the same flows."""
    paths = {deed.actor, path}
    return other.actor in paths or not other.on or other.on in paths or isinstance(other.act, _OF_DEVICE)
