"""L16, fresh: what the app shows is never much older than the newest state at its phone, or on its way there.

1. A state is an event that a stream brought while streams could pass, or what a status answer told, whenever.
2. That state, or a later one, is shown within a second, besides what the app's own callbacks take, what a gap waits
   for, and sleep.
3. Behind a callback no more updates wait than the client declares: so many older states, and two for what has no order,
   are shown before one that was read.
4. While a live stream stands on a steady network, the same is owed of what is emitted, from when its line could have
   carried it (``facts.carried``). A line that may need longer than the longest recovery that is judged (the ceiling of
   R) tests nothing, and the law says so.
"""

import math

from harness.history import Body
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.dials import syn_retries
from harness.judge.facts.lives import SOON
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.shares import Kept, kept
from harness.judge.laws.findings import SHOWN, Law, LawFindings
from harness.judge.measures.carried import Carried, carried
from harness.scenario.deadlines import ceiling

BESIDE = 2
"""States that may be shown before one that was read, besides a full queue: ``initialized``, and one just entered."""

ADVICE = "Fix: hand each event on as its blank line comes, on a new connection too; keep no newer state back"

BEHIND = "Fix: bound the queue between the stream and the app as declared, and push out the oldest update"
STUCK = "Fix: read what a stream brings as it comes, whatever the app is doing"


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        if client.reports:
            _of_client(client, outcome)
        elif case.cut_short:
            outcome.doubt("the client reported nothing before the run was cut short")
        else:
            outcome.skip("the client reports no callbacks")
    return outcome


def _of_client(client: ClientCase, outcome: LawFindings) -> None:
    case, usable = client.case, client.once(NetworkTimeline).usable_stretches()
    taken = [one for one in kept(client) if _asked_of(client, one, usable)]
    room = case.plan.client.policies.queue  # None also where none is declared
    late = carried(client, beyond=SOON + case.slack)
    most = ceiling(case.plan, syn_retries=syn_retries(client))
    stuck = [one for one in late if one.seconds > SOON + case.slack and one.allowed <= most]
    if not taken and not late:
        outcome.skip("nothing was certainly at the phone while streams could pass")
        return
    doubt = case.doubtful(SOON)
    if doubt:
        outcome.doubt(doubt)
        return
    old = [one for one in taken if one.seconds > SOON + case.slack]
    if old:
        _stale(client, max(old, key=lambda one: one.seconds), old, outcome)
    elif room is not None and (behind := [one for one in taken if one.older > room + BESIDE]):
        _behind(client, max(behind, key=lambda one: one.older), room, outcome)
    elif stuck:
        _stuck(client, stuck, outcome)
    elif (longest := max((one.allowed for one in late), default=0.0)) > most:
        outcome.skip(f"the line may lawfully take {phrases.limit(math.ceil(longest))} for what was emitted")
    else:
        outcome.hold()


def _asked_of(client: ClientCase, one: Kept, usable: list[tuple[float, float]]) -> bool:
    """Return whether a state counts: told by a status answer, or brought by a stream while streams could pass."""
    at = client.case.at(one.record.t_ns)
    return isinstance(one.record, Body) or any(start <= at <= end for start, end in usable)


def _left(client: ClientCase, since_ns: int, until_ns: int | None) -> str:
    """Return what the app was left at from a stamp on: ``event 4 until 11.3 s``."""
    shown = client.screen.newest_at(since_ns)
    had = f"event {shown[1]}" if shown[1] >= 0 else "nothing"
    return f"{had} to the end" if until_ns is None else f"{had} until {phrases.moment(client.case.at(until_ns))}"


def _behind(client: ClientCase, worst: Kept, room: int, outcome: LawFindings) -> None:
    """More updates waited before it than the queue has room for."""
    case, at = client.case, phrases.moment(client.case.at(worst.record.t_ns))
    text = f"{phrases.amount(worst.older, 'older state')} were shown before event {worst.event.index}, which had come "
    text += f"at {at}; its queue has room for {phrases.amount(room, 'update')}"
    outcome.fail(text, case.evidence(worst.record, f"{worst.event.named} {_came(worst)}"), advice=BEHIND)


def _stuck(client: ClientCase, stuck: list[Carried], outcome: LawFindings) -> None:
    """A live stream could have carried them, and the client did not take them, or kept them."""
    case, worst = client.case, max(stuck, key=lambda one: one.seconds)
    emitted, due = phrases.moment(case.at(worst.event.actual_ns)), phrases.moment(case.at(worst.due_ns))
    text = f"the app was left at {_left(client, worst.event.actual_ns, worst.until_ns)}, though event "
    text += f"{worst.event.index} was emitted at {emitted}, and its live stream could have brought it by {due}"
    told = [
        case.evidence(one.event.record, f"emitted {one.event.type}, {one.event.named}", t_ns=one.event.actual_ns)
        for one in stuck[: SHOWN - 1]
    ]
    stream = case.evidence(worst.stream.request, f"the stream on connection {worst.stream.request.cid}")
    outcome.fail(text, stream, *told, advice=STUCK)


def _stale(client: ClientCase, worst: Kept, old: list[Kept], outcome: LawFindings) -> None:
    case = client.case
    since = phrases.moment(case.at(worst.record.t_ns))
    left = _left(client, worst.record.t_ns, worst.until_ns)
    renumbered = client.screen.newest_at(worst.record.t_ns)[0] < worst.event.position[0]
    newer = f"event {worst.event.index}" + (" of a later epoch" if renumbered else "")
    came = f"{newer} had reached the phone"
    if isinstance(worst.record, Body):
        came = f"a status answer had told it {newer}"
    told = [case.evidence(one.record, f"{one.event.named} {_came(one)}; shown too late") for one in old[:SHOWN]]
    outcome.fail(f"the app was left at {left}, though {came} at {since}", *told, advice=ADVICE)


def _came(one: Kept) -> str:
    return "in a status answer" if isinstance(one.record, Body) else "at the phone"


LAW = Law(
    code="L16",
    word="fresh",
    title="What is shown is fresh",
    priority=20,
    judge=_judge,
    says="What the app shows is older than the newest state that the client has read, of a stream while streams "
    "can pass, or of a status answer, by a second at most, besides what the app's callbacks take, what a gap "
    "waits for, and sleep. The same is owed of what is emitted while a live stream stands on a steady "
    "network, from when its line could have carried it. Behind a callback no more updates wait than the "
    "client declares.",
    breaks=(
        "What a new connection brings is kept until a timer of the client's is over",
        "A state is shown when the next one comes: mpetazzoni/sseclient 6",
    ),
)
