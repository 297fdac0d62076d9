"""Virtual time against its bars: scenarios per second, a long wait, many clients.

Usage: python tests/bench/virtual_bench.py [--clients 1000]

Figures are CPU seconds of one process, the best of several turns taken in turn, since a shared machine only ever adds.
The first line is a unit to compare machines by: what an empty run under trio's own ``MockClock`` costs.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import msgspec
import trio
import trio.testing

from harness.fuzz.generate import invent
from harness.fuzz.trial import try_genotype
from harness.judge.judge import judge
from harness.run.rehearsal import rehearse
from harness.scenario import Plan, Scenario, plans
from harness.world import virtual

WALK = {
    "3s": {"wifi": "silent"},
    "3.4s": {"device": "loses wifi"},
    "4s": {"device": "joins cellular"},
    "7s": {"cellular": "reset once"},
    "9s": {"middle": "answers 503 to streams for 2s"},
}


SEEDS = range(1_000, 1_100)


def plan(**sections: object) -> Plan:
    facts = {"scenario": "bench", "paths": {"wifi": "wifi", "cellular": "lte"}, **sections}
    return plans(Scenario(**facts), world="virtual")[0]


def crowd(clients: int, lasts: str) -> Plan:
    """So many clients, each with a job of its own and an update a second."""
    few = plan(
        job={"lasts": lasts, "updates": "every 1s"},
        paths={"wifi": "loopback"},
        client={"count": "200", "arrive": "within 1s"},
    )
    # More than a scenario may ask for.
    return msgspec.structs.replace(few, client=msgspec.structs.replace(few.client, count=clients))


def best(work: Callable[[], object], turns: int) -> float:
    found = float("inf")
    for _ in range(turns):
        began = time.process_time()
        work()
        found = min(found, time.process_time() - began)
    return found


def one_of_a_search(faults: int, *, proofs: bool = False) -> None:
    """Do a fuzzer's work for one seed: compile, run, judge."""
    made = plan(job={"lasts": "15s"}, timeline=dict(list(WALK.items())[:faults]))
    judge(made, rehearse(made, proofs=proofs))


def search() -> None:
    """Do the work of ``harness fuzz`` for a hundred seeds, canaries included."""
    for seed in SEEDS:
        try_genotype(invent(seed))


def empty() -> None:
    trio.run(trio.lowlevel.checkpoint, clock=trio.testing.MockClock(autojump_threshold=0))


def a_scenario(words: str, seconds: float) -> None:
    print(f"{words:36}{seconds * 1e3:7.2f} ms   {1 / seconds:5.0f}/s   (bar 100/s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1_000)
    clients = parser.parse_args().clients
    long_wait = plan(job={"lasts": "10m"}, paths={"wifi": "wifi"}, timeline={"2s": {"job": "pauses"}})
    brief, longer = crowd(clients, "30s"), crowd(clients, "60s")
    with virtual.spacious_memory(clients):
        rehearse(long_wait)  # everything is loaded
        print(f"an empty run                        {best(empty, 50) * 1e3:7.2f} ms   (0.22 where the bars were set)")
        by_faults = [best(partial(one_of_a_search, faults), 30) for faults in range(len(WALK) + 1)]
        a_scenario("15 s job, up to 5 faults, on average", statistics.mean(by_faults))
        a_scenario("15 s job, 5 faults", by_faults[-1])
        a_scenario("15 s job, 5 faults, all proved", best(partial(one_of_a_search, len(WALK), proofs=True), 30))
        a_scenario("a seed of the fuzzer, 60 s or less", best(search, 2) / len(SEEDS))
        seconds = best(partial(rehearse, long_wait), 10)
        print(f"five minutes without progress      {seconds * 1e3:7.2f} ms   (bar 50 ms)")
        begun, all_of_it = (best(partial(rehearse, made), 1) for made in (brief, longer))
        rate, further = 31 / begun, 30 / (all_of_it - begun)
        print(f"{clients:,} clients at 1 event/s, 30 s  {begun:7.2f} s    {rate:5.1f} times real time   (bar 5)")
        print(f"  each further second             {1 / further:7.2f} s    {further:5.1f}")


if __name__ == "__main__":
    main()
