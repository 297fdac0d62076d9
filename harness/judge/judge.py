"""The verdict on (plan, history): every law, every expectation, composed by the worst.

Pure: no clock, no file. So a run is judged again years later, and a run that was cut short is judged as far as it got.
"""

from collections import Counter

import msgspec

from harness.history import Health, History, history_digest
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.expectations import judge_expectations
from harness.judge.explain.causes import OUTAGES, outage_cause, unrecovered
from harness.judge.explain.headline import beside
from harness.judge.laws import FUNDAMENTAL, LAWS
from harness.judge.laws.proofs import besides, deeds
from harness.judge.measures import spans
from harness.judge.measures.counts import counts
from harness.judge.measures.figures import measures
from harness.judge.measures.outages import outages
from harness.judge.verdict import (
    DeedVerdict,
    ExpectationVerdict,
    LawState,
    LawVerdict,
    ProvedBy,
    Trust,
    Verdict,
    Word,
)
from harness.scenario.expectations import OF_HARNESS
from harness.scenario.model import Plan

PROVED = (ProvedBy.FLOW, ProvedBy.CANARY, ProvedBy.READ_BACK)


def judge(plan: Plan, history: History, *, died: str = "") -> Verdict:
    """Return the verdict on one run.

    A run that a fault ended, its environment's or the harness's own, is void whatever it had shown until then: the
    fault may have been at work for long. The history's end record tells of it, or, where none could be written
    any more, ``died``: the words of the process's watcher on its end.
    """
    case = Case(plan, history)
    fault = died if history.end is None else history.end.detail if case.ended == "fault" else ""
    laws = tuple(_waived(law.verdict(case), plan) for law in LAWS)
    expectations = judge_expectations(case)
    word = compose(laws, expectations)
    if word is Word.PASS and case.cut_short:
        word = Word.UNKNOWN  # what would still have come was not seen
    if fault:
        word = Word.VOID
    run, told = history.run, deeds(case)
    return Verdict(
        word=word,
        sentence=phrases.sentence(fault or _sentence(word, case, laws, expectations, told)),
        scenario=plan.scenario,
        name=plan.name,
        variant=plan.variant,
        client=run.client if run else plan.client.like,
        world=run.world if run else plan.world,
        seed=run.seed if run else plan.seed,
        seconds=case.end,
        laws=laws,
        expectations=expectations,
        counts=case.once(counts),
        measures=case.once(measures),
        deeds=told,
        outages=spans.outages(case),
        steady=spans.steady_windows(case),
        faults=spans.faults(case),
        warnings=plan.warnings,
        trust=_trust(case, told, fault),
        aborted=case.aborted,
    )


def compose(laws: tuple[LawVerdict, ...], expectations: tuple[ExpectationVerdict, ...]) -> Word:
    """Return the run's word: void where a law of the harness failed, else the worst. The rest is neutral."""
    if any(law.law in OF_HARNESS and law.state is LawState.FAILED for law in laws):
        return Word.VOID
    states = {law.state for law in laws} | {expectation.state for expectation in expectations}
    if LawState.FAILED in states:
        return Word.FAIL
    return Word.UNKNOWN if LawState.UNKNOWN in states or LawState.HELD not in states else Word.PASS


def order(laws: tuple[LawVerdict, ...]) -> tuple[LawVerdict, ...]:
    """Return the failed laws, the most fundamental first."""
    failed = (law for law in laws if law.state is LawState.FAILED)
    return tuple(sorted(failed, key=lambda law: FUNDAMENTAL.index(law.law)))


def by_cause(laws: tuple[LawVerdict, ...]) -> tuple[tuple[LawVerdict, ...], ...]:
    """Return the failed laws grouped by their cause, in order: of each group the first is told, the rest follow."""
    groups: dict[str, list[LawVerdict]] = {}
    for law in order(laws):
        groups.setdefault(law.cause or law.law, []).append(law)
    return tuple(tuple(group) for group in groups.values())


def _waived(verdict: LawVerdict, plan: Plan) -> LawVerdict:
    """Apply the plan's waiver. The fault must always have been seen; a waiver of a law that held stays visible."""
    reason = plan.waive.get(verdict.law, "")
    if not reason or verdict.law in OF_HARNESS:
        return verdict
    if verdict.state in {LawState.FAILED, LawState.UNKNOWN}:
        return msgspec.structs.replace(verdict, state=LawState.WAIVED, waiver=reason)
    unneeded = f"the waiver is not needed: the law {'held' if verdict.state is LawState.HELD else 'is not judged'}"
    return msgspec.structs.replace(verdict, waiver=reason, reason=verdict.reason or unneeded)


def _sentence(
    word: Word,
    case: Case,
    laws: tuple[LawVerdict, ...],
    expectations: tuple[ExpectationVerdict, ...],
    told: tuple[DeedVerdict, ...],
) -> str:
    if word in {Word.VOID, Word.FAIL}:
        return _failure(case, laws, expectations)
    if word is Word.UNKNOWN:
        doubts = [f"{law.law}: {law.reason}" for law in laws if law.state is LawState.UNKNOWN]
        doubts += [f"{one.metric}: {one.reason}" for one in expectations if one.state is LawState.UNKNOWN]
        if case.empty:
            doubts = [case.nothing]
        elif case.cut_short and not doubts:
            doubts = [f"the run was cut short at {phrases.moment(case.end)} ({case.ended})"]
        return "; ".join(doubts) or "nothing could be judged"
    total = case.once(counts)
    parts = [phrases.amount(total.delivered, "event"), f"{total.lost} lost", f"{total.duplicated} repeated"]
    worst = [outage.recovery for one in case.clients for outage in outages(one) if outage.recovery is not None]
    if worst:
        parts.insert(0, f"recovered in {phrases.duration(max(worst))}")
    parts += beside(total, case.once(measures))
    parts += [case.nobody] if case.nobody else []
    parts += besides(told)
    return ", ".join(parts)


def _failure(case: Case, laws: tuple[LawVerdict, ...], expectations: tuple[ExpectationVerdict, ...]) -> str:
    failed = order(laws)
    if failed:
        return _root(case, failed[0]) or failed[0].sentence
    return next(one.sentence for one in expectations if one.state is LawState.FAILED)


def _root(case: Case, law: LawVerdict) -> str:
    """Return what a client did about an outage, where that is what a failed law comes from."""
    if law.cause not in OUTAGES:
        return ""
    causes = [outage_cause(one, outage) for one in case.clients for outage in outages(one) if unrecovered(outage)]
    return next((cause.sentence for cause in causes if cause.key == law.cause), "")


def _trust(case: Case, told: tuple[DeedVerdict, ...], fault: str) -> Trust:
    ways = Counter(one.way for one in told)
    controls = [control for health in case.history.all(Health) for control in health.controls_ms]
    return Trust(
        faults=sum(ways[way] for way in (*PROVED, ProvedBy.UNDECIDED, ProvedBy.UNPROVED)),
        proved=sum(ways[way] for way in PROVED),
        on_flow=ways[ProvedBy.FLOW],
        by_canary=ways[ProvedBy.CANARY],
        read_back=ways[ProvedBy.READ_BACK],
        undecided=ways[ProvedBy.UNDECIDED],
        nothing=ways[ProvedBy.NOTHING],
        untried=sum(one.way is ProvedBy.UNTRIED and not one.ends for one in told),
        lag_p99=case.lag.p99,
        lag_max=case.lag.highest,
        control_max=max(controls) / 1e3 if controls else None,
        truncated=case.history.truncated,
        ended=case.ended,
        fault=fault,
        digest=history_digest(case.history.records) if case.plan.world == "virtual" else "",
        facts=case.history.run.facts if case.history.run else {},
    )
