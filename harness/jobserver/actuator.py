"""The actuator of the server: it carries out a scenario's acts on the server and its jobs, and takes them back.

Deeds that last (``drains``, ``hangs``, ``repeats``, ``silences keepalive``) are kept by their index in the plan, and
the server's behaviour is always that of all deeds in force: so one can be taken back without touching another.

**A restart** is a new process on the same port, over the same storage. The old one leaves as it would on SIGTERM (see
``acceptor``; a server that hangs is killed), with each ``hangs`` or ``drains`` that it was told. Until the new process
is there, dials are refused. The jobs' work, which is not the web server's, goes on all the while:

- *keeping the log*: events are emitted into it at their time, and the next streams replay them; the epoch is the same.
- *losing it*: work that falls due is done, and its events are not emitted. The new process reads the jobs from
  storage, each into a log of a new epoch, whose event 0 is the state found. It reads a job that was over before only
  when a client asks for it. To a cursor of the old epoch happens what happens to any that has expired.

Tokens outlive a restart.
"""

from collections.abc import Mapping
from typing import assert_never

import trio

from harness.clock import sleep_until
from harness.deeds.acts import (
    Answers,
    Drains,
    Hangs,
    JobAct,
    Orphans,
    Recovers,
    Repeats,
    Restarts,
    RevokesToken,
    SendsRetry,
    ServerAct,
    SilencesKeepalive,
)
from harness.jobserver.acceptor import Acceptor
from harness.jobserver.behaviour import ServerBehaviour
from harness.jobserver.registry import Registry

Readback = Mapping[str, str]


class ServerActuator:
    """Carries out deeds, one at a time. A restart ends in ``nursery``, which the server sets when it starts."""

    nursery: trio.Nursery

    def __init__(self, registry: Registry, acceptor: Acceptor, behaviour: ServerBehaviour) -> None:
        self._registry = registry
        self._acceptor = acceptor
        self._behaviour = behaviour
        self._lasting: dict[int, Drains | Hangs | Repeats | SilencesKeepalive] = {}
        self._restart = 0  # the number of the newest one
        self._away = False
        self._one_at_a_time = trio.Lock()

    async def do(self, index: int, act: ServerAct) -> Readback:
        """See ``JobServer.do``."""
        async with self._one_at_a_time:
            told: dict[str, str] = {}
            match act:
                case Drains() | Hangs() | Repeats() | SilencesKeepalive():
                    # The last word wins: what was said before of the same kind is replaced, and never comes back.
                    self._lasting = {other: was for other, was in self._lasting.items() if type(was) is not type(act)}
                    self._lasting[index] = act
                case Recovers():
                    self._lasting.clear()
                case Restarts():
                    await self._leave(act)
                case RevokesToken():
                    told["revoked"] = str(self._registry.revoke_tokens())
                case SendsRetry(value=value):
                    told["streams told"] = str(self._registry.ask_retry(value))
                case Answers() | Orphans():
                    raise AssertionError(f"not a deed of the server's: {act!r}")
                case other:
                    assert_never(other)
            await self._settle()
            return self._state() | told

    async def undo(self, index: int) -> Readback:
        """See ``JobServer.undo``."""
        async with self._one_at_a_time:
            self._lasting.pop(index, None)
            await self._settle()
            return self._state()

    def job_do(self, act: JobAct) -> Readback:
        """See ``JobServer.job_do``."""
        return {"jobs told": str(self._registry.tell(act))}

    async def _leave(self, act: Restarts) -> None:
        """End this process, and have the next one come at its time."""
        self._restart += 1
        self._away = True
        back = trio.current_time() + act.after
        await self._acceptor.shut()
        self._lasting = {
            index: lasting for index, lasting in self._lasting.items() if not isinstance(lasting, Drains | Hangs)
        }
        if not act.keeps_log:
            self._registry.lose_logs()
        if trio.current_time() < back:
            self.nursery.start_soon(self._come_back, self._restart, back)
        else:
            self._arrive()

    async def _come_back(self, restart: int, at: float) -> None:
        await sleep_until(at)
        async with self._one_at_a_time:
            if restart == self._restart:  # else the server was told to restart again in the meantime
                self._arrive()
                await self._settle()

    def _arrive(self) -> None:
        self._away = False
        self._registry.read_again()

    async def _settle(self) -> None:
        """Bring everything in line with the deeds in force."""
        lasting = self._lasting.values()
        self._behaviour.repeats = max((act.count for act in lasting if isinstance(act, Repeats)), default=0)
        self._behaviour.comments = not any(isinstance(act, SilencesKeepalive) for act in lasting)
        if self._away or any(isinstance(act, Drains) for act in lasting):
            await self._acceptor.shut()
        else:
            await self._acceptor.open()
        self._behaviour.hang(any(isinstance(act, Hangs) for act in lasting))

    def _state(self) -> dict[str, str]:
        """Return what a look at the server shows."""
        behaviour, acceptor = self._behaviour, self._acceptor
        return {
            "door": acceptor.door.value,
            "connections": str(acceptor.sessions),
            "hangs": "yes" if behaviour.hangs else "no",
            "keep-alive": "yes" if behaviour.comments else "no",
            "repeats": str(behaviour.repeats),
            "epochs": str(self._registry.epochs),
        }
