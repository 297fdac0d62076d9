"""The machine's own phone: which of a name's addresses it dials, when, and what it says where none answers."""

import errno
import socket

import pytest
import trio
import trio.testing

from harness.chance import Chance
from harness.clients import Callbacks, SSEClient
from harness.clients.machine import MachinePhone, _address, _families_in_turn
from harness.clock import SimClock
from harness.errors import EnvironmentFault
from harness.jobserver import JobServer
from harness.network.real import RealNetwork
from harness.network.simulated import SimNetwork
from harness.scenario.model import JobSpec, ServerSpec
from harness.seams import Door

PORT = 9000


def dialled(*doors):
    """Dial a name whose addresses have these doors, in virtual time.

    Returns what came of it, the place of the address that answered or the error, and the second at which it was known.
    """
    network = SimNetwork(syn=(1.0, 3.0))
    addresses = [(f"127.0.0.{place}", PORT) for place in range(1, len(doors) + 1)]

    async def resolver(host, port):
        assert (host, port) == ("name", PORT)
        return addresses

    async def main():
        for address, door in zip(addresses, doors, strict=True):
            await (await network.listen(address)).set_door(door)
        zero = trio.current_time()
        try:
            stream = await MachinePhone(network, resolver).connect("name", PORT)
        except OSError as error:
            return error, trio.current_time() - zero
        return addresses.index(stream.peer), trio.current_time() - zero

    return trio.run(main, clock=SimClock())


@pytest.mark.parametrize(
    ("doors", "met"),
    [
        ((Door.OPEN, Door.OPEN), (0, 0.0)),
        ((Door.REFUSE, Door.OPEN), (1, 0.0)),
        ((Door.HANG, Door.OPEN), (1, 0.25)),
        ((Door.HANG, Door.HANG, Door.OPEN), (2, 0.5)),
        ((Door.HANG, Door.REFUSE, Door.OPEN), (2, 0.25)),
        ((Door.OPEN,), (0, 0.0)),
    ],
)
def test_each_address_has_a_head_start_and_a_failure_gives_the_turn_away(doors, met):
    assert dialled(*doors) == met


def test_where_no_address_answers_a_refusal_is_what_is_told():
    error, at = dialled(Door.HANG, Door.REFUSE)
    assert isinstance(error, ConnectionRefusedError)
    assert error.strerror == "Connection refused: 127.0.0.2:9000; Connection timed out: 127.0.0.1:9000"
    assert at == 3.0


def test_the_dials_that_lose_are_dropped():
    class Counting(SimNetwork):
        under_way = 0

        async def connect(self, address, *, dialing=None):
            self.under_way += 1
            try:
                return await super().connect(address)
            finally:
                self.under_way -= 1

    async def resolver(_host, _port):
        return [("127.0.0.1", PORT), ("127.0.0.2", PORT)]

    async def main():
        network = Counting()
        await (await network.listen(("127.0.0.1", PORT))).set_door(Door.HANG)
        await network.listen(("127.0.0.2", PORT))
        await MachinePhone(network, resolver).connect("name", PORT)
        return network.under_way

    assert trio.run(main, clock=SimClock()) == 0


class Instant:
    """A network whose dials all succeed in the same instant; ``streams`` are what came of them."""

    def __init__(self, fault=None):
        self.streams = []
        self.fault = fault  # what the second one meets
        self.go = trio.Event()

    async def connect(self, address, *, dialing=None):
        await self.go.wait()
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
        if self.streams and self.fault is not None:
            raise self.fault
        left, _right = trio.testing.memory_stream_pair()
        left.closed = False
        left.close = lambda: setattr(left, "closed", True)
        self.streams.append(left)
        return left


async def two_addresses(_host, _port):
    return [("127.0.0.1", PORT), ("::1", PORT)]


async def in_one_instant(network):
    async def later():
        await trio.sleep(1)
        network.go.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        return await MachinePhone(network, two_addresses).connect("name", PORT)


async def test_of_two_connections_in_one_instant_one_is_closed(autojump_clock):
    network = Instant()
    won = await in_one_instant(network)
    assert [stream.closed for stream in network.streams if stream is not won] == [True]
    assert not won.closed


async def test_a_connection_beside_a_bug_is_closed(autojump_clock):
    network = Instant(fault=ZeroDivisionError())
    with pytest.RaisesGroup(pytest.RaisesGroup(ZeroDivisionError)):
        await in_one_instant(network)
    assert [stream.closed for stream in network.streams] == [True]


def test_the_families_take_turns():
    four, six = [(f"192.0.2.{n}", 1) for n in range(3)], [("2001:db8::1", 1)]
    assert _families_in_turn([*six, *four]) == [six[0], *four]
    assert _families_in_turn([*four, *six]) == [four[0], six[0], *four[1:]]
    assert _families_in_turn([("fe80::1%2", 1), *six]) == [("fe80::1%2", 1), *six]


def test_a_link_local_address_keeps_its_interface():
    assert _address("fe80::1", 80, 0, 2) == ("fe80::1%2", 80)
    assert _address("127.0.0.1", 80) == ("127.0.0.1", 80)


async def test_a_machine_out_of_sockets_is_a_dial_that_failed():
    class Exhausted(SimNetwork):
        async def connect(self, address, *, dialing=None):
            raise EnvironmentFault("cannot open a socket: raise `ulimit -n`") from OSError(errno.EMFILE, "too many")

    with pytest.raises(OSError, match="raise `ulimit -n`") as caught:
        await MachinePhone(Exhausted()).connect("127.0.0.1", PORT)
    assert caught.value.errno == errno.EMFILE


def ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not ipv6_loopback(), reason="this machine has no [::1]")


@pytest.fixture
async def served_on_ipv6(nursery):
    """A job server behind [::1] alone: the port that relays to it there, which is free on 127.0.0.1."""
    server = JobServer(
        network=RealNetwork(), journal=None, job=JobSpec(lasts=0.2, every=0.02), server=ServerSpec(), chance=Chance(1)
    )
    upstream = await server.start(nursery)

    async def copies(source, target):
        async for data in source:
            await target.send_all(data)
        await target.send_eof()

    async def relays(stream):
        async with stream, await trio.open_tcp_stream(*upstream) as far, trio.open_nursery() as both:
            both.start_soon(copies, stream, far)
            await copies(far, stream)
            both.cancel_scope.cancel()

    (listener,) = await trio.open_tcp_listeners(0, host="::1")
    nursery.start_soon(trio.serve_listeners, relays, [listener])
    yield listener.socket.getsockname()[1]
    nursery.cancel_scope.cancel()


async def ends_at(url, **client):
    shown = []
    with trio.fail_after(10):
        async with SSEClient(url, **client) as under_test:
            outcome = await under_test.follow(await under_test.start(), Callbacks(on_processing=shown.append))
    return outcome.ended, len(shown)


@needs_ipv6
async def test_a_job_is_followed_over_a_literal_ipv6_address(served_on_ipv6):
    assert await ends_at(f"http://[::1]:{served_on_ipv6}") == ("completed", 9)


@needs_ipv6
@pytest.mark.parametrize("order", [1, -1])
async def test_a_name_of_which_only_the_ipv6_address_answers_is_reached(served_on_ipv6, order):
    async def localhost(_host, port):
        return [("127.0.0.1", port), ("::1", port)][::order]

    phone = MachinePhone(resolver=localhost)
    assert await ends_at(f"http://localhost:{served_on_ipv6}", phone=phone) == ("completed", 9)


@pytest.mark.parametrize("host", ["a" * 300, "..", ".h", "x" * 64 + ".com"])
async def test_a_name_that_cannot_be_looked_up_is_a_dial_that_failed(host):
    with pytest.raises(OSError, match="no name that can be looked up"):
        await MachinePhone().connect(host, PORT)
