"""Why a client lost what it lost: one root cause, so that its consequences are told once (the interface, "also")."""

import msgspec

from harness.history import Canary
from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.outages import Lapse, outages
from harness.judge.resumes import Resume, resumes
from harness.judge.truth import Event
from harness.judge.verdict import Evidence

WRONG_RESUME = "wrong-resume"
NEVER_NOTICED = "never-noticed"
NEVER_RECONNECTED = "never-reconnected"
NEVER_RECOVERED = "never-recovered"

RESUME_ADVICE = (
    "Fix: commit an id only at the blank line that completes its event, keep it across connections that yield nothing, "
    "and send it on every reconnection"
)


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A root cause: its key, the sentence a developer reads first, the records that show it, and what to do."""

    key: str
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    advice: str = ""


def loss_cause(client: ClientCase, events: list[Event]) -> Cause | None:
    """Return the root cause by which these events never reached the app; None where the records show none."""
    if not events:
        return None
    last = client.case.at(events[-1].actual_ns)
    for lapse in outages(client):
        if unrecovered(lapse) and lapse.began <= last:
            return outage_cause(client, lapse)
    after = events[0].actual_ns
    guilty = next((resume for resume in resumes(client) if not resume.right and resume.request.t_ns >= after), None)
    return None if guilty is None else resume_cause(client, guilty)


def repeat_cause(client: ClientCase, at_ns: int) -> Cause | None:
    """Return the wrong resumption that led to a repeat at this stamp; None where the last one was right."""
    before = [resume for resume in resumes(client) if resume.request.t_ns <= at_ns]
    return resume_cause(client, before[-1]) if before and not before[-1].right else None


def resume_cause(client: ClientCase, resume: Resume) -> Cause:
    """Return a wrong resumption as a cause."""
    header = f"Last-Event-ID: {resume.sent}" if resume.sent else "no Last-Event-ID"
    due = f", {resume.allowed[-1]} was due" if resume.allowed[-1] else ""
    shown = [client.case.evidence(resume.request, f"stream request with {header}{due}")]
    if resume.source is not None:
        shown.insert(0, client.case.evidence(resume.source, f"last id dispatched: {resume.source.id}"))
    return Cause(
        key=WRONG_RESUME, sentence=resume_sentence(client, resume), evidence=tuple(shown), advice=RESUME_ADVICE
    )


def resume_sentence(client: ClientCase, resume: Resume) -> str:
    """Return what was wrong with a request's ``Last-Event-ID``."""
    at = phrases.moment(client.case.at(resume.request.t_ns))
    which = "the first connection" if resume.first else "the reconnection"
    sent = f"sent Last-Event-ID {resume.sent}" if resume.sent else "sent no Last-Event-ID"
    wanted = resume.allowed[-1]
    if not wanted:
        return f"{which} at {at} {sent}, though no event had been dispatched"
    return f"{which} at {at} {sent}, the last one dispatched was {wanted}"


def unrecovered(lapse: Lapse) -> bool:
    """Whether the app never caught up after an outage that healed, though something was due."""
    return lapse.healed is not None and lapse.first_due is not None and lapse.caught_up is None


def outage_cause(client: ClientCase, lapse: Lapse) -> Cause:
    """Return what the client failed to do about an outage from which it never recovered."""
    case = client.case
    end = phrases.duration(case.end)
    name, since = phrases.path(lapse.struck), phrases.moment(lapse.began)
    if lapse.detected is None and lapse.silent:
        key = NEVER_NOTICED
        text = f"{client.called} never noticed that {name} was dead: silent since {since}, no reconnection by {end}"
    elif not lapse.attempts:
        key = NEVER_RECONNECTED
        text = f"{client.called} did not reconnect: {name} broke at {since}, no attempt by {end}"
    else:
        key = NEVER_RECOVERED
        tries = phrases.amount(lapse.attempts, "attempt")
        text = f"{client.called} never recovered: {name} broke at {since}, {tries} by {end} brought nothing new"
    return Cause(key=key, sentence=text, evidence=_outage_evidence(client, lapse), advice=_advice(client, key))


def _outage_evidence(client: ClientCase, lapse: Lapse) -> tuple[Evidence, ...]:
    case = client.case
    shown: list[Evidence] = []
    if lapse.deed is not None:
        plan = next((deed for deed in case.plan.deeds if deed.index == lapse.deed.deed), None)
        proof = next((c for c in case.history.all(Canary) if c.deed == lapse.deed.deed and c.met), None)
        text = f"{plan.actor} {plan.text}" if plan else "the fault"
        swallowed = _swallowed(client, lapse)
        detail = f"{swallowed:,} bytes never forwarded" if swallowed else proof.detail if proof else ""
        said = f" (fault proved{': ' + detail if detail else ''})" if proof else ""
        shown.append(msgspec.structs.replace(case.evidence(lapse.deed, text + said), lane="gate"))
    dispatched = [one for one in client.screen.shown if case.at(one.app.enter_ns) <= case.end and one.event]
    if dispatched:
        last = dispatched[-1].app
        share = f" ({last.progress:.0%})".replace("%", " %") if last.progress is not None else ""
        shown.append(case.evidence(last, f"last event dispatched, id {last.id}{share}", t_ns=last.enter_ns))
    return tuple(shown)


def _swallowed(client: ClientCase, lapse: Lapse) -> int:
    """Return how many bytes of this client the gate dropped from the fault on."""
    since = client.case.ns(lapse.began)
    return sum(chunk.length for chunk in client.chunks if chunk.fate == "dropped" and chunk.t_ns >= since)


def _advice(client: ClientCase, key: str) -> str:
    plan = client.case.plan
    watchdog, keepalive = plan.client.policies.watchdog, plan.server.keepalive
    if key == NEVER_NOTICED:
        above = f" above the {phrases.limit(keepalive)} keep-alive" if keepalive else ""
        if watchdog is None:
            return f"watchdog is `never`. Fix: a read deadline{above}"
        return f"the watchdog of {phrases.limit(watchdog)} never fired. Fix: a read deadline{above} on every read"
    if key == NEVER_RECONNECTED:
        return "Fix: treat every end of the stream before a terminal event as a reason to reconnect, with backoff"
    return "Fix: bound each dial with a connect deadline, and cap the backoff, so that a healed path is tried in time"
