"""The harness watching itself: how late its own scheduler is, for every bound on a client's timing is widened by it."""

import trio

from harness.clock import sleep_until
from harness.history import Health, Journal
from harness.run import census

TICK = 0.01
REPORT_EVERY = 1.0


async def watch(journal: Journal, *, controls: list[float]) -> None:
    """Sample the scheduler's lag each ``TICK`` and write a record each ``REPORT_EVERY``, until cancelled.

    ``controls`` are the durations (s) of control calls, appended to by their maker.
    """
    lags: list[int] = []
    told = no = 0
    due = trio.current_time()
    report_at = due + REPORT_EVERY
    try:
        while True:
            due = max(due + TICK, trio.current_time())
            await sleep_until(due)
            now = trio.current_time()
            lags.append(round((now - due) * 1e6))
            if now >= report_at:
                no += 1
                _write(journal, no, lags, controls[told:])
                told = len(controls)
                lags = []
                report_at += REPORT_EVERY
    finally:
        if lags:
            _write(journal, no + 1, lags, controls[told:])


def _write(journal: Journal, no: int, lags: list[int], controls: list[float]) -> None:
    journal.write(
        Health(
            no=no,
            lags_us=lags,
            controls_ms=[round(seconds * 1e3, 3) for seconds in controls],
            rss=census.memory(),
            fds=census.descriptors(),
            tasks=trio.lowlevel.current_statistics().tasks_living,
            queue=trio.lowlevel.current_statistics().tasks_runnable,
        )
    )
