"""Shortcuts for tests: one law's verdict on a story."""

from harness.history import History
from harness.judge import judge
from harness.judge.verdict import ExpectationVerdict, LawState, LawVerdict
from harness.scenario.model import Expectation, Moment, Plan
from tests.judge.story import Story


def law(word: str, story: Story, history: History | None = None) -> LawVerdict:
    verdict = judge(story.plan, history or story.history())
    return next(one for one in verdict.laws if one.law == word)


def state(word: str, story: Story, history: History | None = None) -> LawState:
    return law(word, story, history).state


def empty(word: str, plan: Plan) -> LawState:
    return next(one.state for one in judge(plan, History([])).laws if one.law == word)


def expect(
    metric: str, sort: str, limit: float, *, statistic: str = "", word: str = "", at: float = 0.0
) -> Expectation:
    unit = "" if float(limit).is_integer() and sort in {"is", "at most", "at least"} else "s"
    moment = Moment(word=word, at=at) if word else None
    return Expectation(
        metric=metric, sort=sort, limit=limit, unit=unit, statistic=statistic, moment=moment, line=30,
        text=f"{sort} {limit:g}",
    )  # fmt: skip


def measured(story: Story, history: History | None = None) -> ExpectationVerdict:
    """The verdict on the plan's only expectation."""
    (found,) = judge(story.plan, history or story.history()).expectations
    return found
