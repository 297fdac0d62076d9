"""The whole report from the files alone: figures, page, Markdown, JUnit, and ``summary.json`` last.

``draw_run`` is apart, so that whoever ran the scenarios can draw each run where it ran, side by side.
"""

from pathlib import Path

from harness.report.folder import SUMMARY, Invocation, read_results, read_run, write_json, write_text
from harness.report.html import page
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.report.summary import summarize

PAGE = "report.html"
MARKDOWN = "report.md"
JUNIT = "junit.xml"


def draw_run(run_folder: Path) -> list[Path]:
    """Draw the figures of one run into its folder and return their files.

    Imports matplotlib; call it in a process of its own where that matters. Raises ``BadRecords`` where plan, verdict
    or history cannot be read, ``EnvironmentFault`` where the folder cannot be written.
    """
    from harness.report.figures import draw_figures  # noqa: PLC0415 - matplotlib comes last, and only to draw

    return draw_figures(read_run(run_folder))


def write_report(folder: Path, *, redraw: bool = True) -> Path:
    """Write the report of a results folder and return its page. Safe to call again, years later.

    With ``redraw`` false, figures that are already there are kept. Raises as ``draw_run`` does.
    """
    invocation = read_results(folder)
    (invocation.folder / SUMMARY).unlink(missing_ok=True)  # until everything is there, it is not complete
    for run in invocation.runs:
        if redraw or not (run.folder / "strip.svg").exists():
            draw_run(run.folder)
    return write_pages(invocation)


def write_pages(invocation: Invocation) -> Path:
    """Write everything but the figures, ``summary.json`` last, and return the page."""
    folder = invocation.folder
    target = folder / PAGE
    write_text(target, page(invocation))
    write_text(folder / MARKDOWN, markdown(invocation))
    write_text(folder / JUNIT, junit(invocation))
    write_json(folder / SUMMARY, summarize(invocation))
    return target
