"""Plausible runs, built record by record: a hand-over that heals, and a half-open connection that stays unnoticed."""

import random
from pathlib import Path

import msgspec

from harness.deeds.acts import Deed, Joins, Loses, SetReach
from harness.device.words import Radio, Reach
from harness.history import read_history
from harness.history import records as r
from harness.history.journal import Journal
from harness.judge.laws import FUNDAMENTAL
from harness.judge.verdict import (
    Counts,
    Evidence,
    ExpectationVerdict,
    Interval,
    LawState,
    LawVerdict,
    OutageVerdict,
    Span,
    Trust,
    Verdict,
    Word,
)
from harness.report.folder import Manifest, run_folder_name, write_json
from harness.scenario.model import ClientSpec, DeviceSpec, Expectation, JobSpec, Moment, PathSpec, Plan, schedule
from harness.toxics.shape import Shape

ZERO = 7_000_000_000_000
LAWS = (
    "fault-seen", "history-whole", "server-as-planned", "network-as-planned", "in-time",
    "terminal-once", "no-gap", "no-duplicate", "order", "progress", "one-stream", "resume", "backoff",
    "recovery", "honest-status", "stop", "clean-exit", "server-frees", "prompt", "discreet", "fresh",
)  # fmt: skip
CODES = dict(zip(LAWS, ("H0", "H1", "H2", "H3", "H4", *(f"L{number}" for number in range(1, 17))), strict=True))
assert set(LAWS) == set(FUNDAMENTAL)

HANDOFF_SOURCE = """\
scenario: wifi to cellular, break before make
about: >
  The phone leaves the house while a job runs. Wi-Fi dies without a FIN, iOS
  reports -1005 a moment later, the radio needs its time to wake.

job: {lasts: 40s, items: 1600, updates: on change}   # 40 a second: enough for a p99 while on Wi-Fi
paths: {wifi: wifi, cellular: lte}

sweep:
  gap: [500ms, 5s]          # 3.0-4.5 s measured, up to 15 s seen

timeline:                   # a score: when, who, what
  20s:         {wifi: silent}               # no FIN, no RST: bytes just stop
  20.4s:       {device: loses wifi}         # the OS tells the app (the -1005 twin)
  20.4s+$gap:  {device: joins cellular}     # the first dial pays 3 RTT and the radio's waking

expect:                     # the laws hold without being named
  recovery: under 5s
  attempts: at most 6
  terminal: within 2s of the end

mutants: [forgets-last-id]
"""
HALF_OPEN_SOURCE = """\
scenario: Wi-Fi disappears without a FIN, cellular works
about: The interface is gone and nobody says so.
job: {lasts: 60s, items: 600, updates: on change}
paths: {wifi: wifi, cellular: lte}
timeline:
  10s: {wifi: silent}
expect:
  detection: under 21s
"""


def paths() -> dict[str, PathSpec]:
    return {
        "wifi": PathSpec(profile="wifi", shape=Shape(), radio=Radio()),
        "cellular": PathSpec(profile="lte", shape=Shape(), radio=Radio(handshake=0.21, wake=0.9)),
    }


def handoff_plan(gap: float = 0.5, *, items: int = 1600) -> Plan:
    variant = "gap=500ms" if gap == 0.5 else f"gap={gap:g}s"
    return Plan(
        scenario="wifi to cellular, break before make",
        about="The phone leaves the house while a job runs.",
        name="handoff",
        source=HANDOFF_SOURCE,
        file="scenarios/handoff.yaml",
        variant=variant,
        variables={"gap": variant.removeprefix("gap=")},
        seed=7,
        job=JobSpec(lasts=40.0, items=items, every=None),
        paths=paths(),
        device=DeviceSpec(starts_on="wifi"),
        deeds=(
            Deed(index=0, at=20.0, actor="wifi", act=SetReach(word=Reach.SILENT), text="silent", line=13),
            Deed(index=1, at=20.4, actor="device", act=Loses(path="wifi"), text="loses wifi", line=14),
            Deed(
                index=2,
                at=20.4 + gap,
                actor="device",
                act=Joins(path="cellular"),
                text="joins cellular",
                line=15,
            ),
        ),
        expect=(
            Expectation(metric="recovery", sort="under", limit=5.0, unit="s", text="under 5s", line=18),
            Expectation(metric="attempts", sort="at most", limit=6, text="at most 6", line=19),
            Expectation(
                metric="terminal",
                sort="within",
                limit=2.0,
                unit="s",
                moment=Moment(word="the end"),
                text="within 2s of the end",
                line=20,
            ),
        ),
        limit=None,
        horizon=100.0,
    )


def half_open_plan() -> Plan:
    return Plan(
        scenario="Wi-Fi disappears without a FIN, cellular works",
        about="The interface is gone and nobody says so.",
        name="half-open",
        source=HALF_OPEN_SOURCE,
        file="scenarios/half-open.yaml",
        seed=7,
        job=JobSpec(lasts=60.0, items=600, every=None),
        paths=paths(),
        device=DeviceSpec(starts_on="wifi"),
        client=ClientSpec(like="as-shipped"),
        deeds=(Deed(index=0, at=10.0, actor="wifi", act=SetReach(word=Reach.SILENT), text="silent", line=6),),
        expect=(Expectation(metric="detection", sort="under", limit=21.0, unit="s", text="under 21s", line=8),),
        limit=120.0,
        horizon=120.0,
    )


class Script:
    """Collects records at scenario seconds, then writes them through the journal in order of time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.items: list[tuple[float, r.Record]] = []
        run = r.Run(
            zero_ns=ZERO, scenario=plan.name, variant=plan.variant, client="x", world=plan.world, seed=plan.seed
        )
        self.at(-0.5, run)
        self.at(-0.4, r.Census(when="start", counts={"tasks": 9, "sockets": 6}))

    def at(self, seconds: float, record: r.Record) -> None:
        self.items.append((seconds, record))

    def stamp(self, seconds: float) -> int:
        return ZERO + round(seconds * 1e9)

    def deeds(self) -> None:
        for deed in self.plan.deeds:
            took = 0.0012
            stamp = self.stamp(deed.at)
            self.at(deed.at + took, r.DeedDone(deed=deed.index, issued_ns=stamp, returned_ns=stamp + round(took * 1e9)))
            detail = "214 bytes never forwarded" if deed.index == 0 else ""
            self.at(deed.at + 0.05, r.Canary(deed=deed.index, met=True, detail=detail))

    def job(self) -> list[float]:
        times = [0.03 + when for when in schedule(self.plan.job)]
        stamps = [self.stamp(when) for when in times]
        self.at(0.03, r.Job(job="j1", epoch="a", accepted_ns=stamps[0], schedule_ns=stamps, total=self.plan.job.items))
        return times

    def emit(self, index: int, due: float, last: int) -> float:
        kind = "initialized" if index == 0 else "completed" if index == last else "processing"
        actual = due + self.random.uniform(0.0001, 0.0006)
        record = r.Emit(
            job="j1",
            epoch="a",
            index=index,
            id=f"a-{index}",
            type=kind,
            digest=f"{index:016x}",
            intended_ns=self.stamp(due),
            actual_ns=self.stamp(actual),
            progress=min(1.0, index / (last - 1)),
            terminal=index == last,
        )
        self.at(actual, record)
        return actual

    def arrive(self, index: int, when: float, last: int, *, attempt: int) -> None:
        kind = "initialized" if index == 0 else "completed" if index == last else "processing"
        enter = self.stamp(when)
        self.at(when - 0.0001, r.Block(client="c1", attempt=attempt, id=f"a-{index}"))
        record = r.App(
            client="c1",
            job="j1",
            callback=kind,
            enter_ns=enter,
            exit_ns=enter + 20_000,
            id=f"a-{index}",
            digest=f"{index:016x}",
            progress=min(1.0, index / (last - 1)),
        )
        self.at(when, record)

    def write(self, path: Path) -> None:
        with Journal(path, lambda: ZERO) as journal:
            for seconds, record in sorted(self.items, key=lambda item: item[0]):
                record.t_ns = self.stamp(seconds)
                journal.write(record)


def _stream(script: Script, cid: int, path: str, dialled: float, opened: float) -> None:
    cursor = None if cid == 1 else "a-799"
    script.at(
        dialled, r.Attempt(client="c1", n=cid, cause="start" if cid == 1 else "signal", last_event_id=cursor or "")
    )
    script.at(dialled + 0.002, r.Conn(cid=cid, client="c1", path=path, peer="127.0.0.1:40001"))
    request = r.Request(
        rid=cid,
        cid=cid,
        client="c1",
        what="stream",
        method="GET",
        target="/api/v2/imports/j1/stream",
        last_event_id=cursor,
    )
    script.at(dialled + 0.01, request)
    script.at(opened, r.Response(rid=cid, cid=cid, status=200, content_type="text/event-stream"))
    script.at(opened + 0.001, r.Status(client="c1", word="connected", attempt=cid))


def handoff_history(plan: Plan, path: Path, *, outage: tuple[float, float]) -> None:
    script = Script(plan)
    script.deeds()
    times = script.job()
    last = len(times) - 1
    began, healed = outage
    script.at(0.0, r.Status(client="c1", word="connecting"))
    _stream(script, 1, "wifi", 0.005, 0.02)
    script.at(20.41, r.AttemptEnd(client="c1", n=1, how="signal", opened=True, events=800, fresh=800))
    script.at(20.411, r.Status(client="c1", word="reconnecting"))
    script.at(20.41, r.ConnEnd(cid=1, side="client", how="closed", swallowed=True))
    _stream(script, 2, "cellular", healed - 1.4, healed - 0.05)
    shown = 0.0
    replayed = [index for index, due in enumerate(times) if began <= due < healed]
    script.at(healed, r.Write(sub=2, job="j1", epoch="a", first=replayed[0], last=replayed[-1], replay=True))
    for index, due in enumerate(times):
        actual = script.emit(index, due, last)
        if began <= due < healed:
            when = healed + 0.05 + (index - replayed[0]) * 0.0002
        elif due < began:
            when = actual + script.random.lognormvariate(-5.4, 0.28)
        else:
            when = max(healed + 0.08, actual + 0.036 + script.random.lognormvariate(-4.6, 0.5))
        when = shown = max(when, shown + 0.0002)  # TCP keeps the order
        script.arrive(index, when, last, attempt=1 if due < began else 2)
    _end(script, times[-1] + 0.3)
    script.write(path)


def half_open_history(plan: Plan, path: Path) -> None:
    script = Script(plan)
    script.deeds()
    times = script.job()
    last = len(times) - 1
    script.at(0.0, r.Status(client="c1", word="connecting"))
    _stream(script, 1, "wifi", 0.005, 0.02)
    for index, due in enumerate(times):
        actual = script.emit(index, due, last)
        if due < 10.0:
            script.arrive(index, actual + script.random.lognormvariate(-5.4, 0.28), last, attempt=1)
        else:
            script.at(
                actual + 0.001, r.Chunk(cid=1, direction="downstream", offset=index * 214, length=214, fate="dropped")
            )
    _end(script, 120.0)
    script.write(path)


def _end(script: Script, when: float) -> None:
    for second in range(int(when)):
        lags = [script.random.randrange(80, 1800) for _ in range(10)]
        script.at(second + 0.5, r.Health(lags_us=lags, rss=60_000_000, fds=30, tasks=22))
    script.at(when - 0.01, r.Status(client="c1", word="closed"))
    script.at(when, r.Census(when="end", counts={"tasks": 9, "sockets": 6}))
    script.at(when + 0.001, r.End(reason="done"))


def laws(**states: LawVerdict) -> tuple[LawVerdict, ...]:
    """Return all sixteen, held but for the ones given by name (underscores for hyphens)."""
    given = {law.law: law for law in states.values()}
    return tuple(given.get(law, LawVerdict(law=law, code=CODES[law], state=LawState.HELD)) for law in LAWS)


def law(name: str, state: LawState, **fields: object) -> LawVerdict:
    return msgspec.convert({"law": name, "code": CODES[name], "state": state, **fields}, LawVerdict)


TRUST = Trust(
    faults=3,
    proved=3,
    lag_p99=0.0018,
    lag_max=0.0041,
    control_max=0.0021,
    ended="done",
    facts={"server": "reference", "toxiproxy": "embedded", "kernel": "6.1"},
)


def handoff_verdict(plan: Plan, *, recovery: float = 1.9, attempts: int = 2) -> Verdict:
    free = law("server-frees", LawState.NOT_JUDGED, reason="the server under test reports no evidence at its sockets")
    healed = plan.deeds[2].at
    return Verdict(
        word=Word.PASS,
        sentence="Every update reached the app, in order and once; it was caught up 1.9 s after cellular came.",
        scenario=plan.scenario,
        name=plan.name,
        variant=plan.variant,
        client="reference",
        world=plan.world,
        seed=7,
        seconds=41.0,
        laws=laws(free=free),
        expectations=(
            ExpectationVerdict(
                metric="recovery", limit="under 5s", state=LawState.HELD, measured=Interval(value=recovery, n=1),
                margin=5 - recovery, line=18,
            ),
            ExpectationVerdict(
                metric="attempts", limit="at most 6", state=LawState.HELD, measured=Interval(value=attempts, n=1,
                unit=""),
                margin=6 - attempts, line=19,
            ),
            ExpectationVerdict(
                metric="terminal", limit="within 2s of the end", state=LawState.HELD, measured=Interval(value=0.3, n=1),
                margin=1.7, line=20,
            ),
        ),
        counts=Counts(emitted=1602, delivered=1602, attempts=attempts, reconnections=1, requests=4),
        measures={
            "recovery": Interval(value=recovery, n=1),
            "update latency": Interval(value=0.052, low=0.051, high=0.089, n=1357),
            "update latency on wifi": Interval(value=0.009, low=0.0084, high=0.0107, n=752),
            "transport": Interval(value=0.0087, low=0.0081, high=0.0102, n=752),
            "staleness max": Interval(value=2.55, n=1),
        },
        outages=(OutageVerdict(client="c1", began=20.0, healed=healed, caught_up=healed + recovery, detected=20.41),),
        steady=(Span(start=1.03, end=19.9, label="wifi"),),
        faults=(Span(start=20.0, end=healed, label="wifi silent"),),
        trust=TRUST,
    )  # fmt: skip


def half_open_verdict(plan: Plan, seqs: tuple[int, int, int] = (1187, 1182, 2210)) -> Verdict:
    fault = Evidence(seq=seqs[0], at=10.0, lane="gate", text="wifi silent (fault proved: 214 bytes never forwarded)")
    last = Evidence(seq=seqs[1], at=9.91, lane="client", text="last event dispatched, id a-99 (16 %)")
    never = Evidence(seq=seqs[2], at=60.0, lane="server", text="emitted completed, id a-600; the app never saw it")
    sentence = "The client never noticed that Wi-Fi was dead: silent since 10.0 s, no reconnection by 120 s."
    broken = {
        "a": law(
            "terminal-once", LawState.FAILED, cause="never-noticed", sentence="501 events lost",
            evidence=[fault, last, never],
            advice="watchdog is `never`. Fix: a read deadline above the 15 s keep-alive",
        ),
        "b": law(
            "honest-status", LawState.FAILED, cause="never-noticed",
            sentence='"connected" shown for 110 s of silence (limit 21 s)', evidence=[fault],
        ),
        "c": law("recovery", LawState.FAILED, cause="never-noticed"),
        "d": law("prompt", LawState.NOT_JUDGED, reason="only 100 steady events planned (needs 368)"),
    }  # fmt: skip
    return Verdict(
        word=Word.FAIL,
        sentence=sentence,
        scenario=plan.scenario,
        name=plan.name,
        client="as-shipped",
        world=plan.world,
        seed=7,
        seconds=120.0,
        laws=laws(**broken),
        expectations=(
            ExpectationVerdict(
                metric="detection",
                limit="under 21s",
                state=LawState.FAILED,
                measured=Interval(value="lost", n=1),
                line=8,
            ),
        ),
        counts=Counts(emitted=602, delivered=100, shown=100, lost=502, attempts=0, requests=2),
        measures={"staleness max": Interval(value=110.0, n=1)},
        outages=(OutageVerdict(client="c1", began=10.0),),
        steady=(Span(start=1.03, end=9.9, label="wifi"),),
        faults=(Span(start=10.0, end=120.0, label="wifi silent"),),
        trust=msgspec.structs.replace(TRUST, faults=1, proved=1),
    )


def put(folder: Path, plan: Plan, verdict: Verdict) -> Path:
    """Write one run's plan and verdict into a results folder; returns the run's folder."""
    run = folder / plan.name / run_folder_name(plan, verdict.client)
    write_json(run / "plan.json", plan)
    write_json(run / "verdict.json", verdict)
    (run.parent / "scenario.yaml").write_text(plan.source)
    return run


def put_handoff(folder: Path, gap: float = 0.5, *, history: bool = True, items: int = 1600) -> Path:
    plan = handoff_plan(gap, items=items)
    recovery = 1.9 if gap == 0.5 else 2.0
    run = put(folder, plan, handoff_verdict(plan, recovery=recovery, attempts=2 if gap == 0.5 else 4))
    if history:
        handoff_history(plan, run / "history.jsonl.gz", outage=(20.0, 20.4 + gap + 1.6))
        (run / "harness.log").write_text("started\n")
    return run


def put_half_open(folder: Path, *, history: bool = True) -> Path:
    plan = half_open_plan()
    run = put(folder, plan, half_open_verdict(plan))
    if history:
        half_open_history(plan, run / "history.jsonl.gz")
        found = read_history(run / "history.jsonl.gz")
        seqs = (found.all(r.Canary)[0].seq, found.all(r.App)[-1].seq, found.all(r.Emit)[-1].seq)
        put(folder, plan, half_open_verdict(plan, seqs))
    return run


def put_manifest(folder: Path, **fields: object) -> None:
    facts = {"started": "2026-05-14T10:15:02Z", "seconds": 43.2, "command": "harness run handoff", "version": "0.1.0",
             "commit": "3fa9c0de",
             "python": "3.11.2", "platform": "Linux 6.1 x86_64",
             "toxiproxy": "embedded"}  # fmt: skip
    write_json(folder / "manifest.json", msgspec.convert({**facts, **fields}, Manifest))
