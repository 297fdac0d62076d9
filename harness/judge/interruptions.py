"""An interruption of a client's network, and what the device told it of it."""

import math

import msgspec

from harness.deeds.acts import Suspends
from harness.history import SignalTold
from harness.judge.case import ClientCase
from harness.judge.facts.streams import is_stream, live_streams
from harness.judge.obligations.attempts import attempts
from harness.judge.sky import Sky

OF_A_PATH = {"loses", "joins"}
"""Signals of one path's loss or return. ``prefers`` is neither: it leaves an open stream where it is."""

OF_ALL = {"offline", "online", "resumed"}
"""Signals of every path's loss or return: a device that wakes has lost its sockets too."""

NEAR = 0.1
"""Seconds around a deed within which what belongs to it is recorded: a signal a moment before or after it returned."""

_NO_STREAM = frozenset({"muted", "reset"})
"""What a box does to a stream that it lets begin."""


class Interruption(msgspec.Struct, frozen=True, kw_only=True):
    """An interruption, or several joined: ``last`` is when the last of them began.

    ``unnoticed``: each was the silent death of a stream beside a usable default.
    """

    began: float
    last: float
    healed: float | None
    path: str | None
    silent: bool
    struck: str
    unnoticed: bool = False


def heard(client: ClientCase, raw: Interruption) -> list[SignalTold]:
    """Return what the device said from the beginning of an outage to its healing."""
    until = math.inf if raw.healed is None else raw.healed + NEAR
    return [one for one in client.signals if raw.last - NEAR <= client.case.at(one.t_ns) <= until]


def told(client: ClientCase, raw: Interruption) -> bool:
    """Whether a signal told the client of its own path's loss or return.

    Its own is the path of its stream, or where none was open, the default. That another path is there, or preferred,
    tells it nothing of that. A loss that was told helps only where the healing is told too: else it is by then the
    return of the path it was left with, and of that it was told nothing.
    """
    if raw.healed is None:
        return False
    sky, at = client.once(Sky), client.case.at
    own = sky.carrying(raw.last - NEAR, raw.last) or {sky.before(raw.last).path}
    signals = heard(client, raw)
    healing = [one for one in signals if at(one.t_ns) >= raw.healed - NEAR and not _spent(client, one, raw.healed)]
    of_all = OF_ALL - {"resumed"} if _sleeps_unheard(client) else OF_ALL
    of_own = any(one.what in of_all or (one.what in OF_A_PATH and one.path in own) for one in signals)
    return of_own and any(one.what in of_all or _of_healing(client, raw, one) for one in healing)


def _sleeps_unheard(client: ClientCase) -> bool:
    """Whether the device sleeps silently and its client hears no signal: what its sockets do not say it is not told."""
    silently = (isinstance(one.act, Suspends) and one.act.silently for one in client.case.plan.deeds)
    return any(silently) and not client.case.plan.client.policies.heeds_signals


def _of_healing(client: ClientCase, raw: Interruption, signal: SignalTold) -> bool:
    """Whether a signal of one path tells of the healing: that it is there, or that the one left for it is not."""
    return (signal.path == raw.path and signal.what != "loses") or _broke(client, signal)


def _broke(client: ClientCase, signal: SignalTold) -> bool:
    """Whether what was lost carried a stream that was open: else its loss ends no wait, and no dial that hangs."""
    paths = {conn.cid: conn.path for conn in client.conns}
    opened = {rid for rid, one in client.responses.items() if is_stream(one) and one.seq < signal.seq}
    streams = [
        live
        for live in live_streams(client)
        if paths.get(live.request.cid) == signal.path and live.request.rid in opened
    ]
    since = signal.t_ns - round(NEAR * 1e9)
    return signal.what == "loses" and any(
        live.start_ns <= signal.t_ns and (live.end_ns is None or live.end_ns > since) for live in streams
    )


def _spent(client: ClientCase, signal: SignalTold, healed: float) -> bool:
    """Whether what a signal brought about was over by the healing: a dial on it met the refusal that was the last.

    A stream that a box kept mute, or reset, was refused as well as one that was answered by an error, and a dial.
    """
    dialled = {one.rid for one in client.streams if one.seq > signal.seq}
    met = [one.t_ns for one in client.boxed if one.rid in dialled and one.what in _NO_STREAM]
    met += [one.t_ns for rid, one in client.responses.items() if rid in dialled and not is_stream(one)]
    tried = [one.end_hi for one in attempts(client) if one.began_ns >= signal.t_ns]
    met += [end_ns for end_ns in tried if end_ns is not None]
    return any(client.case.at(at_ns) <= healed for at_ns in met)
