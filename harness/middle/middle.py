"""The boxes on the way: one object per run, shared by all gates, holding the acts in force and the flows they meet."""

from collections.abc import Callable, Mapping

import trio

from harness.deeds.acts import Clears, MiddleAct
from harness.history.journal import Journal
from harness.middle.acts_in_force import ActInForce, check, tell
from harness.middle.kinds import RequestKinds
from harness.middle.stage import HttpStage


class Middle:
    """Makes the stage of each flow, and turns all of them when an act begins or ends.

    ``gates`` is how many clients the run has, each with a canary of its own: an act that answers so many times counts
    each client apart, and the canaries never use up a client's share. ``wall_clock`` gives the seconds since 1970, for
    what a box dates.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        next_rid: Callable[[], int],
        kinds: RequestKinds | None = None,
        gates: int = 1,
        wall_clock: Callable[[], float],
        now: Callable[[], float] = trio.current_time,
    ) -> None:
        self._journal = journal
        self._next_rid = next_rid
        self._kinds = kinds if kinds is not None else RequestKinds()
        self._gates = gates
        self._wall_clock = wall_clock
        self._now = now
        self._forces: list[ActInForce] = []  # in the order of their beginning
        self._stages: dict[HttpStage, None] = {}

    def stage(self, cid: int, client: str, path: str) -> HttpStage:
        """Make the stage of a new flow; the gate's factory."""
        stage = HttpStage(
            cid=cid,
            client=client,
            path=path,
            journal=self._journal,
            next_rid=self._next_rid,
            routes=self._kinds,
            gates=self._gates,
            wall_clock=self._wall_clock,
            now=self._now,
            forget=self._forget,
        )
        self._stages[stage] = None
        stage.turn(self.in_force(path))
        return stage

    def do(self, index: int, act: MiddleAct, on: str = "", *, actor: str = "middle") -> Mapping[str, str]:
        """Let an act be in force, on one path or all, until it is undone, cleared or said anew.

        Returns what is then read back.

        ``actor`` keeps the boxes' acts and those that stand in for the server's front apart: each clears its own.
        Raises ``UsageError`` for an act that no box can do; nothing has changed then.
        """
        if isinstance(act, Clears):
            return self.clear(on, actor=actor)
        check(act)
        force = ActInForce(index=index, act=act, on=on, actor=actor)
        self._forces = [other for other in self._forces if not other.replaced_by(force)] + [force]
        return self._turn()

    def undo(self, index: int) -> Mapping[str, str]:
        """Take back the act of this deed. An act that is gone already is no error: the last word won."""
        self._forces = [force for force in self._forces if force.index != index]
        return self._turn()

    def clear(self, on: str = "", *, actor: str = "middle") -> Mapping[str, str]:
        """End all acts of this actor, on one path or all."""
        for force in self._forces:
            if force.actor == actor and on and not force.on:
                force.lifted.add(on)
        self._forces = [force for force in self._forces if force.actor != actor or on not in ("", force.on)]
        return self._turn()

    def in_force(self, path: str) -> tuple[ActInForce, ...]:
        """Return the acts in force on a path, newest first."""
        return tuple(force for force in reversed(self._forces) if force.holds(path))

    def readback(self) -> Mapping[str, str]:
        """Return what is in force, in the words of the language, oldest first."""
        told = [tell(force) + "".join(f" but {path}" for path in sorted(force.lifted)) for force in self._forces]
        return {"in force": ", ".join(told) or "nothing"}

    def _turn(self) -> Mapping[str, str]:
        for stage in tuple(self._stages):
            stage.turn(self.in_force(stage.path))
        return self.readback()

    def _forget(self, stage: HttpStage) -> None:
        self._stages.pop(stage, None)
