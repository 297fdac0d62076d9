"""Servers that do wrong, in virtual time: the run is void, names the server's fault, and fails no client.

Each fault is one that a client could be blamed for: an event that is lost, shown twice, shown late or out of order.
"""

import functools
import re

import msgspec
import pytest
import trio

from harness.jobserver import streams
from harness.jobserver.emission import RunningJob
from harness.jobserver.jobs import JobLog
from harness.jobserver.streams import EventStream
from harness.judge.judge import judge
from harness.judge.verdict import LawState, Word
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

CLIENTS = ("reference", "keeps-two-streams", "dedupes-across-epochs")
BLAMED = ("no-gap", "no-duplicate")


@functools.cache
def plan_of(client="reference"):
    """A job of twelve seconds whose client is twice offline: each time it comes back it is owed a replay."""
    [plan] = plans(
        Scenario(
            scenario="a wrong server",
            job={"lasts": "12s", "updates": "every 200ms"},
            paths={"wifi": "wifi"},
            server={"replay": "all"},
            timeline={"3s": {"device": "goes offline for 2s"}, "7s": {"device": "goes offline for 2s"}},
        ),
        world="virtual",
    )
    if client == "reference":
        return plan
    return msgspec.structs.replace(plan, client=msgspec.structs.replace(plan.client, like=client, mutant=client))


def wires(change, *, replay):
    """Put another list of events on the wire, of a replay or live, and tell no record of it."""

    def plant(patch):
        since = JobLog.since

        def walked(log, index, **options):
            found = since(log, index, **options)
            is_replay = len(found) > 1
            return change(list(found)) if is_replay is replay else found

        patch.setattr(JobLog, "since", walked)

    return plant


def nth(count, change):
    """One live event is sent as another."""
    left = [0]

    def changed(found):
        left[0] += 1
        return change(found) if left[0] == count else found

    def plant(patch):
        left[0] = 0
        wires(changed, replay=False)(patch)

    return plant


def starts(by):
    """A stream that resumes begins so many events too late, or too early, and the records say so."""

    def plant(patch):
        serve = EventStream.serve

        async def served(stream, start, cursor, **options):
            start = max(0, min(start + by, stream._log.newest)) if cursor else start
            return await serve(stream, start, cursor, **options)

        patch.setattr(EventStream, "serve", served)

    return plant


def from_another_id(patch):
    """Each stream is answered as if it had asked from the first event, and the records have that id."""
    serve = EventStream.serve

    async def served(stream, start, cursor, **options):
        return await serve(stream, 1 if cursor else start, "a-0" if cursor else "", **options)

    patch.setattr(EventStream, "serve", served)


def emits(by):
    """Each event comes so much later than it is due."""

    def plant(patch):
        write = RunningJob._write

        def written(job, *args):
            write(job, *args)
            job._next += by

        patch.setattr(RunningJob, "_write", written)

    return plant


def writes_late(patch):
    """Each event is written 300 ms after it was emitted."""
    write = EventStream._write_events

    async def written(stream):
        await trio.sleep(0.3)
        await write(stream)

    patch.setattr(EventStream, "_write_events", written)


def goes_silent(patch):
    """A stream that resumed gets its replay and nothing after it."""
    write = EventStream._write_events

    async def written(stream):
        if stream.number > 1 and stream._next > stream._opened_at:
            stream._next = stream._log.newest + 1
        else:
            await write(stream)

    patch.setattr(EventStream, "_write_events", written)


def ends(evidence):
    """The first stream is ended after two seconds, for no reason."""

    def plant(patch):
        grown = EventStream.grown

        def grew(stream):
            grown(stream)
            if stream.number == 1 and stream._log.newest == 10:
                stream.close(evidence)

        patch.setattr(EventStream, "grown", grew)

    return plant


def without_bye(patch):
    patch.setattr(streams, "FAREWELLS", {})


def flipped(found):
    return [re.sub(rb'"processedCount":\d', b'"processedCount":9', found[0]), *found[1:]]


WRONG = {
    "replays backwards": (wires(lambda found: found[::-1], replay=True), "answered the id 'a-14' from event a-"),
    "replays too few": (starts(2), "answered the id 'a-14' from event a-17 instead of event a-15"),
    "replays too many": (starts(-2), "answered the id 'a-14' from event a-13 instead of event a-15"),
    "replays one twice": (wires(lambda found: [found[0], *found], replay=True), "sent event a-15 twice on stream 2"),
    "leaves one out of a replay": (
        wires(lambda found: [*found[:2], *found[3:]], replay=True), "left out event 17 on stream 2, after event a-16",
    ),
    "swaps two of a replay": (
        wires(lambda found: [*found[:2], found[3], found[2], *found[4:]], replay=True), "left out event 17 on stream 2",
    ),
    "skips a live event": (nth(8, lambda _: [b""]), "left out event 7 on stream 1"),
    "sends a live event twice": (nth(8, lambda found: found * 2), "sent event a-7 twice on stream 1"),
    "flips a byte": (nth(8, flipped), "stream 1 carried other bytes than event a-7 has"),
    "answers from another id": (from_another_id, "took 'a-0' for the id that stream 2 asked from, 'a-14'"),
    "emits 300 ms late": (emits(0.3), "emitted event a-1 300 ms late"),
    "emits 150 ms early": (emits(-0.15), "emitted event a-1 150 ms early"),
    "writes 300 ms late": (writes_late, "kept event a-0 from stream 1 for "),
    "goes silent after a replay": (goes_silent, "the server never wrote event a-"),
    "ends a stream as evicted": (ends("evicted"), "ended stream 1 at 2.0 s (evicted) with no reason to"),
    "ends a stream as expired": (ends("expired"), "ended stream 1 at 2.0 s (expired) with no reason to"),
    "ends a stream as reset": (ends("rst"), "ended stream 1 at 2.0 s (rst) with no reason to"),
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("plant", "text"), WRONG.values(), ids=WRONG)
def test_a_server_that_does_wrong_voids_the_run_and_is_named(monkeypatch, plant, text, client):
    plan = plan_of(client)
    plant(monkeypatch)
    verdict = judge(plan, rehearse(plan))
    law = next(one for one in verdict.laws if one.law == "server-as-planned")
    assert (verdict.word, law.state) == (Word.VOID, LawState.FAILED), verdict.sentence
    told = [one.text for one in law.evidence] + [law.sentence]
    if client == "reference":
        assert any(text in one for one in told), told
    assert "client" not in verdict.sentence.lower()


@pytest.mark.parametrize("client", CLIENTS)
def test_the_same_server_with_nothing_planted_is_as_planned(client):
    plan = plan_of(client)
    verdict = judge(plan, rehearse(plan))
    assert next(one for one in verdict.laws if one.law == "server-as-planned").state is LawState.HELD
    assert verdict.word is not Word.VOID


def test_what_the_server_did_wrong_would_else_be_held_against_the_client(monkeypatch):
    blamed = set()
    for plant, _ in WRONG.values():
        with monkeypatch.context() as patch:
            plant(patch)
            verdict = judge(plan_of(), rehearse(plan_of()))
        blamed |= {one.law for one in verdict.laws if one.state is LawState.FAILED and one.law in BLAMED}
    assert blamed == set(BLAMED)
