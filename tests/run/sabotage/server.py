# ruff: noqa: E501 - a table
"""Faults of the reference server and its jobs: what is emitted and when, and what each stream is sent of it."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio

from harness.deeds.acts import Bursts, Ends, Restarts
from harness.history.records import Emit
from harness.jobserver import emission, endpoints, registry, streams
from harness.jobserver.acceptor import Acceptor
from harness.jobserver.actuator import ServerActuator
from harness.jobserver.behaviour import ServerBehaviour
from harness.jobserver.connection import HttpConnection
from harness.jobserver.emission import RunningJob
from harness.jobserver.endpoints import JobApi
from harness.jobserver.jobs import JobLog, ResumePoint
from harness.jobserver.registry import Registry
from harness.jobserver.streams import EventStream
from harness.jobserver.tokens import Tokens
from harness.jobserver.work import JobStep, Work
from harness.network.ends import How, Side
from harness.network.relay import RelayedFlow
from harness.seams import Door
from tests.run.sabotage.gate import H0, H1, H2, H3
from tests.run.sabotage.row import Once, Plant, Row, around, both, planted

Wires = list[bytes]


def _wires(change: Callable[[Wires], Wires], *, replay: bool | None = None, most: int | None = None) -> Plant:
    """Let the events that go to a stream be others, and as many, so that its records say what they should have been.

    ``replay``: old ones alone, or new ones alone; ``most``: so many times.
    """

    def plant(patch: pytest.MonkeyPatch) -> None:
        old, left = [False], [most]

        def writing(write: Any) -> Any:
            async def written(stream: EventStream) -> None:
                old[0] = stream._next <= stream._opened_at and bool(stream._next)
                await write(stream)

            return written

        def since(walk: Any) -> Any:
            def walked(log: JobLog, index: int, **options: Any) -> Wires:
                wires: Wires = walk(log, index, **options)
                if left[0] == 0 or replay not in (None, old[0]):
                    return wires
                made = change(list(wires))
                if left[0] is not None and made != wires:
                    left[0] -= 1
                return made

            return walked

        around(patch, EventStream, "_write_events", writing)
        around(patch, JobLog, "since", since)

    return plant


def _nth(nth: int, change: Callable[[bytes], bytes]) -> Plant:
    """One live event of the run is sent as another."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        _wires(_of_those(Once(nth), change), replay=False)(patch)

    return plant


def _of_those(once: Once, change: Callable[[bytes], bytes]) -> Callable[[Wires], Wires]:
    return lambda wires: [change(wire) if once() else wire for wire in wires]


def _corrupt(wire: bytes) -> bytes:
    return re.sub(rb'("processedCount":\d*)(\d)', lambda found: found[1] + bytes([found[2][0] ^ 1]), wire, count=1)


def _renamed(wire: bytes) -> bytes:
    return re.sub(rb"(?m)^id: a-(\d+)", rb"id: a-9\1", wire, count=1)


def _retyped(wire: bytes) -> bytes:
    return wire.replace(b"event: processing", b"event: initialized", 1)


def _starts(by: int, *, most: int | None = None) -> Plant:
    """A stream that resumes begins so many events off."""

    def wrap(serve: Any) -> Any:
        left = [most]

        async def serving(stream: EventStream, start: int, cursor: str, **options: Any) -> Any:
            if cursor and left[0] != 0:
                left[0] = None if left[0] is None else left[0] - 1
                start = max(0, min(start + by, stream._log.newest + 1))
            return await serve(stream, start, cursor, **options)

        return serving

    return planted(EventStream, "serve", wrap)


def _skips_while_live(patch: pytest.MonkeyPatch) -> None:
    """One event is left out, and the records say so."""
    once = Once(12)

    def wrap(write: Any) -> Any:
        async def writing(stream: EventStream) -> None:
            if once(stream._next > stream._opened_at and stream._next < stream._log.newest + 1):
                stream._next += 1
            if stream._next <= stream._log.newest:
                await write(stream)

        return writing

    around(patch, EventStream, "_write_events", wrap)


def _writes_later(patch: pytest.MonkeyPatch) -> None:
    """Streams get each event 300 ms after it was emitted."""

    def wrap(write: Any) -> Any:
        async def writing(stream: EventStream) -> None:
            await trio.sleep(0.3)
            await write(stream)

        return writing

    around(patch, EventStream, "_write_events", wrap)


def _replay_then_nothing(patch: pytest.MonkeyPatch) -> None:
    """A stream gets what it has missed, and nothing new."""

    def wrap(write: Any) -> Any:
        async def writing(stream: EventStream) -> None:
            if stream._opened_at >= 0 and stream._next > stream._opened_at and stream.number > 1:
                stream._next = stream._log.newest + 1
                return
            await write(stream)

        return writing

    around(patch, EventStream, "_write_events", wrap)


# Emission.


def _emits(by: float, *, says: bool = True) -> Plant:
    """Each event but the first comes so much later than it is due; else than it ``says``, all records have it so."""

    def moved(write: Any) -> Any:
        def writing(job: RunningJob, *args: Any) -> None:
            write(job, *args)
            job._next += by

        return writing

    def plant(patch: pytest.MonkeyPatch) -> None:
        around(patch, RunningJob, "_write", moved)
        around(patch, RunningJob, "_reschedule", moved)
        if not says:
            _in_the_record(Emit, lambda emit: setattr(emit, "actual_ns", emit.intended_ns))(patch)

    return plant


def _in_the_record(kind: type, change: Callable[[Any], object]) -> Plant:
    """The server writes down something else than what it does."""

    def wrap(record: Any) -> Any:
        def made(**fields: Any) -> Any:
            one = record(**fields)
            change(one)
            return one

        return made

    where = emission if kind is Emit else streams
    return planted(where, kind.__name__, wrap)


def _drops_step(patch: pytest.MonkeyPatch) -> None:
    """One event is due, and is never emitted."""
    once = Once(15)

    def wrap(emit: Any) -> Any:
        def emitting(job: RunningJob) -> None:
            if once() and not job.log.over:
                job._work.take()
                due = job._work.due
                job._next = float("inf") if due is None else job.accepted + due
            else:
                emit(job)

        return emitting

    around(patch, RunningJob, "_emit", wrap)


def _one_too_many(patch: pytest.MonkeyPatch) -> None:
    """Emit one event that the plan does not have."""
    once = Once(15)

    def wrap(emit: Any) -> Any:
        def emitting(job: RunningJob) -> None:
            emit(job)
            if once() and not job.log.over:
                last = job._work.last
                job._write(JobStep(last.due, "processing", last.processed), last.due)

        return emitting

    around(patch, RunningJob, "_emit", wrap)


def _goes_on(recorded: bool) -> Plant:
    """After its end a job has one event more; where that is not ``recorded``, streams alone have it."""

    def emitting(patch: pytest.MonkeyPatch) -> None:
        def wrap(emit: Any) -> Any:
            def emitted(job: RunningJob) -> None:
                emit(job)
                if job.log.over:
                    last = job._work.last
                    job.log.over = False
                    job._write(JobStep(last.due, "processing", last.processed), last.due)
                    job.log.over = True

            return emitted

        around(patch, RunningJob, "_emit", wrap)

    def more(wires: Wires) -> Wires:
        over = b"event: completed" in wires[-1]
        return [*wires[:-1], wires[-1] + b"id: a-999\nevent: processing\ndata: {}\n\n"] if over else wires

    return emitting if recorded else _wires(more)


def _never_ends(patch: pytest.MonkeyPatch) -> None:
    """The last event is never emitted; the job is told to be over all the same."""

    def wrap(write: Any) -> Any:
        def writing(job: RunningJob, step: JobStep, intended: float) -> None:
            if step.type == "completed":
                job._next = float("inf")
                job._ended()
            else:
                write(job, step, intended)

        return writing

    around(patch, RunningJob, "_write", wrap)


def _other_schedule(patch: pytest.MonkeyPatch) -> None:
    """A job goes by a schedule of its own: each update 50 ms later than the plan has it."""
    around(patch, registry, "updates_of", lambda of: lambda spec: tuple(at + 0.05 * bool(at) for at in of(spec)))


def _ends_late(patch: pytest.MonkeyPatch) -> None:
    def wrap(init: Any) -> Any:
        def making(work: Work, *args: Any) -> None:
            init(work, *args)
            work._end += 1.0

        return making

    around(patch, Work, "__init__", wrap)


def _backwards(patch: pytest.MonkeyPatch) -> None:
    """Events show less and less progress."""

    def wrap(count: Any) -> Any:
        def counting(work: Work, kind: str, due: float) -> None:
            count(work, kind, due)
            if kind == "processing":
                work.processed = max(0, work.spec.items - work.processed)

        return counting

    around(patch, Work, "_count", wrap)


# What clients are answered.


def _resumes(change: Callable[[JobLog, str, ResumePoint], ResumePoint]) -> Plant:
    return planted(JobLog, "resume", lambda resume: lambda log, cursor: change(log, cursor, resume(log, cursor)))


def _keeps_all(log: JobLog, cursor: str, resume: ResumePoint) -> ResumePoint:
    position = log._position(cursor)
    return ResumePoint(position + 1) if resume.signal and position is not None else resume


def _silently(log: JobLog, cursor: str, resume: ResumePoint) -> ResumePoint:
    return ResumePoint(log.newest) if resume.signal else resume


def _expired_at_once(log: JobLog, cursor: str, resume: ResumePoint) -> ResumePoint:
    return ResumePoint(log.newest + 1, signal="410") if cursor and not resume.finished else resume


def _finished_at_once(log: JobLog, cursor: str, resume: ResumePoint) -> ResumePoint:
    return ResumePoint(log.newest + 1, finished=True) if cursor else resume


def _with_410(log: JobLog, cursor: str, resume: ResumePoint) -> ResumePoint:
    return ResumePoint(log.newest + 1, signal="410") if resume.signal == "reset" else resume


def _keepalives(keepalive: float | None, *, comments: bool | None = None) -> Plant:
    """Comments of silence come at another interval, or whatever the server was told."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        def wrap(init: Any) -> Any:
            def making(stream: EventStream, *args: Any, **options: Any) -> None:
                init(stream, *args, **options)
                stream._spec = msgspec.structs.replace(stream._spec, keepalive=keepalive)
                stream._interval = keepalive or 1e9

            return making

        if comments is None:
            around(patch, EventStream, "__init__", wrap)
            return

        def silence(silent: Any) -> Any:
            def silenced(stream: EventStream) -> None:
                kept, stream._behaviour.comments = stream._behaviour.comments, comments
                silent(stream)
                stream._behaviour.comments = kept

            return silenced

        around(patch, EventStream, "_silence", silence)

    return plant


def _says(what: str, change: Callable[[bytes], bytes], *, says: bool) -> Plant:
    """Tell streams another thing besides events; ``says``: by the records too (nothing: none)."""

    def wrap(say: Any) -> Any:
        def saying(stream: EventStream, data: bytes, word: str, detail: str = "") -> None:
            if word != what:
                say(stream, data, word, detail)
            elif not says:
                say(stream, change(data), word, detail)
            elif other := change(data):
                say(stream, other, word, other.decode().partition(":")[2].strip())

        return saying

    return planted(EventStream, "_say", wrap)


def _nothing(_: bytes) -> bytes:
    return b""


def _longer_retry(data: bytes) -> bytes:
    return data.replace(b"3000", b"9000")


def _keeps_tokens(*, streams: bool) -> Plant:
    """Revoked tokens are good for ever; ``streams`` opened with them live on too."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(Tokens, "revoke", lambda tokens: len(tokens._expiry))
        if streams:
            patch.setattr(Registry, "revoke_tokens", lambda registry: registry.tokens.revoke())

    return plant


def _keeps_streams_of_revoked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Registry, "revoke_tokens", lambda registry: registry.tokens.revoke())


def _tokens_last(share: float) -> Plant:
    def wrap(issue: Any) -> Any:
        def issuing(tokens: Tokens, now: float) -> Any:
            token = issue(tokens, now)
            tokens._expiry[token] = now + tokens.lasts * share
            return token

        return issuing

    return planted(Tokens, "issue", wrap)


def _refuses_tokens(patch: pytest.MonkeyPatch) -> None:
    """The second stream is refused though its token is good."""
    once = Once(4)
    around(patch, Tokens, "expiry", lambda expiry: lambda tokens, *args: None if once() else expiry(tokens, *args))


def _repeats(count: int, *, twice: bool) -> Plant:
    """So many repeats, whatever the server was told, and each event ``twice`` or once."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        def serving(serve: Any) -> Any:
            async def served(stream: EventStream, start: int, cursor: str, **options: Any) -> Any:
                more = stream._behaviour.repeats - count if cursor and stream._behaviour.repeats else 0
                return await serve(stream, start + more, cursor, **options)

            return served

        def writing(write: Any) -> Any:
            async def written(stream: EventStream) -> None:
                kept = stream._behaviour.repeats
                stream._behaviour.repeats = kept if twice else 0
                await write(stream)
                stream._behaviour.repeats = kept

            return written

        if count >= 0:
            around(patch, EventStream, "serve", serving)
        if not twice:
            around(patch, EventStream, "_write_events", writing)

    return plant


def _tell(change: Callable[[RunningJob, Any], Any]) -> Plant:
    """A job is told something else than the deed."""
    return planted(RunningJob, "tell", lambda tell: lambda job, act: tell(job, change(job, act)))


def _slower(_: RunningJob, act: Any) -> Any:
    return msgspec.structs.replace(act, rate=act.rate / 2) if isinstance(act, Bursts) else act


def _shorter(_: RunningJob, act: Any) -> Any:
    return msgspec.structs.replace(act, lasts=act.lasts / 2) if isinstance(act, Bursts) else act


def _another_end(_: RunningJob, act: Any) -> Any:
    return msgspec.structs.replace(act, how="failed", code="E9") if isinstance(act, Ends) else act


def _said_only(name: str, value: Any = None) -> Plant:
    """A part of a job's work that does nothing when it is told."""
    return lambda patch: patch.setattr(Work, name, lambda work, *args: value)


def _rescheduled_only(patch: pytest.MonkeyPatch) -> None:
    """A pause is planned, and not kept: what was due comes as if nothing had been said."""

    def wrap(reschedule: Any) -> Any:
        def told(job: RunningJob, why: str) -> None:
            reschedule(job, why)
            if why == "pauses":
                job._work.resume(trio.current_time() - job.accepted)
                due = job._work.due
                job._next = float("inf") if due is None else job.accepted + due
                job._set_alarm()

        return told

    around(patch, RunningJob, "_reschedule", wrap)


# Restarts and the like.


def _restarts(**changes: Any) -> Plant:
    def wrap(leave: Any) -> Any:
        return lambda actuator, act: leave(actuator, msgspec.structs.replace(act, **changes))

    return planted(ServerActuator, "_leave", wrap)


def _restarts_after(by: float) -> Plant:
    def wrap(leave: Any) -> Any:
        return lambda actuator, act: leave(actuator, Restarts(keeps_log=act.keeps_log, after=max(0.0, act.after + by)))

    return planted(ServerActuator, "_leave", wrap)


def _stays_open(patch: pytest.MonkeyPatch) -> None:
    """Say that the door is shut, and keep every connection."""

    async def shut(acceptor: Acceptor) -> None:
        acceptor._shut = True
        await trio.lowlevel.checkpoint()
        acceptor._shut = False

    patch.setattr(Acceptor, "shut", shut)
    around(
        patch, ServerActuator, "_state",
        lambda state: lambda actuator: {**state(actuator), "door": "refuse", "connections": "0"},
    )  # fmt: skip


def _lets_in(patch: pytest.MonkeyPatch) -> None:
    """Close every connection, and let clients come back at once."""

    def wrap(shut: Any) -> Any:
        async def shutting(acceptor: Acceptor) -> None:
            await shut(acceptor)
            await acceptor.open()

        return shutting

    around(patch, Acceptor, "shut", wrap)
    around(patch, ServerActuator, "_state", lambda state: lambda actuator: {**state(actuator), "door": "refuse"})


def _keeps_sessions(patch: pytest.MonkeyPatch) -> None:
    """Let no connection in, and let streams go on."""

    async def shut(acceptor: Acceptor) -> None:
        acceptor._shut = True
        assert acceptor._listener is not None
        await acceptor._listener.set_door(Door.REFUSE)

    patch.setattr(Acceptor, "shut", shut)


def _without_bye(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(streams, "FAREWELLS", {key: text for key, text in streams.FAREWELLS.items() if key != "stopped"})


def _writes_though_it_hangs(patch: pytest.MonkeyPatch) -> None:
    """Streams go on while the server hangs; answers do not."""

    def walking(walk: Any) -> Any:
        async def walked(stream: EventStream) -> Any:
            stream._behaviour = ServerBehaviour()
            return await walk(stream)

        return walked

    around(patch, EventStream, "_walk", walking)


def _hangs_not(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ServerBehaviour, "hangs", property(lambda _: False))

    async def leave_to_write(behaviour: ServerBehaviour) -> None:
        await trio.lowlevel.checkpoint()

    patch.setattr(ServerBehaviour, "leave_to_write", leave_to_write)
    around(patch, ServerActuator, "_state", lambda state: lambda actuator: {**state(actuator), "hangs": "yes"})


def _buries(how: str) -> Plant:
    def nothing(flow: RelayedFlow) -> bool:
        return False

    def said(flow: RelayedFlow) -> bool:
        flow.note(Side.SERVER, How.CLOSED)
        return True

    return lambda patch: patch.setattr(RelayedFlow, "bury", nothing if how == "nothing" else said)


def _recovers_not(patch: pytest.MonkeyPatch) -> None:
    """Let an act go on that was taken back, and let the readback say what should be."""

    def wrap(undo: Any) -> Any:
        async def undoing(actuator: ServerActuator, index: int) -> Any:
            kept = dict(actuator._lasting)
            said = await undo(actuator, index)
            actuator._lasting = kept
            await actuator._settle()
            return said

        return undoing

    around(patch, ServerActuator, "undo", wrap)


def _closes(evidence: str) -> Plant:
    """A stream is ended without a reason."""

    def wrap(grown: Any) -> Any:
        once = Once(20)

        def growing(stream: EventStream) -> None:
            grown(stream)
            if once():
                stream.close(evidence)

        return growing

    return planted(EventStream, "grown", wrap)


def _stale_status(patch: pytest.MonkeyPatch) -> None:
    """Status answers show the state of a while ago."""

    def wrap(respond: Any) -> Any:
        kept: list[bytes] = []

        async def responding(connection: HttpConnection, status: int, body: bytes, *args: Any) -> None:
            if b'"lastEventId"' in body:
                kept.append(body)
                body = kept[max(0, len(kept) - 3)]
            await respond(connection, status, body, *args)

        return responding

    around(patch, HttpConnection, "respond_json", wrap)


def _cut_results(patch: pytest.MonkeyPatch) -> None:
    around(patch, endpoints, "results", lambda results: lambda spec: results(spec)[:10])


def _no_results(patch: pytest.MonkeyPatch) -> None:
    """Results are refused though the job has them."""
    patch.setattr(RunningJob, "results_left", lambda job, kept: False)


def _unanswered(patch: pytest.MonkeyPatch) -> None:
    """One question is never answered, though the server does not hang."""
    once = Once(3)

    def wrap(answer: Any) -> Any:
        async def answering(endpoints: JobApi, request: Any, connection: HttpConnection) -> Any:
            if once("/imports/" in request.path):
                await trio.sleep(6)
            return await answer(endpoints, request, connection)

        return answering

    around(patch, JobApi, "answer", wrap)


H03, H02 = f"{H0}|{H3}", f"{H0}|{H2}"
STREAM = "stream|sub"
ROWS = (
    # What streams are sent.
    Row("replays come backwards", "reconnects twice", H2, STREAM, _wires(lambda wires: wires[::-1], replay=True)),
    Row("replays lack their first event", "reconnects twice", H2, STREAM, _starts(1)),
    Row("replays lack an event, though it is said to be there", "reconnects twice", f"{H1}|{H2}", STREAM, _wires(lambda wires: [*wires[:2], b"", *wires[3:]] if len(wires) > 3 else wires, replay=True)),
    Row("replays lack their last event, though it is said to be there", "reconnects twice", f"{H1}|{H2}", STREAM, _wires(lambda wires: [*wires[:-1], b""] if len(wires) > 1 else wires, replay=True)),
    Row("replays begin two events too early", "reconnects twice", H2, STREAM, _starts(-2)),
    Row("one replay begins one event too early", "reconnects", H2, STREAM, _starts(-1, most=1)),
    Row("replays begin with the first event of all", "reconnects", H2, STREAM, _starts(-1000)),
    Row("replays are left out", "reconnects twice", H2, STREAM, _starts(1000)),
    Row("a replay is followed by nothing", "reconnects twice", H2, STREAM, _replay_then_nothing),
    Row("a replayed event comes twice", "reconnects twice", f"{H1}|{H2}", STREAM, _wires(lambda wires: [wires[0] + wires[0], *wires[1:]], replay=True)),
    Row("a live event is left out", "plain", H2, STREAM, _skips_while_live),
    Row("a live event is left out, though it is said to be there", "plain", f"{H1}|{H2}", STREAM, _nth(12, lambda wire: b"")),
    Row("a live event comes twice", "plain", f"{H1}|{H2}", STREAM, _nth(12, lambda wire: wire + wire)),
    Row("an event has another payload", "plain", f"{H1}|{H2}", f"{STREAM}|payload|event", _nth(12, _corrupt)),
    Row("an event has another id", "plain", f"{H1}|{H2}", f"{STREAM}|id|event", _nth(12, _renamed)),
    Row("an event has another type", "plain", f"{H1}|{H2}", f"{STREAM}|type|event", _nth(12, _retyped)),
    Row("an event is cut", "plain", f"{H1}|{H2}", f"{STREAM}|event|bytes", _nth(12, lambda wire: wire[:-1])),
    Row("a burst comes backwards", "bursts", f"{H1}|{H2}", STREAM, both(_writes_later, _wires(lambda wires: wires[::-1], replay=False))),
    Row("events are written 300 ms after they were emitted", "plain", H2, f"{STREAM}|written|event", _writes_later),
    Row("a stream is evicted for nothing", "plain", H2, STREAM, _closes("evicted")),
    Row("a stream ends as expired, though its token has not", "plain", H2, STREAM, _closes("expired")),
    Row("a stream ends as stopped, though the server goes on", "plain", H2, STREAM, _closes("stopped")),
    Row("a stream ends as done, though its job goes on", "plain", H2, STREAM, _closes("done")),
    Row("a stream ends as blocked, though its peer takes all", "plain", H2, STREAM, _closes("blocked")),
    Row("a stream ends as outdated, though there is no newer one", "plain", H2, STREAM, _closes("newer")),
    Row("a stream ends as reset, though its peer is there", "plain", H2, STREAM, _closes("rst")),
    # Emission.
    Row("events come 300 ms late", "plain", H2, "event.*(late|due|intended)", _emits(0.3)),
    Row("events come 300 ms early", "plain", H2, "event.*(early|due|intended|before)", _emits(-0.15)),
    Row("events come 300 ms late, and say that they do not", "plain", f"{H1}|{H2}", "event|emit", _emits(0.3, says=False)),
    Row("an event is never emitted", "plain", H2, "event|emitted", _drops_step),
    Row("an event is emitted that nobody planned", "plain", H2, "event|emitted", _one_too_many),
    Row("a job goes on after its end", "ends by itself", H2, "event|end", _goes_on(recorded=True)),
    Row("a stream goes on after its job's end", "ends by itself", f"{H1}|{H2}", "event|end|stream", _goes_on(recorded=False)),
    Row("the terminal event is never emitted", "ends by itself", H2, "event|end|emitted", _never_ends),
    Row("a job has a schedule of its own", "plain", H2, "schedule|plan|meant to emit", _other_schedule),
    Row("a job ends a second late", "plain", H2, "schedule|plan|meant to emit", _ends_late),
    Row("progress goes backwards", "plain", H2, "progress", _backwards),
    # Resumption.
    Row("the log keeps more than it should", "expires", H2, "cursor|replay|stream", _resumes(_keeps_all)),
    Row("an expired cursor is passed over in silence", "expires", H2, "cursor|expired|stream", _resumes(_silently)),
    Row("a cursor expires that should not", "reconnects", H2, "cursor|expired|410", _resumes(_expired_at_once)),
    Row("a reset event is due and 410 is said", "expires with a reset", H2, "cursor|expired|410|reset", _resumes(_with_410)),
    Row("a job that goes on is answered with 204", "reconnects", H2, "204|stream|cursor", _resumes(_finished_at_once)),
    Row("the log keeps less than it should", "replays some", H2, "cursor|replay|410", _resumes(_expired_at_once)),
    # Silence and other words.
    Row("keep-alives come, though silenced", "keep-alives silenced", H02, "keep-?alive|comment", _keepalives(None, comments=True)),
    Row("keep-alives never come", "quiet", H2, "keep-?alive|comment", _keepalives(None)),
    Row("keep-alives come at twice the interval", "quiet", H2, "keep-?alive|comment", _keepalives(30.0)),
    Row("keep-alives come at a third of the interval", "quiet", H2, "keep-?alive|comment", _keepalives(5.0)),
    Row("retry is told to nobody", "retry", H02, "retry", _says("retry", _nothing, says=True)),
    Row("retry is told to nobody, though it is said to be", "retry", f"{H02}|{H1}", "retry", _says("retry", _nothing, says=False)),
    Row("retry is told with another value", "retry", H02, "retry", _says("retry", _longer_retry, says=True)),
    Row("retry is told with another value than is said", "retry", f"{H02}|{H1}", "retry", _says("retry", _longer_retry, says=False)),
    Row("retry is not said at the start", "retry at the start", H2, "retry", _says("retry", _nothing, says=True)),
    Row("another retry is said at the start", "retry at the start", H2, "retry", _says("retry", _longer_retry, says=True)),
    Row("no token is revoked", "token revoked", H02, "token", _keeps_tokens(streams=True)),
    Row("no token is revoked, and streams end", "token revoked", H02, "token", _keeps_tokens(streams=False)),
    Row("the streams of a revoked token go on", "token revoked", H02, "token|stream", _keeps_streams_of_revoked),
    Row("tokens last twice as long", "token expires", H2, "token", _tokens_last(2.0)),
    Row("tokens last half as long", "token expires", H2, "token", _tokens_last(0.5)),
    Row("a good token is refused", "reconnects twice", H2, "token|401", _refuses_tokens),
    Row("repeats are not made", "repeats", H02, "repeats|twice|stream", _repeats(0, twice=False)),
    Row("repeats are made at the seam alone", "repeats", H02, "repeats|twice|stream", _repeats(-1, twice=False)),
    Row("one repeat too few", "repeats", H02, "repeats|stream", _repeats(2, twice=True)),
    # The job.
    Row("a pause is not kept", "pauses", H02, "paus", _said_only("pause")),
    Row("a pause is planned and not kept", "pauses", H02, "paus|event|schedule", _rescheduled_only),
    Row("a pause is never over", "pauses", H02, "paus|resum", _said_only("resume")),
    Row("a burst is not made", "bursts", H02, "burst", _said_only("burst")),
    Row("a burst has half its rate", "bursts", H02, "burst", _tell(_slower)),
    Row("a burst is half as long", "bursts", H02, "burst", _tell(_shorter)),
    Row("a job is not ended", "completes", H02, "complet", _said_only("end")),
    Row("a job ends in another way", "completes", H02, "complet|ended its job", _tell(_another_end)),
    Row("a job fails with another code", "fails", H02, "fail|E7", _tell(_another_end)),
    # Restarts and the like.
    Row("a restart that keeps the log loses it", "restarts", H02, "restart|log|epoch", _restarts(keeps_log=False)),
    Row("a restart that loses the log keeps it", "restarts anew", H02, "restart|log|epoch", _restarts(keeps_log=True)),
    Row("a restart takes two seconds more", "restarts", H02, "restart", _restarts_after(2.0)),
    Row("a restart is over at once", "restarts", H02, "restart", _restarts_after(-2.0)),
    Row("a restart shows nobody out", "restarts", H02, "restart|drain|server.*told to end all", _keeps_sessions),
    Row("a server that is away lets in", "restarts", H02, "restart", _lets_in),
    Row("a server does not leave", "restarts", H02, "restart|drain|server.*told to end all", _stays_open),
    Row("a server says no bye", "restarts", H02, "restart|bye", _without_bye),
    Row("a server that drains does not", "drains", H02, "restart|drain|server.*told to end all", _stays_open),
    Row("a server that drains lets in", "drains", H02, "drain", _lets_in),
    Row("a server that drains keeps its streams", "drains", H02, "restart|drain|server.*told to end all", _keeps_sessions),
    Row("a server drains for ever", "drains", H02, "drain", _recovers_not),
    Row("a server does not hang", "hangs", H02, "hang", _hangs_not),
    Row("a server that hangs goes on with its streams", "hangs", H02, "hang", _writes_though_it_hangs),
    Row("a server hangs for ever", "hangs", H02, "hang|server said nothing", _recovers_not),
    Row("no orphan is closed", "orphans", H03, "orphan", _buries("nothing")),
    Row("no orphan is closed, though it is said to be", "orphans", f"{H03}|{H2}", "orphan|server", _buries("said")),
    # Other answers.
    Row("status answers are stale", "answers", f"{H1}|{H2}", "status|snapshot|state|what the server answered", _stale_status),
    Row("results are cut", "plain", f"{H1}|{H2}", "results", _cut_results),
    Row("results are refused", "plain", H2, "results", _no_results),
    Row("a question is not answered", "reconnects", H2, "answer", _unanswered),
)  # fmt: skip
