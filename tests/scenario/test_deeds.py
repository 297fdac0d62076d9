import pytest

from harness.device.words import Reach
from harness.errors import UsageError
from harness.scenario.deeds import parse_device_deed, parse_path_deed
from harness.scenario.model import (
    ComesOnline,
    GoesOffline,
    Joins,
    Loses,
    Prefers,
    SetReach,
    SetShape,
    SetSlice,
)
from harness.scenario.profiles import PROFILES
from harness.seams import Direction

PATHS = {"wifi": None, "cellular": None}


@pytest.mark.parametrize("word", Reach)
def test_every_state_is_a_deed(word):
    assert parse_path_deed(word.value) == SetReach(word=word)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("closed once", SetReach(word=Reach.CLOSED, once=True)),
        ("reset once", SetReach(word=Reach.RESET, once=True)),
        ("stalled downstream only", SetReach(word=Reach.STALLED, direction=Direction.DOWNSTREAM)),
        ("silent  upstream only", SetReach(word=Reach.SILENT, direction=Direction.UPSTREAM)),
        ("sliced to 16B", SetSlice(size=16)),
    ],
)
def test_path_deeds(text, act):
    assert parse_path_deed(text) == act


def test_a_profile_is_a_deed_that_sets_shape_radio_and_loss():
    profile = PROFILES["3g"]
    act = SetShape(profile="3g", shape=profile.shape, radio=profile.radio, loss=0.005)
    assert parse_path_deed("3g") == act
    assert parse_path_deed("3g over 5s").over == 5.0
    both = parse_path_deed("3g over 5s downstream only")
    assert (both.over, both.direction) == (5.0, Direction.DOWNSTREAM)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("silnet", '"silnet" is no state or profile (did you mean "silent"?)'),
        ("", '"" is no state or profile'),
        ("silent for 5s", '"for" is not built yet (in "silent for 5s")'),
        ("stalled for 5s downstream only", '"for" is not built yet (in "stalled for 5s downstream only")'),
        ("closed mid id", '"mid" is not built yet (in "closed mid id")'),
        ("lte over 200ms to 4.5s", '"to" is not built yet (in "lte over 200ms to 4.5s")'),
        ("up once", 'only closed and reset can be "once", got "up once"'),
        ("up downstream only", 'only stalled, silent and profiles can be "downstream only", got "up downstream only"'),
        ("silent now", 'expected nothing after "silent" but its direction, got "silent now"'),
        ("lte slowly", 'expected lte [over DURATION], got "lte slowly"'),
        ("sliced", 'expected "sliced to SIZE", such as "sliced to 16B", got "sliced"'),
        ("sliced to 0B", 'expected slices of at least 1B, got "sliced to 0B"'),
        ("offline", '"offline" is for the start of a path: expected "silent" as a deed'),
    ],
)
def test_wrong_path_deeds(text, why):
    with pytest.raises(UsageError) as refusal:
        parse_path_deed(text)
    assert str(refusal.value) == why


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("joins cellular", Joins(path="cellular")),
        ("prefers wifi", Prefers(path="wifi")),
        ("loses wifi", Loses(path="wifi")),
        ("goes offline", GoesOffline()),
        ("comes online", ComesOnline()),
    ],
)
def test_device_deeds(text, act):
    assert parse_device_deed(text, PATHS) == act


FORMS = "expected joins PATH, prefers PATH, loses PATH, goes offline, comes online"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("loses wify", '"wify" is no path of this file (did you mean "wifi"?): it has wifi, cellular'),
        ("loses", f'"loses" is no deed of the device: {FORMS}'),
        ("looses wifi", f'"looses wifi" is no deed of the device (did you mean "loses"?): {FORMS}'),
        ("goes away", f'"goes away" is no deed of the device: {FORMS}'),
        ("suspends for 45s", '"device: suspends for 45s" is not built yet'),
        ("clock +1h", '"device: clock +1h" is not built yet'),
        ("cannot resolve for 20s", '"device: cannot resolve for 20s" is not built yet'),
        ("resolves in 3s", '"device: resolves in 3s" is not built yet'),
        ("goes offline for 5s", '"for" is not built yet (in "device: goes offline for 5s")'),
    ],
)
def test_wrong_device_deeds(text, why):
    with pytest.raises(UsageError) as refusal:
        parse_device_deed(text, PATHS)
    assert str(refusal.value) == why
