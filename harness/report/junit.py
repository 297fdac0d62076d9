"""``junit.xml``: a suite per scenario, a case per variant and client. Unknown and void are errors, not failures."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from harness.judge.verdict import State, Word
from harness.report import tally, worlds
from harness.report.findings import failed, findings, reason, replay
from harness.report.folder import Invocation, RunResult
from harness.report.saying import printable


def junit(invocation: Invocation) -> str:
    """Return the XML document. Characters that XML 1.0 forbids become U+FFFD."""
    root = ET.Element("testsuites", {"name": "harness", **_totals(invocation.runs)})
    for group in tally.groups(invocation.runs):
        suite = ET.SubElement(root, "testsuite", {"name": printable(group.name), **_totals(group.runs)})
        if invocation.manifest.started:
            suite.set("timestamp", invocation.manifest.started.removesuffix("Z").removesuffix("+00:00"))
        for run in group.runs:
            _case(suite, run)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _totals(runs: Sequence[RunResult]) -> dict[str, str]:
    words = [run.verdict.word for run in runs]
    wrong = sum(run.verdict.word in (Word.PASS, Word.FAIL) and bool(worlds.trouble(run)) for run in runs)
    return {
        "tests": str(len(words)),
        "failures": str(words.count(Word.FAIL)),
        "errors": str(words.count(Word.UNKNOWN) + words.count(Word.VOID) + wrong),
        "time": f"{sum(run.verdict.seconds for run in runs):.3f}",
    }


def _case(suite: ET.Element, run: RunResult) -> None:
    verdict = run.verdict
    client = verdict.client or run.plan.client.like
    name = " ".join(part for part in (run.plan.variant or "as written", f"[{client}]") if part)
    case = ET.SubElement(
        suite,
        "testcase",
        name=printable(name),
        classname=printable(f"{run.plan.name}.{run.plan.world}"),
        time=f"{verdict.seconds:.3f}",
        file=printable(run.plan.file),
    )
    if verdict.word is Word.FAIL:
        laws = [law.law for law in failed(verdict)] or [finding.laws[0] for finding in findings(run)]
        _add(case, "failure", message=verdict.sentence, kind=", ".join(laws), text=_details(run))
    elif verdict.word in (Word.UNKNOWN, Word.VOID):
        _add(case, "error", message=reason(run), kind=str(verdict.word), text=_details(run))
    if verdict.word in (Word.PASS, Word.FAIL) and (wrong := worlds.trouble(run)):
        _add(case, "error", message=wrong, kind="disagreement", text=wrong)
    _silent(case, run)


def _add(case: ET.Element, tag: str, *, message: str, kind: str, text: str) -> None:
    element = ET.SubElement(case, tag, message=printable(message), type=printable(kind))
    element.text = printable(text)


def _details(run: RunResult) -> str:
    lines: list[str] = []
    for finding in findings(run):
        lines.append(finding.sentence)
        lines += [f"  {item.at:.2f} s  {item.lane}  {item.text}  history:{item.seq}" for item in finding.evidence]
        lines += [f"  also: {text}" for text in finding.also]
        lines += [f"  why: {finding.advice}"] if finding.advice else []
    return "\n".join([*lines, f"replay: {replay(run)}"])


def _silent(case: ET.Element, run: RunResult) -> None:
    """Write what was not judged or waived where a reader finds it and a counter does not."""
    lines = [f"trust: {tally.faults_line([run])}; {tally.host_line([run])}"]
    lines += [f"warning: line {warning.line}: {warning.text}" for warning in run.verdict.warnings]
    if run.agreement is not None:
        lines.append(f"worlds: {worlds.said(run.agreement)}")
    for law in run.verdict.laws:
        if law.state is State.NOT_JUDGED:
            lines.append(f"not judged: {law.law} ({law.reason})")
        elif law.state is State.WAIVED:
            lines.append(f"waived: {law.law} ({law.waiver or law.reason})")
    ET.SubElement(case, "system-out").text = printable("\n".join(lines))
