"""L10, honest status: each word that a client shows is held against the facts of that moment.

1. "Connected" needs a live event stream: 200, its content type, and a byte of its body at the radio.
2. From the last byte read, "connected" may stand for the declared watchdog and a second.
3. Neither "connecting" nor "reconnecting" nor "polling" stays for longer than a second while a stream's bytes come in:
   keep-alive comments are bytes.
4. "Polling" is shown only where a client may live by polling, from a second before its first dial on.
5. "Closed" is shown at the end: of the job, by a refusal for good or a final error, or of the run; and within a second
   of when the app was told it.
6. "Connected" does not outlive its stream by more than a second, whichever side ended it.
"""

import bisect
from collections.abc import Iterator
from operator import attrgetter

import msgspec

from harness.history import Delivered, Read, Status
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.explain.causes import outage_cause, unrecovered
from harness.judge.facts.gap_notices import BusyApp, told_by
from harness.judge.facts.instructions import deferrals, told_gaps
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import GAP, askings, may_poll
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.refusals import refusal
from harness.judge.facts.requests import RequestLife, dial_lives, lives_of
from harness.judge.facts.screen import TERMINAL_CALLBACKS
from harness.judge.facts.snapshots import delivered_states
from harness.judge.laws.findings import Law, LawFindings
from harness.judge.measures.outages import outages
from harness.scenario.deadlines import detection_allowance
from harness.sse.policy import declared

WHILE_BYTES = 1.0
"""Seconds for which a word that denies it may be shown while a stream's bytes come in."""

BEFORE_DIAL = 1.0
"""Seconds from the word "polling" to its first dial."""

OUTLIVED = 1.0
"""Seconds for which "connected" may be shown after its stream has ended."""

SETTLING = 10.0
"""Seconds for which a stream may rest until a gap that it told of is settled: the longest that obligations allow."""

_DENIALS = frozenset({"connecting", "reconnecting", "polling"})


class ShownStatus(msgspec.Struct, frozen=True):
    """A word of the client, from when to when, in stamps."""

    status: Status
    start_ns: int
    end_ns: int


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        if not client.statuses:
            if case.cut_short:
                outcome.doubt("no status was recorded before the run was cut short")
            else:
                outcome.skip("the client reports no status")
            continue
        before = len(outcome.findings)
        said = _said(client)
        for part in (_evidence_of_connection, _silence, _outlived, _while_bytes, _polling, _closed):
            part(client, said, outcome)
        if len(outcome.findings) == before:
            outcome.hold()
    return outcome


def _said(client: ClientCase) -> list[ShownStatus]:
    words = client.statuses
    ends = [status.t_ns for status in words[1:]] + [client.case.end_ns]
    return [ShownStatus(status, status.t_ns, max(end, status.t_ns)) for status, end in zip(words, ends, strict=True)]


def _evidence_of_connection(client: ClientCase, said: list[ShownStatus], outcome: LawFindings) -> None:
    """Check that each "connected" has a stream that lives: opened as one, and begun, in that order of records."""
    streams = lives_of(client, "stream")
    for one in said:
        status = one.status
        if status.word != "connected" or any(_lives(client, life, status) for life in streams):
            continue
        asked = [life for life in streams if life.request.seq < status.seq]
        answer = next((life.answer for life in reversed(asked) if life.answer and life.answer.seq < status.seq), None)
        opened = answer is not None and asked[-1].streams and asked[-1].answer is answer
        why = "no event stream had been opened"
        if opened:
            ended = asked[-1].began is not None and asked[-1].began.seq < status.seq
            why = "its stream had ended" if ended else "no byte of an event stream had come"
        elif answer is not None:
            why = f"the answer was {answer.status} {answer.content_type}".rstrip()
        at = phrases.moment(client.case.at(status.t_ns))
        shown = [client.case.evidence(answer, f"{answer.status} {answer.content_type}")] if answer is not None else []
        shown.append(client.case.evidence(status, "says connected"))
        outcome.fail(
            f"“connected” was shown at {at}, though {why}", *shown,
            advice=_ADVICE["evidence" if opened or answer is None else "answer"],
            cause="trusts-silence" if opened else "unchecked-answer" if answer is not None else "",
        )  # fmt: skip
        return


def _lives(client: ClientCase, life: RequestLife, status: Status) -> bool:
    """Return whether a stream had begun before a word, and had not long ended; what is near has no order."""
    if life.began is None or not life.streams or life.began.seq > status.seq:
        return False
    return life.end_ns is None or life.end_ns >= status.t_ns - client.case.near_ns


def _silence(client: ClientCase, said: list[ShownStatus], outcome: LawFindings) -> None:
    """Check that "connected" stands for at most D from the last byte read.

    What came before a gap was settled is taken when it is: the silence begins with the answer to the status request.
    """
    case = client.case
    if not declared(case.declared.watchdog):
        return
    limit = detection_allowance(case.declared)
    streams = {request.cid for request in client.streams}
    came = [
        chunk.t_ns
        for chunk in client.chunks
        if chunk.direction == "downstream" and chunk.fate == "delivered" and chunk.cid in streams
    ]
    marks = case.grouped(Read, "cid")
    came += [mark.t_ns for cid in streams for mark in marks.get(cid, ()) if not mark.end]
    came = sorted([*came, *_settled(client)])
    if not came:
        return
    for one in said:
        if one.status.word != "connected":
            continue
        worst, since = _longest(came, one, client)
        if worst <= limit + case.slack:
            continue
        doubt = case.doubtful(limit)
        if doubt:
            outcome.doubt(doubt)
            return
        text = f"“connected” was shown for {phrases.duration(worst)} of silence (limit {phrases.limit(limit)})"
        ended = case.evidence(one.status, f"says connected, until {phrases.moment(case.at(one.end_ns))}")
        cause = next((outage_cause(client, outage) for outage in outages(client) if unrecovered(outage)), None)
        outcome.fail(
            f"{text} from {phrases.moment(case.at(since))} on" if cause is None else text,
            ended,
            *(cause.evidence if cause else ()),
            advice=cause.advice if cause else _ADVICE["silence"],
            cause=cause.key if cause else "",
        )
        return


def _settled(client: ClientCase) -> list[int]:
    """Return when the status requests were over for which a stream rested that had told of a gap."""
    told = [gap.record.t_ns for gap in told_gaps(client) if isinstance(gap.record, Delivered)]
    over = [one.life.end_ns for one in askings(client) if one.why == GAP and one.life.end_ns is not None]
    return [at_ns for at_ns in over if any(0 <= at_ns - gap_ns <= SETTLING * 1e9 for gap_ns in told)]


def _outlived(client: ClientCase, said: list[ShownStatus], outcome: LawFindings) -> None:
    """Check that no "connected" outlives its stream by more than a second, callbacks and sleep apart.

    A stream that rested for a gap may have missed its end until the gap was settled, and one that ended with the job is
    followed by "closed".
    """
    case = client.case
    limit = OUTLIVED + case.near_ns / 1e9 + client.once(BusyApp).longest
    streams = [life for life in lives_of(client, "stream") if life.streams and life.began is not None]
    for one in said:
        if one.status.word != "connected":
            continue
        for life, following in zip(streams, [*streams[1:], None], strict=False):
            if life.end_ns is None or life.end_ns < one.start_ns or _over(client, life.end_ns):
                continue
            since = max([life.end_ns, *(at for at in _settled(client) if 0 <= at - life.end_ns <= SETTLING * 1e9)])
            began = following.began if following is not None else None
            until = min(one.end_ns, began.t_ns if began is not None else one.end_ns)
            lasted = _awake(client, since, until) if since < until else 0.0
            if lasted > limit:
                text = f"“connected” was shown for {phrases.duration(lasted)} after its stream had ended at "
                text += f"{phrases.moment(case.at(life.end_ns))} (limit {phrases.limit(OUTLIVED)})"
                ended = case.evidence(life.request, f"the stream on connection {life.request.cid}")
                until_text = f"says connected, until {phrases.moment(case.at(one.end_ns))}"
                outcome.fail(
                    text, ended, case.evidence(one.status, until_text), advice=_ADVICE["outlived"], cause="outlived"
                )
                return


def _longest(came: list[int], said: ShownStatus, client: ClientCase) -> tuple[float, int]:
    """Return the longest silence within a word's time, in seconds of the device being awake, and its beginning."""
    case, timeline = client.case, client.once(NetworkTimeline)
    first = bisect.bisect_left(came, said.start_ns)
    last = bisect.bisect_right(came, said.end_ns)
    # A byte that came before the word was said is no excuse for it, and no fault of it either.
    since = said.start_ns
    worst = (0.0, since)
    for at in [*came[first:last], said.end_ns]:
        silence = (at - since) / 1e9
        if silence > worst[0]:
            silence -= timeline.slept(case.at(since), case.at(at))
        worst = max(worst, (silence, since))
        since = at
    return worst


def _while_bytes(client: ClientCase, said: list[ShownStatus], outcome: LawFindings) -> None:
    """While a live stream's bytes are read, a word that denies it may be shown for a second at most.

    A stream that the client has left is none, nor one that the device sleeps beside.
    """
    case = client.case
    streams = [(life, stamps) for life in lives_of(client, "stream") if (stamps := list(_read(client, life)))]
    for one in said:
        if one.status.word not in _DENIALS:
            continue
        for life, stamps in streams:
            first = bisect.bisect_right(stamps, one.start_ns)
            inside = stamps[first : bisect.bisect_left(stamps, one.end_ns)]
            lasted = _awake(client, inside[0], inside[-1]) if inside else 0.0
            if lasted <= WHILE_BYTES + case.slack:
                continue
            events = sum(block.rid == life.request.rid and block.event for block in _within(client, inside))
            brought = phrases.amount(events, "event") if events else "keep-alive comments"
            text = f"“{one.status.word}” was shown for {phrases.duration(lasted)} while {brought} came in"
            shown = [
                case.evidence(one.status, f"says {one.status.word}"),
                case.evidence(life.request, f"the stream on connection {life.request.cid}"),
            ]
            outcome.fail(text, *shown, advice=_ADVICE["bytes"], cause="denies-stream")
            return


def _read(client: ClientCase, life: RequestLife) -> Iterator[int]:
    """Yield when bytes of a stream's body came, from its certain beginning to its end for the client."""
    began = client.once(ReadMarks).read_ns(life.began) if life.began is not None else None
    if began is None:
        return
    until = client.case.end_ns if life.end_ns is None else life.end_ns
    yield began
    for chunk in client.bytes_down.get(life.request.cid, ()):
        if began < chunk.t_ns < until:
            yield chunk.t_ns


def _within(client: ClientCase, stamps: list[int]) -> list[Delivered]:
    return [block for block in client.delivered if stamps[0] <= block.t_ns <= stamps[-1]]


def _awake(client: ClientCase, since_ns: int, until_ns: int) -> float:
    """Return the seconds between two stamps in which the device was awake."""
    at = client.case.at
    return (until_ns - since_ns) / 1e9 - client.once(NetworkTimeline).slept(at(since_ns), at(until_ns))


def _polling(client: ClientCase, said: list[ShownStatus], outcome: LawFindings) -> None:
    """Check that the word "polling" has an entry to polling, and a dial soon after it."""
    case = client.case
    for one in said:
        if one.status.word != "polling":
            continue
        why = ""
        if not may_poll(client, one.start_ns):
            why = "its streams had not failed as often, or for as long, as it declares"
        elif not _dials(client, one):
            why = f"it asked for no status within {BEFORE_DIAL:g} s"
        if why:
            at = phrases.moment(case.at(one.start_ns))
            outcome.fail(
                f"“polling” was shown at {at}, though {why}",
                case.evidence(one.status, "says polling"),
                advice=_ADVICE["polling"],
                cause="says-polling",
            )
            return


def _dials(client: ClientCase, one: ShownStatus) -> bool:
    """Return whether a status request or a dial began soon after a word, had to wait, or need not come."""
    case = client.case
    due_ns = one.start_ns + round(BEFORE_DIAL * 1e9) + case.near_ns
    if min(one.end_ns, case.end_ns) <= due_ns or _awake(client, one.start_ns, due_ns) < BEFORE_DIAL:
        return True
    if any(off.request.what == "poll" and off.until_ns >= one.start_ns for off in deferrals(client)):
        return True
    since = one.start_ns - case.near_ns
    begun = [life.dial.from_ns for life in dial_lives(client) if life.what in {"poll", "token", ""}]
    begun += [request.t_ns for request in client.requests if request.what in {"poll", "token"}]
    return any(since <= at_ns <= due_ns for at_ns in begun)


def _closed(client: ClientCase, said: list[ShownStatus], outcome: LawFindings) -> None:
    """Check that the word "closed" is shown at an end, and at each end."""
    case = client.case
    for one in said:
        early = one.status.word == "closed" and one.start_ns < case.end_ns and not _over(client, one.start_ns)
        if early:
            at = phrases.moment(case.at(one.start_ns))
            text = f"“closed” was shown at {at}, though neither the job nor the run had ended"
            outcome.fail(text, case.evidence(one.status, "says closed"), advice=_ADVICE["closed"], cause="says-closed")
            return
    end = min(client.screen.ends, key=attrgetter("enter_ns"), default=None)
    due_ns = told_by(client, end.exit_ns) if end is not None else case.end_ns
    if end is None or due_ns >= case.end_ns:
        return
    place = bisect.bisect_right(said, due_ns, key=attrgetter("start_ns")) - 1
    if said[place].status.word == "closed":
        return
    later = next((one for one in said[place + 1 :] if one.status.word == "closed"), None)
    word = said[place].status
    still = "at the end" if later is None else f"until {phrases.moment(case.at(later.start_ns))}"
    text = f"“{word.word}” is still shown {still}, the app was told {end.callback} at "
    text += phrases.moment(case.at(end.enter_ns))
    shown = [case.evidence(end, f"on_{end.callback}", t_ns=end.enter_ns), case.evidence(word, f"says {word.word}")]
    outcome.fail(text, *shown, advice=_ADVICE["closed"], cause="never-closed" if later is None else "closed-late")


def _over(client: ClientCase, at_ns: int) -> bool:
    """Return whether an end had come by a stamp: at the radio, in an answer, to the app, or as the client gave up."""
    by_ns, truth = at_ns + client.case.near_ns, client.truth
    ends = {event.position for event in truth.events if event.terminal}
    came = [one.t_ns for one in client.delivered if one.type in TERMINAL_CALLBACKS]
    came += [state.at_ns for state in delivered_states(client) if state.position in ends]
    came += [shown.app.enter_ns for shown in client.screen.terminals]
    came += [app.enter_ns - round(WHILE_BYTES * 1e9) for app in client.screen.errors]
    stop = refusal(client)
    came += [stop.t_ns] if stop is not None else []
    return any(stamp <= by_ns for stamp in came)


_ADVICE = {
    "evidence": "Fix: say connected at the first byte of a 200 with text/event-stream, not at the dial",
    "answer": "Fix: an answer is a stream only with 200 and text/event-stream; anything else is a failed attempt",
    "silence": "Fix: a read deadline above the keep-alive, and say reconnecting when it fires",
    "outlived": "Fix: say reconnecting when the stream ends, not when the next dial begins",
    "bytes": "Fix: say connected at the stream's first byte, be it a comment's, and while it brings something",
    "polling": "Fix: say polling when the status is asked for instead of a stream that failed, and not before",
    "closed": "Fix: say closed when the job has ended or was refused for good, and nothing is tried any more",
}

LAW = Law(
    code="L10",
    word="honest-status",
    title="Honest status",
    priority=12,
    judge=_judge,
    says='"Connected" needs 200, text/event-stream and a byte of the body in that attempt. "Reconnecting" follows '
    "within 1 s of the end of the stream, and within the watchdog + 1 s of the last byte read (21 s where "
    'there is none); it does not stand for longer than 1 s while a stream brings bytes. "Closed" follows '
    "within 1 s of the end, or the final error, that the app was told, and not before the end had come.",
    breaks=(
        "A read without a deadline on a half-open connection: square/okhttp 2611; everruns/everruns 603",
        "A captive portal's 200 is taken for a stream, since its content type is not checked",
    ),
)
