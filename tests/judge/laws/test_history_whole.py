"""H1: each way in which a history can lack a record, or tell an effect before its cause."""

import msgspec
import pytest

from harness.history import (
    App,
    Attempt,
    Chunk,
    Conn,
    ConnEnd,
    Emit,
    End,
    EndPassed,
    History,
    Job,
    Request,
    Rescheduled,
    Response,
    Subscriber,
    Write,
)
from harness.judge.judge import judge
from harness.judge.verdict import State, Word
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff, handoff_plan
from tests.judge.story import Story, numbered, plan


def told(*records):
    """A plan's flawless run, and behind it these records."""
    story = Story(plan()).run()
    return story, numbered([*story.history().records, *(msgspec.structs.replace(one, t_ns=1) for one in records)])


def test_a_flawless_run_is_whole():
    assert state("history-whole", handoff()) is State.HELD


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        (lambda place: place != 7, "record 8 of the history is missing"),
        (lambda place: place not in {7, 8, 9}, "records 8 to 10 of the history is missing"),
    ],
)
def test_a_number_that_is_missing_is_a_record_that_is(kept, sentence):
    story = Story(plan()).run()
    history = History([one for place, one in enumerate(story.history().records) if kept(place)])
    assert law("history-whole", story, history).sentence.startswith(sentence)


def test_a_journal_that_drops_every_fortieth_record_fails_nobody_but_itself():
    story = Story(plan(lasts=100.0, items=200)).run()
    kept = [one for place, one in enumerate(story.history().records, start=1) if place % 40]
    assert judge(story.plan, History(kept)).word is Word.VOID


def test_a_record_twice_is_no_better():
    story = Story(plan()).run()
    records = story.history().records
    assert law("history-whole", story, History([*records, records[-1]])).sentence.startswith("record ")


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (Conn(cid=1, client="c1", path="wifi"), "connection 1 begins twice"),
        (Chunk(cid=99, direction="upstream", offset=0, length=1, fate="delivered"), "bytes of connection 99 come"),
        (Chunk(cid=1, direction="upstream", offset=10**6, length=1, fate="delivered"), "1000000 bytes of connection 1"),
        (ConnEnd(cid=99, side="client", how="fin"), "connection 99 ends before it begins"),
        (EndPassed(cid=1, side="client", how="fin"), "an end of connection 1 was let go that nobody had held"),
        (Request(rid=99, cid=1, client="c1", what="poll", method="GET", target="/"), "request 99 comes where"),
        (Response(rid=99, cid=1, status=200), "request 99 is answered before it was made"),
        (Rescheduled(job="j9", epoch="a", why="pauses", first=0, schedule_ns=[]), "job j9 is rescheduled before"),
        (
            Emit(job="j1", epoch="a", index=99, id="a-99", type="x", digest="", intended_ns=1, actual_ns=1),
            "event a-99 is emitted where a-",
        ),
        (
            Emit(job="j9", epoch="z", index=0, id="z-0", type="x", digest="", intended_ns=1, actual_ns=1),
            "job j9 emits before it was accepted",
        ),
        (Subscriber(sub=99, job="j1", what="open"), "stream 99 of the server opens where"),
        (Subscriber(sub=99, job="j1", what="close"), "stream 99 of the server closes before it opens"),
        (Write(sub=99, job="j1", epoch="a", first=0, last=0), "stream 99 of the server is written to before it opens"),
        (Attempt(client="c1", n=99, cause="failed"), "attempt 99 of c1 comes where"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_what_does_not_follow_from_what_was_told(record, sentence):
    story, history = told(record)
    found = law("history-whole", story, history)
    assert (found.state, found.cause) == (State.FAILED, "record-missing")
    assert found.sentence.startswith(sentence)


def test_an_event_is_written_behind_its_emission():
    late = Write(sub=1, job="j1", epoch="a", first=0, last=99)
    story, history = told(Subscriber(sub=1, job="j1", what="open"), late)
    assert law("history-whole", story, history).sentence == "event a-99 is written before it was emitted"


def test_the_next_byte_and_the_next_event_are_the_first_that_may_be_missing():
    whole = Story(plan()).run().history()
    five = Chunk(cid=1, direction="downstream", offset=0, length=5, fate="delivered")
    gap = msgspec.structs.replace(five, offset=6)
    assert law("history-whole", *told(five, gap)).sentence == "1 bytes of connection 1 are missing downstream"
    assert state("history-whole", *told(five, msgspec.structs.replace(gap, offset=5))) is State.HELD
    last = whole.all(Emit)[-1]
    opens = Subscriber(sub=1, job="j1", what="open")
    ahead = Write(sub=1, job="j1", epoch=last.epoch, first=last.index + 1, last=last.index + 1)
    assert "is written before it was emitted" in law("history-whole", *told(opens, ahead)).sentence
    behind = msgspec.structs.replace(ahead, first=last.index, last=last.index)
    assert state("history-whole", *told(opens, behind)) is State.HELD


def test_an_end_that_one_side_held_is_let_go_on_that_side():
    held = ConnEnd(cid=1, side="client", how="fin", held=True)
    assert state("history-whole", *told(held, EndPassed(cid=1, side="client", how="fin"))) is State.HELD
    assert state("history-whole", *told(held, EndPassed(cid=1, side="server", how="fin"))) is State.FAILED


def test_a_new_epoch_begins_at_zero():
    again = Job(job="j1", epoch="b", accepted_ns=1, schedule_ns=[1])
    emit = Emit(job="j1", epoch="b", index=0, id="b-0", type="x", digest="", intended_ns=1, actual_ns=1)
    assert state("history-whole", *told(again, emit)) is State.HELD


@pytest.mark.parametrize("kind", [App, Emit])
def test_what_the_journal_was_given_and_does_not_have_is_missing(kind):
    story = Story(plan()).run()
    whole = story.history()
    assert state("history-whole", story, whole) is State.HELD
    last, tag = whole.all(kind)[-1], str(kind.__struct_config__.tag)
    given = len(whole.all(kind))
    fewer = [one for one in whole.records if one is not last]
    renumbered = [msgspec.structs.replace(one, seq=seq) for seq, one in enumerate(fewer, start=1)]
    found = law("history-whole", story, History(renumbered))
    assert f"{given} records of kind {tag} were written and {given - 1} are there" in found.sentence


def test_a_record_more_than_the_end_counts_is_no_better():
    story = Story(plan()).run()
    records = story.history().records
    end = next(one for one in records if isinstance(one, End))
    fewer = {**end.counts, "app": end.counts["app"] - 1}
    history = History([msgspec.structs.replace(one, counts=fewer) if one is end else one for one in records])
    found = law("history-whole", story, history)
    assert found.sentence.startswith(f"{fewer['app']} records of kind app were written and {end.counts['app']} are")
    none = {kind: count for kind, count in end.counts.items() if kind != "app"}
    history = History([msgspec.structs.replace(one, counts=none) if one is end else one for one in records])
    assert law("history-whole", story, history).sentence.startswith("0 records of kind app were written and")


def test_the_first_number_is_one():
    story = Story(plan()).run()
    later = History([msgspec.structs.replace(one, seq=one.seq + 1) for one in story.history().records])
    assert law("history-whole", story, later).sentence == "record 1 of the history is missing"


def test_an_empty_history_says_nothing():
    assert empty("history-whole", handoff_plan()) is State.UNKNOWN
