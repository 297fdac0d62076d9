"""Orders to a fork server, of which each test says how they are carried out."""

import contextlib
import os
import signal
import sys

import psutil
import pytest
import trio

from harness.campaign import fork_launch
from harness.campaign.children import ChildExit
from harness.campaign.fork_client import Forks

SERVER = """
import os, signal, socket, sys
from harness.campaign import forkserver
{}
forkserver.load_for_runs = forkserver.load_for_finishes = lambda *_: None
forkserver.run = forkserver.judge_and_draw = lambda folder, *_: perform(folder)
forkserver.main(sys.argv[1], *(socket.socket(fileno=int(number)) for number in sys.argv[2:]))
"""


@contextlib.contextmanager
def forks(monkeypatch, perform, **options):
    """A real server in which ``perform`` is what happens for an order of either kind."""
    monkeypatch.setattr(fork_launch, "SERVER", (sys.executable, "-c", SERVER.format(perform)))
    with fork_launch.started(**options) as server:
        yield Forks(server)


async def ran(server, folder, stop=None):
    """Return how the run ended, and what it told meanwhile."""
    told = []
    with trio.fail_after(20):
        return await server.run(folder, lambda progress: told.append(progress.events), stop or trio.Event()), told


TELLS = """
def perform(folder):
    print('{"events": 7}', "no line of ours", sep="\\n")
    return 0
"""


async def test_a_run_tells_how_it_goes_and_that_it_ended(monkeypatch, tmp_path):
    with forks(monkeypatch, TELLS) as server:
        assert await ran(server, tmp_path) == (ChildExit(what="ended"), [7])


OWN = """
orders = []
def perform(folder):
    orders.append(folder)
    print('{"events": %d}' % len(orders))
    return 0
"""


async def test_no_order_leaves_anything_to_the_next(monkeypatch, tmp_path):
    with forks(monkeypatch, OWN) as server:
        assert [(await ran(server, tmp_path))[1] for _ in range(3)] == [[1], [1], [1]]


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("return 5", "exit code 5"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
        ("raise RuntimeError(folder)", "exit code 1"),
    ],
)
async def test_a_run_that_dies_is_told_by_how(monkeypatch, tmp_path, deed, words):
    with forks(monkeypatch, f"def perform(folder):\n    {deed}\n") as server:
        ending, _ = await ran(server, tmp_path)
    assert (ending.what, f"the run's process ended with {words}; see " in ending.detail) == ("died", True)


async def test_a_fault_is_told_in_the_words_of_the_run(monkeypatch, tmp_path):
    perform = 'def perform(folder):\n    print(\'{"fault": "no room"}\')\n    return 3\n'
    with forks(monkeypatch, perform) as server:
        assert (await ran(server, tmp_path))[0] == ChildExit(what="fault", detail="no room")


LISTENS = """
def perform(folder):
    print('{"events": 1}', flush=True)
    sys.stdin.read()
    return 0
"""


async def test_a_run_is_asked_to_stop_by_the_end_of_its_standard_input(monkeypatch, tmp_path):
    stop = trio.Event()
    with forks(monkeypatch, LISTENS) as server, trio.fail_after(20):
        ending = await server.run(tmp_path, lambda _: stop.set(), stop)
    assert ending == ChildExit(what="ended")


async def test_judging_that_fails_is_told_with_its_last_words(monkeypatch, tmp_path):
    with forks(monkeypatch, "def perform(folder):\n    raise RuntimeError('no such law')\n") as server:
        finished = await server.finish(tmp_path)
    assert finished.fault == f"judging {tmp_path.name} failed: RuntimeError: no such law"


async def test_when_the_server_is_killed_its_runs_are_told_dead_and_so_is_every_later_one(monkeypatch, tmp_path):
    with forks(monkeypatch, LISTENS) as server:
        process = psutil.Process(server._server.process.pid)
        async with trio.open_nursery() as nursery:
            going = trio.Event()

            async def one():
                ending = await server.run(tmp_path, lambda _: going.set(), trio.Event())
                assert (ending.what, "with its fork server" in ending.detail) == ("died", True)

            nursery.start_soon(one)
            await going.wait()
            os.killpg(process.pid, signal.SIGKILL)
        assert (await ran(server, tmp_path))[0].what == "died"
        assert (await server.finish(tmp_path)).fault


def family(server):
    """Everything that a server forked."""
    return psutil.Process(server._server.process.pid).children(recursive=True)


async def test_the_end_of_a_server_is_that_of_all_it_forked(monkeypatch, tmp_path):
    going = trio.Event()
    async with trio.open_nursery() as nursery:
        with forks(monkeypatch, LISTENS) as server:
            nursery.start_soon(server.run, tmp_path, lambda _: going.set(), trio.Event())
            await going.wait()
            forked = family(server)
        nursery.cancel_scope.cancel()
    assert len(forked) == 2  # the run, and what draws
    assert psutil.wait_procs(forked, timeout=5)[1] == []


async def test_a_run_that_is_cancelled_is_killed_at_once(monkeypatch, tmp_path):
    with forks(monkeypatch, "def perform(folder):\n    print('{}', flush=True)\n    signal.pause()\n") as server:
        forked = []
        with trio.CancelScope() as scope:

            def going(_):
                forked.extend(family(server))
                scope.cancel()

            await server.run(tmp_path, going, trio.Event())
        assert len(forked) == 2  # the run, and what draws
        assert psutil.wait_procs(forked, timeout=5)[1] == []


async def test_last_words_that_broke_off_hide_no_exit_code(monkeypatch, tmp_path):
    perform = "def perform(folder):\n    os.write(1, b'{\"events\": 3')\n    return 5\n"
    with forks(monkeypatch, perform) as server:
        assert "exit code 5" in (await ran(server, tmp_path))[0].detail


async def test_a_hash_seed_is_that_of_the_server(monkeypatch, tmp_path):
    perform = "def perform(folder):\n    print('{\"events\": %s}' % os.environ['PYTHONHASHSEED'])\n    return 0\n"
    with forks(monkeypatch, perform, hash_seed=4) as server:
        assert (await ran(server, tmp_path))[1] == [4]
