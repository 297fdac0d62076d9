"""L4, order: the index increases within an epoch, and epochs never go back. Repeats are the concern of L3."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.laws.findings import SHOWN, Law, LawFindings, judge_shown

ADVICE = (
    "Fix: hand events on in the order of the stream, from one task; drop, or hold back for a while, what comes late"
)


def _judge(case: Case) -> LawFindings:
    return judge_shown(case, _of_client)


def _of_client(client: ClientCase, outcome: LawFindings) -> None:
    late = [one for one in client.screen.shown if one.reordered]
    if not late:
        outcome.hold()
        return
    first = late[0]
    assert first.event is not None
    rank, index = first.before
    newer = f"event {index}" if rank == first.event.position[0] else "the newer epoch"
    at = phrases.moment(client.case.at(first.app.enter_ns))
    text = f"event {first.event.index} was shown at {at}, after {newer}"
    if len(late) > 1:
        text = f"{phrases.amount(len(late), 'event')} out of order: {text}"
    shown = [client.case.evidence(one.app, f"id {one.app.id}, late", t_ns=one.app.enter_ns) for one in late[:SHOWN]]
    outcome.fail(text, *shown, advice=ADVICE)


LAW = Law(
    code="L4",
    word="order",
    title="Order",
    priority=9,
    judge=_judge,
    says="Within an epoch the index only grows, and an older epoch never comes back. (A repeat is no- duplicate's.)",
    breaks=("Live events overtake the replay, and the cursor the gap: lobu-ai/lobu PR 3613",),
)
