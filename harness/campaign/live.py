"""Showing runs while they go: a live display on a terminal, a line every few seconds elsewhere. On standard error."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import trio

from harness.console import say
from harness.report.progress import PLAIN_EVERY, LiveView, RunProgress, one_line_cells
from harness.report.wording import plural, printable
from harness.run.progress import Progress
from harness.scenario import warned
from harness.scenario.model import Plan
from harness.world import virtual

if TYPE_CHECKING:
    from rich.console import RenderableType

TICK = 0.25
WIDTH = 100


class Counted(LiveView):
    """The view of more runs than a person could read: how many are over, and which ended last."""

    def __init__(self, total: int, what: str) -> None:
        super().__init__()
        self._total = plural(total, what)
        self._over = 0
        self._last = ""
        self._said_at = 0.0

    def feed(self, message: RunProgress) -> None:
        """Count a run that is over."""
        if message.done:
            self._over += 1
            self._last = message.name

    def lines(self, now: float) -> list[str]:
        """Return the line, every 5 s."""
        if now - self._said_at < PLAIN_EVERY or not self._over:
            return []
        self._said_at = now
        return [self._line()]

    def draw(self, *, width: int = 100) -> "RenderableType":
        """Return the line for rich's ``Live``."""
        from rich.text import Text  # noqa: PLC0415 - 52 ms, and only a terminal needs it

        return Text(self._line()[:width], no_wrap=True)

    def _line(self) -> str:
        return one_line_cells([f"{self._over} of {self._total}", self._last])


class LiveDisplay:
    """All plans, their progress, the end. ``redraw`` is the only thing that draws."""

    def __init__(self, stream: TextIO, *, terminal: bool, view: LiveView | None = None) -> None:
        self._view = view or LiveView()
        self._stream = stream
        self._terminal = terminal
        self._titles: dict[int, str] = {}

    def expect(self, plans: Sequence[Plan]) -> None:
        """Know all plans, so as to call each by a name that no other has."""
        self._titles = titled(plans)

    def warn(self, plans: Sequence[Plan]) -> None:
        """Say, before anything is started, what the plans are warned of."""
        self._print([printable(str(problem)) for problem in warned(plans)])

    def note(self, text: str) -> None:
        """Say something before anything is started."""
        self._print([printable(text)])

    def tell(self, plan: Plan, progress: Progress) -> None:
        """Take in the progress of one run."""
        self._view.feed(
            RunProgress(
                name=self._title(plan),
                t=progress.at,
                total=progress.total,
                state=progress.deed,
                status=progress.status,
                events=progress.events,
            )
        )

    def over(self, plan: Plan, word: str) -> None:
        """One run was judged."""
        title = self._title(plan)
        last = self._view.runs.get((title, ""))
        self._view.feed(
            RunProgress(
                name=title,
                t=last.t if last else 0.0,
                total=last.total if last else 0.0,
                events=last.events if last else 0,
                done=word,
            )
        )

    def _title(self, plan: Plan) -> str:
        return self._titles.get(id(plan)) or titled([plan])[id(plan)]

    async def redraw(self) -> None:
        """Draw until cancelled; then clear the display, or say what is still to be said."""
        await (self._draw() if self._terminal else self._say())

    async def _draw(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 52 ms, and only a terminal needs it
        from rich.live import Live as Display  # noqa: PLC0415

        console = Console(file=self._stream, width=None)
        width = min(WIDTH, console.width)
        with Display(console=console, auto_refresh=False, transient=True) as display:
            while True:
                display.update(self._view.draw(width=width), refresh=True)
                await trio.sleep(TICK)

    async def _say(self) -> None:
        try:
            while True:
                self._print(self._view.lines(trio.current_time()))
                await trio.sleep(TICK)
        finally:
            self._print(self._view.lines(trio.current_time()))

    def _print(self, lines: Sequence[str]) -> None:
        with contextlib.suppress(OSError):  # the watcher has gone: no reason to end a run
            for line in lines:
                say(line, to=self._stream)


def titled(plans: Sequence[Plan]) -> dict[int, str]:
    """Return what each plan is called, by its identity: name and variant, and the seed or the world where it differs.

    The real run of a plan may go on beside its virtual one, and a repeated one beside its repetition.
    """
    seeds: dict[tuple[str, str], set[int]] = {}
    worlds = {plan.world for plan in plans}
    for plan in plans:
        seeds.setdefault((plan.name, plan.variant), set()).add(plan.seed)
    return {
        id(plan): " ".join(
            filter(
                None,
                [
                    plan.name,
                    plan.variant,
                    f"seed {plan.seed}" if len(seeds[plan.name, plan.variant]) > 1 else "",
                    plan.world if len(worlds) > 1 and plan.world == virtual.NAME else "",
                ],
            )
        )
        for plan in plans
    }
