"""A run lasts to the last of its clients, its jobs and its deeds, whatever became of the others."""

import errno
from collections.abc import Callable

import pytest
import trio

from harness.errors import EnvironmentFault
from harness.history import Canary, DeedDone, Emit, History
from harness.history.records import Record
from harness.judge import judge
from harness.judge.verdict import Word
from harness.network.gate import Gate
from harness.run.rehearsal import rehearse
from harness.run.runner import AFTERGLOW, Runner
from harness.scenario.model import Plan
from harness.world import virtual

HEAD = "scenario: a test\njob: {lasts: 3s}\npaths: {wifi: wifi, cellular: lte}\n"
HELD = "  1s: {cellular: closed}\n"
"""Hinders no client, and keeps a later deed from being refused."""


@pytest.fixture
def planned(tmp_path) -> Callable[[str], Plan]:
    """The plan of a file with this timeline, in virtual time."""
    from harness.scenario import load, plans

    def planned(timeline: str, head: str = HEAD) -> Plan:
        file = tmp_path / "s.yaml"
        file.write_text(f"{head}timeline:\n{timeline}", encoding="utf-8")
        return plans(load(file), world="virtual")[0]

    return planned


def ended(history: History) -> tuple[str, float]:
    assert history.end is not None
    return history.end.reason, round(history.seconds(history.end.t_ns), 2)


@pytest.mark.parametrize(
    "deed",
    [
        "wifi: silent",
        "wifi: closed once",
        "wifi: 3g over 5s",
        "wifi: sliced to 10B",
        "wifi: closed mid data",
        "device: joins cellular",
        "device: suspends for 2s",
        "device: goes offline for 1s",
        "middle: answers 503 to polls",
        "middle: clears",
        "server: restarts losing log after 1s",
        "server: sends retry 10",
        "server: orphan for 1s",
        "job: bursts 5/s for 1s",
    ],
)
def test_a_run_goes_on_to_its_last_deed_whoever_does_it(planned, deed):
    plan = planned(f"{HELD}  20s: {{{deed}}}\n")
    history = rehearse(plan)
    reason, at = ended(history)
    assert reason == "done"
    assert at >= plan.deeds[-1].at + AFTERGLOW
    assert {record.deed for record in history.all(DeedDone)} == {planned.index for planned in plan.deeds}
    assert judge(plan, history).word is Word.PASS


def test_a_run_without_a_late_deed_ends_a_second_after_its_client(planned):
    assert ended(rehearse(planned("  1s: {wifi: closed once}\n")))[1] < 3.0 + AFTERGLOW + 0.2


def test_each_use_of_a_repeated_deed_comes(planned):
    plan = planned(f"{HELD}  2s..22s every 5s: {{wifi: closed once}}\n")
    history = rehearse(plan)
    assert [deed.at for deed in plan.deeds] == [1.0, 2.0, 7.0, 12.0, 17.0]
    assert len(history.all(DeedDone)) == 5
    assert judge(plan, history).trust.untried == 3


def test_the_jobs_end_is_waited_for_though_the_client_gave_up(planned):
    head = HEAD.replace("3s", "40s") + "client: {gives up: after 2 attempts, backoff: 1s to 2s}\n"
    history = rehearse(planned("  1s: {wifi: closed}\n", head))
    (end,) = [emit for emit in history.all(Emit) if emit.terminal]
    assert ended(history)[1] == pytest.approx(history.seconds(end.actual_ns) + AFTERGLOW, abs=0.02)
    assert ended(history)[0] == "done"


def test_a_client_that_gave_up_is_no_reason_for_a_deed_not_to_come(planned):
    head = HEAD.replace("3s", "40s") + "client: {gives up: after 2 attempts, backoff: 1s to 2s}\n"
    plan = planned("  1s: {wifi: closed}\n  30s: {wifi: up}\n  60s: {cellular: closed}\n", head)
    history = rehearse(plan)
    assert {record.deed for record in history.all(DeedDone)} == {0, 1, 2}
    assert ended(history)[1] >= 61.0
    verdict = judge(plan, history)
    assert (verdict.word, verdict.trust.untried) == (Word.FAIL, 0)


def test_the_horizon_ends_a_run_whose_client_is_never_done(planned):
    plan = planned("  1s: {wifi: closed}\n", HEAD + "client: {gives up: never}\n")
    assert ended(rehearse(plan)) == ("limit", round(plan.horizon, 2))


def test_a_limit_and_an_interruption_end_it_before_its_last_deed(planned):
    plan = planned(HELD + "  20s: {wifi: closed once}\n", HEAD + "limit: 20.1s\n")
    assert ended(rehearse(plan)) == ("limit", 20.1)
    records: list[Record] = []
    stop = trio.Event()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Runner(plan, None, world=virtual.world(), tap=records.append).run, stop)
            await trio.sleep(10.0)
            stop.set()

    virtual.run(main, seed=7)
    history = History(records)
    assert ended(history)[0] == "interrupted"
    assert judge(plan, history).word is Word.UNKNOWN


def test_a_deed_that_does_nothing_just_before_the_end_is_not_taken_for_one_that_does(planned, monkeypatch):
    async def only_say(self, path, word, **_):
        return self.path_readback(path)

    plan = planned("  2.9s: {wifi: closed once}\n")
    assert judge(plan, rehearse(plan)).word is Word.PASS
    monkeypatch.setattr(Gate, "reach", only_say)
    history = rehearse(plan)
    assert [canary.met for canary in history.all(Canary)] == [False]
    assert judge(plan, history).word is Word.VOID


def test_a_deed_that_this_machine_refused_is_in_the_history_with_its_error(planned, monkeypatch):
    async def refuse(*_args, **_more):
        raise OSError(errno.EMFILE, "too many open files")

    plan = planned("  1s: {wifi: closed once}\n")
    monkeypatch.setattr(Gate, "reach", refuse)
    records: list[Record] = []

    async def main() -> None:
        await Runner(plan, None, world=virtual.world(), tap=records.append).run(trio.Event())

    with pytest.raises((EnvironmentFault, BaseExceptionGroup)):
        virtual.run(main, seed=7)
    history = History(records)
    (deed,) = history.all(DeedDone)
    assert "this machine refused it" in deed.error
    verdict = judge(plan, history)
    assert verdict.word is Word.VOID
    assert "this machine refused it" in verdict.sentence
