"""H1: each way in which a history can lack a record, tell an effect before its cause, or have other bytes than sent."""

from collections.abc import Callable, Iterable

import msgspec
import pytest

from harness.deeds import acts
from harness.history import (
    Answered,
    App,
    Attempt,
    AttemptEnd,
    Block,
    Body,
    Boxed,
    Canary,
    Census,
    Chunk,
    Conn,
    ConnEnd,
    DeedDone,
    Delivered,
    Dial,
    Emit,
    End,
    EndPassed,
    GapSignal,
    Health,
    History,
    Job,
    Listens,
    Read,
    Request,
    Rescheduled,
    Response,
    Said,
    SignalHeard,
    SignalTold,
    Snapshot,
    Status,
    StreamBegan,
    Subscriber,
    Waited,
    Write,
)
from harness.history.records import Record
from harness.judge import phrases
from harness.judge.judge import judge
from harness.judge.verdict import LawState, Word
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff, handoff_plan
from tests.judge.serving import served
from tests.judge.story import DELAY, Story, numbered, plan

NOW = -1
DEED = (4.0, "device", acts.Joins(path="cellular"), "joins cellular")


def whole() -> tuple[Story, list[Record]]:
    """A run with a signal, a deed and its canary, and a status answer."""
    story = Story(plan(DEED))
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.status("connected", 0.03, attempt=1)
    story.signal("joins", 4.0, "cellular", heard=4.001)
    story.request("poll", 5.0)
    story.add(Snapshot(job="j1", epoch="a", state_index=3, status="processing", rid=story.rids, digest="5"), 5.004)
    story.add(Body(rid=story.rids, cid=story.cids, length=9, digest="5", whole=True), 5.007)
    for index, due in enumerate(story.times()):
        story.show(index, max(due + DELAY, 0.04))
    story.add(Read(cid=2, upto=200), 5.02)
    story.finish(10.006, fetch=False)
    story.end(11.2)
    story.add(Answered(rid=1, status=202), 0.0065)
    served(story)
    return story, story.history().records


def told(*records: Record) -> tuple[Story, History]:
    """Such a run, and at 6.0 s these records, whose own times are ``NOW``."""
    story, before = whole()
    at = 10**12 + 6 * 10**9
    place = sum(one.t_ns < at for one in before)
    return story, numbered([*before[:place], *(timed(one, at) for one in records), *before[place:]])


def timed(record: Record, at_ns: int) -> Record:
    """The same record at this stamp."""
    times = {name: at_ns for name in record.__struct_fields__ if getattr(record, name) == NOW}
    return msgspec.structs.replace(record, **{**times, "t_ns": at_ns})


def changed(change: Callable[[list[Record]], Iterable[Record]]) -> tuple[Story, History]:
    """Such a run whose records went through this."""
    story, before = whole()
    return story, numbered(change(before))


def without_the(kind: type[Record], place: int = -1, **fields: object) -> Callable[[list[Record]], list[Record]]:
    """Drop one record of a kind that has these fields: the last, or the ``place``-th."""

    def drop(records: list[Record]) -> list[Record]:
        alike = [one for one in records if isinstance(one, kind) and _has(one, fields)]
        return [one for one in records if one is not alike[place]]

    return drop


def with_another(kind: type[Record], place: int, **fields: object) -> Callable[[list[Record]], list[Record]]:
    """Change one record of a kind."""

    def change(records: list[Record]) -> list[Record]:
        mine = [one for one in records if isinstance(one, kind)][place]
        return [msgspec.structs.replace(one, **fields) if one is mine else one for one in records]

    return change


def _has(record: Record, fields: dict[str, object]) -> bool:
    return all(getattr(record, name) == value for name, value in fields.items())


def test_a_flawless_run_is_whole():
    assert state("history-whole", handoff()) is LawState.HELD
    assert state("history-whole", *told()) is LawState.HELD


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


LAST = Emit(job="j1", epoch="a", index=99, id="a-99", type="x", digest="", intended_ns=NOW, actual_ns=NOW)
ENDS = ("client", "server")
POLL = Request(rid=4, cid=1, client="c1", what="poll", method="GET", target="/", job="j1")
BODY = Body(rid=4, cid=1, length=0, digest="", whole=False)
EVENT = Delivered(rid=2, cid=2, id="a-12", type="processing", digest="da12")


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        # The gate and the phone.
        ([Conn(cid=1, client="c1", path="wifi")], "connection 1 begins twice"),
        ([Chunk(cid=99, direction="upstream", offset=0, length=1, fate="delivered")], "bytes of connection 99 come"),
        ([Chunk(cid=1, direction="upstream", offset=7, length=1, fate="delivered")], "7 bytes of connection 1 are"),
        ([Waited(cid=99, direction="upstream", offset=0, until_ns=NOW)], "bytes of connection 99 wait at the rad"),
        ([Waited(cid=1, direction="upstream", offset=3, until_ns=NOW)], "bytes of connection 1 wait at 3 upstre"),
        (
            [Chunk(cid=1, direction="upstream", offset=0, length=length, fate="held") for length in (5, 5, 4)],
            "bytes 0 to 4 of connection 1 are told of twice upstream",
        ),
        (
            [
                Chunk(cid=1, direction="upstream", offset=0, length=5, fate="delivered", crc=7),
                ConnEnd(cid=1, side="client", how="fin", sent=5, crc=8),
            ],
            "the bytes of connection 1 at the gate are not those that its phone had sent",
        ),
        (
            [
                Chunk(cid=1, direction="downstream", offset=0, length=5, fate="delivered", crc=7),
                Chunk(cid=1, direction="downstream", offset=5, length=5, fate="delivered", crc=9),
                Read(cid=1, upto=10, crc=8),
            ],
            "the bytes that the phone read of connection 1 are not those that its radio had for it",
        ),
        (
            [Chunk(cid=1, direction="downstream", offset=0, length=5, fate="delivered"), Read(cid=1, upto=5, no=2)],
            "reading 2 of connection 1 comes where 1 was due",
        ),
        (
            [Dial(client="c2", path="", port=0, from_ns=NOW, to_ns=NOW, fate="no path", no=2)],
            "dial 2 of c2 comes where 1 was due",
        ),
        ([ConnEnd(cid=99, side="client", how="fin")], "connection 99 ends before it begins"),
        ([ConnEnd(cid=1, side="client", how="fin")] * 2, "connection 1 ends twice at its client"),
        (
            [ConnEnd(cid=1, side="client", how="closed", swallowed=True)],
            "connection 1 was lost before the OS of its client knew of a loss",
        ),
        ([EndPassed(cid=1, side="client", how="fin")], "an end of connection 1 was let go that nobody had held"),
        ([Read(cid=1, upto=1)], "the phone read 1 bytes of connection 1 where 0 had come"),
        ([Read(cid=2, upto=200)], "the phone read connection 2 up to 200 after 200"),
        ([Dial(client="c1", path="wifi", port=0, from_ns=NOW, to_ns=NOW, fate="lost")], "a dial of c1 was lost bef"),
        ([Dial(client="c1", path="wifi", port=7, from_ns=NOW, to_ns=NOW, fate="open")], "a dial of c1 from port 7 c"),
        ([Conn(cid=9, client="c1", path="wifi", peer="h:7")], "connection 9 of c1 was dialled by nobody"),
        ([Listens(client="c2", on=False)], "c2 ceases to listen before it began"),
        ([SignalHeard(client="c1", what="offline", told=1)], "c1 heard offline before it was told"),
        # The HTTP stage.
        ([msgspec.structs.replace(POLL, rid=99)], "request 99 comes where 4 was due"),
        ([msgspec.structs.replace(POLL, cid=99)], "request 4 comes before its connection"),
        ([Response(rid=99, cid=1, status=200)], "request 99 is answered before it was made"),
        ([Response(rid=1, cid=1, status=202)], "request 1 is answered twice, or on another connection"),
        ([POLL, msgspec.structs.replace(POLL, rid=5), Response(rid=5, cid=1, status=200)], "request 4 has no answer"),
        ([POLL, Response(rid=4, cid=1, status=200)], "request 4 is answered before the server answered it"),
        ([POLL, Answered(rid=4, status=404), Response(rid=4, cid=1, status=200)], "request 4 was answered 404 and 200"),
        (
            [msgspec.structs.replace(POLL, cid=3), Answered(rid=4, status=404), Response(rid=4, cid=3, status=404),
             StreamBegan(rid=4, cid=2)],
            "the stream of request 4 begins on another connection",
        ),
        (
            [msgspec.structs.replace(POLL, cid=3), Answered(rid=4, status=404), Response(rid=4, cid=3, status=404),
             BODY],
            "the body of request 4 comes on another connection",
        ),
        ([msgspec.structs.replace(EVENT, cid=1)], "an event of request 2 reached the phone on another connection"),
        ([StreamBegan(rid=99, cid=1)], "the stream of request 99 begins before its answer"),
        ([StreamBegan(rid=2, cid=2)], "the stream of request 2 begins twice"),
        ([Body(rid=3, cid=3, length=9, digest="5", whole=True)], "the body of request 3 comes twice"),
        ([Body(rid=99, cid=1, length=0, digest="", whole=True)], "the body of request 99 comes before its answer"),
        (
            [POLL, Answered(rid=4, status=404, length=7, digest="7"), Response(rid=4, cid=1, status=404),
             Body(rid=4, cid=1, length=7, digest="8", whole=True)],
            "the body of request 4 is not what the server answered",
        ),
        (
            [POLL, Answered(rid=4, status=404, length=7, digest="7"), Response(rid=4, cid=1, status=404),
             Body(rid=4, cid=1, length=8, digest="7", whole=False)],
            "request 4 was answered with 7 bytes and 8 reached the client",
        ),
        ([msgspec.structs.replace(EVENT, rid=99)], "an event of request 99 reached the phone before its answer"),
        ([msgspec.structs.replace(EVENT, rid=1)], "an event of request 1 reached the phone before the first byte"),
        ([EVENT], "event a-12 at the phone (c1) is none that the server had emitted"),
        ([msgspec.structs.replace(EVENT, type="reset")], "request 2 was reset, and no server said so"),
        ([POLL, Response(rid=4, cid=1, status=503, by="middle")], "request 4 has a box's answer before a box acts"),
        ([Boxed(cid=99, client="c1", what="killed")], "a box acts on connection 99 before it begins"),
        (
            [*(ConnEnd(cid=1, side=side, how="fin") for side in ENDS), Boxed(cid=1, client="c1", what="cut")],
            "a box acts on connection 1 after its end",
        ),
        ([Boxed(cid=1, client="c1", what="answered", rid=9)], "a box acts on request 9 before it was made"),
        # The server.
        ([Job(job="j9", epoch="a", accepted_ns=NOW, schedule_ns=[], rid=9)], "the server answers request 9 before it"),
        ([Rescheduled(job="j9", epoch="a", why="pauses", first=0, schedule_ns=[])], "job j9 is rescheduled before"),
        ([LAST], "event a-99 is emitted where a-"),
        ([msgspec.structs.replace(LAST, job="j9", index=0)], "job j9 emits before it was accepted"),
        ([Subscriber(sub=99, job="j1", what="open")], "stream 99 of the server opens where"),
        ([Subscriber(sub=2, job="j1", what="open")], "stream 2 of the server never closes"),
        ([Subscriber(sub=99, job="j1", what="close")], "stream 99 of the server closes before it opens"),
        ([Write(sub=99, job="j1", epoch="a", first=0, last=0)], "stream 99 of the server is written to before it"),
        ([Write(sub=1, job="j1", epoch="a", first=0, last=0, rid=2)], "stream 1 of the server is written to at 0"),
        ([Write(sub=1, job="j1", epoch="a", first=0, last=0, offset=10**9)], "stream 1 of the server is written to fo"),
        (
            [Write(sub=1, job="j1", epoch="a", first=99, last=99, rid=2, offset=10**9)],
            "event a-99 is written before it was emitted",
        ),
        ([Said(sub=99, what="open")], "stream 99 of the server says open before it opens"),
        (
            [msgspec.structs.replace(POLL, what="stream"), Answered(rid=4, status=410)],
            "request 4 is answered 410, and no gap was told of",
        ),
        (
            [POLL, Subscriber(sub=2, job="j1", what="open", rid=4)],
            "request 4 asked for poll j1 and was answered as one for stream j1",
        ),
        (
            [POLL, Snapshot(job="j2", epoch="a", state_index=-2, status="", rid=4)],
            "request 4 asked for poll j1 and was answered as one for poll j2",
        ),
        (
            [msgspec.structs.replace(POLL, what="stream"), Subscriber(sub=2, job="j1", what="open", cursor="x", rid=4)],
            "request 4 carried the cursor '' and the server was asked 'x'",
        ),
        (
            [
                Subscriber(sub=2, job="j1", what="open"),
                Write(sub=2, job="j1", epoch="a", first=0, last=0, offset=9, length=20),
                Said(sub=2, what="keep-alive", length=4),
                Write(sub=2, job="j1", epoch="a", first=1, last=1, offset=32, length=20),
            ],
            "stream 2 of the server is written to at 32, where its body had come to 33",
        ),
        ([Answered(rid=9, status=200)], "the server answers request 9 before it was made"),
        ([GapSignal(job="j1", how="410", cursor="", rid=9)], "the server answers request 9 before it was made"),
        ([Snapshot(job="j1", epoch="a", state_index=99, status="")], "a status answer tells of event a-99 before it w"),
        # The client, and the runner.
        ([Attempt(client="c1", n=2, no=9, cause="failed")], "beginning 9 of an attempt of c1 comes where"),
        ([AttemptEnd(client="c1", n=2, no=9, how="eof")], "end 9 of an attempt of c1 comes where 1 was due"),
        (
            [Status(client="c1", word="closed", ends=9)],
            "9 ends of attempts of c1 were written and 0 are there as it says closed",
        ),
        ([Status(client="c1", word="closed", no=1)], "status word 1 of c1 comes where 2 was due"),
        ([App(client="c1", job="j1", callback="error", enter_ns=NOW, exit_ns=NOW, no=9)], "callback 9 of c1 comes"),
        ([Block(client="c1", attempt=1, id="", no=1)], "block 1 of c1 comes where"),
        (
            [AttemptEnd(client="c1", n=1, how="eof", written={"app": 99})],
            "99 records of kind app of c1 were written and 12 are there as attempt 1 ends",
        ),
        ([Census(when="start", counts={})], "a census of the start is taken twice"),
        ([Health(lags_us=[], no=2)], "health record 2 comes where 1 was due"),
        ([DeedDone(deed=0, issued_ns=NOW, returned_ns=NOW, client="c1")], "deed 0 is carried out twice"),
        ([Canary(deed=7, met=True)], "deed 7 is proved before it was carried out"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else type(value[-1]).__name__,
)  # fmt: skip
def test_what_does_not_follow_from_what_was_told(records, sentence):
    story, history = told(*records)
    found = law("history-whole", story, history)
    assert (found.state, found.cause) == (LawState.FAILED, "record-missing")
    assert found.sentence.startswith(sentence)


@pytest.mark.parametrize(
    "records",
    [
        [Chunk(cid=1, direction="downstream", offset=0, length=5, fate=fate) for fate in ("delivered", "dropped")],
        [
            Chunk(cid=1, direction="upstream", offset=0, length=5, fate="held"),
            Waited(cid=1, direction="upstream", offset=5, until_ns=NOW),
            Chunk(cid=1, direction="upstream", offset=5, length=5, fate="dropped"),
        ],
        [
            Dial(client="c1", path="wifi", port=7, from_ns=NOW, to_ns=NOW, fate="open"),
            Conn(cid=9, client="c1", path="wifi", peer="h:7"),
            ConnEnd(cid=9, side="client", how="fin", held=True),
            ConnEnd(cid=9, side="server", how="fin"),
            EndPassed(cid=9, side="client", how="fin"),
        ],
        [Chunk(cid=1, direction="downstream", offset=0, length=5, fate="delivered"), Read(cid=1, upto=5)],
        [  # what queued behind held bytes has no record until it passes
            Chunk(cid=1, direction="upstream", offset=0, length=5, fate="held"),
            Chunk(cid=1, direction="upstream", offset=9, length=5, fate="held"),
            Chunk(cid=1, direction="upstream", offset=0, length=5, fate="delivered"),
            Chunk(cid=1, direction="upstream", offset=5, length=2, fate="delivered"),
            Chunk(cid=1, direction="upstream", offset=7, length=2, fate="delivered"),
            Chunk(cid=1, direction="upstream", offset=9, length=5, fate="delivered"),
        ],
        [
            Chunk(cid=1, direction="downstream", offset=0, length=5, fate="delivered", crc=7),
            Chunk(cid=1, direction="downstream", offset=5, length=5, fate="delivered", crc=9),
            Read(cid=1, upto=7, crc=1, no=1),
            Read(cid=1, upto=10, crc=9, no=2),
        ],
        [
            Conn(cid=9, client="canary", path="wifi"),
            Chunk(cid=9, direction="upstream", offset=0, length=5, fate="delivered", crc=7),
            ConnEnd(cid=9, side="client", how="fin", sent=9, crc=8),  # more was on its way
            ConnEnd(cid=9, side="server", how="fin"),
        ],
        [
            Subscriber(sub=2, job="j1", what="open"),
            Write(sub=2, job="j1", epoch="a", first=0, last=0, offset=9, length=20),
            Said(sub=2, what="keep-alive", length=4),
            Write(sub=2, job="j1", epoch="a", first=1, last=1, offset=33, length=20),
            Subscriber(sub=2, job="j1", what="close"),
        ],
        [Dial(client="c1", path="wifi", port=7, from_ns=NOW, to_ns=NOW, fate="given up")],
        [
            Conn(cid=9, client="c1", path="wifi", peer="h:7"),
            Dial(client="c1", path="wifi", port=7, from_ns=NOW, to_ns=NOW, fate="given up"),
            ConnEnd(cid=9, side="client", how="fin"),
            ConnEnd(cid=9, side="server", how="fin"),
        ],
        [
            SignalTold(client="c1", what="loses", path="wifi", ears=1),
            Dial(client="c1", path="wifi", port=0, from_ns=NOW, to_ns=NOW, fate="lost"),
        ],
        [Listens(client="c1", on=True), SignalTold(client="c1", what="offline", ears=2)],
        [POLL],
        [
            POLL,
            Boxed(cid=1, client="c1", what="answered", rid=4),
            Response(rid=4, cid=1, status=503, by="middle"),
            BODY,
        ],
        [POLL, Response(rid=4, cid=1, status=400), BODY],
        [POLL, Answered(rid=4, status=410), Response(rid=4, cid=1, status=410), BODY],
        [
            msgspec.structs.replace(POLL, what="stream"),
            GapSignal(job="j1", how="410", cursor="", rid=4),
            Answered(rid=4, status=410),
        ],
        [msgspec.structs.replace(EVENT, event=False, id="", digest="", retry=500)],
        [GapSignal(job="j1", how="reset", cursor="", rid=2), msgspec.structs.replace(EVENT, type="reset")],
        [
            Job(job="j1", epoch="b", accepted_ns=NOW, schedule_ns=[1]),
            msgspec.structs.replace(LAST, epoch="b", index=0),
        ],
        [
            Subscriber(sub=2, job="j1", what="open"),
            Write(sub=2, job="j1", epoch="a", first=0, last=11, offset=9),
            Said(sub=2, what="bye"),
            Subscriber(sub=2, job="j1", what="close"),
        ],
        [Attempt(client="c1", n=2, cause="failed"), AttemptEnd(client="c1", n=2, how="eof")],
        # A client that numbers its attempts as it likes, ends what it never began, and begins what never ends.
        [Attempt(client="c1", n=99, cause="failed"), AttemptEnd(client="c1", n=7, how="eof")],
        [Attempt(client="c1", n=1, cause="signal")],
    ],
)
def test_what_follows_is_whole(records):
    assert law("history-whole", *told(*records)).sentence == ""
    assert state("history-whole", *told(*records)) is LawState.HELD


@pytest.mark.parametrize(("undelivered", "cuts", "said"), [((9,), 0, True), ((9,), 1, False), ((9, 8), 1, True)])
def test_each_event_that_was_cut_on_its_way_may_have_been_shown_from_what_came_of_it(undelivered, cuts, said):
    def change(records: list[Record]) -> list[Record]:
        for place in undelivered:
            records = without_the(Delivered, place)(records)
        first = next(place for place, one in enumerate(records) if isinstance(one, Delivered))
        cut = Boxed(t_ns=records[first].t_ns, cid=2, client="c1", what="cut", rid=2)
        return [*records[:first], *[cut] * cuts, *records[first:]]

    sentence = law("history-whole", *changed(change)).sentence
    assert ("before it reached the phone" in sentence) is said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_the(Delivered, 9), "the app of c1 was shown event a-9 before it reached the phone"),
        (without_the(Write, 9), "event a-9 reached the phone and was never written to its stream"),
        (without_the(Emit, 9), "event a-9 is written before it was emitted"),
        (without_the(StreamBegan), "an event of request 2 reached the phone before the first byte of its stream"),
        (without_the(Subscriber, 0), "stream 1 of the server is written to before it opens"),
        (without_the(Subscriber), "stream 1 of the server never closes"),
        (without_the(Snapshot), "request 3 is answered before the server answered it"),
        (without_the(Body, rid=3), "the answer to request 3 has no body"),
        (without_the(Dial), "connection 3 of c1 was dialled by nobody"),
        (without_the(ConnEnd, side="server"), "connection 3 of c1 never ends at its server"),
        (without_the(ConnEnd, side="client"), "connection 3 of c1 never ends at its client"),
        (without_the(App, 3), "callback 5 of c1 comes where 4 was due"),
        (without_the(Status, 0), "status word 2 of c1 comes where 1 was due"),
        (without_the(Request, 1), "the server answers request 2 before it was made"),
        (without_the(SignalTold), "c1 heard joins before it was told"),
        (without_the(Census), "no census of the end was taken"),
        (without_the(Health), "the harness never told how late its own scheduler was"),
        (with_another(Delivered, 9, type="other"), "event a-9 at the phone (c1) is of another type or size than"),
        (with_another(Emit, 9, size=7), "event a-9 at the phone (c1) is of another type or size than the server"),
        (
            with_another(Snapshot, 0, length=9, digest="6"),
            "the body of request 3 is not what the server answered",
        ),
        (with_another(Snapshot, 0, length=8), "request 3 was answered with 8 bytes and 9 reached the client"),
        (without_the(DeedDone), "deed 0 is proved before it was carried out"),
        (with_another(Delivered, 9, digest="flipped"), "event a-9 at the phone (c1) is none that the server had emi"),
        (with_another(Delivered, 9, id="a-8"), "event a-8 at the phone (c1) is none that the server had emitted"),
        (with_another(Body, 1, digest="flipped"), "the body of request 3 is not what the server answered"),
        (
            with_another(Dial, 2, from_ns=10**12 + 4_999_100_000),
            "connection 3 of c1 begins before it was dialled",
        ),
        (with_another(SignalTold, 0, ears=0), "c1 heard joins more often than it listened"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_one_record_dropped_or_changed_is_found_by_what_the_others_say(change, sentence):
    found = law("history-whole", *changed(change))
    assert (found.state, found.sentence.startswith(sentence)) == (LawState.FAILED, True), found.sentence


STAMPED = (Answered, App, Chunk, Conn, ConnEnd, DeedDone, Delivered, Dial, Emit, Request, SignalHeard, Status, Write)


def shifted(kind: type[Record], by_ns: int) -> Callable[[list[Record]], list[Record]]:
    """Stamp the second last record of a kind otherwise, or the only one."""

    def shift(records: list[Record]) -> list[Record]:
        mine = [one for one in records if isinstance(one, kind)]
        place = max(0, len(mine) - 2)
        return with_another(kind, place, t_ns=mine[place].t_ns + by_ns)(records)

    return shift


@pytest.mark.parametrize("by_ns", [-1_000_000_000, 1_000_000_000])
@pytest.mark.parametrize("kind", STAMPED)
def test_a_stamp_that_is_out_of_order_is_found(kind, by_ns):
    found = law("history-whole", *changed(shifted(kind, by_ns)))
    assert found.state is LawState.FAILED
    assert found.sentence.startswith(("the stamp of a", "the times of a"))


def test_a_clock_that_jumps_between_two_records_is_found_by_the_times_that_they_tell():
    def jump(records: list[Record]) -> list[Record]:
        half = len(records) // 2
        return [*records[:half], *(msgspec.structs.replace(one, t_ns=one.t_ns + 10**9) for one in records[half:])]

    assert "lies 1.0 s behind what it tells of" in law("history-whole", *changed(jump)).sentence


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"issued_ns": 0}, ""),
        ({"issued_ns": 5_000_000_000}, "the times of a deed record are not in their order"),
        ({"returned_ns": 0}, "the times of a deed record are not in their order"),
        ({"returned_ns": 3_600_000_000, "issued_ns": 0}, "the stamp of a deed record lies 400 ms behind what it tells"),
    ],
)
def test_the_times_that_a_record_tells_agree_with_its_stamp(fields, sentence):
    fields = {name: 10**12 + value for name, value in fields.items()}
    found = law("history-whole", *changed(with_another(DeedDone, 0, **fields)))
    assert found.sentence.startswith(sentence)
    assert bool(found.sentence) == bool(sentence)


def test_what_reached_a_socket_is_stamped_as_its_bytes_were_sent_and_may_be_written_later():
    story, records = whole()
    sent = next(one for one in records if isinstance(one, Delivered) and one.id == "a-9")
    place = records.index(sent) + 1
    between = Listens(client="c1", on=True, t_ns=sent.t_ns + 50_000)
    others = [one for one in records[:place] if one is not sent]
    history = numbered([*others, between, sent, *records[place:]])
    assert law("history-whole", story, history).sentence == ""


def test_a_whole_body_that_is_told_to_be_cut_is_none():
    def cut(records: list[Record]) -> list[Record]:
        told = with_another(Snapshot, 0, length=9)(records)
        return with_another(Body, 1, whole=False)(told)

    assert law("history-whole", *changed(cut)).sentence.startswith("request 3 was answered with 9 bytes and 9 reached")


def test_an_event_is_shown_once_the_phone_has_read_it():
    def numbers(records: list[Record]) -> list[Record]:
        dial = next(one for one in records if isinstance(one, Dial))
        return [msgspec.structs.replace(one, no=1) if one is dial else one for one in records]

    story, records = whole()
    unread = law("history-whole", story, numbered(numbers(records)))
    assert unread.sentence.startswith("the app of c1 was shown event a-0 before the phone had read its bytes")
    read = []
    for one in numbers(records):
        read += [one] if not isinstance(one, Read) else []
        if isinstance(one, Chunk):
            read.append(Read(cid=one.cid, upto=one.offset + one.length, t_ns=one.t_ns))
    assert law("history-whole", story, numbered(read)).sentence == ""


def test_what_a_client_makes_up_is_its_own_fault():
    """An event that no server emitted, or whose state a status answer told, need not have come by a stream."""
    story, _ = whole()
    story.show(99, 10.002, digest="made up", block=False)
    assert state("history-whole", story) is LawState.HELD
    polled = changed(without_the(Delivered, 3))  # its state is the one that was answered at 5.0 s
    assert law("history-whole", *polled).sentence.startswith("the app of c1 was shown event a-3 before")
    story, records = whole()
    late = next(one for one in records if isinstance(one, App) and one.id == "a-3")
    moved = [one for one in records if one is not late and not (isinstance(one, Delivered) and one.id == "a-3")]
    place = next(place for place, one in enumerate(moved) if isinstance(one, Body) and one.rid == 3) + 1
    at_ns = moved[place - 1].t_ns
    late = msgspec.structs.replace(late, enter_ns=at_ns, exit_ns=at_ns, t_ns=at_ns)
    apps = iter(range(1, 99))
    history = numbered(
        msgspec.structs.replace(one, no=next(apps)) if isinstance(one, App) else one
        for one in [*moved[:place], late, *moved[place:]]
    )
    assert law("history-whole", story, history).sentence == ""


def test_what_an_interruption_cut_short_needs_no_end():
    story, records = whole()
    at = 10**12 + 7 * 10**9
    cut = [one for one in records if one.t_ns < at]
    for reason, sentence in (("interrupted", ""), ("done", "connection 1 of c1 never ends at its client (and 8 more)")):
        history = numbered([*cut, End(reason=reason, t_ns=at)])
        assert law("history-whole", story, history).sentence == sentence


def test_an_event_reaches_the_phone_once_its_write_has_begun_if_not_once_it_is_recorded():
    story, records = whole()
    late = next(one for one in records if isinstance(one, Write) and one.first == 9)
    shown = next(one for one in records if isinstance(one, Delivered) and one.id == "a-9")
    others = [one for one in records if one is not late]
    place = others.index(shown) + 1
    for began, sentence in ((shown.t_ns, ""), (shown.t_ns + 1, "event a-9 reached the phone before it was written")):
        moved = msgspec.structs.replace(late, began_ns=began, t_ns=shown.t_ns + 1)
        history = numbered([*others[:place], moved, *others[place:]])
        assert law("history-whole", story, history).sentence == sentence


def test_a_dial_that_came_through_as_a_door_was_moved_may_have_met_no_gate():
    lost = Dial(client="c1", path="wifi", port=7, from_ns=NOW, to_ns=NOW, fate="open")
    for at, expected in ((4.0, LawState.HELD), (5.0, LawState.FAILED)):
        story, before = whole()
        at_ns = 10**12 + round(at * 1e9)
        place = sum(one.t_ns < at_ns for one in before)
        history = numbered([*before[:place], timed(lost, at_ns), *before[place:]])
        assert state("history-whole", story, history) is expected


def test_a_law_that_is_broken_everywhere_is_told_in_bounded_room():
    def flip(records):
        return [msgspec.structs.replace(one, id="x") if isinstance(one, Delivered) else one for one in records]

    story = Story(plan(lasts=100.0, items=400)).run()
    found = law("history-whole", story, numbered(flip(story.history().records)))
    assert found.sentence.endswith("(and 99 more)")


def test_nothing_comes_behind_the_end():
    story, records = whole()
    late = numbered([*records, Listens(client="c1", on=True, t_ns=records[-1].t_ns)])
    assert law("history-whole", story, late).sentence == "the history goes on behind its end"


@pytest.mark.parametrize("kind", [App, Read])
def test_what_the_journal_was_given_and_does_not_have_is_missing(kind):
    story, records = whole()
    alike, tag = [one for one in records if isinstance(one, kind)], str(kind.__struct_config__.tag)
    given = len(alike)
    fewer = [one for one in records if one is not alike[-1]]
    renumbered = [msgspec.structs.replace(one, seq=seq) for seq, one in enumerate(fewer, start=1)]
    found = law("history-whole", story, History(renumbered))
    assert found.sentence == f"{phrases.amount(given, 'record')} of kind {tag} were written and {given - 1} are there"


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
    assert empty("history-whole", handoff_plan()) is LawState.UNKNOWN
