"""Acts that cannot follow others: every act in every state that the language's own deeds can bring about."""

import pytest

from harness.deeds.acts import Deed
from harness.deeds.network_state import Fold
from harness.scenario.deeds import parse_deed
from harness.scenario.sense import senseless
from tests.deeds.networks import network_of

PATHS = {"wifi": None, "cellular": None}


def why(*texts: str, at: float = 1.0) -> str:
    """Return what is wrong with the last of these deeds, a second apart."""
    fold, found = Fold(network_of(*PATHS)), ""
    for number, text in enumerate(texts):
        actor, _, words = text.partition(": ")
        second = at * number
        deed = Deed(index=number, at=second, actor=actor, act=parse_deed(actor, words, PATHS).act, text=words)
        list(fold.pass_to(second))
        found = senseless(fold.state, deed)
        fold.do(deed, second)
    return found


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["device: joins wifi"], "wifi is joined already at 0s"),
        (["device: goes offline", "device: joins wifi"], "wifi is joined already at 1s"),
        (["device: prefers cellular"], "cellular is not joined at 0s (joined: wifi)"),
        (["device: loses wifi", "device: loses wifi"], "wifi is not joined at 1s (joined: none)"),
        (["device: goes offline", "device: goes offline"], "the device is offline already at 1s"),
        (["device: comes online"], "the device is not offline at 0s"),
        (["device: goes offline", "device: comes online", "device: comes online"], "the device is not offline at 2s"),
        (["device: suspends for 2s", "device: suspends for 2s"], "the device is suspended already at 1s"),
        (["job: pauses", "job: pauses"], "the job is paused already at 1s"),
        (["job: resumes"], "the job is not paused at 0s"),
        (["job: completes", "job: resumes"], "the job has been ended already at 1s"),
        (["job: completes", "job: times out"], "the job has been ended already at 1s"),
        (["job: completes", "job: bursts 5/s for 1s"], "the job has been ended already at 1s"),
    ],
)
def test_what_says_what_is_or_what_cannot_be_is_senseless(texts, said):
    assert why(*texts) == said


@pytest.mark.parametrize(
    "texts",
    [
        ["device: joins cellular", "device: prefers cellular"],
        ["device: goes offline", "device: loses wifi", "device: joins wifi"],
        ["device: goes offline", "device: joins cellular", "device: comes online"],
        ["device: suspends for 1s", "device: suspends for 1s"],  # the first is over at that instant
        ["job: pauses", "job: resumes", "job: pauses"],
        ["job: bursts 5/s for 9s", "job: bursts 5/s for 9s"],
        ["wifi: silent", "wifi: silent"],
        ["middle: clears", "middle: shows portal", "middle: shows portal"],
        ["server: recovers", "server: hangs", "server: drains"],
        ["job: completes", "wifi: silent"],
    ],
)
def test_what_can_be_done_makes_sense(texts):
    assert why(*texts) == ""
