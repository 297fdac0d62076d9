"""What became of each deed of a run: how it was proved, whom it touched, and how late it came."""

from harness.judge.case import Case
from harness.judge.laws.fault_seen import Proof, proofs
from harness.judge.laws.in_time import lateness
from harness.judge.verdict import DeedVerdict, Way
from harness.scenario.deed_text import deed_text


def deeds(case: Case) -> tuple[DeedVerdict, ...]:
    """Return the verdict on every deed of the plan, in order."""
    late = lateness(case)
    return () if case.empty else tuple(_deed(case, proof, late.get(proof.deed.index, 0.0)) for proof in proofs(case))


def _deed(case: Case, proof: Proof, late: float) -> DeedVerdict:
    return DeedVerdict(
        deed=proof.deed.index,
        at=proof.deed.at,
        text=deed_text(proof.deed, case.plan),
        way=_way(proof),
        felt=len(proof.touched),
        clients=len(case.clients),
        ends=proof.deed.undoes is not None,
        late=late,
    )


def _way(proof: Proof) -> Way:
    if not proof.due:
        return Way.NOT_DUE
    if proof.untried:
        return Way.UNTRIED
    return Way.UNPROVED if proof.fault else proof.way
