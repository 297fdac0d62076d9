"""The job API: which request means what, and what is answered.

=======================================  ==========================================================================
``POST /api/v2/imports``                 starts a job: 202 ``{"jobId"}``. The body may be empty, or ``{"kind"}``
``GET /api/v2/imports/{id}/stream``      the event stream; resumes after ``Last-Event-ID``. 204 when that is the
                                         terminal event's id; 410 where the cursor has expired and the spec says so;
                                         406 where ``Accept`` does not allow ``text/event-stream``
``GET /api/v2/imports/{id}``             status: the newest event's data and its id as ``lastEventId``
``GET /api/v2/imports/{id}/results``     CSV, once completed; before, 409; after another end, 404; too late, 410
``POST /api/v2/token``                   ``{"token","expiresIn"}``, where the spec has tokens; else 404
``GET /healthz``                         200, for the harness's own probes; never needs a token
``GET /healthz/stream``                  an event stream of no job, for the same; likewise
``POST /healthz/stream/KEY``             the same as no event stream, while its body is read; of an announced key only
``GET /healthz/bytes/N``                 so many bytes (at most 65536) of no meaning, for the same; likewise
=======================================  ==========================================================================

HEAD is answered as GET is, without the body (RFC 9110, 9.3.2): no stream begins, and nothing is recorded as told.
Pages of this machine may use all of it from their browsers, also from another port (``harness.jobserver.cors``).

Errors are JSON ``{"error":{"code","message"}}``: 400 a body that is no such object, 401 no valid token where one is
needed, 404 nothing there, 405 with ``Allow``, 503 when no more jobs can be held.
"""

import re

import msgspec
import trio

from harness.history.records import Answered, GapSignal, Snapshot, body_digest
from harness.jobserver.connection import HttpConnection, error_body
from harness.jobserver.cors import cors_headers, is_preflight, preflight_headers
from harness.jobserver.emission import RunningJob
from harness.jobserver.jobs import epoch_of
from harness.jobserver.payloads import UNITS, results
from harness.jobserver.probe_streams import BEGAN, ProbePosts, exchange_with, listen_to
from harness.jobserver.registry import Registry
from harness.jobserver.streams import HEADERS as STREAM
from harness.jobserver.tokens import Authorization, bearer
from harness.network.http_server import Headers, HttpRequest

IMPORTS = "/api/v2/imports"
PROBES = "/healthz"
BINARY = "application/octet-stream"
_BYTES = re.compile(r"/healthz/bytes/(?P<size>[0-9]{1,9})")
_MOST_BYTES = 65_536
_HELD = "/healthz/stream/"
_JOB = re.compile(r"/api/v2/imports/(?P<job>[^/]+)(?P<part>/stream|/results|)")


class ErrorAnswer(Exception):
    """An error answer, raised from wherever it is found out."""

    def __init__(self, status: int, code: str, message: str, headers: Headers = (), *, token: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.token = token  # the digest of the one that is refused
        self.body = error_body(code, message)
        self.headers = headers


class Start(msgspec.Struct):
    """The body of a start."""

    kind: str | None = None


class JobApi:
    """Answers the requests of all connections from one registry of jobs."""

    def __init__(self, registry: Registry, pulses: ProbePosts) -> None:
        self._registry = registry
        self._pulses = pulses

    async def answer(self, request: HttpRequest, connection: HttpConnection) -> bool:
        """Answer one request; return whether the connection is still good. Only a stream takes long."""
        connection.leave = cors_headers(request.headers)
        try:
            return await self._route(request, connection)
        except ErrorAnswer as answer:
            self._record(request, answer.status, answer.body, token=answer.token)
            await connection.respond_json(answer.status, answer.body, answer.headers)
            return True

    async def _route(self, request: HttpRequest, connection: HttpConnection) -> bool:
        if is_preflight(request.method, request.headers):
            self._record(request, 204)
            await connection.respond(204, headers=preflight_headers())
        elif request.path == PROBES:
            _allow(request, "GET")
            await connection.respond_json(200, b'{"status":"ok"}')
        elif match := _BYTES.fullmatch(request.path):
            _allow(request, "GET")
            began = (BEGAN, repr(trio.current_time()))
            body = bytes(min(int(match["size"]), _MOST_BYTES))
            await connection.respond(200, body, [("content-type", BINARY), began])
        elif request.path == "/healthz/stream":
            _allow(request, "GET")
            if request.method == "HEAD":
                await connection.respond_stream_head(STREAM)
                return True
            return await listen_to(connection)
        elif request.path.startswith(_HELD):
            _allow(request, "POST")
            pulse = self._pulses.take(request.path.removeprefix(_HELD))
            if pulse is None:
                raise ErrorAnswer(404, "unannounced", "no probe has announced this stream")
            return await exchange_with(connection, pulse, streams="event-stream" in request.headers.get("accept", ""))
        elif request.path == "/api/v2/token" and self._registry.tokens is not None:
            _allow(request, "POST")
            await self._issue(request, connection)
        elif request.path == IMPORTS:
            _allow(request, "POST")
            self._authorize(request)
            await self._start(request, connection)
        elif match := _JOB.fullmatch(request.path):
            _allow(request, "GET")
            permit = self._authorize(request)
            job = self._registry.find(match["job"])
            if job is None:
                raise ErrorAnswer(404, "unknown_job", f"there is no job {match['job'][:64]!r}")
            return await self._job(job, match["part"], request, connection, permit)
        else:
            raise ErrorAnswer(404, "not_found", f"there is nothing at this path; jobs are at {IMPORTS}")
        return True

    async def _job(
        self, job: RunningJob, part: str, request: HttpRequest, connection: HttpConnection, permit: Authorization
    ) -> bool:
        if part == "/stream":
            return await self._stream(job, request, connection, permit)
        if part == "/results":
            await self._results(job, request, connection)
        else:
            await self._status(job, request, connection)
        return True

    def _authorize(self, request: HttpRequest) -> Authorization:
        """Return what the request's token permits, all for ever without tokens; refuse one without a valid one."""
        tokens = self._registry.tokens
        if tokens is None:
            return Authorization()
        token = bearer(request.headers.get("authorization", ""))
        expiry = tokens.expiry(token, trio.current_time())
        if expiry is None:
            message = "a valid bearer token is needed: POST /api/v2/token"
            raise ErrorAnswer(401, "unauthorized", message, [("www-authenticate", "Bearer")], token=_digest(token))
        return Authorization(expiry, _digest(token))

    async def _issue(self, request: HttpRequest, connection: HttpConnection) -> None:
        tokens = self._registry.tokens
        assert tokens is not None
        self._registry.counts.tokens += 1
        token = tokens.issue(trio.current_time())
        body = msgspec.json.encode({"token": token, "expiresIn": tokens.lasts})
        self._record(request, 200, body, token=_digest(token), expires_in=tokens.lasts)
        await connection.respond_json(200, body)

    async def _start(self, request: HttpRequest, connection: HttpConnection) -> None:
        try:
            start = msgspec.json.decode(request.body, type=Start) if request.body else Start()
        except msgspec.MsgspecError as error:
            raise ErrorAnswer(400, "bad_body", f'expected {{"kind": …}} or no body: {error}') from error
        kind = start.kind or self._registry.spec.kind
        if kind not in UNITS:
            raise ErrorAnswer(400, "bad_kind", f"expected a kind of {', '.join(UNITS)}; got {kind[:64]!r}")
        job = self._registry.start(kind, request.rid)
        if job is None:
            raise ErrorAnswer(503, "full", "no more jobs can run at once", [("retry-after", "5")])
        location = ("location", f"{IMPORTS}/{job.log.job_id}")
        body = msgspec.json.encode({"jobId": job.log.job_id})
        self._record(request, 202, body)
        await connection.respond_json(202, body, [location])

    async def _status(self, job: RunningJob, request: HttpRequest, connection: HttpConnection) -> None:
        event, body = job.log.last, job.log.snapshot()
        if request.method != "HEAD":
            self._registry.record(
                Snapshot(
                    job=job.log.job_id,
                    epoch=job.log.epoch,
                    state_index=event.index,
                    status=event.type,
                    rid=request.rid,
                    digest=body_digest(body),
                    length=len(body),
                )
            )
        await connection.respond_json(200, body)

    async def _results(self, job: RunningJob, request: HttpRequest, connection: HttpConnection) -> None:
        spec = self._registry.spec
        if not job.log.over:
            raise ErrorAnswer(
                409, "not_completed", f"the job is {job.log.last.type}; results come once it is completed"
            )
        if job.log.last.type != "completed":
            raise ErrorAnswer(404, "no_results", f"the job ended as {job.log.last.type}; it has no results")
        if not job.results_left(spec.results_kept):
            raise ErrorAnswer(410, "expired", f"results are kept {spec.results_kept:g} s after completion")
        body = results(spec)
        self._record(request, 200, body)
        await connection.respond(200, body, [("content-type", "text/csv"), ("cache-control", "no-store")])

    async def _stream(
        self, job: RunningJob, request: HttpRequest, connection: HttpConnection, permit: Authorization
    ) -> bool:
        if not accepts_stream(request.headers.get("accept", "*/*")):
            raise ErrorAnswer(406, "not_acceptable", "this is a text/event-stream; Accept does not allow it")
        cursor = request.headers.get("last-event-id", "")
        resume = job.log.resume(cursor)
        if resume.finished:
            self._record(request, 204)
            await connection.respond(204)
            return True
        # Where the policy is silence, a client of an older epoch is told by the epoch of the ids it gets.
        how = resume.signal or ("epoch" if epoch_of(cursor) in job.epochs else "")
        if how and request.method != "HEAD":
            self._registry.record(GapSignal(job=job.log.job_id, how=how, cursor=cursor, rid=request.rid))
        if resume.signal == "410":
            message = "the events after this cursor are not kept: ask for the status, and go on after its lastEventId"
            raise ErrorAnswer(410, "cursor_expired", message)
        if request.method == "HEAD":
            await connection.respond_stream_head(STREAM)
            return True
        return await self._registry.stream(job, connection, resume, cursor, rid=request.rid, permit=permit)

    def _record(
        self, request: HttpRequest, status: int, body: bytes = b"", *, token: str = "", expires_in: float | None = None
    ) -> None:
        """Write down what this request is about to be answered."""
        if request.method != "HEAD" and not request.path.startswith(PROBES):
            self._registry.record(
                Answered(
                    rid=request.rid,
                    status=status,
                    length=len(body),
                    digest=body_digest(body),
                    token=token,
                    expires_in=expires_in,
                )
            )


def accepts_stream(accept: str) -> bool:
    """Return whether an ``Accept`` header allows an event stream; the most specific range decides.

    RFC 9110, section 12.5.1; parameters other than the weight are ignored.
    """
    allowed = {}
    for part in accept.lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [piece[2:] for piece in parameters if piece.startswith("q=")]
        allowed[media_range] = not (weights and re.fullmatch(r"0(\.0*)?", weights[0]))
    for media_range in ("text/event-stream", "text/*", "*/*"):
        if media_range in allowed:
            return allowed[media_range]
    return False


def _digest(token: str) -> str:
    return body_digest(token.encode()) if token else ""


def _allow(request: HttpRequest, method: str) -> None:
    if request.method != method and (request.method, method) != ("HEAD", "GET"):
        raise ErrorAnswer(405, "method_not_allowed", f"only {method} is allowed here", [("allow", method)])
