"""The worker of a matrix, held by a ``Hand`` of the parent's: runs and judges plans in virtual time, in its own memory.

Nothing is written: a run's records are judged where they were made. The verdict is that of ``harness run``, since both
are functions of the plan alone.
"""

import contextlib
import signal
import sys
from collections.abc import Callable

import msgspec

from harness.campaign.cells import Cell, Trial, cell_of, void
from harness.errors import leaf
from harness.escaping import visible
from harness.history import History, Run, history_digest
from harness.judge.judge import judge
from harness.run.rehearsal import rehearse
from harness.scenario.model import Plan
from harness.trouble import in_words
from harness.world import virtual

Rehearse = Callable[[Plan], History]


class Prover:
    """Makes cells. Clients of one plan who left the same history, to the byte, are judged once."""

    def __init__(self, rehearse: Rehearse = rehearse) -> None:
        self._rehearse = rehearse
        self._judged: dict[tuple[bytes, str], Cell] = {}

    def cell(self, trial: Trial) -> Cell:
        """Run and judge a plan. One that cannot be run or judged is void, and says why."""
        plan = trial.plan
        try:
            history = self._rehearse(plan)
            story = (
                _nameless(plan),
                history_digest(
                    msgspec.structs.replace(record, client="") if isinstance(record, Run) else record
                    for record in history.records
                ),
            )
            if story not in self._judged:
                self._judged[story] = cell_of(plan, judge(plan, history))
        except Exception as error:  # noqa: BLE001 - a crash is a finding, and ends no other run
            return void(trial, visible(str(in_words(error) or f"{type(leaf(error)).__name__}: {leaf(error)}")))
        return msgspec.structs.replace(self._judged[story], key=trial.key, client=plan.client.like)


def _nameless(plan: Plan) -> bytes:
    """Return the plan as it is with whichever client."""
    client = msgspec.structs.replace(plan.client, like="", mutant="")
    return msgspec.json.encode(msgspec.structs.replace(plan, client=client))


def work() -> None:
    """Serve the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trials = msgspec.json.Decoder(Trial)
    prover = Prover()
    with virtual.spacious_memory():
        for line in sys.stdin.buffer:
            sys.stdout.buffer.write(msgspec.json.encode(prover.cell(trials.decode(line))) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the parent has gone
        work()
