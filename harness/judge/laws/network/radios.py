"""The delay of a path's radio, computed a second time: the radio model that drives the gate is on trial.

A dial is charged a handshake before its first byte. A radio that was quiet for longer than ``wake_after`` is charged
its waking, by a dial or by bytes in either direction; a ``wake_after`` of 0 is a cost of dials alone. Not charged are a
burst let go after a stall and what a box says, but they use the radio. A gap of about ``wake_after`` falls either way,
and so does what is near a deed that changes the radio: what is known of it is a span. Stamps are nanoseconds.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.device.words import Radio
from harness.history import Chunk, Conn, Waited
from harness.judge import phrases
from harness.judge.facts.deeds import Happened, Slack
from harness.judge.facts.gate_timeline import passing
from harness.judge.laws.network.flows import DOWN, RecordedFlow
from harness.scenario.model import Plan

Span = tuple[float, float]
"""The least and the most that something may be."""


class RadioPeriod(msgspec.Struct, frozen=True):
    """A radio of a path: it may be this from ``since_ns`` on, and is from ``until_ns`` on."""

    since_ns: float
    until_ns: float
    radio: Radio


def reigns(plan: Plan, happened: Sequence[Happened]) -> Mapping[str, list[RadioPeriod]]:
    """Return the radios of every path, in order."""
    found = {name: [RadioPeriod(-math.inf, -math.inf, spec.radio)] for name, spec in plan.paths.items()}
    for one in happened:
        for name, path in one.change.state.paths.items():
            if path.radio != found[name][-1].radio:
                found[name].append(RadioPeriod(one.since_ns, one.until_ns, path.radio))
    return found


class ExpectedRadio:
    """One path's radio at one gate."""

    def __init__(self, reigns: Sequence[RadioPeriod], slack: Slack) -> None:
        self._reigns = reigns
        self._slack = slack
        self._last: Span = (-math.inf, -math.inf)  # when it was used last
        self._awake: Span = (-math.inf, -math.inf)  # when its last waking was over
        self._calm: tuple[float, float] = (-math.inf, 0.0)  # until when one radio reigns alone, and its least quiet

    def dial(self, flow: RecordedFlow, record: Conn) -> None:
        """A connection begins: its first byte waits for this."""
        radios = self._radios(record.t_ns)
        ready = self._wake(record.t_ns, radios, dials=True)
        flow.ready = _plus(ready, _span(radio.handshake for radio in radios))
        self._use(flow.ready)

    def waits(self, flow: RecordedFlow, record: Waited) -> None:
        """Bytes begin to wait; they may then be held or lost all the same."""
        flow.waits[record.direction, record.offset] = record
        self._charge(flow, record, record.t_ns, record.until_ns)

    def chunk(self, flow: RecordedFlow, record: Chunk, *, held: bool) -> None:
        """Bytes passed; ``held``: they were let go after a stall."""
        way, now = record.direction, record.t_ns
        if not (held or flow.waits or flow.queued or flow.boxed) and self._busy(flow, now):
            self._last = (now, now)
            return
        queued = held or (way == DOWN and bool(flow.boxed))
        waited = flow.waits.pop((way, record.offset), None) if flow.waits else None
        if waited is not None and not held:
            self._waited(flow, record, waited)
        elif queued or way in flow.queued:
            self._use((now, now))
        else:
            self._charge(flow, record, now, now)
        if queued:
            flow.queued.add(way)
        else:
            flow.queued.discard(way)

    def _busy(self, flow: RecordedFlow, now: int) -> bool:
        """Return whether bytes surely pass now without being charged: nearly all do."""
        until, quiet = self._calm
        return now < until and now - self._last[0] < quiet and flow.ready[1] <= now >= self._awake[1]

    def _charge(self, flow: RecordedFlow, record: Waited | Chunk, now: int, until: int) -> None:
        """Bytes came now, and were let pass then: hold it against what was due, and learn from it."""
        awake = self._wake(now, self._radios(now), dials=False)
        least, most = _latest(flow.ready, awake)
        tick = self._slack.tick_ns
        if until < least - tick:
            what = "the handshake" if flow.ready[0] > awake[0] else "waking the radio"
            text = f"bytes passed {record.direction} before {what} was paid for, by {self._at(flow, least)}"
            flow.fail("radio-free", record, text)
        elif until > most + tick:
            text = f"bytes waited {record.direction} until {self._at(flow, until)} for a radio that was awake"
            flow.fail("radio-asleep", record, text)
        if until > max(flow.ready[1], now) + tick:
            self._awake = (max(self._awake[0], until), max(self._awake[1], until))
        self._awake = (self._awake[0], max(self._awake[0], min(self._awake[1], until)))
        self._use(_latest((now, now), self._awake))

    def _waited(self, flow: RecordedFlow, record: Chunk, waited: Waited) -> None:
        late = record.t_ns - waited.until_ns
        if late < -self._slack.tick_ns:
            text = f"bytes passed {record.direction}, which were to wait for the radio until"
            flow.fail("radio-free", record, f"{text} {self._at(flow, waited.until_ns)}")
        elif late > self._slack.late_ns and record.direction not in flow.queued:
            way = (flow.path, record.direction)
            if flow.timeline.surely_since(passing(way), record.t_ns) <= waited.until_ns:
                text = f"bytes passed {record.direction}, which were to wait for the radio only until"
                flow.fail("radio-late", record, f"{text} {self._at(flow, waited.until_ns)}")

    def _wake(self, now: int, radios: Sequence[Radio], *, dials: bool) -> Span:
        """Charge the waking where it is due; return the instant from which the radio is awake."""
        due = {self._asleep(now, radio, dials=dials) for radio in radios}
        if due != {False}:
            wakes = _plus((now, now), _span(radio.wake for radio in radios))
            least = self._awake[0] if due != {True} else max(self._awake[0], wakes[0])
            self._awake = (least, max(self._awake[1], wakes[1]))
        return _latest((now, now), self._awake)

    def _asleep(self, now: int, radio: Radio, *, dials: bool) -> bool | None:
        """Return whether the radio had demoted; None where that may fall either way."""
        if radio.wake_after == 0:
            return dials
        after, tick = radio.wake_after * 1e9, self._slack.tick_ns
        if now - self._last[1] > after + tick:
            return True
        return None if now - self._last[0] > after - tick else False

    def _use(self, when: Span) -> None:
        self._last = _latest(self._last, when)

    def _radios(self, now: int) -> list[Radio]:
        """Return the radios of which one reigns now."""
        tick, nexts = self._slack.tick_ns, [*self._reigns[1:], None]
        reigning = [
            (one.radio, math.inf if after is None else after.since_ns - tick)
            for one, after in zip(self._reigns, nexts, strict=True)
            if one.since_ns - tick <= now and (after is None or now <= after.until_ns + tick)
        ]
        if len(reigning) == 1:
            radio, until = reigning[0]
            self._calm = until, math.inf if radio.wake_after == 0 else radio.wake_after * 1e9 - tick
        return [radio for radio, _ in reigning]

    @staticmethod
    def _at(flow: RecordedFlow, t_ns: float) -> str:
        return phrases.limit(flow.timeline.case.at(round(t_ns)))


def _span(seconds: Iterator[float]) -> Span:
    found = [value * 1e9 for value in seconds]
    return min(found), max(found)


def _plus(one: Span, other: Span) -> Span:
    return one[0] + other[0], one[1] + other[1]


def _latest(one: Span, other: Span) -> Span:
    return max(one[0], other[0]), max(one[1], other[1])
