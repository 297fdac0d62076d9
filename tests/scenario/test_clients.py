import msgspec
import pytest

from harness.errors import UsageError
from harness.scenario import load, plans
from harness.scenario.clients import MUTANTS, POLICIES
from harness.sse.policy import AS_SHIPPED, REFERENCE, FedBy, Ids, Jitter, ResetsOn


def changed(preset=REFERENCE, **fields):
    return msgspec.structs.replace(preset, **fields)


SAID = [
    ("connect timeout: never, watchdog: never", {"connect_timeout": None, "watchdog": None}),
    ("connect timeout: 5s, watchdog: 30s", {"connect_timeout": 5.0, "watchdog": 30.0}),
    ("watchdog fed by: events", {"watchdog_fed_by": FedBy.EVENTS}),
    ("backoff: 500ms to 1m", {"backoff_base": 0.5, "backoff_cap": 60.0}),
    ("jitter: none", {"jitter": Jitter.NONE}),
    ("backoff resets on: open", {"backoff_resets_on": ResetsOn.OPEN}),
    ("on path change: ignore", {"heeds_signals": False}),
    (
        "server retry: 1s to 5s, retry after: ignore",
        {"server_retry_min": 1.0, "server_retry_max": 5.0, "obeys_retry_after": False},
    ),
    ("retries: 5xx 429, stops: 204 4xx", {"retries": ("5xx", "429")}),
    ("gives up: after 5 attempts", {"gives_up_after": 5}),
    ("fallback: poll every 5s after 2 failures", {"poll_every": 5.0, "polls_after_failures": 2}),
    ("fallback: never", {"polls_after_failures": None}),
    ("retry stream: every 20s, suspects after: never", {"retry_stream": 20.0, "suspects_after": None}),
    ("late events: wait 1s", {"reorder_window": 1.0}),
    ("ids: opaque", {"ids": Ids.OPAQUE}),
    ("ids: epoch-index, late events: wait 1s", {"ids": Ids.EPOCH_INDEX, "reorder_window": 1.0}),
    ("fetches results: never", {"fetches_results": False}),
    ("handler takes: 500ms, queue: unbounded", {"handler_takes": 0.5, "queue": None}),
    ("queue: 8 events, max event: 64KB", {"queue": 8, "max_event": 64_000}),
    ("max event: unbounded, gives up: never, late events: drop", {"max_event": None}),
]
"""Every policy, as a file says it, and the fields that it fills."""


def test_every_policy_of_the_language_is_said_here():
    assert {part.split(":")[0] for settings, _ in SAID for part in settings.split(", ")} == set(POLICIES)


@pytest.mark.parametrize(("settings", "fields"), SAID)
def test_a_policy_is_laid_over_the_preset(plan, settings, fields):
    assert plan(f"client: {{{settings}}}\n").client.policies == changed(**fields)


def test_the_preset_as_shipped_can_be_repaired_in_the_file(plan):
    client = plan("client: {like: as-shipped, watchdog: 20s, count: 3, arrive: within 2s}\n").client
    assert client.policies == changed(AS_SHIPPED, watchdog=20.0)
    assert (client.like, client.count, client.arrive) == ("as-shipped", 3, 2.0)


def test_another_client_drops_the_files_policies_but_not_its_number(plan):
    rest = "client: {watchdog: 5s, backoff: 2s to 9s, count: 3, arrive: within 2s, handler takes: 1s}\n"
    client = plan(rest, client="as-shipped").client
    assert client.policies == changed(AS_SHIPPED, handler_takes=1.0)
    assert (client.like, client.count, client.arrive) == ("as-shipped", 3, 2.0)


def test_the_reference_asked_for_by_name_drops_policies_too(plan):
    assert plan("client: {like: as-shipped, watchdog: 5s}\n", client="reference").client.policies == REFERENCE


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            "like: as-shiped",
            (
                '4:16: client like: unknown client "as-shiped" (did you mean "as-shipped"?): expected '
                "reference, as-shipped, a mutant, or a name from harness.toml"
            ),
        ),
        (
            "like: no-jiter",
            (
                '4:16: client like: unknown client "no-jiter" (did you mean "no-jitter"?): '
                "expected reference, as-shipped, a mutant, or a name from harness.toml"
            ),
        ),
        ("watchdg: 5s", '4:10: client: unknown setting "watchdg" (did you mean "watchdog"?)'),
        ("watchdog: 0s", '4:20: client watchdog: expected more than zero, got "0s", or "never"'),
        (
            "backoff: 5s to 1s",
            ("4:19: client backoff: expected the shorter time first and more than zero, got 5 s to 1 s"),
        ),
        ("backoff: 5s", '4:19: client backoff: expected "DURATION to DURATION", such as "1s to 30s", got "5s"'),
        (
            "jitter: fully",
            ('4:18: client jitter: expected one of half, full, none, got "fully" (did you mean "full"?)'),
        ),
        ("retries: 4x4", '4:19: client retries: expected statuses such as 403 429 5xx, got "4x4"'),
        ("gives up: after 0 attempts", "4:20: client gives up: expected more than zero"),
        (
            "fallback: poll every 3 after 3 failures",
            (
                "4:20: client fallback: expected a duration such as 150ms or "
                '1m30s, got "3": a unit is always needed (us ms s m h d)'
            ),
        ),
        ("queue: 64", '4:17: client queue: expected "N events" or "unbounded", such as "64 events", got "64"'),
        (
            "late events: wait 1s, ids: opaque",
            (
                '4:9: client: "late events: wait" has nothing to wait for with "ids: opaque": '
                'expected "ids: epoch-index"'
            ),
        ),
        (
            "ids: epoch",
            '4:15: client ids: expected one of opaque, epoch-index, got "epoch" (did you mean "epoch-index"?)',
        ),
        ("count: 0", '4:17: client count: expected more than zero, got "0"'),
        ("count: 201", "4:17: client count: expected at most 200 clients, got 201"),
        ("arrive: 5s", '4:18: client arrive: expected "within DURATION", such as "within 10s", got "5s"'),
        (
            "max event: 1GB",
            ('4:21: client max event: expected a size such as 200B, 10KB or 1MB, got "1GB", or "unbounded"'),
        ),
    ],
)
def test_wrong_client_settings(problem, settings, complaint):
    assert problem(f"client: {{{settings}}}\n") == complaint


def test_an_unknown_client_of_the_command_line_is_a_usage_error(write):
    scenario = load(write("scenario: x\njob: {lasts: 5s}\npaths: {wifi: wifi}\n"))
    with pytest.raises(UsageError, match=r'unknown client "refrence" \(did you mean "reference"\?\)'):
        plans(scenario, client="refrence")


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_declares_what_the_reference_does(plan, name):
    written, asked = plan(f"client: {{like: {name}, watchdog: 5s}}\n").client, plan(client=name).client
    assert (written.like, written.mutant, written.policies) == (name, name, changed(watchdog=5.0))
    assert (asked.like, asked.mutant, asked.policies) == (name, name, REFERENCE)


def test_a_mutant_of_the_command_line_keeps_the_files_policies(plan):
    client = plan("client: {like: as-shipped, retry stream: every 10s, count: 3}\n", client="never-returns").client
    assert (client.mutant, client.count, client.policies) == ("never-returns", 3, changed(retry_stream=10.0))
    assert plan("client: {like: no-jitter}\n", client="reference").client.mutant == ""


def test_no_two_mutants_have_one_name():
    assert len(set(MUTANTS)) == len(MUTANTS)
