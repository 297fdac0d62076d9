"""The ledger: what the records read so far have told of, with which every record must agree.

One pass over a history fills this ledger, one rule a kind of record. Among the harness's own writers an effect comes
behind its cause by ``seq``; where one of them writes its record only later (a write, once the socket has taken it; a
dial, once it is over), by its stamp.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from harness.history import (
    Answered,
    Conn,
    Delivered,
    Dial,
    Emit,
    Request,
    SignalTold,
    Subscriber,
    Write,
)
from harness.history.records import Record
from harness.judge.case import Case

Rule = Callable[[Any, "Ledger"], str]
"""Takes a record into the ledger; returns what is wrong with it, or nothing."""

Rules = Mapping[type[Record], Rule]


class CarriedBytes:
    """The bytes of connections, by connection and direction, or by connection alone."""

    def __init__(self) -> None:
        self.at: dict[tuple[int, str], int] = {}  # how far the bytes of a connection have come, in a direction
        self.pieces: dict[tuple[int, str], dict[int, int]] = {}  # lengths of what may be told of again, by offset
        self.holes: dict[tuple[int, str], dict[int, tuple[int, Record]]] = {}  # what nothing tells of yet
        self.received: dict[int, int] = {}  # how far a connection's bytes were handed to the client's socket
        self.last: dict[tuple[int, str], int] = {}  # the offset of what passed last
        self.crcs: dict[int, deque[tuple[int, int]]] = {}  # of what came for a client, and is not known to be read
        self.crc_up: dict[int, tuple[int, int]] = {}  # how far a client's bytes have come, and their CRC
        self.read: dict[int, int] = {}


class Ledger:
    """The ledger of one run."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.finished = not case.aborted  # no task was cut short
        history = case.history
        self.numbers: Counter[tuple[type[Record], object]] = Counter()  # the last of a kind, by whose records they are
        self.server_tells = bool(history.all(Answered) or history.all(Subscriber))  # which request it answers
        # The network.
        self.conns: dict[int, Conn] = {}
        self.carried = CarriedBytes()
        self.ended: set[tuple[int, str]] = set()
        self.left: set[int] = set()  # connections that their client ended itself
        self.held_ends: set[tuple[int, str]] = set()
        self.dials: dict[tuple[str, str], list[Dial]] = {}  # by client and port
        self.phones: set[str] = set()  # clients whose phone numbers its records, and tells what it has read
        self.dialled: dict[tuple[str, str], list[Conn]] = {}
        # The phone's signals.
        self.listeners: Counter[str] = Counter()
        self.bereaved: set[str] = set()  # clients whose OS knew of a loss
        self.told: dict[int, SignalTold] = {}
        self.hearings: Counter[int] = Counter()
        # Requests and answers.
        self.requests: dict[int, Request] = {}
        self.waiting: dict[int, list[int]] = {}  # rids without an answer, by connection
        self.answers: dict[int, int] = {}  # rid → status at the client
        self.began: set[int] = set()
        self.bodies: set[int] = set()
        self.streams: set[int] = set()  # rids answered by an event stream
        self.by_middle: set[int] = set()
        self.boxed: set[int] = set()  # rids that a box acted on
        # The server.
        self.epochs: set[tuple[str, str]] = set()
        self.emitted: dict[tuple[str, str], int] = {}
        self.events: dict[tuple[str, str], list[Emit]] = {}  # by job and digest
        self.subs: dict[int, Subscriber] = {}
        self.open: set[int] = set()
        self.sub_of: dict[int, int] = {}  # rid → sub
        self.written: dict[int, list[Write]] = {}  # by sub
        self.body_at: dict[int, int] = {}  # where the body of a stream has come to, from its first write on
        self.said: dict[int, tuple[int, int | None, str]] = {}  # rid → status, length, digest of the server's answer
        self.states: dict[int, tuple[str, str, int]] = {}  # rid → the state that a status answer told
        self.gaps: dict[int, str] = {}  # rid → how the server said that its cursor is too old
        # What reached the phone.
        self.arrived: dict[tuple[str, str], list[tuple[int, int]]] = {}
        """Where each event at the radio began, by client and digest: a connection, and an offset in it."""
        self.unwritten: list[tuple[Delivered, Emit]] = []  # at the radio before their write was over
        self.cuts: Counter[str] = (
            Counter()
        )  # events of which only the beginning reached a client, none of them shown yet
        self.unread: set[str] = set()  # clients that had a stream in a coding that the harness does not undo
        self.snapshots: dict[str, set[tuple[str, str, int]]] = {}  # states that were answered, by client
        # The client, and the app.
        # The runner.
        self.deeds: set[tuple[int, str]] = set()
        self.done: set[int] = set()
        self.censuses: Counter[str] = Counter()

    def misnumbered(self, record: Record, whose: object, no: int, called: str) -> str:
        """Take a record into the count of its kind; return what is wrong with its number, 0 being none."""
        key = type(record), whose
        due = self.numbers[key] + 1
        self.numbers[key] = no or due
        return f"{called} comes where {due} was due" if no not in (0, due) else ""
