"""L16, fresh: what the app shows is never much older than the newest state that was certainly at its phone.

A second is allowed, besides what the app's own callbacks take, what a gap waits for, and sleep.
"""

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
    taken = [one for one in kept(client) if _streams_pass(client, one, usable)]
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


def _streams_pass(client: ClientCase, one: Kept, usable: list[tuple[float, float]]) -> bool:
    assert one.life.arrival is not None
    at = client.case.at(one.life.arrival.record.t_ns)
    return any(start <= at <= end for start, end in usable)


def _stale(client: ClientCase, worst: Kept, old: list[Kept], outcome: Outcome) -> None:
    case, life = client.case, worst.life
    assert life.arrival is not None
    since = phrases.moment(case.at(life.arrival.record.t_ns))
    shown = client.screen.newest_at(life.arrival.record.t_ns)
    had = f"event {shown[1]}" if shown[1] >= 0 else "nothing"
    until = "to the end" if worst.until_ns is None else f"until {phrases.moment(case.at(worst.until_ns))}"
    text = f"the app was left at {had} {until}, though event {life.event.index} had reached the phone at {since}"
    records = [one.life.arrival.record for one in old if one.life.arrival is not None]
    told = [case.evidence(one, f"id {one.id} at the phone; shown too late") for one in records[:SHOWN]]
    outcome.fail(text, *told, advice=ADVICE)


LAW = Law(code="L16", word="fresh", judge=_judge)
