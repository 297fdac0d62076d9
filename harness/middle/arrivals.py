"""Records of the answers that one flow's client gets, written as its socket takes them: heads, blocks, bodies.

The stage says in order what it lets go, by offsets; the link says how far the socket has taken it. What no socket takes
(held, dropped, muted, cut) is so never recorded, and a parser sees no byte before the client does.
"""

import hashlib
from collections import deque
from collections.abc import Iterable

from harness.history.journal import Journal
from harness.history.records import Body, Delivered, Response, StreamBegan, StreamEnded, digest
from harness.sse.coding import PIECE, CodingError, Decoder, decoder
from harness.sse.events import Event, IdChange, Wire
from harness.sse.parser import EventTooBig, Parser

LONGEST_BLOCK = 64_000_000
"""Bytes of one block, beyond which no more of its stream is parsed: as many as a run's results may have."""

MOST_PIECES = LONGEST_BLOCK // PIECE
"""Pieces that are decoded of one read."""


class Reader:
    """Reads the body of one answer as the client gets it. This one cares for nothing."""

    cares = False
    """True if the reader wants the bytes."""

    def take(self, data: bytes, t_ns: int) -> None:
        """Read the next bytes, without the transfer's framing, and record what they complete, stamped ``t_ns``."""

    def end(self, t_ns: int, *, whole: bool) -> None:
        """Know that the body is complete, or that nothing more of it comes. Called once, last."""


class BodyReader(Reader):
    """Digests the body of an answer that is no stream."""

    cares = True

    def __init__(self, journal: Journal, *, rid: int, cid: int) -> None:
        self._journal = journal
        self._rid = rid
        self._cid = cid
        self._length = 0
        self._hash = hashlib.blake2b(digest_size=8)

    def take(self, data: bytes, t_ns: int) -> None:  # noqa: ARG002 - what counts is when it ends
        """Digest the next bytes."""
        self._length += len(data)
        self._hash.update(data)

    def end(self, t_ns: int, *, whole: bool) -> None:
        """Record what has come."""
        self._journal.write(
            Body(
                t_ns=t_ns,
                rid=self._rid,
                cid=self._cid,
                length=self._length,
                digest=self._hash.hexdigest(),
                whole=whole,
            )
        )


class StreamReader(Reader):
    """Parses an event stream from the id that was asked for. ``codings`` is its ``Content-Encoding``.

    Its first byte and its end are recorded, and its blocks, up to where it is not in that coding or a block passes
    ``LONGEST_BLOCK``.
    """

    cares = True

    def __init__(self, journal: Journal, *, rid: int, cid: int, cursor: str, codings: str) -> None:
        self._write = journal.write
        self._rid = rid
        self._cid = cid
        self._id = cursor
        self._decoder: Decoder | None = None
        self.broken = False
        """True if the blocks are no longer recorded."""
        if codings:
            try:
                self._decoder = decoder(codings)
            except CodingError:
                self.broken = True
        self._parser = Parser(last_event_id=cursor, max_event=LONGEST_BLOCK)
        self._began = False

    def take(self, data: bytes, t_ns: int) -> None:
        """Record the blocks that these bytes complete."""
        if not self._began:
            self._began = True
            self._write(StreamBegan(t_ns=t_ns, rid=self._rid, cid=self._cid))
        if self.broken:
            return
        try:
            if self._decoder is None:
                self._record(self._parser.feed(data), t_ns)
            else:
                self._decode(self._decoder, data, t_ns)
        except EventTooBig as error:
            self.broken = True
            self._record(error.before, t_ns)
        except CodingError:
            self.broken = True

    def end(self, t_ns: int, *, whole: bool) -> None:
        """Record that the body has come to its end; a body that was cut has none."""
        if whole:
            self._write(StreamEnded(t_ns=t_ns, rid=self._rid, cid=self._cid))

    def _decode(self, undo: Decoder, data: bytes, t_ns: int) -> None:
        for count, piece in enumerate(undo.pieces(data)):
            if count > MOST_PIECES:  # a bomb, which shall not hold up the run
                self.broken = True
                return
            self._record(self._parser.feed(piece), t_ns)

    def _record(self, found: Iterable[Wire], t_ns: int) -> None:
        rid, cid = self._rid, self._cid
        for wire in found:
            if isinstance(wire, Event):
                self._id, data = wire.id, wire.data
                size = len(data) if data.isascii() else len(data.encode())
                delivered = Delivered(
                    t_ns=t_ns,
                    rid=rid,
                    cid=cid,
                    id=wire.id,
                    type=wire.type,
                    digest=digest(wire.type, data),
                    size=size,
                )
            elif isinstance(wire, IdChange):
                self._id = wire.id
                delivered = Delivered(t_ns=t_ns, rid=rid, cid=cid, id=wire.id, event=False)
            else:
                delivered = Delivered(t_ns=t_ns, rid=rid, cid=cid, id=self._id, event=False, retry=wire.ms)
            self._write(delivered)


class Arrivals:
    """Follows one flow downstream."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._coming: deque[tuple[int, Response | bytes | None, Reader]] = deque()
        """Heads, pieces of bodies, and ends (None): up to which offset, what, and who reads it."""
        self._filling = Reader()  # reads the body whose bytes the stage lets go now
        self._arriving: Reader | None = None  # its head has arrived, its end has not
        self._lost = False  # nothing that is let go from now on arrives

    @property
    def cares(self) -> bool:
        """True if the bytes of the body under way are to be told."""
        return self._filling.cares and not self._lost

    def head(self, upto: int, response: Response, reader: Reader) -> None:
        """Expect an answer's head up to this offset, and then the body that ``reader`` reads."""
        self._filling = reader
        if not self._lost:
            self._coming.append((upto, response, reader))

    def body(self, upto: int, piece: bytes) -> None:
        """Expect bytes of the body that end at this offset, if the boxes let them go."""
        self._coming.append((upto, piece, self._filling))

    def end(self, upto: int) -> None:
        """Expect no more of this answer."""
        if self.cares:
            self._coming.append((upto, None, self._filling))
        self._filling = Reader()

    def taken(self, upto: int, t_ns: int) -> None:
        """Record what the client's socket has taken up to this offset, in a send that began at ``t_ns``."""
        coming = self._coming
        while coming:
            end, what, reader = coming[0]
            if end > upto:
                if isinstance(what, bytes) and (part := len(what) - (end - upto)) > 0:
                    coming[0] = (end, what[part:], reader)
                    reader.take(what[:part], t_ns)
                return
            coming.popleft()
            if isinstance(what, bytes):
                reader.take(what, t_ns)
            elif what is None:
                self._arriving = None
                reader.end(t_ns, whole=True)
            else:
                self._arriving = reader
                what.t_ns = t_ns
                self._journal.write(what)

    def lost(self, offset: int) -> None:
        """Expect nothing from this offset on, whatever is let go."""
        self._lost = True
        coming = self._coming
        while coming and coming[-1][0] > offset:
            end, what, reader = coming.pop()
            if isinstance(what, bytes) and (part := len(what) - (end - offset)) > 0:
                coming.append((offset, what[:part], reader))

    def over(self, *, whole: bool = False) -> None:
        """End the arrivals. ``whole``: a body that ends with its connection is complete, if all of it has come."""
        whole = whole and not self._coming
        self._lost = True
        self._coming.clear()
        reader, self._arriving = self._arriving, None
        if reader is not None:
            reader.end(0, whole=whole)
