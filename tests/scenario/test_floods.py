"""Thousands of strange files: each is loaded or refused, quickly, and nothing is left behind."""

import math
import random
import resource
from time import process_time

import pytest

from harness.deeds.catalogue import Actor
from harness.errors import UsageError
from harness.scenario import bundled, load, plans
from harness.scenario.deeds import SPEECHES
from harness.scenario.expectations import KINDS, METRICS
from harness.scenario.template import template
from tests.growth import seconds_of

LARGEST = """scenario: x
job: {lasts: 2000s}
paths: {wifi: wifi}
timeline: {'0s..2000s every 1s': {wifi: wifi-cafe}}
"""
"""As many deeds as a timeline may have, each with a profile to draw from: no strange file may take longer than this."""

MOST_MEMORY = 200_000  # KB by which the process may grow over all files
BASE = [path.read_text() for path in bundled().values()] + [template()]
SOUP = [
    *(
        "{",
        "}",
        "[",
        "]",
        ": ",
        ", ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "? ",
        "> ",
        "| ",
        "# ",
        "'",
        '"',
        "&a ",
        "*a",
        "!t ",
    ),
    *("scenario", "job", "paths", "timeline", "sweep", "expect", "client", "like", "lasts", "$a", "$", "%", "\0", "\t"),
    *("10s", "0s..9s every 1us", "1s to 2s", "9" * 40, "1e9", "wifi", "lte", "4g-drive", "device", "middle on wifi"),
]
VALUES = {
    "DURATION": ["0s", "1ms", "5s", "200ms to 4.5s", "9999d", "1us to 9999d", "5", "$x", "1h1s"],
    "SIZE": ["0B", "1B", "64KB", "999999999MB", "5"],
    "RATE": ["0/s", "200/s", "999999999/s", "1/h", "5"],
    "N": ["0", "1", "64", "999999999999999", "-1", "1e3"],
    "CODE": ["200", "403", "999", "abc"],
    "WORD": ["x", "9" * 99, "bad_csv"],
    "PATH": ["wifi", "cellular", "nowhere"],
}
GOOD = {
    "DURATION": ["1ms", "5s", "200ms to 4.5s", "1m"],
    "SIZE": ["1B", "64KB"],
    "RATE": ["200/s", "900/h"],
    "N": ["1", "64"],
    "CODE": ["403", "503"],
    "WORD": ["x", "bad_csv"],
    "PATH": ["cellular"],
}
WHEN = ["0s", "0s..60s every 5s", "5s", "5s+5s", "59s", "9999d", "0s..9s every 1us", "0s..60s every 10ms to 2s", "x"]
PATH, DEVICE, MIDDLE, SERVER, JOB = (SPEECHES[actor] for actor in Actor)
ACTORS = {"wifi": PATH, "cellular": PATH, "device": DEVICE, "middle": MIDDLE, "middle on wifi": MIDDLE,
          "server": SERVER, "job": JOB}  # fmt: skip


def said(form, dice):
    """Return a sentence of this form, of which a token may be wrong."""
    words = []
    for part in form.parts:
        if part.startswith("[") and dice.random() < 0.5:
            break
        kind = part.strip("[]").partition(":")[0]
        values = VALUES.get(kind, kind.split("|"))
        words.append(dice.choice(GOOD[kind] if kind in GOOD and dice.random() < 0.95 else values))
    return " ".join(words)


def composed(dice):
    """Return a file of good bones, with a timeline and expectations of anything."""
    lines = ["scenario: x", f"job: {{lasts: {dice.choice(['60s', '60s', '1h', '9999d', '1ms'])}}}"]
    lines.append(f"paths: {{wifi: {dice.choice(['wifi', '4g-drive', 'wifi-edge', 'offline'])}, cellular: lte}}")
    if dice.random() < 0.3:
        lines.append(f"sweep: {{x: [{', '.join(dice.sample(VALUES['DURATION'][:6], 3))}]}}")
    lines.append("timeline:")
    whens = dice.sample(WHEN[:5] if dice.random() < 0.6 else WHEN, dice.randrange(1, 4))
    for when in sorted(whens, key=WHEN.index):
        actor = dice.choice(list(ACTORS))
        deeds = [said(dice.choice(list(ACTORS[actor].forms)), dice) for _ in range(dice.randrange(1, 4))]
        lines.append(f"  {when}: {{{actor}: [{', '.join(deeds)}]}}")
    metric = dice.choice(list(METRICS))
    form = dice.choice(list(KINDS[metric].forms if dice.random() < 0.9 else KINDS["traffic"].forms))
    lines.append(f"expect: {{{metric}: {form.replace('DURATION', '5s').replace('INSTANT', '5s').replace('N', '3')}}}")
    return "\n".join(lines) + "\n"


def mutated(dice):
    text = dice.choice(BASE)
    for _ in range(dice.randrange(1, 6)):
        at, cut = dice.randrange(len(text)), dice.choice([0, 0, 1, 5, 40])
        text = text[:at] + dice.choice([*SOUP, text[at : at + 60] * 3]) + text[at + cut :]
    return text


def soup(dice):
    return "".join(dice.choice(SOUP) for _ in range(dice.randrange(1, 120)))


def loaded(path):
    """Return the plans of a file, none if it is refused."""
    try:
        return plans(load(path))
    except UsageError:
        return []


def flood(write_over, number):
    """Load so many files; return the CPU seconds of the slowest, how many were good, and the growth in KB."""
    dice, slowest, good = random.Random(11), 0.0, 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for count in range(number):
        path = write_over((composed, mutated, soup)[count % 3](dice))
        began = process_time()
        found = loaded(path)
        slowest = max(slowest, process_time() - began)
        good += bool(found)
        assert all(math.isfinite(plan.horizon) for plan in found)
    return slowest, good, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


@pytest.fixture
def write_over(tmp_path):
    path = tmp_path / "s.yaml"

    def write_over(text):
        path.write_bytes(text.encode())
        return path

    return write_over


@pytest.mark.slow
def test_three_thousand_strange_files(write_over):
    slowest, good, grown = flood(write_over, 3_000)
    assert slowest < seconds_of(lambda: loaded(write_over(LARGEST)))
    assert good > 60
    assert grown < MOST_MEMORY
