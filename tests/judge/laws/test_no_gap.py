import pytest

from harness.history import App, Body, Chunk, Conn, Delivered, Emit, End, Read, Write
from harness.judge.verdict import LawState
from harness.sse.policy import Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, handoff
from tests.judge.serving import served
from tests.judge.story import Story, changed, ns, plan


def test_a_complete_delivery_holds():
    assert state("no-gap", handoff()) is LawState.HELD


def test_a_wrong_resumption_that_skipped_events_is_told_with_its_ids():
    found = law("no-gap", handoff(last="a-12", skip=range(8, 13)))
    assert found.state is LawState.FAILED
    assert found.cause == "wrong-resume"
    assert found.sentence == (
        "events 8\u201312 (emitted 4.0\u20136.0 s) never arrived: "
        "the reconnection at 5.0 s sent Last-Event-ID a-12, the last one dispatched was a-7"
    )


def test_a_loss_without_a_known_cause_names_the_events():
    found = law("no-gap", Story(plan()).run(skip=(4, 5, 9)))
    assert found.sentence == "events 4\u20135, 9 (emitted 2.0\u20134.5 s) never arrived: event 4 was never asked for"
    assert [item.text for item in found.evidence] == [
        "emitted processing, id a-4; never written to a stream",
        "emitted processing, id a-9; never written to a stream",
    ]


def test_a_connection_never_noticed_is_told_as_one_number():
    assert law("no-gap", half_open()).sentence == "14 events lost"


def reached(*indices: int, policies: Policies | None = None, at: float = 2.005) -> Story:
    """Events that reached the phone and were not shown."""
    story = Story(plan(policies=policies)).run(skip=indices)
    for place, index in enumerate(indices):
        story.arrive(index, at + place * 1e-6)
    return story


def test_what_reached_the_phone_and_was_not_shown_is_lost_whatever_the_client_says():
    story = reached(4)
    for why in ("late", "coalesced", "repeat"):
        story.absorb(4, 2.9, why)
    found = law("no-gap", story)
    assert (found.state, found.sentence) == (LawState.FAILED, "event 4 reached the phone at 2.0 s and was never shown")
    assert [item.text for item in found.evidence] == ["id a-4 at the phone; never shown"]


def test_an_event_without_an_id_has_to_be_shown_like_any_other():
    assert state("no-gap", Story(plan()).run().without_id(4)) is LawState.HELD
    found = law("no-gap", reached(4).without_id(4))
    assert (found.state, found.sentence) == (LawState.FAILED, "event 4 reached the phone at 2.0 s and was never shown")
    found = law("no-gap", Story(plan()).run(skip=(4,)).without_id(4))
    assert [item.text for item in found.evidence] == [
        "emitted processing, without an id behind a-3; never written to a stream"
    ]


def test_whichever_delivery_of_an_event_without_an_id_is_shown_counts():
    story = served(handoff().without_id(7))
    story.records = [one for one in story.records if not (isinstance(one, App) and one.digest == "da7")]
    assert state("no-gap", story) is LawState.FAILED
    story.show(7, 6.25, event_id="a-6", block=False)
    assert state("no-gap", story) is LawState.HELD


def test_what_reached_the_phone_just_before_the_end_is_lost_unless_a_status_answer_told_the_end():
    story = Story(plan(items=22, lasts=10.5)).run(skip=(20,))
    story.arrive(20, 10.005)
    story.add(Read(cid=story.carried["c1"], upto=1_000_000), 10.006)
    found = law("no-gap", story)
    assert (found.state, found.sentence) == (
        LawState.FAILED,
        "event 20 reached the phone at 10.0 s and was never shown",
    )


def test_what_died_on_its_way_is_told_by_its_write():
    story = Story(plan()).run(skip=(4,))
    story.add(Write(sub=1, job="j1", epoch="a", first=4, last=4, rid=2), 2.001)
    found = law("no-gap", story)
    assert found.sentence.endswith(": event 4 was written at 2.0 s and died on Wi-Fi, and was not asked for again")
    assert found.evidence[0].text == "wrote processing, id a-4; it never reached the phone"


def test_what_was_at_the_socket_when_the_connection_ended_is_in_doubt_and_has_to_be_asked_for():
    story = handoff(last="a-8", skip=(8,))
    cid = next(one.cid for one in story.records if isinstance(one, Conn) and one.path == "wifi")
    story.add(Chunk(cid=cid, direction="downstream", offset=0, length=9, fate="delivered"), 4.39)
    story.add(Delivered(rid=2, cid=cid, id="a-8", type="processing", digest="da8"), 4.39)
    found = law("no-gap", story)
    assert found.sentence.startswith("event 8 (emitted 4.0 s) never arrived")
    assert "id a-8 at the phone's socket; not certainly read" in [item.text for item in found.evidence]


def test_what_came_behind_a_later_event_on_its_stream_may_be_dropped():
    story = Story(plan()).run(skip=(4,))
    story.arrive(4, 2.6)
    assert state("no-gap", story) is LawState.HELD
    story = Story(plan()).run(skip=(4, 5))
    story.arrive(4, 2.1)
    story.arrive(5, 2.2)
    assert state("no-gap", story) is LawState.FAILED


def at_work(*, takes: float = 0.45, queue: int | None = 1, undeclared: tuple[str, ...] = ()) -> Story:
    """Events 4, 5 and 6 come while the app is inside a callback; 6 is shown when it ends."""
    policies = Policies(queue=queue, handler_takes=takes).without(*undeclared)
    story = Story(plan(policies=policies)).run(skip=(4, 5, 6))
    busy = next(one for one in story.records if isinstance(one, App) and one.id == "a-3")
    for index, at in ((4, 1.6), (5, 1.65), (6, 1.7)):
        next(one for one in story.records if isinstance(one, Emit) and one.index == index).t_ns = ns(at - 0.001)
        story.arrive(index, at)
    busy.exit_ns = busy.t_ns = ns(1.505 + takes)
    story.show(6, 1.506 + takes, block=False)
    return story


def test_the_oldest_updates_give_way_behind_a_callback_to_as_many_newer_ones_as_may_wait():
    found = law("no-gap", at_work())
    assert (found.state, found.sentence) == (LawState.HELD, "20 of 22 events shown, 2 coalesced")


@pytest.mark.parametrize(("queue", "room"), [(2, "has room for 2 updates"), (None, "is unbounded")])
def test_an_update_that_gave_way_though_the_queue_had_room_is_lost(queue, room):
    found = law("no-gap", at_work(queue=queue))
    first = 5 if queue else 4
    newer = 1 if queue else 2
    assert (found.state, found.cause) == (LawState.FAILED, "short-queue")
    assert found.sentence.endswith(
        f"never shown: event {first} waited behind a callback and gave way to {newer} newer; its queue {room}"
    )


def test_an_update_that_waited_behind_nothing_gives_way_to_nothing():
    found = law("no-gap", at_work(takes=0.05))
    assert (found.state, found.cause) == (LawState.FAILED, "")


def test_how_many_updates_wait_is_not_judged_where_nobody_declares_a_queue():
    assert state("no-gap", at_work(undeclared=("queue",))) is LawState.HELD


def test_what_waits_when_the_end_comes_is_shown_before_it():
    def ended(queue: int) -> LawState:
        story = Story(plan(policies=Policies(queue=queue, handler_takes=0.6))).run(skip=(19, 20))
        for index, at in ((19, 9.55), (20, 9.6)):
            next(one for one in story.records if isinstance(one, Emit) and one.index == index).t_ns = ns(at - 0.001)
            story.arrive(index, at)
        busy = next(one for one in story.records if isinstance(one, App) and one.id == "a-18")
        busy.exit_ns = busy.t_ns = ns(10.0)
        story.add(Read(cid=story.carried["c1"], upto=1_000_000), 9.7)
        return state("no-gap", story)

    assert ended(queue=1) is LawState.HELD
    assert ended(queue=3) is LawState.FAILED


def test_a_terminal_event_may_never_be_coalesced():
    story = at_work()
    for record in story.records:
        if isinstance(record, Emit) and record.index == 4:
            record.terminal = True
    assert state("no-gap", story) is LawState.FAILED


def firewalled(*, says: bool = True) -> Story:
    """The first streams are refused three times, from 3 s on, and the client falls back."""
    story = Story(plan()).run(skip=(6, 7, 8, 9, 10))
    for at in (3.1, 3.3, 3.5):
        story.request("stream", at, status=403, last="a-5")
    if says:
        story.status("polling", 3.6)
    return story


def test_a_snapshot_while_polling_covers_what_came_before_whatever_the_client_calls_it():
    for says in (True, False):
        story = firewalled(says=says)
        story.poll(10, 5.01)
        assert law("no-gap", story).sentence == "18 of 22 events shown, 4 covered"


def test_the_word_polling_buys_nothing():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.status("polling", 3.0)
    story.poll(6, 3.2)
    assert state("no-gap", story) is LawState.FAILED


def test_what_reached_the_phone_is_not_covered_by_a_later_snapshot():
    story = firewalled()
    story.arrive(6, 3.05)
    story.poll(10, 5.01)
    assert law("no-gap", story).sentence == "event 6 reached the phone at 3.0 s and was never shown"


def test_the_one_snapshot_after_a_204_covers_what_came_before():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.request("stream", 3.0, status=204)
    story.poll(6, 3.2)
    assert state("no-gap", story) is LawState.HELD


def test_a_snapshot_out_of_the_blue_covers_nothing():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.poll(6, 3.2)
    found = law("no-gap", story)
    assert found.sentence.startswith("events 4\u20135 (emitted 2.0\u20132.5 s) never arrived")


def refused(*, at: float = 3.0) -> Story:
    story = Story(plan()).run(skip=(4, 5, 6))
    story.request("stream", at, status=410, last="a-3")
    told = ns(at + 0.01)
    story.add(App(client="c1", job="j1", callback="gap", enter_ns=told, exit_ns=told), at + 0.01)
    return story


def test_a_gap_that_the_server_said_is_covered_by_a_snapshot_that_was_shown():
    story = refused()
    story.poll(6, 3.2)
    assert state("no-gap", story) is LawState.HELD


def test_a_gap_s_snapshot_need_not_be_shown_where_a_later_state_is():
    story = refused()
    story.poll(6, 3.2, shown=False)
    assert law("no-gap", story).sentence == "19 of 22 events shown, 3 covered"


def test_a_snapshot_asked_for_before_the_gap_covers_nothing():
    story = refused()
    story.poll(6, 2.7)
    assert state("no-gap", story) is LawState.FAILED


def test_a_gap_without_its_snapshot_is_still_a_gap():
    assert state("no-gap", refused()) is LawState.FAILED


def test_a_gap_whose_snapshots_were_refused_to_the_end_was_said_aloud_and_a_portal_s_page_is_none():
    def asked(status: int, by: str = "") -> LawState:
        story = refused()
        story.request("poll", 3.2, status=status, by=by)
        story.add(Body(rid=story.rids, cid=story.cids, length=9, digest="x", whole=True), 3.21)
        return state("no-gap", story)

    assert asked(503) is LawState.HELD
    assert asked(200, by="middle") is LawState.HELD
    assert asked(200) is LawState.FAILED


def test_what_the_server_left_out_without_a_word_is_withheld_and_not_the_client_s():
    story = handoff(skip=(8, 9))
    assert law("no-gap", story).sentence == "20 of 22 events shown, 2 withheld"


def test_what_was_on_its_way_when_a_job_without_end_was_left_is_not_lost():
    story = Story(plan(ends="never")).run(skip=(20,), until=10.0)
    assert state("no-gap", story) is LawState.HELD
    assert state("no-gap", Story(plan(ends="never")).run(skip=(15,), until=10.0)) is LawState.FAILED


def test_a_hole_fails_even_in_an_interrupted_run_but_a_tail_is_unknown():
    story = Story(plan()).run(skip=(4,), until=10.2)
    assert state("no-gap", story, changed(story.history(), End, 0, reason="interrupted")) is LawState.FAILED
    story = Story(plan()).run(skip=tuple(range(10, 22)), until=10.2)
    assert state("no-gap", story, changed(story.history(), End, 0, reason="interrupted")) is LawState.UNKNOWN


def test_a_wrong_resumption_before_an_event_does_not_explain_its_loss():
    found = law("no-gap", handoff(last="a-6", skip=(20,)))
    assert (found.state, found.cause) == (LawState.FAILED, "")


def test_an_empty_history_is_unknown():
    assert empty("no-gap", plan()) is LawState.UNKNOWN
