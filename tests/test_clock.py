"""The simulated clock jumps to what happens next, and movable sleeps are the same under it as under trio's own."""

import math

import pytest
import trio

from harness.clock import MovableSleep, SimClock, sleep_until


def simulated(main):
    return trio.run(main, clock=SimClock())


def mocked(main):
    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


BOTH = pytest.mark.parametrize("run", [simulated, mocked])


async def sleeps_until(movable_sleep, deadline, ends):
    await movable_sleep.until(deadline)
    ends.append(trio.current_time())


def sleeps(run, deadline, *deeds):
    """Sleep to a deadline while these things are done to the sleep, each at its instant; return when it ended."""
    ends = []

    async def main():
        movable_sleep = MovableSleep()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sleeps_until, movable_sleep, deadline, ends)
            for at, deed in deeds:
                await trio.sleep_until(at)
                deed(movable_sleep)

    run(main)
    return ends


@BOTH
def test_a_nap_ends_at_its_deadline(run):
    assert sleeps(run, 3.0) == [3.0]


@BOTH
def test_a_nap_can_be_ended_before_its_deadline_and_without_one(run):
    assert sleeps(run, 3.0, (1.0, MovableSleep.end)) == [1.0]
    assert sleeps(run, math.inf, (1.0, MovableSleep.end)) == [1.0]


@BOTH
def test_a_nap_can_be_moved_both_ways(run):
    assert sleeps(run, 3.0, (1.0, lambda movable_sleep: movable_sleep.move(2.0))) == [2.0]
    assert sleeps(run, 3.0, (1.0, lambda movable_sleep: movable_sleep.move(5.0))) == [5.0]
    assert sleeps(run, 3.0, (1.0, lambda movable_sleep: movable_sleep.move(math.inf)), (9.0, MovableSleep.end)) == [9.0]


@BOTH
def test_to_end_a_nap_that_nobody_takes_does_nothing(run):
    assert sleeps(run, 1.0, (2.0, MovableSleep.end), (3.0, lambda movable_sleep: movable_sleep.move(4.0))) == [1.0]


@BOTH
def test_a_deadline_that_has_passed_ends_a_nap_at_once(run):
    async def main():
        await trio.sleep(5)
        await sleep_until(2.0)
        return trio.current_time()

    assert run(main) == 5.0


@BOTH
def test_a_nap_that_is_cancelled_can_be_taken_again(run):
    async def main():
        movable_sleep = MovableSleep()
        with trio.move_on_after(1):
            await movable_sleep.until(3.0)
        await movable_sleep.until(2.0)
        return trio.current_time()

    assert run(main) == 2.0


def test_alarms_ring_at_their_instants_those_of_one_together():
    rung = []

    async def main():
        clock = SimClock.current()
        for when in (2.0, 1.0, 2.0):
            clock.at(when, lambda token: rung.append((token, trio.current_time())) or False)
        await trio.sleep(3)
        return trio.current_time()

    assert simulated(main) == 3.0
    assert rung == [(2, 1.0), (1, 2.0), (3, 2.0)]


def test_no_alarm_rings_while_anything_can_run():
    rung = []

    async def main():
        SimClock.current().at(0.0, lambda token: rung.append(token) or False)
        for _ in range(5):
            await trio.lowlevel.checkpoint()
            assert not rung
        await trio.sleep(1)

    simulated(main)
    assert rung == [1]


def test_an_alarm_that_wakes_a_task_stops_the_clock_there():
    async def main():
        woken = trio.Event()

        def wakes(_token):
            woken.set()
            return True

        SimClock.current().at(1.5, wakes)
        with trio.fail_after(10):
            await woken.wait()
        return trio.current_time()

    assert simulated(main) == 1.5


def test_sleepers_of_one_instant_run_in_one_turn_and_thus_in_any_order():
    orders = set()

    async def sleeper(number, asleep, awake):
        asleep.append(number)
        await sleep_until(1.0)
        awake.append(number)

    async def main():
        asleep, awake = [], []
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(sleeper, number, asleep, awake)
        orders.add(tuple(asleep.index(number) for number in awake))

    for _ in range(40):
        simulated(main)
    assert len(orders) > 1


def test_another_clock_has_no_alarms():
    async def main():
        SimClock.current()

    with pytest.raises(TypeError, match=r"run it by harness\.world\.virtual"):
        mocked(main)


def test_an_impatient_clock_says_how_often_it_was_read():
    looks = []

    async def main():
        for _ in range(20):
            await trio.lowlevel.checkpoint()

    trio.run(main, clock=SimClock(readings=10, on_limit=lambda: looks.append(1)))
    assert len(looks) >= 2
