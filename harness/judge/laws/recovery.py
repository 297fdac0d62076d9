"""L9, recovery: the app has caught up within R of the path's healing. Of several recoveries the slowest is told."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.explain.causes import HUNG_DIAL, hung_dial, hung_sentence, loss_cause, outage_cause
from harness.judge.facts.tries import begun, tries
from harness.judge.laws.findings import Law, LawFindings
from harness.judge.measures.outages import Outage, outages
from harness.judge.obligations.closings import closings
from harness.judge.obligations.questions import questions
from harness.judge.obligations.walk import walk
from harness.judge.verdict import Evidence


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    judged = (one for client in case.clients if client.reports for one in outages(client) if not one.spared)
    slowest = max((one.recovery for one in judged if one.recovery is not None), default=0.0)
    for client in case.clients:
        all_outages = outages(client)
        if not client.reports and not case.cut_short:
            outcome.skip("the client reports no callbacks")
        elif not all_outages:
            outcome.skip("no outage in this run")
        for outage in all_outages if client.reports else []:
            _of_lapse(client, outage, slowest, outcome)
    return outcome


def _of_lapse(client: ClientCase, outage: Outage, slowest: float, outcome: LawFindings) -> None:
    case = client.case
    if outage.spared:
        outcome.skip(outage.spared)
        return
    assert outage.healed is not None
    took, limit = outage.recovery, _limit(outage)
    doubt = case.doubtful(outage.allowance)
    if took is not None and took <= outage.allowance + case.slack and not doubt:
        outcome.hold(f"recovered in {phrases.duration(took)} (limit {limit})" if took == slowest else "")
    elif took is None and case.cut_short and case.end < outage.until + case.slack:
        outcome.doubt(f"the run was cut short at {phrases.moment(case.end)}, before R had passed")
    elif took is not None and doubt:
        outcome.doubt(doubt)
    elif not (missed := _missed(client, outage)):
        event = "the next event" if outage.first_due is None else f"what was due at {phrases.moment(outage.first_due)}"
        outcome.doubt(f"{LACKS}: {event} was not shown by {phrases.moment(outage.until)} (R {limit})")
    elif took is None:
        _never(client, outage, outcome, limit, missed)
    else:
        text = (
            f"the app caught up {phrases.duration(took)} after {_where(outage)} was usable at "
            f"{phrases.moment(outage.healed)} (limit {limit})"
        )
        hung = hung_dial(client, outage)
        text += f": {hung_sentence(client, hung)}" if hung is not None else f": {missed}"
        cause = HUNG_DIAL if hung is not None else "slow-recovery"
        outcome.fail(text, *_late(client, outage), advice=_ADVICE, cause=cause)


def _limit(outage: Outage) -> str:
    """Return R with its parts: ``33.2 s = plain wait (n 5) 30 s + handshake 2.2 s``."""
    parts = [f"{part.what} {phrases.limit(round(part.seconds, 1))}" for part in outage.parts if part.seconds >= _TOLD]
    whole = phrases.limit(round(outage.allowance, 1))
    return f"{whole} = {' + '.join(parts)}" if len(parts) > 1 else whole


def _never(client: ClientCase, outage: Outage, outcome: LawFindings, limit: str, missed: str) -> None:
    case = client.case
    assert outage.healed is not None
    truth = [event for event in client.truth.events if event.position > client.screen.newest]
    cause = outage_cause(client, outage)
    other = loss_cause(client, truth)
    text = f"the app had not caught up by {phrases.duration(case.end)}: {_where(outage)} was usable from "
    text += f"{phrases.moment(outage.healed)} on (limit {limit}): {missed}"
    root = other or cause
    outcome.fail(text, *cause.evidence, advice=root.advice, cause=root.key)


def _late(client: ClientCase, outage: Outage) -> list[Evidence]:
    case = client.case
    shown = [] if outage.deed is None else [case.evidence(outage.deed, f"{phrases.path(outage.struck)} broke")]
    during = [one for one in tries(client) if outage.began <= case.at(one.began_ns) <= (outage.caught_up or 0)]
    return shown + [begun(client, one) for one in during[-3:]]


def _missed(client: ClientCase, outage: Outage) -> str:
    """Return the first row that the client missed from the healing to R, in words; empty: it met all that are known.

    What stands for a policy that is declared as never counts too: a recovery waits for no such client.
    """
    assert outage.healed is not None
    case, since, until = client.case, outage.healed, outage.until
    due = [*closings(client), *questions(client)]
    found = [(one.high, one.sentence()) for one in due if since <= one.high <= until and one.late(case)]
    dial = walk(client).first_missed(since)
    if dial is not None and dial.window.high <= until:
        found.append((dial.window.high, dial.sentence(case)))
    return min(found, default=(0.0, ""))[1] or outage.missed


def _where(outage: Outage) -> str:
    return phrases.path(outage.path or outage.struck)


LACKS = "every row was met, and the table lacks one"
"""The beginning of the reason why a recovery is unknown: the fuzzer takes it for a failure of the table."""

_TOLD = 0.05
"""Seconds from which on a part of R is told."""

_ADVICE = "Fix: let a path signal cut the wait, bound each dial with a connect deadline, and cap the backoff"

LAW = Law(
    code="L9",
    word="recovery",
    title="Recovery within R of the path's healing",
    priority=13,
    judge=_judge,
    says="The app has caught up within R of the network being usable again. R is what a lawful client may need "
    "from where it really is then: the rest of a dial, a silence or a wait, one SYN retry, the handshake, and "
    "what the server asks of it on the way. Each interruption is judged by itself; where the next begins "
    "before R is over, nothing is owed. A failure names what was due by when, and its row (`harness help "
    "rows`); each part of R is printed with it.",
    breaks=(
        "A dial without a deadline hangs on the dead path, and nothing else is tried",
        "After sleep or a hidden tab it never returns: Azure/fetch-event-source 17, 55, 75",
    ),
)
