"""The process that judges and draws: its end is told once, of the run it was at, and costs no other."""

from harness.campaign.worker import JudgingWorker
from tests.campaign.folders import REAL, put_run, told


async def test_a_worker_that_died_is_replaced_for_the_next_run(tmp_path):
    first, second = (put_run(tmp_path, REAL, told(REAL), suffix) for suffix in ("", "-2"))
    worker = JudgingWorker()
    try:
        process = await worker._process()
        process.kill()
        await process.wait()
        assert (await worker.finish(first)).fault.startswith(f"judging {first.name} failed: ")
        assert (await worker.finish(second)).word == "pass"
    finally:
        await worker.aclose()


async def test_results_that_are_gone_are_told_as_gone(tmp_path):
    worker = JudgingWorker()
    try:
        gone = await worker.finish(tmp_path / "walk" / "reference-real-s7")
    finally:
        await worker.aclose()
    assert gone.fault == "its folder is gone: moved, or deleted, while the runs went on"
