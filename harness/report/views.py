"""One run as the page shows it: everything said in words and numbers before the template sees it."""

from urllib.parse import quote

import msgspec
from markupsafe import Markup

from harness.deeds.acts import Deed
from harness.files import read_bytes
from harness.history import Canary
from harness.judge.verdict import DeedVerdict, Evidence, ExpectationVerdict, LawState, ProvedBy, Word
from harness.report import tally, trace, worlds
from harness.report.findings import Finding, expected_by, findings, reason, replay
from harness.report.folder import SCENARIO, RunResult, raw_files
from harness.report.lanes import describe
from harness.report.wording import bare, duration, joined, measured, printable, quantity, size, spread
from harness.scenario.deed_text import who, without_end
from harness.scenario.model import Plan, StallPulse

PROOFS = 12

FIGURES = ("strip", "staleness", "latency", "distribution")

BYTES_A_ROW = 230
"""Bytes of the page that a record of the trace takes, about."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A row of "Numbers against limits"."""

    metric: str
    limit: str
    measured: str
    interval: str
    margin: str
    n: int
    state: LawState
    reason: str


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the template shows it. ``prefix`` keeps the anchors of runs apart; the first run's is empty."""

    run: RunResult
    prefix: str
    sentence: str
    setting: str
    replay: str
    findings: list[Finding]
    proofs: list[Evidence]  # what the harness's own flow met after each deed
    beside: str  # what of the job the app never saw though nothing was lost, and how old the screen was
    limits: list[Limit]
    measures: list[Limit]
    figures: dict[str, Markup]
    trace: list[trace.TraceRow]
    files: list[tuple[str, str]]
    trust: list[tuple[str, str]]
    timeline: list[tuple[str, str, str, str]]
    unfelt: str
    inline: bool

    @property
    def weight(self) -> int:
        """The bytes of the page that its figures and its trace take, about."""
        return sum(map(len, self.figures.values())) + BYTES_A_ROW * len(self.trace)


def view_of(run: RunResult, place: int, *, room: int, records: int) -> RunView:
    """Return the view of the run at this place of the page.

    Its figures and up to ``records`` records of its trace are in it where they fit into ``room`` bytes of markup.
    """
    verdict = run.verdict
    figures = _figures(run, place)
    rows = trace.rows(run, most=records)
    inline = sum(map(len, figures.values())) + BYTES_A_ROW * len(rows) <= room
    view = RunView(
        run=run,
        prefix="" if place == 0 else f"x{place}-",
        sentence=reason(run) or verdict.sentence,
        setting=_setting(run),
        replay=replay(run),
        findings=findings(run) if verdict.word in (Word.FAIL, Word.VOID) else [],
        proofs=_proofs(run) if inline else [],
        beside=tally.beside(run),
        limits=[_limit(run.plan, item) for item in verdict.expectations],
        measures=_measures(run),
        figures=figures if inline else {},
        trace=rows if inline else [],
        files=_files(run),
        trust=_trust(run),
        timeline=_timeline(run),
        unfelt=tally.unfelt([run]),
        inline=inline,
    )
    run.forget()
    return view


def _setting(run: RunResult) -> str:
    plan, verdict, facts = run.plan, run.verdict, run.verdict.trust.facts
    version = facts.get("client version", "")
    world = "virtual time" if plan.world == "virtual" else "real sockets"
    return joined(
        [
            f"{verdict.client or plan.client.like} client {version}".strip(),
            f"{facts.get('server', 'reference')} server",
            world,
            "" if plan.world == "virtual" else f"toxiproxy {facts.get('toxiproxy', 'not reached')}",
            f"seed {plan.seed}",
            f"{duration(verdict.seconds)} long",
        ]
    )


def _limit(plan: Plan, item: ExpectationVerdict) -> Limit:
    expected = expected_by(plan, item)
    like = expected.limit if expected and expected.unit == "s" else None
    shown = "never" if item.measured.value == "lost" else measured(item.measured, like=like)
    return Limit(
        metric=item.metric + (f" {expected.statistic}" if expected and expected.statistic else ""),
        limit=(expected.text if expected else "") or item.limit,
        measured=shown,
        interval=spread(item.measured),
        margin=quantity(item.margin, item.measured.unit) if item.margin is not None else "",
        n=item.measured.n,
        state=item.state,
        reason=item.reason if item.reason != shown else "",
    )


def _measures(run: RunResult) -> list[Limit]:
    return [
        Limit(
            metric=name, limit="", measured=measured(figure), interval=spread(figure), margin="", n=figure.n,
            state=LawState.HELD, reason="",
        )
        for name, figure in run.verdict.measures.items()
    ]  # fmt: skip


def _proofs(run: RunResult) -> list[Evidence]:
    history = run.history
    return [
        Evidence(seq=record.seq, at=history.seconds(record.t_ns), lane=record.lane, text=describe(record, run.plan))
        for record in history.all(Canary)[:PROOFS]
    ]


def _figures(run: RunResult, place: int) -> dict[str, Markup]:
    """Return the run's SVGs, their ids made unique in the page."""
    found = {}
    for name in ("zoom", *FIGURES):
        path = run.folder / f"{name}.svg"
        if path.exists():
            svg = read_bytes(path).decode("utf-8", "replace")
            for mark in (f'id="{name}-', f'href="#{name}-', f"url(#{name}-"):
                svg = svg.replace(mark, mark.replace(f"{name}-", f"v{place}{name}-"))
            found[name] = Markup(svg)  # noqa: S704 - drawn by us, and its text escaped
    return found


def _files(run: RunResult) -> list[tuple[str, str]]:
    names = [*raw_files(run), *(f"{name}.png" for name in ("zoom", *FIGURES) if (run.folder / f"{name}.png").exists())]
    files = [(name, quote(f"{run.key}/{name}")) for name in names]
    source = run.folder.parent / SCENARIO
    return [(SCENARIO, quote(f"{run.folder.parent.name}/{SCENARIO}")), *files] if source.exists() else files


def _trust(run: RunResult) -> list[tuple[str, str]]:
    trust = run.verdict.trust
    rows = [
        *(("Warning", f"line {warning.line}: {warning.text}") for warning in run.verdict.warnings),
        ("Faults", tally.faults_line([run]).removeprefix("faults ")),
        ("Repeated", tally.repeated([run])),
        ("Never felt", tally.unfelt([run])),
        ("Host", tally.host_line([run])),
        ("Worlds", worlds.said(run.agreement) if run.agreement else ""),
        ("Twice", worlds.twice(run.replay) if run.replay else ""),
        ("Longest lag", duration(trust.lag_max) if trust.lag_max is not None else ""),
        ("Slowest control call", duration(trust.control_max) if trust.control_max is not None else ""),
        ("Clock", f"within {duration(trust.clock_bound)}" if trust.clock_bound else "one clock for all processes"),
        ("The run ended", trust.ended + (" (the history was cut short)" if trust.truncated else "")),
    ]
    rows += sorted(trust.facts.items())
    return [(name, printable(value)) for name, value in rows if value]


def _timeline(run: RunResult) -> list[tuple[str, str, str, str]]:
    """Return the compiled timeline: when, who, what, and how it was proved; of the weather how much there is of it."""
    plan, told = run.plan, {one.deed: one for one in run.verdict.deeds}
    rows = [
        (f"{deed.at:.3f} s", who(deed), _did(deed, plan), _proved(told[deed.index]) if deed.index in told else "")
        for deed in plan.deeds
    ]
    pulses = [item for item in plan.weather if isinstance(item, StallPulse)]
    if pulses:
        total = sum(pulse.lasts for pulse in pulses)
        rows.append(("throughout", "weather", f"{len(pulses)} stall pulses, {duration(total)} in all", ""))
    steps = len(plan.weather) - len(pulses)
    if steps:
        rows.append(("throughout", "weather", f"{steps} steps of rate", ""))
    job = plan.job
    every = "on change" if job.every is None else f"every {bare(job.every)}"
    rows.append((f"{job.lasts:.3f} s", "job", f"{job.ends}, {job.items} items of {size(job.event_size)}, {every}", ""))
    rows.append((f"{plan.horizon:.3f} s", "horizon", "what is missing now has failed", ""))
    return rows


_PROVED = {ProvedBy.FLOW: "on the client's flow", ProvedBy.CANARY: "by canary"}


def _proved(deed: DeedVerdict) -> str:
    """Return what became of a deed: how it was proved, whom it did not touch, how late it was."""
    touched = f"felt by {deed.felt} of {deed.clients} clients" if 0 < deed.felt < deed.clients else ""
    late = f"{duration(deed.late)} late" if deed.late else ""
    return joined([_PROVED.get(deed.way, str(deed.way)), touched, "never felt" if deed.unfelt else "", late])


def _did(deed: Deed, plan: Plan) -> str:
    """Return a deed's words without its actor, which has a column of its own."""
    if deed.undoes is None:
        return deed.text or type(deed.act).__name__
    undone = plan.deeds[deed.undoes] if deed.undoes < len(plan.deeds) else deed
    return f"end of {without_end(undone.text)}"
