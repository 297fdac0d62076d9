"""The fate of each deed of a run: how it was proved, whom it touched, and how late it came."""

from collections.abc import Iterable, Sequence

from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.laws.fault_seen import DeedProof, proofs
from harness.judge.laws.in_time import late, lateness
from harness.judge.verdict import DeedVerdict, ProvedBy
from harness.scenario.deed_text import deed_text


def deeds(case: Case) -> tuple[DeedVerdict, ...]:
    """Return the verdict on every deed of the plan, in order."""
    behind = lateness(case)
    return () if case.empty else tuple(_deed(case, proof, behind.get(proof.deed.index, 0.0)) for proof in proofs(case))


def late_deeds(told: Iterable[DeedVerdict]) -> str:
    """Return ``late: 1 deed by 310 ms``; empty where none was."""
    return late({place: one.late for place, one in enumerate(told) if one.late})


def besides(told: Sequence[DeedVerdict]) -> list[str]:
    """Return what a headline says of deeds beside the client: how many met no client, touched nothing, or came late."""
    untried = sum(one.way is ProvedBy.UNTRIED and not one.ends for one in told)
    unfelt = sum(one.unfelt for one in told)
    parts = [
        f"{phrases.amount(untried, 'deed')} untried" if untried else "",
        f"{phrases.amount(unfelt, 'deed')} never felt" if unfelt else "",
        late_deeds(told),
    ]
    return [part for part in parts if part]


def _deed(case: Case, proof: DeedProof, behind: float) -> DeedVerdict:
    return DeedVerdict(
        deed=proof.deed.index,
        at=proof.deed.at,
        text=deed_text(proof.deed, case.plan),
        way=_way(proof),
        felt=len(proof.touched),
        clients=len(case.clients),
        ends=proof.deed.undoes is not None,
        late=behind,
    )


def _way(proof: DeedProof) -> ProvedBy:
    if not proof.due:
        return ProvedBy.NOT_DUE
    if proof.untried:
        return ProvedBy.UNTRIED
    return ProvedBy.UNPROVED if proof.fault else proof.way
