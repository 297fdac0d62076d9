"""Showing a search while it goes on: a bar on a terminal, a line every few seconds elsewhere. On standard error."""

import contextlib
from typing import TextIO

import trio

from harness.console import say
from harness.fuzz.search import Search
from harness.report.wording import plural

TICK = 0.25
PLAIN_EVERY = 5.0


class SearchDisplay:
    """The view of one search. ``total``: how many seeds or mutants there are to try; None where time is the limit."""

    def __init__(self, stream: TextIO, *, terminal: bool, total: int | None) -> None:
        self._stream = stream
        self._terminal = terminal
        self._total = total

    async def show(self, search: Search) -> None:
        """Show until cancelled."""
        await (self._draw(search) if self._terminal else self._say(search))

    async def _say(self, search: Search) -> None:
        while True:
            await trio.sleep(PLAIN_EVERY)
            with contextlib.suppress(OSError):  # the watcher has gone: no reason to end a search
                say(line(search, self._total), to=self._stream)

    async def _draw(self, search: Search) -> None:
        from rich.console import Console  # noqa: PLC0415 - 52 ms, and only a terminal needs it
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        with Progress(*columns, console=Console(file=self._stream), auto_refresh=False, transient=True) as bar:
            task = bar.add_task("", total=self._total)
            while True:
                of = search.to_confirm if search.doing == "confirming" else self._total
                bar.update(task, description=line(search, self._total), completed=done(search), total=of, refresh=True)
                await trio.sleep(TICK)


def done(search: Search) -> int:
    """Return how many seeds were tried, mutants hunted, or examples confirmed."""
    if search.doing == "confirming":
        return search.confirmed
    return len(search.hunted) if search.doing == "hunting" else search.findings.tried


def line(search: Search, total: int | None) -> str:
    """Return where the search is: ``searching  1240 of 5000 seeds  2 kinds of failure``."""
    if search.doing == "hunting":
        return f"hunting  {done(search)} of {plural(total or 0, 'mutant')}"
    if search.doing == "confirming":
        return f"confirming on real sockets  {search.confirmed} of {plural(search.to_confirm, 'example')}"
    of = "" if total is None else f" of {total}"
    kinds = plural(len(search.findings.groups), "kind")
    return f"{search.doing}  {done(search)}{of} seeds  {kinds} of failure"
