import trio
import trio.testing

from harness.history import Health, Journal, read_history
from harness.run import health


def watched(tmp_path, seconds, *, block_at=None, controls=()):
    """Health records of so many virtual seconds; ``block_at`` jumps the clock as a blocked scheduler would."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    path = tmp_path / "h"

    async def main():
        with Journal(path, lambda: 1) as journal:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: health.watch(journal, controls=list(controls)))
                if block_at is not None:
                    await trio.sleep(block_at)
                    clock.jump(0.05)
                await trio.sleep_until(seconds)
                nursery.cancel_scope.cancel()

    trio.run(main, clock=clock)
    return read_history(path).all(Health)


def test_an_idle_scheduler_is_never_late(tmp_path):
    records = watched(tmp_path, 2.5)
    assert len(records) == 3
    assert {lag for record in records for lag in record.lags_us} == {0}


def test_a_blocked_scheduler_shows_its_whole_delay(tmp_path):
    records = watched(tmp_path, 1.2, block_at=0.305)
    lags = [lag for record in records for lag in record.lags_us]
    assert max(lags) == 45_000


def test_control_calls_are_told_once(tmp_path):
    records = watched(tmp_path, 2.5, controls=[0.004])
    assert [record.controls_ms for record in records] == [[4.0], [], []]
