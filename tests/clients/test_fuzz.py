"""Random troubles against the job server: whatever happens, the app sees the truth, in order, once."""

import random

import pytest
import trio

from harness.clients.cursor import IdStanding, position
from harness.history import records
from harness.scenario.model import ServerSpec
from tests.clients.memory import job, whole_run

LASTS = 30.0


def troubles(seed):
    """A day out of doors: (doors, actor) with resets, dead paths, refusals, hanging dials and signals."""
    rng = random.Random(seed)
    windows = []
    for _ in range(rng.randint(0, 4)):
        start = rng.uniform(0.5, LASTS)
        windows.append((start, start + rng.uniform(0.2, 15), rng.choice(["hang", "refuse", "unreachable"])))
    strikes = sorted(
        (rng.uniform(0.2, LASTS + 5), rng.choice(["cut", "silence", "joins"])) for _ in range(rng.randint(0, 5))
    )

    def doors(at):
        return next((word for start, end, word in windows if start <= at < end), "open")

    async def actor(stage):
        zero = trio.current_time()
        for moment, strike in strikes:
            await trio.sleep_until(zero + moment)
            if strike == "cut":
                stage.cut()
            elif strike == "silence":
                for pipe in stage.pipes:
                    pipe.dead = True
            else:
                stage.signal("joins")

    return doors, actor


def assert_lawful(outcome, history):
    truth = {emit.id: emit for emit in history.all(records.Emit)}
    shown = [app for app in history.all(records.App) if app.callback not in {"error", "gap"}]
    assert outcome is not None
    assert outcome.ended == "completed"
    ids = [app.id for app in shown]
    assert len(ids) == len(set(ids)), "shown twice"
    ordinals = [position(event_id).ordinal for event_id in ids]
    assert ordinals == sorted(ordinals), "shown out of order"
    assert all(app.digest == truth[app.id].digest for app in shown if app.source == "stream"), "not what was emitted"
    assert [app.callback for app in shown].index("completed") == len(shown) - 1
    polled = outcome.counts.polls  # a snapshot covers a gap, also one that was no news to the app any more
    assert polled or set(truth) == set(ids), "a gap that nothing covers"
    assert len([one for one in history.all(records.Results) if one.whole]) == 1


@pytest.mark.parametrize("replay", [None, 16])
@pytest.mark.parametrize("seed", range(40))
def test_the_app_sees_the_truth_in_order_once(seed, replay):
    doors, actor = troubles(seed)
    outcome, history, stage = whole_run(
        job=job(LASTS, every=0.5), server=ServerSpec(replay=replay), doors=doors, beside=actor
    )
    assert_lawful(outcome, history)
    assert all(pipe.closed for pipe in stage.pipes)


def test_a_cursor_that_is_forgotten_would_be_noticed(monkeypatch):
    """The check itself: a client that forgets what it has shown fails it."""
    monkeypatch.setattr("harness.clients.cursor.Cursor.standing", lambda self, event_id: IdStanding.FRESH)
    monkeypatch.setattr("harness.clients.attempt.cursor_header", lambda cursor: None)

    outcome, history, _ = whole_run(job=job(LASTS, every=0.5), beside=cut_once)
    with pytest.raises(AssertionError, match="shown twice"):
        assert_lawful(outcome, history)


async def cut_once(stage):
    await trio.sleep(10.2)
    stage.cut()
