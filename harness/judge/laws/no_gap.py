"""L2, no gap: each index is delivered, lawfully dropped, or covered by a snapshot the client was entitled to."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.causes import NEVER_NOTICED, Cause, loss_cause
from harness.judge.laws.outcome import Law, Outcome
from harness.judge.missing import lost, missing
from harness.judge.refusals import no_end_due
from harness.judge.truth import Event

MANY = 8
"""From so many events on, a sentence begins with their number."""


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        if not client.reports and not case.cut_short:
            outcome.skip("the client reports no callbacks")
        elif not client.truth.events:
            _no_truth(case, outcome)
        else:
            _of_client(client, outcome)
    return outcome


def _no_truth(case: Case, outcome: Outcome) -> None:
    outcome.doubt("the server emitted nothing" + (" before the run was cut short" if case.cut_short else ""))


def _of_client(client: ClientCase, outcome: Outcome) -> None:
    case, lacking = client.case, missing(client)
    for gap in lacking.unsignalled:
        at = phrases.moment(case.at(gap.t_ns))
        shown = case.evidence(gap, f"told the app of a gap: {gap.reason}")
        outcome.fail(f"{client.called} told the app of a gap at {at} that the server never signalled", shown)
    gone = lost(client)
    not_due = no_end_due(client)
    if gone and not_due and not client.screen.terminals:
        outcome.skip(not_due)
    elif gone:
        _lost(client, gone, outcome)
    elif lacking.events and not case.cut_short:
        outcome.skip(case.nobody)
    elif lacking.events:
        outcome.doubt(
            f"{phrases.amount(len(lacking.events), 'event')} had not arrived when the run was cut short at "
            f"{phrases.moment(case.end)}"
        )
    elif not lacking.unsignalled:
        outcome.hold()


def _lost(client: ClientCase, lost: list[Event], outcome: Outcome) -> None:
    case = client.case
    cause = loss_cause(client, lost)
    first, last = lost[0], lost[-1]
    evidence = [*(cause.evidence if cause else ())]
    evidence += [
        case.evidence(e.record, f"emitted {e.type}, id {e.id}; never delivered", t_ns=e.actual_ns)
        for e in (first, last)
    ]
    outcome.fail(
        _sentence(client, lost, cause),
        *evidence, advice=cause.advice if cause else "", cause=cause.key if cause else "",
    )  # fmt: skip


def _sentence(client: ClientCase, lost: list[Event], cause: Cause | None) -> str:
    case = client.case
    count = f"{phrases.amount(len(lost), 'event')} lost"
    if cause is not None and cause.key == NEVER_NOTICED:
        return count
    span = phrases.between(case.at(lost[0].actual_ns), case.at(lost[-1].actual_ns))
    text = f"{phrases.events([event.index for event in lost])} (emitted {span}) never arrived"
    if client.case.plan.client.count > 1:
        text += f" at {client.name}"
    if len(lost) >= MANY:
        text = f"{count}: {text}"
    return text + (f": {cause.sentence}" if cause else "")


LAW = Law(code="L2", word="no-gap", judge=_judge)
