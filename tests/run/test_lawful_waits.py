"""The limits of shipped scenarios hold for every wait that the client's policies allow, not for one seed's alone."""

import random

import pytest

from harness.judge import judge
from harness.judge.verdict import Verdict
from harness.run.rehearsal import rehearse
from harness.scenario import bundled, load, plans
from harness.sse.backoff import Backoff

SHORTEST, LONGEST = 0.0, 0.999


def verdicts(scenario: str, *, seed: int | None = None) -> list[Verdict]:
    found = plans(load(bundled()[scenario]), world="virtual", seed=seed)
    return [judge(plan, rehearse(plan)) for plan in found]


def missed(found: list[Verdict]) -> list[str]:
    return [verdict.sentence for verdict in found if verdict.word != "pass"]


@pytest.mark.parametrize("share", [SHORTEST, LONGEST])
@pytest.mark.parametrize("scenario", ["deploy", "replay-too-old", "server-restart"])
def test_a_client_that_draws_the_same_share_of_each_wait_passes(scenario, share, monkeypatch):
    class Same(random.Random):
        def random(self) -> float:
            return share

    draw = Backoff.after_failure
    monkeypatch.setattr(Backoff, "after_failure", lambda self, _rng, after=None: draw(self, Same(), after))
    assert missed(verdicts(scenario)) == []


@pytest.mark.parametrize(
    ("scenario", "seed"),
    [("server-restart", 205), ("server-restart", 218), ("replay-too-old", 9), ("radio", 17)],
)
def test_a_client_that_lawfully_learns_late_of_the_end_passes(scenario, seed):
    assert missed(verdicts(scenario, seed=seed)) == []
