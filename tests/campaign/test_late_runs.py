"""A run that is void for a late deed alone is made once more, by itself; nothing else is, and no run more than once."""

import msgspec
import pytest
import trio

from harness.campaign import late_runs
from harness.campaign.campaign import RunOutcome
from harness.campaign.children import ChildExit
from harness.campaign.finish import Figures, Finished, judge_folder, late_alone
from harness.deeds import acts
from harness.errors import EnvironmentFault
from harness.history import Canary, DeedDone, History
from harness.history.files import HISTORY, PLAN
from harness.judge.verdict import Word
from harness.report.folder import VERDICT, read_results
from harness.report.tally import repeated
from tests.campaign.folders import put, put_run
from tests.judge.story import Story, changed, ns, plan

WALK = msgspec.structs.replace(plan((4.1, "middle", acts.Clears(), "clears"), lasts=10.0, items=5), name="walk")


def walked(*, by: float = 0.0, met: bool = True) -> History:
    """A run whose only deed came so late; an event was due 1.9 s behind it."""
    story = Story(WALK)
    story.run()
    deed = next(record for record in story.records if isinstance(record, DeedDone))
    at = 4.1 + by
    deed.issued_ns, deed.returned_ns = ns(at), ns(at + 0.001)
    deed.t_ns = deed.returned_ns
    canary = next(record for record in story.records if isinstance(record, Canary))
    canary.t_ns += ns(by) - ns(0.0)
    history = story.history()
    return history if met else changed(history, Canary, 0, met=False)


def finished(folder) -> Finished:
    verdict = judge_folder(folder)
    return Finished(word=str(verdict.word), late=late_alone(verdict))


class Judge:
    """A worker in this process, that draws nothing."""

    def __init__(self, figures):
        assert figures is Figures.NONE

    async def finish(self, folder):
        await trio.lowlevel.checkpoint()
        return finished(folder)

    async def aclose(self):
        await trio.lowlevel.checkpoint()


class Campaign:
    """Runs that are over, and what each would show if it were made again."""

    figures = Figures.NONE

    def __init__(self, root, *first: float, second: float | Exception = 0.0):
        self.second, self.again, self.heeded, self.shown = second, [], [], []
        folders = [put_run(root, WALK, walked(by=by), f"-{place}") for place, by in enumerate(first)]
        self.ran = [
            RunOutcome(plan=WALK, folder=folder, ending=ChildExit(what="ended"), finished=finished(folder), took=1.0)
            for folder in folders
        ]
        self.late = [ran for ran in self.ran if ran.finished.late]

    async def once_more(self, plan, folder, stop):
        await trio.lowlevel.checkpoint()
        self.again.append(folder.name)
        if isinstance(self.second, Exception):
            raise self.second
        put(folder, plan, walked(by=self.second))
        return ChildExit(what="ended")

    def told(self, plan, came_to):
        self.shown.append(came_to.word)

    async def on_run_end(self, ran):
        await trio.lowlevel.checkpoint()
        self.heeded.append((ran.folder.name, ran.finished.word))


@pytest.fixture
def repeat(monkeypatch):
    monkeypatch.setattr(late_runs, "JudgingWorker", Judge)

    def run(campaign: Campaign, *, stopped: bool = False) -> Campaign:
        async def main():
            stop = trio.Event()
            if stopped:
                stop.set()
            await late_runs.repeat_late(campaign, stop)

        trio.run(main)
        return campaign

    return run


def test_what_was_late_is_made_once_more_and_the_second_try_counts(tmp_path, repeat):
    campaign = repeat(Campaign(tmp_path, 0.0, 2.0, 0.3))
    late = "reference-real-s7-1"
    assert (campaign.again, campaign.heeded, campaign.shown) == ([late], [(late, "pass")], ["pass"])
    assert [ran.finished.word for ran in campaign.ran] == ["pass", "pass", "pass"]
    folder = campaign.ran[1].folder
    assert sorted(path.name for path in folder.iterdir()) == [HISTORY, "late", PLAN, VERDICT]
    assert sorted(path.name for path in (folder / "late").iterdir()) == [HISTORY, PLAN, VERDICT]
    results = read_results(tmp_path)
    assert [run.verdict.trust.repeated for run in results.runs] == [False, True, False]
    assert repeated(results.runs) == "1 run made once more, alone: a deed of the first try came too late"


def test_one_that_is_late_again_stays_void(tmp_path, repeat):
    campaign = repeat(Campaign(tmp_path, 2.0, second=2.0))
    assert (len(campaign.again), campaign.heeded[0][1]) == (1, "void")


def test_an_interruption_repeats_nothing_and_the_first_try_is_heeded(tmp_path, repeat):
    campaign = repeat(Campaign(tmp_path, 2.0), stopped=True)
    assert (campaign.again, campaign.heeded) == ([], [("reference-real-s7-0", "void")])
    assert not (campaign.ran[0].folder / "late").exists()


def test_a_machine_that_cannot_run_it_again_leaves_the_first_verdict(tmp_path, repeat):
    campaign = repeat(Campaign(tmp_path, 2.0, second=EnvironmentFault("no process is left")))
    assert campaign.heeded == [("reference-real-s7-0", "void")]
    assert read_results(tmp_path).runs[0].verdict.word is Word.VOID


def test_what_is_void_besides_is_not_made_again(tmp_path):
    folder = put_run(tmp_path, WALK, walked(by=2.0, met=False))
    assert not finished(folder).late
    late = put_run(tmp_path / "late", WALK, walked(by=2.0))
    assert finished(late).late
    assert not finished(put_run(tmp_path / "good", WALK, walked())).late
