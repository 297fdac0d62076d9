"""The acts of a timeline, as values: what a deed does, and by whom. The tag is what the history and the JSON call it.

Times are seconds, sizes bytes, rates bytes/s.
"""

import msgspec

from harness.device.words import Radio, Reach
from harness.toxics.shape import Shape
from harness.vocabulary import Direction


class Frozen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value."""


class SetReach(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="reach"):
    """A path takes this word. ``once`` (closed and reset only) strikes open connections and leaves the word alone."""

    word: Reach
    direction: Direction | None = None
    once: bool = False


class SetShape(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="shape"):
    """A path takes this profile's shape and radio, at once or in 250 ms steps ``over`` so long."""

    profile: str
    shape: Shape
    radio: Radio
    loss: float = 0.0
    over: float = 0.0
    direction: Direction | None = None


class Adjusts(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """An act that changes one side of a path's shape, in both directions, and leaves the rest of it."""

    def upon(self, shape: Shape) -> Shape:
        """Return the shape once it is adjusted."""
        raise NotImplementedError

    def alone(self) -> "Adjusts":
        """Return it without what it knows of the shape that it was said for."""
        return self


class SetSlice(Adjusts, frozen=True, kw_only=True, omit_defaults=True, tag="slice"):
    """A path cuts its bytes into pieces of about this size."""

    size: int

    def upon(self, shape: Shape) -> Shape:
        """Return the shape, cut so."""
        return msgspec.structs.replace(shape, slice_size=self.size)


class Limits(Adjusts, frozen=True, kw_only=True, omit_defaults=True, tag="limit"):
    """A path is at most so fast (bytes/s) in each direction; what is slower already stays so.

    ``of``: the rates down and up that the path would have without an earlier limit, where this takes its place.
    """

    rate: float
    of: tuple[float | None, float | None] | None = None

    def upon(self, shape: Shape) -> Shape:
        """Return the shape, at most so fast."""
        down, up = (self.rate if rate is None else min(rate, self.rate) for rate in self.of or (shape.down, shape.up))
        return msgspec.structs.replace(shape, down=down, up=up)

    def alone(self) -> "Limits":
        """Return the limit of whatever rates there are."""
        return Limits(rate=self.rate)


class Joins(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="joins"):
    """The device may use this path; it is the default if there is none."""

    path: str


class Prefers(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="prefers"):
    """New connections use this path; open ones stay."""

    path: str


class Loses(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="loses"):
    """This path is gone for the device: its connections get the OS error."""

    path: str


class GoesOffline(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="goes offline"):
    """The device loses all of its paths."""


class ComesOnline(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="comes online"):
    """Undoes ``goes offline``."""


class Cuts(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="cuts"):
    """The next streamed event on this path is cut inside, then FIN (``closed``) or RST (``reset``) ends the connection.

    ``mid``: ``id``, ``data`` (inside that line), ``character`` (inside a multi-byte one; else as ``data``) or ``event``
    (before its blank line).
    """

    how: Reach
    mid: str


class Suspends(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="suspends"):
    """The device sleeps this long: the client's timers are frozen, its sockets are defunct when it wakes.

    ``silently``: they report no error, and say nothing any more.
    """

    lasts: float
    silently: bool = False


class Answers(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="answers"):
    """A box (``middle``), or the server's own front, answers these requests itself.

    ``to``: everything, streams, polls or results. ``times``: after so many it stops by itself (None: never). ``dated``:
    ``Retry-After`` is the date that lies so many seconds behind the answer's own ``Date``.
    """

    status: int
    retry_after: float | None = None
    dated: bool = False
    to: str = "everything"
    times: int | None = None


class ShowsPortal(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="shows portal"):
    """Every request is answered with 200 ``text/html``."""


class MutesStreams(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="mutes streams"):
    """An event stream's head passes, not one byte of its body does."""


class ResetsStreams(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="resets streams"):
    """An event stream's head passes, then RST."""


class Buffers(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="buffers"):
    """A stream's body is held: until ``size`` bytes are there, or each event until the next, or for ``seconds``."""

    size: int | None = None
    each_event: bool = False
    seconds: float | None = None


class KillsIdle(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="kills idle"):
    """A connection without a byte for ``after`` seconds ends. ``how``: fin, silently, or a status code as text."""

    after: float
    how: str = "fin"


class Clears(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="clears"):
    """The middle does nothing any more."""


class Restarts(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="restarts"):
    """The server ends (``: bye``, FIN, refused dials) and is back ``after`` seconds later, with its log or without.

    Without it, a new epoch begins and the job is read again from storage at its state then.
    """

    keeps_log: bool
    after: float = 0.0


class Drains(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="drains"):
    """The server says ``: bye``, sends FIN on each stream, and refuses new connections."""


class Hangs(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="hangs"):
    """The server accepts and reads, and answers nothing; open streams get no byte."""


class Recovers(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="recovers"):
    """Undoes what the server was told: drains, hangs, answers, repeats, silences."""


class RevokesToken(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="revokes token"):
    """All tokens given out so far are invalid from now on."""


class SilencesKeepalive(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="silences keepalive"):
    """No keep-alive comments."""


class SendsRetry(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="sends retry"):
    """Every open stream gets a ``retry:`` field with this value, as it is."""

    value: str


class Repeats(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="repeats"):
    """Each reconnection replays so many events too many, and each event is sent twice."""

    count: int


class Orphans(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="orphan"):
    """The gate closes the server's side of its dead flows once they have been dead for ``after`` seconds (L13)."""

    after: float


class Pauses(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="pauses"):
    """The job makes no progress; what was due in between is emitted late or not at all, the end stays where it is."""


class Resumes(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="resumes"):
    """The job goes on."""


class Bursts(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="bursts"):
    """The job emits extra updates at ``rate`` events/s for ``lasts`` seconds."""

    rate: float
    lasts: float


class Ends(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag="ends"):
    """The job ends now: ``completed``, ``failed`` (with ``code``) or ``timeout``."""

    how: str
    code: str = ""


PathAct = SetReach | SetShape | SetSlice | Limits | Cuts
DeviceAct = Joins | Prefers | Loses | GoesOffline | ComesOnline | Suspends
MiddleAct = Answers | ShowsPortal | MutesStreams | ResetsStreams | Buffers | KillsIdle | Clears
ServerAct = (
    Restarts
    | Drains
    | Hangs
    | Recovers
    | RevokesToken
    | SilencesKeepalive
    | SendsRetry
    | Repeats
    | Orphans
    | Answers  # done by the middle on every path
)
JobAct = Pauses | Resumes | Bursts | Ends
Act = PathAct | DeviceAct | MiddleAct | ServerAct | JobAct


class Deed(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """One act of one actor at one time. ``actor`` is a path's name, ``device``, ``middle``, ``server`` or ``job``.

    ``on`` narrows ``middle`` to one path. A deed written ``… for DUR`` is two: the second, with ``undoes`` set to the
    first one's index, undoes it; it is left out where a later deed of that actor has already replaced the first. For
    the middle and the server, undoing is named by the first deed's own act: ``undoes`` says to take that one back.
    """

    index: int  # its place in Plan.deeds, which is in order of doing
    at: float
    actor: str
    act: Act
    text: str  # the deed as written
    line: int = 0
    column: int = 0
    on: str = ""
    undoes: int | None = None
