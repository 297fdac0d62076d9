"""A probe is asked in any state, and says what it met; its own close is no end of the path's."""

import pytest
import trio
import trio.testing

from harness.run.probe import Probe

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def a_probe():
    ours, theirs = trio.testing.memory_stream_pair()
    return Probe(ours), theirs


async def test_an_unanswered_question_leaves_a_flow_that_can_only_be_watched(autojump_clock):
    probe, theirs = a_probe()
    assert (await probe.ask(1.0)).what == "silence"
    assert (probe.alive, probe.mute) == (False, True)
    await theirs.send_all(ANSWER)
    assert (await probe.ask(1.0)).what == "silence"  # too late to be an answer to anything


async def test_a_question_that_was_cancelled_is_not_asked_again(autojump_clock):
    probe, _theirs = a_probe()
    with trio.move_on_after(0.5):
        await probe.ask(10.0)
    assert (probe.alive, probe.mute) == (False, True)
    assert (await probe.ask(1.0)).what == "silence"


async def test_an_answered_question_leaves_a_flow_for_another(autojump_clock):
    probe, theirs = a_probe()
    for _ in range(2):
        await theirs.send_all(ANSWER)
        assert (await probe.ask(1.0)).what == "answer"
    assert (probe.alive, probe.mute) == (True, False)


@pytest.mark.parametrize("asked", [False, True])
async def test_a_look_notices_the_end_and_nothing_else(autojump_clock, asked):
    probe, theirs = a_probe()
    await probe.look()
    assert probe.alive
    await theirs.aclose()
    if asked:
        assert (await probe.ask(1.0)).what != "answer"
    await probe.look()
    assert (probe.alive, probe.mute) == (False, False)


async def test_a_close_is_done_where_it_is_cancelled():
    probe, theirs = a_probe()
    with trio.CancelScope() as scope:
        scope.cancel()
        await probe.close()
    assert probe.closed
    assert await theirs.receive_some(1) == b""
