"""From a seed to a genotype: the settings, a few faults in order of time, and what heals them."""

import math
import re

import msgspec

from harness.chance import Chance
from harness.errors import ScenarioError
from harness.fuzz import calm as calming
from harness.fuzz.draws import Draws
from harness.fuzz.genotype import Fault, Genotype
from harness.fuzz.healing import lacking, too_brief_for, too_hasty, too_impatient, too_narrow
from harness.fuzz.menu import follow, invent_deed
from harness.fuzz.settings import draw_client, draw_device, draw_job, draw_paths, draw_server
from harness.fuzz.situation import Situation
from harness.scenario import Plan, Project
from harness.units import parse_duration

MOST_FAULTS = 6
TRIES = 20
"""Inventions that a base may refuse before the timeline is left with fewer faults."""

SILENTLY = "the server drops what its log has lost without a word, which no client can know"

_SLICED, _WIDE = re.compile(r"sliced to \S+"), "sliced to 32B"

_AT_THE_START = 0.1
_SOON_AFTER = 0.5
_ROUNDS = 5


def invent(seed: int, base: Genotype | None = None, *, project: Project | None = None) -> Genotype:
    """Return the scenario of this seed, invented whole or over a ``base``; it always compiles and can always end."""
    chance = Chance(seed)
    draws, calm = Draws(chance.stream("fuzz", "faults")), Draws(chance.stream("fuzz", "calm"))
    if base is not None:
        genotype = _with_faults(base.having(seed=seed), draws, guarded=True, project=project)
        return healed(genotype, draws, project=project)[0]
    genotype = _settings(seed, chance)
    if calm.chance(calming.SHARE):
        genotype = _calmed(genotype, calm)
    else:
        genotype = _with_faults(genotype, draws, guarded=False, project=project)
    return _with_time_to_answer(*healed(genotype, draws, project=project))


def _settings(seed: int, chance: Chance) -> Genotype:
    def draws(section: str) -> Draws:
        return Draws(chance.stream("fuzz", section))

    paths = draw_paths(draws("paths"))
    server = draw_server(draws("server"))
    return Genotype(
        seed=seed,
        job=draw_job(draws("job")),
        server=server,
        paths=paths,
        device=draw_device(draws("device"), paths),
        client=draw_client(draws("client")),
        waive=dict.fromkeys(("no-gap", "recovery"), SILENTLY) if server.get("expired cursor") == "silent" else {},
    )


def _calmed(genotype: Genotype, draws: Draws) -> Genotype:
    return genotype.having(
        job=calming.draw_calm_job(draws),
        client=genotype.client | calming.draw_calm_client(draws),
        faults=calming.calm_faults(draws, genotype.paths, _starts_on(genotype)),
    )


def _with_time_to_answer(genotype: Genotype, plan: Plan) -> Genotype:
    """Return it with time to answer: for a token to be used, in the client's deadlines, and on a line cut to slices."""
    if too_narrow(plan):
        faults = [msgspec.structs.replace(one, deed=_SLICED.sub(_WIDE, one.deed)) for one in genotype.faults]
        genotype = genotype.having(faults=tuple(faults))
    if due := too_brief_for(plan):
        genotype = genotype.having(server=genotype.server | {"token": f"lasts {math.ceil(due)}s"})
    if too_impatient(plan) or too_hasty(plan):
        client = {key: value for key, value in genotype.client.items() if key not in {"watchdog", "backoff"}}
        genotype = genotype.having(client=client)
    return genotype


def _starts_on(genotype: Genotype) -> str:
    return genotype.device.get("starts on", next(iter(genotype.paths)))


def _with_faults(genotype: Genotype, draws: Draws, *, guarded: bool, project: Project | None) -> Genotype:
    """Add faults in order of time. ``guarded``: a base has words of its own, so each is tried by compiling.

    So is each after a word that ended the job: it may come when no client is left.
    """
    now = Situation(genotype.paths, _starts_on(genotype), genotype.server)
    waiting, faults = list(genotype.kept), list[Fault]()
    times = _times(draws, parse_duration(genotype.job["lasts"]))
    told: tuple[str, str] | None = None
    while times or told:
        last = now.now
        at = times.pop(0) if times else math.inf
        if told:
            at = min(at, round(last + draws.seconds(0.02, 2), 2))
        while waiting and waiting[0].at <= at:
            now.hear(waiting.pop(0))
        now.now = at
        fault, told = _said(draws, now, told), None
        for _ in range(TRIES):
            if not (guarded or now.job_over) or _compiles(genotype.having(faults=(*faults, fault)), project):
                faults.append(fault)
                now.hear(fault)
                told = follow(draws, now, fault.actor, fault.deed)
                break
            fault = _said(draws, now, None)
    return genotype.having(faults=tuple(faults))


def _said(draws: Draws, now: Situation, told: tuple[str, str] | None) -> Fault:
    actor, deed = told or invent_deed(draws, now)
    return Fault(at=now.now, actor=actor, deed=deed)


def _times(draws: Draws, lasts: float) -> list[float]:
    """Return when: anywhere in the job, often soon after another, sometimes as the client starts."""
    times: list[float] = []
    for _ in draws.pick([range(many) for many in range(1, MOST_FAULTS + 1)]):
        if draws.chance(_AT_THE_START):
            at = draws.moment(0, 0.3)
        elif times and draws.chance(_SOON_AFTER):
            at = times[-1] + draws.seconds(0.02, 4)
        else:
            at = draws.moment(0.5, lasts)
        times.append(round(min(at, lasts), 2))
    return sorted(times)


def _compiles(genotype: Genotype, project: Project | None) -> bool:
    try:
        genotype.plan(project=project)
    except ScenarioError:
        return False
    return True


def healed(genotype: Genotype, draws: Draws, *, project: Project | None = None) -> tuple[Genotype, Plan]:
    """Return it with the last words that let a client through again, and its plan."""
    for _ in range(_ROUNDS):
        plan = genotype.plan(project=project)
        remedies = lacking(plan)
        if not remedies:
            return genotype, plan
        at = _after(plan)
        faults = list(genotype.faults)
        for remedy in remedies:
            at = round(at + draws.seconds(0.3, 6), 2)
            faults.append(Fault(at=at, actor=remedy.actor, deed=remedy.deed))
        genotype = genotype.having(faults=tuple(faults))
    raise AssertionError(f"seed {genotype.seed}: nothing heals it")


def _after(plan: Plan) -> float:
    """Return when the last deed has been done, and what it does by itself."""
    return max((deed.at for deed in plan.deeds), default=0.0)
