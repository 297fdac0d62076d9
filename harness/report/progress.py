"""The live view of runs under way: a synchronous fold over small messages, drawn on a terminal or said in lines.

The caller feeds messages and owns the timer; nothing here waits, and nothing here prints.
"""

from typing import TYPE_CHECKING

import msgspec

from harness.report.wording import one_line, plural

if TYPE_CHECKING:
    from rich.console import RenderableType

PLAIN_EVERY = 5.0
"""Seconds between the lines of a run where there is no terminal."""

_BAR = 16


class RunProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A run's progress: ``t`` of ``total`` scenario seconds, the last deed's words, the client's status, events so far.

    ``done`` is the verdict's word once there is one.
    """

    name: str
    variant: str = ""
    t: float = 0.0
    total: float = 0.0
    state: str = ""
    status: str = ""
    events: int = 0
    done: str = ""


class LiveView:
    """Remembers the newest message of each run, in order of first appearance."""

    def __init__(self) -> None:
        self.runs: dict[tuple[str, str], RunProgress] = {}
        self._said: dict[tuple[str, str], float] = {}

    def feed(self, message: RunProgress) -> None:
        """Take a message. Cheap: it is called for each record that matters."""
        self.runs[message.name, message.variant] = message

    def lines(self, now: float) -> list[str]:
        """Return the lines due at ``now`` (any clock in seconds): each run at its start, every 5 s, and at its end."""
        due = []
        for key, run in self.runs.items():
            last = self._said.get(key)
            if last == float("inf") or (last is not None and not run.done and now - last < PLAIN_EVERY):
                continue
            self._said[key] = float("inf") if run.done else now
            due.append(line(run))
        return due

    def draw(self, *, width: int = 100) -> "RenderableType":
        """Return the view for rich's ``Live``: a line per run under way, and how many are over."""
        from rich.console import Group  # noqa: PLC0415 - 52 ms to import, and only a terminal needs it
        from rich.text import Text  # noqa: PLC0415

        over = sum(bool(run.done) for run in self.runs.values())
        lines = [Text(_bar_line(run)[:width], no_wrap=True) for run in self.runs.values() if not run.done]
        if over:
            lines.append(Text(f"{plural(over, 'run')} done, {len(lines)} under way", style="dim"))
        return Group(*lines)


def line(run: RunProgress) -> str:
    """Return one plain line: ``handoff gap=5s  12.0/41 s  wifi silent  reconnecting  117 events``."""
    head = f"{run.name} {run.variant}".rstrip()
    cells = [head, f"{run.t:.1f}/{run.total:.0f} s", run.state, run.status, plural(run.events, "event"), run.done]
    return one_line_cells(cells)


def one_line_cells(cells: list[str]) -> str:
    """Return the non-empty cells two spaces apart, each made printable and single-spaced."""
    return "  ".join(one_line(cell, 60) for cell in cells if cell)


def _bar_line(run: RunProgress) -> str:
    share = min(1.0, run.t / run.total) if run.total > 0 else 0.0
    filled = round(share * _BAR)
    bar = "━" * filled + "╌" * (_BAR - filled)
    return f"{bar}  {line(run)}"
