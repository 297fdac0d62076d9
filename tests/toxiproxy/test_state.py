"""The differences between the state that a run left and the state that the server tells."""

import msgspec
import pytest

from harness.toxiproxy.state import ProxyState, ToxicState, difference, reshaped

LATENCY = ToxicState(name="latency_upstream", type="latency", stream="upstream", attributes={"latency": 35})
RATE = ToxicState(name="bandwidth_upstream", type="bandwidth", stream="upstream", attributes={"rate": 10})
DOWN = ToxicState(name="latency_downstream", type="latency", stream="downstream", attributes={"latency": 35})
LEFT = ProxyState(name="wifi", listen="127.0.0.1:1", upstream="127.0.0.1:2", enabled=True, toxics=[LATENCY, RATE, DOWN])


def but(**changes):
    return msgspec.structs.replace(LEFT, **changes)


def other(toxic, **changes):
    return msgspec.structs.replace(toxic, **changes)


FOREIGN = ToxicState(name="mine\x1b[31m", type="timeout", stream="upstream", attributes={"timeout": 0})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (LEFT, ""),
        (None, "is gone"),
        (but(enabled=False), "is disabled"),
        (but(listen="127.0.0.1:9"), 'has another listen: "127.0.0.1:9" where 127.0.0.1:1 was'),
        (but(upstream="e\x1bvil:9"), 'has another upstream: "e\\x1bvil:9" where 127.0.0.1:2 was'),
        (but(toxics=[LATENCY, RATE]), "lacks the toxic latency_downstream (latency=35)"),
        (but(toxics=[]), "lacks the toxic latency_upstream (latency=35)"),
        (
            but(toxics=[LATENCY, RATE, other(DOWN, attributes={"latency": 1})]),
            (
                'has "latency_downstream: latency downstream latency=1" where '
                '"latency_downstream: latency downstream latency=35" was'
            ),
        ),
        (
            but(toxics=[other(LATENCY, toxicity=0.5), RATE, DOWN]),
            (
                'has "latency_upstream: latency upstream latency=35 toxicity=0.5" where '
                '"latency_upstream: latency upstream latency=35" was'
            ),
        ),
        (
            but(toxics=[LATENCY, RATE, other(DOWN, type="slicer")]),
            (
                'has "latency_downstream: slicer downstream latency=35" where '
                '"latency_downstream: latency downstream latency=35" was'
            ),
        ),
        (
            but(toxics=[LATENCY, RATE, FOREIGN, DOWN]),
            'has a toxic that is not this run\'s: "mine\\x1b[31m: timeout upstream timeout=0"',
        ),
        (
            but(toxics=[RATE, LATENCY, DOWN]),
            "has its toxics in another order: bandwidth_upstream, latency_upstream, latency_downstream",
        ),
    ],
)
def test_a_difference_is_named(found, said):
    assert difference(LEFT, found) == said


def test_toxics_that_nobody_knows_are_not_compared():
    assert difference(LEFT, but(toxics=[]), toxics=False) == ""
    assert difference(LEFT, but(enabled=False, toxics=[]), toxics=False) == "is disabled"


def test_a_change_keeps_the_place_of_what_stays_and_appends_what_is_new():
    slicer = ToxicState(name="slicer_upstream", type="slicer", stream="upstream", attributes={"average_size": 3})
    slower = other(RATE, attributes={"rate": 5})
    wanted = {each.name: each for each in (slicer, slower)}
    assert reshaped(LEFT.toxics, wanted, ["upstream"]) == [slower, slicer, DOWN]
    assert reshaped(LEFT.toxics, {}, ["upstream", "downstream"]) == []
