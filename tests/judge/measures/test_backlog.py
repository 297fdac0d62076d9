from harness.judge.case import Case
from harness.judge.measures.backlog import behind
from harness.sse.policy import Policies
from tests.judge.story import Story, plan


def test_a_handler_is_behind_while_an_update_waits_for_it():
    def spans(takes: float) -> list[tuple[float, float]]:
        story = Story(plan(lasts=2.0, items=4, policies=Policies(handler_takes=takes))).run()
        found = behind(Case(story.plan, story.history()).clients[0])
        return [(round(since, 2), round(until, 2)) for since, until in found]

    # Updates half a second apart, and the last of them at the same instant as the job's end.
    assert spans(0.0) == []
    assert spans(0.4) == [(2.0, 2.4)]
    assert spans(0.6) == [(0.5, 0.6), (1.0, 1.2), (1.5, 1.8), (2.0, 2.4), (2.0, 3.0)]
