"""The text that ``harness run`` prints on stdout: lines of at most ``WIDTH`` columns, colour only when asked for.

A word and a sign say everything; colour repeats it. The caller decides about colour (a terminal, ``NO_COLOR``,
``--color``) and about the exit code.
"""

import shlex
from urllib.parse import quote

import msgspec

from harness.extras import REPORT
from harness.judge.verdict import LawState, Word
from harness.report import columns, tally, worlds
from harness.report.findings import IN_FULL, Finding, broken, findings, for_lag_alone, named, reason, replay
from harness.report.folder import INTERRUPTED, MARKDOWN, Invocation, RunResult
from harness.report.lanes import describe
from harness.report.wording import (
    SIGN,
    STATE_SIGN,
    command_lines,
    fitting,
    flat,
    joined,
    one_line,
    plural,
    whole_duration,
    wrapped,
)

WIDTH = 100

REPEATED = 10
"""Of many runs that did not pass, so many are told in full; the others are in the table and on the page."""

_GREEN, _RED, _YELLOW, _DIM, _BOLD = "32", "31", "33", "2", "1"
_COLOUR: dict[str, str] = {Word.PASS: _GREEN, Word.FAIL: _RED, Word.UNKNOWN: _YELLOW, Word.VOID: _YELLOW}

_HELD = "\u00b7"
"""Holds the place of what follows a text, so that its last line is broken in time."""


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """The style of printing: ``verbosity`` -1 (``-q``, the last two lines), 0, 1 (every law), 2 (every record)."""

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
    failures = sum(run.verdict.word is Word.FAIL for run in invocation.runs)
    again = failures > (tally.ending(invocation).word == Word.FAIL)  # one alone is run again by the last line
    if len(scenarios) == 1:
        lines += scenario_block(scenarios[0], style=style, again=again)
    elif scenarios:
        lines += _table(scenarios, style)
        lines += _unfelt_of(scenarios, style)
        lines += _repeated(scenarios, style, again=again)
        lines += _all_worlds(invocation.runs, style)
    left_out = _left_out(invocation, style)
    lines += ["", *left_out] if lines and left_out else left_out
    return "\n".join([*lines, *([""] if lines else []), *last]) + "\n"


def _repeated(scenarios: list[tally.ScenarioRuns], style: Style, *, again: bool) -> list[str]:
    """Return the scenarios that did not pass once more, with their reasons, the worst last: it is read first."""
    if style.verbosity > 0:
        return [line for group in scenarios for line in ("", *scenario_block(group, style=style, again=again))]
    shown: list[tally.ScenarioRuns] = []
    for word in (Word.FAIL, Word.VOID, Word.UNKNOWN):
        for group in scenarios:
            runs = [run for run in group.runs if run.verdict.word is word]
            shown += [tally.ScenarioRuns(name=group.name, runs=runs)] if runs else []
    room, lines = REPEATED, list[str]()
    left_out = 0
    for group in shown:
        runs = group.runs[:room]
        room -= len(runs)
        left_out += len(group.runs) - len(runs)
        if runs:
            part = tally.ScenarioRuns(name=group.name, runs=runs)
            lines = ["", *scenario_block(part, style=style, proved=False, again=again), *lines]
    return (
        [*lines, "", f"and {plural(left_out, 'run')} more that did not pass: the report has them"]
        if left_out
        else lines
    )


def scenario_block(
    group: tally.ScenarioRuns, *, style: Style = PLAIN, proved: bool = True, again: bool = False
) -> list[str]:
    """Return the lines of one scenario: title, setting, a line per run, what failed, and what was ``proved``.

    ``again``: with the command that runs it again, under each run that failed.
    """
    lines = [*_title(group, style), ""]
    rows = columns.rows(group.runs, WIDTH)
    lone = len(group.runs) == 1
    for run, row in zip(group.runs, rows, strict=True):
        lines += _run_line(run, row, style, lone=lone)
        if run.verdict.word is not Word.VOID and (beside := tally.beside(run)):
            lines += wrapped(beside, indent="      ", width=WIDTH)
        if run.verdict.word in (Word.FAIL, Word.VOID):
            lines += ["", *_failure(run, style), *(_replayed(run, style) if again else []), ""]
        if style.verbosity > 0:
            lines += _laws(run, style)
        if style.verbosity > 1:
            lines += _records(run)
    if not proved or (group.word is Word.FAIL and lone and not style.verbosity):
        unfelt = _labelled("unfelt", _never_sat(group.runs), style) if proved else []
        return [*lines, *unfelt] if unfelt or lines[-1] else lines[:-1]
    lines += [""] if lines[-1] else []
    return lines + _proved(group.runs, style)


def closing(invocation: Invocation, *, report: str = "", style: Style = PLAIN) -> list[str]:
    """Return the last lines: the word with its counts and the exit code, and where the report is.

    An exit code that the word says by itself, 0 of a pass and 1 of a failure, is left to it.
    """
    runs, end = invocation.runs, tally.ending(invocation)
    guilty = [run for run in runs if run.word == end.word]
    text, tail, anchor, again = tally.headline(invocation), "", "", ""
    if end.word == Word.FAIL:
        anchor = f"#{quote(guilty[0].plan.name)}"
        again = flat(replay(guilty[0])) if len(guilty) == 1 else ""
    elif end.word != Word.PASS:
        text, tail = _said_last(invocation, end.word, guilty, text), f"   exit {end.exit}"
    aside = f" · replay: {again}"
    fits = bool(again) and len(text) + len(aside) <= WIDTH
    told_above = end.word == Word.VOID and bool(guilty)
    lines = _head(text + aside * fits, tail, style, whole=style.verbosity >= 0 and not told_above)
    if style.verbosity >= 0:
        said = command_lines(again, WIDTH - 8) if again and not fits else []
        lines += [("replay  " if place == 0 else " " * 8) + line for place, line in enumerate(said)]
    lines += where(report, anchor, advised=style.verbosity >= 0) if report else []
    return lines + (_elsewhere(guilty) if end.word == Word.UNKNOWN and style.verbosity >= 0 else [])


def where(report: str, anchor: str = "", *, advised: bool = True) -> list[str]:
    """Return the lines that say where the report is, and of ``report.md``, which has no anchors, what installs more."""
    if not report.endswith(MARKDOWN):
        return [f"report  {report}{anchor}"]
    return [f"report  {report}", *([" " * 8 + REPORT.advice] if advised else [])]


def _elsewhere(unknown: list[RunResult]) -> list[str]:
    """Return where runs could be judged that this host is too busy for, and what is left out there."""
    if not (unknown and all(map(for_lag_alone, unknown))):
        return []
    targets = dict.fromkeys(shlex.quote(flat(named(run.plan))) for run in unknown)
    command = f"harness run {' '.join(targets)} --world virtual"
    lines = command_lines(command, WIDTH - 8)
    why = "no lag there; left out are the kernel's sockets, memory and CPU: `harness help virtual`"
    return ["try     " + lines[0], *(" " * 8 + line for line in lines[1:]), *wrapped(why, indent=" " * 8, width=WIDTH)]


def _said_last(invocation: Invocation, word: str, guilty: list[RunResult], headline: str) -> str:
    """Return the last word where it is no verdict on the client: with its reason, where one says it all."""
    runs = invocation.runs
    if word == INTERRUPTED:
        one = len(runs) == len(guilty) == 1 and not invocation.left_out
        return f"{headline}, cut short at {guilty[0].verdict.seconds:.1f} s" if one else headline
    if guilty and len(runs) == 1 and not invocation.left_out:
        return f"{word.upper():<7}  {flat(reason(runs[0]))}"
    if not guilty and (broken_model := worlds.broken(runs)):
        return f"{headline} · {broken_model}"
    return headline


def _head(text: str, tail: str, style: Style, *, whole: bool) -> list[str]:
    """Return the line of the last word; ``whole``: on more lines where it is long, instead of cut."""
    word, _, rest = text.partition("  ")
    head = word + " " * (len(text) - len(word) - len(rest.lstrip()))
    room = WIDTH - len(head)
    if whole:
        said = wrapped(rest + _HELD * len(tail), indent="", width=room)
        said[-1] = said[-1].rstrip(_HELD) + tail
    else:
        said = [one_line(rest, room - len(tail)) + tail]
    colour = _COLOUR.get(word.lower(), _YELLOW)
    first = style.paint(f"{_BOLD};{colour}", word) + head[len(word) :] + said[0]
    return [first, *(" " * len(head) + line for line in said[1:])]


def _left_out(invocation: Invocation, style: Style) -> list[str]:
    """Return what was planned and has no verdict, and what several merged folders hold."""
    manifest = invocation.manifest
    lines = _labelled("no report", manifest.fault, style)
    for key in invocation.unjudged[:REPEATED]:
        lines += _labelled("no verdict", f"{key}: {manifest.faults.get(key, 'it left none')}", style)
    if len(invocation.unjudged) > REPEATED:
        lines += _labelled("no verdict", f"and {plural(len(invocation.unjudged) - REPEATED, 'run')} more", style)
    for label, names in (("not run", manifest.not_run), ("missing", manifest.missing), ("twice", manifest.twice)):
        more = [f"and {len(names) - REPEATED} more"] if len(names) > REPEATED else []
        lines += _labelled(label, ", ".join([*names[:REPEATED], *more]), style)
    return lines


def _title(group: tally.ScenarioRuns, style: Style) -> list[str]:
    run = group.runs[0]
    plan = run.plan
    real = next((run for run in group.runs if run.plan.world != "virtual"), None)
    both = real is not None and any(run.plan.world == "virtual" for run in group.runs)
    facts = (real or run).verdict.trust.facts
    clients = list(dict.fromkeys(run.verdict.client or run.plan.client.like for run in group.runs))
    setting = [
        f"{', '.join(clients)} client" if len(clients) < 4 else plural(len(clients), "client"),
        f"{facts.get('server', 'reference')} server",
        "real sockets and virtual time" if both else "real sockets" if real else "virtual time",
        "" if real is None else f"toxiproxy {facts.get('toxiproxy', 'not reached')}",
        tally.seeds_of(group.runs),
    ]
    said = one_line(plan.name, WIDTH)
    name = style.paint(_BOLD, said)
    title = one_line(plan.scenario, max(1, WIDTH - len(said) - 3))
    lines = [f"{name} · {title}" if title and title != plan.name else name, one_line(joined(setting), WIDTH)]
    if passed_over := facts.get("toxiproxy passed over"):
        lines += wrapped(f"toxiproxy embedded, since {passed_over}", indent="", width=WIDTH)
    return lines


def _run_line(run: RunResult, row: tuple[str, list[str]], style: Style, *, lone: bool) -> list[str]:
    word = run.verdict.word
    sign = style.paint(_COLOUR[word], SIGN[word])
    label, figures = row
    start = f"  {sign} " + (f"{label}  " if label.strip() else "")
    hanging = " " * (6 if figures and not figures[0] else 4 + (len(label) + 2 if label.strip() else 0))
    if word is Word.PASS:
        return [(start + figures[0]).rstrip(), *(hanging + line for line in figures[1:])]
    said = ", ".join(broken(run)) if word in (Word.FAIL, Word.VOID) else ("" if lone else reason(run))
    name = style.paint(f"{_BOLD};{_COLOUR[word]}", run.word.upper())
    if not said:
        return [f"{start}{name}  {figures[0]}".rstrip(), *(hanging + line for line in figures[1:])]
    first, *rest = wrapped(said, indent="", width=WIDTH - len(hanging) - len(run.word) - 2)
    hanging += " " * (len(run.word) + 2)
    return [f"{start}{name}  {first}", *(hanging + line for line in rest)]


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


def _replayed(run: RunResult, style: Style) -> list[str]:
    """Return the command that runs a failed run again."""
    if run.verdict.word is not Word.FAIL:
        return []
    first, *rest = command_lines(replay(run), WIDTH - 10)
    return [f"  {style.paint(_DIM, 'replay')}  {first}", *(" " * 10 + line for line in rest)]


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
    lines += _labelled("unfelt", _never_sat(runs), style)
    lines += _labelled("again", tally.repeated(runs), style)
    for label, text in (("limits", tally.limits_line(runs)), ("host", tally.host_line(runs))):
        lines += _labelled(label, text, style)
    for run in runs:
        lines += _compared(run, style)
    return lines


def _unfelt_of(scenarios: list[tally.ScenarioRuns], style: Style) -> list[str]:
    """Return, of many scenarios, the faults that touched no client, by scenario."""
    told = {group.name: named for group in scenarios if (named := tally.unfelt(group.runs))}
    lines = [
        line for name, named in [*told.items()][:REPEATED] for line in _labelled("unfelt", f"{name}: {named}", style)
    ]
    if len(told) > REPEATED:
        lines += _labelled("unfelt", f"and in {plural(len(told) - REPEATED, 'scenario')} more", style)
    return ["", *lines] if lines else []


def _never_sat(runs: list[RunResult]) -> str:
    named = tally.unfelt(runs)
    return f"{named}: a test the client never sat" if named else ""


def _labelled(label: str, text: str, style: Style) -> list[str]:
    """Return a line of small print: its label in a column of its own."""
    if not text:
        return []
    label = f"{label:<6}"
    first, *rest = wrapped(text, indent="", width=WIDTH - len(label) - 4)
    return [f"  {style.paint(_DIM, label)}  {first}", *(" " * (len(label) + 4) + line for line in rest)]


def _compared(run: RunResult, style: Style) -> list[str]:
    """Return whether the worlds agree on a run's plan, and where it did not replay, with the records that differ."""
    variant = f"{one_line(run.plan.variant, 60)}: " if run.plan.variant else ""
    lines = _labelled("worlds", variant + worlds.said(run.agreement), style) if run.agreement else []
    if run.replay is not None and not run.replay.same:
        lines += _labelled("twice", variant + worlds.twice(run.replay), style)
    return lines + _parted(run, style)


def _parted(run: RunResult, style: Style) -> list[str]:
    """Return the first records that differ, one of each of two runs."""
    lines = []
    for whose, item in worlds.shown(run):
        pointer = f"   history:{item.seq}"
        lead = f"{item.at:17.3f} s  {whose:<7}  "
        lines.append(lead + one_line(item.text, WIDTH - len(lead) - len(pointer)) + style.paint(_DIM, pointer))
    return lines


def _all_worlds(runs: list[RunResult], style: Style) -> list[str]:
    """Return what came of all comparisons: those that agree in a line, each other one by itself."""
    lines = _labelled("worlds", worlds.overall(runs), style)
    for run in runs:
        told = worlds.trouble(run) or worlds.doubt(run)
        lines += _labelled("worlds", f"{run.title}: {told}", style) + _parted(run, style) if told else []
    return ["", *lines] if lines else []


def _laws(run: RunResult, style: Style) -> list[str]:
    colours = {LawState.HELD: _GREEN, LawState.FAILED: _RED, LawState.UNKNOWN: _YELLOW}
    lines, laws = [], tally.laws_of([run])
    wide = max((len(law.law) for law in laws), default=0)
    for law in laws:
        sign = style.paint(colours.get(law.state, _DIM), STATE_SIGN[law.state])
        why = law.waiver or law.reason or law.sentence
        said = one_line(why, WIDTH - 26 - wide)
        lines.append(f"      {sign} {law.code:<3} {law.law:<{wide}} {law.state:<10}  {said}".rstrip())
    return lines


def _records(run: RunResult) -> list[str]:
    history = run.history
    lines = []
    for record in history.records:
        lead = f"      {record.seq:>6} {history.seconds(record.t_ns):>11.6f} s  {record.lane:<6}  "
        lines.append(lead + one_line(describe(record, run.plan), WIDTH - len(lead)))
    run.forget()
    return lines


def _table(scenarios: list[tally.ScenarioRuns], style: Style) -> list[str]:
    """Return one line per scenario: sign, name, word, runs, and the worst thing there is to say."""
    width = min(32, max(len(one_line(group.name, 32)) for group in scenarios))
    counts = [_count(group) for group in scenarios]
    wide = max(7, *map(len, counts))
    words = max(7, *(len(group.said) for group in scenarios))
    lines = []
    for group, count in zip(scenarios, counts, strict=True):
        word = group.word
        sign = style.paint(_COLOUR[word], SIGN[word])
        took = whole_duration(max(run.verdict.seconds for run in group.runs))
        lead = f"{one_line(group.name, width):<{width}}  "
        facts = f"{count:>{wide}}  {took:>6}"
        shown = _worst_of(group, WIDTH - 2 - len(lead) - words - 2 - len(facts) - 2)
        said = style.paint(_COLOUR[word], f"{group.said.upper():<{words}}")
        lines.append(f"{sign} {lead}{said}  {facts}  {shown}".rstrip())
    return lines


def _count(group: tally.ScenarioRuns) -> str:
    """Return how many of a scenario's runs came to its word: ``1 run``, ``2 of 3 runs``."""
    of_word = sum(run.verdict.word is group.word for run in group.runs)
    count = plural(len(group.runs), "run")
    return f"{of_word} of {count}" if of_word < len(group.runs) else count


def _worst_of(group: tally.ScenarioRuns, room: int) -> str:
    """Return the worst there is to say of a scenario, in as many whole parts as there is room for."""
    run = next(run for run in group.runs if run.verdict.word is group.word)
    if group.word is Word.FAIL:
        return fitting(broken(run), room, ", ")
    if group.word is not Word.PASS:
        return one_line(reason(run), room)
    return fitting(tally.limits_line(group.runs).split(" · "), room, " · ")
