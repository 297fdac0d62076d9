"""The decisions of the client that are pure: what goes in is at hand, what comes out is a value, and nothing is done.

The shells (``follower``, ``attempt``, ``feed`` and what they run) ask and carry out. Each method is asked in one
place, so that a wrong client (``harness.clients.mutants``) is a subclass with one method of its own. One object serves
one job.
"""

import math
from collections.abc import Sequence

from harness.clients.callbacks import JobEvent
from harness.clients.cursor import Cursor, OpaqueCursor
from harness.clients.deadlines import Phase
from harness.clients.observer import AttemptReport
from harness.sse.events import Wire
from harness.sse.parser import Parser
from harness.sse.policy import Ids, Policies
from harness.sse.reconnection import Input
from harness.sse.response import ResponseVerdict, judge_response
from harness.sse.session import Session

_MEANINGS = {
    "refused": Input.CONNECT_FAILED,
    "unreachable": Input.CONNECT_FAILED,
    "timeout": Input.CONNECT_FAILED,
    "eof": Input.ENDED,
    "error": Input.BROKEN,
    "too-big": Input.BROKEN,
    "watchdog": Input.WATCHDOG,
    "suspect": Input.WATCHDOG,
    "done": Input.TERMINAL,
    "closed": Input.STOPPED,
}


class Decisions:
    """The decisions of the reference client, under its policies."""

    def __init__(self, policies: Policies) -> None:
        self.policies = policies

    def resume_id(self, session: Session, last: AttemptReport) -> str:
        """Return what the next attempt resumes after: the id buffer, whatever became of the ``last`` attempt.

        Asked once before each attempt; before the first one ``last`` is a report that never began (``n`` 0).
        """
        del last
        return session.last_event_id

    def parser(self, session: Session) -> Parser:
        """Return the parser of a new connection."""
        return Parser(last_event_id=session.last_event_id, max_event=self.policies.max_event)

    def left_over(self, parser: Parser) -> list[Wire]:
        """Return what the end of a connection completes: nothing, an event that was cut short is no event."""
        del parser
        return []

    def cursor(self) -> Cursor:
        """Return what tells news from repeats: by what the ids tell, where they tell anything."""
        return Cursor() if self.policies.ids is Ids.EPOCH_INDEX else OpaqueCursor()

    def judge(self, status: int, content_type: str | None, *, token_refreshed: bool) -> ResponseVerdict:
        """Say what the head of a stream response means."""
        return judge_response(status, content_type, self.policies, token_refreshed=token_refreshed)

    def first_byte_due(self, opened_at: float, fallback_due: float | None) -> tuple[float, str]:
        """Return until when a stream that has opened may stay without a byte, and the name of the end it meets then.

        ``fallback_due``: when polling is due if nothing has come by then. Instants are of trio's clock.
        """
        watchdog = opened_at + (self.policies.watchdog or math.inf)
        suspect = opened_at + (self.policies.suspects_after or math.inf)
        return min((watchdog, "watchdog"), (min(suspect, fallback_due or math.inf), "suspect"))

    def meaning(self, report: AttemptReport) -> Input:
        """Return what the reconnection table is told of an attempt that ended without an answer, or after it."""
        if report.how == "error" and not report.spoke:
            return Input.CONNECT_FAILED
        return _MEANINGS[report.how]

    def drops(self, phase: Phase) -> bool:
        """Return whether an attempt that has got so far is dropped for a new way to the server.

        What hangs is; a stream that is open is left alone, since it may well live on beside the new way.
        """
        return phase in (Phase.DIALLING, Phase.ASKING)

    def crowded_out(self, waiting: Sequence[JobEvent]) -> Sequence[JobEvent]:
        """Return which of the events that wait behind a callback leave the queue, now that its last one has come.

        As many updates as the policy ``queue`` says may wait: one more pushes out the oldest of them. What is no update
        is never dropped, and pushes nothing out.
        """
        room = self.policies.queue
        if room is None or waiting[-1].callback != "processing":
            return ()
        return [one for one in waiting if one.callback == "processing"][:-room]

    def leaves_polling(self, why: str) -> bool:
        """Return whether the stream is tried now. ``why``: ``signal``, ``poll failed``, or empty when it is due."""
        del why
        return True
