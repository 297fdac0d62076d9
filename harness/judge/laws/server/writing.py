"""The server's writes to each stream: every event once, in order, as soon as it was there, until a lawful end."""

from collections.abc import Iterator

from harness.deeds.acts import SendsRetry
from harness.history import ConnEnd, Said, Subscriber, Write
from harness.history.records import Record
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.server import FOREVER, ServedStream, ServerDeed, ServerFacts
from harness.judge.laws.server.bounds import Bounds, ServerDeviation

POLITE = frozenset({"newer", "evicted", "expired", "stopped"})
"""Why a stream ends whose peer is told."""

REFUSED = frozenset({"204", "410"})
"""The answers to a cursor for which no stream opens."""


def streams(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Each stream is held against its job's log, from its cursor to its end."""
    for stream in served.streams:
        if stream.epoch.whole:
            yield from _Walk(case, served, bounds, stream).faults()


def beginning(case: Case, served: ServerFacts, bounds: Bounds, stream: ServedStream) -> tuple[int, int]:
    """Return the lowest and the highest index from which a stream may begin."""
    opened, spec = stream.opened, case.plan.server
    found = served.resumption(stream.epoch, stream.asked, opened.seq)
    first = found.first
    if found.how in REFUSED:  # that it begins at all is the fault
        return 0, first
    counts = served.repeated(opened.t_ns, bounds.tick_ns) if stream.asked else {0}
    lowest, highest = max(0, first - max(counts)), max(0, first - min(counts))
    if spec.replay is not None:  # what the log has forgotten is not repeated
        highest = max(highest, min(first, stream.epoch.newest_at(opened.seq) - spec.replay - spec.queue))
    lowest, highest = (index if index == first else stream.epoch.opening(index) for index in (lowest, highest))
    return lowest, highest


def retries(case: Case) -> set[str]:
    """Return the values of ``retry`` that the plan lets the server say."""
    own = case.plan.server.retry
    told = {deed.act.value for deed in case.plan.deeds if isinstance(deed.act, SendsRetry)}
    return told if own is None else told | {str(round(own * 1000))}


class _Walk:
    """One stream, from its cursor to its end."""

    def __init__(self, case: Case, served: ServerFacts, bounds: Bounds, stream: ServedStream) -> None:
        self._case, self._served, self._bounds, self._stream = case, served, bounds, stream
        opened, closed = stream.opened, stream.closed
        self._newest_at_opening = stream.epoch.newest_at(opened.seq)
        self._closed_ns = min(closed.t_ns if closed is not None else FOREVER, case.end_ns)
        self._newer_ns = stream.newer.t_ns + served.interval_ns if stream.newer is not None else FOREVER
        self._next = -1  # the index that is to be written next; -1: nothing was written yet
        self._free_ns = self._heard_ns = (
            opened.t_ns
        )  # since when nothing is being written; when anything was last begun
        self._spoken = False
        self._given_up: Write | Said | None = None  # the write that was under way at its end

    def faults(self) -> Iterator[ServerDeviation]:
        """Yield what the server did wrong on this stream."""
        yield from self._opening()
        yield from self._writing()
        yield from self._retries()
        yield from self._outliving()
        if self._stream.closed is not None:
            yield from self._ending(self._stream.closed)

    def _at(self, t_ns: int) -> str:
        return phrases.moment(self._case.at(t_ns))

    # How it begins.

    def _opening(self) -> Iterator[ServerDeviation]:
        stream, called = self._stream, self._stream.called
        cursor, seq = stream.opened.cursor, stream.opened.seq
        found = self._served.resumption(stream.epoch, cursor, seq)
        if found != self._served.resumption(stream.epoch, stream.asked, seq):
            yield f"the server took {cursor!r} for the id that {called} asked from, {stream.asked!r}", stream.opened
        if found.how in REFUSED:
            yield f"the server opened {called} from {stream.question}, where {found.how} was due", stream.opened
        reset = any(isinstance(turn, Said) and turn.what == "reset" for turn in stream.turns[:2])
        if found.how == "reset" and stream.turns and stream.turns[0].whole and not reset:
            yield f"the server sent no reset event on {called}, which asked from {stream.question}", stream.opened
        if found.how != "reset" and reset:
            yield f"the server sent a reset event on {called}, which asked from {stream.question}", stream.opened
        own = self._case.plan.server.retry
        if own is not None and (begun := self._begun()) and all(turn.whole for turn in begun):
            value = str(round(own * 1000))
            if not any(isinstance(turn, Said) and (turn.what, turn.detail) == ("retry", value) for turn in begun):
                yield f"the server did not begin {called} with retry {value}, as it is set to", begun[-1]
        yield from self._permit()

    def _begun(self) -> list[Write | Said]:
        """Return the turns among which its ``retry`` is: the first; of varied frames, up to the first behind events.

        Empty where so many never came.
        """
        turns = self._stream.turns
        if not self._served.varied:
            return turns[:1]
        first = next((place for place, turn in enumerate(turns) if isinstance(turn, Write)), len(turns))
        return turns[: first + 2] if first + 2 <= len(turns) else []

    def _permit(self) -> Iterator[ServerDeviation]:
        """Check that it was opened with a good token, for as long as the token is good."""
        opened, served, tick_ns = self._stream.opened, self._served, self._bounds.tick_ns
        if self._case.plan.server.token_lasts is None or not served.tokens:
            return
        token = served.tokens.get(opened.token)
        if token is None or not token.perhaps(opened.t_ns, tick_ns):
            yield f"the server opened {self._stream.called} to a token that was not good", opened
        elif abs(token.expires_ns - opened.expires_ns) > tick_ns:
            its, due = self._at(opened.expires_ns), self._at(token.expires_ns)
            yield f"the server takes the token of {self._stream.called} until {its}, and it is good until {due}", opened

    # What it is told.

    def _writing(self) -> Iterator[ServerDeviation]:
        stream, late_ns = self._stream, self._bounds.late_ns
        silence_ns, behind = self._served.interval_ns + late_ns, len(stream.epoch.emits) - self._case.plan.server.queue
        began_ns = 0
        for place, turn in enumerate(stream.turns):
            waited = turn.began_ns - self._free_ns
            if waited < -self._bounds.tick_ns and turn.began_ns != began_ns:
                yield f"the server wrote to {stream.called} twice at once, at {self._at(turn.began_ns)}", turn
            began_ns = turn.began_ns
            if isinstance(turn, Write):
                if not self._of_its_log(turn):
                    yield f"the server wrote {turn.epoch}-{turn.first} to {stream.called}, of no log of its", turn
                    return
                if turn.first != self._next or waited > late_ns or turn.first < behind or turn.rid != stream.opened.rid:
                    yield from self._event(turn, waited)
            if waited > silence_ns or not self._spoken:
                yield from self._silent(began_ns, turn)
            if self._served.hangs or isinstance(turn, Said):
                yield from self._manners(place, turn)
            self._free_ns, self._spoken = turn.t_ns, True
            if not turn.whole:
                self._given_up = turn
                return
            if isinstance(turn, Write):
                self._next = turn.last + 1
        yield from self._unwritten()

    def _of_its_log(self, turn: Write) -> bool:
        epoch = self._stream.epoch
        return turn.epoch == epoch.begun.epoch and 0 <= turn.first <= turn.last < len(epoch.emits)

    def _event(self, turn: Write, waited: int) -> Iterator[ServerDeviation]:
        """Yield a write of events that may not be the next, or not in time."""
        stream = self._stream
        if turn.rid != stream.opened.rid:
            yield f"the server wrote to {stream.called} for request {turn.rid}, which is another's", turn
        if turn.first != self._next:
            yield from self._astray(turn)
        if waited > self._bounds.late_ns:
            yield from self._tardy(turn)
        yield from self._behind(turn)

    def _due(self) -> int:
        """Return the index of the event that it is to get next."""
        if self._next >= 0:
            return self._next
        return beginning(self._case, self._served, self._bounds, self._stream)[1]

    def _astray(self, turn: Write) -> Iterator[ServerDeviation]:
        """Yield a write that is not the next one."""
        stream, name = self._stream, self._stream.epoch.event(turn.first)
        if self._next < 0:
            lowest, highest = beginning(self._case, self._served, self._bounds, stream)
            if not lowest <= turn.first <= highest:
                yield stream.answered_from(turn.first, highest), turn, stream.opened
        elif turn.first < self._next:
            yield f"the server wrote {name} to {stream.called} again", turn
        else:
            left = phrases.events([*range(self._next, turn.first)])
            yield f"the server wrote {name} to {stream.called}, and had left out {left}", turn

    def _tardy(self, turn: Write) -> Iterator[ServerDeviation]:
        """Yield an event that was there, for a stream that was free, and that was not written for a while."""
        emit = self._stream.epoch.emits[turn.first]
        since_ns = max(self._free_ns, emit.actual_ns)
        if self._idle(since_ns, turn.began_ns) > self._bounds.late_ns:
            waited = phrases.duration((turn.began_ns - since_ns) / 1e9)
            name = self._stream.epoch.event(turn.first)
            yield f"the server kept {name} from {self._stream.called} for {waited}", turn, emit

    def _idle(self, since_ns: int, until_ns: int) -> int:
        """Return for how long of this time the server could have written, as far as it was told to."""
        return until_ns - since_ns - sum(one.overlap(since_ns, until_ns) for one in self._served.hangs)

    def _behind(self, turn: Write) -> Iterator[ServerDeviation]:
        """Yield a stream that fell further behind than its queue, and was written to again."""
        stream = self._stream
        behind = stream.epoch.newest_at(turn.seq) - max(turn.first - 1, self._newest_at_opening)
        if behind > self._case.plan.server.queue and turn is not stream.writes[-1]:
            yield f"the server did not evict {stream.called}, which was {phrases.amount(behind, 'event')} behind", turn

    def _silent(self, until_ns: int, shown: Record) -> Iterator[ServerDeviation]:
        """Yield a silence longer than a keep-alive interval; or any before the first word."""
        since_ns, served = self._free_ns, self._served
        if self._spoken and self._case.plan.server.keepalive is None:
            return
        allowed_ns = (served.interval_ns if self._spoken else 0) + self._bounds.late_ns
        excuses = [*served.hangs, *served.silences] if self._spoken else served.hangs
        if until_ns - since_ns > allowed_ns and not any(one.overlap(since_ns, until_ns) for one in excuses):
            span = phrases.between(self._case.at(since_ns), self._case.at(until_ns))
            yield f"the server said nothing on {self._stream.called} at {span}, not even a comment", shown

    def _manners(self, place: int, turn: Write | Said) -> Iterator[ServerDeviation]:
        """Check that a hanging server writes nothing, and that no comment or ``retry`` comes unwanted or too soon."""
        served, tick_ns, called = self._served, self._bounds.tick_ns, self._stream.called
        at = self._at(turn.began_ns)
        if any(one.surely(turn.began_ns, tick_ns) for one in served.hangs):
            yield f"the server wrote to {called} at {at}, where it was told to hang", turn
        if not isinstance(turn, Said):
            return
        if turn.what == "keep-alive":
            yield from self._keep_alive(place, turn)
        primes = self._served.varied and not self._stream.asked
        if turn.what == "primed" and not (primes and turn.detail == self._stream.epoch.start_id):
            yield f"the server primed {called} with {turn.detail!r}, which is not the id of its start", turn
        if turn.what == "retry" and turn.detail not in retries(self._case):
            yield f"the server asked for retry {turn.detail} on {called} at {at}, which nobody had told it to", turn

    def _keep_alive(self, place: int, turn: Said) -> Iterator[ServerDeviation]:
        """Check that a comment comes after an interval without a write, and none while the server is to send none."""
        served, bounds, called = self._served, self._bounds, self._stream.called
        at_ns, at = turn.began_ns, self._at(turn.began_ns)
        # What came with it, in this moment, may have been there when it was due.
        earlier = (one.began_ns for one in reversed(self._stream.turns[:place]))
        before_ns = next(
            (began_ns for began_ns in earlier if began_ns < at_ns - bounds.late_ns), self._stream.opened.t_ns
        )
        if any(one.overlap(before_ns, at_ns) for one in served.hangs):
            return  # one that was due is sent once the server hangs no more
        if any(one.surely(at_ns, bounds.tick_ns) for one in served.silences):
            yield f"the server sent a keep-alive on {called} at {at}, where it was told to send none", turn
        if at_ns - before_ns < served.interval_ns - bounds.tick_ns:
            by = phrases.duration((at_ns - before_ns) / 1e9)
            yield f"the server sent a keep-alive on {called} at {at}, only {by} after what came before it", turn

    def _unwritten(self) -> Iterator[ServerDeviation]:
        """Yield the event that was due on this stream, and was not written before it ended."""
        stream, emits = self._stream, self._stream.epoch.emits
        until_ns = min(self._closed_ns, self._stopped_ns())
        yield from self._silent(until_ns, stream.closed or stream.opened)
        first = self._due()
        if first < len(emits):
            since_ns = max(self._free_ns, emits[first].actual_ns)
            if self._idle(since_ns, until_ns) > self._bounds.late_ns:
                name = stream.epoch.event(first)
                yield f"the server never wrote {name} to {stream.called}, due at {self._at(since_ns)}", emits[first]

    def _retries(self) -> Iterator[ServerDeviation]:
        """Check that each deed that has a ``retry`` sent reaches every stream that is open."""
        stream, tick_ns = self._stream, self._bounds.tick_ns
        for done, value in self._served.retries:
            open_all_along = stream.opened.t_ns < done.issued_ns - tick_ns
            open_all_along &= self._closed_ns > done.returned_ns + self._bounds.late_ns
            said = any(one.detail == value and one.began_ns >= done.issued_ns - tick_ns for one in stream.retries)
            hung = any(one.overlap(done.issued_ns, self._closed_ns) for one in self._served.hangs)
            if open_all_along and not said and not hung and self._given_up is None:
                at = self._at(done.issued_ns)
                yield f"the server did not send retry {value} on {stream.called}, as it was told to at {at}", done

    # When it ends.

    def _stopped_ns(self) -> int:
        """Return from when on nothing need be written any more, though the stream may still be open."""
        leaves = [one.since_ns for one in self._leaves() if one.since_ns >= self._stream.opened.t_ns]
        return min(self._newer_ns, self._stream.opened.expires_ns or FOREVER, self._revoked_ns(), *leaves, FOREVER)

    def _leaves(self) -> list[ServerDeed]:
        return [*self._served.drains, *self._served.restarts]

    def _revoked_ns(self) -> int:
        """Return when a deed ended the life of its token."""
        if self._case.plan.server.token_lasts is None:
            return FOREVER
        revoked = (one.issued_ns for one in self._served.revocations if one.returned_ns > self._stream.opened.t_ns)
        return min(revoked, default=FOREVER)

    def _outliving(self) -> Iterator[ServerDeviation]:
        """Check that nothing is written to a stream that had to end: for its token, a newer one, a leaving server."""
        stream, tick_ns = self._stream, self._bounds.tick_ns
        ends = [
            (stream.opened.expires_ns or FOREVER, "its token had ended"),
            (self._revoked_ns(), "its token was revoked"),
            (self._newer_ns, "a newer stream had taken over"),
        ]
        last = stream.writes[-1] if stream.writes else None
        for ended_ns, why in ends:
            if last is not None and last.began_ns > ended_ns + self._bounds.late_ns:
                name = stream.epoch.event(last.first)
                yield f"the server wrote {name} to {stream.called} at {self._at(last.began_ns)}, when {why}", last
        for one in self._leaves():
            if stream.opened.t_ns + tick_ns < one.since_ns and one.sure_ns + tick_ns < self._closed_ns:
                yield f"the server kept {stream.called} open at {self._at(one.sure_ns)}, told to end all", stream.opened

    def _ending(self, closed: Subscriber) -> Iterator[ServerDeviation]:
        called, at, why = self._stream.called, self._at(closed.t_ns), closed.evidence or "no evidence"
        if not self._may_end(closed):
            yield f"the server ended {called} at {at} ({why}) with no reason to", closed
        elif why in POLITE and closed.t_ns < self._case.end_ns and not self._bye(closed):
            yield f"the server ended {called} at {at} ({why}) and said no bye", closed

    def _bye(self, closed: Subscriber) -> bool:
        """Return whether it was told why it ends, where the server could tell it."""
        if self._given_up is not None or any(
            one.perhaps(closed.t_ns, self._bounds.tick_ns) for one in self._served.hangs
        ):
            return True
        last = self._stream.turns[-1] if self._stream.turns else None
        return isinstance(last, Said) and (last.what, last.detail) == ("bye", closed.evidence)

    def _left(self, closed: Subscriber) -> bool:
        """Return whether the gate knows of an end of this stream's connection, told to the server or not."""
        request = self._stream.request
        if request is None or closed.t_ns >= self._case.end_ns:
            return True
        ends = self._case.grouped(ConnEnd, "cid").get(request.cid, [])
        return any(one.seq < closed.seq and (one.side == "client" or one.how == "closed") for one in ends)

    def _may_end(self, closed: Subscriber) -> bool:
        """Return whether a stream may end then, on this evidence. Whether a peer had left is the network's to say."""
        epoch, tick_ns = self._stream.epoch, self._bounds.tick_ns
        latest_ns = closed.t_ns + tick_ns
        match closed.evidence:
            case "fin" | "rst":
                lawful = self._left(closed)
            case "flood":
                lawful = True
            case "done":
                lawful = epoch.over_at(closed.seq) and self._due() == len(epoch.emits)
            case "evicted":
                newest = max(self._next - 1, self._newest_at_opening)
                lawful = epoch.newest_at(closed.seq) - newest > self._case.plan.server.queue
            case "blocked":
                held = self._given_up
                lawful = held is not None and latest_ns >= held.began_ns + self._served.interval_ns
            case "expired":
                lawful = latest_ns >= min(self._stream.opened.expires_ns or FOREVER, self._revoked_ns())
            case "newer":
                lawful = latest_ns >= self._newer_ns
            case "stopped":
                drained = any(one.perhaps(closed.t_ns, tick_ns) for one in self._served.drains)
                left = any(
                    one.since_ns - tick_ns <= closed.t_ns <= one.sure_ns + tick_ns for one in self._served.restarts
                )
                lawful = drained or left or latest_ns >= self._case.end_ns
            case _:
                lawful = False
        return lawful
