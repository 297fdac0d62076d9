"""Workers: a task is answered, or its worker is lost; a lost one costs no later task, and leaves nothing behind."""

import msgspec
import psutil
import pytest
import trio

from harness.campaign.workers import JudgingWorker, WorkerClient, WorkerLost, share
from tests.campaign.folders import REAL, put_run, told
from tests.leaks import census

ECHOES = "import sys\nfor line in sys.stdin:\n    print(line, end='', flush=True)\n"
ONCE = "import sys\nfor line in sys.stdin:\n    {}\n"


@pytest.fixture
def worker(monkeypatch, tmp_path):
    """Make a worker of a program; its setup is the list ["setup"]."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(program, **options):
        (tmp_path / "planted.py").write_text(program)
        return WorkerClient("planted", msgspec.json.Decoder(str), **options)

    return make


async def asked(client, task="a", **options):
    answers = []
    with trio.fail_after(20):
        await client.ask(task, answers.append, **options)
    return answers


@pytest.mark.parametrize("task", ["a", "two\nlines", "no UTF-8: \udcff"])
async def test_a_task_is_answered_whatever_is_in_its_text(worker, task):
    client = worker(
        "import sys, json\nfor line in sys.stdin:\n    print(json.dumps(ascii(json.loads(line))), flush=True)\n"
    )
    assert (await asked(client, task), await asked(client, "b")) == ([ascii(task)], ["'b'"])
    await client.aclose()


@pytest.mark.parametrize(
    ("program", "how", "words"),
    [
        (ONCE.format("sys.exit('out of luck')"), "died", "out of luck"),
        (ONCE.format("print('no JSON', flush=True)"), "died", "it said nothing"),
        (ONCE.format("print('7', flush=True)"), "died", "it said nothing"),
        (ONCE.format("print('x' * 5_000_000, flush=True)"), "died", "it said nothing"),
        ("import sys\nsys.exit('no setup')\n", "died", "no setup"),
        (ONCE.format("pass"), "hangs", "no answer for 0.5 s"),
    ],
    ids=["dies", "lies", "answers another thing", "floods", "never begins", "hangs"],
)
async def test_a_worker_that_fails_is_lost_and_the_next_task_gets_another(worker, program, how, words, tmp_path):
    client = worker(program)
    process = (await client.start()).process
    with pytest.raises(WorkerLost) as lost:
        await asked(client, timeout=0.5 if how == "hangs" else 10)
    assert (lost.value.how, lost.value.words) == (how, words)
    assert process.returncode is not None
    (tmp_path / "planted.py").write_text(ECHOES)
    assert await asked(client) == ["a"]
    await client.aclose()


async def test_a_worker_whose_answer_is_not_awaited_is_ended_with_its_pipes(worker):
    before = census()
    client = worker(ONCE.format("pass"))
    process = (await client.start()).process
    with trio.move_on_after(0.1):
        await client.ask("a", lambda _: None)
    assert not psutil.pid_exists(process.pid)
    assert census() == before


async def test_a_setup_comes_before_the_first_task_of_each_process(worker):
    setup = msgspec.defstruct("Setup", [("mutants", list[str])])(mutants=["x"])
    program = "import sys\nsetup = input()\nfor line in sys.stdin:\n    print(setup[12:-2], flush=True)\n"
    client = worker(program, setup=setup)
    assert await asked(client) == ["x"]
    await client.aclose()
    assert await asked(client) == ["x"]
    await client.aclose()


async def test_a_judge_that_died_is_replaced_for_the_next_run(tmp_path):
    first, second = (put_run(tmp_path, REAL, told(REAL), suffix) for suffix in ("", "-2"))
    judge = JudgingWorker()
    try:
        process = (await judge._worker.start()).process
        process.kill()
        await process.wait()
        assert (await judge.finish(first)).fault.startswith(f"judging {first.name} failed: ")
        assert (await judge.finish(second)).word == "pass"
    finally:
        await judge.aclose()


async def test_results_that_are_gone_are_told_as_gone(tmp_path):
    judge = JudgingWorker()
    try:
        gone = await judge.finish(tmp_path / "walk" / "reference-real-s7")
    finally:
        await judge.aclose()
    assert gone.fault == "its folder is gone: moved, or deleted, while the runs went on"


async def test_slots_end_with_their_work_or_when_they_are_stopped():
    done, stop = [], trio.Event()

    async def work():
        done.append("work")

    await share(2, work, stop)
    assert done == ["work", "work"]
    stop.set()
    with trio.fail_after(5):
        await share(2, trio.sleep_forever, stop)
