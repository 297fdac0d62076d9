"""One story played twice: by the reference client, and by a mutant beside it."""

from harness.clients.mutants import REFERENCE_CLIENT, mutant
from harness.sse.policy import REFERENCE
from tests.clients.stage import Stage, play


def both(name, stage, policies=REFERENCE, **story):
    """The story as the reference plays it, and as the mutant does."""
    return [
        play(
            stage(),
            policies=one.policies(policies),
            decisions=one.decisions,
            follower=one.follower,
            **story,
        )
        for one in (REFERENCE_CLIENT, mutant(name))
    ]


def streams(*handlers):
    """A stage of these handlers, anew for each client."""
    return lambda: Stage(streams=list(handlers))
