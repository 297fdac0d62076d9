"""One plan in virtual time, in this process, its history in memory: what searches and comparisons are made of."""

import trio

from harness.clients.mutants import Mutant
from harness.history import History
from harness.history.records import Record
from harness.run.runner import Runner
from harness.scenario.model import Plan
from harness.world import virtual


def rehearse(plan: Plan, *, proofs: bool = True, planted: Mutant | None = None) -> History:
    """Run the plan in virtual time and return what happened: the same plan, the same history.

    Without ``proofs`` no canary flies, which is a third quicker; law H0 then fails, and the others are as good as ever.

    ``planted`` is the client in place of the one that the plan names.

    Raises ``Stuck`` for a run that would never end, and whatever a bug of the harness raises.
    """
    records: list[Record] = []

    async def main() -> None:
        world = virtual.world()
        await Runner(plan, None, world=world, tap=records.append, proofs=proofs, planted=planted).run(trio.Event())

    virtual.run(main, seed=plan.seed)
    return History(records)
