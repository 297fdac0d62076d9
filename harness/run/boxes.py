"""Proofs for what HTTP boxes and the server are told: one question each, asked through the gate like any client's.

Each returns what was met in words, and whether it is what the act promises. What leaves no mark on a connection (a
token revoked, a job paused) is proved by what the server read back.
"""

from collections.abc import Awaitable, Callable

import msgspec
import trio

from harness.run.probe import HEALTH, Met, Probe
from harness.scenario.model import (
    Act,
    Answers,
    Buffers,
    Clears,
    Drains,
    Hangs,
    KillsIdle,
    MutesStreams,
    Recovers,
    ResetsStreams,
    Restarts,
    ShowsPortal,
)

QUIET = 0.25  # without a byte, where a byte was due: the server's own probe stream sends one each 100 ms
PATIENCE = 8.0
GLIMPSE = 0.01  # the first event of the server's own probe stream comes with the head: any later is held back
LEAST_HELD = 200  # bytes: the head of that stream and its first event are on their way together
BRIEF = 0.5  # a restart shorter than this may be over before a dial gets there
TARGETS = {
    "everything": (HEALTH, "*/*"),
    "streams": ("/api/v2/imports/canary/stream", "text/event-stream"),
    "polls": ("/api/v2/imports/canary", "application/json"),
    "results": ("/api/v2/imports/canary/results", "*/*"),
}

Dial = Callable[[], Awaitable[Probe]]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof met."""

    met: bool
    detail: str


async def see(act: Act, dial: Dial, *, undone: bool) -> Seen:
    """Meet an act of the middle or the server; ``undone``: meet that it is in force no more.

    ``dial`` opens a new connection; it may raise ``OSError``. Bounded by the caller.
    """
    if undone or isinstance(act, Clears | Recovers):
        return await _answered(dial)
    seen = Seen(met=True, detail="read back")
    match act:
        case Answers():
            seen = await _answers(act, dial)
        case ShowsPortal():
            met = await _ask(dial, "everything")
            seen = Seen(met=(met.status, met.content_type) == (200, "text/html"), detail=_words(met))
        case Buffers(each_event=True):
            seen = await _late_by_one(dial)
        case Buffers(size=int(size)) if size < LEAST_HELD:
            seen = Seen(met=True, detail="read back; it holds too little to be seen")
        case MutesStreams() | Buffers():
            seen = await _held_back(dial)
        case ResetsStreams():
            seen = await _reset(dial)
        case KillsIdle(after=after, how=how):
            seen = await _killed(dial, after, how)
        case Restarts(after=after) if after < BRIEF:
            seen = Seen(met=True, detail="read back; it was gone too briefly to be met")
        case Restarts() | Drains():
            seen = await _away(dial)
        case Hangs():
            met = await _ask(dial, "everything", patience=QUIET)
            seen = Seen(met=met.what == "silence", detail=_words(met))
    return seen


async def _ask(dial: Dial, to: str, *, patience: float = PATIENCE) -> Met:
    target, accept = TARGETS[to]
    probe = await dial()
    try:
        return await probe.ask(patience, target=target, accept=accept)
    finally:
        await _close(probe)


async def _answered(dial: Dial) -> Seen:
    met = await _ask(dial, "everything")
    return Seen(met=met.what == "answer" and met.content_type != "text/html" and met.status < 500, detail=_words(met))


async def _answers(act: Answers, dial: Dial) -> Seen:
    met = await _ask(dial, act.to)
    return Seen(met=met.what == "answer" and met.status == act.status, detail=_words(met))


async def _held_back(dial: Dial) -> Seen:
    """The head of a stream comes, and its first byte, due at once, does not."""
    probe = await dial()
    try:
        head = await probe.listen(PATIENCE)
        if (head.what, head.content_type) != ("answer", "text/event-stream"):
            return Seen(met=head.what == "answer" and head.status == 404, detail=f"a stream: {_words(head)}")
        what = await probe.body(QUIET)
        return Seen(met=what == "silence", detail=f"a stream's head, then {what}")
    finally:
        await _close(probe)


async def _late_by_one(dial: Dial) -> Seen:
    """A stream's first event, due with its head, comes no sooner than the one after it is due."""
    probe = await dial()
    try:
        head = await probe.listen(PATIENCE)
        if (head.what, head.content_type) != ("answer", "text/event-stream"):
            return Seen(met=head.what == "answer" and head.status == 404, detail=f"a stream: {_words(head)}")
        began = trio.current_time()
        what = await probe.body(PATIENCE)
        waited = trio.current_time() - began
        return Seen(met=what == "answer" and waited >= GLIMPSE, detail=f"a stream's first event {waited:.3f} s late")
    finally:
        await _close(probe)


async def _reset(dial: Dial) -> Seen:
    probe = await dial()
    try:
        head = await probe.listen(PATIENCE)
        what = head.what if head.what != "answer" else await probe.body(PATIENCE, least=1 << 20)
        return Seen(met=what == "rst", detail=f"a stream: {what}")
    finally:
        await _close(probe)


async def _killed(dial: Dial, after: float, how: str) -> Seen:
    probe = await dial()
    try:
        await probe.ask(PATIENCE)
        if how != "silently":
            what = await probe.ending(after + PATIENCE)
            return Seen(met=what in {"fin", "rst"}, detail=f"an idle connection: {what}")
        await trio.sleep(after + QUIET)
        met = await probe.ask(QUIET)
        return Seen(met=met.what == "silence", detail=f"an idle connection: {_words(met)}")
    finally:
        await _close(probe)


async def _away(dial: Dial) -> Seen:
    """The server takes nobody in: through a proxy that shows as a connection that ends without an answer."""
    try:
        met = await _ask(dial, "everything")
    except OSError as error:
        return Seen(met=True, detail=f"dial: {error.strerror}")
    return Seen(met=met.what in {"fin", "rst"}, detail=_words(met))


async def _close(probe: Probe) -> None:
    with trio.CancelScope(shield=True):
        await probe.close()


def _words(met: Met) -> str:
    if met.what != "answer":
        return met.what
    return " ".join(part for part in (str(met.status), met.content_type) if part)
