"""The life of an event source as a table: states, inputs, and what each input does in each state.

This file owns the state: nothing else assigns it. An input without a row raises and changes nothing. The diagram in
the package's README is drawn from the table.

The machine is driven by ``Reconnection.take`` alone, and answers with a value that says what to do. It starts in
CONNECTING with its first attempt under way. While a stream is tried from POLLING, the client goes on polling until the
stream has given evidence.
"""

import enum
import random

import msgspec

from harness.sse.backoff import Backoff
from harness.sse.fallback import Fallback
from harness.sse.policy import Policies


class ReadyState(enum.Enum):
    """The state of an event source; the standard's words, and two of ours."""

    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    POLLING = "polling"
    CLOSED = "closed"


class Input(enum.Enum):
    """An occurrence that an event source reacts to."""

    CONNECTED = "connected"  # 200, text/event-stream, and a first byte of the body
    EVENT = "event"  # a fresh one was dispatched
    REPEATED = "repeated event"  # one seen before: the stream works, but proves no progress
    CONNECT_FAILED = "connect failed"  # no response: name, dial, TLS, or the connect deadline
    REFUSED = "refused"  # a response to be retried: a status, a wrong content type, a cursor refused
    ENDED = "stream ended"  # in good order
    BROKEN = "stream broken"  # a reset, a truncated body, an event too big
    WATCHDOG = "watchdog"  # silence for too long, before or after the first byte
    TOKEN_REFRESHED = "token refreshed"  # noqa: S105 - after the attempt got a 401; no secret
    TIMER_DUE = "timer due"  # the wait's end; while polling: time to try the stream
    SIGNAL = "signal"  # the device joined a path: what hangs is begun anew, an open stream is left alone
    RESUMED = "resumed"  # the device woke: whatever was open is dead, the system having taken its sockets
    POLL_FAILED = "poll failed"
    FALLBACK = "fallback"  # polling is due
    TERMINAL = "terminal"  # the job's last event, from either source
    STOPPED = "stopped"  # a response, on the stream or to a poll, that stops for good
    GIVE_UP = "give up"  # the attempts are spent
    CLOSE = "close"  # the app closed it


class Connect(msgspec.Struct, frozen=True):
    """Begin an attempt now; drop an attempt that is under way."""


class KeepReading(msgspec.Struct, frozen=True):
    """Go on with the stream as it is."""


class Wait(msgspec.Struct, frozen=True):
    """Wait this long, then report ``TIMER_DUE``."""

    seconds: float


class Poll(msgspec.Struct, frozen=True):
    """Drop the stream and poll; report ``TIMER_DUE`` after ``retry_stream`` seconds."""

    retry_stream: float


class Stop(msgspec.Struct, frozen=True):
    """Never connect again, for this reason."""

    reason: str


Output = Connect | KeepReading | Wait | Poll | Stop
"""The next step. An output has no effect by itself: the client's shell carries it out."""

_S, _I = ReadyState, Input

TRANSITIONS: dict[tuple[ReadyState, Input], ReadyState] = {
    (_S.CONNECTING, _I.CONNECTED): _S.OPEN,
    (_S.CONNECTING, _I.CONNECT_FAILED): _S.WAITING,
    (_S.CONNECTING, _I.REFUSED): _S.WAITING,
    (_S.CONNECTING, _I.ENDED): _S.WAITING,
    (_S.CONNECTING, _I.BROKEN): _S.WAITING,
    (_S.CONNECTING, _I.WATCHDOG): _S.WAITING,
    (_S.CONNECTING, _I.TOKEN_REFRESHED): _S.CONNECTING,
    (_S.CONNECTING, _I.SIGNAL): _S.CONNECTING,
    (_S.CONNECTING, _I.RESUMED): _S.CONNECTING,
    (_S.CONNECTING, _I.FALLBACK): _S.POLLING,
    (_S.CONNECTING, _I.TERMINAL): _S.CLOSED,
    (_S.CONNECTING, _I.STOPPED): _S.CLOSED,
    (_S.CONNECTING, _I.GIVE_UP): _S.CLOSED,
    (_S.CONNECTING, _I.CLOSE): _S.CLOSED,
    (_S.OPEN, _I.EVENT): _S.OPEN,
    (_S.OPEN, _I.REPEATED): _S.OPEN,
    (_S.OPEN, _I.SIGNAL): _S.OPEN,
    (_S.OPEN, _I.RESUMED): _S.CONNECTING,
    (_S.OPEN, _I.ENDED): _S.WAITING,
    (_S.OPEN, _I.BROKEN): _S.WAITING,
    (_S.OPEN, _I.WATCHDOG): _S.WAITING,
    (_S.OPEN, _I.FALLBACK): _S.POLLING,
    (_S.OPEN, _I.TERMINAL): _S.CLOSED,
    (_S.OPEN, _I.STOPPED): _S.CLOSED,
    (_S.OPEN, _I.GIVE_UP): _S.CLOSED,
    (_S.OPEN, _I.CLOSE): _S.CLOSED,
    (_S.WAITING, _I.TIMER_DUE): _S.CONNECTING,
    (_S.WAITING, _I.SIGNAL): _S.CONNECTING,
    (_S.WAITING, _I.FALLBACK): _S.POLLING,
    (_S.WAITING, _I.TERMINAL): _S.CLOSED,
    (_S.WAITING, _I.STOPPED): _S.CLOSED,
    (_S.WAITING, _I.CLOSE): _S.CLOSED,
    (_S.POLLING, _I.TIMER_DUE): _S.CONNECTING,
    (_S.POLLING, _I.SIGNAL): _S.CONNECTING,
    (_S.POLLING, _I.POLL_FAILED): _S.CONNECTING,
    (_S.POLLING, _I.TERMINAL): _S.CLOSED,
    (_S.POLLING, _I.STOPPED): _S.CLOSED,
    (_S.POLLING, _I.CLOSE): _S.CLOSED,
    (_S.CLOSED, _I.CLOSE): _S.CLOSED,
}

_ENDS = frozenset({_I.CONNECT_FAILED, _I.REFUSED, _I.ENDED, _I.BROKEN, _I.WATCHDOG})
"""The inputs that end an attempt and ask for another."""

_REASONS = {_I.TERMINAL: "the job ended", _I.CLOSE: "the app closed the stream", _I.STOPPED: "the server said stop"}


class NoTransition(Exception):
    """An input that has no row in this state. The caller has lost track: a broken invariant, never a user's error."""

    def __init__(self, state: ReadyState, what: Input) -> None:
        rows = ", ".join(i.value for s, i in TRANSITIONS if s is state)
        super().__init__(f"{what.value!r} cannot happen while {state.value}; expected one of: {rows}")
        self.state = state
        self.what = what


class Reconnection:
    """One event source's reconnection: its state, its backoff, its failures."""

    def __init__(self, policies: Policies, *, now: float) -> None:
        self._policies = policies
        self._state = ReadyState.CONNECTING
        self._backoff = Backoff(policies=policies)
        self._fallback = Fallback.of(policies)
        self._began = now  # the attempt under way
        self._opened = now
        self._yielded = False  # it has dispatched an event
        self._after_failed_poll = False  # the attempt was begun because polling does not work either
        self._counted = False  # the backoff has counted the next attempt already, with the wait before it
        self._spent = 1  # attempts begun since the last fresh event

    @property
    def state(self) -> ReadyState:
        """The state; only ``take`` changes it."""
        return self._state

    @property
    def backoff(self) -> Backoff:
        """The strategy for the next wait."""
        return self._backoff

    @property
    def fallback_deadline(self) -> float | None:
        """The time to report ``FALLBACK`` if nothing else has happened by then; ``None`` where it does not apply."""
        return self._fallback.deadline if self._state in {ReadyState.CONNECTING, ReadyState.WAITING} else None

    def note_retry(self, seconds: float) -> None:
        """Take the server's ``retry`` as the base of all later waits."""
        self._backoff = self._backoff.after_retry(seconds)

    def take(
        self, what: Input, *, now: float, rng: random.Random, retry_after: float | None = None, reason: str = ""
    ) -> Output:
        """Advance by one input and return what to do.

        ``now`` is in seconds of the client's clock; ``rng`` is used for a wait's jitter only; ``retry_after`` comes
        with ``REFUSED``; ``reason`` replaces the usual one where the answer is ``Stop``. An end of an attempt turns
        into giving up or polling where that is due. Raises ``NoTransition`` and changes nothing if there is no row.
        """
        if (self._state, what) not in TRANSITIONS:
            raise NoTransition(self._state, what)
        if what in _ENDS:
            self._end(what, now)
            what = self._instead(what, now)
        self._state = TRANSITIONS[self._state, what]
        match self._state:
            case ReadyState.OPEN:
                return self._go_on(what, now)
            case ReadyState.WAITING:
                self._after_failed_poll = False
                self._counted = True
                wait, self._backoff = self._backoff.after_failure(rng, retry_after)
                return Wait(wait)
            case ReadyState.POLLING:
                self._fallback = self._fallback.after_fallback()
                return Poll(self._policies.retry_stream)
            case ReadyState.CLOSED:
                return Stop(reason or _REASONS.get(what) or f"gave up after {self._spent} attempts")
            case ReadyState.CONNECTING:
                self._after_failed_poll = what is Input.POLL_FAILED
                return self._connect(now)

    def _end(self, what: Input, now: float) -> None:
        """Draw the conclusions of an attempt that ended."""
        if what is Input.ENDED and self._state is ReadyState.OPEN:
            self._backoff = self._backoff.after_clean_end(now - self._opened)
        if what is not Input.CONNECT_FAILED and not self._yielded:
            self._fallback = self._fallback.after_failure(self._began)

    def _instead(self, what: Input, now: float) -> Input:
        """Return what the end of an attempt comes to."""
        most = self._policies.gives_up_after
        if most is not None and self._spent >= most:
            return Input.GIVE_UP
        # Polling needs the network that a failed dial has just missed, and would fail again where it failed just now:
        # both lead to a wait, or a dead server would be asked by stream and poll in turn without one.
        if what is Input.CONNECT_FAILED or self._after_failed_poll or self._yielded:
            return what
        return Input.FALLBACK if self._fallback.due(now) else what

    def _go_on(self, what: Input, now: float) -> Output:
        if what is Input.CONNECTED:
            self._opened = now
            self._backoff = self._backoff.after_open()
        elif what in {Input.EVENT, Input.REPEATED}:
            self._yielded = True
            self._fallback = self._fallback.after_event()
        if what is Input.EVENT:
            self._backoff = self._backoff.after_event()
            self._spent = 0
        return KeepReading()

    def _connect(self, now: float) -> Output:
        if not self._counted:  # else its wait counted it, also where polling cut that short
            self._backoff = self._backoff.at_once()
        self._counted = False
        self._began = now
        self._yielded = False
        self._spent += 1
        return Connect()


def diagram() -> str:
    """Return the state diagram in Mermaid's language, drawn from the table."""
    labels: dict[tuple[ReadyState, ReadyState], list[str]] = {}
    for (state, what), then in TRANSITIONS.items():
        labels.setdefault((state, then), []).append(what.value)
    arrows = [f"    {state.name} --> {then.name}: {', '.join(names)}" for (state, then), names in labels.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> CONNECTING", *arrows])
