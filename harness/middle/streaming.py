"""The fates of an answer's body: passed; an event stream's may also be muted, reset, held or cut. No I/O.

Raw bytes are only ever delayed or withheld, never changed, so the framing stays valid wherever a hold falls; the body
inside them is looked at only where an act asks for events or for a size.
"""

import math
from collections.abc import Callable

from harness.deeds.acts import Buffers, MutesStreams, ResetsStreams
from harness.middle.acts_in_force import HELD_LIMIT, StreamAct
from harness.middle.arrivals import Arrivals
from harness.middle.blocks import TAIL, BlockScanner, cut_at, is_event
from harness.middle.framing import Framing, Spans
from harness.network.ends import How
from harness.network.gate import MIDS

LONGEST_EVENT = 1_000_000
"""Bytes of one event that a cut waits for; a longer one is cut in its middle."""


class _Cut:
    """A cut on its way: what has come of the blocks from ``starts`` on, and how its places map to raw ones."""

    def __init__(self, how: How, mid: str, tail: bytes) -> None:
        self.how = how
        self.mid = mid
        self.scanner = BlockScanner(tail)
        self.waits = not self.scanner.at_start  # for the end of a block that is half told already
        self.block = bytearray()
        self._raws: list[tuple[int, int]] = []  # place in the block, place in the held bytes

    def add(self, piece: bytes, raw: int) -> None:
        """Take body bytes that lie at ``raw`` in what is held."""
        if piece:
            self._raws.append((len(self.block), raw))
            self.block += piece

    def drop(self) -> None:
        """Begin with the next block."""
        self.block.clear()
        self._raws.clear()

    def forget_raw(self, count: int) -> None:
        """So many held bytes were let go."""
        self._raws = [(place, raw - count) for place, raw in self._raws]

    def raw(self, place: int) -> int:
        """Return where in the held bytes this place of the block lies."""
        inside, raw = next(pair for pair in reversed(self._raws) if pair[0] < place)
        return raw + place - inside


class PassingBody:
    """The body of an answer that no act is for, from the offset ``at`` of what goes to the client.

    ``arrivals`` are told where its bytes lie there.
    """

    deadline = math.inf

    def __init__(self, framing: Framing, arrivals: Arrivals, at: int) -> None:
        self._framing = framing
        self._arrivals = arrivals
        self._at = at

    @property
    def over(self) -> bool:
        """True if the response has ended."""
        return self._framing.over

    @property
    def until_close(self) -> bool:
        """True if it ends with its connection."""
        return self._framing.until_close

    @property
    def mutes(self) -> bool:
        """True if nothing of it passes, its end neither."""
        return False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what of these bytes, and of those held, goes on now; and what lies behind the response's end.

        Raises ``FramingError``, having taken nothing.
        """
        mine, _ = self._follow(data)
        return mine, data[len(mine) :]

    def flush(self) -> bytes:
        """Return what is held, and hold nothing."""
        return b""

    def _follow(self, data: bytes) -> tuple[bytes, Spans]:
        """Return which of these bytes are the response's, and where the body lies in them."""
        spans, used = self._framing.follow(data)
        mine = data if used == len(data) else data[:used]
        if self._arrivals.cares and not self.mutes:
            for start, stop in spans:
                self._arrivals.body(self._at + stop, mine[start:stop])
        self._at += used
        return mine, spans


class StreamBody(PassingBody):
    """The body of one stream. ``boxed`` is told what an act did, once for each; ``end`` ends the connection."""

    def __init__(
        self,
        framing: Framing,
        arrivals: Arrivals,
        at: int,
        *,
        act: StreamAct | None,
        now: Callable[[], float],
        boxed: Callable[[str, str], None],
        end: Callable[[How], None],
    ) -> None:
        super().__init__(framing, arrivals, at)
        self.muted = False  # for good: bytes are missing
        self._act: StreamAct | None = None
        self._now = now
        self._boxed = boxed
        self._end = end
        self._held = bytearray()
        self._held_body = 0
        self._marks: list[int] = []  # ends of blocks, as places in what is held
        self._tail = b""
        self._scanner: BlockScanner | None = None
        self._cut: _Cut | None = None
        self._told: StreamAct | None = None
        self.turn(act)
        if isinstance(act, MutesStreams):
            self._tell("muted")
        elif isinstance(act, ResetsStreams):
            self._reset()

    @property
    def mutes(self) -> bool:
        """True if nothing of it passes, its end neither."""
        return self.muted or isinstance(self._act, MutesStreams)

    def turn(self, act: StreamAct | None) -> bytes:
        """Another act is in force; return what the one before had held."""
        if act is self._act:
            return b""
        self._act = act
        self._scanner = BlockScanner(self._tail) if isinstance(act, Buffers) and act.each_event else None
        # What a cut holds is the event that it is to fall into.
        return b"" if self._cut is not None else self.flush()

    def arm(self, how: How, mid: str) -> bytes:
        """Cut the next event, as the newest cut has it; return what was held until now."""
        assert mid in MIDS, mid
        if self._cut is not None:
            self._cut.how, self._cut.mid = how, mid  # what it holds is the event that it is to fall into
            return b""
        held = self.flush()
        self._cut = _Cut(how, mid, self._tail)
        return held

    def flush(self) -> bytes:
        """Return what is held, and hold nothing; see ``PassingBody``."""
        held = bytes(self._held)
        self._let_go(len(self._held))
        self._marks.clear()
        return held

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what goes on, and what lies behind the end; see ``PassingBody``."""
        mine, spans = self._follow(data)
        if self._cut is not None and not self.mutes:
            out = self._cutting(mine, spans)
        elif self._act is None and not self.muted and not self._held:
            out = mine
        else:
            out = self._acting(mine, spans)
        for start, stop in spans:
            last = mine[max(start, stop - TAIL) : stop]
            self._tail = last if len(last) == TAIL else (self._tail + last)[-TAIL:]
        return out, data[len(mine) :]

    def _acting(self, data: bytes, spans: Spans) -> bytes:
        if self.mutes:
            self._tell("muted")
            self.muted = True
            return b""
        if isinstance(self._act, ResetsStreams):
            self._reset()
            return b""
        if not isinstance(self._act, Buffers):
            return self.flush() + data
        return self._hold(self._act, data, spans)

    def _hold(self, act: Buffers, data: bytes, spans: Spans) -> bytes:
        base = len(self._held)
        self._held += data
        self._held_body += sum(stop - start for start, stop in spans)
        self._tell("held")
        if self._scanner is not None:
            for start, stop in spans:
                self._marks += [base + start + end for end in self._scanner.feed(data[start:stop])]
        if act.seconds is not None and math.isinf(self.deadline):
            self.deadline = self._now() + act.seconds
        full = act.size is not None and self._held_body >= act.size
        if full or self._framing.over or len(self._held) > HELD_LIMIT:
            return self.flush()
        return self._all_but_the_last_block() if act.each_event else b""

    def _all_but_the_last_block(self) -> bytes:
        """Let go of a block once the first byte of the next has come."""
        assert self._scanner is not None
        ended = self._marks[:-1] if self._scanner.at_start else self._marks
        if not ended:
            return b""
        count = ended[-1]
        out = bytes(self._held[:count])
        self._marks = [mark - count for mark in self._marks[len(ended) :]]
        self._let_go(count)
        return out

    def _let_go(self, count: int) -> None:
        del self._held[:count]
        self._held_body = 0 if not self._held else self._held_body
        self.deadline = math.inf

    def _cutting(self, data: bytes, spans: Spans) -> bytes:
        """Hold the bytes of a block until it is known whole, then pass it, or a part of it."""
        cut = self._cut
        assert cut is not None
        base = len(self._held)
        self._held += data
        for start, stop in spans:
            piece, at = data[start:stop], 0
            for end in cut.scanner.feed(piece):
                cut.add(piece[at:end], base + start + at)
                at = end
                if not cut.waits and is_event(bytes(cut.block)):
                    return self._cut_here(cut_at(bytes(cut.block), cut.mid))
                cut.waits = False
                cut.drop()
            cut.add(piece[at:], base + start + at)
        if self._framing.over:
            return self.flush()
        if not cut.waits and len(cut.block) > LONGEST_EVENT:
            return self._cut_here(len(cut.block) // 2)
        if cut.block and not cut.waits:
            count = cut.raw(1) - 1
        else:
            count = len(self._held)
            cut.drop()
        out = bytes(self._held[:count])
        self._let_go(count)
        cut.forget_raw(count)
        return out

    def _cut_here(self, place: int) -> bytes:
        assert self._cut is not None
        cut = self._cut
        out = bytes(self._held[: cut.raw(place)])
        self._boxed("cut", f"{cut.mid}, {place} of {len(cut.block)} bytes of the event passed, then {cut.how}")
        self._held.clear()
        self._end(cut.how)
        return out

    def _reset(self) -> None:
        self._tell("reset")
        self._end(How.RST)

    def _tell(self, what: str) -> None:
        if self._act is not None and self._told is not self._act:
            self._told = self._act
            self._boxed(what, "")
