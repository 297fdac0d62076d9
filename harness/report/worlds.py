"""The words on a run in virtual time that was held against real ones, and against its own repetition."""

from collections.abc import Sequence

from harness.compare.agreement import Agreement, AgreementWord
from harness.compare.replay import Replay
from harness.judge.verdict import Evidence
from harness.report.folder import RunResult
from harness.report.wording import duration, joined, plural

REPLAYS = "virtual time: no scheduler lag"


def trouble(run: RunResult) -> str:
    """Return what shows that a model of the harness is wrong: worlds that differ, a run that does not replay."""
    parts = []
    if run.agreement is not None and run.agreement.said is AgreementWord.DIFFER:
        parts.append(f"the worlds {said(run.agreement)}")
    if run.replay is not None and not run.replay.same:
        parts.append(f"it does not replay: {twice(run.replay)}")
    return joined(parts)


def doubt(run: RunResult) -> str:
    """Return why it is unknown whether the worlds agree; empty where it is known."""
    if run.agreement is None or run.agreement.said is not AgreementWord.UNKNOWN:
        return ""
    return f"whether the worlds agree is unknown: {run.agreement.reason}"


def broken(runs: Sequence[RunResult]) -> str:
    """Return in a few words why runs that all passed are no pass; empty where they are one."""
    if any(run.agreement is not None and run.agreement.said is AgreementWord.DIFFER for run in runs):
        return "the worlds differ: one model is wrong"
    if any(run.replay is not None and not run.replay.same for run in runs):
        return "a run does not replay: something in it is left to chance"
    return "whether the worlds agree is unknown" if any(map(doubt, runs)) else ""


def said(agreement: Agreement) -> str:
    """Return what came of a comparison: ``agree, 1,551 times within 34 ms (allowed 50 ms)``."""
    runs = plural(agreement.real_runs, "real run")
    if agreement.said is AgreementWord.UNKNOWN:
        return f"{'undecided' if agreement.differences else 'not compared'}: {agreement.reason}"
    if agreement.said is AgreementWord.DIFFER:
        first, *rest = agreement.differences
        more = f" (and {plural(len(rest), 'difference')} more)" if rest else ""
        return f"differ after {runs}: {first.text}{more}"
    times = f"{agreement.times:,} times within {duration(agreement.widest)} (allowed {duration(agreement.tolerance)})"
    drift = f", drift {duration(agreement.drift)}" if agreement.drift > agreement.tolerance else ""
    spanned = f", within what {runs} span" if agreement.real_runs > 1 else ""
    spanned += f"; the first alone: {agreement.first[0].text}" if agreement.first else ""
    return f"agree, {times}{drift}{spanned}"


def twice(replay: Replay) -> str:
    """Return what came of running twice: ``the same digest``, or where the two runs part."""
    if replay.same:
        return "the same digest"
    if replay.fault:
        return replay.fault
    return f"digests {replay.digest} and {replay.again}, parted at {replay.at:.3f} s of virtual time"


def shown(run: RunResult) -> list[tuple[str, Evidence]]:
    """Return the first records that differ, each with whose it is."""
    found: list[tuple[str, Evidence | None]] = []
    if run.agreement is not None and run.agreement.differences:
        first = run.agreement.differences[0]
        found += [("real", first.real), ("virtual", first.virtual)]
    if run.replay is not None and not run.replay.same:
        found += [("first", run.replay.first), ("second", run.replay.second)]
    return [(whose, evidence) for whose, evidence in found if evidence is not None]


def overall(runs: Sequence[RunResult]) -> str:
    """Return what came of all comparisons that ended well: ``agree on 12 variants, times within 34 ms``."""
    held = [run.agreement for run in runs if run.agreement is not None and run.agreement.said is AgreementWord.AGREE]
    if not held:
        return ""
    again = sum(one.real_runs > 1 for one in held)
    return joined(
        [
            f"agree on {plural(len(held), 'variant')}, times within {duration(max(one.widest for one in held))}",
            f"{again} needed more than one real run" if again else "",
        ]
    )


def host(runs: Sequence[RunResult]) -> str:
    """Return what virtual time says of the figures: the digest, by which a run is told from another."""
    digests = [run.verdict.trust.digest for run in runs if run.verdict.trust.digest]
    repeated = [run.replay for run in runs if run.replay is not None]
    if not digests:
        told = "the seed replays exactly"
    elif len(set(digests)) == 1:
        told = f"digest={digests[0]}, replays exactly"  # with a blank it would read as a password's, and be redacted
    elif len(digests) <= 3:
        told = f"digests {', '.join(digests)}, replay exactly"
    else:
        told = f"{len(digests)} digests, each replays exactly"
    if not repeated:
        return f"{REPLAYS}; {told}"
    same = all(replay.same for replay in repeated)
    told = told.rsplit(", ", 1)[0]
    return f"{REPLAYS}; {told}; twice: {'the same digest' if same else 'NOT the same digest'}"
