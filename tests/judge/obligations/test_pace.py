import pytest

from harness.history import Dial
from harness.judge.facts.attempts import AttemptLife
from harness.judge.obligations.pace import Plain, herd, herd_of_many, most_alike
from harness.judge.obligations.rows import DueWindow, ObligationRow
from harness.judge.obligations.walk import DueDial

DIAL = Dial(client="c1", path="wifi", port=0, from_ns=0, to_ns=0, fate="refused")
ATTEMPT = AttemptLife(began_ns=0, record=DIAL)
STEP = DueDial(ATTEMPT, ATTEMPT, DueWindow(row=ObligationRow.PLAIN, low=0.0, high=1.0), sure=True)


def plain(*ratios: float, n: int = 0) -> list[Plain]:
    return [Plain(STEP, n, ratio) for ratio in ratios]


def ratios(waits: list[Plain]) -> list[float]:
    return [one.ratio for one in waits]


def test_of_no_waits_none_are_alike():
    assert (most_alike([]), herd([]), herd_of_many([])) == ([], [], [])


def test_alike_are_those_within_two_in_a_thousand_of_the_larger():
    assert ratios(most_alike(plain(0.7, 0.9, 0.7014, 0.7001, 0.8))) == [0.7, 0.7001, 0.7014]
    assert ratios(most_alike(plain(0.7, 0.7015))) == [0.7]


@pytest.mark.parametrize(
    ("waits", "found"),
    [
        ([0.7] * 4 + [0.8, 0.9], 4),
        ([0.7] * 4 + [0.8], 0),  # five are too few to say anything
        ([0.7] * 3 + [0.8, 0.9, 1.0], 0),  # three may be by chance
        ([0.7] * 4 + [0.5 + place / 100 for place in range(9)], 0),  # four of thirteen are no third
    ],
)
def test_a_herd_is_four_and_a_third_of_at_least_six(waits, found):
    assert len(herd(plain(*waits))) == found


def test_a_herd_of_many_clients_is_one_at_one_n():
    alike = [*plain(0.7, 0.7, 0.7, n=1), *plain(0.7, 0.7, 0.7, n=2)]
    assert herd_of_many(alike) == []
    assert len(herd_of_many([*alike, *plain(0.7, 0.7, 0.7, n=1)])) == 6
