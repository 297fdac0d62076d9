"""The real command in a folder of its own, and what it left there."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

SHORT = """\
scenario: short walk
job: {{lasts: {lasts}, updates: every 50ms}}
paths: {{wifi: wifi, cellular: lte}}
client: {client}
timeline:
  1s:    {{wifi: silent}}
  1.4s:  {{device: loses wifi}}
  1.9s:  {{device: joins cellular}}
expect:
  attempts: {attempts}
"""

DEAF = """\
scenario: nobody says a word
job: {lasts: 3s, updates: every 50ms}
paths: {wifi: wifi, cellular: lte}
limit: 5s
client: {watchdog: 1500ms, backoff: 100ms to 1s}
timeline:
  0.5s: {device: [joins cellular, prefers cellular]}
  1s:   {wifi: silent}
"""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a shell's background job. What is started here inherits it, and would not hear a Ctrl-C before it listens.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def short(lasts="4s", client="{watchdog: 20s}", attempts="at most 6"):
    """A handoff that takes a few seconds."""
    return SHORT.format(lasts=lasts, client=client, attempts=attempts)


def environment():
    """The environment without what would change the output or the colours."""
    return {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "GITHUB_STEP_SUMMARY"}}


def command(*arguments):
    """The words of the command. Runs draw no figures unless a test asks: to draw them takes longer than to judge."""
    quick = ["--figures", "none"] if arguments[0] == "run" and "--figures" not in arguments else []
    return [sys.executable, "-m", "harness", *arguments, *quick]


def harness(*arguments, cwd, timeout=120):
    """Run to the end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=timeout,
        env=environment(),
    )


def start(*arguments, cwd):
    """Start, for tests that interrupt."""
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment(),
        start_new_session=True,
    )


def interrupt(process, number=signal.SIGINT, timeout=60):
    """Send a signal and wait for the end; return standard output and standard error."""
    process.send_signal(number)
    return process.communicate(timeout=timeout)


def latest(folder: Path) -> Path:
    """The newest invocation."""
    return (folder / "results" / "latest").resolve()


def summary(folder: Path):
    """The newest invocation's summary.json."""
    return json.loads((latest(folder) / "summary.json").read_text())


def verdicts(folder: Path):
    """Word, and state by law, of each run, by the folder it lies in."""
    found = {}
    for path in sorted(latest(folder).glob("*/*/verdict.json")):
        verdict = json.loads(path.read_text())
        found[path.parent.name] = (verdict["word"], {law["law"]: law["state"] for law in verdict["laws"]})
    return found
