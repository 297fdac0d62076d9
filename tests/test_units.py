import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import units
from harness.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("150ms", 0.15),
        ("20.4s", 20.4),
        ("1m30s", 90.0),
        ("1m30.5s", 90.5),
        ("250us", 0.00025),
        ("24h", 86_400.0),
        ("1d1h1m1s1ms1us", 90_061.001001),
        ("010s", 10.0),
    ],
)
def test_a_duration_is_seconds(text, seconds):
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5", 'got "5": a unit is always needed (us ms s m h d)'),
        ("5 s", 'got "5 s": no blank before the unit'),
        ("-5s", 'got "-5s": a duration has no sign'),
        ("", 'got "" (units: us ms s m h d)'),
        ("1e3s", 'got "1e3s" (units: us ms s m h d)'),
        (".5s", 'got ".5s" (units: us ms s m h d)'),
        ("5.s", 'got "5.s" (units: us ms s m h d)'),
        ("5S", 'got "5S" (units: us ms s m h d)'),
        ("٣s", 'got "٣s" (units: us ms s m h d)'),
        ("30s1m", 'expected larger units first and each once, as in 1m30s, got "30s1m"'),
        ("1s1s", 'expected larger units first and each once, as in 1m30s, got "1s1s"'),
        ("1.5m30s", 'expected a fraction in the last part only, as in 1m30.5s, got "1.5m30s"'),
        ("10001d", 'expected at most 10000d, got "10001d"'),
    ],
)
def test_what_is_no_duration_is_refused_with_its_reason(text, why):
    with pytest.raises(UsageError) as refusal:
        units.parse_duration(text)
    assert str(refusal.value).endswith(why)


def test_a_sum_of_durations_is_the_same_instant_as_the_literal():
    assert units.parse_instant("20.4s+500ms") == units.parse_instant("20.9s") == 20.9
    assert units.parse_instant("0.1s+0.2s") == units.parse_duration("300ms")


def test_a_size_is_whole_bytes_in_powers_of_1000():
    assert [units.parse_size(text) for text in ("200B", "10KB", "1.5MB", "0B")] == [200, 10_000, 1_500_000, 0]
    for text in ("0.5B", "1KiB", "10", "10 KB", "10kb"):
        with pytest.raises(UsageError, match="expected a"):
            units.parse_size(text)


def test_rates_are_per_second_and_bit_rates_bytes_per_second():
    assert units.parse_rate("200/s") == 200.0
    assert units.parse_rate("36/h") == 0.01
    assert units.parse_bit_rate("2Mbps") == 250_000.0
    assert units.parse_bit_rate("330kbps") == 41_250.0
    for text in ("200", "200/m", "2MBps", "2mbps"):
        with pytest.raises(UsageError, match="expected a rate such as"):
            units.parse_rate(text)
        with pytest.raises(UsageError, match="expected a rate such as"):
            units.parse_bit_rate(text)


def test_a_percentage_is_a_share_of_one():
    assert units.parse_percent("5%") == 0.05
    for text in ("5", "101%", "-1%"):
        with pytest.raises(UsageError, match="from 0% to 100%"):
            units.parse_percent(text)


def test_a_count_has_no_sign_no_exponent_and_no_leading_zero():
    assert units.parse_count("10") == 10
    for text in ("+1", "-1", "1e3", "010", "1.0", "1_000", ""):
        with pytest.raises(UsageError, match="expected a whole number such as 6"):
            units.parse_count(text)
    assert units.parse_count("9" * 15) == 10**15 - 1
    with pytest.raises(UsageError, match="expected a whole number such as 6 of at most 15 digits, got"):
        units.parse_count("9" * 16)


@given(st.integers(min_value=0, max_value=10_000 * 86_400 * 1_000_000))
def test_a_spelt_duration_reads_back(microseconds):
    seconds = round(microseconds / 1e6, 6)
    assert units.parse_duration(units.spell_duration(seconds)) == pytest.approx(seconds, abs=2e-7)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_spelt_size_reads_back(size):
    assert units.parse_size(units.spell_size(size)) == size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "500ms"), (90, "1m30s"), (20.4, "20.4s"), (0.00025, "0.25ms"), (3600, "1h"), (86_401, "1d1s")],
)
def test_a_duration_is_spelt_as_people_would(seconds, text):
    assert units.spell_duration(seconds) == text


def test_rates_and_sizes_are_spelt_in_their_own_units():
    assert [units.spell_bit_rate(rate) for rate in (250_000, 41_250)] == ["2Mbps", "330kbps"]
    assert [units.spell_size(size) for size in (200, 10_000, 1_500_000)] == ["200B", "10KB", "1.5MB"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0005, "0.5 ms"),
        (0.0018, "1.8 ms"),
        (0.009, "9 ms"),
        (0.031, "31 ms"),
        (0.0996, "0.1 s"),
        (0.3, "0.3 s"),
        (1.94, "1.9 s"),
        (121.34, "121.3 s"),
        (432, "7m12s"),
        (3_900, "1h05m"),
        (-1.9, "-1.9 s"),
        (float("inf"), "never"),
    ],
)
def test_a_measured_time_is_formatted_for_people(seconds, text):
    assert units.format_duration(seconds) == text


def test_sizes_are_formatted_for_people():
    assert [units.format_size(size) for size in (214, 10_000, 1_540_000)] == ["214 B", "10.0 KB", "1.5 MB"]


def test_a_quoted_text_is_one_short_printable_line():
    assert units.quote("a\nb\x07") == '"a\\nb\\x07"'
    assert len(units.quote("x" * 1000)) == 62
