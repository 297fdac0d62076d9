"""A small language for histories: a correct run of a plan, told record by record, with room for mutations.

``Story(plan).run()`` is a flawless client on a flawless network. The keyword arguments of ``run`` and the methods say
what went differently, in scenario seconds; ``history()`` numbers the records in order of time.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec

from harness.deeds import acts
from harness.device.words import Radio, Reach
from harness.history import (
    Absorbed,
    Adopted,
    App,
    AppResults,
    Attempt,
    AttemptEnd,
    Block,
    Body,
    Boxed,
    Canary,
    Census,
    Chunk,
    Conn,
    ConnEnd,
    DeedDone,
    Delivered,
    Dial,
    Emit,
    End,
    Gap,
    GapSignal,
    Health,
    History,
    Job,
    Request,
    Rescheduled,
    Response,
    Results,
    Run,
    Shaped,
    SignalHeard,
    SignalTold,
    Snapshot,
    Status,
    Subscriber,
)
from harness.history.records import Record
from harness.scenario import model
from harness.scenario.deadlines import horizon
from harness.sse.policy import Policies
from harness.toxics.shape import Shape, toxics_of
from harness.vocabulary import Direction
from tests.judge.gatehouse import as_the_gates_have_it
from tests.judge.implied import implied_by

ZERO = 1_000_000_000_000
WIFI = model.PathSpec(profile="wifi", shape=Shape(latency=0.002, jitter=0.001), radio=Radio(handshake=0.012))
LTE = model.PathSpec(
    profile="lte", shape=Shape(latency=0.035, jitter=0.015), radio=Radio(handshake=0.21, wake=0.9), loss=0.002
)
DELAY = 0.005
MADE_BY_SERVER = {"eof": "fin", "error": "rst"}
FATES = {"refused": "refused", "error": "lost", "unreachable": "ENETUNREACH"}
"""The fate of a dial, by the end of its attempt; all others are given up."""


NEXT = -1
"""The offset of bytes that follow those before them."""


def ns(at: float) -> int:
    return ZERO + round(at * 1e9)


def reach(at: float, word: str, path: str = "wifi", **more: Any) -> tuple[float, str, acts.Act, str]:
    return at, path, acts.SetReach(word=Reach(word), **more), word


def plan(
    *deeds: tuple[float, str, acts.Act, str],
    lasts: float = 10.0,
    items: int = 20,
    ends: str = "completed",
    policies: Policies | None = None,
    count: int = 1,
    expect: tuple[model.Expectation, ...] = (),
    waive: dict[str, str] | None = None,
    paths: dict[str, model.PathSpec] | None = None,
    world: str = "real",
    server: model.ServerSpec | None = None,
) -> model.Plan:
    """A plan of one variant: a job that updates on change, on Wi-Fi with cellular beside it."""
    job = model.JobSpec(lasts=lasts, every=None, items=items, ends=ends)
    policies = policies or Policies()
    paths = paths or {"wifi": WIFI, "cellular": LTE}
    done = tuple(
        acts.Deed(index=index, at=at, actor=actor, act=act, text=text, line=10 + index)
        for index, (at, actor, act, text) in enumerate(deeds)
    )
    found = model.Plan(
        scenario="a story", seed=7, world=world, job=job, paths=paths, device=model.DeviceSpec(starts_on="wifi"),
        client=model.ClientSpec(policies=policies, count=count), deeds=done, expect=expect, waive=waive or {},
        server=server or model.ServerSpec(), horizon=0.0,
    )  # fmt: skip
    return msgspec.structs.replace(found, horizon=horizon(found))


@lru_cache(maxsize=8)
def due_times(job: model.JobSpec) -> tuple[float, ...]:
    """Return when each event of this job is due, computed once for a story that asks for every event."""
    return tuple(model.schedule(job))


class Story:
    """The records of one run, in the making. Times are scenario seconds, clients are ``c1`` unless said."""

    def __init__(self, the_plan: model.Plan) -> None:
        self.plan = the_plan
        self.records: list[Record] = []
        self.cids = 0
        self.rids = 0
        self.subs = 0
        self.live: dict[str, int] = {}  # client -> cid of its stream
        self.asked: dict[str, int] = {}  # client -> rid of its stream
        self.carried: dict[str, int] = {}  # client -> cid of its last stream, over or not
        self.path: dict[str, str] = {}  # client -> of its last dial
        self.trying: dict[str, float] = {}  # client -> when it began the dial that has not been let in
        self.tries: dict[str, int] = {}
        self.buffer: dict[str, str] = {}
        self.hearings: list[tuple[SignalHeard, Record]] = []
        self.sampled: Record | None = None

    def add(self, record: Record, at: float) -> Record:
        record.t_ns = ns(at)
        self.records.append(record)
        return record

    # The server.

    def id(self, index: int, epoch: str = "a") -> str:
        return f"{epoch}-{index}"

    def times(self) -> tuple[float, ...]:
        return due_times(self.plan.job)

    def job(self, job: str = "j1", epoch: str = "a", at: float = 0.0) -> None:
        schedule_ns = [ns(at + due) for due in self.times()]
        self.add(Job(job=job, epoch=epoch, accepted_ns=ns(at), schedule_ns=schedule_ns, total=self.plan.job.items), at)

    def kind(self, index: int) -> str:
        last = len(self.times()) - 1
        if self.plan.job.ends != "never" and index == last:
            return self.plan.job.ends
        return "processing" if index else "initialized"

    def emit(self, index: int, at: float | None = None, *, job: str = "j1", epoch: str = "a") -> None:
        due = self.times()[index] if at is None else at
        word = self.kind(index)
        self.add(
            Emit(
                job=job, epoch=epoch, index=index, id=self.id(index, epoch), type=word, digest=f"d{epoch}{index}",
                intended_ns=ns(due), actual_ns=ns(due + 0.0005), progress=index / 20,
                terminal=word in {"completed", "failed", "timeout"},
            ),
            due + 0.0005,
        )  # fmt: skip

    def emit_all(self, *, job: str = "j1", epoch: str = "a") -> None:
        self.job(job, epoch)
        for index in range(len(self.times())):
            self.emit(index, job=job, epoch=epoch)

    def without_id(self, *indices: int) -> "Story":
        """The server wrote these events without an id: what was told of theirs so far has that of the one before."""
        told = [Delivered, App, Block, Absorbed]
        for index in indices:
            name, before = self.id(index), self.id(index - 1)
            for one in self.records:
                if isinstance(one, Emit) and one.id == name:
                    one.after = before
                elif type(one) in told and one.id == name:
                    one.id = before
                elif isinstance(one, Request) and one.last_event_id == name:
                    one.last_event_id = before
            self.buffer = {client: before if held == name else held for client, held in self.buffer.items()}
        return self

    # The client's connections.

    def dial(
        self, at: float, *, cause: str = "start", path: str = "wifi", last: str | None = None, status: int = 200,
        client: str = "c1", job: str = "j1", opens: bool = True,
    ) -> int:  # fmt: skip
        """One stream attempt: its dial, and where it ``opens`` its request and response. Returns its connection."""
        self.tries[client] = self.tries.get(client, 0) + 1
        self.add(Attempt(client=client, n=self.tries[client], cause=cause), at)
        self.path[client] = path
        if not opens:
            self.trying[client] = at
            return 0
        cid = self.conn(at + 0.001, client=client, began=at)
        carried = self.buffer.get(client, "") if last is None else last
        rid = self.request("stream", at + 0.002, cid=cid, last=carried or None, client=client, job=job, status=status)
        self.live[client] = self.carried[client] = cid
        self.asked[client] = rid
        return cid

    def conn(self, at: float, *, path: str = "", client: str = "c1", began: float | None = None) -> int:
        self.cids += 1
        path = path or self.path.get(client, "wifi")
        port = 40_000 + self.cids
        self.add(Conn(cid=self.cids, client=client, path=path, peer=f"10.0.0.1:{port}"), at)
        from_ns, over = ns(at - 0.0005 if began is None else began), ns(at + 0.0001)
        self.add(Dial(client=client, path=path, port=port, from_ns=from_ns, to_ns=over, fate="open"), at + 0.0001)
        return self.cids

    def request(
        self, what: str, at: float, *, cid: int = 0, last: str | None = None, client: str = "c1", job: str = "j1",
        status: int = 200, by: str = "", token: bool = False, origin: str = "", **answer: str,
    ) -> int:  # fmt: skip
        self.rids += 1
        cid = cid or self.conn(at - 0.001, client=client)
        asked = Request(
            rid=self.rids, cid=cid, client=client, what=what, method="GET", target="/", job=job,
            last_event_id=last, token=token, origin=origin,
        )  # fmt: skip
        self.add(asked, at)
        kind = "text/event-stream" if what == "stream" and status == 200 else "application/json"
        if status:
            answered = Response(rid=self.rids, cid=cid, status=status, content_type=kind, by=by, **answer)
            self.add(answered, at + 0.006)
        return self.rids

    def hang_up(self, at: float, how: str = "eof", *, client: str = "c1", cid: int | None = None, **more: Any) -> None:
        """The current attempt ends, and the client closes its side of the connection. The server made some ends."""
        self.add(AttemptEnd(client=client, n=self.tries[client], how=how, **more), at)
        if (began := self.trying.pop(client, None)) is not None:
            fate, path = FATES.get(how, "given up"), self.path[client]
            self.add(Dial(client=client, path=path, port=0, from_ns=ns(began), to_ns=ns(at), fate=fate), at)
            return
        cid = self.live.pop(client, None) if cid is None else cid
        if cid:
            if how in MADE_BY_SERVER:
                self.add(ConnEnd(cid=cid, side="server", how=MADE_BY_SERVER[how]), at)
            self.close(at + 0.0001, cid)

    def close(self, at: float, cid: int) -> None:
        self.add(ConnEnd(cid=cid, side="client", how="fin"), at)

    def retry_line(self, seconds: float, at: float, *, client: str = "c1") -> None:
        """The newest stream that was asked for by then says this reconnection time."""
        asked = [
            one for one in self.records if isinstance(one, Request) and (one.what, one.client) == ("stream", client)
        ]
        newest = max((one for one in asked if one.t_ns <= ns(at)), key=lambda one: one.t_ns)
        self.add(Delivered(rid=newest.rid, cid=newest.cid, event=False, retry=round(seconds * 1e3)), at)

    def subscribe(self, at: float, cursor: str = "", *, until: float | None = None, evidence: str = "") -> int:
        """The server opens a stream, and closes it ``until`` then for this evidence."""
        self.subs += 1
        asked = [
            one for one in self.records if isinstance(one, Request) and one.what == "stream" and one.t_ns <= ns(at)
        ]
        rid = max((one.rid for one in asked if (one.last_event_id or "") == cursor), default=0)
        self.add(Subscriber(sub=self.subs, job="j1", what="open", cursor=cursor, rid=rid), at)
        if until is not None:
            self.add(Subscriber(sub=self.subs, job="j1", what="close", evidence=evidence, rid=rid), until)
        return self.subs

    def box(
        self, what: str, at: float, cid: int, detail: str = "", *, client: str = "c1", rid: int = 0
    ) -> None:  # fmt: skip
        self.add(Boxed(cid=cid, client=client, what=what, rid=rid, detail=detail), at)

    def comment(self, at: float, *, client: str = "c1") -> None:
        """Bytes without an event reach the client: a keep-alive."""
        cid = self.live.get(client, 0)
        self.add(Chunk(cid=cid, direction="downstream", offset=NEXT, length=14, fate="delivered"), at)

    # The app.

    def show(
        self, index: int, at: float | None = None, *, epoch: str = "a", source: str = "stream", callback: str = "",
        client: str = "c1", job: str = "j1", digest: str | None = None, event_id: str | None = None,
        block: bool = True,
    ) -> None:  # fmt: skip
        """An event reaches the app: its bytes, its block, its callback. By ``poll`` a status answer that had come."""
        at = self.times()[index] + DELAY if at is None else at
        name = self.id(index, epoch) if event_id is None else event_id
        state = index if name else -1
        if source == "poll" and not any(
            isinstance(one, Body) and one.digest == f"s{epoch}{state}" for one in self.records
        ):
            self.request("poll", at - 0.01, client=client, job=job)
            self.answered(state, at - 0.003, epoch=epoch, status=callback or self.kind(index), job=job)
        if source == "stream" and block:
            self.arrive(index, at, epoch=epoch, client=client, event_id=event_id)
            self.add(Block(client=client, attempt=self.tries.get(client, 1), id=name), at - 0.0001)
            self.buffer[client] = name
        self.add(
            App(
                client=client, job=job, callback=callback or self.kind(index), enter_ns=ns(at), exit_ns=ns(at + 1e-4),
                id=name, digest=(f"d{epoch}{index}" if source == "stream" else "") if digest is None else digest,
                body=f"s{epoch}{state}" if source == "poll" else "", source=source, progress=index / 20,
            ),
            at + 1e-4,
        )  # fmt: skip

    def arrive(
        self, index: int, at: float, *, epoch: str = "a", client: str = "c1", event_id: str | None = None
    ) -> None:  # fmt: skip
        """The client's socket takes the bytes of an event, on its last stream."""
        cid = self.live.get(client, self.carried.get(client, 0))
        self.add(Chunk(cid=cid, direction="downstream", offset=NEXT, length=200, fate="delivered"), at - 0.0002)
        if cid:
            name = self.id(index, epoch) if event_id is None else event_id
            rid, came = self.asked[client], f"d{epoch}{index}"
            emitted = (one.type for one in self.records if isinstance(one, Emit) and one.digest == came)
            kind = next(emitted, self.kind(index))
            self.add(Delivered(rid=rid, cid=cid, id=name, type=kind, digest=came), at - 0.0002)

    def status(self, word: str, at: float, *, attempt: int = 0, client: str = "c1") -> None:
        self.add(Status(client=client, word=word, attempt=attempt), at)

    def absorb(self, index: int, at: float, why: str = "repeat", *, epoch: str = "a") -> None:
        self.add(Absorbed(client="c1", id=self.id(index, epoch), why=why), at)

    def gap(self, at: float, reason: str = "410", *, healed: bool = False, index: int | None = None) -> None:
        """The client says that there is a gap, and calls ``on_gap``; or that it is healed."""
        event_id = "" if index is None else self.id(index)
        self.add(Gap(client="c1", reason=reason, healed=healed, id=event_id), at)
        if not healed:
            self.add(App(client="c1", job="j1", callback="gap", enter_ns=ns(at), exit_ns=ns(at), detail=reason), at)

    def gap_signal(self, at: float, how: str = "410") -> None:
        self.add(GapSignal(job="j1", how=how, cursor=self.buffer.get("c1", ""), rid=self.rids), at)

    def adopt(self, index: int, at: float, *, epoch: str = "a") -> None:
        self.buffer["c1"] = self.id(index, epoch)
        self.add(Adopted(client="c1", id=self.buffer["c1"]), at)

    def poll(self, index: int, at: float, *, epoch: str = "a", shown: bool = True) -> None:
        """A status request, its snapshot, and the callback that shows it."""
        self.request("poll", at)
        self.answered(index, at + 0.007, epoch=epoch)
        self.close(at + 0.0075, self.cids)
        if shown:
            self.show(index, at + 0.01, epoch=epoch, source="poll")

    def answered(
        self, index: int, at: float, *, epoch: str = "a", status: str = "processing", job: str = "j1",
        whole: bool = True,
    ) -> None:  # fmt: skip
        """The last request is answered by the state of an index; the client's socket takes the body at ``at``."""
        digest, rid = f"s{epoch}{index}", self.rids
        snapshot = Snapshot(job=job, epoch=epoch, state_index=index, status=status, rid=rid, digest=digest)
        self.add(snapshot, at - 0.003)
        self.add(Body(rid=rid, cid=self.cids, length=200, digest=digest, whole=whole), at)

    def fetch(self, at: float, *, status: int = 200, whole: bool = True, client: str = "c1", job: str = "j1") -> None:
        """The results are asked for; where they come whole the app is handed them."""
        cid = self.conn(at - 0.001, client=client)
        rid = self.request("results", at, cid=cid, client=client, job=job, status=status)
        self.add(Body(rid=rid, cid=cid, length=10_000, digest="r", whole=whole), at + 0.019)
        self.add(Results(client=client, job=job, status=status, length=10_000, whole=whole), at + 0.02)
        if whole and status == 200:
            self.add(AppResults(client=client, job=job, status=status, length=10_000, digest="r"), at + 0.0205)
        self.close(at + 0.021, cid)

    # The runner.

    def signal(
        self, what: str, at: float, path: str = "", *, client: str = "c1", heard: float | None = None, ears: int = 1
    ) -> None:
        """The device tells; ``heard`` is when a task of the client received it (None: at once)."""
        told = self.add(SignalTold(client=client, what=what, path=path, ears=ears), at)
        if ears:
            hearing = SignalHeard(client=client, what=what, path=path, told=0)
            self.add(hearing, at if heard is None else heard)
            self.hearings.append((hearing, told))

    def deeds(self, *, met: bool = True, client: str = "c1") -> None:
        """Every deed of the plan is done on time, and met by the canary."""
        for deed in self.plan.deeds:
            self.deed(deed.index, met=met, client=client)

    def deed(self, index: int, *, met: bool | None = True, client: str = "c1", error: str = "") -> None:
        at, act = self.plan.deeds[index].at, self.plan.deeds[index].act
        if isinstance(act, acts.Pauses | acts.Resumes | acts.Bursts | acts.Ends) and not error:
            self.tell(str(act.__struct_config__.tag), at + 5e-5)
        self.add(
            DeedDone(deed=index, issued_ns=ns(at), returned_ns=ns(at + 0.0001), client=client, error=error), at + 1e-4
        )
        if met is not None:
            detail = "" if met else "dial: open"
            self.add(Canary(deed=index, met=met, client=client, detail=detail, way="canary"), at + 0.2)

    def tell(self, why: str, at: float) -> None:
        """Every job is told to do what the story has it do from then on."""
        for job in [record for record in self.records if isinstance(record, Job)]:
            emits = [record for record in self.records if isinstance(record, Emit) and record.job == job.job]
            due = [emit.intended_ns for emit in emits if emit.t_ns > ns(at)]
            first = len(emits) - len(due)
            self.add(Rescheduled(job=job.job, epoch=job.epoch, why=why, first=first, schedule_ns=due), at)

    def lags(self, *lags_us: int) -> None:
        """The harness's own samples. Their record is written as the observation ends."""
        self.records = [record for record in self.records if not isinstance(record, Health)]
        ends = [record.t_ns for record in self.records if isinstance(record, End)]
        self.sampled = self.add(Health(lags_us=list(lags_us)), (min(ends) - ZERO) / 1e9 if ends else 0.5)

    def finish(self, at: float, *, client: str = "c1", job: str = "j1", fetch: bool = True) -> None:
        """The client saw its terminal event: it hangs up, fetches the results and says so."""
        self.hang_up(at, "done", client=client, fresh=1, events=1)
        if fetch:
            self.fetch(at + 0.01, client=client, job=job)
        self.status("closed", at + 0.1, client=client)

    def end(self, at: float, reason: str = "done", *, leaked: int = 0) -> None:
        counts = {"tasks": 3, "sockets": 2}
        if not any(isinstance(record, Census) for record in self.records):
            self.add(Census(when="start", counts=counts), -0.05)
        self.add(Census(when="end", counts={**counts, "tasks": 3 + leaked}), at - 0.001)
        self.add(End(reason=reason), at)
        if self.sampled is not None:
            self.sampled.t_ns = ns(at)

    def history(self, *, health: bool = True) -> History:
        """Number the records in order of time, the run's own first, and tell what its other writers had to."""
        if health and not any(isinstance(record, Health) for record in self.records):
            self.lags(*[100] * 100)
        run = Run(
            zero_ns=ZERO, scenario="a story", variant="", client="reference", world=self.plan.world, seed=7,
            t_ns=ZERO - 10**9,
        )  # fmt: skip
        told = as_the_gates_have_it(self.plan, in_place(sorted(self.records, key=lambda record: record.t_ns)))
        ends = [record for record in told if isinstance(record, End)]
        others = [*(record for record in told if not isinstance(record, End)), *implied_by(told)]
        records = [run, *self._shaped(), *sorted(others, key=lambda one: one.t_ns), *ends]
        for seq, record in enumerate(records, 1):
            record.seq = seq
        for heard, told in self.hearings:
            heard.told = told.seq
        self._one_by_one()
        for kind in (App, Status):
            numbers: Counter[str] = Counter()
            for record in records:
                if isinstance(record, kind):
                    numbers[record.client] += 1
                    record.no = numbers[record.client]
        return History(counted(records))

    def _shaped(self) -> list[Record]:
        """Each path has its shape from the start, and the canary has met it."""
        return [
            Shaped(path=name, toxics=toxics_at_start(spec.shape), met=True, way="canary", t_ns=ZERO - 10**9)
            for name, spec in self.plan.paths.items()
        ]

    def _one_by_one(self) -> None:
        """The app is called back serially, however close its events come."""
        apps = [record for record in self.records if isinstance(record, App)]
        for name in {app.client for app in apps}:
            own = sorted((app for app in apps if app.client == name), key=lambda app: (app.enter_ns, app.seq))
            for earlier, later in pairwise(own):
                earlier.exit_ns = min(earlier.exit_ns, later.enter_ns)

    # Whole runs.

    def run(self, *, skip: tuple[int, ...] = (), until: float | None = None, client: str = "c1") -> "Story":
        """A flawless run from start to end; ``skip`` leaves events out of the app's sight."""
        job = "j" + client[1:]
        self.emit_all(job=job)
        self.deeds(client=client)
        self.request("start", 0.001, client=client, job=job, status=202)
        self.dial(0.01, client=client, job=job)
        self.status("connected", 0.03, attempt=1, client=client)
        last = len(self.times()) - 1
        for index in range(last + 1):
            if index not in skip:
                self.show(index, max(self.times()[index] + DELAY, 0.03 + DELAY), client=client, job=job)
        if last not in skip:
            self.finish(self.times()[-1] + DELAY + 0.001, client=client, job=job)
        self.end(self.times()[-1] + 1.2 if until is None else until)
        return self


def toxics_at_start(shape: Shape) -> dict[str, str]:
    specs = (spec for way in Direction for spec in toxics_of(shape, way))
    return {f"{spec.name}.{key}": str(value) for spec in specs for key, value in spec.toxic.attributes.items()}


def in_place(records: list[Record]) -> list[Record]:
    """These records, in order of time, with bytes that follow those before them at their offsets."""
    at: dict[tuple[int, str], int] = {}
    found = []
    for record in records:
        placed = record
        if isinstance(record, Chunk):
            key = record.cid, record.direction
            offset = at.get(key, 0) if record.offset == NEXT else record.offset
            at[key] = max(at.get(key, 0), offset + record.length)
            placed = msgspec.structs.replace(record, offset=offset)
        found.append(placed)
    return found


def counted(records: Iterable[Record]) -> list[Record]:
    """These records, with an end that counts them as their writers would have."""
    before: Counter[str] = Counter()
    found = []
    for record in records:
        found.append(msgspec.structs.replace(record, counts=dict(before)) if isinstance(record, End) else record)
        before[str(record.__struct_config__.tag)] += 1
    return found


def numbered(records: Iterable[Record]) -> History:
    """These records as a journal would have numbered and counted them."""
    seqs: dict[int, int] = {}
    found = []
    for seq, record in enumerate(records, start=1):
        seqs.setdefault(record.seq, seq)
        told = {"told": seqs.get(record.told, 0)} if isinstance(record, SignalHeard) else {}
        found.append(msgspec.structs.replace(record, seq=seq, **told))
    return History(counted(found))


def without(history: History, *kinds: type[Record]) -> History:
    """The same history as if no record of these kinds had ever been written."""
    return numbered(record for record in history.records if not isinstance(record, kinds))


def changed(history: History, kind: type[Record], place: int, **fields: Any) -> History:
    """The same history with one record (the ``place``-th of its kind) changed."""
    target = history.all(kind)[place]
    return History([msgspec.structs.replace(r, **fields) if r is target else r for r in history.records])
