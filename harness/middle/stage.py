"""The HTTP stage of one flow through the gate: it writes down who asked what and was answered, and does the acts.

With no act in force it changes no byte, and copies none, but for the heads of requests: each goes to the server whole,
with its number. It never raises on what a peer sends: a flow that is not HTTP/1 (TLS, garbage, a head beyond the bound)
is *opaque* from then on, passes untouched and is not recorded.

Requests are read where the client's bytes reach the gate (``hears``), answers where the server's come from the path
(``to_client``). An answer is recorded as the client's socket takes it, for the radio in between may lose it. So both
sides speak of a message by its place: offsets into what the client sent, and into what the stage let go to it.
"""

import math
from collections import deque
from collections.abc import Callable

import h11
import trio

from harness.deeds.acts import KillsIdle, ShowsPortal
from harness.history.journal import Journal
from harness.history.records import Boxed
from harness.middle import facts
from harness.middle.acts_in_force import ActInForce, RequestAct, for_idle, for_request, for_stream
from harness.middle.answering import HeadReader, bodiless
from harness.middle.arrivals import Arrivals, BodyReader, Reader, StreamReader
from harness.middle.asking import Exchange, RequestReader
from harness.middle.framing import Framing, FramingError
from harness.middle.heads import headers_of
from harness.middle.kinds import RequestKinds
from harness.middle.replies import Reply, plain, reply
from harness.middle.sorting import Sorter
from harness.middle.streaming import PassingBody, StreamBody
from harness.network.ends import How, Side
from harness.network.stage import FlowControl, Stage
from harness.vocabulary import CANARY

MOST_PENDING = 100
"""Requests sent ahead of their answers, before the flow counts as opaque."""


class HttpStage(Stage):
    """Stands in the flow ``cid`` of one client. ``next_rid`` numbers the requests of the whole run.

    ``gates`` says how many canaries share an act's number of answers, ``wall_clock`` seconds since 1970, for what a box
    dates.
    """

    def __init__(
        self,
        *,
        cid: int,
        client: str,
        path: str,
        journal: Journal,
        next_rid: Callable[[], int],
        routes: RequestKinds,
        gates: int = 1,
        wall_clock: Callable[[], float],
        now: Callable[[], float] = trio.current_time,
        forget: "Callable[[HttpStage], None]" = lambda _: None,
    ) -> None:
        self.cid = cid
        self.client = client
        self.path = path
        self.opaque = False
        self._journal = journal
        self._next_rid = next_rid
        self._routes = routes
        self._gates = gates
        self._wall_clock = wall_clock
        self._now = now
        self._forget = forget
        self._flow_control: FlowControl | None = None
        self._forces: tuple[ActInForce, ...] = ()
        self._requests = RequestReader(self._asked, self._expect)
        self._sorter = Sorter(self._decide)
        self._pending: deque[Exchange] = deque()  # answered in this order
        self._head: HeadReader | None = None  # of the answer that has begun
        self._body: PassingBody | None = None  # of the answer whose head is whole
        self._given = 0  # offset in what goes to the client
        self._arrivals = Arrivals(journal)
        self._server_left: How | None = None
        self._silenced = False  # nothing passes any more, either way
        self._deaf = False  # and neither side is told of an end
        self._parted = False  # both ends have ended: a box acts no more
        self._idle: KillsIdle | None = None
        self._idle_since = 0.0

    # For the gate.

    @property
    def deadline(self) -> float:
        """The time at which to call ``due``."""
        if self._silenced or self._parted:
            return math.inf
        held = self._body.deadline if self._body is not None else math.inf
        idle = self._idle_since + self._idle.after if self._idle is not None else math.inf
        return min(held, idle)

    @property
    def streaming(self) -> bool:
        """True if an event stream is under way."""
        return isinstance(self._body, StreamBody)

    def attach(self, flow_control: FlowControl) -> None:
        """Learn who carries the bytes."""
        self._flow_control = flow_control
        if self._idle is not None:
            flow_control.look_again()

    def hears(self, data: bytes) -> None:
        """Read requests along, and record them: a request that a box swallows was made all the same."""
        if self.opaque:
            return
        try:
            self._requests.feed(data)
        except (h11.RemoteProtocolError, h11.LocalProtocolError):
            self._say(self._give_up())

    def to_server(self, data: bytes) -> bytes:
        """Let requests pass, or answer them here."""
        if self._silenced:
            return b""
        self._touch()
        if self.opaque:
            withheld = self._sorter.give_up()
            return withheld + data if withheld else data
        return self._sorter.sort(data)

    def rest(self) -> bytes:
        """Return the beginning of a head that never became whole."""
        withheld = self._sorter.give_up()
        return b"" if self._silenced else withheld

    def to_client(self, data: bytes) -> bytes:
        """Let answers pass, or do to them what the acts say."""
        if self._silenced:
            return b""
        if self._parted:
            return data
        self._touch()
        before = self._body.deadline if self._body is not None else math.inf
        out = data if self.opaque else self._read(data)
        if self._body is not None and self._body.deadline < before:
            self._look_again()
        return out

    def delivered(self, upto: int, t_ns: int) -> None:
        """Record what the client has got."""
        self._arrivals.taken(upto, t_ns)

    def lost(self, offset: int) -> None:
        """Expect nothing from there on to arrive."""
        self._arrivals.lost(offset)

    def over(self, how: How) -> None:
        """Record how far the answer under way has come."""
        fin = how is How.FIN and self._server_left is How.FIN and not self._silenced
        self._arrivals.over(whole=fin and self._body is not None and self._body.until_close)

    def leaves(self, side: Side, how: How) -> bool:
        """Let go what was held, and tell whether the end may be known."""
        if side is Side.CLIENT:
            self._arrivals.over()
        else:
            self._server_left = how
        if self._deaf:
            return False
        if side is Side.CLIENT or self._silenced or self._body is None:
            return True
        if self._body.mutes:
            return False
        self._say(self._body.flush())
        return True

    def parted(self) -> None:
        """Act on nothing any more."""
        self._parted = True

    def due(self) -> None:
        """Let go what was held long enough; end what was idle too long."""
        now = self._now()
        if self.deadline > now:
            return
        if self._body is not None and self._body.deadline <= now:
            self._say(self._body.flush())
        if self._idle is not None and self._idle_since + self._idle.after <= now:
            self._kill(self._idle.how)

    def cut(self, how: How, mid: str) -> bool:
        """Arm a cut inside the next event of the stream that is under way, if one is."""
        if not isinstance(self._body, StreamBody) or self._silenced or self._parted:
            return False
        self._say(self._body.arm(how, mid))
        return True

    def ended(self) -> None:
        """Keep nothing."""
        self._give_up()
        self._sorter.give_up()
        self._arrivals.over()
        self._flow_control = None
        self._forget(self)

    # For the middle.

    def turn(self, forces: tuple[ActInForce, ...]) -> None:
        """Put these acts in force on this flow, newest first, in place of those before."""
        self._forces = forces
        idle = for_idle(forces)
        if idle is not self._idle and not self.opaque:
            self._idle, self._idle_since = idle, self._now()
        if isinstance(self._body, StreamBody) and not self._silenced and not self._parted:
            self._say(self._body.turn(for_stream(forces)))
        self._look_again()

    # Requests.

    def _asked(self, head: h11.Request, headers: dict[str, str]) -> Exchange:
        record = facts.of_request(
            head, headers, rid=self._next_rid(), cid=self.cid, client=self.client, kinds=self._routes
        )
        self._journal.write(record)
        closes = facts.last_on_its_connection(head, headers)
        return Exchange(
            rid=record.rid,
            method=head.method,
            what=record.what,
            closes=closes,
            cursor=record.last_event_id or "",
        )

    def _expect(self, exchange: Exchange) -> None:
        self._sorter.expect(exchange)
        if len(self._sorter) + len(self._pending) > MOST_PENDING:
            raise h11.RemoteProtocolError("too many requests ahead of their answers")

    def _decide(self, exchange: Exchange) -> None:
        """The server's, or a box's?"""
        self._pending.append(exchange)
        exchange.kept = self._silenced
        if not self._forces or self._silenced:
            return
        force = for_request(self._forces, exchange.what, self.client, self._gates)
        if force is None:
            return
        spent = force.spend(self.client)
        act = force.act
        assert isinstance(act, RequestAct)
        exchange.kept = True
        exchange.reply = reply(act, method=exchange.method, closes=exchange.closes, now=self._wall_clock())
        portal = isinstance(act, ShowsPortal)
        self._boxed("portal" if portal else "answered", exchange.rid, str(exchange.reply.status), spent)
        if self._pending[0] is exchange:
            self._say(b"", replies=True)

    # Answers.

    def _read(self, data: bytes) -> bytes:
        """Return what goes to the client now: of these bytes, of what was held, and of a box's own."""
        out: list[bytes] = []
        try:
            while data and not self._silenced:
                if self._body is not None:
                    piece, data = self._body.feed(data)
                    self._give(piece, out)
                    if self._body.mutes:
                        break
                    if self._body.over:
                        self._next(out)
                else:
                    data = self._read_head(data, out)
        except (h11.RemoteProtocolError, h11.LocalProtocolError, FramingError):
            self._give(self._give_up(), out)
            self._give(b"" if self._silenced else data, out)
        return out[0] if len(out) == 1 else b"".join(out)

    def _read_head(self, data: bytes, out: list[bytes]) -> bytes:
        if self._head is None:
            if not self._pending:
                raise h11.RemoteProtocolError("an answer to nothing")
            self._head = HeadReader(self._pending[0].method)
        used, head = self._head.feed(data)
        self._give(data if used == len(data) else data[:used], out)
        if head is not None:
            self._head = None
            self._body = self._heard(head, self._pending[0])
            if self._body.over and not self._silenced:
                self._next(out)
        return data[used:]

    def _heard(self, head: h11.Response, exchange: Exchange) -> PassingBody:
        """Note an answer's head; return the body that follows."""
        exchange.begun = True
        headers = headers_of(head.headers)
        response = facts.of_response(head.status_code, headers, rid=exchange.rid, cid=self.cid)
        framing = Framing(headers, bodiless=bodiless(exchange.method, head.status_code))
        streams = (
            response.content_type == "text/event-stream" and head.status_code == 200 and exchange.method != b"HEAD"
        )
        if not streams:
            self._arrivals.head(self._given, response, self._body_reader(exchange.rid))
            return PassingBody(framing, self._arrivals, self._given)
        codings = headers.get("content-encoding", "")
        reader = StreamReader(self._journal, rid=exchange.rid, cid=self.cid, cursor=exchange.cursor, codings=codings)
        if reader.broken:
            response.coding = codings
        self._arrivals.head(self._given, response, Reader() if self.client == CANARY else reader)
        return StreamBody(
            framing,
            self._arrivals,
            self._given,
            act=for_stream(self._forces),
            now=self._now,
            boxed=lambda what, detail: self._boxed(what, exchange.rid, detail),
            end=self._end,
        )

    def _body_reader(self, rid: int) -> Reader:
        """Return the reader of a body that is no stream. Bodies of the harness's own flows are not read."""
        return Reader() if self.client == CANARY else BodyReader(self._journal, rid=rid, cid=self.cid)

    def _next(self, out: list[bytes]) -> None:
        """The oldest request has its answer; behind it a box's own may be due."""
        self._arrivals.end(self._given)
        self._body = None
        self._pending.popleft()
        if self._reply_all(out):
            self._end(How.FIN)

    def _reply_all(self, out: list[bytes]) -> bool:
        """Give what boxes have to say to the oldest requests; return whether the connection ends behind it."""
        closes = False
        while not closes and self._pending and (box := self._pending[0].reply) is not None:
            self._reply(box, out)
            closes = box.closes
        return closes

    def _reply(self, box: Reply, out: list[bytes]) -> None:
        """Give a box's own answer to the oldest request."""
        exchange = self._pending.popleft()
        response, body = facts.of_reply(box, rid=exchange.rid, cid=self.cid), box.raw[box.head :]
        self._arrivals.head(self._given + box.head, response, self._body_reader(exchange.rid))
        self._give(box.raw, out)
        if body and self._arrivals.cares:
            self._arrivals.body(self._given, body)
        self._arrivals.end(self._given)

    # Within.

    def _give(self, piece: bytes, out: list[bytes]) -> None:
        if piece:
            self._given += len(piece)
            out.append(piece)

    def _say(self, data: bytes, *, replies: bool = False) -> None:
        """Give the client bytes out of turn: what was held, or a box's own answers."""
        out: list[bytes] = []
        self._give(data, out)
        closes = replies and self._reply_all(out)
        if out and self._flow_control is not None:
            self._flow_control.say(b"".join(out))
        if closes:
            self._end(How.FIN)

    def _kill(self, how: str) -> None:
        """End a connection that was idle."""
        rid = self._pending[0].rid if self._pending else 0
        self._boxed("killed", rid, how)
        if how == "silently":
            self._silenced = self._deaf = True
            return
        waiting = self._pending[0] if self._pending and not self._pending[0].begun else None
        if how != "fin" and waiting is not None:
            waiting.reply = plain(int(how), method=waiting.method, closes=True)
            self._say(b"", replies=True)
        else:
            self._end(How.FIN)

    def _end(self, how: How) -> None:
        """End the connection at both ends, and let nothing pass any more."""
        self._silenced = True
        if self._flow_control is not None:
            self._flow_control.end(how)

    def _touch(self) -> None:
        if self._idle is not None:
            self._idle_since = self._now()

    def _look_again(self) -> None:
        if self._flow_control is not None and not math.isinf(self.deadline):
            self._flow_control.look_again()

    def _boxed(self, what: str, rid: int, detail: str = "", spent: int = 0) -> None:
        self._journal.write(Boxed(cid=self.cid, client=self.client, what=what, rid=rid, detail=detail, spent=spent))

    def _give_up(self) -> bytes:
        """Look at nothing any more; return what was held. A muted stream stays muted, its flow with it."""
        held = b""
        if self._body is not None and self._body.mutes:
            self._silenced = self._deaf = True
        elif self._body is not None and not self._silenced:
            held = self._body.flush()
        self.opaque = True
        self._head = self._body = self._idle = None
        self._pending.clear()
        return held
