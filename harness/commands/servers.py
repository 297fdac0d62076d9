"""``harness serve`` and ``harness toxiproxy``: the harness's servers alone, for trying a client by hand."""

import signal
from functools import partial

import click
import trio

from harness.chance import Chance
from harness.commands.options import Command, address, duration
from harness.console import say
from harness.errors import UsageError
from harness.exits import PASS
from harness.jobserver.server import serve as serve_on
from harness.scenario import DEFAULT_SEED
from harness.scenario.bounds import LONGEST, MOST_EVENTS, SHORTEST_TIMER
from harness.scenario.model import JobSpec, ServerSpec
from harness.seams import Address
from harness.toxiproxy.address import join_address
from harness.toxiproxy.embedded import serve_embedded
from harness.toxiproxy.servants import servants
from harness.units import spell_duration
from harness.world import real


def serve_jobs(address: Address, job: JobSpec, server: ServerSpec) -> None:
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
        start = partial(serve_on, address, network=real.network(), job=job, server=server, chance=Chance(DEFAULT_SEED))
        async with servants() as nursery:
            nursery.start_soon(_until_signalled, nursery.cancel_scope)
            base = f"http://{join_address((await nursery.start(start)).address)}/api/v2/imports"
            say(f"job server on {base} (Ctrl-C ends it)")
            say(f"  curl -X POST {base}")
            say(f"  curl -N -H 'Accept: text/event-stream' {base}/JOB/stream")
            await trio.sleep_forever()

    real.run(main)


def serve_toxiproxy(address: Address, seed: int | None) -> None:
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


@click.command(cls=Command)
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, metavar="ADDRESS:PORT", help="Where: loopback only."
)
@click.option("--lasts", default="30s", show_default=True, metavar="DURATION", help="How long each job takes.")
@click.option("--every", default="2s", show_default=True, metavar="DURATION", help="Between two updates.")
@click.option("--retry", default=None, metavar="DURATION", help="A retry: field, sent first on each stream.")
@click.option(
    "--keepalive", default="15s", show_default=True, metavar="DURATION", help="Silence after which a comment is sent."
)
def serve(listen: str, **options: str | None) -> int:
    """The reference job server alone, until Ctrl-C. Pages of this machine may use it from their browsers, too."""
    lasts = duration(options["lasts"], "--lasts")
    every = duration(options["every"], "--every")
    assert lasts is not None
    job = JobSpec(lasts=lasts, every=every, items=100)
    server = ServerSpec(
        retry=duration(options["retry"], "--retry"), keepalive=duration(options["keepalive"], "--keepalive")
    )
    serve_jobs(address(listen), job, server)
    return PASS


@click.command(cls=Command)
@click.option("--listen", metavar="ADDRESS:PORT", help="Where the API listens.  [default: 127.0.0.1:8474]")
@click.option("-host", "--host", metavar="ADDRESS", help="The same, as toxiproxy-server has it.")
@click.option("-port", "--port", metavar="PORT", help="The same, as toxiproxy-server has it.")
@click.option("-seed", "--seed", type=int, default=None, help="Makes its draws repeat.")
def toxiproxy(listen: str | None, host: str | None, port: str | None, seed: int | None) -> int:
    """The embedded Toxiproxy alone, until Ctrl-C.

    It has the API and the toxics of Toxiproxy 2.12, on loopback. On purpose it has neither `/metrics` nor `-config`
    files, nor the quirks: attributes that crash the real server and names with `/` are refused, reset_peer resets
    connections that are open already, no wait blocks a call, and the seed works.
    """
    if listen is not None and (host is not None or port is not None):
        raise UsageError("--listen says both: leave --host and --port out")
    host = host or "127.0.0.1"
    listen = listen or f"{f'[{host}]' if ':' in host else host}:{'8474' if port is None else port}"
    serve_toxiproxy(address(listen), seed)
    return PASS
