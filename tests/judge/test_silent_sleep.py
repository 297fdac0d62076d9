"""A phone that wakes up with dead sockets that say nothing: who has a watchdog recovers, and who has none fails."""

import pytest

from harness.judge.judge import judge
from harness.judge.verdict import Verdict, Word
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans


def slept(client: str = "reference", deed: str = "suspends for 4s silently", **policies: str) -> Verdict:
    scenario = Scenario(
        scenario="a silent sleep",
        job={"lasts": "20s", "updates": "every 1s"},
        paths={"wifi": "wifi"},
        server={"keepalive": "2s"},
        client=policies,
        timeline={"5s": {"device": deed}},
    )
    (plan,) = plans(scenario, client=client if client != "reference" else None, world="virtual")
    return judge(plan, rehearse(plan))


def failed(verdict: Verdict) -> set[str]:
    return {one.law for one in verdict.laws if one.state == "failed"}


def test_a_client_that_hears_the_waking_recovers():
    assert slept().word is Word.PASS


@pytest.mark.parametrize("watchdog", ["4s", "6s"])
def test_a_client_that_hears_nothing_recovers_by_its_watchdog(watchdog):
    verdict = slept(**{"on path change": "ignore", "watchdog": watchdog, "backoff": "1s to 8s"})
    assert verdict.word is Word.PASS, verdict.sentence


def test_a_client_without_a_watchdog_fails_and_passes_where_its_sockets_say_so():
    assert failed(slept("as-shipped")) >= {"terminal-once", "no-gap", "recovery"}
    assert slept("as-shipped", "suspends for 4s").word is Word.PASS
