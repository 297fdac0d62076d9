import pytest

from harness.scenario.model import JobSpec, ServerSpec

UNIT = "a unit is always needed (us ms s m h d)"
DURATION = "expected a duration such as 150ms or 1m30s, got"


def job(plan, settings):
    return plan(head=f"scenario: x\njob: {{{settings}}}\npaths: {{wifi: wifi}}\n").job


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("lasts: 60s", JobSpec(lasts=60.0)),
        ("lasts: 1m, updates: every 100ms", JobSpec(lasts=60.0, every=0.1)),
        ("lasts: 40s, items: 1600, updates: on change", JobSpec(lasts=40.0, every=None, items=1600)),
        ("lasts: 5s, ends: failed bad_csv", JobSpec(lasts=5.0, ends="failed", code="bad_csv")),
        ("lasts: 5s, ends: timeout", JobSpec(lasts=5.0, ends="timeout")),
        ("lasts: 5s, ends: never", JobSpec(lasts=5.0, ends="never")),
        ("lasts: 5s, kind: photo-scan", JobSpec(lasts=5.0, kind="photo-scan")),
        ("lasts: 5s, event size: 1KB, results: 5MB", JobSpec(lasts=5.0, event_size=1000, results=5_000_000)),
        ("lasts: 5s, results kept: 1h, no progress: 3m", JobSpec(lasts=5.0, results_kept=3600.0, no_progress=180.0)),
    ],
)
def test_job_settings(plan, settings, expected):
    assert job(plan, settings) == expected


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("items: 5", '2:1: job: "lasts" is missing: how long the job runs, such as {lasts: 60s}'),
        ("lasts: 60", f'2:14: job lasts: {DURATION} "60": {UNIT}'),
        ("lasts: 0s", '2:14: job lasts: expected more than zero, got "0s"'),
        ("lasts: 5s, items: 0", '2:25: job items: expected more than zero, got "0"'),
        ("lasts: 5s, itms: 3", '2:18: job: unknown setting "itms" (did you mean "items"?)'),
        ("lasts: 5s, kind: csv", '2:24: job kind: expected one of csv-import, photo-scan, enrichment, got "csv"'),
        (
            "lasts: 5s, updates: sometimes",
            '2:27: job updates: expected "every DURATION" or "on change", such as "every 2s", got "sometimes"',
        ),
        ("lasts: 5s, updates: every 2", f'2:27: job updates: {DURATION} "2": {UNIT}'),
        ("lasts: 5s, updates: every 0s", "2:27: job updates: expected more than zero"),
        (
            "lasts: 5s, updates: every 200ms to 4s",
            '2:27: job updates: "to" is not built yet (in "every 200ms to 4s")',
        ),
        (
            "lasts: 5s, ends: compleated",
            (
                '2:24: job ends: expected "completed" or "failed WORD" or "timeout" or "never", '
                'such as "failed bad_csv", got "compleated" (did you mean "completed"?)'
            ),
        ),
        ("lasts: 5s, ends: failed b/d", '2:24: job ends: expected a code of letters, digits, _ . and -, got "b/d"'),
        ("lasts: 5s, event size: 5", '2:30: job event size: expected a size such as 200B, 10KB or 1MB, got "5"'),
        ("lasts: [5s]", "2:14: job lasts: expected one text, got a list"),
        (
            "lasts: 1000d, updates: every 1us",
            '2:14: job lasts: expected at most 24h, got "1000d"',
        ),
        (
            "lasts: 12m, updates: every 6m",
            (
                "2:6: job: updates are 360 s apart, but without progress for 300 s the job times out: "
                'expected shorter steps, or a longer "no progress"'
            ),
        ),
    ],
)
def test_wrong_job_settings(problems, settings, complaint):
    assert problems(f"scenario: x\njob: {{{settings}}}\npaths: {{wifi: wifi}}\n") == [complaint]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("replay: all", ServerSpec(replay=None)),
        ("replay: none", ServerSpec(replay=0)),
        ("replay: 16 events", ServerSpec(replay=16)),
        ("expired cursor: reset event", ServerSpec(expired_cursor="reset event")),
        ("keepalive: none", ServerSpec(keepalive=None)),
        ("keepalive: 30s, retry: 5s", ServerSpec(keepalive=30.0, retry=5.0)),
        ("token: lasts 30s", ServerSpec(token_lasts=30.0)),
        ("token: none, queue: 10 events", ServerSpec(queue=10)),
        ("line ends: mixed, payload: hostile", ServerSpec(line_ends="mixed", payload="hostile")),
        ("frames: varied", ServerSpec(frames="varied", retry=1.0)),
        ("frames: varied, retry: 2s", ServerSpec(frames="varied", retry=2.0)),
        ("frames: varied, retry: none", ServerSpec(frames="varied", retry=None)),
        ("frames: plain", ServerSpec()),
        ("instances: 1, log: shared, tls: no", ServerSpec()),
    ],
)
def test_server_settings(plan, settings, expected):
    assert plan(f"server: {{{settings}}}\n").server == expected


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("instances: 3", '4:21: server instances: "instances: 3" is not built yet'),
        ("log: own", '4:15: server log: "log: own" is not built yet'),
        ("tls: yes", '4:15: server tls: "tls: yes" is not built yet'),
        ("tls: true", '4:15: server tls: expected "no", got "true"'),
        ("replay: 16", '4:18: server replay: expected "N events" or "all" or "none", such as "256 events", got "16"'),
        ("keepalive: 5", f'4:21: server keepalive: {DURATION} "5": {UNIT}, or "none"'),
        (
            "line ends: crfl",
            ('4:21: server line ends: expected one of lf, cr, crlf, mixed, got "crfl" (did you mean "crlf"?)'),
        ),
        (
            "frames: varies",
            ('4:18: server frames: expected one of plain, varied, got "varies" (did you mean "varied"?)'),
        ),
        ("keep alive: 5s", '4:10: server: unknown setting "keep alive" (did you mean "keepalive"?)'),
    ],
)
def test_wrong_server_settings(problem, settings, complaint):
    assert problem(f"server: {{{settings}}}\n") == complaint


@pytest.mark.parametrize(
    "key",
    ["url", "command", "ready", "start", "job id", "stream", "status", "results", "headers", "body", "terminal"],
)
def test_an_own_server_is_refused_by_name(problem, key):
    assert problem(f"server: {{{key}: x}}\n") == f'4:10: server: "{key}" is not built yet'


def test_the_device_starts_on_the_first_path_unless_told(plan):
    assert plan().device.starts_on == "wifi"
    device = plan("device: {starts on: cellular, linger: 30s}\n").device
    assert (device.starts_on, device.linger) == ("cellular", 30.0)


def test_wrong_device_settings(problem):
    assert problem("device: {starts on: wify}\n") == (
        '4:21: device starts on: "wify" is no path of this file (did you mean "wifi"?)'
    )
    assert problem("device: {starts: wifi}\n") == '4:10: device: unknown setting "starts" (did you mean "starts on"?)'
    assert problem("device: wifi\n") == '4:9: device: expected a mapping such as {starts on: wifi}, got "wifi"'
