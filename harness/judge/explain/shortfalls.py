"""The reason why an expectation was not met: what the client did or left undone, and the records that show it.

Laws explain themselves; a bound of a scenario is a figure. Here the figure gets its story, told from the facts that it
was counted from. Two figures of one story have one ``key``, so that it is told once.
"""

from collections.abc import Callable, Mapping, Sequence

from harness.history import Dial, Request
from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.explain.causes import (
    HUNG_DIAL,
    Cause,
    hung_dial,
    hung_sentence,
    loss_cause,
    outage_cause,
    stood_still,
    unrecovered,
)
from harness.judge.facts.lives import Life, lives
from harness.judge.facts.polling import POLLING, askings
from harness.judge.facts.tries import begun, followed_from, number_of, tries
from harness.judge.measures.counts import reconnected, wasted
from harness.judge.measures.latency import samples
from harness.judge.measures.outages import Outage, outages
from harness.judge.percentiles import LOST
from harness.judge.verdict import Evidence
from harness.scenario.model import Expectation

HELD_BACK = "held-back"
LATE_DIAL = "late-dial"
NO_FALLBACK = "no-fallback"
NO_RETURN = "no-return"

SITS_ON = 0.5
"""Seconds from the phone's socket to the app from which on the client itself is what kept an event back."""

RECORDS = 4
"""Records of one story; the deed, or the end that they follow from, comes on top."""

_HAND_ON = "Fix: hand an event on at its blank line; wait neither for the next event nor for a full buffer"
_SOONER = "Fix: cap the backoff, and let a signal of the path end the wait, so that a healed path is tried in time"
_FALL_BACK = "Fix: after some streams that brought no event, poll the job's status until a stream brings one again"
_RETURN = "Fix: while polling, try the stream again every `retry stream`, and return to it at its first byte"

_LATE = frozenset({"recovery", "detection", "staleness", "terminal"})
"""Metrics that grow while the app is kept from what is new."""

Story = Callable[[ClientCase, Expectation], Cause | None]


def shortfall(client: ClientCase, expectation: Expectation) -> Cause | None:
    """Return why this client missed a bound; None where the figure says all that there is."""
    still = stood_still(client) if expectation.metric in _LATE else ""
    if still:
        return Cause(key="stood-still", sentence=still)
    story = _STORIES.get(expectation.metric)
    return None if story is None else story(client, expectation)


def _terminal(client: ClientCase, _expectation: Expectation) -> Cause | None:
    """Explain the end of the job: kept from the app, late on the way, or never asked for."""
    life = _end(client)
    if life is None:
        return None
    held = _held_back(client, life)
    if held is not None:
        return held
    if life.shown is None:
        return loss_cause(client, [life.event])
    return next((cause for outage in reversed(outages(client)) if (cause := _late(client, outage)) is not None), None)


def _end(client: ClientCase) -> Life | None:
    return next((life for life in reversed(lives(client)) if life.event.terminal), None)


def _held_back(client: ClientCase, life: Life) -> Cause | None:
    """Return that an event lay at the phone's socket before it was shown, if it did."""
    case = client.case
    if life.arrival is None:
        return None
    came_ns = life.arrival.record.t_ns
    shown_ns = case.end_ns if life.shown is None else life.shown.enter_ns
    handler = case.plan.client.policies.handler_takes
    if (shown_ns - came_ns) / 1e9 <= SITS_ON + case.slack + handler * ((case.plan.client.policies.queue or 0) + 1):
        return None
    came, name = phrases.moment(case.at(came_ns)), life.event.type
    until = "never shown" if life.shown is None else f"shown only at {phrases.moment(case.at(shown_ns))}"
    shown = [case.evidence(life.arrival.record, f"{life.event.named} ({name}) at the phone")]
    during = [one for one in tries(client) if came_ns < one.began_ns < shown_ns]
    shown += [begun(client, one) for one in during[: RECORDS - 2]]
    if life.shown is not None:
        text = f"on_{life.shown.callback}, id {life.shown.id or 'none'}"
        shown.append(case.evidence(life.shown, text, t_ns=life.shown.enter_ns))
    return Cause(
        key=HELD_BACK,
        sentence=f"{name} reached the phone at {came} and was {until}",
        evidence=tuple(shown),
        advice=_HAND_ON,
    )


def _recovery(client: ClientCase, _expectation: Expectation) -> Cause | None:
    """Explain the worst outage: one that was never recovered from, or the step that took so long."""
    found = [outage for outage in outages(client) if outage.healed is not None and not outage.spared]
    lost = next((outage for outage in found if unrecovered(outage)), None)
    if lost is not None:
        return outage_cause(client, lost)
    worst = max(found, key=lambda outage: outage.recovery or 0.0, default=None)
    return None if worst is None else _late(client, worst)


def _late(client: ClientCase, outage: Outage) -> Cause | None:
    """Return what a recovery waited for: a dial that hung, or one that came late."""
    case, healed = client.case, outage.healed
    if healed is None or outage.caught_up is None:
        return None
    during = [one for one in tries(client) if outage.began <= case.at(one.began_ns) <= outage.caught_up]
    hung = hung_dial(client, outage)
    if hung is not None:
        shown = [begun(client, one) for one in (hung, *(one for one in during if one.began_ns > hung.began_ns))][:3]
        advice = "Fix: bound each dial with a connect deadline, and let a path signal drop one that hangs"
        return Cause(key=HUNG_DIAL, sentence=hung_sentence(client, hung), evidence=tuple(shown), advice=advice)
    later = next((one for one in during if case.at(one.began_ns) >= healed), None)
    if later is None:
        return None
    wait = case.at(later.began_ns) - healed
    shown = [begun(client, one) for one in during[-RECORDS:]]
    if wait < 0.5 * (outage.recovery or 0.0):
        dialled, caught_up = phrases.moment(case.at(later.began_ns)), phrases.moment(outage.caught_up)
        text = f"the client dialled at {dialled}, and had caught up at {caught_up}"
        return Cause(key="slow-return", sentence=text, evidence=tuple(shown))
    name, since = phrases.path(outage.struck), phrases.moment(healed)
    text = f"{name} was usable from {since} on, and the client tried again only {phrases.duration(wait)} later"
    return Cause(key=LATE_DIAL, sentence=text, evidence=tuple(shown), advice=_SOONER)


def _attempts(client: ClientCase, expectation: Expectation) -> Cause | None:
    """Dials of the stream beyond what was allowed, and what each followed from."""
    beyond = tries(client)[1 + int(expectation.limit) :]
    if not beyond or expectation.sort == "at least":
        return None
    first, life = beyond[0], _end(client)
    if life is not None and life.arrival is not None and life.arrival.record.t_ns < first.began_ns:
        held = _held_back(client, life)
        if held is not None:
            return held
    at, number = phrases.moment(client.case.at(first.began_ns)), number_of(client, first)
    return Cause(
        key="dialled-again",
        sentence=f"the first too many, attempt {number}, began at {at}; {followed_from(client, first)}",
        evidence=tuple(begun(client, one) for one in beyond[:RECORDS]),
    )


def _reconnections(client: ClientCase, expectation: Expectation) -> Cause | None:
    """Streams that opened again beyond what was allowed; or, where too few did, what the last requests met."""
    opened, asked = reconnected(client), client.streams
    if len(opened) > expectation.limit:
        beyond = opened[int(expectation.limit) :]
        at = phrases.moment(client.case.at(beyond[0].t_ns))
        text, shown = f"the first too many was at {at}", _asked(client, beyond[:RECORDS])
    elif asked:
        at, shown = phrases.moment(client.case.at(asked[-1].t_ns)), _asked(client, asked[-RECORDS:])
        text = f"the last stream request was at {at}"
    else:
        return None
    return Cause(key="reconnections", sentence=text, evidence=tuple(shown))


def _wasted(client: ClientCase, expectation: Expectation) -> Cause | None:
    """Attempts that brought no event, beyond what was allowed."""
    beyond = wasted(client)[int(expectation.limit) :]
    if not beyond or expectation.sort == "at least":
        return None
    case, shown = client.case, []
    for one in beyond[:RECORDS]:
        shown += [case.evidence(one, f"dial: {one.fate}")] if isinstance(one, Dial) else _asked(client, [one])
    at = phrases.moment(case.at(beyond[0].t_ns))
    return Cause(key="wasted", sentence=f"the first too many was at {at}", evidence=tuple(shown))


def _fallback(client: ClientCase, _expectation: Expectation) -> Cause | None:
    """Streams that brought nothing, and no status request that they allowed, or a late one, after them."""
    case = client.case
    polls = _polls(client)
    until = polls[0].t_ns if polls else case.end_ns
    vain = [one for one in client.streams if one.t_ns < until and not _brought(client, one)]
    if not vain:
        return None
    other = next((request for request in client.requests if request.what == "poll"), None)
    if polls:
        last = f"the first poll was at {phrases.moment(case.at(until))}"
    elif other is not None:
        asked = phrases.moment(case.at(other.t_ns))
        last = f"the status was asked for at {asked}, too soon or for another reason"
    else:
        last = "no status request followed"
    count, at = phrases.amount(len(vain), "stream request"), phrases.moment(case.at(vain[0].t_ns))
    return Cause(
        key=NO_FALLBACK,
        sentence=f"{count} had brought no event, from {at} on, and {last}",
        evidence=tuple(_asked(client, vain[:RECORDS])),
        advice=_FALL_BACK,
    )


def _polls(client: ClientCase) -> list[Request]:
    """Return the status requests of a client that lives by polling, in order."""
    return [asking.life.request for asking in askings(client) if asking.why == POLLING]


def _restored(client: ClientCase, expectation: Expectation) -> Cause | None:
    """A client that polls on. A client that never polled has nothing to return from."""
    case = client.case
    polls = _polls(client)
    if not polls:
        return _fallback(client, expectation)
    tried = [one for one in client.streams if one.t_ns > polls[0].t_ns]
    streams = "never asked for the stream again" if not tried else f"asked {len(tried)} times for the stream meanwhile"
    first, last = phrases.moment(case.at(polls[0].t_ns)), phrases.moment(case.at(polls[-1].t_ns))
    return Cause(
        key=NO_RETURN,
        sentence=f"it polled {len(polls)} times, from {first} to {last}, and {streams}",
        evidence=tuple(_asked(client, [polls[0], *tried[: RECORDS - 2], polls[-1]])),
        advice=_RETURN,
    )


def _brought(client: ClientCase, request: Request) -> bool:
    return any(one.rid == request.rid and one.event for one in client.delivered)


def _asked(client: ClientCase, requests: Sequence[Request]) -> list[Evidence]:
    """Return a record for each request, with how it was answered."""
    found = []
    for request in requests:
        answer = client.responses.get(request.rid)
        what = "status" if request.what == "poll" else request.what
        said = "no answer" if answer is None else f"answered {answer.status}"
        vain = what == "stream" and answer is not None and answer.status == 200 and not _brought(client, request)
        found.append(client.case.evidence(request, f"{what} request: {said}{', and no event came' if vain else ''}"))
    return found


def _requests(*kinds: str) -> Story:
    """Return the story of requests of these kinds (all, where none is named) beyond what was allowed."""

    def story(client: ClientCase, expectation: Expectation) -> Cause | None:
        found = [one for one in client.requests if not kinds or one.what in kinds]
        beyond = found[int(expectation.limit) :] if expectation.sort != "at least" else []
        if not beyond:
            return None
        at = phrases.moment(client.case.at(beyond[0].t_ns))
        return Cause(
            key=f"requests {' '.join(kinds)}".strip(),
            sentence=f"the first too many was at {at}",
            evidence=tuple(_asked(client, beyond[:RECORDS])),
        )

    return story


def _errors(client: ClientCase, _expectation: Expectation) -> Cause | None:
    shown = client.screen.errors[:RECORDS]
    if not shown:
        return None
    at = phrases.moment(client.case.at(shown[0].enter_ns))
    detail = f" ({shown[0].detail})" if shown[0].detail else ""
    text = [client.case.evidence(app, f"on_error ({app.detail})", t_ns=app.enter_ns) for app in shown]
    return Cause(key="errors", sentence=f"the app was told an error at {at}{detail}", evidence=tuple(text))


def _gaps(client: ClientCase, _expectation: Expectation) -> Cause | None:
    told = client.gaps_told
    if not told:
        return Cause(key="gaps", sentence="the app was told of no gap")
    at = phrases.moment(client.case.at(told[0].t_ns))
    text = [client.case.evidence(gap, "the app is told of a gap") for gap in told[:RECORDS]]
    return Cause(key="gaps", sentence=f"the app was told of a gap at {at}", evidence=tuple(text))


def _latency(client: ClientCase, _expectation: Expectation) -> Cause | None:
    """Explain the slowest updates, and how long the slowest lay at the phone."""
    case = client.case
    steady = [one for one in samples(client) if one.path]
    slowest = sorted(steady, key=lambda one: -one.latency)[: RECORDS - 1]
    if not slowest:
        return None
    by_position = {life.event.position: life for life in lives(client)}
    text = []
    for one in slowest:
        shown = f"shown {phrases.duration(one.latency)} after it was due" if one.latency < LOST else "never shown"
        what = f"emitted {one.event.type}, {one.event.named}: {shown}"
        text.append(case.evidence(one.event.record, what, t_ns=one.event.actual_ns))
    life = by_position.get(slowest[0].event.position)
    held = _held_back(client, life) if life is not None else None
    sentence = f"the slowest was {slowest[0].event.named}" + (f": {held.sentence}" if held else "")
    return Cause(
        key=HELD_BACK if held else "slow", sentence=sentence, evidence=tuple(text), advice=_HAND_ON if held else ""
    )


_STORIES: Mapping[str, Story] = {
    "terminal": _terminal,
    "recovery": _recovery,
    "staleness": _recovery,
    "attempts": _attempts,
    "reconnections": _reconnections,
    "wasted attempts": _wasted,
    "fallback": _fallback,
    "stream restored": _restored,
    "requests": _requests(),
    "polls": _requests("poll"),
    "results fetched": _requests("results"),
    "token refreshes": _requests("token"),
    "errors shown": _errors,
    "gaps surfaced": _gaps,
    "update latency": _latency,
    "transport": _latency,
}
"""By metric. Counts of anomalies (lost, duplicated, corrupted …) are laws' to explain: each of them fails one."""
