"""A feed's testimony on a deed: held against what a flow that was open must meet once the deed is done.

Of either direction: that bytes *pass* (one that was sent afterwards has come, or those that were held have), or that it
is *quiet* (of those sent since it fell quiet none has come, though one had its time). Of either end: that it has come,
of which kind, or that it has not. A direction of which nothing was on its way has nothing to say.

A byte counts by when it was sent, at the end that sent it: what was on its way as the deed was done proves nothing.
"""

import enum
import math
from collections.abc import Mapping, Sequence

import msgspec
import trio

from harness.deeds.catalogue import FlowEnding, Symptom
from harness.deeds.network_state import Passage
from harness.run.expected import ByteLoss, FlowState
from harness.run.interference import FIRST, Mismatch, ProofResult, undecided
from harness.run.probe import Meeting
from harness.run.probe_stream import ProbeStream
from harness.vocabulary import Direction

LAG = 0.1
"""Seconds by which this machine may be late with a byte, with all its runs side by side."""

STAMP = 1e-5
"""Seconds by which a beat's stamp may be wrong: it counts microseconds."""

DOWN, UP = Direction.DOWNSTREAM, Direction.UPSTREAM


class Demand(enum.Enum):
    """The demand on one direction."""

    PASSES = enum.auto()
    QUIET = enum.auto()
    EITHER = enum.auto()


class Observation(msgspec.Struct, frozen=True):
    """One thing that was seen or missed. ``met`` None: undecided; ``at``: when it was seen, if it must not be."""

    met: bool | None
    words: str
    symptom: Symptom = "otherwise"
    at: float = math.inf
    path: str = ""  # empty: the one that the deed is about


class Witness:
    """One feed and one deed, which was ``issued`` and ``done`` at these instants of trio's clock."""

    def __init__(self, feed: ProbeStream, state: FlowState, *, issued: float, done: float) -> None:
        self.feed = feed
        self._issued, self._done = issued, done
        delay = self._delay = state.delay
        self._since: dict[Direction, float] = {}
        self._ended = state.ended
        self.testifies = not feed.answer.stranger and feed.lived_to(issued)
        losses = {
            DOWN: state.loss(DOWN, feed.sent(DOWN), (delay[DOWN][0], delay[DOWN][1] + LAG)),
            UP: state.loss(UP, feed.sent(UP), (0.0, LAG)),
        }
        self._ways = {way: self._way(state, way, losses[way]) for way in Direction}
        self._end, self._server = self._ends(state, {way: loss for way, (loss, _) in losses.items()})

    def _way(self, state: FlowState, way: Direction, loss: tuple[ByteLoss, float]) -> Demand:
        last = state.now(way)
        self._since[way] = last.since if last.passage is not Passage.PASS else self._done
        if loss[0] is ByteLoss.YES:
            self._since[way] = min(loss[1], self._since[way])
            return Demand.QUIET
        if last.passage is not Passage.PASS:
            return Demand.QUIET
        return Demand.PASSES if loss[0] is ByteLoss.NO else Demand.EITHER

    def _ends(self, state: FlowState, losses: Mapping[Direction, ByteLoss]) -> tuple[Meeting | None, bool | None]:
        """Return the end that the canary must meet, and whether the server must meet one.

        ``answer``: either end; ``silence``: none; None: it may or may not.
        """
        if state.ended is None:
            return "silence", False
        if state.ended is FlowEnding.ABORTED:
            return "rst", False
        if state.by_server:
            reached = state.now(DOWN).passage is Passage.PASS and losses[DOWN] is ByteLoss.NO
            return ("answer" if reached else None), True
        if state.ended is FlowEnding.RST:
            return "rst", True
        met: Mapping[ByteLoss, Meeting | None] = {ByteLoss.NO: "fin", ByteLoss.MAYBE: None, ByteLoss.YES: "silence"}
        return met[losses[DOWN]], {ByteLoss.NO: True, ByteLoss.MAYBE: None, ByteLoss.YES: False}[losses[UP]]

    async def watch(self, until: float, *, timeout: float, quiet: float) -> list[Observation]:
        """Return what is seen, as soon as it is decided; what the next deed, at ``until``, may have done is not.

        ``timeout``: seconds for what must happen, ``quiet`` for what must not; both on top of what a byte takes.
        """
        if not self.testifies:
            return []
        now, feed = trio.current_time(), self.feed
        longest = max(most for _, most in self._delay.values())
        if self._ended is FlowEnding.ABORTED or (self._ended is None and Demand.QUIET in self._ways.values()):
            await feed.until(self._refuted, min(until, now + quiet + longest))
        if not self._refuted():
            await feed.until(lambda: self._refuted() or self._settled(), min(until, now + timeout + longest))
        found = self._findings()
        if trio.current_time() >= until:
            found = [one if one.met or one.at < until else Observation(None, one.words) for one in found]
        return found

    def _refuted(self) -> bool:
        """Return whether something was seen that must not be."""
        return any(one.met is False and one.at < math.inf for one in self._findings())

    def _settled(self) -> bool:
        """Return whether all that must be seen was."""
        return all(one.met for one in self._findings())

    def _findings(self) -> list[Observation]:
        feed = self.feed
        if feed.wrong:
            return [Observation(False, feed.wrong, "spoiled", 0.0)]
        found = [one for one in (self._end_met(), self._server_met()) if one is not None]
        if self._ended is None and not found:  # nothing passes what has ended
            found = [one for way in Direction if (one := self._way_met(way)) is not None]
        return found

    def _end_met(self) -> Observation | None:
        feed, wanted = self.feed, self._end
        if wanted is None or (wanted == "silence" and feed.end is None):
            return None
        if feed.end is None:
            return Observation(False, "no end", "quiet")
        return Observation(wanted in {feed.end, "answer"}, feed.end, "ended", feed.ended_at)

    def _server_met(self) -> Observation | None:
        pulse, wanted = self.feed.pulse, self._server
        if wanted is None or (wanted is False and not pulse.ended):
            return None
        if not pulse.ended:
            return Observation(False, "the server was not told", "quiet")
        return Observation(wanted, "the server was told", "told", pulse.ended_at)

    def _way_met(self, way: Direction) -> Observation | None:
        feed, since, now = self.feed, self._since[way], trio.current_time()
        sent, came = feed.seen(way)
        if self._ways[way] is Demand.QUIET:
            if sent > since:
                return Observation(False, f"{way} passes", "let in", came)
            due = any(since < at <= now - self._delay[way][1] - LAG for at in feed.sent(way))
            return Observation(True, f"{way} nothing") if due else None
        if self._ways[way] is Demand.PASSES:
            all_came = sent > max(feed.sent(way), default=-math.inf) - STAMP
            if sent > since or (all_came and came >= self._issued):
                return Observation(True, f"{way} passes")
            # All that there was had come before: a feed that is at rest has nothing to say.
            return None if feed.over(way) and all_came else Observation(False, f"{way} nothing", "quiet")
        return None


def outcome_of(
    path: str, held: Sequence[Observation], dials: Sequence[Observation] = (), *, before: bool = True
) -> ProofResult:
    """Return what these findings prove together: a wrong finding is a miss, and a right one is proof.

    ``held`` are those of flows; ``before``: that were opened before the deed.
    """
    of: dict[str, list[str]] = {}
    for one in held:
        of.setdefault(one.path or path, []).append(one.words)
    words = [
        f"open connection{f' on {name}' * (len(of) > 1)}: {', '.join(dict.fromkeys(said))}" for name, said in of.items()
    ]
    detail = ", ".join([*words, *(one.words for one in dials)])
    misses = [Mismatch(path=one.path or path, symptom=one.symptom, held=before) for one in held if one.met is False]
    misses += [Mismatch(path=path, symptom=one.symptom) for one in dials if one.met is False]
    if misses:
        return ProofResult(met=False, detail=detail, misses=tuple(misses))
    return (
        ProofResult(met=True, detail=detail) if any(one.met for one in (*held, *dials)) else undecided(detail or FIRST)
    )
