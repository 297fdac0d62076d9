"""The cause of a client's losses: one root cause, so that its consequences are told once (behind the word "also")."""

import math
from collections import Counter
from collections.abc import Callable

import msgspec

from harness.history import Absorbed, App, Canary, Delivered
from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.facts.attempts import AttemptLife
from harness.judge.facts.giving_up import GAVE_UP, gave_up, giving_up_advice, giving_up_evidence, giving_up_text
from harness.judge.facts.lives import Queue
from harness.judge.facts.radio import Arrival, arrivals
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.resumes import ResumeRequest, resumes
from harness.judge.facts.snapshots import delivered_states
from harness.judge.facts.tries import begun, number_of, tries, unanswered_for
from harness.judge.facts.truth import EmittedEvent, Position
from harness.judge.measures.outages import Outage, outages
from harness.judge.verdict import Evidence

WRONG_RESUME = "wrong-resume"
NEVER_NOTICED = "never-noticed"
NEVER_RECONNECTED = "never-reconnected"
NEVER_RECOVERED = "never-recovered"
HUNG_DIAL = "hung-dial"
DEAF_TO_EPOCH = "deaf-to-epoch"
MISNUMBERED = "misnumbered"
SHORT_QUEUE = "short-queue"

OUTAGES = frozenset({GAVE_UP, NEVER_NOTICED, NEVER_RECONNECTED, NEVER_RECOVERED, HUNG_DIAL})
"""Causes that are what a client did about an outage."""

SHOWN_WITHIN = 1.0
"""Seconds from taking a snapshot's cursor to showing its state."""

LONGEST_DIAL = 10.0
"""Seconds after which a dial hangs, where no connect deadline is declared: the reference's."""

DIAL_ROUNDING = 1.0

MEANWHILE = 0.1
"""Seconds in which a client that gives up upon a fault may have done so before the fault's own record."""

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


def loss_cause(client: ClientCase, events: list[EmittedEvent]) -> Cause | None:
    """Return the root cause by which these events never reached the app; None where the records show none."""
    if not events:
        return None
    deaf = _epoch_cause(client, events)
    if deaf is not None:
        return deaf
    last = client.case.at(events[-1].actual_ns)
    app = gave_up(client)
    if app is not None and app.enter_ns <= events[-1].actual_ns:
        return _gave_up_cause(client, app)
    for outage in outages(client):
        if unrecovered(outage) and outage.began <= last:
            return outage_cause(client, outage)
    after = events[0].actual_ns
    guilty = next((resume for resume in resumes(client) if not resume.right and resume.request.t_ns >= after), None)
    return None if guilty is None else resume_cause(client, guilty)


def unshown_cause(client: ClientCase, events: list[EmittedEvent]) -> Cause | None:
    """Return why events that had reached the phone were kept from the app; None where the records show no reason."""
    return _epoch_cause(client, events) or _numbering_cause(client, events) or _queue_cause(client, events)


def _queue_cause(client: ClientCase, events: list[EmittedEvent]) -> Cause | None:
    """Return that an update gave way behind a callback to fewer newer ones than may wait, where one did."""
    queue, case = client.once(Queue), client.case
    came = {one.event.position: one for one in reversed(arrivals(client))}
    for event in events:
        arrival = came.get(event.position)
        newer = queue.newer(event, arrival.record.t_ns) if arrival is not None else None
        if arrival is None or newer is None:
            continue
        room = "is unbounded" if queue.room == math.inf else f"has room for {phrases.amount(int(queue.room), 'update')}"
        return Cause(
            key=SHORT_QUEUE,
            sentence=f"event {event.index} waited behind a callback and gave way to {newer} newer; its queue {room}",
            evidence=(case.evidence(arrival.record, f"{event.named} at the phone, behind a callback"),),
            advice="Fix: let as many updates wait as there is room for, to the end; one more pushes out the oldest",
        )
    return None


def _gave_up_cause(client: ClientCase, app: App) -> Cause:
    return Cause(
        key=GAVE_UP,
        sentence=giving_up_text(client, app),
        evidence=giving_up_evidence(client, app),
        advice=giving_up_advice(client, app),
    )


def _numbering_cause(client: ClientCase, events: list[EmittedEvent]) -> Cause | None:
    """Return that the client says of events that they repeat one that had come once only: it gave them that one's id.

    The events had reached its phone and were not shown, by the facts; only how that came is the client's own word.
    """
    case = client.case
    taken: dict[str, list[Absorbed]] = {}
    for one in client.said(Absorbed):
        if one.why == "repeat":
            taken.setdefault(one.id, []).append(one)
    came = Counter(arrival.record.id for arrival in arrivals(client))
    of, repeats = max(taken.items(), key=lambda one: len(one[1]), default=("", []))
    if len(repeats) < max(2, came[of] + 1) or len(events) < 2:
        return None
    count, at = phrases.amount(len(repeats), "event"), phrases.moment(case.at(repeats[0].t_ns))
    return Cause(
        key=MISNUMBERED,
        sentence=f"{client.called} says that it took {count} for repeats of {of} at {at}: it had given them that id",
        evidence=tuple(case.evidence(one, f"says that {of} is a repeat") for one in repeats[:2]),
        advice="Fix: hand each event on with the id that the buffer had at its own blank line, not at the read's end",
    )


def _epoch_cause(client: ClientCase, events: list[EmittedEvent]) -> Cause | None:
    """Return that a client kept those events of a new epoch from its app whose numbers it had shown in an older one.

    Who takes the ids of two epochs for one numbering shows none of them; who showed one has another fault.
    """
    if not any(event.position[0] > 0 for event in events):
        return None
    case = client.case
    before = _highest_before(client)
    kept = [one for one in _kept(client) if one.event.position[1] <= before(one.event.position[0])]
    if not kept:
        return None
    first, last = kept[0].event, max(one.event.position for one in kept)
    if any((first.position[0], 0) <= position <= last for position in client.screen.delivered):
        return None
    epoch = client.truth.epoch(first.position)
    began = next((record for record in client.truth.epochs if record.epoch == epoch), None)
    shown = [] if began is None else [case.evidence(began, f"the server lost its log: epoch {epoch} begins")]
    shown += [case.evidence(one.record, f"{one.event.named} at the phone; never shown") for one in kept[:2]]
    said = sum(
        one.why == "repeat" and one.id in {arrival.event.id for arrival in kept} for one in client.said(Absorbed)
    )
    word = f"; the client says that {said} of them are repeats" if said else ""
    count, at = phrases.amount(len(kept), "event"), phrases.moment(case.at(kept[0].record.t_ns))
    return Cause(
        key=DEAF_TO_EPOCH,
        sentence=f"{client.called} showed none of {count} of the server's new epoch from {at} on, whose numbers it had "
        f"shown in the old one{word}",
        evidence=tuple(shown),
        advice="Fix: compare ids within one epoch only; an id of another epoch begins a new numbering",
    )


def _kept(client: ClientCase) -> list[Arrival]:
    """Return the first certain arrival of each event that the app was never shown."""
    reading, shown = client.once(ReadMarks), client.screen.delivered
    found: dict[Position, Arrival] = {}
    for one in arrivals(client):
        if one.event.position not in shown and reading.read_ns(one.record) is not None:
            found.setdefault(one.event.position, one)
    return list(found.values())


def _highest_before(client: ClientCase) -> Callable[[int], int]:
    """Return what tells the highest number that the app was shown of any epoch before one; -1 for none."""
    highest: dict[int, int] = {}
    for epoch, index in client.screen.delivered:
        highest[epoch] = max(index, highest.get(epoch, -1))
    return lambda epoch: max((index for other, index in highest.items() if other < epoch), default=-1)


def stood_still(client: ClientCase) -> str:
    """Return that a client read a status answer of a new epoch and kept it from the app; empty where none did."""
    case, screen = client.case, client.screen
    for state in delivered_states(client):
        by_ns = case.end_ns if state.known_ns is None else state.known_ns + round(SHOWN_WITHIN * 1e9)
        if by_ns >= case.end_ns or state.position[0] <= screen.newest_at(by_ns)[0]:
            continue
        later = next((at_ns for at_ns, shown in screen.advances if shown >= state.position), None)
        until = "to the end" if later is None else f"until {phrases.moment(case.at(later))}"
        at, epoch = phrases.moment(case.at(state.at_ns)), client.truth.epoch(state.position)
        return (
            f"{client.called} was answered {state.id} of the server's new epoch {epoch} at {at}, and showed nothing "
            f"of that epoch {until}"
        )
    return ""


def repeat_cause(client: ClientCase, at_ns: int) -> Cause | None:
    """Return the wrong resumption that led to a repeat at this stamp; None where the last one was right."""
    before = [resume for resume in resumes(client) if resume.request.t_ns <= at_ns]
    return resume_cause(client, before[-1]) if before and not before[-1].right else None


def resume_cause(client: ClientCase, resume: ResumeRequest) -> Cause:
    """Return a wrong resumption as a cause."""
    header = f"Last-Event-ID: {resume.sent}" if resume.sent else "no Last-Event-ID"
    due = f", {resume.allowed[-1]} was due" if resume.allowed[-1] else ""
    shown = [client.case.evidence(resume.request, f"stream request with {header}{due}")]
    if isinstance(resume.source, Delivered):
        shown.insert(0, client.case.evidence(resume.source, f"last id dispatched: {resume.source.id}"))
    elif resume.source is not None:
        shown.insert(0, client.case.evidence(resume.source, f"a status answer with the id {resume.allowed[-1]}"))
    if resume.refused is not None and resume.refused.answer is not None:
        answer = resume.refused.answer
        shown.insert(0, client.case.evidence(answer, f"its cursor was refused: {answer.status}"))
    return Cause(
        key=WRONG_RESUME, sentence=resume_sentence(client, resume), evidence=tuple(shown), advice=RESUME_ADVICE
    )


def resume_sentence(client: ClientCase, resume: ResumeRequest) -> str:
    """Return what was wrong with a request's ``Last-Event-ID``, and what may have led to it."""
    at = phrases.moment(client.case.at(resume.request.t_ns))
    which = "the first connection" if resume.first else "the reconnection"
    sent = f"sent Last-Event-ID {resume.sent}" if resume.sent else "sent no Last-Event-ID"
    wanted = resume.allowed[-1]
    if resume.refused is not None and resume.refused.answer is not None and wanted:
        answer = resume.refused.answer
        refused = f"the server refused its cursor at {phrases.moment(client.case.at(answer.t_ns))} ({answer.status})"
        return f"{which} at {at} {sent}, though {refused} and a status answer had given {wanted}"
    if not wanted:
        return f"{which} at {at} {sent}, though no event had been dispatched"
    return f"{which} at {at} {sent}, the last one dispatched was {wanted}{_occasion(client, resume)}"


def _occasion(client: ClientCase, resume: ResumeRequest) -> str:
    """Return how the id was lost or came too early, where what was asked before tells it."""
    sent, wanted = client.truth.known(resume.sent), client.truth.known(resume.allowed[-1])
    if sent is not None and wanted is not None and client.truth.after(wanted.position) is sent:
        return f": {resume.sent} was never completed by a blank line"
    earlier = [one for one in resumes(client) if one.request.seq < resume.request.seq and one.allowed[-1]]
    if resume.sent or not any(one.sent for one in earlier):
        every = [one for one in resumes(client) if not one.first]
        return ": no reconnection carried any" if len(every) > 1 and not any(one.sent for one in every) else ""
    brought = any(earlier[-1].request.seq < one.seq < resume.request.seq and one.event for one in client.delivered)
    return "" if brought else ": it was forgotten after a stream that brought no event"


def unrecovered(outage: Outage) -> bool:
    """Return whether the app never caught up after an outage that healed, though something was due."""
    return outage.healed is not None and outage.first_due is not None and outage.caught_up is None


def outage_cause(client: ClientCase, outage: Outage) -> Cause:
    """Return what the client failed to do about an outage from which it never recovered."""
    case = client.case
    app = gave_up(client)
    if app is not None and outage.began <= case.at(app.enter_ns) + MEANWHILE:
        cause = _gave_up_cause(client, app)
        return msgspec.structs.replace(cause, evidence=(*_outage_evidence(client, outage)[:1], *cause.evidence))
    end = phrases.duration(case.end)
    name, since = phrases.path(outage.struck), phrases.moment(outage.began)
    boxed = outage.struck not in case.plan.paths
    hung = hung_dial(client, outage)
    if outage.detected is None and outage.silent:
        key = NEVER_NOTICED
        what = f"{name} let no event through" if boxed else f"{name} was dead"
        text = f"{client.called} never noticed that {what}: silent since {since}, no reconnection by {end}"
    elif hung is not None:
        key, text = HUNG_DIAL, f"{client.called} never recovered: {hung_sentence(client, hung)}"
    elif not outage.attempts:
        key = NEVER_RECONNECTED
        what = f"{name} stopped the stream" if boxed else f"{name} broke"
        text = f"{client.called} did not reconnect: {what} at {since}, no attempt by {end}"
    else:
        key = NEVER_RECOVERED
        tries = phrases.amount(outage.attempts, "attempt")
        what = f"{name} stopped the stream" if boxed else f"{name} broke"
        text = f"{client.called} never recovered: {what} at {since}, {tries} by {end} brought nothing new"
    evidence = _outage_evidence(client, outage)
    if key == HUNG_DIAL and hung is not None:
        evidence += (begun(client, hung),)
    return Cause(key=key, sentence=text, evidence=evidence, advice=_advice(client, key))


def hung_dial(client: ClientCase, outage: Outage) -> AttemptLife | None:
    """Return the last attempt of an outage that waited for an answer beyond any connect deadline; None without one."""
    timeout = client.case.plan.client.policies.connect_timeout or LONGEST_DIAL
    until = client.case.end if outage.caught_up is None else outage.caught_up
    for one in reversed(tries(client)):
        inside = outage.began <= client.case.at(one.began_ns) <= until
        if inside and unanswered_for(client, one) > timeout + DIAL_ROUNDING + client.case.slack:
            return one
    return None


def hung_sentence(client: ClientCase, hung: AttemptLife) -> str:
    """Return how long an attempt hung."""
    timeout = client.case.plan.client.policies.connect_timeout
    limit = "no connect deadline" if timeout is None else f"connect deadline {phrases.limit(timeout)}"
    at, lasted = phrases.moment(client.case.at(hung.began_ns)), phrases.duration(unanswered_for(client, hung))
    return f"attempt {number_of(client, hung)}, begun at {at}, hung for {lasted} ({limit})"


def _outage_evidence(client: ClientCase, outage: Outage) -> tuple[Evidence, ...]:
    case = client.case
    shown: list[Evidence] = []
    if outage.deed is not None:
        plan = next((deed for deed in case.plan.deeds if deed.index == outage.deed.deed), None)
        proof = next((c for c in case.history.all(Canary) if c.deed == outage.deed.deed and c.met), None)
        text = f"{plan.actor} {plan.text}" if plan else "the fault"
        swallowed = _swallowed(client, outage)
        detail = f"{swallowed:,} bytes never forwarded" if swallowed else proof.detail if proof else ""
        said = f" (fault proved{': ' + detail if detail else ''})" if proof else ""
        shown.append(msgspec.structs.replace(case.evidence(outage.deed, text + said), lane="gate"))
    dispatched = [one for one in client.screen.shown if case.at(one.app.enter_ns) <= case.end and one.event]
    if dispatched:
        last = dispatched[-1].app
        share = f" ({last.progress:.0%})".replace("%", " %") if last.progress is not None else ""
        shown.append(case.evidence(last, f"last event dispatched, id {last.id}{share}", t_ns=last.enter_ns))
    return tuple(shown)


def _swallowed(client: ClientCase, outage: Outage) -> int:
    """Return how many bytes of this client the gate dropped from the fault on."""
    since = client.case.ns(outage.began)
    return sum(chunk.length for chunk in client.chunks if chunk.fate == "dropped" and chunk.t_ns >= since)


def _advice(client: ClientCase, key: str) -> str:
    plan = client.case.plan
    watchdog, keepalive = plan.client.policies.watchdog, plan.server.keepalive
    if key == NEVER_NOTICED:
        above = f" above the {phrases.limit(keepalive)} keep-alive" if keepalive else ""
        if watchdog is None:
            return f"watchdog is `never`. Fix: a read deadline{above}"
        return f"the watchdog of {phrases.limit(watchdog)} never fired. Fix: a read deadline{above} on every read"
    if key == HUNG_DIAL:
        return "Fix: bound each dial with a connect deadline, and let a path signal drop one that hangs"
    if key == NEVER_RECONNECTED:
        return "Fix: treat every end of the stream before a terminal event as a reason to reconnect, with backoff"
    return "Fix: bound each dial with a connect deadline, and cap the backoff, so that a healed path is tried in time"
