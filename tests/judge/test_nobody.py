"""A plan that no client can pass: what is missing from the loss on is not its fault; what was skipped before is."""

import msgspec
import pytest

from harness.deeds import acts
from harness.device.words import Reach
from harness.history import Chunk
from harness.judge import judge
from harness.judge.verdict import LawState, Word
from harness.scenario import model
from tests.judge.story import NEXT, WIFI, Story, plan, reach

LOST = (4.25, "wifi", acts.SetReach(word=Reach.SILENT), "silent")


def left_alone(*, skip: tuple[int, ...] = (), until: int = 8, deed=LOST) -> Story:
    """A client that shows what comes until its only path is silent for good, and then tries in vain."""
    story = Story(plan(deed, paths={"wifi": WIFI}))
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.status("connected", 0.03, attempt=1)
    for index in range(until + 1):
        if index not in skip:
            story.show(index, max(story.times()[index] + 0.005, 0.035))
    story.add(Chunk(cid=2, direction="downstream", offset=NEXT, length=200, fate="dropped"), 4.5)
    story.status("reconnecting", 24.05)
    story.hang_up(24.05, "watchdog", fresh=1, events=until + 1)
    at, wait = 24.05, 0.6
    while at + wait < story.plan.horizon:
        story.dial(at + wait, cause="failed", opens=False)
        at, wait = at + wait + 9.99, min(2 * wait, 29.0)
        story.hang_up(min(at, story.plan.horizon), "timeout")
    story.end(story.plan.horizon, "limit")
    return story


@pytest.mark.parametrize("name", ["terminal-once", "no-gap", "recovery"])
def test_what_nobody_could_get_is_not_judged(name):
    verdict = judge((story := left_alone()).plan, story.history())
    found = next(law for law in verdict.laws if law.law == name)
    assert (found.state, found.reason) == (
        LawState.NOT_JUDGED,
        "no client could get through from 4.25 s on (wifi silent)",
    )


def test_such_a_run_says_so_and_counts_none_of_it_as_lost():
    verdict = judge((story := left_alone()).plan, story.history())
    assert verdict.word is Word.PASS
    assert verdict.counts.lost == 0
    assert verdict.sentence.startswith("9 events, 0 lost, 0 repeated")
    assert verdict.sentence.endswith("no client could get through from 4.25 s on (wifi silent).")


def test_what_a_client_skipped_before_the_loss_is_lost():
    verdict = judge((story := left_alone(skip=(5,))).plan, story.history())
    assert next(law for law in verdict.laws if law.law == "no-gap").state is LawState.FAILED
    assert verdict.counts.lost == 1


def test_where_the_path_comes_back_everything_is_due():
    story = left_alone()
    back = plan(LOST, reach(12.0, "up"), paths={"wifi": WIFI})
    laws = {law.law: law.state for law in judge(back, story.history()).laws}
    assert (laws["no-gap"], laws["terminal-once"]) == (LawState.FAILED, LawState.FAILED)


def test_the_plans_warnings_are_the_verdicts():
    story = left_alone()
    warning = model.Warned(line=5, column=15, text="nobody")
    warned = msgspec.structs.replace(story.plan, warnings=(warning,))
    assert judge(warned, story.history()).warnings == (warning,)
