"""One run laid out for judgement: the plan, the records of each client, and how far they may be trusted."""

import math
from collections.abc import Callable
from functools import cached_property
from operator import attrgetter
from typing import TypeVar

import msgspec

from harness.history import (
    App,
    AppResults,
    Boxed,
    Chunk,
    Conn,
    ConnEnd,
    DeedDone,
    Delivered,
    Dial,
    Emit,
    GapSignal,
    Health,
    History,
    Job,
    Request,
    Rescheduled,
    Response,
    SignalHeard,
    SignalTold,
    Snapshot,
    Status,
    Write,
)
from harness.history.records import Record
from harness.judge.facts.radio import answers, arrivals
from harness.judge.facts.screen import Screen
from harness.judge.facts.truth import Truth
from harness.judge.percentiles import at_rank, rank
from harness.judge.verdict import Evidence
from harness.scenario.deadlines import horizon_of_run
from harness.scenario.deed_text import deed_text
from harness.scenario.model import Plan
from harness.scenario.reachability import lost_for_good

COMPLETE = frozenset({"done", "limit"})
"""Ends of a run that was not cut short: every client was done, or the scenario's limit was reached."""

ENDED = {"interrupted": "was interrupted", "fault": "ended with a fault of its environment"}
"""The end of a run that recorded its end and was not complete, as part of a sentence."""

LAGS = "scheduler lag p99"
"""The beginning of each doubt that comes from the host's lag alone."""

DOUBT = 0.10
"""Scheduler lag beyond this share of a limit makes the verdict on that limit unknown."""

NEAR = 0.1
"""Seconds, beside the run's highest lag, within which two facts have no order: both have to fail before a law does."""

WAKING_SIGNALS = frozenset({"joins", "prefers", "online", "resumed"})
"""Signals of a device that has a new way to the server, or that woke: they end the waits of a client."""

GAP = "gap"
"""The callback by which an app is told that events are missing for good."""

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class Lag(msgspec.Struct, frozen=True):
    """The harness's own scheduler lag in this run, in seconds; None where it was not sampled."""

    p99: float | None
    highest: float | None


class ClientCase:
    """The records of one client, of its gate, and of its job."""

    def __init__(self, name: str, case: "Case") -> None:
        self.name = name
        self.case = case
        self.jobs = case.jobs_of(name)
        self._made: dict[object, object] = {}

    def once(self, make: Callable[["ClientCase"], T]) -> T:
        """Return ``make(self)``, made the first time: several laws ask for the same measure."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]  # type: ignore[return-value]  # keyed by its maker

    def _own(self, kind: type[R]) -> list[R]:
        return self.case.grouped(kind, "client").get(self.name, [])

    def said(self, kind: type[R]) -> list[R]:
        """Return what it says of itself, of one kind. A claim explains, and decides nothing."""
        return self._own(kind)

    def _of_jobs(self, kind: type[R]) -> list[R]:
        return [record for job in self.jobs for record in self.case.grouped(kind, "job").get(job, [])]

    @cached_property
    def apps(self) -> list[App]:
        """Its app's callbacks, as written; those for a gap show no state of the job, and are apart."""
        return [app for app in self._own(App) if app.callback != GAP]

    @cached_property
    def gaps_told(self) -> list[App]:
        """The callbacks by which its app was told of gaps."""
        return [app for app in self._own(App) if app.callback == GAP]

    @cached_property
    def app_results(self) -> list[AppResults]:
        """The results that its app was handed."""
        return self._own(AppResults)

    @cached_property
    def truth(self) -> Truth:
        """The events that its job emitted.

        A job whose end the app was told, truly, has ended: that a server without its log reads it again is nothing new.
        """
        jobs, emits = self._of_jobs(Job), self._of_jobs(Emit)
        over = self._told_the_end(emits)
        late = {job.epoch for job in jobs if over is not None and (job.t_ns, job.seq) > over}
        emits = [emit for emit in emits if emit.epoch not in late]
        jobs = [job for job in jobs if job.epoch not in late]
        return Truth(self.jobs[0] if self.jobs else "", jobs, emits, self._of_jobs(Rescheduled))

    def _told_the_end(self, emits: list[Emit]) -> tuple[int, int] | None:
        """Return stamp and number of the callback that told its app the job's end, truly; None where none did."""
        ends = {emit.digest for emit in emits if emit.terminal}
        finals = {(emit.epoch, emit.index) for emit in emits if emit.terminal}
        told = [one for one in self._of_jobs(Snapshot) if (one.epoch, one.state_index) in finals]
        bodies = {one.digest for one in told if one.digest}
        ended = [app for app in self.apps if app.digest in ends or (app.body and app.body in bodies)]
        return min(((app.enter_ns, app.seq) for app in ended), default=None)

    @cached_property
    def screen(self) -> Screen:
        """The callbacks that its app saw."""
        unread = any(answer.coding for answer in self.responses.values())
        return Screen(self.apps, self.truth, arrived=None if unread else arrivals(self), answered=answers(self))

    @cached_property
    def requests(self) -> list[Request]:
        """Every request its gate saw begin."""
        return self._own(Request)

    @cached_property
    def streams(self) -> list[Request]:
        """Its stream requests."""
        return [request for request in self.requests if request.what == "stream"]

    @cached_property
    def responses(self) -> dict[int, Response]:
        """Responses to its requests, by rid."""
        answered = self.case.grouped(Response, "rid")
        return {request.rid: answered[request.rid][0] for request in self.requests if request.rid in answered}

    @cached_property
    def conns(self) -> list[Conn]:
        """Connections its gate accepted."""
        return self._own(Conn)

    @cached_property
    def conn_ends(self) -> list[ConnEnd]:
        """Ends of its connections, of either side."""
        ends = self.case.grouped(ConnEnd, "cid")
        return sorted((end for conn in self.conns for end in ends.get(conn.cid, [])), key=lambda end: end.seq)

    @cached_property
    def ends_of(self) -> dict[int, list[ConnEnd]]:
        """The same, by connection."""
        found: dict[int, list[ConnEnd]] = {}
        for end in self.conn_ends:
            found.setdefault(end.cid, []).append(end)
        return found

    def own_end(self, cid: int) -> ConnEnd | None:
        """Return the first end of its own side of a connection; None where it never ended."""
        return next((end for end in self.ends_of.get(cid, ()) if end.side == "client"), None)

    @cached_property
    def chunks(self) -> list[Chunk]:
        """Bytes at its radio, connection by connection."""
        chunks = self.case.grouped(Chunk, "cid")
        return [chunk for conn in self.conns for chunk in chunks.get(conn.cid, [])]

    @cached_property
    def dials(self) -> list[Dial]:
        """Its dials that are over, as its phone recorded them."""
        return self._own(Dial)

    @cached_property
    def delivered(self) -> list[Delivered]:
        """Blocks of event streams that its sockets took, in order."""
        blocks = self.case.grouped(Delivered, "cid")
        found = [block for conn in self.conns for block in blocks.get(conn.cid, [])]
        return sorted(found, key=attrgetter("seq"))

    @cached_property
    def bytes_down(self) -> dict[int, list[Chunk]]:
        """Bytes that reached its radio from the server, by connection."""
        found: dict[int, list[Chunk]] = {}
        for chunk in self.chunks:
            if chunk.direction == "downstream" and chunk.fate == "delivered":
                found.setdefault(chunk.cid, []).append(chunk)
        return found

    @cached_property
    def boxed(self) -> list[Boxed]:
        """The middle's acts on its connections."""
        return self._own(Boxed)

    @cached_property
    def deeds(self) -> list[DeedDone]:
        """Deeds carried out at its gate, and those at the shared proxies."""
        done = self.case.grouped(DeedDone, "client")
        return sorted([*done.get(self.name, []), *done.get("", [])], key=lambda deed: deed.seq)

    @cached_property
    def statuses(self) -> list[Status]:
        """The client's own words on its state."""
        return self._own(Status)

    @cached_property
    def heard(self) -> list[SignalHeard]:
        """Signals that it heard, when it heard them: what it may excuse itself by."""
        return self._own(SignalHeard)

    @cached_property
    def signals(self) -> list[SignalTold]:
        """Signals that it was told, with stamp and number of when it first heard them: what it can be held to.

        One that it did not hear, being deaf, counts when it was told.
        """
        first = {one.told: one for one in reversed(self._own(SignalHeard))}
        found = []
        for told in self._own(SignalTold):
            heard = first.get(told.seq, told)
            found.append(msgspec.structs.replace(told, seq=heard.seq, t_ns=heard.t_ns))
        return found

    @cached_property
    def gap_signals(self) -> list[GapSignal]:
        """Gaps the server said aloud for its job."""
        return self._of_jobs(GapSignal)

    @cached_property
    def writes(self) -> list[Write]:
        """The server's writes to subscribers of its job."""
        return self._of_jobs(Write)

    @property
    def reports(self) -> bool:
        """True if its app's callbacks are recorded: one was, or the harness's own phone dials for it.

        Without them only wire laws can be judged.
        """
        return bool(self.apps or self.dials or self.statuses)

    @property
    def called(self) -> str:
        """Its name as the subject of a sentence: ``the client``, or ``client c3`` where there are several."""
        return "the client" if self.case.plan.client.count == 1 else f"client {self.name}"


class Case:
    """One (plan, history), with everything that more than one law needs. Building it reads no clock and no file."""

    def __init__(self, plan: Plan, history: History) -> None:
        # What the client declares, with UNSET where it does not: ``plan`` has there what excuses the most.
        self.declared = plan.client.policies
        client = msgspec.structs.replace(plan.client, policies=plan.client.policies.with_excuses, undeclared=())
        self.plan = msgspec.structs.replace(plan, client=client)
        self.history = history
        self.empty = history.run is None
        self.end_ns = _end_of_observation(history)
        self.end = max(0.0, self.at(self.end_ns)) if not self.empty else 0.0
        reason = history.end.reason if history.end else ""
        self.ended = reason or ("" if self.empty else "killed")
        self.aborted = self.ended not in COMPLETE
        # What is missing at the horizon has failed, however the run ended then.
        accepted = max((self.at(job.accepted_ns) for job in history.all(Job)), default=0.0)
        self.horizon = horizon_of_run(plan, accepted)
        self.cut_short = self.aborted and self.end < self.horizon
        self.lag = _lag(history.all(Health))
        self.slack = self.lag.highest or 0.0
        self.near_ns = round((NEAR + self.slack) * 1e9)
        self._grouped: dict[tuple[type[Record], str], dict[object, list[Record]]] = {}
        self._made: dict[object, object] = {}

    @cached_property
    def nobody(self) -> str:
        """The reason why, by the plan, no client could get what its job still said; empty where one could."""
        loss = lost_for_good(self.plan)
        if loss is None:
            return ""
        what = f" ({deed_text(loss.deed, self.plan)})" if loss.deed is not None else ""
        return f"no client could get through from {loss.at:g} s on{what}"

    def once(self, make: Callable[["Case"], T]) -> T:
        """Return ``make(self)``, made the first time."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]  # type: ignore[return-value]  # keyed by its maker

    @property
    def nothing(self) -> str:
        """The reason why there is nothing to judge, where the run never came to its beginning."""
        if not self.history.records:
            return "the history is empty"
        return f"the run {ENDED.get(self.ended, 'was killed')} before it began"

    @cached_property
    def clients(self) -> tuple[ClientCase, ...]:
        """All clients of the plan, and any other that left a record."""
        names = [f"c{number}" for number in range(1, self.plan.client.count + 1)]
        return tuple(ClientCase(name, self) for name in names)

    def at(self, t_ns: int) -> float:
        """Return the scenario time of a stamp, in seconds."""
        return self.history.seconds(t_ns)

    def at_or_never(self, stamp: float) -> float:
        """Return the scenario time of a stamp, in seconds; infinity for what never came."""
        return self.at(round(stamp)) if math.isfinite(stamp) else math.inf

    def ns(self, at: float) -> int:
        """Return the stamp of a scenario time."""
        return self.history.zero_ns + round(at * 1e9)

    def evidence(self, record: Record, text: str, *, t_ns: int | None = None) -> Evidence:
        """Return a record as evidence. ``t_ns`` replaces its stamp where the fact has a time of its own."""
        return Evidence(seq=record.seq, at=self.at(t_ns or record.t_ns), lane=record.lane, text=text)

    def doubtful(self, limit: float) -> str:
        """Return why a limit cannot be judged on this host, or an empty string."""
        if self.lag.p99 is None:
            return "" if self.plan.world == "virtual" else "the scheduler's lag was not measured"
        if self.lag.p99 > DOUBT * limit:
            return f"{LAGS} {self.lag.p99 * 1e3:.0f} ms (trusted to {DOUBT * limit * 1e3:.0f} ms)"
        return ""

    def grouped(self, kind: type[R], field: str) -> dict[object, list[R]]:
        """Return the records of a type by the value of one of their fields; grouped once for all clients."""
        found = self._grouped.get((kind, field))
        if found is None:
            value, found = attrgetter(field), {}
            for record in self.history.all(kind):
                found.setdefault(value(record), []).append(record)
            self._grouped[kind, field] = found
        return found  # type: ignore[return-value]  # keyed by kind

    def jobs_of(self, client: str) -> list[str]:
        """Return the jobs of a client, in order of acceptance."""
        return [job for job, owner in self._owners.items() if owner == client]

    @cached_property
    def _owners(self) -> dict[str, str]:
        """Whose job each is: as its requests and callbacks say; the rest in order of acceptance and start."""
        said: dict[str, str] = {}
        askers = {request.rid: request.client for request in self.history.all(Request)}
        claims = [(job.job, askers[job.rid]) for job in self.history.all(Job) if job.rid in askers]
        claims += [(request.job, request.client) for request in self.history.all(Request)]
        claims += [(app.job, app.client) for app in self.history.all(App)]
        for job, client in claims:
            if job:
                said.setdefault(job, client)
        jobs = list(dict.fromkeys([job.job for job in self.history.all(Job)] + [e.job for e in self.history.all(Emit)]))
        taken = {said[job] for job in jobs if job in said}
        starts = [request.client for request in self.history.all(Request) if request.what == "start"]
        names = [f"c{number}" for number in range(1, self.plan.client.count + 1)]
        free = [name for name in dict.fromkeys(starts + names) if name in names and name not in taken]
        owners: dict[str, str] = {}
        for job in jobs:
            owner = said.get(job) or (free.pop(0) if free else "")
            owners[job] = owner
        return owners


def _end_of_observation(history: History) -> int:
    """Return when the harness stopped watching its own health: it takes everything down after."""
    end, healths = history.end, history.all(Health)
    if end is None:
        return max((record.t_ns for record in history.records), default=0)
    return min(end.t_ns, healths[-1].t_ns) if healths else end.t_ns


def _lag(healths: list[Health]) -> Lag:
    samples = sorted(lag for health in healths for lag in health.lags_us)
    if not samples:
        return Lag(None, None)
    return Lag(at_rank(samples, rank(len(samples), 99, 100)) / 1e6, math.ceil(samples[-1]) / 1e6)
