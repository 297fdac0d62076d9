import math

import msgspec
import pytest

from harness.scenario.deadlines import (
    ceiling,
    detection_allowance,
    handshake_cost,
    horizon,
    horizon_of_run,
    syn_retry_interval,
)
from harness.scenario.emissions import events_of
from harness.sse.policy import AS_SHIPPED, REFERENCE

LTE = 0.21 + 0.9
HEAD = "scenario: x\njob: {lasts: 60s}\npaths: {wifi: wifi, cellular: lte}\n"


def test_the_longest_wait_of_a_dial_is_between_two_syns_or_up_to_its_deadline():
    assert syn_retry_interval() == 3.0
    assert syn_retry_interval((1.0, 3.0, 7.0, 15.0), 10.0) == 4.0
    assert syn_retry_interval((1.0, 3.0, 7.0, 15.0), 2.0) == 1.0


def test_detection_is_the_declared_watchdog_and_a_second(plan):
    assert detection_allowance(REFERENCE) == 21.0
    assert detection_allowance(AS_SHIPPED) == 21.0
    assert detection_allowance(plan("client: {watchdog: 5s}\n").client.policies) == 6.0


def test_a_handshake_costs_three_trips_and_a_cold_radio_also_of_profiles_to_come(plan):
    assert handshake_cost(plan(), "wifi") == pytest.approx(0.012)
    assert handshake_cost(plan(), "cellular") == handshake_cost(plan()) == pytest.approx(LTE)
    assert handshake_cost(plan("timeline: {5s: {wifi: 3g}}\n"), "wifi") == pytest.approx(2.1)


def test_the_ceiling_has_each_deadline_once(plan):
    questions = 3 * (LTE + 2 * (0.035 + 0.015))
    assert ceiling(plan()) == pytest.approx(10 + 30 + 21 + 3 + questions, abs=0.5)
    never = "client: {watchdog: never, connect timeout: never}\n"
    assert ceiling(plan(never)) == pytest.approx(ceiling(plan())), "never buys nothing"
    slow = plan("client: {handler takes: 100ms, queue: 9 events}\n")
    assert ceiling(slow) == pytest.approx(ceiling(plan()) + 10 * 0.1)
    assert ceiling(plan(), syn_retries=(1, 3, 7, 15)) == pytest.approx(ceiling(plan()) + 1)


def test_the_ceiling_has_room_for_every_event_of_a_burst_behind_a_callback(plan):
    slow = "client: {handler takes: 100ms, queue: unbounded}\n"
    burst = "timeline: {5s: {job: bursts 10/s for 2s}}\n"
    assert ceiling(plan(slow)) == pytest.approx(ceiling(plan()) + 0.1 * (1 + events_of(plan())))
    assert ceiling(plan(slow + burst)) == pytest.approx(ceiling(plan(slow)) + 20 * 0.1, abs=0.1)


def test_the_ceiling_has_room_for_what_the_server_asks_for(plan):
    asks = "timeline: {5s: {server: answers 503 retry-after 90s to streams for 2s}}\n"
    assert ceiling(plan(asks)) == pytest.approx(ceiling(plan()) + 90 + 1 - 30)


def test_who_does_not_say_how_it_waits_has_no_ceiling(plan):
    policies = msgspec.structs.replace(REFERENCE, backoff_cap=msgspec.UNSET)
    client = msgspec.structs.replace(plan().client, policies=policies)
    assert ceiling(msgspec.structs.replace(plan(), client=client)) == math.inf


def test_the_horizon_has_room_to_notice_again_where_that_takes_longer_than_the_cap(plan):
    assert plan("client: {backoff: 1s to 5s}\n").horizon == pytest.approx(60 + 10 + 20 + 5 + 21 + 1 + 3 + LTE)


def test_the_horizon_is_the_end_and_every_deadline_of_the_client(plan):
    recovery = 30 + 3 + LTE
    assert plan().horizon == pytest.approx(60 + 10 + 20 + 30 + recovery)
    assert plan("timeline: {50s: {wifi: closed}, 90s: {wifi: silent}}\n").horizon == pytest.approx(90 + 60 + recovery)
    assert plan("client: {arrive: within 5s}\n").horizon == pytest.approx(65 + 60 + recovery)
    assert horizon(plan()) == plan().horizon


@pytest.mark.parametrize(
    ("asked", "longest"),
    [
        ("timeline: {5s: {server: sends retry 10000}}\n", 15.0),
        ("timeline: {5s: {server: sends retry 90000}}\n", 45.0),
        ("timeline: {5s: {server: sends retry later}}\n", 2.0),
        ("server: {retry: 10s}\n", 15.0),
        ("timeline: {5s: {middle: answers 503 retry-after 40s}}\n", 40.5),
        ("timeline: {5s: {middle: answers 503 retry-after 1h}}\n", 300.5),
        ("server: {retry: 10s}\ntimeline: {5s: {middle: answers 503 retry-after 40s}}\n", 50.0),
        ("server: {retry: 10s}\ntimeline: {5s: {middle: answers 503 retry-after 2s}}\n", 20.0),
    ],
)
def test_the_horizon_has_room_for_the_longest_wait_that_the_server_asks_for(plan, asked, longest):
    hasty = "client: {backoff: 500ms to 2s}\n"
    assert plan(hasty + asked).horizon == pytest.approx(plan(hasty).horizon - 2 + longest)


def test_the_horizon_has_room_for_what_waits_behind_a_callback(plan):
    slow = "client: {handler takes: 500ms, queue: 8 events}\n"
    assert plan(slow).horizon == pytest.approx(plan().horizon + 9 * 0.5)
    assert plan(slow, client="as-shipped").horizon == pytest.approx(120 + 0.5 * (1 + events_of(plan())))


def test_the_horizon_of_a_client_that_never_gives_up_waiting_is_a_minute_after_the_end(plan):
    assert plan(client="as-shipped").horizon == 120.0
    assert plan("client: {watchdog: never}\n").horizon == 120.0
    assert plan("timeline: {50s: {wifi: closed}, 90s: {wifi: silent}}\n", client="as-shipped").horizon == 150.0


def test_the_horizon_moves_with_a_job_that_begins_later_than_a_dial_may_take(plan):
    assert horizon_of_run(plan(), -math.inf) == horizon_of_run(plan(), 10.0) == plan().horizon
    assert horizon_of_run(plan(), 30.0) == pytest.approx(plan().horizon + 30)
    assert (
        horizon_of_run(plan("client: {arrive: within 25s}\n"), 30.0) == plan("client: {arrive: within 25s}\n").horizon
    )
    assert horizon_of_run(plan("limit: 70s\n"), 30.0) == 70.0


def test_a_deed_ends_no_job_that_begins_after_it(plan):
    ended = plan("timeline: {20s: {job: completes}}\n")
    assert horizon_of_run(ended, 30.0) == pytest.approx(horizon_of_run(plan(), 30.0))


def test_a_limit_makes_the_horizon_earlier_and_never_later(plan):
    assert (plan("limit: 70s\n").limit, plan("limit: 70s\n").horizon) == (70.0, 70.0)
    assert plan("limit: 1h\n").horizon == plan().horizon
    assert plan("limit: 1h\n", limit=65.0).horizon == 65.0


def test_a_job_that_never_ends_is_left_when_it_has_lasted(plan):
    head = "scenario: x\njob: {lasts: 20s, ends: never}\npaths: {wifi: wifi}\n"
    assert plan(head=head).horizon == 20.0
    assert plan(head=head, limit=5.0).horizon == 5.0


def test_what_follows_from_a_deed_counts_as_the_deed(plan):
    after = 60 + 30 + 3 + LTE
    for timeline, last in [
        ("server: restarts losing log after 50s", 90),
        ("server: orphan for 50s", 90),
        ("device: suspends for 50s", 90),
        ("job: bursts 1/s for 50s", 90),
        ("cellular: silent for 50s", 90),
    ]:
        assert plan(f"timeline: {{40s: {{{timeline}}}}}\n").horizon == pytest.approx(last + after)


def test_a_deed_may_end_the_job_and_so_the_run_sooner(plan):
    assert plan("timeline: {20s: {job: completes}}\n").horizon == pytest.approx(plan().horizon - 40)
    later = plan("timeline: {50s: {wifi: closed}, 70s: {job: completes}}\n")
    assert later.horizon == pytest.approx(plan().horizon + 10)
