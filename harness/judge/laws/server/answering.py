"""The server's other answers: a poll with the newest state, an expired cursor as it is set to, tokens, results."""

from collections.abc import Iterator

from harness.history import Answered, Boxed, Chunk, Conn, ConnEnd, GapSignal, Request, Snapshot, Subscriber
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.server import FOREVER, Epoch, ServerFacts
from harness.judge.laws.server.bounds import Bounds, ServerDeviation
from harness.judge.laws.server.writing import REFUSED
from harness.scenario.model import RateStep, lines
from harness.toxics.shape import Shape, line_time

KNOWN = frozenset({"stream", "poll", "results"})
"""Questions that one message asks."""

HEAD = 4096
"""Bytes of a request, with what its connection still had on the way."""

AT_ONCE_NS = 1_000_000_000
"""Nanoseconds after which a connection that carried nothing may have been idle for too long."""

ROUND_TRIPS = 4
"""One-way delays that a request may take, with the connection from the proxy to the server."""


def answers(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Check that each answer that is no stream is what the job's log and the plan make it."""
    for snapshot in case.history.all(Snapshot):
        epoch = served.epoch_at(snapshot.job, snapshot.seq)
        if epoch is not None and epoch.whole:
            yield from _snapshot(epoch, snapshot)
    for gap in case.history.all(GapSignal):
        epoch = served.epoch_at(gap.job, gap.seq)
        if epoch is not None and epoch.whole and not _is_gap(served, epoch, gap):
            yield f"the server told a gap ({gap.how}) to the cursor {gap.cursor!r}, behind which none was", gap
    for answer in case.history.all(Answered):
        yield from _answer(case, served, bounds, answer)


def _snapshot(epoch: Epoch, snapshot: Snapshot) -> Iterator[ServerDeviation]:
    newest = epoch.newest_at(snapshot.seq)
    state = epoch.emits[newest].type if newest >= 0 else snapshot.status
    if (snapshot.epoch, snapshot.state_index, snapshot.status) != (epoch.begun.epoch, newest, state):
        said = f"{snapshot.status}, event {snapshot.epoch}-{snapshot.state_index}"
        yield f"the server answered a poll with {said}, where {epoch.event(newest)} ({state}) was the newest", snapshot


def _is_gap(served: ServerFacts, epoch: Epoch, gap: GapSignal) -> bool:
    how = served.resumption(epoch, gap.cursor, gap.seq).how
    if gap.how != "epoch":
        return how == gap.how
    emit = served.ids.get(gap.job, {}).get(gap.cursor)
    return not how and emit is not None and emit.epoch != epoch.begun.epoch


def _answer(case: Case, served: ServerFacts, bounds: Bounds, answer: Answered) -> Iterator[ServerDeviation]:
    request = served.requests.get(answer.rid)
    if answer.expires_in is not None and answer.expires_in != case.plan.server.token_lasts:
        yield f"the server issued a token for {phrases.duration(answer.expires_in)}, which is not the plan's", answer
    if answer.status == 401:
        yield from _refused(case, served, bounds, answer)
    epoch = served.epoch_at(request.job, answer.seq) if request is not None else None
    if request is None or epoch is None or not epoch.whole or answer.status == 401:
        return
    if answer.status == 404 and request.what in {"stream", "poll"}:
        yield f"the server knew nothing of a job that it had accepted (request {answer.rid})", answer
    elif request.what == "results":
        yield from _results(case, served, bounds, epoch, answer)
    elif request.what == "stream" and str(answer.status) in REFUSED:
        cursor = request.last_event_id or ""
        how = served.resumption(epoch, cursor, answer.seq).how
        if how != str(answer.status):
            due = how if how in REFUSED else "a stream"
            yield f"the server answered {answer.status} to the cursor {cursor!r}, where {due} was due", answer


def _refused(case: Case, served: ServerFacts, bounds: Bounds, answer: Answered) -> Iterator[ServerDeviation]:
    """Check that a request is refused for want of a good token, where the plan has tokens."""
    token = served.tokens.get(answer.token)
    if case.plan.server.token_lasts is None or (token is not None and token.surely(answer.t_ns, bounds.tick_ns)):
        at = phrases.moment(case.at(answer.t_ns))
        yield f"the server answered 401 to request {answer.rid} at {at}, whose token was good", answer


def _results(
    case: Case, served: ServerFacts, bounds: Bounds, epoch: Epoch, answer: Answered
) -> Iterator[ServerDeviation]:
    """Results are those of a completed job, for as long as they are kept."""
    newest, job = epoch.newest_at(answer.seq), case.plan.job
    end = epoch.emits[newest] if newest >= 0 else None
    if end is None or not end.terminal:
        due = {409}
    elif end.type != "completed":
        due = {404}
    else:
        left_ns = end.intended_ns + round(job.results_kept * 1e9) - answer.t_ns
        gone = {410} if left_ns <= bounds.tick_ns or len(served.jobs[epoch.begun.job]) > 1 else set()
        due = gone | ({200} if left_ns > -bounds.tick_ns else set())
    if answer.status not in due:
        right = phrases.several([str(status) for status in sorted(due)])
        yield f"the server answered {answer.status} to a request for results, where {right} was due", answer
    elif answer.status == 200 and answer.length != job.results:
        yield f"the server has {answer.length:,} B of results, where the plan has {job.results:,}", answer


def unanswered(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Check that each question that had reached the server was answered soon, and once."""
    told: dict[int, int] = {}
    said: list[Answered | Snapshot | Subscriber] = [*case.history.all(Answered), *case.history.all(Snapshot)]
    said += [one for one in case.history.all(Subscriber) if one.what == "open"]
    for one in said:
        if one.rid and one.rid in told:
            yield f"the server answered request {one.rid} twice", one
        told.setdefault(one.rid, one.t_ns)
    if not any(told):
        return  # a server that knows no request by its number
    boxed = {one.rid for one in case.history.all(Boxed)}
    killed = {one.cid: one.t_ns for one in case.history.all(Boxed) if one.what == "killed"}
    ends = case.grouped(ConnEnd, "cid")
    allowed_ns = _on_its_way_ns(case) + bounds.late_ns
    streaming: dict[int, int] = {}
    for request in case.history.all(Request):
        left_ns = _left_the_gate(case, request)
        due_ns = left_ns + allowed_ns
        stream = served.by_rid.get(request.rid)
        busy = streaming.get(request.cid, 0) > left_ns
        if stream is not None:
            streaming[request.cid] = stream.closed.t_ns if stream.closed is not None else FOREVER
        ended = any(one.closed_ns <= due_ns for one in ends.get(request.cid, []))
        asks = request.what in KNOWN and request.method == "GET" and request.client != "canary"
        lost = (
            killed.get(request.cid, FOREVER) <= left_ns
        )  # it waited for its radio, while a box gave its connection up
        if not asks or busy or lost or request.rid in boxed or told.get(request.rid, FOREVER) <= due_ns:
            continue
        if not ended and due_ns < case.end_ns and not served.away(left_ns, due_ns, bounds.late_ns):
            at = phrases.moment(case.at(left_ns))
            yield f"the server did not answer request {request.rid} ({request.what}) of {at}", request


def turned_away(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Check that a server that is there ends no new connection before it has answered a request on it."""
    used = {one.cid for one in case.history.all(Boxed)}
    used |= {one.cid for one in case.history.all(Chunk) if one.direction == "downstream"}  # be it lost on its way
    ends = case.grouped(ConnEnd, "cid")
    for conn in case.history.all(Conn):
        first = next(iter(ends.get(conn.cid, [])), None)
        if first is None or first.side != "server" or first.how == "closed" or conn.cid in used:
            continue
        at_once = first.t_ns - conn.t_ns < AT_ONCE_NS and first.t_ns < case.end_ns
        if at_once and not served.away(conn.t_ns - bounds.late_ns, first.t_ns, bounds.late_ns):
            at = phrases.moment(case.at(first.t_ns))
            yield f"the server was there at {at}, after any restart, and connection {conn.cid} found nobody", first


def _left_the_gate(case: Case, request: Request) -> int:
    """Return when the bytes of a request went on to the server: its radio may have waited; ``FOREVER``: never."""
    chunks = case.grouped(Chunk, "cid").get(request.cid, [])
    on = (one for one in chunks if one.seq > request.seq and (one.direction, one.fate) == ("upstream", "delivered"))
    return next((one.t_ns for one in on), FOREVER)


def _on_its_way_ns(case: Case) -> int:
    """Return how long a request may be on its way from the gate to the server, by the slowest of the plan's lines."""
    shapes = [shape for _, shape in lines(case.plan)]
    slices = [shape.slice_size for shape in shapes]
    rates = [shape.up for shape in shapes] + [change.up for change in case.plan.weather if isinstance(change, RateStep)]
    slowest = min((rate for rate in rates if rate), default=None)
    finest = min((size for size in slices if size), default=None)
    delay = max(shape.latency + shape.jitter for shape in shapes)
    line = line_time(Shape(down=slowest, slice_size=finest), HEAD)
    return round((ROUND_TRIPS * delay + line) * 1e9)
