import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sse import REFERENCE, Backoff, Jitter, ResetsOn

ATTEMPTS = st.integers(0, 5_000)
RNGS = st.integers().map(random.Random)


class Edge(random.Random):
    """A generator that always draws the same."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def random(self):
        return self.value


def backoff(attempts=0, **policies):
    return Backoff(policies=msgspec.structs.replace(REFERENCE, **policies), attempts=attempts)


def waits(strategy, rng, count):
    drawn = []
    for _ in range(count):
        wait, strategy = strategy.after_failure(rng)
        drawn.append(wait)
    return drawn


def test_the_delay_doubles_from_the_base_to_the_cap():
    assert waits(backoff(jitter=Jitter.NONE), Edge(0.5), 7) == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("jitter", "low", "high"), [(Jitter.HALF, 2, 4), (Jitter.FULL, 0, 4), (Jitter.NONE, 4, 4)])
def test_jitter_takes_its_share_of_the_delay(jitter, low, high):
    strategy = backoff(jitter=jitter, attempts=2)
    assert strategy.after_failure(Edge(0.0))[0] == low
    assert strategy.after_failure(Edge(1.0))[0] == high


@given(ATTEMPTS, RNGS)
def test_a_plain_wait_lies_within_the_upper_half(attempts, rng):
    strategy = backoff(attempts=attempts)
    d = min(30, 2 ** min(attempts, 10))
    wait, after = strategy.after_failure(rng)
    assert d / 2 <= wait <= d
    assert after == backoff(attempts=attempts + 1)


@given(ATTEMPTS, RNGS, st.floats(0, 1e7), st.sampled_from(Jitter), st.floats(0.5, 60))
def test_a_wait_after_retry_is_never_shorter_than_the_delay_nor_than_the_retry(attempts, rng, seconds, jitter, cap):
    strategy = backoff(attempts=attempts, jitter=jitter, backoff_cap=cap).after_retry(seconds)
    base = min(max(seconds, 0.25), 30)
    d = max(base, min(cap, base * 2 ** min(attempts, 100)))
    assert strategy.base == base
    assert d <= strategy.after_failure(rng)[0] <= 1.5 * d


def test_no_cap_undercuts_a_retry_and_the_clamp_does():
    strategy = backoff(backoff_cap=2.0, server_retry_max=8.0).after_retry(6.0)
    assert waits(strategy, Edge(0.0), 3) == [6, 6, 6]
    assert waits(strategy.after_retry(10.0), Edge(0.0), 1) == [8]


@given(ATTEMPTS, RNGS, st.floats(0, 30), st.sampled_from(Jitter))
def test_no_retry_after_undercuts_a_retry(attempts, rng, seconds, jitter):
    strategy = backoff(attempts=attempts, jitter=jitter).after_retry(10.0)
    assert max(seconds, 10) <= strategy.after_failure(rng, seconds)[0] <= max(seconds, 10) + 10


@given(ATTEMPTS, RNGS, st.floats(0, 300), st.sampled_from(Jitter))
def test_a_wait_after_retry_after_spreads_over_one_base(attempts, rng, seconds, jitter):
    wait, after = backoff(attempts=attempts, jitter=jitter).after_failure(rng, seconds)
    assert seconds <= wait <= seconds + 1
    assert after.attempts == attempts + 1


@pytest.mark.parametrize(("retry_stream", "cap", "longest"), [(300.0, 30.0, 300.0), (6.0, 30.0, 30.0)])
def test_no_server_puts_off_a_client_for_longer_than_it_would_wait_by_itself(retry_stream, cap, longest):
    policies = msgspec.structs.replace(REFERENCE, retry_stream=retry_stream, backoff_cap=cap)
    strategy = Backoff(policies=policies)
    assert strategy.after_failure(Edge(0.0), 2.0**31)[0] == longest
    assert strategy.after_failure(Edge(1.0), 2.0**31)[0] == longest + 1
    assert strategy.after_failure(Edge(0.0), longest - 1)[0] == longest - 1


def test_retry_after_can_be_ignored():
    strategy = backoff(obeys_retry_after=False, jitter=Jitter.NONE)
    assert strategy.after_failure(Edge(0.5), 20.0)[0] == 1


def test_retry_keeps_the_attempts_and_lasts():
    strategy = backoff(attempts=2, jitter=Jitter.NONE).after_retry(2.0)
    assert waits(strategy, Edge(0.5), 3) == [8, 16, 30]
    assert strategy.after_event().after_failure(Edge(0.5))[0] == 2


def test_a_fresh_event_starts_over():
    assert backoff(attempts=5).after_event() == backoff()


def test_an_open_stream_starts_over_only_where_the_policy_says_so():
    assert backoff(attempts=5).after_open() == backoff(attempts=5)
    assert backoff(attempts=5, backoff_resets_on=ResetsOn.OPEN).after_open().attempts == 0


def test_a_clean_end_starts_over_after_the_cap():
    assert backoff(attempts=5).after_clean_end(29.9).attempts == 5
    assert backoff(attempts=5).after_clean_end(30.0).attempts == 0


def test_an_attempt_without_a_wait_counts():
    assert backoff(attempts=3).at_once().attempts == 4


def test_a_strategy_is_immutable():
    with pytest.raises(AttributeError):
        backoff().attempts = 3


def test_the_same_generator_gives_the_same_waits():
    assert waits(backoff(), random.Random(7), 9) == waits(backoff(), random.Random(7), 9)


def test_clients_do_not_wait_alike():
    ratios = {round(backoff(attempts=4).after_failure(random.Random(seed))[0] / 16, 3) for seed in range(20)}
    assert len(ratios) > 15
