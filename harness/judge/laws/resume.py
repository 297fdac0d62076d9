"""L7, resume: each stream request carries the last event ID, or a snapshot's, and asks for an event stream."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.explain.causes import WRONG_RESUME, resume_cause
from harness.judge.facts.resumes import resumes
from harness.judge.laws.findings import Law, LawFindings

ACCEPT = "Fix: ask for a stream with Accept: text/event-stream; a server may answer anything else with a page"


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        if not client.streams:
            outcome.doubt("no stream request was seen at the gate")
        else:
            _of_client(client, outcome)
    return outcome


def _of_client(client: ClientCase, outcome: LawFindings) -> None:
    asked = resumes(client)
    wrong = [resume for resume in asked if not resume.right]
    for resume in wrong:
        cause = resume_cause(client, resume)
        outcome.fail(cause.sentence, *cause.evidence, advice=cause.advice, cause=WRONG_RESUME)
    blind = [request for request in client.streams if not request.accepts_events]
    if blind:
        at = phrases.moment(client.case.at(blind[0].t_ns))
        text = f"{client.called} asked for a stream at {at} without Accept: text/event-stream"
        outcome.fail(text, client.case.evidence(blind[0], "stream request without that Accept"), advice=ACCEPT)
    if wrong or blind:
        return
    if len(asked) > 1:
        outcome.hold(f"{phrases.amount(len(asked) - 1, 'reconnection')} carried the right id")
    elif not client.case.plan.deeds:
        outcome.skip("a baseline exercises no resumption")
    else:
        outcome.skip("the client did not reconnect")


LAW = Law(
    code="L7",
    word="resume",
    title="Each reconnection carries the last id",
    priority=11,
    judge=_judge,
    says="`Last-Event-ID` is the id buffer at the last block that a blank line completed (id-only blocks count, an "
    "empty id means no header), or an adopted snapshot's; also after an attempt that yielded nothing.",
    breaks=(
        "The header is missing, stale, or lost on the second reconnection: EventSource/eventsource 27, 291",
        "The id is forgotten after a stream without events: modelcontextprotocol/typescript-sdk PR 2509",
        "It is committed on its field's line: fern-api/fern PR 16888",
    ),
)
