"""A probe asks, and says what it met; a listener reads beats until it has seen what it is told to look for."""

import pytest
import trio
import trio.testing

from harness.jobserver.probe_streams import beat
from harness.run.probe import Probe, StreamProbe

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-began: 0.0\r\n\r\n"


def a_pair(kind=Probe):
    ours, theirs = trio.testing.memory_stream_pair()
    ours.close = ours.send_stream.close
    return kind(ours), theirs


async def test_an_answered_question_leaves_a_flow_for_another(autojump_clock):
    probe, theirs = a_pair()
    for _ in range(2):
        await theirs.send_all(ANSWER)
        assert (await probe.ask(1.0)).what == "answer"
        assert probe.alive


async def test_an_unanswered_question_leaves_none(autojump_clock):
    probe, _theirs = a_pair()
    assert (await probe.ask(1.0)).what == "silence"
    assert not probe.alive


async def test_a_question_that_was_cancelled_leaves_none(autojump_clock):
    probe, _theirs = a_pair()
    with trio.move_on_after(0.5):
        await probe.ask(10.0)
    assert not probe.alive


async def test_an_end_is_met_without_asking(autojump_clock):
    probe, theirs = a_pair()
    assert await probe.ending(0.5) == "silence"
    await theirs.aclose()
    assert await probe.ending(0.5) == "fin"


async def test_who_gives_a_flow_up_releases_it_first(autojump_clock):
    ours, _theirs = trio.testing.memory_stream_pair()
    seen = []
    ours.close = lambda: seen.append("closed")
    Probe(ours, seen.append).close()
    assert seen == [ours, "closed"]


@pytest.mark.parametrize(("sent", "what"), [(2, "answer"), (1, "silence")])
async def test_a_listener_reads_until_it_has_seen_enough(autojump_clock, sent, what):
    listener, theirs = a_pair(StreamProbe)
    await theirs.send_all(STREAM + b"".join(beat(number) for number in range(sent)))
    assert await listener.until(lambda: len(listener.answer.beats) == 2, 1.0) == what
    assert listener.streams


@pytest.mark.parametrize(
    ("answer", "status", "streams"),
    [(STREAM, 200, True), (ANSWER, 200, False), (STREAM.replace(b"x-began", b"x-other"), 200, False)],
)
async def test_a_listener_knows_whose_stream_it_is(autojump_clock, answer, status, streams):
    listener, theirs = a_pair(StreamProbe)
    await theirs.send_all(answer)
    await listener.until(lambda: bool(listener.answer.status), 1.0)
    assert (listener.answer.status, listener.streams) == (status, streams)
