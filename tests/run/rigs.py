"""A gate with a server behind proxies, in virtual time, for tests of the harness's own flows."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import trio

from harness.chance import Chance
from harness.device.model import Device
from harness.history import Journal
from harness.jobserver.server import JobServer
from harness.middle.middle import Middle
from harness.network.gate import Gate
from harness.run.probe_stream import ProbeStream
from harness.scenario.model import JobSpec, ServerSpec
from harness.toxics.shape import Shape
from harness.world import virtual

PLAIN = {"wifi": Shape(), "cellular": Shape(latency=0.035)}


def behind_a_gate(main: Callable[[SimpleNamespace], Awaitable[None]], shapes=PLAIN, **server) -> list:
    """Run ``main`` with a rig whose paths have these shapes; return what was recorded. All is closed at the end."""
    records = []

    async def run() -> None:
        world = virtual.world()
        proxies = world.proxies(Chance(7).dice("toxics"))
        rids = iter(range(1, 1_000))
        with Journal(None, world.stamp, tap=records.append) as journal:
            async with trio.open_nursery() as nursery:
                jobs = JobServer(
                    network=world.network,
                    journal=journal,
                    job=JobSpec(lasts=60),
                    server=ServerSpec(**server),
                    chance=Chance(7),
                )
                upstream = await jobs.start(nursery)
                routes = {path: await proxies.add(path, upstream) for path in shapes}
                for path, shape in shapes.items():
                    await proxies.shape(path, shape)
                middle = Middle(wall_clock=lambda: 0.0, journal=journal, next_rid=lambda: next(rids))
                gate = Gate(
                    client="c1",
                    device=Device(list(shapes), starts_on=next(iter(shapes))),
                    routes=routes,
                    radios={},
                    network=world.network,
                    journal=journal,
                    stage=middle.stage,
                )
                await gate.start(nursery)

                async def feed(path: str = "wifi") -> ProbeStream:
                    made = await ProbeStream.open(gate, path, jobs.pulses)
                    made.hurry()
                    nursery.start_soon(made.run)
                    return made

                try:
                    await main(SimpleNamespace(gate=gate, jobs=jobs, middle=middle, proxies=proxies, feed=feed))
                finally:
                    await gate.aclose()
                    await jobs.stop()
                    nursery.cancel_scope.cancel()
        assert [words for words in world.network.sockets() if not words.startswith("listens on")] == []

    virtual.run(run, seed=7)
    return records
