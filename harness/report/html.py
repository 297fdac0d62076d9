"""``report.html``: one self-contained page. Nothing in it is fetched, and nothing a peer sent is alive in it.

Everything goes through Jinja's autoescaping. The only markup taken as it is are the figures' SVG, drawn by us, with
their text escaped. The page's own policy forbids every script but ours, by its hash.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from urllib.parse import quote

import jinja2
import msgspec
from markupsafe import Markup, escape

from harness.judge.verdict import Evidence, Word
from harness.report import tally, worlds
from harness.report.findings import broken, reason
from harness.report.folder import INTERRUPTED, Invocation, RunResult
from harness.report.lanes import LANES
from harness.report.views import RunView, view_of
from harness.report.wording import SIGN, STATE_SIGN, joined, measured, one_line, plural, printable

ROOM = 5_200_000
"""Bytes of figures and traces in one page, the failing runs' first; of runs that find no room it links the files."""

FEW = 3
"""Up to so many runs the page is about the worst of them; of more it begins with an index."""

RECORDS, FEWER_RECORDS = 2400, 300
"""Records of a run's trace in the page: where runs are few, or it failed; and where it is one of many that passed."""

_ORDER = (Word.FAIL, Word.VOID, Word.UNKNOWN, Word.PASS)


def page(invocation: Invocation) -> str:
    """Return the whole page. Reads the figures' SVG beside each verdict, and the histories, one at a time."""
    runs = sorted(invocation.runs, key=lambda run: _ORDER.index(run.verdict.word))
    end = tally.ending(invocation)
    many = len(runs) > FEW
    views = _views(runs)
    script = _asset("report.js")
    text = _environment().get_template("report.html.j2").render(
        word=end.word,
        headline=f"{tally.headline(invocation).partition('  ')[2]} · exit {end.exit}",
        views=views,
        first=views[0] if views else None,
        many=many,
        overview=_overview(runs) if many else "",
        matrix=_matrix(invocation.runs),
        held=[_held(run) for run in invocation.runs if run.agreement or run.replay],
        manifest=invocation.manifest,
        left_out=invocation.left_out,
        anchors=_anchors(runs),
        lanes=LANES,
        style=Markup(_asset("report.css")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip
    return text.strip() + "\n"


def _views(runs: Sequence[RunResult]) -> list[RunView]:
    views: list[RunView] = []
    room = ROOM
    for place, run in enumerate(runs):
        short = len(runs) > FEW and run.verdict.word is Word.PASS
        view = view_of(run, place, room=room, records=FEWER_RECORDS if short else RECORDS)
        room -= view.weight
        views.append(view)
    return views


def _overview(runs: Sequence[RunResult]) -> str:
    """Return the sentence about many runs: ``2 of 12 runs failed: half-open, deploy.``"""
    scenarios = plural(len(tally.groups(runs)), "scenario")
    count = plural(len(runs), "run")
    bad = [run for run in runs if run.verdict.word is not Word.PASS]
    if not bad:
        return f"All {count} of {scenarios} passed."
    parts = []
    for word, verb in ((Word.FAIL, "failed"), (Word.VOID, "were void"), (Word.UNKNOWN, "could not be judged")):
        named = list(dict.fromkeys(run.plan.name for run in bad if run.verdict.word is word))
        number = sum(run.verdict.word is word for run in bad)
        if number:
            parts.append(f"{number} of {count} {verb if number > 1 else verb.replace('were', 'was')}: {_some(named)}")
    return "; ".join(parts) + "."


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


class RunCell(msgspec.Struct, frozen=True, kw_only=True):
    """One run in the matrix: its word, where it is in the page, and the worst or the best there is to say."""

    word: str
    key: str
    which: str  # the seed and the world, where the matrix has several
    note: str


def _matrix(runs: Sequence[RunResult]) -> dict[str, object]:
    """Return rows (scenario and variant) by columns (clients), each cell a list of runs: there may be several seeds."""
    clients = list(dict.fromkeys(run.verdict.client or run.plan.client.like for run in runs))
    alike = len({(run.plan.seed, run.plan.world) for run in runs}) == 1
    rows: dict[str, dict[str, list[RunCell]]] = {}
    for run in runs:
        client = run.verdict.client or run.plan.client.like
        which = "" if alike else f"seed {run.plan.seed}" + (", virtual" if run.plan.world == "virtual" else "")
        cell = RunCell(word=run.word, key=run.key, which=which, note=_note(run))
        rows.setdefault(run.title, {}).setdefault(client, []).append(cell)
    return {"clients": clients, "rows": rows}


def _note(run: RunResult) -> str:
    """Return a few words for a cell: the broken laws, why nothing can be said, or how soon it recovered."""
    if run.verdict.word is Word.FAIL:
        return _some(broken(run))
    if run.verdict.word is not Word.PASS:
        return one_line(reason(run), 90)
    recovery = run.verdict.measures.get("recovery")
    return f"recovered {measured(recovery, like=1.0)}" if recovery and recovery.value is not None else ""


class ComparedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual run held against real ones or its repetition: what was said, and the first records that differ."""

    title: str
    key: str
    good: bool
    told: str
    differences: list[str]
    records: list[tuple[str, Evidence]]


def _held(run: RunResult) -> ComparedRun:
    agreement, told = run.agreement, []
    if agreement is not None:
        told.append(f"worlds {worlds.said(agreement)}")
    if run.replay is not None:
        told.append(f"twice: {worlds.twice(run.replay)}")
    return ComparedRun(
        title=run.title,
        key=run.key,
        good=not (worlds.trouble(run) or worlds.doubt(run)),
        told=joined(told),
        differences=[one.text for one in agreement.differences] if agreement is not None else [],
        records=worlds.shown(run),
    )


def _anchors(runs: Sequence[RunResult]) -> dict[str, str]:
    """Return for each run's key the scenario's anchor, if it is the run that ``report.html#half-open`` shows."""
    seen: dict[str, str] = {}
    for run in runs:
        if run.plan.name not in seen.values():
            seen[run.key] = run.plan.name
    return seen


def unbroken(text: str) -> str:
    """Return a sentence whose figures keep their units and whose Wi-Fi stays whole when its lines are broken."""
    kept = re.sub(r"(\d|[<≤≥=]) (?=(?:s|ms|%|B|kB|MB)\b|%|\d)", "\\1\u00a0", text)
    return kept.replace("Wi-Fi", "Wi-\u2060Fi")


def coded(text: str) -> Markup:
    """Return a sentence as markup, escaped, with what stands between backquotes as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(printable(unbroken(text))))))  # noqa: S704 - escaped


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.globals |= {
        "sign": SIGN,
        "state_sign": STATE_SIGN,
        "laws_of": tally.laws_of,
        "faults": tally.faults_line,
    }
    environment.filters["tone"] = lambda word: Word.UNKNOWN if word == INTERRUPTED else word
    environment.filters["unbroken"] = unbroken
    environment.filters["coded"] = coded
    environment.filters["url"] = lambda text: quote(text, safe="/=,-_.")
    return environment


@cache
def _asset(name: str) -> str:
    return resources.files("harness.report").joinpath("templates", name).read_text(encoding="utf-8")
