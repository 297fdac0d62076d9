"""The worker of a matrix, asked by a ``WorkerClient``: runs and judges plans in virtual time, in its own memory.

Nothing is written: a run's records are judged where they were made. The verdict is that of ``harness run``, since both
are functions of the plan alone. What need not be done twice is not: clients of one plan who left the same history, to
the byte, are judged once; and a mutant who would have decided as the reference did (``harness.campaign.shadows``) has
its run.
"""

import contextlib
import signal
import sys
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec

from harness.campaign.cells import REFERENCE, Cell, ProverSetup, Trial, cell_of, void, with_client
from harness.campaign.shadows import Shadows, only_decides
from harness.clients.mutants import MUTANTS, Mutant
from harness.errors import leaf
from harness.escaping import visible
from harness.history import History, Run, history_digest
from harness.judge.judge import judge
from harness.run.rehearsal import rehearse
from harness.scenario.model import Plan
from harness.trouble import in_words
from harness.world import virtual

FEW = 4
"""Mutants of a call for whom the runs of the reference that find those like it would cost more than they save."""


class Rehearse(Protocol):
    """Runs a plan, with the client ``planted`` in place of the one that it names."""

    def __call__(self, plan: Plan, *, planted: Mutant | None = None) -> History:
        """Return the history."""
        ...


class Base(NamedTuple):
    """The reference's cell of a plan, and the mutants whose run is the reference's."""

    cell: Cell
    alike: frozenset[str]


class Prover:
    """Makes cells of these mutants and of the reference."""

    def __init__(self, mutants: Iterable[str] = (), *, rehearse: Rehearse = rehearse) -> None:
        deciding = tuple(name for name in mutants if only_decides(MUTANTS[name]))
        self._deciding = deciding if len(deciding) > FEW else ()
        self._rehearse = rehearse
        self._judged: dict[tuple[bytes, str], Cell] = {}
        self._bases: dict[bytes, Base] = {}

    def cell(self, trial: Trial) -> Cell:
        """Run and judge a plan. A plan that cannot be run or judged is void, and says why."""
        plan = trial.plan
        try:
            base = self._base(plan) if plan.client.mutant in self._deciding else None
            alike = base is not None and plan.client.mutant in base.alike
            found = base.cell if base is not None and alike else self._told(plan, self._rehearse(plan))
        except Exception as error:  # noqa: BLE001 - a crash is a finding, and ends no other run
            return void(trial, visible(str(in_words(error) or f"{type(leaf(error)).__name__}: {leaf(error)}")))
        return msgspec.structs.replace(found, key=trial.key, client=plan.client.like)

    def _base(self, plan: Plan) -> Base:
        """Run the reference as it is, and with its shadows: where these left a trace, nothing of theirs counts."""
        bare = with_client(plan, REFERENCE, "")
        key = msgspec.json.encode(bare)
        if key not in self._bases:
            shadows = Shadows(self._deciding)
            history, watched = self._rehearse(bare), self._rehearse(bare, planted=shadows.client)
            same = _digest(history) == _digest(watched)
            self._bases[key] = Base(self._told(bare, history), shadows.alike if same else frozenset())
        return self._bases[key]

    def _told(self, plan: Plan, history: History) -> Cell:
        """Judge a history, unless another client of the same plan has left it."""
        story = msgspec.json.encode(with_client(plan, "", "")), _digest(history)
        if story not in self._judged:
            self._judged[story] = cell_of(plan, judge(plan, history))
        return self._judged[story]


def _digest(history: History) -> str:
    """Return the digest of a history, whatever its client is called."""
    return history_digest(
        msgspec.structs.replace(record, client="") if isinstance(record, Run) else record for record in history.records
    )


def work() -> None:
    """Serve the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines, trials = sys.stdin.buffer, msgspec.json.Decoder(Trial)
    prover = Prover(msgspec.json.decode(lines.readline(), type=ProverSetup).mutants)
    with virtual.spacious_memory():
        for line in lines:
            sys.stdout.buffer.write(msgspec.json.encode(prover.cell(trials.decode(line))) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the parent has gone
        work()
