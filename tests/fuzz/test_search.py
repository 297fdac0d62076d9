import pytest
import trio

import harness.fuzz.search
from harness.campaign import children, workers
from harness.fuzz.coverage import never_done
from harness.fuzz.search import Search
from harness.fuzz.tasks import Hunt, Setup

BATCH = 6  # seeds: a few batches and a part of one are tried soon


def searched(count, *, jobs, first=1, setup=None, enough=lambda findings: False):
    """A search that has ended: after so many seeds, or once there is enough."""
    search, stop = Search(setup or Setup(), jobs=jobs), trio.Event()
    add = search.findings.add

    def add_and_look(tried):
        add(tried)
        if enough(search.findings):
            stop.set()

    search.findings.add = add_and_look
    trio.run(search.seeds, first, count, stop)
    return search


def summary(search):
    return [(group.failure, group.count, group.example, group.seeds) for group in search.findings.ranked]


@pytest.mark.slow
def test_the_same_seeds_find_the_same_whatever_the_number_of_workers(monkeypatch):
    monkeypatch.setattr(harness.fuzz.search, "BATCH", BATCH)
    alone, shared = (searched(2 * BATCH + 3, jobs=jobs, setup=Setup(client="forgets-last-id")) for jobs in (1, 2))
    assert alone.findings.tried == shared.findings.tried == 2 * BATCH + 3
    assert summary(alone) == summary(shared) != []
    assert alone.findings.cells == shared.findings.cells


@pytest.mark.slow
def test_four_hundred_seeds_at_most_leave_no_deed_undone():
    search = searched(400, jobs=2, enough=lambda findings: never_done(findings.cells) == ())
    assert never_done(search.findings.cells) == ()


def test_a_worker_that_dies_is_a_finding_and_the_search_goes_on(monkeypatch, tmp_path):
    dies = tmp_path / "dies"
    dies.write_text("#!/bin/sh\nread setup\nread task\necho out of luck >&2\n", encoding="utf-8")
    dies.chmod(0o755)
    monkeypatch.setattr(children.sys, "executable", str(dies))
    search = searched(3, jobs=1)
    (group,) = search.findings.ranked
    assert (group.failure.law, group.failure.cause, group.count) == ("crash", "the worker died", 3)
    assert group.failure.sentence == "out of luck"


def test_a_worker_that_says_nothing_hangs(monkeypatch, tmp_path):
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    idle.chmod(0o755)
    monkeypatch.setattr(children.sys, "executable", str(idle))
    monkeypatch.setattr(workers.WorkerClient.ask, "__kwdefaults__", {"answers": 1, "timeout": 0.2})
    search = searched(1, jobs=1)
    assert [group.failure.key for group in search.findings.ranked] == ["stuck the worker hangs"]


def test_a_stop_ends_a_search_without_end_and_keeps_what_was_found():
    search = searched(None, jobs=1, enough=lambda findings: True)
    assert 1 <= search.findings.tried < harness.fuzz.search.BATCH


def test_a_mutant_is_hunted_and_its_example_is_small():
    search = Search(Setup(), jobs=1)
    hunt = Hunt(mutant="forgets-last-id", first=1, seeds=50, seconds=60, shrink_seconds=4)
    trio.run(search.mutants, [hunt], trio.Event())
    (hunted,) = search.hunted
    assert hunted.example is not None
    assert (hunted.seed, hunted.laws) == (hunted.seeds, ("resume",))
    assert len(hunted.example.genotype.faults) <= 2
