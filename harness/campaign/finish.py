"""The steps after a run: judging it and drawing it, from its folder alone.

A worker process does it (``python -m harness.campaign.finish FIGURES``): it loads the plotting library while the run is
still going, at the lowest priority so as not to disturb it, then takes folders from its standard input, one a line, and
answers each with a line of JSON. A folder's name is JSON too: it may have line ends, and bytes of no UTF-8.
"""

import json
import os
import sys
from enum import StrEnum
from pathlib import Path

import msgspec

from harness.campaign.children import ChildExit
from harness.errors import BadRecords
from harness.escaping import visible
from harness.extras import REPORT
from harness.history.files import PLAN
from harness.judge.judge import judge
from harness.judge.laws import in_time
from harness.judge.verdict import LawState, Verdict, Word
from harness.report.folder import ENDING, LATE, VERDICT, read_json, read_to_judge, said, write_json
from harness.scenario.expectations import OF_HARNESS
from harness.trouble import in_words

IN_TIME = in_time.LAW.word


class Figures(StrEnum):
    """The runs of a campaign whose figures are drawn: all, those that did not pass, or none."""

    ALL = "all"
    FAILED = "failed"
    NONE = "none"

    def wanted(self, word: str) -> bool:
        """Tell whether a run with this verdict is drawn."""
        return self is Figures.ALL or (self is Figures.FAILED and word != Word.PASS)


class Finished(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run was judged and drawn, or ``fault`` says why not. ``late``: it is void for a deed that came late, alone."""

    word: str = ""
    late: bool = False
    toxiproxy: str = ""
    fault: str = ""


def judge_folder(folder: Path) -> Verdict:
    """Judge the run in ``folder`` and write its ``verdict.json``. Raises ``BadRecords`` where it cannot be read."""
    if not (folder / PLAN).exists():
        raise BadRecords("its folder is gone: moved, or deleted, while the runs went on")
    plan, history = read_to_judge(folder)
    verdict = judge(plan, history, died=_how_it_died(folder))
    if (folder / LATE).is_dir():
        verdict = msgspec.structs.replace(verdict, trust=msgspec.structs.replace(verdict.trust, repeated=True))
    write_json(folder / VERDICT, verdict)
    return verdict


def _how_it_died(folder: Path) -> str:
    """Return the watcher's words on the end of the run's process; empty where it ended by itself, and well."""
    try:
        return read_json(folder / ENDING, ChildExit).detail
    except BadRecords:
        return ""


def finish(folder: Path, figures: Figures = Figures.ALL) -> Finished:
    """Judge one run, and draw it where its figures are wanted."""
    try:
        verdict = judge_folder(folder)
        if figures.wanted(said(verdict)):
            from harness.report.compose import draw_run  # noqa: PLC0415 - the plotting library, where it is wanted

            draw_run(folder)
    except Exception as error:
        known = in_words(error)
        if known is None:
            raise
        return Finished(fault=visible(str(known)))
    return Finished(word=said(verdict), late=late_alone(verdict), toxiproxy=verdict.trust.facts.get("toxiproxy", ""))


def late_alone(verdict: Verdict) -> bool:
    """Return whether late deeds alone, which met another story, make a run void: another try may be in time."""
    broken = [law.law for law in verdict.laws if law.state is LawState.FAILED and law.law in OF_HARNESS]
    return broken == [IN_TIME] and not verdict.trust.fault


def answer(folder: Path, figures: Figures) -> None:
    """Judge and draw one run, and say on standard output, in a line of JSON, what came of it."""
    sys.stdout.buffer.write(msgspec.json.encode(finish(folder, figures)) + b"\n")
    sys.stdout.buffer.flush()


def warm_up() -> None:
    """Load the plotting library, if it is here, and draw once: its first figure takes it as long as the next three."""
    if not REPORT.installed:
        return
    from harness.report.figures import practise  # noqa: PLC0415 - matplotlib comes last, and only to draw

    practise()


def work(figures: Figures) -> None:
    """Serve folders from standard input until it ends."""
    if hasattr(os, "nice"):
        os.nice(19)
    if REPORT.installed and figures is Figures.ALL:
        import harness.report.figures  # noqa: F401, PLC0415 - loaded while the run goes on

    for line in sys.stdin:
        answer(Path(json.loads(line)), figures)


if __name__ == "__main__":
    work(Figures(sys.argv[1]))
