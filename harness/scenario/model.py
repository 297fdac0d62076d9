"""A scenario as data: what a file says once its units are numbers and its names are checked.

``Scenario`` is the document (with its sweep), ``Plan`` is one variant of it, compiled: everything a run needs and
everything the judge may know. A plan is written to ``plan.json`` before the run starts, and read back by ``judge`` and
``report``. Times are seconds, sizes bytes, rates bytes/s; ``None`` is *never*, *unbounded* or *not said*.
"""

import math
from collections.abc import Iterator, Mapping

import msgspec

from harness.deeds.acts import Adjusts, Deed, Ends, Frozen, SetShape
from harness.deeds.network_state import NetworkState, PathState, beginning, path_at_start
from harness.device.words import Radio, Reach
from harness.sse.policy import REFERENCE, Policies
from harness.toxics.shape import Shape

SCHEMA_VERSION = 2

SHAPES = (SetShape, Adjusts)
"""The acts that speak of a path's shape."""


class JobSpec(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """The job of every client. ``every`` None means on change: items are ``lasts / items`` apart."""

    lasts: float
    every: float | None = 2.0
    items: int = 100
    ends: str = "completed"  # completed | failed | timeout | never
    code: str = ""  # of `failed CODE`
    kind: str = "csv-import"  # csv-import | photo-scan | enrichment
    event_size: int = 200
    results: int = 10_000
    results_kept: float = 86_400.0
    no_progress: float = 300.0


class ServerSpec(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """The reference server's settings."""

    replay: int | None = 256  # events; None: all; 0: none
    expired_cursor: str = "410"  # 410 | reset event | silent
    keepalive: float | None = 15.0
    retry: float | None = None  # seconds, sent first on each stream
    token_lasts: float | None = None  # None: no token
    queue: int = 1000  # events per subscriber, then evicted
    line_ends: str = "lf"  # lf | cr | crlf | mixed
    payload: str = "ascii"  # ascii | utf8 | hostile
    frames: str = "plain"  # plain | varied


class PathSpec(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A named way to the server, and its profile resolved to numbers."""

    profile: str
    shape: Shape
    radio: Radio
    loss: float = 0.0  # probability per emission of a stall pulse
    start: Reach = Reach.UP


class DeviceSpec(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """The phone."""

    starts_on: str
    linger: float = 0.0


class ClientSpec(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """The client under test. ``like`` is the preset's name, as reports show it."""

    like: str = "reference"
    mutant: str = ""  # the planted bug (harness.clients.mutants), where ``like`` names one
    count: int = 1
    arrive: float = 0.0  # seconds within which they start
    policies: Policies = REFERENCE
    undeclared: tuple[str, ...] = ()  # policies that are not declared: they are ``UNSET``, and left out in JSON

    def __post_init__(self) -> None:
        unset = {*self.undeclared, *self.policies.undeclared}
        missing = tuple(name for name in Policies.__struct_fields__ if name in unset)
        msgspec.structs.force_setattr(self, "policies", self.policies.without(*missing))
        msgspec.structs.force_setattr(self, "undeclared", missing)


class StallPulse(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="pulse"):
    """Weather: loss, as a stall of a path's downstream. No deed: it needs no canary and ends no usable interval."""

    path: str
    at: float
    lasts: float


class RateStep(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="step"):
    """Weather: a stepped profile's next rate (bytes/s)."""

    path: str
    at: float
    down: float
    up: float


class Moment(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """The instant a bound counts from: ``the start``, ``the end`` (the terminal emission, as it happened) or ``at``."""

    word: str  # "the start" | "the end" | "at"
    at: float = 0.0


class Expectation(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A metric and its bound. ``sort``: is, at most, at least, under, within. ``statistic``: "", p50, p95, p99, max."""

    metric: str
    sort: str
    limit: float
    unit: str = ""  # "" (a count) | s | B | %
    moment: Moment | None = None
    statistic: str = ""
    text: str = ""  # the bound as written
    line: int = 0
    column: int = 0


class Warned(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """A warning: the plan can be run, but is hardly what was meant. The place is in its file; 0 is the whole file."""

    line: int = 0
    column: int = 0
    text: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One variant of a scenario, compiled. The run does what it says; the judge holds the history against it."""

    schema_version: int = SCHEMA_VERSION
    scenario: str
    about: str = ""
    name: str = ""  # the file's stem: what a folder of results and the command line call it
    source: str = ""  # the text of the file
    file: str = ""  # as the user named it
    variant: str = ""  # "gap=5s"; several variables are joined by ","
    variables: dict[str, str] = {}
    seed: int
    world: str = "real"
    job: JobSpec
    server: ServerSpec = ServerSpec()
    paths: dict[str, PathSpec]
    device: DeviceSpec
    client: ClientSpec = ClientSpec()
    deeds: tuple[Deed, ...] = ()
    weather: tuple[StallPulse | RateStep, ...] = ()
    expect: tuple[Expectation, ...] = ()
    waive: dict[str, str] = {}
    mutants: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    limit: float | None = None  # as the file or the command line says; None: the horizon
    horizon: float  # when everything missing has failed; the run never outlasts it


FEW = 8
"""Clients beyond whom not every gate has a canary, but one in so many."""


def canaries_of(clients: int) -> tuple[str, ...]:
    """Return the names of the clients at whose gates a canary proves the faults."""
    return tuple(f"c{number}" for number in range(1, clients + 1, 1 if clients <= FEW else FEW))


def network_at_start(plan: Plan) -> NetworkState:
    """Return the network of each of the plan's clients before any deed."""
    return network_of(plan.paths, starts_on=plan.device.starts_on, linger=plan.device.linger)


def network_of(specs: Mapping[str, PathSpec], *, starts_on: str, linger: float = 0.0) -> NetworkState:
    """Return the network of a client that has these paths, before any deed."""
    paths = {
        name: path_at_start(spec.shape, word=spec.start, radio=spec.radio, loss=spec.loss)
        for name, spec in specs.items()
    }
    return beginning(paths, starts_on=starts_on, linger=linger)


def lines(plan: Plan, path: str | None = None) -> Iterator[tuple[Radio, Shape]]:
    """Yield what this path (any, if None) costs and does to bytes in a direction, at the start and by each deed."""
    for name, spec in plan.paths.items():
        if path is None or path == name:
            yield spec.radio, spec.shape
            state: PathState | None = None
            for deed in plan.deeds:
                if deed.actor == name and isinstance(deed.act, SHAPES):
                    state = (state or path_at_start(spec.shape, radio=spec.radio)).reshaped(deed.act, deed.at)
                    yield from ((state.radio, shape) for shape in state.shapes.values())


def job_ends(plan: Plan) -> list[float]:
    """Return when deeds end the job."""
    return [deed.at for deed in plan.deeds if isinstance(deed.act, Ends)]


def schedule(job: JobSpec) -> list[float]:
    """Intended emission times in seconds after the job was accepted, by index: 0 is ``initialized``, the last terminal.

    On change there is one ``processing`` per item, ``lasts / items`` apart, so that the last one is due together with
    the terminal event; else they come at ``every``, twice ``every`` … before ``lasts``. A job that never ends has no
    terminal entry.
    """
    if job.every is None:
        progress = [item * job.lasts / job.items for item in range(1, job.items + 1)]
    else:
        # Rounded before it is counted: 0.9 / 0.3 is a hair over 3, and would slip one more update in before the end.
        steps = math.ceil(round(job.lasts / job.every, 9)) - 1
        progress = [step * job.every for step in range(1, steps + 1)]
    end = [] if job.ends == "never" else [job.lasts]
    return [0.0, *progress, *end]
