"""Each quantity that a run holds, makes or moves has a bound; a plan beyond it is refused where that is written."""

import itertools
from functools import partial

import pytest

from harness.errors import UsageError
from harness.scenario import bounds, load, plans
from harness.scenario.bounds import held
from harness.scenario.clients import CLIENT
from harness.scenario.paths import ADJUSTMENTS
from harness.scenario.settings import DEVICE, JOB, SERVER
from tests.growth import times_as_long

QUANTITIES = [
    ("job: {lasts: 24h1s}", '2:14: job lasts: expected at most 24h, got "24h1s"'),
    ("job: {lasts: 5s, event size: 1000MB}", '2:30: job event size: expected at most 1MB, got "1000MB"'),
    ("job: {lasts: 5s, results: 1000MB}", '2:27: job results: expected at most 64MB, got "1000MB"'),
    ("server: {keepalive: 1us}", '4:21: server keepalive: expected at least 10ms, got "1us", or "none"'),
    ("client: {count: 1000}", "4:17: client count: expected at most 200 clients, got 1000"),
    ("client: {arrive: within 25h}", "4:18: client arrive: expected at most 24h, got 1d1h"),
    ("client: {watchdog: 1ms}", '4:20: client watchdog: expected at least 10ms, got "1ms", or "never"'),
    ("client: {connect timeout: 1us}", '4:27: client connect timeout: expected at least 10ms, got "1us", or "never"'),
    ("client: {backoff: 1us to 1us}", "4:19: client backoff: expected at least 10ms, got 0.001ms"),
    ("client: {server retry: 1ms to 1s}", "4:24: client server retry: expected at least 10ms, got 1ms"),
    ("client: {fallback: poll every 1ms after 1 failures}", "4:20: client fallback: expected at least 100ms, got 1ms"),
    ("client: {retry stream: every 1ms}", "4:24: client retry stream: expected at least 100ms, got 1ms"),
    ("client: {suspects after: 1ms}", '4:26: client suspects after: expected at least 10ms, got "1ms", or "never"'),
    ("device: {linger: 25h}", '4:18: device linger: expected at most 24h, got "25h"'),
    ("paths: {wifi: {profile: lte, latency: 2m}}", '3:39: paths wifi latency: expected at most 1m, got "2m"'),
    ("paths: {wifi: {profile: lte, jitter: 2m}}", '3:38: paths wifi jitter: expected at most 1m, got "2m"'),
    ("paths: {wifi: {profile: lte, wake: 2m}}", '3:36: paths wifi wake: expected at most 1m, got "2m"'),
    (
        "paths: {wifi: {profile: lte, down: 999999999Mbps}}",
        '3:36: paths wifi down: expected at most 100000Mbps, got "999999999Mbps"',
    ),
    ("timeline: {25h: {wifi: silent}}", '4:12: timeline: expected at most 24h, got "25h"'),
    ("timeline: {23h+2h: {wifi: silent}}", '4:12: timeline: expected at most 24h, got "23h+2h"'),
    ("timeline: {1s: {wifi: lte over 3650d}}", '4:23: timeline 1s: expected at most 24h, got "3650d"'),
    ("timeline: {1s: {wifi: silent for 25h}}", '4:23: timeline 1s: expected at most 24h, got "25h"'),
    ("timeline: {1s: {middle: buffers 1000MB}}", "4:25: timeline 1s: expected at most 16MB, got 1000MB"),
    ("timeline: {1s: {device: suspends for 25h}}", '4:25: timeline 1s: expected at most 24h, got "25h"'),
]

PRODUCTS = [
    (
        "job: {lasts: 60s, items: 1000000, updates: on change}",
        "2:26: job items: expected at most 500000 events in a run, got 1000002",
    ),
    (
        "job: {lasts: 1h, updates: every 1ms}",
        "2:27: job updates: expected at most 500000 events in a run, got 3600002",
    ),
    (
        "job: {lasts: 1h, updates: every 1s}\nclient: {count: 200}",
        "4:17: client count: expected at most 500000 events in a run, got 720400 (200 clients)",
    ),
    (
        "timeline: {'0s..60s every 1s': {job: bursts 10000/s for 10s}}",
        "2:14: job lasts: expected at most 500000 events in a run, got 6000032",
    ),
    (
        "job: {lasts: 60s, updates: every 10ms, event size: 1MB}\nserver: {replay: all}",
        "2:52: job event size: a run may hold 1 GiB, and this one may come to 6006.2 MB: each client's",
    ),
    (
        "job: {lasts: 60s, results: 64MB}\nclient: {count: 20}",
        "4:17: client count: a run may hold 1 GiB, and this one may come to 3900.3 MB (20 clients): each",
    ),
    (
        "job: {lasts: 1h, updates: every 100ms, event size: 1MB}\nserver: {replay: 1 events, queue: 2 events}",
        "2:52: job event size: a run may move 10000.0 MB, and this one's events come to 36009.2 MB",
    ),
    (
        "job: {lasts: 24h, updates: every 1m}\nserver: {keepalive: 10ms}",
        "4:21: server keepalive: expected at most 500000 keep-alives in a run, got 8649301 in 24h02m",
    ),
    (
        "job: {lasts: 24h, updates: every 1m}\nclient: {fallback: poll every 100ms after 1 failures}",
        "4:20: client fallback: expected at most 500000 polls in a run, got 864930 in 24h02m",
    ),
    (
        "job: {lasts: 24h, updates: every 1m}\nclient: {backoff: 10ms to 10ms}",
        "4:19: client backoff: expected at most 500000 dials in a run, got 8645403 in 24h01m",
    ),
    (
        "client: {count: 200}\ntimeline: {'0s..60s every 100ms': {wifi: silent}}",
        "4:17: client count: expected at most 100000 proofs, got 600 deeds for each of 200 clients",
    ),
    (
        "job: {lasts: 60s, results: 64MB}\ntimeline: {1s: {wifi: sliced to 1B}}",
        '4:23: "sliced to 1B" would make 64012800 pieces of all that the run moves: expected',
    ),
]


def file_of(settings):
    """A file of a title in line 1, the job in line 2 and the paths in line 3, these settings in place or after."""
    lines = {"job": "job: {lasts: 60s}", "paths": "paths: {wifi: wifi}"}
    lines |= {line.partition(":")[0]: line for line in settings.splitlines()}
    return "\n".join(["scenario: x", *lines.values()]) + "\n"


@pytest.mark.parametrize(("settings", "complaint"), QUANTITIES, ids=[settings for settings, _ in QUANTITIES])
def test_a_quantity_beyond_its_bound_is_refused_where_it_stands(problems, settings, complaint):
    assert problems(file_of(settings)) == [complaint]


@pytest.mark.parametrize(("settings", "complaint"), PRODUCTS, ids=[settings[:60] for settings, _ in PRODUCTS])
def test_a_product_beyond_its_bound_is_refused_where_its_factor_stands(problems, settings, complaint):
    (found,) = problems(file_of(settings))
    assert found.startswith(complaint)


@pytest.mark.parametrize(
    "settings",
    [
        "job: {lasts: 60s, items: 499998, updates: on change}",
        "job: {lasts: 24h, updates: every 1m}",
        "job: {lasts: 60s, event size: 1MB}",
        "job: {lasts: 60s, results: 64MB}",
        "client: {count: 200}",
        "server: {keepalive: 10ms}",
        "job: {lasts: 24h, updates: every 1m}\ntimeline: {1s: {wifi: lte over 23h}}",
        "timeline: {1s: {middle: buffers 16MB}}",
    ],
)
def test_a_plan_at_its_bound_is_good(write, settings):
    (plan,) = plans(load(write(file_of(settings))))
    assert held(plan) <= bounds.MOST_HELD


HUGE = {
    "DURATION": ("9999d", "1us"), "SIZE": ("999999999999999MB",), "RATE": ("999999999999999/s",),
    "BITRATE": ("999999999999999Mbps",), "N": ("999999999999999",), "PERCENT": ("100%",),
}  # fmt: skip

HARMLESS = {
    "job items": "the total that updates name; on change it is bounded as events are",
    "job results kept": "an application's clock",
    "job no progress": "an application's clock",
    "server replay": "no more than there are events",
    "server queue": "no more than there are events",
    "server retry": "the client's clamp bounds it",
    "server token": "an application's clock",
    "client gives up": "what is never reached",
    "client queue": "no more than there are events",
    "client max event": "events are bounded",
    "client late events": "the run's end bounds it",
    "client handler takes": "the run's end bounds it",
    "client retry stream": "longer than a run is never",
    "client watchdog": "longer than a run is never",
    "client connect timeout": "longer than a run is never",
    "client suspects after": "longer than a run is never",
    "client server retry": "longer than a run is never",
    "client backoff": "longer than a run is never",
    "client fallback": "longer than a run is never",
    "server keepalive": "longer than a run is never",
    "path stalls": "weather has a bound",
}
"""Settings that take a huge value, and why that is well."""

SECTIONS = {"job": JOB, "server": SERVER, "client": CLIENT, "device": DEVICE, "path": ADJUSTMENTS}
EXAMPLES = {
    "job updates": "every {}", "server replay": "{} events", "server token": "lasts {}", "server queue": "{} events",
    "client arrive": "within {}", "client backoff": "{0} to {0}", "client server retry": "{0} to {0}",
    "client gives up": "after {} attempts", "client fallback": "poll every {} after 3 failures",
    "client retry stream": "every {}", "client late events": "wait {}", "client queue": "{} events",
}  # fmt: skip


def takes(setting, text):
    try:
        setting.parse(text)
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(
    "name",
    [f"{section} {key}" for section, settings in SECTIONS.items() for key in settings if key != "starts on"],
    ids=str,
)
def test_no_setting_takes_any_quantity_without_a_reason(name):
    section, _, key = name.partition(" ")
    setting = SECTIONS[section][key]
    form = EXAMPLES.get(name, "{}")
    taken = [value for value in itertools.chain(*HUGE.values()) if takes(setting, form.format(value))]
    assert [value for value in taken if value not in {"1us", "100%"}] == [] or name in HARMLESS or name == "job updates"


def test_a_name_of_the_sweep_stands_for_little(problems):
    found = problems(f"scenario: x\njob: {{lasts: 5s}}\npaths: {{wifi: wifi}}\nsweep: {{a: [{'x' * 201}]}}\n")
    assert found[0] == "4:13: sweep a: expected at most 200 characters, got 201"


def test_names_of_the_sweep_cannot_be_multiplied(problems):
    text = f"scenario: x\njob: {{lasts: 5s}}\npaths: {{wifi: {'$a' * 600}}}\nsweep: {{a: [{'x' * 200}]}}\n"
    assert problems(text)[0].startswith("3:15: paths wifi: expected at most 1000 characters around a $name, got 1200")


def test_four_times_the_events_under_four_times_the_profiles_are_drawn_for_in_proportion(write):
    """In proportion is 4, a look at each event for each deed is 16."""

    def loading(seconds):
        deeds = f"timeline: {{'0s..{seconds}s every 1s': {{wifi: wifi-cafe}}}}"
        job = f"job: {{lasts: {seconds}s, updates: every 5ms}}"
        path = write(f"scenario: x\n{job}\npaths: {{wifi: wifi}}\n{deeds}\n")
        (plan,) = plans(load(path))
        return len(plan.deeds)

    assert loading(200) == 200
    assert times_as_long(partial(loading, 800), partial(loading, 200), bound=7.0) < 7.0
