"""The whole report from the files alone: figures, page, Markdown, JUnit, and ``summary.json`` last.

Figures and page need the extra ``report``. Where it is not installed, ``report.md`` is what a reader is led to.

``draw_run`` is apart, so that each worker can draw the runs that it ran, side by side with the others.
"""

from pathlib import Path

from harness.errors import EnvironmentFault
from harness.extras import REPORT
from harness.history.files import HISTORY, PLAN
from harness.report.folder import MARKDOWN, SUMMARY, VERDICT, Invocation, read_results, read_run, write_json, write_text
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.report.summary import plain, summarize

PAGE = "report.html"
JUNIT = "junit.xml"
LAST_DRAWN = "distribution.png"


def draw_run(run_folder: Path) -> list[Path]:
    """Draw the figures of one run into its folder and return their files; none without the extra ``report``.

    Imports matplotlib; call it in a process of its own where that matters. Raises ``BadRecords`` where plan, verdict
    or history cannot be read, ``EnvironmentFault`` where the folder cannot be written.
    """
    if not REPORT.installed:
        return []
    from harness.report.figures import draw_figures  # noqa: PLC0415 - matplotlib comes last, and only to draw

    return draw_figures(read_run(run_folder))


def write_report(folder: Path, *, redraw: bool = False, draw: bool = True) -> Path:
    """Write the report of a results folder and return what to read first of it. Safe to call again, years later.

    Figures newer than what they show are kept, unless ``redraw``; without ``draw`` none is drawn. Raises
    ``EnvironmentFault`` where the folder cannot be written into, and as ``read_results`` and ``draw_run`` do.
    """
    invocation = read_results(folder)
    try:
        (invocation.folder / SUMMARY).unlink(missing_ok=True)  # until everything is there, it is not complete
    except OSError as error:
        raise EnvironmentFault(f"cannot write into {invocation.folder}: {error.strerror}") from error
    for run in invocation.runs:
        if draw and (redraw or _outdated(run.folder)):
            draw_run(run.folder)
    return write_pages(invocation)


def _outdated(run_folder: Path) -> bool:
    """Return whether the last figure drawn is missing, or older than the plan, the verdict or the history."""
    last = run_folder / LAST_DRAWN
    shown = [path for name in (PLAN, VERDICT, HISTORY) if (path := run_folder / name).exists()]
    return not last.exists() or any(path.stat().st_mtime_ns > last.stat().st_mtime_ns for path in shown)


def write_pages(invocation: Invocation) -> Path:
    """Write everything but the figures, ``summary.json`` last, and return the page, or ``report.md`` without one.

    A page of an earlier call that cannot be written anew is removed: it may show another verdict.
    """
    folder = invocation.folder
    target, paged = folder / PAGE, REPORT.installed
    if paged:
        from harness.report.html import page  # noqa: PLC0415 - it imports jinja2

        write_text(target, page(invocation))
    else:
        target.unlink(missing_ok=True)
        target = folder / MARKDOWN
    write_text(folder / MARKDOWN, markdown(invocation, report=PAGE if paged else ""))
    write_text(folder / JUNIT, junit(invocation))
    write_json(folder / SUMMARY, plain(summarize(invocation)))
    return target
