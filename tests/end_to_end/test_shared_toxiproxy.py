"""Several runs on one Toxiproxy that goes on: they leave each other alone, and clear up behind a killed one."""

import json
import signal
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
    """A run that lasts, on the server; and its proxies, once they are there."""
    before = proxies(url)
    process = start("run", "long.yaml", "--toxiproxy", url, cwd=folder)
    wait_until(lambda: len(proxies(url)) == len(before) + 2)
    return process, proxies(url) - before


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
