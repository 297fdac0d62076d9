"""Proofs for what HTTP boxes and the server are told: requests of that kind, made through the gate as any client's.

Each returns what was met in words, and whether it is what the act promises.
"""

import math
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import trio

from harness.deeds.acts import (
    Act,
    Answers,
    Buffers,
    Drains,
    Hangs,
    KillsIdle,
    MutesStreams,
    ResetsStreams,
    Restarts,
    ShowsPortal,
)
from harness.deeds.catalogue import Symptom
from harness.jobserver.probe_streams import PERIOD, beat
from harness.run.probe import HEALTH, SYMPTOMS, Meeting, Met, Probe, Release, StreamProbe
from harness.seams import Stream

QUIET = 0.25  # seconds without a byte, where a byte was due
TIMEOUT = 8.0
LONG = 3.0  # seconds: a proof does not wait so long to see that an idle connection is left alone
OVERDUE = 1.0  # seconds of beats, one of which must come in time
BRIEFLY = 0.01  # what is held back for less is not seen to be
TARGETS = {
    "everything": (HEALTH, "*/*"),
    "streams": ("/api/v2/imports/canary/stream", "text/event-stream"),
    "polls": ("/api/v2/imports/canary", "application/json"),
    "results": ("/api/v2/imports/canary/results", "*/*"),
}
_OF_A_BOX = {"", "text/plain"}
"""The content types of what a box answers itself; the server says JSON."""


class BoxProof(msgspec.Struct, frozen=True, kw_only=True):
    """The observation of a proof."""

    met: bool
    detail: str
    symptom: Symptom = "otherwise"  # of what was not met
    stream: bool = False  # an event stream's
    briefly: bool = False  # nothing was met, since it was over too soon


class BoxAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The way to the boxes: a dial, which may raise ``OSError``, and the seconds of a beat's way from there."""

    dial: Callable[[], Awaitable[Stream]]
    release: Release
    least: float = 0.0
    most: float = 0.0

    async def probe(self) -> Probe:
        """Return a new connection for questions."""
        return Probe(await self.dial(), self.release)

    async def listener(self) -> StreamProbe:
        """Return a new connection for an event stream."""
        return StreamProbe(await self.dial(), self.release)


async def prove_in_force(act: Act, way: BoxAccess) -> BoxProof:
    """Meet an act of the middle or the server, in force. Bounded by the caller."""
    match act:
        case Answers():
            met = await _ask(way, act.to)
            seen = _proved(met, met.what == "answer" and met.status == act.status)
        case ShowsPortal():
            met = await _ask(way, "everything")
            seen = _proved(met, (met.status, met.content_type) == (200, "text/html"))
        case MutesStreams():
            seen = await _held_back(way, math.inf)
        case Buffers():
            seen = await _held_back(way, _holds(act))
        case ResetsStreams():
            seen = await _reset(way)
        case KillsIdle(after=after, how=how):
            seen = await _killed(way, after, how)
        case Restarts() | Drains():
            seen = await _away(way)
        case Hangs():
            met = await _ask(way, "everything", timeout=QUIET + way.most)
            seen = _proved(met, met.what == "silence")
        case _:
            raise AssertionError(f"no request can meet {act!r}")
    return seen


async def prove_cleared(acts: Iterable[Act], way: BoxAccess) -> BoxProof:
    """Meet that none of these is in force any more: what each kept back passes again. Bounded by the caller."""
    found: list[BoxProof] = []
    for act in acts:
        found.append(await _over(act, way))
        if not found[-1].met:
            return found[-1]
    return msgspec.structs.replace(found[-1], detail=", ".join(dict.fromkeys(seen.detail for seen in found)))


async def _over(act: Act, way: BoxAccess) -> BoxProof:
    match act:
        case MutesStreams() | ResetsStreams() | Buffers():
            return await _streams(way)
        case Answers(status=status, to=to):
            met = await _ask(way, to)
            return _proved(met, met.what == "answer" and not (met.status == status and met.content_type in _OF_A_BOX))
        case KillsIdle(after=after) if after <= LONG:
            return await _spared(way, after)
        case KillsIdle():
            return BoxProof(met=True, detail="nobody waits so long", briefly=True)
        case _:
            met = await _ask(way, "everything")
            return _proved(met, met.what == "answer" and met.content_type != "text/html" and met.status < 500)


def _proved(met: Met, as_promised: bool) -> BoxProof:
    return BoxProof(met=as_promised, detail=_words(met), symptom=SYMPTOMS[met.what])


def _holds(act: Buffers) -> float:
    """For how many seconds a box keeps back the first event of the server's own probe stream, which fills it."""
    if act.seconds is not None:
        return act.seconds
    if act.each_event:
        return PERIOD
    room, beats = act.size or 0, 0
    while room > 0 and beats * PERIOD < TIMEOUT:
        room -= len(beat(beats))
        beats += 1
    return max(0, beats - 1) * PERIOD


async def _ask(way: BoxAccess, to: str, *, timeout: float = TIMEOUT) -> Met:
    target, accept = TARGETS[to]
    probe = await way.probe()
    try:
        return await probe.ask(timeout, target=target, accept=accept)
    finally:
        probe.close()


async def _streams(way: BoxAccess) -> BoxProof:
    """Prove that a stream's head comes, and a beat behind it that nothing has held."""
    listener = await way.listener()
    try:
        await listener.ask()
        what = await listener.until(lambda: bool(listener.answer.status), TIMEOUT)
        if what != "answer" or not listener.streams:
            return _no_stream(listener, what)
        answer = listener.answer
        in_time = way.most + PERIOD / 2
        what = await listener.until(lambda: any(one.took <= in_time for one in answer.beats), OVERDUE + way.most)
        quickest = min((one.took for one in answer.beats), default=math.inf)
        words = f"its head, then {what}" if what == "answer" or not answer.beats else f"a beat in {quickest:.3f} s"
        return _of_stream(what, what == "answer", words)
    finally:
        listener.close()


async def _held_back(way: BoxAccess, holds: float) -> BoxProof:
    """Prove that the head of a stream comes, and its first beat, sent with it, does not for so many seconds."""
    if holds <= BRIEFLY:
        return BoxProof(met=True, detail="it holds too briefly to be met", briefly=True)
    listener = await way.listener()
    try:
        await listener.ask()
        what = await listener.until(lambda: bool(listener.answer.status), TIMEOUT)
        if what != "answer" or not listener.streams:
            return _no_stream(listener, what)
        beats = listener.answer.beats
        what = await listener.until(lambda: bool(beats), way.most - way.least + min(QUIET, holds / 2))
        held = beats[0].took >= way.least + holds / 2 if beats else what == "silence"
        return _of_stream(what, held, f"its head, then {what if not held else 'silence'}")
    finally:
        listener.close()


async def _reset(way: BoxAccess) -> BoxProof:
    listener = await way.listener()
    try:
        await listener.ask()
        what = await listener.until(lambda: bool(listener.answer.beats), TIMEOUT)  # not one byte of its body
        return _of_stream(what, what == "rst", what)
    finally:
        listener.close()


def _no_stream(listener: StreamProbe, what: Meeting) -> BoxProof:
    """A server that is not the reference's has no stream for probes, and says so."""
    answer = listener.answer
    words = f"{answer.status} {answer.content_type}".rstrip() if what == "answer" else what
    return _of_stream(what, what == "answer" and answer.status == 404, words)


def _of_stream(what: Meeting, as_promised: bool, words: str) -> BoxProof:
    return BoxProof(met=as_promised, detail=f"a stream: {words}", symptom=SYMPTOMS[what], stream=True)


async def _killed(way: BoxAccess, after: float, how: str) -> BoxProof:
    """Prove that a connection of the canary's own ends while it is idle, or while it waits for an answer."""
    probe = await way.probe()
    try:
        met = await probe.ask(TIMEOUT)
        quietly = how == "silently"
        if not probe.alive:  # it was never answered: the answer's way may be longer than the box's deadline
            killed = (met.what == "silence" and 2 * way.most >= after) if quietly else met.what != "silence"
            return _of_idle(met.what, killed and met.seconds >= after - BRIEFLY, _words(met))
        if not quietly:
            what = await probe.ending(after + TIMEOUT)
            return _of_idle(what, what in {"fin", "rst"}, what)
        await trio.sleep(after + QUIET)
        met = await probe.ask(QUIET + way.most)
        return _of_idle(met.what, met.what == "silence", _words(met))
    finally:
        probe.close()


def _of_idle(what: Meeting, as_promised: bool, words: str) -> BoxProof:
    return BoxProof(met=as_promised, detail=f"an idle connection: {words}", symptom=SYMPTOMS[what])


async def _spared(way: BoxAccess, after: float) -> BoxProof:
    """Prove that a connection of its own that was idle for so long answers still."""
    probe = await way.probe()
    try:
        met = await probe.ask(TIMEOUT)
        if met.what == "answer":
            await trio.sleep(after + QUIET)
            met = await probe.ask(TIMEOUT)
        return _proved(met, met.what == "answer")
    finally:
        probe.close()


async def _away(way: BoxAccess) -> BoxProof:
    """Prove that the server refuses dials: through a proxy, a connection then ends without an answer."""
    try:
        met = await _ask(way, "everything")
    except OSError as error:
        return BoxProof(met=True, detail=f"dial: {error.strerror}")
    return _proved(met, met.what in {"fin", "rst"})


def _words(met: Met) -> str:
    if met.what != "answer":
        return met.what
    return " ".join(part for part in (str(met.status), met.content_type) if part)
