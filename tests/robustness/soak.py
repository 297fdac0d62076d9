"""A soak: one process, one long run with a deed every few seconds. Does anything grow?

``.venv/bin/python tests/robustness/soak.py [MINUTES]`` (15 when not said) runs the runner itself on real sockets with
the embedded Toxiproxy: a job of 20 events/s, a path word or a handoff every two seconds. Each 30 s it prints what the
run's own ``health`` records say; at the end the growth of each figure after the first two minutes, and a verdict.
Exit code 0 means flat.
"""

import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import numpy as np
import trio

from harness.deeds.acts import ComesOnline, Deed, GoesOffline, Joins, Loses, Prefers, SetReach
from harness.device.words import Reach
from harness.history import App, End, Health, Record
from harness.history.files import HISTORY
from harness.run.runner import Runner
from harness.scenario.model import ClientSpec, DeviceSpec, JobSpec, PathSpec, Plan, ServerSpec
from harness.scenario.profiles import PROFILES
from harness.sse.policy import REFERENCE
from harness.world import real

FLAT = 0.05
"""Growth, as a share, below which a figure counts as flat."""

WARM_UP = 120.0  # seconds: imports, caches, the allocator's arenas
TELL_EVERY = 30.0
AFTERWARDS = 30.0  # for the client to see the end of the job


class Sample(NamedTuple):
    """One moment of the process. ``rss`` is bytes."""

    at: float
    rss: int
    fds: int
    tasks: int
    threads: int
    events: int


class Growth(NamedTuple):
    """A figure's straight line after the warm-up. ``share`` is what the line rises by, relative to where it begins."""

    what: str
    begins: float
    per_hour: float
    share: float


def round_of_deeds() -> Iterator[tuple[float, str, object, str]]:
    """Every path word, every act of the device, and back to where it began: 36 s in all."""

    def word(at: float, reach: Reach, *, once: bool = False) -> tuple[float, str, object, str]:
        return at, "wifi", SetReach(word=reach, once=once), reach.value + (" once" if once else "")

    yield word(0, Reach.STALLED)
    yield word(2, Reach.UP)
    yield word(4, Reach.SILENT)
    yield 4.4, "device", Loses(path="wifi"), "loses wifi"
    yield 5, "device", Joins(path="cellular"), "joins cellular"
    yield word(8, Reach.UP)
    yield 9, "device", Joins(path="wifi"), "joins wifi"
    yield 10, "device", Prefers(path="wifi"), "prefers wifi"
    yield 12, "device", Loses(path="cellular"), "loses cellular"
    yield word(15, Reach.CLOSED, once=True)
    yield word(18, Reach.RESET, once=True)
    yield word(20, Reach.UNREACHABLE)
    yield word(22, Reach.UP)
    yield word(24, Reach.REFUSED)
    yield word(26, Reach.UP)
    yield 28, "device", GoesOffline(), "goes offline"
    yield 30, "device", ComesOnline(), "comes online"
    yield word(32, Reach.RESET)
    yield word(34, Reach.UP)


ROUND = 36.0


def long_plan(lasts: float) -> Plan:
    """The plan of a soak of so many seconds; its last round ends before the job does."""
    rounds = max(1, int((lasts - 2) // ROUND)) if lasts >= ROUND else 1
    moments = [
        (2 + number * ROUND + at, actor, act, text)
        for number in range(rounds)
        for at, actor, act, text in round_of_deeds()
        if 2 + number * ROUND + at < lasts - 2
    ]
    profiles = {"wifi": PROFILES["wifi"], "cellular": PROFILES["lte"]}
    return Plan(
        scenario="a soak",
        name="soak",
        seed=7,
        job=JobSpec(lasts=lasts, every=0.05),
        server=ServerSpec(replay=2000),
        paths={
            path: PathSpec(profile=profile.name, shape=profile.shape, radio=profile.radio)
            for path, profile in profiles.items()
        },
        device=DeviceSpec(starts_on="wifi"),
        client=ClientSpec(policies=msgspec.structs.replace(REFERENCE, backoff_base=0.2, backoff_cap=1.0)),
        deeds=tuple(
            Deed(index=index, at=at, actor=actor, act=act, text=text)  # type: ignore[arg-type]
            for index, (at, actor, act, text) in enumerate(moments)
        ),
        horizon=lasts + AFTERWARDS,
    )


class Meter:
    """A tap for the journal: a sample for each ``health`` record, a line for some of them."""

    def __init__(self, tell_every: float) -> None:
        self.samples: list[Sample] = []
        self.reason = ""
        self._tell_every = tell_every
        self._began = 0
        self._told = 0.0
        self._events = 0

    def fold(self, record: Record) -> None:
        """Take one record in."""
        if isinstance(record, App):
            self._events += 1
        elif isinstance(record, End):
            self.reason = record.reason
        elif isinstance(record, Health):
            self._began = self._began or record.t_ns
            at = (record.t_ns - self._began) / 1e9
            sample = Sample(at, record.rss, record.fds, record.tasks, threading.active_count(), self._events)
            self.samples.append(sample)
            if at - self._told >= self._tell_every:
                self._told = at
                click.echo(
                    f"{sample.at:7.0f} s  rss {sample.rss / 1e6:7.2f} MB  fds {sample.fds:3}  tasks {sample.tasks:3}  "
                    f"threads {sample.threads:2}  events {sample.events}"
                )


def growths(samples: list[Sample], warm_up: float) -> list[Growth]:
    """A straight line through each figure after the warm-up, one point a second, so that rounds even out."""
    kept = [sample for sample in samples if sample.at >= warm_up]
    at = np.array([sample.at for sample in kept])
    found = []
    for what in ("rss", "fds", "tasks", "threads"):
        slope, start = np.polyfit(at, np.array([getattr(sample, what) for sample in kept], dtype=float), 1)
        begins = float(start + slope * at[0])
        found.append(Growth(what, begins, float(slope) * 3600, float(slope * (at[-1] - at[0])) / begins))
    return found


def soak(folder: Path, lasts: float, *, tell_every: float = TELL_EVERY) -> Meter:
    """Run for so many seconds; the history lies in ``folder`` then."""
    meter = Meter(tell_every)
    runner = Runner(
        long_plan(lasts),
        folder / HISTORY,
        toxiproxy="embedded",
        world=real.world(),
        tap=meter.fold,
    )
    real.run(partial(runner.run, trio.Event()))
    return meter


def main(minutes: float) -> int:
    """Run, tell, judge."""
    with tempfile.TemporaryDirectory(prefix="harness-soak-") as name:
        meter = soak(Path(name), minutes * 60)
        written = sum(path.stat().st_size for path in Path(name).iterdir())
    last = meter.samples[-1]
    click.echo(f"ended: {meter.reason}; {last.events} events in {last.at:.0f} s; history {written / 1e6:.1f} MB")
    found = growths(meter.samples, min(WARM_UP, minutes * 60 / 3))
    for growth in found:
        scale, unit = (1e6, " MB") if growth.what == "rss" else (1, "")
        click.echo(
            f"{growth.what:8} begins {growth.begins / scale:8.2f}{unit}  {growth.per_hour / scale:+8.3f}{unit}/h  "
            f"{growth.share:+7.2%} over the run"
        )
    flat = all(growth.share < FLAT for growth in found)
    click.echo("FLAT" if flat and meter.reason == "done" else "GROWING" if not flat else "NOT DONE")
    return 0 if flat and meter.reason == "done" else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 15.0))
