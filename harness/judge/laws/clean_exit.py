"""L12, clean exit: the server's results once, whole and in time, few connections, and nothing of the run left alive."""

import math

from harness.history import Census
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.connections import MOST_OPEN, crowd
from harness.judge.facts.memory import grown
from harness.judge.facts.refusals import no_results_due
from harness.judge.facts.requests import RequestLife
from harness.judge.facts.results import differing, fetched, sent
from harness.judge.laws.findings import SHOWN, Law, LawFindings
from harness.judge.obligations.closings import borne
from harness.judge.obligations.fetches import early, tardy
from harness.judge.verdict import Evidence
from harness.sse.policy import declared

FAULT = "fault"  # End.reason: a call to a wedged Toxiproxy, for one, leaves its thread and its socket

HANDED = "Fix: give the app the whole body, and only once its length is the one announced"

_ADVICE_EARLY = "Fix: fetch the results when the end is known: a job that has come far may yet fail"
_ADVICE_LATE = "Fix: fetch the results at once when the job has completed; after a transfer that broke, by the backoff"

HAND_OVER_NS = 1_000_000_000
"""Nanoseconds from the last byte of the results to the app."""

_SINGULAR = {"tasks": "task", "sockets": "socket", "threads": "thread", "processes": "process", "proxies": "proxy"}


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        _results(client, outcome)
        _connections(client, outcome)
    _memory(case, outcome)
    _census(case, outcome)
    return outcome


def _results(client: ClientCase, outcome: LawFindings) -> None:
    if not declared(client.case.declared.fetches_results):
        outcome.skip("the client does not declare whether it fetches results")
        return
    asked = fetched(client).asked
    told = [shown for shown in client.screen.terminals if shown.app.callback == "completed"]
    before = len(outcome.findings)
    if not told or not client.case.plan.client.policies.fetches_results:
        _unasked(client, asked, outcome)
    elif not asked:
        _missing(client, outcome, "were never asked for")
    else:
        _in_time(client, outcome)
        _transfers(client, outcome)
        _handed_over(client, outcome)
    if len(outcome.findings) == before:
        outcome.hold()


def _unasked(client: ClientCase, asked: tuple[RequestLife, ...], outcome: LawFindings) -> None:
    if asked:
        at = phrases.moment(client.case.at(asked[0].request.t_ns))
        shown = [client.case.evidence(life.request, "results asked for") for life in asked]
        outcome.fail(f"{client.called} asked for results at {at} that it had no reason to fetch", *shown)


def _missing(client: ClientCase, outcome: LawFindings, how: str) -> None:
    case = client.case
    if case.cut_short:
        outcome.doubt(f"the results had not come when the run was cut short at {phrases.moment(case.end)}")
        return
    completed = next(shown.app for shown in client.screen.terminals if shown.app.callback == "completed")
    outcome.fail(
        f"the job completed, but its results {how}",
        case.evidence(completed, "on_completed", t_ns=completed.enter_ns),
        *_transferred(client),
        advice="Fix: fetch the results after completed, again only when a transfer broke",
    )


def _in_time(client: ClientCase, outcome: LawFindings) -> None:
    """Check that the results are asked for when the end is known, at once then, and again when a wait is over."""
    case = client.case
    end = next(shown.app for shown in client.screen.terminals if shown.app.callback == "completed")
    ended = case.evidence(end, "on_completed", t_ns=end.enter_ns)
    sooner, later = early(client), tardy(client)
    if sooner is not None:
        at = phrases.moment(case.at(sooner.request.t_ns))
        asked = case.evidence(sooner.request, "results asked for")
        text = f"the results were asked for at {at}, before the end of the job had reached the phone"
        outcome.fail(text, asked, ended, advice=_ADVICE_EARLY)
    if later is not None:
        again = "" if later.first else " again"
        due, came = phrases.moment(case.at(later.due_ns)), phrases.moment(case.at(later.began_ns))
        text = f"the results were to be asked for{again} by {due}, and were at {came}"
        asked = case.evidence(later.record, "asks for the results", t_ns=later.began_ns)
        outcome.fail(text, ended, asked, advice=_ADVICE_LATE)


def _transfers(client: ClientCase, outcome: LawFindings) -> None:
    found, shown = fetched(client), _transferred(client)
    count = len(found.asked)
    if found.needless and found.expired:
        outcome.fail(f"the results had expired (410), and were asked for {count} times", *shown)
    elif found.needless:
        text = f"the results were fetched {count} times, though a transfer before the last was whole"
        outcome.fail(text, *shown, advice="Fix: fetch the results once; again only where a transfer broke")
    elif not found.whole and not found.expired and no_results_due(client):
        outcome.skip("the results were refused for good")
    elif not found.whole and not found.expired:
        if _coming(client, found.asked[-1]):
            outcome.skip("the results were still coming as the run ended")
        else:
            _missing(client, outcome, "never came whole")
    elif found.at_once(client.case.near_ns):
        outcome.fail("the results were asked for again while a transfer was under way", *shown)


def _coming(client: ClientCase, life: RequestLife) -> bool:
    """Return whether the run ended during a transfer that had not been silent for as long as a client bears."""
    case = client.case
    if life.end_ns is not None and life.end_ns < case.end_ns - case.near_ns:
        return False
    dues = [due for due in borne(client) if due.record is life.request]
    return life.answer is not None and max((due.high for due in dues), default=math.inf) >= case.end


def _handed_over(client: ClientCase, outcome: LawFindings) -> None:
    """Check that the app got the results once, and equal to what the server answered."""
    case, got, whole = client.case, client.app_results, fetched(client).whole
    if not got:
        if whole and whole[-1].known_ns is not None and whole[-1].known_ns + HAND_OVER_NS < case.end_ns:
            text = "the results came whole, and the app was never given them"
            outcome.fail(text, *_transferred(client), advice=HANDED)
        return
    if len(got) > 1:
        shown = [case.evidence(one, f"{one.length} bytes of results for the app") for one in got[:SHOWN]]
        outcome.fail(f"the app was given its results {len(got)} times", *shown, advice=HANDED)
    life = differing(client, got[0])
    if life is not None:
        length, digest = sent(life)
        came = f"{got[0].length} bytes" if got[0].length != length else f"{length} others (digest {got[0].digest})"
        text = f"the app was given {came} for the results, the server had answered {length} bytes (digest {digest})"
        handed = case.evidence(got[0], f"{got[0].length} bytes of results for the app")
        outcome.fail(text, *_transferred(client), handed, advice=HANDED, cause="results-differ")


def _transferred(client: ClientCase) -> list[Evidence]:
    """Return the last transfers of a client, as the gate saw them."""
    found = []
    for life in fetched(client).asked[-SHOWN + 1 :]:
        answer = "no answer" if life.answer is None else str(life.answer.status)
        length = life.body.length if life.body is not None else 0
        how = "whole" if life.whole else "broken"
        found.append(client.case.evidence(life.request, f"results asked for: {answer}, {length} bytes, {how}"))
    return found


def _connections(client: ClientCase, outcome: LawFindings) -> None:
    found = crowd(client)
    if found is None:
        return
    case, (at_ns, conns) = client.case, found
    text = f"{client.called} had {len(conns)} connections open at {phrases.moment(case.at(at_ns))} (limit {MOST_OPEN})"
    shown = [case.evidence(conn, f"connection {conn.cid} on {conn.path} opened") for conn in conns[:SHOWN]]
    outcome.fail(text, *shown, advice="Fix: close what is answered, and dial no more than is asked", cause="crowd")


def _memory(case: Case, outcome: LawFindings) -> None:
    found = grown(case)
    if found is None or found.bytes <= found.allowed:
        return
    text = f"memory grew by {found.bytes / 1e6:.0f} MB, {found.allowed / 1e6:.0f} MB were allowed: {found.why}"
    shown = [case.evidence(one, f"resident: {one.rss / 1e6:.0f} MB") for one in (found.first, found.last)]
    outcome.fail(text, *shown, advice="Fix: keep the newest state, not every event that led to it", cause="memory")


def _census(case: Case, outcome: LawFindings) -> None:
    taken = {census.when: census for census in case.history.all(Census)}
    start, end = taken.get("start"), taken.get("end")
    if start is None or end is None:
        outcome.doubt("no census at the end" if start else "no census was taken")
        return
    left = {what: count - start.counts.get(what, 0) for what, count in end.counts.items()}
    left = {what: more for what, more in left.items() if more > 0}
    if not left:
        outcome.hold()
        return
    said = phrases.several(
        [f"{more} {_SINGULAR[what] if more == 1 and what in _SINGULAR else what}" for what, more in left.items()]
    )
    names = [name for what in left for name in end.names.get(what, []) if name not in start.names.get(what, [])]
    text = f"{said} left behind when the run was over" + (f": {', '.join(names[:3])}" if names else "")
    if case.ended == FAULT:
        outcome.doubt(f"the run ended by a fault of its environment, and {text}: the harness's own, perhaps")
        return
    outcome.fail(
        text,
        case.evidence(start, f"at the start: {_listed(start)}"),
        case.evidence(end, f"at the end: {_listed(end)}"),
        advice="Fix: cancel timers, close sockets and await every task when the job ends",
    )


def _listed(census: Census) -> str:
    return ", ".join(f"{count} {what}" for what, count in census.counts.items())


LAW = Law(
    code="L12",
    word="clean-exit",
    title="Clean exit, results once",
    priority=16,
    judge=_judge,
    says="After completed one whole result reaches the app. It is asked for when the end is at the phone and not "
    "before, within 1 s of when the app has taken the end, and again only where a transfer broke, when the "
    "longest wait is over at the latest; a 410 is asked once; otherwise none is. Tasks, sockets, threads, "
    "processes and proxies are back to what they were.",
    breaks=(
        "Goroutines leak with each stream: growthbook/growthbook-golang PR 27, 28",
        "A retain cycle keeps the client alive: launchdarkly/swift-eventsource PR 40",
    ),
)
