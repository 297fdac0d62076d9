"""R of every outage of every shipped scenario: no change makes one longer unseen, and who is later by 2 s fails L9.

Where a longer R is right, ``python -m tests.judge.obligations.test_ratchet`` writes the table anew; say why in the
commit.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

from harness.history import App, DeedDone, Emit, History, Job, SignalHeard, SignalTold
from harness.history.records import Record
from harness.judge.case import Case
from harness.judge.facts.attempts import attempts
from harness.judge.laws.recovery import LAW
from harness.judge.measures.outages import Outage, outages
from harness.judge.verdict import LawState
from harness.run.rehearsal import rehearse
from harness.scenario import Plan, bundled, load, plans

TABLE = Path(__file__).with_name("recoveries.json")
LONGER = 1.05
"""R may grow by a twentieth."""

LATER = 2.0
"""Seconds beyond R."""

NOT_THE_CLIENT_S = {DeedDone, Emit, Job, SignalTold, SignalHeard}


@cache
def shipped() -> dict[str, tuple[Plan, History]]:
    found = {}
    for name, path in bundled().items():
        for plan in plans(load(path), client="reference", world="virtual"):
            found[f"{name} {plan.variant}".strip()] = plan, rehearse(plan, proofs=False)
    return found


def judged(plan: Plan, history: History) -> Iterator[Outage]:
    for client in Case(plan, history).clients:
        yield from (one for one in outages(client) if not one.spared)


def recoveries() -> dict[str, list[float]]:
    found = {name: [round(one.allowance, 3) for one in judged(*run)] for name, run in shipped().items()}
    return {name: values for name, values in found.items() if values}


def later(history: History, since_ns: int, seconds: float, kinds: tuple[type[Record], ...]) -> History:
    """The records of these kinds are so much later from a stamp on."""

    def moved(record: Record) -> Record:
        stamps = {name: getattr(record, name) for name in record.__struct_fields__ if name.endswith("_ns")}
        late = {name: at + round(seconds * 1e9) for name, at in stamps.items() if type(at) is int and at >= since_ns}
        return msgspec.structs.replace(record, **late)

    return History([moved(one) if isinstance(one, kinds) else one for one in history.records])


def sat(plan: Plan, history: History, outage: Outage) -> History:
    """Return the history of a client that sits on its next dial for R and 2 s more, or, where none is due, on its app.

    What comes of that dial is as much later; the deeds and the job are not.
    """
    case = Case(plan, history)
    assert outage.healed is not None
    assert outage.caught_up is not None
    since, until = case.ns(outage.healed) - 1_000, case.ns(outage.caught_up)
    dials = [one.began_ns for one in attempts(case.clients[0]) if since <= one.began_ns <= until]
    if not dials:
        return later(history, until - 1_000, outage.allowance + LATER, (App,))
    kinds = tuple({type(one) for one in history.records} - NOT_THE_CLIENT_S)
    return later(history, dials[0], outage.allowance + LATER, kinds)


def test_no_recovery_may_take_longer_than_it_did():
    was, now = json.loads(TABLE.read_text()), recoveries()
    assert {name: len(values) for name, values in now.items()} == {name: len(values) for name, values in was.items()}
    longer = {
        name: (before, after)
        for name in was
        for before, after in zip(was[name], now[name], strict=True)
        if after > before * LONGER + 0.01
    }
    assert longer == {}


@pytest.mark.parametrize("name", json.loads(TABLE.read_text()) if TABLE.exists() else [])
def test_who_is_later_than_r_by_two_seconds_fails(name):
    plan, history = shipped()[name]
    for outage in judged(plan, history):
        if not outage.recovery:
            continue  # it had caught up as its network healed, and so has nothing to be late with
        assert LAW.verdict(Case(plan, sat(plan, history, outage))).state is LawState.FAILED, (
            f"the outage at {outage.began:.2f} s"
        )


def test_the_reference_recovers_in_each():
    for plan, history in shipped().values():
        assert LAW.verdict(Case(plan, history)).state in {LawState.HELD, LawState.NOT_JUDGED}


if __name__ == "__main__":
    TABLE.write_text(json.dumps(recoveries(), indent=2, sort_keys=True) + "\n")
