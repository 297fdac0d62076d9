"""The first Ctrl-C, or SIGTERM, interrupts judging and drawing too, and says what is kept."""

import signal

import pytest
import trio

from harness import cli
from harness.campaign.campaign import GRACE, judged
from harness.campaign.finish import Finished
from tests.report import synthetic


async def stuck(folder):
    await trio.sleep_forever()


async def soon(folder):
    await trio.sleep(3)
    return Finished(word="pass")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "20260514T101502Z-3fa9" / "half-open" / "run"


async def test_a_stop_while_a_run_is_judged_interrupts_that_at_once(folder, autojump_clock):
    stop = trio.Event()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def interrupt():
            await trio.sleep(7)
            stop.set()

        found = await judged(stuck, folder, stop)
    assert trio.current_time() == 7
    assert found.word == ""
    assert f"`harness judge {folder.parents[1]}`" in found.fault


async def test_a_run_that_was_stopped_is_still_judged(folder, autojump_clock):
    stop = trio.Event()
    stop.set()
    assert (await judged(soon, folder, stop)).word == "pass"
    assert trio.current_time() == 3


async def test_but_not_for_long(folder, autojump_clock):
    stop = trio.Event()
    stop.set()
    assert "is kept" in (await judged(stuck, folder, stop)).fault
    assert trio.current_time() == GRACE


async def test_who_is_not_interrupted_is_judged_as_long_as_it_takes(folder, autojump_clock):
    assert (await judged(soon, folder, trio.Event())).word == "pass"


@pytest.mark.parametrize("command", ["judge", "report"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_interrupted_says_what_is_kept(tmp_path, monkeypatch, capfd, command, number):
    plan = synthetic.half_open_plan()
    synthetic.put(tmp_path / "r", plan, synthetic.half_open_verdict(plan))

    def interrupted(*_, **__):
        signal.raise_signal(number)

    before = signal.getsignal(signal.SIGTERM)

    monkeypatch.setattr("harness.campaign.rejudge.judge_folder", interrupted)
    monkeypatch.setattr("harness.commands.results.draw_run", interrupted)
    code = cli.guarded(lambda: cli.cli([command, str(tmp_path / "r")], standalone_mode=False, prog_name="harness"))
    assert code == 128 + number
    said = " ".join(capfd.readouterr().err.split())
    assert f"interrupted: what was recorded is kept in {tmp_path / 'r'}" in said
    assert signal.getsignal(signal.SIGTERM) is before
