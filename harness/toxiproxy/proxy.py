"""One embedded proxy: a listener, its connections and their toxics, over the ``Network`` seam.

Toxiproxy's data plane with these differences, each a defect there (its issues #254, #412, #558): a hanging dial to
the upstream keeps neither other clients nor a change of the proxy waiting, and toxics change at once whatever is
blocked.
"""

import logging
import random
from collections.abc import Callable

import trio

from harness.chance import Dice
from harness.errors import OutOfFiles
from harness.network.accepting import accept
from harness.seams import Direction, Listener, Network, Stream
from harness.toxics import Chain, Toxified
from harness.toxiproxy.address import dial_addresses, join_address, listen_address
from harness.toxiproxy.link import ToxicLink

log = logging.getLogger(__name__)


class Proxy(Toxified):
    """A named way to an upstream. ``listen`` and ``upstream`` are ``host:port`` texts; ``start`` makes it live."""

    def __init__(self, name: str, listen: str, upstream: str, *, network: Network, rng: random.Random) -> None:
        super().__init__()
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self._network = network
        self._rng = rng
        self._links: dict[Direction, dict[ToxicLink, None]] = {direction: {} for direction in Direction}
        self._running: trio.CancelScope | None = None
        self._stopped = trio.Event()

    @property
    def enabled(self) -> bool:
        """True if it listens."""
        return self._running is not None

    async def start(self, nursery: trio.Nursery) -> None:
        """Bind and serve in ``nursery``. Raises ``BadAddress``, or ``EnvironmentFault`` where the port is taken."""
        assert not self.enabled
        listener = await self._network.listen(listen_address(self.listen))
        self.listen = join_address(listener.address)
        self._running, self._stopped = trio.CancelScope(), trio.Event()
        nursery.start_soon(self._serve, listener, self._running, self._stopped)

    async def stop(self) -> None:
        """Stop listening and close every connection at once, what is queued being lost. No-op when stopped."""
        if self._running is not None:
            self._running.cancel()
            await self._stopped.wait()

    def _change(self, direction: Direction, apply: Callable[[Chain, float], None]) -> None:
        for link in self._links[direction]:
            link.change(apply)

    async def _serve(self, listener: Listener, running: trio.CancelScope, stopped: trio.Event) -> None:
        try:
            with running:
                async with trio.open_nursery() as nursery:
                    while True:
                        nursery.start_soon(self._connect, await accept(listener, f"the proxy {self.name}"))
        finally:
            with trio.CancelScope(shield=True):
                await listener.aclose()
            self._running = None
            stopped.set()

    async def _connect(self, client: Stream) -> None:
        """Dial the upstream for one client, and copy both ways until both have ended."""
        try:
            server = await self._dial()
        except (OSError, OutOfFiles) as error:
            if isinstance(error, OutOfFiles):
                log.warning("the proxy %s turns a client away: %s", self.name, error)
            await trio.aclose_forcefully(client)
            return
        except trio.Cancelled:
            await trio.aclose_forcefully(client)
            raise
        chains = [self._chain(direction) for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM)]

        def resets() -> bool:
            return any(chain.resets for chain in chains)

        up, down = ToxicLink(client, server, chains[0], resets), ToxicLink(server, client, chains[1], resets)
        self._links[Direction.UPSTREAM][up] = None
        self._links[Direction.DOWNSTREAM][down] = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(up.run)
                nursery.start_soon(down.run)
        finally:
            del self._links[Direction.UPSTREAM][up]
            del self._links[Direction.DOWNSTREAM][down]

    async def _dial(self) -> Stream:
        """Dial the addresses of the upstream in order; raises what the last one met."""
        *others, last = await dial_addresses(self.upstream)
        for address in others:
            try:
                return await self._network.connect(address)
            except OSError:
                continue
        return await self._network.connect(last)

    def _chain(self, direction: Direction) -> Chain:
        """Return a new connection's chain; each has dice of its own, so that connections do not shift each other."""
        specs = self.toxics_of(direction)
        return Chain(specs, Dice(self._rng.getrandbits(64)), trio.current_time())
