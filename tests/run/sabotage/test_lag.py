"""The harness's own loop stands still for a second, on real sockets: the client is not blamed for it."""

import time

import pytest
import trio

from harness.history import Health, History, read_history
from harness.history.files import HISTORY
from harness.judge.judge import judge
from harness.judge.verdict import LawState, Word
from harness.run.runner import Runner
from harness.scenario import Scenario, plans
from harness.world import real

pytestmark = pytest.mark.slow
[PLAN] = plans(
    Scenario(
        scenario="stands still",
        job={"lasts": "4s", "updates": "every 100ms"},
        paths={"wifi": "wifi"},
        timeline={"2s": {"wifi": "reset once"}},
    ),
    world="real",
)


async def ran(tmp_path, *, blocked_at: float) -> History:
    runner = Runner(PLAN, tmp_path / HISTORY, toxiproxy="embedded", world=real.world())
    async with trio.open_nursery() as nursery:

        async def block():
            while runner.now() < blocked_at:  # noqa: ASYNC110 - no event tells when 0 s is
                await trio.sleep(0.01)
            time.sleep(1.0)  # noqa: ASYNC251, TID251 - the fault itself

        nursery.start_soon(block)
        with trio.fail_after(30):
            await runner.run(trio.Event())
    return read_history(tmp_path / HISTORY)


async def test_a_deed_that_is_late_is_named_and_voids_the_run_where_it_came_on_another_side_of_the_events(tmp_path):
    verdict = judge(PLAN, await ran(tmp_path, blocked_at=1.5))
    in_time = next(law for law in verdict.laws if law.law == "in-time")
    if in_time.state is LawState.FAILED:  # whom the loop lets go first when it goes on, it alone knows
        assert verdict.word is Word.VOID
        assert in_time.advice.startswith("The machine")
        assert "(wifi reset once) came" in in_time.sentence
    else:
        assert verdict.word in {Word.PASS, Word.UNKNOWN}
        assert in_time.sentence.startswith("late: 1 deed by")


async def test_where_no_deed_was_due_meanwhile_nobody_is_blamed(tmp_path):
    history = await ran(tmp_path, blocked_at=2.8)
    assert max(lag for health in history.all(Health) for lag in health.lags_us) > 500_000
    assert judge(PLAN, history).word in {Word.PASS, Word.UNKNOWN}
