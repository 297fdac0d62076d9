"""Listeners live on loopback, whatever it is called: an address, ``[::1]``, or a name that resolves to one."""

import socket

import pytest
import trio

from harness.commands.options import address
from harness.errors import EnvironmentFault, UsageError
from harness.network.kernel import loopback_address
from harness.network.loopback import is_loopback
from harness.network.real import RealNetwork
from harness.network.simulated import SimNetwork
from harness.seams import Door
from harness.toxiproxy.address import BadAddress, dial_addresses, listen_address

SIX = socket.has_ipv6


@pytest.fixture
def names(monkeypatch):
    """Names of a made-up resolver."""
    known = {
        "127.lan": ["192.0.2.2"],
        "home.lan": ["127.0.0.1"],
        "six.lan": ["::1"],
        "both.lan": ["127.0.0.1", "192.0.2.2"],
    }

    def resolve(host, *_, **__):
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, 0)) for found in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("127.0.0.1", True), ("127.9.8.7", True), ("::1", True), ("::ffff:127.0.0.1", True), ("127.lan", False),
     ("192.0.2.2", False), ("::", False), ("0.0.0.0", False), ("::ffff:192.0.2.2", False), ("127.1", False),
     ("", False)],
)  # fmt: skip
def test_what_is_loopback(host, is_one):
    assert is_loopback(host) is is_one


@pytest.mark.parametrize(("host", "found"), [("home.lan", "127.0.0.1"), ("six.lan", "::1"), ("localhost", "127.0.0.1")])
def test_a_name_is_worth_what_it_resolves_to(names, host, found):
    assert loopback_address(host) == found
    assert address(f"{host}:80") == (found, 80)


@pytest.mark.parametrize("host", ["127.lan", "both.lan", "127.nowhere", "127.0.0.1.nip.example", "\udcff", "x" * 400])
async def test_a_name_that_leads_elsewhere_is_listened_on_nowhere(names, host):
    with pytest.raises(EnvironmentFault, match=r"cannot listen on"):
        await RealNetwork().listen((host, 0))
    with pytest.raises(UsageError, match=r"--listen .*cannot listen on"):
        address(f"{host}:0")
    with pytest.raises(BadAddress):
        listen_address(f"{host}:0")


@pytest.mark.parametrize("text", ["::1:80", "[::1]", "[::1]:x", "[::1]:99999", "[::1]:1²"])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="takes ADDRESS:PORT"):
        address(text)


def test_six_is_loopback_everywhere():
    assert address("[::1]:80") == ("::1", 80)
    assert listen_address("[::1]:80") == ("::1", 80)


@pytest.mark.skipif(not SIX, reason="no IPv6 here")
async def test_a_listener_on_six_is_dialled_and_refuses_and_hangs():
    network = RealNetwork()
    listener = await network.listen(("::1", 0))
    host, port = listener.address
    assert host == "::1"
    assert await dial_addresses(f"[::1]:{port}") == [("::1", port)]
    for _ in range(2):
        stream = await network.connect(listener.address)
        other = await listener.accept()
        assert stream.peer == listener.address
        await stream.aclose()
        await other.aclose()
        await listener.set_door(Door.HANG)
        with trio.move_on_after(0.2) as hung:
            await network.connect(listener.address)
        assert hung.cancelled_caught
        await listener.set_door(Door.REFUSE)
        with pytest.raises(OSError, match=r"refused: ::1:"):
            await network.connect(listener.address)
        await listener.set_door(Door.OPEN)
    await listener.aclose()


async def test_the_simulated_network_has_both():
    network = SimNetwork()
    listener = await network.listen(("::1", 0))
    assert listener.address[0] == "::1"
    with pytest.raises(EnvironmentFault, match="only loopback"):
        await network.listen(("127.lan", 0))
