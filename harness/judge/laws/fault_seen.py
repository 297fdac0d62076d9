"""H0, the fault was seen: each deed was applied, and a canary flow of the harness met it; so was each first shape."""

import math
from collections.abc import Mapping

import msgspec

from harness.deeds import acts
from harness.history import Canary, DeedDone, Shaped
from harness.history.records import Record
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts import refusals
from harness.judge.facts.deed_effects import on_its_own_flow, touched
from harness.judge.laws.findings import Law, LawFindings
from harness.judge.verdict import ProvedBy
from harness.scenario.model import canaries_of
from harness.toxics import toxic_attributes

LATE = 0.25
"""Seconds before the end of a run that did not end by itself in which a deed may have come due and found it closing."""


class DeedProof(msgspec.Struct, frozen=True):
    """One deed of the plan and the records that tell of it."""

    deed: acts.Deed
    done: list[DeedDone]
    canaries: list[Canary]
    due: bool
    untried: bool = False  # it came only after every client had lawfully finished
    fault: str = ""  # why it proves nothing; empty when it is proved
    touched: Mapping[str, Record] = {}  # by client: what it did to a client's own

    @property
    def counts(self) -> bool:
        """True if the deed should be proved: it was due while a client could meet it."""
        return self.due and not self.untried

    @property
    def proved(self) -> bool:
        """True if the deed was due, applied and met."""
        return self.counts and not self.fault and self.way not in {ProvedBy.UNDECIDED, ProvedBy.NOTHING}

    @property
    def way(self) -> ProvedBy:
        """The way in which it was proved: at several gates, the best.

        What it did to a client's own flow agrees with the plan, or the run would be void by another law.
        """
        ways = {canary.way for canary in self.canaries}
        stands = isinstance(self.deed.act, acts.Orphans) and self.touched  # it met later what was not there yet
        if ways == {ProvedBy.NOTHING} and not stands:
            return ProvedBy.NOTHING
        if any(map(on_its_own_flow, self.touched.values())):
            return ProvedBy.FLOW
        return next(
            (way for way in (ProvedBy.CANARY, ProvedBy.READ_BACK, ProvedBy.UNDECIDED, ProvedBy.NOTHING) if way in ways),
            ProvedBy.CANARY,
        )


def proofs(case: Case) -> list[DeedProof]:
    """Return the proof of every deed of the plan, in order."""
    return case.once(_proofs)


def finished(case: Case) -> float:
    """Return when the last client had lawfully finished, in scenario seconds; infinity where one had not."""
    return max(map(refusals.finished, case.clients), default=math.inf)


def _proofs(case: Case) -> list[DeedProof]:
    done: dict[int, list[DeedDone]] = {}
    canaries: dict[int, list[Canary]] = {}
    for record in case.history.all(DeedDone):
        done.setdefault(record.deed, []).append(record)
    for canary in case.history.all(Canary):
        canaries.setdefault(canary.deed, []).append(canary)
    over = case.once(finished)
    return [
        _proof(case, deed, done.get(deed.index, []), canaries.get(deed.index, []), over) for deed in case.plan.deeds
    ]


def _proof(case: Case, deed: acts.Deed, done: list[DeedDone], canaries: list[Canary], over: float) -> DeedProof:
    # A run goes on to its last deed: one that never came was due, unless a limit or an interruption came before it.
    stopped = case.cut_short or case.ended == "limit"
    due = bool(done) or not stopped or deed.at <= case.end - LATE
    untried = bool(done) and not any(record.error for record in done)
    untried = untried and all(case.at(record.issued_ns) > over for record in done)
    fault = _fault(case, done, canaries) if due and not untried else ""
    felt = {client.name: found[deed.index] for client in case.clients if deed.index in (found := touched(client))}
    return DeedProof(deed, done, canaries, due, untried, fault, felt)


def _fault(case: Case, done: list[DeedDone], canaries: list[Canary]) -> str:
    if not done:
        return "was not carried out"
    broken = next((record.error for record in done if record.error), "")
    if broken:
        return f"could not be carried out: {broken}"
    unmet = next((canary for canary in canaries if not canary.met), None)
    if unmet is not None:
        return "was not met by the canary" + (f" ({unmet.detail})" if unmet.detail else "")
    if not canaries:
        return "was not met by the canary"
    seen = {canary.client for canary in canaries}
    gates = {record.client for record in done}
    clients = {client.name for client in case.clients}
    wanted = gates - {""} if "" not in gates else set()
    missing = sorted((clients if wanted else wanted) - gates)
    if missing:
        return f"was not carried out at the gate of {phrases.several(missing)}"
    unproved = sorted((wanted & {*canaries_of(len(clients))}) - seen) if "" not in seen else []
    return f"was not met by the canary at the gate of {phrases.several(unproved)}" if unproved else ""


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    if not case.plan.deeds:
        outcome.skip("the plan has no deeds")
    _shapes(case, outcome)
    for proof in proofs(case):
        deed = proof.deed
        name = f"the fault at {phrases.limit(deed.at)} ({deed.actor} {deed.text})"
        if not proof.due:
            outcome.skip(f"{name} was not due before the end")
        elif proof.untried:
            outcome.skip(f"{name} came after the job had ended: untried")
        elif not proof.fault:
            outcome.hold()
        elif case.cut_short and not any(c.met is False for c in proof.canaries) and not _error(proof):
            outcome.doubt(f"{name} {proof.fault}: the run was cut short at {phrases.moment(case.end)}")
        else:
            shown = [case.evidence(record, record.error or f"{deed.actor} {deed.text}") for record in proof.done[:2]]
            shown += [case.evidence(c, c.detail or "not met") for c in proof.canaries if not c.met][:2]
            outcome.fail(f"{name} {proof.fault}; nothing was tested", *shown, cause="fault-not-seen")
    _nothing_tried(case, outcome)
    return outcome


def _shapes(case: Case, outcome: LawFindings) -> None:
    """Hold each path's shape at the start against the plan: what its proxy shows, and what the canary measured."""
    shaped = {record.path: record for record in case.history.all(Shaped)}
    for path, spec in case.plan.paths.items():
        record, name = shaped.get(path), f"the shape of {path} at the start"
        if record is None:
            if case.cut_short:
                outcome.doubt(f"{name} was not read back: the run was cut short at {phrases.moment(case.end)}")
            else:
                outcome.fail(f"{name} was not read back; nothing was tested", cause="shape-not-seen")
            continue
        wanted = toxic_attributes(spec.shape)
        differs = {key: (record.toxics.get(key), wanted.get(key)) for key in sorted({*record.toxics, *wanted})}
        wrong = [
            f"{key} {shown or 'none'} (not {said or 'there'})"
            for key, (shown, said) in differs.items()
            if shown != said
        ]
        if wrong or not record.met:
            told = f"its proxy shows {', '.join(wrong)}" if wrong else record.detail
            shown = case.evidence(record, record.detail or f"the toxics of {path}")
            outcome.fail(f"{name} was not met ({told}); nothing was tested", shown, cause="shape-not-seen")
        else:
            outcome.hold()


def _nothing_tried(case: Case, outcome: LawFindings) -> None:
    """A plan of faults of which none came while a client could meet it has tested nothing."""
    said = [proof for proof in proofs(case) if proof.deed.undoes is None]
    if said and all(proof.untried for proof in said):
        first = said[0]
        ended = phrases.moment(case.once(finished))
        outcome.fail(
            f"every fault came after the job had ended for the app at {ended}, the first ({first.deed.actor} "
            f"{first.deed.text}) at {phrases.limit(first.deed.at)}; nothing was tested",
            *(case.evidence(record, f"{first.deed.actor} {first.deed.text}") for record in first.done[:1]),
            cause="untried",
        )


def _error(proof: DeedProof) -> bool:
    return any(record.error for record in proof.done)


LAW = Law(
    code="H0",
    word="fault-seen",
    title="The fault was seen",
    priority=3,
    judge=_judge,
    says="Every deed of the scenario was carried out, and a canary connection of the harness met it on the same "
    "way that the client's bytes take. Where one was not, the run is void: nothing was tested. So is a run of "
    "which every deed came only after all clients had lawfully finished; of several, such a one is untried, "
    "and counted. A deed is proved on the client's own flow, dial, request or signal where it touched one, "
    "else by the canary, else by what its executor shows: counted apart. That the client felt a deed is not "
    "asked, or one that never redials would be excused; one that none felt is named: a test it never sat.",
    breaks=("This law judges the harness and the machine, not the client: see `harness doctor`.",),
)
