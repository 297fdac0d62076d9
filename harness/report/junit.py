"""``junit.xml``: a suite per scenario, a case per variant, client and seed. Unknown and void are errors."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from harness.judge.verdict import LawState, Word
from harness.report import tally, worlds
from harness.report.findings import broken, findings, from_here, reason, replay
from harness.report.folder import Invocation, Manifest, RunResult
from harness.report.wording import printable


def junit(invocation: Invocation) -> str:
    """Return the XML document. Characters that XML 1.0 forbids become U+FFFD.

    Times are of the wall clock: they say how long a build waits, also for a run whose own time was virtual.
    """
    manifest, end = invocation.manifest, tally.ending(invocation)
    groups = tally.groups(invocation.runs)
    suites = [_suite(group.name, [_case(run, mark, manifest) for run, mark in _marked(group)]) for group in groups]
    left_out = [_left_out(key, "error", manifest.faults.get(key, "it left no verdict")) for key in invocation.unjudged]
    left_out += [_left_out(name, "error", "this shard is not among the merged results") for name in manifest.missing]
    why = "interrupted before its turn" if manifest.signal else "stopped by -x or --maxfail before its turn"
    left_out += [_left_out(name, "skipped", why) for name in manifest.not_run]
    suites += [_suite("without a verdict", left_out)] if left_out else []
    root = ET.Element("testsuites", {"name": "harness", **_totals([case for suite in suites for case in suite])})
    if manifest.seconds:
        root.set("time", f"{manifest.seconds:.3f}")
    for suite in suites:
        if manifest.started:
            suite.set("timestamp", manifest.started.removesuffix("Z").removesuffix("+00:00"))
        properties = ET.Element("properties")
        ET.SubElement(properties, "property", name="word", value=end.word)
        ET.SubElement(properties, "property", name="exit", value=str(end.exit))
        suite.insert(0, properties)
        root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _marked(group: tally.ScenarioRuns) -> list[tuple[RunResult, str]]:
    marks = tally.marks(group.runs)
    return [(run, marks[run.key]) for run in group.runs]


def _suite(name: str, cases: list[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": printable(name), **_totals(cases)})
    suite.extend(cases)
    return suite


def _totals(cases: Sequence[ET.Element]) -> dict[str, str]:
    """Return the attributes of many cases: a case with more than one child of a kind counts once."""
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": f"{sum(float(case.get('time', 0)) for case in cases):.3f}",
    }


def _case(run: RunResult, mark: str, manifest: Manifest) -> ET.Element:
    verdict = run.verdict
    client = verdict.client or run.plan.client.like
    virtual = run.plan.world == "virtual"  # its own seconds pass in no time
    case = ET.Element(
        "testcase",
        name=printable(f"{mark or 'as written'} [{client}]"),
        classname=printable(f"{run.plan.name}.{run.plan.world}"),
        time=f"{manifest.took.get(run.key, 0.0 if virtual else verdict.seconds):.3f}",
        file=printable(from_here(run.plan.file)),
    )
    if verdict.word is Word.FAIL:
        _add(case, "failure", message=verdict.sentence, kind=", ".join(broken(run)), text=_details(run))
    elif verdict.word is not Word.PASS:
        _add(case, "error", message=reason(run), kind=run.word, text=_details(run))
    if verdict.word in (Word.PASS, Word.FAIL) and (wrong := worlds.trouble(run)):
        _add(case, "error", message=wrong, kind="disagreement", text=wrong)
    _silent(case, run)
    return case


def _left_out(name: str, tag: str, why: str) -> ET.Element:
    """Return the case of something that was planned and has no verdict."""
    case = ET.Element("testcase", name=printable(name), classname="without a verdict", time="0.000")
    ET.SubElement(case, tag, message=printable(why))
    return case


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
    lines += [f"never felt: {named}: a test the client never sat"] if (named := tally.unfelt([run])) else []
    lines += [f"shown: {told}"] if (told := tally.beside(run)) else []
    lines += [f"warning: line {warning.line}: {warning.text}" for warning in run.verdict.warnings]
    if run.agreement is not None:
        lines.append(f"worlds: {worlds.said(run.agreement)}")
    for law in run.verdict.laws:
        if law.state is LawState.NOT_JUDGED:
            lines.append(f"not judged: {law.law} ({law.reason})")
        elif law.state is LawState.WAIVED:
            lines.append(f"waived: {law.law} ({law.waiver or law.reason})")
    ET.SubElement(case, "system-out").text = printable("\n".join(lines))
