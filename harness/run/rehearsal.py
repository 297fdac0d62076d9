"""One plan in virtual time, in this process, its history in memory: what searches and comparisons are made of."""

import trio

from harness.history import History
from harness.history.records import Record
from harness.run.runner import Runner
from harness.scenario.model import Plan
from harness.world import virtual


def rehearse(plan: Plan) -> History:
    """Run the plan in virtual time and return what happened: the same plan, the same history.

    Raises ``Stuck`` for a run that would never end, and whatever a bug of the harness raises.
    """
    records: list[Record] = []

    async def main() -> None:
        await Runner(plan, None, world=virtual.world(), tap=records.append).run(trio.Event())

    virtual.run(main, seed=plan.seed)
    return History(records)
