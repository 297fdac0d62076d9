"""The deadlines of an exchange, phase by phase."""

import msgspec
import trio
from trio.testing import MockClock

from harness.clients.deadlines import Deadlines, Phase
from harness.clients.decisions import Decisions
from harness.sse.policy import AS_SHIPPED, REFERENCE, FedBy
from tests.clients.stage import Stage, completes, play


def vigil_of(policies, *steps, lasts=100.0):
    """Walk through (second, action) in a watched block; returns the second it ended at, and by what."""

    async def main():
        zero = trio.current_time()
        deadlines = Deadlines(Stage(), policies)
        with trio.move_on_after(lasts):
            async with deadlines.watch():
                for at, action in steps:
                    await trio.sleep_until(zero + at)
                    action(deadlines)
                await trio.sleep_forever()
        return trio.current_time() - zero, deadlines.ended_by

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def enters(phase):
    return lambda deadlines: deadlines.enter(phase)


def feeds(deadlines):
    deadlines.feed()


def test_dialling_has_the_connect_deadline():
    assert vigil_of(REFERENCE) == (10.0, "timeout")


def test_asking_and_flowing_have_the_watchdog():
    assert vigil_of(REFERENCE, (9, enters(Phase.ASKING))) == (29.0, "watchdog")
    assert vigil_of(REFERENCE, (9, enters(Phase.FLOWING))) == (29.0, "watchdog")


def opens(policies, fallback_due=None):
    """Open, with the reference's patience for the first byte."""

    def action(deadlines):
        deadlines.await_body(*Decisions(policies).first_byte_due(trio.current_time(), fallback_due))

    return action


def test_an_opened_stream_without_a_byte_is_suspect_before_the_watchdog_is_due():
    assert vigil_of(REFERENCE, (1, enters(Phase.ASKING)), (2, opens(REFERENCE))) == (12.0, "suspect")


def test_a_watchdog_shorter_than_suspicion_comes_first():
    policies = msgspec.structs.replace(REFERENCE, watchdog=5.0)
    assert vigil_of(policies, (1, opens(policies))) == (6.0, "watchdog")


def test_a_fallback_that_is_due_limits_the_wait_for_the_first_byte_until_there_is_one():
    assert vigil_of(REFERENCE, (1, opens(REFERENCE, 4.0))) == (4.0, "suspect")
    assert vigil_of(REFERENCE, (1, opens(REFERENCE, 4.0)), (2, enters(Phase.FLOWING))) == (22.0, "watchdog")


def test_feeding_puts_the_deadline_off():
    flowing = [(1, enters(Phase.FLOWING)), *((at, feeds) for at in range(10, 60, 10))]
    assert vigil_of(REFERENCE, *flowing) == (70.0, "watchdog")


def test_patience_without_end_never_ends():
    assert vigil_of(AS_SHIPPED, (1, opens(AS_SHIPPED)), lasts=1e6) == (1e6, "")


def test_the_first_reason_stays():
    def cut_twice(deadlines):
        deadlines.cut("signal")
        deadlines.cut("done")

    assert vigil_of(REFERENCE, (1, cut_twice)) == (1.0, "signal")


def test_a_watchdog_fed_by_events_only_does_not_hear_comments():
    async def comments(reply):
        await reply.head()
        await reply.events(1)
        while True:
            await reply.body(": still here\n\n")
            await trio.sleep(5)

    policies = msgspec.structs.replace(REFERENCE, watchdog_fed_by=FedBy.EVENTS)
    played = play(Stage(streams=[comments, completes]), policies=policies)
    assert played.watcher.of("ended")[0] == (20.0, "ended", 1, "watchdog")
