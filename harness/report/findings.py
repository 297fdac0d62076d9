"""Findings, in the order of importance: failed laws of one cause are one finding, the rest its consequences."""

import shlex
from pathlib import Path

import msgspec

from harness.files import real_path
from harness.judge import phrases
from harness.judge.case import LAGS
from harness.judge.judge import by_cause
from harness.judge.laws import FUNDAMENTAL
from harness.judge.verdict import Evidence, ExpectationVerdict, LawState, LawVerdict, Verdict, Word
from harness.report.folder import INTERRUPTED, SCENARIO, RunResult
from harness.report.wording import against
from harness.scenario.document import BUILT
from harness.scenario.model import Expectation, Plan

IN_FULL = 3

NAMED = 5
"""So many laws are named in a sentence; of more it says how many."""

ENVIRONMENT = "environment"
"""Stands in place of the broken law where a fault ended the run."""
EVIDENCE = 5


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One cause: the laws it broke, the sentence, the records that show it, what else it did, what to do about it."""

    laws: tuple[str, ...]
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    also: tuple[str, ...] = ()
    advice: str = ""
    help: str = ""  # the law to ask ``harness help`` about
    line: int = 0  # in the scenario file: the deed or expectation that failed; 0 where unknown


def rank(law: str) -> int:
    """Return a law's place among the fundamental ones; unknown words come last."""
    return FUNDAMENTAL.index(law) if law in FUNDAMENTAL else len(FUNDAMENTAL)


def failed(verdict: Verdict, state: LawState = LawState.FAILED) -> list[LawVerdict]:
    """Return the laws in this state, the most fundamental first."""
    return sorted((law for law in verdict.laws if law.state is state), key=lambda law: rank(law.law))


def findings(run: RunResult) -> list[Finding]:
    """Return what failed in a run, the most fundamental first. Empty when nothing did.

    Where a fault ended the run, it alone is told: what else seems to have failed may be its consequence.
    """
    if run.verdict.trust.fault:
        return [Finding(laws=(ENVIRONMENT,), sentence=run.verdict.sentence)]
    found = [_of_laws(laws, run) for laws in by_cause(run.verdict.laws)]
    limits = [item for item in run.verdict.expectations if item.state is LawState.FAILED]
    if found and limits:  # limits missed beside a broken law are one more consequence of it
        missed = ", ".join(against(expected_by(run.plan, item), item).replace("(limit ", "(") for item in limits)
        found[0] = msgspec.structs.replace(found[0], also=(*found[0].also, f"limits missed: {missed}"))
    elif limits:
        found = [_of_limits(items, run.plan) for items in _by_story(limits)]
    if found and run.verdict.sentence and run.verdict.word in (Word.FAIL, Word.VOID):
        found[0] = _headed(found[0], run.verdict.sentence)
    return found


def broken(run: RunResult) -> list[str]:
    """Return what a run broke: its failed laws, the most fundamental first; where none did, what else it failed by."""
    laws = [] if run.verdict.trust.fault else [law.law for law in failed(run.verdict)]
    return laws or [word for finding in findings(run) for word in finding.laws]


def expected_by(plan: Plan, verdict: ExpectationVerdict) -> Expectation | None:
    """Return the plan's expectation that this verdict judges: the same metric on the same line, or the only one."""
    same = [item for item in plan.expect if item.metric == verdict.metric]
    on_line = [item for item in same if item.line == verdict.line]
    return next(iter(on_line or same), None)


def doubts(run: RunResult) -> list[str]:
    """Return why a run is unknown: each reason with the unknown laws and expectations that it holds for.

    A reason that all of them share is told alone.
    """
    by_reason: dict[str, list[str]] = {}
    for law in failed(run.verdict, LawState.UNKNOWN):
        by_reason.setdefault(law.reason or law.sentence, []).append(law.law)
    for item in run.verdict.expectations:
        if item.state is LawState.UNKNOWN:
            by_reason.setdefault(item.reason, []).append(item.metric)
    if len(by_reason) == 1 and len(next(iter(by_reason.values()))) > 1:
        return list(by_reason)
    return [f"{', '.join(names)}: {why}" for why, names in by_reason.items()]


def reason(run: RunResult) -> str:
    """Return in one sentence why a run is unknown or void; for the others the verdict's own sentence."""
    word, sentence = run.verdict.word, run.verdict.sentence
    if run.word == INTERRUPTED:
        return _interrupted(run)
    if word is Word.UNKNOWN:
        return "; ".join(doubts(run)) or sentence
    if word is Word.VOID:
        laws = failed(run.verdict)
        return sentence or (laws[0].sentence if laws else "")
    return sentence


def for_lag_alone(run: RunResult) -> bool:
    """Return whether a run on real sockets is unknown for nothing without the host's scheduler lag."""
    verdict = run.verdict
    doubtful = [law.reason for law in verdict.laws if law.state is LawState.UNKNOWN]
    doubtful += [item.reason for item in verdict.expectations if item.state is LawState.UNKNOWN]
    lag = bool(doubtful) and all(LAGS in why for why in doubtful)
    return lag and verdict.word is Word.UNKNOWN and run.plan.world != "virtual"


def named(plan: Plan) -> str:
    """Return what ``harness run`` takes for this plan's scenario."""
    bundled = not plan.file or Path(plan.file).parent.name == "scenarios"
    return (plan.name if bundled else plan.file) or plan.scenario


def _interrupted(run: RunResult) -> str:
    """Return when a run was interrupted, and what could not be settled by then: by name, or many by their number."""
    verdict = run.verdict
    open_ = [law.law for law in failed(verdict, LawState.UNKNOWN)]
    open_ += [item.metric for item in verdict.expectations if item.state is LawState.UNKNOWN]
    when = f"at {verdict.seconds:.1f} s" if verdict.trust.facts or verdict.seconds else "before it began"
    what = phrases.several(open_) if len(open_) <= NAMED else f"{len(open_)} laws and limits"
    return f"the run was interrupted {when}" + (f", with {what} unsettled" if open_ else "")


def replay(run: RunResult) -> str:
    """Return the command that runs this again, word for word ready for a shell."""
    plan, client = run.plan, run.verdict.client or run.plan.client.like
    written = str(run.folder.parent / SCENARIO) if plan.file == BUILT else named(plan)
    words = ["harness", "run", written]
    if client != "reference":
        words += ["--client", client]
    if plan.world != "real":
        words += ["--world", plan.world]
    for name, value in plan.variables.items():
        words += ["--set", f"{name}={value}"]
    return shlex.join([*words, "--seed", str(plan.seed)])


def from_here(name: str) -> str:
    """Return a scenario's file as CI needs it: relative to the working folder, which is the repository's there.

    A file from elsewhere, such as a bundled scenario, is named alone: its path means nothing on another machine.
    """
    file = Path(name)
    if not file.is_absolute() and ".." not in file.parts:
        return name
    try:
        here = real_path(Path.cwd())
        whole = real_path(here / file)
    except (OSError, ValueError):  # the working folder is gone, or that is no path
        return file.name
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else file.name


def guilty_line(plan: Plan, moment: float) -> int:
    """Return the line of the last deed done by this moment, or of the first deed; 0 without deeds."""
    done = [deed for deed in plan.deeds if deed.at <= moment + 0.05]
    deeds = done[-1:] or list(plan.deeds[:1])
    if deeds and deeds[0].undoes is not None and deeds[0].undoes < len(plan.deeds):
        return plan.deeds[deeds[0].undoes].line  # the line that says for how long
    return deeds[0].line if deeds else 0


def _of_laws(laws: tuple[LawVerdict, ...], run: RunResult) -> Finding:
    first = laws[0]
    evidence: dict[int, Evidence] = {}
    for law in laws:
        for item in law.evidence:
            evidence.setdefault(item.seq, item)
    shown = tuple(evidence.values())[:EVIDENCE]
    return Finding(
        laws=tuple(law.law for law in laws),
        sentence=phrases.sentence(first.sentence or f"{first.law} failed"),
        evidence=shown,
        also=tuple(law.sentence for law in laws[1:] if law.sentence and law.sentence != first.sentence),
        advice=next((law.advice for law in laws if law.advice), ""),
        help=next((law.law for law in laws if law.advice), first.law),
        line=guilty_line(run.plan, shown[0].at) if shown else guilty_line(run.plan, 0.0),
    )


def _headed(finding: Finding, sentence: str) -> Finding:
    """Return the first finding under the verdict's own sentence; the law's sentence becomes a consequence."""
    rest = (_without(text, sentence) for text in (finding.sentence, *finding.also))
    return msgspec.structs.replace(finding, sentence=sentence, also=tuple(text for text in rest if text))


def _without(text: str, sentence: str) -> str:
    """Return a consequence without the cause it repeats; empty when the sentence said all of it."""
    text, cause = text.rstrip("."), sentence.rstrip(".").lower()
    if text.lower() in cause:
        return ""
    return text[: -len(cause)].rstrip(": ") if text.lower().endswith(cause) else text


def _by_story(limits: list[ExpectationVerdict]) -> list[list[ExpectationVerdict]]:
    """Return the limits that were missed, those of one story together."""
    found: dict[str, list[ExpectationVerdict]] = {}
    for item in limits:
        found.setdefault(item.cause or f"{item.metric} {item.line}", []).append(item)
    return list(found.values())


def _of_limits(items: list[ExpectationVerdict], plan: Plan) -> Finding:
    """Return one story: the first limit with its records; the others as its consequences."""
    first = items[0]
    where = f"{Path(plan.file).name}:{first.line}" if plan.file and first.line else ""
    return Finding(
        laws=tuple(item.metric for item in items),
        sentence=phrases.sentence(first.sentence or against(expected_by(plan, first), first)),
        evidence=first.evidence[:EVIDENCE],
        also=tuple(filter(None, (*(against(expected_by(plan, item), item) for item in items[1:]), where))),
        advice=first.advice,
        line=first.line,
    )
