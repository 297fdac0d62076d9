"""The campaign's hold on a fork server: virtual runs made, judged and drawn, each in a process forked for it."""

import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import trio

from harness.campaign.children import ChildExit, LineReader, Sink, close_when, decoded, exit_of, last_words
from harness.campaign.finish import Finished
from harness.campaign.fork_launch import Started
from harness.campaign.forkserver import Ended
from harness.run.progress import Progress


class Pipes(NamedTuple):
    """Our ends of the standard input and output of a process that was ordered."""

    to: trio.lowlevel.FdStream
    back: LineReader


class Forks:
    """Gives orders to a fork server. The cancellation of one order kills the server with all it forked."""

    def __init__(self, server: Started) -> None:
        self._server = server

    async def run(self, folder: Path, sink: Sink, stop: trio.Event) -> ChildExit:
        """Run the plan in ``folder`` to its end, or until ``stop`` is set."""
        fault, code = "", None
        async with _ordered(self._server, self._server.runs, folder) as pipes, trio.open_nursery() as nursery:
            nursery.start_soon(close_when, stop, pipes.to)
            with contextlib.suppress(EOFError):
                while (ended := decoded(line := await pipes.back.line(), Ended)) is None:
                    if (progress := decoded(line, Progress)) is not None:  # else not ours: some library printed
                        fault = progress.fault or fault
                        sink(progress)
                code = ended.exit
            nursery.cancel_scope.cancel()
        if code is None and not fault:
            words = last_words(self._server.said)
            return ChildExit(what="died", detail=f"the run's process ended with its fork server: {words}")
        return exit_of(folder, fault, code or 0)

    async def finish(self, folder: Path) -> Finished:
        """Judge and draw this run. A process that dies on it is told as a fault with its last words."""
        found = None
        async with _ordered(self._server, self._server.finishes, folder) as pipes:
            with contextlib.suppress(EOFError):
                while decoded(line := await pipes.back.line(), Ended) is None:
                    found = decoded(line, Finished) or found
        return found or Finished(fault=f"judging {folder.name} failed: {last_words(self._server.said)}")


@asynccontextmanager
async def _ordered(server: Started, orders: socket.socket, folder: Path) -> AsyncIterator[Pipes]:
    """Send an order. Where the server has gone, the order's output ends at once."""
    (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
    async with trio.lowlevel.FdStream(our_out) as to, trio.lowlevel.FdStream(our_in) as back:
        try:
            with contextlib.suppress(OSError):
                socket.send_fds(orders, [os.fsencode(folder)], [their_in, their_out])
        finally:
            os.close(their_in)
            os.close(their_out)
        try:
            yield Pipes(to, LineReader(back))
        except BaseException:  # cancelled, alone or in a group
            server.kill()
            raise
