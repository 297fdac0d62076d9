"""Where deeds may have left their marks among the records of one client: for how long each stood, and what was met.

A deed stands from its issue until its own time is over, or another has taken its place, direction by direction.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from operator import attrgetter
from typing import TypeVar

import msgspec

from harness.deeds.acts import Answers, Cuts, Deed
from harness.deeds.catalogue import REQUESTS, effect_of, row_of
from harness.deeds.replacement import directions, replaced, speaks_to, takes_the_place_of
from harness.history import (
    Boxed,
    Chunk,
    Conn,
    ConnEnd,
    Delivered,
    Dial,
    Request,
    Rescheduled,
    Said,
    SignalHeard,
    SignalTold,
    Subscriber,
    Write,
)
from harness.history.records import Record
from harness.judge.case import ClientCase
from harness.judge.facts.deeds import at_gate, slack
from harness.vocabulary import Direction

R = TypeVar("R", bound=Record)


class DeedStretch(msgspec.Struct, frozen=True):
    """The stamps between which a deed stands at a client's gate, in either direction. It was done by ``done_ns``."""

    deed: Deed
    since_ns: int
    done_ns: int
    until_ns: Mapping[Direction, int]

    @property
    def last_ns(self) -> int:
        """The stamp from which nothing is left of it in any direction."""
        return max(self.until_ns.values())


def stretches(client: ClientCase) -> Iterator[DeedStretch]:
    """Yield the deeds that were done for this client, and until when each stood."""
    done = at_gate(client.deeds)
    deeds = [deed for deed in client.case.plan.deeds if deed.index in done]
    for place, deed in enumerate(deeds):
        one = done[deed.index]
        own = effect_of(deed.act).seconds
        end_ns = one.returned_ns + round(own * 1e9) if own else client.case.end_ns
        until, left = dict.fromkeys(Direction, end_ns), set(directions(deed.act))
        for later in deeds[place + 1 :]:
            for way in left & _taken(later, deed):
                until[way] = min(end_ns, done[later.index].returned_ns)
                left.discard(way)
            if not left:
                break
        yield DeedStretch(deed, one.issued_ns, one.returned_ns, {way: until[way] for way in directions(deed.act)})


def _taken(later: Deed, deed: Deed) -> frozenset[Direction]:
    """Return the directions in which nothing is left of a deed once a later one is done."""
    if takes_the_place_of(later, deed):
        return frozenset(Direction)
    if not speaks_to(later.actor, later.on, deed.actor, deed.on):
        return frozenset()
    return replaced(later.act, deed.act)


class Facts:
    """A client's records, where a deed may have left its mark."""

    def __init__(self, client: ClientCase) -> None:
        self.client = client
        self.tick_ns = slack(client.case).tick_ns
        self.path_of = {conn.cid: conn.path for conn in client.conns}
        self._chunks: dict[tuple[str, str, str], list[Chunk]] = {}
        for chunk in client.chunks:
            self._chunks.setdefault((self.path_of[chunk.cid], chunk.direction, chunk.fate), []).append(chunk)
        for chunks in self._chunks.values():
            chunks.sort(key=attrgetter("t_ns"))
        self.dials: list[Dial] = client.case.grouped(Dial, "client").get(client.name, [])
        subs = client.case.grouped(Subscriber, "job")
        self.subs = [one for job in client.jobs for one in subs.get(job, [])]
        self._closed = {one.sub: one.t_ns for one in self.subs if one.what == "close"}

    def bytes(self, stretch: DeedStretch, path: str, fate: str) -> Chunk | None:
        """Return the first bytes of this fate on a path while a deed stood, in its directions."""
        found = []
        for way, until_ns in stretch.until_ns.items():
            chunks = self._chunks.get((path, way, fate), [])
            place = bisect_left(chunks, stretch.since_ns, key=attrgetter("t_ns"))
            if place < len(chunks) and chunks[place].t_ns <= until_ns:
                found.append(chunks[place])
        return min(found, key=attrgetter("seq"), default=None)

    def dial(self, stretch: DeedStretch, on: Callable[[Dial], bool]) -> Dial | None:
        """Return the first dial that was on its way while a deed stood."""
        since_ns, until_ns = stretch.done_ns, stretch.last_ns
        return first(one for one in self.dials if one.from_ns <= until_ns and since_ns <= one.to_ns and on(one))

    def flow(self, stretch: DeedStretch, paths: Iterable[str]) -> Conn | None:
        """Return a flow of these paths that was open at both ends when a deed came."""
        for conn in self.client.conns:
            if conn.path in paths and conn.t_ns <= stretch.done_ns:
                ends = self.client.ends_of.get(conn.cid, [])
                if min((end.t_ns for end in ends), default=math.inf) >= stretch.since_ns:
                    return conn
        return None

    def end(self, stretch: DeedStretch, path: str, told: Callable[[ConnEnd], bool]) -> ConnEnd | None:
        """Return the first end of a flow that a path kept from the other side while a deed stood."""
        return first(
            end
            for end in self.client.conn_ends
            if stretch.since_ns <= end.t_ns <= stretch.last_ns and self.path_of[end.cid] == path and told(end)
        )

    def heard(self, stretch: DeedStretch, *words: str) -> SignalHeard | None:
        """Return the first hearing of what the OS told as a deed was done, or as its own time was over."""
        moments = [(stretch.since_ns, stretch.done_ns), (stretch.last_ns, stretch.last_ns)]
        told: list[SignalTold] = self.client.case.grouped(SignalTold, "client").get(self.client.name, [])
        seqs = {
            one.seq
            for one in told
            if one.what in words and any(a - self.tick_ns <= one.t_ns <= b + self.tick_ns for a, b in moments)
        }
        return first(one for one in self.client.heard if one.told in seqs)

    def boxed(self, stretch: DeedStretch, until_ns: int) -> Boxed | None:
        """Return the first act of a box on a connection or request that a deed speaks of."""
        deed = stretch.deed
        word, on = row_of(deed.act).boxed, deed.on or (deed.actor if isinstance(deed.act, Cuts) else "")
        requests = {request.rid: request.what for request in self.client.requests}
        to = REQUESTS.get(deed.act.to, "") if isinstance(deed.act, Answers) else ""
        return first(
            one
            for one in self.client.boxed
            if one.what == word
            and stretch.since_ns <= one.t_ns <= until_ns
            and on in {"", self.path_of.get(one.cid)}
            and to in {"", requests.get(one.rid)}
        )

    def request(self, stretch: DeedStretch) -> Request | None:
        """Return the first request while a deed stood."""
        return within(self.client.requests, stretch.since_ns, stretch.last_ns)

    def stream(self, stretch: DeedStretch) -> Subscriber | None:
        """Return a stream of the client's job that was open at the server when a deed came."""
        return first(
            one
            for one in self.subs
            if one.what == "open"
            and one.t_ns <= stretch.done_ns
            and self._closed.get(one.sub, math.inf) >= stretch.since_ns
        )

    def silence(self, stretch: DeedStretch, lasts_ns: int) -> Subscriber | None:
        """Return a stream of the client's job that had nothing to say for so long while a deed stood."""
        case = self.client.case
        for one in self.subs:
            until_ns = min(stretch.last_ns, self._closed.get(one.sub, case.end_ns))
            since_ns = max(stretch.since_ns, one.t_ns)
            said = [
                w.t_ns
                for w in [*case.grouped(Write, "sub").get(one.sub, []), *case.grouped(Said, "sub").get(one.sub, [])]
            ]
            moments = [since_ns, *sorted(t for t in said if since_ns < t < until_ns), until_ns]
            if one.what == "open" and any(b - a >= lasts_ns for a, b in pairwise(moments)):
                return one
        return None

    def retried(self, stretch: DeedStretch) -> Delivered | None:
        """Return the first block by which a client got what a deed had its streams say."""
        rids = {one.rid for one in self.client.requests}
        got = (one for one in self.client.case.history.all(Delivered) if one.rid in rids and one.retry >= 0)
        return within(got, stretch.since_ns, stretch.last_ns)

    def rescheduled(self, stretch: DeedStretch) -> Rescheduled | None:
        """Return how the client's job was told something."""
        of_jobs = self.client.case.grouped(Rescheduled, "job")
        found = [one for job in self.client.jobs for one in of_jobs.get(job, [])]
        return within(found, stretch.since_ns - self.tick_ns, stretch.done_ns + self.tick_ns)


def first(records: Iterable[R]) -> R | None:
    """Return the record with the lowest number."""
    return min(records, key=attrgetter("seq"), default=None)


def within(records: Iterable[R], since_ns: int, until_ns: int) -> R | None:
    """Return the first record that is stamped within these."""
    return first(one for one in records if since_ns <= one.t_ns <= until_ns)
