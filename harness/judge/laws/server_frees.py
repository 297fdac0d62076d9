"""L13, server frees: within two keep-alives of evidence at its socket the server has let go of a stream."""

from harness.history import Subscriber
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.server import WITHOUT_KEEPALIVE, ServerFacts
from harness.judge.facts.subscribers import Subscription, subscriptions
from harness.judge.laws.findings import Law, LawFindings
from harness.judge.verdict import Evidence

INTERVALS = 2
"""Keep-alive intervals that the server has, from the evidence on."""

ADVICE = (
    "Fix: read from the socket while nothing is written, bound every write, and end the older stream when a newer one "
    "of the same job comes"
)


def allowance(case: Case) -> float:
    """Return the seconds from evidence to the stream's end."""
    return INTERVALS * (case.plan.server.keepalive or WITHOUT_KEEPALIVE)


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    found = subscriptions(case)
    if not case.history.all(Subscriber):
        if case.cut_short and not any(client.streams for client in case.clients):
            outcome.doubt("no stream was opened before the run was cut short")
        else:
            outcome.skip("the server does not report its streams")
    for one in found:
        _of_stream(case, one, outcome)
    return outcome


def _of_stream(case: Case, one: Subscription, outcome: LawFindings) -> None:
    limit = allowance(case)
    closed_ns = _closed(case, one)
    if one.evidence is None or (closed_ns is not None and closed_ns <= one.evidence.t_ns):
        _unasked(one, closed_ns, outcome)
        return
    since_ns, until_ns = one.evidence.t_ns, case.end_ns if closed_ns is None else closed_ns
    # A server that was told to hang lets go of nothing.
    hung_ns = sum(stand.overlap(since_ns, until_ns) for stand in case.once(ServerFacts).hangs)
    took = (until_ns - since_ns - hung_ns) / 1e9
    doubt = case.doubtful(limit)
    if took <= limit + case.slack and closed_ns is None:
        reason = f"the run ended before two keep-alives ({phrases.limit(limit)}) had passed"
        if case.cut_short:
            outcome.doubt(reason)
        else:
            outcome.skip(reason)
    elif doubt:
        outcome.doubt(doubt)
    elif took <= limit + case.slack:
        outcome.hold(f"freed {phrases.duration(took)} after {one.why} (limit {phrases.limit(limit)})")
    else:
        _failed(case, one, took, outcome)


def _unasked(one: Subscription, closed_ns: int | None, outcome: LawFindings) -> None:
    closed = one.closed
    if closed is not None and closed_ns is not None and closed.evidence in {"fin", "rst", "blocked", "newer"}:
        outcome.hold(f"freed on its own evidence ({closed.evidence})")
    elif closed_ns is None:
        outcome.skip("its streams fell silent, which alone is no evidence (the deed `orphan for DUR` gives it some)")
    else:
        outcome.skip("no peer died on it")


def _closed(case: Case, one: Subscription) -> int | None:
    """Return when the server itself let go of it; the taking down of a run, which stops the server, does not count."""
    if one.closed is None or (one.closed.evidence == "stopped" and one.closed.t_ns >= case.end_ns):
        return None
    return one.closed.t_ns


def _failed(case: Case, one: Subscription, took: float, outcome: LawFindings) -> None:
    assert one.evidence is not None
    at = phrases.moment(case.at(one.evidence.t_ns))
    ended = ", and never let go of it" if _closed(case, one) is None else ""
    text = f"the server held a dead stream for {phrases.duration(took)} after {one.why} at {at}{ended}"
    text += f" (limit {phrases.limit(allowance(case))})"
    outcome.fail(text, *_evidence(case, one), advice=ADVICE, cause="server-holds")


def _evidence(case: Case, one: Subscription) -> list[Evidence]:
    shown = [case.evidence(one.opened, f"stream {one.opened.sub} opened")]
    if one.evidence is not None:
        shown.append(case.evidence(one.evidence, one.why))
    if one.closed is not None:
        shown.append(case.evidence(one.closed, f"stream {one.opened.sub} closed ({one.closed.evidence})"))
    return shown


LAW = Law(
    code="L13",
    word="server-frees",
    title="The server frees the dead",
    priority=19,
    judge=_judge,
    says="Within two keep-alives (30 s where there are none) of evidence at its socket the server has let go of a "
    "stream. Evidence is FIN, RST, a blocked write, or a newer stream of the same client and job. Silence "
    "alone is none: a kernel takes megabytes for a peer that nobody reads any more. The deed `server: orphan "
    "for DUR` gives the server's side of dead connections an end.",
    breaks=(
        "Dead clients are not noticed, and generators leak: sysid/sse-starlette 28, 40",
        "Each reconnection leaves the stream before it open, until its buffer is full",
    ),
)
