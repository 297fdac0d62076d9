"""Proxies and shapes on a Toxiproxy server, real or embedded: what a run asks for, and what the server says it did.

Between a run's own changes its proxies stay as it left them, or the run ends (``harness.toxiproxy.state``): ``watch``
reads them again each ``EVERY`` seconds, soon after each ``look``, and at the end of the connection it reads them by,
which is how a server that dies is known at once.
"""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol

import msgspec
import trio

from harness.errors import ToxiproxyFault
from harness.seams import Address, Direction
from harness.toxics import Shape, toxics_of
from harness.toxiproxy.address import BadAddress, join_address, split_address
from harness.toxiproxy.calls import Calls, Missing, check_name, decoded
from harness.toxiproxy.connection import ApiConnection, NoApiAnswer
from harness.toxiproxy.state import ProxyState, ToxicState, difference, reshaped

ToxiproxyKind = Literal["embedded", "real", "simulated"]

EVERY = 2.0
"""Seconds between two looks while nothing happens."""

PAUSE = 0.05
"""Seconds between two looks while much happens: a burst of deeds costs twenty looks a second at most."""

FOREIGN = "something else uses this Toxiproxy, and what was measured through it is not what the scenario says"


class Proxies(Protocol):
    """One run's proxies, in either world. Every method may raise ``ToxiproxyFault``."""

    @property
    def kind(self) -> ToxiproxyKind:
        """Whose they are."""
        ...

    @property
    def version(self) -> str:
        """The server's version."""
        ...

    @property
    def passed_over(self) -> str:
        """The reason why another server than the first choice is used; empty where it is not."""
        ...

    @property
    def control_seconds(self) -> list[float]:
        """The seconds that each call of the API took, in order."""
        ...

    async def add(self, name: str, upstream: Address) -> Address:
        """Create a proxy to ``upstream`` and return where it listens."""
        ...

    async def shape(self, name: str, shape: Shape, direction: Direction | None = None) -> dict[str, str]:
        """Give a proxy this shape, in one direction or both, and return all of its toxics in words."""
        ...

    async def watch(self) -> None:
        """Raise ``ToxiproxyFault`` once the server is gone or a proxy of this run is not as this run left it."""
        ...

    def look(self) -> None:
        """Make ``watch`` look now, without waiting for it."""
        ...

    async def check(self) -> None:
        """Look once, and return when all is as this run left it."""
        ...

    async def names(self) -> tuple[str, ...]:
        """Return the proxies of this run that are there, sorted."""
        ...

    async def heal(self) -> None:
        """Remove every proxy of this run."""
        ...


class Toxiproxy:
    """One run's proxies on one server. Made by ``open_toxiproxy``; every method may raise ``ToxiproxyFault``.

    ``prefix`` stands before each proxy's name on the server, so that runs can share one; names given and returned are
    without it.
    """

    def __init__(self, kind: ToxiproxyKind, version: str, calls: Calls, *, prefix: str, passed_over: str = "") -> None:
        self.kind = kind
        self.version = version
        self.passed_over = passed_over
        self._calls = calls
        self._prefix = prefix
        self._made: list[str] = []
        self._left: dict[str, ProxyState] = {}  # those that the server has confirmed, as this run left them
        self._torn: set[str] = set()  # of which a change was cut short: their toxics may be anything
        self._changing = trio.Lock()  # fair: changes are made in the order in which they were asked for
        self._changes = 0
        self._pause_scope = trio.CancelScope()
        self._wanted = False

    @property
    def control_seconds(self) -> list[float]:
        """The seconds that each call of the API took, in order."""
        return self._calls.seconds

    async def add(self, name: str, upstream: Address) -> Address:
        """Create a proxy to ``upstream`` and return where it listens.

        Raises ``ToxiproxyFault`` where the server cannot be asked, or made another proxy than it was asked for.
        """
        full = check_name(self._prefix + name)
        body = {"name": full, "listen": "127.0.0.1:0", "upstream": join_address(upstream), "enabled": True}
        async with self._change(name):
            self._made.append(name)
            await self._calls.post("/proxies", body)
            found = await self._calls.get(f"/proxies/{full}", ProxyState)
            asked = ProxyState(name=full, listen=found.listen, upstream=join_address(upstream), enabled=True)
            if differs := difference(asked, found):
                raise ToxiproxyFault(f"{self._calls.where} made the proxy {full}, but it {differs}")
            self._left[name] = found
        try:
            return split_address(found.listen)
        except BadAddress as error:
            raise ToxiproxyFault(
                f"{self._calls.where} says that {full} listens on {found.listen!r}: {error}"
            ) from error

    async def shape(self, name: str, shape: Shape, direction: Direction | None = None) -> dict[str, str]:
        """Give a proxy this shape, in one direction or both, and return its toxics as the server then has them.

        Connections that are open feel as little as can be: a toxic of a type that is there is updated in place, an
        equal one left alone. So a toxic that comes later stands later in the chain. Raises ``ToxiproxyFault`` also
        where the proxy was not as this run left it, and where the server says it did something else.
        """
        directions = (direction,) if direction is not None else tuple(Direction)
        wanted = {spec.name: ToxicState.of(spec) for each in directions for spec in toxics_of(shape, each)}
        path = f"/proxies/{self._prefix}{name}"
        async with self._change(name):
            before = await self._as_left(name)
            after = msgspec.structs.replace(before, toxics=reshaped(before.toxics, wanted, directions))
            there = {toxic.name: toxic for toxic in before.toxics}
            for gone in there.keys() - {toxic.name for toxic in after.toxics}:
                await self._calls.delete(f"{path}/toxics/{gone}")
            for toxic in wanted.values():
                if toxic.name not in there:
                    await self._calls.post(f"{path}/toxics", msgspec.structs.asdict(toxic))
                elif there[toxic.name] != toxic:
                    change = {"attributes": toxic.attributes, "toxicity": toxic.toxicity}
                    await self._calls.post(f"{path}/toxics/{toxic.name}", change)
            self._left[name] = after
            return (await self._as_left(name)).words

    async def names(self) -> tuple[str, ...]:
        """Return the proxies on the server that carry this run's prefix, sorted, without it."""
        found = [name for name in await self._calls.get("/proxies", dict[str, Any]) if name.startswith(self._prefix)]
        return tuple(sorted(name.removeprefix(self._prefix) for name in found))

    async def heal(self) -> None:
        """Remove every proxy that this object made. Raises ``ToxiproxyFault`` at the end where one was gone already."""
        gone = []
        while self._made:
            name = self._made[-1]
            there = await self._calls.delete(f"/proxies/{self._prefix}{name}")
            if self._left.pop(name, None) is not None and not there:
                gone.append(name)
            self._made.pop()
        if gone:
            raise ToxiproxyFault(
                f"{self._calls.where} answered 404 when this run removed its {_plural(gone)}, gone already: {FOREIGN}"
            )

    async def check(self) -> None:
        """Look once, by a call like those that change something."""
        await self._look(self._calls.get("/proxies", dict[str, ProxyState]))

    def look(self) -> None:
        """Make ``watch`` look within ``PAUSE``, without waiting for it."""
        self._wanted = True
        self._pause_scope.cancel()

    async def watch(self) -> None:
        """Look each ``EVERY`` s, after each ``look``, and when the server ends the connection, until cancelled."""
        async with ApiConnection(self._calls.address) as connection:
            while True:
                self._wanted = False
                await self._look(self._read(connection))
                await trio.sleep(PAUSE)
                with trio.CancelScope(deadline=trio.current_time() + EVERY - PAUSE) as self._pause_scope:
                    if not self._wanted:
                        await connection.ended()

    async def _read(self, connection: ApiConnection) -> dict[str, ProxyState]:
        where, timeout = self._calls.where, self._calls.deadline
        began = trio.current_time()
        try:
            answer = await connection.ask("GET", "/proxies", timeout=timeout)
        except NoApiAnswer as none:
            if trio.current_time() - began >= timeout:
                raise await self._calls.too_slow("GET", "/proxies") from None
            raise ToxiproxyFault(f"{where} ended while it was needed: it {none}") from None
        if answer.status != 200:
            raise ToxiproxyFault(f"{where} answered {answer.status} to GET /proxies while it was needed")
        return decoded(answer.body, dict[str, ProxyState], f"{where} answered GET /proxies with")

    async def _look(self, reading: Awaitable[dict[str, ProxyState]]) -> None:
        """Compare all that this run left with what is read, unless it changed something meanwhile."""
        mark = self._changes
        found = await reading
        if self._changing.locked() or mark != self._changes:
            return  # a change reads its own proxy, and another look comes
        told = {name: self._difference(name, found.get(self._prefix + name)) for name in self._left}
        differing = [name for name, differs in told.items() if differs]
        if differing and not any(self._prefix + name in found for name in self._left):
            gone = f"this run's {_plural(differing)} {'is' if len(differing) == 1 else 'are'} gone"
            raise ToxiproxyFault(f"{self._calls.where}: {gone}. It was restarted, or {FOREIGN}")
        for name in differing:
            raise self._fault(name, told[name])

    def _difference(self, name: str, found: ProxyState | None) -> str:
        return difference(self._left[name], found, toxics=name not in self._torn)

    def _fault(self, name: str, differs: str) -> ToxiproxyFault:
        return ToxiproxyFault(
            f"{self._calls.where}: the proxy {name} of this run {differs}. Nobody but the run may change it: {FOREIGN}"
        )

    async def _as_left(self, name: str) -> ProxyState:
        """Read one proxy, and raise where it is not as this run left it."""
        full = self._prefix + name
        try:
            found = await self._calls.get(f"/proxies/{full}", ProxyState)
        except Missing:
            raise self._fault(name, "is gone") from None
        if differs := self._difference(name, found):
            raise self._fault(name, differs)
        return found

    @asynccontextmanager
    async def _change(self, name: str) -> AsyncIterator[None]:
        """Make one change at a time. After a change that was cut short the proxy's toxics are unknown."""
        async with self._changing:
            try:
                yield
            except BaseException:
                self._torn.add(name)
                raise
            finally:
                self._changes += 1


def _plural(names: list[str]) -> str:
    return f"proxy {names[0]}" if len(names) == 1 else f"proxies {', '.join(names)}"
