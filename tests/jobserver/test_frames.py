"""Varied frames: whatever is drawn, a client that reads as the standard says gets the events as they were emitted."""

import random
from itertools import pairwise

import pytest
import trio

from harness.history import Delivered
from harness.history.records import PING, PING_DATA
from harness.jobserver.frames import BOM, CONTENT_TYPES, Frames, draw_opening
from harness.jobserver.jobs import JobLog, LogEvent
from harness.jobserver.payloads import Payloads
from harness.jobserver.work import Work
from harness.judge.judge import judge
from harness.judge.verdict import Word
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse import Event, IdChange, LineEnds, Parser, Retry

ENDS = ["lf", "cr", "crlf", "mixed"]
CUTS = ["reset once", "reset mid data", "closed mid id", "reset mid character", "closed mid event", "closed once"]


def log_of(seed: int, *, line_ends: str = "lf", payload: str = "ascii", **server) -> tuple[JobLog, list[LogEvent]]:
    """A log of forty events, and these."""
    spec = JobSpec(lasts=39.0, every=1.0, event_size=300)
    frames = Frames(random.Random(seed), LineEnds(line_ends))
    settings = ServerSpec(frames="varied", line_ends=line_ends, payload=payload, **server)
    log, work = JobLog("j", "a", settings, Payloads("j", "csv-import", spec, payload), frames), Work(spec)
    return log, [log.append(work.take()) for _ in range(40)]


def wire_of(seed: int) -> bytes:
    return b"".join(event.wire for event in log_of(seed)[1])


@pytest.mark.parametrize("payload", ["ascii", "utf8", "hostile"])
@pytest.mark.parametrize("line_ends", ENDS)
def test_every_event_is_read_as_it_was_emitted(line_ends, payload):
    for seed in range(20):
        _, events = log_of(seed, line_ends=line_ends, payload=payload)
        found = Parser().feed(b"".join(event.wire for event in events))
        read = [(one.type, one.data, one.id) for one in found if one.type != PING]
        assert read == [(event.type, event.data, event.after or event.id) for event in events]


def test_a_ping_has_no_id_and_keeps_the_last_one_and_none_follows_the_end():
    found = [one for seed in range(20) for one in Parser().feed(wire_of(seed))]
    behind = [(before, one) for before, one in pairwise(found) if one.type == PING]
    assert len(behind) > 50
    for before, one in behind:
        assert (one.data, one.id, one.has_id) == (PING_DATA, before.id, False)
        assert before.type not in {PING, "completed"}


def test_some_events_have_no_id_and_are_told_with_the_one_before_them():
    logs = [log_of(seed)[1] for seed in range(20)]
    lacking = [(before, one) for events in logs for before, one in pairwise(events) if one.after]
    assert len(lacking) > 50
    for before, one in lacking:
        assert (one.after, before.after, one.terminal) == (before.id, "", False)
        assert (one.type, one.data) != (before.type, before.data)
    assert not any(events[0].after for events in logs)


@pytest.mark.parametrize("answer", ["silent", "reset event"])
def test_every_event_has_an_id_where_a_stream_may_begin_behind_a_gap(answer):
    assert not any(one.after for seed in range(5) for one in log_of(seed, expired_cursor=answer)[1])


def test_the_id_of_an_event_that_is_written_without_it_names_its_place_all_the_same():
    log, events = log_of(1)
    lacking = next(one for one in events if one.after)
    assert log.resume(lacking.after).start == lacking.index
    assert log.resume(lacking.id).start == lacking.index + 1
    assert [log.opening(lacking.index + step) - lacking.index for step in (-1, 0, 1)] == [-1, -1, 1]


def test_what_is_kept_of_a_log_begins_with_an_event_that_has_an_id():
    for seed in range(20):
        log, events = log_of(seed, replay=1, queue=2)
        assert log.first > 30
        assert not events[log.first].after


def test_a_status_answer_gives_the_id_of_an_event_that_was_written_without():
    work = Work(JobSpec(lasts=39.0, every=1.0))
    settings, payloads = ServerSpec(frames="varied"), Payloads("j", "csv-import", work.spec, "ascii")
    log = JobLog("j", "a", settings, payloads, Frames(random.Random(1), LineEnds.LF))
    while not log.append(work.take()).after:
        pass
    assert f'"lastEventId":"{log.last.id}"}}'.encode() in log.snapshot()


def test_everything_that_is_drawn_comes_sooner_or_later():
    wires = b"".join(map(wire_of, range(20)))
    for text in (
        b"data:{",
        b"data: {",
        b"data:}",
        b"\n:",
        b"\nid:a-",
        b"\nid: a-",
        b"event:processing\n",
        b"dataset: 7",
    ):
        assert text in wires
    firsts = {event.wire.partition(b":")[0] for seed in range(5) for event in log_of(seed)[1]}
    assert {b"id", b"event", b"data", b""} <= firsts


def test_openings_differ():
    openings = [draw_opening(random.Random(seed)) for seed in range(100)]
    assert {one.content_type for one in openings} == set(CONTENT_TYPES)
    for field in ("bom", "primed", "late_retry"):
        assert {getattr(one, field) for one in openings} == {True, False}


def test_the_start_has_an_id_of_its_own():
    log, _ = log_of(1)
    assert (log.resume("a-start").start, log.resume("b-start").signal) == (0, "410")
    assert log_of(1, replay=16)[0].resume("a-start").signal == "410"


@pytest.mark.parametrize("line_ends", ENDS)
def test_streams_begin_in_different_ways(rig, line_ends):
    bodies, kinds = [], set()

    async def main(rig):
        path = await rig.job()
        await trio.sleep(1)
        for _ in range(20):
            client = await rig.client()
            kinds.add(dict((await client.ask("GET", f"{path}/stream")).headers)[b"content-type"].decode())
            bodies.append(await client.body())

    rig.run(main, job=JobSpec(lasts=1.0), server=ServerSpec(frames="varied", retry=2.0, line_ends=line_ends))
    assert kinds == set(CONTENT_TYPES)
    assert {body.startswith(BOM) for body in bodies} == {True, False}
    streams = [[one for one in Parser().feed(body) if getattr(one, "type", "") != PING] for body in bodies]
    for blocks in streams:
        assert [type(one) for one in blocks if type(one) is not IdChange].count(Retry) == 1
        assert [one.id for one in blocks if isinstance(one, Event)] == ["a-0", "a-1"]
    assert {type(blocks[0]) for blocks in streams} == {Retry, IdChange, Event}


@pytest.mark.parametrize("line_ends", ENDS)
@pytest.mark.parametrize("payload", ["ascii", "hostile"])
def test_a_client_that_reads_as_the_standard_says_passes(line_ends, payload):
    server = {"frames": "varied", "line ends": line_ends, "payload": payload}
    timeline = {f"{at}s": {"wifi": deed} for at, deed in enumerate(CUTS, 1)}
    for seed in range(2):
        scenario = Scenario(
            scenario="varied", job={"lasts": "8s", "updates": "every 200ms"}, paths={"wifi": "wifi"}, server=server,
            timeline={"0s": {"wifi": "sliced to 70B for 2s"}, **timeline}, seed=str(seed),
        )  # fmt: skip
        (plan,) = plans(scenario, world="virtual")
        verdict = judge(plan, rehearse(plan))
        assert verdict.word is Word.PASS, verdict.sentence


def test_events_of_256_kb_pass():
    job = {"lasts": "2s", "updates": "every 500ms", "event size": "256KB"}
    server = {"frames": "varied", "line ends": "mixed", "payload": "hostile"}
    (plan,) = plans(Scenario(scenario="large", job=job, paths={"wifi": "wifi"}, server=server), world="virtual")
    history = rehearse(plan)
    assert judge(plan, history).word is Word.PASS
    assert max(one.size for one in history.all(Delivered)) >= 256_000


def test_no_other_event_has_the_data_of_one_without_an_id_though_its_state_lasts():
    for seed in range(30):
        spec = JobSpec(lasts=39.0, every=1.0, items=10)
        log = JobLog(
            "j", "a", ServerSpec(frames="varied"), Payloads("j", "csv-import", spec, "ascii"),
            Frames(random.Random(seed), LineEnds.LF),
        )  # fmt: skip
        work = Work(spec)
        events = [log.append(work.take()) for _ in range(40)]
        told = [one.data for one in events]
        assert len(set(told)) < len(told)
        assert all(told.count(one.data) == 1 for one in events if one.after)
