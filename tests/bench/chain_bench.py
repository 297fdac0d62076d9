"""The time that the harness itself adds to a clean run: gate, HTTP stage and proxy, at 10 events/s. Run it as a script.

Two clients of one server in one process, one dialling the server, the other through the whole chain with no toxic.
Their jobs run half a period apart, so that neither delays the other. The bar: added p50 ≤ 0.5 ms, p99 ≤ 3 ms, and the
scheduler's lag p99 ≤ 5 ms.
"""

import sys
import tempfile
from pathlib import Path

import trio

from harness.chance import Chance
from harness.clients.machine import MachinePhone
from harness.clients.run import run_reference
from harness.device.model import Device
from harness.history import App, Emit, Health, Job, Journal, read_history
from harness.jobserver.server import JobServer
from harness.middle.kinds import RequestKinds
from harness.middle.stage import HttpStage
from harness.network.gate import Gate
from harness.run import health
from harness.scenario.model import ClientSpec, JobSpec, ServerSpec
from harness.toxiproxy.launch import open_toxiproxy
from harness.world import real

PERIOD = 0.1
PATH = "loopback"


async def record(path: Path, seconds: float) -> None:
    """Run both clients and record them."""
    network, chance = real.network(), Chance(7)
    with Journal(path, real.stamp) as journal:
        rng = chance.stream("toxics")
        async with (
            open_toxiproxy("embedded", network=network, prefix="bench-", rng=rng) as toxiproxy,
            trio.open_nursery() as nursery,
        ):
            job = JobSpec(lasts=seconds, every=PERIOD)
            server = JobServer(network=network, journal=journal, job=job, server=ServerSpec(), chance=chance)
            upstream = await server.start(nursery)
            proxy = await toxiproxy.add(f"bench-{PATH}", upstream)
            rids = iter(range(1, sys.maxsize))
            gate = Gate(
                client="chain",
                device=Device([PATH], starts_on=PATH),
                routes={PATH: proxy},
                radios={},
                network=network,
                journal=journal,
                stage=lambda cid, client, path: HttpStage(
                    wall_clock=lambda: 0.0,
                    cid=cid,
                    client=client,
                    path=path,
                    journal=journal,
                    next_rid=lambda: next(rids),
                    routes=RequestKinds(),
                ),
            )
            await gate.start(nursery)
            nursery.start_soon(journal.keep_flushing)
            nursery.start_soon(lambda: health.watch(journal, controls=[]))
            nursery.start_soon(toxiproxy.watch)

            async def follow(name: str, phone: object, late: float) -> None:
                await trio.sleep(late)
                await run_reference(
                    name=name,
                    base_url=f"http://{upstream[0]}:{upstream[1]}",
                    spec=ClientSpec(),
                    phone=phone,
                    journal=journal,
                    chance=chance,
                    wall_clock=real.wall_clock,
                )

            async with trio.open_nursery() as clients:
                clients.start_soon(follow, "direct", MachinePhone(), 0.0)
                clients.start_soon(follow, "chain", gate.phone, PERIOD / 2)
            await gate.aclose()
            await server.stop()
            nursery.cancel_scope.cancel()


def transports(path: Path) -> tuple[dict[str, list[float]], list[float]]:
    """Emission to callback in ms by client, and the scheduler's lags in ms, all sorted."""
    history = read_history(path)
    emitted = {(emit.job, emit.id): emit.actual_ns for emit in history.all(Emit)}
    assert len(history.all(Job)) == 2
    found: dict[str, list[float]] = {"direct": [], "chain": []}
    for app in history.all(App):
        found[app.client].append((app.enter_ns - emitted[app.job, app.id]) / 1e6)
    lags = [lag / 1e3 for record in history.all(Health) for lag in record.lags_us]
    return {name: sorted(values) for name, values in found.items()}, sorted(lags)


def at(values: list[float], share: float) -> float:
    """The value at this rank."""
    return values[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    """Measure, print, and say which bars are met."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 40.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.jsonl.gz"
        trio.run(record, path, seconds)
        found, lags = transports(path)
    for name, values in found.items():
        print(f"{name:<8}{len(values)} events  p50 {at(values, 0.5):.3f} ms  p99 {at(values, 0.99):.3f} ms")
    added = {share: at(found["chain"], share) - at(found["direct"], share) for share in (0.5, 0.99)}
    rows = [
        ("added p50", added[0.5], 0.5),
        ("added p99", added[0.99], 3.0),
        ("scheduler lag p99", at(lags, 0.99), 5.0),
    ]
    for what, value, bar in rows:
        print(f"{what:<20}{value:.3f} ms  (bar {bar} ms: {'met' if value <= bar else 'not met'})")


if __name__ == "__main__":
    main()
