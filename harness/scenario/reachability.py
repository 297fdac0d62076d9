"""Reachability: which deeds of a plan are in force at an instant, and whether any client could get through then.

A fold of the plan's deeds alone, in the order of doing. It answers two questions for the checks of a plan.

1. *Does a client meet a deed?* Once a job is over and its end is sent, only a deed in force can still keep that end
   from a phone. A deed that comes when no other is in force meets no client (``unattended``).
2. *Can any client pass?* A client gets through while it can dial and is answered, or while a stream that it may have
   opened before still lives. From the last instant at which neither is so, no client can (``lost_for_good``).

The second never claims too much: a client is taken to be wherever it could be, and to fall back to polling.
"""

import math
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from harness.deeds.acts import Act, Answers, Deed
from harness.deeds.catalogue import When, effect_of, path_of
from harness.deeds.network_state import Fold, Passage, StandingDeed
from harness.deeds.replacement import directions
from harness.device.words import Reach
from harness.scenario.deadlines import ceiling, terminal_due
from harness.scenario.emissions import accepted, intended
from harness.scenario.model import PathSpec, Plan, network_at_start
from harness.sse.response import Meaning, judge_response
from harness.toxics.shape import line_time
from harness.vocabulary import Direction

AFTERWARDS = 1.0
"""Seconds after a job's end in which a deed still meets what its clients do last."""

_AROUND = 300
"""Bytes around what an update says: its other fields, and a head."""


class CutOff(NamedTuple):
    """A loss for good: from ``at`` on no client can get through. ``deed`` did it; None: it was so from the start."""

    at: float
    deed: Deed | None


class Reachability:
    """The network after the deeds done so far: can a client get through, and is a deed in force?"""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._start = network_at_start(plan)
        self._fold = Fold(self._start)
        self.until = 0.0
        """When what ends by itself has ended."""
        self._alive: set[str] = set()  # the paths on which a client may have a stream that is not dead

    def do(self, deed: Deed) -> None:
        """Let a deed take hold."""
        for _ in self.pass_to(deed.at):
            pass
        effect = effect_of(deed.act)
        change = self._fold.do(deed, deed.at)
        if seconds := effect.armed or effect.goes_on:
            self.until = max(self.until, deed.at + seconds)
        if effect.severs is None or effect.severs.when is When.IDLE or change.grace is not None:
            return
        if Direction.DOWNSTREAM in directions(deed.act):  # silence upstream leaves what comes
            self._alive -= {path_of(deed)} if path_of(deed) else {*self._alive}

    def pass_to(self, at: float) -> Iterator[tuple[float, Deed]]:
        """Let time pass to this second; yield when a deed's own time, or the grace of what it lost, was over."""
        for passed in self._fold.pass_to(at):
            self._alive -= set(passed.change.ended)
            yield passed.at, passed.deed
            self.settle()  # who lost a stream by it may have another

    @property
    def in_force(self) -> bool:
        """True if anything that a deed did is in force until another deed ends it, after the deeds done so far."""
        network, start = self._fold.state, self._start
        return bool(
            self._walls
            or self._plan.device.starts_on not in network.joined
            or any(network.paths[name].shapes != path.shapes for name, path in start.paths.items())
            or any(not network.paths[name].up for name, path in start.paths.items() if path.word is Reach.UP)
        )

    def settle(self) -> None:
        """Let time pass: a client that can dial now may have dialled."""
        if self._answered and self._fold.state.default is not None:
            self._alive.add(self._fold.state.default)

    @property
    def reachable(self) -> bool:
        """True if a client can get through: by a new connection, or by one that it may have had before."""
        return self._answered or any(self._flows(path) for path in self._alive)

    @property
    def _walls(self) -> list[StandingDeed]:
        """The states that last until another deed ends them."""
        return [one for one in self._fold.state.standing if effect_of(one.deed.act).seconds is None]

    @property
    def _answered(self) -> bool:
        """True if a client that dials now gets the job's state, by stream or status."""
        path = self._fold.state.default
        return path is not None and self._fold.state.paths[path].up and not self._walled(path)

    def _flows(self, path: str) -> bool:
        """Return whether a stream that is open on this path brings something, be it late."""
        barriers = [effect_of(wall.deed.act).barrier for wall in self._walls if wall.on(path)]
        held = any(barrier is not None and barrier.open_too and not barrier.delays for barrier in barriers)
        return self._fold.state.paths[path].passages[Direction.DOWNSTREAM] is Passage.PASS and not held

    def _walled(self, path: str) -> bool:
        """Return whether this path passes no stream and no status request, and answers nothing that stops a client."""
        kept = {kind for wall in self._walls if wall.on(path) for kind in self._keeps(wall.deed.act)}
        return kept >= {"streams", "polls"}

    def _keeps(self, act: Act) -> frozenset[str]:
        """Return the kinds of request that an act keeps from the server for as long as it stands."""
        barrier = effect_of(act).barrier
        if barrier is None or barrier.delays:
            return frozenset()
        if isinstance(act, Answers):
            meaning = judge_response(act.status, None, self._plan.client.policies).meaning
            return barrier.kinds if act.times is None and meaning is Meaning.RETRY else frozenset()
        return barrier.kinds


def unattended(plan: Plan) -> Iterator[Deed]:
    """Yield the deeds that come when every client has long had its job's end, as nothing could keep it from them.

    The end of a deed is none of them: it comes with its deed.
    """
    over = terminal_due(plan)
    if all(deed.at <= over for deed in plan.deeds):
        return
    watch = _Watch(plan)
    for deed in plan.deeds:
        if deed.undoes is None and not watch.attended(deed.at):
            yield deed


def attended(plan: Plan, at: float) -> bool:
    """Return whether a client may be there at this time. A hindered client may stay long after the job's end."""
    return _Watch(plan).attended(at)


class _Watch:
    """Tells, for ever later times, whether a client may still be there.

    1. Until the job's end and its results are said, it is.
    2. While something is in force that began when it was, it may be.
    3. Then it has as long as the longest R that is judged to get over what was; without deadlines of its own it may
       never. A token that runs out ends streams as a deed does.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._network = Reachability(plan)
        self._done = 0  # deeds
        self._quiet = results_due(plan)
        self._kept = False  # what is in force began when a client was there
        self._disturbed = plan.server.token_lasts is not None
        policies = plan.client.policies
        unbounded = policies.watchdog is None or policies.connect_timeout is None
        self._recovery = math.inf if unbounded else ceiling(plan)

    def attended(self, at: float) -> bool:
        """Return whether a client may be there just before the deeds of this time."""
        deeds = self._plan.deeds
        while self._done < len(deeds) and deeds[self._done].at < at:
            deed = deeds[self._done]
            met = self._pass(deed.at)
            self._network.do(deed)
            self._kept = self._kept or met
            self._disturbed = self._disturbed or met
            self._done += 1
        return self._pass(at)

    def _pass(self, at: float) -> bool:
        """Let time pass to this instant; return whether a client may be there then."""
        in_force = self._network.in_force
        if self._kept:
            self._quiet = max(self._quiet, at if in_force else min(at, self._network.until))
        self._kept = self._kept and in_force
        return at <= self._quiet + (self._recovery if self._disturbed else AFTERWARDS)


def results_due(plan: Plan) -> float:
    """Return by when the last job's end and its results have reached a client that nothing disturbs.

    That is on the slowest of the paths, for a client may have moved. A line that is narrower than what the job says on
    it is behind when the job ends. A client with a slow handler may be behind for ever, and a job without an end is
    never over.
    """
    if plan.job.ends == "never" or plan.client.policies.handler_takes:
        return math.inf
    events = len(intended(plan, accepted(plan))) * (plan.job.event_size + _AROUND)
    return terminal_due(plan, late=accepted(plan)) + max(_behind(plan, path, events) for path in plan.paths.values())


def _behind(plan: Plan, path: PathSpec, size: int) -> float:
    """Return how long after its job's end a client on this path has that, where events take so many bytes in all."""
    narrow = max(0.0, line_time(path.shape, size) - plan.job.lasts)
    crossing = path.radio.handshake + 2 * (path.shape.latency + path.shape.jitter)
    return narrow + crossing + line_time(path.shape, plan.job.results)


def lost_for_good(plan: Plan) -> CutOff | None:
    """Return from when on no client can get what its job still says; None where one can."""
    network = Reachability(plan)
    loss: CutOff | None = None
    if not plan.deeds or plan.deeds[0].at > 0.0:
        network.settle()
        loss = None if network.reachable else CutOff(0.0, None)
    for at, deeds in groupby(plan.deeds, key=lambda deed: deed.at):
        loss = _when_over(network, at, loss)
        for deed in deeds:
            network.do(deed)
            if loss is None and not network.reachable:
                loss = CutOff(at, deed)
        network.settle()
        if network.reachable:
            loss = None
    loss = _when_over(network, math.inf, loss)
    if loss is None:
        return None
    last = max(intended(plan, accepted(plan)), default=0.0) + plan.client.arrive
    return loss if last > loss.at else None


def _when_over(network: Reachability, at: float, loss: CutOff | None) -> CutOff | None:
    """Let time pass, in which the last stream may end with a lost path's grace, or as the device wakes."""
    for over, deed in network.pass_to(at):
        if loss is None and not network.reachable:
            loss = CutOff(round(over, 9), deed)
    return loss
