"""After the runs: how many more real ones a difference costs, and in what process a repetition runs."""

import json

import msgspec
import trio

from harness.campaign.campaign import RunOutcome
from harness.campaign.children import ChildExit
from harness.campaign.comparisons import compare_runs
from harness.campaign.finish import Finished
from tests.campaign.folders import REAL, VIRTUAL, put, put_run, told

DEAD = None
"""A further run that left nothing."""


class Campaign:
    """Two runs that are over, and what further ones would show."""

    def __init__(self, root, *, late, further=()):
        self.jobs, self.hash_seed, self.calls, self.heeded = 2, 1, [], []
        self._further = list(further)
        runs = ((REAL, told(REAL)), (VIRTUAL, told(VIRTUAL, late=late)))
        self.ran = [
            RunOutcome(
                took=1.0,
                plan=plan,
                folder=put_run(root, plan, history),
                ending=ChildExit(what="ended"),
                finished=Finished(word="pass"),
            )
            for plan, history in runs
        ]

    async def on_run_end(self, ran):
        self.heeded.append(((ran.folder / "agreement.json").exists(), ran.plan.world))

    async def once_more(self, plan, folder, stop, *, hash_seed=None):
        await trio.lowlevel.checkpoint()
        self.calls.append((plan.world, folder.name, hash_seed))
        late = self._further.pop(0)
        put(folder, plan, None if late is DEAD else told(plan, late=late))

    def agreement(self):
        return json.loads((self.ran[1].folder / "agreement.json").read_text())


def settled(campaign, *, worlds=True, twice=False, stopped=False):
    async def main():
        stop = trio.Event()
        if stopped:
            stop.set()
        await compare_runs(campaign, stop, worlds=worlds, twice=twice)

    trio.run(main)
    return campaign


def test_worlds_that_agree_cost_no_further_run(tmp_path):
    campaign = settled(Campaign(tmp_path, late=0.0))
    assert (campaign.calls, campaign.agreement()["said"]) == ([], "agree")
    assert campaign.heeded == [(True, "virtual")]  # heard of only when it was compared


def test_a_difference_is_settled_by_the_first_real_run_that_spans_it(tmp_path):
    campaign = settled(Campaign(tmp_path, late=0.2, further=[0.0, 0.2]))
    assert campaign.calls == [("real", "again-2", None), ("real", "again-3", None)]
    assert (campaign.agreement()["said"], campaign.agreement()["real_runs"]) == ("agree", 3)


def test_a_difference_is_told_after_five_real_runs(tmp_path):
    campaign = settled(Campaign(tmp_path, late=0.2, further=[0.0] * 4))
    assert [name for _, name, _ in campaign.calls] == ["again-2", "again-3", "again-4", "again-5"]
    assert (campaign.agreement()["said"], campaign.agreement()["real_runs"]) == ("differ", 5)


def test_a_real_run_that_says_nothing_is_made_up_for_by_another(tmp_path):
    campaign = settled(Campaign(tmp_path, late=0.2, further=[0.0, DEAD, 0.0, DEAD, 0.0, 0.0]))
    assert [name for _, name, _ in campaign.calls] == [f"again-{number}" for number in range(2, 8)]
    assert (campaign.agreement()["said"], campaign.agreement()["sound"]) == ("differ", 5)


def test_a_host_on_which_runs_keep_dying_is_given_up_on(tmp_path):
    campaign = settled(Campaign(tmp_path, late=0.2, further=[DEAD] * 7))
    assert len(campaign.calls) == 7
    assert campaign.agreement()["said"] == "unknown"


def test_an_interruption_makes_no_further_run(tmp_path):
    campaign = settled(Campaign(tmp_path, late=0.2), stopped=True, twice=True)
    assert campaign.calls == []


def test_a_repetition_has_another_hash_seed_and_is_compared(tmp_path):
    campaign = settled(Campaign(tmp_path, late=0.0, further=[0.0]), worlds=False, twice=True)
    assert campaign.calls == [("virtual", "twice", 2)]
    assert not (campaign.ran[1].folder / "agreement.json").exists()
    replay = msgspec.json.decode((campaign.ran[1].folder / "replay.json").read_bytes())
    assert replay["digest"] == replay["again"]
