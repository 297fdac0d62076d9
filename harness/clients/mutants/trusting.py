"""Clients that believe a 200 too easily, or a new token."""

import math

from harness.clients.decisions import Decisions
from harness.sse.response import Meaning, ResponseVerdict


class ParsesAny200(Decisions):
    """Feeds the body of every 200 to the parser, a portal's web page included."""

    def judge(self, status: int, content_type: str | None, *, token_refreshed: bool) -> ResponseVerdict:
        """Take a 200 for an event stream, whatever it is."""
        if status == 200:
            return ResponseVerdict(Meaning.OPEN, "200")
        return super().judge(status, content_type, token_refreshed=token_refreshed)


class TrustsSilent200(Decisions):
    """Waits for ever on a 200 that brings no byte: a box in between holds the stream back."""

    def first_byte_due(self, opened_at: float, fallback_due: float | None) -> tuple[float, str]:
        """Wait for ever."""
        del opened_at, fallback_due
        return math.inf, "watchdog"


class LoopsOn401(Decisions):
    """Answers each 401 with another token, though the last one was new."""

    def judge(self, status: int, content_type: str | None, *, token_refreshed: bool) -> ResponseVerdict:
        """Forget that it was."""
        del token_refreshed
        return super().judge(status, content_type, token_refreshed=False)
