"""A process that has loaded what runs need, and forks for each.

``python -m harness.campaign.forkserver FIGURES RUNS FINISHES``, started by the campaign, never by hand. A run
in virtual time takes less than the loading of its libraries, and so does drawing it. Here they are loaded once for all
of a campaign's virtual runs, and each still has a process of its own, as those in real time have: nothing is left in it
by another, it may be killed, and what it says is its own log.

FIGURES says which runs are drawn. RUNS and FINISHES are descriptors of sockets. An order is one message: the run's
folder, and with it two pipes that become the standard input and output of the process that carries it out. When that
has ended, its exit code is the last line on its output (``Ended``). Runs are forked by this process; judging and
drawing by a second one, forked from it, which loads the plotting library while the runs go on. Both end when the
orders' socket ends.

A pool of long-lived workers, each of which runs, judges and draws, was measured against it: CPU seconds of three
interleaved rounds on two cores. It left the same histories, and took 26.3, 25.2 and 25.0 s, without the command that
starts it, where the server with that took 26.6, 24.7 and 23.8 s, for seven scenarios; 12.6, 11.0 and 12.9 s against
10.4, 10.1 and 10.2 s for one, since each worker loads the libraries and draws a first figure.
"""

import gc
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

import msgspec

LONGEST = 65_536  # bytes of an order

Perform = Callable[[Path], int]
"""Carries an order out in a process of its own and returns its exit code."""


class Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of an order's process: its exit code, or minus the signal that killed it."""

    exit: int


class Forked(NamedTuple):
    """A process that carries out an order, and the output that is told of its end."""

    pid: int
    output: int


def serve(orders: socket.socket, perform: Perform) -> None:
    """Fork for each order until the orders end, and tell how each process ended."""
    gc.freeze()  # what is loaded stays: no forked process needs to look at it, or to copy it for having looked
    gc.enable()
    with selectors.DefaultSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    selector.unregister(key.fileobj)
                    os.close(key.fd)
                    _tell_end(key.data)
                    continue
                folder, pipes, _, _ = socket.recv_fds(orders, LONGEST, 2)
                if not folder:
                    return
                life, forked = _fork(Path(os.fsdecode(folder)), pipes, perform)
                selector.register(life, selectors.EVENT_READ, forked)


def _fork(folder: Path, pipes: list[int], perform: Perform) -> tuple[int, Forked]:
    """Carry an order out in a new process. Its life is a pipe that ends when it does."""
    life, held = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(life)
        _carry_out(folder, pipes, perform)
    os.close(held)
    os.close(pipes[0])
    return life, Forked(pid, pipes[1])


def _carry_out(folder: Path, pipes: list[int], perform: Perform) -> NoReturn:
    code = 1
    try:
        for place, pipe in enumerate(pipes):
            os.dup2(pipe, place)
            os.close(pipe)
        code = perform(folder)
    except BaseException:  # noqa: BLE001 - this process ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell_end(forked: Forked) -> None:
    _, status = os.waitpid(forked.pid, 0)
    try:
        ended = msgspec.json.encode(Ended(os.waitstatus_to_exitcode(status)))
        os.write(forked.output, b"\n" + ended + b"\n")  # a line of its own, wherever the last words broke off
    except OSError:
        pass  # the giver of the order has gone
    finally:
        os.close(forked.output)


def run(folder: Path) -> int:
    """Run the plan in ``folder``, in virtual time; its log is this process's standard error."""
    from harness.history.files import LOG  # noqa: PLC0415 - loaded already
    from harness.run import child  # noqa: PLC0415 - loaded already

    with (folder / LOG).open("wb") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    return child.perform(folder, "auto")


def judge_and_draw(folder: Path, figures: str) -> int:
    """Judge the run in ``folder``, draw it where its figures are wanted, and tell what came of it."""
    from harness.campaign.finish import Figures, answer  # noqa: PLC0415 - loaded already

    answer(folder, Figures(figures))
    return 0


def load_for_runs() -> None:
    """Load what a run needs."""
    sys.modules["httpx._main"] = None  # type: ignore[assignment] # its command line, which httpx can do without
    import harness.run.child  # noqa: F401, PLC0415 - here, where a test may do without


def load_for_finishes(figures: str) -> None:
    """Load what judging needs, besides, and what drawing needs where every run is drawn."""
    from harness.campaign import finish  # noqa: PLC0415 - while the runs go on

    if figures == finish.Figures.ALL:
        finish.warm_up()


def main(figures: str, runs: socket.socket, finishes: socket.socket) -> None:
    """Load, and serve."""
    gc.disable()  # while loading, nothing becomes garbage
    load_for_runs()
    if os.fork():
        finishes.close()
        serve(runs, run)
    else:
        runs.close()
        load_for_finishes(figures)
        serve(finishes, lambda folder: judge_and_draw(folder, figures))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(sys.argv[1], *(socket.socket(fileno=int(number)) for number in sys.argv[2:]))
