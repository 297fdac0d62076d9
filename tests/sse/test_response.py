import calendar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sse import REFERENCE, Meaning, judge_response, parse_retry_after
from harness.sse.response import media_type

NOW = float(calendar.timegm((1994, 11, 6, 8, 49, 0)))


def meaning(status, content_type="text/event-stream", policies=REFERENCE, **options):
    return judge_response(status, content_type, policies, **options).meaning


@pytest.mark.parametrize(
    "kind",
    [
        "text/event-stream",
        "TEXT/Event-Stream",
        "text/event-stream;charset=x",
        " text/event-stream ; a=b",
        "text/event-stream, text/event-stream",
        "text/html, text/event-stream; charset=utf-8",
        "text/event-stream,",
        "text/event-stream, */*",
        "text/event-stream, nonsense",
        'text/event-stream; a="x, text/html"',
        "\ttext/event-stream",
    ],
)
def test_item_56_200_with_the_right_essence_opens(kind):
    assert meaning(200, kind) is Meaning.OPEN


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/html",
        "text/event-streams",
        "application/text/event-stream",
        "text/event-stream/x",
        "text/event-stream, text/html",
        'text/html; a="x, text/event-stream',
        'text/html; a="\\", text/event-stream"',
    ],
)
def test_item_57_a_wrong_content_type_is_retried(kind):
    assert meaning(200, kind) is Meaning.RETRY


def test_a_wrong_content_type_is_named():
    assert judge_response(200, "text/html", REFERENCE).reason == "expected text/event-stream, got 'text/html'"
    assert judge_response(200, None, REFERENCE).reason == "expected text/event-stream, got no content type"


@pytest.mark.parametrize("status", [403, 408, 425, 429, 500, 502, 503, 504, 599])
def test_item_59_what_the_policy_retries_is_retried(status):
    assert meaning(status) is Meaning.RETRY


@pytest.mark.parametrize("status", [204, 400, 404, 405, 418, 451, 499])
def test_item_58_what_the_policy_stops_at_stops(status):
    assert meaning(status) is Meaning.STOP


@pytest.mark.parametrize("status", [201, 205, 206, 299, 302, 304])
def test_what_no_policy_names_is_retried(status):
    assert meaning(status) is Meaning.RETRY


def test_a_cursor_that_is_no_good_asks_for_a_snapshot():
    assert meaning(409) is meaning(410) is Meaning.SNAPSHOT


def test_the_first_401_refreshes_the_token_and_the_second_is_like_any_4xx():
    assert meaning(401) is Meaning.REFRESH_TOKEN
    assert meaning(401, token_refreshed=True) is Meaning.STOP


def test_retries_wins_over_stops():
    policies = msgspec.structs.replace(REFERENCE, retries=("404", "5xx"), stops=("4xx", "503"))
    assert meaning(404, policies=policies) is Meaning.RETRY
    assert meaning(503, policies=policies) is Meaning.RETRY
    assert meaning(403, policies=policies) is Meaning.STOP


def test_the_browsers_rule_can_be_had():
    policies = msgspec.structs.replace(REFERENCE, retries=(), stops=("2xx", "3xx", "4xx", "5xx"))
    assert {meaning(status, policies=policies) for status in (204, 205, 304, 404, 500, 503)} == {Meaning.STOP}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("00120", 120.0),
        ("-5", 0.0),
        ("9" * 6_000, 2.0**31 - 1),
        ("99999999999", 2.0**31 - 1),
        ("00000000000000007", 7.0),
    ],
)
def test_retry_after_in_seconds(value, seconds):
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_retry_after_as_each_form_of_a_date(value):
    assert parse_retry_after(value, NOW) == 37.0


def test_a_date_in_the_past_is_now():
    assert parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", NOW) == 0.0


@pytest.mark.parametrize(
    "value", ["", "-", "soon", "1.5", "1e3", "12 s", "٣", "Sun, 99 Nov 1994 08:49:37 GMT", "GMT", "--5"]
)
def test_junk_asks_for_nothing(value):
    assert parse_retry_after(value, NOW) is None


@given(st.text(max_size=40))
def test_no_text_breaks_retry_after(value):
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds < 2**31


@pytest.mark.parametrize("piece", [",", '"', '\\"', '",', "a,", '"\\', "text/html,", "/"])
def test_a_content_type_of_any_length_is_read_in_linear_time(piece):
    """Each of 200,000 characters is looked at a few times: what were quadratic would take minutes."""
    media_type(piece * (200_000 // len(piece)))


@given(st.text(alphabet='a/;,"\\ *', max_size=40))
def test_a_content_type_is_one_type_or_none(value):
    found = media_type(value)
    assert not found or (found.count("/") == 1 and found in value.lower())
