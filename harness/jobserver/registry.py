"""What a server holds: its jobs by id, its tokens, the numbers it has given out."""

import trio

from harness.chance import Chance
from harness.history.journal import Journal
from harness.history.records import Record
from harness.jobserver.connection import Connection, Limits
from harness.jobserver.emission import Counts, RunningJob
from harness.jobserver.jobs import JobLog, epoch_name
from harness.jobserver.streams import EventStream
from harness.jobserver.tokens import Tokens
from harness.scenario.model import JobSpec, ServerSpec, schedule


class Registry:
    """The jobs of one server. New ones run in ``nursery``, which the server sets before it listens."""

    nursery: trio.Nursery

    def __init__(
        self, *, spec: JobSpec, server: ServerSpec, chance: Chance, journal: Journal | None, limits: Limits
    ) -> None:
        self.spec = spec
        self.counts = Counts()
        lasts = server.token_lasts
        self.tokens = Tokens(lasts, chance.stream("token")) if lasts is not None else None
        self._server = server
        self._plan = tuple(schedule(spec))
        self._journal = journal
        self._limits = limits
        self._names = chance.stream("job")
        self._jobs: dict[str, RunningJob] = {}  # in order of acceptance

    def find(self, job_id: str) -> RunningJob | None:
        """Return the job of this id, or None when there is none, or none any more."""
        return self._jobs.get(job_id)

    def start(self, kind: str) -> RunningJob | None:
        """Accept a job and let it run; None when as many run as the limits allow."""
        if len(self._jobs) >= self._limits.jobs and not self._forget():
            return None
        job_id = f"{self._names.getrandbits(64):016x}"
        log = JobLog(job_id, epoch_name(self.counts.jobs), kind, self.spec, self._server, plan=self._plan)
        job = RunningJob(log, self.counts, self._journal)
        self.counts.jobs += 1
        self._jobs[job_id] = job
        self.nursery.start_soon(job.run)
        return job

    def stream(self, job: RunningJob, connection: Connection, expires: float) -> EventStream:
        """Return a new stream of this job, not yet begun."""
        self.counts.streams += 1
        return EventStream(
            self.counts.streams,
            job,
            self._server,
            connection,
            counts=self.counts,
            journal=self._journal,
            expires=expires,
        )

    def record(self, record: Record) -> None:
        """Write to the journal, where there is one."""
        if self._journal is not None:
            self._journal.write(record)

    def _forget(self) -> bool:
        """Forget the oldest job that is over and that nobody follows; False when there is none."""
        for job_id, job in self._jobs.items():
            if job.log.over and job.follower is None:
                del self._jobs[job_id]
                return True
        return False
