"""``harness doctor``: real Toxiproxy, dials that hang, file limits and the scheduler's lag, each found by trying it."""

import resource
import shutil
import sys

import click
import msgspec
import trio

from harness.chance import Chance
from harness.commands.options import Command
from harness.console import say
from harness.errors import EnvironmentFault
from harness.exits import ENVIRONMENT, PASS
from harness.extras import EXTRAS, Extra
from harness.network import kernel
from harness.network.real import NO_SOCKETS, ports_can_be_kept
from harness.seams import Door, Network
from harness.toxiproxy.launch import open_toxiproxy
from harness.world import real

LAG_SECONDS = 1.0
LAG_LIMIT = 0.010  # a tenth of the latency law's 100 ms: above it the law's verdict is unknown
FILES_NEEDED = 1024
HANG = 0.2


class MachineCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One thing tried. A finding that is not good says what it costs or how to mend it."""

    what: str
    good: bool
    text: str


def examine() -> list[MachineCheck]:
    """Try everything. Takes about two seconds."""
    return real.run(_examine)


async def _examine() -> list[MachineCheck]:
    network = real.network()
    return [
        _python(),
        *map(_extra, EXTRAS),
        _real_sockets(),
        await _toxiproxy("embedded", network),
        await _toxiproxy("toxiproxy-server", network),
        await _hanging_dials(network),
        _syn_schedule(),
        _files(),
        await _lag(),
    ]


def _python() -> MachineCheck:
    version = ".".join(map(str, sys.version_info[:3]))
    return MachineCheck(what="python", good=True, text=f"{version} on {sys.platform}")


def _extra(extra: Extra) -> MachineCheck:
    what = f"extra {extra.name}"
    text = " and ".join(extra.modules) if extra.installed else f"not installed; {extra.advice}"
    return MachineCheck(what=what, good=True, text=text)


def _real_sockets() -> MachineCheck:
    good = ports_can_be_kept()
    text = "a port that refuses dials stays ours" if good else NO_SOCKETS
    return MachineCheck(what="real sockets", good=good, text=text)


async def _toxiproxy(choice: str, network: Network) -> MachineCheck:
    what = "toxiproxy" if choice == "embedded" else "real toxiproxy"
    path = choice if choice == "embedded" else shutil.which(choice)
    if path is None:
        install = "go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0, and call it toxiproxy-server"
        return MachineCheck(what=what, good=True, text=f"none on PATH; the embedded one stands in (or: {install})")
    try:
        rng = Chance(0).stream("doctor")
        async with open_toxiproxy(path, network=network, prefix="harness-doctor-", rng=rng) as toxiproxy:
            return MachineCheck(what=what, good=True, text=f"{toxiproxy.kind} {toxiproxy.version} answers")
    except EnvironmentFault as error:
        return MachineCheck(what=what, good=False, text=str(error))


async def _hanging_dials(network: Network) -> MachineCheck:
    """Shut a listener's door so that SYNs go unanswered, and dial it."""
    what = "hanging dials"
    try:
        listener = await network.listen()
    except EnvironmentFault as error:
        return MachineCheck(what=what, good=False, text=str(error))
    try:
        await listener.set_door(Door.HANG)
        with trio.move_on_after(HANG):
            stream = await network.connect(listener.address)
            await stream.aclose()
            return MachineCheck(
                what=what, good=False, text="a dial got through a shut door; silent paths cannot be had here"
            )
        return MachineCheck(what=what, good=True, text="a SYN can be left unanswered")
    except (EnvironmentFault, OSError) as error:
        return MachineCheck(what=what, good=False, text=f"silent, stalled and unreachable cannot be had: {error}")
    finally:
        await listener.aclose()


def _syn_schedule() -> MachineCheck:
    schedule = kernel.syn_schedule()
    if schedule is None:
        return MachineCheck(what="SYN retries", good=True, text="unknown on this system; 1, 3, 7 s … assumed")
    instants = ", ".join(f"{at:g}" for at in schedule.instants[:6])
    return MachineCheck(what="SYN retries", good=True, text=f"after {instants} s …")


def _files() -> MachineCheck:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    good = soft >= FILES_NEEDED or soft == resource.RLIM_INFINITY
    advice = "" if good else f"; raise it with `ulimit -n {FILES_NEEDED}` (at most {hard})"
    return MachineCheck(what="open files", good=good, text=f"{soft}{advice}")


async def _lag() -> MachineCheck:
    lags = []
    end = trio.current_time() + LAG_SECONDS
    while (due := trio.current_time() + 0.01) < end:
        await trio.sleep_until(due)
        lags.append(trio.current_time() - due)
    lags.sort()
    p99 = lags[-(-99 * len(lags) // 100) - 1]
    good = p99 <= LAG_LIMIT
    advice = "" if good else ": too busy to judge 100 ms; close other programs"
    return MachineCheck(what="scheduler lag", good=good, text=f"p99 {p99 * 1e3:.1f} ms over {len(lags)} ticks{advice}")


@click.command(cls=Command)
def doctor() -> int:
    """Check what this machine can do: Toxiproxy, hanging dials, clock, limits, scheduler lag."""
    findings = examine()
    for finding in findings:
        say(f"{'✓' if finding.good else '✗'} {finding.what:<18}{finding.text}")
    return PASS if all(finding.good for finding in findings) else ENVIRONMENT
