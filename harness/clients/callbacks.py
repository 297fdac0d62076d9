"""The values that the app and the client hand to each other: callbacks, events, the outcome."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from harness.errors import NOT_JSON

TERMINAL = ("completed", "failed", "timeout")
"""The types of event that end a job."""

EVENTS = ("initialized", "processing", *TERMINAL)
"""The types of event that have a callback; others move the cursor and are not shown."""


@dataclass(frozen=True)
class JobEvent:
    """One thing the app is told. ``data`` is the text as it came; ``id`` of a snapshot is its ``lastEventId``."""

    callback: str  # one of EVENTS, "error" or "gap"
    data: str
    id: str = ""
    source: str = "stream"  # or "poll"

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The data decoded from JSON; empty where it is no JSON object."""
        try:
            return msgspec.json.decode(self.data, type=dict[str, Any])
        except NOT_JSON:
            return {}

    @property
    def terminal(self) -> bool:
        """True if this ends the job."""
        return self.callback in TERMINAL


Handler = Callable[[JobEvent], Awaitable[None] | None]
"""A callback, plain or async."""


def ignore(_event: JobEvent) -> None:
    """Do nothing: the default of every callback."""


@dataclass(frozen=True)
class Callbacks:
    """The app's side. They run one at a time, in order.

    What one raises is logged with its traceback (logger ``harness.clients``, once for each callback and kind), given to
    the client's ``on_callback_error``, and changes nothing. ``KeyboardInterrupt`` and the like, and ``trio.Cancelled``,
    pass.

    ``on_error`` is called once at most, when the client has given up for good; troubles that it deals with itself are
    the observer's business. ``on_gap`` tells that events are missing for good: the next state shown is a snapshot.
    """

    on_initialized: Handler = ignore
    on_processing: Handler = ignore
    on_completed: Handler = ignore
    on_failed: Handler = ignore
    on_timeout: Handler = ignore
    on_error: Handler = ignore
    on_gap: Handler = ignore

    def handler(self, callback: str) -> Handler:
        """Return the handler of an event's ``callback``."""
        handler: Handler = getattr(self, f"on_{callback}")
        return handler


@dataclass(frozen=True, kw_only=True)
class JobResults:
    """The full results of a completed job. ``expired``: the server no longer keeps them (410)."""

    body: bytes = b""
    status: int = 0
    expired: bool = False


@dataclass(kw_only=True)
class JobCounts:
    """Counts of what following the job took."""

    attempts: int = 0
    connections: int = 0  # attempts that were answered 200
    events: int = 0  # shown to the app
    polls: int = 0
    absorbed: int = 0
    gaps: int = 0
    refreshes: int = 0


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """The outcome of following a job.

    ``ended`` is ``completed``, ``failed`` or ``timeout`` where the job did (then ``event`` is what the app was told),
    ``error`` where the client gave up (``error`` says why), ``closed`` where it was closed before.
    """

    job: str
    ended: str
    event: JobEvent | None = None
    results: JobResults | None = None
    error: str = ""
    counts: JobCounts = field(default_factory=JobCounts)
