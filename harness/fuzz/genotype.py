"""The genotype: what the fuzzer invents and shrinks, in the words of the language.

Everything in it is text that a scenario file may hold, so whatever is done to it can be read, and a candidate that the
language refuses is simply none.
"""

from collections.abc import Mapping
from itertools import groupby

import msgspec

from harness.deeds.acts import Frozen
from harness.scenario import Plan, Project, Scenario, plans
from harness.scenario.document import Data
from harness.units import spell_duration

Texts = dict[str, str]
Paths = dict[str, str | Texts]

SETTINGS = ("job", "server", "device", "client")
"""Sections that a genotype may do without, but for the length of the job."""


class Fault(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A fault: an actor, its words, the second. ``when`` is the time as a file has it, if no plain duration."""

    at: float
    actor: str
    deed: str
    when: str = ""

    @property
    def written(self) -> str:
        """The time as a scenario has it."""
        return self.when or spell_duration(self.at)


class Genotype(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """One invented scenario. ``faults`` are in order of time; those of a scenario given as the base are ``kept``."""

    seed: int
    title: str = "invented"
    about: str = ""
    job: Texts
    server: Texts = msgspec.field(default_factory=dict)
    paths: Paths
    device: Texts = msgspec.field(default_factory=dict)
    client: Texts = msgspec.field(default_factory=dict)
    waive: Texts = msgspec.field(default_factory=dict)
    kept: tuple[Fault, ...] = ()
    faults: tuple[Fault, ...] = ()

    def scenario(self) -> Scenario:
        """Return the document. Nothing is checked here."""
        return Scenario(
            scenario=self.title,
            about=self.about,
            job=self.job,
            server=self.server,
            paths=self.paths,
            device=self.device,
            client=self.client,
            seed=str(self.seed),
            timeline=_timeline((*self.kept, *self.faults)),
            waive=self.waive,
            name=f"invented-{self.seed}",
            file=f"seed {self.seed}",
        )

    def plan(self, *, client: str | None = None, world: str = "virtual", project: Project | None = None) -> Plan:
        """Return its plan. Raises ``ScenarioError`` where the language refuses it."""
        (plan,) = plans(self.scenario(), client=client, world=world, project=project)
        return plan

    def having(self, **changes: object) -> "Genotype":
        """Return it with some fields replaced."""
        return msgspec.structs.replace(self, **changes)


def _timeline(faults: tuple[Fault, ...]) -> dict[str, Data]:
    """Return the score: when, who, what. At one instant an actor's deeds are listed where its first one stands."""
    score: dict[str, Data] = {}
    for when, together in groupby(
        sorted(faults, key=lambda fault: (fault.at, fault.written)), key=lambda fault: fault.written
    ):
        deeds: dict[str, list[str]] = {}
        for fault in together:
            deeds.setdefault(fault.actor, []).append(fault.deed)
        score[when] = {actor: said[0] if len(said) == 1 else said for actor, said in deeds.items()}
    return score


def rendered(genotype: Genotype, comments: tuple[str, ...] = ()) -> str:
    """Return the genotype as a scenario file. ``comments`` stand below it, a line each."""
    scenario = genotype.scenario()
    lines = [f"scenario: {_free(genotype.title)}"]
    if genotype.about:
        lines.append(f"about: {_free(genotype.about)}")
    lines.append("")
    sections = {name: getattr(scenario, name) for name in ("job", "server", "paths", "device", "client")}
    lines += [f"{name}: {_flow(settings)}" for name, settings in sections.items() if settings]
    lines.append(f"seed: {genotype.seed}")
    if genotype.waive:
        lines += ["", "waive:", *(f"  {law}: {_free(reason)}" for law, reason in genotype.waive.items())]
    if isinstance(scenario.timeline, Mapping) and scenario.timeline:
        lines += ["", "timeline:", *(f"  {when}: {_flow(deeds)}" for when, deeds in scenario.timeline.items())]
    lines += ["", *(f"# {comment}".rstrip() for comment in comments)] if comments else []
    return "\n".join(lines) + "\n"


def _flow(data: Data) -> str:
    """Return YAML's flow style. No deed and no setting holds a character of YAML's own."""
    if isinstance(data, str):
        return data
    if isinstance(data, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(value)}" for key, value in data.items()) + "}"
    return "[" + ", ".join(map(_flow, data)) + "]"


def _free(text: str) -> str:
    """Return free text as a double-quoted scalar: JSON's escapes are YAML's."""
    return msgspec.json.encode(text).decode()
