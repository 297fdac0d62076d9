"""The registry of a server: its jobs by id, its tokens, the numbers it has given out."""

import math

import trio

from harness.chance import Chance
from harness.deeds.acts import JobAct
from harness.history.journal import Journal
from harness.history.records import Record
from harness.jobserver.alarms import Alarms
from harness.jobserver.behaviour import ServerBehaviour
from harness.jobserver.connection import HttpConnection, PeerLimits
from harness.jobserver.emission import RunningJob, ServerCounts
from harness.jobserver.frames import Frames, draw_opening
from harness.jobserver.jobs import JobLog, ResumePoint, epoch_name
from harness.jobserver.payloads import Payloads
from harness.jobserver.streams import EventStream
from harness.jobserver.tokens import Authorization, Tokens
from harness.jobserver.work import Work, updates_of
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.encoder import LineEnds


class Registry:
    """The jobs of one server. They run as long as its ``alarms`` do."""

    def __init__(
        self,
        *,
        spec: JobSpec,
        server: ServerSpec,
        chance: Chance,
        journal: Journal | None,
        limits: PeerLimits,
        behaviour: ServerBehaviour,
    ) -> None:
        self.spec = spec
        self.counts = ServerCounts()
        self.alarms = Alarms()
        self.streams: dict[int, EventStream] = {}  # open ones, by number
        lasts = server.token_lasts
        self.tokens = Tokens(lasts, chance.stream("token")) if lasts is not None else None
        self._server = server
        self._varied = server.frames == "varied"
        self._updates = updates_of(spec)
        self._journal = journal
        self._limits = limits
        self._behaviour = behaviour
        self._chance = chance
        self._names = chance.stream("job")
        self.epochs = 0  # begun so far
        self.accepted = -math.inf  # when the last job was, in seconds of trio's clock
        self._kinds: dict[str, str] = {}
        self._jobs: dict[str, RunningJob] = {}  # in order of acceptance
        self._ended = trio.Event()  # a job has, since a task waited for it

    def find(self, job_id: str) -> RunningJob | None:
        """Return the job of this id, or None when there is none, or none any more.

        A job that was over when its log was lost is read from storage again at the first question.
        """
        job = self._jobs.get(job_id)
        if job is not None and job.lost:
            job.read_again(self._log(job_id))
        return job

    def start(self, kind: str, rid: int) -> RunningJob | None:
        """Accept a job and let it run; None when as many run as the limits allow. ``rid`` is the request's number."""
        if len(self._jobs) >= self._limits.jobs and not self._forget():
            return None
        job_id = f"{self._names.getrandbits(64):016x}"
        self._kinds[job_id] = kind
        work = Work(self.spec, self._updates)
        job = RunningJob(
            self._log(job_id), work, self.alarms, self.counts, self._journal, rid=rid, ended=self._tell_ended
        )
        self.counts.jobs += 1
        self.accepted = trio.current_time()
        self._jobs[job_id] = job
        return job

    async def all_over(self) -> None:
        """Return once every job that was accepted has ended, and its end was emitted."""
        while not all(job.over for job in self._jobs.values()):
            self._ended = trio.Event()
            await self._ended.wait()

    def _tell_ended(self) -> None:
        self._ended.set()

    async def stream(
        self,
        job: RunningJob,
        connection: HttpConnection,
        resume: ResumePoint,
        cursor: str,
        *,
        rid: int,
        permit: Authorization,
    ) -> bool:
        """Serve a stream of this job to its end; return whether the connection is still good."""
        number = self.counts.streams = self.counts.streams + 1
        stream = self.streams[number] = EventStream(
            number,
            job,
            self._server,
            connection,
            counts=self.counts,
            journal=self._journal,
            behaviour=self._behaviour,
            rid=rid,
            permit=permit,
            opening=draw_opening(self._chance.stream("frames", "stream", number)) if self._varied else None,
        )
        try:
            return await stream.serve(resume.start, cursor, reset=resume.signal == "reset")
        finally:
            del self.streams[stream.number]

    def lose_logs(self) -> None:
        """Forget the events of all jobs. No stream may be open, and no caller may ask until they are read again."""
        for job in self._jobs.values():
            if not job.lost:
                job.lose_log()

    def read_again(self) -> int:
        """Read the jobs whose log was lost from storage, but those that were over before; return how many.

        Their events were all sent. If a client asks all the same, ``find`` reads them.
        """
        lost = [(job_id, job) for job_id, job in self._jobs.items() if job.lost and not job.over]
        for job_id, job in lost:
            job.read_again(self._log(job_id))
        return len(lost)

    def tell(self, act: JobAct) -> int:
        """Tell all running jobs; return how many heard."""
        return sum([job.tell(act) for job in self._jobs.values()])

    def ask_retry(self, value: str) -> int:
        """Send a ``retry`` field of this value on every open stream; return how many there are."""
        for stream in self.streams.values():
            stream.ask_retry(value)
        return len(self.streams)

    def revoke_tokens(self) -> int:
        """End the life of all tokens, and the streams opened with them; return how many tokens there were."""
        if self.tokens is None:
            return 0
        for stream in self.streams.values():
            stream.close("expired")
        return self.tokens.revoke()

    def record(self, record: Record) -> None:
        """Write to the journal, where there is one."""
        if self._journal is not None:
            self._journal.write(record)

    def _log(self, job_id: str) -> JobLog:
        """Return the empty log of a new epoch."""
        payloads = Payloads(job_id, self._kinds[job_id], self.spec, self._server.payload)
        epoch = epoch_name(self.epochs)
        rng = self._chance.stream("frames", epoch)
        frames = Frames(rng, LineEnds(self._server.line_ends)) if self._varied else None
        log = JobLog(job_id, epoch, self._server, payloads, frames)
        self.epochs += 1
        return log

    def _forget(self) -> bool:
        """Forget the oldest job that is over and has no stream; return False when there is none."""
        for job_id, job in self._jobs.items():
            if job.over and not job.followers:
                del self._jobs[job_id], self._kinds[job_id]
                return True
        return False
