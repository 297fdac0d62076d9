import pytest

from harness.deeds.acts import (
    ComesOnline,
    Cuts,
    GoesOffline,
    Joins,
    Limits,
    Loses,
    Prefers,
    SetReach,
    SetShape,
    SetSlice,
    Suspends,
)
from harness.device.words import Reach
from harness.errors import UsageError
from harness.scenario.deeds import parse_deed
from harness.scenario.forms import ParsedDeed
from harness.scenario.profiles import PROFILES
from harness.vocabulary import Direction

PATHS = {"wifi": None, "cellular": None}
UP_ONLY, DOWN_ONLY = Direction.UPSTREAM, Direction.DOWNSTREAM


@pytest.mark.parametrize("word", Reach)
def test_every_state_is_a_deed_and_may_have_a_span(word):
    assert parse_deed("wifi", word.value, PATHS) == ParsedDeed(SetReach(word=word))
    assert parse_deed("wifi", f"{word} for 1m30s", PATHS) == ParsedDeed(SetReach(word=word), 90.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("closed once", ParsedDeed(SetReach(word=Reach.CLOSED, once=True))),
        ("reset once", ParsedDeed(SetReach(word=Reach.RESET, once=True))),
        ("stalled downstream only", ParsedDeed(SetReach(word=Reach.STALLED, direction=DOWN_ONLY))),
        ("silent  upstream only", ParsedDeed(SetReach(word=Reach.SILENT, direction=UP_ONLY))),
        ("stalled for 5s downstream only", ParsedDeed(SetReach(word=Reach.STALLED, direction=DOWN_ONLY), 5.0)),
        ("closed mid id", ParsedDeed(Cuts(how=Reach.CLOSED, mid="id"))),
        ("reset mid character", ParsedDeed(Cuts(how=Reach.RESET, mid="character"))),
        ("closed mid data", ParsedDeed(Cuts(how=Reach.CLOSED, mid="data"))),
        ("reset mid event", ParsedDeed(Cuts(how=Reach.RESET, mid="event"))),
        ("limited to 64kbps", ParsedDeed(Limits(rate=8_000.0))),
        ("limited to 100kbps for 1s", ParsedDeed(Limits(rate=12_000.0), 1.0)),
        ("sliced to 16B", ParsedDeed(SetSlice(size=16))),
        ("sliced to 1KB for 500ms", ParsedDeed(SetSlice(size=1000), 0.5)),
    ],
)
def test_path_deeds(text, said):
    assert parse_deed("wifi", text, PATHS) == said


def test_a_profile_is_a_deed_that_sets_shape_radio_and_loss():
    profile = PROFILES["3g"]
    act = SetShape(profile="3g", shape=profile.shape, radio=profile.radio, loss=0.005)
    assert parse_deed("wifi", "3g", PATHS) == ParsedDeed(act)
    assert parse_deed("wifi", "3g for 10s upstream only", PATHS).act.direction is UP_ONLY
    assert parse_deed("wifi", "3g over 5s", PATHS).act.over == 5.0
    both = parse_deed("wifi", "3g over 5s downstream only", PATHS).act
    assert (both.over, both.direction) == (5.0, DOWN_ONLY)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("silnet", '"silnet" is no state or profile (did you mean "silent"?)'),
        ("", '"" is no state or profile'),
        ("limited to 7kbps", "expected at least 8kbps, since a proxy counts whole KB/s and stalls at 0, got 7kbps"),
        ("silent for 0s", 'expected more than zero after "for", got "silent for 0s"'),
        (
            "silent for 5",
            'expected a duration such as 150ms or 1m30s, got "5": a unit is always needed (us ms s m h d)',
        ),
        (
            "closed mid word",
            (
                'expected "closed [for DURATION]" or "closed once" or "closed mid id|data|character|event", '
                'got "closed mid word"'
            ),
        ),
        ("up once", 'expected "up [for DURATION]", got "up once"'),
        ("silent now", 'expected "silent [for DURATION] [downstream|upstream only]", got "silent now"'),
        (
            "stalled downstream only for 5s",
            'expected "stalled [for DURATION] [downstream|upstream only]", got "stalled downstream only for 5s"',
        ),
        (
            "lte slowly",
            (
                'expected "lte [for DURATION] [downstream|upstream only]" or '
                '"lte over DURATION [downstream|upstream only]", got "lte slowly"'
            ),
        ),
        ("sliced", 'expected "sliced to SIZE [for DURATION]", got "sliced"'),
        ("sliced to 0B", "expected slices of at least 1B, got 0B"),
        ("sliced to 16", 'expected a size such as 200B, 10KB or 1MB, got "16"'),
        ("offline", '"offline" is for the start of a path: expected "silent" as a deed'),
    ],
)
def test_wrong_path_deeds(text, why):
    with pytest.raises(UsageError) as refusal:
        parse_deed("wifi", text, PATHS)
    assert str(refusal.value) == why


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("joins cellular", ParsedDeed(Joins(path="cellular"))),
        ("prefers wifi", ParsedDeed(Prefers(path="wifi"))),
        ("loses wifi", ParsedDeed(Loses(path="wifi"))),
        ("goes offline", ParsedDeed(GoesOffline())),
        ("goes offline for 5s", ParsedDeed(GoesOffline(), 5.0)),
        ("comes online", ParsedDeed(ComesOnline())),
        ("suspends for 45s", ParsedDeed(Suspends(lasts=45.0))),
        ("suspends for 45s silently", ParsedDeed(Suspends(lasts=45.0, silently=True))),
    ],
)
def test_device_deeds(text, said):
    assert parse_deed("device", text, PATHS) == said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("loses wify", '"wify" is no path of this file (did you mean "wifi"?): it has wifi, cellular'),
        ("loses", 'expected "loses PATH", got "loses"'),
        ("looses wifi", '"looses wifi" is no deed of the device (did you mean "loses"?)'),
        ("goes away", 'expected "goes offline [for DURATION]", got "goes away"'),
        ("suspends for 0s", "expected more than zero, got 0"),
        ("suspends", 'expected "suspends for DURATION [silently]", got "suspends"'),
        ("suspends for 2s silent", 'expected "suspends for DURATION [silently]", got "suspends for 2s silent"'),
        (
            "naps",
            (
                '"naps" is no deed of the device: expected joins PATH, prefers PATH, loses PATH, '
                "goes offline [for DURATION], comes online, suspends for DURATION [silently]"
            ),
        ),
        ("clock +1h", '"device: clock +1h" is not built yet'),
        ("cannot resolve for 20s", '"device: cannot resolve for 20s" is not built yet'),
        ("resolves in 3s", '"device: resolves in 3s" is not built yet'),
    ],
)
def test_wrong_device_deeds(text, why):
    with pytest.raises(UsageError) as refusal:
        parse_deed("device", text, PATHS)
    assert str(refusal.value) == why
