"""The embedded server: Toxiproxy's API and data plane in this process, on any ``Network``.

It answers as Toxiproxy 2.12.0 does, call by call, and its toxics act as those do, on connections that are open too.
Client libraries work against it unchanged.

Left out on purpose: ``/metrics`` (there the counters move only when a connection ends), ``-config`` files (``POST
/populate`` takes the same), listening elsewhere than on loopback, ports by name, the escapes of ``<``, ``>`` and ``&``
in JSON. Not copied, being defects: attributes that crash the real server and names with ``/``, which it can never
delete, are refused; a refused update changes nothing; a client that does not read, a hanging dial and a waiting
``reset_peer`` block no call (its issues #254, #412, #558); ``reset_peer`` resets connections that are open already, and
none whose draw was lost (#603); a seed works. ``/version`` says whose server it is.
"""

import random
from email.utils import formatdate
from functools import partial

import trio

from harness.seams import Address, Network
from harness.toxiproxy.api import Api
from harness.toxiproxy.collection import Collection
from harness.toxiproxy.http import serve_http

DEFAULT_ADDRESS: Address = ("127.0.0.1", 8474)
"""Where Toxiproxy's API is by default."""


async def serve_embedded(
    network: Network,
    address: Address = DEFAULT_ADDRESS,
    *,
    rng: random.Random,
    task_status: "trio.TaskStatus[Address]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the control API and its proxies until cancelled; then every port and connection is closed.

    Reports the API's address once it listens. The same ``rng`` and the same traffic give the same draws. Raises
    ``EnvironmentFault`` where the address is taken.
    """
    listener = await network.listen(address)
    try:
        async with trio.open_nursery() as nursery:
            api = Api(Collection(network, nursery, rng), random.Random(rng.getrandbits(64)))  # noqa: S311 - repeatable
            task_status.started(listener.address)
            await serve_http(listener, api.answer, partial(formatdate, usegmt=True))
    finally:
        with trio.CancelScope(shield=True):
            await listener.aclose()
