"""The worker of a search, asked by a ``WorkerClient``."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from harness.errors import leaf
from harness.fuzz.generate import invent
from harness.fuzz.genotype import Genotype
from harness.fuzz.polish import polish
from harness.fuzz.shrink import Shrinker, shrink
from harness.fuzz.tasks import Hunt, Hunted, Reply, Setup, Shrink, Shrunk, Task, TriedReply, Try
from harness.fuzz.trial import OWN, TrialFailure, judged, try_genotype
from harness.scenario import Plan, Project, find_project
from harness.world import real, virtual

_GREEDY = 0.6
"""Share of the time for shrinking that the first pass may take."""


def now() -> float:
    """Return seconds of the host's clock."""
    return real.stamp() / 1e9


class FuzzWorker:
    """Does tasks for one setup."""

    def __init__(self, setup: Setup, project: Project | None = None) -> None:
        self._setup = setup
        self._project = project

    def replies(self, task: Task) -> Iterator[Reply]:
        """Yield the answers to a task, as they come."""
        match task:
            case Try(seeds=seeds):
                for seed in seeds:
                    yield TriedReply(
                        tried=try_genotype(self._invent(seed), client=self._setup.client, project=self._project)
                    )
            case Shrink(seed=seed, failure=failure, seconds=seconds):
                yield self._shrunk(self._invent(seed), failure, seconds, self._setup.client)
            case Hunt():
                yield self._hunted(task)

    def _invent(self, seed: int) -> Genotype:
        return invent(seed, self._setup.base, project=self._project)

    def _shrunk(
        self,
        first: Genotype,
        failure: TrialFailure,
        seconds: float,
        client: str | None,
        also: Callable[[Plan], bool] = lambda _plan: True,
    ) -> Shrunk:
        """Make an example small. ``also`` must hold of it too."""
        began = now()
        seen = failure

        def fails(plan: Plan) -> bool:
            nonlocal seen
            failures = judged(plan, proofs=failure.law in OWN).failures
            same = next((one for one in failures if one.key == failure.key), None)
            if same is None or not also(plan):
                return False
            seen = same
            return True

        bench = Shrinker(first, fails, now=now, seconds=seconds * _GREEDY, client=client, project=self._project)
        shrink(bench)
        bench.extend(began + seconds - now())
        polish(bench)
        fails(bench.best.plan(client=client, project=self._project))
        return Shrunk(
            seed=first.seed,
            failure=seen,
            genotype=bench.best,
            before=len(first.faults),
            tries=bench.tries,
            seconds=round(now() - began, 1),
        )

    def _hunted(self, hunt: Hunt) -> Hunted:
        began = now()
        for count in range(1, hunt.seeds + 1):
            genotype = self._invent(hunt.first + count - 1)
            failures = laws_of_mutant_alone(genotype.plan(client=hunt.mutant, project=self._project))
            if failures:
                seconds = round(now() - began, 1)
                example = self._shrunk(genotype, failures[0], hunt.shrink_seconds, hunt.mutant, reference_passes)
                laws = tuple(dict.fromkeys(failure.law for failure in failures))
                return Hunted(
                    mutant=hunt.mutant, seeds=count, seconds=seconds, seed=genotype.seed, laws=laws, example=example
                )
            if now() - began > hunt.seconds:
                break
        return Hunted(mutant=hunt.mutant, seeds=count, seconds=round(now() - began, 1))


def laws_of_mutant_alone(plan: Plan) -> tuple[TrialFailure, ...]:
    """Return the laws that a mutant broke in this plan, where the reference client breaks none; else nothing."""
    failures = judged(plan).failures
    if not failures or any(failure.law in OWN for failure in failures) or not reference_passes(plan):
        return ()
    return failures


def reference_passes(plan: Plan) -> bool:
    """Return whether the reference client, with the policies that the plan declares, fails nothing."""
    client = msgspec.structs.replace(plan.client, like="reference", mutant="")
    return not judged(msgspec.structs.replace(plan, client=client)).failures


def work() -> None:
    """Serve the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines = sys.stdin.buffer
    setup = msgspec.json.decode(lines.readline(), type=Setup)
    worker = FuzzWorker(setup, find_project(Path.cwd()))
    tasks = msgspec.json.Decoder(Task)
    with virtual.spacious_memory():
        for line in lines:
            for reply in worker.replies(tasks.decode(line)):
                sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
                sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        work()
    except BrokenPipeError:
        pass  # the parent has gone
    except BaseException as error:
        print(f"{type(leaf(error)).__name__}: {leaf(error)}", file=sys.stderr)  # noqa: T201 - the parent reads it
        raise
