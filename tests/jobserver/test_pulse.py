import trio

from harness.chance import Chance
from harness.jobserver.server import JobServer
from harness.run.probe import Probe
from harness.scenario.model import JobSpec, ServerSpec
from harness.world import real


async def listened(least):
    network = real.network()
    server = JobServer(network=network, journal=None, job=JobSpec(lasts=60), server=ServerSpec(), chance=Chance(7))
    async with trio.open_nursery() as nursery:
        address = await server.start(nursery)
        probe = Probe(await network.connect(address))
        with trio.fail_after(10):
            head = await probe.listen(5)
            what = await probe.body(5, least=least)
        await probe.close()
        await server.stop()
        nursery.cancel_scope.cancel()
    return head, what, probe.received


async def test_the_probe_stream_is_an_event_stream_whose_first_event_comes_at_once():
    head, what, received = await listened(10)
    assert (head.status, head.content_type, what) == (200, "text/event-stream", "answer")
    assert received == "id: pulse-0\nevent: pulse\ndata: beat 0, é\n\n".encode()


async def test_the_probe_stream_goes_on():
    _, what, received = await listened(120)
    assert what == "answer"
    assert received.count(b"\n\n") >= 2
