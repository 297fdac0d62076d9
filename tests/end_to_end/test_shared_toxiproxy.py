"""Several runs on one Toxiproxy that goes on: they leave each other alone, and clear up behind a killed one."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest

from .command import harness, interrupt, start
from .test_ends import mine, wait_until

pytestmark = pytest.mark.slow

LONG = "scenario: long\njob: {lasts: 60s, updates: every 50ms}\npaths: {wifi: wifi, cellular: lte}\n"
QUICK = LONG.replace("long", "quick").replace("60s", "500ms")


@pytest.fixture
def shared(tmp_path):
    """The URL of ``harness toxiproxy``, started alone."""
    process = start("toxiproxy", "--listen", "127.0.0.1:0", cwd=tmp_path)
    yield next(word for word in process.stdout.readline().split() if word.startswith("http://"))
    interrupt(process, signal.SIGTERM)


def proxies(url):
    """The names on the server."""
    with urllib.request.urlopen(f"{url}/proxies", timeout=5) as answer:
        return set(json.load(answer))


def begun(folder, url):
    """A run that lasts, on the server; and its proxies, once events flow through them."""
    before, flowing = proxies(url), flows(folder)
    process = start("run", "long.yaml", "--toxiproxy", url, cwd=folder)
    wait_until(lambda: flows(folder) > flowing)
    return process, proxies(url) - before


def flows(folder):
    """Return how many runs there have events to tell of."""
    return sum(path.stat().st_size > 3000 for path in folder.glob("results/2*/*/*/history.jsonl.gz"))


def test_the_next_run_clears_what_a_killed_one_left_and_nothing_of_one_that_lives(tmp_path, shared):
    (tmp_path / "long.yaml").write_text(LONG)
    (tmp_path / "quick.yaml").write_text(QUICK)
    living, kept = begun(tmp_path, shared)
    killed, left = begun(tmp_path, shared)
    family = mine(killed)
    for each in family:
        each.kill()
    killed.communicate()
    assert psutil.wait_procs(family, timeout=10)[1] == []
    assert proxies(shared) == kept | left
    done = harness("run", "quick.yaml", "--toxiproxy", shared, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert proxies(shared) == kept
    interrupt(living)
    assert proxies(shared) == set()


def ask(url, method, path, body=None):
    """One call of the API, as another program makes it."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data=data, method=method), timeout=5) as answer:
        answer.read()


STRIKES = {
    "reset": (lambda url, _: ask(url, "POST", "/reset"), "lacks the toxic latency_"),
    "a proxy disabled": (lambda url, wifi: ask(url, "POST", f"/proxies/{wifi}", {"enabled": False}), "is disabled"),
}


@pytest.mark.parametrize("name", STRIKES)
def test_what_somebody_else_does_ends_the_run_with_a_sentence_and_exit_code_3(tmp_path, shared, name):
    strike, words = STRIKES[name]
    (tmp_path / "long.yaml").write_text(LONG)
    run, made = begun(tmp_path, shared)
    strike(shared, next(each for each in made if each.endswith("-wifi")))
    out, err = run.communicate(timeout=30)  # the job lasts a minute
    assert run.returncode == 3, out + err
    assert words in " ".join(err.split())
    assert "Traceback" not in out + err + logs(tmp_path)


def logs(folder):
    """All that runs have logged."""
    return "".join(path.read_text() for path in folder.glob("results/2*/*/*/harness.log"))


@pytest.mark.parametrize("again", [False, True], ids=["dies", "is restarted"])
def test_a_server_that_dies_between_calls_ends_the_run_at_once(tmp_path, again):
    server = start("toxiproxy", "--listen", "127.0.0.1:0", cwd=tmp_path)
    url = next(word for word in server.stdout.readline().split() if word.startswith("http://"))
    (tmp_path / "long.yaml").write_text(LONG)
    run, _ = begun(tmp_path, url)
    server.kill()
    server.communicate()
    if again:
        server = start("toxiproxy", "--listen", url.removeprefix("http://"), cwd=tmp_path)
    try:
        out, err = run.communicate(timeout=30)  # the job lasts a minute
    finally:
        if again:
            interrupt(server, signal.SIGTERM)
    assert run.returncode == 3, out + err
    said = " ".join(err.split())
    assert f"{url} ended while it was needed" in said or "It was restarted" in said


GARBAGE = """
import http.server, sys
answers = iter(sys.argv[1:])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.wfile.write(next(answers).encode().decode("unicode_escape").encode())
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
NO_TOXIPROXY = {
    r"HTTP/1.1 200 OK\r\n\r\n[1,2]": 'answered GET /version with "[1,2]", which no Toxiproxy says',
    r"HTTP/1.1 200 OK\r\n: no name\r\n\r\n" + "[" * 5000: 'with "[[[[[',
    r"HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:9/\r\n\r\n": 'a redirect to "http://127.0.0.1:9/"',
}
"""What a server answers one run after another, and the words in which each is told."""


def test_what_is_no_toxiproxy_is_told_in_one_sentence_and_nothing_is_logged(tmp_path):
    (tmp_path / "quick.yaml").write_text(QUICK)
    server = subprocess.Popen([sys.executable, "-c", GARBAGE, *NO_TOXIPROXY], stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        options = ("--repeat", str(len(NO_TOXIPROXY)), "-j", "1", "--toxiproxy", url)
        done = harness("run", "quick.yaml", *options, cwd=tmp_path)
    finally:
        server.kill()
        server.communicate()
    assert done.returncode == 3, done.stdout + done.stderr
    said = " ".join(done.stderr.split())
    assert [words for words in NO_TOXIPROXY.values() if said.count(words) != 1] == []
    assert logs(tmp_path) == ""


def test_a_server_on_path_that_cannot_be_used_is_passed_over_and_the_run_says_so(tmp_path, monkeypatch):
    (tmp_path / "quick.yaml").write_text(QUICK)
    program = tmp_path / "toxiproxy-server"
    program.write_text("#!/bin/sh\necho wrong machine\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = harness("run", "quick.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "toxiproxy embedded, since the toxiproxy-server on PATH cannot be used: " in said
    assert f"{program} ended at once. Its last output: wrong machine" in said
    named = harness("run", "quick.yaml", "--toxiproxy", str(program), cwd=tmp_path)
    assert named.returncode == 3  # what was asked for by name is not replaced
