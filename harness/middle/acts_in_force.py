"""The acts in force, and which of them applies to what. No I/O: who asks is told.

Several acts can be in force at once. For a request, or for the bytes of a stream, the newest that applies wins; among
idle kills the newest alone counts.
"""

from typing import assert_never

import msgspec

from harness.deeds.acts import Answers, Buffers, Clears, KillsIdle, MiddleAct, MutesStreams, ResetsStreams, ShowsPortal
from harness.errors import UsageError
from harness.vocabulary import CANARY

HELD_LIMIT = 4_000_000
"""Bytes of one stream that a box holds; beyond, it lets them go, as a box of finite memory does."""

StreamAct = MutesStreams | ResetsStreams | Buffers
RequestAct = Answers | ShowsPortal
_OF = {"streams": "stream", "polls": "poll", "results": "results"}


class ActInForce(msgspec.Struct, eq=False):
    """An act in force, by its deed's index. ``on`` is empty for every path; ``actor`` is whose deed it is."""

    index: int
    act: MiddleAct
    on: str
    actor: str
    lifted: set[str] = msgspec.field(default_factory=set)  # paths on which it was cleared
    spent: dict[str, int] = msgspec.field(default_factory=dict)  # answers given, by client

    def holds(self, path: str) -> bool:
        """Return whether it is in force on this path."""
        return self.on in ("", path) and path not in self.lifted

    def replaced_by(self, later: "ActInForce") -> bool:
        """Return whether a later act takes this one's place: the last word of an actor wins, as the language has it."""
        same = type(later.act) is type(self.act) and later.actor == self.actor and later.on in ("", self.on)
        if same and isinstance(self.act, Answers) and isinstance(later.act, Answers):
            return later.act.to == self.act.to
        return same

    def exhausted(self, client: str, gates: int) -> bool:
        """Return whether it has answered this client as often as it was to. The canary is one client of each gate."""
        times = self.act.times if isinstance(self.act, Answers) else None
        share = gates if client == CANARY else 1
        return times is not None and self.spent.get(client, 0) >= times * share

    def spend(self, client: str) -> int:
        """Count one answer; return how often an act "N times" has answered this client, 0 for any other."""
        self.spent[client] = count = self.spent.get(client, 0) + 1
        return count if isinstance(self.act, Answers) and self.act.times is not None else 0


def answers(act: MiddleAct, what: str) -> bool:
    """Return whether this act answers requests of this kind in the server's place."""
    if isinstance(act, Answers):
        return act.to == "everything" or _OF.get(act.to) == what
    return isinstance(act, ShowsPortal)


def for_request(forces: tuple[ActInForce, ...], what: str, client: str, gates: int) -> ActInForce | None:
    """Return the act that answers a request of this kind; ``forces`` come newest first."""
    for force in forces:
        if what == "stream" and isinstance(force.act, StreamAct):
            return None  # newer than what would answer: the stream's head is to come from the server
        if answers(force.act, what) and not force.exhausted(client, gates):
            return force
    return None


def for_stream(forces: tuple[ActInForce, ...]) -> StreamAct | None:
    """Return the act that the bytes of event streams meet."""
    return next((force.act for force in forces if isinstance(force.act, StreamAct)), None)


def for_idle(forces: tuple[ActInForce, ...]) -> KillsIdle | None:
    """Return the act that idle connections meet."""
    return next((force.act for force in forces if isinstance(force.act, KillsIdle)), None)


def check(act: MiddleAct) -> None:
    """Raise ``UsageError`` for an act that no box can do."""
    match act:
        case Answers(status=status, to=to, times=times):
            if not 200 <= status <= 599:
                raise UsageError(f"a box answers with a final status, 200 to 599, got {status}")
            if to != "everything" and to not in _OF:
                raise UsageError(f"answers to everything, {', '.join(_OF)}; got {to!r}")
            if times is not None and times < 1:
                raise UsageError(f"answers at least 1 time, got {times}")
        case Buffers(size=size, each_event=each, seconds=seconds):
            if (size is not None) + each + (seconds is not None) != 1:
                raise UsageError(f"buffers one of a size, each event, or seconds; got {act!r}")
            if size is not None and size > HELD_LIMIT:
                raise UsageError(f"a box holds at most {HELD_LIMIT} bytes of a stream, got {size}")
        case KillsIdle(after=after, how=how):
            if after <= 0:
                raise UsageError(f"kills idle after more than 0 s, got {after}")
            if how not in {"fin", "silently"} and not (how.isdecimal() and 200 <= int(how) <= 599):
                raise UsageError(f"kills idle with fin, silently or a status from 200 to 599, got {how!r}")
        case _:
            pass


def tell(force: ActInForce) -> str:
    """Say an act in the words of the language, for a read-back."""
    match force.act:
        case Answers(status=status, retry_after=after, dated=dated, to=to, times=times):
            words = f"answers {status}" + (f" retry-after {after:g}s{' as date' * dated}" if after is not None else "")
            text = f"{words} to {to}" + (f" {times} times" if times is not None else "")
        case Buffers(size=size, each_event=each, seconds=seconds):
            text = "buffers " + ("each event" if each else f"{size}B" if size is not None else f"{seconds:g}s")
        case KillsIdle(after=after, how=how):
            text = f"kills idle after {after:g}s, {how}"
        case ShowsPortal() | MutesStreams() | ResetsStreams() | Clears() as act:
            text = str(act.__struct_config__.tag)
        case other:
            assert_never(other)
    return text + (f" on {force.on}" if force.on else "")
