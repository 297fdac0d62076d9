"""A feed tells what became of its bytes at either end, and leaves nothing behind whatever its path swallows."""

import pytest
import trio

from harness.deeds.acts import ShowsPortal
from harness.device.words import Reach
from harness.jobserver.probe_streams import BEATS, LASTS
from harness.network.link import Link
from harness.run.probe_stream import ProbeStream
from harness.vocabulary import Direction
from tests.run.rigs import behind_a_gate

DOWN, UP = Direction.DOWNSTREAM, Direction.UPSTREAM


def test_bytes_are_seen_at_both_ends_with_their_times():
    async def main(rig):
        feed = await rig.feed("cellular")
        await trio.sleep(1.01)
        assert feed.flowing
        assert (len(feed.beats), feed.pulse.came, feed.sent_by(0.97)) == (19, 16 * 20, 16 * 20)
        # Each took the path's 35 ms, in its own direction.
        assert {round(beat.read - beat.written, 4) for beat in feed.beats} == {0.035}
        arrivals = {upto: at for at, upto in feed.pulse.arrivals}
        assert {round(arrivals[upto] - at, 4) for at, upto in feed.pieces if upto in arrivals} == {0.035}

    behind_a_gate(main)


def test_it_sends_less_often_until_somebody_looks():
    async def main(rig):
        feed = await ProbeStream.open(rig.gate, "cellular", rig.jobs.pulses)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed.run)
            await trio.sleep(1.01)
            assert (len(feed.beats), len(feed.pieces)) == (5, 7)  # a head, and one at once
            feed.hurry()
            await trio.sleep(0.5)
            assert (len(feed.beats), len(feed.pieces)) == (5 + 10, 7 + 10)
            feed.close()

    behind_a_gate(main)


def test_it_comes_to_rest_by_itself_and_stays_open():
    async def main(rig):
        feed = await rig.feed()
        await trio.sleep(LASTS + 5)
        assert feed.over(DOWN)
        assert feed.over(UP)
        assert (len(feed.beats), feed.pulse.came, feed.end, feed.pulse.ended) == (BEATS, 16 * BEATS, None, "")

    behind_a_gate(main)


@pytest.mark.parametrize("word", [Reach.UP, Reach.STALLED, Reach.SILENT, Reach.UNREACHABLE])
@pytest.mark.parametrize("way", [None, UP, DOWN])
def test_a_feed_that_is_closed_is_closed_at_the_server_too(word, way):
    async def main(rig):
        feed = await rig.feed()
        await trio.sleep(0.3)
        await rig.gate.reach("wifi", word, direction=way if word in {Reach.STALLED, Reach.SILENT} else None)
        await trio.sleep(0.3)
        feed.close()
        await trio.sleep(0.001)
        assert feed.pulse.ended == "fin"
        assert rig.gate.flows() == ()

    behind_a_gate(main)


def test_a_feed_whose_path_was_lost_is_closed_at_the_server_by_its_own_close_alone():
    async def main(rig):
        feed = await rig.feed()
        await trio.sleep(0.3)
        await rig.gate.loses("wifi")
        await trio.sleep(0.3)
        assert (feed.end, feed.pulse.ended) == ("rst", "")
        feed.close()
        await trio.sleep(0.001)
        assert feed.pulse.ended == "fin"

    behind_a_gate(main)


def tampered(monkeypatch, way, change):
    """Return what a feed says is wrong where the gate changes the 10th chunk of one direction."""
    sent, send = [], Link._send

    async def tampers(link, offset, data):
        if link.direction is way:
            sent.append(data)
            data = change(data) if len(sent) == 10 else data
        await send(link, offset, data)

    monkeypatch.setattr(Link, "_send", tampers)
    found = []

    async def main(rig):
        feed = await rig.feed()
        await trio.sleep(1)
        found.append(feed.wrong)

    behind_a_gate(main)
    return found[0]


@pytest.mark.parametrize(
    ("way", "change", "said"),
    [
        (DOWN, lambda data: data.replace(b"beat", b"boat"), "is no beat"),
        (DOWN, lambda data: data + data, "was due"),
        (DOWN, lambda data: b"", "was due"),
        (UP, lambda data: data[:4] + b"\xff" + data[5:], "upstream: byte 144 of the body"),
        (UP, lambda data: data + data, "upstream: byte 160 of the body"),
        (UP, lambda data: b"", "upstream: byte 144 of the body"),
    ],
    ids=["flipped down", "twice down", "lost down", "flipped up", "twice up", "lost up"],
)
def test_bytes_that_are_not_as_they_were_sent_are_wrong(monkeypatch, way, change, said):
    assert said in tampered(monkeypatch, way, change)


def test_untouched_bytes_are_not_wrong(monkeypatch):
    assert tampered(monkeypatch, UP, bytes) == tampered(monkeypatch, DOWN, bytes) == ""


def test_an_answer_of_somebody_else_is_a_stranger_s():
    async def main(rig):
        rig.middle.do(0, ShowsPortal())
        feed = await rig.feed()
        await trio.sleep(0.3)
        assert (feed.answer.stranger, feed.answer.status, feed.wrong, feed.flowing) == (True, 200, "", False)

    behind_a_gate(main)
