"""The formats of ``--output-format`` beside text, printed on stdout: json, jsonl, github, junit."""

from collections.abc import Callable

import msgspec

from harness.errors import Problem, UsageError
from harness.escaping import no_command
from harness.judge.verdict import Word
from harness.report import terminal, worlds
from harness.report.findings import findings, from_here, guilty_line, reason, replay
from harness.report.folder import Invocation, RunResult
from harness.report.junit import junit
from harness.report.summary import SCHEMA_VERSION, plain, summarize, summarize_run
from harness.report.wording import joined, printable
from harness.scenario import warned

_LEVEL = {Word.FAIL: "error", Word.VOID: "error", Word.UNKNOWN: "warning"}


def render(
    invocation: Invocation, output_format: str, *, report: str = "", style: terminal.Style = terminal.PLAIN
) -> str:
    """Return the invocation in one of ``FORMATS``. Raises ``UsageError`` for another name."""
    if output_format == "text":
        return terminal.render(invocation, report=report, style=style)
    if output_format == "github":
        return no_command(terminal.render(invocation, report=report, style=style)) + github(invocation)
    if output_format not in FORMATS:
        raise UsageError(f"{output_format!r} is no output format (one of {', '.join(FORMATS)})")
    return _MACHINE[output_format](invocation)


def as_json(invocation: Invocation) -> str:
    """Return the content of ``summary.json``."""
    return msgspec.json.format(msgspec.json.encode(plain(summarize(invocation))), indent=2).decode() + "\n"


def as_jsonl(invocation: Invocation) -> str:
    """Return one line per run, each a JSON object with its own ``schema_version``, and the line of the end."""
    return "".join(json_line(run) for run in invocation.runs) + last_line(invocation)


def json_line(run: RunResult) -> str:
    """Return one run as a line of JSON, for a stream that grows while runs end (``harness.campaign.jsonl``)."""
    fields = {"schema_version": SCHEMA_VERSION, "kind": "run"} | plain(summarize_run(run))
    return msgspec.json.encode(fields).decode() + "\n"


def last_line(invocation: Invocation) -> str:
    """Return how it all ended as a line of JSON: the word, the exit code, what was left out; the runs are counted."""
    fields = plain(summarize(invocation))
    fields |= {"kind": "end", "runs": len(invocation.runs)}
    return msgspec.json.encode(fields).decode() + "\n"


def github(invocation: Invocation) -> str:
    """Return workflow commands that annotate what was warned of, and the deed or expectation that failed."""
    lines = [annotation_of(one) for one in warned([run.plan for run in invocation.runs])]
    for run in invocation.runs:
        if wrong := worlds.trouble(run):
            lines.append(_command("error", run, guilty_line(run.plan, 0.0), wrong))
        level = _LEVEL.get(run.verdict.word)
        if level is None:
            continue
        found = findings(run) if level == "error" else []
        if not found:
            lines.append(_command(level, run, guilty_line(run.plan, 0.0), reason(run)))
        for finding in found:
            said = joined([finding.sentence, *finding.also[:2], finding.advice, f"replay: {replay(run)}"])
            lines.append(_command(level, run, finding.line, said))
    not_run = invocation.manifest.not_run
    lines += [annotation("error", name, title="no verdict") for name in invocation.left_out[len(not_run) :]]
    lines += [annotation("warning", ", ".join(not_run), title="not run")] if not_run else []
    return "".join(f"{line}\n" for line in lines)


def _command(level: str, run: RunResult, line: int, text: str) -> str:
    return annotation(
        level,
        text,
        file=from_here(run.plan.file) or run.plan.name,
        line=max(1, line),
        title=f"{run.title}: {run.word}",
    )


def annotation(level: str, text: str, **properties: str | int) -> str:
    """Return one workflow command of GitHub, all of it escaped: nothing said in it begins another one."""
    named = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{level} {named}::{_message(text)}"


def annotation_of(problem: Problem) -> str:
    """Return a problem of a file, or a warning, at its place there."""
    line, column = max(1, problem.line), max(1, problem.column)
    return annotation(problem.level, problem.message, file=from_here(problem.file), line=line, col=column)


def _message(text: str) -> str:
    """Escape as GitHub's toolkit does (actions/toolkit, core/src/command.ts, escapeData)."""
    return printable(text.replace("\r", " ").replace("\u2028", " ")).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape as GitHub's toolkit does (escapeProperty): colons and commas too."""
    return _message(text).replace(":", "%3A").replace(",", "%2C")


_MACHINE: dict[str, Callable[[Invocation], str]] = {"json": as_json, "jsonl": as_jsonl, "junit": junit}
FORMATS = ("text", "json", "jsonl", "github", "junit")
"""The names, as ruff has them."""
