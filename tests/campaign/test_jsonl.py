import json
import os

import pytest
import trio

from harness.campaign.campaign import RunOutcome
from harness.campaign.children import ChildExit
from harness.campaign.finish import Finished
from harness.campaign.jsonl import Lines
from harness.report.folder import read_run
from tests.report import synthetic


@pytest.fixture
def pipe():
    """Both ends of a pipe, closed at the end where the test did not."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as ours, os.fdopen(writer, "wb", buffering=0) as theirs:
        yield ours, theirs


def ran(folder, gap=0.5):
    """A run that was judged."""
    run = synthetic.put_handoff(folder, gap, history=False)
    return RunOutcome(
        plan=read_run(run).plan, folder=run, ending=ChildExit(what="ended"), finished=Finished(), took=1.0
    )


async def test_each_run_is_a_whole_line_at_once_in_the_order_of_ending(tmp_path, pipe):
    reader, writer = pipe
    lines = Lines(writer.fileno())
    for gap, variant in ((5.0, "gap=5s"), (0.5, "gap=500ms")):
        await lines.tell(ran(tmp_path, gap))
        line = reader.read(1_000_000)
        assert line.endswith(b"\n")
        assert json.loads(line)["variant"] == variant
    lines.settle()


async def test_lines_told_at_once_do_not_mix(tmp_path, pipe):
    """The pipe holds less than the lines, so that each is written in parts."""
    reader, writer = pipe
    lines, count = Lines(writer.fileno()), 40
    parts: list[bytes] = []

    async def read():
        while b"".join(parts).count(b"\n") < count:
            parts.append(await trio.to_thread.run_sync(reader.read, 1000))

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(lines.tell, ran(tmp_path))
        nursery.start_soon(read)
    assert {json.loads(line)["variant"] for line in b"".join(parts).splitlines()} == {"gap=500ms"}


async def test_a_reader_that_went_away_is_no_failure(tmp_path, pipe):
    reader, writer = pipe
    reader.close()
    lines = Lines(writer.fileno())
    await lines.tell(ran(tmp_path))
    await lines.tell(ran(tmp_path))
    lines.settle()


async def test_a_line_that_found_no_room_is_told_in_the_end(tmp_path):
    full = os.open("/dev/full", os.O_WRONLY)
    lines = Lines(full)
    await lines.tell(ran(tmp_path))
    os.close(full)
    with pytest.raises(OSError, match="No space left"):
        lines.settle()


async def test_a_reader_that_takes_its_time_stops_nothing_but_its_slot(tmp_path, pipe):
    _, writer = pipe
    os.set_blocking(writer.fileno(), False)
    while writer.write(b"x" * 4096):
        pass  # until the pipe is full
    os.set_blocking(writer.fileno(), True)
    with trio.move_on_after(0.1) as scope:
        await Lines(writer.fileno()).tell(ran(tmp_path))
    assert scope.cancelled_caught


async def test_a_run_that_could_not_be_judged_has_no_line(tmp_path, pipe):
    reader, writer = pipe
    one = ran(tmp_path)
    (one.folder / "verdict.json").unlink()
    await Lines(writer.fileno()).tell(one)
    os.set_blocking(reader.fileno(), False)
    assert reader.read(1) is None
