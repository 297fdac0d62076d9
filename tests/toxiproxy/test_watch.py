"""Another party's change of a run's proxies ends the watch with a sentence; the run's own change never does."""

import re
from functools import partial

import pytest
import trio

from harness.errors import ToxiproxyFault
from harness.seams import Direction
from harness.toxics import Shape
from harness.toxiproxy import control as module
from harness.toxiproxy.calls import Calls
from harness.toxiproxy.control import Toxiproxy
from harness.toxiproxy.process import _child, _free_address
from harness.toxiproxy.servants import servants

from .conftest import ABSENT, PROGRAM, answering, embedded
from .fakes import VERSION, answers, fake, routed, silent

LTE = Shape(latency=0.035, jitter=0.015)
SOON = 5.0  # seconds: ``EVERY`` is far beyond it where a test says that something is known at once


@pytest.fixture
async def api(any_api):
    return any_api


@pytest.fixture
async def control(api, upstream):
    """A run's two proxies on a server."""
    toxiproxy = Toxiproxy("real", "test", Calls(api.address), prefix="run1-")
    await toxiproxy.add("wifi", upstream)
    await toxiproxy.add("cellular", upstream)
    await toxiproxy.shape("wifi", LTE)
    return toxiproxy


@pytest.fixture
def never(monkeypatch):
    """Set the watch's period beyond the test, so that it never looks by the clock."""
    monkeypatch.setattr(module, "EVERY", 1000.0)


WIFI = "/proxies/run1-wifi"
LATENCY = f"{WIFI}/toxics/latency_upstream"
STRIKES = {
    "deleted": ("DELETE", WIFI, None, "the proxy wifi of this run is gone"),
    "disabled": ("POST", WIFI, {"enabled": False}, "the proxy wifi of this run is disabled"),
    "listens elsewhere": ("POST", WIFI, {"listen": "127.0.0.1:0"}, 'has another listen: "127.0.0.1:[0-9]+" where'),
    "leads elsewhere": ("POST", WIFI, {"upstream": "127.0.0.1:9"}, 'has another upstream: "127.0.0.1:9" where'),
    "reset": ("POST", "/reset", None, r"lacks the toxic latency_upstream \(latency=35 jitter=15\)"),
    "a toxic less": ("DELETE", LATENCY, None, "lacks the toxic latency_upstream"),
    "a toxic more": ("POST", f"{WIFI}/toxics", {"type": "noop"}, "has a toxic that is not this run's: \"noop_down"),
    "a toxic changed": (
        "POST",
        LATENCY,
        {"attributes": {"jitter": 0}},
        '"latency_upstream: .* latency=35 jitter=0" where',
    ),
    "a toxicity changed": ("POST", LATENCY, {"toxicity": 0.5}, 'jitter=15 toxicity=0.5" where'),
}


async def ended(control, strike, *, look=False):
    """Watch, strike once the watch has looked, and return the fault that ends it."""

    async def watched():
        async with servants() as nursery:
            nursery.start_soon(control.watch)
            await trio.sleep(0.2)
            await strike()
            if look:
                control.look()
            await trio.sleep_forever()

    host, port = control._calls.address
    with trio.fail_after(SOON), pytest.raises(ToxiproxyFault, match=f"^Toxiproxy at http://{host}:{port}") as fault:
        await watched()
    return str(fault.value)


@pytest.mark.parametrize("name", STRIKES)
async def test_a_deed_makes_what_somebody_did_known_at_once(api, control, name, never):
    method, path, body, said = STRIKES[name]
    assert re.search(said, await ended(control, partial(api.ok, method, path, body), look=True))


async def test_without_a_deed_it_is_known_in_time(api, control, monkeypatch):
    monkeypatch.setattr(module, "EVERY", 0.3)
    assert "is gone" in await ended(control, partial(api.ok, "DELETE", WIFI))


@pytest.mark.parametrize("name", STRIKES)
async def test_before_the_verdict_it_is_known(api, control, name):
    await control.check()
    method, path, body, said = STRIKES[name]
    await api.ok(method, path, body)
    with pytest.raises(ToxiproxyFault, match=said):
        await control.check()


@pytest.mark.parametrize("name", STRIKES)
async def test_the_next_change_finds_it(api, control, name):
    method, path, body, said = STRIKES[name]
    await api.ok(method, path, body)
    with pytest.raises(ToxiproxyFault, match=said):
        await control.shape("wifi", LTE, Direction.DOWNSTREAM)


async def test_proxies_of_others_are_theirs(api, control, upstream):
    await api.proxy("foreign", upstream)
    await control.check()
    await api.ok("POST", "/proxies/foreign", {"enabled": False})
    await control.check()


async def test_a_proxy_that_was_gone_when_it_should_be_removed_is_told_and_the_others_are_removed(api, control):
    await api.ok("DELETE", "/proxies/run1-cellular")
    with pytest.raises(ToxiproxyFault, match="answered 404 when this run removed its proxy cellular, gone already"):
        await control.heal()
    assert await api.ok("GET", "/proxies") == {}
    await control.heal()


async def test_a_proxy_that_was_never_made_is_not_missed(api, control, upstream):
    with pytest.raises(ToxiproxyFault, match="answered 500"):
        await Toxiproxy("real", "test", Refusing(api.address), prefix="run1-").add("third", upstream)
    await control.heal()


class Refusing(Calls):
    async def post(self, path, body):
        raise ToxiproxyFault("answered 500")


async def test_a_runs_own_changes_are_never_reported(control, monkeypatch):
    """Looks as fast as they go, and changes that overlap each other and them."""
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setattr(module, "EVERY", 0.0)

    async def change(direction):
        for step in range(15):
            await control.shape("wifi", Shape(latency=step / 1000, down=10_000 * (step % 3) or None), direction)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(control.watch)
        async with trio.open_nursery() as changes:
            changes.start_soon(change, None)
            changes.start_soon(change, Direction.UPSTREAM)
            changes.start_soon(change, Direction.DOWNSTREAM)
        await control.check()
        nursery.cancel_scope.cancel()


async def test_after_a_change_that_was_cut_short_toxics_are_not_compared_but_all_else_is(api, control, monkeypatch):
    scope = trio.CancelScope()

    async def cut(_path, _body):
        scope.cancel()
        await trio.sleep_forever()

    monkeypatch.setattr(control._calls, "post", cut)
    with scope:
        await control.shape("wifi", Shape(latency=0.5))
    await api.ok("DELETE", LATENCY)
    await control.check()
    await api.ok("POST", WIFI, {"enabled": False})
    with pytest.raises(ToxiproxyFault, match="is disabled"):
        await control.check()


async def test_a_server_that_dies_with_no_call_pending_is_known_at_once(nursery, upstream, never):
    server = trio.CancelScope()

    async def serve(task_status):
        with server:
            await embedded(task_status)

    control = await on(await nursery.start(serve), upstream)

    async def die():
        server.cancel()

    assert "ended while it was needed: it is not there: nothing listens on that port" in await ended(control, die)


@pytest.mark.skipif(PROGRAM is None, reason=ABSENT)
async def test_a_server_that_is_another_process_now_is_known_at_once(upstream, never):
    address = _free_address()
    with trio.CancelScope() as second:
        async with trio.open_nursery() as servers:
            async with _child(PROGRAM, address):
                await answering(address)
                control = await on(address, upstream)
                watched = trio.Event()

                async def watch():
                    with pytest.raises(ToxiproxyFault, match=r"ended while it was needed|It was restarted"):
                        await control.watch()
                    watched.set()

                servers.start_soon(watch)
                await trio.sleep(0.2)
            async with _child(PROGRAM, address):
                with trio.fail_after(SOON):
                    await watched.wait()
            second.cancel()


async def on(address, upstream):
    control = Toxiproxy("real", "test", Calls(address), prefix="run1-")
    for name in ("wifi", "cellular"):
        await control.add(name, upstream)
    return control


async def test_a_server_that_forgot_everything_is_called_restarted(nursery, api, control, never):
    for name in ("wifi", "cellular"):
        await api.ok("DELETE", f"/proxies/run1-{name}")
    with pytest.raises(ToxiproxyFault, match=r"this run's proxies wifi, cellular are gone\. It was restarted, or"):
        await control.check()


async def test_a_server_that_closes_an_idle_connection_is_asked_anew(nursery, never):
    """Toxiproxy closes one after 60 s, and 2.5.0 after 10."""
    heads, third = [], trio.Event()

    async def once(stream, head):
        await answers(b"{}")(stream, head)
        if len(heads) < 3:
            return "close"
        third.set()
        return "keep"

    control = Toxiproxy("real", "?", Calls(await fake(nursery, once, heads)), prefix="x-")
    async with trio.open_nursery() as watching:
        watching.start_soon(control.watch)
        with trio.fail_after(SOON):
            await third.wait()
        await trio.sleep(0.2)
        watching.cancel_scope.cancel()
    assert len(heads) == 3
    nursery.cancel_scope.cancel()


async def test_a_burst_of_deeds_costs_few_looks(nursery, never):
    heads = []
    control = Toxiproxy("real", "?", Calls(await fake(nursery, answers(b"{}"), heads)), prefix="x-")
    with trio.move_on_after(0.5):
        async with trio.open_nursery() as watching:
            watching.start_soon(control.watch)
            while True:
                control.look()
                await trio.sleep(0.001)
    assert 2 <= len(heads) <= 12  # twenty a second
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (silent, r"did not answer GET /proxies within 0\.3 s, but still answers GET /version: its lists"),
        (answers(b"[1,2]"), r'answered GET /proxies with "\[1,2\]", which no Toxiproxy says'),
        (answers(b"", b"500 Oops"), "answered 500 to GET /proxies while it was needed"),
        (answers(b"", b"302 F", b"Location: http://127.0.0.1:1/\r\n"), "answered 302 to GET /proxies"),
    ],
)
async def test_a_server_that_answers_badly_ends_the_watch(nursery, reply, said):
    address = await fake(nursery, routed(version=VERSION, rest=reply))
    control = Toxiproxy("real", "?", Calls(address, deadline=0.3), prefix="x-")
    with pytest.raises(ToxiproxyFault, match=said):
        await control.watch()
    nursery.cancel_scope.cancel()
