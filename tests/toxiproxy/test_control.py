import random

import pytest
import trio

from harness.errors import ToxiproxyFault
from harness.network.real import RealNetwork
from harness.seams import Direction
from harness.toxics import Shape
from harness.toxiproxy.calls import Calls, check_name
from harness.toxiproxy.control import Toxiproxy
from harness.toxiproxy.launch import open_toxiproxy

network = RealNetwork()
LTE = Shape(latency=0.035, jitter=0.015, down=1_500_000, up=1_500_000)


class Spy(Calls):
    """Keeps what was asked for."""

    def __init__(self, address):
        super().__init__(address)
        self.asked = []

    async def _call(self, verb, path, **options):
        if verb != "get":
            self.asked.append((verb, path.rpartition("/")[2]))
        return await super()._call(verb, path, **options)


@pytest.fixture
async def api(any_api):
    """Drive every release in these tests."""
    return any_api


@pytest.fixture
async def control(api):
    calls = Spy(api.address)
    return Toxiproxy("real", "test", calls, prefix="run1-")


async def test_a_proxy_is_added_under_the_prefix_and_its_address_is_the_servers(control, api, upstream):
    address = await control.add("wifi", upstream)
    assert await control.names() == ("wifi",)
    assert (await api.ok("GET", "/proxies"))["run1-wifi"]["listen"] == f"127.0.0.1:{address[1]}"
    assert len(control.control_seconds) == 3


async def test_a_shape_is_read_back_from_the_server(control, upstream):
    await control.add("wifi", upstream)
    readback = await control.shape("wifi", LTE)
    assert readback == {
        "latency_upstream": "latency=35 jitter=15",
        "bandwidth_upstream": "rate=1500",
        "latency_downstream": "latency=35 jitter=15",
        "bandwidth_downstream": "rate=1500",
    }


async def test_only_what_differs_is_changed_and_in_place(control, upstream):
    await control.add("wifi", upstream)
    await control.shape("wifi", LTE)
    control._calls.asked.clear()
    await control.shape("wifi", Shape(latency=0.1, down=1_500_000, slice_size=3))
    assert sorted(control._calls.asked) == [
        ("delete", "bandwidth_upstream"),
        ("post", "latency_downstream"),
        ("post", "latency_upstream"),
        ("post", "toxics"),
        ("post", "toxics"),
    ]


async def test_the_same_shape_again_changes_nothing(control, upstream):
    await control.add("wifi", upstream)
    await control.shape("wifi", LTE)
    control._calls.asked.clear()
    await control.shape("wifi", LTE)
    assert control._calls.asked == []


async def test_one_direction_leaves_the_other_as_it_is(control, upstream):
    await control.add("wifi", upstream)
    await control.shape("wifi", Shape(latency=0.01))
    readback = await control.shape("wifi", Shape(), Direction.UPSTREAM)
    assert readback == {"latency_downstream": "latency=10 jitter=0"}


async def test_heal_removes_what_this_object_made_and_nothing_else(control, api, upstream):
    await api.proxy("foreign", upstream)
    await api.proxy("run1-foreign", upstream)
    await control.add("wifi", upstream)
    await control.add("cellular", upstream)
    await control.heal()
    await control.heal()
    assert list(await api.ok("GET", "/proxies")) == ["foreign", "run1-foreign"]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            lambda control: control._calls.get("/proxies/none", object),
            "answered 404: .*proxy not found.*else remove it",
        ),
        (lambda control: control._calls.post("/populate", {}), "refused: .*bad request body"),
        (lambda control: control._calls.get("/metrics", object), "404 page not found"),
    ],
)
async def test_what_the_server_refuses_is_a_fault_with_its_words(control, what, message):
    with pytest.raises(ToxiproxyFault, match=message):
        await what(control)


async def test_adding_a_name_twice_is_a_fault(control, upstream):
    await control.add("wifi", upstream)
    with pytest.raises(ToxiproxyFault, match="proxy already exists"):
        await control.add("wifi", upstream)


async def test_a_500_is_a_fault_though_toxiproxy_python_hides_it(control, upstream):
    address = await control.add("wifi", upstream)
    body = {"name": "q", "upstream": "a:1", "listen": f"127.0.0.1:{address[1]}"}
    with pytest.raises(ToxiproxyFault, match=r"answered 500: .*address already in use"):
        await control._calls.post("/proxies", body)


async def test_a_server_that_did_something_else_is_found_out(control, upstream, monkeypatch):
    await control.add("wifi", upstream)

    async def nothing(path, body):
        return None

    monkeypatch.setattr(control._calls, "post", nothing)
    with pytest.raises(
        ToxiproxyFault, match=r"wifi of this run lacks the toxic latency_upstream \(latency=10 jitter=0\)"
    ):
        await control.shape("wifi", Shape(latency=0.01))


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a%20b", "..", "é", "a?b"])
def test_a_name_that_is_not_safe_in_a_path_is_refused(name):
    with pytest.raises(ToxiproxyFault, match="a proxy's name is made of"):
        check_name(name)


async def test_proxies_of_the_environment_are_ignored(control, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await control.names() == ()


async def test_two_servers_in_one_process_do_not_mix(upstream):
    rng = random.Random(1)
    async with (
        open_toxiproxy("embedded", network=network, prefix="a-", rng=rng) as one,
        open_toxiproxy("embedded", network=network, prefix="a-", rng=rng) as other,
    ):
        await one.add("wifi", upstream)
        assert await one.names() == ("wifi",)
        assert await other.names() == ()


@pytest.fixture
async def wedged():
    """A server whose kernel accepts and that never answers: its address."""
    listener = await network.listen()
    yield listener.address
    await listener.aclose()


async def test_a_server_that_never_answers_is_a_fault_in_time(wedged):
    calls = Calls(wedged, deadline=0.2)
    await calls.load()
    began = trio.current_time()
    with pytest.raises(
        ToxiproxyFault, match=r"did not answer GET /proxies within 0.2 s; GET /version, .* it sent nothing within 0.2 s"
    ):
        await Toxiproxy("real", "?", calls, prefix="x").names()
    assert trio.current_time() - began < 5  # two deadlines of 0.2 s; without them it is forever
    assert len(calls.seconds) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "answered 503: .*Nothing but a restart"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nfull", "answered 500: full"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "something else than JSON"),
        (b"", "is the server running"),
    ],
)
async def test_a_bad_answer_is_a_fault(nursery, answer, message):
    listener = await network.listen()

    async def serve():
        async with await listener.accept() as stream:
            await stream.receive_some()
            await stream.send_all(answer)

    nursery.start_soon(serve)
    with pytest.raises(ToxiproxyFault, match=message):
        await Calls(listener.address).get("/proxies", object)
    await listener.aclose()


async def test_no_server_is_a_fault():
    listener = await network.listen()
    await listener.aclose()
    with pytest.raises(ToxiproxyFault, match="is the server running"):
        await Calls(listener.address).version()


async def test_the_real_client_library_works_unchanged(api, upstream):
    """toxiproxy-python as its own README uses it, against either server."""
    from toxiproxy import Toxiproxy as Foreign
    from toxiproxy.api import APIConsumer

    def use():
        server = Foreign()
        server.update_api_consumer(*api.address)
        proxy = server.create(upstream=f"{upstream[0]}:{upstream[1]}", name="lib")
        proxy.add_toxic(type="latency", attributes={"latency": 5, "jitter": 1})
        toxics = {name: toxic.attributes for name, toxic in proxy.toxics().items()}
        proxy.disable()
        proxy.enable()
        proxy.destroy_toxic("latency_downstream")
        server.populate([{"name": "two", "upstream": "a:1", "listen": "127.0.0.1:0"}])
        reset = server.reset()
        names = sorted(server.proxies())
        server.destroy_all()
        assert server.proxies() == {}
        return toxics, reset, names, b"2.12" in server.version() or b"git" in server.version()

    kept = APIConsumer.host, APIConsumer.port
    try:
        expected = ({"latency_downstream": {"latency": 5, "jitter": 1}}, True, ["lib", "two"], True)
        assert await trio.to_thread.run_sync(use) == expected
    finally:
        APIConsumer.host, APIConsumer.port = kept
