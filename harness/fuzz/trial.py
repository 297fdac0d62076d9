"""The trial of one genotype: run in virtual time, judged, boiled down to what a search has to remember."""

import traceback
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.errors import leaf
from harness.fuzz.coverage import Cells, covered, words_of
from harness.fuzz.genotype import Genotype
from harness.history import Canary, History
from harness.judge.judge import judge
from harness.judge.laws.recovery import LACKS
from harness.judge.verdict import LawState, LawVerdict, Verdict, Word
from harness.run.rehearsal import rehearse
from harness.scenario import Plan, Project
from harness.scenario.expectations import OF_HARNESS
from harness.world.virtual import Stuck

CRASH, STUCK, UNSEEN = "crash", "stuck", "fault-seen"
"""These stand in a law's place where the harness itself failed; the last is a law, but no client breaks it."""

OWN = (CRASH, STUCK, *OF_HARNESS)
"""Failures for which no client is to blame."""

PROVED_EVERY = 16
"""One seed in so many flies canaries: a third of a run's cost, for faults that all were seen before. What is found is
proved when it is replayed."""

_HOME = Path(__file__).parents[1]


class TrialFailure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way in which a trial failed. Failures of one ``key`` are one group."""

    law: str  # the law's word; crash or stuck
    cause: str = ""
    sentence: str = ""

    @property
    def key(self) -> str:
        """The law and the cause: ``recovery never-noticed``."""
        return f"{self.law} {self.cause}".rstrip()


class Tried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one seed. ``cells`` are coverage's, as deed, state and count."""

    seed: int
    faults: int = 0
    failures: tuple[TrialFailure, ...] = ()
    cells: tuple[tuple[str, str, int], ...] = ()


class Judged(NamedTuple):
    """A plan's failures and coverage."""

    failures: tuple[TrialFailure, ...]
    cells: Cells


def try_genotype(genotype: Genotype, *, client: str | None = None, project: Project | None = None) -> Tried:
    """Run and judge a genotype against a client. Raises ``ScenarioError`` where the language refuses it."""
    proofs = genotype.seed % PROVED_EVERY == 0
    failures, cells = judged(genotype.plan(client=client, project=project), proofs=proofs)
    return Tried(
        seed=genotype.seed,
        faults=len(genotype.faults),
        failures=failures,
        cells=tuple((deed, state, count) for (deed, state), count in cells.items()),
    )


def judged(plan: Plan, *, proofs: bool = False) -> Judged:
    """Run and judge a plan in virtual time. What the harness itself does wrong is a failure like any other.

    With ``proofs`` its faults have to be seen too, and of a run in which they were not nothing else is told.
    """
    try:
        history = rehearse(plan, proofs=proofs)
        verdict = judge(plan, history)
        void = proofs and verdict.word is Word.VOID
        failures = (unseen(plan, history) if void else ()) or failures_of(verdict, proofs=proofs)
        return Judged(failures, covered(plan, history))
    except Exception as error:  # noqa: BLE001 - a crash is a finding, and the search goes on
        return Judged((_crash(leaf(error)),), Counter())


def failures_of(verdict: Verdict, *, proofs: bool = True) -> tuple[TrialFailure, ...]:
    """Return the failed laws. Of a void run only the first: nothing else was tested. H0 has no say without proofs."""
    laws = [law for law in verdict.laws if _broken(law) and (proofs or law.law != UNSEEN)]
    of_harness = [law for law in laws if law.law in OF_HARNESS]
    return tuple(_failure(law) for law in of_harness[:1] or laws)


def _broken(law: LawVerdict) -> bool:
    """Return whether a law failed, or found that the table of what a client owes lacks a row."""
    return law.state is LawState.FAILED or (law.state is LawState.UNKNOWN and LACKS in law.reason)


def unseen(plan: Plan, history: History) -> tuple[TrialFailure, ...]:
    """Return the faults of a void run that were not seen, grouped by the deed."""
    found: dict[str, TrialFailure] = {}
    for canary in history.all(Canary):
        if not canary.met:
            deed = plan.deeds[canary.deed]
            undone = " undone" if deed.undoes is not None else ""
            sentence = f"the fault at {deed.at:g} s ({deed.actor} {deed.text}) was not met by the canary"
            sentence += f" ({canary.detail})" if canary.detail else ""
            one = TrialFailure(law=UNSEEN, cause=f"{words_of(deed)[0]}{undone}", sentence=sentence)
            found.setdefault(one.key, one)
    return tuple(found.values())


def _failure(law: LawVerdict) -> TrialFailure:
    return TrialFailure(law=law.law, cause=law.cause, sentence=law.sentence or law.reason)


def _crash(error: BaseException) -> TrialFailure:
    """Name a crash by its kind and by the innermost line of the harness that it came through."""
    if isinstance(error, Stuck):
        return TrialFailure(law=STUCK, cause=str(error).split(" ", 1)[0].rstrip(":"), sentence=str(error))
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if str(_HOME) in frame.filename]
    where = f"{Path(ours[-1].filename).relative_to(_HOME)}:{ours[-1].lineno}" if ours else "outside"
    return TrialFailure(
        law=CRASH, cause=f"{type(error).__name__} at {where}", sentence=f"{type(error).__name__}: {error}"
    )
