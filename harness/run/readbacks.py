"""Proofs of what leaves no mark on a connection of the canary: what the executor shows of it afterwards.

Each act has a predicate, and none has a default: an executor that shows nothing has done nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from harness.deeds.acts import (
    Bursts,
    Deed,
    Ends,
    Orphans,
    Pauses,
    Repeats,
    Resumes,
    RevokesToken,
    SendsRetry,
    SilencesKeepalive,
    Suspends,
)
from harness.deeds.replacement import takes_back
from harness.run.hidden import Outcome

Shown = Mapping[str, str]


def _told(key: str) -> Callable[[Any, Shown], bool]:
    """Whoever there was has been told, be it nobody: a client that gave up must not make a run void."""
    return lambda _, shown: shown.get(key, "").isdecimal()


DONE: Mapping[type, Callable[[Any, Shown], bool]] = {
    Suspends: lambda _, shown: shown.get("suspended") == "yes",
    Orphans: lambda act, shown: shown.get("orphans") == f"closed after {act.after:g} s",
    SendsRetry: _told("streams told"),
    RevokesToken: _told("revoked"),
    Repeats: lambda act, shown: shown.get("repeats") == str(act.count),
    SilencesKeepalive: lambda _, shown: shown.get("keep-alive") == "no",
    Pauses: _told("jobs told"),
    Resumes: _told("jobs told"),
    Bursts: _told("jobs told"),
    Ends: _told("jobs told"),
}
"""Whether an act was done, by what its executor shows."""

TAKEN_BACK: Mapping[type, Callable[[Any, Shown], bool]] = {
    Repeats: lambda _, shown: shown.get("repeats") == "0",
    SilencesKeepalive: lambda _, shown: shown.get("keep-alive") == "yes",
}
"""The same for the end of a span; what is not here ends by a deed of its own, or has no span."""


def read_back(deed: Deed, shown: Shown) -> Outcome:
    """Return whether what was read back after a deed is what it promises."""
    table = TAKEN_BACK if takes_back(deed) else DONE
    if table[type(deed.act)](deed.act, shown):
        return Outcome(met=True, detail="read back", way="read back")
    seen = ", ".join(f"{key}: {value}" for key, value in shown.items()) or "nothing"
    return Outcome(met=False, detail=f"read back {seen}")
