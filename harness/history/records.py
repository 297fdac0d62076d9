"""Every record a run writes. One journal numbers and stamps them; the judge reads nothing else but the plan.

``seq`` counts from 1 without gaps. ``t_ns`` is the world's stamp (nanoseconds, absolute); ``Run.zero_ns`` is the
instant 0 s of the scenario, the first client's start. Fields named ``*_ns`` are stamps of the same clock. Times that
are *durations* are float seconds. Names of clients are ``c1``, ``c2`` …; the harness's own probe is ``canary``.
"""

import functools
import hashlib
from typing import ClassVar

import msgspec

SCHEMA_VERSION = 2
"""1: harness 0.1, which recorded nothing of what reached a phone. ``report`` draws it; no law is judged on it."""


def digest(event_type: str, data: str) -> str:
    """Return the digest by which a payload is compared: BLAKE2b-64 of type, LF and data, in hex."""
    return _remembered(event_type, data) if len(data) < _SHORT else _digest(event_type, data)


def _digest(event_type: str, data: str) -> str:
    return hashlib.blake2b(f"{event_type}\n{data}".encode(), digest_size=8).hexdigest()


_SHORT = 1_000
_remembered = functools.lru_cache(maxsize=512)(_digest)
"""Server, gate and client of one process ask for the same event's within a moment. It holds half a MB at most."""


PING, PING_DATA = "ping", "{}"
"""Type and data of what a server of varied frames sends behind events: an event without an id, of no log."""

PING_DIGEST = digest(PING, PING_DATA)


def body_digest(body: bytes) -> str:
    """Return the digest by which the body of an answer is compared: BLAKE2b-64 of its bytes, in hex."""
    return hashlib.blake2b(body, digest_size=8).hexdigest()


class Record(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind", gc=False):
    """The fields of every record. ``lane`` names its writer, for the swim-lanes of the report."""

    lane: ClassVar[str] = ""
    seq: int = 0
    t_ns: int = 0


# Written by the runner.


class Run(Record, kw_only=True, omit_defaults=False, tag_field="kind", tag="run"):
    """The first record. ``zero_ns`` is 0 s of the scenario; ``facts`` are the machine's (kernel, syn schedule …)."""

    lane: ClassVar[str] = "runner"
    zero_ns: int
    scenario: str
    variant: str
    client: str
    world: str
    seed: int
    schema_version: int = SCHEMA_VERSION
    facts: dict[str, str] = {}


class End(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="end"):
    """The last record of a run that could say how it ended: ``done``, ``limit``, ``interrupted`` or ``fault``.

    ``counts``: how many records of each kind were handed to the journal before this one.
    """

    lane: ClassVar[str] = "runner"
    reason: str
    detail: str = ""
    counts: dict[str, int] = {}


class DeedDone(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="deed"):
    """A deed of the plan (by its index there) was carried out; the fault began when the call *returned*."""

    lane: ClassVar[str] = "runner"
    deed: int
    issued_ns: int
    returned_ns: int
    client: str = ""  # whose gate; empty for the shared proxies
    readback: dict[str, str] = {}
    error: str = ""


class Canary(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="canary"):
    """The observation of the harness's own flow after a deed. ``met`` is the proof that law H0 wants.

    ``way``: ``canary`` (a flow met it), ``read back`` (its executor shows it), ``undecided``.
    """

    lane: ClassVar[str] = "runner"
    deed: int
    met: bool
    client: str = ""
    detail: str = ""
    way: str = ""


class SignalTold(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="signal"):
    """The OS told the app: ``joins``, ``loses``, ``prefers``, ``offline``, ``online``, ``suspended``, ``resumed``.

    Written when the OS knows, and before it acts on it. ``ears`` is how many were listening.
    """

    lane: ClassVar[str] = "runner"
    client: str
    what: str
    path: str = ""
    ears: int = 0


class SignalHeard(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="heard"):
    """A task of the client received a signal: later than it was told where the app was busy, or slept.

    Written by the phone, for each listener. ``told`` is the ``seq`` of the ``SignalTold``.
    """

    lane: ClassVar[str] = "runner"
    client: str
    what: str
    told: int
    path: str = ""


class Listens(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="listens"):
    """A task of the client began (``on``) or ceased to listen for signals. Written by the phone."""

    lane: ClassVar[str] = "runner"
    client: str
    on: bool


class Dial(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="dial"):
    """A dial of the client is over. Written by the phone, which alone knows of those that leave nothing at the gate.

    ``path`` is the default when it began; empty: there was none. ``port`` is the local one, 0 where it got none. It
    lasted from ``from_ns`` to ``to_ns``. ``fate``: ``open``, ``refused``, ``no path``, ``lost`` (its path, meanwhile),
    ``given up`` (by the client), else the name of the error's number.
    """

    lane: ClassVar[str] = "runner"
    client: str
    path: str
    port: int
    from_ns: int
    to_ns: int
    fate: str
    no: int = 0  # of the client's dials, from 1


class Shaped(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="shaped"):
    """The shape of a path at the start: its toxics before 0 s, as the proxy shows them, and what the canary measured.

    ``toxics``: NAME.ATTRIBUTE → value. ``met``, ``detail`` and ``way`` as ``Canary`` has them.
    """

    lane: ClassVar[str] = "runner"
    path: str
    toxics: dict[str, str]
    met: bool = False
    detail: str = ""
    way: str = ""


class Weather(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="weather"):
    """A stall pulse or a step of rate that belongs to a profile, not to a deed.

    ``toxics``: of a step, as ``Shaped`` has them, once it is made.
    """

    lane: ClassVar[str] = "runner"
    path: str
    what: str
    lasts: float = 0.0
    toxics: dict[str, str] = {}


class Health(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="health"):
    """The harness watching itself: scheduler lag samples (µs), control calls (ms), and its size."""

    lane: ClassVar[str] = "runner"
    lags_us: list[int]
    controls_ms: list[float] = []
    rss: int = 0
    fds: int = 0
    tasks: int = 0
    queue: int = 0
    no: int = 0  # from 1


class Boxed(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="boxed"):
    """The middle acted on a flow: ``what`` is the act's tag (muted, reset, held, killed, cut …)."""

    lane: ClassVar[str] = "stage"
    cid: int
    client: str
    what: str
    rid: int = 0
    detail: str = ""
    spent: int = 0  # how often an act "N times" has been used by this client, this one included


class Census(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="census"):
    """The living things of the process at the ``start`` or the ``end``: tasks, sockets, threads, processes, proxies."""

    lane: ClassVar[str] = "runner"
    when: str
    counts: dict[str, int]
    names: dict[str, list[str]] = {}


# Written by the gate.


class Conn(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="conn"):
    """The gate accepted a connection; ``peer`` is the client's source address as ``host:port``."""

    lane: ClassVar[str] = "gate"
    cid: int
    client: str
    path: str
    peer: str = ""


class Chunk(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="chunk"):
    """Bytes at the radio: ``delivered``, ``held`` (then delivered later, as a record of its own) or ``dropped``."""

    lane: ClassVar[str] = "gate"
    cid: int
    direction: str  # "upstream" | "downstream"
    offset: int
    length: int
    fate: str
    crc: int = 0  # CRC-32 of all bytes of this direction up to its end; 0 where no phone of the harness's dialled


class ConnEnd(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="conn_end"):
    """One side of a connection ended: ``side`` is ``client`` or ``server``; ``how`` is ``fin``, ``rst`` or ``closed``.

    ``fin`` and ``rst`` came from that side; ``closed`` was done to it by the gate. ``swallowed`` says that the other
    side was never told (a half-open connection), ``held`` that it is told later, if ever, by a record of its own.
    ``left_ns`` is when the client's own socket was closed, or said FIN, where that was before this record: a radio that
    wakes, or bytes that wait for room, let the gate learn of it only later. 0 otherwise, and where no phone of the
    harness's dialled. ``sent`` and ``crc``: how many bytes that phone had sent by then, and their CRC-32.
    """

    lane: ClassVar[str] = "gate"
    cid: int
    side: str
    how: str
    swallowed: bool = False
    held: bool = False
    left_ns: int = 0
    sent: int = 0
    crc: int = 0

    @property
    def closed_ns(self) -> int:
        """The stamp of that side's own close or FIN: ``left_ns`` where the gate learned of it only later."""
        return self.left_ns or self.t_ns


class Waited(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="waited"):
    """Bytes at ``offset`` of a direction waited at the radio, as it woke or shook hands, until ``until_ns``."""

    lane: ClassVar[str] = "gate"
    cid: int
    direction: str
    offset: int
    until_ns: int


class EndPassed(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="end_passed"):
    """An end that a stalled path had held has reached the other side. ``side`` is the one that had left."""

    lane: ClassVar[str] = "gate"
    cid: int
    side: str
    how: str


# Written by the gate's HTTP stage.


class Request(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="request"):
    """A request's head was complete at the gate. ``what``: start, stream, poll, results, token, other.

    ``accepts_events``: its ``Accept`` names ``text/event-stream``, or it is no stream's.
    """

    lane: ClassVar[str] = "stage"
    rid: int
    cid: int
    client: str
    what: str
    method: str
    target: str
    job: str = ""
    last_event_id: str | None = None
    token: bool = False
    origin: str = ""
    accepts_events: bool = True


class Response(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="response"):
    """A response's head reached the client's socket. ``date`` is its ``Date`` where it has a ``Retry-After``."""

    lane: ClassVar[str] = "stage"
    rid: int
    cid: int
    status: int
    content_type: str = ""
    retry_after: str = ""
    date: str = ""
    location: str = ""
    coding: str = ""  # the Content-Encoding of a stream of which nothing is ``Delivered``: it cannot be undone
    by: str = ""  # "middle" where a box answered in the server's place


class Body(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="body"):
    """The body of an answer that is no stream reached the client's socket, ``whole`` or as far as it came.

    ``digest`` is ``body_digest`` of its bytes, without the transfer's framing.
    """

    lane: ClassVar[str] = "stage"
    rid: int
    cid: int
    length: int
    digest: str
    whole: bool


class StreamBegan(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="stream_began"):
    """The first body byte of an event stream reached the client's socket."""

    lane: ClassVar[str] = "stage"
    rid: int
    cid: int


class StreamEnded(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="stream_ended"):
    """The client's socket took all of an event stream's body, its end included: the server has ended it in good order.

    That is the last chunk of its framing or the last byte that its length announces, else the FIN behind it.
    """

    lane: ClassVar[str] = "stage"
    rid: int
    cid: int


class Delivered(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="delivered"):
    """The client's socket took the byte that completed a block of an event stream: an event, an id, or a ``retry:``.

    Parsed with the project's own parser, from the id that the request carried. Nothing after the client's own end, in
    ``seq``. ``id`` is the last event ID string after it, ``digest`` as ``digest`` has it, ``size`` the bytes of its
    data, ``retry`` milliseconds that it asked for (-1: none).
    """

    lane: ClassVar[str] = "stage"
    rid: int
    cid: int
    id: str = ""
    type: str = ""
    digest: str = ""
    size: int = 0
    event: bool = True
    retry: int = -1


# Written by the server: the ground truth. ``rid`` is the request's number at the gate; 0 where none came along.


class Job(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="job"):
    """A job was accepted. ``schedule_ns``: intended emission of index 0, 1, … (the last is terminal).

    A further record of the same job is a new epoch: the server lost its log and read the job again from storage. Index
    0 is then the state found, intended when the oldest state it stands for was due that no epoch ever emitted (where
    there is none: when it was read). What an older epoch's schedule has left by then is void. ``rid`` is the request
    that started the job; 0 for a further epoch.
    """

    lane: ClassVar[str] = "server"
    job: str
    epoch: str
    accepted_ns: int
    schedule_ns: list[int]
    total: int = 0
    rid: int = 0


class Rescheduled(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="rescheduled"):
    """A job was told to pause, resume, burst or end: from index ``first`` on, this is what is intended now.

    ``schedule_ns`` replaces the job's own from there: intended emission of index ``first``, ``first + 1`` …
    """

    lane: ClassVar[str] = "server"
    job: str
    epoch: str
    why: str
    first: int
    schedule_ns: list[int]


class Emit(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="emit"):
    """The server emitted an event: its identity is (epoch, index), never its id, which is opaque.

    ``id`` names its place in the log: a status answer gives it, and a stream may be asked for from it. ``after``: the
    event is written without an id, and so is told with this one, that of the event before it; "": it has its own.
    """

    lane: ClassVar[str] = "server"
    job: str
    epoch: str
    index: int
    id: str
    type: str
    digest: str
    intended_ns: int
    actual_ns: int
    progress: float | None = None
    terminal: bool = False
    code: str = ""  # of a failure
    size: int = 0  # bytes of its data
    after: str = ""

    @property
    def told_id(self) -> str:
        """The last event ID of a client that has read it (WHATWG HTML 9.2.6)."""
        return self.after or self.id


class Write(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="write"):
    """A subscriber's socket took events ``first`` … ``last`` of the log; ``replay`` marks old ones.

    The write began at ``began_ns``; ``offset`` counts the bytes of the body, framing apart, that went before it, and
    ``length`` its own. Not ``whole``: the stream was given up before the socket had taken all of it, so that any part
    may have been sent.
    """

    lane: ClassVar[str] = "server"
    sub: int
    job: str
    epoch: str
    first: int
    last: int
    replay: bool = False
    rid: int = 0
    began_ns: int = 0
    offset: int = 0
    length: int = 0
    whole: bool = True


class Said(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="said"):
    """A subscriber's socket took no event but ``open``, ``primed``, ``keep-alive``, ``retry``, ``reset`` or ``bye``.

    ``detail`` is the id of a ``primed``, the value of a ``retry``, and the reason of a ``bye``, as ``Subscriber`` has
    it. ``began_ns``, ``length`` and ``whole`` as of a ``Write``.
    """

    lane: ClassVar[str] = "server"
    sub: int
    what: str
    detail: str = ""
    began_ns: int = 0
    length: int = 0
    whole: bool = True


class Answered(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="answered"):
    """The server began an answer that is no stream and no snapshot: this much, with ``digest`` as ``Body`` has it.

    ``token`` is the ``body_digest`` of the one that it issues, for ``expires_in`` seconds, or that it refuses (401).
    None to a HEAD, and none to the harness's probes.
    """

    lane: ClassVar[str] = "server"
    rid: int
    status: int
    length: int = 0
    digest: str = ""
    token: str = ""
    expires_in: float | None = None


class GapSignal(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="gap_signal"):
    """The server said aloud that a cursor is older than its log: ``410``, ``409``, ``reset``, or a new ``epoch``."""

    lane: ClassVar[str] = "server"
    job: str
    how: str
    cursor: str
    rid: int = 0


class Snapshot(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="snapshot"):
    """A status answer: the state shown is that of (epoch, state_index); -1 is the accepted job, before any event."""

    lane: ClassVar[str] = "server"
    job: str
    epoch: str
    state_index: int
    status: str
    rid: int = 0
    digest: str = ""  # of the answer's body, as ``Body`` has it
    length: int = 0  # of the body


class Subscriber(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="subscriber"):
    """A stream of the server opened or closed.

    ``evidence``: fin, rst, blocked, newer, done, evicted, expired (its token), flood, stopped (the server). Its
    ``token``, as of ``Answered``, ends at ``expires_ns``; 0: it has none.
    """

    lane: ClassVar[str] = "server"
    sub: int
    job: str
    what: str  # "open" | "close"
    cursor: str = ""
    evidence: str = ""
    rid: int = 0
    token: str = ""
    expires_ns: int = 0


# Written for the client. ``no`` numbers the records of a kind and client, from 1.


class Read(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="read"):
    """The client's task has received the bytes of a connection up to this offset. Written by the phone.

    ``end``: it has met the end there: ``fin``, ``rst``, or ``lost`` (its path). ``given up``: it waited for more, and
    waits no longer; so none of these had come. ``no`` numbers the records of its connection, from 1; ``crc`` is the
    CRC-32 of all bytes that were read.
    """

    lane: ClassVar[str] = "client"
    cid: int
    upto: int
    end: str = ""
    no: int = 0
    crc: int = 0


class Attempt(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="attempt"):
    """A stream dial begins. ``wait`` is the measured wait since the last attempt's end; the client counts n from 1.

    ``no`` is the recorder's own count.
    ``cause``: start, ended, failed, signal, refreshed, retry-after, server-retry, probe (while polling).
    """

    lane: ClassVar[str] = "client"
    client: str
    n: int
    cause: str
    wait: float = 0.0
    last_event_id: str = ""
    no: int = 0


class AttemptEnd(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="attempt_end"):
    """A stream attempt is over.

    ``how``: eof, error, refused, unreachable, timeout (connect deadline), watchdog, suspect, status, wrong-type,
    too-big, signal, done, closed, cancelled. ``fresh`` counts events not seen before.
    """

    lane: ClassVar[str] = "client"
    client: str
    n: int
    how: str
    detail: str = ""
    status: int = 0
    opened: bool = False
    fresh: int = 0
    events: int = 0
    bytes: int = 0
    retry_after: float | None = None  # seconds asked for by this attempt's response
    server_retry: float | None = None  # seconds of the stream's `retry:` in force after it, before clamping
    written: dict[str, int] = {}  # records of each kind that its recorder has told of this client by then
    no: int = 0


class Block(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="block"):
    """A block was completed by a blank line and changed the id buffer, or an event was dispatched."""

    lane: ClassVar[str] = "client"
    client: str
    attempt: int
    id: str  # the id buffer after it
    event: bool = True
    no: int = 0


class App(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="app"):
    """A callback of the app ran. ``callback``: initialized, processing, completed, failed, error, timeout, gap.

    Written by the harness's own app, whatever the client says.
    ``source`` is ``stream`` or ``poll``; ``id`` is the event's, or the snapshot's ``lastEventId``: so the client says.
    ``digest`` is that of the callback's word and the payload of an event; ``body`` that of a snapshot, as ``Body`` has
    it.
    """

    lane: ClassVar[str] = "client"
    client: str
    job: str
    callback: str
    enter_ns: int
    exit_ns: int
    id: str = ""
    digest: str = ""
    body: str = ""
    source: str = "stream"
    progress: float | None = None
    detail: str = ""
    raised: str = ""
    no: int = 0


class Status(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="status"):
    """The client's own word on its state: connecting, connected, reconnecting, polling, closed."""

    lane: ClassVar[str] = "client"
    client: str
    word: str
    attempt: int = 0
    no: int = 0
    ends: int = 0  # ends of attempts that its recorder has told of by then


class Gap(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="gap"):
    """The client told the app that events are missing for good, and why; ``healed`` once a snapshot covered them."""

    lane: ClassVar[str] = "client"
    client: str
    reason: str
    healed: bool = False
    id: str = ""


class Absorbed(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="absorbed"):
    """A repeat, or an event older than what was shown, that the client kept from the app."""

    lane: ClassVar[str] = "client"
    client: str
    id: str
    why: str  # "repeat" | "late" | "coalesced"


class Adopted(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="adopted"):
    """The client took a snapshot's cursor as its own."""

    lane: ClassVar[str] = "client"
    client: str
    id: str


class Results(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="results"):
    """A transfer of results ended; ``whole`` says that all announced bytes came."""

    lane: ClassVar[str] = "client"
    client: str
    job: str
    status: int
    length: int = 0
    whole: bool = False
    digest: str = ""
    detail: str = ""


class AppResults(Record, kw_only=True, omit_defaults=True, tag_field="kind", tag="app_results"):
    """The client handed its app the results of the job. Written by the app; ``digest`` as ``Body`` has it."""

    lane: ClassVar[str] = "client"
    client: str
    job: str
    status: int
    length: int = 0
    digest: str = ""


AnyRecord = (
    Run | End | DeedDone | Canary | SignalTold | SignalHeard | Listens | Dial | Shaped | Weather | Health | Census
    | Boxed
    | Conn | Chunk | ConnEnd | Waited | EndPassed | Request | Response | Body | StreamBegan | StreamEnded | Delivered
    | Job | Rescheduled | Emit | Write | Said | Answered | GapSignal | Snapshot | Subscriber
    | Read | Attempt | AttemptEnd | Block | App | Status | Gap | Absorbed | Adopted | Results | AppResults
)  # fmt: skip
