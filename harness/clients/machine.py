"""The phone that is no phone: this machine, its own sockets, and no word from the system about networks.

A name may have many addresses, of two families, and only some of them may answer: ``localhost`` where the server
listens on one family, a host with IPv6 behind a network without. They are dialled as RFC 8305 (Happy Eyeballs) says:

1. The resolver's order stands (it is RFC 6724's), but the families take turns (section 4).
2. Each dial has a head start of ``HEAD_START`` on the next; a dial that fails gives the turn away at once (section 5).
3. The first connection wins, and the other dials are dropped. Where none comes, what the dials met is told.
"""

import socket
from collections.abc import Awaitable, Callable, Sequence
from itertools import zip_longest

import trio

from harness.clock import MovableSleep
from harness.errors import EnvironmentFault
from harness.network.real import RealNetwork
from harness.seams import Address, Network, Phone, Signal, Stream

HEAD_START = 0.25
"""Seconds before the next address is dialled beside one that hangs: RFC 8305, section 8, *Connection Attempt Delay*."""

Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Gives the addresses of a host and port in the order of preference. Raises ``OSError`` where there is none."""


async def system_addresses(host: str, port: int) -> list[Address]:
    """Ask the system's resolver for the addresses of both families."""
    try:
        found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label too long, or empty
        raise socket.gaierror(socket.EAI_NONAME, f"no name that can be looked up: {error}") from error
    return [_address(*sockaddr) for _family, _type, _protocol, _name, sockaddr in found]


class MachinePhone(Phone):
    """Dials as any program does: the addresses of a name, each a moment after the one before, until one answers."""

    def __init__(self, network: Network | None = None, resolver: Resolver = system_addresses) -> None:
        self._network = network or RealNetwork()
        self._resolver = resolver

    async def connect(self, host: str, port: int) -> Stream:
        """Dial. Raises the resolver's ``OSError``, or one that says what each address met."""
        addresses = _families_in_turn(await self._resolver(host, port))
        if len(addresses) == 1:
            return await self._dial(addresses[0])
        return await _Race(addresses, self._dial).run()

    async def _dial(self, address: Address) -> Stream:
        try:
            return await self._network.connect(address)
        except EnvironmentFault as fault:  # no socket was to be had: an app's stream tries again when it was so once
            cause = fault.__cause__
            raise OSError(cause.errno if isinstance(cause, OSError) else None, str(fault)) from fault

    def signals(self) -> "trio.MemoryReceiveChannel[Signal]":
        """Return a channel that has ended already."""
        send, receive = trio.open_memory_channel[Signal](0)
        send.close()
        return receive

    async def sleep_until(self, deadline: float, movable_sleep: MovableSleep | None = None) -> None:
        """Sleep: this machine's suspensions are not known to it."""
        await (movable_sleep or MovableSleep()).until(deadline)


class _Race:
    """The dials of one host."""

    def __init__(self, addresses: Sequence[Address], dial: Callable[[Address], Awaitable[Stream]]) -> None:
        self._addresses = addresses
        self._dial = dial
        self._failures: list[OSError] = []
        self._winner: Stream | None = None

    async def run(self) -> Stream:
        """Return the first connection; raise what was met where none came."""
        try:
            async with trio.open_nursery() as nursery:
                for address in self._addresses:
                    failed = trio.Event()
                    nursery.start_soon(self._enter, address, failed, nursery.cancel_scope)
                    with trio.move_on_after(HEAD_START):
                        await failed.wait()
        except BaseException:
            if self._winner is not None:
                self._winner.close()
            raise
        if self._winner is None:
            raise _all_failed(self._failures)
        return self._winner

    async def _enter(self, address: Address, failed: trio.Event, race: trio.CancelScope) -> None:
        try:
            stream = await self._dial(address)
        except OSError as error:
            self._failures.append(error)
            failed.set()
            return
        if self._winner is None:
            self._winner = stream
            race.cancel()
        else:  # both came in the same instant
            stream.close()


def _address(host: str, port: int, _flow: int = 0, scope: int = 0) -> Address:
    """Return the host and port of a socket's address. A link-local IPv6 one needs its interface (RFC 4007, 11)."""
    return (f"{host}%{scope}" if scope else host), port


def _families_in_turn(addresses: Sequence[Address]) -> list[Address]:
    first = [address for address in addresses if _is_ipv6(address) is _is_ipv6(addresses[0])]
    second = [address for address in addresses if address not in first]
    return [address for pair in zip_longest(first, second) for address in pair if address is not None]


def _is_ipv6(address: Address) -> bool:
    return ":" in address[0]


def _all_failed(failures: Sequence[OSError]) -> OSError:
    """Sum up: a refusal says more of the server than a network that is not there, which a machine may simply lack."""
    met = [one for one in failures if isinstance(one, ConnectionRefusedError)] or failures[-1:]
    words = dict.fromkeys(one.strerror or str(one) for one in failures)
    return OSError(met[0].errno, "; ".join(words))
