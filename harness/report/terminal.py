"""What ``harness run`` prints on stdout: text of at most ``WIDTH`` columns, colour only when asked for.

A word and a sign say everything; colour repeats it. Whoever calls decides about colour (a terminal, ``NO_COLOR``,
``--color``) and about the exit code.
"""

import msgspec

from harness.judge.verdict import State, Word
from harness.report import tally
from harness.report.findings import IN_FULL, Finding, failed, findings, reason, replay
from harness.report.folder import Invocation, RunResult
from harness.report.lanes import describe
from harness.report.saying import (
    SIGN,
    STATE_SIGN,
    joined,
    measured,
    one_line,
    plural,
    printable,
    whole_duration,
    wrapped,
)

WIDTH = 100

_GREEN, _RED, _YELLOW, _DIM, _BOLD = "32", "31", "33", "2", "1"
_COLOUR = {Word.PASS: _GREEN, Word.FAIL: _RED, Word.UNKNOWN: _YELLOW, Word.VOID: _YELLOW}
_EXIT = {Word.UNKNOWN: 4, Word.VOID: 3}


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How to print: ``verbosity`` -1 (``-q``, the last two lines), 0, 1 (every law), 2 (every record)."""

    colour: bool = False
    verbosity: int = 0

    def paint(self, code: str, text: str) -> str:
        """Return text in a colour, or as it is."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Style()


def render(invocation: Invocation, *, report: str = "", style: Style = PLAIN) -> str:
    """Return the whole text, ending in a line end. ``report`` is the page's path as the user should read it."""
    last = closing(invocation, report=report, style=style)
    if style.verbosity < 0:
        return "\n".join(last) + "\n"
    scenarios = tally.groups(invocation.runs)
    lines: list[str] = []
    if len(scenarios) == 1:
        lines += scenario_block(scenarios[0], style=style)
    elif scenarios:
        lines += _table(scenarios, style)
        for group in scenarios:
            if group.word is not Word.PASS or style.verbosity > 0:
                lines += ["", *scenario_block(group, style=style)]
    return "\n".join([*lines, *([""] if lines else []), *last]) + "\n"


def scenario_block(group: tally.Group, *, style: Style = PLAIN) -> list[str]:
    """Return the lines of one scenario: title, setting, a line per run, what failed, what was proved."""
    lines = [*_title(group, style), ""]
    rows = _rows(group.runs)
    lone = len(group.runs) == 1
    for run, row in zip(group.runs, rows, strict=True):
        lines += _run_line(run, row, style, lone=lone)
        if run.verdict.word in (Word.FAIL, Word.VOID):
            lines += ["", *_failure(run, style), ""]
        if style.verbosity > 0:
            lines += _laws(run, style)
        if style.verbosity > 1:
            lines += _records(run)
    if group.word is Word.FAIL and lone and not style.verbosity:
        return lines[:-1]
    lines += [""] if lines[-1] else []
    return lines + _proved(group.runs, style)


def closing(invocation: Invocation, *, report: str = "", style: Style = PLAIN) -> list[str]:
    """Return the last lines: the word with its counts, and where the report is."""
    runs = invocation.runs
    word = tally.worst(run.verdict.word for run in runs)
    text = tally.headline(invocation)
    guilty = [run for run in runs if run.verdict.word is word]
    anchor = ""
    if word is Word.FAIL:
        anchor = f"#{guilty[0].plan.name}"
        text += f" · replay: {replay(guilty[0])}" if len(guilty) == 1 else ""
    elif word in _EXIT:
        if len(runs) == 1:
            text = f"{word.upper():<7}  {printable(reason(runs[0]))}"
        text += f"   exit {_EXIT[word]}"
    head, _, rest = text.partition("  ")
    lines = [style.paint(f"{_BOLD};{_COLOUR[word]}", head) + "  " + rest]
    return lines + ([f"report  {report}{anchor}"] if report else [])


def _title(group: tally.Group, style: Style) -> list[str]:
    run = group.runs[0]
    plan, facts = run.plan, run.verdict.trust.facts
    virtual = plan.world == "virtual"
    clients = list(dict.fromkeys(run.verdict.client or run.plan.client.like for run in group.runs))
    seeds = list(dict.fromkeys(str(run.plan.seed) for run in group.runs))
    setting = [
        f"{', '.join(clients)} client" if len(clients) < 4 else plural(len(clients), "client"),
        f"{facts.get('server', 'reference')} server",
        "virtual time" if virtual else "real sockets",
        "" if virtual else f"toxiproxy {facts.get('toxiproxy', 'embedded')}",
        f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(seeds[:5])}{'…' if len(seeds) > 5 else ''}",
    ]
    name = style.paint(_BOLD, printable(plan.name))
    title = one_line(plan.scenario, WIDTH - len(plan.name) - 3)
    return [f"{name} · {title}" if title and title != plan.name else name, one_line(joined(setting), WIDTH)]


def _rows(runs: list[RunResult]) -> list[list[str]]:
    """Return the cells of each run's line, padded so that columns align."""
    many_clients = len({run.verdict.client for run in runs}) > 1
    table = [[_label(run, many_clients), *_cells(run)] for run in runs]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    return [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in table]


def _label(run: RunResult, many_clients: bool) -> str:
    client = run.verdict.client if many_clients else ""
    return one_line(" ".join(part for part in (client, run.plan.variant) if part), 40)


def _cells(run: RunResult) -> list[str]:
    """Return what one run is worth knowing in a line; an empty cell where there is nothing to say."""
    counts, measures = run.verdict.counts, run.verdict.measures
    recovery = measures.get("recovery")
    where, latency = tally.steady_latency(run)
    recovered = ""
    if recovery is not None:
        lost = recovery.value in ("lost", None)
        recovered = "never recovered" if lost else f"recovered {measured(recovery, like=1.0)}"
    prompt = ""
    if latency is not None and latency.n:
        prompt = f"p99 {measured(latency)}{f' on {where}' if where else ''} ({latency.n})"
    events = f"{plural(counts.delivered, 'event')}, {counts.lost} lost, {counts.duplicated} repeated"
    return [recovered, plural(counts.attempts, "attempt"), events, prompt]


def _run_line(run: RunResult, row: list[str], style: Style, *, lone: bool) -> list[str]:
    word = run.verdict.word
    sign = style.paint(_COLOUR[word], SIGN[word])
    label, *cells = row
    start = f"  {sign} " + (f"{label}  " if label.strip() else "")
    room = WIDTH - 4 - (len(label) + 2 if label.strip() else 0)
    if word is Word.PASS:
        return [start + _fitted(cells, room)]
    name = style.paint(f"{_BOLD};{_COLOUR[word]}", word.upper())
    said = ", ".join(_broken(run)) if word in (Word.FAIL, Word.VOID) else ("" if lone else reason(run))
    if not said:
        said = "  ".join(cell.strip() for cell in cells if cell.strip())
    return [f"{start}{name}  {one_line(said, room - len(word) - 2)}"]


def _fitted(cells: list[str], room: int) -> str:
    """Return the cells in columns, closer together or out of line where room is short, and cut only at last."""
    shown = [cell for cell in cells if cell.strip()]
    tries = ["   ".join(shown).rstrip(), "  ".join(shown).rstrip(), "  ".join(cell.strip() for cell in shown)]
    return next((text for text in tries if len(text) <= room), tries[-1][: room - 1] + "…")


def _broken(run: RunResult) -> list[str]:
    laws = [law.law for law in failed(run.verdict)]
    return laws or [finding.laws[0] for finding in findings(run)]


def _failure(run: RunResult, style: Style) -> list[str]:
    """Return what failed: three findings in full, the rest in a word under the last of them."""
    found = findings(run)
    lines: list[str] = []
    for finding in found[:IN_FULL]:
        lines += ["", *_finding(finding, style)] if lines else _finding(finding, style)
    rest = joined(f"{', '.join(finding.laws)}: {finding.sentence.rstrip('.')}" for finding in found[IN_FULL:])
    if rest:
        lines += wrapped(rest, indent="  and   ", hanging="        ", width=WIDTH)
    return lines or wrapped(run.verdict.sentence, indent="  ", width=WIDTH)


def _finding(finding: Finding, style: Style) -> list[str]:
    lines = wrapped(finding.sentence, indent="  ", width=WIDTH)
    lines += _evidence(finding, style)
    also = joined(text.rstrip(".") for text in finding.also)
    if also:
        lines += wrapped(also, indent="  also: ", hanging="        ", width=WIDTH)
    if finding.advice:
        lines += _advice(finding, style)
    return lines


def _evidence(finding: Finding, style: Style) -> list[str]:
    """Return a line per record: when, whose, what, and its number in the history, in one column."""
    shown = finding.evidence[:IN_FULL]
    pointers = [f"   history:{item.seq}" for item in shown]
    room = WIDTH - 21 - max(map(len, pointers), default=0)
    texts = [one_line(item.text, room) for item in shown]
    width = max(map(len, texts), default=0)
    return [
        f"{item.at:9.2f} s  {one_line(item.lane, 6):<6}  {text:<{width}}{style.paint(_DIM, pointer)}"
        for item, text, pointer in zip(shown, texts, pointers, strict=True)
    ]


def _advice(finding: Finding, style: Style) -> list[str]:
    lines = wrapped(finding.advice, indent="  why   ", hanging="        ", width=WIDTH)
    pointer = f"harness help {finding.help}" if finding.help else ""
    if pointer and len(lines[-1]) + len(pointer) + 3 <= WIDTH:
        lines[-1] += "   " + style.paint(_DIM, pointer)
    elif pointer:
        lines.append("        " + style.paint(_DIM, pointer))
    return lines


def _proved(runs: list[RunResult], style: Style) -> list[str]:
    lines = wrapped(f"{tally.faults_line(runs)} · {tally.laws_line(runs)}", indent="  ", hanging="    ", width=WIDTH)
    for label, text in (("limits", tally.limits_line(runs)), ("host", tally.host_line(runs))):
        if text:
            first, *rest = wrapped(text, indent="", width=WIDTH - 10)
            lines.append(f"  {style.paint(_DIM, f'{label:<6}')}  {first}")
            lines += [f"          {line}" for line in rest]
    return lines


def _laws(run: RunResult, style: Style) -> list[str]:
    colours = {State.HELD: _GREEN, State.FAILED: _RED, State.UNKNOWN: _YELLOW}
    lines = []
    for law in tally.laws_of([run]):
        sign = style.paint(colours.get(law.state, _DIM), STATE_SIGN[law.state])
        why = law.waiver or law.reason or law.sentence
        said = one_line(why, WIDTH - 40)
        lines.append(f"      {sign} {law.code:<3} {law.law:<14} {law.state:<10}  {said}".rstrip())
    return lines


def _records(run: RunResult) -> list[str]:
    history = run.history
    lines = []
    for record in history.records:
        lead = f"      {record.seq:>6} {history.seconds(record.t_ns):>11.6f} s  {record.lane:<6}  "
        lines.append(lead + one_line(describe(record, run.plan), WIDTH - len(lead)))
    run.forget()
    return lines


def _table(scenarios: list[tally.Group], style: Style) -> list[str]:
    """Return one line per scenario: sign, name, word, runs, and the worst thing there is to say."""
    width = min(32, max(len(group.name) for group in scenarios))
    lines = []
    for group in scenarios:
        word = group.word
        sign = style.paint(_COLOUR[word], SIGN[word])
        seconds = max(run.verdict.seconds for run in group.runs)
        lead = f"{one_line(group.name, width):<{width}}  "
        facts = f"{plural(len(group.runs), 'run'):>7}  {whole_duration(seconds):>6}"
        shown = one_line(_worst_of(group), WIDTH - 2 - len(lead) - 9 - len(facts) - 2)
        lines.append(f"{sign} {lead}{style.paint(_COLOUR[word], f'{word.upper():<7}')}  {facts}  {shown}".rstrip())
    return lines


def _worst_of(group: tally.Group) -> str:
    run = next(run for run in group.runs if run.verdict.word is group.word)
    if group.word is Word.PASS:
        return tally.limits_line(group.runs)
    return ", ".join(_broken(run)) if group.word is Word.FAIL else reason(run)
