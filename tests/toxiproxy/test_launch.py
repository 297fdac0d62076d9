import random
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import trio
import trio.testing

from harness.errors import ToxiproxyFault, UsageError
from harness.network.real import RealNetwork
from harness.toxiproxy import open_toxiproxy
from harness.toxiproxy.address import url_address
from harness.toxiproxy.owner import own_prefix
from tests.toxiproxy.client import Api
from tests.toxiproxy.conftest import ABSENT, OLD_ABSENT, OLD_PROGRAM, PROGRAM, embedded

real_only = pytest.mark.skipif(PROGRAM is None, reason=ABSENT)
old_only = pytest.mark.skipif(OLD_PROGRAM is None, reason=OLD_ABSENT)
network = RealNetwork()
FALSE_SERVER = Path(__file__).with_name("false_server.py")


def opened(choice, **options):
    return open_toxiproxy(str(choice), network=network, prefix="t-", rng=random.Random(1), **options)


def children():
    return {child.pid for child in psutil.Process().children(recursive=True)}


def program(folder: Path, text: str) -> Path:
    path = folder / "server"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


async def test_auto_prefers_a_server_on_path_and_else_embeds(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    async with opened("auto") as toxiproxy:
        assert toxiproxy.kind == "embedded"
        assert toxiproxy.version.startswith("2.12.0+harness")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo wrong machine; exit 1", "ended at once. Its last output: wrong machine"),
        (f"exec {sys.executable} {FALSE_SERVER} $4 1.2.1", "older than 2.1"),
        (
            f"exec {sys.executable} {FALSE_SERVER} $4 hello",
            'answered GET /version with "hello", which no Toxiproxy says',
        ),
    ],
)
async def test_auto_passes_over_a_server_that_cannot_be_used_and_says_why(tmp_path, monkeypatch, text, said):
    path = program(tmp_path, text)
    path.rename(tmp_path / "toxiproxy-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    before = children()
    async with opened("auto") as toxiproxy:
        assert toxiproxy.kind == "embedded"
        assert toxiproxy.passed_over.startswith("the toxiproxy-server on PATH cannot be used: ")
        assert said in toxiproxy.passed_over
        assert children() == before
        assert await toxiproxy.names() == ()
    with pytest.raises(ToxiproxyFault):  # what was asked for by name is not replaced
        async with opened(tmp_path / "toxiproxy-server"):
            pass


async def test_a_fault_of_the_body_is_no_reason_to_begin_again(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToxiproxyFault, match="broken"):
        async with opened("auto"):
            raise ToxiproxyFault("broken")


@real_only
async def test_a_fault_of_the_body_is_no_reason_to_pass_a_real_server_over():
    with pytest.raises(ToxiproxyFault, match="broken"):  # noqa: PT012 - what happens inside is the point
        async with opened("auto") as toxiproxy:
            assert toxiproxy.kind == "real"
            raise ToxiproxyFault("broken")


@old_only
async def test_an_old_release_is_launched_and_named(upstream):
    async with opened(OLD_PROGRAM) as toxiproxy:
        assert (toxiproxy.kind, toxiproxy.version) == ("real", "git (2.1 to 2.5)")
        address = await toxiproxy.add("wifi", upstream)
        client = await network.connect(address)
        await client.send_all(b"x")
        assert await client.receive_some() == b"x"
        await client.aclose()


@real_only
async def test_auto_takes_the_real_one():
    async with opened("auto") as toxiproxy:
        assert (toxiproxy.kind, toxiproxy.version) == ("real", "git (2.6 or later)")


async def test_a_program_that_never_is_a_toxiproxy_is_told_by_what_it_answers(tmp_path, monkeypatch):
    from harness.toxiproxy import process

    monkeypatch.setattr(process, "LAUNCH_SECONDS", 1.5)
    with pytest.raises(
        ToxiproxyFault, match=r"within 1\.5 s: it is not there: nothing listens on that port\. Its last"
    ):
        async with opened(program(tmp_path, "echo hello; sleep 1000")):
            pass
    text = f"exec {sys.executable} -m http.server --bind 127.0.0.1 --directory {tmp_path} $4"
    with pytest.raises(ToxiproxyFault, match=r"did not answer GET /version within 1\.5 s: it answered 404\. Its last"):
        async with opened(program(tmp_path, text)):
            pass


@real_only
@pytest.mark.parametrize("choice", ["embedded", PROGRAM])
async def test_nothing_is_left_behind(choice, upstream):
    process = psutil.Process()
    with pytest.raises(KeyError):  # the body's exception comes out bare
        async with opened(choice) as toxiproxy:  # a first time, so that imports and worker threads are there
            raise KeyError
    before = process.num_fds(), children()
    async with opened(choice) as toxiproxy:
        address = await toxiproxy.add("wifi", upstream)
        client = await network.connect(address)
        await client.send_all(b"x")
        assert await client.receive_some() == b"x"
    assert await client.receive_some() == b""
    await client.aclose()
    await trio.testing.wait_all_tasks_blocked(0.05)
    assert (process.num_fds(), children()) == before
    with pytest.raises(OSError, match="refused"):
        await network.connect(address)


@real_only
async def test_a_cancelled_run_leaves_no_server():
    before = children()
    with trio.move_on_after(10) as scope:
        async with opened(PROGRAM):
            assert len(children() - before) == 2  # the guard and the server
            scope.cancel()
            await trio.sleep_forever()
    assert children() == before


@real_only
async def test_a_cancelled_launch_leaves_no_server(tmp_path):
    before = children()
    with trio.move_on_after(0.2):
        async with opened(program(tmp_path, "sleep 1000")):
            pass
    assert children() == before


PARENT = """
import random, sys, trio
from harness.network.real import RealNetwork
from harness.toxiproxy import open_toxiproxy
async def main():
    async with open_toxiproxy(sys.argv[1], network=RealNetwork(), prefix="t-", rng=random.Random(1)):
        print("up", flush=True)
        await trio.sleep_forever()
trio.run(main)
"""


@real_only
def test_the_server_dies_with_a_harness_that_is_killed():
    command = [sys.executable, "-c", PARENT, str(PROGRAM)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) == 2
        parent.send_signal(signal.SIGKILL)
        _gone, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


@real_only
async def test_a_server_that_ends_while_it_is_needed_ends_the_body():
    async def needed():
        before = children()
        async with opened(PROGRAM):
            (server,) = (pid for pid in children() - before if psutil.Process(pid).name() == "toxiproxy-server")
            psutil.Process(server).kill()
            await trio.sleep(10)

    with pytest.raises(ToxiproxyFault, match="ended while it was needed"):
        await needed()


async def test_a_server_that_ends_at_once_shows_its_last_words(tmp_path):
    with pytest.raises(ToxiproxyFault, match=r"ended at once. Its last output:\nno room here"):
        async with opened(program(tmp_path, "echo no room here; exit 1")):
            pass


async def test_a_file_that_is_no_program_is_a_fault(tmp_path):
    path = tmp_path / "server"
    path.write_text("hello")
    with pytest.raises(ToxiproxyFault, match=r"ended at once. Its last output:\n.*ermission denied"):
        async with opened(path):
            pass


async def test_a_flood_of_output_is_bounded(tmp_path):
    text = f'exec {sys.executable} -c \'print("x" * 10_000_000); print("the end")\''
    with pytest.raises(ToxiproxyFault, match="the end") as fault:
        async with opened(program(tmp_path, text)):
            pass
    assert len(str(fault.value)) < 20_000


async def test_a_missing_server_says_how_to_get_one():
    with pytest.raises(ToxiproxyFault, match=r"no Toxiproxy server at '/nowhere/server'; install one with `go install"):
        async with opened("/nowhere/server"):
            pass


@real_only
async def test_a_port_taken_by_another_program_is_tried_again(monkeypatch):
    from harness.toxiproxy import process

    taken = await network.listen()
    free = process._free_address
    offers = [taken.address]
    monkeypatch.setattr(process, "_free_address", lambda: offers.pop() if offers else free())
    async with opened(PROGRAM) as toxiproxy:
        assert toxiproxy.kind == "real"
    assert offers == []
    await taken.aclose()


async def test_a_port_taken_is_tried_again_also_where_the_server_ends_by_it(tmp_path, monkeypatch):
    """Releases before 2.5 do; 2.12.0 goes on without an API."""
    from harness.toxiproxy import process

    taken = await network.listen()
    free = process._free_address
    offers = [taken.address]
    monkeypatch.setattr(process, "_free_address", lambda: offers.pop() if offers else free())
    refuse = f'[ "$4" = {taken.address[1]} ] && {{ echo "listen tcp: bind: address already in use"; exit 1; }}'
    text = f"{refuse}\nexec {sys.executable} {FALSE_SERVER} $4 2.1.4"
    async with opened(program(tmp_path, text)) as toxiproxy:
        assert toxiproxy.version == "2.1.4"
    assert offers == []
    await taken.aclose()


async def test_a_running_server_keeps_what_is_not_ours(nursery, upstream):
    api = Api("embedded", await nursery.start(embedded))
    await api.proxy("foreign", upstream)
    await api.proxy("t-left-by-an-aborted-run", upstream)
    async with opened(f"http://{api.address[0]}:{api.address[1]}") as toxiproxy:
        assert toxiproxy.kind == "real"
        assert await toxiproxy.names() == ()
        await toxiproxy.add("wifi", upstream)
        assert sorted(await api.ok("GET", "/proxies")) == ["foreign", "t-wifi"]
    assert list(await api.ok("GET", "/proxies")) == ["foreign"]


async def test_a_running_server_is_freed_of_what_dead_runs_left(nursery, upstream):
    api = Api("embedded", await nursery.start(embedded))
    _, place, pid, start, _ = own_prefix().split("-")
    dead, alive = f"harness-{place}-{pid}-1-wifi", f"harness-{place}-{pid}-{start}-wifi"
    elsewhere, odd = f"harness-0123456789ab-{pid}-1-wifi", f"harness-{place}-{pid}-1-a b?c#d%20"
    for name in (dead, alive, elsewhere, odd):
        await api.proxy(name, upstream)
    async with opened(f"http://{api.address[0]}:{api.address[1]}"):
        assert sorted(await api.ok("GET", "/proxies")) == sorted([alive, elsewhere])


async def test_a_running_server_is_cleaned_also_when_the_run_fails(nursery, upstream):
    api = Api("embedded", await nursery.start(embedded))
    with pytest.raises(KeyError):  # noqa: PT012 - what happens inside is the point
        async with opened(f"http://{api.address[0]}:{api.address[1]}") as toxiproxy:
            await toxiproxy.add("wifi", upstream)
            raise KeyError
    assert await api.ok("GET", "/proxies") == {}


async def test_a_running_server_is_cleaned_also_when_the_run_is_cancelled(nursery, upstream):
    api = Api("embedded", await nursery.start(embedded))
    with trio.CancelScope() as scope:
        async with opened(f"http://{api.address[0]}:{api.address[1]}") as toxiproxy:
            await toxiproxy.add("wifi", upstream)
            scope.cancel()
            await trio.sleep_forever()
    assert await api.ok("GET", "/proxies") == {}


async def test_a_failure_is_not_hidden_by_one_of_the_healing(nursery, upstream):
    """The server is gone at the end; the body's exception comes out, with a note."""
    scope = trio.CancelScope()

    async def server(task_status):
        with scope:
            await embedded(task_status)

    host, port = await nursery.start(server)
    with pytest.raises(KeyError) as failure:  # noqa: PT012 - what happens inside is the point
        async with opened(f"http://{host}:{port}", deadline=0.3) as toxiproxy:
            await toxiproxy.add("wifi", upstream)
            scope.cancel()
            await trio.testing.wait_all_tasks_blocked(0.01)
            raise KeyError
    assert failure.value.__notes__[0].startswith("and proxies were left on the server: Toxiproxy at http://127.0.0.1")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://user:secret@localhost:8474", "leave the credentials out"),
        ("http://localhost:8474/secret", "and nothing else, got a URL with path"),
        ("http://localhost:8474?x=secret#y", "and nothing else, got a URL with query, fragment"),
        ("https://localhost:8474/secret", "got one of https: neither"),
        ("http://localhost:secret", "bad host or port"),
        ("http://[secret", "bad host or port"),
        ("http://", "and nothing else, got a URL with no host"),
    ],
)
def test_a_url_is_a_host_and_a_port(url, message):
    with pytest.raises(UsageError, match=message) as fault:
        url_address(url)
    assert "secret" not in str(fault.value)


def test_urls_have_a_default_port_and_ipv6():
    assert url_address("http://localhost") == ("localhost", 8474)
    assert url_address("http://[::1]:99/") == ("::1", 99)


@pytest.mark.parametrize("prefix", ["", "a/b", "a b"])
async def test_a_prefix_is_checked_like_a_name(prefix):
    with pytest.raises(ToxiproxyFault, match="a proxy's name is made of"):
        async with open_toxiproxy("embedded", network=network, prefix=prefix, rng=random.Random(1)):
            pass


async def test_a_servant_that_fails_ends_the_body_with_its_own_exception():
    from harness.toxiproxy.servants import servants

    async def fail():
        raise ToxiproxyFault("broken")

    with pytest.raises(ToxiproxyFault, match="broken"):  # noqa: PT012 - what happens inside is the point
        async with servants() as nursery:
            nursery.start_soon(fail)
            await trio.sleep_forever()


def test_no_thread_outlives_a_run():
    async def main():
        async with opened("embedded") as toxiproxy:
            await toxiproxy.names()

    trio.run(main)
    assert all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate())
