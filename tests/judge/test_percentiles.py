import numpy as np
import pytest
from scipy.stats import binom  # type: ignore[import-untyped]  # no stubs are published with it

from harness.judge.percentiles import LOST, QUANTILES, at_rank, estimate, interval_ranks, least_n, rank


@pytest.mark.parametrize(("statistic", "least"), [("p50", 6), ("p90", 36), ("p95", 72), ("p99", 368), ("p99.9", 3688)])
def test_the_least_n_is_that_of_the_published_table(statistic, least):
    assert least_n(*QUANTILES[statistic]) == least


@pytest.mark.parametrize("statistic", QUANTILES)
@pytest.mark.parametrize("n", [1, 2, 6, 36, 71, 72, 367, 368, 750, 1602])
def test_interval_ranks_agree_with_scipy_s_binomial(n, statistic):
    numerator, denominator = QUANTILES[statistic]
    q = numerator / denominator
    low = max(place for place in range(n + 1) if binom.cdf(place - 1, n, q) <= 0.025)
    high = min(place for place in range(n + 2) if binom.sf(place - 1, n, q) <= 0.025)
    assert interval_ranks(n, numerator, denominator) == (low, high)


@pytest.mark.parametrize("statistic", QUANTILES)
def test_percentiles_agree_with_numpy_s_inverted_cdf(statistic):
    samples = np.random.default_rng(7).lognormal(size=4001)
    numerator, denominator = QUANTILES[statistic]
    expected = np.quantile(samples, numerator / denominator, method="inverted_cdf")
    assert estimate(list(samples), statistic).value == expected


def test_ranks_are_integers_where_floats_go_wrong():
    assert rank(200_000, 999, 1000) == 199_800
    assert at_rank([10, 20, 30], rank(3, 1, 2)) == 20


def test_below_the_least_n_there_is_no_figure():
    found = estimate([0.005] * 367, "p99")
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 367)


def test_an_interval_covers_the_true_quantile_at_least_95_times_in_100():
    draws = np.random.default_rng(11).exponential(size=(400, 400))
    true = -np.log(0.01)
    found = [estimate(list(row), "p99") for row in draws]
    covered = sum((one.low or 0) <= true <= (one.high or 0) for one in found)
    assert covered >= 0.93 * len(found)


def test_lost_updates_push_the_percentile_to_infinity():
    assert estimate([0.005] * 390 + [LOST] * 10, "p99").value == LOST
    assert estimate([0.005] * 399 + [LOST], "p99").value == 0.005


def test_max_has_no_uncertainty_and_nothing_has_no_max():
    assert estimate([1.0, 3.0, 2.0], "max").high == 3.0
    assert estimate([], "max").value is None
