from harness.seams import Direction
from harness.toxics import Shape, toxics_of
from harness.toxics.shape import line_time

DOWN, UP = Direction.DOWNSTREAM, Direction.UPSTREAM


def as_words(shape: Shape, direction: Direction) -> list[tuple[str, dict[str, int]]]:
    return [(spec.name, spec.toxic.attributes) for spec in toxics_of(shape, direction)]


def test_no_shape_is_no_toxic():
    assert toxics_of(Shape(), DOWN) == ()


def test_latency_and_jitter_hold_in_each_direction():
    shape = Shape(latency=0.035, jitter=0.015)
    assert as_words(shape, DOWN) == [("latency_downstream", {"latency": 35, "jitter": 15})]
    assert as_words(shape, UP) == [("latency_upstream", {"latency": 35, "jitter": 15})]


def test_half_a_millisecond_is_rounded_up():
    assert as_words(Shape(latency=0.0125), DOWN) == [("latency_downstream", {"latency": 13, "jitter": 0})]


def test_each_direction_has_its_rate_in_whole_kilobytes():
    shape = Shape(down=1_500_400.0, up=93_750.0)
    assert as_words(shape, DOWN) == [("bandwidth_downstream", {"rate": 1500})]
    assert as_words(shape, UP) == [("bandwidth_upstream", {"rate": 94})]


def test_a_rate_is_at_least_1_and_0_is_a_stall():
    assert as_words(Shape(down=20.0, up=0.0), DOWN) == [("bandwidth_downstream", {"rate": 1})]
    assert as_words(Shape(down=20.0, up=0.0), UP) == [("bandwidth_upstream", {"rate": 0})]


def test_slices_pause_for_a_millisecond():
    wanted = [("slicer_downstream", {"average_size": 7, "size_variation": 0, "delay": 1000})]
    assert as_words(Shape(slice_size=7), DOWN) == wanted


def test_the_order_is_latency_then_rate_then_slices():
    shape = Shape(latency=0.1, down=1e6, slice_size=5)
    assert [spec.toxic.type for spec in toxics_of(shape, DOWN)] == ["latency", "bandwidth", "slicer"]
    assert all(spec.toxicity == 1.0 and spec.direction is DOWN for spec in toxics_of(shape, DOWN))


def test_a_line_is_busy_for_its_rate_and_for_a_pause_after_each_slice():
    assert line_time(Shape(latency=0.035), 1_000) == 0.0
    assert line_time(Shape(down=50_000.0), 1_000) == 0.02
    assert line_time(Shape(slice_size=64), 1_000) == 0.016
    assert line_time(Shape(down=50_000.0, slice_size=64), 1_000) == 0.02 + 0.016
