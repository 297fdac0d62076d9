"""Runs killed at random moments: what is left, and what is not.

``.venv/bin/python tests/robustness/kill_fifty.py [COUNT] [SEED]`` strikes 50 runs (when not said otherwise) with
SIGKILL, SIGTERM or SIGINT, the command or the run's own process, with the embedded Toxiproxy, a launched one and one
that runs already. After each: no flushed record lost, no process (so no listener), no proxy on the server that goes
on, no temporary file, no traceback anywhere, and ``harness judge`` works on what remains. After every tenth, and at
the end, an undisturbed run passes. Exit code 0 means that all of it held.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import psutil

from harness.history import Record, read_history

MARK = "HARNESS_KILL_MARK"
"""A variable of the environment that marks every process of one strike, whichever process started it."""

WALK = """\
scenario: a walk to be cut short
job: {lasts: 3s, updates: every 50ms}
paths: {wifi: wifi, cellular: lte}
timeline:
  1s:    {wifi: silent}
  1.4s:  {device: loses wifi}
  1.9s:  {device: joins cellular}
"""
LATEST = 7.5  # seconds after the start: by then the report is drawn
GONE_WITHIN = 25.0
CODES = {signal.SIGINT: {130, -2}, signal.SIGTERM: {143, -15}, signal.SIGKILL: {-9}}
DONE = {0, 3, 4}  # it was over already; void or unknown where the machine was too busy


class Strike(NamedTuple):
    """Which signal, whom, when, and through which Toxiproxy. ``whom``: command or run."""

    number: int
    signal: signal.Signals
    whom: str
    after: float
    toxiproxy: str


class Left(NamedTuple):
    """The remains of a strike: where, of which mark, the exit code, all output, and the records flushed before it."""

    folder: Path
    mark: str
    code: int
    said: str
    before: list[Record]


def strikes(count: int, seed: int) -> list[Strike]:
    """The draws, the same for the same seed; every kind comes early."""
    rng = random.Random(seed)
    kinds = [(signal.SIGKILL, "command"), (signal.SIGTERM, "command"), (signal.SIGINT, "command")]
    kinds += [(signal.SIGKILL, "run"), *kinds]
    ways = ["embedded", "launched", "shared"]
    return [Strike(n, *kinds[n % len(kinds)], rng.uniform(0, LATEST), ways[n // 2 % len(ways)]) for n in range(count)]


@contextlib.contextmanager
def shared_toxiproxy() -> Iterator[str]:
    """A server that goes on, like one in a compose file; yields its URL, or ``embedded`` where there is no program."""
    program = shutil.which("toxiproxy-server")
    if program is None:
        yield "embedded"
        return
    port = free_port()
    with subprocess.Popen([program, "-port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as it:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: proxies(url) == [], 10)
        try:
            yield url
        finally:
            it.kill()


def proxies(url: str) -> list[str] | None:
    """The names of a server's proxies, or None while it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/proxies", timeout=5) as answer:
            return sorted(json.load(answer))
    except OSError:
        return None


def remove(url: str, names: list[str]) -> None:
    """Remove these proxies."""
    for name in names:
        request = urllib.request.Request(f"{url}/proxies/{name}", method="DELETE")
        urllib.request.urlopen(request, timeout=5).close()


def free_port() -> int:
    """Return a port that no process listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true, seconds: float) -> bool:
    """Poll for what other processes do; whether it came true in time."""
    end = time.monotonic() + seconds  # noqa: TID251 - the script's own patience
    while not true():
        if time.monotonic() > end:  # noqa: TID251
            return False
        time.sleep(0.02)  # noqa: TID251
    return True


def marked(mark: str) -> list[psutil.Process]:
    """Every living process of one strike."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def history_of(folder: Path) -> Path | None:
    """The only run's history, once there is one."""
    return next(iter(folder.glob("results/2*/*/*/history.jsonl.gz")), None)


def records(folder: Path) -> list[Record]:
    """Return what is readable of the only run's history at this moment."""
    path = history_of(folder)
    return read_history(path).records if path is not None else []


def command(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start ``harness`` in this folder, with temporary files in a folder of its own."""
    (folder / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder / "tmp")} | variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def carry_out(strike: Strike, folder: Path, shared: str) -> list[str]:
    """Start a run, strike, look around. Returns what is wrong, in words; nothing is what is wanted."""
    (folder / "walk.yaml").write_text(WALK)
    toxiproxy = {"embedded": "embedded", "launched": "auto", "shared": shared}[strike.toxiproxy]
    mark = f"{folder}-{strike.number}"
    process = command(folder, "run", "walk.yaml", "--toxiproxy", toxiproxy, **{MARK: mark})
    victim = None
    if strike.whom == "run":
        wait_until(lambda: victims(process) or process.poll() is not None, 10)
        victim = next(iter(victims(process)), None)
    time.sleep(strike.after)  # noqa: TID251 - any moment is the point
    before = records(folder)
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        (victim or process).send_signal(strike.signal)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        return [f"{strike} hung"]
    left = Left(folder, mark, process.returncode, out + err, before)
    return [f"{strike}: {what}" for what in wrong(strike, left)]


def victims(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The run's own process, as long as it lives."""
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children()
        return [child for child in children if "harness.run.child" in child.cmdline()]
    return []


def wrong(strike: Strike, left: Left) -> Iterator[str]:
    """Yield each thing that should not be so after a strike."""
    folder, mark, code, said, before = left
    if code not in (CODES[strike.signal] if strike.whom == "command" else set()) | DONE:
        yield f"exit code {code}: {said}"
    if not wait_until(lambda: not marked(mark), GONE_WITHIN):
        yield f"still alive: {[process.cmdline() for process in marked(mark)]}"
    after = records(folder)
    if after[: len(before)] != before:
        yield f"{len(before)} records were flushed, {len(after)} are left"
    logs = "".join(path.read_text() for path in folder.glob("results/*/*/*/harness.log"))
    for bad in ("Traceback", "bug in harness", "Exception ignored"):
        if bad in said + logs:
            yield f"{bad}: {said}{logs}"
    if files := [path.name for path in (folder / "tmp").iterdir()]:
        yield f"temporary files left: {files}"
    yield from unjudged(folder)


def unjudged(folder: Path) -> Iterator[str]:
    """Where a run was begun, ``harness judge`` must say what it is worth, or which signal cut all of them short."""
    for invocation in {path.parents[2] for path in folder.glob("results/2*/*/*/plan.json")}:
        process = command(folder, "judge", str(invocation))
        out, err = process.communicate(timeout=60)
        manifest = invocation / "manifest.json"
        number = json.loads(manifest.read_bytes())["signal"] if manifest.exists() else 0
        if process.returncode not in ({128 + number} if number else DONE) or "Traceback" in out + err:
            yield f"judge: exit code {process.returncode}: {out}{err}"


def undisturbed(folder: Path) -> list[str]:
    """A run that is not struck passes."""
    process = command(folder, "run", "walk.yaml", "--toxiproxy", "auto")
    out, err = process.communicate(timeout=90)
    return [] if process.returncode == 0 else [f"an undisturbed run: exit code {process.returncode}: {out}{err}"]


def main(count: int, seed: int) -> int:
    """Strike, look, tell."""
    troubles: list[str] = []
    with shared_toxiproxy() as shared, tempfile.TemporaryDirectory(prefix="harness-kills-") as name:
        for strike in strikes(count, seed):
            folder = Path(name) / str(strike.number)
            folder.mkdir()
            found = carry_out(strike, folder, shared)
            left = proxies(shared) if shared != "embedded" else []
            # For a run that is killed itself the next one on the server heals; all others must have done so.
            found += [f"{strike}: proxies left on the shared server: {left}"] if left and strike.whom != "run" else []
            remove(shared, left or [])
            found += undisturbed(folder) if strike.number % 10 == 9 else []
            click.echo(
                f"{strike.number:3}  {strike.signal.name:7} {strike.whom:7} at {strike.after:4.1f} s  "
                f"{strike.toxiproxy:8}  {len(records(folder)):5} records  {'; '.join(found) or 'clean'}"
            )
            troubles += found
    click.echo(f"{count} strikes, {len(troubles)} troubles")
    return 1 if troubles else 0


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*(given + [50, 7][len(given) :])))
