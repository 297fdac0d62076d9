"""L16, fresh: what the app shows is never much older than the newest state that was certainly at its phone.

1. A state is an event that a stream brought while streams could pass, or what a status answer told, whenever.
2. That state, or a later one, is shown within a second, besides what the app's own callbacks take, what a gap waits
   for, and sleep.
"""

from harness.history import Body
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.lives import SOON
from harness.judge.facts.shares import Kept, kept
from harness.judge.laws.outcome import SHOWN, Law, Outcome
from harness.judge.sky import Sky

ADVICE = "Fix: hand each event on as its blank line comes, on a new connection too; keep no newer state back"


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        if client.reports:
            _of_client(client, outcome)
        elif case.cut_short:
            outcome.doubt("the client reported nothing before the run was cut short")
        else:
            outcome.skip("the client reports no callbacks")
    return outcome


def _of_client(client: ClientCase, outcome: Outcome) -> None:
    case, usable = client.case, client.once(Sky).usable_stretches()
    taken = [one for one in kept(client) if _asked_of(client, one, usable)]
    if not taken:
        outcome.skip("nothing was certainly at the phone while streams could pass")
        return
    doubt = case.doubtful(SOON)
    if doubt:
        outcome.doubt(doubt)
        return
    old = [one for one in taken if one.seconds > SOON + case.slack]
    if old:
        _stale(client, max(old, key=lambda one: one.seconds), old, outcome)
    else:
        outcome.hold()


def _asked_of(client: ClientCase, one: Kept, usable: list[tuple[float, float]]) -> bool:
    """Return whether a state counts: told by a status answer, or brought by a stream while streams could pass."""
    at = client.case.at(one.record.t_ns)
    return isinstance(one.record, Body) or any(start <= at <= end for start, end in usable)


def _stale(client: ClientCase, worst: Kept, old: list[Kept], outcome: Outcome) -> None:
    case = client.case
    since = phrases.moment(case.at(worst.record.t_ns))
    shown = client.screen.newest_at(worst.record.t_ns)
    had = f"event {shown[1]}" if shown[1] >= 0 else "nothing"
    until = "to the end" if worst.until_ns is None else f"until {phrases.moment(case.at(worst.until_ns))}"
    came = f"event {worst.event.index} had reached the phone"
    if isinstance(worst.record, Body):
        came = f"a status answer had told it event {worst.event.index}"
    told = [case.evidence(one.record, f"id {one.event.id} {_came(one)}; shown too late") for one in old[:SHOWN]]
    outcome.fail(f"the app was left at {had} {until}, though {came} at {since}", *told, advice=ADVICE)


def _came(one: Kept) -> str:
    return "in a status answer" if isinstance(one.record, Body) else "at the phone"


LAW = Law(code="L16", word="fresh", judge=_judge)
