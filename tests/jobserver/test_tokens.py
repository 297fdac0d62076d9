import random

from harness.jobserver.tokens import MOST, Tokens, bearer


def tokens() -> Tokens:
    return Tokens(30.0, random.Random(1))


def test_token_is_valid_until_its_time_and_not_at_it():
    issued = tokens()
    header = f"Bearer {issued.issue(10.0)}"
    assert issued.expiry(bearer(header), 39.9) == 40.0
    assert issued.expiry(bearer(header), 40.0) is None


def test_earlier_tokens_stay_valid():
    issued = tokens()
    first = issued.issue(0.0)
    issued.issue(5.0)
    assert issued.expiry(bearer(f"bearer {first}"), 6.0) == 30.0


def test_other_schemes_and_words_are_no_tokens():
    issued = tokens()
    token = issued.issue(0.0)
    assert [issued.expiry(bearer(header), 1.0) for header in ("", token, f"Basic {token}", "Bearer x")] == [None] * 4


def test_number_of_tokens_is_bounded():
    issued = tokens()
    first = issued.issue(0.0)
    for _ in range(MOST):
        issued.issue(1.0)
    assert len(issued._expiry) == MOST
    assert issued.expiry(bearer(f"Bearer {first}"), 1.0) is None
