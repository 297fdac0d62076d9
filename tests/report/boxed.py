"""A run with all that a hand-over has not: boxes, polls, a restarting server, a paused job, a nap, a gap."""

from pathlib import Path

import msgspec

from harness.deeds.acts import Bursts, Clears, Deed, KillsIdle, MutesStreams, Pauses, Restarts, Resumes, Suspends
from harness.history import records as r
from harness.judge.verdict import Span, Verdict
from harness.scenario.model import JobSpec, Plan
from tests.report import synthetic
from tests.report.synthetic import Script

RESTARTS = "restarts losing log after 3s"


def boxed_plan(clients: int = 1) -> Plan:
    """Streams are muted for 10 s, one path has an idle killer, the server restarts, the job pauses, the phone naps."""
    plan = synthetic.handoff_plan()
    deeds = (
        Deed(index=0, at=2.0, actor="middle", act=MutesStreams(), text="mutes streams for 10s"),
        Deed(index=1, at=4.0, actor="middle", on="wifi", act=KillsIdle(after=60.0), text="kills idle after 60s"),
        Deed(index=2, at=12.0, actor="middle", act=MutesStreams(), text="mutes streams for 10s",  undoes=0),
        Deed(index=3, at=15.0, actor="server", act=Restarts(keeps_log=False, after=3.0), text=RESTARTS),
        Deed(index=4, at=21.0, actor="job", act=Pauses(), text="pauses for 4s"),
        Deed(index=5, at=25.0, actor="job", act=Resumes(), text="pauses for 4s", undoes=4),
        Deed(index=6, at=27.0, actor="job", act=Bursts(rate=200.0, lasts=2.0), text="bursts 200/s for 2s"),
        Deed(index=7, at=31.0, actor="device", act=Suspends(lasts=5.0), text="suspends for 5s"),
        Deed(index=8, at=37.0, actor="middle", act=Clears(), text="clears"),
    )  # fmt: skip
    client = msgspec.structs.replace(plan.client, count=clients)
    job = JobSpec(lasts=40.0, items=80, every=None)
    return msgspec.structs.replace(plan, name="boxed", variant="", variables={}, deeds=deeds, client=client, job=job)


def boxed_history(plan: Plan, path: Path) -> None:
    """Write the history: polling until 13 s, then the stream, with a gap told and healed by a snapshot at 18 s."""
    script = Script(plan)
    script.deeds()
    times = script.job()
    last = len(times) - 1
    statuses = [(0.0, "connecting"), (0.02, "connected"), (2.1, "reconnecting"), (4.0, "polling"), (13.0, "connected"),
                (15.0, "reconnecting"), (18.2, "connected"), (31.0, "reconnecting"), (36.4, "connected")]  # fmt: skip
    for at, word in statuses:
        for number in range(plan.client.count):
            script.at(at + 0.2 * number, r.Status(client=f"c{number + 1}", word=word))
    for second in range(4, 13, 3):
        script.at(second + 0.01, r.Snapshot(job="j1", epoch="a", state_index=2 * second, status="processing"))
    script.at(2.2, r.Boxed(cid=3, client="c1", rid=4, what="mutes streams", detail="head only"))
    script.at(2.3, r.Response(rid=4, cid=3, status=503, by="middle"))
    script.at(18.3, r.GapSignal(job="j1", how="410", cursor="a-30"))
    script.at(18.4, r.Gap(client="c1", reason="410", id="a-30"))
    shown = 0.0
    for index, due in enumerate(times):
        actual = script.emit(index, due, last)
        when = shown = max(shown + 0.0003, _seen(due, actual))
        script.arrive(index, when, last, attempt=1)
        if 4.0 <= when < 13.0:
            script.items[-1][1].source = "poll"  # type: ignore[attr-defined]
    synthetic._end(script, times[-1] + 0.3)
    script.write(path)


def _seen(due: float, actual: float) -> float:
    if 2.0 <= due < 12.0:
        return max(4.02, 4.02 + 3 * -(-(due - 4.0) // 3))
    if 15.0 <= due < 18.2:
        return 18.4
    return 36.5 if 31.0 <= due < 36.0 else actual + 0.006


def put_boxed(folder: Path, *, clients: int = 1) -> Path:
    """Write the run into a results folder; returns its own."""
    plan = boxed_plan(clients)
    run = synthetic.put(folder, plan, boxed_verdict(plan))
    boxed_history(plan, run / "history.jsonl.gz")
    return run


def boxed_verdict(plan: Plan) -> Verdict:
    """Return a verdict that passes, with the outage of the muted stream."""
    good = synthetic.handoff_verdict(synthetic.handoff_plan())
    fault = Span(start=2.0, end=12.0, label="middle mutes streams")
    return msgspec.structs.replace(good, name="boxed", variant="", faults=(fault,), outages=())
