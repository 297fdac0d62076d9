"""The situation after the deeds drawn so far: which actor can be told what, so that the language refuses no draw."""

import math

from harness.deeds.acts import Act, Deed
from harness.deeds.network_state import DEVICE, JOB, Fold, NetworkState, beginning, path_at_start
from harness.deeds.replacement import DeedInForce, InForce
from harness.errors import UsageError
from harness.fuzz.genotype import Fault, Paths, Texts
from harness.scenario.deeds import parse_deed
from harness.toxics.shape import Shape


class Situation:
    """The phone and the job at ``now``, after the faults that were heard in order of time.

    A state that ends at this very instant still counts: the language lets no deed say then what happens by itself.
    """

    def __init__(self, paths: Paths, starts_on: str, server: Texts) -> None:
        self.paths = tuple(paths)
        self.now = 0.0
        self.has_token = server.get("token", "none") != "none"
        self.has_keepalive = server.get("keepalive") != "none"
        states = dict.fromkeys(self.paths, path_at_start(Shape()))
        self._fold = Fold(beginning(states, starts_on=starts_on, linger=0.0))
        self._in_force = InForce({})
        self._ends: list[tuple[float, str, DeedInForce]] = []  # of spans that are not over
        self._heard = 0

    @property
    def offline(self) -> bool:
        """True if the phone has lost everything, and nothing brought it back yet."""
        return self._state.away is not None

    @property
    def asleep(self) -> bool:
        """True if the phone sleeps."""
        return self._state.asleep

    @property
    def paused(self) -> bool:
        """True if the job stands still."""
        return self._state.paused

    @property
    def job_over(self) -> bool:
        """True if the job was ended."""
        return self._state.job_over

    @property
    def turning(self) -> bool:
        """True if the phone is back, or the job goes on, by itself at this very instant: no deed may say so then."""
        return any(at == self.now and entry.left for at, _, entry in self._ends)

    @property
    def apart(self) -> tuple[str, ...]:
        """Paths that are not joined."""
        return tuple(path for path in self.paths if path not in self._state.has)

    @property
    def present(self) -> tuple[str, ...]:
        """Paths that are joined, in the order of the file."""
        return tuple(path for path in self.paths if path in self._state.has)

    def hear(self, fault: Fault) -> None:
        """Take a fault in. Only the device and the job can be told what makes a later word senseless."""
        self.now = fault.at
        if fault.actor not in {DEVICE, JOB}:
            return
        try:
            said = parse_deed(fault.actor, fault.deed, dict.fromkeys(self.paths))
        except UsageError:
            return  # a drawn range of the base's own: only compiling knows its number
        self._pass()
        self._fold.do(self._deed(fault.actor, said.act), fault.at)
        entry = self._in_force.begin(fault.at, fault.actor, "", said.act, spanned=said.span is not None)
        if said.span is not None:
            self._ends.append((round(fault.at + said.span, 9), fault.actor, entry))

    @property
    def _state(self) -> NetworkState:
        self._pass()
        return self._fold.state

    def _pass(self) -> None:
        """Let all be over that was before now."""
        before = math.nextafter(self.now, -math.inf)
        for at, actor, entry in [one for one in self._ends if one[0] <= before]:
            for act in self._in_force.end(entry, at):
                self._fold.do(self._deed(actor, act), at)
        self._ends = [one for one in self._ends if one[0] > before]
        for _ in self._fold.pass_to(before):
            pass

    def _deed(self, actor: str, act: Act) -> Deed:
        self._heard += 1
        return Deed(index=self._heard, at=self.now, actor=actor, act=act, text="")
