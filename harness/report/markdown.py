"""``report.md``: the verdict for a pull request or a job's summary page, in GitHub's Markdown."""

import re
from collections.abc import Iterable, Sequence

from harness.extras import REPORT
from harness.judge.verdict import LawState, Word
from harness.report import tally, worlds
from harness.report.findings import Finding, expected_by, findings, reason, replay
from harness.report.folder import INTERRUPTED, Invocation, RunResult
from harness.report.wording import SIGN, against, joined, measured, plural, printable, quantity
from harness.scenario import warned

_BADGE: dict[str, str] = {INTERRUPTED: "⏹️", Word.PASS: "✅", Word.FAIL: "❌", Word.UNKNOWN: "❓", Word.VOID: "🚫"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&])")

_CALLING = re.compile(r"([@#])(?=\w)")
"""GitHub makes mentions and references out of finished text: a word joiner after the mark keeps them apart."""


def markdown(invocation: Invocation, *, report: str = "report.html") -> str:
    """Return the whole page. Everything that a peer may have said is escaped.

    ``report`` is the file of the page that shows more; empty where there is none, and the extra is named instead.
    """
    runs = invocation.runs
    end = tally.ending(invocation)
    lines = [f"## {_BADGE[end.word]} {tally.headline(invocation)} · exit {end.exit}", ""]
    lines += _table(("", "scenario", "variant", "client", "verdict", "events", "recovered", "p99"), _run_rows(runs))
    for run in runs:
        if run.verdict.word is not Word.PASS:
            lines += ["", *_failure(run)]
    limits = [row for run in runs for row in _limit_rows(run)]
    if limits:
        lines += ["", "### Numbers against limits", ""]
        lines += _table(("scenario", "expectation", "measured", "margin", "n", "state"), limits)
    lines += ["", "### Can it be trusted?", ""]
    lines += [f"- {escape(tally.faults_line(runs))}", f"- {escape(tally.laws_line(runs))}"]
    if named := tally.unfelt(runs):
        lines += [f"- **never felt**: {escape(named)}: a test the client never sat"]
    if again := tally.repeated(runs):
        lines += [f"- {escape(again)}"]
    lines += [f"- {escape(f'{run.title}: {told}')}" for run in runs if (told := tally.beside(run))]
    lines += [f"- {escape(tally.host_line(runs))}"]
    lines += [f"- {escape(str(warning))}" for warning in warned([run.plan for run in runs])]
    lines += [f"- {escape(f'{run.title}: worlds {worlds.said(run.agreement)}')}" for run in runs if run.agreement]
    lines += [f"- **{escape(f'{run.title}: {told}')}**" for run in runs if (told := worlds.trouble(run))]
    if invocation.left_out:
        lines += ["", f"Not run: {', '.join(escape(name) for name in invocation.left_out)}"]
    if invocation.manifest.twice:
        lines += ["", f"In several of the merged results: {', '.join(map(escape, invocation.manifest.twice))}"]
    lines += ["", f"Full report: `{report}`" if report else f"{REPORT.purpose.capitalize()}: `{REPORT.command}`"]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return text that Markdown and HTML show as it is, on one line."""
    flat = _SPECIAL.sub(r"\\\1", printable(" ".join(text.split())))
    return _CALLING.sub("\\1\u2060", flat)


def code(text: str) -> str:
    """Return text as inline code, whatever backquotes are in it (CommonMark, code spans)."""
    flat = printable(" ".join(text.split())).replace("|", "¦")
    fence = "`" * (max((len(ticks) for ticks in re.findall("`+", flat)), default=0) + 1)
    return f"{fence} {flat} {fence}" if "`" in flat else f"{fence}{flat}{fence}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *body]


def _run_rows(runs: Sequence[RunResult]) -> list[list[str]]:
    rows = []
    marks = {key: mark for group in tally.groups(runs) for key, mark in tally.marks(group.runs).items()}
    for run in runs:
        verdict = run.verdict
        recovery = verdict.measures.get("recovery")
        path, latency = tally.steady_latency(run)
        events = f"{verdict.counts.delivered} of {verdict.counts.emitted}, {verdict.counts.lost} lost"
        rows.append(
            [
                SIGN[verdict.word],
                escape(run.plan.name),
                escape(marks[run.key]),
                escape(verdict.client or run.plan.client.like),
                f"**{run.word}**",
                events,
                escape(measured(recovery, like=1.0)) if recovery else "",
                escape(f"{measured(latency)} {f'on {path} ' if path else ''}(n {latency.n})") if latency else "",
            ]
        )
    return rows


def _failure(run: RunResult) -> list[str]:
    client = run.verdict.client or run.plan.client.like
    title = joined([run.title, f"{client} client", f"seed {run.plan.seed}"])
    lines = [f"### {SIGN[run.verdict.word]} {escape(title)}", ""]
    found = findings(run) if run.verdict.word in (Word.FAIL, Word.VOID) else []
    if not found:
        lines += [f"**{run.word}**: {escape(reason(run))}", ""]
    for finding in found:
        lines += [*_finding(finding), ""]
    return [*lines, f"Replay: {code(replay(run))}"]


def _finding(finding: Finding) -> list[str]:
    lines = [f"**{escape(', '.join(finding.laws))}**: {escape(finding.sentence)}"]
    if finding.evidence:
        rows = [
            [f"{item.at:.2f} s", escape(item.lane), escape(item.text), f"`history:{item.seq}`"]
            for item in finding.evidence
        ]
        lines += ["", *_table(("at", "who", "what", "record"), rows)]
    if finding.also:
        lines += ["", f"Also: {escape(joined(finding.also))}"]
    if finding.advice:
        lines += ["", f"Why: {escape(finding.advice)}"]
    return lines


def _limit_rows(run: RunResult) -> list[list[str]]:
    rows = []
    for item in run.verdict.expectations:
        expected = expected_by(run.plan, item)
        margin = quantity(item.margin, item.measured.unit) if item.margin is not None else ""
        state = {LawState.HELD: "held", LawState.FAILED: "**failed**"}.get(item.state, str(item.state))
        shown = measured(item.measured, like=expected.limit if expected else None)
        named = against(expected, item) if expected is None else f"{item.metric} {expected.text or item.limit}"
        count = plural(item.measured.n, "sample") if item.measured.n else ""
        rows.append([escape(run.title), escape(named), escape(shown), escape(margin), count, state])
    return rows
