"""The measure of growth tells what is linear from what is not."""

from functools import partial

from tests.growth import times_as_long


def linear(size):
    return sum(range(size))


def quadratic(size):
    return sum(1 for one in range(size) for other in range(size) if one == other)


def test_four_times_the_size_takes_four_times_as_long_where_the_time_is_linear():
    assert times_as_long(partial(linear, 400_000), partial(linear, 100_000), bound=7.0) < 7.0


def test_four_times_the_size_takes_sixteen_times_as_long_where_the_time_is_quadratic():
    assert times_as_long(partial(quadratic, 800), partial(quadratic, 200), bound=7.0) > 7.0
