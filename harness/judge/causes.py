"""Why a client lost what it lost: one root cause, so that its consequences are told once (the interface, "also")."""

import msgspec

from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.resumes import Resume, resumes
from harness.judge.truth import Event
from harness.judge.verdict import Evidence

WRONG_RESUME = "wrong-resume"
NEVER_NOTICED = "never-noticed"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A root cause: its key, the sentence a developer reads first, the records that show it, and what to do."""

    key: str
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    advice: str = ""


def said_of(client: ClientCase, resume: Resume) -> str:
    """Return what was wrong with a reconnection's ``Last-Event-ID``."""
    at = phrases.moment(client.case.at(resume.request.t_ns))
    which = "the first connection" if resume.first else "the reconnection"
    sent = f"sent Last-Event-ID {resume.sent}" if resume.sent else "sent no Last-Event-ID"
    wanted = resume.allowed[-1]
    if not wanted:
        return f"{which} at {at} {sent}, though no event had been dispatched"
    return f"{which} at {at} {sent}, the last one dispatched was {wanted}"


def wrong_resume(client: ClientCase, events: list[Event]) -> Cause | None:
    """Return the wrong resumption by which these events were lost or repeated, if there is one."""
    wrong = [resume for resume in resumes(client) if not resume.right]
    if not wrong or not events:
        return None
    first_ns = events[0].actual_ns
    # The reconnection that skipped an event came after its emission; where none did, the first wrong one explains.
    guilty = next((resume for resume in wrong if resume.request.t_ns >= first_ns), wrong[0])
    shown = client.case.evidence(guilty.request, _request_line(guilty))
    return Cause(key=WRONG_RESUME, sentence=said_of(client, guilty), evidence=(shown,), advice=ADVICE[WRONG_RESUME])


def _request_line(resume: Resume) -> str:
    header = f"Last-Event-ID: {resume.sent}" if resume.sent else "no Last-Event-ID"
    return f"stream request with {header}" + (f", {resume.allowed[-1]} was due" if resume.allowed[-1] else "")


ADVICE = {
    WRONG_RESUME: "Fix: commit an id only at the blank line that completes its event, keep it across connections that "
    "yield nothing, and send it on every reconnection",
}
"""What to do about a cause; ``never-noticed`` has its own words, since they depend on the client's policies."""


def loss_cause(client: ClientCase, events: list[Event]) -> Cause | None:
    """Return the root cause by which these events never reached the app; None where the records show none."""
    return wrong_resume(client, events)
