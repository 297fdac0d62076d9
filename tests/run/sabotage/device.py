# ruff: noqa: E501 - a table
"""Faults of the device: its paths, its sleep, its radios, and the signals by which the app hears of them."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio

from harness.clock import MovableSleep
from harness.device.model import Device, DeviceChange
from harness.device.radio import RadioState
from harness.network import relay
from harness.network.gate import Gate
from harness.network.phone import GatePhone, SignalListener, Sleep
from harness.network.relay import RelayedFlow
from harness.vocabulary import Signal
from tests.run.sabotage.gate import H0, H1, H3, canary_flows
from tests.run.sabotage.row import Once, Plant, Row, around, both, planted

Told = Callable[[GatePhone, Signal, int], None]


def _keeps_sockets(canary: bool) -> Plant:
    """A path that is lost leaves its connections alone."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        canaries = canary_flows(patch)

        def wrap(abort: Any) -> Any:
            def aborting(device: Device, paths: Any) -> Any:
                if canary:
                    return ()
                kept = {cid: flow for cid, flow in device._flows.items() if cid not in canaries}
                for cid in kept:
                    del device._flows[cid]
                acts = abort(device, paths)
                device._flows.update(kept)
                return acts

            return aborting

        around(patch, Device, "_abort", wrap)
        patch.setattr(GatePhone, "lose", lambda phone, path: None)

    return plant


def _outcome(name: str, change: Callable[[Device, DeviceChange], DeviceChange]) -> Plant:
    """Another outcome of one of the device's turns."""
    return planted(Device, name, lambda turn: lambda device, *args, **how: change(device, turn(device, *args, **how)))


class _Elsewhere:
    """A device as its phone sees it: its default is always the path that it began with."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.default = device.default

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)


def _dials_the_old_path() -> Plant:
    def wrap(init: Any) -> Any:
        def making(phone: GatePhone, **options: Any) -> None:
            init(phone, **{**options, "device": _Elsewhere(options["device"])})

        return making

    return planted(GatePhone, "__init__", wrap)


def _lingers(how: str) -> Plant:
    async def at_once(gate: Gate, linger: Any) -> None:
        gate._apply(gate.device.linger_over(linger))
        await trio.lowlevel.checkpoint()

    async def halfway(gate: Gate, linger: Any) -> None:
        await trio.sleep(linger.seconds / 2)
        gate._apply(gate.device.linger_over(linger))

    async def never(gate: Gate, linger: Any) -> None:
        await trio.lowlevel.checkpoint()

    ways = {"at once": at_once, "halfway": halfway, "never": never}
    return lambda patch: patch.setattr(Gate, "_linger", ways[how])


def _wakes(by: float) -> Plant:
    """The phone wakes up so many seconds later than it was to."""

    def wrap(suspend: Any) -> Any:
        return lambda gate, lasts, **how: suspend(gate, lasts + by, **how)

    return planted(Gate, "suspend", wrap)


def _reads_asleep(patch: pytest.MonkeyPatch) -> None:
    """The client goes on as if nothing were."""

    async def over(sleep: Sleep) -> None:
        await trio.lowlevel.checkpoint()

    patch.setattr(Sleep, "asleep", property(lambda _: False))
    patch.setattr(Sleep, "over", over)


def _timers_run_asleep(patch: pytest.MonkeyPatch) -> None:
    async def sleep_until(phone: GatePhone, deadline: float, movable_sleep: MovableSleep | None = None) -> None:
        await (movable_sleep or MovableSleep()).until(deadline)

    patch.setattr(GatePhone, "sleep_until", sleep_until)


# The radio.


def _awake_in(share: float) -> Plant:
    """Waking costs so much of what it should."""

    def wrap(wake: Any) -> Any:
        def waking(state: RadioState, now: float, *, asleep: bool) -> float:
            radio = state.radio
            state.radio = msgspec.structs.replace(radio, wake=radio.wake * share)
            until: float = wake(state, now, asleep=asleep)
            state.radio = radio
            return until

        return waking

    return planted(RadioState, "_wake", wrap)


def _shakes_hands_in(share: float) -> Plant:
    def wrap(dial: Any) -> Any:
        def dialling(state: RadioState, now: float) -> float:
            radio = state.radio
            state.radio = msgspec.structs.replace(radio, handshake=radio.handshake * share)
            ready: float = dial(state, now)
            state.radio = radio
            return ready

        return dialling

    return planted(RadioState, "dial", wrap)


def _waits(share: float) -> Plant:
    """Bytes wait for so much of what the radio says."""

    def wrap(sleep_until: Any) -> Any:
        async def sleeping(until: float) -> None:
            now = trio.current_time()
            await sleep_until(now + share * (until - now))

        return sleeping

    def plant(patch: pytest.MonkeyPatch) -> None:
        around(patch, relay, "sleep_until", wrap)

    return plant


def _free_of_charge(patch: pytest.MonkeyPatch) -> None:
    async def wait_for_radio(flow: RelayedFlow, *_: Any, **__: Any) -> None:
        await trio.lowlevel.checkpoint()

    patch.setattr(RelayedFlow, "wait_for_radio", wait_for_radio)


# Signals.


def _tells(change: Callable[[Told, GatePhone, Signal, int], None]) -> Plant:
    return planted(GatePhone, "tell", lambda tell: lambda phone, signal, told: change(tell, phone, signal, told))


def _later(tell: Told, phone: GatePhone, signal: Signal, told: int) -> None:
    async def after_a_while() -> None:
        await trio.sleep(1.5)
        tell(phone, signal, told)

    trio.lowlevel.spawn_system_task(after_a_while)


def _twice(tell: Told, phone: GatePhone, signal: Signal, told: int) -> None:
    tell(phone, signal, told)
    tell(phone, signal, told)


def _of_another_path(tell: Told, phone: GatePhone, signal: Signal, told: int) -> None:
    other = {"wifi": "cellular", "cellular": "wifi"}.get(signal.path or "", signal.path)
    tell(phone, msgspec.structs.replace(signal, path=other), told)


def _another_word(tell: Told, phone: GatePhone, signal: Signal, told: int) -> None:
    other = {"joins": "loses", "loses": "joins"}.get(signal.what, signal.what)
    tell(phone, msgspec.structs.replace(signal, what=other), told)


def _one_ear_less(tell: Told, phone: GatePhone, signal: Signal, told: int) -> None:
    ears, phone._ears = phone._ears, phone._ears[:-1]
    tell(phone, signal, told)
    phone._ears = ears


def _some_phones(tell: Told, phone: GatePhone, signal: Signal, told: int) -> None:
    if phone._client != "c2":
        tell(phone, signal, told)


def _unsaid(word: str) -> Plant:
    """The device says nothing of this word, neither to the app nor to the records."""
    return planted(
        Gate, "_apply",
        lambda apply: lambda gate, outcome: apply(
            gate, msgspec.structs.replace(outcome, signals=tuple(one for one in outcome.signals if one.what != word))
        ),
    )  # fmt: skip


def _invents(recorded: bool) -> Plant:
    """Tell a signal that no deed has made, as a client listens for the second time."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        once, gates = Once(2), dict[GatePhone, Gate]()

        def making(init: Any) -> Any:
            def made(gate: Gate, **options: Any) -> None:
                init(gate, **options)
                gates[gate.phone] = gate

            return made

        def listening(signals: Any) -> Any:
            def heard(phone: GatePhone) -> SignalListener:
                ear: SignalListener = signals(phone)
                if once():
                    signal, gate = Signal(what="joins", path="cellular"), gates[phone]
                    phone.tell(signal, gate._told(signal) if recorded else gate._journal.written)
                return ear

            return heard

        around(patch, Gate, "__init__", making)
        around(patch, GatePhone, "signals", listening)

    return plant


ROWS = (
    Row("loses keeps all connections", "loses", f"{H0}|{H3}", "wifi", _keeps_sockets(canary=True)),
    Row("loses keeps the clients' connections", "loses", H3, "wifi", _keeps_sockets(canary=False)),
    Row("goes offline keeps the clients' connections", "offline", H3, "offline|wifi", _keeps_sockets(canary=False)),
    Row("waking up keeps the clients' connections", "sleeps", H3, "wak|resumed|suspend|wifi", _keeps_sockets(canary=False)),
    Row("the phone goes on dialling the path it has lost", "handoff", H3, "wifi|cellular", _dials_the_old_path()),
    Row("the phone dials while it is offline", "offline", H3, "wifi", _dials_the_old_path()),
    Row("prefers changes nothing for the phone", "prefers", H3, "cellular|wifi", _dials_the_old_path()),
    Row("a lost path's connections do not linger", "lingers", f"{H0}|{H3}", "wifi|linger", _lingers("at once")),
    Row("a lost path's connections linger half as long", "lingers", f"{H0}|{H3}", "wifi|linger", _lingers("halfway")),
    Row("a lost path's connections linger for ever", "lingers", f"{H0}|{H3}", "wifi|linger", _lingers("never")),
    Row("a sleeping phone's client goes on", "sleeps long", f"{H0}|{H3}", "suspend|asleep|sleep|wifi|knew of", _reads_asleep),
    Row("a sleeping phone's timers go on", "sleeps long", f"{H0}|{H3}", "suspend|asleep|sleep|wifi|knew of", _timers_run_asleep),
    Row("the phone does not fall asleep", "sleeps long", f"{H0}|{H3}", "suspend|asleep|sleep|wifi|knew of", lambda patch: patch.setattr(GatePhone, "suspend", lambda _: None)),
    Row("the device does not fall asleep", "sleeps", f"{H0}|{H3}", "suspend|asleep|sleep|wifi|knew of", _outcome("suspends", lambda device, outcome: DeviceChange(acts=device.wakes().acts, signals=outcome.signals))),
    Row("the phone wakes up too late", "sleeps", H3, "suspend|wak|resumed|wifi", _wakes(2.0)),
    Row("the phone wakes up too early", "sleeps", H3, "suspend|wak|resumed|wifi", _wakes(-2.0)),
    Row("the phone never wakes up", "sleeps", f"{H0}|{H3}", "suspend|wak|resumed|wifi", _wakes(1000.0)),
    Row("a silent sleep leaves the connections alone", "sleeps silently", f"{H0}|{H3}", "suspend|wifi", planted(Device, "_silence", lambda _: lambda device: ())),
    Row("a silent sleep tells the connections", "sleeps silently", f"{H0}|{H3}", "suspend|wifi", planted(Device, "wakes", lambda wakes: lambda device, silently: wakes(device))),
    # The radio.
    Row("the radio wakes for nothing", "radio", H3, "radio|wak|handshake", _awake_in(0.0)),
    Row("the radio wakes in half the time", "radio", H3, "radio|wak|handshake", _awake_in(0.5)),
    Row("the radio takes twice the time to wake", "radio", H3, "radio|wak|handshake", _awake_in(2.0)),
    Row("the radio never sleeps", "radio", H3, "radio|wak|handshake", planted(RadioState, "_quiet", lambda _: lambda *__: False)),
    Row("the radio sleeps between any two bytes", "handoff", H3, "radio|wak|handshake", planted(RadioState, "_quiet", lambda _: lambda *__: True)),
    Row("a handshake costs nothing", "radio that is dialled", H3, "radio|handshake", _shakes_hands_in(0.0)),
    Row("a handshake costs half", "radio that is dialled", H3, "radio|handshake", _shakes_hands_in(0.5)),
    Row("a handshake is charged twice", "radio that is dialled", H3, "radio|handshake", _shakes_hands_in(2.0)),
    Row("the bytes wait for half of what the radio says", "radio", H3, "radio|wak|handshake", _waits(0.5)),
    Row("the bytes wait twice as long as the radio says", "radio", H3, "radio|wak|handshake", _waits(2.0)),
    Row("no byte waits for the radio", "radio", H3, "radio|wak|handshake", _free_of_charge),
    Row("no byte waits for a handshake", "radio that is dialled", H3, "radio|handshake|wak", _free_of_charge),
    # Signals.
    Row("signals are told to nobody", "handoff", H3, "signal|loses|joins|knew of", _tells(lambda *_: None)),
    Row("signals are told to all ears but one", "handoff", H3, "signal|loses|joins|knew of", _tells(_one_ear_less)),
    Row("signals are told to two phones of three", "handoff of three", H3, "signal|loses|joins|knew of", _tells(_some_phones)),
    Row("signals are told late", "handoff", H3, "signal|loses|joins|knew of", _tells(_later)),
    Row("signals are told twice", "handoff", f"{H1}|{H3}", "signal|loses|joins|knew of", _tells(_twice)),
    Row("signals are told of another path", "handoff", f"{H1}|{H3}", "signal|loses|joins|knew of", _tells(_of_another_path)),
    Row("another signal is told", "handoff", f"{H1}|{H3}", "signal|loses|joins|knew of", _tells(_another_word)),
    Row("a signal is invented", "offline", H3, "signal|joins|knew of", _invents(recorded=True)),
    Row("a signal is invented without a record", "offline", f"{H1}|{H3}", "signal|joins|knew of", _invents(recorded=False)),
    Row("joins is not said", "handoff", H3, "signal|joins|knew of", _unsaid("joins")),
    Row("loses is not said", "handoff", H3, "signal|loses|knew of", _unsaid("loses")),
    Row("prefers is not said", "prefers", H3, "signal|prefers|knew of", _unsaid("prefers")),
    Row("offline is not said", "offline", H3, "signal|offline|knew of", _unsaid("offline")),
    Row("online is not said", "offline", H3, "signal|online|knew of", _unsaid("online")),
    Row("suspended is not said", "sleeps", H3, "signal|suspended|knew of", _unsaid("suspended")),
    Row("resumed is not said", "sleeps", H3, "signal|resumed|knew of", _unsaid("resumed")),
    Row("a loss is told after the connections are gone, by the records", "loses", H3, "signal|loses|knew of|was told", both(_tells(_later))),
)  # fmt: skip
