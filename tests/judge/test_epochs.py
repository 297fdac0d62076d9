"""A server that lost its log begins a new epoch: 21 events of epoch a are due, b begins at 6 s."""

import msgspec
import pytest

from harness.deeds import acts
from harness.history import Emit, Job, Rescheduled
from harness.judge import judge
from harness.judge.case import Case
from harness.judge.measures.counts import lost
from harness.judge.verdict import LawState
from tests.judge.ruling import expect, law, state
from tests.judge.story import Story, ns, plan

RESTART = (4.0, "server", acts.Restarts(keeps_log=False, after=2.0), "restarts losing log after 2s")
BEGINS = 6.0


def emit_b(story: Story) -> None:
    """Epoch b: the state found at 6 s, what was planned from there on, the end at 10 s."""
    due = [4.0, *(6.5 + step / 2 for step in range(7)), 10.0]
    story.add(Job(job="j1", epoch="b", accepted_ns=ns(0.0), schedule_ns=[ns(at) for at in due]), BEGINS)
    for index, at in enumerate(due):
        last = index == len(due) - 1
        story.add(
            Emit(
                job="j1", epoch="b", index=index, id=f"b-{index}", type="completed" if last else "processing",
                digest=f"db{index}", intended_ns=ns(at), actual_ns=ns(max(at, BEGINS) + 0.0005), terminal=last,
            ),
            max(at, BEGINS) + 0.0005,
        )  # fmt: skip


def restarted(*, said: bool = True, healed: bool = True, adopts: bool = False, shown: bool = True) -> Story:
    """The client is back at 7.2 s; it tells of a gap, takes a snapshot of b-2, and goes on after it."""
    the_plan = plan(RESTART)
    story = Story(msgspec.structs.replace(the_plan, job=msgspec.structs.replace(the_plan.job, every=0.5)))
    story.job()
    for index in range(9):
        story.emit(index)
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.status("connected", 0.03, attempt=1)
    for index in range(8):
        story.show(index, max(story.times()[index] + 0.005, 0.04))
    story.hang_up(4.001, "eof", fresh=8, events=8, opened=True, bytes=999)
    emit_b(story)
    story.dial(4.8, cause="ended", status=0)
    story.hang_up(4.81, "error")
    story.dial(6.4, cause="failed", status=410)
    story.hang_up(6.41, "status", status=410)
    story.gap_signal(6.405, "410")
    if said:
        story.gap(6.42)
    if healed or adopts:
        story.request("poll", 6.943)
        story.answered(1, 6.95, epoch="b")
    if healed:
        story.show(1, 6.96, epoch="b", source="poll", callback="processing", event_id="b-1")
    if healed or adopts:
        story.adopt(1, 6.97, epoch="b")
    come_back(story, shown=shown)
    story.end(11.2)
    return story


def come_back(story: Story, *, shown: bool) -> None:
    story.dial(9.0, cause="failed")
    for index in range(2, 9):
        at = max(7.0 + index / 2 - 0.5, 9.05) + index * 1e-3
        if shown:
            story.show(index, at, epoch="b", callback="completed" if index == 8 else "processing")
        else:
            story.arrive(index, at, epoch="b")
            story.absorb(index, at, epoch="b")
    if shown:
        story.finish(10.56)


def test_a_new_epoch_said_aloud_and_healed_by_a_snapshot_holds():
    story = restarted()
    for word in ("terminal-once", "no-gap", "no-duplicate", "order", "progress", "resume", "backoff", "recovery"):
        assert state(word, story) is LawState.HELD, law(word, story)


def test_positions_grow_with_the_epoch():
    case = Case(restarted().plan, restarted().history())
    truth = case.clients[0].truth
    assert (truth.terminal.position, truth.terminal.id) == ((1, 8), "b-8")
    assert (truth.epoch((1, 0)), [record.epoch for record in truth.epochs]) == ("b", ["b"])


def test_a_gap_that_no_snapshot_heals_is_lost():
    found = law("no-gap", restarted(healed=False))
    assert found.state is LawState.FAILED
    assert "events 0\u20131, 8" in found.sentence


def test_a_new_epoch_is_itself_a_signal():
    story = restarted(said=False)
    story.gap(6.42, "epoch")
    assert state("no-gap", story) is LawState.HELD


def test_a_snapshot_that_says_nothing_new_covers_if_it_was_delivered_whatever_the_client_says():
    assert state("no-gap", restarted(healed=False, adopts=True)) is LawState.HELD


def test_an_older_epoch_that_comes_back_is_out_of_order():
    story = restarted()
    story.show(8, 9.5, block=False)
    found = law("order", story)
    assert found.sentence == "event 8 was shown at 9.5 s, after the newer epoch"
    assert state("progress", story) is LawState.FAILED


def test_a_falling_number_is_lawful_where_the_truth_fell():
    story = restarted()
    story.show(0, 6.5, source="poll", callback="processing", event_id="")
    assert state("progress", story) is LawState.HELD
    early = restarted()
    early.show(0, 3.3, source="poll", callback="processing", event_id="")
    assert state("progress", early) is LawState.FAILED


def test_a_client_that_takes_the_new_epoch_for_repeats_is_told_so():
    story = restarted(said=False, healed=False, shown=False)
    found = law("terminal-once", story)
    assert found.cause == "deaf-to-epoch"
    assert (
        "the client showed none of 6 events of the server's new epoch from 9.1 s on, whose numbers it had shown in the "
        "old one; the client says that 6 of them are repeats"
    ) in found.sentence
    assert found.advice.startswith("Fix: compare ids within one epoch only")
    assert found.evidence[0].text == "the server lost its log: epoch b begins"
    assert law("no-gap", story).cause == "deaf-to-epoch"


def test_a_snapshot_of_a_new_epoch_that_was_kept_from_the_app_explains_a_late_recovery():
    story = restarted(healed=False, adopts=True)
    story.plan = msgspec.structs.replace(story.plan, expect=(expect("recovery", "under", 2.0),))
    found = judge(story.plan, story.history())
    assert found.expectations[0].sentence == (
        "recovery 3.0 s (limit under 2): the client was answered b-1 of the server's new epoch b at 7.0 s, "
        "and showed nothing of that epoch until 9.1 s"
    )
    assert next(one.state for one in found.laws if one.law == "fresh") is LawState.FAILED


def test_what_the_old_schedule_had_left_is_void():
    client = Case(restarted().plan, restarted().history()).clients[0]
    due = [round(client.case.at(stamp), 1) for stamp in client.truth.schedule_ns]
    assert due == [at / 2 for at in range(13)] + [4.0, 6.5, 7.0, 7.5, 8.0, 8.5, 9.0, 9.5, 10.0]


@pytest.mark.parametrize(("why", "schedule"), [("ends", [5.2]), ("bursts", [5.1, 5.2, 10.0])])
def test_a_job_told_otherwise_has_another_schedule(why, schedule):
    story = Story(plan()).run()
    changed = Rescheduled(job="j1", epoch="a", why=why, first=11, schedule_ns=[ns(at) for at in schedule])
    story.add(changed, 5.05)
    truth = Case(story.plan, story.history()).clients[0].truth
    assert [round((stamp - ns(0)) / 1e9, 1) for stamp in truth.schedule_ns[11:]] == schedule


def test_events_lost_with_their_epoch_are_counted_once():
    story = restarted(healed=False)
    client = Case(story.plan, story.history()).clients[0]
    assert lost(client) == 3
    assert msgspec.json.encode(story.history().records)
