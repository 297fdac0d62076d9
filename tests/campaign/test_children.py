"""The child of a run: it tells how it goes, stops on request, and its end is told, whatever it was."""

import os

import psutil
import pytest
import trio
import trio.testing

from harness.campaign import children
from harness.campaign.children import Child, ChildExit, LineReader, last_words
from harness.history.files import LOG
from tests.leaks import census


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a program in place of a run's child; what it told comes beside how it ended."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    start = Child.start
    monkeypatch.setattr(Child, "start", lambda _, *arguments, **options: start("planted", *arguments, **options))

    async def made(program, hear=lambda _: None, stop=None, **options):
        (tmp_path / "planted.py").write_text(f"import os, signal, sys\n{program}\n")
        events = []
        with trio.fail_after(20):
            ending = await children.run_child(
                tmp_path,
                "auto",
                lambda p: (events.append(p.events), hear(p)),
                trio.Event() if stop is None else stop,
                **options,
            )
        return ending, events

    return made


async def test_what_a_child_tells_is_handed_on_and_other_lines_are_not(run):
    told = "print('{\"events\": 7}', 'no line of ours', '', '[1]', sep='\\n')"
    assert await run(told) == (ChildExit(what="ended"), [7])


async def test_a_flood_without_a_line_end_hides_no_line_behind_it(run, monkeypatch):
    monkeypatch.setattr(children, "LONGEST_LINE", 1_000)
    flood = "for _ in range(1_000): sys.stdout.write('x' * 10_000)\nprint('\\n{\"events\": 7}')"
    assert await run(flood) == (ChildExit(what="ended"), [7])


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("sys.exit(5)", "exit code 5"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
        ("os.write(1, b'{\"events\": 3'); sys.exit(2)", "exit code 2"),
    ],
)
async def test_a_child_that_dies_is_told_by_how(run, tmp_path, deed, words):
    where = f"{tmp_path.parent.name}/{tmp_path.name}/{LOG}"
    assert (await run(deed))[0] == ChildExit(what="died", detail=f"the run's process ended with {words}; see {where}")


async def test_a_fault_is_told_in_the_childs_own_words(run):
    assert (await run('print(\'{"fault": "no room"}\'); sys.exit(3)'))[0] == ChildExit(what="fault", detail="no room")


async def test_a_child_is_asked_to_stop_by_the_end_of_its_input(run):
    stop = trio.Event()
    program = "print('{}', flush=True); sys.stdin.read(); print('{\"events\": 2}')"
    assert await run(program, lambda _: stop.set(), stop) == (ChildExit(what="ended"), [0, 2])


async def test_a_hold_that_is_cancelled_leaves_no_process_and_no_pipe(run):
    before, pids = census(), []
    with trio.CancelScope() as scope:

        def hear(progress):
            pids.append(progress.events)
            scope.cancel()

        await run("print('{\"events\": %d}' % os.getpid(), flush=True); signal.pause()", hear)
    assert not psutil.pid_exists(pids[0])
    assert census() == before


async def test_a_child_hears_no_signal_of_the_terminals_and_its_log_is_the_runs(run, tmp_path):
    program = "print('{\"events\": %d}' % os.getsid(0)); print('said', file=sys.stderr)"
    ending, (session,) = await run(program)
    assert (ending.what, session == os.getsid(0), (tmp_path / LOG).read_text()) == ("ended", False, "said\n")


async def test_a_hash_seed_is_the_childs(run):
    assert (await run("print('{\"events\": %s}' % os.environ['PYTHONHASHSEED'])", hash_seed=4))[1] == [4]


async def test_lines_are_read_whatever_pieces_they_come_in():
    here, there = trio.testing.memory_stream_pair()
    reader = LineReader(there)
    for piece in (b"a", b"b\nc\n", b"\nd"):
        await here.send_all(piece)
    assert [await reader.line() for _ in range(3)] == [b"ab", b"c", b""]
    await here.aclose()
    with pytest.raises(EOFError):
        await reader.line()


@pytest.mark.parametrize(("said", "last"), [(b"", "it said nothing"), (b"a\nb\n\n", "b"), (b"x" * 9_999, "x" * 4_096)])
def test_last_words_are_the_last_line_in_bounded_memory(tmp_path, said, last):
    (tmp_path / "said").write_bytes(said)
    with (tmp_path / "said").open("rb") as file:
        assert last_words(file) == last
