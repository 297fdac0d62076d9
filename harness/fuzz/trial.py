"""The trial of one genotype: run in virtual time, judged, boiled down to what a search has to remember."""

import traceback
from pathlib import Path

import msgspec

from harness.errors import leaf
from harness.fuzz.coverage import covered
from harness.fuzz.genotype import Genotype
from harness.judge.judge import judge
from harness.judge.verdict import LawVerdict, State, Verdict, Word
from harness.run.rehearsal import rehearse
from harness.scenario import Plan, Project
from harness.world.virtual import Stuck

CRASH, STUCK = "crash", "stuck"
"""What stands in a law's place where the harness itself failed."""

_HOME = Path(__file__).parents[1]


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way in which a trial failed. Failures of one ``key`` are one group."""

    law: str  # the law's word; crash or stuck
    cause: str = ""
    sentence: str = ""

    @property
    def key(self) -> str:
        """The law and the cause: ``recovery never-noticed``."""
        return f"{self.law} {self.cause}".rstrip()


class Tried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one seed. ``cells`` are coverage's, as deed, state and count."""

    seed: int
    faults: int = 0
    failures: tuple[Failure, ...] = ()
    cells: tuple[tuple[str, str, int], ...] = ()


def attempt(genotype: Genotype, *, client: str | None = None, project: Project | None = None) -> Tried:
    """Run and judge a genotype against a client. What the harness itself does wrong is a failure like any other.

    Raises ``ScenarioError`` where the language refuses the genotype.
    """
    plan = genotype.plan(client=client, project=project)
    try:
        history = rehearse(plan)
        failures = failures_of(judge(plan, history))
        cells = covered(plan, history)
    except Exception as error:  # noqa: BLE001 - a crash is a finding, and the search goes on
        return Tried(seed=genotype.seed, faults=len(genotype.faults), failures=(_crash(leaf(error)),))
    return Tried(
        seed=genotype.seed,
        faults=len(genotype.faults),
        failures=failures,
        cells=tuple((deed, state, count) for (deed, state), count in cells.items()),
    )


def verdict_of(plan: Plan) -> Verdict:
    """Return the verdict on a plan, in virtual time."""
    return judge(plan, rehearse(plan))


def failures_of(verdict: Verdict) -> tuple[Failure, ...]:
    """Return the failed laws; of a void run only the fault that was not seen, for nothing else was tested."""
    failed = [law for law in verdict.laws if law.state is State.FAILED]
    if verdict.word is Word.VOID:
        failed = [law for law in failed if law.code == "L0"]
    return tuple(_failure(law) for law in failed)


def _failure(law: LawVerdict) -> Failure:
    return Failure(law=law.law, cause=law.cause, sentence=law.sentence)


def _crash(error: BaseException) -> Failure:
    """Name a crash by its kind and by the innermost line of the harness that it came through."""
    if isinstance(error, Stuck):
        return Failure(law=STUCK, cause=str(error).split(" ", 1)[0].rstrip(":"), sentence=str(error))
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if str(_HOME) in frame.filename]
    where = f"{Path(ours[-1].filename).relative_to(_HOME)}:{ours[-1].lineno}" if ours else "outside"
    return Failure(law=CRASH, cause=f"{type(error).__name__} at {where}", sentence=f"{type(error).__name__}: {error}")
