"""L5, progress: nothing older than what was shown is shown. A falling number is lawful where the truth fell."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.explain.causes import repeat_cause
from harness.judge.laws.findings import SHOWN, Law, LawFindings, judge_shown

ADVICE = "Fix: remember the newest state shown, and never let a replay, a late event or an older snapshot replace it"


def _judge(case: Case) -> LawFindings:
    return judge_shown(case, _of_client)


def _of_client(client: ClientCase, outcome: LawFindings) -> None:
    older = [one for one in client.screen.shown if one.regressed]
    if not older:
        outcome.hold()
        return
    first = older[0]
    at = phrases.moment(client.case.at(first.app.enter_ns))
    what = f"event {first.event.index}" if first.event else f"a snapshot of {first.app.progress or 0:.0%}"
    text = f"progress went back {phrases.amount(len(older), 'time')}: {what} was shown at {at}, after event"
    text += f" {first.before[1]}"
    cause = repeat_cause(client, first.app.enter_ns)
    shown = [client.case.evidence(one.app, f"id {one.app.id}, older", t_ns=one.app.enter_ns) for one in older[:SHOWN]]
    outcome.fail(text, *shown, advice=ADVICE, cause=cause.key if cause else "")


LAW = Law(
    code="L5",
    word="progress",
    title="Progress never shown going back",
    priority=10,
    judge=_judge,
    says="Nothing older than what was shown is shown. A falling number is lawful where the truth itself fell.",
    breaks=("A replay or an older snapshot overwrites the newest state: r3labs/sse 52; athrvk/vayu 21",),
)
