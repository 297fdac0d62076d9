"""What stands: which deeds of a plan are in force at an instant, and whether any client could get through then.

A fold of the plan's deeds alone, in the order of doing. It answers two questions of whoever checks a plan.

1. *Who is there to meet a deed?* Once a job is over and said, only what is in force can still keep its end from a
   phone. A deed that comes when nothing is in force any more meets nobody (``unattended``).
2. *Can any client pass?* A client gets through while it can dial and is answered, or while a stream that it may have
   opened before still lives. From the last instant at which neither is so, nobody can (``lost_for_good``).

The second never claims too much: a client is taken to be wherever it could be, and to fall back to polling.
"""

import math
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from harness.deeds.acts import (
    Act,
    Answers,
    Cuts,
    Deed,
    Drains,
    Ends,
    Hangs,
    Loses,
    MutesStreams,
    Pauses,
    ResetsStreams,
    Resumes,
    SetReach,
    ShowsPortal,
    Suspends,
)
from harness.deeds.catalogue import effect_of
from harness.deeds.network_state import Passage, after
from harness.deeds.network_state import Standing as Wall
from harness.device.words import Reach
from harness.scenario.deadlines import Ending, recovery_allowance, terminal_due
from harness.scenario.emissions import accepted, intended
from harness.scenario.model import PathSpec, Plan, network_at_start
from harness.sse.response import Meaning, judge_response
from harness.toxics.shape import line_time
from harness.vocabulary import Direction

AFTERWARDS = 1.0
"""Seconds after a job's end in which a deed still meets what its clients do last."""

_AROUND = 300
"""Bytes around what an update says: its other fields, and a head."""


class Loss(NamedTuple):
    """From ``at`` on no client can get through any more; ``deed`` did it (None: it was so from the beginning)."""

    at: float
    deed: Deed | None


class Standing:
    """The state that a plan's deeds have brought about so far."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._start = self._network = network_at_start(plan)
        self._paused = False
        self.until = 0.0
        """When what ends by itself has ended."""
        self._alive: set[str] = set()  # the paths on which a client may have a stream that is not dead

    def do(self, deed: Deed) -> None:
        """Let a deed take hold."""
        change = after(self._network, deed, deed.at)
        self._network = change.state
        self._alive -= set(change.ended) if self._deafens(deed) else set()
        effect = effect_of(deed.act)
        if seconds := effect.armed or effect.goes_on:
            self.until = max(self.until, deed.at + seconds)
        match deed.act:
            case Loses(path=path):
                self._alive.discard(path)
            case Cuts():
                self._alive.discard(deed.actor)
            case Suspends():
                self._alive.clear()
            case Pauses():
                self._paused = True
            case Resumes() | Ends():
                self._paused = False

    def in_force(self, at: float) -> bool:
        """Whether anything that a deed did is still in force at this time, after the deeds done so far."""
        network, start = self._network, self._start
        return bool(
            self._walls
            or self._paused
            or self.until >= at
            or network.away is not None
            or self._plan.device.starts_on not in network.joined
            or any(network.paths[name].shapes != path.shapes for name, path in start.paths.items())
            or any(not network.paths[name].up for name, path in start.paths.items() if path.word is Reach.UP)
        )

    def settle(self) -> None:
        """Let time pass: whoever can dial now may have done so."""
        if self._answered and self._network.default is not None:
            self._alive.add(self._network.default)

    @property
    def reachable(self) -> bool:
        """Whether a client can get through: by a new connection, or by one that it may have had before."""
        hangs = any(isinstance(wall.deed.act, Hangs) for wall in self._walls)
        paths = [self._network.paths[path] for path in self._alive]
        alive = any(path.passages[Direction.DOWNSTREAM] is Passage.PASS for path in paths)
        return self._answered or (alive and not hangs)

    @property
    def _walls(self) -> list[Wall]:
        """What the middle and the server go on doing until another deed ends it."""
        return [one for one in self._network.standing if effect_of(one.deed.act).seconds is None]

    @property
    def _answered(self) -> bool:
        """Whether a client that dials now gets the job's state, by stream or status."""
        path = self._network.default
        return path is not None and self._network.paths[path].up and not self._walled(path)

    def _walled(self, path: str) -> bool:
        """Whether neither streams nor status requests pass on this path, with answers that no client stops at."""
        kept = {kind for wall in self._walls if wall.on(path) for kind in self._keeps(wall.deed.act)}
        return kept >= {"streams", "polls"}

    def _keeps(self, act: Act) -> tuple[str, ...]:
        """Return the kinds of request that an act keeps from the server for as long as it stands."""
        match act:
            case Drains() | Hangs() | ShowsPortal():
                return "streams", "polls"
            case MutesStreams() | ResetsStreams():
                return ("streams",)
            case Answers(status=status, to=to, times=None):
                meaning = judge_response(status, None, self._plan.client.policies).meaning
                kinds = ("streams", "polls") if to == "everything" else (to,)
                return kinds if meaning is Meaning.RETRY else ()
        return ()

    @staticmethod
    def _deafens(deed: Deed) -> bool:
        """Whether what a deed ends can bring nothing down any more: silence upstream leaves what comes."""
        return not (isinstance(deed.act, SetReach) and deed.act.direction is Direction.UPSTREAM)


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
    """Whether a client may be there at this time, long after the job's end too where something kept it from it."""
    return _Watch(plan).attended(at)


class _Watch:
    """Tells, for ever later times, whether a client may still be there.

    1. Until the job's end and its results are said, it is.
    2. While something is in force that began when it was, it may be.
    3. Then it has R to get over what was; without deadlines of its own it may never. A token that runs out ends streams
       as a deed does.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._standing = Standing(plan)
        self._done = 0  # deeds
        self._quiet = said(plan)
        self._kept = False  # what is in force began when somebody was there
        self._disturbed = plan.server.token_lasts is not None
        policies = plan.client.policies
        unbounded = policies.watchdog is None or policies.connect_timeout is None
        self._recovery = math.inf if unbounded else max(recovery_allowance(plan, ending) for ending in Ending)

    def attended(self, at: float) -> bool:
        """Whether a client may be there just before the deeds of this time."""
        deeds = self._plan.deeds
        while self._done < len(deeds) and deeds[self._done].at < at:
            deed = deeds[self._done]
            met = self._pass(deed.at)
            self._standing.do(deed)
            self._kept = self._kept or met
            self._disturbed = self._disturbed or met
            self._done += 1
        return self._pass(at)

    def _pass(self, at: float) -> bool:
        """Let time pass to this instant; return whether somebody may be there then."""
        in_force = self._standing.in_force(at)
        if self._kept:
            self._quiet = max(self._quiet, at if in_force else min(at, self._standing.until))
        self._kept = self._kept and in_force
        return at <= self._quiet + (self._recovery if self._disturbed else AFTERWARDS)


def said(plan: Plan) -> float:
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


def lost_for_good(plan: Plan) -> Loss | None:
    """Return from when on no client can get what its job still says; None where one can."""
    standing = Standing(plan)
    loss: Loss | None = None
    if not plan.deeds or plan.deeds[0].at > 0.0:
        standing.settle()
        loss = None if standing.reachable else Loss(0.0, None)
    for at, deeds in groupby(plan.deeds, key=lambda deed: deed.at):
        for deed in deeds:
            standing.do(deed)
            if loss is None and not standing.reachable:
                lingers = plan.device.linger if isinstance(deed.act, Loses) else 0.0
                loss = Loss(round(at + lingers, 9), deed)
        standing.settle()
        if standing.reachable:
            loss = None
    if loss is None:
        return None
    last = max(intended(plan, accepted(plan)), default=0.0) + plan.client.arrive
    return loss if last > loss.at else None
