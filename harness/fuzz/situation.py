"""What has been said so far: who can be told what, so that nothing is invented that the language would refuse."""

from harness.deeds.acts import ComesOnline, Ends, GoesOffline, Joins, Loses, Pauses, Resumes, Suspends
from harness.errors import UsageError
from harness.fuzz.genotype import Fault, Paths, Texts
from harness.scenario.deeds import parse_deed

_FOREVER = float("inf")


class Situation:
    """The phone and the job at ``now``, after the faults that were heard in order of time."""

    def __init__(self, paths: Paths, starts_on: str, server: Texts) -> None:
        self.paths = tuple(paths)
        self.joined = {starts_on}
        self.now = 0.0
        self.has_token = server.get("token", "none") != "none"
        self.has_keepalive = server.get("keepalive") != "none"
        self.job_over = False
        self._offline_until = self._asleep_until = self._paused_until = -1.0

    @property
    def offline(self) -> bool:
        """Whether the phone has lost everything, and nothing brought it back yet."""
        return self.now <= self._offline_until

    @property
    def asleep(self) -> bool:
        """Whether the phone sleeps."""
        return self.now <= self._asleep_until

    @property
    def paused(self) -> bool:
        """Whether the job stands still."""
        return self.now <= self._paused_until

    @property
    def turning(self) -> bool:
        """Whether the phone is back, or the job goes on, by itself at this very instant: nobody may say so then."""
        return self.now in {self._offline_until, self._paused_until}

    @property
    def apart(self) -> tuple[str, ...]:
        """Paths that are not joined."""
        return tuple(path for path in self.paths if path not in self.joined)

    @property
    def present(self) -> tuple[str, ...]:
        """Paths that are joined, in the order of the file."""
        return tuple(path for path in self.paths if path in self.joined)

    def hear(self, fault: Fault) -> None:
        """Take a fault in. Only the device and the job can be told what makes a later word senseless."""
        self.now = fault.at
        try:
            if fault.actor == "device":
                self._device(fault)
            elif fault.actor == "job":
                self._job(fault)
        except UsageError:
            return  # a drawn range of the base's own: only compiling knows its number

    def _device(self, fault: Fault) -> None:
        said = parse_deed(fault.actor, fault.deed, dict.fromkeys(self.paths))
        match said.act:
            case Joins(path=path):
                self.joined.add(path)
            case Loses(path=path):
                self.joined.discard(path)
            case GoesOffline():
                self._offline_until = _over(fault.at, said.span)
            case ComesOnline():
                self._offline_until = -1.0
            case Suspends(lasts=seconds):
                self._asleep_until = fault.at + seconds

    def _job(self, fault: Fault) -> None:
        said = parse_deed(fault.actor, fault.deed, {})
        match said.act:
            case Pauses():
                self._paused_until = _over(fault.at, said.span)
            case Resumes():
                self._paused_until = -1.0
            case Ends():
                self.job_over = True


def _over(at: float, span: float | None) -> float:
    return _FOREVER if span is None else round(at + span, 9)
