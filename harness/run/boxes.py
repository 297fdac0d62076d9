"""Proofs for what HTTP boxes and the server are told: one question each, asked through the gate like any client's.

Each returns what was met in words, and whether it is what the act promises.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
import trio

from harness.deeds.acts import (
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
from harness.deeds.catalogue import Symptom
from harness.jobserver.pulse import PERIOD, beat
from harness.run.probe import HEALTH, Meeting, Met, Probe

QUIET = 0.25  # without a byte, where a byte was due: the server's own probe stream sends one each 50 ms
PATIENCE = 8.0
OVERDUE = 3.0  # a stream's first byte is sent with its head: one that comes no sooner is held
BRIEF = 0.5  # a restart shorter than this may be over before a dial gets there
BRIEFLY = 0.01  # what is held back for less is not seen to be
TARGETS = {
    "everything": (HEALTH, "*/*"),
    "streams": ("/api/v2/imports/canary/stream", "text/event-stream"),
    "polls": ("/api/v2/imports/canary", "application/json"),
    "results": ("/api/v2/imports/canary/results", "*/*"),
}
_OF_A_BOX = {"", "text/plain"}
"""The content types of what a box answers itself; the server says JSON."""

Dial = Callable[[], Awaitable[Probe]]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof met."""

    met: bool
    detail: str
    symptom: Symptom = "otherwise"  # of what was not met
    stream: bool = False  # an event stream's
    briefly: bool = False  # nothing was met, since it was over too soon


SYMPTOMS: Mapping[str, Symptom] = {"answer": "otherwise", "silence": "quiet", "fin": "ended", "rst": "ended"}


async def see(act: Act, dial: Dial, *, undone: bool, blur: float = 0.0) -> Seen:
    """Meet an act of the middle or the server; ``undone``: meet that it is in force no more.

    ``dial`` opens a new connection, which may raise ``OSError``. ``blur``: by how many seconds the path may bring a
    head nearer to what comes behind it. Bounded by the caller.
    """
    if undone or isinstance(act, Clears | Recovers):
        return await _over(act, dial)
    match act:
        case Answers():
            seen = await _answers(act, dial)
        case ShowsPortal():
            met = await _ask(dial, "everything")
            seen = _seen(met, (met.status, met.content_type) == (200, "text/html"))
        case MutesStreams():
            seen = await _held_back(dial, QUIET)
        case Buffers():
            holds = _holds(act) - blur
            briefly = Seen(met=True, detail="it holds too briefly to be met", briefly=True)
            seen = await _held_back(dial, min(QUIET, holds / 2)) if holds > BRIEFLY else briefly
        case ResetsStreams():
            seen = await _reset(dial)
        case KillsIdle(after=after, how=how):
            seen = await _killed(dial, after, how)
        case Restarts(after=after) if after < BRIEF:
            seen = Seen(met=True, detail="it was gone too briefly to be met", briefly=True)
        case Restarts() | Drains():
            seen = await _away(dial)
        case Hangs():
            met = await _ask(dial, "everything", patience=QUIET)
            seen = _seen(met, met.what == "silence")
        case _:
            raise AssertionError(f"no request can meet {act!r}")
    return seen


def _seen(met: Met, as_promised: bool) -> Seen:
    return Seen(met=as_promised, detail=_words(met), symptom=SYMPTOMS[met.what])


def _holds(act: Buffers) -> float:
    """For how many seconds a box keeps back the first event of the server's own probe stream, which fills it."""
    if act.seconds is not None:
        return act.seconds
    if act.each_event:
        return PERIOD
    room, beats = act.size or 0, 0
    while room > 0 and beats * PERIOD < PATIENCE:
        room -= len(beat(beats))
        beats += 1
    return max(0, beats - 1) * PERIOD


async def _ask(dial: Dial, to: str, *, patience: float = PATIENCE) -> Met:
    target, accept = TARGETS[to]
    probe = await dial()
    try:
        return await probe.ask(patience, target=target, accept=accept)
    finally:
        await probe.close()


async def _over(act: Act, dial: Dial) -> Seen:
    """What an act kept back passes again: requests of its own kind, or a stream's first byte."""
    match act:
        case Answers(status=status, to=to) if to != "everything":
            met = await _ask(dial, to)
            still = met.status == status and met.content_type in _OF_A_BOX
            return _seen(met, met.what == "answer" and not still)
        case MutesStreams() | ResetsStreams() | Buffers():
            return await _streams(dial)
        case Clears():
            answered = await _answered(dial)
            return await _streams(dial) if answered.met else answered
        case _:
            return await _answered(dial)


async def _answered(dial: Dial) -> Seen:
    met = await _ask(dial, "everything")
    return _seen(met, met.what == "answer" and met.content_type != "text/html" and met.status < 500)


async def _streams(dial: Dial) -> Seen:
    """A stream's head comes, and its first byte behind it."""
    probe = await dial()
    try:
        head = await probe.listen(PATIENCE)
        if (head.what, head.content_type) != ("answer", "text/event-stream"):
            return _no_stream(head)
        what = await probe.body(OVERDUE)
        return _of_stream(what, what == "answer", f"its head, then {what}")
    finally:
        await probe.close()


async def _answers(act: Answers, dial: Dial) -> Seen:
    met = await _ask(dial, act.to)
    return _seen(met, met.what == "answer" and met.status == act.status)


async def _held_back(dial: Dial, quiet: float) -> Seen:
    """The head of a stream comes, and its first byte, due at once, does not for so many seconds."""
    probe = await dial()
    try:
        head = await probe.listen(PATIENCE)
        if (head.what, head.content_type) != ("answer", "text/event-stream"):
            return _no_stream(head)
        what = await probe.body(quiet)
        return _of_stream(what, what == "silence", f"its head, then {what}")
    finally:
        await probe.close()


async def _reset(dial: Dial) -> Seen:
    probe = await dial()
    try:
        head = await probe.listen(PATIENCE)
        what = head.what if head.what != "answer" else await probe.body(PATIENCE)  # not one byte of it
        return _of_stream(what, what == "rst", what)
    finally:
        await probe.close()


def _no_stream(head: Met) -> Seen:
    """A server that is not the reference's has no stream for probes, and says so."""
    return _of_stream(head.what, head.what == "answer" and head.status == 404, _words(head))


def _of_stream(what: Meeting, as_promised: bool, words: str) -> Seen:
    return Seen(met=as_promised, detail=f"a stream: {words}", symptom=SYMPTOMS[what], stream=True)


async def _killed(dial: Dial, after: float, how: str) -> Seen:
    probe = await dial()
    try:
        await probe.ask(PATIENCE)
        if how != "silently":
            what = await probe.ending(after + PATIENCE)
            return Seen(met=what in {"fin", "rst"}, detail=f"an idle connection: {what}", symptom=SYMPTOMS[what])
        await trio.sleep(after + QUIET)
        met = await probe.ask(QUIET)
        return Seen(met=met.what == "silence", detail=f"an idle connection: {_words(met)}", symptom=SYMPTOMS[met.what])
    finally:
        await probe.close()


async def _away(dial: Dial) -> Seen:
    """The server takes nobody in: through a proxy that shows as a connection that ends without an answer."""
    try:
        met = await _ask(dial, "everything")
    except OSError as error:
        return Seen(met=True, detail=f"dial: {error.strerror}")
    return _seen(met, met.what in {"fin", "rst"})


def _words(met: Met) -> str:
    if met.what != "answer":
        return met.what
    return " ".join(part for part in (str(met.status), met.content_type) if part)
