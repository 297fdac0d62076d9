"""The harness's servers alone, for trying a client by hand: the job server, and the embedded Toxiproxy."""

import signal
from collections.abc import Callable
from functools import partial

import trio

from harness.chance import Chance
from harness.errors import UsageError
from harness.jobserver.server import serve
from harness.scenario import DEFAULT_SEED
from harness.scenario.bounds import LONGEST, MOST_EVENTS, SHORTEST_TIMER
from harness.scenario.model import JobSpec, ServerSpec
from harness.seams import Address
from harness.toxiproxy.address import join_address
from harness.toxiproxy.embedded import serve_embedded
from harness.toxiproxy.servants import servants
from harness.units import spell_duration
from harness.world import real

Say = Callable[[str], object]


def serve_jobs(address: Address, job: JobSpec, server: ServerSpec, say: Say) -> None:
    """Serve jobs until Ctrl-C or SIGTERM.

    Raises ``UsageError`` for a job that makes no sense, ``EnvironmentFault`` where the address is taken.
    """
    if not job.lasts > 0 or (job.every is not None and not job.every > 0):
        raise UsageError("--lasts and --every take more than zero")
    if job.every is not None and job.lasts / job.every > MOST_EVENTS:
        raise UsageError(f"expected a job of at most {MOST_EVENTS} events, got {job.lasts / job.every:.0f}")
    if job.lasts > LONGEST:
        raise UsageError(f"--lasts takes at most {LONGEST / 3_600:.0f}h")
    if server.keepalive is not None and server.keepalive < SHORTEST_TIMER:
        raise UsageError(f"--keepalive takes at least {spell_duration(SHORTEST_TIMER)}")

    async def main() -> None:
        start = partial(serve, address, network=real.network(), job=job, server=server, chance=Chance(DEFAULT_SEED))
        async with servants() as nursery:
            nursery.start_soon(_until_signalled, nursery.cancel_scope)
            base = f"http://{join_address((await nursery.start(start)).address)}/api/v2/imports"
            say(f"job server on {base} (Ctrl-C ends it)")
            say(f"  curl -X POST {base}")
            say(f"  curl -N -H 'Accept: text/event-stream' {base}/JOB/stream")
            await trio.sleep_forever()

    real.run(main)


def serve_toxiproxy(address: Address, seed: int | None, say: Say) -> None:
    """Serve the control API and its proxies until Ctrl-C or SIGTERM. Raises ``EnvironmentFault`` likewise."""

    async def main() -> None:
        rng = Chance(DEFAULT_SEED if seed is None else seed).stream("toxics")
        async with servants() as nursery:
            nursery.start_soon(_until_signalled, nursery.cancel_scope)
            where = await nursery.start(partial(serve_embedded, real.network(), address, rng=rng))
            say(f"embedded Toxiproxy on http://{join_address(where)} (Ctrl-C ends it)")
            await trio.sleep_forever()

    real.run(main)


async def _until_signalled(everything: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            everything.cancel()
            return
