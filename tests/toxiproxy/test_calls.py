"""A server that is no Toxiproxy, or a broken one: each call says in words of ours what was seen."""

import random
import re
import tracemalloc

import pytest
import trio

from harness.errors import ToxiproxyFault
from harness.network.real import RealNetwork
from harness.toxiproxy.calls import Calls
from harness.toxiproxy.launch import open_toxiproxy
from harness.toxiproxy.state import ProxyState

from .fakes import DEEP, HEAD, VERSION, answers, dripping, endless, fake, routed, says, silent, whole

FOREIGN_WORDS = re.compile(r"requests\.|urllib3|HTTPConnection|0x[0-9a-f]{6}|Max retries|Traceback|Errno")
BROKEN = {
    "a list": (answers(b"[1,2]"), r'"\[1,2\]", which no Toxiproxy says'),
    "null": (answers(b"null"), r'"null", which no Toxiproxy says'),
    "deep": (answers(DEEP), r'"\[\[\[\[.*…", which no Toxiproxy says'),
    "a deep object": (answers(b'{"x":' + DEEP), r'"\{"x":\[\[\[.*…", which no Toxiproxy says'),
    "a deep skipped field": (answers(b'{"x":{"Logger":' + DEEP), "which no Toxiproxy says"),
    "not UTF-8": (answers(b'{"\xff": 1}'), "which no Toxiproxy says"),
    "nothing": (answers(b""), 'with "", which no Toxiproxy says'),
    "a page": (answers(b"<html>\x1b[31m"), r'"<html>\\x1b\[31m", which no Toxiproxy says'),
    "no HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "it answered what is no HTTP"),
    "the end": (says(b""), "it closed the connection without a word"),
    "half": (says(HEAD + b"Content-Length: 50\r\n\r\nabc"), "it broke off in the middle of its answer"),
    "no gzip": (answers(b"xx", more=b"Content-Encoding: gzip\r\n"), "gave an answer that cannot be read"),
    "bad heads": (says(b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n[]"), r"\"\[\]\", which no Toxiproxy says"),
    "a redirect to nowhere": (answers(b"", b"302 F", b"Location: http://[::1\r\n"), r'a redirect to "http://\[::1"'),
    "a redirect to bytes": (answers(b"", b"307 F", b"Location: \xff\x1b[31m\r\n"), "a redirect to"),
    "a redirect without a place": (answers(b"", b"308 F"), 'a redirect to ""'),
    "an error": (answers(b"\x1b[31mno\n", b"500 Oops"), r"answered 500: \\x1b\[31mno$"),
    "not allowed": (answers(b"", b"405 Method Not Allowed"), "answered 405: nothing"),
}


def opened(address, **options):
    return open_toxiproxy(
        f"http://{address[0]}:{address[1]}", network=RealNetwork(), prefix="t-", rng=random.Random(1), **options
    )


async def fault_of(work):
    with pytest.raises(ToxiproxyFault) as caught:
        await work
    text = str(caught.value)
    assert text.isprintable()
    assert FOREIGN_WORDS.search(text) is None
    assert caught.value.__cause__ is None  # or a traceback would tell of it
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return text


async def enter(address, **options):
    async with opened(address, **options):
        pass


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_version_is_told(nursery, name):
    reply, said = BROKEN[name]
    assert re.search(said, await fault_of(enter(await fake(nursery, reply))))
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_list_behind_a_good_version_is_told(nursery, name):
    reply, said = BROKEN[name]
    text = await fault_of(enter(await fake(nursery, routed(version=VERSION, rest=reply))))
    assert re.search(said, text)
    assert "GET /proxies" in text
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_proxy_is_told(nursery, name):
    reply, said = BROKEN[name]
    calls = Calls(await fake(nursery, reply))
    assert re.search(said, await fault_of(calls.get("/proxies/wifi", ProxyState)))
    nursery.cancel_scope.cancel()


async def test_a_silent_version_is_no_locked_list(nursery):
    text = await fault_of(enter(await fake(nursery, silent), deadline=0.3))
    assert re.search(r"did not answer GET /version within 0\.3 s; it sent nothing within 0\.3 s\. It is stopped", text)
    assert "locked" not in text
    nursery.cancel_scope.cancel()


async def test_a_dripping_version_is_told_with_what_came(nursery):
    drip = dripping(whole(b'{"version": "2.12.0"}\n'), pause=0.02)
    text = await fault_of(enter(await fake(nursery, drip), deadline=0.3))
    assert re.search(r'it sent \d+ bytes and no whole answer within 0\.3 s: "HTTP/1\.1 200', text)
    assert "locked" not in text
    nursery.cancel_scope.cancel()


async def test_only_a_server_that_still_answers_version_is_called_wedged(nursery):
    address = await fake(nursery, routed(version=VERSION, rest=silent))
    text = await fault_of(enter(address, deadline=0.3))
    assert re.search(r"did not answer GET /proxies within 0\.3 s, but still answers GET /version: its lists are", text)
    silenced = Calls(await fake(nursery, silent), deadline=0.3)
    text = await fault_of(silenced.get("/proxies", object))
    assert re.search(r"GET /version, which needs no lock, was not answered either: it sent nothing", text)
    nursery.cancel_scope.cancel()


async def test_a_server_is_looked_at_once_and_then_given_up_soon(nursery):
    heads = []
    calls = Calls(await fake(nursery, silent, heads), deadline=0.3)
    for _ in range(3):
        await fault_of(calls.delete("/proxies/wifi"))
    assert [head.split()[0] for head in heads] == [b"DELETE", b"GET", b"DELETE", b"DELETE"]
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("status", [b"301 M", b"302 F", b"303 S", b"307 T", b"308 P"])
async def test_no_redirect_is_followed_by_any_call(nursery, status):
    """Not to another host, and not to another path of the same one."""
    elsewhere, here = [], []
    other = await fake(nursery, answers(b"{}"), elsewhere)
    where = f"http://{other[0]}:{other[1]}/version"
    address = await fake(nursery, answers(b"", status, b"Location: %s\r\n" % where.encode()), here)
    calls = Calls(address)
    for work in (
        calls.version(),
        calls.get("/proxies", object),
        calls.post("/proxies", {}),
        calls.delete("/proxies/a"),
    ):
        text = await fault_of(work)
        assert f'a redirect to "{where}". It is not followed' in text
    assert elsewhere == []
    assert len(here) == 4
    nursery.cancel_scope.cancel()


async def test_no_credentials_of_the_environment_are_sent(nursery, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    heads = []
    await Calls(await fake(nursery, VERSION, heads)).version()
    assert b"authorization" not in heads[0].lower()
    nursery.cancel_scope.cancel()


async def test_an_endless_answer_is_bounded(nursery):
    calls = Calls(await fake(nursery, endless), deadline=20)
    await calls.load()
    tracemalloc.start()
    try:
        text = await fault_of(calls.get("/proxies", object))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "answered more than 16777216 bytes" in text
    assert peak < 80_000_000
    nursery.cancel_scope.cancel()


async def test_a_call_that_was_given_up_reads_no_further(nursery):
    """Else the thread that is left behind would read as long as something comes."""
    gone = trio.Event()

    async def drip(stream, _head):
        await stream.send_all(HEAD + b"Content-Length: 1000000\r\n\r\n")
        try:
            while True:
                await stream.send_all(b"x" * 70_000)
                await trio.sleep(0.05)
        finally:
            gone.set()

    calls = Calls(await fake(nursery, routed(version=VERSION, rest=drip)), deadline=0.3)
    await fault_of(calls.get("/proxies", object))
    with trio.fail_after(5):
        await gone.wait()
    nursery.cancel_scope.cancel()
