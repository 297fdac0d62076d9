"""A record in words: which lane of the trace it swims in, and what it says."""

from collections.abc import Callable
from typing import Any

from harness.history import records as r
from harness.report.wording import duration, plural, size
from harness.scenario.deed_text import deed_text
from harness.scenario.model import Plan

LANES = ("runner", "gate", "stage", "server", "client")
"""The lanes of the trace, from the network's side to the app's."""

_MET = {"read back": "read back", "undecided": "undecided", "nothing to do": "had nothing to do"}


def describe(record: r.Record, plan: Plan | None = None) -> str:
    """Return one record as a sentence of facts. The plan, when there, turns a deed's index into its words."""
    if isinstance(record, r.DeedDone):
        return _deed(record, plan)
    if isinstance(record, r.Canary):
        verdict = _MET.get(record.way, "proved") if record.met else "NOT met"
        return f"fault {verdict}: {_deed_text(record.deed, plan)}" + (f" ({record.detail})" if record.detail else "")
    say = _SAY.get(type(record))
    return say(record) if say else type(record).__name__.lower()


def _deed_text(index: int, plan: Plan | None) -> str:
    if plan is None or not 0 <= index < len(plan.deeds):
        return f"deed {index}"
    return deed_text(plan.deeds[index], plan)


def _deed(record: r.DeedDone, plan: Plan | None) -> str:
    took = duration((record.returned_ns - record.issued_ns) / 1e9)
    who = f" for {record.client}" if record.client else ""
    failed = f"; failed: {record.error}" if record.error else ""
    return f"{_deed_text(record.deed, plan)}{who} (took {took}){failed}"


def _run(x: r.Run) -> str:
    return f"run of {x.scenario} {x.variant} with {x.client}, {x.world}, seed {x.seed}"


def _request(x: r.Request) -> str:
    cursor = f", Last-Event-ID {x.last_event_id!r}" if x.last_event_id is not None else ""
    token = ", with token" if x.token else ""
    return f"{x.method} {x.target} ({x.what}){cursor}{token} on connection {x.cid}"


def _response(x: r.Response) -> str:
    extra = [x.content_type, f"Retry-After {x.retry_after}" if x.retry_after else "", x.location]
    by = f", in the server's place by the {x.by}" if x.by else ""
    return f"{x.status} " + ", ".join(part for part in extra if part) + f" on connection {x.cid}{by}"


def _boxed(x: r.Boxed) -> str:
    request = f", request {x.rid}" if x.rid else ""
    return f"a box acted on connection {x.cid} of {x.client}{request}: {x.what}" + (
        f" ({x.detail})" if x.detail else ""
    )


def _emit(x: r.Emit) -> str:
    late = (x.actual_ns - x.intended_ns) / 1e9
    share = f" {x.progress:.0%}" if x.progress is not None else ""
    name = f"without an id behind {x.after}" if x.after else f"id {x.id}"
    return f"emitted {x.type}{share}, {name} (index {x.index}, {duration(max(0.0, late))} after it was due)"


def _app(x: r.App) -> str:
    share = f" {x.progress:.0%}" if x.progress is not None else ""
    parts = [f"on_{x.callback}{share}", f"id {x.id}" if x.id else "", f"from {x.source}", x.detail]
    raised = [f"raised {x.raised}"] if x.raised else []
    return ", ".join([part for part in parts if part] + raised)


def _attempt(x: r.Attempt) -> str:
    waited = f" after a wait of {duration(x.wait)}" if x.wait else ""
    cursor = f", Last-Event-ID {x.last_event_id!r}" if x.last_event_id else ""
    return f"{x.client} attempt {x.n} ({x.cause}){waited}{cursor}"


def _attempt_end(x: r.AttemptEnd) -> str:
    status = f" {x.status}" if x.status else ""
    detail = f" ({x.detail})" if x.detail else ""
    return f"{x.client} attempt {x.n} over: {x.how}{status}{detail}; {plural(x.events, 'event')}, {x.fresh} fresh"


def _health(x: r.Health) -> str:
    lag = f"lag max {max(x.lags_us) / 1000:.1f} ms over {len(x.lags_us)}" if x.lags_us else "no lag samples"
    return f"{lag}, {size(x.rss)}, {x.fds} descriptors, {plural(x.tasks, 'task')}"


def _conn_end(x: r.ConnEnd) -> str:
    untold = "; the other side was never told" if x.swallowed else ""
    return f"connection {x.cid}: {x.side} side ended ({x.how}){untold}"


def _write(x: r.Write) -> str:
    which = f"event {x.first}" if x.first == x.last else f"events {x.first} to {x.last}"
    return f"{'replayed' if x.replay else 'wrote'} {which} to subscriber {x.sub}{_part(x.whole)}"


def _said(x: r.Said) -> str:
    return f"said {x.what} to subscriber {x.sub}" + (f" ({x.detail})" if x.detail else "") + _part(x.whole)


def _part(whole: bool) -> str:
    return "" if whole else ", and gave up before it was sent"


def _answered(x: r.Answered) -> str:
    lives = f", a token for {duration(x.expires_in)}" if x.expires_in is not None else ""
    return f"answers request {x.rid}: {x.status}, {size(x.length)}{lives}"


def _census(x: r.Census) -> str:
    return f"census at the {x.when}: " + ", ".join(f"{count} {what}" for what, count in sorted(x.counts.items()))


def _chunk(x: r.Chunk) -> str:
    return f"connection {x.cid}: {size(x.length)} {x.direction} {x.fate} at offset {x.offset}"


def _dial(x: r.Dial) -> str:
    through = f"through {x.path}" if x.path else "with no path"
    return f"{x.client} dialled {through}: {x.fate} after {duration((x.to_ns - x.from_ns) / 1e9)}"


def _shaped(x: r.Shaped) -> str:
    toxics = ", ".join(f"{name} {value}" for name, value in sorted(x.toxics.items())) or "none"
    measured = f" ({'met' if x.met else 'not met'}: {x.detail})" if x.detail else ""
    return f"toxics of {x.path} before 0 s: {toxics}{measured}"


def _delivered(x: r.Delivered) -> str:
    what = f"{x.type}, {size(x.size)}" if x.event else "a block without an event"
    retry = f", retry {x.retry} ms" if x.retry >= 0 else ""
    return f"request {x.rid}: {what}, id {x.id!r} reached the client's socket{retry}"


def _body(x: r.Body) -> str:
    return f"request {x.rid}: {'all' if x.whole else 'only'} {size(x.length)} of the body reached the client's socket"


def _results(x: r.Results) -> str:
    whole = "whole" if x.whole else "cut short"
    return f"results: {x.status}, {size(x.length)}, {whole}" + (f" ({x.detail})" if x.detail else "")


_SAY: dict[type[r.Record], Callable[[Any], str]] = {
    r.Run: _run,
    r.End: lambda x: f"the run ended: {x.reason}" + (f" ({x.detail})" if x.detail else ""),
    r.SignalTold: lambda x: f"{x.client} was told: {x.what} {x.path}".rstrip(),
    r.SignalHeard: lambda x: f"{x.client} heard: {x.what} {x.path}".rstrip(),
    r.Listens: lambda x: f"{x.client} {'listens' if x.on else 'listens no more'} for signals",
    r.Dial: _dial,
    r.Shaped: _shaped,
    r.Weather: lambda x: f"weather on {x.path}: {x.what}" + (f" for {duration(x.lasts)}" if x.lasts else ""),
    r.Health: _health,
    r.Census: _census,
    r.Conn: lambda x: f"{x.client} opened connection {x.cid} on {x.path}",
    r.Chunk: _chunk,
    r.ConnEnd: _conn_end,
    r.Waited: lambda x: f"connection {x.cid}: offset {x.offset} {x.direction} waited for the radio",
    r.EndPassed: lambda x: f"connection {x.cid}: the {x.side}'s {x.how.upper()} was let go",
    r.Request: _request,
    r.Response: _response,
    r.Body: _body,
    r.StreamEnded: lambda x: f"request {x.rid}: its stream came to its end at the client's socket",
    r.StreamBegan: lambda x: f"request {x.rid}: the first byte of its stream reached the client's socket",
    r.Delivered: _delivered,
    r.Boxed: _boxed,
    r.Job: lambda x: f"job {x.job} accepted, {plural(len(x.schedule_ns), 'event')} due",
    r.Rescheduled: lambda x: (
        f"job {x.job} {x.why}: {plural(len(x.schedule_ns), 'event')} due anew from index {x.first}"
    ),
    r.Emit: _emit,
    r.Write: _write,
    r.Said: _said,
    r.Answered: _answered,
    r.GapSignal: lambda x: f"told a gap by {x.how}, cursor {x.cursor!r}",
    r.Snapshot: lambda x: f"answered a poll: {x.status}, state {x.state_index} of epoch {x.epoch}",
    r.Subscriber: lambda x: f"subscriber {x.sub} {x.what}" + (f" ({x.evidence})" if x.evidence else ""),
    r.Read: lambda x: f"the client read connection {x.cid} up to offset {x.upto}" + (f": {x.end}" if x.end else ""),
    r.Attempt: _attempt,
    r.AttemptEnd: _attempt_end,
    r.Block: lambda x: f"{x.client} block complete, id buffer {x.id!r}" + ("" if x.event else ", no event"),
    r.App: _app,
    r.Status: lambda x: f"{x.client} says {x.word}",
    r.Gap: lambda x: f"{x.client} tells a gap: {x.reason}" + (", healed" if x.healed else ""),
    r.Absorbed: lambda x: f"{x.client} kept id {x.id} from the app: {x.why}",
    r.Adopted: lambda x: f"{x.client} adopted cursor {x.id!r}",
    r.Results: _results,
    r.AppResults: lambda x: f"the app of {x.client} has its results: {x.length} bytes",
}
