"""The schema says what the loader says, as far as a pattern can."""

import json

import jsonschema
import pytest
import yaml

from harness.errors import ScenarioError
from harness.scenario import bundled, load
from harness.scenario.schema import schema
from harness.scenario.template import template

SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HEAD = "scenario: a test\njob: {lasts: 60s}\npaths: {wifi: wifi, cellular: lte}\n"


def as_json(text):
    """Return what an editor sees: scalars have types, keys are texts."""
    return json.loads(json.dumps(yaml.safe_load(text)))


def valid(text):
    return VALIDATOR.is_valid(as_json(text))


@pytest.fixture(scope="module")
def loads(write):
    def loads(text):
        try:
            load(write(text))
        except ScenarioError:
            return False
        return True

    return loads


def test_the_schema_is_one_and_is_json():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("path", bundled().values(), ids=list(bundled()))
def test_every_shipped_file_is_valid(path):
    assert [error.message for error in VALIDATOR.iter_errors(as_json(path.read_text()))] == []


def test_the_template_is_valid_loads_and_is_a_document(write):
    assert valid(template())
    scenario = load(write(template()))
    assert scenario.mutants == ["short-watchdog"]
    assert "?" in scenario.about
    assert template().count("# ") > 10


GOOD = [
    "timeline: {10s: {wifi: stalled for 200ms to 4.5s downstream only}}",
    "timeline: {10s+500ms: {wifi: [silent, up], device: goes offline for 5s}}",
    "timeline: {0s..10s every 1s to 2s: {wifi: closed once}}",
    "timeline: {0s..10s every 500ms: {wifi: 3g over 1s}}",
    "timeline: {1s: {middle on wifi: answers 503 retry-after 7s to streams 3 times}}",
    "timeline: {1s: {middle on wifi: answers 503 retry-after 7s as date to streams 3 times}}",
    "timeline: {1s: {middle: [buffers 5s, kills idle after 100s with 524, clears]}}",
    "timeline: {1s: {server: restarts losing log after 5s}, 20s: {server: sends retry 5000}}",
    "timeline: {1s: {job: bursts 200/s for 2s}, 5s: {job: fails bad_csv}}",
    "sweep: {gap: [1s, 2s]}\ntimeline: {10s+$gap: {wifi: silent for $gap}}",
    "sweep: {word: [silent, up]}\ntimeline: {10s: {wifi: $word}}",
    "sweep: [{n: 0}, {n: at most 3}]\nexpect: {attempts: $n}",
    "expect: {attempts: 3, lost: 0, recovery p95: under 5s, terminal: within 2s of 10s+1s}",
    "expect: {memory: under 20MB, arrivals per second: under 20%, token refreshes: at most 1}",
    "seed: 12\nlimit: 70s",
    "server: {expired cursor: 410, tls: no, instances: 1, keepalive: none, token: lasts 30s}",
    "client: {like: no-jitter, count: 3, retries: 403, gives up: after 3 attempts, queue: 64 events}",
    "client: {fallback: poll every 3s after 3 failures, backoff: 1s to 30s, max event: unbounded}",
    "device: {starts on: cellular, linger: 30s}",
    "waive: {prompt: the reason}\nmutants: [no-jitter]",
]
BAD = [
    "timeline: {10s: {wifi: silnet}}",
    "timeline: {10: {wifi: silent}}",
    "timeline: {10s: {wifi: up once}}",
    "timeline: {10s: {wifi: stalled for 5}}",
    "timeline: {10s: {wifi: []}}",
    "timeline: {10s: {device: goes away}}",
    "timeline: {10s: {device: clock +1h}}",
    "timeline: {10s: {server 2: drains}}",
    "timeline: {10s: {server: restarts}}",
    "timeline: {10s: {middle: fails tls silently}}",
    "timeline: {10s: {job: completes for 5s}}",
    "timeline: {0s..10s: {wifi: up}}",
    "timeline: {10s: silent}",
    "expect: {lost: under 5s}",
    "expect: {attmpts: 5}",
    "expect: {lost p95: 5}",
    "expect: {recovery: 5s}",
    "expect: {memory: under 5s}",
    "expect: {lost: -1}",
    "seed: seven",
    "limit: 70",
    "server: {expired cursor: 411}",
    "server: {tls: yes}",
    "server: {instances: 3}",
    "server: {url: x}",
    "client: {watchdgo: 5s}",
    "client: {watchdog: 5}",
    "client: {jitter: fully}",
    "device: {starts: wifi}",
    "waive: {fault-seen: why}",
    "mutants: no-jitter",
    "mutants: [no-jiter]",
    "sweep: {env: [1s]}",
    "sweep: {gap: 1s}",
    "nonsense: 5",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_loads_is_valid(loads, text):
    assert loads(f"{HEAD}{text}\n")
    assert [error.message for error in VALIDATOR.iter_errors(as_json(HEAD + text))] == []


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_invalid_for_both(loads, text):
    assert not loads(f"{HEAD}{text}\n")
    assert not valid(HEAD + text)


@pytest.mark.parametrize("missing", ["scenario", "job", "paths"])
def test_what_is_missing_is_invalid(missing):
    assert not valid("\n".join(line for line in HEAD.split("\n") if not line.startswith(missing)))


def test_wrong_paths_and_jobs_are_invalid():
    assert valid(HEAD.replace("lte", "{profile: lte, latency: 80ms, stalls: 13/h, down: 2Mbps}"))
    for wrong in ("ltee", "{latency: 80ms}", "{profile: lte, latency: 80}"):
        assert not valid(HEAD.replace("lte", wrong))
    assert not valid(HEAD.replace("wifi: wifi", "device: wifi"))
    assert not valid(HEAD.replace("{lasts: 60s}", "{items: 5}"))
    assert not valid(HEAD.replace("60s", "60"))
