"""One run as a process: ``python -m harness.run.child FOLDER``. Started by the campaign, never by hand.

The plan says in which world. In virtual time it tells how it goes as its records come, since a clock of the world would
only slow it down.

Reads ``plan.json`` in the folder, writes ``history.jsonl.gz`` beside it, and tells on standard output how it goes. It
stops as if interrupted when its standard input ends or SIGTERM comes. Exit code 0 means that the run ended and said
how in its history; anything else, that it could not.
"""

import argparse
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import msgspec
import trio

from harness.escaping import visible
from harness.history.files import HISTORY, PLAN
from harness.history.journal import Tap
from harness.history.records import Record
from harness.run import capabilities
from harness.run.progress import TELL_EVERY, Progress
from harness.run.progress_view import ProgressView
from harness.run.runner import Runner
from harness.scenario.model import Plan
from harness.trouble import in_words
from harness.world import real, virtual

TELL_AT = 2_000  # records


def tell(progress: Progress) -> None:
    """Print one line of JSON. A reader that went away ends nothing: the history is what counts."""
    try:
        sys.stdout.buffer.write(msgspec.json.encode(progress) + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        return


def tell_along(view: ProgressView, now: Callable[[], float]) -> Tap:
    """Return a tap that folds all records, and tells at every so many of them."""

    def fold(record: Record) -> None:
        view.fold(record)
        if not record.seq % TELL_AT:
            tell(view.progress(now()))

    return fold


async def keep_telling(view: ProgressView, now: Callable[[], float]) -> None:
    """Tell at a steady pace until cancelled."""
    while True:
        await trio.sleep(TELL_EVERY)
        tell(view.progress(now()))


async def stop_when_left_alone(stop: trio.Event) -> None:
    """Set ``stop`` when standard input ends: asked to stop, or the parent is gone."""
    stream = trio.lowlevel.FdStream(sys.stdin.fileno())
    try:
        while await stream.receive_some():
            pass
    except OSError:
        pass
    stop.set()


async def stop_on_signals(stop: trio.Event, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Set ``stop`` on SIGTERM and SIGINT."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            stop.set()


async def main(plan: Plan, folder: Path, toxiproxy: str) -> None:
    """Run the plan to its end, in the world that this task lives in."""
    world = virtual.world() if plan.world == virtual.NAME else real.world()
    view = ProgressView(plan)
    stop = trio.Event()
    runner = Runner(
        plan,
        folder / HISTORY,
        world=world,
        toxiproxy=toxiproxy,
        tap=tell_along(view, lambda: runner.now()) if world.simulated else view.fold,  # noqa: PLW0108 - made just now
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(stop_on_signals, stop)
        nursery.start_soon(stop_when_left_alone, stop)
        if not world.simulated:
            nursery.start_soon(keep_telling, view, runner.now)
        await runner.run(stop)
        nursery.cancel_scope.cancel()
    tell(view.progress(runner.now()))


def run_in_world(plan: Plan, perform: Callable[[], Awaitable[None]]) -> None:
    """Run in the world that the plan names. Raises ``EnvironmentFault`` where this machine's sockets cannot do it."""
    if plan.world == virtual.NAME:
        with virtual.spacious_memory(plan.client.count):
            virtual.run(perform, seed=plan.seed)
    else:
        capabilities.require(plan)
        real.run(perform)


def perform(folder: Path, toxiproxy: str) -> int:
    """Run the plan in ``folder``, and return the exit code. A fault is told before."""
    try:
        plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
        run_in_world(plan, partial(main, plan, folder, toxiproxy))
    except Exception as error:
        known = in_words(error)
        if known is None:
            raise
        tell(Progress(fault=visible(str(known))))
        return 3
    return 0


def entry() -> int:
    """Parse the command line, run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.run.child", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--toxiproxy", default="auto")
    options = parser.parse_args()
    return perform(options.folder, options.toxiproxy)


if __name__ == "__main__":
    from harness.run import child  # noqa: PLW0406 - a history names tasks by their module: never by __main__

    sys.exit(child.entry())
