"""Who would have done what the reference did: told from one run, and true of the runs of those it is told of."""

import msgspec
import pytest

from harness.campaign.cells import REFERENCE, Trial, with_client
from harness.campaign.prover import FEW, Prover
from harness.campaign.shadows import Shadows, only_decides
from harness.clients.mutants import MUTANTS
from harness.history import Run, history_digest
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

DECIDING = [name for name, one in MUTANTS.items() if only_decides(one)]
SCENES = {
    "resets": {"timeline": {"5s": {"wifi": "reset once"}, "8s": {"wifi": "reset once"}}},
    "cuts": {"timeline": {"5s": {"wifi": "reset mid event"}, "8s": {"wifi": "closed mid id"}}},
    "restart": {"timeline": {"5s": {"server": "restarts losing log after 1s"}}},
    "dialect": {"server": {"line ends": "mixed", "payload": "hostile", "frames": "varied"}, "timeline": {
        "2s": {"wifi": "sliced to 7B"}, "8s": {"wifi": "reset once"}}},
    "refusal": {"timeline": {"3s": {"middle": "answers 401 to streams for 2s"}, "3.1s": {"wifi": "reset once"}}},
}  # fmt: skip


def plan_of(scene):
    scenario = Scenario(scenario=scene, job={"lasts": "12s", "updates": "every 500ms"}, paths={"wifi": "wifi"},
        **SCENES[scene])  # fmt: skip
    return with_client(plans(scenario, client="no-jitter", world="virtual")[0], REFERENCE, "")


def digest(history):
    """Return what happened, whatever the client is called."""
    return history_digest(record for record in history.records if not isinstance(record, Run))


@pytest.mark.parametrize(("first", "scene"), list(enumerate(SCENES)))
def test_whoever_is_alike_leaves_the_same_history(first, scene):
    plan = plan_of(scene)
    shadows = Shadows(DECIDING)
    same = digest(rehearse(plan, planted=shadows.client))
    assert digest(rehearse(plan)) == same
    alike = sorted(shadows.alike)[first :: len(SCENES)]
    assert alike
    assert {digest(rehearse(with_client(plan, name, name))) for name in alike} == {same}


def test_mutants_of_policies_and_of_followers_have_no_shadow():
    assert {"no-watchdog", "keeps-two-streams", "waits-out-dial"}.isdisjoint(DECIDING)
    assert {"forgets-last-id", "keeps-bom", "dedupes-across-epochs", "loops-on-401"} <= set(DECIDING)


def test_cells_are_the_same_with_shadows_and_without():
    plan = plan_of("cuts")
    alone, together = Prover(), Prover(DECIDING)
    trials = [Trial(key=name, plan=with_client(plan, name, name)) for name in DECIDING[:8]]
    assert [together.cell(one) for one in trials] == [alone.cell(one) for one in trials]


def test_shadows_that_leave_a_trace_count_for_nothing_and_few_are_run_as_they_are():
    asked = []

    def disturbed(plan, *, planted=None):
        asked.append(planted)
        seed = plan.seed + (planted is not None)
        return rehearse(msgspec.structs.replace(plan, seed=seed), planted=planted)

    trial = Trial(key="k", plan=with_client(plan_of("resets"), "forgets-last-id", "forgets-last-id"))
    assert Prover(DECIDING, rehearse=disturbed).cell(trial).word == "fail"
    assert [one is not None for one in asked] == [False, True, False]
    asked.clear()
    assert Prover(DECIDING[:FEW], rehearse=disturbed).cell(trial).word == "fail"
    assert asked == [None]
