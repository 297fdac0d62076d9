"""Whole runs from which everything that the client said of itself is deleted: what held is held without a word."""

import pytest

from harness.history import Absorbed, Adopted, Attempt, AttemptEnd, Block, Gap, Results, Status
from harness.judge.judge import judge
from harness.judge.verdict import LawState
from harness.run.rehearsal import rehearse
from harness.scenario import bundled, load, plans
from harness.scenario.model import Plan
from tests.judge.story import without

CLAIMS = (Absorbed, Adopted, Attempt, AttemptEnd, Block, Gap, Results, Status)
BY_FACTS = ("one-stream", "resume", "stop", "clean-exit", "discreet")


def run(scenario: str, client: str) -> Plan:
    return plans(load(bundled()[scenario]), client=client, world="virtual")[0]


@pytest.mark.parametrize("scenario", ["handoff", "server-restart", "captive-portal", "firewall"])
def test_what_held_holds_without_a_word_of_the_client(scenario):
    plan = run(scenario, "reference")
    history = rehearse(plan)
    said = {law.law: law.state for law in judge(plan, history).laws}
    unsaid = {law.law: law.state for law in judge(plan, without(history, *CLAIMS)).laws}
    for word in BY_FACTS:
        assert unsaid[word] is said[word], word
        assert unsaid[word] in {LawState.HELD, LawState.NOT_JUDGED}, word


@pytest.mark.parametrize(
    ("scenario", "client", "word"),
    [("handoff", "forgets-last-id", "resume"), ("baseline", "fetches-results-twice", "clean-exit")],
)
def test_what_failed_fails_without_a_word_of_the_client(scenario, client, word):
    plan = run(scenario, client)
    history = without(rehearse(plan), *CLAIMS)
    assert next(law for law in judge(plan, history).laws if law.law == word).state is LawState.FAILED
