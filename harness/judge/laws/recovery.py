"""L9, recovery: the app has caught up within R of the path's healing."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.causes import HUNG_DIAL, hung_dial, hung_sentence, loss_cause, outage_cause
from harness.judge.facts.tries import begun, tries
from harness.judge.laws.outcome import Law, Outcome
from harness.judge.obligations.missed import first_missed
from harness.judge.outages import Lapse, outages
from harness.judge.verdict import Evidence


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        lapses = outages(client)
        if not client.reports and not case.cut_short:
            outcome.skip("the client reports no callbacks")
        elif not lapses:
            outcome.skip("no outage in this run")
        for lapse in lapses if client.reports else []:
            _of_lapse(client, lapse, outcome)
    return outcome


def _of_lapse(client: ClientCase, lapse: Lapse, outcome: Outcome) -> None:
    case = client.case
    limit = phrases.limit(round(lapse.allowance, 1))
    if lapse.spared:
        outcome.skip(lapse.spared)
        return
    assert lapse.healed is not None
    doubt = case.doubtful(lapse.allowance)
    if lapse.recovery is None:
        _never(client, lapse, outcome, limit)
    elif doubt:
        outcome.doubt(doubt)
    elif lapse.recovery <= lapse.allowance:
        outcome.hold(f"recovered in {phrases.duration(lapse.recovery)} (limit {limit})")
    elif lapse.recovery <= lapse.allowance + case.slack:
        outcome.hold(f"recovered in {phrases.duration(lapse.recovery)} (limit {limit}, and the host's own lag)")
    else:
        text = (
            f"the app caught up {phrases.duration(lapse.recovery)} after {_where(lapse)} was usable at "
            f"{phrases.moment(lapse.healed)} (limit {limit})"
        )
        hung = hung_dial(client, lapse)
        text += f": {hung_sentence(client, hung)}" if hung is not None else _missed(client, lapse.healed)
        cause = HUNG_DIAL if hung is not None else "slow-recovery"
        outcome.fail(text, *_late(client, lapse), advice=_ADVICE, cause=cause)


def _never(client: ClientCase, lapse: Lapse, outcome: Outcome, limit: str) -> None:
    case = client.case
    assert lapse.healed is not None
    if case.cut_short and case.end < lapse.healed + lapse.allowance + case.slack:
        outcome.doubt(f"the run was cut short at {phrases.moment(case.end)}, before R had passed")
        return
    truth = [event for event in client.truth.events if event.position > client.screen.newest]
    cause = outage_cause(client, lapse)
    other = loss_cause(client, truth)
    text = f"the app had not caught up by {phrases.duration(case.end)}: {_where(lapse)} was usable from "
    text += f"{phrases.moment(lapse.healed)} on (limit {limit}){_missed(client, lapse.healed)}"
    outcome.fail(text, *cause.evidence, advice=cause.advice, cause=other.key if other else cause.key)


def _late(client: ClientCase, lapse: Lapse) -> list[Evidence]:
    case = client.case
    shown = [] if lapse.deed is None else [case.evidence(lapse.deed, f"{phrases.path(lapse.struck)} broke")]
    during = [one for one in tries(client) if lapse.began <= case.at(one.began_ns) <= (lapse.caught_up or 0)]
    return shown + [begun(client, one) for one in during[-3:]]


def _missed(client: ClientCase, healed: float) -> str:
    """Return the first row that the client missed from the healing on, to be put behind a sentence; empty if none."""
    missed = first_missed(client, healed)
    return f": {missed}" if missed else ""


def _where(lapse: Lapse) -> str:
    return phrases.path(lapse.path or lapse.struck)


_ADVICE = "Fix: let a path signal cut the wait, bound each dial with a connect deadline, and cap the backoff"

LAW = Law(code="L9", word="recovery", judge=_judge)
