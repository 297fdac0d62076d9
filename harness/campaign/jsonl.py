"""``--output-format jsonl``: a line of JSON on standard output for each run, as soon as it is over, and one at the end.

Written past ``sys.stdout``, in a worker thread: a reader that takes its time holds up the next run of that slot, but
neither the runs under way nor the listener for signals; and nothing is left in a buffer for the interpreter's last
flush.
"""

import os

import trio

from harness.campaign.campaign import RunOutcome
from harness.escaping import no_command
from harness.report.folder import VERDICT, Invocation, read_run
from harness.report.formats import json_line, last_line


class Lines:
    """Writes runs to a descriptor in the order in which they are told. A reader that went away ends nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._turn = trio.Lock()  # the first to come is the first to go on
        self._failure: OSError | None = None

    async def tell(self, ran: RunOutcome) -> None:
        """Write one run's line. A run that could not be judged has none: the last line names it, with the reason."""
        if self._failure is not None or not (ran.folder / VERDICT).exists():
            return
        line = no_command(json_line(read_run(ran.folder))).encode()
        async with self._turn:
            try:
                await trio.to_thread.run_sync(self._write, line, abandon_on_cancel=True)
            except OSError as error:
                self._failure = error

    def end(self, results: Invocation) -> None:
        """Write the last line: how it all ended. Raises as ``settle`` does."""
        if self._failure is None:
            try:
                self._write(no_command(last_line(results)).encode())
            except OSError as error:
                self._failure = error
        self.settle()

    def settle(self) -> None:
        """Raise the ``OSError`` that kept a line from being written. A reader that has gone is no error."""
        if self._failure is not None and not isinstance(self._failure, BrokenPipeError):
            raise self._failure

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[os.write(self._descriptor, left) :]
