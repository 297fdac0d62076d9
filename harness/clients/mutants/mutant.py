"""A mutant: the reference client with one bug planted."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.clients.decisions import Decisions
from harness.clients.follower import JobFollower
from harness.sse.policy import Policies


def as_declared(policies: Policies) -> Policies:
    """Leave the policies as they are: the bug is in a decision."""
    return policies


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A client that is wrong in one way, which differs from the reference in one of three places.

    ``policies`` turns those of the plan, which the client is judged by, into those it follows. ``decisions`` has one
    method of its own. ``follower`` carries out one thing that the reference never does. ``stands_for`` is the bug in
    words, and where it was met: threads of GitHub.
    """

    name: str
    stands_for: str
    policies: Callable[[Policies], Policies] = as_declared
    decisions: Callable[[Policies], Decisions] = Decisions
    follower: type[JobFollower] = JobFollower
