"""``summary.json``: the invocation for programs. It is written last, so that its presence means complete."""

from typing import Any

import msgspec

from harness.compare.agreement import Agreement
from harness.compare.replay import Replay
from harness.judge.verdict import Counts, DeedVerdict, ExpectationVerdict, Interval, LawState, ProvedBy, Word
from harness.report import tally
from harness.report.findings import doubts, failed, findings, replay
from harness.report.folder import INTERRUPTED, Invocation, RunResult
from harness.report.redact import redact_data
from harness.report.wording import printable
from harness.scenario.model import Warned

SCHEMA_VERSION = 1


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``folder`` is relative to the results folder, ``laws`` maps every law to its state."""

    name: str
    scenario: str
    variant: str
    client: str
    world: str
    seed: int
    word: str  # the verdict's, or interrupted
    sentence: str
    beside: str  # the second line of the headline: shown of emitted, covered, stale up to, each where not zero
    ended: str  # as the history's end record says: done, limit, interrupted, fault; killed where it has none
    fault: str  # of the environment, or of the harness itself, which ended the run
    failed_laws: tuple[str, ...]
    failed_expectations: tuple[str, ...]
    because: tuple[str, ...]
    laws: dict[str, LawState]
    expectations: tuple[ExpectationVerdict, ...]
    counts: Counts
    measures: dict[str, Interval]
    warnings: tuple[Warned, ...]
    deeds: tuple[DeedVerdict, ...]  # how each was proved, whom it touched, how late it came
    ways: dict[str, int]  # how many deeds, by what became of them
    unfelt: tuple[str, ...]  # faults that touched nothing of any client
    seconds: float
    folder: str
    replay: str
    aborted: bool
    digest: str  # of the history, in virtual time
    agreement: Agreement | None  # with the real runs beside it
    twice: Replay | None  # run a second time


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole invocation."""

    schema_version: int = SCHEMA_VERSION
    word: str  # the verdict's, or interrupted
    exit: int  # the code of the process
    started: str
    seconds: float
    scenarios: int
    words: dict[str, int]
    not_run: tuple[str, ...]
    unjudged: dict[str, str]  # by folder: why a run that was started has no verdict
    missing: tuple[str, ...]  # shards, of merged results
    twice: tuple[str, ...]  # runs that several of the merged results hold
    runs: tuple[RunSummary, ...]


def summarize(invocation: Invocation) -> Summary:
    """Return the summary of an invocation."""
    runs, manifest = invocation.runs, invocation.manifest
    end = tally.ending(invocation)
    return Summary(
        word=end.word,
        exit=end.exit,
        started=manifest.started,
        seconds=manifest.seconds,
        scenarios=len(tally.groups(runs)),
        words={word: sum(run.word == word for run in runs) for word in (*map(str, Word), INTERRUPTED)},
        not_run=manifest.not_run,
        unjudged={key: manifest.faults.get(key, "it left no verdict") for key in invocation.unjudged},
        missing=manifest.missing,
        twice=manifest.twice,
        runs=tuple(summarize_run(run) for run in runs),
    )


def plain(summary: Summary | RunSummary) -> dict[str, Any]:
    """Return a summary as data for JSON, in which no text holds a secret or steers a terminal."""
    data: dict[str, Any] = redact_data(msgspec.to_builtins(summary), printable)
    return data


def summarize_run(run: RunResult) -> RunSummary:
    """Return the summary of one run."""
    plan, verdict = run.plan, run.verdict
    broken = tuple(law.law for law in failed(verdict))
    missed = tuple(item.metric for item in verdict.expectations if item.state is LawState.FAILED)
    told = tuple(finding.sentence for finding in findings(run)) if verdict.word is not Word.UNKNOWN else ()
    return RunSummary(
        name=plan.name,
        scenario=plan.scenario,
        variant=plan.variant,
        client=verdict.client or plan.client.like,
        world=plan.world,
        seed=plan.seed,
        word=run.word,
        sentence=verdict.sentence,
        beside=tally.beside(run),
        ended=verdict.trust.ended,
        fault=verdict.trust.fault,
        failed_laws=broken,
        failed_expectations=missed,
        because=told or tuple(doubts(run)),
        laws={law.law: law.state for law in verdict.laws},
        expectations=verdict.expectations,
        counts=verdict.counts,
        measures=verdict.measures,
        warnings=verdict.warnings,
        deeds=verdict.deeds,
        ways={str(way): count for way in ProvedBy if (count := sum(one.way is way for one in verdict.deeds))},
        unfelt=tuple(one.said for one in verdict.deeds if one.unfelt),
        seconds=verdict.seconds,
        folder=run.key,
        replay=replay(run),
        aborted=verdict.aborted,
        digest=verdict.trust.digest,
        agreement=run.agreement,
        twice=run.replay,
    )
