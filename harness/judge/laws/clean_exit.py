"""L12, clean exit: the results once and whole, and nothing of the run left alive in the process."""

from itertools import pairwise

from harness.history import Census, Request, Results
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.laws.outcome import Law, Outcome
from harness.judge.refusals import no_results_due

EXPIRED = 410
FAULT = "fault"  # End.reason: a call to a wedged Toxiproxy, for one, leaves its thread and its socket

_SINGULAR = {"tasks": "task", "sockets": "socket", "threads": "thread", "processes": "process", "proxies": "proxy"}


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        _results(client, outcome)
    _census(case, outcome)
    return outcome


def _results(client: ClientCase, outcome: Outcome) -> None:
    asked = [request for request in client.requests if request.what == "results"]
    told = [shown for shown in client.screen.terminals if shown.app.callback == "completed"]
    before = len(outcome.findings)
    if not told or not client.case.plan.client.policies.fetches_results:
        _unasked(client, asked, outcome)
    elif not client.results and not asked:
        _missing(client, outcome, "were never asked for")
    else:
        _transfers(client, asked, outcome)
    if len(outcome.findings) == before:
        outcome.hold()


def _unasked(client: ClientCase, asked: list[Request], outcome: Outcome) -> None:
    if asked:
        at = phrases.moment(client.case.at(asked[0].t_ns))
        shown = [client.case.evidence(request, "results asked for") for request in asked]
        outcome.fail(f"{client.called} asked for results at {at} that it had no reason to fetch", *shown)


def _missing(client: ClientCase, outcome: Outcome, how: str) -> None:
    case = client.case
    if case.cut_short:
        outcome.doubt(f"the results had not come when the run was cut short at {phrases.moment(case.end)}")
        return
    completed = next(shown.app for shown in client.screen.terminals if shown.app.callback == "completed")
    outcome.fail(
        f"the job completed, but its results {how}",
        case.evidence(completed, "on_completed", t_ns=completed.enter_ns),
        *[case.evidence(one, _said(one)) for one in client.results],
        advice="Fix: fetch the results after completed, again only when a transfer broke",
    )


def _transfers(client: ClientCase, asked: list[Request], outcome: Outcome) -> None:
    whole = [one for one in client.results if one.whole]
    expired = [one for one in client.results if one.status == EXPIRED]
    shown = [client.case.evidence(request, "results asked for") for request in asked]
    shown += [client.case.evidence(one, _said(one)) for one in client.results]
    if expired and len(asked) > 1:
        outcome.fail(f"the results had expired (410), and were asked for {len(asked)} times", *shown)
    elif not whole and not expired and no_results_due(client):
        outcome.skip("the results were refused for good")
    elif not whole and not expired:
        _missing(client, outcome, "never came whole")
    elif len(whole) > 1 or _after(asked, whole):
        count = max(len(whole), len(asked))
        outcome.fail(f"the results were fetched {count} times, though the first transfer that counts was whole", *shown)
    elif _at_once(client, asked):
        outcome.fail("the results were asked for again while a transfer was under way", *shown)


def _after(asked: list[Request], whole: list[Results]) -> bool:
    """Whether a request began after a whole result had come."""
    return bool(whole) and any(request.seq > whole[0].seq for request in asked)


def _at_once(client: ClientCase, asked: list[Request]) -> bool:
    """Whether a request began before the one before it had ended: with its record, or with its connection."""
    closed = {end.cid: end.seq for end in reversed(client.conn_ends)}
    for earlier, later in pairwise(asked):
        ended = any(earlier.seq < one.seq < later.seq for one in client.results)
        if not ended and closed.get(earlier.cid, later.seq) >= later.seq:
            return True
    return False


def _said(results: Results) -> str:
    how = "whole" if results.whole else "broken"
    return f"results: {results.status or 'no answer'}, {results.length} bytes, {how}" + (
        f" ({results.detail})" if results.detail else ""
    )


def _census(case: Case, outcome: Outcome) -> None:
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


LAW = Law(code="L12", word="clean-exit", judge=_judge)
