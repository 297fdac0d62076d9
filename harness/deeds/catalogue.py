"""The catalogue: one row for each act, with all that the language, the run and the reports must know of it.

A column holds data, a word of an enum or a pure function of the act. What needs a run, a fuzzer or a page is a table
keyed by act, executor or proof in that package. What an act does to the network is ``network_state``'s, and which act
it replaces ``replacement``'s. A test walks every act through every table.
"""

import enum
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec

from harness.deeds.acts import (
    Act,
    Answers,
    Buffers,
    Bursts,
    Clears,
    ComesOnline,
    Cuts,
    Deed,
    Drains,
    Ends,
    GoesOffline,
    Hangs,
    Joins,
    KillsIdle,
    Limits,
    Loses,
    MutesStreams,
    Orphans,
    Pauses,
    Prefers,
    Recovers,
    Repeats,
    ResetsStreams,
    Restarts,
    Resumes,
    RevokesToken,
    SendsRetry,
    SetReach,
    SetShape,
    SetSlice,
    ShowsPortal,
    SilencesKeepalive,
    Suspends,
)
from harness.device.words import Reach
from harness.errors import UsageError
from harness.units import quote, spell_size
from harness.vocabulary import Direction

A = TypeVar("A", bound=Act)
T = TypeVar("T")

MOST_TIMES = 10_000
"""Answers, repetitions, or events a second: more would be a test of the machine."""

MOST_IN_A_BURST = 100_000
"""Events: more would fill the memory of the machine that makes the plan."""

LARGEST_BUFFER = 16_000_000
"""Bytes of one stream that a box is told to hold."""

_KB = 1_000.0

ARMED = 8.0
"""Seconds for which a cut may wait for its event."""

SILENTLY = "silently"
"""The way of killing an idle connection without telling either side."""

REQUESTS = {"streams": "stream", "polls": "poll", "results": "results"}
"""The records' name for a request of each kind."""

CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""The codes that ``failed CODE`` takes."""


class Actor(enum.StrEnum):
    """The actor of an act. A path goes by its own name in a plan."""

    PATH = "path"
    DEVICE = "device"
    MIDDLE = "middle"
    SERVER = "server"
    JOB = "job"


class Executor(enum.StrEnum):
    """The executor of an act: the key of a table in ``run``."""

    GATE = "gate"  # each client's own, one after another
    GATES = "gates"  # all of them, as one thing
    PROXY = "proxy"
    MIDDLE = "middle"
    SERVER = "server"
    JOB = "job"


class ProofKind(enum.StrEnum):
    """The way a deed is seen where it matters: the key of a table in ``run``."""

    WORD = "word"  # by what a connection that was open and a new dial meet
    SHAPE = "shape"  # by the delay of answers
    SLICES = "slices"  # by an answer that comes in pieces
    RATE = "rate"  # by how long an answer is on its way
    CUT = "cut"  # by a stream that ends inside an event
    DEFAULT = "default"  # by a dial through the path that the device uses now
    LOSS = "loss"  # by open connections that end with an error of the device's own
    SLEEP = "sleep"  # by an open connection that hears nothing, and is gone when the phone wakes
    REQUEST = "request"  # by what a request of that kind meets
    AWAY = "away"  # by an open connection that the server ends, and by a request
    CLEARING = "clearing"  # by requests of each kind that was kept back
    READBACK = "read back"  # by what its executor shows afterwards


Symptom = Literal["ended", "told", "quiet", "refused", "let in", "otherwise", "late", "soon", "whole", "spoiled"]
"""The symptom at a flow: FIN or RST, the same at its server, nothing, a refused dial, bytes that should not pass,
another's answer, a wrong delay, an answer in one piece, bytes that are not as they were sent."""


class Need(enum.StrEnum):
    """A setting of the server's without which an act does nothing."""

    TOKEN = "token"  # noqa: S105 - a setting's name
    KEEPALIVE = "keepalive"


class FlowEnding(enum.StrEnum):
    """The end of an open flow."""

    DROPPED = "dropped"  # silently: what is lost stays lost, and neither side is told
    FIN = "fin"
    RST = "rst"
    ABORTED = "aborted"  # by the phone's own OS; the server is not told
    DEAD = "dead"  # silently and for good, whether or not anything is lost; neither side is told


class When(enum.StrEnum):
    """The time at which an act ends what is open."""

    DONE = "as it is done"
    OVER = "when its own time is over"
    EVENT = "inside the next event"
    IDLE = "once it was idle for so long"


class Mood(enum.StrEnum):
    """The way an act in force ends what comes to it."""

    TOLD = "told"  # by an answer, FIN or RST: a client that tries knows
    MUTE = "mute"  # by nothing: only a deadline of the client's own can tell


class FactKind(enum.StrEnum):
    """A kind of fact that may have no order with a deed that it is near to."""

    DELIVERY = "what reached the phone"
    END = "a connection's end"
    DIAL = "what became of a dial"
    ANSWER = "the answer to a request"
    SIGNAL = "a signal heard"
    EMISSION = "an event of the job"


class Severs(msgspec.Struct, frozen=True):
    """The way and the time in which an act ends the flows that are open on its paths."""

    how: FlowEnding
    when: When = When.DONE


class Barrier(msgspec.Struct, frozen=True):
    """The new requests, of these ``kinds``, that an act keeps from its way while it is in force.

    ``open_too``: what streams that are open carry as well. ``delays``: what it keeps comes later.
    """

    mood: Mood
    kinds: frozenset[str] = frozenset(REQUESTS)
    open_too: bool = False
    delays: bool = False


class Footprint(msgspec.Struct, frozen=True):
    """The marks of an act on flows of its way: they hide another deed.

    ``streams``: event streams besides. ``struck``: what was open when it was done, and nothing later. ``promised``: all
    later proofs reckon with it. ``in_front``: of two that one executor carries out, flows meet the newer alone.
    """

    flows: frozenset[Symptom] = frozenset()
    streams: frozenset[Symptom] = frozenset()
    struck: bool = False
    promised: bool = False
    in_front: bool = False


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of an act: what it does, for how long, and what it leaves to be seen.

    ``seconds``: how long it is in force by itself (0: it is done at once; None: until another deed ends it).
    ``settles``: after so many it has its whole effect. ``armed``: for so many it waits for its victim. ``doubtful``:
    which facts near to it may have come before it or after it.
    """

    seconds: float | None = None
    settles: float = 0.0
    armed: float = 0.0
    severs: Severs | None = None
    barrier: Barrier | None = None
    mark: Footprint = Footprint()
    doubtful: frozenset[FactKind] = frozenset()

    @property
    def goes_on(self) -> float:
        """For how many seconds it goes on by itself once it is done."""
        return self.settles or self.seconds or 0.0


class CatalogueRow(msgspec.Struct, Generic[A], frozen=True, kw_only=True):
    """One act. ``forms`` are its sentences, each with what makes the act of a sentence's values (``UsageError``)."""

    act: type[A]
    actors: tuple[Actor, ...]
    forms: Mapping[str, Callable[..., Act]]
    executor: Executor
    proof: ProofKind
    effect: Callable[[A], Effect]
    needs: Need | None = None
    boxed: str = ""  # what the record of a box that did it says
    kinds: tuple[str, ...]  # every word that ``kinds_of`` returns
    kinds_of: Callable[[A], tuple[str, ...]]  # what a report and a table of coverage call it


def _always(value: T) -> Callable[[Any], T]:
    return lambda _: value


def _marks(*flows: Symptom, streams: tuple[Symptom, ...] = (), **how: bool) -> Footprint:
    return Footprint(frozenset(flows), frozenset(streams), **how)


_AT_ONCE = Effect(seconds=0.0)
_OF_STREAMS = frozenset({FactKind.DELIVERY, FactKind.END})
_OF_A_PATH = _OF_STREAMS | {FactKind.DIAL}
_OF_THE_DEVICE = frozenset({FactKind.SIGNAL, FactKind.DIAL})
_OF_REQUESTS = frozenset({FactKind.ANSWER})
_OF_THE_SERVER = _OF_A_PATH | {FactKind.ANSWER}
_OF_THE_JOB = frozenset({FactKind.EMISSION, FactKind.DELIVERY})
_DELIVERY = frozenset({FactKind.DELIVERY})
_STREAMS = frozenset({"streams"})
_TOLD, _MUTE = Barrier(Mood.TOLD), Barrier(Mood.MUTE, open_too=True)
_MUTED = Barrier(Mood.MUTE, _STREAMS, open_too=True)
_OF_A_BOX = _marks("otherwise", "late", "soon", "whole", in_front=True)


def _plain(
    act: type[A],
    *actors: Actor,
    form: str,
    executor: Executor,
    proof: ProofKind,
    make: Callable[..., Act] | None = None,
    kind: str = "",
    effect: Effect | Callable[[A], Effect],
    needs: Need | None = None,
    boxed: str = "",
) -> CatalogueRow[A]:
    """Return the row of an act of one form and one kind, its tag where no other is given."""
    name = kind or str(act.__struct_config__.tag)
    return CatalogueRow(
        act=act,
        actors=actors,
        forms={form: make or act},
        executor=executor,
        proof=proof,
        effect=_always(effect) if isinstance(effect, Effect) else effect,
        needs=needs,
        boxed=boxed,
        kinds=(name,),
        kinds_of=_always((name,)),
    )


# Of a path.

_ONE_WAY = (Reach.STALLED, Reach.SILENT)
_STRIKING = (Reach.CLOSED, Reach.RESET)
_INSIDE = ("id", "data", "character", "event")
_ENDINGS = {Reach.SILENT: FlowEnding.DROPPED, Reach.CLOSED: FlowEnding.FIN, Reach.RESET: FlowEnding.RST}
_SHUT = {
    Reach.STALLED: Barrier(Mood.MUTE, open_too=True, delays=True),
    Reach.SILENT: _MUTE,
    Reach.UNREACHABLE: Barrier(Mood.MUTE),
    **dict.fromkeys((Reach.CLOSED, Reach.RESET, Reach.REFUSED), _TOLD),
}
_SEEN = {
    Reach.STALLED: _marks("quiet", "late", "whole"),
    Reach.REFUSED: _marks("refused"),
    **dict.fromkeys((Reach.SILENT, Reach.UNREACHABLE), _marks("quiet")),
    **dict.fromkeys(_STRIKING, _marks("ended", "refused")),
}
_WAY = "[downstream|upstream:way only]"


def _words(*words: str) -> str:
    return "|".join(words)


def _reach(word: str, way: str | None = None) -> Act:
    return SetReach(word=Reach(word), direction=Direction(way) if way else None)


def _effect_of_reach(act: SetReach) -> Effect:
    severs = Severs(_ENDINGS[act.word]) if act.word in _ENDINGS else None
    if act.once:
        return Effect(seconds=0.0, severs=severs, mark=_marks("ended", struck=True), doubtful=_OF_A_PATH)
    mark = _SEEN.get(act.word, Footprint())
    return Effect(severs=severs, barrier=_SHUT.get(act.word), mark=mark, doubtful=_OF_A_PATH)


def _kinds_of_reach(act: SetReach) -> tuple[str, ...]:
    return (f"{act.word}{' once' if act.once else ''}{f' {act.direction} only' if act.direction else ''}",)


_REACH = CatalogueRow[SetReach](
    act=SetReach,
    actors=(Actor.PATH,),
    forms={
        f"{_words(*(word for word in Reach if word not in _ONE_WAY))}:word [for DURATION:span]": _reach,
        f"{_words(*_ONE_WAY)}:word [for DURATION:span] {_WAY}": _reach,
        f"{_words(*_STRIKING)}:word once": lambda word: SetReach(word=Reach(word), once=True),
    },
    executor=Executor.GATE,
    proof=ProofKind.WORD,
    effect=_effect_of_reach,
    kinds=(
        *Reach,
        *(f"{word} {way} only" for word in _ONE_WAY for way in Direction),
        *(f"{word} once" for word in _STRIKING),
    ),
    kinds_of=_kinds_of_reach,
)

_CUTS = CatalogueRow[Cuts](
    act=Cuts,
    actors=(Actor.PATH,),
    forms={
        f"{_words(*_STRIKING)}:word mid {_words(*_INSIDE)}:mid": lambda word, mid: Cuts(how=Reach(word), mid=mid),
    },
    executor=Executor.GATE,
    proof=ProofKind.CUT,
    effect=lambda act: Effect(
        seconds=0.0,
        armed=ARMED,
        severs=Severs(_ENDINGS[act.how], When.EVENT),
        mark=_marks("ended", streams=("otherwise",)),  # the first part of an event that is cut passes
        doubtful=_OF_STREAMS,
    ),
    boxed="cut",
    kinds=tuple(f"{how} mid {mid}" for how in _STRIKING for mid in _INSIDE),
    kinds_of=lambda act: (f"{act.how} mid {act.mid}",),
)


def _shape(profile: SetShape, over: float = 0.0, way: str | None = None) -> Act:
    return msgspec.structs.replace(profile, over=over, direction=Direction(way) if way else None)


def _kinds_of_shape(act: SetShape) -> tuple[str, ...]:
    one_way = (f"profile {act.direction} only",) if act.direction else ()
    return ("profile over" if act.over else "profile", *one_way)


_SHAPE = CatalogueRow[SetShape](
    act=SetShape,
    actors=(Actor.PATH,),
    forms={
        f"PROFILE:profile [for DURATION:span] {_WAY}": _shape,
        f"PROFILE:profile over DURATION:over {_WAY}": _shape,
    },
    executor=Executor.PROXY,
    proof=ProofKind.SHAPE,
    effect=lambda act: Effect(settles=act.over, mark=_marks("late", "soon", promised=True), doubtful=_DELIVERY),
    kinds=("profile", "profile over", *(f"profile {way} only" for way in Direction)),
    kinds_of=_kinds_of_shape,
)


_SLOWER = Effect(mark=_marks("late", promised=True), doubtful=_DELIVERY)


def _slice(size: int) -> Act:
    if size < 1:
        raise UsageError("expected slices of at least 1B, got 0B")
    return SetSlice(size=size)


_SLICE = _plain(
    SetSlice,
    Actor.PATH,
    form="sliced to SIZE:size [for DURATION:span]",
    make=_slice,
    executor=Executor.PROXY,
    proof=ProofKind.SLICES,
    effect=_SLOWER,
    kind="sliced",
)


def _limits(rate: float) -> Act:
    if rate < _KB:
        kbps = rate * 8 / 1000
        raise UsageError(f"expected at least 8kbps, since a proxy counts whole KB/s and stalls at 0, got {kbps:g}kbps")
    return Limits(rate=rate // _KB * _KB)


_LIMITS = _plain(
    Limits,
    Actor.PATH,
    form="limited to BITRATE:rate [for DURATION:span]",
    make=_limits,
    executor=Executor.PROXY,
    proof=ProofKind.RATE,
    effect=_SLOWER,
    kind="limited",
)

# Of the device.


def _above_zero(value: Any) -> Any:
    if not value:
        raise UsageError("expected more than zero, got 0")
    return value


_USABLE = Effect(doubtful=_OF_THE_DEVICE)
_LOST = Effect(
    severs=Severs(FlowEnding.ABORTED), mark=_marks("ended", struck=True), doubtful=_OF_THE_DEVICE | _OF_STREAMS
)


def _of_device(act: type[A], form: str, proof: ProofKind, effect: Effect = _USABLE) -> CatalogueRow[A]:
    return _plain(act, Actor.DEVICE, form=form, executor=Executor.GATE, proof=proof, effect=effect)


def _effect_of_sleep(act: Suspends) -> Effect:
    """Return the effect of a sleep. A silent death counts from the sleep's beginning: no side can tell when it came."""
    return Effect(
        seconds=act.lasts,
        severs=Severs(FlowEnding.DEAD) if act.silently else Severs(FlowEnding.ABORTED, When.OVER),
        barrier=_MUTE,
        mark=_marks("quiet", "late") if act.silently else _marks("ended", "quiet", "late"),
        doubtful=_OF_THE_DEVICE | _OF_STREAMS,
    )


_SUSPENDS = CatalogueRow[Suspends](
    act=Suspends,
    actors=(Actor.DEVICE,),
    forms={
        "suspends for DURATION:lasts [silently:silently]": lambda lasts, silently="": Suspends(
            lasts=_above_zero(lasts), silently=bool(silently)
        )
    },
    executor=Executor.GATE,
    proof=ProofKind.SLEEP,
    effect=_effect_of_sleep,
    kinds=("suspends", "suspends silently"),
    kinds_of=lambda act: (f"suspends{' silently' * act.silently}",),
)

# Of the middle; and of the server, in whose place it answers.

_BODILESS = {101, 204, 304}
_TARGETS = ("everything", *REQUESTS)


def _counted(count: int) -> int:
    if not 0 < count <= MOST_TIMES:
        raise UsageError(f"expected a number from 1 to {MOST_TIMES}, got {count}")
    return count


def _answers(
    status: int, retry_after: float | None = None, dated: str = "", to: str = "everything", times: int | None = None
) -> Act:
    if status < 200:
        raise UsageError(f"expected a final status from 200 on, got {status}")
    if retry_after is not None and retry_after != int(retry_after):
        raise UsageError(f"expected whole seconds after retry-after (RFC 9110, 10.2.3), got {retry_after:g} s")
    if dated and retry_after is None:
        raise UsageError("expected retry-after and a duration before as date")
    if times is not None:
        _counted(times)
    return Answers(status=status, retry_after=retry_after, dated=bool(dated), to=to, times=times)


def _kinds_of_answers(act: Answers) -> tuple[str, ...]:
    counted = ("answers N times",) if act.times is not None else ()
    later = (f"answers retry-after{' as date' * act.dated}",) if act.retry_after is not None else ()
    return (f"answers to {act.to}", *counted, *later)


_ANSWERS = CatalogueRow[Answers](
    act=Answers,
    actors=(Actor.MIDDLE, Actor.SERVER),
    forms={
        "answers CODE:status [retry-after DURATION:retry_after] [as date:dated] [to streams|polls|results:to] "
        "[for DURATION:span | N:times times]": _answers
    },
    executor=Executor.MIDDLE,
    proof=ProofKind.REQUEST,
    effect=lambda act: Effect(
        barrier=_TOLD if act.to == _TARGETS[0] else Barrier(Mood.TOLD, frozenset({act.to})),
        mark=_OF_A_BOX,
        doubtful=_OF_REQUESTS,
    ),
    boxed="answered",
    kinds=(
        *(f"answers to {to}" for to in _TARGETS),
        "answers N times",
        "answers retry-after",
        "answers retry-after as date",
    ),
    kinds_of=_kinds_of_answers,
)


def _of_middle(act: type[A], form: str, effect: Effect, boxed: str) -> CatalogueRow[A]:
    return _plain(
        act, Actor.MIDDLE, form=form, executor=Executor.MIDDLE, proof=ProofKind.REQUEST, effect=effect, boxed=boxed
    )


def _buffers(size: int) -> Act:
    if size > LARGEST_BUFFER:
        raise UsageError(f"expected at most {spell_size(LARGEST_BUFFER)}, got {spell_size(size)}")
    return Buffers(size=_above_zero(size))


def _kinds_of_buffers(act: Buffers) -> tuple[str, ...]:
    return (f"buffers {'each event' if act.each_event else 'duration' if act.size is None else 'size'}",)


_BUFFERS = CatalogueRow[Buffers](
    act=Buffers,
    actors=(Actor.MIDDLE,),
    forms={
        "buffers SIZE:size [for DURATION:span]": _buffers,
        "buffers each event [for DURATION:span]": lambda: Buffers(each_event=True),
        "buffers DURATION:seconds [for DURATION:span]": lambda seconds: Buffers(seconds=_above_zero(seconds)),
    },
    executor=Executor.MIDDLE,
    proof=ProofKind.REQUEST,
    effect=_always(
        Effect(
            barrier=Barrier(Mood.MUTE, _STREAMS, open_too=True, delays=True),
            mark=_marks(streams=("ended", "quiet", "otherwise"), in_front=True),
            doubtful=_DELIVERY,
        )
    ),
    boxed="held",
    kinds=("buffers size", "buffers each event", "buffers duration"),
    kinds_of=_kinds_of_buffers,
)


def _kills(after: float, silently: str = "", code: int | None = None) -> Act:
    if code is not None and (code < 200 or code in _BODILESS):
        raise UsageError(f"expected a status that a box answers with, such as 524, got {code}")
    return KillsIdle(after=_above_zero(after), how=SILENTLY if silently else "fin" if code is None else str(code))


_KILLS_IDLE = CatalogueRow[KillsIdle](
    act=KillsIdle,
    actors=(Actor.MIDDLE,),
    forms={"kills idle after DURATION:after [silently:silently | with CODE:code]": _kills},
    executor=Executor.MIDDLE,
    proof=ProofKind.REQUEST,
    effect=lambda act: Effect(
        severs=Severs(FlowEnding.DROPPED if act.how == SILENTLY else FlowEnding.FIN, When.IDLE),
        mark=_marks("ended", "quiet", "late"),
        doubtful=_OF_STREAMS,
    ),
    boxed="killed",
    kinds=("kills idle with fin", "kills idle silently", "kills idle with code"),
    kinds_of=lambda act: (f"kills idle {({'fin': 'with fin', SILENTLY: SILENTLY}).get(act.how, 'with code')}",),
)

# Of the server.


def _of_server(
    act: type[A],
    form: str,
    proof: ProofKind,
    effect: Effect,
    *,
    make: Callable[..., Act] | None = None,
    needs: Need | None = None,
) -> CatalogueRow[A]:
    return _plain(
        act, Actor.SERVER, form=form, make=make, executor=Executor.SERVER, proof=proof, effect=effect, needs=needs
    )


_DOWN = Effect(severs=Severs(FlowEnding.FIN), barrier=_TOLD, mark=_marks("ended"), doubtful=_OF_THE_SERVER)
_RECOVERED = Effect(seconds=0.0, doubtful=_OF_THE_SERVER)

_RESTARTS = CatalogueRow[Restarts](
    act=Restarts,
    actors=(Actor.SERVER,),
    forms={
        "restarts keeping log [after DURATION:after]": lambda after=0.0: Restarts(keeps_log=True, after=after),
        "restarts losing log [after DURATION:after]": lambda after=0.0: Restarts(keeps_log=False, after=after),
    },
    executor=Executor.SERVER,
    proof=ProofKind.AWAY,
    effect=lambda act: msgspec.structs.replace(_DOWN, seconds=act.after, doubtful=_OF_THE_SERVER | {FactKind.EMISSION}),
    kinds=("restarts keeping log", "restarts losing log"),
    kinds_of=lambda act: (f"restarts {'keeping' if act.keeps_log else 'losing'} log",),
)

_ORPHANS = _plain(
    Orphans,
    Actor.SERVER,
    form="orphan for DURATION:after",
    make=lambda after: Orphans(after=_above_zero(after)),
    executor=Executor.GATES,
    proof=ProofKind.READBACK,
    effect=lambda act: Effect(settles=act.after, mark=_marks("told")),
)


def _retry(value: str) -> Act:
    if len(value) > 64 or not value.isprintable():
        raise UsageError(f"expected one printable word of at most 64 signs, got {quote(value)}")
    return SendsRetry(value=value)


# Of the job.


def _of_job(
    act: type[A],
    form: str,
    effect: Effect | Callable[[A], Effect],
    make: Callable[..., Act] | None = None,
) -> CatalogueRow[A]:
    return _plain(act, Actor.JOB, form=form, make=make, executor=Executor.JOB, proof=ProofKind.READBACK, effect=effect)


def _bursts(rate: float, lasts: float) -> Act:
    if not 0 < rate <= MOST_TIMES:
        raise UsageError(f"expected a rate above zero and up to {MOST_TIMES}/s, got {rate:g}/s")
    if rate * lasts > MOST_IN_A_BURST:
        raise UsageError(f"expected at most {MOST_IN_A_BURST} events of one burst, got {rate * lasts:.0f}")
    return Bursts(rate=rate, lasts=_above_zero(lasts))


_TOLD_TO_JOB = Effect(seconds=0.0, doubtful=_OF_THE_JOB)


def _fails(code: str) -> Act:
    if CODE.fullmatch(code) is None:
        raise UsageError(f"expected a code of letters, digits, _ . and -, got {quote(code)}")
    return Ends(how="failed", code=code)


_ENDS = CatalogueRow[Ends](
    act=Ends,
    actors=(Actor.JOB,),
    forms={
        "completes": lambda: Ends(how="completed"),
        "fails WORD:code": _fails,
        "times out": lambda: Ends(how="timeout"),
    },
    executor=Executor.JOB,
    proof=ProofKind.READBACK,
    effect=_always(_TOLD_TO_JOB),
    kinds=("completed", "failed", "timeout"),
    kinds_of=lambda act: (act.how,),
)

ROWS: tuple[CatalogueRow[Any], ...] = (
    _REACH,
    _CUTS,
    _SHAPE,
    _SLICE,
    _LIMITS,
    _of_device(Joins, "joins PATH:path", ProofKind.DEFAULT),
    _of_device(Prefers, "prefers PATH:path", ProofKind.DEFAULT),
    _of_device(Loses, "loses PATH:path", ProofKind.LOSS, _LOST),
    _of_device(GoesOffline, "goes offline [for DURATION:span]", ProofKind.LOSS, _LOST),
    _of_device(ComesOnline, "comes online", ProofKind.DEFAULT, Effect(seconds=0.0, doubtful=_OF_THE_DEVICE)),
    _SUSPENDS,
    _ANSWERS,
    _of_middle(
        ShowsPortal,
        "shows portal [for DURATION:span]",
        Effect(barrier=_TOLD, mark=_OF_A_BOX, doubtful=_OF_REQUESTS),
        "portal",
    ),
    _of_middle(
        MutesStreams,
        "mutes streams [for DURATION:span]",
        Effect(barrier=_MUTED, mark=_marks(streams=("ended", "quiet"), in_front=True), doubtful=_DELIVERY),
        "muted",
    ),
    _of_middle(
        ResetsStreams,
        "resets streams [for DURATION:span]",
        Effect(
            barrier=Barrier(Mood.TOLD, _STREAMS),
            mark=_marks(streams=("ended",), in_front=True),
            doubtful=_OF_STREAMS,
        ),
        "reset",
    ),
    _BUFFERS,
    _KILLS_IDLE,
    _plain(Clears, Actor.MIDDLE, form="clears", executor=Executor.MIDDLE, proof=ProofKind.CLEARING, effect=_RECOVERED),
    _RESTARTS,
    _ORPHANS,
    _of_server(Drains, "drains [for DURATION:span]", ProofKind.AWAY, _DOWN),
    _of_server(
        Hangs,
        "hangs [for DURATION:span]",
        ProofKind.REQUEST,
        Effect(barrier=_MUTE, mark=_marks("quiet", "late"), doubtful=_OF_THE_SERVER),
    ),
    _of_server(SendsRetry, "sends retry WORD:value", ProofKind.READBACK, _AT_ONCE, make=_retry),
    _of_server(
        Repeats,
        "repeats N:count [for DURATION:span]",
        ProofKind.READBACK,
        Effect(doubtful=_DELIVERY),
        make=lambda count: Repeats(count=_counted(count)),
    ),
    _of_server(
        RevokesToken, "revokes token", ProofKind.READBACK, Effect(seconds=0.0, doubtful=_OF_REQUESTS), needs=Need.TOKEN
    ),
    _of_server(
        SilencesKeepalive, "silences keepalive [for DURATION:span]", ProofKind.READBACK, Effect(), needs=Need.KEEPALIVE
    ),
    _of_server(Recovers, "recovers", ProofKind.CLEARING, _RECOVERED),
    _of_job(Pauses, "pauses [for DURATION:span]", Effect(doubtful=_OF_THE_JOB)),
    _of_job(Resumes, "resumes", _TOLD_TO_JOB),
    _of_job(
        Bursts,
        "bursts RATE:rate for DURATION:lasts",
        lambda act: Effect(seconds=act.lasts, doubtful=_OF_THE_JOB),
        _bursts,
    ),
    _ENDS,
)
"""All acts, in the order in which the language page lists them."""

_BY_ACT: Mapping[type, CatalogueRow[Any]] = {row.act: row for row in ROWS}


def row_of(act: A) -> CatalogueRow[A]:
    """Return the row of an act."""
    return _BY_ACT[type(act)]


def rows_of(actor: Actor) -> Iterator[CatalogueRow[Any]]:
    """Yield the rows of what an actor may be told."""
    return (row for row in ROWS if actor in row.actors)


def effect_of(act: Act) -> Effect:
    """Return what an act does, for how long, and what it leaves to be seen."""
    return _BY_ACT[type(act)].effect(act)


def path_of(deed: Deed) -> str:
    """Return the path that a deed is about; empty where it is about all of them."""
    return deed.actor if Actor.PATH in row_of(deed.act).actors else getattr(deed.act, "path", deed.on)
