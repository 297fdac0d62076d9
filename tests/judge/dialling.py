"""A story of dials: what the phone, the gate and its HTTP stage record of a client that loses its stream at 4 s."""

from typing import Any

from harness.history import Body, Chunk, ConnEnd, Delivered, Dial, Read, Response
from harness.scenario.model import Plan
from harness.sse.policy import Policies
from tests.judge.story import Story, ns, plan

LOST = 4.0
"""Seconds at which the stream of ``Dials`` ends."""


class Dials(Story):
    """Told without a word of the client's own. Its stream is open from 0.01 s to ``LOST``; then ``at`` moves on."""

    def __init__(
        self, *, policies: Policies | None = None, the_plan: Plan | None = None, lost: float = LOST, read: bool = True
    ) -> None:
        super().__init__(the_plan or plan(lasts=300.0, policies=policies))
        self.emit_all()
        self.at = lost
        self.first = self.asks("stream", 0.01)
        self.reads(self.first, 0.02)
        self.ends(self.first, lost, read=read)

    def asks(self, what: str, at: float, *, status: int = 200, path: str = "wifi", **answer: str) -> int:
        """A dial that is let in, its request, and where there is a status its answer, 6 ms later."""
        self.path["c1"] = path
        cid = self.conn(at + 0.0005, began=at)
        self.request(what, at + 0.001, cid=cid, status=status, **answer)
        return cid

    def reads(self, cid: int, at: float, upto: int = 100) -> None:
        """Bytes come, and the client's task has them."""
        self.add(Chunk(cid=cid, direction="downstream", offset=upto - 100, length=100, fate="delivered"), at)
        self.add(Read(cid=cid, upto=upto), at)

    def brings(self, index: int, at: float, *, upto: int, read: bool = True) -> None:
        """An event of the stream comes; it is read, or not."""
        cid, name = self.first, self.id(index)
        self.add(Chunk(cid=cid, direction="downstream", offset=upto - 100, length=100, fate="delivered"), at - 1e-4)
        self.add(Delivered(rid=1, cid=cid, id=name, type=self.kind(index), digest=f"da{index}"), at)
        if read:
            self.add(Read(cid=cid, upto=upto), at + 1e-4)

    def retry(self, milliseconds: int, at: float = 1.0, *, read: bool = True) -> None:
        """A ``retry:`` line of the stream comes."""
        cid = self.first
        self.add(Chunk(cid=cid, direction="downstream", offset=100, length=10, fate="delivered"), at - 1e-4)
        self.add(Delivered(rid=1, cid=cid, event=False, retry=milliseconds), at)
        if read:
            self.add(Read(cid=cid, upto=110), at + 1e-4)

    def ends(self, cid: int, at: float, *, read: bool = True) -> None:
        """The client meets the end of a connection, and closes its side; or leaves without having read all."""
        if read:
            self.add(Read(cid=cid, upto=1_000_000, end="fin"), at)
        self.add(ConnEnd(cid=cid, side="client", how="fin", left_ns=ns(at)), at)

    def answer(self, what: str, cid: int, status: int, at: float) -> None:
        """The last request is answered, and its whole body comes."""
        rid = self.rids
        kind = "application/json" if what != "stream" else "text/event-stream"
        self.add(Response(rid=rid, cid=cid, status=status, content_type=kind), at - 0.002)
        self.add(Body(rid=rid, cid=cid, length=9, digest="x", whole=True), at - 0.001)

    def refused(self, *waits: float, lasts: float = 0.1) -> "Dials":
        """After each wait a dial that is refused, 100 ms later."""
        for wait in waits:
            self.at += wait
            self.dials(self.at, lasts)
            self.at += lasts
        return self

    def dials(self, at: float, lasts: float, fate: str = "refused") -> None:
        """Tell a dial that is not let in."""
        over = at + lasts
        self.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(at), to_ns=ns(over), fate=fate), over)

    def answered(self, wait: float, status: int, *, read: bool = True, **answer: Any) -> "Dials":
        """After a wait a dial for the stream, and an answer that is none; the client hangs up."""
        self.at += wait
        cid = self.asks("stream", self.at, status=status, **answer)
        if read:
            self.reads(cid, self.at + 0.0069)
        self.at += 0.01
        self.ends(cid, self.at, read=read)
        return self

    def opened(self, wait: float) -> "Dials":
        """After a wait a stream that opens and brings nothing, 100 ms long."""
        self.at += wait
        cid = self.asks("stream", self.at)
        self.at += 0.1
        self.ends(cid, self.at)
        return self

    def over(self, more: float = 0.2) -> "Dials":
        """The run is cut short."""
        self.end(self.at + more, "interrupted")
        return self
