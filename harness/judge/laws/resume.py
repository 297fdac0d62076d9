"""L7, resume: each stream request carries the id of the last completed block, or of an adopted snapshot."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.causes import WRONG_RESUME, resume_cause
from harness.judge.laws.outcome import Law, Outcome
from harness.judge.resumes import resumes


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        if not client.streams:
            outcome.doubt("no stream request was seen at the gate")
        else:
            _of_client(client, outcome)
    return outcome


def _of_client(client: ClientCase, outcome: Outcome) -> None:
    asked = resumes(client)
    wrong = [resume for resume in asked if not resume.right]
    for resume in wrong:
        cause = resume_cause(client, resume)
        outcome.fail(cause.sentence, *cause.evidence, advice=cause.advice, cause=WRONG_RESUME)
    if wrong:
        return
    if len(asked) > 1:
        outcome.hold(f"{phrases.amount(len(asked) - 1, 'reconnection')} carried the right id")
    elif not client.case.plan.deeds:
        outcome.skip("a baseline exercises no resumption")
    else:
        outcome.skip("the client did not reconnect")


LAW = Law(code="L7", word="resume", judge=_judge)
