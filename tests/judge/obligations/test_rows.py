import math

import msgspec
import pytest

from harness.judge.obligations.rows import ObligationRow, delay, waits
from harness.sse.policy import Jitter, Policies

UNSET = msgspec.UNSET


def undeclared(*fields: str) -> Policies:
    return msgspec.structs.replace(Policies(), **dict.fromkeys(fields, UNSET))


def windows(policies: Policies, n: int = 0, retry: int | None = None, asked: float | None = None):
    return [(one.row, one.low, one.high) for one in waits(policies, (10.0, 11.0), n, retry, asked)]


def test_d_doubles_up_to_the_cap():
    assert [delay(Policies(), n, None)[0] for n in (0, 1, 4, 5, 99)] == [1.0, 2.0, 16.0, 30.0, 30.0]


def test_a_reconnection_time_is_the_base_and_the_cap_does_not_undercut_it():
    assert (delay(Policies(), 1, 5.0), delay(Policies(), 9, 40.0)) == ((10.0, 10.0), (40.0, 40.0))


def test_d_is_as_wide_as_what_was_not_declared():
    assert delay(undeclared("backoff_base"), 3, None) == (0.0, 30.0)
    assert delay(undeclared("backoff_cap"), 3, None) == (1.0, math.inf)
    assert delay(undeclared("backoff_base", "backoff_cap"), 3, None) == (0.0, math.inf)


@pytest.mark.parametrize(("jitter", "low"), [(Jitter.HALF, 11.0), (Jitter.FULL, 10.0), (Jitter.NONE, 12.0)])
def test_row_20_is_the_share_of_d_that_the_jitter_allows(jitter, low):
    assert windows(Policies(jitter=jitter), n=1) == [(ObligationRow.PLAIN, low, 13.0)]


def test_row_20_of_an_unknown_jitter_has_no_earliest():
    assert windows(undeclared("jitter"), n=1) == [(ObligationRow.PLAIN, 10.0, 13.0)]


def test_row_21_is_no_shorter_than_the_retry_and_half_longer():
    assert windows(Policies(), n=1, retry=4000) == [(ObligationRow.RETRY, 18.0, 23.0)]


def test_row_21_has_no_bounds_where_the_clamp_is_unknown():
    assert windows(undeclared("server_retry_max"), retry=4000) == [(ObligationRow.RETRY, 10.0, math.inf)]


def test_row_22_is_a_retry_after_and_the_base():
    assert windows(Policies(), asked=7.0) == [(ObligationRow.RETRY_AFTER, 17.0, 19.0)]
    assert windows(Policies(), asked=7.0, retry=9000) == [(ObligationRow.RETRY_AFTER, 19.0, 29.0)]


def test_row_22_is_cut_to_what_the_policies_obey():
    assert windows(Policies(retry_stream=20.0), asked=9e8) == [(ObligationRow.RETRY_AFTER, 40.0, 42.0)]


def test_a_retry_after_that_is_ignored_or_not_declared_leaves_the_plain_wait():
    assert windows(Policies(obeys_retry_after=False), asked=7.0) == [(ObligationRow.PLAIN, 10.5, 12.0)]
    assert [row for row, *_ in windows(undeclared("obeys_retry_after"), asked=7.0)] == [
        ObligationRow.RETRY_AFTER,
        ObligationRow.PLAIN,
    ]


def test_a_date_that_only_the_client_can_read_has_no_bounds():
    assert windows(Policies(), asked=math.nan) == [(ObligationRow.RETRY_AFTER, 10.0, math.inf)]


def test_a_row_is_called_by_number_and_word():
    assert ObligationRow.PLAIN.called == "row 20, plain wait"
