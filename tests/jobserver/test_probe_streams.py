"""The held streams of probes: what they say, how long, and what they note of their peer. In virtual time."""

import pytest
import trio

from harness.deeds.acts import Hangs, Restarts
from harness.jobserver.probe_streams import BEAT, BEATS, LASTS, PERIOD, pattern
from harness.scenario.model import JobSpec

QUICK = JobSpec(lasts=60.0)


def held(rig, *pieces, key=None):
    """A POST whose body is these pieces, each a beat after the other; what the server's side saw, and all it said."""
    found = []

    async def main(rig):
        stream = (await rig.client()).stream
        announced, pulse = rig.server.pulses.announce()
        head = f"POST /healthz/stream/{key or announced} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        await stream.send_all(head.encode())
        for piece in pieces:
            await stream.send_all(b"%x\r\n%b\r\n" % (len(piece), piece))
            await trio.sleep(PERIOD)
        found.extend([pulse, bytes(await stream.receive_some())])
        stream.close()
        await trio.sleep(0.001)

    rig.run(main, job=QUICK)
    return found


def test_an_event_stream_of_beats_begins_at_once_and_ends_by_itself(rig):
    async def main(rig):
        client = await rig.client()
        head = await client.ask("GET", "/healthz/stream")
        assert dict(head.headers)[b"content-type"] == b"text/event-stream"
        beats = [BEAT.fullmatch(await client.read()) for _ in range(BEATS)]
        assert [int(beat["number"]) for beat in beats] == list(range(BEATS))
        assert [int(beat["sent"]) for beat in beats] == [pytest.approx(n * PERIOD * 1e6, abs=2) for n in range(BEATS)]
        assert await client.read() is None
        assert rig.now == pytest.approx(LASTS)
        assert (await client.fetch("GET", "/healthz"))[0] == 200

    rig.run(main, job=QUICK)


def test_a_listener_that_leaves_is_gone_at_once(rig):
    async def main(rig):
        client = await rig.client()
        await client.ask("GET", "/healthz/stream")
        client.stream.close()
        await trio.sleep(0.001)
        assert rig.server.counts.open_connections == 0

    rig.run(main, job=QUICK)


def test_a_body_is_counted_while_it_comes(rig):
    pulse, said = held(rig, pattern(0, 10), pattern(10, 300))
    assert (pulse.came, pulse.spoiled, pulse.ended) == (310, None, "fin")
    assert [upto for _, upto in pulse.arrivals] == [10, 310]
    assert [int(beat["came"]) for beat in BEAT.finditer(said)][:3] == [0, 10, 310]


@pytest.mark.parametrize(
    ("pieces", "where"),
    [
        ((pattern(0, 10), b"x" + pattern(11, 5)), 10),
        ((pattern(0, 10), pattern(12, 10)), 10),
        ((pattern(0, 10), pattern(0, 10)), 10),
        ((pattern(0, 502), pattern(0, 10)), None),
    ],
    ids=["changed", "lost", "repeated", "a whole cycle is as none"],
)
def test_a_body_that_is_not_as_it_was_sent_is_noted(rig, pieces, where):
    assert held(rig, *pieces)[0].spoiled == where


def test_a_stream_that_nobody_announced_is_refused(rig):
    pulse, said = held(rig, key="7")
    assert said.startswith(b"HTTP/1.1 404 ")
    assert (pulse.came, pulse.ended) == (0, "")


def test_a_body_is_read_on_when_the_beats_are_over(rig):
    pulse, said = held(rig, *(pattern(5 * n, 5) for n in range(BEATS + 20)))
    assert (len(pulse.written), len(BEAT.findall(said))) == (BEATS, BEATS)
    assert (pulse.came, pulse.spoiled) == (5 * (BEATS + 20), None)


def test_a_server_that_leaves_says_the_end(rig):
    async def main(rig):
        stream = (await rig.client()).stream
        key, pulse = rig.server.pulses.announce()
        head = f"POST /healthz/stream/{key} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        await stream.send_all(head.encode())
        await trio.sleep(2 * PERIOD)
        began = rig.now
        await rig.server.do(0, Restarts(keeps_log=True))
        assert (pulse.ended, rig.now - began) == ("stopped", 0.0)
        assert (await stream.receive_some()).endswith(b"\r\n0\r\n\r\n")

    rig.run(main, job=QUICK)


def test_a_peer_that_leaves_a_server_that_hangs_is_gone(rig):
    async def main(rig):
        stream = (await rig.client()).stream
        key, pulse = rig.server.pulses.announce()
        head = f"POST /healthz/stream/{key} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        await stream.send_all(head.encode())
        await trio.sleep(PERIOD)
        await rig.server.do(0, Hangs())
        await stream.send_all(b"5\r\n%b\r\n" % pattern(0, 5))
        await trio.sleep(1)
        assert (pulse.came, len(pulse.written)) == (5, 2)
        stream.close()
        await trio.sleep(0.001)
        assert pulse.ended == "fin"

    rig.run(main, job=QUICK)
