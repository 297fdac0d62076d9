"""H2: a server that does as planned, and each way in which one does not: void, naming the fault and the event."""

from typing import Any

import msgspec
import pytest

from harness.deeds import acts
from harness.history import (
    Answered,
    Chunk,
    ConnEnd,
    DeedDone,
    Delivered,
    Emit,
    End,
    GapSignal,
    History,
    Job,
    Request,
    Rescheduled,
    Said,
    Snapshot,
    Subscriber,
    Write,
)
from harness.history.records import PING_DIGEST, Record
from harness.judge.case import Case
from harness.judge.facts.server import ServerFacts
from harness.judge.judge import judge
from harness.judge.laws.server.bounds import Bounds
from harness.judge.laws.server_as_planned import RULES
from harness.judge.phrases import DASH
from harness.judge.verdict import LawState, Word
from harness.scenario.model import ServerSpec
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff, handoff_plan
from tests.judge.serving import served
from tests.judge.story import Story, changed, ns, numbered, plan, reach, without

LAW = "server-as-planned"


def flawless(the_plan=None, **more):
    """A run of ten seconds with an event twice a second, all of them shown, on one stream."""
    return served(Story(the_plan or plan(**more)).run())


def place(history: History, kind: type[Record], **fields: Any) -> int:
    """Return which record of a kind has these fields."""
    return next(
        number
        for number, record in enumerate(history.all(kind))
        if all(getattr(record, name) == value for name, value in fields.items())
    )


def with_records(story: Story, *records: tuple[float, Record]) -> Story:
    for at, record in records:
        story.add(record, at)
    return story


def sentence(story: Story, history: History | None = None) -> str:
    """The first sentence of a law that failed, which voids the run and fails no client."""
    history = history or story.history()
    verdict = judge(story.plan, history)
    found = next(one for one in verdict.laws if one.law == LAW)
    assert (found.state, verdict.word, found.cause) == (LawState.FAILED, Word.VOID, "server-off-plan"), found
    assert "client" not in verdict.sentence
    return found.sentence


def faults(story: Story, history: History | None = None) -> list[str]:
    """Everything that the law has against a server."""
    case = Case(story.plan, history or story.history())
    return [text for rule in RULES for text, *_ in rule(case, ServerFacts(case), Bounds(case))]


def test_a_server_that_does_as_planned_holds():
    found = law(LAW, flawless())
    assert (found.state, found.sentence) == (LawState.HELD, "22 events in time, on 1 stream")
    assert state(LAW, served(handoff())) is LawState.HELD
    assert state(LAW, handoff()) is LawState.HELD  # of a server that tells of no stream


def test_an_empty_history_says_nothing_and_one_without_a_job_has_no_server_to_judge():
    assert empty(LAW, handoff_plan()) is LawState.UNKNOWN
    story = Story(plan()).run()
    assert law(LAW, story, without(story.history(), Job, Emit)).reason == "the server accepted no job"
    cut = Story(plan())
    cut.end(1.0, "interrupted")
    assert law(LAW, cut).reason == "no job was accepted before the run was cut short"


# The schedule.


def in_order(history: History) -> History:
    """The same records, each where its stamp has it; a stream's follow an event that came later."""
    late = {one.index: one.t_ns for one in history.all(Emit)}
    found = [
        msgspec.structs.replace(
            one, began_ns=max(one.began_ns, late[one.first]), t_ns=max(one.t_ns, late[one.first] + 1)
        )
        if isinstance(one, Write) and one.first in late
        else one
        for one in history.records
    ]
    return numbered(sorted(found, key=lambda one: (one.t_ns, one.seq)))


def schedule_of(history, change):
    job = history.all(Job)[0]
    due = list(job.schedule_ns)
    change(due)
    return changed(history, Job, 0, schedule_ns=due)


def test_a_schedule_that_is_not_the_plans():
    story = flawless()
    history = story.history()

    def later(due):
        due[7] += 300_000_000

    assert sentence(story, schedule_of(history, later)) == "the server meant to emit event a-7 300 ms late (and 1 more)"
    assert sentence(story, schedule_of(history, lambda due: due.pop())).startswith(
        "the server meant to emit 21 events, and the plan has 22"
    )

    def rounded(due):
        due[7] += 2

    assert state(LAW, story, schedule_of(history, rounded)) is LawState.HELD


@pytest.mark.parametrize(("by", "holds"), [(-0.25, True), (-0.26, False), (0.0005, True), (0.002, False)])
def test_a_job_that_was_accepted_at_another_time_than_it_is_told_of(by, holds):
    story = flawless()
    history = story.history()
    [job] = history.all(Job)
    moved = ns(by) - ns(0)
    shifted = [due + moved for due in job.schedule_ns]
    history = changed(history, Job, 0, accepted_ns=job.accepted_ns + moved, schedule_ns=shifted)
    records = [
        msgspec.structs.replace(one, intended_ns=one.intended_ns + moved, actual_ns=one.actual_ns + moved)
        if isinstance(one, Emit)
        else one
        for one in history.records
    ]
    found = law(LAW, story, History(records))
    told = found.state is LawState.FAILED and "the server accepted a job at" in found.sentence
    assert told is not holds


def test_an_epoch_that_nobody_asked_for():
    story = with_records(flawless(), (5.0, Job(job="j1", epoch="b", accepted_ns=ns(0), schedule_ns=[ns(5.0)])))
    assert sentence(story).startswith("the server began epoch b of a job that it was not told to lose")


def test_a_schedule_that_no_deed_changed_or_that_changes_what_was_emitted():
    pauses = (5.1, "job", acts.Pauses(), "pauses")
    told = Rescheduled(job="j1", epoch="a", why="pauses", first=11, schedule_ns=[ns(10.0)])

    def paused(record, *deeds):
        story = Story(plan(*deeds))
        story.emit_all()
        story.records = [one for one in story.records if not (isinstance(one, Emit) and one.intended_ns > ns(5.1))]
        story.records.append(
            Emit(
                job="j1", epoch="a", index=11, id="a-11", type="completed", digest="end", intended_ns=ns(10.0),
                actual_ns=ns(10.0), terminal=True, t_ns=ns(10.0),
            )
        )  # fmt: skip
        story.deeds()
        story.records = [one for one in story.records if not isinstance(one, Rescheduled)]
        story.add(record, 5.10005)
        story.end(11.2)
        return story

    assert state(LAW, paused(told, pauses)) is LawState.HELD
    assert sentence(paused(told)) == "the server changed its schedule at 5.1 s (pauses), and no deed had told it to"
    other = msgspec.structs.replace(told, why="resumes")
    assert faults(paused(other, pauses)) == [
        "the server did not tell its job at 5.1 s (pauses)",
        "the server changed its schedule at 5.1 s (resumes), and no deed had told it to",
    ]
    goes_on = msgspec.structs.replace(told, schedule_ns=[ns(9.0), ns(10.0)])
    assert "the server's job was told at 5.1 s (pauses), and its schedule is another one" in faults(
        paused(goes_on, pauses)
    )
    earlier = msgspec.structs.replace(told, first=10, schedule_ns=[ns(5.0), ns(10.0)])
    assert "changed its schedule from event a-10 on, where 11 was next" in sentence(paused(earlier, pauses))


# Emissions.


@pytest.mark.parametrize(
    ("late", "text"),
    [
        (0.25, ""),
        (0.3, "the server emitted event a-7 300 ms late"),
        (-0.0005, ""),
        (-0.01, "the server emitted event a-7 10 ms early"),
    ],
)
def test_an_event_that_comes_late_or_early(late, text):
    story = flawless()
    history = story.history()
    emit = history.all(Emit)[7]
    at_ns = emit.intended_ns + round(late * 1e9)
    history = in_order(changed(history, Emit, 7, actual_ns=at_ns, t_ns=at_ns))
    if text:
        assert sentence(story, history).startswith(text)
    else:
        assert state(LAW, story, history) is LawState.HELD


def test_an_event_may_be_late_by_the_runs_own_lag():
    story = flawless()
    story.lags(100_000)
    history = story.history()
    at_ns = history.all(Emit)[7].intended_ns + 340_000_000
    assert state(LAW, story, in_order(changed(history, Emit, 7, actual_ns=at_ns, t_ns=at_ns))) is LawState.HELD


def test_an_event_that_is_intended_off_the_schedule():
    story = flawless()
    history = changed(story.history(), Emit, 7, intended_ns=ns(3.9), actual_ns=ns(3.9))
    assert sentence(story, history).startswith("the server meant to emit event a-7 400 ms late")


def test_an_event_that_nobody_planned_and_one_after_the_end():
    more = {"intended_ns": ns(10.5), "actual_ns": ns(10.5)}
    again = Emit(job="j1", epoch="a", index=22, id="a-22", type="processing", digest="x", **more)
    assert faults(with_records(flawless(), (10.5, again)))[:2] == [
        "the server emitted event a-22 after the end of its job",
        "the server emitted event a-22, which nobody had planned",
    ]


def test_an_end_that_nobody_planned():
    story = flawless()
    history = changed(story.history(), Emit, 21, type="failed", code="E9")
    assert faults(story, history) == ["the server ended its job as failed E9, which nobody had planned"]


@pytest.mark.parametrize(("code", "holds"), [("E7", True), ("E8", False), ("", False)])
def test_a_job_fails_with_the_code_of_the_plan(code, holds):
    the_plan = plan(ends="failed")
    story = flawless(msgspec.structs.replace(the_plan, job=msgspec.structs.replace(the_plan.job, code="E7")))
    history = changed(story.history(), Emit, 21, code=code)
    assert (state(LAW, story, history) is LawState.HELD) is holds


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"id": "a-77"}, "the server called event a-7 'a-77', and its type processing"),
        ({"type": "initialized"}, "the server called event a-7 'a-7', and its type initialized"),
        ({"progress": 0.1}, "the server showed less progress in event a-7 than before it"),
        ({"t_ns": ns(4.5)}, "the server told of event a-7 1.0 s late"),
    ],
)
def test_an_event_says_what_its_place_makes_of_it(fields, text):
    story = flawless()
    assert text in faults(story, changed(story.history(), Emit, 7, **fields))


def without_progress(no_progress):
    """A job whose last emission is a timeout, after five seconds without an update."""
    the_plan = plan((5.1, "job", acts.Pauses(), "pauses"))
    job = msgspec.structs.replace(the_plan.job, no_progress=no_progress, lasts=30.0, items=60)
    story = Story(msgspec.structs.replace(the_plan, job=job))
    story.emit_all()
    story.records = [one for one in story.records if not (isinstance(one, Emit) and one.intended_ns > ns(5.1))]
    story.deeds()
    story.records = [one for one in story.records if not isinstance(one, Rescheduled)]
    story.add(Rescheduled(job="j1", epoch="a", why="pauses", first=11, schedule_ns=[ns(30.0)]), 5.10005)
    return story


@pytest.mark.parametrize(("at", "text"), [(10.0, ""), (9.0, "the server meant to emit event a-11 21.0 s early")])
def test_a_job_without_progress_ends_when_the_plan_has_had_enough(at, text):
    story = without_progress(5.0)
    more = {"intended_ns": ns(at), "actual_ns": ns(at), "terminal": True}
    story.add(Emit(job="j1", epoch="a", index=11, id="a-11", type="timeout", digest="end", **more), at)
    story.end(12.0)
    if text:
        assert sentence(story) == text
    else:
        assert state(LAW, story) is LawState.HELD


def test_a_job_without_progress_that_does_not_end():
    story = without_progress(5.0)
    story.end(12.0)
    assert sentence(story) == "the server never emitted event a-11, which was due at 10.0 s"


@pytest.mark.parametrize(
    ("end", "text"), [(7.7, ""), (7.8, "the server never emitted event a-15, which was due at 7.5 s")]
)
def test_an_event_that_never_comes(end, text):
    story = Story(plan())
    story.emit_all()
    story.records = [one for one in story.records if not (isinstance(one, Emit) and one.index >= 15)]
    story.end(end)
    story.lags(100)
    assert law(LAW, story).sentence.startswith(text or "15 events in time")


def lost_log(*, back=True, deed=True):
    """A restart without the log at 4.1 s, back at 5.1 s: event 9, due in between, is the first of the new epoch."""
    the_plan = plan((4.1, "server", acts.Restarts(keeps_log=False, after=1.0), "restarts losing log after 1s"))
    story = Story(the_plan)
    story.emit_all()
    if deed:
        story.deeds()
    old = [one for one in story.records if isinstance(one, Emit) and one.intended_ns > ns(4.1)]
    story.records = [one for one in story.records if one not in old]
    if back:
        due = [one.intended_ns for one in old if one.intended_ns > ns(5.1)]
        story.add(Job(job="j1", epoch="b", accepted_ns=ns(0), schedule_ns=[old[0].intended_ns, *due]), 5.1)
        for index, intended_ns in enumerate([old[0].intended_ns, *due]):
            actual_ns = max(intended_ns, ns(5.1))
            last = index == len(due)
            story.records.append(
                Emit(
                    job="j1", epoch="b", index=index, id=f"b-{index}", type="completed" if last else "processing",
                    digest=f"db{index}", intended_ns=intended_ns, actual_ns=actual_ns, terminal=last, t_ns=actual_ns,
                )
            )  # fmt: skip
    story.end(11.2)
    return story


def test_a_log_that_is_lost_is_read_again_at_its_time():
    assert state(LAW, lost_log()) is LawState.HELD
    assert sentence(lost_log(back=False)) == (
        "the server was back from its restart at 5.1 s, and never read its job again"
    )
    story = lost_log()
    late = changed(story.history(), Emit, place(story.history(), Emit, id="b-0"), actual_ns=ns(5.5))
    assert sentence(story, late).startswith("the server emitted event b-0 400 ms late")
    kept = with_records(
        lost_log(),
        (
            4.5,
            Emit(
                job="j1",
                epoch="a",
                index=9,
                id="a-9",
                type="processing",
                digest="x",
                intended_ns=ns(4.5),
                actual_ns=ns(4.5),
            ),
        ),
    )
    assert sentence(kept) == "the server emitted event a-9 into a log that it had lost in a restart"


def test_a_job_that_is_read_again_goes_on_as_planned():
    story = lost_log()
    history = story.history()
    schedule_ns = list(history.all(Job)[1].schedule_ns)
    fewer = changed(history, Job, 1, schedule_ns=schedule_ns[:-1])
    assert "the server read its job from storage into epoch b, and its schedule is another one" in faults(story, fewer)


def timed_out(at, *, paused=2.1, back=7.1):
    """A job that pauses, and times out after four seconds without progress; its server is away, and loses its log."""
    restarts = acts.Restarts(keeps_log=False, after=back - 5.1)
    the_plan = plan((paused, "job", acts.Pauses(), "pauses"), (5.1, "server", restarts, "restarts losing log"))
    job = msgspec.structs.replace(the_plan.job, no_progress=4.0)
    story = Story(msgspec.structs.replace(the_plan, job=job))
    story.emit_all()
    story.records = [one for one in story.records if not (isinstance(one, Emit) and one.intended_ns > ns(paused))]
    story.deeds()
    story.records = [one for one in story.records if not isinstance(one, Rescheduled)]
    first = round(paused / 0.5 + 0.5)
    story.add(Rescheduled(job="j1", epoch="a", why="pauses", first=first, schedule_ns=[ns(10.0)]), paused + 5e-5)
    due = [(at, "timeout")] if at <= back else [(back, "processing"), (at, "timeout")]
    schedule_ns = [ns(at)] if at <= back else [ns(back), ns(10.0)]
    story.add(Job(job="j1", epoch="b", accepted_ns=ns(0), schedule_ns=schedule_ns), back)
    for index, (one, kind) in enumerate(due):
        when = {"intended_ns": ns(one), "actual_ns": ns(max(one, back)), "terminal": kind == "timeout"}
        story.add(
            Emit(job="j1", epoch="b", index=index, id=f"b-{index}", type=kind, digest=kind, **when), max(one, back)
        )
    story.end(11.2)
    return story


@pytest.mark.parametrize(("at", "holds"), [(6.0, True), (7.0, False)])
def test_a_job_that_times_out_soon_after_it_was_read_again_counts_from_its_last_update(at, holds):
    said = "the server let its job time out in event b-1, though it had made progress"
    assert faults(timed_out(at, back=5.7)) == ([] if holds else [said])


@pytest.mark.parametrize(("paused", "at", "holds"), [(2.1, 6.0, True), (2.1, 6.5, False), (2.6, 6.0, False)])
def test_a_job_that_times_out_while_its_server_is_away_is_read_as_one_that_is_over(paused, at, holds):
    said = "the server read its job from storage into epoch b, and its schedule is another one"
    assert faults(timed_out(at, paused=paused)) == ([] if holds else [said])


def read_again(at, *more):
    """A restart without the log at 4.1 s, for a second, and ``more`` deeds; the job is read again ``at`` this time."""
    the_plan = plan((4.1, "server", acts.Restarts(keeps_log=False, after=1.0), "restarts losing log after 1s"), *more)
    story = Story(the_plan)
    story.emit_all()
    story.deeds()
    schedule_ns = [ns(due) for due in story.times() if due > at]
    story.records = [one for one in story.records if not (isinstance(one, Emit) and one.intended_ns > ns(4.1))]
    story.add(Job(job="j1", epoch="b", accepted_ns=ns(0), schedule_ns=[ns(4.5), *schedule_ns]), at)
    more_ = {"intended_ns": ns(4.5), "actual_ns": ns(at)}
    story.add(Emit(job="j1", epoch="b", index=0, id="b-0", type="processing", digest="x", **more_), at)
    story.end(at + 0.1)
    return story


AGAIN = (acts.Restarts(keeps_log=True, after=2.0), "restarts keeping log after 2s")


@pytest.mark.parametrize(
    ("at", "more", "text"),
    [
        (5.1, (), ""),
        (5.3, (), ""),
        (5.45, (), "the server was back from its restart 350 ms late"),
        (5.0, (), "the server was back from its restart 100 ms early"),
        (6.8, ((4.8, "server", *AGAIN),), ""),
        (5.1, ((4.8, "server", *AGAIN),), "the server was back from its restart 1.0 s late"),
        (7.1, ((5.1, "server", *AGAIN),), ""),  # at the very instant: either is right
        (5.1, ((5.1, "server", *AGAIN),), ""),
    ],
)
def test_a_server_is_back_from_its_restarts_when_the_plan_says(at, more, text):
    if text:
        assert faults(read_again(at, *more))[0].startswith(text.replace("1.0 s late", "1.7 s early" if more else ""))
    else:
        assert state(LAW, read_again(at, *more)) is LawState.HELD


# What the streams carried, at the client's socket.


def delivered(history, indices, rid=2):
    """The same history, with these events on the stream, as the story's client would have got them."""
    events = [one for one in history.all(Delivered) if one.rid == rid]
    found = [msgspec.structs.replace(events[index], t_ns=0, seq=0) for index in indices]
    at = next(number for number, one in enumerate(history.records) if isinstance(one, End))
    others = [one for one in history.records if not (isinstance(one, Delivered) and one.rid == rid)]
    return numbered([*others[: at - len(events)], *found, *others[at - len(events) :]])


@pytest.mark.parametrize(
    ("indices", "text"),
    [
        (range(22), ""),
        (range(10), ""),  # a line that is cut
        ((), ""),
        ([*range(7), *range(8, 22)], "the server left out event 7 on stream 1, after event a-6"),
        ([*range(7), *range(10, 22)], f"the server left out events 7{DASH}9 on stream 1, after event a-6"),
        ([*range(8), *range(7, 22)], "the server sent event a-7 twice on stream 1"),
        ([*range(7), 8, 7, *range(9, 22)], "the server left out event 7 on stream 1, after event a-6"),
        ([0, 1, 0], "the server sent event a-0 after event a-1 on stream 1"),
        (range(3, 22), "the server answered no id from event a-3 instead of event a-0, on stream 1"),
        (reversed(range(22)), "the server answered no id from event a-21 instead of event a-0, on stream 1"),
    ],
)  # fmt: skip
def test_events_come_one_after_another(indices, text):
    story = flawless()
    history = delivered(story.history(), list(indices))
    if text:
        assert sentence(story, history).startswith(text)
    else:
        assert state(LAW, story, history) is LawState.HELD


@pytest.mark.parametrize(("what", "holds"), [("muted", True), ("reset", True), ("held", False)])
def test_what_a_box_lets_through_of_a_stream_that_it_withholds_is_not_the_servers(what, holds):
    story = flawless()
    story.box(what, 1.0, cid=2, rid=2)
    history = delivered(story.history(), [*range(3), *range(8, 22)])
    assert (state(LAW, story, history) is LawState.HELD) is holds


@pytest.mark.parametrize("first", [9, 7, 4, 0])
def test_a_reconnection_that_is_answered_from_another_id(first):
    story = served(handoff())
    whole = story.history()
    known = {one.id: one for one in whole.all(Delivered)}
    found = [msgspec.structs.replace(known[f"a-{index}"], rid=3) for index in range(first, 22)]
    others = [one for one in whole.records if not (isinstance(one, Delivered) and one.rid == 3)]
    text = f"the server answered the id 'a-7' from event a-{first} instead of event a-8, on stream 2"
    assert sentence(story, numbered([*others, *found])) == text


def test_a_byte_that_was_flipped_and_an_event_that_never_was():
    story = flawless()
    history = story.history()
    at = place(history, Delivered, id="a-7")
    flipped = changed(history, Delivered, at, digest="another")
    assert sentence(story, flipped).startswith("stream 1 carried other bytes than event a-7 has")
    strange = changed(history, Delivered, at, id="x-7")
    assert sentence(story, strange).startswith("stream 1 carried an event of the id 'x-7', which its log does not have")


def test_a_retry_that_nobody_asked_for():
    story = flawless()
    history = story.history()
    at = place(history, Delivered, id="a-7")
    told = changed(history, Delivered, at, retry=5000)
    assert sentence(story, told) == "stream 1 asked for retry 5000, which the server had not said there"


def retrying(at=3.1, value="9", carried=(9,), said=True, text="sends retry 9"):
    """A server that was told to send a ``retry`` at 3 s: said at this time, and carried to the client."""
    story = flawless(plan((3.0, "server", acts.SendsRetry(value="9"), text)))
    if said:
        story.add(Said(sub=1, what="retry", detail=value, began_ns=ns(at)), at)
    for retry in carried:
        story.add(Delivered(rid=2, cid=2, id="a-6", event=False, retry=retry), at + 0.003)
    return story


def test_a_retry_is_sent_to_every_stream_and_carried_as_it_was_said():
    assert state(LAW, retrying()) is LawState.HELD
    assert sentence(retrying(said=False, carried=())) == (
        "the server did not send retry 9 on stream 1, as it was told to at 3.0 s"
    )
    assert "stream 1 asked for retry 8, which the server had not said there" in faults(retrying(carried=(8,)))
    assert "stream 1 asked for retry 9, which the server had not said there" in faults(retrying(carried=(9, 9)))
    assert "stream 1 never asked for retry 9, which the server said that it did" in faults(retrying(carried=()))
    assert "the server asked for retry 8 on stream 1 at 3.1 s, which nobody had told it to" in faults(
        retrying(value="8")
    )
    no_number = retrying(value="soon", carried=())
    assert not any("never asked" in fault for fault in faults(no_number))


def test_a_server_that_is_set_to_a_retry_begins_with_it():
    at_once = plan(server=ServerSpec(retry=5.0))
    assert sentence(flawless(at_once)) == "the server did not begin stream 1 with retry 5000, as it is set to"
    story = flawless(at_once)
    opened_ns = next(one.t_ns for one in story.records if isinstance(one, Subscriber))
    at = (opened_ns - ns(0)) / 1e9 + 0.00001
    story.add(Said(sub=1, what="retry", detail="5000", began_ns=opened_ns), at)
    story.add(Delivered(rid=2, cid=2, event=False, retry=5000), at + 0.00002)
    assert state(LAW, story) is LawState.HELD


def varied(*, primed="a-start", carried="a-start", frames="varied", retry=None):
    """A server of varied frames that primes its stream and sends a ping behind its fourth event."""
    story = flawless(plan(server=ServerSpec(frames=frames, retry=retry)))
    opened = next(one for one in story.records if isinstance(one, Subscriber))
    at = (opened.t_ns - ns(0)) / 1e9 + 0.00001
    story.add(Said(sub=1, what="primed", detail=primed, began_ns=opened.t_ns), at)
    story.add(Delivered(rid=2, cid=2, id=carried, event=False), at + 0.00002)
    fourth = next(one for one in story.records if isinstance(one, Delivered) and one.id == "a-3")
    ping = Delivered(rid=2, cid=2, id="a-3", type="ping", digest=PING_DIGEST)
    story.add(ping, (fourth.t_ns - ns(0)) / 1e9 + 0.0001)
    return story


def test_varied_frames_have_an_id_of_their_start_and_pings():
    assert state(LAW, varied()) is LawState.HELD
    elsewhere = "the server primed stream 1 with 'a-7', which is not the id of its start"
    assert elsewhere in faults(varied(primed="a-7"))
    assert "stream 1 set the id to 'a-7' without an event, which its log does not have" in faults(varied(carried="a-7"))


def lacking(*indices: int, frames: str = "varied", expired: str = "410", **more) -> Story:
    """The server writes events of these indices without an id."""
    server = ServerSpec(frames=frames, expired_cursor=expired)
    return served(Story(plan(server=server, **more)).run().without_id(*indices))


def test_an_event_of_varied_frames_may_have_no_id():
    assert state(LAW, lacking(3, 5, 20)) is LawState.HELD


@pytest.mark.parametrize(
    ("indices", "more"),
    [((0,), {}), ((21,), {}), ((4, 5), {}), ((5,), {"frames": "plain"}), ((5,), {"expired": "silent"}),
     ((5,), {"expired": "reset event"})],
)  # fmt: skip
def test_the_first_the_last_and_the_second_of_two_events_have_an_id_and_all_where_a_gap_is_none_or_an_event(
    indices, more
):
    name = f"event a-{max(indices)}"
    assert f"the server wrote {name} without an id, which it may not do there" in faults(lacking(*indices, **more))


def test_an_event_without_an_id_is_told_with_that_of_the_event_before_it_and_is_not_its_equal():
    text = "the server wrote event a-5 without an id, which it may not do there"
    history = lacking(5).history()
    place_of = place(history, Emit, index=5)
    assert text in faults(lacking(5), changed(history, Emit, place_of, after="a-3"))
    assert text in faults(lacking(5), changed(history, Emit, place_of, digest="da4"))


def test_an_event_without_an_id_comes_once_in_order_and_as_it_was_emitted():
    story = lacking(5)
    history = story.history()
    fifth = place(history, Delivered, digest="da5")
    fewer = numbered(one for one in history.records if not (isinstance(one, Delivered) and one.digest == "da5"))
    assert "the server left out event 5 on stream 1, after event a-4" in faults(story, fewer)
    assert "stream 1 carried other bytes than event a-4 has" in faults(
        story, changed(history, Delivered, fifth, digest="dx")
    )
    assert "stream 1 carried an event of the id 'a-99', which its log does not have" in faults(
        story, changed(history, Delivered, fifth, id="a-99")
    )


def test_a_stream_that_is_asked_for_from_the_id_before_tells_the_event_without_one_again():
    story = served(handoff(handoff_plan(server=ServerSpec(frames="varied"))).without_id(7))
    again = [one for one in story.history().all(Delivered) if one.digest == "da7"]
    assert [(one.id, one.rid) for one in again] == [("a-6", 2), ("a-6", 3)]
    assert state(LAW, story) is LawState.HELD


def test_plain_frames_have_neither():
    found = faults(varied(frames="plain"))
    assert "the server primed stream 1 with 'a-start', which is not the id of its start" in found
    assert "stream 1 carried other bytes than event a-3 has" in found


@pytest.mark.parametrize(("behind", "holds"), [(0, True), (1, True), (2, False)])
def test_the_retry_of_varied_frames_comes_right_behind_the_first_event_at_the_latest(behind, holds):
    story = varied(retry=5.0)
    writes = [one for one in story.records if isinstance(one, Write)]
    at = (writes[behind].began_ns - ns(0)) / 1e9 - 0.00001
    story.add(Said(sub=1, what="retry", detail="5000", began_ns=writes[behind].began_ns - 10_000), at)
    story.add(Delivered(rid=2, cid=2, event=False, retry=5000), at + 0.00002)
    text = "the server did not begin stream 1 with retry 5000, as it is set to"
    assert (text in faults(story)) is not holds


def test_a_stream_that_the_server_never_opened():
    story = served(handoff())
    history = story.history()
    fewer = [one for one in history.records if not (isinstance(one, Subscriber) and one.sub == 2)]
    assert sentence(story, numbered(fewer)).startswith(
        "request 3 was told events on a stream that the server never opened"
    )


def test_the_canarys_streams_are_left_out():
    story = served(handoff())
    history = story.history()
    fewer = numbered(
        one for one in history.records if not (isinstance(one, Delivered) and one.rid == 3 and one.id == "a-12")
    )
    assert sentence(story, fewer) == "the server left out event 12 on stream 2, after event a-11"
    its = changed(fewer, Request, place(fewer, Request, rid=3), client="canary")
    assert state(LAW, story, its) is LawState.HELD


# What was written.


def write_at(history, index, sub=1):
    return next(
        number for number, one in enumerate(history.all(Write)) if one.sub == sub and one.first <= index <= one.last
    )


def test_an_event_that_is_written_twice_or_left_out_or_of_no_log():
    story = flawless()
    history = story.history()
    at = write_at(history, 7)
    assert sentence(story, changed(history, Write, at, first=6)).startswith(
        "the server wrote event a-6 to stream 1 again"
    )
    assert sentence(story, changed(history, Write, at, first=8, last=8)).startswith(
        "the server wrote event a-8 to stream 1, and had left out event 7"
    )
    assert sentence(story, changed(history, Write, at, epoch="z")).startswith(
        "the server wrote z-7 to stream 1, of no log of its"
    )
    assert sentence(story, changed(history, Write, write_at(history, 0), first=-1)).startswith(
        "the server wrote a--1 to stream 1, of no log of its"
    )


@pytest.mark.parametrize("first", [7, 9])
def test_a_reconnection_that_is_answered_from_another_id_by_the_servers_own_records(first):
    story = served(handoff())
    history = without(story.history(), Delivered)
    found = changed(history, Write, place(history, Write, sub=2), first=first)
    text = f"the server answered the id 'a-7' from event a-{first} instead of event a-8, on stream 2"
    assert faults(story, found)[0] == text


def test_an_event_that_is_never_written():
    story = flawless()
    history = story.history()
    fewer = [
        one
        for one in history.records
        if not (isinstance(one, Write) and one.first >= 15) and getattr(one, "what", "") != "close"
    ]
    assert sentence(story, numbered(fewer)) == "the server never wrote event a-15 to stream 1, due at 7.5 s"


@pytest.mark.parametrize(("by", "text"), [(0.2, ""), (0.3, "the server kept event a-7 from stream 1 for 30")])
def test_an_event_that_is_written_late(by, text):
    story = flawless()
    history = story.history()
    at = write_at(history, 7)
    found = changed(history, Write, at, began_ns=history.all(Write)[at].began_ns + round(by * 1e9))
    if text:
        assert sentence(story, found).startswith(text)
    else:
        assert state(LAW, story, found) is LawState.HELD


def test_an_event_waits_lawfully_for_a_write_that_is_under_way():
    story = flawless()
    history = story.history()
    at = write_at(history, 6)
    slow = changed(history, Write, at, t_ns=ns(4.9))  # event 6 took a while: events 7 to 9 wait for it
    records = sorted(slow.records, key=lambda one: (one.t_ns, one.seq))
    found = [
        msgspec.structs.replace(one, began_ns=ns(4.9001), t_ns=ns(4.9001))
        if isinstance(one, Write) and one.first in {7, 8, 9}
        else one
        for one in records
    ]
    found = [one for one in found if not isinstance(one, Delivered)]
    assert state(LAW, story, numbered(sorted(found, key=lambda one: (one.t_ns, one.seq)))) is LawState.HELD


def test_a_write_that_was_under_way_at_the_end_owes_nothing():
    story = served(handoff())
    history = story.history()
    last = [number for number, one in enumerate(history.all(Write)) if one.sub == 1][-1]
    found = changed(history, Write, last, whole=False)
    assert state(LAW, story, found) is LawState.HELD


def test_a_silence_longer_than_the_keep_alive():
    quiet = plan(lasts=100.0, items=2)
    assert state(LAW, flawless(quiet)) is LawState.HELD
    mute = flawless(quiet)
    history = without(mute.history(), Said)
    text = f"the server said nothing on stream 1 at 0.0{DASH}50.0 s, not even a comment"
    assert sentence(mute, history).startswith(text)
    never = msgspec.structs.replace(quiet, server=ServerSpec(keepalive=None))
    assert state(LAW, served(Story(never).run(), keepalive=None)) is LawState.HELD
    silenced = plan(
        (1.0, "server", acts.SilencesKeepalive(), "silences keepalive"), lasts=100.0, items=2,
    )  # fmt: skip
    assert state(LAW, served(Story(silenced).run(), keepalive=None)) is LawState.HELD
    assert "sent a keep-alive on stream 1 at 15.0 s, where it was told to send none" in sentence(flawless(silenced))


def test_a_stream_is_told_something_as_soon_as_it_opens():
    story = served(handoff())
    history = story.history()
    at = place(history, Write, sub=2)
    late = msgspec.structs.replace(history.all(Write)[at], began_ns=ns(5.6), t_ns=ns(5.6))
    found = [late if one is history.all(Write)[at] else one for one in history.records]
    assert "kept event a-8 from stream 2" in sentence(story, History(found))


HANGS = (5.1, "server", acts.Hangs(), "hangs for 2s")
RECOVERS = (7.1, "server", acts.Recovers(), "recovers")


def test_a_server_that_was_told_to_hang_writes_nothing_and_may_be_late():
    the_plan = plan(HANGS, RECOVERS)
    assert sentence(flawless(the_plan)).startswith("the server wrote to stream 1 at 5.5 s, where it was told to hang")
    story = flawless(the_plan)
    history = story.history()
    found = [
        msgspec.structs.replace(one, began_ns=ns(7.1001), t_ns=ns(7.1002))
        if isinstance(one, Write) and 11 <= one.first <= 14
        else one
        for one in history.records
        if not isinstance(one, Delivered)
    ]
    assert state(LAW, story, numbered(sorted(found, key=lambda one: (one.t_ns, one.seq)))) is LawState.HELD


def test_a_stream_behind_its_queue_is_evicted():
    story = flawless(server=ServerSpec(queue=3))
    history = story.history()
    at = write_at(history, 7)
    slow = [
        msgspec.structs.replace(one, t_ns=ns(6.1))
        if one is history.all(Write)[at]
        else msgspec.structs.replace(one, began_ns=ns(6.11), t_ns=ns(6.12))
        if isinstance(one, Write) and 8 <= one.first <= 12
        else one
        for one in history.records
        if not isinstance(one, Delivered)
    ]
    found = sentence(story, numbered(sorted(slow, key=lambda one: (one.t_ns, one.seq))))
    assert found.startswith("the server did not evict stream 1, which was 6 events behind")


def test_a_comment_comes_after_an_interval_and_not_sooner():
    story = with_records(flawless(), (6.2, Said(sub=1, what="keep-alive", began_ns=ns(6.2))))
    assert sentence(story) == "the server sent a keep-alive on stream 1 at 6.2 s, only 699 ms after what came before it"


def test_two_writes_at_once():
    story = flawless()
    history = story.history()
    at = write_at(history, 7)
    slow = changed(history, Write, at, t_ns=ns(4.2))
    assert faults(story, slow)[0] == "the server wrote to stream 1 twice at once, at 4.0 s"
    other = changed(history, Write, at, rid=9)
    assert faults(story, other)[0] == "the server wrote to stream 1 for request 9, which is another's"


# How a stream begins.


def test_the_server_reads_the_id_that_was_sent():
    story = served(handoff())
    history = story.history()
    at = place(history, Subscriber, sub=2, what="open")
    found = changed(history, Subscriber, at, cursor="a-3")
    assert sentence(story, found) == "the server took 'a-3' for the id that stream 2 asked from, 'a-7'"


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (ServerSpec(replay=5), ""),
        (ServerSpec(replay=1), "the server opened stream 2 from the id 'a-7', where 410 was due"),
        (ServerSpec(replay=1, expired_cursor="reset event"), "the server sent no reset event on stream 2, which asked"),
        (
            ServerSpec(replay=1, expired_cursor="silent"),
            "the server answered the id 'a-7' from event a-8 instead of event a-10",
        ),
    ],
    ids=["kept", "410", "reset", "silent"],
)  # fmt: skip
def test_an_id_is_answered_as_the_servers_settings_say(spec, text):
    story = served(handoff(handoff_plan(server=spec)))
    if text:
        assert any(fault.startswith(text) for fault in faults(story))
        assert sentence(story)
    else:
        assert state(LAW, story) is LawState.HELD


def test_a_reset_that_nobody_needed():
    story = served(handoff())
    reset = Said(sub=2, what="reset", began_ns=ns(5.00801))
    assert "sent a reset event on stream 2" in sentence(with_records(story, (5.00801, reset)))


# How a stream ends.


def ended(history: History, evidence: str, at: float, *, bye: bool = True) -> History:
    """The same history, its first stream ended at this time for this reason, and told so."""
    at_ns = ns(at)
    kept = [
        one
        for one in history.records
        if not isinstance(one, Delivered) and not (getattr(one, "sub", 0) == 1 and one.t_ns >= at_ns)
    ]
    told = Said(sub=1, what="bye", detail=evidence, began_ns=at_ns - 1000, t_ns=at_ns - 1000, seq=10**6)
    close = Subscriber(sub=1, job="j1", what="close", evidence=evidence, rid=2, t_ns=at_ns, seq=10**6)
    records = [*kept, *([told] if bye else []), close]
    return numbered(sorted(records, key=lambda one: (one.t_ns, one.seq)))


def closed(story: Story, evidence: str, at: float | None = None) -> History:
    """The same run, its first stream closed for this evidence (at this time)."""
    history = story.history()
    place_ = place(history, Subscriber, sub=1, what="close")
    stamp = {} if at is None else {"t_ns": ns(at)}
    found = changed(history, Subscriber, place_, evidence=evidence, **stamp)
    return numbered(sorted(found.records, key=lambda one: (one.t_ns, one.seq)))


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ("done", "done"), ("evicted", "evicted"), ("blocked", "blocked"), ("expired", "expired"), ("newer", "newer"),
        ("stopped", "stopped"), ("", "no evidence"), ("whim", "whim"),
    ],
)  # fmt: skip
def test_a_stream_that_ends_for_no_reason_of_the_plans(evidence, why):
    found = sentence(served(handoff()), closed(served(handoff()), evidence))
    assert found == f"the server ended stream 1 at 4.4 s ({why}) with no reason to"


@pytest.mark.parametrize("evidence", ["fin", "rst"])
def test_a_stream_ends_when_its_peer_has_left_and_not_before(evidence):
    story = served(handoff())
    assert state(LAW, story, closed(story, evidence)) is LawState.HELD
    found = faults(story, closed(story, evidence, 3.9))
    assert found[0] == f"the server ended stream 1 at 3.9 s ({evidence}) with no reason to"


def test_a_stream_ends_with_its_token_and_not_later():
    story = flawless(server=ServerSpec(token_lasts=300.0))
    history = story.history()
    at = place(history, Subscriber, sub=1, what="open")
    short = changed(history, Subscriber, at, expires_ns=ns(5.1))
    assert "wrote event a-21 to stream 1 at 10.0 s, when its token had ended" in sentence(story, short)
    assert state(LAW, story, ended(short, "expired", 5.1)) is LawState.HELD


@pytest.mark.parametrize(
    ("token", "expires", "text"),
    [
        ("t", 300.5, ""),
        ("", 300.5, "the server opened stream 1 to a token that was not good"),
        ("another", 300.5, "the server opened stream 1 to a token that was not good"),
        ("t", 150.0, "the server takes the token of stream 1 until 150.0 s, and it is good until 300.5 s"),
    ],
)
def test_a_stream_is_opened_with_a_good_token_for_as_long_as_that_is(token, expires, text):
    story = flawless(server=ServerSpec(token_lasts=300.0))
    story = with_records(story, (0.5, Answered(rid=0, status=200, token="t", expires_in=300.0)))
    history = story.history()
    at = place(history, Subscriber, sub=1, what="open")
    history = changed(history, Subscriber, at, token=token, expires_ns=ns(expires))
    if text:
        assert faults(story, history) == [text]
    else:
        assert state(LAW, story, history) is LawState.HELD


@pytest.mark.parametrize(("revoked", "holds"), [(3.0, False), (0.2, True), (7.0, True)])
def test_a_revoked_token_opens_nothing(revoked, holds):
    the_plan = plan((revoked, "server", acts.RevokesToken(), "revokes token"), server=ServerSpec(token_lasts=300.0))
    story = Story(the_plan)
    story.emit_all()
    story.deeds()
    story.end(11.2)
    story.add(Answered(rid=0, status=200, token="t", expires_in=300.0), 0.5)
    story.add(Subscriber(sub=1, job="j1", what="open", cursor="a-9", token="t", expires_ns=ns(300.5)), 5.0)
    assert ("the server opened stream 1 to a token that was not good" in faults(story)) is not holds


def test_a_stream_whose_token_was_revoked_is_not_written_to():
    the_plan = plan((5.1, "server", acts.RevokesToken(), "revokes token"), server=ServerSpec(token_lasts=300.0))
    assert "to stream 1 at 10.0 s, when its token was revoked" in sentence(flawless(the_plan))
    none = plan((5.1, "server", acts.RevokesToken(), "revokes token"))
    assert state(LAW, flawless(none)) is LawState.HELD


def test_a_stream_ends_an_interval_after_a_newer_one():
    story = flawless(server=ServerSpec(keepalive=2.0))
    story.add(Subscriber(sub=2, job="j1", what="open", cursor="a-5"), 3.1)
    for index in range(6, 22):
        at = max(3.1, story.times()[index]) + 0.001
        story.add(Write(sub=2, job="j1", epoch="a", first=index, last=index, began_ns=ns(at)), at)
    assert "wrote event a-21 to stream 1 at 10.0 s, when a newer stream had taken over" in sentence(story)
    history = story.history()
    assert state(LAW, story, ended(history, "newer", 5.1)) is LawState.HELD
    assert "the server ended stream 1 at 4.9 s (newer) with no reason to" in faults(story, ended(history, "newer", 4.9))


def test_a_server_that_leaves_ends_all_streams():
    drains = plan((5.1, "server", acts.Drains(), "drains"))
    assert "the server kept stream 1 open at 5.1 s, told to end all" in faults(flawless(drains))
    history = flawless(drains).history()
    assert state(LAW, flawless(drains), ended(history, "stopped", 5.1)) is LawState.HELD
    rude = without(ended(history, "stopped", 5.1), Said)
    assert sentence(flawless(drains), rude) == "the server ended stream 1 at 5.1 s (stopped) and said no bye"


def test_a_stream_is_blocked_after_an_interval_and_not_before():
    story = flawless(server=ServerSpec(keepalive=2.0))
    history = story.history()

    def given_up(at):
        kept = [one for one in history.records if not (isinstance(one, Write) and one.first > 10)]
        kept = numbered([one for one in kept if not isinstance(one, Delivered)])
        partial = changed(kept, Write, write_at(kept, 10), whole=False, t_ns=ns(at))
        return changed(partial, Subscriber, 1, evidence="blocked", t_ns=ns(at))

    assert state(LAW, story, given_up(7.01)) is LawState.HELD
    assert "the server ended stream 1 at 6.8 s (blocked)" in sentence(story, given_up(6.8))


# Deeds that change what is right.


def repeating(times, first=8):
    """A handoff to a server that was told to repeat two events from 4.5 s on: the second stream begins two early."""
    the_plan = plan(
        reach(4.0, "silent"),
        (4.3, "server", acts.Repeats(count=2), "repeats 2"),
        (4.4, "device", acts.Loses(path="wifi"), "loses wifi"),
        (5.0, "device", acts.Joins(path="cellular"), "joins cellular"),
    )
    story = served(handoff(the_plan))
    history = story.history()
    at = place(history, Write, sub=2)
    history = changed(history, Write, at, first=first)
    kept = [one for one in history.records if not (isinstance(one, Delivered) and one.rid == 3)]
    known = {one.id: one for one in history.all(Delivered)}
    twice = [
        msgspec.structs.replace(known[f"a-{index}"], rid=3) for index in range(first, 22) for _ in range(times(index))
    ]
    return story, numbered([*kept, *twice])


def test_a_server_that_was_told_to_repeat_does_so():
    assert state(LAW, *repeating(lambda _: 2, first=6)) is LawState.HELD
    assert "the server answered the id 'a-7' from event a-8 instead of event a-6" in sentence(*repeating(lambda _: 2))
    once = sentence(*repeating(lambda index: 1 if index == 9 else 2, first=6))
    assert once == "the server sent event a-9 once on stream 2, and was told to repeat"
    thrice = sentence(*repeating(lambda index: 3 if index == 9 else 2, first=6))
    assert thrice == "the server sent event a-9 twice on stream 2"


# Its other answers.


def test_a_poll_is_answered_with_the_newest_state():
    def asked(index, status="processing"):
        story = flawless()
        story.request("poll", 3.6)
        snapshot = Snapshot(job="j1", epoch="a", state_index=index, status=status, rid=story.rids)
        return with_records(story, (3.603, snapshot))

    assert state(LAW, asked(7)) is LawState.HELD
    assert sentence(asked(5)) == (
        "the server answered a poll with processing, event a-5, where event a-7 (processing) was the newest"
    )
    assert "with completed, event a-7, where" in sentence(asked(7, "completed"))


def test_a_gap_is_told_where_one_is():
    expired = ServerSpec(replay=2)

    def told(how, cursor, server=None):
        story = flawless(server=server)
        return with_records(story, (6.1, GapSignal(job="j1", how=how, cursor=cursor)))

    assert state(LAW, told("410", "a-3", expired)) is LawState.HELD
    for how, cursor, server in [("410", "a-12", expired), ("410", "a-3", None), ("reset", "a-3", expired)]:
        assert sentence(told(how, cursor, server)).startswith(f"the server told a gap ({how}) to the cursor '{cursor}'")
    assert "told a gap (epoch)" in sentence(told("epoch", "a-3", None))


COMPLETED, GOING_ON = 10.5, 6.1


@pytest.mark.parametrize(
    ("what", "at", "answer", "text"),
    [
        ("results", COMPLETED, {"status": 200, "length": 10_000}, ""),
        ("results", COMPLETED, {"status": 200}, "the server has 0 B of results, where the plan has 10,000"),
        ("results", COMPLETED, {"status": 410}, "the server answered 410 to a request for results, where 200 was due"),
        ("results", GOING_ON, {"status": 409}, ""),
        ("results", GOING_ON, {"status": 200}, "the server answered 200 to a request for results, where 409 was due"),
        ("stream", GOING_ON, {"status": 410}, "the server answered 410 to the cursor 'a-3', where a stream was due"),
        ("stream", GOING_ON, {"status": 204}, "the server answered 204 to the cursor 'a-3', where a stream was due"),
        ("stream", GOING_ON, {"status": 406}, ""),
        ("poll", GOING_ON, {"status": 404}, "the server knew nothing of a job that it had accepted (request 4)"),
        ("poll", GOING_ON, {"status": 401}, "the server answered 401 to request 4 at 6.1 s, whose token was good"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_stream(what, at, answer, text):
    story = flawless()
    story.request(what, at, last="a-3" if what == "stream" else None, status=answer["status"])
    story = with_records(story, (at + 0.002, Answered(rid=story.rids, **answer)))
    if text:
        assert sentence(story) == text
    else:
        assert state(LAW, story) is LawState.HELD


def test_results_are_kept_as_long_as_the_plan_says_and_of_no_other_end():
    def asked(at, status, **job):
        the_plan = plan()
        the_plan = msgspec.structs.replace(the_plan, job=msgspec.structs.replace(the_plan.job, **job))
        story = served(Story(the_plan).run(until=30.0))
        story.request("results", at, status=status)
        return with_records(story, (at + 0.002, Answered(rid=story.rids, status=status, length=10_000)))

    assert state(LAW, asked(14.0, 200, results_kept=5.0)) is LawState.HELD
    assert state(LAW, asked(16.0, 410, results_kept=5.0)) is LawState.HELD
    assert "answered 410 to a request for results, where 200 was due" in sentence(asked(14.0, 410, results_kept=5.0))
    assert "answered 200 to a request for results, where 410 was due" in sentence(asked(16.0, 200, results_kept=5.0))
    assert state(LAW, asked(14.0, 404, ends="failed")) is LawState.HELD


@pytest.mark.parametrize(
    ("lasts", "refused", "at", "text"),
    [
        (300.0, None, 0, ""),
        (30.0, None, 0, "the server issued a token for 30.0 s, which is not the plan's"),
        (300.0, "t", 299.0, "the server answered 401 to request 4 at 299.0 s, whose token was good"),
        (300.0, "t", 301.0, ""),
        (300.0, "another", 299.0, ""),
    ],
)
def test_a_token_is_good_as_long_as_the_plan_says(lasts, refused, at, text):
    story = Story(plan(server=ServerSpec(token_lasts=300.0), lasts=400.0)).run()
    story.add(Answered(rid=0, status=200, token="t", expires_in=lasts), 0.5)
    if refused:
        story.request("poll", at - 0.002, status=401, token=True)
        story.add(Answered(rid=4, status=401, token=refused), at)
    assert faults(story) == ([text] if text else [])


def asked(**answer):
    """A poll that went on to the server at 6.1 s over a line of 2 ms, answered so; or not at all."""
    story = flawless()
    cid = story.conn(6.0)
    rid = story.request("poll", 6.1, cid=cid, status=0)
    story.add(Chunk(cid=cid, direction="upstream", offset=0, length=200, fate="delivered"), 6.1001)
    for at in answer.get("answered", ()):
        story.add(Snapshot(job="j1", epoch="a", state_index=int(at * 2), status="processing", rid=rid), at)
    if "killed" in answer:
        story.box("killed", answer["killed"], cid, detail="silently")
    if "left" in answer:
        story.close(answer["left"], cid)
    return story


@pytest.mark.parametrize(
    ("deed", "at", "away"),
    [
        (None, 6.0, False),
        (acts.Restarts(keeps_log=True, after=2.0), 6.0, True),
        (acts.Restarts(keeps_log=True, after=2.0), 6.2, True),  # late by less than it may be
        (acts.Restarts(keeps_log=True, after=2.0), 6.7, False),
        (acts.Drains(), 6.7, True),
        (acts.Hangs(), 6.7, True),
    ],
)
def test_a_server_that_is_there_turns_no_new_connection_away(deed, at, away):
    def found(how="fin", side="server", later=0.001) -> list[str]:
        story = served(Story(plan(*[(4.1, "server", deed, "a deed")] if deed is not None else [])).run())
        cid = story.conn(at)
        story.add(ConnEnd(cid=cid, side=side, how=how), at + later)
        return [one for one in faults(story) if "found nobody" in one]

    said = [] if away else [f"the server was there at {at} s, after any restart, and connection 4 found nobody"]
    assert found() == said
    assert found("rst") == said
    assert found("closed") == found(side="client") == found(later=1.5) == []


def test_what_was_answered_or_met_a_box_was_not_turned_away():
    for answered in (True, False):
        story = flawless()
        cid = story.conn(6.0)
        if answered:
            story.add(Chunk(cid=cid, direction="downstream", offset=0, length=9, fate="dropped"), 6.001)
        else:
            story.box("killed", 6.001, cid)
        story.add(ConnEnd(cid=cid, side="server", how="fin"), 6.1)
        assert [one for one in faults(story) if "found nobody" in one] == []


def test_a_server_that_was_away_answers_once_it_is_back():
    def asked_at(at: float) -> list[str]:
        story = served(Story(plan((2.1, "server", acts.Restarts(keeps_log=True, after=2.0), "restarts"))).run())
        cid = story.conn(at - 0.1)
        story.request("poll", at, cid=cid, status=0)
        story.add(Chunk(cid=cid, direction="upstream", offset=0, length=200, fate="delivered"), at + 0.0001)
        return [one for one in faults(story) if "did not answer" in one]

    assert asked_at(4.0) == []
    assert asked_at(6.1) == ["the server did not answer request 4 (poll) of 6.1 s"]


def test_a_question_is_answered_soon_and_once():
    assert state(LAW, asked(answered=(6.11,))) is LawState.HELD
    assert sentence(asked()) == "the server did not answer request 4 (poll) of 6.1 s"
    assert sentence(asked(answered=(6.6,))) == "the server did not answer request 4 (poll) of 6.1 s"
    assert sentence(asked(answered=(6.11, 6.12))) == "the server answered request 4 twice"
    assert state(LAW, asked(left=6.2)) is LawState.HELD
    assert state(LAW, asked(left=6.6)) is LawState.FAILED
    boxed = asked()
    boxed.box("answered", 6.1001, 3, rid=4)
    assert state(LAW, boxed) is LawState.HELD
    assert state(LAW, asked(killed=6.10005)) is LawState.HELD
    assert state(LAW, asked(killed=6.2)) is LawState.FAILED
    hung = Story(plan(HANGS, RECOVERS))
    hung.emit_all()
    hung.deeds()
    cid = hung.conn(6.0)
    hung.request("poll", 6.1, cid=cid, status=0)
    hung.add(Chunk(cid=cid, direction="upstream", offset=0, length=200, fate="delivered"), 6.1001)
    hung.add(Answered(rid=9, status=404), 0.1)
    hung.end(11.2)
    assert state(LAW, hung) is LawState.HELD


def test_a_stream_is_an_answer_and_what_waits_behind_one_or_was_killed_is_owed_none():
    def behind(**more):
        """A stream that is asked for at 6.1 s; what else was on its connection."""
        story = flawless()
        cid = story.conn(6.0)
        rid = story.request("stream", 6.1, cid=cid, status=0, last="a-11")
        story.add(Chunk(cid=cid, direction="upstream", offset=0, length=200, fate="delivered"), 6.1001)
        if "opened" in more:
            story.add(Subscriber(sub=2, job="j1", what="open", cursor="a-11", rid=rid), more["opened"])
            story.add(Subscriber(sub=2, job="j1", what="close", evidence="fin", rid=rid), 6.7)
            story.add(Said(sub=2, what="open", began_ns=ns(more["opened"])), more["opened"])
        if "then" in more:
            story.request("poll", more["then"], cid=cid, status=0)
            story.add(
                Chunk(cid=cid, direction="upstream", offset=200, length=200, fate="delivered"), more["then"] + 1e-4
            )
        if more.get("killed"):
            story.box("killed", 6.05, cid)
        return [fault for fault in faults(story) if "answer" in fault]

    assert behind() == ["the server did not answer request 4 (stream) of 6.1 s"]
    assert behind(opened=6.12) == []
    assert behind(killed=True) == []
    assert behind(opened=6.12, then=6.3) == []  # it waits for the stream's end
    assert behind(opened=6.12, then=6.8) == ["the server did not answer request 5 (poll) of 6.8 s"]


def test_a_request_counts_from_when_its_bytes_went_on():
    story = flawless()
    cid = story.conn(6.0)
    story.request("poll", 6.1, cid=cid, status=0)
    for at, fate in ((6.1, "held"), (8.1, "delivered")):
        story.add(Chunk(cid=cid, direction="upstream", offset=0, length=200, fate=fate), at)
    story.add(Chunk(cid=cid, direction="downstream", offset=0, length=200, fate="delivered"), 6.2)
    story.add(Snapshot(job="j1", epoch="a", state_index=16, status="processing", rid=4), 8.2)
    assert state(LAW, story) is LawState.HELD
    never = flawless()
    cid = never.conn(6.0)
    never.request("poll", 6.1, cid=cid, status=0)
    never.add(Chunk(cid=cid, direction="upstream", offset=0, length=200, fate="dropped"), 6.1)
    assert state(LAW, never) is LawState.HELD


def resetting(*types):
    """A server that has forgotten what the client asks for: a reset event, and the newest from there on."""
    story = Story(handoff_plan(server=ServerSpec(replay=1, expired_cursor="reset event")))
    story.emit_all()
    story.deeds()
    story.dial(5.001, last="a-7")
    story.end(11.2)
    emits = [one for one in story.records if isinstance(one, Emit)]
    story.add(Subscriber(sub=1, job="j1", what="open", cursor="a-7", rid=1), 5.008)
    story.add(Said(sub=1, what="reset", began_ns=ns(5.00801)), 5.00801)
    for index in range(10, 22):
        at = max(5.00801, story.times()[index] + 0.001)
        story.add(Write(sub=1, job="j1", epoch="a", first=index, last=index, began_ns=ns(at), rid=1), at)
    story.add(Subscriber(sub=1, job="j1", what="close", evidence="done", rid=1), 10.01)
    for kind in types:
        story.add(Delivered(rid=1, cid=1, id="a-7", type=kind, digest="r"), 5.02)
    for index in range(10, 22):
        one = Delivered(rid=1, cid=1, id=f"a-{index}", type=emits[index].type, digest=emits[index].digest)
        story.add(one, max(5.021, story.times()[index] + 0.004))
    return faults(story)


def test_a_reset_event_comes_first_where_one_is_due():
    assert resetting("reset") == []
    assert resetting("reset", "processing") == [
        "stream 1 carried other bytes than event a-7 has",
        "the server answered the id 'a-7' from event a-7 instead of event a-10, on stream 1",
        f"the server left out events 8{DASH}9 on stream 1, after event a-7",
    ]
    story = flawless()
    story.add(Delivered(rid=2, cid=2, id="", type="reset", digest="r"), 0.02)
    assert "stream 1 carried an event of the id '', which its log does not have" in faults(story)


def test_a_gap_is_told_by_a_new_epoch_where_nothing_else_says_it():
    story = lost_log()
    story.plan = msgspec.structs.replace(story.plan, server=ServerSpec(expired_cursor="silent"))
    told = with_records(story, (6.0, GapSignal(job="j1", how="epoch", cursor="a-3")))
    assert state(LAW, told) is LawState.HELD
    own = with_records(lost_log(), (8.0, GapSignal(job="j1", how="epoch", cursor="b-1")))
    assert "the server told a gap (epoch) to the cursor 'b-1', behind which none was" in faults(own)
    aloud = with_records(lost_log(), (6.0, GapSignal(job="j1", how="epoch", cursor="a-3")))  # 410 is due
    assert "the server told a gap (epoch) to the cursor 'a-3', behind which none was" in faults(aloud)


def test_a_poll_of_a_job_that_has_only_begun():
    story = flawless()
    story.request("poll", 0.1)
    snapshot = Snapshot(job="j1", epoch="a", state_index=0, status="processing", rid=story.rids)
    assert "where event a-0 (initialized) was the newest" in sentence(with_records(story, (0.103, snapshot)))


def test_a_finished_job_has_nothing_more_to_say():
    story = flawless()
    story.request("stream", 10.5, last="a-21", status=204)
    assert state(LAW, with_records(story, (10.503, Answered(rid=story.rids, status=204)))) is LawState.HELD
    open_ = Subscriber(sub=2, job="j1", what="open", cursor="a-21", rid=0)
    said = Said(sub=2, what="open", began_ns=ns(10.6001))
    again = with_records(flawless(), (10.6, open_), (10.6001, said))
    assert "the server opened stream 2 from the id 'a-21', where 204 was due" in sentence(again)


def test_a_deed_that_could_not_be_carried_out_excuses_nothing():
    the_plan = plan((5.1, "server", acts.RevokesToken(), "revokes token"), server=ServerSpec(token_lasts=300.0))
    story = flawless(the_plan)
    at = place(story.history(), DeedDone, deed=0)
    assert state(LAW, story, changed(story.history(), DeedDone, at, error="refused")) is LawState.HELD
