"""A scenario as the base: its job, paths, settings and timeline stay, and the faults are invented over them.

Of a sweep the first variant is taken, or the one that is asked for. Its expectations and its limit are about its own
timeline and are left out; its waivers stay.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from harness.errors import UsageError
from harness.fuzz.genotype import Fault, Genotype, Paths, Texts
from harness.scenario import Project, Scenario, plans
from harness.scenario.document import Data
from harness.scenario.place import VARIABLE
from harness.units import parse_instant


def base_of(scenario: Scenario, *, select: Mapping[str, str] | None = None, project: Project | None = None) -> Genotype:
    """Return a checked scenario as a genotype without faults of its own.

    Raises ``UsageError`` for a bad ``select``, and for a job that never ends: nothing could be healed after it.
    """
    plan = plans(scenario, select=select, project=project)[0]
    if plan.job.ends == "never":
        raise UsageError(f"{scenario.file}: the job never ends, so no fault can be over before its end")

    def section(data: Data) -> Texts:
        return cast("Texts", _replaced(data or {}, plan.variables))

    return Genotype(
        seed=plan.seed,
        title=plan.scenario,
        job=section(scenario.job),
        server=section(scenario.server),
        paths=cast("Paths", _replaced(scenario.paths, plan.variables)),
        device=section(scenario.device),
        client=section(scenario.client),
        waive=cast("Texts", scenario.waive or {}),
        kept=tuple(sorted(_timeline(_replaced(scenario.timeline, plan.variables)), key=lambda fault: fault.at)),
    )


def _replaced(data: Data, variables: Mapping[str, str]) -> Data:
    """Return the data with each name of the sweep replaced, as compiling would."""
    if isinstance(data, str):
        return VARIABLE.sub(lambda found: variables[found[1]], data)
    if isinstance(data, Mapping):
        return {str(_replaced(key, variables)): _replaced(value, variables) for key, value in data.items()}
    return [_replaced(value, variables) for value in data]


def _timeline(timeline: Data) -> Iterator[Fault]:
    for when, actors in cast("Mapping[str, Mapping[str, Data]]", timeline or {}).items():
        at = parse_instant(when.partition("..")[0].strip())
        for actor, deeds in actors.items():
            for deed in [deeds] if isinstance(deeds, str) else cast("list[str]", deeds):
                yield Fault(at=at, actor=actor, deed=deed, when=when)
